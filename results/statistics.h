/*
 * What a few runs say, and how surely. The unit is the run, never the request; runs of two cells
 * are paired by block; effects are ratios, so they are worked out on logarithms.
 *
 * Sources: quantiles of type 7, Hyndman & Fan 1996. Shift: Hodges & Lehmann 1963. Bootstrap:
 * Efron 1979, with the expanded percentile interval of Hesterberg 2015, because the plain one is
 * too narrow for ten blocks. Test: Fisher's paired randomisation test (The Design of Experiments,
 * 1935), Monte Carlo after Phipson & Smyth 2010, of differences cut to their median size (Maritz,
 * "A note on exact robust confidence intervals for location", Biometrika 1979; the score is
 * Huber's, 1964). Many cells: Holm 1979. Generator: splitmix64 (Steele, Lea & Flood 2014). Same
 * values and seed, same answer, on every machine.
 *
 * Why cut: the mean of ten differences is at the mercy of one run that the hypervisor interrupted.
 * Flips change no sizes, so cutting at the median size, whichever it is, leaves the test exact.
 * Simulated with runs of 1 % noise of which one in ten is 30 to 50 % slower, a 5 % slowdown is
 * claimed, floor and all, by 9 blocks in 60 of 100 experiments (16 without cutting) and by 20 in 96
 * (28 without); with one in twenty, 84 (38) and 99 (54). Without such runs nothing is lost, with
 * Student's t a little won. False alarms stay at 5 %. See tests/test_statistics_robust.c.
 */
#ifndef RESULTS_STATISTICS_H
#define RESULTS_STATISTICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Enough that with another seed the ends of an interval move by a few hundredths of its width. */
#define STATISTICS_RESAMPLES 4000
/* Up to this many pairs every flip is tried; above, as many random ones. */
#define STATISTICS_EXACT_PAIRS 16
#define STATISTICS_FLIPS       (UINT64_C(1) << STATISTICS_EXACT_PAIRS)
/* Above this adjusted p nothing is claimed. */
#define STATISTICS_LEVEL 0.05

/* The next number of the generator; any seed will do. */
uint64_t statistics_random(uint64_t *state);
/* One of the numbers below `count`, all alike to within count / 2^64. */
size_t statistics_random_below(uint64_t *state, size_t count);

/*
 * The t that 95 % of Student's distribution lie within, for that many degrees of freedom, 1 at
 * least; above 1000 that of 1000.
 */
double statistics_t95(size_t freedom);

/* The share of Student's t distribution within [-t, t], for whole degrees of freedom above 0. */
double statistics_t_within(double t, size_t freedom);

/* Sorts ascending; no NaN. */
void statistics_sort(double *values, size_t count);

/* Quantile of sorted values, share 0 to 1; NAN when count is 0. */
double statistics_quantile(const double *sorted, size_t count, double share);

/*
 * Hodges-Lehmann estimate of location of sorted values: the median of the averages of all pairs,
 * each value with itself included. Exact, in memory O(1) and time O(count). NAN when count is 0.
 */
double statistics_hodges_lehmann(const double *sorted, size_t count);

enum statistics_location { STATISTICS_MEDIAN, STATISTICS_HODGES_LEHMANN };

/* low and high are NAN when there is only one value. */
struct statistics_interval {
	double estimate;
	double low;
	double high;
};

/*
 * Fewer values than these have no 95 % interval that lies between them: where one is asked for
 * they give their range.
 */
#define STATISTICS_INTERVAL_LEAST 6

/*
 * The location of the values (one a block) with its 95 % interval from `resamples` bootstrap
 * samples. 0, -EINVAL when count is 0, or -ENOMEM. Simulated, intervals of the median cover 94 to
 * 98 % with 6, 9 and 20 values, whatever the noise; the range of 4 values does in 87.
 */
int statistics_bootstrap(const double *values, size_t count, enum statistics_location location,
			 size_t resamples, uint64_t seed, struct statistics_interval *interval);

/*
 * The Hodges-Lehmann shift of differences (one a block), with the interval of all shifts that the
 * cut differences' flip test does not refute at 5 % (Maritz 1979): of symmetric noise it covers
 * 95 % or more, exactly, from STATISTICS_INTERVAL_LEAST blocks on; a bootstrap covered 92 to 97.
 * Fewer give their range, one no interval. 0, -EINVAL when count is 0, or -ENOMEM.
 */
int statistics_paired_shift(const double *differences, size_t count,
			    struct statistics_interval *interval);

/*
 * Cuts differences to the median of their sizes, 0 left out; cut may be the same array. No block
 * then counts for more than the median one. 0 or -ENOMEM.
 */
int statistics_winsorise(const double *differences, size_t count, double *cut);

/*
 * The share of bootstrap estimates to cut off at either end for a 95 % interval from so many
 * values, two at least.
 */
double statistics_tail_share(size_t count);

/*
 * Two-sided p of "the signs of these differences are a coin's": the share of sign flips whose
 * sum is at least as far from 0 as the one seen. *exact tells whether all 2^count were tried.
 * 1 when count is 0.
 */
double statistics_sign_flip(const double *differences, size_t count, uint64_t seed, bool *exact);

/* The smallest p that so many pairs can give. */
double statistics_least_p(size_t pairs);

/* Holm's step-down adjustment of p[count] in place; NAN stays NAN and is not counted. -ENOMEM. */
int statistics_holm(double *p, size_t count);

/* One side against the other, as ratios: 1.04 is 4 % more. */
struct statistics_effect {
	size_t pairs; /* 0: nothing to compare, and the rest is NAN */
	double ratio; /* Hodges-Lehmann, of side / baseline */
	double low;   /* 95 % interval; range with fewer than STATISTICS_INTERVAL_LEAST pairs */
	double high;
	double p;   /* not adjusted */
	bool exact; /* p comes from all flips */
};

/*
 * Compares side[i] with baseline[i], one pair a block. A pair with a value that is not a positive
 * number leaves nothing to compare (pairs = 0): dropping that pair alone would bias the rest.
 * 0 or -ENOMEM.
 */
int statistics_compare(const double *side, const double *baseline, size_t count, uint64_t seed,
		       struct statistics_effect *effect);

/*
 * What the estimate may be off by, as a factor above 1: half the width of the interval, on the
 * logarithm. A difference of that size is claimed in half of experiments at best. NAN without an
 * interval.
 */
double statistics_resolution(const struct statistics_effect *effect);

/*
 * The noise floor that an A/A pair shows, as a factor above 1: what two equal cells differ by, or
 * the resolution where that is larger. NAN without an interval.
 */
double statistics_floor(const struct statistics_effect *control);

enum statistics_verdict {
	STATISTICS_NOT_COMPARED,
	STATISTICS_NO_DIFFERENCE,
	STATISTICS_FASTER,
	STATISTICS_SLOWER
};

/*
 * A difference is claimed only if the adjusted p is at most STATISTICS_LEVEL, the interval leaves
 * 1 out, and the ratio is beyond the floor (a factor; 1 where the caller has none to keep to).
 * An unknown floor, NAN, lets nothing be claimed.
 * `more_is_faster` is for rates; for times it is false.
 */
enum statistics_verdict statistics_judge(const struct statistics_effect *effect, double p_adjusted,
					 double floor, bool more_is_faster);

/* "faster by", "slower by", "no difference shown", "" when nothing was compared. */
const char *statistics_words(enum statistics_verdict verdict);

#endif
