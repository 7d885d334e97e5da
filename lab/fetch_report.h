/* After the join: the workers' figures merged into one record, and what a person reads. */
#ifndef LAB_FETCH_REPORT_H
#define LAB_FETCH_REPORT_H

#include "lab/fetch_bench.h"
#include "lab/status.h"
#include "results/record.h"

struct fetch_outcome {
	const struct model *model;
	const struct fetch_options *options;
	const struct fetch_targets *targets;
	struct bench *benches; /* one a worker */
	unsigned workers;
	const char *variant;   /* in effect */
	const char *placement; /* policy name or "cpus" */
	const char *cpus;      /* read back, "" when not pinned */
	double setup_s;
	bool interrupted;
};

/*
 * Prints and writes what the options ask for; returns the exit status: STATUS_FAILED when a
 * fetch failed, STATUS_INTERRUPTED after a signal, else STATUS_DONE.
 */
enum status fetch_report(const struct fetch_outcome *outcome);

#endif
