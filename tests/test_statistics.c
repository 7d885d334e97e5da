/*
 * results/statistics against published values, against brute force, and by simulation: do 95 %
 * intervals cover 95 %, and does a test at 5 % raise a false alarm in one case of twenty? All
 * seeds are fixed, so a simulation says the same on every machine.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "results/statistics.h"
#include "tests/noise.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

/* Darwin's maize, crossed minus selfed, in eighths of an inch: Fisher 1935, table 3. */
static const double maize[] = {49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48};

static void assert_near(double got, double expected)
{
	if (!(fabs(got - expected) <= 1e-9 * fmax(1.0, fabs(expected))))
		fail_msg("%.17g instead of %.17g", got, expected);
}

static void quantiles(void **state)
{
	static const double values[] = {1, 2, 3, 4};

	(void)state;
	assert_near(statistics_quantile(values, 4, 0.0), 1.0);
	assert_near(statistics_quantile(values, 4, 0.25), 1.75);
	assert_near(statistics_quantile(values, 4, 0.5), 2.5);
	assert_near(statistics_quantile(values, 4, 0.9), 3.7);
	assert_near(statistics_quantile(values, 4, 1.0), 4.0);
	assert_near(statistics_quantile(values, 3, 0.5), 2.0);
	assert_near(statistics_quantile(values, 1, 0.3), 1.0);
	assert_true(isnan(statistics_quantile(values, 0, 0.5)));
}

/* The median of all pairs' averages, by writing them all down. */
static double slow_hodges_lehmann(const double *values, size_t count)
{
	double averages[24 * 25 / 2];
	size_t filled = 0;

	for (size_t i = 0; i < count; i++) {
		for (size_t j = i; j < count; j++)
			averages[filled++] = 0.5 * values[i] + 0.5 * values[j];
	}
	statistics_sort(averages, filled);
	return statistics_quantile(averages, filled, 0.5);
}

/* Hollander & Wolfe 1973, p. 27: depression before and after, estimate -0.46. */
static void hodges_lehmann(void **state)
{
	static const double before[] = {1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30};
	static const double after[] = {0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29};
	double values[24];
	uint64_t seed = 3;

	(void)state;
	for (size_t i = 0; i < 9; i++)
		values[i] = after[i] - before[i];
	statistics_sort(values, 9);
	assert_near(statistics_hodges_lehmann(values, 9), -0.46);
	memcpy(values, maize, sizeof(maize));
	statistics_sort(values, LENGTH(maize));
	assert_near(statistics_hodges_lehmann(values, LENGTH(maize)), 25.0);
	assert_true(isnan(statistics_hodges_lehmann(values, 0)));
	/* Every count, ties and both signs included. */
	for (size_t count = 1; count <= 24; count++) {
		for (size_t i = 0; i < count; i++)
			values[i] = (double)(statistics_random(&seed) % 41) / 8.0 - 2.0;
		statistics_sort(values, count);
		assert_near(statistics_hodges_lehmann(values, count),
			    slow_hodges_lehmann(values, count));
	}
}

static void sign_flips(void **state)
{
	static const double three[] = {1, 2, 3};
	static const double ties[] = {1, 1, -1, 1};
	static const double nothing[] = {0, 0};
	bool exact = false;

	(void)state;
	/* Fisher 1935, section 21: 863 of 32768 on one side, twice that on both. */
	assert_near(statistics_sign_flip(maize, LENGTH(maize), 0, &exact), 1726.0 / 32768.0);
	assert_true(exact);
	/* Only +++ and --- reach 6; of the ties, 10 of 16 sums are at least 2 away. */
	assert_near(statistics_sign_flip(three, 3, 0, &exact), 2.0 / 8.0);
	assert_near(statistics_sign_flip(ties, 4, 0, &exact), 10.0 / 16.0);
	assert_near(statistics_sign_flip(nothing, 2, 0, &exact), 1.0);
	assert_near(statistics_sign_flip(nothing, 0, 0, &exact), 1.0);
}

/* The same figures twice over: by chance, and near what enumeration says of them. */
static void many_sign_flips_are_sampled(void **state)
{
	double values[80];
	bool exact = true;
	double p;

	(void)state;
	for (size_t i = 0; i < 17; i++)
		values[i] = i < LENGTH(maize) ? maize[i] : 0.0;
	p = statistics_sign_flip(values, 17, 1, &exact);
	assert_false(exact);
	assert_true(fabs(p - 1726.0 / 32768.0) < 0.003);
	for (size_t i = 0; i < 80; i++)
		values[i] = 1.0;
	assert_near(statistics_sign_flip(values, 80, 1, &exact), 1.0 / 65536.0);
	assert_near(statistics_least_p(80), 1.0 / 65536.0);
	assert_near(statistics_least_p(9), 2.0 / 512.0);
	/* Signs beyond the 64th are drawn too: were they not, these could not cancel. */
	for (size_t i = 0; i < 80; i++)
		values[i] = i < 64 ? 0.0 : 1.0;
	assert_true(statistics_sign_flip(values, 80, 1, &exact) < 0.001);
}

static void holm(void **state)
{
	double example[] = {0.01, 0.04, 0.03, 0.005};
	double row[] = {0.01, 0.02, 0.03, 0.04, 0.05};
	double gaps[] = {NAN, 0.9, 0.6, NAN, 0.02};

	(void)state;
	assert_int_equal(statistics_holm(example, 4), 0);
	assert_near(example[0], 0.03);
	assert_near(example[1], 0.06);
	assert_near(example[2], 0.06);
	assert_near(example[3], 0.02);
	assert_int_equal(statistics_holm(row, 5), 0);
	assert_near(row[0], 0.05);
	assert_near(row[1], 0.08);
	assert_near(row[2], 0.09);
	assert_near(row[4], 0.09);
	assert_int_equal(statistics_holm(gaps, 5), 0);
	assert_true(isnan(gaps[0]) && isnan(gaps[3]));
	assert_near(gaps[4], 0.06);
	assert_near(gaps[2], 1.0);
	assert_near(gaps[1], 1.0);
}

static void bootstrap_is_reproducible(void **state)
{
	struct statistics_interval first;
	struct statistics_interval again;
	struct statistics_interval other;

	(void)state;
	assert_int_equal(statistics_bootstrap(maize, LENGTH(maize), STATISTICS_HODGES_LEHMANN, 4000,
					      7, &first),
			 0);
	assert_int_equal(statistics_bootstrap(maize, LENGTH(maize), STATISTICS_HODGES_LEHMANN, 4000,
					      7, &again),
			 0);
	assert_memory_equal(&first, &again, sizeof(first));
	assert_int_equal(statistics_bootstrap(maize, LENGTH(maize), STATISTICS_HODGES_LEHMANN, 4000,
					      8, &other),
			 0);
	assert_true(first.low != other.low || first.high != other.high);
	/* The seed is not the result. */
	assert_true(fabs(first.low - other.low) < 0.15 * (first.high - first.low));
	assert_near(first.estimate, 25.0);
	assert_true(first.low < 25.0 && first.high > 25.0);
	assert_int_equal(statistics_bootstrap(maize, 1, STATISTICS_MEDIAN, 100, 1, &first), 0);
	assert_near(first.estimate, 49.0);
	assert_true(isnan(first.low) && isnan(first.high));
	assert_int_equal(statistics_bootstrap(maize, 0, STATISTICS_MEDIAN, 100, 1, &first),
			 -EINVAL);
}

/*
 * A/A experiments on a host that drifts: both sides of a block share its drift, nothing else
 * differs. 1500 sets: the standard error of a 5 % rate is 0.6 %, the bounds are four of them.
 */
static void intervals_cover_and_tests_keep_their_level(void **state)
{
	enum { SETS = 1500, BLOCKS = 10 };

	(void)state;
	for (enum noise noise = NORMAL; noise < NOISES; noise++) {
		uint64_t random = 2024 + noise;
		int covered = 0;
		int alarms = 0;

		for (int set = 0; set < SETS; set++) {
			struct statistics_interval interval;
			double differences[BLOCKS];
			bool exact;

			for (int i = 0; i < BLOCKS; i++) {
				double drift = 5.0 * i * noise_normal(&random);
				double side = drift + noise_draw(noise, &random);

				differences[i] = side - (drift + noise_draw(noise, &random));
			}
			assert_int_equal(statistics_bootstrap(differences, BLOCKS,
							      STATISTICS_HODGES_LEHMANN, 500, set,
							      &interval),
					 0);
			covered += interval.low <= 0.0 && interval.high >= 0.0;
			alarms += statistics_sign_flip(differences, BLOCKS, set, &exact) <= 0.05;
		}
		assert_in_range(covered, SETS * 93 / 100, SETS * 98 / 100);
		assert_in_range(alarms, SETS * 26 / 1000, SETS * 74 / 1000);
	}
}

/* The median's interval, on a skewed sample: its discreteness makes it wide, never narrow. */
static void median_intervals_cover(void **state)
{
	enum { SETS = 1500, BLOCKS = 9 };
	uint64_t random = 99;
	int covered = 0;

	(void)state;
	for (int set = 0; set < SETS; set++) {
		struct statistics_interval interval;
		double values[BLOCKS];

		for (int i = 0; i < BLOCKS; i++)
			values[i] = noise_draw(SKEWED, &random);
		assert_int_equal(statistics_bootstrap(values, BLOCKS, STATISTICS_MEDIAN, 500, set,
						      &interval),
				 0);
		covered += interval.low <= log(2.0) && interval.high >= log(2.0);
	}
	assert_in_range(covered, SETS * 93 / 100, SETS * 995 / 1000);
}

/* 5 % among 1 % noise is found nearly always by ten blocks, and the ratio is right. */
static void known_slowdowns_are_found(void **state)
{
	enum { SETS = 200, BLOCKS = 10 };
	uint64_t random = 5;
	int found = 0;
	double ratios[SETS];

	(void)state;
	for (int set = 0; set < SETS; set++) {
		struct statistics_effect effect;
		double side[BLOCKS];
		double baseline[BLOCKS];

		for (int i = 0; i < BLOCKS; i++) {
			double drift = exp(0.2 * noise_normal(&random));

			side[i] = 0.95 * drift * exp(0.01 * noise_normal(&random));
			baseline[i] = drift * exp(0.01 * noise_normal(&random));
		}
		assert_int_equal(statistics_compare(side, baseline, BLOCKS, set, &effect), 0);
		assert_int_equal(effect.pairs, BLOCKS);
		ratios[set] = effect.ratio;
		found += statistics_judge(&effect, effect.p, 1.01, true) == STATISTICS_SLOWER;
	}
	statistics_sort(ratios, SETS);
	assert_true(found >= SETS * 98 / 100);
	assert_true(fabs(statistics_quantile(ratios, SETS, 0.5) - 0.95) < 0.001);
}

static void comparing_what_cannot_be(void **state)
{
	static const double good[] = {1.0, 2.0};
	static const double zero[] = {1.0, 0.0};
	static const double missing[] = {NAN, 1.0};
	struct statistics_effect effect;

	(void)state;
	assert_int_equal(statistics_compare(good, zero, 2, 1, &effect), 0);
	assert_int_equal(effect.pairs, 0);
	assert_int_equal(statistics_compare(missing, good, 2, 1, &effect), 0);
	assert_int_equal(effect.pairs, 0);
	assert_int_equal(statistics_compare(good, good, 0, 1, &effect), 0);
	assert_int_equal(effect.pairs, 0);
	assert_int_equal(statistics_judge(&effect, effect.p, NAN, true), STATISTICS_NOT_COMPARED);
	assert_string_equal(statistics_words(STATISTICS_NOT_COMPARED), "");
	assert_int_equal(statistics_compare(good, good, 1, 1, &effect), 0);
	assert_int_equal(effect.pairs, 1);
	assert_true(isnan(statistics_floor(&effect)));
}

static void verdicts(void **state)
{
	const struct statistics_effect clear = {10, 1.04, 1.02, 1.06, 0.002, true};
	const struct statistics_effect below = {10, 0.96, 0.94, 0.98, 0.002, true};
	const struct statistics_effect across = {10, 1.04, 0.99, 1.06, 0.002, true};

	(void)state;
	assert_int_equal(statistics_judge(&clear, 0.01, 1.01, true), STATISTICS_FASTER);
	assert_int_equal(statistics_judge(&clear, 0.01, 1.01, false), STATISTICS_SLOWER);
	assert_int_equal(statistics_judge(&below, 0.01, 1.01, true), STATISTICS_SLOWER);
	assert_int_equal(statistics_judge(&below, 0.01, 1.01, false), STATISTICS_FASTER);
	assert_int_equal(statistics_judge(&clear, 0.01, NAN, true), STATISTICS_NO_DIFFERENCE);
	/* Each of the three conditions alone forbids the claim. */
	assert_int_equal(statistics_judge(&clear, 0.051, 1.01, true), STATISTICS_NO_DIFFERENCE);
	assert_int_equal(statistics_judge(&across, 0.01, 1.01, true), STATISTICS_NO_DIFFERENCE);
	assert_int_equal(statistics_judge(&clear, 0.01, 1.05, true), STATISTICS_NO_DIFFERENCE);
	assert_int_equal(statistics_judge(&below, 0.01, 1.05, true), STATISTICS_NO_DIFFERENCE);
	assert_string_equal(statistics_words(STATISTICS_FASTER), "faster by");
	assert_string_equal(statistics_words(STATISTICS_SLOWER), "slower by");
	assert_string_equal(statistics_words(STATISTICS_NO_DIFFERENCE), "no difference shown");
}

static void floors(void **state)
{
	const struct statistics_effect wide = {10, 1.001, 0.98, 1.02, 0.5, true};
	const struct statistics_effect off = {10, 0.95, 0.94, 0.96, 0.01, true};

	(void)state;
	assert_near(statistics_floor(&wide), sqrt(1.02 / 0.98));
	assert_near(statistics_resolution(&wide), sqrt(1.02 / 0.98));
	assert_near(statistics_floor(&off), 1.0 / 0.95);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quantiles),
		cmocka_unit_test(hodges_lehmann),
		cmocka_unit_test(sign_flips),
		cmocka_unit_test(many_sign_flips_are_sampled),
		cmocka_unit_test(holm),
		cmocka_unit_test(bootstrap_is_reproducible),
		cmocka_unit_test(intervals_cover_and_tests_keep_their_level),
		cmocka_unit_test(median_intervals_cover),
		cmocka_unit_test(known_slowdowns_are_found),
		cmocka_unit_test(comparing_what_cannot_be),
		cmocka_unit_test(verdicts),
		cmocka_unit_test(floors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
