/* results/grain: break-evens that are known are found, and what was not seen is not made up. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "results/grain.h"
#include "results/statistics.h"

#define SERIAL_RATE 1e10

static struct record *rows;
static size_t row_count;
static uint64_t noise_state;

static int start(void **state)
{
	(void)state;
	rows = NULL;
	row_count = 0;
	noise_state = 5;
	return 0;
}

static int stop(void **state)
{
	(void)state;
	record_free_all(rows, row_count);
	return 0;
}

static struct record *add(const char *model, const char *variant, double squares, unsigned block,
			  double rate)
{
	struct record *row;
	char cell[96];

	rows = realloc(rows, (row_count + 1) * sizeof(*rows));
	assert_non_null(rows);
	row = &rows[row_count++];
	record_init(row, RECORD_SUMSQ);
	snprintf(cell, sizeof(cell), "%s%s/%.0f", model, variant, squares);
	record_set_text(row, COLUMN_cell, cell);
	record_set_text(row, COLUMN_role, "cell");
	record_set_text(row, COLUMN_model, model);
	record_set_text(row, COLUMN_variant_requested, variant);
	record_set_count(row, COLUMN_block, block);
	record_set_count(row, COLUMN_workers, strcmp(model, "serial") == 0 ? 1 : 2);
	record_set_count(row, COLUMN_partial, 0);
	record_set_count(row, COLUMN_jobs, 30);
	record_set_text(row, COLUMN_core, "scalar");
	record_set_real(row, COLUMN_squares_per_job, squares);
	record_set_real(row, COLUMN_elements_per_s, rate);
	return row;
}

/* Roughly normal: the sum of twelve. */
static double noisy(double size)
{
	double sum = -6;

	for (int i = 0; i < 12; i++)
		sum += (double)(statistics_random(&noise_state) >> 11) / 9007199254740992.0;
	return exp(size * sum);
}

/*
 * A pool whose rate against serial is (squares / break_even)^slope: on logarithmic axes a straight
 * line through 1 at its break-even. Both share what disturbs the block.
 */
static void add_blocks(const char *model, const char *variant, double break_even, double slope,
		       unsigned blocks, double noise)
{
	for (unsigned block = 1; block <= blocks; block++)
		for (double squares = 100; squares < 2e7; squares *= 10) {
			double shared = 1 + 0.3 * (block % 3);
			double ratio = pow(squares / break_even, slope);

			add(model, variant, squares, block,
			    SERIAL_RATE * shared * ratio * noisy(noise));
		}
}

static void add_serial(unsigned blocks, double noise)
{
	add_blocks("serial", "", 1, 0, blocks, noise);
}

/* Gives the rows from there on a list of CPUs, as --cpus has it. */
static void pin(size_t from, const char *cpus)
{
	for (size_t i = from; i < row_count; i++) {
		char cell[128];

		record_set_text(&rows[i], COLUMN_placement, "cpus");
		record_set_text(&rows[i], COLUMN_cpus, cpus);
		snprintf(cell, sizeof(cell), "%s on %s", record_text(&rows[i], COLUMN_cell), cpus);
		record_set_text(&rows[i], COLUMN_cell, cell);
	}
}

static struct grain make(void)
{
	struct grain grain;

	assert_int_equal(grain_make(rows, row_count, 7, &grain), 0);
	return grain;
}

static void near(double value, double expected, double share)
{
	if (!(fabs(value / expected - 1) <= share))
		fail_msg("%g is not near %g", value, expected);
}

static void known_break_evens(void **state)
{
	static const double known[] = {150, 5000, 123456, 9e6};

	(void)state;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		struct grain grain;

		stop(NULL);
		start(NULL);
		add_serial(5, 0);
		add_blocks("threads", "", known[i], 0.4, 5, 0);
		grain = make();
		assert_int_equal(grain.count, 1);
		assert_int_equal(grain.pools[0].count, 6);
		assert_int_equal(grain.pools[0].blocks, 5);
		near(grain.pools[0].break_even, known[i], 1e-9);
		near(grain.pools[0].low, known[i], 1e-9);
		near(grain.pools[0].high, known[i], 1e-9);
		near(grain.pools[0].points[2].ratio, pow(1e4 / known[i], 0.4), 1e-9);
		/* Blocks at 1.0, 1.3 and 1.6 times the rate: the median is 1.3 (of 1.3 1.6 1 1.3 1.6) */
		near(grain.pools[0].job_s, known[i] / (1.3 * SERIAL_RATE), 1e-9);
		grain_release(&grain);
	}
}

/* Pools on different CPUs are different pools, each with its own break-even. */
static void pools_on_other_cpus(void **state)
{
	static const char *const lists[] = {"0,1", "0,2"};
	static const double known[] = {5000, 123456};
	struct grain grain;

	(void)state;
	add_serial(5, 0);
	for (size_t i = 0; i < 2; i++) {
		size_t from = row_count;

		add_blocks("threads", "", known[i], 0.4, 5, 0);
		pin(from, lists[i]);
	}
	grain = make();
	assert_int_equal(grain.count, 2);
	for (size_t i = 0; i < 2; i++) {
		assert_string_equal(record_text(grain.pools[i].sample, COLUMN_cpus), lists[i]);
		near(grain.pools[i].break_even, known[i], 1e-9);
	}
	grain_release(&grain);
}

/* The interval holds the truth in about 95 of 100 experiments, and is no wider than it must be. */
static void interval_covers(void **state)
{
	unsigned covered = 0;

	(void)state;
	for (unsigned trial = 0; trial < 100; trial++) {
		struct grain grain;

		stop(NULL);
		rows = NULL;
		row_count = 0;
		add_serial(9, 0.05);
		add_blocks("threads", "", 30000, 0.5, 9, 0.05);
		grain = make();
		covered += grain.pools[0].low <= 30000 && grain.pools[0].high >= 30000;
		assert_true(grain.pools[0].low < grain.pools[0].break_even);
		assert_true(grain.pools[0].high > grain.pools[0].break_even);
		/* Noise of 7 % at a slope of 0.5, over 9 blocks: some 5 %, so ends within 25 %. */
		assert_true(grain.pools[0].high / grain.pools[0].low < 1.6);
		grain_release(&grain);
	}
	if (covered < 94)
		fail_msg("the interval holds the truth in %u of 100", covered);
}

static void not_seen(void **state)
{
	struct grain grain;

	(void)state;
	add_serial(3, 0);
	add_blocks("threads", "", 20, 0.1, 3, 0);
	add_blocks("processes", "", 5e7, 0.1, 3, 0);
	grain = make();
	assert_int_equal(grain.count, 2);
	assert_string_equal(record_text(grain.pools[0].sample, COLUMN_model), "processes");
	assert_true(isinf(grain.pools[0].break_even) && isinf(grain.pools[0].low) &&
		    isinf(grain.pools[0].high));
	assert_true(isnan(grain.pools[0].job_s));
	assert_true(grain.pools[1].break_even == 0 && grain.pools[1].low == 0 &&
		    grain.pools[1].high == 0);
	grain_release(&grain);
}

/* A pool that is ahead, then is not, then is again pays from the second time on; a tie is not ahead. */
static void last_crossing_counts(void **state)
{
	static const double ratios[] = {2, 0.5, 2, 0.25, 1, 4};
	struct grain grain;

	(void)state;
	for (unsigned block = 1; block <= 2; block++)
		for (size_t i = 0; i < 6; i++) {
			add("serial", "", pow(10, 2 + (double)i), block, 1e9);
			add("threads", "", pow(10, 2 + (double)i), block, 1e9 * ratios[i]);
		}
	grain = make();
	near(grain.pools[0].break_even, 1e6, 1e-9);
	grain_release(&grain);
}

/* Rows that do not count, pools without a serial beside them, a size that one block lacks. */
static void which_rows(void **state)
{
	struct grain grain;
	struct record *row;

	(void)state;
	add_serial(5, 0);
	add_blocks("threads", "", 5000, 0.4, 4, 0);
	add_blocks("threads", "per-job", 50000, 0.4, 4, 0);
	add_blocks("threads", "idle=sleep", 1000, 0.4, 1, 0);
	/* Of a control, a failed run, one cut short: each would be of one block more. */
	row = add("threads", "", 1e4, 5, 1);
	record_set_text(row, COLUMN_role, "control");
	row = add("threads", "", 1e5, 5, 1);
	record_set_text(row, COLUMN_flags, "failed status-1");
	row = add("threads", "", 1e6, 5, 1);
	record_set_count(row, COLUMN_partial, 1);
	/* Other jobs than serial had. */
	row = add("processes", "", 1e4, 1, 1e9);
	record_set_count(row, COLUMN_jobs, 31);
	row = add("processes", "x", 1e4, 1, 1e9);
	record_set_text(row, COLUMN_core, "avx2");
	row = add("processes", "y", 1234, 1, 1e9);
	/* One size is no curve. */
	row = add("processes", "z", 1e4, 1, 1e9);
	grain = make();
	assert_int_equal(grain.count, 3);
	assert_int_equal(grain.pools[0].blocks, 4);
	near(grain.pools[0].break_even, 5000, 1e-9);
	assert_string_equal(record_text(grain.pools[1].sample, COLUMN_variant_requested),
			    "idle=sleep");
	near(grain.pools[1].break_even, 1000, 1e-9);
	assert_int_equal(grain.pools[1].blocks, 1);
	assert_true(isnan(grain.pools[1].low) && isnan(grain.pools[1].high));
	near(grain.pools[2].break_even, 50000, 1e-9);
	grain_release(&grain);
	/* A pool's size that failed in a block, on either side, is worked out from the others. */
	for (size_t i = 0; i < row_count; i++)
		if (strcmp(record_text(&rows[i], COLUMN_cell), "threads/10000") == 0 ||
		    strcmp(record_text(&rows[i], COLUMN_cell), "serial/1000") == 0)
			if (record_number(&rows[i], COLUMN_block) == 2)
				record_set_text(&rows[i], COLUMN_flags, "failed timeout");
	grain = make();
	near(grain.pools[0].break_even, 5000, 1e-9);
	near(grain.pools[0].low, 5000, 1e-9);
	grain_release(&grain);
}

static char *printed(const struct grain *grain, int (*print)(const struct grain *, FILE *))
{
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	assert_non_null(file);
	assert_int_equal(print(grain, file), 0);
	fclose(file);
	return text;
}

static int print_plain(const struct grain *grain, FILE *file)
{
	return grain_print(grain, file, false);
}

static void holds(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("'%s' is not in:\n%s", part, text);
}

static void in_print(void **state)
{
	struct grain grain;
	char *text;

	(void)state;
	add_serial(3, 0);
	add_blocks("threads", "", 20, 0.1, 3, 0);
	add_blocks("threads", "per-job", 54000, 1.5, 3, 0);
	add_blocks("processes", "", 5e7, 0.1, 3, 0);
	grain = make();
	text = printed(&grain, print_plain);
	holds(text, "Where a pool starts to pay, in squares a job: 30 jobs a pass, scalar core, 3 "
		    "blocks\n");
	holds(text, "never up to 10 M         all blocks               –\n");
	holds(text, "below 100         all blocks               –\n");
	holds(text,
	      "threads, per-job        2  –                 54 k       [54 k, 54 k]         4.15 µs\n");
	holds(text, "squares a job       100    1 k  10 k  100 k   1 M    10 M\n");
	holds(text, "threads, per-job  <0.01  <0.01");
	for (const char *at = text; *at; at = strchr(at, '\n') + 1)
		assert_true(strcspn(at, "\n") <= 300); /* rules are three bytes a column */
	free(text);
	text = printed(&grain, grain_write_csv);
	holds(text, "\n1,threads,break_even_squares,,3,,,,serial,,,,,,,,,below 100\n");
	holds(text, "1,processes,break_even_squares,,3,,,,serial,,,,,,,,,never up to 10 M\n");
	holds(text, "\n1,\"threads, per-job\",break_even_squares,,3,5");
	for (const char *at = text; *at; at = strchr(at, '\n') + 1) {
		size_t commas = 0;

		for (const char *c = at; *c != '\n'; c++)
			commas += *c == ',';
		assert_int_equal(commas, 17 + (strncmp(at, "1,\"", 3) == 0));
	}
	free(text);
	grain_release(&grain);
	assert_int_equal(grain_make(rows, 0, 7, &grain), 0);
	text = printed(&grain, print_plain);
	holds(text, "no break-even to show");
	free(text);
	grain_release(&grain);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(known_break_evens, start, stop),
		cmocka_unit_test_setup_teardown(pools_on_other_cpus, start, stop),
		cmocka_unit_test_setup_teardown(interval_covers, start, stop),
		cmocka_unit_test_setup_teardown(not_seen, start, stop),
		cmocka_unit_test_setup_teardown(last_crossing_counts, start, stop),
		cmocka_unit_test_setup_teardown(which_rows, start, stop),
		cmocka_unit_test_setup_teardown(in_print, start, stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
