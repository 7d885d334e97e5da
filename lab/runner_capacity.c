/*
 * What rates given as shares are shares of. Before the first block every model is run without a
 * rate, in a closed loop, and the median of what it did is its capacity. The rows are on disk
 * before anything rests on them, so that a resumed run has the same rates.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lab/runner_inside.h"
#include "lab/status.h"
#include "results/statistics.h"

/* The cell without a rate and what goes with one; its name ends in "capacity". */
struct closed {
	struct plan_cell cell;
	const char *values[PLAN_KEYS_MAX];
	char name[512];
};

static void close_loop(const struct plan_cell *cell, struct closed *closed)
{
	size_t used = (size_t)snprintf(closed->name, sizeof(closed->name), "%.400s",
				       cell->section->label);

	closed->cell = *cell;
	for (unsigned k = 0; k < cell->section->key_count; k++) {
		const struct plan_key *key = &cell->section->keys[k];
		bool rate = strcmp(key->name, "rate") == 0 || strcmp(key->name, "arrivals") == 0;

		closed->values[k] = rate ? NULL : cell->values[k];
		if (key->values.count > 1 && closed->values[k] && used < sizeof(closed->name))
			used += (size_t)snprintf(closed->name + used, sizeof(closed->name) - used,
						 "/%s", closed->values[k]);
	}
	if (used < sizeof(closed->name))
		snprintf(closed->name + used, sizeof(closed->name) - used, "/capacity");
	closed->cell.name = closed->name;
	closed->cell.values = closed->values;
	closed->cell.control = false;
}

static bool is_there(const struct record *rows, size_t count, const char *name, uint64_t turn)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(record_text(&rows[i], COLUMN_cell), name) == 0 &&
		    record_number(&rows[i], COLUMN_block) == (double)turn)
			return true;
	return false;
}

/* Runs it once and keeps the row. */
static void measure(struct runner *r, const struct closed *closed, uint64_t turn, uint64_t order)
{
	struct runner_outcome *o = r->outcome;
	unsigned failed = o->failed, unable = o->unable;
	struct record record;

	progress_show(&r->progress, 0, closed->name);
	if (!runner_run_row(r, &closed->cell, &record))
		return;
	/* The cells that depend on it will say so themselves. */
	o->failed = failed;
	o->unable = unable;
	cell_label_row(&closed->cell, &r->world, &record, r->folder->id, r->plan->name, turn,
		       order);
	record_set_text(&record, COLUMN_role, "calibration");
	run_folder_append_capacity(r->folder, &record);
	record_release(&record);
	progress_done(&r->progress, (double)plan_expected_ns(&closed->cell) / 1e9);
}

static double median_of(const struct record *rows, size_t count, const char *name)
{
	double values[PLAN_CAPACITY_RUNS];
	size_t used = 0;

	for (size_t i = 0; i < count && used < PLAN_CAPACITY_RUNS; i++) {
		double rate = record_number(&rows[i], COLUMN_throughput_rps);

		if (strcmp(record_text(&rows[i], COLUMN_cell), name) == 0 && rate > 0 &&
		    !strstr(record_text(&rows[i], COLUMN_flags), "failed"))
			values[used++] = rate;
	}
	statistics_sort(values, used);
	return statistics_quantile(values, used, 0.5);
}

static void take_capacities(struct runner *r)
{
	const struct plan *plan = r->plan;
	struct record *rows;
	size_t count;

	run_folder_capacities(r->folder, &rows, &count);
	for (unsigned i = 0; i < plan->cell_count; i++) {
		struct closed closed = {.name = ""};

		r->capacities[i] = NAN;
		if (plan_capacity_cell(plan, &plan->cells[i]) != &plan->cells[i])
			continue;
		close_loop(&plan->cells[i], &closed);
		r->capacities[i] = median_of(rows, count, closed.name);
	}
	record_free_all(rows, count);
}

void runner_measure_capacities(struct runner *r)
{
	const struct plan *plan = r->plan;
	struct record *rows;
	size_t count;

	r->capacities = calloc(plan->cell_count, sizeof(*r->capacities));
	if (!r->capacities)
		status_exit(STATUS_UNABLE, "out of memory for %u cells", plan->cell_count);
	run_folder_capacities(r->folder, &rows, &count);
	/* In turns, so that what disturbs the host for a while disturbs all alike. */
	for (uint64_t turn = 1; turn <= PLAN_CAPACITY_RUNS; turn++) {
		uint64_t order = 0;

		for (unsigned i = 0; i < plan->cell_count && !runner_is_interrupted(); i++) {
			struct closed closed = {.name = ""};

			if (runner_origin_lost(r, 0, false))
				break;
			if (plan_capacity_cell(plan, &plan->cells[i]) != &plan->cells[i])
				continue;
			close_loop(&plan->cells[i], &closed);
			order++;
			if (!is_there(rows, count, closed.name, turn))
				measure(r, &closed, turn, order);
		}
	}
	record_free_all(rows, count);
	take_capacities(r);
}

int runner_rate(const struct runner *r, const struct plan_cell *cell, double *share,
		char text[static 32])
{
	const struct plan_cell *at = plan_capacity_cell(r->plan, cell);
	double rate;

	if (!at || !plan_share(plan_value(cell, "rate"), share))
		return 0;
	rate = r->capacities[at - r->plan->cells] * *share;
	if (!(rate > 0))
		return -ENODATA;
	snprintf(text, 32, "%.0f", fmax(1, floor(rate)));
	return 1;
}
