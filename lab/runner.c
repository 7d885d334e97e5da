/* Blocks, shuffled cells, fresh processes: see runner.h. */
#include "lab/runner.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lab/runner_inside.h"
#include "lab/status.h"
#include "lab/usage.h"
#include "results/statistics.h"

/* What a cell may take beyond its expected length before it is killed. */
#define CELL_PATIENCE_NS UINT64_C(15000000000)

static volatile sig_atomic_t interrupted;
/* What a second Ctrl-C is to take along. */
static volatile pid_t running;

static void on_interrupt(int signal)
{
	(void)signal;
	if (interrupted && running > 0)
		kill(-running, SIGKILL);
	if (interrupted)
		_exit(STATUS_INTERRUPTED);
	interrupted = 1;
}

bool runner_is_interrupted(void)
{
	return interrupted;
}

/* Waits for the cell's process; a signal from the user is passed on, once. */
static int wait_for_cell(struct runner *r, const struct plan_cell *cell, int *status)
{
	uint64_t patience_ns =
		plan_expected_ns(cell) + plan_duration_ns(cell, "timeout", CELL_PATIENCE_NS);
	bool told = false;
	int err;

	do {
		err = subprocess_wait(&r->cell, patience_ns, status);
		if (interrupted && !told && err == -EINTR) {
			subprocess_signal(&r->cell, SIGINT);
			patience_ns = CELL_PATIENCE_NS;
			told = true;
		}
	} while (err == -EINTR);
	return err;
}

bool runner_is_unable(const struct runner_outcome *outcome, const struct plan_cell *cell)
{
	for (size_t i = 0; i < outcome->count; i++)
		if (strcmp(record_text(&outcome->records[i], COLUMN_cell), cell->name) == 0 &&
		    cell_is_unable(&outcome->records[i]))
			return true;
	return false;
}

/* Says what went wrong, and into the row. */
static void report_failure(struct runner *r, const struct plan_cell *cell, int err, int status,
			   const char *why, struct record *record)
{
	const char *said = subprocess_last_error(&r->cell);
	char word[32] = "no-row", text[600];
	bool unable = false;

	if (err == -ETIMEDOUT) {
		snprintf(word, sizeof(word), "timeout");
		snprintf(text, sizeof(text), "killed, it did not end in time");
	} else if (WIFSIGNALED(status)) {
		snprintf(word, sizeof(word), "signal-%d", WTERMSIG(status));
		snprintf(text, sizeof(text), "ended by signal %d", WTERMSIG(status));
	} else if (WEXITSTATUS(status) != STATUS_DONE) {
		snprintf(word, sizeof(word), "status-%d", WEXITSTATUS(status));
		snprintf(text, sizeof(text), "status %d: %.512s", WEXITSTATUS(status),
			 said[0] ? said : "it said nothing");
		unable =
			cell->section->kind != PLAN_COMMAND && WEXITSTATUS(status) == STATUS_UNABLE;
	} else {
		snprintf(text, sizeof(text), "%.512s", why);
	}
	/* What this host cannot do it cannot do in any block. */
	if (!unable || !runner_is_unable(r->outcome, cell)) {
		progress_clear(&r->progress);
		status_warn("%s: %s", cell->name, text);
	}
	r->outcome->unable += unable;
	r->outcome->failed += !unable;
	cell_mark_failed(record, word, text);
}

static void keep_row(struct runner *r, struct record *record)
{
	struct runner_outcome *o = r->outcome;
	struct record *grown = realloc(o->records, (o->count + 1) * sizeof(*grown));

	if (!grown)
		status_exit(STATUS_UNABLE, "out of memory for %zu rows", o->count + 1);
	run_folder_append(r->folder, record);
	o->records = grown;
	o->records[o->count++] = *record;
}

/* Fills the row of a cell whose process has ended, whatever became of it; false: there is none. */
static bool make_row(struct runner *r, const struct plan_cell *cell, int err, int status,
		     struct record *record)
{
	bool ended_well = !err && WIFEXITED(status) && WEXITSTATUS(status) == STATUS_DONE;
	char why[512] = "";
	/* An external command that failed or was cut short has no figures. */
	bool readable = cell->section->kind == PLAN_COMMAND ? ended_well && !interrupted : !err;
	bool got =
		readable && cell_read_row(cell, &r->cell, &r->world, record, why, sizeof(why)) == 0;

	/* A run cut short by the user has a row too; a failed one that counted errors as well. */
	if (interrupted)
		return got;
	if (got && ended_well)
		return true;
	if (!got)
		cell_empty_row(cell, record);
	report_failure(r, cell, err, status, why, record);
	return true;
}

/* What the cell was to take: its warm-up and its interval, or all of one that has no figures. */
static void count_cell(struct runner *r, const struct plan_cell *cell, const struct record *record)
{
	double duration_s = record_number(record, COLUMN_duration_s);
	double warmup_s = (double)plan_duration_ns(cell, "warmup", 0) / 1e9;

	r->outcome->cost.cells_s += isnan(duration_s) ? r->cell.wall_s : duration_s + warmup_s;
}

bool runner_run_row(struct runner *r, const struct plan_cell *cell, struct record *record)
{
	struct cell_command command;
	char why[512];
	uint64_t origin_ns = subprocess_cpu_ns(&r->origin);
	uint64_t loaded_ns = plan_duration_ns(cell, "duration", 0);
	int status = 0;
	int err;

	if (loaded_ns)
		loaded_ns += plan_duration_ns(cell, "warmup", 0);
	cell_command_make(&command, cell, &r->world);
	err = subprocess_start_in(link_netns(r->link, LINK_CLIENT), &r->cell, command.argv,
				  command.cpus, why, sizeof(why));
	if (err)
		status_exit(STATUS_UNABLE, "%s", why);
	running = r->cell.pid;
	err = wait_for_cell(r, cell, &status);
	running = 0;
	cell_command_release(&command);
	if (!make_row(r, cell, err, status, record))
		return false;
	/* Of an origin that is not the lab's, what it used cannot be told. */
	cell_flag_row(record, r->world.origin_shares, subprocess_cpu_ns(&r->origin) - origin_ns,
		      r->world.external ? 0 : loaded_ns);
	if (record->kind == RECORD_FETCH && cell_asks_origin(cell))
		record_set_text(record, COLUMN_origin, r->world.external ? "external" : "lab");
	return true;
}

/* A row of a cell whose rate is a share of what nobody could measure. */
static void refuse_cell(struct runner *r, const struct plan_cell *cell, struct record *record)
{
	static const char said[] = "its rate is a share of a capacity that could not be measured";

	cell_empty_row(cell, record);
	cell_mark_failed(record, "no-capacity", said);
	progress_clear(&r->progress);
	status_warn("%s: %s", cell->name, said);
	r->outcome->failed++;
}

static void run_cell(struct runner *r, const struct plan_cell *cell, uint64_t block, uint64_t order)
{
	const char *values[PLAN_KEYS_MAX];
	struct plan_cell rated = *cell;
	struct record record;
	char rate[32];
	double share;
	int found = runner_rate(r, cell, &share, rate);

	if (found > 0) {
		for (unsigned k = 0; k < cell->section->key_count; k++)
			values[k] = strcmp(cell->section->keys[k].name, "rate") == 0
					    ? rate
					    : cell->values[k];
		rated.values = values;
	}
	if (found < 0)
		refuse_cell(r, cell, &record);
	else if (!runner_run_row(r, &rated, &record))
		return;
	if (found > 0)
		record_set_real(&record, COLUMN_rate_share, share);
	count_cell(r, cell, &record);
	cell_label_row(cell, &r->world, &record, r->folder->id, r->plan->name, block, order);
	keep_row(r, &record);
}

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
		status_exit(STATUS_FAILED,
			    "%s: the row of block %" PRIu64 ", order %" PRIu64
			    " is of %s, not of %s: it is not this plan's",
			    r->folder->path, block, order, record_text(record, COLUMN_cell),
			    cell->name);
	return true;
}

/* Where the rows that are there already stand. */
static void find_done(struct runner *r)
{
	size_t cells = r->plan->cell_count;

	r->done = calloc(r->plan->blocks * cells, sizeof(*r->done));
	if (!r->done)
		status_exit(STATUS_UNABLE, "out of memory for %" PRIu64 " blocks", r->plan->blocks);
	for (size_t i = 0; i < r->outcome->count; i++) {
		const struct record *record = &r->outcome->records[i];
		double block = record_number(record, COLUMN_block);
		double order = record_number(record, COLUMN_order);

		if (!(block >= 1 && block <= (double)r->plan->blocks && order >= 1 &&
		      order <= (double)cells))
			status_exit(STATUS_FAILED,
				    "%s: a row is of block %g, order %g, which this plan has not",
				    r->folder->path, block, order);
		r->done[((size_t)block - 1) * cells + (size_t)order - 1] = i + 1;
	}
}

/* One block, its cells in that order; false when the origin has died. */
static bool run_block(struct runner *r, uint64_t block, const unsigned *order)
{
	for (unsigned i = 0; i < r->plan->cell_count && !interrupted; i++) {
		const struct plan_cell *cell = &r->plan->cells[order[i]];

		if (!is_done(r, cell, block, i + 1)) {
			progress_show(&r->progress, block, cell->name);
			run_cell(r, cell, block, i + 1);
			runner_show_estimate(r, cell);
		}
		if (!interrupted && runner_origin_died(r)) {
			progress_clear(&r->progress);
			status_warn("the origin has died: %s", subprocess_last_error(&r->origin));
			r->outcome->failed++;
			return false;
		}
		progress_done(&r->progress, (double)plan_expected_ns(cell) / 1e9);
	}
	return !interrupted;
}

/* After a block: whether the limits end the run, and the words for it. */
static bool is_enough(struct runner *r, uint64_t block)
{
	const struct runner_limits *limits = r->limits;
	uint64_t spent_ns = usage_now_ns() - r->progress.from_ns;
	bool looked_at = limits->budget_ns || (r->progress.shown && r->outcome->count < 10000);
	const char *cell = NULL;
	double widest = looked_at ? runner_widest(r, &cell) : 0;
	char *ended = r->outcome->ended;
	size_t size = sizeof(r->outcome->ended);

	r->progress.widest = widest;
	if (limits->precision > 0 && widest <= limits->precision) {
		snprintf(ended, size,
			 "ended by the precision of %g %%, reached after %" PRIu64 " blocks",
			 100 * limits->precision, block);
		return true;
	}
	/* No block is begun that would, at the pace so far, go beyond. */
	if (limits->budget_ns == 0 || spent_ns + spent_ns / block <= limits->budget_ns)
		return false;
	if (cell)
		snprintf(ended, size,
			 "ended by the budget of %g s after %" PRIu64
			 " blocks; the widest interval is +-%.2g %%, of %.64s",
			 (double)limits->budget_ns / 1e9, block, 100 * widest, cell);
	else
		snprintf(ended, size,
			 "ended by the budget of %g s after %" PRIu64
			 " blocks, too few for intervals",
			 (double)limits->budget_ns / 1e9, block);
	return true;
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
		runner_show_noise(r);
		if (is_enough(r, block))
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
	/* No SA_RESTART: a wait must return so that the running cell can be told. */
	struct sigaction action = {.sa_handler = on_interrupt};
	struct runner *r = calloc(1, sizeof(*r));
	uint64_t begun_ns = usage_now_ns();
	double expected_s = plan_expected_s(plan);

	if (!r)
		status_exit(STATUS_UNABLE, "out of memory");
	r->plan = plan;
	r->folder = folder;
	r->limits = limits;
	r->link = link;
	r->outcome = outcome;
	link_text(link, r->world.link);
	r->world.external = plan_origin_url(plan) != NULL;
	find_done(r);
	runner_decide_seats(r, policy);
	runner_start_origin(r);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	if (limits->budget_ns && (double)limits->budget_ns / 1e9 < expected_s)
		expected_s = (double)limits->budget_ns / 1e9;
	progress_start(&r->progress, plan->blocks, expected_s);
	runner_measure_capacities(r);
	if (!interrupted)
		run_blocks(r);
	progress_clear(&r->progress);
	runner_stop_origin(r);
	outcome->cost.wall_s = (double)(usage_now_ns() - begun_ns) / 1e9;
	outcome->cost.cpu_s = own_cpu_s();
	outcome->interrupted = interrupted;
	free(r->capacities);
	free(r->done);
	free(r);
}

void runner_release(struct runner_outcome *outcome)
{
	record_free_all(outcome->records, outcome->count);
	memset(outcome, 0, sizeof(*outcome));
}
