/*
 * External commands beside each other, after the manner of hyperfine: how long each took or what
 * rate it gave of itself, the CPU it cost, and how that compares with the baseline. Verdicts are
 * the summary's. Commands that share a workload with the lab's models are the matrix's.
 */
#ifndef RESULTS_COMMANDS_H
#define RESULTS_COMMANDS_H

#include <stdbool.h>
#include <stdio.h>

#include "results/summary.h"

/* How many of the groups are commands alone. */
size_t commands_groups(const struct summary *summary);

/*
 * Prints a table of each such group, and how its verdicts were come by; nothing without one. The
 * records are those that the summary was made from. 0, -ENOMEM or -EIO.
 */
int commands_print(FILE *file, const struct summary *summary, const struct record *records,
		   size_t count, bool color);

#endif
