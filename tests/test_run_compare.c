/*
 * iolab compare as a user runs it: its statuses, its one line for each kind of bad input, and what
 * stands on stdout and what on stderr.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "results/record.h"
#include "tests/child.h"

static char folder[] = "/tmp/iolab-compared-XXXXXX";

/* A path in it; several can be had at a time. */
static const char *at(const char *name)
{
	static char paths[4][256];
	static int next;

	next = (next + 1) % 4;
	snprintf(paths[next], sizeof(paths[next]), "%s/%s", folder, name);
	return paths[next];
}

static void write_text(const char *name, const char *text)
{
	FILE *file = fopen(at(name), "w");

	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

/*
 * Nine blocks of two cells in name/fetch.csv; the second's throughput is as asked for, and so many
 * of its runs fail.
 */
static int add_failing(const char *name, const char *experiment, double second, unsigned failing,
		       const char *flags)
{
	char path[64], why[256];

	if (mkdir(at(name), 0777))
		return -1;
	snprintf(path, sizeof(path), "%s/fetch.csv", name);
	for (unsigned i = 0; i < 27; i++) {
		struct record record;
		const char *const cells[] = {"first", "first", "second"};
		double rate = (i % 3 < 2 ? 1000 : second) * (1.0 + 0.001 * ((i * 7) % 9));

		record_init(&record, RECORD_FETCH);
		record_set_text(&record, COLUMN_run_id, name);
		record_set_text(&record, COLUMN_experiment, experiment);
		record_set_count(&record, COLUMN_block, 1 + i / 3);
		record_set_text(&record, COLUMN_cell, cells[i % 3]);
		record_set_text(&record, COLUMN_role, i % 3 == 1 ? "control" : "cell");
		record_set_text(&record, COLUMN_model, i % 3 < 2 ? "epoll" : "uring");
		record_set_text(&record, COLUMN_flags, i == 5 ? "steal" : NULL);
		if (i % 3 == 2 && i / 3 < failing) {
			record_set_text(&record, COLUMN_flags, flags);
		} else {
			record_set_count(&record, COLUMN_requests, 100 + i);
			record_set_real(&record, COLUMN_throughput_rps, rate);
		}
		if (record_append_csv(at(path), &record, why, sizeof(why)))
			return -1;
		record_release(&record);
	}
	return 0;
}

static int add_run(const char *name, const char *experiment, double second)
{
	return add_failing(name, experiment, second, 0, NULL);
}

static int start(void **state)
{
	(void)state;
	if (!mkdtemp(folder) || add_run("a", "plan", 2000) || add_run("b", "plan", 1600) ||
	    add_run("c", "plan", 2000) || add_run("stranger", "other", 2000))
		return -1;
	write_text("a/host.json", "{\"kernel\": {\"release\": \"6.1\"}, \"cpu\": {\"model\": 1},"
				  "\"activity\": {\"busy_share\": 0.1, \"runnable\": 2},"
				  "\"memory\": {\"swap_free_kib\": 5}}");
	write_text("b/host.json", "{\"kernel\": {\"release\": \"6.12\"}, \"cpu\": {\"model\": 1},"
				  "\"activity\": {\"busy_share\": 0.2, \"runnable\": 1},"
				  "\"memory\": {\"swap_free_kib\": 6}}");
	write_text("a/plan.ini", "[fetch w]\nduration = 1s\n");
	write_text("b/plan.ini", "[fetch w]\nduration = 2s\n");
	return 0;
}

static int stop(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

/* Runs iolab compare with these arguments (NULL ends them). */
static int compare(struct child *child, const char *const *arguments)
{
	const char *argv[12] = {child_program("iolab"), "compare"};

	for (int i = 0; arguments[i] && i < 9; i++)
		argv[i + 2] = arguments[i];
	return child_run(child, argv);
}

static void two_runs(void **state)
{
	struct child child;

	(void)state;
	assert_int_equal(compare(&child, (const char *[]){at("a"), at("b"), NULL}), 0);
	assert_non_null(strstr(child.out.text, "B ran 1.25 "));
	assert_non_null(strstr(child.out.text, " times slower than A, between these two runs\n"));
	assert_non_null(strstr(child.out.text,
			       "\nOne run a side: what differs between any two runs of the same "
			       "thing is not known and not in these intervals.\n"));
	assert_non_null(strstr(child.out.text, "no difference shown: 1.000 "));
	assert_non_null(
		strstr(child.err.text, "hosts differ: kernel.release: 6.1 in A, 6.12 in B\n"));
	assert_null(strstr(child.err.text, "cpu.model"));
	assert_non_null(strstr(child.err.text, "also differ now, as runs on one host do: "
					       "activity, memory; --json has them all\n"));
	assert_null(strstr(child.err.text, "busy_share"));
	assert_non_null(
		strstr(child.err.text, "plans differ: [fetch w] duration: 1s in A, 2s in B\n"));
	assert_non_null(strstr(child.err.text, "1 of 27 rows of B are flagged: steal 1\n"));
	child_free(&child);
	/* Two CSVs, one in a folder without a host. */
	assert_int_equal(
		compare(&child, (const char *[]){at("a/fetch.csv"), at("c/fetch.csv"), NULL}), 0);
	assert_non_null(strstr(child.err.text, "c/fetch.csv: there is no host.json beside it"));
	assert_null(strstr(child.out.text, "slower"));
	child_free(&child);
}

static void regressions_have_a_status(void **state)
{
	struct child child;

	(void)state;
	assert_int_equal(
		compare(&child, (const char *[]){"--threshold=5%", at("a"), at("b"), NULL}), 5);
	assert_non_null(strstr(child.out.text, "times slower than A"));
	assert_non_null(
		strstr(child.err.text, "regression: 1 figure worse by more than 5 %, of second\n"));
	child_free(&child);
	/* It dropped by 20 %, A ran 25 % faster; a gain and no change are none. */
	assert_int_equal(
		compare(&child, (const char *[]){"--threshold=21%", at("a"), at("b"), NULL}), 0);
	child_free(&child);
	assert_int_equal(
		compare(&child, (const char *[]){"--threshold=19 %", at("a"), at("b"), NULL}), 5);
	child_free(&child);
	assert_int_equal(
		compare(&child, (const char *[]){"--threshold=0%", at("b"), at("a"), NULL}), 0);
	child_free(&child);
	assert_int_equal(
		compare(&child, (const char *[]){"--threshold=0%", at("a"), at("c"), NULL}), 0);
	child_free(&child);
}

static void json_is_all_there_is(void **state)
{
	struct child child, again;
	json_error_t error;
	json_t *object;

	(void)state;
	assert_int_equal(compare(&child, (const char *[]){"--json", "--threshold", "5%", at("a"),
							  at("b"), NULL}),
			 5);
	object = json_loads(child.out.text, 0, &error);
	if (!object)
		fail_msg("%s: %s", error.text, child.out.text);
	assert_int_equal(json_integer_value(json_object_get(object, "schema_version")), 1);
	assert_string_equal(json_string_value(json_object_get(object, "kind")), "compare");
	assert_int_equal(json_array_size(json_object_get(object, "hosts_differ")), 1);
	assert_int_equal(json_array_size(json_object_get(object, "hosts_differ_now")), 3);
	assert_string_equal(json_string_value(json_object_get(object, "unit")), "row");
	assert_non_null(json_object_get(object, "caveat"));
	assert_int_equal(json_array_size(json_object_get(object, "plans_differ")), 1);
	json_decref(object);
	/* The same again, to the last digit. */
	assert_int_equal(compare(&again, (const char *[]){"--json", "--threshold", "5%", at("a"),
							  at("b"), NULL}),
			 5);
	assert_string_equal(child.out.text, again.out.text);
	child_free(&child);
	child_free(&again);
}

/* Nothing on stdout, one line on stderr that holds `words`, and the status. */
static void refused(const char *const *arguments, int status, const char *words)
{
	struct child child;
	int got = compare(&child, arguments);

	if (got != status || child.out.text[0] || !child_one_line(child.err.text) ||
	    !strstr(child.err.text, words))
		fail_msg("status %d, '%s', '%s'", got, child.out.text, child.err.text);
	child_free(&child);
}

/* A's CSV with the first such bytes replaced. */
static void write_changed(const char *name, const char *from, const char *to)
{
	char text[65536], changed[65536];
	FILE *file = fopen(at("a/fetch.csv"), "r");
	size_t length;
	char *place;

	assert_non_null(file);
	length = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[length] = '\0';
	place = strstr(text, from);
	assert_non_null(place);
	snprintf(changed, sizeof(changed), "%.*s%s%s", (int)(place - text), text, to,
		 place + strlen(from));
	write_text(name, changed);
}

/* A's CSV without its second cell. */
static void write_first(const char *name)
{
	FILE *from = fopen(at("a/fetch.csv"), "r");
	FILE *to = fopen(at(name), "w");
	char line[4096];

	assert_true(from && to);
	while (fgets(line, sizeof(line), from))
		if (!strstr(line, ",second,"))
			fputs(line, to);
	fclose(from);
	assert_int_equal(fclose(to), 0);
}

static void bad_input(void **state)
{
	(void)state;
	refused((const char *[]){at("a"), NULL}, 2, "two sides");
	refused((const char *[]){at("a"), at("b"), at("c"), NULL}, 2, "two sides");
	refused((const char *[]){at("a"), at("nowhere"), NULL}, 2, "nowhere: No such file");
	refused((const char *[]){at("a"), folder, NULL}, 2, "one run and ");
	refused((const char *[]){at("a"), "/proc/self/fd", NULL}, 2, "not the folder of a run");
	refused((const char *[]){at("a"), at("a/plan.ini"), NULL}, 2, "not a CSV of this lab");
	refused((const char *[]){"--threshold=5", at("a"), at("b"), NULL}, 2, "no percentage");
	refused((const char *[]){"--threshold=-5%", at("a"), at("b"), NULL}, 2, "no percentage");
	write_changed("version.csv", "\n1,", "\n2,");
	refused((const char *[]){at("a"), at("version.csv"), NULL}, 2,
		"schema_version: 2 is not 1");
	write_changed("figure.csv", "100,", "1o0,");
	refused((const char *[]){at("a"), at("figure.csv"), NULL}, 2, "figure.csv:2: requests: ");
}

/* Three runs a side, of which each differs from the next by 3 %. */
static void several_runs_a_side(void **state)
{
	static const char *const names[] = {"p1", "p2", "p3", "q1", "q2", "q3"};
	char p[512], q[512];
	struct child child;
	json_t *object;

	(void)state;
	for (int i = 0; i < 6; i++)
		assert_int_equal(add_run(names[i], "plan", (i < 3 ? 2000 : 1600) + 60 * (i % 3)),
				 0);
	snprintf(p, sizeof(p), "%s,%s,%s", at("p1"), at("p2"), at("p3"));
	snprintf(q, sizeof(q), "%s,%s,%s", at("q1"), at("q2"), at("q3"));
	assert_int_equal(compare(&child, (const char *[]){"--threshold=5%", p, q, NULL}), 5);
	assert_non_null(strstr(child.out.text, ": 3 runs, 2 cells, 81 rows\n"));
	assert_non_null(strstr(child.out.text, " times slower than A\n"));
	assert_non_null(strstr(child.out.text, "Each run counts as one, the median of its rows"));
	assert_null(strstr(child.out.text, "One run a side"));
	child_free(&child);
	assert_int_equal(compare(&child, (const char *[]){"--json", p, q, NULL}), 0);
	object = json_loads(child.out.text, 0, NULL);
	assert_string_equal(json_string_value(json_object_get(object, "unit")), "run");
	assert_null(json_object_get(object, "caveat"));
	assert_int_equal(json_array_size(json_object_get(json_object_get(object, "b"), "runs")), 3);
	json_decref(object);
	child_free(&child);
	/* The 3 % between one run and the next, which the rows of one a side take for a change. */
	assert_int_equal(
		compare(&child, (const char *[]){"--threshold=1%", at("p2"), at("p1"), NULL}), 5);
	child_free(&child);
	snprintf(p, sizeof(p), "%s,%s", at("p2"), at("q3"));
	snprintf(q, sizeof(q), "%s,%s", at("p1"), at("q2"));
	assert_int_equal(compare(&child, (const char *[]){"--threshold=1%", p, q, NULL}), 0);
	child_free(&child);
}

/* Whose files mean what is not known is not read, whichever of the two it is. */
static void another_version(void **state)
{
	static const char *const texts[] = {"{\"schema_version\": 2}", "{", "{}"};
	struct child child;

	(void)state;
	assert_int_equal(add_run("later", "plan", 2000), 0);
	for (size_t i = 0; i < 2; i++) {
		const char *says = i == 0 ? "later/run.json: schema_version 2, and this lab reads 1"
					  : "later/run.json: ";

		write_text("later/run.json", texts[i]);
		refused((const char *[]){at("a"), at("later"), NULL}, 2, says);
		refused((const char *[]){at("later"), at("a"), NULL}, 2, says);
		refused((const char *[]){at("a"), at("later/fetch.csv"), NULL}, 2, says);
	}
	/* The first version had none. */
	write_text("later/run.json", texts[2]);
	assert_int_equal(compare(&child, (const char *[]){at("a"), at("later"), NULL}), 0);
	child_free(&child);
}

/* "a" and "b" differ in their second cells, each of which has one row that steal spoils. */
static void strict_lets_no_claim_rest_on_flagged_rows(void **state)
{
	struct child child;

	(void)state;
	assert_int_equal(compare(&child, (const char *[]){"--strict", at("a"), at("b"), NULL}), 4);
	assert_non_null(strstr(child.err.text,
			       "strict: 1 of 1 claim rests on flagged rows: second (steal)\n"));
	assert_non_null(strstr(child.out.text, "times slower"));
	child_free(&child);
	/* It goes before the regression, which cannot be trusted. */
	assert_int_equal(compare(&child, (const char *[]){"--strict", "--threshold=5%", at("a"),
							  at("b"), NULL}),
			 4);
	child_free(&child);
	/* The rows are as bad, but nothing is claimed. */
	assert_int_equal(compare(&child, (const char *[]){"--strict", at("a"), at("c"), NULL}), 0);
	assert_null(strstr(child.err.text, "strict"));
	child_free(&child);
}

/* Compares with this option (NULL: none); the status, and the words on stdout or stderr. */
static void assert_compared(const char *option, const char *a, const char *b, int status,
			    const char *words)
{
	struct child child;
	int got = option ? compare(&child, (const char *[]){option, a, b, NULL})
			 : compare(&child, (const char *[]){a, b, NULL});

	if (got != status || !(strstr(child.out.text, words) || strstr(child.err.text, words)))
		fail_msg("status %d, '%s', '%s'", got, child.out.text, child.err.text);
	child_free(&child);
}

/* The survivors of a cell that fails may be fast: they must not pass for it. */
static void what_fails_is_told_and_has_a_status(void **state)
{
	const char *some = "second: 4 of 9 rows of B failed, 0 of 9 of A\n";
	const char *all = "second: 9 of 9 rows of B failed, 0 of 9 of A\n";
	char a[256], b[256];

	(void)state;
	snprintf(a, sizeof(a), "%s", at("a"));
	assert_int_equal(add_failing("some", "plan", 8000, 4, "failed status-7"), 0);
	assert_int_equal(add_failing("all", "plan", 8000, 9, "failed status-7"), 0);
	snprintf(b, sizeof(b), "%s", at("some"));
	assert_compared(NULL, a, b, 0, some);
	assert_compared("--threshold=50%", a, b, 5, some);
	assert_compared("--threshold=50%", a, b, 5,
			"regression: 1 cell failed more often in B than in A, or is missing");
	assert_compared("--strict", a, b, 4, "second (steal failed status-N)");
	assert_compared("--strict", a, b, 4, "strict: 1 cell has rows that failed");
	assert_compared(NULL, a, b, 0, "of the 5 of 9 rows of B that did not fail");
	assert_compared("--json", a, b, 0, "\"b_failed\": 4");
	/* A failed, B does not: no regression, but nothing strict can rest on. */
	assert_compared("--threshold=50%", b, b, 0, "4 of 9 rows of B failed, 4 of 9 of A");
	assert_compared("--strict", b, a, 4, "second: 0 of 9 rows of B failed, 4 of 9 of A");
	/* None is left: no row in the tables, but a line. */
	snprintf(b, sizeof(b), "%s", at("all"));
	assert_compared(NULL, a, b, 0, all);
	assert_compared("--threshold=50%", a, b, 5, all);
	assert_compared("--strict", a, b, 4, all);
}

static void what_is_gone_is_worse_and_what_no_host_can_do_is_not(void **state)
{
	char a[256], b[256];
	struct child child;

	(void)state;
	snprintf(a, sizeof(a), "%s", at("a"));
	assert_int_equal(add_failing("unable", "plan", 1, 9, "failed status-3"), 0);
	assert_int_equal(add_failing("unable2", "plan", 1, 9, "failed status-3"), 0);
	snprintf(b, sizeof(b), "%s", at("unable"));
	assert_compared("--threshold=50%", a, b, 5, "second: 9 of 9 rows of B failed");
	assert_compared("--threshold=50%", b, a, 0, "second: 0 of 9 rows of B failed");
	assert_int_equal(compare(&child, (const char *[]){"--strict", "--threshold=0%", b,
							  at("unable2"), NULL}),
			 0);
	assert_null(strstr(child.err.text, "second"));
	child_free(&child);
	/* The rows of the first cell alone. */
	write_first("first.csv");
	snprintf(b, sizeof(b), "%s", at("first.csv"));
	assert_compared("--threshold=50%", a, b, 5, "second: B has no row of it, A has 9");
	assert_compared("--strict", a, b, 4, "strict: 1 cell has rows that failed or are missing");
	assert_compared("--threshold=50%", b, a, 0, "only in B: second");
}

static void strangers_share_nothing(void **state)
{
	const char *path;
	struct record record;
	char why[256];

	(void)state;
	path = at("strange.csv");
	record_init(&record, RECORD_SUMSQ);
	record_set_text(&record, COLUMN_model, "serial");
	record_set_real(&record, COLUMN_elements_per_s, 1e9);
	assert_int_equal(record_append_csv(path, &record, why, sizeof(why)), 0);
	record_release(&record);
	refused((const char *[]){at("a"), at("strange.csv"), NULL}, 1, "share no cell");
}

/* Other names, but the same factors: matched, and B is not A's plan. */
static void another_plan_is_matched_by_factors(void **state)
{
	struct child child;

	(void)state;
	assert_int_equal(compare(&child, (const char *[]){at("a"), at("stranger"), NULL}), 0);
	assert_non_null(strstr(child.out.text, "no difference shown: 1.000 "));
	assert_null(strstr(child.err.text, "only in"));
	child_free(&child);
}

static void cut_csv(void **state)
{
	struct child child;
	char text[65536];
	FILE *file = fopen(at("b/fetch.csv"), "r");
	size_t length;

	(void)state;
	assert_non_null(file);
	length = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[length - 20] = '\0';
	write_text("cut.csv", text);
	refused((const char *[]){at("a"), at("cut.csv"), NULL}, 2,
		"cut.csv is cut in the middle of line 28; --cut");
	assert_int_equal(compare(&child, (const char *[]){"--cut", at("a"), at("cut.csv"), NULL}),
			 0);
	assert_non_null(strstr(child.err.text, "cut.csv is cut: line 28 is left out\n"));
	assert_non_null(strstr(child.out.text, ": 2 cells, 26 rows"));
	child_free(&child);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_runs),
		cmocka_unit_test(regressions_have_a_status),
		cmocka_unit_test(json_is_all_there_is),
		cmocka_unit_test(several_runs_a_side),
		cmocka_unit_test(bad_input),
		cmocka_unit_test(another_version),
		cmocka_unit_test(strangers_share_nothing),
		cmocka_unit_test(another_plan_is_matched_by_factors),
		cmocka_unit_test(strict_lets_no_claim_rest_on_flagged_rows),
		cmocka_unit_test(what_fails_is_told_and_has_a_status),
		cmocka_unit_test(what_is_gone_is_worse_and_what_no_host_can_do_is_not),
		cmocka_unit_test(cut_csv),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
