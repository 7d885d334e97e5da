/*
 * A thread of the origin: one epoll set, one wheel, and the connections that were handed to it.
 * Whichever thread is awake accepts, and deals connections out to all threads in turn: a listener
 * each (SO_REUSEPORT) would spread them by hash, which is uneven where there are few.
 */
#ifndef LAB_ORIGIN_WORKER_H
#define LAB_ORIGIN_WORKER_H

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

#include "lab/origin.h"
#include "lab/origin_connection.h"
#include "lab/origin_wait.h"

#define SLOTS_PER_CHUNK 256

/* Slots by descriptor: the kernel hands each number out once, so this needs no lock of its own. */
struct origin_slots {
	size_t chunk_count;
	_Atomic(struct origin_connection *) *chunks; /* each SLOTS_PER_CHUNK long, or NULL */
};

struct origin_thread {
	struct origin *origin;
	unsigned index;
	pthread_t id;
	struct origin_wait wait;
	struct origin_worker *worker;
	atomic_ulong connections; /* handed to it */
	int err;		  /* of its start, with `why`; set before `ready` is posted */
	char why[256];
	struct origin_totals totals; /* set when it is closed */
};

struct origin_listener {
	int fd;
	bool tls;
};

struct origin {
	struct origin_config config;
	struct origin_listener listeners[ORIGIN_LISTENS_MAX]; /* the config's, in that order */
	unsigned listener_count;
	int stop;		/* eventfd in every epoll set */
	hwloc_bitmap_t allowed; /* what the process may run on, asked before anything is bound */
	sem_t ready;
	unsigned started; /* threads to join, from the second on: the first is the caller's */
	atomic_uint turn; /* of the thread that gets the next connection */
	struct origin_slots slots;
	struct origin_thread threads[];
};

/*
 * Of the calling thread: binds it and opens its epoll set and all that it needs. Returns 0, or
 * -errno with a line in thread->why.
 */
int origin_worker_open(struct origin_thread *thread);

/* Serves until the origin's stop event; what was open stays open. */
void origin_worker_run(struct origin_thread *thread);

/* Takes its totals and releases what was opened, if it was. */
void origin_worker_close(struct origin_thread *thread);

/* Lets a thread that is set up accept clients on all listeners. Returns 0 or -errno. */
int origin_watch(const struct origin_thread *thread);

/* The slot of a descriptor, made if there is none; NULL when out of memory or of the table. */
struct origin_connection *origin_slot(struct origin_slots *slots, int fd);

#endif
