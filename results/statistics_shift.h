/*
 * Two samples that nothing pairs: the runs of one cell in two experiments. The shift between them
 * is worked out on logarithms, so it is a ratio.
 *
 * Sources: shift, the median of all differences, Hodges & Lehmann 1963. Test, Mann & Whitney 1947:
 * all ways to deal the values out counted as they stand, ties included (Streitberg & Roehmel
 * 1986), or dealt at random (Phipson & Smyth 2010), or the normal with the ties' variance
 * (Lehmann, Nonparametrics, 1975). Interval of few values: both samples bootstrapped, expanded
 * percentiles (Hesterberg 2015); of many: the differences between whose ranks the median lies, by
 * the placements' spread (Fligner & Policello 1981), which does not take both for equally wide.
 */
#ifndef RESULTS_STATISTICS_SHIFT_H
#define RESULTS_STATISTICS_SHIFT_H

#include <stddef.h>
#include <stdint.h>

#include "results/statistics.h"

/* Up to so many values in both samples together every way to deal them out is counted. */
#define STATISTICS_DEALT_ALL 50
/*
 * From so many values in the smaller sample on, p is of the normal distribution and the interval
 * of the ranks. Below, p is of STATISTICS_FLIPS random deals and the interval a bootstrap.
 */
#define STATISTICS_MANY 32

enum statistics_method { STATISTICS_EXACT, STATISTICS_SAMPLED, STATISTICS_NORMAL };

/* "exact", "sampled", "normal" */
const char *statistics_method_name(enum statistics_method method);

/* How p is come by for samples of such sizes, and the smallest that it can be. */
enum statistics_method statistics_rank_method(size_t side_count, size_t baseline_count);
double statistics_rank_least_p(size_t side_count, size_t baseline_count);

/*
 * Two-sided p of "both samples are drawn from one distribution": the share of ways to deal the
 * values out whose rank sum is at least as far from its mean as the one seen. 1 when a sample is
 * empty. Both are sorted ascending. 0 or -ENOMEM.
 */
int statistics_rank_test(const double *side, size_t side_count, const double *baseline,
			 size_t baseline_count, uint64_t seed, double *p);

/*
 * The shift of side against baseline, both sorted ascending, with its 95 % interval (NAN where a
 * sample has one value): exact to a billionth of the range of the
 * differences. 0, -ENOMEM, or -EINVAL when a
 * sample is empty.
 */
int statistics_shift(const double *side, size_t side_count, const double *baseline,
		     size_t baseline_count, uint64_t seed, struct statistics_interval *interval);

/*
 * Compares two samples of positive numbers: the ratio side / baseline, its interval and p.
 * effect->pairs is the size of the smaller sample, and 0 when there is nothing to compare: one is
 * empty, or has a value that is not a positive number. 0 or -ENOMEM.
 */
int statistics_compare_samples(const double *side, size_t side_count, const double *baseline,
			       size_t baseline_count, uint64_t seed,
			       struct statistics_effect *effect);

#endif
