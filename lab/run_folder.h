/* The folder of one run: results/runs/<time>_<host>_<plan>/, and the files in it. */
#ifndef LAB_RUN_FOLDER_H
#define LAB_RUN_FOLDER_H

#include <stdint.h>

#include "lab/plan.h"
#include "results/record.h"

struct run_folder {
	char path[512];
	char id[256]; /* its last part: the run's id in every row */
};

/*
 * Makes the folder under `results` (made too, if it is missing) with plan.ini, run.json,
 * host.json and topology.xml. Ends the program with one line and STATUS_FAILED when something
 * cannot be written.
 */
void run_folder_make(struct run_folder *folder, const char *results, const struct plan *plan);

/* The path of a file in the folder; valid until the next call. */
const char *run_folder_file(const struct run_folder *folder, const char *name);

/* Appends the row to fetch.csv, sumsq.csv or nap.csv. Ends the program as above. */
void run_folder_append(const struct run_folder *folder, const struct record *record);

#endif
