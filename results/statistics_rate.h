/*
 * What the lab says of itself: how sure a count of false alarms is, and how many blocks a claim
 * takes on a host that spreads like this one.
 */
#ifndef RESULTS_STATISTICS_RATE_H
#define RESULTS_STATISTICS_RATE_H

#include <stddef.h>

/*
 * Exact 95 % interval of a rate that was seen in `seen` of `tries` (Clopper & Pearson 1934); 0 and
 * 1 without a try.
 */
void statistics_rate_interval(size_t seen, size_t tries, double *low, double *high);

/*
 * The half width of a 95 % interval from `wanted_blocks` blocks, on the logarithm, where `blocks`
 * of them gave `half_width`: it goes as Student's t over the root of their number.
 */
double statistics_half_width(double half_width, size_t blocks, size_t wanted_blocks);

/*
 * The fewest blocks whose interval would be no wider than `wanted` to either side; 0 when no
 * million of them would do, or when no spread was seen to tell it from.
 */
size_t statistics_blocks_for(double half_width, size_t blocks, double wanted);

#endif
