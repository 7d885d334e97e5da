/*
 * Signals of a fetch run. SIGINT and SIGTERM end it, as its own timer's SIGALRM does and nobody
 * else's; SIGUSR2 is the tick by which time limits of single fetches are kept; SIGUSR1 only makes a
 * worker's call return, so that it looks at its flags. SIGCHLD tells of a worker process that died.
 */
#ifndef LAB_FETCH_SIGNALS_H
#define LAB_FETCH_SIGNALS_H

#include <pthread.h>
#include <stdbool.h>
#include <sys/types.h>

#include "lab/fetch_bench.h"

/* Who is to be told; read by signal handlers, so it stays as it is while they are installed. */
struct fetch_signalled {
	struct bench *benches;
	unsigned count;
	const pthread_t *threads; /* of the workers, or NULL */
	const pid_t *processes;	  /* of the workers, [0] is this one; or NULL */
	unsigned self;		  /* index of the worker that handles the signals */
};

/* Holds all of them back in the calling thread, and in those that it starts. */
void fetch_signals_block(void);

/*
 * Installs the handlers for the main process, or for a worker process (which leaves ending the
 * run to the main one), and lets the signals come. tick_ns: 0 for no ticks.
 */
void fetch_signals_catch(const struct fetch_signalled *signalled, bool is_main, uint64_t tick_ns);

/* The run is over: no signal of its own comes any more. */
void fetch_signals_release(void);

/* SIGINT or SIGTERM came. */
bool fetch_signals_interrupted(void);

#endif
