/*
 * Concurrency and parallelism side by side: what one worker did, what several did by turns on one
 * core, and what they did on several cores at once. Adding gains by cores only; waiting gains by
 * turns already. Which a piece of work is shows in the two ratios, and is put into words.
 */
#ifndef RESULTS_CONCURRENCY_H
#define RESULTS_CONCURRENCY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "results/record.h"
#include "results/statistics.h"

/* A ratio must be beyond this, and its interval too, to be called a gain; below 1/it, a loss. */
#define CONCURRENCY_GAIN 1.1

struct concurrency_line {
	const struct record *alone, *together, *apart; /* a row of each; NULL: not run; borrowed */
	double alone_rate;			       /* median */
	struct statistics_effect by_turns;	       /* together / alone */
	struct statistics_effect at_once;	       /* apart / alone */
	struct statistics_effect more_cores;	       /* apart / together */
};

struct concurrency {
	struct concurrency_line *lines;
	size_t count;
};

/*
 * Finds, among rows of kind SUMSQ and FETCH (others are passed over), the cells with several
 * workers on one core (together) and on several (apart), by their columns `workers` and `cpus`,
 * and the cell of the same work with one worker: serial for sums, the same model for fetches. Rows
 * must outlive *concurrency. 0 or -ENOMEM. Release with concurrency_release().
 */
int concurrency_make(const struct record *records, size_t count, uint64_t seed,
		     struct concurrency *concurrency);
/* Also takes a zeroed struct. */
void concurrency_release(struct concurrency *concurrency);

/* The table, and a sentence or two a line. 0, -ENOMEM or -EIO. */
int concurrency_print(const struct concurrency *concurrency, FILE *file, bool color);

/* How many CPUs a list such as "0-3,8" names; 0 for "" or what is no list. */
unsigned concurrency_cpus(const char *list);

#endif
