/*
 * Locations and their intervals. Everything here is deterministic: the bootstrap draws from a
 * generator that the caller seeds, so that a report can be made again from its CSV.
 */
#include "results/statistics.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

uint64_t statistics_random(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* Uniform below `count`, by multiplication (Lemire 2019); the bias is below count / 2^64. */
size_t statistics_random_below(uint64_t *state, size_t count)
{
	return (size_t)(((unsigned __int128)statistics_random(state) * count) >> 64);
}

static int ascending(const void *a, const void *b)
{
	double left = *(const double *)a;
	double right = *(const double *)b;

	return (left > right) - (left < right);
}

void statistics_sort(double *values, size_t count)
{
	if (count > 1)
		qsort(values, count, sizeof(values[0]), ascending);
}

double statistics_quantile(const double *sorted, size_t count, double share)
{
	double place;
	size_t below;

	if (count == 0)
		return NAN;
	place = share * (double)(count - 1);
	below = (size_t)place;
	if (below + 1 >= count)
		return sorted[count - 1];
	return sorted[below] + (place - (double)below) * (sorted[below + 1] - sorted[below]);
}

/* Doubles as integers in the same order, so that bisection ends at the very value. */
static int64_t ordered(double value)
{
	int64_t bits;

	value += 0.0; /* -0 is 0 */
	memcpy(&bits, &value, sizeof(bits));
	return bits < 0 ? INT64_MIN - bits : bits;
}

static double unordered(int64_t key)
{
	int64_t bits = key < 0 ? INT64_MIN - key : key;
	double value;

	memcpy(&value, &bits, sizeof(value));
	return value;
}

/* How many of the pairs' averages are at most `limit`: one walk, since both ends are sorted. */
static uint64_t averages_up_to(const double *sorted, size_t count, double limit)
{
	uint64_t sum = 0;
	size_t end = count;

	for (size_t i = 0; i < end; i++) {
		while (end > i && 0.5 * sorted[i] + 0.5 * sorted[end - 1] > limit)
			end--;
		sum += end - i;
	}
	return sum;
}

/* The rank-th smallest average, from 1: the least number that has so many at or below it. */
static double average_of_rank(const double *sorted, size_t count, uint64_t rank, double least)
{
	int64_t low = ordered(least);
	int64_t high = ordered(sorted[count - 1]);

	while (low < high) {
		int64_t middle = (low & high) + ((low ^ high) >> 1);

		if (averages_up_to(sorted, count, unordered(middle)) >= rank)
			high = middle;
		else
			low = middle + 1;
	}
	return unordered(low);
}

double statistics_hodges_lehmann(const double *sorted, size_t count)
{
	uint64_t averages = (uint64_t)count * (count + 1) / 2;
	double low;

	if (count == 0)
		return NAN;
	low = average_of_rank(sorted, count, (averages + 1) / 2, sorted[0]);
	if (averages % 2 == 1 || averages_up_to(sorted, count, low) > averages / 2)
		return low;
	return 0.5 * low + 0.5 * average_of_rank(sorted, count, averages / 2 + 1, low);
}

/* The finite series 26.7.3 and 26.7.4 of Abramowitz & Stegun 1964. */
double statistics_t_within(double t, size_t freedom)
{
	double angle = atan(t / sqrt((double)freedom));
	double cosine = cos(angle);
	bool odd = freedom % 2 == 1;
	double term = odd ? cosine : 1.0;
	double sum = freedom == 1 ? 0.0 : term;

	for (size_t k = odd ? 3 : 2; k + 1 < freedom; k += 2) {
		term *= cosine * cosine * (double)(k - 1) / (double)k;
		sum += term;
	}
	if (odd)
		return M_2_PI * (angle + sin(angle) * sum);
	return sin(angle) * sum;
}

/* Above so many degrees of freedom t is the normal to four digits, and the series is long. */
#define MOST_FREEDOM 1000

double statistics_t95(size_t freedom)
{
	double low = 1.9;
	double high = 13.0; /* 12.7 with one degree of freedom */

	if (freedom > MOST_FREEDOM)
		freedom = MOST_FREEDOM;
	while (high - low > 1e-9) {
		double middle = 0.5 * (low + high);

		if (statistics_t_within(middle, freedom) < 0.95)
			low = middle;
		else
			high = middle;
	}
	return 0.5 * (low + high);
}

/*
 * The share of bootstrap samples to cut off on either side. Resampling n values gives a spread
 * that is too small by sqrt((n - 1) / n) and has normal tails where Student's are due; the cut
 * moves outwards by both (Hesterberg 2015, section 5.3).
 */
double statistics_tail_share(size_t count)
{
	double n = (double)count;
	double reach = statistics_t95(count - 1) * sqrt(n / (n - 1.0));

	return 0.5 * erfc(reach / M_SQRT2);
}

static double location_of(const double *sorted, size_t count, enum statistics_location location)
{
	if (location == STATISTICS_MEDIAN)
		return statistics_quantile(sorted, count, 0.5);
	return statistics_hodges_lehmann(sorted, count);
}

/* Draws count values with replacement; counting the draws keeps the sample sorted. */
static void resample(const double *sorted, size_t count, uint64_t *state, unsigned *draws,
		     double *sample)
{
	size_t filled = 0;

	memset(draws, 0, count * sizeof(draws[0]));
	for (size_t i = 0; i < count; i++)
		draws[statistics_random_below(state, count)]++;
	for (size_t i = 0; i < count; i++) {
		for (unsigned j = 0; j < draws[i]; j++)
			sample[filled++] = sorted[i];
	}
}

int statistics_bootstrap(const double *values, size_t count, enum statistics_location location,
			 size_t resamples, uint64_t seed, struct statistics_interval *interval)
{
	double *sorted = NULL;
	double *sample = NULL;
	double *locations = NULL;
	unsigned *draws = NULL;
	int result = -ENOMEM;

	*interval = (struct statistics_interval){NAN, NAN, NAN};
	if (count == 0)
		return -EINVAL;
	sorted = calloc(count, sizeof(*sorted));
	sample = calloc(count, sizeof(*sample));
	locations = calloc(resamples, sizeof(*locations));
	draws = calloc(count, sizeof(*draws));
	if (!sorted || !sample || !locations || !draws)
		goto out;
	memcpy(sorted, values, count * sizeof(*sorted));
	statistics_sort(sorted, count);
	interval->estimate = location_of(sorted, count, location);
	if (count > 1 && count < STATISTICS_INTERVAL_LEAST) {
		interval->low = sorted[0];
		interval->high = sorted[count - 1];
	} else if (count > 1) {
		double tail = statistics_tail_share(count);

		for (size_t i = 0; i < resamples; i++) {
			resample(sorted, count, &seed, draws, sample);
			locations[i] = location_of(sample, count, location);
		}
		statistics_sort(locations, resamples);
		interval->low = statistics_quantile(locations, resamples, tail);
		interval->high = statistics_quantile(locations, resamples, 1.0 - tail);
	}
	result = 0;
out:
	free(draws);
	free(locations);
	free(sample);
	free(sorted);
	return result;
}
