/*
 * Several runs a side, each a number: the median of its blocks. What a run has of its own (where
 * memory and processes came to lie) all its blocks share, so they are not so many looks at what
 * another run would do; the runs are. Kalibera & Jones, Rigorous benchmarking in reasonable time,
 * ISMM 2013: repeat at the highest level that varies, and take the spread from there.
 *
 * Between three runs and three, no method without an assumption has an interval of 95 %: the
 * logarithms of the runs are taken as normal, with spreads of their own (Welch 1947), degrees of
 * freedom rounded down. Heavier tails than the normal's make such intervals wider than need be.
 */
#ifndef RESULTS_STATISTICS_RUNS_H
#define RESULTS_STATISTICS_RUNS_H

#include <stddef.h>

#include "results/statistics.h"

/* Fewer runs a side show nothing of what two of them differ by. */
#define STATISTICS_RUNS_LEAST 2

/*
 * Compares two sides of runs, all positive numbers: the ratio side / baseline of their geometric
 * means. effect->pairs is the size of the smaller side, and 0 when there is nothing to compare: one
 * is empty, or has a value that is not a positive number. With one run on a side, or when all runs
 * of both sides are the same, as no measurement is, the interval is NAN and p is 1.
 */
void statistics_compare_runs(const double *side, size_t side_count, const double *baseline,
			     size_t baseline_count, struct statistics_effect *effect);

/*
 * The noise floor that an A/A pair shows over several runs, as statistics_floor(): of the ratios of
 * its two entries, one a run. NAN with fewer than two, or when one is not a positive number.
 */
double statistics_runs_floor(const double *ratios, size_t count);

#endif
