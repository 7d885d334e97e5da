/*
 * A comparison in words, the same in every report: "faster by 12.3 % [10.1, 14.5]". And what may
 * be said at all: how many blocks it takes, the floor under claims.
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

/*
 * Why an effect is not claimed though there were enough blocks and a floor: "p = 0.031, after Holm
 * 0.12", "within the noise floor of 4.2 %", or both, or that its interval holds 1. Returns `text`.
 */
const char *claim_reason(const struct statistics_effect *effect, double p_adjusted, double floor,
			 char text[static CLAIM_TEXT_SIZE]);

/* Fewest blocks whose smallest p survives Holm's correction over so many comparisons. */
size_t claim_blocks_needed(double comparisons);

/*
 * What an interval over so many blocks is called, "95 % interval", or "range of 3 blocks" where
 * these are fewer than STATISTICS_INTERVAL_LEAST. Returns `text`.
 */
const char *claim_interval(size_t blocks, char text[static CLAIM_TEXT_SIZE]);

/*
 * "5 blocks cannot decide 10 comparisons, whatever they show; 9 could", or "" when they can.
 * `looks` as below. Returns `text`.
 */
const char *claim_too_few(size_t blocks, size_t comparisons, double looks,
			  char text[static CLAIM_TEXT_SIZE]);

/* How verdicts from so many pairs are come by, once for all tables of a report. */
void claim_method(FILE *file, size_t pairs);

/*
 * The line that stands under every table of verdicts on `what`, such as "throughput": over how many
 * comparisons Holm's correction went, the noise floor (a factor, NAN: no control), and when
 * `pairs` blocks are too few for so many. `looks` is how often each comparison was as good as made,
 * 1 but where a side was chosen by its figures. Nothing without comparisons.
 */
void claim_floor(FILE *file, const char *what, size_t pairs, size_t comparisons, double looks,
		 double floor);

#endif
