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
#include <string.h>

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
	 * carries it. NULL when the lane has no more to do (in_flight is then one less) or, in an
	 * open loop, when no fetch is due: due() gives the lane work again.
	 */
	struct connection *(*next)(struct worker *worker, struct connection *connection);
	/* Open loop: begins the fetch that is due on a lane that is free, or NULL. */
	struct connection *(*due)(struct worker *worker);
	/* Open loop: how long until due() may have something, in ns; -1: a fetch must end first. */
	int64_t (*until_due_ns)(struct worker *worker);
	/* Whether the fetch under way has had its time: it then failed and wants CLOSE. */
	bool (*overdue)(struct worker *worker, struct connection *connection);
	/* fetch-floor only: so many fetches and bytes more; true: go on. */
	bool (*counted)(struct worker *worker, unsigned fetches, uint64_t bytes);
};

/* What a model's own option may carry behind a colon: `napi:20us`, `sqpoll:3`. */
enum option_value { VALUE_NONE, VALUE_DURATION, VALUE_NUMBER };

/* A named variant of a model: one row, of which parsing, help and --list-options come. */
struct model_option {
	const char *name;
	enum option_value value;
	bool required; /* the value */
	const char *help;
};

/* One that was asked for. */
struct model_choice {
	const struct model_option *option;
	bool has_value;
	uint64_t value; /* ns for a duration */
};

#define MODEL_CHOICES_MAX 16

struct model_choices {
	struct model_choice list[MODEL_CHOICES_MAX];
	unsigned count;
};

struct worker {
	unsigned index;
	unsigned lanes;
	unsigned endpoints_count;
	struct connection *connections; /* lanes x endpoints; lane i's begin at i * endpoints */
	const struct endpoint *endpoints;
	unsigned in_flight; /* lanes that are not at their end */
	enum wait_mode wait;
	bool open_loop;		 /* fetches are due by a schedule, see driver */
	const atomic_bool *stop; /* set from a signal handler: return at once */
	atomic_bool tick;	 /* likewise, now and then: some fetch may be overdue */
	bool unread;		 /* of readiness.h: a connection was left with bytes to receive */
	const struct driver *driver;
	const struct model_choices *choices;
	/* Other work for a thread that got control back with nothing to do; NULL without. */
	void (*idle)(void *context);
	void *idle_context;
	struct calls calls;
	uint8_t *receive_buffer; /* RECEIVE_SIZE bytes, shared by the worker's connections */
	void *model;		 /* the model's own, made by prepare() */
	/* Set by a run() that gives up for what this host cannot do: one line, constant text. */
	const char *unable;
	/* Set by a run() that returns -errno: what broke down, likewise; NULL: the model. */
	const char *broken;
};

/* What a model that takes an interface over is told before its workers start. */
struct reach {
	const char *interface; /* that the user named; NULL: the one that leads there */
	const struct endpoint *endpoints;
	unsigned count; /* of endpoints */
	unsigned workers;
	const struct model_choices *choices;
};

struct model {
	const char *name;
	enum notification notification;
	bool waits[2];	     /* which wait modes it can do */
	bool kernel_helpers; /* the kernel may run threads of its own for it, to be billed */
	bool one_lane;	     /* one connection a worker */
	bool openssl_calls;  /* it may leave send and receive to OpenSSL, see connection_drive() */
	bool yardstick;	     /* sends one request again and again and looks at no answer */
	/* It wants worker_ticked() to be true so often, in ns; 0: only as time limits need it. */
	uint64_t tick_ns;
	/* Bytes that a server may have under way to it at most; 0: as many as the kernel's TCP. */
	uint32_t window;
	/* Why its workers cannot be threads of one process, one line; NULL: they can. */
	const char *processes_only;
	const char *about; /* one line for the help */
	/* Its variants, ended by a row without a name; NULL when it has none. */
	const struct model_option *options;
	/*
	 * May be NULL. Whether the choices go together and with the wait mode: 0, or -EINVAL with
	 * one line in why. Called before anything is made; what only the kernel can tell is for
	 * prepare().
	 */
	int (*check)(const struct model_choices *choices, enum wait_mode wait, char *why,
		     size_t why_size);
	/*
	 * For a model that takes an interface over; NULL for the others. Finds out whether it can,
	 * and may, reach these servers by it, and makes what the workers will share. 0, or with one
	 * line in why -EINVAL when it was not asked rightly, else -errno when this host cannot; the
	 * program ends then. Called once, before the workers start, by the process that they will
	 * be threads or forks of; what it made is let go by each process's release().
	 */
	int (*reach)(const struct reach *reach, char *why, size_t why_size);
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

/* Open loop: a connection whose fetch was just begun because it is due; else NULL. */
static inline struct connection *worker_due(struct worker *worker)
{
	return worker->open_loop ? worker->driver->due(worker) : NULL;
}

/* For how long a model may wait, in ns, before it has to ask worker_due() again; -1: for ever. */
static inline int64_t worker_wait_ns(struct worker *worker)
{
	return worker->open_loop ? worker->driver->until_due_ns(worker) : -1;
}

/* Whether worker_ticked() would be true: what takes long is left off then. */
static inline bool worker_tick_is_due(const struct worker *worker)
{
	return atomic_load_explicit(&worker->tick, memory_order_relaxed);
}

/*
 * True once a tick: the model must then show every connection that is under way to
 * worker_overdue() and close those that had their time.
 */
static inline bool worker_ticked(struct worker *worker)
{
	return worker_tick_is_due(worker) &&
	       atomic_exchange_explicit(&worker->tick, false, memory_order_relaxed);
}

static inline bool worker_overdue(struct worker *worker, struct connection *connection)
{
	return connection->want != WANT_NOTHING && connection->want != WANT_CLOSE &&
	       worker->driver->overdue(worker, connection);
}

/* The choice of that name, or NULL when it was not asked for. */
static inline const struct model_choice *model_choice(const struct model_choices *choices,
						      const char *name)
{
	for (unsigned i = 0; choices && i < choices->count; i++)
		if (strcmp(choices->list[i].option->name, name) == 0)
			return &choices->list[i];
	return NULL;
}

/* The first connection of a lane, to start it with. */
static inline struct connection *worker_lane(struct worker *worker, unsigned lane)
{
	return &worker->connections[(size_t)lane * worker->endpoints_count];
}

#endif
