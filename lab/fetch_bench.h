/*
 * The lab's side of a worker: which fetch comes next, and what is stamped and counted when one
 * ends. All clocks, histograms and printing of a fetch run are here, called by the observer and
 * driver hooks; models and protocol have none.
 *
 * A worker warms up, is measured, and is over. The measured interval begins with the first
 * completion after the warm-up (or with the run) and ends when the last fetch begun in its time
 * has ended; the usage read at both ends belongs to the very same interval as the fetches
 * counted. Throughput goes by each lane's own interval within it, see lane_ended().
 */
#ifndef LAB_FETCH_BENCH_H
#define LAB_FETCH_BENCH_H

#include "kernels/fetch/model.h"
#include "kernels/sumsq/sumsq.h"
#include "lab/fetch_options.h"
#include "lab/fetch_targets.h"
#include "lab/usage.h"
#include "results/histogram.h"

enum bench_phase { BENCH_WARMING, BENCH_MEASURING, BENCH_OVER };

struct bench_lane {
	uint64_t from_ns;  /* 0: not begun */
	uint64_t until_ns; /* 0: nothing ended in it */
};

struct bench {
	struct observer observer; /* what the connections know of this struct */
	struct worker worker;
	const struct fetch_options *options;
	const struct fetch_targets *targets;
	struct body_reference *references; /* one a request */
	struct bench_lane *lanes;
	unsigned scopes; /* of usage, that this worker reads for all */
	enum bench_phase phase;
	unsigned cursor; /* the next request in the list */
	uint64_t left;	 /* fetches still to be begun */
	uint64_t share;	 /* fetches this worker is to do in the measured interval */
	uint64_t now_ns; /* the latest stamp */
	uint64_t measure_from_ns;
	uint64_t measure_until_ns;

	/* Of the measured interval. */
	uint64_t ended; /* fetches that came to an end, good or bad */
	uint64_t completed;
	uint64_t lane_completed; /* of which within their lanes' intervals */
	uint64_t errors;
	uint64_t unanswered; /* in flight when the run was cut off; among the errors */
	uint64_t received_bytes;
	uint64_t body_bytes;
	uint64_t last_body_bytes; /* of the latest whole response, for a model that sees few */
	struct histogram *latency;
	struct histogram *first_byte;
	struct histogram *connect; /* of the whole run: connections are opened before it */
	const struct sumsq_core *overlap_core;
	uint64_t overlap_elements;
	struct usage begin, end;
	struct calls calls_begin, calls_end;
	uint64_t overlap_begin, overlap_end;
	bool answered;		 /* some fetch, warm-up included, succeeded */
	unsigned refused;	 /* fetches that failed before any succeeded */
	char first_failure[512]; /* "" when nothing failed */
	int model_error;	 /* what run() returned */
} __attribute__((aligned(128))); /* no two workers write into one cache line or its neighbour */

/*
 * Fills *bench for worker `index` of options->threads: connections, buffers, histograms, all
 * memory touched. Called on the worker's own thread, once it is pinned. Returns 0 or -errno with
 * one line in why. Release with bench_release() in either case.
 */
int bench_make(struct bench *bench, unsigned index, const struct fetch_options *options,
	       const struct fetch_targets *targets, const atomic_bool *stop, char *why,
	       size_t why_size);
void bench_release(struct bench *bench);

/* Runs the model from the start of the clock to its end, and closes the interval. */
void bench_run(struct bench *bench, const struct model *model);

#endif
