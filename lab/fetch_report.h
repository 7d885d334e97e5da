/*
 * After the join: the workers' figures merged (fetch_merge.c), put into one record (fetch_row.c),
 * doubted (fetch_flags.c), and told to a person (fetch_report.c).
 */
#ifndef LAB_FETCH_REPORT_H
#define LAB_FETCH_REPORT_H

#include "lab/fetch_bench.h"
#include "lab/fetch_workers.h"
#include "lab/status.h"
#include "results/record.h"

struct fetch_outcome {
	const struct model *model;
	const struct fetch_options *options;
	const struct fetch_targets *targets;
	struct fetch_run run;
	const char *placement; /* policy name or "cpus" */
	const char *cpus;      /* read back, "" when not pinned */
};

/*
 * Prints and writes what the options ask for; returns the exit status: STATUS_FAILED when a
 * fetch failed, STATUS_INTERRUPTED after a signal, else STATUS_DONE.
 */
enum status fetch_report(const struct fetch_outcome *outcome);

/* --- between the four files ----------------------------------------------------------------- */

/* The workers' sums. */
struct fetch_merged {
	struct histogram *histograms[BENCH_HISTOGRAMS];
	struct usage usage; /* at_ns: the intervals' lengths added up */
	struct calls calls;
	uint64_t from_ns, until_ns; /* the first worker's begin, the last one's end */
	struct counters_sum counted;
	double energy_j; /* NAN: not known */
	uint64_t completed, errors, received_bytes, body_bytes;
	double lanes_rps; /* over all lanes' own intervals */
	uint64_t unanswered, unsent, late;
	uint64_t due_ns, lag_ns; /* open loop: the workers' longest, of the last fetches begun */
	uint64_t handshakes, resumed;
	double overlap_per_s; /* NAN: not known */
	const char *first_failure;
	const char *unable; /* what the host could not do, of a model that gave up */
	const char *tls_version, *tls_cipher;
	const char *broken; /* what it was that broke down, of one that failed; or NULL */
	int model_error;
	bool moved;	/* some worker was, while it ran */
	bool cut_short; /* by a signal, or by a model that gave up */
};

void fetch_merge(struct fetch_merged *merged, const struct fetch_outcome *outcome);
void fetch_merged_release(struct fetch_merged *merged);

/* What costs are spread over: fetches that ended, failed ones too; 0 when none was good. */
uint64_t fetch_ended(const struct fetch_merged *merged);

/* NAN where there is nothing to tell. Per fetch that ended, and per good one. */
double fetch_per_good(const struct fetch_merged *merged, uint64_t count);
double fetch_per_fetch(const struct fetch_merged *merged, uint64_t count);
double fetch_percentile_us(const struct fetch_merged *merged, enum bench_histogram which,
			   double percentile);
double fetch_duration_s(const struct fetch_merged *merged, const struct fetch_outcome *outcome);
double fetch_throughput_rps(const struct fetch_merged *merged, const struct fetch_outcome *outcome);
double fetch_asleep_share(const struct fetch_merged *merged);
double fetch_cpu_us(const struct fetch_merged *merged);

/*
 * Whether an open loop fell behind: fewer fetches came to their end than were due, or, where their
 * number was given, the last was begun that much later than it was due.
 */
bool fetch_rate_missed(const struct fetch_merged *merged, const struct fetch_outcome *outcome);

/* Its mean body is larger than what may be under way to the model at a time. */
bool fetch_above_window(const struct fetch_merged *merged, const struct fetch_outcome *outcome);

/* Adds the quality flags that the run's own figures tell. */
void fetch_flag_row(struct record *record, const struct fetch_merged *merged,
		    const struct fetch_outcome *outcome);

/* The run's row, to be released with record_release(). */
void fetch_fill_row(struct record *record, const struct fetch_merged *merged,
		    const struct fetch_outcome *outcome);

#endif
