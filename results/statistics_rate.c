/* Found by bisection: both answers are one turn of a function that only rises or only falls. */
#include "results/statistics_rate.h"
#include "results/statistics.h"

#include <math.h>
#include <stdbool.h>

#define MOST_BLOCKS 1000000

/* Share of so many tries at that rate that see at most `most`. */
static double at_most(size_t most, size_t tries, double rate)
{
	double sum = 0.0;

	for (size_t i = 0; i <= most && i <= tries; i++)
		sum += exp(lgamma((double)tries + 1) - lgamma((double)i + 1) -
			   lgamma((double)(tries - i) + 1) + (double)i * log(rate) +
			   (double)(tries - i) * log1p(-rate));
	return sum;
}

/* The rate at which at_most() is `share`: the more likely it is, the fewer are seen. */
static double rate_of(size_t most, size_t tries, double share)
{
	double low = 0.0;
	double high = 1.0;

	for (int i = 0; i < 60; i++) {
		double middle = 0.5 * (low + high);

		if (at_most(most, tries, middle) > share)
			low = middle;
		else
			high = middle;
	}
	return 0.5 * (low + high);
}

void statistics_rate_interval(size_t seen, size_t tries, double *low, double *high)
{
	*low = seen == 0 ? 0.0 : rate_of(seen - 1, tries, 0.975);
	*high = seen == tries ? 1.0 : rate_of(seen, tries, 0.025);
}

double statistics_half_width(double half_width, size_t blocks, size_t wanted_blocks)
{
	return half_width * statistics_t95(wanted_blocks - 1) / statistics_t95(blocks - 1) *
	       sqrt((double)blocks / (double)wanted_blocks);
}

size_t statistics_blocks_for(double half_width, size_t blocks, double wanted)
{
	size_t few = 1;
	size_t enough = MOST_BLOCKS;

	if (!(half_width > 0.0) || blocks < 2 ||
	    statistics_half_width(half_width, blocks, MOST_BLOCKS) > wanted)
		return 0;
	while (enough - few > 1) {
		size_t middle = few + (enough - few) / 2;

		if (statistics_half_width(half_width, blocks, middle) <= wanted)
			enough = middle;
		else
			few = middle;
	}
	return enough;
}
