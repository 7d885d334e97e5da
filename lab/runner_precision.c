/* How well the figures of a run are known so far. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lab/runner_inside.h"
#include "lab/status.h"
#include "results/statistics.h"

#define RESAMPLES 400

bool runner_is_open(const struct plan *plan, const struct runner_limits *limits)
{
	return limits->budget_ns && plan->blocks == PLAN_BLOCKS_MOST;
}

bool runner_counts(const struct record *record)
{
	return !strstr(record_text(record, COLUMN_flags), "failed") &&
	       !(record_number(record, COLUMN_partial) > 0);
}

enum record_column runner_figure(const struct plan_cell *cell, const struct record *record)
{
	enum record_column rate =
		record->kind == RECORD_SUMSQ ? COLUMN_elements_per_s : COLUMN_throughput_rps;

	if (!plan_value(cell, "duration") && cell->section->kind != PLAN_COMMAND)
		return COLUMN_duration_s;
	return isnan(record_number(record, rate)) ? COLUMN_duration_s : rate;
}

/* Half of the interval's width over the median; NAN with too few rows. */
static double width_of(const struct runner *r, const struct plan_cell *cell, double *values)
{
	const struct runner_outcome *o = r->outcome;
	struct statistics_interval interval;
	size_t count = 0;

	for (size_t i = 0; i < o->count; i++) {
		const struct record *record = &o->records[i];
		double figure;

		if (strcmp(record_text(record, COLUMN_cell), cell->name) != 0 ||
		    strcmp(record_text(record, COLUMN_role), "control") == 0 ||
		    !runner_counts(record))
			continue;
		figure = record_number(record, runner_figure(cell, record));
		if (!isnan(figure))
			values[count++] = figure;
	}
	if (count < RUNNER_PRECISE_RUNS ||
	    statistics_bootstrap(values, count, STATISTICS_MEDIAN, RESAMPLES, r->plan->seed,
				 &interval))
		return NAN;
	return (interval.high - interval.low) / 2 / interval.estimate;
}

double runner_widest(const struct runner *r, const char **cell)
{
	double *values = calloc(r->outcome->count + 1, sizeof(*values));
	double widest = 0;

	if (!values)
		status_exit(STATUS_UNABLE, "out of memory for %zu rows", r->outcome->count);
	for (unsigned i = 0; i < r->plan->cell_count; i++) {
		double width;

		/* What this host cannot do will never have rows that count. */
		if (r->plan->cells[i].control || runner_is_unable(r->outcome, &r->plan->cells[i]))
			continue;
		width = width_of(r, &r->plan->cells[i], values);
		if (isnan(width)) {
			widest = NAN;
			*cell = NULL;
			break;
		}
		if (width >= widest) {
			widest = width;
			*cell = r->plan->cells[i].name;
		}
	}
	free(values);
	return widest;
}
