/* Blocks, shuffled cells, fresh processes: see runner.h. */
#include "lab/runner.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "lab/runner_inside.h"
#include "lab/status.h"
#include "lab/usage.h"
#include "results/statistics.h"

/* Fisher and Yates's shuffle (as in Knuth, 3.4.2). */
static void shuffle(unsigned *order, unsigned count, uint64_t *state)
{
	for (unsigned i = count; i > 1; i--) {
		unsigned j = (unsigned)(statistics_random(state) % i);
		unsigned kept = order[i - 1];

		order[i - 1] = order[j];
		order[j] = kept;
	}
}

/* Whether an earlier run left the row of that place; one of another cell is not of this plan. */
static bool is_done(struct runner *r, const struct plan_cell *cell, uint64_t block, uint64_t order)
{
	size_t row = r->done[(block - 1) * r->plan->cell_count + order - 1];
	const struct record *record = row ? &r->outcome->records[row - 1] : NULL;

	if (!record)
		return false;
	if (strcmp(record_text(record, COLUMN_cell), cell->name) != 0 ||
	    (strcmp(record_text(record, COLUMN_role), "control") == 0) != cell->control)
		status_exit(STATUS_USAGE,
			    "%s: the row of block %" PRIu64 ", order %" PRIu64
			    " is of %s, not of %s: it is not this plan's",
			    r->folder->path, block, order, record_text(record, COLUMN_cell),
			    cell->name);
	return true;
}

/* Where the rows that are there already stand: struct runner's `done`. */
static size_t *find_done(const struct plan *plan, const struct run_folder *folder,
			 const struct runner_outcome *outcome)
{
	size_t cells = plan->cell_count;
	size_t *done = calloc(plan->blocks * cells, sizeof(*done));

	if (!done)
		status_exit(STATUS_UNABLE, "out of memory for %" PRIu64 " blocks", plan->blocks);
	for (size_t i = 0; i < outcome->count; i++) {
		const struct record *record = &outcome->records[i];
		double block = record_number(record, COLUMN_block);
		double order = record_number(record, COLUMN_order);
		size_t *place;

		if (!(block >= 1 && block <= (double)plan->blocks && order >= 1 &&
		      order <= (double)cells))
			status_exit(STATUS_USAGE,
				    "%s: a row is of block %g, order %g, which this plan has not",
				    folder->path, block, order);
		place = &done[((size_t)block - 1) * cells + (size_t)order - 1];
		if (*place)
			status_exit(STATUS_USAGE,
				    "%s: two rows are of block %g, order %g, of %s and of %s: take "
				    "one of them out",
				    folder->path, block, order,
				    record_text(&outcome->records[*place - 1], COLUMN_cell),
				    record_text(record, COLUMN_cell));
		*place = i + 1;
	}
	return done;
}

void runner_check_rows(const struct plan *plan, const struct run_folder *folder,
		       const struct runner_outcome *outcome)
{
	free(find_done(plan, folder, outcome));
}

/* One block, its cells in that order; false when the run has ended, by the user or its origin. */
static bool run_block(struct runner *r, uint64_t block, const unsigned *order)
{
	for (unsigned i = 0; i < r->plan->cell_count && !runner_is_interrupted(); i++) {
		const struct plan_cell *cell = &r->plan->cells[order[i]];
		double expected_s = (double)plan_expected_ns(cell) / 1e9;
		bool done = is_done(r, cell, block, i + 1);

		if (!done) {
			progress_show(&r->progress, block, cell->name);
			runner_run_cell(r, cell, block, i + 1);
			runner_show_estimate(r, cell);
		}
		if (!runner_is_interrupted() && runner_origin_lost(r, 0, false))
			return false;
		if (done)
			progress_skip(&r->progress, expected_s);
		else
			progress_done(&r->progress, expected_s);
	}
	return !runner_is_interrupted();
}

/*
 * What earlier processes came to. Of the rows since they last asked, by a process that was killed,
 * at least the intervals and warm-ups are known.
 */
static void find_spent(struct runner *r)
{
	const struct runner_outcome *o = r->outcome;
	double more_s = 0;

	run_folder_read_spent(r->folder, &r->before);
	for (size_t i = 0; i < o->count; i++) {
		const char *name = record_text(&o->records[i], COLUMN_cell);
		double duration_s = record_number(&o->records[i], COLUMN_duration_s);
		unsigned c = 0;

		if (record_number(&o->records[i], COLUMN_block) <= (double)r->before.blocks)
			continue;
		while (c < r->plan->cell_count && strcmp(r->plan->cells[c].name, name) != 0)
			c++;
		if (c < r->plan->cell_count)
			more_s += (double)plan_duration_ns(&r->plan->cells[c], "warmup", 0) / 1e9;
		more_s += isnan(duration_s) ? 0 : duration_s;
	}
	r->before.spent_ns += (uint64_t)(more_s * 1e9);
}

/* Whether an earlier process went on behind that block, so that it was not enough. */
static bool went_on(const struct runner *r, uint64_t block)
{
	size_t cells = r->plan->cell_count;

	for (size_t i = 0; i < cells && block < r->plan->blocks; i++)
		if (r->done[block * cells + i])
			return true;
	return false;
}

/* Asks whether it is enough, once for each block, whoever ran it: what has ended stays so. */
static bool ask(struct runner *r, uint64_t block)
{
	struct run_spent spent = {.blocks = block};
	char *ended = r->outcome->ended;
	bool enough;

	if (r->before.ended[0] && block == r->before.blocks) {
		snprintf(ended, sizeof(r->outcome->ended), "%s", r->before.ended);
		return true;
	}
	if (r->before.ended[0] || went_on(r, block))
		return false;
	runner_show_noise(r);
	spent.spent_ns = r->before.spent_ns + usage_now_ns() - r->progress.from_ns;
	enough = runner_is_enough(r, block, spent.spent_ns);
	snprintf(spent.ended, sizeof(spent.ended), "%s", ended);
	if (r->limits->budget_ns)
		run_folder_write_spent(r->folder, &spent);
	return enough;
}

static void run_blocks(struct runner *r)
{
	const struct plan *plan = r->plan;
	unsigned *order = calloc(plan->cell_count, sizeof(*order));
	uint64_t state = plan->seed;

	if (!order)
		status_exit(STATUS_UNABLE, "out of memory for %u cells", plan->cell_count);
	for (unsigned i = 0; i < plan->cell_count; i++)
		order[i] = i;
	for (uint64_t block = 1; block <= plan->blocks; block++) {
		shuffle(order, plan->cell_count, &state);
		if (!run_block(r, block, order))
			break;
		r->outcome->blocks = block;
		if (ask(r, block))
			break;
	}
	free(order);
}

static double own_cpu_s(void)
{
	struct rusage used;

	getrusage(RUSAGE_SELF, &used);
	return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
	       (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

void runner_run(const struct plan *plan, enum place_policy policy,
		const struct runner_limits *limits, const struct link *link,
		const struct run_folder *folder, struct runner_outcome *outcome)
{
	struct runner *r = calloc(1, sizeof(*r));
	uint64_t begun_ns = usage_now_ns();

	if (!r)
		status_exit(STATUS_UNABLE, "out of memory");
	r->plan = plan;
	r->folder = folder;
	r->limits = limits;
	r->link = link;
	r->outcome = outcome;
	r->world.external = plan_origin_url(plan) != NULL;
	link_text(link, r->world.link);
	r->done = find_done(plan, folder, outcome);
	find_spent(r);
	runner_decide_seats(r, policy);
	runner_start_origin(r);
	runner_heed_interrupts();
	progress_start(&r->progress, runner_is_open(plan, limits) ? 0 : plan->blocks,
		       plan_expected_s(plan));
	r->progress.budget_s = (double)limits->budget_ns / 1e9;
	r->progress.spent_s = (double)r->before.spent_ns / 1e9;
	runner_measure_capacities(r);
	if (!runner_is_interrupted() && !outcome->origin_lost)
		run_blocks(r);
	progress_clear(&r->progress);
	runner_stop_origin(r);
	outcome->cost.wall_s = (double)(usage_now_ns() - begun_ns) / 1e9;
	outcome->cost.cpu_s += own_cpu_s();
	outcome->interrupted = runner_is_interrupted();
	free(r->capacities);
	free(r->done);
	free(r);
}

void runner_release(struct runner_outcome *outcome)
{
	record_free_all(outcome->records, outcome->count);
	memset(outcome, 0, sizeof(*outcome));
}
