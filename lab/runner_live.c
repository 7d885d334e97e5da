/* What a run shows so far, for whoever looks on: see runner_inside.h. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lab/runner_inside.h"
#include "results/statistics.h"
#include "results/table.h"

static bool is_control(const struct record *record)
{
	return strcmp(record_text(record, COLUMN_role), "control") == 0;
}

/* Sorts them. */
static double median_of(double *values, size_t count)
{
	statistics_sort(values, count);
	return statistics_quantile(values, count, 0.5);
}

void runner_show_estimate(struct runner *r, const struct plan_cell *cell)
{
	const struct runner_outcome *o = r->outcome;
	double *values = r->progress.shown ? calloc(o->count + 1, sizeof(*values)) : NULL;
	enum record_column column = COLUMN_duration_s;
	char text[TABLE_TEXT_SIZE];
	size_t count = 0;

	r->progress.estimate[0] = '\0';
	for (size_t i = 0; values && i < o->count; i++) {
		const struct record *record = &o->records[i];

		if (strcmp(record_text(record, COLUMN_cell), cell->name) != 0 ||
		    is_control(record) || !runner_counts(record))
			continue;
		column = runner_figure(cell, record);
		values[count] = record_number(record, column);
		count += !isnan(values[count]);
	}
	if (count > 0)
		snprintf(r->progress.estimate, sizeof(r->progress.estimate), "%.50s %s", cell->name,
			 table_number(median_of(values, count), record_columns[column].unit, text));
	free(values);
}

/* The row of the same cell and block that is not the control, NULL when there is none. */
static const struct record *partner_of(const struct runner *r, size_t control)
{
	const struct runner_outcome *o = r->outcome;
	const struct record *one = &o->records[control];
	size_t cells = r->plan->cell_count;
	size_t first = control > cells ? control - cells : 0;

	/* A block's rows stand together. */
	for (size_t i = first; i < o->count && i < control + cells; i++) {
		const struct record *record = &o->records[i];

		if (!is_control(record) && runner_counts(record) &&
		    record_number(record, COLUMN_block) == record_number(one, COLUMN_block) &&
		    strcmp(record_text(record, COLUMN_cell), record_text(one, COLUMN_cell)) == 0)
			return record;
	}
	return NULL;
}

static const struct plan_cell *cell_of(const struct runner *r, const struct record *record)
{
	for (unsigned i = 0; i < r->plan->cell_count; i++)
		if (strcmp(r->plan->cells[i].name, record_text(record, COLUMN_cell)) == 0)
			return &r->plan->cells[i];
	return NULL;
}

void runner_show_noise(struct runner *r)
{
	const struct runner_outcome *o = r->outcome;
	double *values = r->progress.shown ? calloc(o->count + 1, sizeof(*values)) : NULL;
	size_t count = 0;

	for (size_t i = 0; values && i < o->count; i++) {
		const struct record *one = &o->records[i];
		const struct plan_cell *cell = is_control(one) ? cell_of(r, one) : NULL;
		const struct record *other = cell && runner_counts(one) ? partner_of(r, i) : NULL;
		double ratio;

		if (!other)
			continue;
		ratio = record_number(one, runner_figure(cell, one)) /
			record_number(other, runner_figure(cell, other));
		if (isfinite(ratio) && ratio > 0)
			values[count++] = expm1(fabs(log(ratio)));
	}
	if (count > 0)
		r->progress.noise = median_of(values, count);
	free(values);
}
