/*
 * Calibrate's cells: fresh pinned processes, as the runner's are. The sums are fixed lists, so that
 * their time is known to follow their work; how long a list has to be is tried first.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lab/calibrate_inside.h"
#include "lab/cell.h"
#include "lab/status.h"

#define JOBS   8  /* sums in a list */
#define PASSES 4  /* through the list, in a cell */
#define LANES  16 /* connections of a fetching cell */
/* Above this the sums' cores need another way to square. */
#define JOB_MOST (UINT64_C(1) << 25)
/* Fewer squares do not tell 1 % from a rounded number of them, nor from the list's own cost. */
#define JOB_LEAST   10000
#define PATIENCE_NS UINT64_C(15000000000)
#define ARGUMENT    64
#define ARGUMENTS   (JOBS + 8)

volatile sig_atomic_t calibrate_interrupted;
/* What a second Ctrl-C is to take along. */
static volatile pid_t running;

static void on_interrupt(int signal)
{
	(void)signal;
	if (calibrate_interrupted && running > 0)
		kill(-running, SIGKILL);
	if (calibrate_interrupted)
		_exit(STATUS_INTERRUPTED);
	calibrate_interrupted = 1;
}

void calibrate_catch_signals(void)
{
	/* No SA_RESTART: a wait must return so that the running cell can be told. */
	struct sigaction action = {.sa_handler = on_interrupt};

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

/* A command line under construction; its words live in it. */
struct words {
	char text[ARGUMENTS][512];
	char *argv[ARGUMENTS + 1];
	unsigned count;
};

static void add(struct words *w, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(struct words *w, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(w->text[w->count], sizeof(w->text[0]), format, arguments);
	va_end(arguments);
	w->argv[w->count] = w->text[w->count];
	w->argv[++w->count] = NULL;
}

/* The figure in the row that the cell printed. */
static double read_figure(const struct lab *lab, const char *program, enum record_column column)
{
	json_error_t error;
	json_t *object = json_loads(lab->cell.out.text, JSON_DISABLE_EOF_CHECK, &error);
	struct record record;
	char why[256] = "";
	double value;

	record_init(&record, strstr(program, "fetch-") ? RECORD_FETCH : RECORD_SUMSQ);
	if (!object || record_from_json(object, &record, why, sizeof(why)))
		status_exit(STATUS_FAILED, "%s printed no row: %s", program,
			    object ? why : error.text);
	json_decref(object);
	value = record_number(&record, column);
	record_release(&record);
	if (isnan(value))
		status_exit(STATUS_FAILED, "%s gave no %s", program, record_columns[column].name);
	return value;
}

/* Runs the command to its end; NAN when a signal came in meanwhile. */
static double run(struct lab *lab, struct words *w, enum record_column column)
{
	char why[512];
	int status, err;

	if (subprocess_start(&lab->cell, w->argv, NULL, why, sizeof(why)))
		status_exit(STATUS_UNABLE, "%s", why);
	running = lab->cell.pid;
	do {
		err = subprocess_wait(&lab->cell, PATIENCE_NS, &status);
		if (err == -EINTR && calibrate_interrupted)
			subprocess_signal(&lab->cell, SIGINT);
	} while (err == -EINTR);
	running = 0;
	if (calibrate_interrupted)
		return NAN;
	if (err || !WIFEXITED(status) || WEXITSTATUS(status) != STATUS_DONE)
		status_exit(STATUS_FAILED, "%s %s: %s", w->argv[0],
			    err ? "did not end in time" : "failed",
			    subprocess_last_error(&lab->cell));
	return read_figure(lab, w->argv[0], column);
}

static double run_sums(struct lab *lab, enum calibrate_cell cell, enum record_column column)
{
	struct words w = {.count = 0};

	add(&w, "%s", lab->sumsq);
	add(&w, "--json");
	add(&w, "--cpus=%s", lab->data->client);
	add(&w, "--repeat=%d", PASSES);
	for (int i = 0; i < JOBS; i++)
		add(&w, "%" PRIu64, lab->job[cell]);
	return run(lab, &w, column);
}

static double run_fetches(struct lab *lab, const char *path, enum calibrate_wait wait,
			  unsigned connections, uint64_t duration_ns, enum record_column column)
{
	struct words w = {.count = 0};

	add(&w, "%s", lab->fetch);
	add(&w, "--json");
	add(&w, "--cpus=%s", lab->data->client);
	add(&w, "--wait=%s", wait == CALIBRATE_AWAKE ? "spin" : "block");
	add(&w, "--connections=%u", connections);
	add(&w, "--duration=%" PRIu64 "ns", duration_ns);
	add(&w, "--warmup=%" PRIu64 "ns", duration_ns / 5);
	add(&w, "%s%s", lab->url, path);
	return run(lab, &w, column);
}

double calibrate_run_sums(struct lab *lab, enum calibrate_cell cell)
{
	return run_sums(lab, cell, COLUMN_duration_s);
}

double calibrate_run_fetches(struct lab *lab)
{
	return run_fetches(lab, "/", CALIBRATE_ASLEEP, LANES,
			   lab->options->cell_ns[CALIBRATE_FETCHES], COLUMN_throughput_rps);
}

double calibrate_run_delay(struct lab *lab, enum calibrate_wait wait, unsigned delay)
{
	char path[ARGUMENT] = "/";

	if (delay < CALIBRATE_DELAYS)
		snprintf(path, sizeof(path), "/delay/%.0fus", calibrate_delays_us[delay]);
	return run_fetches(lab, path, wait, 1, calibrate_delay_cell_ns(lab->options, delay),
			   COLUMN_latency_p50_us);
}

/* Chooses the sums by how many squares a cell's length holds, and the slowed ones by those. */
void calibrate_choose_jobs(struct lab *lab)
{
	double squares_per_ns = 0.0;

	/* The second try is of a core that is awake, and with sums of about the right length. */
	lab->job[CALIBRATE_BASE] = 100000;
	for (int i = 0; i < 2 && !calibrate_interrupted; i++) {
		double squares;

		squares_per_ns = run_sums(lab, CALIBRATE_BASE, COLUMN_elements_per_s) / 1e9;
		squares = squares_per_ns * (double)lab->options->cell_ns[CALIBRATE_SUMS];
		lab->job[CALIBRATE_BASE] = (uint64_t)(squares / (JOBS * PASSES));
		if (lab->job[CALIBRATE_BASE] < JOB_LEAST)
			lab->job[CALIBRATE_BASE] = JOB_LEAST;
		if (lab->job[CALIBRATE_BASE] > JOB_MOST)
			lab->job[CALIBRATE_BASE] = JOB_MOST;
	}
	lab->job[CALIBRATE_CONTROL] = lab->job[CALIBRATE_EQUAL] = lab->job[CALIBRATE_BASE];
	for (unsigned i = 0; i < CALIBRATE_SLOWDOWNS; i++) {
		double base = (double)lab->job[CALIBRATE_BASE];
		uint64_t slowed = (uint64_t)llround(base * (1.0 + calibrate_slowdowns[i]));

		lab->job[CALIBRATE_SLOWED + i] = slowed;
		lab->data->truth[i] = (double)slowed / base;
	}
}

/* As long as four delays more than without, so that even the longest has a median. */
uint64_t calibrate_delay_cell_ns(const struct calibrate_options *options, unsigned delay)
{
	double delay_us = delay < CALIBRATE_DELAYS ? calibrate_delays_us[delay] : 0.0;

	return options->delay_cell_ns + (uint64_t)(4000.0 * delay_us);
}

void calibrate_start_origin(struct lab *lab)
{
	struct words w = {.count = 0};
	char *program = cell_program("origin");
	char why[512];

	add(&w, "%s", program);
	add(&w, "--listen=127.0.0.1:0");
	add(&w, "--cpus=%s", lab->data->origin);
	free(program);
	if (subprocess_start(&lab->origin, w.argv, NULL, why, sizeof(why)))
		status_exit(STATUS_UNABLE, "%s", why);
	if (subprocess_expect(&lab->origin, UINT64_C(5000000000), "http://", lab->url,
			      sizeof(lab->url)))
		status_exit(STATUS_UNABLE, "the origin did not start: %s",
			    subprocess_last_error(&lab->origin));
	lab->url[strcspn(lab->url + strlen("http://"), "/") + strlen("http://")] = '\0';
}

void calibrate_stop_origin(struct lab *lab)
{
	int status;

	subprocess_signal(&lab->origin, SIGTERM);
	while (subprocess_wait(&lab->origin, UINT64_C(5000000000), &status) == -EINTR)
		;
}
