/*
 * What a run says of itself: which of its rows are flagged and what that means, and what the lab
 * itself cost beside its cells.
 */
#ifndef LAB_RUN_TRUST_H
#define LAB_RUN_TRUST_H

#include <stdio.h>

#include "lab/runner.h"

/* Each flag of the rows, how many have it, and what it means; nothing when none is flagged. */
void run_trust_print_flags(FILE *file, const struct runner_outcome *outcome);

/*
 * A line on iolab's own CPU (its children apart), and on its wall time beyond what the cells were
 * asked to take, as shares; nothing when this process ran no cell.
 */
void run_trust_print_cost(FILE *file, const struct runner_outcome *outcome);

/* A text in lines of a hundred columns at most, where words allow. */
void run_trust_print_wrapped(FILE *file, const char *text);

#endif
