/*
 * Cells beside each other, workload by workload, in one table each: for plans of many factors, in
 * which the matrix's four quadrants would not fit. Of a closed loop the throughput is shown, of an
 * open one the 99th percentile of latency, since the rate is given; then CPU per fetch;
 * below, the work done beside the fetches where there was any. Verdicts are the summary's.
 */
#ifndef RESULTS_CELLS_H
#define RESULTS_CELLS_H

#include <stdbool.h>
#include <stdio.h>

#include "results/summary.h"

/*
 * Prints the tables of `fetch` and then `sumsq`, either of which may be NULL or empty. If the
 * latter has a serial cell, work beside fetches is also told as a share of its rate, which is that
 * of a whole core. 0, -ENOMEM or -EIO.
 */
int cells_print(FILE *file, const struct summary *fetch, const struct summary *sumsq, bool color);

#endif
