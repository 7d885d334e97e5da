/* The parts of the printed matrix, shared between its source files only. */
#ifndef RESULTS_MATRIX_PARTS_H
#define RESULTS_MATRIX_PARTS_H

#include "results/matrix.h"

#define MATRIX_LABEL_SIZE 64

/*
 * A cell's name in print: its model, "epoll spin" for an asynchronous one that spins; where that
 * fits two cells of the workload, with the variant, "epoll level"; else the cell's own name.
 */
const char *matrix_label(const struct summary *summary, const struct summary_cell *cell,
			 char label[static MATRIX_LABEL_SIZE]);

/* "16 connections, origin latency 5.00 ms, bodies of 24 B", "30 jobs of 100 squares, avx2 core" */
void matrix_workload(FILE *file, const struct summary *summary, const struct summary_group *group);

/* Bold with colour. */
void matrix_title(FILE *file, const char *text, bool color);

/* The pool table of each workload of sums. 0 or -errno. */
int matrix_pools(FILE *file, const struct summary *sumsq, bool color);

/* What the A/A controls showed, for both summaries (either may be NULL). */
void matrix_floor(FILE *file, const struct summary *fetch, const struct summary *sumsq, bool color);

/*
 * A line for each cell of the workload of which runs failed: what is said of it is said of the
 * others.
 */
void matrix_failed(FILE *file, const struct summary *summary, const struct summary_group *group);

/* A line per comparison, workload by workload. */
void matrix_verdicts(FILE *file, const struct summary *summary);

#endif
