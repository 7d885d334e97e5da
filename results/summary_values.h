/* What summary.c hands to summary_values.c: rows already sorted into cells. */
#ifndef RESULTS_SUMMARY_VALUES_H
#define RESULTS_SUMMARY_VALUES_H

#include "results/summary.h"

/* The rows of one cell (or of its control), ascending by run and block. */
struct summary_rows {
	const struct record **rows;
	size_t count;
};

/* A cell before it has figures. */
struct summary_draft {
	struct summary_rows own;
	struct summary_rows control;
	const struct record *sample;
	flag_set flags; /* of all its rows, those that failed included */
	size_t failed;	/* of its own */
};

/* Orders rows of one cell; 0 means the same block of the same run. */
int summary_compare_runs(const struct record *a, const struct record *b);

/*
 * Commands among models are no models and stand outside the comparison. Commands alone are compared
 * with each other: by their own rates where all have one, else by how long they took.
 */
void summary_find_commands(struct summary *summary);
void summary_choose_baselines(struct summary *summary, const struct summary_options *options);

/*
 * Works out every value, floor and verdict of a summary whose cells, groups and baselines are
 * set; drafts[i] has the rows of summary->cells[i]. 0 or -ENOMEM.
 */
int summary_fill(struct summary *summary, const struct summary_draft *drafts, uint64_t seed);

#endif
