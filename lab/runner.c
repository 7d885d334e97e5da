/* Blocks, shuffled cells, fresh processes: see runner.h. */
#include "lab/runner.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "lab/cell.h"
#include "lab/subprocess.h"
#include "lab/progress.h"
#include "lab/status.h"
#include "lab/usage.h"
#include "results/statistics.h"
#include "topology/bind.h"

/* Starting a process, pinning it, making its connections, writing its row: per cell. */
#define CELL_OVERHEAD_NS UINT64_C(45000000)
/* What a cell may take beyond its expected length before it is killed. */
#define CELL_PATIENCE_NS UINT64_C(15000000000)

struct runner {
	const struct plan *plan;
	const struct run_folder *folder;
	struct cell_seats seats;
	struct subprocess origin;
	char origin_url[256];
	struct progress progress;
	struct runner_outcome *outcome;
	struct subprocess cell; /* the one that runs */
};

static volatile sig_atomic_t interrupted;

static void on_interrupt(int signal)
{
	(void)signal;
	interrupted = 1;
}

static uint64_t expected_ns(const struct plan_cell *cell)
{
	return plan_duration_ns(cell, "duration", 0) + plan_duration_ns(cell, "warmup", 0) +
	       CELL_OVERHEAD_NS;
}

double runner_expected_s(const struct plan *plan)
{
	uint64_t block_ns = 0;

	for (unsigned i = 0; i < plan->cell_count; i++)
		block_ns += expected_ns(&plan->cells[i]);
	return (double)(block_ns * plan->blocks) / 1e9;
}

static void decide_seats(struct runner *r, enum place_policy policy)
{
	struct place_request request = {.policy = policy, .workers = 1, .origin_threads = 1};
	struct place_answer answer;
	hwloc_topology_t topology;
	hwloc_bitmap_t allowed;
	char why[512];

	if (bind_load(BIND_PLACES, &topology, why, sizeof(why)) ||
	    bind_allowed(&allowed, why, sizeof(why)) ||
	    place_decide(topology, allowed, &request, &answer, why, sizeof(why)))
		status_exit(STATUS_UNABLE, "%s", why);
	hwloc_bitmap_list_snprintf(r->seats.client, sizeof(r->seats.client), answer.workers[0]);
	hwloc_bitmap_list_snprintf(r->seats.origin, sizeof(r->seats.origin), answer.origin[0]);
	snprintf(r->outcome->note, sizeof(r->outcome->note), "%s", answer.note);
	r->seats.origin_shares = answer.origin_shares;
	place_release(&answer);
	hwloc_bitmap_free(allowed);
	hwloc_topology_destroy(topology);
}

static void start_origin(struct runner *r)
{
	char line[256], why[512];
	char *program = cell_program("origin");
	const char *argv[] = {program, "--listen", "127.0.0.1:0", "--cpus", r->seats.origin, NULL};
	const char *url;
	int err = subprocess_start(&r->origin, (char *const *)argv, why, sizeof(why));

	free(program);
	if (err)
		status_exit(STATUS_UNABLE, "%s", why);
	err = subprocess_first_line(&r->origin, UINT64_C(5000000000), line, sizeof(line));
	url = err ? NULL : strstr(line, "http://");
	if (!url) {
		int status;

		subprocess_signal(&r->origin, SIGKILL);
		subprocess_wait(&r->origin, UINT64_C(1000000000), &status);
		status_exit(STATUS_UNABLE, "the origin did not start: %s",
			    subprocess_last_error(&r->origin));
	}
	snprintf(r->origin_url, sizeof(r->origin_url), "%s", url);
}

static void stop_origin(struct runner *r)
{
	int status;

	subprocess_signal(&r->origin, SIGTERM);
	while (subprocess_wait(&r->origin, UINT64_C(5000000000), &status) == -EINTR)
		;
}

/* Waits for the cell's process; a signal from the user is passed on, once. */
static int wait_for_cell(struct runner *r, const struct plan_cell *cell, int *status)
{
	bool told = false;
	int err;

	do {
		err = subprocess_wait(&r->cell, expected_ns(cell) + CELL_PATIENCE_NS, status);
		if (interrupted && !told && err == -EINTR) {
			subprocess_signal(&r->cell, SIGINT);
			told = true;
		}
	} while (err == -EINTR);
	return err;
}

static void report_failure(struct runner *r, const struct plan_cell *cell, int err, int status)
{
	const char *said = subprocess_last_error(&r->cell);

	r->outcome->failed++;
	progress_clear(&r->progress);
	if (err == -ETIMEDOUT)
		status_warn("%s: killed, it did not end in time", cell->name);
	else if (WIFSIGNALED(status))
		status_warn("%s: ended by signal %d", cell->name, WTERMSIG(status));
	else
		status_warn("%s: status %d: %s", cell->name, WEXITSTATUS(status),
			    said[0] ? said : "it gave no row");
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

static void run_cell(struct runner *r, const struct plan_cell *cell, uint64_t block, uint64_t order)
{
	struct cell_command command;
	struct record record;
	char why[512];
	uint64_t origin_ns = subprocess_cpu_ns(&r->origin);
	int status = 0;
	int err;

	cell_command_make(&command, cell, &r->seats, r->origin_url);
	err = subprocess_start(&r->cell, command.argv, why, sizeof(why));
	if (err)
		status_exit(STATUS_UNABLE, "%s", why);
	err = wait_for_cell(r, cell, &status);
	cell_command_release(&command);
	/* A run cut short by the user has a row too; a failed one that counted errors as well. */
	if (err || cell_read_row(cell, r->cell.out.text, &record, why, sizeof(why))) {
		report_failure(r, cell, err, status);
		return;
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) != STATUS_DONE && !interrupted) {
		report_failure(r, cell, err, status);
		record_set_text(&record, COLUMN_flags, "failed");
	}
	cell_label_row(cell, &record, r->folder->id, r->plan->name, block, order);
	cell_flag_row(&record, r->seats.origin_shares, subprocess_cpu_ns(&r->origin) - origin_ns,
		      expected_ns(cell) - CELL_OVERHEAD_NS);
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

static void run_blocks(struct runner *r)
{
	const struct plan *plan = r->plan;
	unsigned order[PLAN_CELLS_MAX];
	uint64_t state = plan->seed;

	for (unsigned i = 0; i < plan->cell_count; i++)
		order[i] = i;
	for (uint64_t block = 1; block <= plan->blocks && !interrupted; block++) {
		shuffle(order, plan->cell_count, &state);
		for (unsigned i = 0; i < plan->cell_count && !interrupted; i++) {
			const struct plan_cell *cell = &plan->cells[order[i]];

			progress_show(&r->progress, block, cell->name);
			run_cell(r, cell, block, i + 1);
			if (!interrupted && !subprocess_running(&r->origin)) {
				progress_clear(&r->progress);
				status_warn("the origin has died: %s",
					    subprocess_last_error(&r->origin));
				r->outcome->failed++;
				return;
			}
			progress_done(&r->progress, (double)expected_ns(cell) / 1e9);
		}
	}
}

void runner_run(const struct plan *plan, enum place_policy policy, const struct run_folder *folder,
		struct runner_outcome *outcome)
{
	/* No SA_RESTART: a wait must return so that the running cell can be told. */
	struct sigaction action = {.sa_handler = on_interrupt};
	struct runner *r = calloc(1, sizeof(*r));

	if (!r)
		status_exit(STATUS_UNABLE, "out of memory");
	memset(outcome, 0, sizeof(*outcome));
	r->plan = plan;
	r->folder = folder;
	r->outcome = outcome;
	decide_seats(r, policy);
	start_origin(r);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	progress_start(&r->progress, plan->blocks, runner_expected_s(plan));
	run_blocks(r);
	progress_clear(&r->progress);
	stop_origin(r);
	outcome->interrupted = interrupted;
	free(r);
}

void runner_release(struct runner_outcome *outcome)
{
	record_free_all(outcome->records, outcome->count);
	memset(outcome, 0, sizeof(*outcome));
}
