/*
 * From rows to cells: what each cell showed over its blocks, how it compares with the baseline of
 * its workload, and the noise floor that the A/A control showed. Nothing is printed here; the
 * matrix and summary.csv are made from it.
 */
#ifndef RESULTS_SUMMARY_H
#define RESULTS_SUMMARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "results/claim.h"
#include "results/flags.h"
#include "results/record.h"
#include "results/statistics.h"

/* What a column means for a comparison. A cost has words of its own: less CPU is not "faster". */
enum summary_sense {
	SUMMARY_EVIDENCE, /* summarised, never compared */
	SUMMARY_RATE,	  /* more is faster */
	SUMMARY_TIME,	  /* less is faster */
	SUMMARY_COST	  /* less is cheaper */
};

struct summary_column {
	enum record_column column;
	enum summary_sense sense;
};

/* The columns that are summarised, in order; a summary uses those of its kind. */
#define SUMMARY_COLUMNS 24
extern const struct summary_column summary_columns[SUMMARY_COLUMNS];

/* One cell on one column. */
struct summary_value {
	size_t blocks; /* runs with this column; 0: the rest is empty */
	double median;
	double low; /* 95 % interval of the median, NAN with one run */
	double high;
	struct statistics_effect effect; /* against the baseline; pairs 0 where there is none */
	double p_adjusted;		 /* Holm over all cells compared on this column */
	enum statistics_verdict verdict;
};

struct summary_cell {
	const char *name;	     /* the cell's, or its model's where it has none; borrowed */
	const struct record *sample; /* one of its rows, for its factors; borrowed */
	size_t rows;		     /* complete runs */
	size_t failed;		     /* and those that ended in failure: in no figure */
	size_t group;		     /* index of its workload */
	size_t origin_limited;	     /* of them, those in which the origin was the limit */
	flag_set spoiled;	     /* flags that spoil rows of it, or of its control */
	bool contender;		     /* false for the floor, which belongs to no quadrant, and for
				      * commands that stand beside models */
	struct summary_value values[SUMMARY_COLUMNS];
};

/*
 * A workload: cells that may be compared. Fetches by connections, TLS, offered rate, origin
 * latency, overlap and rounded body; sums by jobs, their size and core; naps by their number and
 * length.
 */
struct summary_group {
	size_t first; /* its cells are cells[first] ... cells[first + count - 1], by name */
	size_t count;
	size_t baseline;       /* index into cells; == first + count when the group has none */
	const char *control;   /* name of the (first) cell with an A/A control, NULL: none */
	size_t control_blocks; /* pairs of the (smallest) control */
	bool commands;	       /* external commands alone: they are compared with each other */
	bool timed;	       /* by how long they took; else each gave a rate of its own */
	/*
	 * Noise floor by column, a factor above 1; the largest where there are several controls.
	 * A workload's floor is its own: a quiet one is not judged by a noisy one's.
	 */
	double floor[SUMMARY_COLUMNS];
};

struct summary {
	enum record_kind kind;
	struct summary_cell *cells;
	size_t cell_count;
	struct summary_group *groups; /* in ascending order of what tells them apart */
	size_t group_count;
	size_t left_out;     /* rows of runs cut short: counted, not used */
	const char *control; /* name of the first cell with an A/A control, NULL: none */
	/* The largest floor of the groups: for a group without a control of its own. */
	double floor[SUMMARY_COLUMNS];
	size_t comparisons[SUMMARY_COLUMNS]; /* what Holm's correction counted */
};

struct summary_options {
	/* Cell or model; NULL: "epoll" for fetches, "serial" for sums, "blocking" for naps. */
	const char *baseline;
	uint64_t seed;
	/* Names of cells, NULL at the end: such a one is its group's baseline before any other. */
	const char *const *baselines;
};

/*
 * Summarises rows of one kind (FETCH, SUMSQ or NAP; others are passed over), which must outlive the
 * summary. Rows with role "control" go into the floor only. Runs are paired by (run_id, block);
 * a block without one of the two runs, or without the column, is no pair. Where the group has no
 * baseline of that name its first contender by name is taken. Two rows for one cell and block are
 * -EINVAL with a line in why; else 0 or -ENOMEM. Release with summary_free().
 */
int summary_make(const struct record *records, size_t count, enum record_kind kind,
		 const struct summary_options *options, struct summary **summary, char *why,
		 size_t why_size);
void summary_free(struct summary *summary);

/* Orders rows of one kind by workload; 0 means that their cells may be compared. */
int summary_compare_workloads(const struct record *a, const struct record *b);

/* The cell's value on a column, NULL when the column is not summarised. */
const struct summary_value *summary_get(const struct summary_cell *cell, enum record_column column);
/* The floor that this cell's differences must exceed, NAN when none was shown. */
double summary_floor(const struct summary *summary, const struct summary_cell *cell, size_t place);
/* Place of a column in summary_columns[], SUMMARY_COLUMNS when it is not there. */
size_t summary_place(enum record_column column);

/* What the column means for this group: how long commands took is what they are compared by. */
enum summary_sense summary_sense(const struct summary_group *group, size_t place);

/* As statistics_words(), and "cheaper by" or "dearer by" where the column is a cost. */
const char *summary_words(size_t place, enum statistics_verdict verdict);

/*
 * The verdict in words, "undecided, too few blocks" where so few could have shown nothing after
 * Holm's correction, whatever the difference, "undecided, no A/A control" without a floor.
 */
const char *summary_verdict(const struct summary *summary, const struct summary_cell *cell,
			    size_t place);

/* Why the verdict is "no difference shown", as claim_reason(); "" where it is not. */
const char *summary_reason(const struct summary *summary, const struct summary_cell *cell,
			   size_t place, char text[static CLAIM_TEXT_SIZE]);

/*
 * summary.csv: a header, then a row per cell and column with values. Empty is missing; ratio is
 * cell / baseline, p_method exact or sampled, floor a factor. 0 or -EIO.
 */
int summary_write_csv_header(FILE *file);
int summary_write_csv(const struct summary *summary, FILE *file);

#endif
