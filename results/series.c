/* Sorting rows into series: see series.h. */
#include "results/series.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

int series_compare_blocks(const struct record *a, const struct record *b)
{
	int order = strcmp(record_text(a, COLUMN_run_id), record_text(b, COLUMN_run_id));
	double left = record_number(a, COLUMN_block), right = record_number(b, COLUMN_block);

	return order ? order : (left > right) - (left < right);
}

static int compare_rows(const void *left, const void *right)
{
	const struct record *a = *(const struct record *const *)left;
	const struct record *b = *(const struct record *const *)right;
	int order = strcmp(record_text(a, COLUMN_cell), record_text(b, COLUMN_cell));

	return order ? order : series_compare_blocks(a, b);
}

static bool counts(const struct record *row, enum record_kind kind)
{
	return row->kind == kind && *record_text(row, COLUMN_cell) &&
	       row->values[COLUMN_block].present &&
	       strcmp(record_text(row, COLUMN_role), "control") != 0 &&
	       !(record_number(row, COLUMN_partial) > 0) &&
	       !strstr(record_text(row, COLUMN_flags), "failed");
}

int series_make(const struct record *records, size_t count, enum record_kind kind,
		struct series_set *set)
{
	size_t used = 0;

	*set = (struct series_set){.rows = calloc(count + 1, sizeof(*set->rows)),
				   .series = calloc(count + 1, sizeof(*set->series))};
	if (!set->rows || !set->series) {
		series_release(set);
		return -ENOMEM;
	}
	for (size_t i = 0; i < count; i++)
		if (counts(&records[i], kind))
			set->rows[used++] = &records[i];
	qsort(set->rows, used, sizeof(*set->rows), compare_rows);
	for (size_t i = 0; i < used; i++) {
		if (i == 0 || strcmp(record_text(set->rows[i - 1], COLUMN_cell),
				     record_text(set->rows[i], COLUMN_cell)) != 0)
			set->series[set->count++].rows = &set->rows[i];
		set->series[set->count - 1].count++;
	}
	return 0;
}

void series_release(struct series_set *set)
{
	free(set->rows);
	free(set->series);
	*set = (struct series_set){0};
}

double series_value(const struct series *series, const struct record *block,
		    enum record_column column)
{
	size_t low = 0, high = series->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (series_compare_blocks(series->rows[middle], block) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == series->count || series_compare_blocks(series->rows[low], block) != 0)
		return NAN;
	return record_number(series->rows[low], column);
}
