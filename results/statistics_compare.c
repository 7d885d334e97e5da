/*
 * From paired runs to a verdict: an effect with its interval, a test that assumes nothing but
 * that blocks are exchangeable in sign, a correction for looking at many cells, and the rule that
 * nothing below the noise floor is claimed.
 */
#include "results/statistics.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

/*
 * All flips by a Gray code: one sign changes at a time. Half of them are the other half mirrored,
 * so the last sign stays. `slack` absorbs the rounding of the running sum, or ties would be lost.
 */
static double flip_all(const double *differences, size_t count, double seen, double slack)
{
	bool negative[STATISTICS_EXACT_PAIRS] = {false};
	uint64_t flips = UINT64_C(1) << (count - 1);
	uint64_t extreme = 0;
	double sum = 0.0;

	for (size_t i = 0; i < count; i++)
		sum += differences[i];
	for (uint64_t i = 1;; i++) {
		unsigned sign;

		if (fabs(sum) >= seen - slack)
			extreme++;
		if (i == flips)
			break;
		sign = (unsigned)__builtin_ctzll(i);
		sum += (negative[sign] ? 2.0 : -2.0) * differences[sign];
		negative[sign] = !negative[sign];
	}
	return (double)extreme / (double)flips;
}

/* The flip that was seen counts as one of those tried: p is never 0 and never too small. */
static double flip_some(const double *differences, size_t count, double seen, double slack,
			uint64_t seed)
{
	uint64_t extreme = 1;

	for (uint64_t i = 1; i < STATISTICS_FLIPS; i++) {
		double sum = 0.0;
		uint64_t signs = 0;

		for (size_t j = 0; j < count; j++) {
			if (j % 64 == 0)
				signs = statistics_random(&seed);
			sum += signs & 1 ? -differences[j] : differences[j];
			signs >>= 1;
		}
		if (fabs(sum) >= seen - slack)
			extreme++;
	}
	return (double)extreme / (double)STATISTICS_FLIPS;
}

double statistics_sign_flip(const double *differences, size_t count, uint64_t seed, bool *exact)
{
	double sum = 0.0;
	double size = 0.0;
	double slack;

	*exact = count <= STATISTICS_EXACT_PAIRS;
	if (count == 0)
		return 1.0;
	for (size_t i = 0; i < count; i++) {
		sum += differences[i];
		size += fabs(differences[i]);
	}
	slack = 1e-10 * size;
	if (*exact)
		return flip_all(differences, count, fabs(sum), slack);
	return flip_some(differences, count, fabs(sum), slack, seed);
}

double statistics_least_p(size_t pairs)
{
	if (pairs == 0)
		return 1.0;
	return pairs <= STATISTICS_EXACT_PAIRS ? ldexp(1.0, 1 - (int)pairs)
					       : 1.0 / (double)STATISTICS_FLIPS;
}

struct ranked {
	double p;
	size_t place;
};

static int by_p(const void *a, const void *b)
{
	double left = ((const struct ranked *)a)->p;
	double right = ((const struct ranked *)b)->p;

	return (left > right) - (left < right);
}

int statistics_holm(double *p, size_t count)
{
	struct ranked *ranked = calloc(count ? count : 1, sizeof(*ranked));
	double largest = 0.0;
	size_t tests = 0;

	if (!ranked)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		if (!isnan(p[i]))
			ranked[tests++] = (struct ranked){p[i], i};
	}
	qsort(ranked, tests, sizeof(*ranked), by_p);
	for (size_t i = 0; i < tests; i++) {
		largest = fmax(largest, fmin(1.0, ranked[i].p * (double)(tests - i)));
		p[ranked[i].place] = largest;
	}
	free(ranked);
	return 0;
}

int statistics_compare(const double *side, const double *baseline, size_t count, uint64_t seed,
		       struct statistics_effect *effect)
{
	struct statistics_interval interval;
	double *differences;
	int result;

	*effect = (struct statistics_effect){0, NAN, NAN, NAN, NAN, false};
	for (size_t i = 0; i < count; i++) {
		if (!isnormal(side[i]) || !isnormal(baseline[i]) || side[i] < 0.0 ||
		    baseline[i] < 0.0)
			return 0;
	}
	if (count == 0)
		return 0;
	differences = calloc(count, sizeof(*differences));
	if (!differences)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		differences[i] = log(side[i]) - log(baseline[i]);
	result = statistics_paired_shift(differences, count, &interval);
	if (result == 0)
		result = statistics_winsorise(differences, count, differences);
	if (result == 0) {
		effect->pairs = count;
		effect->ratio = exp(interval.estimate);
		effect->low = exp(interval.low);
		effect->high = exp(interval.high);
		effect->p = statistics_sign_flip(differences, count, seed, &effect->exact);
	}
	free(differences);
	return result;
}

double statistics_resolution(const struct statistics_effect *effect)
{
	return sqrt(effect->high / effect->low);
}

double statistics_floor(const struct statistics_effect *control)
{
	double differ = fmax(control->ratio, 1.0 / control->ratio);
	double resolution = statistics_resolution(control);

	return isnan(resolution) ? NAN : fmax(differ, resolution);
}

enum statistics_verdict statistics_judge(const struct statistics_effect *effect, double p_adjusted,
					 double floor, bool more_is_faster)
{
	double size = fmax(effect->ratio, 1.0 / effect->ratio);

	if (effect->pairs == 0)
		return STATISTICS_NOT_COMPARED;
	if (!(p_adjusted <= STATISTICS_LEVEL) || !(effect->low > 1.0 || effect->high < 1.0) ||
	    !(size > floor))
		return STATISTICS_NO_DIFFERENCE;
	return (effect->ratio > 1.0) == more_is_faster ? STATISTICS_FASTER : STATISTICS_SLOWER;
}

const char *statistics_words(enum statistics_verdict verdict)
{
	switch (verdict) {
	case STATISTICS_NO_DIFFERENCE:
		return "no difference shown";
	case STATISTICS_FASTER:
		return "faster by";
	case STATISTICS_SLOWER:
		return "slower by";
	case STATISTICS_NOT_COMPARED:
		break;
	}
	return "";
}
