/*
 * Two sides, of one run each or of several: what a kernel, a mitigation or a flag changed. A claim
 * must also exceed what equal cells differ by within the runs, the A/A control's noise floor.
 *
 * What any two runs of one thing differ by (where memory and processes came to lie, the weather of
 * the host) its blocks share, and no number of them shows it. With several runs a side the run is
 * therefore the unit (statistics_runs.h). With one a side its rows are, two samples that nothing
 * pairs (statistics_shift.h), and what is shown is shown between these two runs only.
 *
 * A cell is its name within its experiment (the plan's), or, for runs made by hand, its factors.
 * Cells of A and B match by name where both experiments have one name; those left over by their
 * factors: model, wait, variant_requested, workers_kind, workers, placement; of a fetch also the
 * URL's path, tls, tls_io, connections, rate_rps, origin_latency_us and the rounded body_bytes; of
 * sums jobs and core; of naps tasks, ticks and tick_s. Factors that two cells of one run share
 * match nothing.
 */
#ifndef RESULTS_COMPARE_H
#define RESULTS_COMPARE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "results/flags.h"
#include "results/record.h"
#include "results/statistics_runs.h"
#include "results/statistics_shift.h"
#include "results/summary.h"

/* Of what compare_json() writes. */
#define COMPARE_SCHEMA_VERSION 1

/*
 * What is compared: rates and CPU per request wherever they are, latency_p99_us at an offered rate
 * only, duration_s of naps, of runs that all did the same work, and where there is no rate.
 */
enum compare_figure {
	COMPARE_THROUGHPUT,
	COMPARE_SQUARES,
	COMPARE_LATENCY,
	COMPARE_DURATION,
	COMPARE_CPU,
	COMPARE_FIGURES
};

struct compare_figure_info {
	enum record_column column;
	enum summary_sense sense;
	const char *title;
};

extern const struct compare_figure_info compare_figures[COMPARE_FIGURES];

struct compare_row {
	double values[COMPARE_FIGURES]; /* NAN where the row has none */
	double work;			/* requests or squares, NAN where the row has none */
	uint64_t place;			/* of run and block; 0: a run by hand */
	size_t source;			/* the run of the side that it is of */
};

/* In order of their sources. */
struct compare_rows {
	struct compare_row *rows;
	size_t count;
	size_t room;
};

/* The rows of one cell of one side. */
struct compare_cell {
	struct record sample; /* one of its rows, for its factors */
	struct compare_rows own;
	struct compare_rows control; /* the second entry of the A/A pair */
	size_t failed;		     /* own rows that ended in failure: in none of these */
	size_t unable;		     /* of them, those that this host cannot do */
	char *key;		     /* its identity within the run */
	size_t key_length;
	flag_set spoiled; /* flags that spoil rows of it, or of its control */
	bool sorted;	  /* blocks came in ascending order, each once */
};

#define COMPARE_FLAGS 12

/* One run: a folder, or a CSV and what lies beside it. */
struct compare_source {
	char *path;
	size_t rows;	/* complete ones, controls included */
	size_t failed;	/* and those that ended in failure */
	char note[256]; /* what was read of a file that is cut, "" when none is */
	json_t *run;	/* NULL: no run.json */
	json_t *host;	/* NULL: no host.json */
	char *plan;	/* NULL: no plan.ini */
};

struct compare_side {
	const char *path; /* as given; borrowed */
	struct compare_source *sources;
	size_t source_count;
	struct compare_cell *cells;
	size_t cell_count;
	size_t rows;	 /* complete ones, controls included */
	size_t left_out; /* rows of runs cut short or failed */
	size_t flagged;	 /* of the complete ones */
	struct {
		char word[32];
		size_t count;
	} flags[COMPARE_FLAGS]; /* the first words met; "" ends them */
	size_t *slots;		/* the cells by their keys' hashes: 1 + index, 0 is free */
	size_t slot_count;
};

/*
 * Reads a side: a run's folder (fetch.csv, sumsq.csv, nap.csv, run.json, host.json, plan.ini), one
 * CSV, with those last three beside it if they are there, a folder of runs' folders, or several of
 * these with commas between them. A CSV that ends in the middle of a line is refused, or with
 * `cut_allowed` its whole rows are used and its source's note says so. Returns 0, to be released
 * with compare_release(), or with one line in why -ENOENT (nothing at that path), -EINVAL (files
 * that are not what they should be, or a run named twice) or another -errno.
 */
int compare_read(const char *path, bool cut_allowed, struct compare_side *side, char *why,
		 size_t why_size);
void compare_release(struct compare_side *side);

struct compare_value {
	size_t a_count; /* rows, or runs; 0 in either: not compared, and the rest is empty */
	size_t b_count;
	double a_median; /* of these; a run is the median of its rows */
	double b_median;
	struct statistics_effect effect; /* B against A */
	enum statistics_method method;	 /* of p, where rows are compared */
	double p_adjusted;		 /* Holm over all cells compared on this figure */
	double floor;			 /* a factor above 1; NAN: no control in either run */
	enum statistics_verdict verdict;
	bool by_run;	/* runs are compared, not rows */
	bool decidable; /* so many could have shown a difference, if there was one */
};

struct compare_pair {
	const struct compare_cell *a;
	const struct compare_cell *b;
	const char *name; /* borrowed from A */
	bool by_name;	  /* or else by factors */
	struct compare_value values[COMPARE_FIGURES];
};

/* With fewer runs on a side no difference is neither shown nor ruled out. */
#define COMPARE_RUNS_ENOUGH 3

/* What a cell lost: its own rows, those that failed included, and how many did. */
struct compare_failure {
	const char *name; /* borrowed */
	size_t a_rows;
	size_t a_failed;
	size_t b_rows; /* 0: B lacks the cell */
	size_t b_failed;
};

struct comparison {
	const struct compare_side *a; /* borrowed */
	const struct compare_side *b;
	bool by_run; /* several runs a side: the run is the unit */
	/* Cells of which rows failed, or which B lacks; not those that neither host can do. */
	struct compare_failure *failures;
	size_t failure_count;
	struct compare_pair *pairs; /* workload by workload, by name */
	size_t pair_count;
	const struct compare_cell **alone_a; /* cells that the other run has not */
	const struct compare_cell **alone_b;
	size_t alone_a_count;
	size_t alone_b_count;
	size_t compared[COMPARE_FIGURES]; /* cells that Holm's correction counted */
	/* In what the runs differ, as compare_differences() has it; cells: of those matched. */
	json_t *hosts;
	json_t *now;
	json_t *plans;
	json_t *cells;
};

/*
 * Compares two sides, which must outlive the comparison. Returns 0, to be released with
 * comparison_release(), or with one line in why -ENODATA (no cell in common), -EINVAL (one side has
 * one run and the other several: what one run is worth nobody knows) or -ENOMEM.
 */
int comparison_make(const struct compare_side *a, const struct compare_side *b, uint64_t seed,
		    struct comparison *comparison, char *why, size_t why_size);
void comparison_release(struct comparison *comparison);

/*
 * Whether B is worse than A by more than the threshold (0.05 is 5 %), as the figure's sense goes:
 * the verdict claims it, so the interval lies beyond 1 and the noise floor is exceeded, and a rate
 * dropped by more than that share of A's, or a time or a cost grew by more than that share.
 */
bool compare_regressed(enum compare_figure figure, const struct compare_value *value,
		       double threshold);

/* Whether B lost a larger share of the cell's rows than A, or all of them: B is worse. */
bool compare_failure_is_worse(const struct compare_failure *failure);
/* "x: 4 of 10 rows of B failed, 0 of 10 of A", one line; returns text. */
const char *compare_failure_text(const struct compare_failure *failure, char *text, size_t size);

/* The cell's name, or its model where it has none. */
const char *compare_name(const struct compare_cell *cell);

/* "faster by", "cheaper by", "no difference shown", "undecided, too few blocks", ... */
const char *compare_words(enum compare_figure figure, const struct compare_value *value);

/* A table a figure, and a line a cell that reads like hyperfine's. 0, -ENOMEM or -EIO. */
int compare_print(const struct comparison *comparison, FILE *file, bool color);

/* The same for machines, all warnings included; NULL when memory is out. threshold NAN: none. */
json_t *compare_json(const struct comparison *comparison, double threshold);

/* What one run a side leaves open, as one line. */
extern const char compare_caveat[];

enum compare_about {
	COMPARE_HOSTS, /* what a host is (host.json) */
	COMPARE_NOW,   /* what changes on one host from run to run (host.json) */
	COMPARE_PLANS  /* what was asked for: plan.ini, and the options in run.json */
};

/*
 * In what two sides differ: an array of objects with "what" ("kernel.release", "[fetch waits]
 * duration", "run: link"), "a" and "b" (texts; "" where one side has none; "x | y" where its own
 * runs differ). Runs without the file are left out; a side of only such differs in nothing. NULL
 * when memory is out.
 */
json_t *compare_differences(const struct compare_side *a, const struct compare_side *b,
			    enum compare_about about);

#endif
