/* Fitting the universal scalability law to points: see usl.h. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "results/usl.h"

#define STEPS_MAX 300
/* A coefficient that is this near to 0 is 0 but for rounding. */
#define ROUNDING 1e-10

enum coefficient { LAMBDA, SIGMA, KAPPA, COEFFICIENTS };

struct points {
	const double *workers, *rates;
	size_t count;
};

static double divisor(const double c[COEFFICIENTS], double n)
{
	return 1 + c[SIGMA] * (n - 1) + c[KAPPA] * n * (n - 1);
}

double usl_rate(const struct usl_fit *fit, double workers)
{
	const double c[COEFFICIENTS] = {fit->lambda, fit->sigma, fit->kappa};

	return fit->lambda * workers / divisor(c, workers);
}

double usl_peak(const struct usl_fit *fit)
{
	if (fit->kappa <= 0)
		return fit->sigma >= 1 ? 1 : INFINITY;
	return fit->sigma >= 1 ? 1 : fmax(1, sqrt((1 - fit->sigma) / fit->kappa));
}

/* The sum of squares; INFINITY where the law has a pole among the points. */
static double squares(const struct points *p, const double c[COEFFICIENTS])
{
	double sum = 0;

	for (size_t i = 0; i < p->count; i++) {
		double d = divisor(c, p->workers[i]);
		double off = p->rates[i] - c[LAMBDA] * p->workers[i] / d;

		if (!(d > 0))
			return INFINITY;
		sum += off * off;
	}
	return sum;
}

/* J'J and J'r of the free coefficients, rows and columns of the others left at 0. */
static void normal_equations(const struct points *p, const double c[COEFFICIENTS],
			     const bool free[COEFFICIENTS], double a[COEFFICIENTS][COEFFICIENTS],
			     double b[COEFFICIENTS])
{
	memset(a, 0, sizeof(double[COEFFICIENTS][COEFFICIENTS]));
	memset(b, 0, sizeof(double[COEFFICIENTS]));
	for (size_t i = 0; i < p->count; i++) {
		double n = p->workers[i], d = divisor(c, n);
		double off = p->rates[i] - c[LAMBDA] * n / d;
		double slope = -c[LAMBDA] * n * (n - 1) / (d * d);
		const double j[COEFFICIENTS] = {n / d, slope, slope * n};

		for (unsigned r = 0; r < COEFFICIENTS; r++) {
			if (!free[r])
				continue;
			b[r] += j[r] * off;
			for (unsigned k = 0; k < COEFFICIENTS; k++)
				a[r][k] += free[k] ? j[r] * j[k] : 0;
		}
	}
}

/* Solves a x = b for the free ones, a being damped on its diagonal; false when it is singular. */
static bool solve(double a[COEFFICIENTS][COEFFICIENTS], const double b[COEFFICIENTS],
		  const bool free[COEFFICIENTS], double damping, double x[COEFFICIENTS])
{
	double m[COEFFICIENTS][COEFFICIENTS + 1];

	for (unsigned r = 0; r < COEFFICIENTS; r++) {
		for (unsigned k = 0; k < COEFFICIENTS; k++)
			m[r][k] = a[r][k];
		m[r][r] = free[r] ? a[r][r] * (1 + damping) : 1;
		m[r][COEFFICIENTS] = b[r];
	}
	/* A damped J'J is positive definite: no pivoting is needed. */
	for (unsigned r = 0; r < COEFFICIENTS; r++) {
		if (!(m[r][r] > 0))
			return false;
		for (unsigned q = r + 1; q < COEFFICIENTS; q++) {
			double share = m[q][r] / m[r][r];

			for (unsigned k = r; k <= COEFFICIENTS; k++)
				m[q][k] -= share * m[r][k];
		}
	}
	for (unsigned r = COEFFICIENTS; r-- > 0;) {
		x[r] = m[r][COEFFICIENTS];
		for (unsigned k = r + 1; k < COEFFICIENTS; k++)
			x[r] -= m[r][k] * x[k];
		x[r] /= m[r][r];
	}
	return true;
}

/* Marquardt's method from c on; returns the sum of squares. */
static double descend(const struct points *p, const bool free[COEFFICIENTS], double c[COEFFICIENTS])
{
	double sum = squares(p, c), damping = 1e-3;
	double a[COEFFICIENTS][COEFFICIENTS], b[COEFFICIENTS];

	normal_equations(p, c, free, a, b);
	for (unsigned step = 0; step < STEPS_MAX && damping < 1e12; step++) {
		double x[COEFFICIENTS], next[COEFFICIENTS], next_sum;

		if (!solve(a, b, free, damping, x))
			break;
		for (unsigned k = 0; k < COEFFICIENTS; k++)
			next[k] = c[k] + (free[k] ? x[k] : 0);
		next_sum = squares(p, next);
		if (!(next_sum < sum)) {
			damping *= 10;
			continue;
		}
		memcpy(c, next, sizeof(next));
		damping = fmax(damping / 10, 1e-12);
		if (sum - next_sum <= 1e-15 * sum)
			return next_sum;
		sum = next_sum;
		normal_equations(p, c, free, a, b);
	}
	return sum;
}

static bool is_determined(const struct points *p)
{
	size_t different = 0;

	for (size_t i = 0; i < p->count; i++) {
		size_t k = 0;

		if (!(p->workers[i] >= 1) || !(p->rates[i] > 0) || isinf(p->rates[i]))
			return false;
		while (k < i && p->workers[k] != p->workers[i])
			k++;
		different += k == i;
	}
	return different >= USL_COUNTS_LEAST;
}

int usl_fit(const double *workers, const double *rates, size_t count, struct usl_fit *fit)
{
	static const bool sets[][COEFFICIENTS] = {
		{true, true, true}, {true, true, false}, {true, false, true}, {true, false, false}};
	const struct points p = {workers, rates, count};
	double best = INFINITY, each = 0;

	if (!is_determined(&p))
		return -EDOM;
	for (size_t i = 0; i < count; i++)
		each = fmax(each, rates[i] / workers[i]);
	for (size_t s = 0; s < sizeof(sets) / sizeof(sets[0]); s++) {
		double c[COEFFICIENTS] = {each, sets[s][SIGMA] ? 0.1 : 0,
					  sets[s][KAPPA] ? 1e-3 : 0};
		double sum = descend(&p, sets[s], c);

		if (c[SIGMA] < -ROUNDING || c[KAPPA] < -ROUNDING || !(sum < best))
			continue;
		best = sum;
		*fit = (struct usl_fit){c[LAMBDA], c[SIGMA] > ROUNDING ? c[SIGMA] : 0,
					c[KAPPA] > ROUNDING ? c[KAPPA] : 0, 0};
		/* The least of all, where it is allowed, is the answer. */
		if (s == 0)
			break;
	}
	for (size_t i = 0; i < count; i++)
		fit->worst = fmax(fit->worst, fabs(rates[i] / usl_rate(fit, workers[i]) - 1));
	return 0;
}
