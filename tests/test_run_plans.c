/*
 * The plans for the sums, run for real but shortly: that they end well on any machine, say what
 * they are about, and that what this host cannot do is said, kept and left out.
 */
#include <setjmp.h>
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

/* A block of the longest plan, on a busy machine and under a sanitizer. */
#define PLAN_LIMIT_MS 240000

static char folder[] = "/tmp/iolab-plans-XXXXXX";
static char plan_path[64];
static char run[512]; /* the folder of the last run */

static int start(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(plan_path, sizeof(plan_path), "%s/small.ini", folder);
	return 0;
}

static int stop(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

static void write_plan(const char *text)
{
	FILE *file = fopen(plan_path, "w");

	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

/* Runs a plan with up to two more arguments; its status. */
static int iolab(struct child *child, const char *plan, const char *option, const char *value)
{
	const char *const argv[] = {
		child_program("iolab"), "run", "--results", folder, plan, option, value, NULL};
	const char *at;
	int status;

	child_start(child, argv);
	status = child_wait(child, PLAN_LIMIT_MS);
	at = strstr(child->out.text, "Written to ");
	if (at)
		snprintf(run, sizeof(run), "%.*s", (int)strcspn(at + 11, ":"), at + 11);
	return status;
}

static void says(const struct child *child, const char *part)
{
	if (!strstr(child->out.text, part))
		fail_msg("'%s' is not in:\n%s\n%s", part, child->out.text, child->err.text);
}

static size_t read_rows(struct record **rows)
{
	char path[600], why[512];
	size_t count;
	bool cut;

	snprintf(path, sizeof(path), "%s/sumsq.csv", run);
	if (record_read_csv(path, rows, &count, &cut, why, sizeof(why)))
		fail_msg("%s", why);
	return count;
}

static unsigned occurrences(const char *text, const char *part)
{
	unsigned count = 0;

	for (const char *at = text; (at = strstr(at, part)); at++)
		count++;
	return count;
}

/* Whatever this machine cannot do: the rows without figures say why, and the run ends well. */
static void shipped_plans_run(void **state)
{
	static const struct {
		const char *plan, *says[4];
	} rows[] = {
		{"sumsq", {"\n  serial ", "\n  lock/1 ", "\n  pool/processes/all ", "Read down"}},
		{"grain",
		 {"Where a pool starts to pay", "\n  threads, per-job ",
		  "\n  processes, idle=sleep ", "  3 M  10 M\n"}},
		{"placement",
		 {"All lines have", "\n  two/threads/none ", "\n  all/none ",
		  "against two/threads"}},
		{"concurrency",
		 {"Concurrency is taking turns", "adding squares, processes: 4 workers on one core",
		  "waiting 5.00 ms, blocking: 4 workers on one core", "it is all it takes"}},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct record *records;
		struct child child;
		size_t count;

		if (iolab(&child, rows[i].plan, "--blocks", "1") != 0)
			fail_msg("%s: %s\n%s", rows[i].plan, child.out.text, child.err.text);
		for (size_t k = 0; k < 4; k++)
			says(&child, rows[i].says[k]);
		count = read_rows(&records);
		for (size_t k = 0; k < count; k++) {
			bool done = record_number(&records[k], COLUMN_elements_per_s) > 0;

			assert_true(done != (*record_text(&records[k], COLUMN_reason) != '\0'));
		}
		record_free_all(records, count);
		child_free(&child);
	}
}

#define CANNOT                                                                                     \
	"[experiment]\nblocks = 2\n[defaults sumsq]\nplace = cores\nduration = 10ms\n"             \
	"[sumsq too]\nmodel = threads, processes\nworkers = 4000\n"

/* What this host cannot do: said once, in every row, left out, and no failure. */
static void what_cannot_be_done(void **state)
{
	struct child child;
	struct record *rows;
	size_t count, unable = 0;

	(void)state;
	write_plan(CANNOT "[sumsq few]\nmodel = threads\nworkers = 1\n");
	if (iolab(&child, plan_path, NULL, NULL) != 0)
		fail_msg("%s", child.err.text);
	assert_int_equal(occurrences(child.err.text, "too/threads: status 3: "), 1);
	says(&child,
	     "\nThis host cannot do:\n  too/threads: status 3: sumsq-threads: impossible: ");
	says(&child, "\n  too/processes: status 3: sumsq-processes: impossible: ");
	assert_null(strstr(child.out.text, "Warning"));
	count = read_rows(&rows);
	assert_int_equal(count, 8);
	for (size_t i = 0; i < count; i++) {
		if (strcmp(record_text(&rows[i], COLUMN_cell), "few") == 0) {
			assert_string_equal(record_text(&rows[i], COLUMN_reason), "");
			continue;
		}
		unable++;
		assert_string_equal(record_text(&rows[i], COLUMN_flags), "failed status-3");
		assert_non_null(strstr(record_text(&rows[i], COLUMN_reason), ": impossible: "));
		assert_false(rows[i].values[COLUMN_elements_per_s].present);
	}
	assert_int_equal(unable, 6);
	record_free_all(rows, count);
	child_free(&child);
	/* A precision is not waited for in vain. */
	if (iolab(&child, plan_path, "--precision", "90%") != 0)
		fail_msg("%s", child.err.text);
	says(&child, "ended by the precision");
	child_free(&child);
	/* Gone on with, it is still none. */
	{
		const char *const argv[] = {child_program("iolab"), "run", "--resume", run, NULL};

		assert_int_equal(child_run(&child, argv), 0);
		says(&child, "This host cannot do:");
		assert_null(strstr(child.out.text, "Warning"));
		child_free(&child);
	}
	/* A run that could do nothing at all was not done. */
	write_plan(CANNOT);
	assert_int_equal(iolab(&child, plan_path, NULL, NULL), 3);
	child_free(&child);
	/* Of another program the same status is a failure. */
	write_plan("[experiment]\nblocks = 1\n[command c]\nrun = sh -c 'exit 3'\n"
		   "[sumsq few]\nmodel = serial\nduration = 10ms\n");
	assert_int_equal(iolab(&child, plan_path, NULL, NULL), 1);
	says(&child, "Warning: 1 of 2 runs failed");
	child_free(&child);
}

/* The break-evens stand in summary.csv too; the report begins with what to read. */
static void grain_in_the_summary(void **state)
{
	struct child child;
	char command[1200];

	(void)state;
	write_plan("[experiment]\nblocks = 2\nreport = grain\nread = Look at this first.\n"
		   "[defaults sumsq]\nsize = 10, 100, 1000\nduration = 10ms\n"
		   "[sumsq alone]\nmodel = serial\n"
		   "[sumsq job]\nmodel = threads\nper-job = yes\nworkers = 1\n");
	if (iolab(&child, plan_path, NULL, NULL) != 0)
		fail_msg("%s", child.err.text);
	says(&child, "\nLook at this first.\n\nWhere a pool starts to pay");
	says(&child, "never up to 1 k");
	child_free(&child);
	snprintf(
		command, sizeof(command),
		"grep -q '^1,\"threads, per-job\",break_even_squares,,2,,,,serial,.*,never up to 1 k$' "
		"%s/summary.csv && grep -q 'Look at this first' %s/report.txt",
		run, run);
	if (system(command)) {
		snprintf(command, sizeof(command), "cat %s/summary.csv %s/report.txt", run, run);
		assert_int_equal(system(command), 0);
		fail_msg("the break-even is not in the summary");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shipped_plans_run),
		cmocka_unit_test(what_cannot_be_done),
		cmocka_unit_test(grain_in_the_summary),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
