/*
 * Rows of an experiment that never ran, for the tests of what is made from rows: two workloads of
 * fetches with every quadrant, the floor and an A/A control, and the pools of the sum of squares.
 * The numbers are plausible; the ratios between cells are exact but for the noise asked for.
 */
#ifndef TESTS_SYNTHETIC_H
#define TESTS_SYNTHETIC_H

#include "results/record.h"

/*
 * Adds the rows of `blocks` blocks to *records (NULL and 0 at first), to be freed with
 * record_free_all(). Each run differs from its cell by `noise` (a standard deviation, relative),
 * and each block from the others by ten times that. Aborts when memory is out.
 */
void synthetic_fetch(struct record **records, size_t *count, unsigned blocks, double noise);
void synthetic_sumsq(struct record **records, size_t *count, unsigned blocks, double noise);

#endif
