/*
 * Where a pool starts to pay: the job size from which on it adds more squares a second than one
 * core alone. Handing out a job costs the same whatever its size, so small jobs lose by it.
 *
 * At each size the pool is compared with serial, paired by block (Hodges-Lehmann, on logarithms).
 * The break-even is where that curve last rises through 1, on a straight line between the two
 * sizes round it, both axes logarithmic. Its interval comes from doing all that again for blocks
 * drawn with replacement, the same blocks for all sizes, cut as statistics.h does.
 */
#ifndef RESULTS_GRAIN_H
#define RESULTS_GRAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "results/record.h"

/* Sizes of a pool that are looked at, the smallest ones. */
#define GRAIN_SIZES_MAX 64

struct grain_point {
	double squares;	 /* in a job */
	double ratio;	 /* pool / serial */
	double serial_s; /* what such a job takes alone */
};

/* In squares; 0: below the smallest size, INFINITY: not up to the largest. */
struct grain_pool {
	const struct record *sample; /* one of its rows; borrowed */
	size_t blocks;		     /* with both, at some size */
	struct grain_point points[GRAIN_SIZES_MAX];
	size_t count; /* two at least */
	double break_even;
	double low, high; /* 95 % interval; NAN with one block */
	double job_s;	  /* what a job of the break-even's size takes alone, NAN without one */
};

struct grain {
	struct grain_pool *pools;
	size_t count;
};

/*
 * Finds the pools among the rows (of kind SUMSQ; others are passed over), which must outlive
 * *grain: cells that differ in the size of their jobs only, and that ran beside serial cells of
 * the same jobs and core. 0, or -ENOMEM. Release with grain_release().
 */
int grain_make(const struct record *records, size_t count, uint64_t seed, struct grain *grain);
/* Also takes a zeroed struct. */
void grain_release(struct grain *grain);

/* Break-evens and, below, how many times serial's rate at each size. 0, -ENOMEM or -EIO. */
int grain_print(const struct grain *grain, FILE *file, bool color);

/*
 * A row a pool as in summary.csv (see summary.h), of the column break_even_squares: an end that
 * was not found is empty, and the verdict says in words which way. 0 or -EIO.
 */
int grain_write_csv(const struct grain *grain, FILE *file);

#endif
