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
const struct compare_cell *compare_find(const struct compare_side *run, const char *key,
					size_t length);

/* The columns that compare_take_row() looks at. */
void compare_choose_columns(bool wanted[RECORD_COLUMNS]);
/* Adds a row to the cells of a struct compare_side, as of its last source: a record_visitor's. */
int compare_take_row(void *side, const struct record *row);
/* -EINVAL with one line in why when a block of a run is there twice, or -ENOMEM. */
int compare_check_doubles(const struct compare_side *side, char *why, size_t why_size);

/* The values of one figure, sorted; NULL when memory is out. */
double *compare_rows_values(const struct compare_rows *rows, enum compare_figure figure,
			    size_t *count);
/*
 * The same with a value a run, its median; NULL when memory is out. Not sorted.
 */
double *compare_runs_values(const struct compare_side *side, const struct compare_rows *rows,
			    enum compare_figure figure, size_t *count);
/*
 * The noise floor of a cell's A/A control where the run is the unit: what both entries differ by
 * in each run of either side. NAN when it is not known. 0 or -ENOMEM.
 */
int compare_runs_floor(const struct comparison *comparison, const struct compare_cell *cell,
		       enum compare_figure figure, double *floor);

/* Fills in the pairs, without their figures, and the cells that are alone. 0 or -ENOMEM. */
int compare_match(struct comparison *comparison);

/* Fills in the failures of what compare_match() matched. 0 or -ENOMEM. */
int compare_find_failures(struct comparison *comparison);

/*
 * The factors and the variants in effect that differ between cells of one name, as
 * compare_differences(); NULL when memory is out.
 */
json_t *compare_cells(const struct comparison *comparison);

#endif
