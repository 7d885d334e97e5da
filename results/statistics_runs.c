/* Welch's t on the logarithms of runs: see statistics_runs.h. */
#include "results/statistics_runs.h"

#include <math.h>

/* Mean of the logarithms, and the variance of that mean; false when one has none. */
struct moments {
	double mean;
	double variance; /* NAN with one value */
};

static bool find_moments(const double *values, size_t count, struct moments *m)
{
	double sum = 0.0;
	double squares = 0.0;

	for (size_t i = 0; i < count; i++) {
		if (!isnormal(values[i]) || values[i] < 0.0)
			return false;
		sum += log(values[i]);
	}
	m->mean = sum / (double)count;
	for (size_t i = 0; i < count; i++) {
		double off = log(values[i]) - m->mean;

		squares += off * off;
	}
	m->variance = count > 1 ? squares / (double)(count - 1) / (double)count : NAN;
	return count > 0;
}

/* Welch's degrees of freedom, rounded down, where one spread at least is above 0. */
static size_t freedom_of(const struct moments *a, size_t a_count, const struct moments *b,
			 size_t b_count)
{
	double sum = a->variance + b->variance;

	double terms = a->variance * a->variance / (double)(a_count - 1) +
		       b->variance * b->variance / (double)(b_count - 1);

	/* A whole number must not lose one to its last digit. */
	return (size_t)(sum * sum / terms + 1e-6);
}

void statistics_compare_runs(const double *side, size_t side_count, const double *baseline,
			     size_t baseline_count, struct statistics_effect *effect)
{
	struct moments s, b;
	size_t freedom;
	double shift, error;

	*effect = (struct statistics_effect){0, NAN, NAN, NAN, NAN, false};
	if (!find_moments(side, side_count, &s) || !find_moments(baseline, baseline_count, &b))
		return;
	shift = s.mean - b.mean;
	error = sqrt(s.variance + b.variance);
	effect->pairs = side_count < baseline_count ? side_count : baseline_count;
	effect->ratio = exp(shift);
	effect->p = 1.0;
	/* Also when it is NAN. Rounding leaves something of a spread that is 0. */
	if (!(error > 1e-12))
		return;
	freedom = freedom_of(&s, side_count, &b, baseline_count);
	effect->low = exp(shift - statistics_t95(freedom) * error);
	effect->high = exp(shift + statistics_t95(freedom) * error);
	effect->p = fmax(0.0, 1.0 - statistics_t_within(fabs(shift) / error, freedom));
}

double statistics_runs_floor(const double *ratios, size_t count)
{
	struct moments m;
	double reach;

	if (count < STATISTICS_RUNS_LEAST || !find_moments(ratios, count, &m))
		return NAN;
	reach = statistics_t95(count - 1) * sqrt(m.variance);
	return exp(fmax(fabs(m.mean), reach));
}
