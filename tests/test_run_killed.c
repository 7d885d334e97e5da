/*
 * iolab run killed at any moment, by SIGKILL: what is on disk is what was measured, row by row;
 * nothing of it lives on; and --resume ends with the rows of a run that nobody disturbed.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "results/statistics.h"
#include "tests/resuming.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define MOMENTS 10 /* there a process takes its time to start */
#else
#define MOMENTS 50
#endif
/* Blocks of the plan below, and its cells with the three controls. */
#define BLOCKS 3
#define CELLS  8

static const char small_plan[] =
	"[experiment]\nblocks = 3\nseed = 11\n"
	"[fetch f]\nmodel = epoll\nprocesses = 2\nconnections = 2\nduration = 3ms\n"
	"baseline = epoll\n"
	"[nap n]\nmodel = blocking, epoll\ntick = 1ms\n"
	"[sumsq s]\nmodel = serial, processes\njobs = 100000\nrepeat = 1\n";

static double now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void nap_ms(long ms)
{
	nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

/* Whatever a dead runner leaves behind is this process's: all of it must end by itself. */
static void assert_nothing_lives_on(void)
{
	double until_s = now_s() + 10;

	for (;;) {
		pid_t ended = waitpid(-1, NULL, WNOHANG);

		if (ended < 0 && errno == ECHILD)
			return;
		if (ended == 0 && now_s() > until_s)
			fail_msg("a process of a killed run lives on");
		if (ended == 0)
			nap_ms(2);
	}
}

/* Waits until the run's folder has all that does not come from a cell; its path. */
static void wait_for_folder(char *run, size_t size)
{
	char path[600];

	for (int i = 0; i < 10000; i++) {
		if (resuming_folder(run, size)) {
			snprintf(path, sizeof(path), "%s/topology.xml", run);
			if (access(path, F_OK) == 0)
				return;
		}
		nap_ms(1);
	}
	fail_msg("no run was begun");
}

/* The CSVs of that run as another program reads them: no row is longer or shorter than the header. */
static void assert_others_read(const char *run)
{
	static const char script[] =
		"import csv, glob, sys\n"
		"for path in glob.glob(sys.argv[1] + '/*.csv'):\n"
		"    rows = list(csv.reader(open(path, newline=''), strict=True))\n"
		"    assert rows and all(len(row) == len(rows[0]) for row in rows), path\n";
	const char *const argv[] = {"python3", "-c", script, run, NULL};
	struct child child;
	int status = child_run(&child, argv);

	/* 127: there is no Python here. */
	if (status && status != 127)
		fail_msg("status %d: %s", status, child.err.text);
	child_free(&child);
}

static void assert_none_twice(char *rows)
{
	char before[128] = "";
	char *rest = rows;

	for (char *line; (line = strsep(&rest, "\n"));) {
		/* "1 03": a place has one row. */
		if (*before && strncmp(line, before, 4) == 0)
			fail_msg("two rows for one place: %s", line);
		snprintf(before, sizeof(before), "%s", line);
	}
}

static void assert_resumes(const char *run, const char *whole)
{
	char rows[RESUMING_TEXT];
	struct child child;
	int status;

	status = resuming_resume(&child, run);
	if (status)
		fail_msg("--resume: status %d: '%s', '%s'", status, child.out.text, child.err.text);
	assert_non_null(strstr(child.err.text, " are there already"));
	assert_non_null(strstr(child.out.text, "Written to "));
	child_free(&child);
	resuming_rows(run, rows);
	assert_string_equal(rows, whole);
}

static void begin_and_kill(double after_s, char *run, size_t size)
{
	struct child child;

	resuming_begin(&child);
	wait_for_folder(run, size);
	nap_ms((long)(1000 * after_s));
	child_end(&child, SIGKILL, CHILD_LIMIT_MS);
	child_free(&child);
	assert_nothing_lives_on();
}

static double length_s(char whole[RESUMING_TEXT])
{
	struct child child;
	char run[512];
	double begun_s;

	resuming_begin(&child);
	wait_for_folder(run, sizeof(run));
	begun_s = now_s();
	if (child_wait(&child, CHILD_LIMIT_MS))
		fail_msg("%s", child.err.text);
	child_free(&child);
	assert_int_equal(resuming_rows(run, whole), BLOCKS * CELLS);
	return now_s() - begun_s;
}

static void killed_at_any_moment(void **state)
{
	const char *given = getenv("SEED");
	uint64_t seed = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
	uint64_t random = seed;
	char whole[RESUMING_TEXT], rows[RESUMING_TEXT], run[512];
	size_t least = SIZE_MAX, most = 0;
	double all_s;

	(void)state;
	print_message("killed at moments drawn with SEED=%llu\n", (unsigned long long)seed);
	all_s = length_s(whole);
	for (int moment = 0; moment < MOMENTS; moment++) {
		double share = (double)(statistics_random(&random) >> 11) * 0x1p-53;
		size_t count;

		begin_and_kill(share * all_s, run, sizeof(run));
		count = resuming_rows(run, rows);
		least = count < least ? count : least;
		most = count > most ? count : most;
		assert_none_twice(rows);
		assert_others_read(run);
		assert_resumes(run, whole);
	}
	print_message("%zu to %zu of %d rows were there\n", least, most, BLOCKS * CELLS);
	/* One that is complete stays as it is. */
	assert_resumes(run, whole);
}

/* A row whose writing was cut short, wherever: at its first byte, in a field, before its newline. */
static void cut_in_a_row(void **state)
{
	uint64_t random = 7;
	char whole[RESUMING_TEXT], run[512], path[600];
	struct stat status;

	(void)state;
	length_s(whole);
	assert_true(resuming_folder(run, sizeof(run)));
	snprintf(path, sizeof(path), "%s/nap.csv", run);
	for (int i = 0; i < 8; i++) {
		/* All but the newline, then anything up to most of a row. */
		off_t cut = i == 0 ? 1 : 1 + (off_t)statistics_random_below(&random, 150);

		assert_int_equal(stat(path, &status), 0);
		assert_int_equal(truncate(path, status.st_size - cut), 0);
		assert_resumes(run, whole);
	}
}

/* Killed before its first cell: what is not there yet is made, or one line says what is missing. */
static void killed_at_the_start(void **state)
{
	char whole[RESUMING_TEXT], run[512], path[600];
	static const char *const missing[] = {"topology.xml", "host.json"};
	struct child child;

	(void)state;
	length_s(whole);
	assert_true(resuming_folder(run, sizeof(run)));
	for (size_t i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/%s", run, missing[i]);
		assert_int_equal(unlink(path), 0);
		assert_resumes(run, whole);
		assert_int_equal(access(path, F_OK), 0);
	}
	snprintf(path, sizeof(path), "%s/run.json", run);
	assert_int_equal(truncate(path, 40), 0);
	assert_int_equal(resuming_resume(&child, run), 2);
	assert_true(child_one_line(child.err.text));
	child_free(&child);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(resuming_resume(&child, run), 2);
	assert_true(child_one_line(child.err.text));
	child_free(&child);
}

/* Neither does one that is deaf to everything that can be heard. */
static void deaf_cells_do_not_live_on(void **state)
{
	char run[512];

	(void)state;
	resuming_write_plan("[command deaf]\n"
			    "run = sh -c 'trap : TERM INT HUP; while :; do :; done'\n"
			    "cpus = all\n");
	begin_and_kill(0.3, run, sizeof(run));
	resuming_write_plan(small_plan);
}

/* Nor what a command started, in a session of its own, with nobody left who waits for it. */
static void grandchildren_do_not_live_on(void **state)
{
	char run[512];

	(void)state;
	resuming_write_plan("[command nest]\n"
			    "run = sh -c 'setsid sh -c \"sleep 600 & sleep 600\" & sleep 600'\n"
			    "cpus = all\n");
	begin_and_kill(0.3, run, sizeof(run));
	resuming_write_plan(small_plan);
}

static int start(void **state)
{
	/* Orphans become this process's children. */
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) || resuming_start(state))
		return -1;
	resuming_write_plan(small_plan);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(killed_at_any_moment),
		cmocka_unit_test(cut_in_a_row),
		cmocka_unit_test(killed_at_the_start),
		cmocka_unit_test(deaf_cells_do_not_live_on),
		cmocka_unit_test(grandchildren_do_not_live_on),
	};

	return cmocka_run_group_tests(tests, start, resuming_stop);
}
