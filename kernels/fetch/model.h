/*
 * What a model is and what it is given. A model moves bytes and events for one worker's
 * connections; what the bytes mean is protocol/'s business and what is measured is the lab's.
 *
 * A lane is one fetch in flight at a time. It owns a connection for each endpoint of the run, of
 * which one is busy; with one endpoint a lane and its connection are the same thing. A model
 * starts every lane with worker_next(), moves connections until a fetch is over (WANT_NOTHING),
 * asks worker_next() for the lane's next one, and returns when no lane is left or stop is set.
 *
 * Between the start barrier and its return a model reads no clock, prints nothing and allocates
 * nothing.
 */
#ifndef FETCH_MODEL_H
#define FETCH_MODEL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels/fetch/calls.h"
#include "kernels/protocol/connection.h"

/* First axis: who finds out that a socket is ready, the program or the kernel? */
enum notification { NOTIFY_SYNC, NOTIFY_ASYNC, NOTIFY_NONE };
/* Second axis: nothing is ready; does the thread sleep in the kernel or keep control? */
enum wait_mode { WAIT_BLOCK, WAIT_SPIN };

/* Bytes that one receive may take: the same for every model. */
#define RECEIVE_SIZE ((size_t)64 * 1024)

struct worker;

/* The lab's side: what a worker's lanes do next. */
struct driver {
	/*
	 * The lane of `connection` is free: begins its next fetch and returns the connection that
	 * carries it, or NULL when the lane has no more to do (in_flight is then one less).
	 */
	struct connection *(*next)(struct worker *worker, struct connection *connection);
	/* fetch-floor only: so many fetches and bytes more; true: go on. */
	bool (*counted)(struct worker *worker, unsigned fetches, uint64_t bytes);
};

struct worker {
	unsigned index;
	unsigned lanes;
	unsigned endpoints_count;
	struct connection *connections; /* lanes x endpoints; lane i's begin at i * endpoints */
	const struct endpoint *endpoints;
	unsigned in_flight; /* lanes that are not at their end */
	enum wait_mode wait;
	const atomic_bool *stop; /* set from a signal handler: return at once */
	const struct driver *driver;
	/* Other work for a thread that got control back with nothing to do; NULL without. */
	void (*idle)(void *context);
	void *idle_context;
	struct calls calls;
	uint8_t *receive_buffer; /* RECEIVE_SIZE bytes, shared by the worker's connections */
	void *model;		 /* the model's own, made by prepare() */
};

struct model {
	const char *name;
	enum notification notification;
	bool waits[2];	     /* which wait modes it can do */
	bool kernel_helpers; /* the kernel may run threads of its own for it, to be billed */
	bool one_lane;	     /* one connection a worker */
	const char *about;   /* one line for the help */
	/*
	 * Makes what run() needs, on the worker's own thread, after it is pinned and before the
	 * barrier. Returns 0 or -errno with one line in why.
	 */
	int (*prepare)(struct worker *worker, char *why, size_t why_size);
	/* Runs all lanes to their end. Returns 0, or -errno when the model itself broke down. */
	int (*run)(struct worker *worker);
	/* Closes every socket and frees what prepare() made; also after a failed prepare(). */
	void (*release)(struct worker *worker);
	/* What is in effect, for the record: "" or a list with commas. Valid after prepare(). */
	const char *(*variant)(const struct worker *worker);
};

#define MODEL(name) extern const struct model model_##name;
#include "kernels/fetch/models.def"
#undef MODEL

static inline struct connection *worker_next(struct worker *worker, struct connection *connection)
{
	return worker->driver->next(worker, connection);
}

static inline bool worker_stopped(const struct worker *worker)
{
	return atomic_load_explicit(worker->stop, memory_order_relaxed);
}

/* The first connection of a lane, to start it with. */
static inline struct connection *worker_lane(struct worker *worker, unsigned lane)
{
	return &worker->connections[(size_t)lane * worker->endpoints_count];
}

#endif
