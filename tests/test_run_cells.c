/*
 * What a cell's process may do to the runner: much output and odd bytes, outputs closed or held open
 * by others, processes left running, signals that it does not hear, failures that it tells of in
 * its own way. Each has a row that is true, and the cells after it find the host as it was.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "results/record.h"
#include "tests/resuming.h"

static struct child child;
static struct record *rows;
static size_t count;
static char run[512];

/* Everything so far of the run's fetch.csv. */
static void read_rows(void)
{
	char path[600], why[512];
	bool cut;

	record_free_all(rows, count);
	rows = NULL;
	count = 0;
	assert_true(resuming_folder(run, sizeof(run)));
	snprintf(path, sizeof(path), "%s/fetch.csv", run);
	if (access(path, F_OK) == 0 && record_read_csv(path, &rows, &count, &cut, why, sizeof(why)))
		fail_msg("%s", why);
}

/* Runs one block of these cells. */
static void run_cells(const char *cells, int status)
{
	char plan[4096];

	snprintf(plan, sizeof(plan), "[experiment]\nblocks = 1\nseed = 1\n%s", cells);
	resuming_write_plan(plan);
	resuming_begin(&child);
	if (child_wait(&child, CHILD_LIMIT_MS) != status)
		fail_msg("status %d: %s", child.status, child.err.text);
	read_rows();
}

static int clear(void **state)
{
	(void)state;
	child_free(&child);
	record_free_all(rows, count);
	rows = NULL;
	count = 0;
	return 0;
}

static const struct record *row_of(const char *cell)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(record_text(&rows[i], COLUMN_cell), cell) == 0)
			return &rows[i];
	fail_msg("no row of %s in %zu: %s", cell, count, child.err.text);
	return NULL;
}

static void assert_rate(const char *cell, double rate)
{
	const struct record *row = row_of(cell);
	double got = record_number(row, COLUMN_throughput_rps);

	if (!(got >= rate && got <= rate))
		fail_msg("%s: %g, not %g; '%s'", cell, got, rate, record_text(row, COLUMN_reason));
}

static void assert_failed(const char *cell, const char *flags, const char *reason)
{
	const struct record *row = row_of(cell);

	if (strcmp(record_text(row, COLUMN_flags), flags) != 0 ||
	    !strstr(record_text(row, COLUMN_reason), reason))
		fail_msg("%s: '%s', '%s'", cell, record_text(row, COLUMN_flags),
			 record_text(row, COLUMN_reason));
}

/* The last figure counts, however much was said before it; one that is lost is none. */
static void much_output(void **state)
{
	(void)state;
	run_cells("[defaults command]\nrate = rate: ([0-9]+)\n"
		  "[command last]\n"
		  "run = sh -c 'echo rate: 5; yes filler | head -c 900000; echo rate: 99'\n"
		  "[command first]\n"
		  "run = sh -c 'echo rate: 5; yes filler | head -c 900000'\n"
		  "[command one-line]\n"
		  "run = sh -c 'yes rate: 55555 | head -c 900000 | tr -d \"\\n\"; echo'\n"
		  "[command on-stderr]\n"
		  "run = sh -c 'yes filler | head -c 900000 >&2; echo rate: 8 >&2'\n",
		  1);
	assert_rate("last", 99);
	assert_failed("first", "failed no-row", "bytes were too many to keep");
	assert_rate("one-line", 55555);
	assert_rate("on-stderr", 8);
}

static void odd_bytes(void **state)
{
	(void)state;
	run_cells("[command nul]\n"
		  "run = sh -c 'echo rate: 7; printf \"\\000\"; echo rate: 100'\n"
		  "rate = rate: ([0-9]+)\n",
		  0);
	assert_rate("nul", 100);
}

/* Whether the process whose id the file holds still runs; a zombie does not. */
static bool lives(const char *pid_path)
{
	char path[64], line[256] = "";
	FILE *file = fopen(pid_path, "r");
	const char *close;
	int pid = 0;

	assert_non_null(file);
	assert_int_equal(fscanf(file, "%d", &pid), 1);
	fclose(file);
	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = fopen(path, "r");
	if (!file)
		return false;
	close = fgets(line, sizeof(line), file) ? strrchr(line, ')') : NULL;
	fclose(file);
	return close && close[2] != 'Z';
}

/* What holds the outputs, and what got away into a session of its own, ends with its cell. */
static void left_running(void **state)
{
	char plan[1024], pid_path[64], other_path[64];

	(void)state;
	snprintf(pid_path, sizeof(pid_path), "%s.pid", resuming_plan());
	snprintf(other_path, sizeof(other_path), "%s.other", resuming_plan());
	snprintf(plan, sizeof(plan),
		 "[defaults command]\ntimeout = 2s\nrate = rate: ([0-9]+)\n"
		 "[command holds]\n"
		 "run = sh -c 'sleep 31 & echo $! >%s; echo rate: 4'\n"
		 "[command away]\n"
		 "run = sh -c 'setsid sh -c \"echo \\$\\$ >%s; sleep 33; :\" & sleep 0.3; "
		 "echo rate: 6'\n"
		 "[command soon]\nrun = sh -c 'sleep 0.02 & echo rate: 7'\n",
		 pid_path, other_path);
	run_cells(plan, 0);
	assert_rate("holds", 4);
	assert_rate("away", 6);
	assert_rate("soon", 7);
	assert_string_equal(record_text(row_of("holds"), COLUMN_flags), "left-running");
	assert_string_equal(record_text(row_of("away"), COLUMN_flags), "left-running");
	assert_string_equal(record_text(row_of("soon"), COLUMN_flags), "");
	assert_true(record_number(row_of("holds"), COLUMN_duration_s) < 1);
	assert_non_null(strstr(child.err.text, "holds: it left a process running, sleep, which"));
	assert_false(lives(pid_path));
	assert_false(lives(other_path));
}

/* What cannot be heard any more is not beyond the time. */
static void outputs_closed(void **state)
{
	(void)state;
	run_cells("[command closed]\nrun = sh -c 'exec >&- 2>&-; sleep 8'\ntimeout = 100ms\n", 1);
	assert_failed("closed", "failed timeout", "did not end in time");
}

/* Not 2^32 ms taken for none, nor a sum that begins anew at 2^64 ns. */
static void long_timeouts(void **state)
{
	(void)state;
	run_cells("[command long]\nrun = sleep 0.1\ntimeout = 4294968s\n"
		  "[command longer]\nrun = sleep 0.1\ntimeout = 18446744073s\n",
		  0);
	assert_string_equal(record_text(row_of("long"), COLUMN_flags), "");
	assert_string_equal(record_text(row_of("longer"), COLUMN_flags), "");
}

static double now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Starts the plan and waits until a file is there that one of its cells makes. */
static void begin_until(const char *plan, const char *path)
{
	unlink(path);
	resuming_write_plan(plan);
	resuming_begin(&child);
	for (int i = 0; i < 2000 && access(path, F_OK); i++)
		usleep(5000);
	assert_int_equal(access(path, F_OK), 0);
}

/* Ctrl-C reaches what a shell waits for, and with outputs closed too. */
static void interrupted_behind_a_shell(void **state)
{
	static const char *const commands[] = {"sleep 60; :", "exec >&- 2>&-; sleep 60; :"};
	char plan[1024], path[64];
	double begun_s;

	(void)state;
	snprintf(path, sizeof(path), "%s.begun", resuming_plan());
	for (size_t i = 0; i < 2; i++) {
		snprintf(plan, sizeof(plan), "[command c]\nrun = sh -c 'echo >%s; %s'\n", path,
			 commands[i]);
		begin_until(plan, path);
		usleep(300000); /* a shell that is just starting its child is deaf */
		begun_s = now_s();
		assert_int_equal(child_end(&child, SIGINT, CHILD_LIMIT_MS), 130);
		/* Its patience with a cell that was told is 15 s. */
		assert_true(now_s() - begun_s < 10);
		child_free(&child);
	}
}

/* Usage goes to stdout with many. */
static void usage_on_stdout(void **state)
{
	(void)state;
	run_cells("[command usage]\nrun = sh -c 'echo usage: this; echo and that; exit 1'\n"
		  "[command both]\nrun = sh -c 'echo usage; echo no such file >&2; exit 1'\n"
		  "[command odd]\nrun = sh -c 'printf \"\\000\"; echo help; exit 1'\n"
		  "[command mute]\nrun = false\n",
		  1);
	assert_failed("usage", "failed status-1", "status 1: and that");
	assert_failed("both", "failed status-1", "status 1: no such file");
	assert_failed("odd", "failed status-1", "status 1: ?help");
	assert_failed("mute", "failed status-1", "status 1: it said nothing");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(much_output, clear),
		cmocka_unit_test_teardown(odd_bytes, clear),
		cmocka_unit_test_teardown(left_running, clear),
		cmocka_unit_test_teardown(outputs_closed, clear),
		cmocka_unit_test_teardown(long_timeouts, clear),
		cmocka_unit_test_teardown(interrupted_behind_a_shell, clear),
		cmocka_unit_test_teardown(usage_on_stdout, clear),
	};

	return cmocka_run_group_tests(tests, resuming_start, resuming_stop);
}
