/* One cell in a fresh process, and its row, whatever became of it: see runner_inside.h. */
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lab/runner_inside.h"
#include "lab/status.h"
#include "results/flags.h"

/* What a cell may take beyond its expected length before it is killed. */
#define CELL_PATIENCE_NS UINT64_C(15000000000)
/* A cell whose connections an ending origin breaks may have ended before that has. */
#define ORIGIN_DYING_MS 100

static volatile sig_atomic_t interrupted;
/* The guard of what a second Ctrl-C is to take along. */
static volatile pid_t running;

static void on_interrupt(int signal)
{
	(void)signal;
	if (interrupted && running > 0)
		kill(running, SIGTERM);
	if (interrupted)
		_exit(STATUS_INTERRUPTED);
	interrupted = 1;
}

void runner_heed_interrupts(void)
{
	/* No SA_RESTART: a wait must return so that the running cell can be told. */
	struct sigaction action = {.sa_handler = on_interrupt}, before;

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	/* Under nohup that a terminal went away is not to be heard. */
	if (sigaction(SIGHUP, NULL, &before) == 0 && before.sa_handler != SIG_IGN)
		sigaction(SIGHUP, &action, NULL);
}

bool runner_is_interrupted(void)
{
	return interrupted;
}

/* Waits for the cell's process; a signal from the user is passed on, once. */
static int wait_for_cell(struct runner *r, const struct plan_cell *cell, int *status)
{
	uint64_t patience_ns;
	bool told = false;
	int err;

	if (__builtin_add_overflow(plan_expected_ns(cell),
				   plan_duration_ns(cell, "timeout", CELL_PATIENCE_NS),
				   &patience_ns))
		patience_ns = UINT64_MAX;
	do {
		err = subprocess_wait(&r->cell, patience_ns, status);
		if (interrupted && !told && err == -EINTR) {
			subprocess_signal(&r->cell, SIGINT);
			patience_ns = CELL_PATIENCE_NS;
			told = true;
		}
	} while (err == -EINTR);
	r->outcome->cost.cpu_s += r->cell.guard_s;
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

/* Its last line on stderr; of a command that said nothing there, as those of usage, on stdout. */
static const char *last_words(struct runner *r, const struct plan_cell *cell)
{
	const char *said = subprocess_last_error(&r->cell);

	if (!said[0] && cell->section->kind == PLAN_COMMAND)
		said = subprocess_last_line(&r->cell.out);
	return said[0] ? said : "it said nothing";
}

/* Says what went wrong, and into the row. */
static void report_failure(struct runner *r, const struct plan_cell *cell, int err, int status,
			   const char *why, struct record *record)
{
	const char *said = last_words(r, cell);
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
		snprintf(text, sizeof(text), "status %d: %.512s", WEXITSTATUS(status), said);
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

/* Says once a cell what it leaves running; each such row is flagged. */
static void report_left(struct runner *r, const struct plan_cell *cell, struct record *record)
{
	bool said = false;

	if (!r->cell.left[0])
		return;
	flags_add(record, FLAG_LEFT);
	for (size_t i = 0; i < r->outcome->count && !said; i++)
		said = strcmp(record_text(&r->outcome->records[i], COLUMN_cell), cell->name) == 0 &&
		       flags_has(record_text(&r->outcome->records[i], COLUMN_flags),
				 flags_all[FLAG_LEFT].word);
	if (said)
		return;
	progress_clear(&r->progress);
	status_warn("%s: it left a process running, %s, which was killed", cell->name,
		    r->cell.left);
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

/* A failure that is the origin's, which was killed or went away, is none of the cell's. */
static bool failed_with_origin(struct runner *r, const struct plan_cell *cell, int err, int status)
{
	bool ended_well = !err && WIFEXITED(status) && WEXITSTATUS(status) == STATUS_DONE;

	return !ended_well && !interrupted && cell_asks_origin(cell) &&
	       runner_origin_lost(r, ORIGIN_DYING_MS, true);
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
	uint64_t origin_ns = subprocess_cpu_ns(&r->origin), used_ns;
	uint64_t loaded_ns = plan_duration_ns(cell, "duration", 0);
	int status = 0;
	int err;

	if (loaded_ns)
		loaded_ns += plan_duration_ns(cell, "warmup", 0);
	cell_command_make(&command, cell, &r->world);
	err = subprocess_start_guarded(link_netns(r->link, LINK_CLIENT), &r->cell, command.argv,
				       command.cpus, why, sizeof(why));
	if (err)
		status_exit(STATUS_UNABLE, "%s", why);
	running = r->cell.pid;
	err = wait_for_cell(r, cell, &status);
	running = 0;
	cell_command_release(&command);
	if (failed_with_origin(r, cell, err, status) || !make_row(r, cell, err, status, record))
		return false;
	report_left(r, cell, record);
	/* Of an origin that is not the lab's, what it used cannot be told, nor of one that died. */
	used_ns = subprocess_cpu_ns(&r->origin);
	cell_flag_row(record, r->world.origin_shares, used_ns - origin_ns,
		      r->world.external || used_ns < origin_ns ? 0 : loaded_ns);
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

void runner_run_cell(struct runner *r, const struct plan_cell *cell, uint64_t block, uint64_t order)
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
