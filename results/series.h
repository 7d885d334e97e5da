/*
 * A run's rows by cell: for the reports that set cells beside each other in ways of their own,
 * block by block.
 */
#ifndef RESULTS_SERIES_H
#define RESULTS_SERIES_H

#include <stddef.h>

#include "results/record.h"

/* The complete rows of one cell, ordered by run and block. */
struct series {
	const struct record **rows;
	size_t count; /* one at least */
};

struct series_set {
	struct series *series; /* by name of the cell */
	size_t count;
	const struct record **rows; /* of all of them */
};

/*
 * Sorts the rows of one kind, which must outlive the set. Passed over are controls, rows without a
 * cell or block, and those of runs that failed or were cut short. Returns 0, to be released with
 * series_release(), or -ENOMEM.
 */
int series_make(const struct record *records, size_t count, enum record_kind kind,
		struct series_set *set);
/* Also takes a zeroed struct. */
void series_release(struct series_set *set);

/* The order of rows within a series: by run, then block. */
int series_compare_blocks(const struct record *a, const struct record *b);

/* The cell's value in the block of that row, NAN when it has none. */
double series_value(const struct series *series, const struct record *block,
		    enum record_column column);

#endif
