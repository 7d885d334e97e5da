/* Blocks, shuffled cells, fresh processes: see runner.h. */
#include "lab/runner.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lab/cell.h"
#include "lab/subprocess.h"
#include "lab/progress.h"
#include "lab/status.h"
#include "lab/usage.h"
#include "results/statistics.h"
#include "topology/bind.h"

/* What a cell may take beyond its expected length before it is killed. */
#define CELL_PATIENCE_NS UINT64_C(15000000000)

struct runner {
	const struct plan *plan;
	const struct run_folder *folder;
	struct cell_world world;
	struct subprocess origin;
	struct progress progress;
	struct runner_outcome *outcome;
	struct subprocess cell; /* the one that runs */
};

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
	hwloc_bitmap_list_snprintf(r->world.client, sizeof(r->world.client), answer.workers[0]);
	hwloc_bitmap_list_snprintf(r->world.origin, sizeof(r->world.origin), answer.origin[0]);
	snprintf(r->outcome->note, sizeof(r->outcome->note), "%s", answer.note);
	r->world.origin_shares = answer.origin_shares;
	place_release(&answer);
	hwloc_bitmap_free(allowed);
	hwloc_topology_destroy(topology);
}

static char *option(const char *name, const char *value)
{
	char *text;

	if (asprintf(&text, "--%s%s%s", name, value ? "=" : "", value ? value : "") < 0)
		status_exit(STATUS_UNABLE, "out of memory");
	return text;
}

/* Waits for the line in which the origin names an address; the '/' at its end goes. */
static int listening(struct runner *r, const char *scheme, char url[static 256])
{
	int err = subprocess_expect(&r->origin, UINT64_C(5000000000), scheme, url, 256);

	if (!err)
		url[strcspn(url + strlen(scheme), "/") + strlen(scheme)] = '\0';
	return err;
}

/* The origin's command line: its seat, TLS where a cell needs it, and the plan's [origin]. */
static void make_origin_command(const struct runner *r, char **argv, size_t most)
{
	const struct plan_section *section = &r->plan->origin;
	bool tls = plan_needs_tls(r->plan);
	size_t count = 0;

	argv[count++] = cell_program("origin");
	argv[count++] = option("listen", "127.0.0.1:0");
	argv[count++] = option("cpus", r->world.origin);
	if (tls) {
		argv[count++] = option("listen-tls", "127.0.0.1:0");
		argv[count++] = option("ca-out", r->world.ca);
	}
	for (unsigned k = 0; k < section->key_count && count + 1 < most; k++) {
		const struct plan_key *key = &section->keys[k];
		const char *value = key->values.items[0];

		if (key->row->kind != OPTION_FLAG)
			argv[count++] = option(key->name, value);
		else if (strcmp(value, "yes") == 0)
			argv[count++] = option(key->name, NULL);
	}
	argv[count] = NULL;
}

static void start_origin(struct runner *r)
{
	char *argv[PLAN_KEYS_MAX + 8];
	char why[512];
	int err;

	snprintf(r->world.ca, sizeof(r->world.ca), "%s", run_folder_file(r->folder, "ca.pem"));
	make_origin_command(r, argv, sizeof(argv) / sizeof(argv[0]));
	err = subprocess_start(&r->origin, argv, NULL, why, sizeof(why));
	for (char **word = argv; *word; word++)
		free(*word);
	if (err)
		status_exit(STATUS_UNABLE, "%s", why);
	err = listening(r, "http://", r->world.url);
	if (!err && plan_needs_tls(r->plan))
		err = listening(r, "https://", r->world.tls_url);
	if (err) {
		int status;

		subprocess_signal(&r->origin, SIGKILL);
		subprocess_wait(&r->origin, UINT64_C(1000000000), &status);
		status_exit(STATUS_UNABLE, "the origin did not start: %s",
			    subprocess_last_error(&r->origin));
	}
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

/* Says what went wrong and leaves the one word for the row's flags in `reason`. */
static void report_failure(struct runner *r, const struct plan_cell *cell, int err, int status,
			   const char *why, char reason[static 32])
{
	const char *said = subprocess_last_error(&r->cell);

	r->outcome->failed++;
	progress_clear(&r->progress);
	if (err == -ETIMEDOUT) {
		status_warn("%s: killed, it did not end in time", cell->name);
		snprintf(reason, 32, "timeout");
	} else if (WIFSIGNALED(status)) {
		status_warn("%s: ended by signal %d", cell->name, WTERMSIG(status));
		snprintf(reason, 32, "signal-%d", WTERMSIG(status));
	} else if (WEXITSTATUS(status) != STATUS_DONE) {
		status_warn("%s: status %d: %s", cell->name, WEXITSTATUS(status),
			    said[0] ? said : "it said nothing");
		snprintf(reason, 32, "status-%d", WEXITSTATUS(status));
	} else {
		status_warn("%s: %s", cell->name, why);
		snprintf(reason, 32, "no-row");
	}
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
	char why[512] = "", reason[32];
	/* An external command that failed or was cut short has no figures. */
	bool readable = cell->section->kind == PLAN_COMMAND ? ended_well && !interrupted : !err;
	bool got =
		readable && cell_read_row(cell, &r->cell, &r->world, record, why, sizeof(why)) == 0;

	/* A run cut short by the user has a row too; a failed one that counted errors as well. */
	if (interrupted)
		return got;
	if (got && ended_well)
		return true;
	report_failure(r, cell, err, status, why, reason);
	if (!got) {
		cell_failed_row(cell, reason, record);
		return true;
	}
	cell_add_flag(record, "failed");
	cell_add_flag(record, reason);
	return true;
}

static void run_cell(struct runner *r, const struct plan_cell *cell, uint64_t block, uint64_t order)
{
	struct cell_command command;
	struct record record;
	char why[512];
	uint64_t origin_ns = subprocess_cpu_ns(&r->origin);
	uint64_t loaded_ns = plan_duration_ns(cell, "duration", 0);
	int status = 0;
	int err;

	if (loaded_ns)
		loaded_ns += plan_duration_ns(cell, "warmup", 0);
	cell_command_make(&command, cell, &r->world);
	err = subprocess_start(&r->cell, command.argv, command.cpus, why, sizeof(why));
	if (err)
		status_exit(STATUS_UNABLE, "%s", why);
	running = r->cell.pid;
	err = wait_for_cell(r, cell, &status);
	running = 0;
	cell_command_release(&command);
	if (!make_row(r, cell, err, status, &record))
		return;
	cell_label_row(cell, &record, r->folder->id, r->plan->name, block, order);
	cell_flag_row(&record, r->world.origin_shares, subprocess_cpu_ns(&r->origin) - origin_ns,
		      loaded_ns);
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
	unsigned *order = calloc(plan->cell_count, sizeof(*order));
	uint64_t state = plan->seed;

	if (!order)
		status_exit(STATUS_UNABLE, "out of memory for %u cells", plan->cell_count);
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
				goto out;
			}
			progress_done(&r->progress, (double)plan_expected_ns(cell) / 1e9);
		}
	}
out:
	free(order);
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
	progress_start(&r->progress, plan->blocks, plan_expected_s(plan));
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
