/*
 * Runs of iolab that are ended and gone on with: a small plan in a folder of its own, and what rows
 * a run's folder has. For the tests of --resume.
 */
#ifndef TESTS_RESUMING_H
#define TESTS_RESUMING_H

#include <stdbool.h>
#include <stddef.h>

#include "tests/child.h"

/* Group set-up and tear-down of cmocka: a folder below /tmp. */
int resuming_start(void **state);
int resuming_stop(void **state);

/* The plan that resuming_begin() runs. */
void resuming_write_plan(const char *text);

/* Each run gets a results folder of its own, so that its folder is found also when it was killed. */
const char *resuming_fresh_results(void);
const char *resuming_plan(void);

/* The one run's folder there; false when it was not made yet. */
bool resuming_folder(char *path, size_t size);

/* Starts the plan in fresh results, with `iolab run --resume` goes on with a run to its end. */
void resuming_begin(struct child *child);
int resuming_resume(struct child *child, const char *run);

#define RESUMING_TEXT 16384

/*
 * What was run, one line a row, in order of block and place: "1 03 f/control cell". Every CSV of
 * the run's folder must be one that the lab's reader takes as whole. How many rows.
 */
size_t resuming_rows(const char *run, char text[RESUMING_TEXT]);

/* The plan run without disturbance, and its rows. */
size_t resuming_undisturbed(char text[RESUMING_TEXT]);

/* Puts the text in place of the first `from` behind `after`. */
void resuming_change(const char *path, const char *after, const char *from, const char *to);

#endif
