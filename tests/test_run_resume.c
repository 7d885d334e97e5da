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
#include "tests/serving.h"

static const char small_plan[] = "[experiment]\nblocks = 4\nseed = 11\n"
				 "[fetch f]\nmodel = epoll\nconnections = 2\nduration = 10ms\n"
				 "baseline = epoll\n"
				 "[nap n]\nmodel = blocking, epoll\ntick = 1ms\n"
				 "[sumsq s]\nmodel = serial\njobs = 100000\nrepeat = 3\n";

/* What the file holds; in a static buffer. */
static const char *whole_file(const char *path)
{
	static char text[1 << 20];
	FILE *file = fopen(path, "r");

	assert_non_null(file);
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	return text;
}

/* The row that a signal cut short is run again. */
static void interrupted_by(int signal)
{
	char text[RESUMING_TEXT], run[512];
	struct child child;

	resuming_write_plan(
		"[experiment]\nblocks = 1\nseed = 1\n[nap a]\nmodel = epoll\ntick = 1ms\n"
		"[fetch b]\nmodel = epoll\nduration = 3s\n");
	resuming_begin(&child);
	usleep(1200000);
	assert_int_equal(child_end(&child, signal, CHILD_LIMIT_MS), 130);
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

static void interrupted_and_resumed(void **state)
{
	(void)state;
	interrupted_by(SIGINT);
	/* And a terminal that is closed. */
	interrupted_by(SIGHUP);
}

/* Whoever reads along may go away: all rows are run, and the report is in the folder. */
static void nobody_reads(void **state)
{
	char command[1024], text[RESUMING_TEXT], run[512], path[600];
	const char *const argv[] = {"sh", "-c", command, NULL};
	struct child child;

	(void)state;
	resuming_write_plan("[experiment]\nblocks = 3\nseed = 1\n"
			    "[command c]\nrun = sh -c 'sleep 0.05; kill -PIPE $$; sleep 9'\n"
			    "[command bad]\nrun = false\n");
	snprintf(command, sizeof(command), "%s run --results %s %s 2>&1 | head -1",
		 child_program("iolab"), resuming_fresh_results(), resuming_plan());
	assert_int_equal(child_run(&child, argv), 0);
	assert_non_null(strstr(child.out.text, "iolab: plan small"));
	child_free(&child);
	assert_true(resuming_folder(run, sizeof(run)));
	/* With the control; and what is run hears the signal as ever. */
	assert_int_equal(resuming_rows(run, text), 9);
	snprintf(path, sizeof(path), "%s/fetch.csv", run);
	assert_non_null(strstr(whole_file(path), "failed signal-13"));
	snprintf(path, sizeof(path), "%s/report.txt", run);
	assert_non_null(strstr(whole_file(path), "Flagged: "));
	resuming_write_plan(small_plan);
}

/* The process of that name whose parent is the runner. */
static pid_t child_of(pid_t runner, const char *name)
{
	char text[32] = "";
	const char *const argv[] = {"pgrep", "-P", text, "-x", name, NULL};
	struct child child;
	pid_t found;

	snprintf(text, sizeof(text), "%d", (int)runner);
	assert_int_equal(child_run(&child, argv), 0);
	found = (pid_t)atoi(child.out.text);
	child_free(&child);
	return found;
}

static const char long_plan[] = "[experiment]\nblocks = 3\nseed = 11\n"
				"[fetch f]\nmodel = epoll, blocking\nduration = 300ms\n";

/* Until the run has that many. */
static void wait_for_rows(unsigned rows)
{
	char run[512], path[600];

	for (int i = 0; i < 2000; i++) {
		unsigned lines = 0;

		snprintf(path, sizeof(path), "%s/fetch.csv", resuming_folder(run, 512) ? run : "");
		if (access(path, F_OK) == 0)
			for (const char *at = whole_file(path); (at = strchr(at, '\n')); at++)
				lines++;
		if (lines > rows)
			return;
		usleep(5000);
	}
	fail_msg("no %u rows", rows);
}

/* A run whose origin is gone ends in one line, and no failure is a cell's; --resume goes on. */
static void assert_origin_lost(struct child *child, const char *says, char run[512])
{
	char text[RESUMING_TEXT], path[600];

	assert_int_equal(child_wait(child, CHILD_LIMIT_MS), 1);
	if (!strstr(child->err.text, says) || strstr(child->err.text, "iolab: f/"))
		fail_msg("'%s'", child->err.text);
	assert_non_null(strstr(child->out.text, "Interrupted: "));
	assert_null(strstr(child->out.text, "failed"));
	assert_true(resuming_folder(run, 512));
	assert_true(resuming_rows(run, text) < 9);
	snprintf(path, sizeof(path), "%s/fetch.csv", run);
	assert_null(strstr(whole_file(path), "failed"));
	child_free(child);
}

static void assert_goes_on(const char *run)
{
	char text[RESUMING_TEXT];
	struct child child;

	if (resuming_resume(&child, run))
		fail_msg("%s", child.err.text);
	assert_non_null(strstr(child.err.text, " are there already"));
	child_free(&child);
	assert_int_equal(resuming_rows(run, text), 9);
}

static void origin_killed(void **state)
{
	struct child child;
	char run[512];

	(void)state;
	resuming_write_plan(long_plan);
	resuming_begin(&child);
	wait_for_rows(4);
	kill(child_of(child.pid, "origin"), SIGKILL);
	assert_origin_lost(&child, "iolab: the origin has died, by signal 9; ", run);
	assert_goes_on(run);
	resuming_write_plan(small_plan);
}

static void own_origin_gone(void **state)
{
	char plan[512], run[512], listen[64];
	const char *const options[] = {"--listen", listen, NULL};
	struct child child, origin;
	unsigned port;

	(void)state;
	snprintf(listen, sizeof(listen), "127.0.0.1:0");
	serving_origin(&origin, options, &port, 1);
	snprintf(plan, sizeof(plan), "%s[origin]\nurl = http://127.0.0.1:%u\n", long_plan, port);
	resuming_write_plan(plan);
	resuming_begin(&child);
	wait_for_rows(4);
	child_end(&origin, SIGKILL, CHILD_LIMIT_MS);
	child_free(&origin);
	assert_origin_lost(&child, " does not answer any more; ", run);
	snprintf(listen, sizeof(listen), "127.0.0.1:%u", port);
	serving_origin(&origin, options, &port, 1);
	assert_goes_on(run);
	child_end(&origin, SIGTERM, CHILD_LIMIT_MS);
	child_free(&origin);
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

/* A folder of another lab's version: nothing in it need mean what it says. */
static void strange_folder(void **state)
{
	char text[RESUMING_TEXT], run[512], path[600];
	const char *const again[] = {child_program("iolab"), "run", "--resume", run, NULL};

	(void)state;
	resuming_write_plan("[nap a]\nmodel = epoll\ntick = 1ms\n");
	resuming_undisturbed(text);
	assert_true(resuming_folder(run, sizeof(run)));
	snprintf(path, sizeof(path), "%s/run.json", run);
	resuming_change(path, "schema_version", ": 1", ": 2");
	refuse(again, 2, "run.json: schema_version 2, and this lab reads 1");
	resuming_change(path, "schema_version", ": 2", ": \"1\"");
	refuse(again, 2, "run.json: ");
	resuming_change(path, "schema_version", ": \"1\"", ": 1");
	resuming_change(path, "{", "{", "[");
	refuse(again, 2, "run.json: ");
	resuming_write_plan(small_plan);
}

/* Rows of another lab's version: a line that says where, and no report. */
static void strange_rows(void **state)
{
	static const struct {
		const char *after, *from, *to, *says;
	} rows[] = {
		{"\n", "\n1,", "\n2,", "nap.csv:2: schema_version: 2 is not 1"},
		{"\n", "\n2,", "\n1,", NULL},
	};
	char text[RESUMING_TEXT], run[512], path[600];
	const char *const again[] = {child_program("iolab"), "run", "--resume", run, NULL};

	(void)state;
	resuming_write_plan("[experiment]\nblocks = 2\nseed = 1\n[nap a]\nmodel = epoll\n"
			    "tick = 1ms\n");
	resuming_undisturbed(text);
	assert_true(resuming_folder(run, sizeof(run)));
	snprintf(path, sizeof(path), "%s/nap.csv", run);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		resuming_change(path, rows[i].after, rows[i].from, rows[i].to);
		if (rows[i].says)
			refuse(again, 2, rows[i].says);
	}
	resuming_write_plan(small_plan);
}

/* A row that was put in twice: which of the two counts is not the lab's to choose. */
static void row_twice(void **state)
{
	char text[RESUMING_TEXT], run[512], path[600], line[8192], last[8192] = "";
	const char *const again[] = {child_program("iolab"), "run", "--resume", run, NULL};
	FILE *file;

	(void)state;
	resuming_write_plan("[experiment]\nblocks = 2\nseed = 1\n[nap a]\nmodel = epoll\n"
			    "tick = 1ms\n");
	resuming_undisturbed(text);
	assert_true(resuming_folder(run, sizeof(run)));
	snprintf(path, sizeof(path), "%s/nap.csv", run);
	file = fopen(path, "r+");
	assert_non_null(file);
	while (fgets(line, sizeof(line), file))
		strcpy(last, line);
	fseek(file, 0, SEEK_END);
	fputs(last, file);
	assert_int_equal(fclose(file), 0);
	refuse(again, 2, "two rows are of block 2, order 1");
	resuming_write_plan(small_plan);
}

/* Gives one row that flag, and takes all others'. */
static void flag_one_row(const char *path, const char *flag)
{
	struct record *rows;
	size_t count;
	char why[512];
	bool cut;

	if (record_read_csv(path, &rows, &count, &cut, why, sizeof(why)))
		fail_msg("%s", why);
	assert_int_equal(unlink(path), 0);
	for (size_t i = 0; i < count; i++) {
		record_set_text(&rows[i], COLUMN_flags, i == 3 ? flag : NULL);
		if (record_append_csv(path, &rows[i], why, sizeof(why)))
			fail_msg("%s", why);
	}
	record_free_all(rows, count);
}

/* A client that spins through 2 ms of waiting is dearer: a claim, until a row of it is flagged. */
static void strict(void **state)
{
	static const struct {
		const char *flag;
		bool strict;
		int status;
	} rows[] = {
		{"", true, 0}, {"unlike_cores", true, 0}, {"steal", false, 0}, {"steal", true, 4}};
	char run[512], path[600];
	struct child child;

	(void)state;
	resuming_write_plan(
		"[experiment]\nblocks = 8\nseed = 1\n[fetch f]\nmodel = epoll\n"
		"wait = block, spin\nlatency = 2ms\nduration = 12ms\nbaseline = epoll/block\n");
	resuming_begin(&child);
	if (child_wait(&child, CHILD_LIMIT_MS))
		fail_msg("%s", child.err.text);
	child_free(&child);
	assert_true(resuming_folder(run, sizeof(run)));
	snprintf(path, sizeof(path), "%s/fetch.csv", run);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *const argv[] = {child_program("iolab"),
					    "run",
					    "--resume",
					    run,
					    rows[i].strict ? "--strict" : NULL,
					    NULL};

		flag_one_row(path, rows[i].flag);
		assert_int_equal(child_run(&child, argv), rows[i].status);
		assert_non_null(strstr(child.out.text, " times more than epoll"));
		if ((strstr(child.err.text, "strict: ") != NULL) != (rows[i].status == 4))
			fail_msg("'%s': %s", rows[i].flag, child.err.text);
		if (rows[i].status == 4)
			assert_non_null(strstr(child.err.text, " on flagged rows: f/"));
		if (*rows[i].flag)
			assert_non_null(strstr(child.out.text, "Flagged: 1 of "));
		child_free(&child);
	}
	resuming_write_plan(small_plan);
}

/* Goes on with a run that a limit ended: it has no more rows, and says what it said. */
static void still_ended(const char *run, const char *said)
{
	char text[RESUMING_TEXT], before[256];
	size_t rows = resuming_rows(run, text);
	const char *line = strstr(said, "The run was ended by ");
	struct child child;

	assert_non_null(line);
	snprintf(before, sizeof(before), "%.*s\n", (int)strcspn(line, "\n"), line);
	assert_int_equal(resuming_resume(&child, run), 0);
	if (!strstr(child.out.text, before))
		fail_msg("'%s' is not in '%s'", before, child.out.text);
	assert_int_equal(resuming_rows(run, text), rows);
	child_free(&child);
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
	char text[RESUMING_TEXT], run[512], path[600];

	(void)state;
	resuming_write_plan("[nap n]\nmodel = blocking, epoll\ntick = 5ms\n");
	if (child_run(&child, precise))
		fail_msg("%s", child.err.text);
	assert_non_null(strstr(child.out.text, "ended by the precision of 60 %, reached after "));
	assert_true(resuming_folder(run, sizeof(run)));
	still_ended(run, child.out.text);
	/* Killed before it could say so: the rows tell it as well. */
	snprintf(path, sizeof(path), "%s/limits.json", run);
	assert_int_equal(unlink(path), 0);
	still_ended(run, child.out.text);
	child_free(&child);
	/* Ten runs of each cell, and three of the control, are the fewest that end it. */
	assert_true(resuming_rows(run, text) >= 30);
	resuming_fresh_results();
	if (child_run(&child, budget))
		fail_msg("%s", child.err.text);
	assert_non_null(strstr(child.out.text, "ended by the budget of 1.5 s after "));
	assert_true(resuming_folder(run, sizeof(run)));
	still_ended(run, child.out.text);
	/* As if it had been killed: what it had spent by then counts. */
	snprintf(path, sizeof(path), "%s/limits.json", run);
	resuming_change(path, "ended\"", "ended by", "");
	resuming_change(path, "\"blocks", "\"ended\": \"", "\"ended\": \"\", \"was\": \"");
	still_ended(run, child.out.text);
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
		cmocka_unit_test(nobody_reads),
		cmocka_unit_test(origin_killed),
		cmocka_unit_test(own_origin_gone),
		cmocka_unit_test(not_resumed),
		cmocka_unit_test(strange_folder),
		cmocka_unit_test(strange_rows),
		cmocka_unit_test(row_twice),
		cmocka_unit_test(strict),
		cmocka_unit_test(limits),
	};

	return cmocka_run_group_tests(tests, start, resuming_stop);
}
