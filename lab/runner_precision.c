/* How well the figures of a run are known so far. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lab/runner_inside.h"
#include "lab/status.h"
#include "results/statistics.h"

#define RESAMPLES 400
/* Of normal noise the median's interval is so much wider than the other: sqrt(pi / 2). */
#define MEDIAN_TO_SHIFT 1.25

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

/* The cell's own rows up to that block, without its control's. */
static bool is_of(const struct record *record, const struct plan_cell *cell, uint64_t upto)
{
	return strcmp(record_text(record, COLUMN_cell), cell->name) == 0 &&
	       strcmp(record_text(record, COLUMN_role), "control") != 0 &&
	       !(record_number(record, COLUMN_block) > (double)upto);
}

/* How often the cell failed since it last did not. */
static unsigned failures_of(const struct runner *r, const struct plan_cell *cell, uint64_t upto)
{
	unsigned failures = 0;

	for (size_t i = 0; i < r->outcome->count; i++) {
		const struct record *record = &r->outcome->records[i];

		if (is_of(record, cell, upto))
			failures = runner_counts(record) ? 0 : failures + 1;
	}
	return failures;
}

static double half_width(const struct runner *r, const double *values, size_t count,
			 enum statistics_location location)
{
	struct statistics_interval interval;

	if (statistics_bootstrap(values, count, location, RESAMPLES, r->plan->seed, &interval))
		return NAN;
	return (interval.high - interval.low) / 2 / interval.estimate;
}

/* How well the cell is known by its rows up to that block; NAN with fewer than `least`. */
static double width_of(const struct runner *r, const struct plan_cell *cell, uint64_t upto,
		       size_t least, double *values)
{
	const struct runner_outcome *o = r->outcome;
	size_t count = 0;

	for (size_t i = 0; i < o->count; i++) {
		const struct record *record = &o->records[i];
		double figure;

		if (!is_of(record, cell, upto) || !runner_counts(record))
			continue;
		figure = record_number(record, runner_figure(cell, record));
		if (!isnan(figure))
			values[count++] = figure;
	}
	if (count < least)
		return NAN;
	return fmax(half_width(r, values, count, STATISTICS_MEDIAN),
		    MEDIAN_TO_SHIFT * half_width(r, values, count, STATISTICS_HODGES_LEHMANN));
}

struct runner_width runner_widest(const struct runner *r, uint64_t upto, size_t least)
{
	double *values = calloc(r->outcome->count + 1, sizeof(*values));
	struct runner_width w = {.widest = NAN};

	if (!values)
		status_exit(STATUS_UNABLE, "out of memory for %zu rows", r->outcome->count);
	for (unsigned i = 0; i < r->plan->cell_count; i++) {
		const struct plan_cell *cell = &r->plan->cells[i];
		double width;

		/* What this host cannot do will never have rows that count. */
		if (cell->control || runner_is_unable(r->outcome, cell) ||
		    failures_of(r, cell, upto) >= RUNNER_FAILURES_MOST)
			continue;
		width = width_of(r, cell, upto, least, values);
		if (w.cells++ == 0 || isnan(width) || width >= w.widest) {
			w.widest = width;
			w.cell = isnan(width) ? NULL : cell->name;
		}
		if (isnan(width))
			break;
	}
	free(values);
	return w;
}

/* Of which cells no precision is asked any more; each is told once. */
static void tell_given_up(struct runner *r, uint64_t block)
{
	for (unsigned i = 0; i < r->plan->cell_count; i++) {
		const struct plan_cell *cell = &r->plan->cells[i];

		if (cell->control || runner_is_unable(r->outcome, cell) ||
		    failures_of(r, cell, block) != RUNNER_FAILURES_MOST)
			continue;
		progress_clear(&r->progress);
		status_warn(
			"%s: failed %d times in a row: the run does not wait for it to be known "
			"precisely",
			cell->name, RUNNER_FAILURES_MOST);
	}
}

/* Whether the precision ends the run, and the words for it. */
static bool is_precise(struct runner *r, uint64_t block, const struct runner_width *now)
{
	double precision = r->limits->precision;
	struct runner_width before;

	tell_given_up(r, block);
	if (now->cells == 0) {
		snprintf(r->outcome->ended, sizeof(r->outcome->ended),
			 "ended after %" PRIu64
			 " block%s: no cell can be measured, so there is no precision to reach",
			 block, block == 1 ? "" : "s");
		return true;
	}
	if (!(now->widest <= precision))
		return false;
	before = runner_widest(r, block - 1, RUNNER_PRECISE_RUNS - 1);
	if (!(before.widest <= precision))
		return false;
	snprintf(r->outcome->ended, sizeof(r->outcome->ended),
		 "ended by the precision of %g %%, reached after %" PRIu64
		 " blocks; as that is why it ended, its intervals are a little too narrow",
		 100 * precision, block);
	return true;
}

/* Whether the time, or the number of blocks, ends it. */
static bool is_spent(struct runner *r, uint64_t block, uint64_t spent_ns,
		     const struct runner_width *now)
{
	const struct runner_limits *limits = r->limits;
	char *ended = r->outcome->ended;
	size_t size = sizeof(r->outcome->ended);

	if (limits->precision > 0 && block == r->plan->blocks) {
		snprintf(ended, size,
			 "ended by its %" PRIu64 " blocks, before the precision of %g %%", block,
			 100 * limits->precision);
		return true;
	}
	/* No block is begun that would, at the pace so far, go beyond. */
	if (limits->budget_ns == 0 || spent_ns + spent_ns / block <= limits->budget_ns)
		return false;
	if (now->cell)
		snprintf(ended, size,
			 "ended by the budget of %g s after %" PRIu64
			 " blocks; the least well known cell, %.64s, is known to +-%.2g %%",
			 (double)limits->budget_ns / 1e9, block, now->cell, 100 * now->widest);
	else
		snprintf(ended, size,
			 "ended by the budget of %g s after %" PRIu64
			 " block%s, too few for intervals",
			 (double)limits->budget_ns / 1e9, block, block == 1 ? "" : "s");
	return true;
}

bool runner_is_enough(struct runner *r, uint64_t block, uint64_t spent_ns)
{
	const struct runner_limits *limits = r->limits;
	struct runner_width now = {.widest = 0};

	if (limits->budget_ns || (r->progress.shown && r->outcome->count < 10000))
		now = runner_widest(r, block,
				    limits->precision > 0 ? RUNNER_PRECISE_RUNS
							  : STATISTICS_INTERVAL_LEAST);
	r->progress.widest = now.widest;
	return (limits->precision > 0 && is_precise(r, block, &now)) ||
	       is_spent(r, block, spent_ns, &now);
}
