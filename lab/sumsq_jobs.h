/*
 * The jobs as the pool sees them: pieces of the sums in memory that all workers share, the
 * function that adds one up, and the check of what came back against the closed form.
 */
#ifndef LAB_SUMSQ_JOBS_H
#define LAB_SUMSQ_JOBS_H

#include <pthread.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "kernels/pool/pool.h"
#include "kernels/sumsq/sumsq.h"

/* Two lines of 64 bytes: x86 fetches them in pairs, and some ARM lines are that long. */
#define SUMSQ_LINE 128

struct sumsq_piece {
	uint64_t first;
	uint64_t last;
	size_t job;
};

/* One piece's result. */
struct sumsq_result {
	sumsq_total sum;
	uint64_t squares; /* how many it added: fewer than asked when it was stopped */
	pid_t process;	  /* thread or process id, when asked for */
};

/* What every worker reads; nobody writes it during a map but to stop it. */
struct sumsq_common {
	sumsq_function *core;
	_Atomic bool stop; /* set it, from a signal handler too, and work ends within 30 ms */
	bool wants_process;
	bool has_lock;
	/* The one that --global-lock is about: written all the time, so on a line of its own. */
	alignas(SUMSQ_LINE) pthread_mutex_t lock;
	alignas(SUMSQ_LINE) struct sumsq_piece empty;
	struct sumsq_piece pieces[];
};

struct sumsq_jobs {
	const uint64_t *operands; /* borrowed */
	size_t count;
	size_t piece_count;
	struct sumsq_common *common; /* shared memory */
	size_t common_size;
	struct sumsq_result *results; /* a piece each, of the last map */
	struct sumsq_result *checked; /* of the last that sumsq_jobs_check() found right, if kept */
	sumsq_total *sums;	      /* a job each, likewise */
	sumsq_total *right;	      /* a job each, by the closed form */
};

/*
 * Cuts the jobs into pieces of `grain` squares (0: whole jobs). The operands must outlive the
 * jobs. Returns 0, or with a line in why -ENOMEM, -EINVAL (count is 0) or -EOVERFLOW (their exact
 * total is 2^128 or more).
 */
int sumsq_jobs_make(struct sumsq_jobs *jobs, const uint64_t *operands, size_t count, uint64_t grain,
		    sumsq_function *core, char *why, size_t why_size);
/* Also takes a zeroed struct. */
void sumsq_jobs_release(struct sumsq_jobs *jobs);

/*
 * From now on keeps the results of each map that was checked, apart from those of the next, and has
 * workers note their process or thread id. Returns 0, or -ENOMEM with a line in why.
 */
int sumsq_jobs_keep(struct sumsq_jobs *jobs, char *why, size_t why_size);

/* The pool's job that fills jobs->results. */
struct pool_job sumsq_jobs_map(struct sumsq_jobs *jobs);
/* So many empty jobs: the same function on no squares. */
struct pool_job sumsq_jobs_empty(struct sumsq_jobs *jobs, struct sumsq_result *results,
				 size_t count);

/*
 * Adds the pieces up into jobs->sums and compares each sum with the closed form. Returns 0, and
 * then jobs->results are jobs->checked if they are kept; or -EBADMSG with a line in why that names
 * the sum, what came out and what is right.
 */
int sumsq_jobs_check(struct sumsq_jobs *jobs, char *why, size_t why_size);

/* Squares in a whole pass, and in what the last map got done, if that was not checked yet. */
uint64_t sumsq_jobs_squares(const struct sumsq_jobs *jobs);
uint64_t sumsq_jobs_squares_done(const struct sumsq_jobs *jobs);
/* The total of jobs->sums, exact. */
sumsq_total sumsq_jobs_total(const struct sumsq_jobs *jobs);

#endif
