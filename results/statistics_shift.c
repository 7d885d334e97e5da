/*
 * The shift and its interval. Few values: all differences are written down and sorted once, and
 * each bootstrap sample is a walk along them with weights. Many: nothing is written down, ranks
 * are found by bisection.
 */
#include "results/statistics_shift.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* So many differences are written down at most. */
#define MOST_DIFFERENCES 65536

/* A pair of samples, both sorted. */
struct samples {
	const double *side;
	const double *baseline;
	size_t side_count;
	size_t baseline_count;
};

/* side[i] - baseline[j] */
struct difference {
	double value;
	unsigned i;
	unsigned j;
};

static int by_value(const void *a, const void *b)
{
	double left = ((const struct difference *)a)->value;
	double right = ((const struct difference *)b)->value;

	return (left > right) - (left < right);
}

static struct difference *all_differences(const struct samples *s)
{
	struct difference *all = calloc(s->side_count * s->baseline_count, sizeof(*all));
	size_t filled = 0;

	if (!all)
		return NULL;
	for (unsigned i = 0; i < s->side_count; i++) {
		for (unsigned j = 0; j < s->baseline_count; j++)
			all[filled++] = (struct difference){s->side[i] - s->baseline[j], i, j};
	}
	qsort(all, filled, sizeof(*all), by_value);
	return all;
}

/* The median of the differences, each as often as its two values were drawn together. */
static double weighted_median(const struct difference *all, uint64_t total, const unsigned *sides,
			      const unsigned *baselines)
{
	uint64_t before = 0;
	size_t at = 0;

	for (;; at++) {
		before += (uint64_t)sides[all[at].i] * baselines[all[at].j];
		if (2 * before >= total)
			break;
	}
	if (2 * before > total)
		return all[at].value;
	for (size_t next = at + 1;; next++) {
		if (sides[all[next].i] && baselines[all[next].j])
			return 0.5 * all[at].value + 0.5 * all[next].value;
	}
}

static void draw(unsigned *draws, size_t count, uint64_t *state)
{
	memset(draws, 0, count * sizeof(*draws));
	for (size_t i = 0; i < count; i++)
		draws[statistics_random_below(state, count)]++;
}

static double variance(const double *values, size_t count)
{
	double mean = 0.0;
	double sum = 0.0;

	for (size_t i = 0; i < count; i++)
		mean += values[i] / (double)count;
	for (size_t i = 0; i < count; i++)
		sum += (values[i] - mean) * (values[i] - mean);
	return sum / (double)(count - 1);
}

/*
 * The share to cut off on either side: as statistics.c does for one sample, with what resampling
 * each sample takes off its variance, and Welch's (1947) degrees of freedom, rounded down.
 */
static double tail_share(const struct samples *s)
{
	double n = (double)s->side_count;
	double m = (double)s->baseline_count;
	double a = variance(s->side, s->side_count) / n;
	double b = variance(s->baseline, s->baseline_count) / m;
	double spread = a + b;
	double shrunk = a * (n - 1.0) / n + b * (m - 1.0) / m;
	double freedom = spread * spread / (a * a / (n - 1.0) + b * b / (m - 1.0));

	if (!(spread > 0.0))
		return 0.025;
	return 0.5 * erfc(statistics_t95((size_t)freedom) * sqrt(spread / shrunk) / M_SQRT2);
}

static int bootstrap(const struct samples *s, uint64_t seed, struct statistics_interval *interval)
{
	uint64_t total = (uint64_t)s->side_count * s->baseline_count;
	struct difference *all = all_differences(s);
	unsigned *sides = calloc(s->side_count + s->baseline_count + 1, sizeof(*sides));
	unsigned *baselines = sides ? sides + s->side_count : NULL;
	double *shifts = calloc(STATISTICS_RESAMPLES, sizeof(*shifts));
	int result = -ENOMEM;

	if (!all || !sides || !shifts)
		goto out;
	result = 0;
	interval->estimate = total % 2
				     ? all[total / 2].value
				     : 0.5 * all[total / 2 - 1].value + 0.5 * all[total / 2].value;
	if (s->side_count < 2 || s->baseline_count < 2)
		goto out;
	for (size_t i = 0; i < STATISTICS_RESAMPLES; i++) {
		draw(sides, s->side_count, &seed);
		draw(baselines, s->baseline_count, &seed);
		shifts[i] = weighted_median(all, total, sides, baselines);
	}
	statistics_sort(shifts, STATISTICS_RESAMPLES);
	interval->low = statistics_quantile(shifts, STATISTICS_RESAMPLES, tail_share(s));
	interval->high = statistics_quantile(shifts, STATISTICS_RESAMPLES, 1.0 - tail_share(s));
out:
	free(shifts);
	free(sides);
	free(all);
	return result;
}

/* How many differences are at most `limit`: one walk, since both samples are sorted. */
static double differences_up_to(const struct samples *s, double limit)
{
	double sum = 0.0;
	size_t j = 0;

	for (size_t i = 0; i < s->side_count; i++) {
		while (j < s->baseline_count && s->side[i] - s->baseline[j] > limit)
			j++;
		sum += (double)(s->baseline_count - j);
	}
	return sum;
}

/*
 * The least number that so large a share of the differences is at or below, by the Illinois
 * variant of false position (Dowell & Jarratt 1971): a third of the steps of bisection.
 */
static double difference_of(const struct samples *s, double share)
{
	double all = (double)s->side_count * (double)s->baseline_count;
	double low = s->side[0] - s->baseline[s->baseline_count - 1];
	double high = s->side[s->side_count - 1] - s->baseline[0];
	/* Half a difference off, so that the numbers sought never give 0. */
	double rank = ceil(share * all) - 0.5;
	double below = -rank;
	double above = all - rank;
	double width = 1e-9 * (high - low);
	int last = 0;

	while (high - low > width) {
		double guess = (low * above - high * below) / (above - below);
		double found;

		/* Rounded onto an end it would stay there. */
		if (!(guess > low && guess < high))
			guess = 0.5 * low + 0.5 * high;
		if (guess <= low || guess >= high)
			break;
		found = differences_up_to(s, guess) - rank;
		if (found < 0.0) {
			low = guess;
			below = found;
			above *= last < 0 ? 0.5 : 1.0;
		} else {
			high = guess;
			above = found;
			below *= last > 0 ? 0.5 : 1.0;
		}
		last = found < 0.0 ? -1 : 1;
	}
	return high;
}

/* Variance of the mean placement: of each value of one sample, how much of the other is below. */
static double placement_variance(const double *values, size_t count, const double *among,
				 size_t among_count, double moved)
{
	double sum = 0.0;
	double squares = 0.0;
	size_t below = 0;
	size_t up_to = 0;

	for (size_t i = 0; i < count; i++) {
		double placement;

		while (below < among_count && among[below] + moved < values[i])
			below++;
		while (up_to < among_count && among[up_to] + moved <= values[i])
			up_to++;
		placement = 0.5 * (double)(below + up_to) / (double)among_count;
		sum += placement;
		squares += placement * placement;
	}
	return (squares - sum * sum / (double)count) / (double)(count - 1) / (double)count;
}

static void ranks_interval(const struct samples *s, struct statistics_interval *interval)
{
	size_t fewer = s->side_count < s->baseline_count ? s->side_count : s->baseline_count;
	double shift = difference_of(s, 0.5);
	double reach;

	interval->estimate = shift;
	if (fewer < 2)
		return;
	reach = statistics_t95(fewer - 1) *
		sqrt(placement_variance(s->side, s->side_count, s->baseline, s->baseline_count,
					shift) +
		     placement_variance(s->baseline, s->baseline_count, s->side, s->side_count,
					-shift));
	interval->low = difference_of(s, fmax(0.0, 0.5 - reach));
	interval->high = difference_of(s, fmin(1.0, 0.5 + reach));
}

int statistics_shift(const double *side, size_t side_count, const double *baseline,
		     size_t baseline_count, uint64_t seed, struct statistics_interval *interval)
{
	const struct samples s = {side, baseline, side_count, baseline_count};
	size_t fewer = side_count < baseline_count ? side_count : baseline_count;

	*interval = (struct statistics_interval){NAN, NAN, NAN};
	if (side_count == 0 || baseline_count == 0)
		return -EINVAL;
	if (fewer < STATISTICS_MANY && side_count <= MOST_DIFFERENCES / fewer &&
	    baseline_count <= MOST_DIFFERENCES / fewer)
		return bootstrap(&s, seed, interval);
	ranks_interval(&s, interval);
	return 0;
}

/* Sorted logarithms; false when one is of no positive number. */
static bool logarithms(const double *values, size_t count, double *logs)
{
	bool sorted = true;

	for (size_t i = 0; i < count; i++) {
		if (!isnormal(values[i]) || values[i] < 0.0)
			return false;
		logs[i] = log(values[i]);
		sorted = sorted && (i == 0 || logs[i - 1] <= logs[i]);
	}
	if (!sorted)
		statistics_sort(logs, count);
	return true;
}

int statistics_compare_samples(const double *side, size_t side_count, const double *baseline,
			       size_t baseline_count, uint64_t seed,
			       struct statistics_effect *effect)
{
	size_t fewer = side_count < baseline_count ? side_count : baseline_count;
	struct statistics_interval interval;
	double *logs;
	int result = 0;

	*effect = (struct statistics_effect){0, NAN, NAN, NAN, NAN, false};
	if (side_count == 0 || baseline_count == 0)
		return 0;
	logs = calloc(side_count + baseline_count, sizeof(*logs));
	if (!logs)
		return -ENOMEM;
	if (!logarithms(side, side_count, logs) ||
	    !logarithms(baseline, baseline_count, logs + side_count))
		goto out;
	result = statistics_shift(logs, side_count, logs + side_count, baseline_count, seed,
				  &interval);
	if (result == 0)
		result = statistics_rank_test(logs, side_count, logs + side_count, baseline_count,
					      seed, &effect->p);
	if (result != 0)
		goto out;
	effect->pairs = fewer;
	effect->ratio = exp(interval.estimate);
	effect->low = exp(interval.low);
	effect->high = exp(interval.high);
	effect->exact = statistics_rank_method(side_count, baseline_count) == STATISTICS_EXACT;
out:
	free(logs);
	return result;
}
