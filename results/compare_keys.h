/* What compare's files share: which columns are factors, and keys made of them. */
#ifndef RESULTS_COMPARE_KEYS_H
#define RESULTS_COMPARE_KEYS_H

#include "results/compare.h"

#define COMPARE_KEY_MOST 2048

/* The columns that tell cells of that kind apart; RECORD_COLUMNS ends them. */
const enum record_column *compare_factors(enum record_kind kind);

/* A factor as a text: of a URL its path, of a body's length the whole bytes. */
const char *compare_factor(const struct record *record, enum record_column column,
			   char text[static 64]);

/*
 * The cell's identity within its run (its experiment and name, or, where it has no name, its
 * factors), and its factors alone. Bytes, not text; the length. Longer keys are cut.
 */
size_t compare_identity(const struct record *record, char key[static COMPARE_KEY_MOST]);
size_t compare_factors_key(const struct record *record, char key[static COMPARE_KEY_MOST]);

/* FNV-1a (Fowler, Noll & Vo). */
uint64_t compare_hash(const char *bytes, size_t length);

/* The cell with that identity, or NULL. */
const struct compare_cell *compare_find(const struct compare_run *run, const char *key,
					size_t length);

/* Fills in the pairs, without their figures, and the cells that are alone. 0 or -ENOMEM. */
int compare_match(struct comparison *comparison);

/*
 * The factors and the variants in effect that differ between cells of one name, as
 * compare_hosts(); NULL when memory is out.
 */
json_t *compare_cells(const struct comparison *comparison);

#endif
