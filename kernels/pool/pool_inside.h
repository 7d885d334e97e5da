/*
 * What the files of the pool share: the memory that workers and caller meet in, and what a kind
 * of pool has to provide. Private to kernels/pool/.
 *
 * A map: the caller writes the job, sets the ticket to (count << 32 | 0) and raises the
 * generation. Whoever wants work adds 1 to the ticket and learns both the item's number and
 * whether it is one: no valid ticket can be taken for another map than the one it belongs to,
 * because that map cannot end before its items are done. A worker that wakes too late finds the
 * tickets gone and sleeps again; nobody waits for it. Each worker writes its results into a log
 * of its own, item number first; the caller sorts them into place.
 */
#ifndef KERNELS_POOL_POOL_INSIDE_H
#define KERNELS_POOL_POOL_INSIDE_H

#include <pthread.h>
#include <signal.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

#include "kernels/pool/pool.h"

/* Two lines of 64 bytes: x86 fetches them in pairs, and some ARM lines are that long. */
#define POOL_LINE 128

#define POOL_WHY 192

/* How long a waiting caller goes without looking for dead workers when no signal comes. */
#define POOL_LOOK_NS 5000000

enum pool_state { POOL_STARTING, POOL_READY, POOL_REFUSED };

/* Written by one worker, read by the caller. */
struct pool_worker {
	alignas(POOL_LINE) _Atomic uint32_t state; /* a futex */
	_Atomic uint32_t asleep;  /* 1 while it may be waiting for the generation to change */
	_Atomic uint32_t drained; /* the last generation that it is through with */
	_Atomic uint32_t done;	  /* entries in its log that belong to this map */
	int refusal;		  /* -errno of bind, when refused */
	struct pool_usage usage;
	char why[POOL_WHY];
};

enum pool_wait { POOL_WAITS_NOT, POOL_WAITS_ITEMS, POOL_WAITS_ALL };

struct pool_shared {
	/* The one line that all workers write: tickets in the map, the others at its end. */
	alignas(POOL_LINE) _Atomic uint64_t ticket; /* count << 32 | next item */
	_Atomic uint32_t pending;		    /* items not yet accounted for */
	_Atomic uint32_t caller_waits;		    /* a futex: enum pool_wait */
	/* Written by the caller between maps. */
	alignas(POOL_LINE) _Atomic uint32_t generation; /* a futex; odd: report your usage */
	_Atomic bool ending;
	struct pool_job job;
	struct pool_worker worker[];
};

/* One entry of a log; the result follows. */
struct pool_entry {
	alignas(16) uint32_t item;
	_Atomic uint32_t is_done; /* pools per job only: the others count entries */
};

/* What the caller knows of a worker, and a new worker of itself. */
struct pool_place {
	struct pool *pool;
	unsigned worker;
	_Atomic bool alive; /* not collected; of threads, kept ones only: to be joined */
	union {
		pthread_t thread;
		pid_t process;
	};
	const struct pool_job *job; /* per job: which item of which map */
	uint32_t item;
};

struct pool {
	struct pool_settings settings;
	const struct pool_kind_calls *calls;
	struct pool_shared *shared;
	size_t shared_size;
	unsigned char *logs;
	size_t log_size;	   /* of one worker */
	size_t stride;		   /* from one entry to the next */
	struct pool_place *places; /* of each worker; 0 is the caller in a kept pool */
	unsigned deaths;	   /* seen so far */
	unsigned told;		   /* of them, in some why */
	_Atomic bool is_bereaved;  /* a worker died since last looked, or a place is empty */
	bool was_blocked;	   /* SIGCHLD, in the thread that started the pool */
	char death[POOL_WHY];	   /* the first of the deaths not told of yet */
};

struct pool_kind_calls {
	bool forks; /* futexes are shared, and workers may die alone */
	bool per_job;
	/*
	 * Makes a worker, of a kept pool or for the item of its place; -errno with a line in why.
	 * NULL when the caller does it all.
	 */
	int (*spawn)(struct pool *pool, unsigned worker, char *why, size_t why_size);
	/* Waits for the end of a worker. */
	void (*join)(struct pool *pool, unsigned worker);
	/* Collects the workers that died and notes their deaths. NULL: they cannot die alone. */
	void (*reap)(struct pool *pool);
	/* Begins and ends the watch over workers that can die; NULL where there is no need. */
	void (*watch)(struct pool *pool);
	void (*unwatch)(struct pool *pool);
	/* Leaves the results in the logs, or (POOL_CALLER) in their place. */
	int (*map)(struct pool *pool, const struct pool_job *job, char *why, size_t why_size);
};

extern const struct pool_kind_calls pool_caller;
extern const struct pool_kind_calls pool_threads;
extern const struct pool_kind_calls pool_processes;
extern const struct pool_kind_calls pool_thread_per_job;
extern const struct pool_kind_calls pool_process_per_job;

/* Binds and then works until the pool ends, from generation `seen` on (pool_tickets.c). */
void pool_work(struct pool *pool, unsigned worker, uint32_t seen);
int pool_tickets_map(struct pool *pool, const struct pool_job *job, char *why, size_t why_size);
/* Has every worker write its usage. */
int pool_tickets_usage(struct pool *pool, char *why, size_t why_size);
/* Wakes every worker of a pool that is ending. */
void pool_tickets_end(struct pool *pool);

/* Notes the deaths that SIGCHLD told of; costs a look when there are none. */
static inline void pool_look(struct pool *pool)
{
	if (!atomic_load_explicit(&pool->is_bereaved, memory_order_relaxed))
		return;
	atomic_store(&pool->is_bereaved, false);
	pool->calls->reap(pool);
}

/* Tells the items that the map is going to fail. */
static inline void pool_stop_items(const struct pool *pool)
{
	if (pool->settings.stop)
		atomic_store(pool->settings.stop, true);
}

/* The watch of pools that fork: from then on SIGCHLD is handled (pool_watch.c). */
void pool_watch(struct pool *pool);
void pool_unwatch(struct pool *pool);

/* Whether a worker died of whom nobody has been told. */
static inline bool pool_mourns(const struct pool *pool)
{
	return pool->deaths != pool->told;
}

/* Counts a death; info is zeroed when somebody else collected the process. */
void pool_note_death(struct pool *pool, pid_t process, const siginfo_t *info);
/* Tells of the deaths not told of yet, if any, in one line. */
void pool_tell(struct pool *pool, char *why, size_t why_size);

/*
 * Sleeps while the word has that value, and notes the deaths of workers. For processes it sleeps
 * until a signal and for POOL_LOOK_NS at most.
 */
void pool_sleep(struct pool *pool, _Atomic uint32_t *word, uint32_t value);

/* Binds one worker and says so in its state; 0 when it is bound. */
int pool_bind(struct pool *pool, unsigned worker);
/* Whether a worker has been moved away from where it was bound. For the worker itself. */
bool pool_is_moved(const struct pool *pool, unsigned worker);
/* Waits until a worker is bound; its refusal with a line in why, or -ECHILD when it died first. */
int pool_await_ready(struct pool *pool, unsigned worker, char *why, size_t why_size);

/* The calling process's usage, or with RUSAGE_CHILDREN that of the children it has collected. */
void pool_usage_of(int who, struct pool_usage *usage);

/* Does the items that are in no log, as the caller: appends them to log 0. */
int pool_rerun(struct pool *pool, const struct pool_job *job, char *why, size_t why_size);

/*
 * Forks a process that calls `child` and ends; returns 0 with the place's process set and alive,
 * or -errno. The child dies with its parent, and leaves SIGINT and SIGTERM to it.
 */
int pool_fork(struct pool_place *place, void (*child)(struct pool_place *place));

static inline struct pool_entry *pool_entry(const struct pool *pool, unsigned worker, size_t index)
{
	return (struct pool_entry *)(pool->logs + worker * pool->log_size + index * pool->stride);
}

static inline const void *pool_item(const struct pool_job *job, size_t item)
{
	return (const unsigned char *)job->items + item * job->item_size;
}

#endif
