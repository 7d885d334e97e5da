/*
 * What a run's folder keeps so that the run can be gone on with, or not: whole files, the plan as
 * it was read, and the host; and what is said about going on.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include <jansson.h>

#include "tests/resuming.h"

static char run[512];

static const char *in_run(const char *name)
{
	static char path[600];

	snprintf(path, sizeof(path), "%s/%s", run, name);
	return path;
}

static void cut(const char *name, off_t size)
{
	assert_int_equal(truncate(in_run(name), size), 0);
}

static bool holds(const char *name, const char *text)
{
	static char all[1 << 20];
	FILE *file = fopen(in_run(name), "r");

	assert_non_null(file);
	all[fread(all, 1, sizeof(all) - 1, file)] = '\0';
	fclose(file);
	return strstr(all, text) != NULL;
}

/* Two naps in two blocks, whole. */
static void make_run(void)
{
	char text[RESUMING_TEXT];

	resuming_write_plan("[experiment]\nblocks = 2\nseed = 1\n[nap a]\nmodel = epoll, blocking\n"
			    "tick = 1ms\n");
	resuming_undisturbed(text);
	assert_true(resuming_folder(run, sizeof(run)));
}

/* Takes the last row away. */
static void lose_a_row(void)
{
	struct stat status;

	assert_int_equal(stat(in_run("nap.csv"), &status), 0);
	cut("nap.csv", status.st_size - 3);
}

static void assert_resume(const char *option, int status, const char *says)
{
	const char *const argv[] = {child_program("iolab"), "run", "--resume", run, option, NULL};
	struct child child;
	int got = child_run(&child, argv);

	if (got != status || !strstr(child.err.text, says) ||
	    (status == 2 && !child_one_line(child.err.text)))
		fail_msg("status %d, expected %d and '%s': '%s'", got, status, says,
			 child.err.text);
	child_free(&child);
}

static void cut_files_are_made_again(void **state)
{
	json_t *host;

	(void)state;
	make_run();
	cut("host.json", 200);
	cut("topology.xml", 2000);
	assert_resume(NULL, 0, "nothing is left to do");
	host = json_load_file(in_run("host.json"), 0, NULL);
	assert_non_null(host);
	json_decref(host);
	assert_true(holds("topology.xml", "</topology>"));
	/* An incomplete run cannot tell whether it still is on its host, and says so. */
	cut("host.json", 0);
	lose_a_row();
	assert_resume(NULL, 0, "host.json cannot be read and is written anew");
	assert_true(holds("host.json", "\"kernel\""));
}

static void edited_plans_are_refused(void **state)
{
	(void)state;
	make_run();
	lose_a_row();
	resuming_change(in_run("plan.ini"), "tick", "1ms", "2ms");
	assert_resume(NULL, 2, "plan.ini:6: it was changed since the run was begun");
	assert_resume("--resume-anyway", 2, "plan.ini:6: it was changed since the run was begun");
	resuming_change(in_run("plan.ini"), "tick", "2ms", "1ms");
	assert_resume(NULL, 0, "5 rows of 6 are there already");
}

static void other_hosts_are_refused(void **state)
{
	static const char says[] = "kernel.release was \"other-";

	(void)state;
	make_run();
	lose_a_row();
	resuming_change(in_run("host.json"), "\"release\"", ": \"", ": \"other-");
	assert_resume(NULL, 2, says);
	assert_false(holds("report.txt", "gone on with"));
	assert_resume("--resume-anyway", 0, says);
	assert_true(holds("report.txt", "Note: the run was gone on with although"));
	assert_true(holds("report.txt", "kernel.release"));
	assert_true(holds("resumed.json", "kernel.release"));
	/* To draw a complete one again any host will do. */
	assert_resume(NULL, 0, "nothing is left to do");
	assert_true(holds("report.txt", "gone on with although"));
	make_run();
	lose_a_row();
	resuming_change(in_run("host.json"), "\"iolab\"", "\"version\": \"", "\"version\": \"0.");
	assert_resume(NULL, 2, "iolab.version was \"0.");
	/* What is of the moment is no reason. */
	resuming_change(in_run("host.json"), "\"iolab\"", "\"version\": \"0.", "\"version\": \"");
	resuming_change(in_run("host.json"), "\"activity\"", "{", "{\"more\": 1,");
	assert_resume(NULL, 0, "5 rows of 6 are there already");
}

/* A plan that could not be written down leaves no folder behind. */
static void strange_bytes_leave_no_folder(void **state)
{
	struct child child;

	(void)state;
	resuming_write_plan("[nap caf\xe9]\nmodel = epoll\n");
	resuming_begin(&child);
	assert_int_equal(child_wait(&child, CHILD_LIMIT_MS), 2);
	assert_true(child_one_line(child.err.text));
	assert_non_null(strstr(child.err.text, "small.ini:1: byte 9, 0xe9, is not UTF-8"));
	assert_false(resuming_folder(run, sizeof(run)));
	child_free(&child);
}

/* No number is printed that nobody gave. */
static void interrupted_without_a_number(void **state)
{
	const char *const results = resuming_fresh_results();
	const char *const argv[] = {child_program("iolab"), "run", "--results",	    results,
				    "--precision",	    "1%",  resuming_plan(), NULL};
	char expected[700];
	struct child child;

	(void)state;
	resuming_write_plan("[nap a]\nmodel = epoll\ntick = 60s\n");
	child_start(&child, argv);
	usleep(900000);
	assert_int_equal(child_end(&child, SIGINT, CHILD_LIMIT_MS), 130);
	assert_true(resuming_folder(run, sizeof(run)));
	assert_non_null(strstr(child.out.text, ": no fixed number of blocks of 1 cell, seed "));
	assert_null(strstr(child.out.text, "10000"));
	assert_null(strstr(child.err.text, "10000"));
	snprintf(expected, sizeof(expected), "go on with: %s run --resume %s\n",
		 child_program("iolab"), run);
	if (!strstr(child.err.text, expected))
		fail_msg("'%s' is not in '%s'", expected, child.err.text);
	child_free(&child);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cut_files_are_made_again),
		cmocka_unit_test(edited_plans_are_refused),
		cmocka_unit_test(other_hosts_are_refused),
		cmocka_unit_test(strange_bytes_leave_no_folder),
		cmocka_unit_test(interrupted_without_a_number),
	};

	return cmocka_run_group_tests(tests, resuming_start, resuming_stop);
}
