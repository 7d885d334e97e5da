/*
 * What a run ends with: the 2x2 matrix of each workload, the pool table, the noise floor and the
 * verdicts, in a hundred terminal columns. Everything shown is in the summaries; nothing is
 * worked out here.
 */
#ifndef RESULTS_MATRIX_H
#define RESULTS_MATRIX_H

#include <stdbool.h>
#include <stdio.h>

#include "results/summary.h"

#define MATRIX_WIDTH 100

/*
 * Prints a run. Either summary may be NULL or without cells, and its part is left out. 0, -EIO or
 * -ENOMEM.
 */
int matrix_print(FILE *file, const struct summary *fetch, const struct summary *sumsq, bool color);

/*
 * The noise floor and the verdicts on how long naps took, for below their table; nothing when
 * nothing was compared.
 */
void matrix_print_naps(FILE *file, const struct summary *naps, bool color);

#endif
