/*
 * The paired comparison where runs are interrupted: does one bad block hide a difference, does it
 * make one up, do intervals hold? By hand, by brute force and by simulation; all seeds are fixed.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>

#include "results/statistics.h"
#include "tests/noise.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))
#define BLOCKS_MOST   20

static void assert_near(double got, double expected)
{
	if (!(fabs(got - expected) <= 1e-9))
		fail_msg("%.17g instead of %.17g", got, expected);
}

static void cutting(void **state)
{
	static const double values[] = {0.0, -3.0, 0.5, 40.0, 0.0, -1.0};
	static const double cut[] = {0.0, -2.0, 0.5, 2.0, 0.0, -1.0};
	double got[LENGTH(values)];

	(void)state;
	/* The sizes above 0 are 0.5, 1, 3 and 40: the median is 2. */
	assert_int_equal(statistics_winsorise(values, LENGTH(values), got), 0);
	for (size_t i = 0; i < LENGTH(values); i++)
		assert_near(got[i], cut[i]);
	assert_int_equal(statistics_winsorise(values, 1, got), 0);
	assert_near(got[0], 0.0);
	assert_int_equal(statistics_winsorise(values, 0, got), 0);
}

/* Eight blocks that agree, and one that was interrupted on the side that was faster. */
static void one_bad_block_hides_nothing(void **state)
{
	double side[9];
	double baseline[9];
	struct statistics_effect effect;

	(void)state;
	for (int i = 0; i < 9; i++) {
		side[i] = 1.0;
		baseline[i] = 0.95;
	}
	side[4] = 0.6;
	assert_int_equal(statistics_compare(side, baseline, 9, 1, &effect), 0);
	/* Of 512 flips those with one sign that differs, or none, either way round. */
	assert_near(effect.p, 20.0 / 512.0);
	assert_near(effect.ratio, 1.0 / 0.95);
	assert_near(effect.low, 1.0 / 0.95);
	assert_true(effect.exact);
	/* Two of them are too many for nine. */
	side[5] = 0.6;
	assert_int_equal(statistics_compare(side, baseline, 9, 1, &effect), 0);
	assert_near(effect.p, 92.0 / 512.0);
	assert_true(effect.low < 1.0);
}

static void intervals_of_few_are_ranges(void **state)
{
	static const double six[] = {3.0, 1.0, 2.0, 6.0, 5.0, 4.0};
	struct statistics_interval interval;

	(void)state;
	/* Of five any interval misses one time in sixteen at least; six are enough for 95 %. */
	for (size_t count = 2; count <= 6; count++) {
		double sorted[6];

		for (size_t i = 0; i < count; i++)
			sorted[i] = six[i];
		statistics_sort(sorted, count);
		assert_int_equal(statistics_paired_shift(six, count, &interval), 0);
		assert_near(interval.low, sorted[0]);
		assert_near(interval.high, sorted[count - 1]);
	}
	assert_int_equal(statistics_paired_shift(six, 1, &interval), 0);
	assert_near(interval.estimate, 3.0);
	assert_true(isnan(interval.low) && isnan(interval.high));
	assert_int_equal(statistics_paired_shift(six, 0, &interval), -EINVAL);
}

/* What the interval holds is what the test lets stand, by flips tried one after the other. */
static void intervals_are_the_test_inverted(void **state)
{
	uint64_t random = 12;

	(void)state;
	for (int set = 0; set < 40; set++) {
		size_t count = 6 + (size_t)set % 7;
		double values[12], left[12];
		struct statistics_interval interval;
		bool exact;

		for (size_t i = 0; i < count; i++)
			values[i] = noise_draw(HEAVY_TAILED, &random);
		assert_int_equal(statistics_paired_shift(values, count, &interval), 0);
		for (int outside = 0; outside < 2; outside++) {
			double width = interval.high - interval.low;
			/* Scores are whole levels: p may differ a little close to the end. */
			double shift = interval.low + (outside ? -0.1 : 0.1) * width;
			double p;

			for (size_t i = 0; i < count; i++)
				left[i] = values[i] - shift;
			assert_int_equal(statistics_winsorise(left, count, left), 0);
			p = statistics_sign_flip(left, count, 1, &exact);
			if (outside ? p > STATISTICS_LEVEL : p <= STATISTICS_LEVEL)
				fail_msg("set %d: p %g %s", set, p, outside ? "outside" : "inside");
		}
	}
}

/* Counted flips and the normal that stands for them from 129 blocks on must meet. */
static void many_blocks(void **state)
{
	double values[1000];
	struct statistics_interval counted, normal, more;
	uint64_t random = 8;

	(void)state;
	for (size_t i = 0; i < LENGTH(values); i++)
		values[i] = 1.0 + noise_draw(CONTAMINATED, &random);
	assert_int_equal(statistics_paired_shift(values, 128, &counted), 0);
	assert_int_equal(statistics_paired_shift(values, 129, &normal), 0);
	assert_int_equal(statistics_paired_shift(values, LENGTH(values), &more), 0);
	assert_true(fabs(counted.low - normal.low) < 0.05 &&
		    fabs(counted.high - normal.high) < 0.05);
	assert_true(more.low > 1.0 && more.low < more.estimate);
	assert_true(more.high - more.low < 0.6 * (normal.high - normal.low));
	/* No spread, no width. */
	for (size_t i = 0; i < 10; i++)
		values[i] = 2.0;
	assert_int_equal(statistics_paired_shift(values, 10, &counted), 0);
	assert_near(counted.low, 2.0);
	assert_near(counted.high, 2.0);
}

/* A run on a host with a hypervisor: 1 % noise, and now and then 30 to 50 % slower. */
static double interrupted(double often, uint64_t *random)
{
	double noise = exp(0.01 * noise_normal(random));

	return noise_uniform(random) < often ? noise / (1.3 + 0.2 * noise_uniform(random)) : noise;
}

struct tally {
	int covered, alarms, claims, found;
};

/* An experiment has a baseline, its control, an equal cell and one that is 5 % slower. */
static struct tally tally(size_t blocks, double often, int sets)
{
	struct tally t = {.found = 0};
	uint64_t random = 40 + blocks;

	for (int set = 0; set < sets; set++) {
		double values[4][BLOCKS_MOST];
		struct statistics_effect control, equal, slower;
		double floor;

		for (size_t i = 0; i < blocks; i++)
			for (int cell = 0; cell < 4; cell++)
				values[cell][i] =
					(cell == 3 ? 0.95 : 1.0) * interrupted(often, &random);
		assert_int_equal(statistics_compare(values[1], values[0], blocks, 1, &control), 0);
		assert_int_equal(statistics_compare(values[2], values[0], blocks, 1, &equal), 0);
		assert_int_equal(statistics_compare(values[3], values[0], blocks, 1, &slower), 0);
		floor = statistics_floor(&control);
		t.covered += equal.low <= 1.0 && equal.high >= 1.0;
		t.alarms += equal.p <= STATISTICS_LEVEL;
		t.claims +=
			statistics_judge(&equal, equal.p, floor, true) != STATISTICS_NO_DIFFERENCE;
		t.found += statistics_judge(&slower, slower.p, floor, true) == STATISTICS_SLOWER;
	}
	return t;
}

static void interrupted_runs(void **state)
{
	static const struct {
		size_t blocks;
		double often;
		int sets;
		double least_found;
	} rows[] = {
		{9, 0.1, 600, 0.5},
		{9, 0.05, 600, 0.75},
		{20, 0.1, 150, 0.9},
		{20, 0.05, 150, 0.95},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct tally t = tally(rows[i].blocks, rows[i].often, rows[i].sets);
		double sets = rows[i].sets;
		/* Four standard errors of 5 %. */
		double slack = 4.0 * sqrt(0.05 * 0.95 / sets);

		printf("%zu blocks, %.0f %% interrupted: found %.0f %%, covered %.1f %%, alarms "
		       "%.1f %%, claims %.1f %%\n",
		       rows[i].blocks, 100 * rows[i].often, 100 * t.found / sets,
		       100 * t.covered / sets, 100 * t.alarms / sets, 100 * t.claims / sets);
		assert_true(t.covered / sets >= 0.95 - slack);
		assert_true(t.alarms / sets <= 0.05 + slack);
		assert_true(t.claims / sets <= 0.05);
		assert_true(t.found / sets >= rows[i].least_found);
	}
}

/* 6, 9 and 20 blocks, whatever the noise: at least 95 %, and not absurdly wide. */
static void paired_intervals_cover(void **state)
{
	static const size_t sizes[][2] = {{6, 1000}, {9, 1000}, {20, 250}};

	(void)state;
	for (enum noise noise = NORMAL; noise < NOISES; noise++) {
		for (size_t i = 0; i < LENGTH(sizes); i++) {
			uint64_t random = 5 + noise;
			size_t blocks = sizes[i][0];
			double sets = (double)sizes[i][1];
			double slack = 4.0 * sqrt(0.05 * 0.95 / sets);
			int covered = 0;

			for (size_t set = 0; set < sizes[i][1]; set++) {
				double values[BLOCKS_MOST];
				struct statistics_interval interval;

				for (size_t b = 0; b < blocks; b++)
					values[b] = noise_draw(noise, &random) -
						    noise_draw(noise, &random);
				assert_int_equal(statistics_paired_shift(values, blocks, &interval),
						 0);
				covered += interval.low <= 0.0 && interval.high >= 0.0;
			}
			if (covered / sets < 0.95 - slack || covered / sets > 0.99)
				fail_msg("noise %d, %zu blocks: %d of %.0f", (int)noise, blocks,
					 covered, sets);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cutting),
		cmocka_unit_test(one_bad_block_hides_nothing),
		cmocka_unit_test(intervals_of_few_are_ranges),
		cmocka_unit_test(intervals_are_the_test_inverted),
		cmocka_unit_test(many_blocks),
		cmocka_unit_test(interrupted_runs),
		cmocka_unit_test(paired_intervals_cover),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
