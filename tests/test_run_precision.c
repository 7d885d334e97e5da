/*
 * When a precision ends a run: not before two looks in a row found it, not by what was never
 * measured, and without waiting for what always fails.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lab/runner_inside.h"
#include "results/statistics.h"
#include "tests/resuming.h"

/* Runs the plan to a precision of 60 %, with one more option. */
static void run_to_precision(struct child *child, const char *plan, const char *option,
			     const char *value, int status)
{
	const char *const results = resuming_fresh_results();
	const char *const argv[] = {
		child_program("iolab"), "run",	"--results", results, "--precision", "60%",
		resuming_plan(),	option, value,	     NULL};
	int got;

	resuming_write_plan(plan);
	got = child_run(child, argv);
	if (got != status)
		fail_msg("status %d: %s", got, child->err.text);
}

static void assert_says(const struct child *child, const char *text)
{
	if (!strstr(child->out.text, text))
		fail_msg("'%s' is not in '%s'", text, child->out.text);
}

static size_t rows_of_run(char text[RESUMING_TEXT])
{
	char run[512];

	assert_true(resuming_folder(run, sizeof(run)));
	return resuming_rows(run, text);
}

static void nothing_is_not_precise(void **state)
{
	char text[RESUMING_TEXT];
	struct child child;

	(void)state;
	run_to_precision(&child, "[command a]\nrun = false\n[command b]\nrun = false\n", NULL, NULL,
			 1);
	assert_says(&child, "The run was ended after 3 blocks: no cell can be measured");
	assert_int_equal(rows_of_run(text), 9);
	child_free(&child);
}

static void what_always_fails_is_not_waited_for(void **state)
{
	static const char said[] = "b: failed 3 times in a row";
	char text[RESUMING_TEXT];
	const char *once;
	struct child child;

	(void)state;
	run_to_precision(&child, "[nap a]\nmodel = epoll\ntick = 5ms\n[command b]\nrun = false\n",
			 "--budget", "20s", 1);
	assert_says(&child, "ended by the precision of 60 %, reached after 1");
	assert_says(&child, "are a little too narrow");
	assert_true(rows_of_run(text) >= 20);
	once = strstr(child.err.text, said);
	assert_non_null(once);
	assert_null(strstr(once + 1, said));
	child_free(&child);
}

static void blocks_are_the_most(void **state)
{
	struct child child;

	(void)state;
	run_to_precision(&child, "[nap a]\nmodel = epoll\ntick = 1ms\n", "--blocks", "4", 0);
	assert_says(&child, "ended by its 4 blocks, before the precision of 60 %");
	child_free(&child);
}

/* A figure of a block: a normal deviate of 5 % round 1, by Irwin and Hall's sum. */
static double figure(uint64_t *state)
{
	double sum = -6;

	for (int i = 0; i < 12; i++)
		sum += (double)(statistics_random(state) >> 11) / 9007199254740992.0;
	return 1 + 0.05 * sum;
}

#define BLOCKS 24

/* One nap's rows, one a block; noise by the seed, none with seed 0. */
static void fill(struct record rows[BLOCKS], const struct plan *plan, uint64_t seed)
{
	for (size_t i = 0; i < BLOCKS; i++) {
		record_init(&rows[i], RECORD_NAP);
		record_set_text(&rows[i], COLUMN_cell, plan->cells[0].name);
		record_set_count(&rows[i], COLUMN_block, i + 1);
		record_set_real(&rows[i], COLUMN_duration_s, seed ? figure(&seed) : 1);
	}
}

static void two_looks_in_a_row(void **state)
{
	struct runner_limits limits = {.precision = 0.02, .budget_ns = UINT64_MAX};
	struct runner_outcome outcome = {0};
	struct record rows[BLOCKS];
	struct plan plan;
	struct runner r = {.plan = &plan, .limits = &limits, .outcome = &outcome};
	unsigned once = 0, twice = 0;
	char why[512];

	(void)state;
	assert_int_equal(
		plan_read_text("t.ini", "[nap a]\nmodel = epoll\n", 0, &plan, why, sizeof(why)), 0);
	plan.blocks = PLAN_BLOCKS_MOST;
	outcome.records = rows;
	for (uint64_t seed = 0; seed < 200; seed++) {
		fill(rows, &plan, seed);
		for (outcome.count = 1; outcome.count <= BLOCKS; outcome.count++) {
			uint64_t block = outcome.count;
			bool now = runner_widest(&r, block, 6).widest <= 0.02;
			bool before = runner_widest(&r, block - 1, 6).widest <= 0.02;
			bool expected = block >= 10 && now && before;

			outcome.ended[0] = '\0';
			if (runner_is_enough(&r, block, 1) != expected)
				fail_msg("seed %d, block %d: %d then %d", (int)seed, (int)block,
					 before, now);
			assert_int_equal(outcome.ended[0] != '\0', expected);
			once += block >= 10 && now && !before;
			twice += expected;
		}
		for (size_t i = 0; i < BLOCKS; i++)
			record_release(&rows[i]);
	}
	/* Both were seen: narrow for a moment, and for good. */
	assert_true(once > 10 && twice > 10);
	plan_release(&plan);
}

/* Half of the values equal: the median is known at once, and what all of them say is not. */
static void luck_in_the_middle_is_not_enough(void **state)
{
	struct runner_limits limits = {.precision = 0.02, .budget_ns = UINT64_MAX};
	struct runner_outcome outcome = {.count = BLOCKS};
	struct record rows[BLOCKS];
	struct plan plan;
	struct runner r = {.plan = &plan, .limits = &limits, .outcome = &outcome};
	char why[512];

	(void)state;
	assert_int_equal(
		plan_read_text("t.ini", "[nap a]\nmodel = epoll\n", 0, &plan, why, sizeof(why)), 0);
	plan.blocks = PLAN_BLOCKS_MOST;
	outcome.records = rows;
	fill(rows, &plan, 0);
	assert_true(runner_is_enough(&r, BLOCKS, 1));
	for (size_t i = 0; i < BLOCKS; i++)
		if (i % 2)
			record_set_real(&rows[i], COLUMN_duration_s, i % 4 == 1 ? 1.4 : 0.6);
	assert_false(runner_is_enough(&r, BLOCKS, 1));
	for (size_t i = 0; i < BLOCKS; i++)
		record_release(&rows[i]);
	plan_release(&plan);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_looks_in_a_row),
		cmocka_unit_test(luck_in_the_middle_is_not_enough),
		cmocka_unit_test(nothing_is_not_precise),
		cmocka_unit_test(what_always_fails_is_not_waited_for),
		cmocka_unit_test(blocks_are_the_most),
	};

	return cmocka_run_group_tests(tests, resuming_start, resuming_stop);
}
