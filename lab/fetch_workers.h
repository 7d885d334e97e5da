/*
 * The workers of a fetch run, threads or processes: made, pinned, started together behind a
 * barrier, joined. Worker 0 is the main thread, so that a run with one worker is one thread under
 * perf and strace.
 */
#ifndef LAB_FETCH_WORKERS_H
#define LAB_FETCH_WORKERS_H

#include "lab/fetch_bench.h"
#include "lab/pinning.h"
#include "lab/status.h"

struct fetch_run {
	struct bench *benches; /* one a worker, with their results */
	unsigned count;
	struct host_watch watch; /* of the workers' CPUs */
	double setup_s;		 /* from the start of main to the barrier */
	bool interrupted;	 /* SIGINT or SIGTERM ended it */
	enum status overlap;	 /* of --overlap core: STATUS_DONE, or why its figure is missing */
};

/*
 * Runs options->workers workers of the model to their end and leaves the results in *run, to be
 * released with fetch_workers_release(). started_ns: when main began. Ends the program with one
 * line and STATUS_UNABLE when a worker cannot be made or pinned, STATUS_FAILED when a worker
 * process dies.
 */
void fetch_workers_run(const struct model *model, const struct fetch_options *options,
		       const struct fetch_targets *targets, const struct pinning *pinning,
		       uint64_t started_ns, struct fetch_run *run);
void fetch_workers_release(struct fetch_run *run);

#endif
