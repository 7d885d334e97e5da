/*
 * Latency against load: for each model of an open loop, what fetches take as more of them fall due
 * a second, where that begins to go wrong, and from where on the load is not met at all.
 *
 * The knee is the load with the most power, throughput / latency (Kleinrock, "Power and
 * deterministic rules of thumb", ICC 1979; Jain, The Art of Computer Systems Performance Analysis,
 * 1991, 3.3): up to it more load costs less than its share of latency, beyond it more. It has no
 * threshold to be chosen. Latency is the 99th percentile, counted from when a fetch was due. It is
 * one of the loads that were tried; its interval is that of the same for blocks drawn with
 * replacement, cut as statistics.h does.
 *
 * How surely one knee is above another: every block is offered the same loads, shares of a capacity
 * that three runs told, so blocks agree on the knee's rate far better than it is known. That the
 * best of some loads has more power than its neighbours says that the knee lies between these, if
 * power has one peak (Kiefer, "Sequential minimax search for a maximum", 1953), and nothing finer,
 * whatever rates the capacities led to. A ratio of knees therefore reaches from the load below
 * one's interval over the load above the other's to the opposite; what overlaps has no verdict.
 * Simulated, two equal models of whose capacities the medians of three runs jitter by 3 % are never
 * said to differ (without this, in 98 of 100 runs); one of three times the capacity always is.
 *
 * A load is held when what came is at least KNEE_HELD of what was due, interval included.
 */
#ifndef RESULTS_KNEE_H
#define RESULTS_KNEE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "results/flags.h"
#include "results/record.h"
#include "results/statistics.h"

#define KNEE_HELD	 0.98
#define KNEE_LOADS_MAX	 32
#define KNEE_LOADS_LEAST 3

enum knee_held { KNEE_UNDECIDED, KNEE_YES, KNEE_NO };

struct knee_point {
	double offered;			 /* 1/s */
	double share;			 /* of the capacity, NAN where the plan gave rates */
	struct statistics_interval came; /* share of what was due */
	struct statistics_interval p50_us, p99_us;
	double uncorrected_p99_us; /* counted from the sending */
	enum knee_held held;
};

/* Cells that differ in their rate only. Indices are into points, ascending in `offered`. */
struct knee_line {
	const struct record *sample; /* borrowed */
	size_t blocks;
	flag_set spoiled; /* flags that spoil rows of it, at any load */
	struct knee_point points[KNEE_LOADS_MAX];
	size_t count;
	size_t knee, low, high; /* low > high: no interval, with one block */
	size_t held;	  /* the highest load below which, and at which, all were; count: none */
	size_t saturated; /* the lowest load that was not held; count: none */
	size_t baseline;  /* the line of its workload that it is compared with, itself perhaps */
	struct statistics_effect
		effect; /* the rate of the knee, block by block, / the baseline's; the
			   interval is of the loads around both, and may have no end */
	double p_adjusted;
	enum statistics_verdict verdict;
};

struct knee {
	struct knee_line *lines;
	size_t count;
	size_t mixed; /* lines left out: two cells of them have the same load, so differ in else */
	double floor; /* of the knee's rate, by the A/A control; NAN without one */
};

/*
 * Index of the load with the most power: the first where several have. count when there is none:
 * a rate or latency that is not positive has no power.
 */
size_t knee_find(const double *rates, const double *latencies, size_t count);

/*
 * Widens the interval of a ratio of two lines' knees to the loads beside them: blocks see the same
 * loads, so their agreement says nothing of what lies between those.
 */
void knee_widen(struct statistics_effect *effect, const struct knee_line *side,
		const struct knee_line *base);

/*
 * Finds the lines, of KNEE_LOADS_LEAST loads at least, among rows of kind FETCH with a rate
 * (others are passed over), which must outlive *knee. Those of one workload are compared with the
 * one that has controls, or else its first. 0 or -ENOMEM. Release with knee_release().
 */
int knee_make(const struct record *records, size_t count, uint64_t seed, struct knee *knee);
/* Also takes a zeroed struct. */
void knee_release(struct knee *knee);

/* A table and the knee in words for each line, then how they compare. 0, -ENOMEM or -EIO. */
int knee_print(const struct knee *knee, FILE *file, bool color);

#endif
