/*
 * A run's folder, read back: whatever is made of a run later is made from these files alone, by
 * this lab or a later one, while the run goes on or long after it.
 */
#ifndef RESULTS_RUN_FILES_H
#define RESULTS_RUN_FILES_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "results/record.h"
#include "results/summary.h"

/* Of run.json. One without a version is of the first. */
#define RUN_FILES_SCHEMA_VERSION 1

/* The blocks in run.json of a run with a budget that was given no number of them. */
#define RUN_FILES_BLOCKS_OPEN 10000

#define RUN_FILES_SUMMARIES 3

struct run_files {
	char *path;
	json_t *run;	/* run.json */
	json_t *host;	/* host.json, NULL without one */
	char *plan;	/* plan.ini, NULL without one */
	char *report;	/* report.txt, NULL when the run has not come to its end */
	const char *id; /* the run's */
	const char *experiment;
	uint64_t cells, seed;
	uint64_t blocks;	/* those asked for; of a run with a limit, those done */
	bool limited;		/* by a precision or a budget: its end was not known beforehand */
	struct record *records; /* of all kinds */
	size_t count;
	struct summary *summaries[RUN_FILES_SUMMARIES]; /* fetch, sumsq, nap; none is NULL */
	char note[256]; /* what was left out of a file that is cut, "" when none is */
};

/*
 * Reads the folder's run.json alone into *run, the caller's to json_decref(). Returns 0, or with
 * one line in why -ENOENT (no run's folder), -EINVAL (no JSON, or of another schema version) or
 * another -errno.
 */
int run_files_read_run(const char *path, json_t **run, char *why, size_t why_size);

/*
 * Reads the folder and summarises its rows as the run itself did: with its seed, and with the
 * cells that have an A/A control as baselines. Returns 0, to be released with
 * run_files_release(), or with one line in why -ENOENT (no run's folder), -EINVAL (another schema
 * version, or a file that is not what it should be), or another -errno.
 */
int run_files_read(const char *path, struct run_files *files, char *why, size_t why_size);
/* The same without rows and summaries, for those who have them already. */
int run_files_read_facts(const char *path, struct run_files *files, char *why, size_t why_size);
/* Gives *files these rows; and counts the blocks of a run with a limit. */
void run_files_set_rows(struct run_files *files, struct record *records, size_t count);
/* Also takes a zeroed struct. */
void run_files_release(struct run_files *files);

#endif
