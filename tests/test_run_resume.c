/*
 * Runs that end before their time, and go on: killed at any moment or stopped by Ctrl-C, resumed
 * to exactly the rows of an undisturbed run; and those that a precision or a budget ends.
 */
#include <dirent.h>
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
#include "tests/child.h"

static char folder[] = "/tmp/iolab-resume-XXXXXX";
static char plan_path[64], results[64];

#define BLOCKS 4
#define CELLS  5 /* with the control */

static const char small_plan[] = "[experiment]\nblocks = 4\nseed = 11\n"
				 "[fetch f]\nmodel = epoll\nconnections = 2\nduration = 10ms\n"
				 "baseline = epoll\n"
				 "[nap n]\nmodel = blocking, epoll\ntick = 1ms\n"
				 "[sumsq s]\nmodel = serial\njobs = 100000\nrepeat = 3\n";

static void write_plan(const char *text)
{
	FILE *file = fopen(plan_path, "w");

	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

static int start(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(plan_path, sizeof(plan_path), "%s/small.ini", folder);
	write_plan(small_plan);
	return 0;
}

static int stop(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

/* Each run gets a results folder of its own, so that its folder is found also when it was killed. */
static void fresh_results(void)
{
	static int number;

	snprintf(results, sizeof(results), "%s/r%d", folder, number++);
}

/* The one folder there; false when it was not made yet. */
static bool run_folder(char *path, size_t size)
{
	DIR *all = opendir(results);
	struct dirent *entry;
	bool found = false;

	while (all && (entry = readdir(all)))
		if (entry->d_name[0] != '.') {
			snprintf(path, size, "%.60s/%.200s", results, entry->d_name);
			found = true;
		}
	if (all)
		closedir(all);
	return found;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* What was run, one line a row, in order of block and place: "1 03 f/control cell". */
static size_t rows_of(const char *run, char *text, size_t size)
{
	static const char *const names[] = {"fetch.csv", "sumsq.csv", "nap.csv"};
	char *lines[256];
	size_t count = 0, used = 0;

	for (int i = 0; i < 3; i++) {
		struct record *rows;
		char path[512], why[512];
		size_t read;
		bool cut;

		snprintf(path, sizeof(path), "%s/%s", run, names[i]);
		if (access(path, F_OK))
			continue;
		if (record_read_csv(path, &rows, &read, &cut, why, sizeof(why)))
			fail_msg("%s", why);
		assert_true(count + read < 256);
		for (size_t r = 0; r < read; r++)
			assert_true(asprintf(&lines[count++], "%.0f %02.0f %s %s%s",
					     record_number(&rows[r], COLUMN_block),
					     record_number(&rows[r], COLUMN_order),
					     record_text(&rows[r], COLUMN_cell),
					     record_text(&rows[r], COLUMN_role),
					     record_number(&rows[r], COLUMN_partial) > 0
						     ? " partial"
						     : "") > 0);
		record_free_all(rows, read);
	}
	qsort(lines, count, sizeof(*lines), by_text);
	for (size_t i = 0; i < count; i++) {
		used += (size_t)snprintf(text + used, size - used, "%s\n", lines[i]);
		free(lines[i]);
	}
	text[used] = '\0';
	return count;
}

static void run_begin(struct child *child)
{
	const char *const argv[] = {
		child_program("iolab"), "run", "--results", results, plan_path, NULL};

	fresh_results();
	child_start(child, argv);
}

static int run_resume(struct child *child, const char *run)
{
	const char *const argv[] = {child_program("iolab"), "run", "--resume", run, NULL};

	return child_run(child, argv);
}

static void undisturbed(char *text, size_t size)
{
	struct child child;
	char run[512];

	run_begin(&child);
	if (child_wait(&child, CHILD_LIMIT_MS))
		fail_msg("%s", child.err.text);
	assert_true(run_folder(run, sizeof(run)));
	assert_int_equal(rows_of(run, text, size), BLOCKS * CELLS);
	child_free(&child);
}

static void killed_and_resumed(void **state)
{
	char whole[4096], mended[4096], run[512];
	unsigned resumed = 0;

	(void)state;
	undisturbed(whole, sizeof(whole));
	for (int moment = 0; moment < 12; moment++) {
		struct child child;

		run_begin(&child);
		usleep((useconds_t)(60000 + 70000 * moment));
		child_end(&child, SIGKILL, CHILD_LIMIT_MS);
		child_free(&child);
		if (!run_folder(run, sizeof(run)))
			continue;
		strcat(run, "/topology.xml");
		if (access(run, F_OK))
			continue;
		*strrchr(run, '/') = '\0';
		if (run_resume(&child, run))
			fail_msg("moment %d: %s", moment, child.err.text);
		assert_non_null(strstr(child.err.text, " are there already"));
		assert_non_null(strstr(child.out.text, "Written to "));
		child_free(&child);
		rows_of(run, mended, sizeof(mended));
		assert_string_equal(mended, whole);
		resumed++;
	}
	assert_true(resumed > 0);
	/* One that is complete stays as it is. */
	struct child child;

	assert_int_equal(run_resume(&child, run), 0);
	child_free(&child);
	rows_of(run, mended, sizeof(mended));
	assert_string_equal(mended, whole);
}

/* The row that Ctrl-C cut short is run again. */
static void interrupted_and_resumed(void **state)
{
	char text[4096], run[512];
	struct child child;

	(void)state;
	write_plan("[experiment]\nblocks = 1\nseed = 1\n[nap a]\nmodel = epoll\ntick = 1ms\n"
		   "[fetch b]\nmodel = epoll\nduration = 3s\n");
	run_begin(&child);
	usleep(1200000);
	assert_int_equal(child_end(&child, SIGINT, CHILD_LIMIT_MS), 130);
	assert_non_null(strstr(child.out.text, "Interrupted"));
	child_free(&child);
	assert_true(run_folder(run, sizeof(run)));
	rows_of(run, text, sizeof(text));
	assert_non_null(strstr(text, " b cell partial\n"));
	assert_int_equal(run_resume(&child, run), 0);
	child_free(&child);
	assert_int_equal(rows_of(run, text, sizeof(text)), 2);
	assert_null(strstr(text, "partial"));
	write_plan(small_plan);
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
	char text[4096], run[512], path[600];
	const char *const nothing[] = {iolab, "run", "--resume", folder, NULL};
	const char *const again[] = {iolab, "run", "--resume", run, NULL};
	const char *const other[] = {iolab, "run", "--resume", run, "--blocks", "3", NULL};
	const char *const two[] = {iolab, "run", "--resume", run, "matrix", NULL};
	struct child child;
	FILE *file;

	(void)state;
	undisturbed(text, sizeof(text));
	assert_true(run_folder(run, sizeof(run)));
	refuse(nothing, 2, "is not the folder of a run");
	refuse(other, 2, "no other option goes with it");
	refuse(two, 2, "'matrix' is a second one");
	/* While it runs. */
	write_plan("[nap a]\nmodel = epoll\ntick = 60s\n");
	run_begin(&child);
	for (int i = 0; i < 100 && !run_folder(run, sizeof(run)); i++)
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
	write_plan(small_plan);
	free((char *)iolab);
}

static void limits(void **state)
{
	const char *const precise[] = {child_program("iolab"), "run", "--results", results,
				       "--precision",	       "60%", plan_path,   NULL};
	const char *const budget[] = {precise[0], "run",    "--results", results,
				      "--budget", "1500ms", plan_path,	 NULL};
	static const char *const wrong[] = {"2", "0%", "many", "-1%", "100%", "%"};
	struct child child;
	char text[16384], run[512];

	(void)state;
	write_plan("[nap n]\nmodel = blocking, epoll\ntick = 5ms\n");
	fresh_results();
	if (child_run(&child, precise))
		fail_msg("%s", child.err.text);
	assert_non_null(strstr(child.out.text, "ended by the precision of 60 %, reached after "));
	child_free(&child);
	assert_true(run_folder(run, sizeof(run)));
	/* Six runs of each cell are the fewest to tell an interval from. */
	assert_true(rows_of(run, text, sizeof(text)) >= 12);
	fresh_results();
	if (child_run(&child, budget))
		fail_msg("%s", child.err.text);
	assert_non_null(strstr(child.out.text, "ended by the budget of 1.5 s after "));
	child_free(&child);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		const char *const argv[] = {precise[0], "run", "--precision", wrong[i], NULL};

		refuse(argv, 2, "is no percentage such as 2%");
	}
	write_plan(small_plan);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(killed_and_resumed),
		cmocka_unit_test(interrupted_and_resumed),
		cmocka_unit_test(not_resumed),
		cmocka_unit_test(limits),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
