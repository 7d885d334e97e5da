/*
 * Programs side by side, as a course sets them: how long each took, what CPU time it cost, and
 * how that compares with the first of its kind. For runs that do a fixed piece of work; those
 * that run for a fixed time are the matrix's.
 */
#ifndef RESULTS_PROGRAMS_H
#define RESULTS_PROGRAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "results/record.h"

struct program {
	const char *name; /* borrowed from its rows */
	enum record_kind kind;
	size_t runs;			  /* complete ones; 0: the figures below are NAN */
	size_t left_out;		  /* failed or cut short */
	double duration_s, low_s, high_s; /* median over the runs, and their extremes */
	double setup_s; /* before that: making workers, looking up names; median */
	double cpu_s;	/* user, system and helpers: median */
	double ratio;	/* the first one's duration over this one's; NAN without a first */
};

/*
 * Works out a program for each cell among the rows (controls are passed over), in the order of
 * their first appearance in names[], whose cells have no row are left out. NULL when memory is
 * out; free() it. *programs_count tells how many.
 */
struct program *programs_make(const struct record *records, size_t count, const char *const *names,
			      size_t name_count, size_t *programs_count);

/* The table. 0, -ENOMEM or -EIO. */
int programs_print(const struct program *programs, size_t count, FILE *file, bool color);

/* The same as CSV, header first: missing is empty. 0 or -EIO. */
int programs_write_csv(const struct program *programs, size_t count, FILE *file);

#endif
