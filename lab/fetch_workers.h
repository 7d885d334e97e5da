/*
 * The workers of a fetch run: made, pinned, started together behind a barrier, joined. Worker 0
 * is the main thread, so that a run with one worker is one thread under perf and strace.
 */
#ifndef LAB_FETCH_WORKERS_H
#define LAB_FETCH_WORKERS_H

#include "lab/fetch_bench.h"
#include "lab/pinning.h"

/*
 * Runs options->threads workers of the model to their end and leaves one bench a worker in
 * *benches, to be released with fetch_workers_release(). *interrupted: SIGINT or SIGTERM ended
 * it. *variant: what the model has in effect. *setup_s: from started_ns to the barrier. Ends the
 * program with one line and STATUS_UNABLE when a worker cannot be made or pinned.
 */
void fetch_workers_run(const struct model *model, const struct fetch_options *options,
		       const struct fetch_targets *targets, const struct pinning *pinning,
		       uint64_t started_ns, struct bench **benches, const char **variant,
		       double *setup_s, bool *interrupted);
void fetch_workers_release(struct bench *benches, unsigned count);

#endif
