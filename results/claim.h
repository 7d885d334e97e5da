/*
 * A comparison in words, the same in every report: "faster by 12.3 % [10.1, 14.5]". And what may
 * be said at all: how many blocks it takes, how many rows are flagged, the floor under claims.
 */
#ifndef RESULTS_CLAIM_H
#define RESULTS_CLAIM_H

#include <stdio.h>

#include "results/record.h"
#include "results/statistics.h"

#define CLAIM_TEXT_SIZE 96

/*
 * `words` are those of the verdict, "faster by". Without a difference they stand alone; "" when
 * nothing was compared. Returns `text`.
 */
const char *claim_text(const struct statistics_effect *effect, enum statistics_verdict verdict,
		       const char *words, char text[static CLAIM_TEXT_SIZE]);

/* Fewest blocks whose smallest p survives Holm's correction over so many comparisons. */
size_t claim_blocks_needed(double comparisons);

/*
 * The lines that stand under every table of verdicts: how they were come by, when `pairs` blocks
 * cannot decide so many comparisons, and the noise floor (a factor, NAN: no control). What the
 * floor is of is said by `what`, such as "throughput".
 */
void claim_method(FILE *file, size_t pairs, size_t comparisons, double floor, const char *what);

/* "Flagged: 12 of 300 rows (origin-saturated 10, steal 2)." Nothing when there are none. */
void claim_flags(FILE *file, const struct record *records, size_t count);

#endif
