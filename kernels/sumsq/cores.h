/*
 * Prototypes of the cores, from the same rows as their table, and what several cores need: a
 * range cut where the arithmetic changes. Callers go through sumsq_cores.
 */
#ifndef KERNELS_SUMSQ_CORES_H
#define KERNELS_SUMSQ_CORES_H

#include "kernels/sumsq/sumsq.h"

#define CORE(name, function, runs, needs) sumsq_function function;
#include "kernels/sumsq/cores.def"
#undef CORE

/*
 * How many squares of numbers below `end` 64 bits are sure to hold: 4096 when end is 2^26, and
 * never said to be more than 2^32.
 */
static inline uint64_t cores_rounds(uint64_t end)
{
	uint64_t most = UINT64_C(1) << 32;
	uint64_t square = end > 1 ? (end - 1) * (end - 1) : 1;

	return UINT64_MAX / square < most ? UINT64_MAX / square : most;
}

/*
 * Adds to *total, block after block of at most `most` numbers, the squares from first up to last
 * or to the band's end, whichever comes first; returns where it stopped.
 */
static inline uint64_t cores_band(sumsq_function *block, uint64_t first, uint64_t last,
				  uint64_t end, uint64_t most, sumsq_total *total)
{
	if (end > last)
		end = last;
	while (first < end) {
		uint64_t next = end - first < most ? end : first + most;

		*total += block(first, next);
		first = next;
	}
	return first;
}

#endif
