/*
 * Pools of workers, one interface: threads or processes, kept for many maps or made anew for each
 * job, or nobody but the caller. A kept pool hands out items by one shared ticket; besides it no
 * two workers write to the same cache line, and a map neither allocates nor locks.
 *
 * The caller is worker 0 of a kept pool and works during a map, as in OpenMP: N workers need N
 * CPUs and not N + 1, and a pool of N has N - 1 threads or processes of its own.
 */
#ifndef KERNELS_POOL_POOL_H
#define KERNELS_POOL_POOL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum pool_kind {
	POOL_CALLER,	     /* no pool: the caller does one item after another */
	POOL_THREADS,	     /* kept for the life of the pool */
	POOL_PROCESSES,	     /* forked once; deaf to SIGINT and SIGTERM, but gone with the caller */
	POOL_THREAD_PER_JOB, /* a new thread for each item, at most `workers` alive at once */
	POOL_PROCESS_PER_JOB /* a new process for each item, likewise */
};

/* What becomes of the items of a worker process that died. */
enum pool_on_death {
	POOL_DEATH_FAILS, /* the map ends with -ECHILD */
	POOL_DEATH_RERUNS /* the caller does them again itself, and the map succeeds */
};

struct pool_settings {
	enum pool_kind kind;
	unsigned workers; /* 1 or more; POOL_CALLER has 1 whatever it says */
	uint64_t
		spin_ns; /* how long an idle worker looks before it sleeps on a futex; 0: at once */
	enum pool_on_death on_death;
	/*
	 * For a function that looks at it: set true when a map is going to fail, so that it ends
	 * soon. When a worker process dies under POOL_DEATH_FAILS, that is the same moment, in a
	 * signal handler, whatever the caller is at; per job also when one cannot be started or
	 * bound. The pool never sets it false. In memory from pool_memory() if the workers are
	 * processes; may be NULL.
	 */
	_Atomic bool *stop;
	size_t items_max;   /* most items of one map, below 2^31 */
	size_t result_size; /* bytes of one result: a multiple of 16, up to POOL_RESULT_MAX */
	/*
	 * Called in each worker before it does anything else (per job: in each new thread or
	 * process, with the number of its place, below `workers`); for worker 0 of a kept pool it
	 * binds the caller, who stays bound. Returns 0, or -errno with one line in why. May be
	 * NULL. bind_context must be valid in a forked process.
	 */
	int (*bind)(void *bind_context, unsigned worker, char *why, size_t why_size);
	void *bind_context;
	/*
	 * Called in a worker with the same context, at each pool_usage() and per job when its item
	 * is done: whether it is still where it was bound. May be NULL.
	 */
	bool (*is_bound)(void *bind_context, unsigned worker);
};

#define POOL_RESULT_MAX 256

struct pool;

/*
 * Makes the workers and returns when each is bound and ready. Returns 0, or -errno with one line
 * in why, and then everything started has been ended: what bind returned, -EAGAIN or -ENOMEM at
 * a limit of threads, processes or memory, -ECHILD when a worker died before all were ready (who,
 * and by which signal), -EINVAL.
 */
int pool_start(struct pool **pool, const struct pool_settings *settings, char *why,
	       size_t why_size);

/* Ends and collects every worker. The pool is gone then. */
void pool_stop(struct pool *pool);

/*
 * Does one item. Runs in a worker, with the result aligned to 16 bytes. In a process, the items
 * and what context points to are as they were at pool_start(), unless they are in memory from
 * pool_memory(); a process made for a job sees them as they are at the map.
 */
typedef void pool_function(const void *context, const void *item, void *result);

struct pool_job {
	pool_function *function;
	const void *context;
	const void *items; /* count of them */
	size_t item_size;  /* bytes from one to the next */
	size_t count;
	void *results; /* aligned to 16: count times result_size bytes, in the items' order */
};

/*
 * Does every item exactly once and returns when all results are there, in order. Returns 0, or
 * with one line in why: -ECHILD when a worker died (who, and by which signal) under
 * POOL_DEATH_FAILS, or cannot be replaced, -EINVAL for too many items, and per job also what
 * pool_start() returns. The results are incomplete then; the pool may be used again. A worker that
 * died between two maps is replaced when the next one begins, or makes it fail; one that died
 * during a map makes that fail even if all items were done. Every death is told of once: under
 * POOL_DEATH_RERUNS a line in why tells of those that pool_deaths() has newly counted although 0
 * is returned; otherwise why is left alone. Not to be called by two threads at once.
 *
 * The kernel tells of deaths by SIGCHLD, which a pool of processes handles from its start to its
 * stop (what was installed before is called too, and put back), and which it unblocks for so long
 * in the thread that starts it: a map learns of one at once. Where the signal is blocked all the
 * same, a waiting caller looks every 5 ms.
 */
int pool_map(struct pool *pool, const struct pool_job *job, char *why, size_t why_size);

/* How many workers died since pool_start(), as far as a line in some why has told. */
unsigned pool_deaths(const struct pool *pool);

/* The process ids of the workers of a POOL_PROCESSES, the caller's first; 0 for other kinds. */
int pool_process(const struct pool *pool, unsigned worker);

struct pool_usage {
	uint64_t user_ns;
	uint64_t system_ns;
	uint64_t involuntary_switches;
	uint64_t max_rss_kib; /* of the largest process */
	uint64_t moved;	      /* workers that are not where they were bound; per job, jobs */
};

/*
 * What the caller's process and all workers have used so far, those that ended included: subtract
 * two of them (but not `moved`, which tells of now). Asks each worker process, so it stands
 * outside of what is timed. Returns 0, or -ECHILD, and tells of deaths, as pool_map() does.
 */
int pool_usage(struct pool *pool, struct pool_usage *usage, char *why, size_t why_size);

/*
 * Zeroed memory that processes forked later share with the caller, aligned to a page; NULL when
 * there is none to be had. Give it back with pool_memory_free() and the same size.
 */
void *pool_memory(size_t size);
void pool_memory_free(void *memory, size_t size);

#endif
