/* results/concurrency: who is compared with whom, and that the words follow the figures. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "results/concurrency.h"

#define BLOCKS 9

static struct record *rows;
static size_t row_count;

static int start(void **state)
{
	(void)state;
	rows = NULL;
	row_count = 0;
	return 0;
}

static int stop(void **state)
{
	(void)state;
	record_free_all(rows, row_count);
	return 0;
}

/* A cell's blocks; what disturbs a block disturbs all cells of it. */
static void add(enum record_kind kind, const char *cell, const char *model, unsigned workers,
		const char *cpus, double rate)
{
	for (unsigned block = 1; block <= BLOCKS; block++) {
		double value = rate * (1 + 0.1 * (block % 3)) * (1 + 0.001 * (block % 5));
		struct record *row;

		rows = realloc(rows, (row_count + 1) * sizeof(*rows));
		assert_non_null(rows);
		row = &rows[row_count++];
		record_init(row, kind);
		record_set_text(row, COLUMN_cell, cell);
		record_set_text(row, COLUMN_role, "cell");
		record_set_text(row, COLUMN_model, model);
		record_set_count(row, COLUMN_block, block);
		record_set_count(row, COLUMN_workers, workers);
		record_set_text(row, COLUMN_cpus, cpus);
		if (kind == RECORD_SUMSQ) {
			record_set_count(row, COLUMN_jobs, 30);
			record_set_text(row, COLUMN_core, "scalar");
			record_set_real(row, COLUMN_elements_per_s, value);
		} else {
			record_set_real(row, COLUMN_origin_latency_us, 5000);
			record_set_real(row, COLUMN_throughput_rps, value);
		}
	}
}

static struct concurrency make(void)
{
	struct concurrency c;

	assert_int_equal(concurrency_make(rows, row_count, 7, &c), 0);
	return c;
}

static void lists_of_cpus(void **state)
{
	(void)state;
	assert_int_equal(concurrency_cpus(""), 0);
	assert_int_equal(concurrency_cpus("7"), 1);
	assert_int_equal(concurrency_cpus("0-3"), 4);
	assert_int_equal(concurrency_cpus("0,2"), 2);
	assert_int_equal(concurrency_cpus("0-1,4,8-10"), 6);
	assert_int_equal(concurrency_cpus("all"), 0);
	assert_int_equal(concurrency_cpus("3-1"), 0);
	assert_int_equal(concurrency_cpus("1-"), 0);
	assert_int_equal(concurrency_cpus("1;2"), 0);
}

static void ratio(const struct statistics_effect *effect, double expected)
{
	assert_int_equal(effect->pairs, BLOCKS);
	if (fabs(effect->ratio / expected - 1) > 1e-9)
		fail_msg("%g is not %g", effect->ratio, expected);
}

static void study(void)
{
	add(RECORD_SUMSQ, "alone", "serial", 1, "0", 1e10);
	add(RECORD_SUMSQ, "turns/threads", "threads", 4, "0", 0.98e10);
	add(RECORD_SUMSQ, "once/threads", "threads", 4, "0-1", 1.96e10);
	add(RECORD_FETCH, "waits alone", "blocking", 1, "0", 190);
	add(RECORD_FETCH, "waits by turns", "blocking", 4, "0", 760);
	add(RECORD_FETCH, "waits at once", "blocking", 4, "0-1", 760);
}

static void who_with_whom(void **state)
{
	struct concurrency c;

	(void)state;
	study();
	/* Others that must not be taken for these. */
	add(RECORD_SUMSQ, "a pool", "processes", 1, "0", 2e10);
	add(RECORD_SUMSQ, "fewer", "threads", 2, "0-1", 3e10);
	add(RECORD_FETCH, "other model", "epoll", 1, "0", 3e5);
	c = make();
	assert_int_equal(c.count, 2);
	assert_string_equal(record_text(c.lines[0].alone, COLUMN_cell), "alone");
	assert_string_equal(record_text(c.lines[0].apart, COLUMN_cell), "once/threads");
	ratio(&c.lines[0].by_turns, 0.98);
	ratio(&c.lines[0].at_once, 1.96);
	ratio(&c.lines[0].more_cores, 2);
	ratio(&c.lines[1].by_turns, 4);
	ratio(&c.lines[1].at_once, 4);
	ratio(&c.lines[1].more_cores, 1);
	assert_true(c.lines[1].alone_rate > 190 && c.lines[1].alone_rate < 230);
	concurrency_release(&c);
}

static char *printed(void)
{
	struct concurrency c = make();
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	assert_non_null(file);
	assert_int_equal(concurrency_print(&c, file, false), 0);
	fclose(file);
	concurrency_release(&c);
	return text;
}

static void says(const char *part)
{
	char *text = printed();

	if (!strstr(text, part))
		fail_msg("'%s' is not in:\n%s", part, text);
	free(text);
}

static void words(void **state)
{
	(void)state;
	study();
	says("adding squares, threads: 4 workers on one core did 0.980 [0.980, 0.980] times what "
	     "one did;\n    concurrency, and it gains nothing");
	says("On 2 CPUs they did 1.96 [1.96, 1.96] times what one did;\n    that is parallelism");
	says("waiting 5.00 ms, blocking: 4 workers on one core did 4.00 [4.00, 4.00] times what "
	     "one did;\n    concurrency, and it is all it takes");
	says("On 2 CPUs they did 4.00 [4.00, 4.00] times what one did;\n    more cores add "
	     "nothing");
}

static void other_words(void **state)
{
	(void)state;
	add(RECORD_SUMSQ, "alone", "serial", 1, "0", 1e10);
	add(RECORD_SUMSQ, "turns", "threads", 4, "0", 0.5e10);
	says("the turns themselves take time");
	says("On several cores they did not run");
	add(RECORD_SUMSQ, "once", "threads", 4, "0-1", 0.4e10);
	says("more cores take away from that");
}

/* A ratio whose interval has both answers in it is none. */
static void undecided(void **state)
{
	(void)state;
	study();
	for (size_t i = 0; i < row_count; i++)
		if (rows[i].kind == RECORD_SUMSQ && record_number(&rows[i], COLUMN_workers) == 4)
			record_set_real(&rows[i], COLUMN_elements_per_s, i % 2 ? 0.8e10 : 1.6e10);
	says("it cannot be told what that gains");
	says("whether more cores add to that cannot be told");
}

/* On a machine with one core both are by turns, and one line says so. */
static void one_core(void **state)
{
	struct concurrency c;

	(void)state;
	add(RECORD_SUMSQ, "alone", "serial", 1, "0", 1e10);
	add(RECORD_SUMSQ, "turns", "threads", 4, "0", 1e10);
	add(RECORD_SUMSQ, "once", "threads", 4, "0", 1e10);
	c = make();
	assert_int_equal(c.count, 1);
	assert_null(c.lines[0].apart);
	concurrency_release(&c);
	stop(NULL);
	start(NULL);
	says("no concurrency to show");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_of_cpus),
		cmocka_unit_test_setup_teardown(who_with_whom, start, stop),
		cmocka_unit_test_setup_teardown(words, start, stop),
		cmocka_unit_test_setup_teardown(other_words, start, stop),
		cmocka_unit_test_setup_teardown(undecided, start, stop),
		cmocka_unit_test_setup_teardown(one_core, start, stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
