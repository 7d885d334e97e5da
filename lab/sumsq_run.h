/*
 * One run of a sumsq program: core, workers and jobs made ready, passes over the list until it is
 * over, every sum of every pass checked. What cannot go on ends the program with its status.
 */
#ifndef LAB_SUMSQ_RUN_H
#define LAB_SUMSQ_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "kernels/pool/pool.h"
#include "kernels/sumsq/sumsq.h"
#include "lab/energy.h"
#include "lab/host_watch.h"
#include "lab/pinning.h"
#include "lab/sumsq_jobs.h"
#include "lab/sumsq_options.h"
#include "lab/usage.h"

struct sumsq_run {
	const struct sumsq_options *options;
	const struct sumsq_core *core;
	struct pinning pinning;
	struct sumsq_jobs jobs;
	struct pool *pool;
	uint64_t spin_ns; /* as in effect */
	/* by sumsq_run_measure(): */
	uint64_t passes;  /* whole ones, in the interval */
	uint64_t squares; /* in the interval, those of a pass cut short included */
	double setup_s;
	double duration_s;
	double dispatch_ns;	/* a job, empty; measured when there is to be a record, else NaN */
	struct pool_usage used; /* in the interval */
	struct counters counters; /* of the caller and, inherited, of all workers */
	struct energy energy;
	struct counters_sum counted;	   /* in the interval */
	double energy_j;		   /* NaN: not known */
	struct usage host_begin, host_end; /* the hypervisor's share, in the interval */
	struct host_watch watch;	   /* of the workers' CPUs */
	unsigned deaths;		   /* of workers, whose jobs were done again */
	bool partial;			   /* interrupted */
	bool has_sums; /* a whole pass was made, warm-up included: jobs.sums are there */
};

/* Chooses the core, places and starts the workers. */
void sumsq_run_start(struct sumsq_run *run, const struct sumsq_options *options);
/* Warm-up, the interval, the price of an empty job; then ends the workers. */
void sumsq_run_measure(struct sumsq_run *run);
void sumsq_run_release(struct sumsq_run *run);

#endif
