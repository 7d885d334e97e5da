/* The load with the most power: see knee.h. */
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
