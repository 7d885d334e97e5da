/*
 * A run's rows by cell: for the reports that set cells beside each other in ways of their own,
 * block by block.
 */
#ifndef RESULTS_SERIES_H
#define RESULTS_SERIES_H

#include <stddef.h>
#include <stdio.h>

#include "results/flags.h"
#include "results/record.h"
#include "results/statistics.h"

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
/* The same for the controls, the second entries of the A/A pairs, and nothing else. */
int series_make_controls(const struct record *records, size_t count, enum record_kind kind,
			 struct series_set *set);
/* Also takes a zeroed struct. */
void series_release(struct series_set *set);

/* The series of that cell, NULL when there is none. */
const struct series *series_find(const struct series_set *set, const char *cell);

/* The order of rows within a series: by run, then block. */
int series_compare_blocks(const struct record *a, const struct record *b);

/* Orders two rows by these columns, one after the other; what is empty comes first. */
int series_compare_columns(const struct record *a, const struct record *b,
			   const enum record_column *columns, size_t count);

/*
 * Orders two rows of kind FETCH by what was fetched and over what: origin, its latency, TLS, link,
 * other work beside, the URL without its port or, where there is none, the length of a body.
 */
int series_compare_targets(const struct record *a, const struct record *b);
/* The same after their connections: 0 when they may be compared. */
int series_compare_workloads(const struct record *a, const struct record *b);
/* Whether two of them have the same number there; what is empty has no twin. */
bool series_have_twins(const struct series *const *series, size_t count, enum record_column column);
/* The same target in words, each after a comma. */
void series_print_target(const struct record *row, FILE *file);

/* The cell's value in the block of that row, NAN when it has none. */
double series_value(const struct series *series, const struct record *block,
		    enum record_column column);

/* The flags that spoil rows of it. */
flag_set series_spoiled(const struct series *series);

/* The median over the blocks that have the column; NAN when none has, or memory is out. */
double series_median(const struct series *series, enum record_column column);

/* The same with its 95 % interval; all NAN when no block has the column. 0 or -ENOMEM. */
int series_interval(const struct series *series, enum record_column column, uint64_t seed,
		    struct statistics_interval *interval);

/*
 * side / base over the blocks that have both (see statistics_compare()); either may be NULL:
 * nothing to compare. 0 or -ENOMEM.
 */
int series_compare(const struct series *side, const struct series *base, enum record_column column,
		   uint64_t seed, struct statistics_effect *effect);

/*
 * All blocks in which at least one of the series has a row, each once, in order: one of the rows
 * of that block. The caller frees *blocks. 0 or -ENOMEM.
 */
int series_blocks(const struct series *const *series, size_t count, const struct record ***blocks,
		  size_t *block_count);

#endif
