/* The folder of one run: results/runs/<time>_<host>_<plan>/, and the files in it. */
#ifndef LAB_RUN_FOLDER_H
#define LAB_RUN_FOLDER_H

#include <stdint.h>

#include <jansson.h>

#include "lab/link.h"
#include "lab/plan.h"
#include "results/record.h"

struct run_folder {
	char path[512];
	char id[256]; /* its last part: the run's id in every row */
	int lock;     /* held on run.json as long as this process lives */
};

/* What run.json keeps, so that a run can be gone on with. */
struct run_facts {
	char plan[128];
	uint64_t blocks;
	uint64_t seed;
	uint64_t cells;
	uint64_t place; /* enum place_policy */
	double precision;
	uint64_t budget_ns;
	uint64_t link; /* enum link_kind, and its latency */
	uint64_t link_latency_ns;
	const char *plan_named; /* as it was named on the command line; to make a folder */
};

/*
 * Makes the folder under `results` (made too, if it is missing) with plan.ini and run.json;
 * run_host.h has what else there is before the first cell. Ends the program with one line and
 * STATUS_FAILED when something cannot be written.
 */
void run_folder_make(struct run_folder *folder, const char *results, const struct plan *plan,
		     const struct link *link, const struct run_facts *facts);

/*
 * Opens the folder of an earlier run and reads its run.json. Ends the program with one line:
 * STATUS_USAGE when it is no run's folder, or its plan.ini is not the one that the run was begun
 * with; STATUS_UNABLE when another process runs it.
 */
void run_folder_open(struct run_folder *folder, const char *path, struct run_facts *facts);

/*
 * Every file of the folder comes to be under another name and is put in its place when it is whole:
 * a kill never leaves half of one. run_folder_beside() is that other name, valid as
 * run_folder_file()'s is; run_folder_put() puts the file that has it in its place;
 * run_folder_write_json() does both, and drops its reference. They end the program as above.
 */
const char *run_folder_beside(const struct run_folder *folder, const char *name);
void run_folder_put(const struct run_folder *folder, const char *name);
void run_folder_write_json(const struct run_folder *folder, const char *name, json_t *object);

/*
 * Reads the rows that are there into *records and *count, and removes those from the files that
 * were cut short, so that they can be run again. Ends the program with one line: STATUS_USAGE when
 * a file does not parse, STATUS_FAILED when it cannot be read.
 */
void run_folder_rows(const struct run_folder *folder, struct record **records, size_t *count);

/* The same with the rows of capacity.csv: see plan_capacity_cell(). */
void run_folder_capacities(const struct run_folder *folder, struct record **records, size_t *count);
void run_folder_append_capacity(const struct run_folder *folder, const struct record *record);

/*
 * How far a run with a limit had come when it last asked whether it was enough: limits.json,
 * written whole or not at all. Rows do not tell it, as they leave out what lies between them.
 */
struct run_spent {
	uint64_t blocks;
	uint64_t spent_ns; /* by all processes that ran it */
	char ended[256];   /* which limit ended it, "" when none did yet */
};

/* Zeroes where there is no such file. Both end the program as above. */
void run_folder_read_spent(const struct run_folder *folder, struct run_spent *spent);
void run_folder_write_spent(const struct run_folder *folder, const struct run_spent *spent);

/* The path of a file in the folder; valid until the next call. */
const char *run_folder_file(const struct run_folder *folder, const char *name);

/* Appends the row to fetch.csv, sumsq.csv or nap.csv. Ends the program as above. */
void run_folder_append(const struct run_folder *folder, const struct record *record);

#endif
