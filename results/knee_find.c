/* The load with the most power, and how surely it is that: see knee.h. */
#include "results/knee.h"

#include <math.h>

size_t knee_find(const double *rates, const double *latencies, size_t count)
{
	size_t best = count;
	double most = 0;

	for (size_t i = 0; i < count; i++) {
		double power = rates[i] / latencies[i];

		if (rates[i] > 0 && latencies[i] > 0 && power > most && !isinf(power)) {
			most = power;
			best = i;
		}
	}
	return best;
}

/* Between which rates the knee is known to lie: one load beyond its interval on either side. */
static void bracket(const struct knee_line *line, double *low, double *high)
{
	size_t first = line->low <= line->high ? line->low : line->knee;
	size_t last = line->low <= line->high ? line->high : line->knee;

	*low = first > 0 && first < line->count ? line->points[first - 1].offered : 0;
	*high = last + 1 < line->count ? line->points[last + 1].offered : INFINITY;
}

void knee_widen(struct statistics_effect *effect, const struct knee_line *side,
		const struct knee_line *base)
{
	double low, high, base_low, base_high;

	bracket(side, &low, &high);
	bracket(base, &base_low, &base_high);
	effect->low = fmin(effect->low, low / base_high);
	effect->high = fmax(effect->high, base_low > 0 ? high / base_low : INFINITY);
}
