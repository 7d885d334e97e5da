/*
 * External commands beside each other: the tables made from rows, and runs of plans that have no
 * other workload, from the first word to the last.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "results/commands.h"
#include "results/matrix.h"
#include "results/trust.h"
#include "tests/child.h"
#include "tests/resuming.h"

#define BLOCKS 9

static struct record rows[80];
static size_t count;

/* A block's row of a command; a rate or connections of 0 stay empty. */
static void add(const char *cell, const char *role, unsigned block, double duration_s, double rate,
		unsigned connections)
{
	struct record *r = &rows[count++];

	record_init(r, RECORD_FETCH);
	record_set_text(r, COLUMN_run_id, "run");
	record_set_text(r, COLUMN_cell, cell);
	record_set_text(r, COLUMN_role, role);
	record_set_text(r, COLUMN_model, cell);
	record_set_count(r, COLUMN_block, block);
	record_set_count(r, COLUMN_partial, 0);
	record_set_real(r, COLUMN_duration_s, duration_s * (1 + block * 1e-4));
	record_set_real(r, COLUMN_cpu_user_s, duration_s / 4);
	record_set_real(r, COLUMN_cpu_system_s, duration_s / 4);
	if (rate > 0)
		record_set_real(r, COLUMN_throughput_rps, rate * (1 + block * 1e-4));
	if (connections)
		record_set_count(r, COLUMN_connections, connections);
}

static void add_blocks(const char *cell, double duration_s, double rate, unsigned connections)
{
	for (unsigned block = 1; block <= BLOCKS; block++)
		add(cell, "command", block, duration_s, rate, connections);
}

static void add_control(const char *cell, double duration_s, double rate)
{
	for (unsigned block = 1; block <= BLOCKS; block++)
		add(cell, "control", block, duration_s * (1 + block % 3 * 1e-3), rate, 0);
}

static int clear(void **state)
{
	(void)state;
	for (size_t i = 0; i < count; i++)
		record_release(&rows[i]);
	count = 0;
	return 0;
}

static struct summary *summarise(const char *baseline)
{
	const char *const baselines[] = {baseline, NULL};
	const struct summary_options options = {.seed = 1, .baselines = baselines};
	struct summary *summary;
	char why[256];

	if (summary_make(rows, count, RECORD_FETCH, &options, &summary, why, sizeof(why)))
		fail_msg("%s", why);
	return summary;
}

/* What is printed of the summary, and of the matrix behind it; to be freed. */
static char *print(const struct summary *summary)
{
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	assert_int_equal(commands_print(file, summary, rows, count, false), 0);
	if (commands_groups(summary) < summary->group_count)
		assert_int_equal(matrix_print(file, summary, NULL, false), 0);
	assert_int_equal(fclose(file), 0);
	assert_null(strstr(text, "nan"));
	return text;
}

static void has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("'%s' is not in:\n%s", part, text);
}

static void times_are_compared(void **state)
{
	struct trust trust = {.claims = 0};
	struct summary *summary;
	char *text;

	(void)state;
	add_blocks("quick", 0.5, 0, 0);
	add_blocks("slow", 1, 0, 0);
	add_control("slow", 1, 0);
	summary = summarise("slow");
	text = print(summary);
	has(text, "time, against slow");
	has(text, "0.500 [0.500, 0.500]  faster by 50 %");
	has(text, "\n  quick    500 ms");
	has(text, " 250 ms "); /* its CPU: half of that */
	has(text, "(baseline)");
	has(text, "  time: 1 comparison; noise floor 0.");
	assert_null(strstr(text, "own figure"));
	assert_null(strstr(text, "BLOCKING"));
	trust_add_summary(&trust, summary);
	assert_int_equal(trust.claims, 1);
	free(text);
	summary_free(summary);
}

/* Where each says what it did, that is compared, and not how long it ran. */
static void own_figures_are_compared(void **state)
{
	struct summary *summary;
	char *text;

	(void)state;
	add_blocks("a", 1, 1000, 0);
	add_blocks("b", 2, 3000, 0);
	add_control("a", 1, 1000);
	summary = summarise("a");
	text = print(summary);
	has(text, "figure, against a");
	has(text, "3.00 [3.00, 3.00]  faster by 3 times");
	has(text, "its own figure: 1 comparison");
	assert_null(strstr(text, "slower"));
	free(text);
	summary_free(summary);
}

/* Without a control nothing is claimed; without a name the first is the baseline. */
static void claims_need_a_control(void **state)
{
	struct summary *summary;
	char *text;

	(void)state;
	add_blocks("quick", 0.5, 0, 0);
	add_blocks("slow", 1, 0, 0);
	summary = summarise("neither");
	text = print(summary);
	has(text, "time, against quick");
	has(text, "2.00 [2.00, 2.00]  undecided, no A/A control");
	has(text, "nothing is claimed");
	free(text);
	summary_free(summary);
}

/* What few blocks span is called so, in every heading. */
static void few_blocks_have_a_range(void **state)
{
	struct summary *summary;
	char *text;

	(void)state;
	for (unsigned block = 1; block <= 5; block++) {
		add("a", "command", block, 1, 1000, 0);
		add("b", "command", block, 2, 3000, 0);
	}
	summary = summarise("a");
	text = print(summary);
	has(text, "  range of 5 blocks  its own figure  range of 5 blocks");
	assert_null(strstr(text, "95 %"));
	free(text);
	summary_free(summary);
}

/* Beside models that fetch alike a command stands below the matrix, else in its own table. */
static void among_models(void **state)
{
	struct summary *summary;
	char *text;

	(void)state;
	add_blocks("apart", 1, 0, 0);
	add_blocks("beside", 1, 2000, 16);
	for (unsigned block = 1; block <= BLOCKS; block++) {
		add("epoll", "cell", block, 1, 1000, 16);
		record_set_text(&rows[count - 1], COLUMN_quadrant, "async-blocking");
	}
	summary = summarise("epoll");
	assert_int_equal(summary->group_count, 2);
	assert_int_equal(commands_groups(summary), 1);
	text = print(summary);
	has(text, "Commands: medians over the blocks\n");
	assert_null(strstr(text, "\ncommands:")); /* no matrix of theirs */
	has(text, "\n  apart ");
	has(text, "\nCommands are compared with each other only, not with models.\n");
	has(text, "beside (a command, not compared, outside the matrix): 2.00 k/s");
	has(text, "16 connections: medians of 9 runs");
	free(text);
	summary_free(summary);
}

/* Nobody measured what these commands fetched: missing is empty, never 0. */
static void assert_nothing_made_up(const char *path)
{
	static const enum record_column unknown[] = {COLUMN_tls, COLUMN_body_bytes, COLUMN_errors,
						     COLUMN_origin_latency_us, COLUMN_connections};
	struct record *read;
	size_t read_count;
	char name[300], why[256];
	bool cut;

	snprintf(name, sizeof(name), "%s/fetch.csv", path);
	assert_int_equal(record_read_csv(name, &read, &read_count, &cut, why, sizeof(why)), 0);
	assert_int_equal(read_count, 6);
	for (size_t i = 0; i < read_count; i++)
		for (size_t c = 0; c < sizeof(unknown) / sizeof(unknown[0]); c++)
			if (read[i].values[unknown[c]].present)
				fail_msg("%s is %g", record_columns[unknown[c]].name,
					 record_number(&read[i], unknown[c]));
	record_free_all(read, read_count);
}

/* The plan names no baseline: the first command is it, and is entered twice. */
static void a_plan_of_commands(void **state)
{
	static char listed[RESUMING_TEXT];
	struct child child;
	char path[256], page[300];
	char *text;
	size_t size, used;
	FILE *file;

	(void)state;
	resuming_write_plan("[experiment]\nblocks = 2\n[command nothing]\nrun = true\n"
			    "[command something]\nrun = sh -c 'echo did 50 pieces'\n"
			    "rate = did ([0-9]+)\ncount = did ([0-9]+)\n");
	resuming_begin(&child);
	assert_int_equal(child_wait(&child, CHILD_LIMIT_MS), 0);
	has(child.out.text, "2 blocks of 3 cells");
	has(child.out.text, "time, against nothing");
	has(child.out.text, "\n  something  ");
	has(child.out.text, " 50.0 /s "); /* its own figure */
	has(child.out.text, "by the A/A control");
	assert_null(strstr(child.out.text, "nan"));
	assert_null(strstr(child.out.text, "BLOCKING"));
	child_free(&child);

	assert_true(resuming_folder(path, sizeof(path)));
	assert_int_equal(resuming_rows(path, listed), 6);
	has(listed, " nothing control");
	assert_nothing_made_up(path);
	snprintf(page, sizeof(page), "%s/report.html", path);
	file = fopen(page, "r");
	assert_non_null(file);
	text = calloc(1, 1 << 20);
	used = fread(text, 1, (1 << 20) - 1, file);
	fclose(file);
	size = strlen(text);
	assert_int_equal(used, size);
	has(text, "<h3>commands</h3>");
	has(text, "time taken");
	assert_null(strstr(text, ">nan"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(times_are_compared, clear),
		cmocka_unit_test_teardown(own_figures_are_compared, clear),
		cmocka_unit_test_teardown(claims_need_a_control, clear),
		cmocka_unit_test_teardown(few_blocks_have_a_range, clear),
		cmocka_unit_test_teardown(among_models, clear),
		cmocka_unit_test(a_plan_of_commands),
	};

	return cmocka_run_group_tests(tests, resuming_start, resuming_stop);
}
