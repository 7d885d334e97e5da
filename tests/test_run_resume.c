/*
 * Runs that end before their time, and go on: stopped by Ctrl-C and gone on with, refused
 * where that cannot be, and those that a precision or a budget ends. tests/test_run_killed.c has
 * those that are killed.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "results/record.h"
#include "tests/resuming.h"

static const char small_plan[] = "[experiment]\nblocks = 4\nseed = 11\n"
				 "[fetch f]\nmodel = epoll\nconnections = 2\nduration = 10ms\n"
				 "baseline = epoll\n"
				 "[nap n]\nmodel = blocking, epoll\ntick = 1ms\n"
				 "[sumsq s]\nmodel = serial\njobs = 100000\nrepeat = 3\n";

/* The row that Ctrl-C cut short is run again. */
static void interrupted_and_resumed(void **state)
{
	char text[RESUMING_TEXT], run[512];
	struct child child;

	(void)state;
	resuming_write_plan(
		"[experiment]\nblocks = 1\nseed = 1\n[nap a]\nmodel = epoll\ntick = 1ms\n"
		"[fetch b]\nmodel = epoll\nduration = 3s\n");
	resuming_begin(&child);
	usleep(1200000);
	assert_int_equal(child_end(&child, SIGINT, CHILD_LIMIT_MS), 130);
	assert_non_null(strstr(child.out.text, "Interrupted"));
	child_free(&child);
	assert_true(resuming_folder(run, sizeof(run)));
	resuming_rows(run, text);
	assert_non_null(strstr(text, " b cell partial\n"));
	assert_int_equal(resuming_resume(&child, run), 0);
	child_free(&child);
	assert_int_equal(resuming_rows(run, text), 2);
	assert_null(strstr(text, "partial"));
	resuming_write_plan(small_plan);
}

static void refuse(const char *const *argv, int status, const char *says)
{
	struct child child;
	int got = child_run(&child, argv);

	if (got != status || !child_one_line(child.err.text) || !strstr(child.err.text, says))
		fail_msg("status %d, expected %d and '%s': '%s'", got, status, says,
			 child.err.text);
	child_free(&child);
}

static void not_resumed(void **state)
{
	const char *const iolab = strdup(child_program("iolab"));
	char text[RESUMING_TEXT], run[512], path[600];
	const char *const nothing[] = {iolab, "run", "--resume", "/tmp", NULL};
	const char *const again[] = {iolab, "run", "--resume", run, NULL};
	const char *const other[] = {iolab, "run", "--resume", run, "--blocks", "3", NULL};
	const char *const two[] = {iolab, "run", "--resume", run, "matrix", NULL};
	struct child child;
	FILE *file;

	(void)state;
	resuming_undisturbed(text);
	assert_true(resuming_folder(run, sizeof(run)));
	refuse(nothing, 2, "is not the folder of a run");
	refuse(other, 2, "no other option goes with it");
	refuse(two, 2, "'matrix' is a second one");
	/* While it runs. */
	resuming_write_plan("[nap a]\nmodel = epoll\ntick = 60s\n");
	resuming_begin(&child);
	for (int i = 0; i < 100 && !resuming_folder(run, sizeof(run)); i++)
		usleep(20000);
	usleep(500000);
	refuse(again, 3, "another iolab is running it");
	child_end(&child, SIGKILL, CHILD_LIMIT_MS);
	child_free(&child);
	/* A plan that was changed. */
	snprintf(path, sizeof(path), "%s/plan.ini", run);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs("[nap a]\nmodel = epoll, uring\ntick = 1ms\n", file);
	assert_int_equal(fclose(file), 0);
	refuse(again, 2, "it was changed");
	resuming_write_plan(small_plan);
	free((char *)iolab);
}

static void limits(void **state)
{
	/* It names the latest fresh ones. */
	const char *const results = resuming_fresh_results();
	const char *const precise[] = {child_program("iolab"), "run", "--results",     results,
				       "--precision",	       "60%", resuming_plan(), NULL};
	const char *const budget[] = {precise[0], "run",    "--results",     results,
				      "--budget", "1500ms", resuming_plan(), NULL};
	static const char *const wrong[] = {"2", "0%", "many", "-1%", "100%", "%"};
	struct child child;
	char text[RESUMING_TEXT], run[512];

	(void)state;
	resuming_write_plan("[nap n]\nmodel = blocking, epoll\ntick = 5ms\n");
	if (child_run(&child, precise))
		fail_msg("%s", child.err.text);
	assert_non_null(strstr(child.out.text, "ended by the precision of 60 %, reached after "));
	child_free(&child);
	assert_true(resuming_folder(run, sizeof(run)));
	/* Six runs of each cell are the fewest to tell an interval from. */
	assert_true(resuming_rows(run, text) >= 12);
	resuming_fresh_results();
	if (child_run(&child, budget))
		fail_msg("%s", child.err.text);
	assert_non_null(strstr(child.out.text, "ended by the budget of 1.5 s after "));
	child_free(&child);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		const char *const argv[] = {precise[0], "run", "--precision", wrong[i], NULL};

		refuse(argv, 2, "is no percentage such as 2%");
	}
	resuming_write_plan(small_plan);
}

static int start(void **state)
{
	if (resuming_start(state))
		return -1;
	resuming_write_plan(small_plan);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(interrupted_and_resumed),
		cmocka_unit_test(not_resumed),
		cmocka_unit_test(limits),
	};

	return cmocka_run_group_tests(tests, start, resuming_stop);
}
