/* Random numbers for tests by simulation: see noise.h. */
#include "tests/noise.h"

#include <math.h>

#include "results/statistics.h"

double noise_uniform(uint64_t *state)
{
	return ((double)(statistics_random(state) >> 11) + 0.5) * 0x1p-53;
}

double noise_normal(uint64_t *state)
{
	double radius = sqrt(-2.0 * log(noise_uniform(state)));

	return radius * cos(2.0 * M_PI * noise_uniform(state));
}

double noise_draw(enum noise noise, uint64_t *state)
{
	double numerator = noise_normal(state);
	double square = 0.0;

	switch (noise) {
	case HEAVY_TAILED:
		for (int i = 0; i < 3; i++) {
			double value = noise_normal(state);

			square += value * value / 3.0;
		}
		return numerator / sqrt(square);
	case SKEWED:
		return -log(noise_uniform(state));
	case CONTAMINATED:
		return noise_uniform(state) < 0.1 ? 8.0 * fabs(numerator) : numerator;
	case NORMAL:
	case NOISES:
		break;
	}
	return numerator;
}
