/*
 * results/statistics_shift and results/statistics_rate against figures that SciPy 1.10.1 gave for
 * the same values (mannwhitneyu, permutation_test, binomtest, t.ppf) or that are in print, and by
 * simulation: do two-sample intervals cover 95 %, do claims keep to 5 %, whatever the noise? All
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
#include "results/statistics_rate.h"
#include "results/statistics_shift.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static void assert_near(double got, double expected, double tolerance)
{
	if (!(fabs(got - expected) <= tolerance))
		fail_msg("%.17g instead of %.17g", got, expected);
}

/* Sorts both, then tests them; p must be what SciPy said, and so must the shift. */
static void check(double *side, size_t n, double *baseline, size_t m, double p, double shift,
		  double tolerance)
{
	struct statistics_interval interval;
	double got;

	statistics_sort(side, n);
	statistics_sort(baseline, m);
	assert_int_equal(statistics_rank_test(side, n, baseline, m, 1, &got), 0);
	assert_near(got, p, tolerance);
	/* The other way round it is the same test. */
	assert_int_equal(statistics_rank_test(baseline, m, side, n, 1, &got), 0);
	assert_near(got, p, tolerance);
	assert_int_equal(statistics_shift(side, n, baseline, m, 1, &interval), 0);
	assert_near(interval.estimate, shift, 1e-6);
	assert_true(interval.low <= shift && interval.high >= shift);
}

/* Two rows of distinct numbers, as they were given to SciPy too. */
static void fill_distinct(double *side, size_t n, double *baseline, size_t m, double from)
{
	for (size_t i = 0; i < n; i++)
		side[i] = (double)(37 * i % 101) + 0.5;
	for (size_t i = 0; i < m; i++)
		baseline[i] = (double)(53 * i % 97) + from;
}

static void rank_tests(void **state)
{
	/* Hollander & Wolfe 1973, p. 69: one-sided p 0.1272, estimate 0.305. */
	double term[] = {0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46};
	double early[] = {1.15, 0.88, 0.90, 0.74, 1.21};
	/* Full of ties: 466 of the 6435 ways to deal them out. */
	double tied[] = {3, 3, 4, 5, 5, 5, 7, 9};
	double ties[] = {1, 2, 3, 3, 4, 4, 5};
	double side[50];
	double baseline[70];

	(void)state;
	check(term, LENGTH(term), early, LENGTH(early), 0.2544122544122544, 0.305, 1e-12);
	check(tied, LENGTH(tied), ties, LENGTH(ties), 466.0 / 6435.0, 2.0, 1e-12);
	/* As many as are dealt out one by one. */
	fill_distinct(side, 25, baseline, 25, 12.25);
	assert_int_equal(statistics_rank_method(25, 25), STATISTICS_EXACT);
	check(side, 25, baseline, 25, 0.5507318174580859, -6.75, 1e-12);
	/* By chance: near the exact figure, four standard errors of 65536 deals. */
	fill_distinct(side, 12, baseline, 48, 22.25);
	assert_int_equal(statistics_rank_method(12, 48), STATISTICS_SAMPLED);
	check(side, 12, baseline, 48, 0.023365571451105623, -22.75, 0.0024);
	/* And by the normal distribution, SciPy's "asymptotic"; exact it is 0.1504. */
	fill_distinct(side, 50, baseline, 70, 12.25);
	assert_int_equal(statistics_rank_method(50, 70), STATISTICS_NORMAL);
	check(side, 50, baseline, 70, 0.14989676876501706, -8.75, 1e-9);
	for (size_t i = 0; i < 40; i++)
		side[i] = (double)(7 * i % 23);
	for (size_t i = 0; i < 60; i++)
		baseline[i] = (double)(11 * i % 29);
	check(side, 40, baseline, 60, 0.14307588241960276, -3.0, 1e-9);
	assert_string_equal(statistics_method_name(STATISTICS_EXACT), "exact");
	assert_string_equal(statistics_method_name(STATISTICS_SAMPLED), "sampled");
	assert_string_equal(statistics_method_name(STATISTICS_NORMAL), "normal");
}

static void rank_tests_of_little(void **state)
{
	double same[] = {2, 2, 2};
	double low[] = {1, 2, 3};
	double high[] = {4, 5, 6};
	struct statistics_interval interval;
	double p;

	(void)state;
	assert_int_equal(statistics_rank_test(low, 3, high, 3, 1, &p), 0);
	assert_near(p, 0.1, 1e-12);
	assert_near(statistics_rank_least_p(3, 3), 0.1, 1e-12);
	assert_near(statistics_rank_least_p(9, 9), 2.0 / 48620.0, 1e-12);
	assert_near(statistics_rank_least_p(1, 1), 1.0, 1e-12);
	assert_near(statistics_rank_least_p(20, 31), 1.0 / 65536.0, 1e-12);
	assert_int_equal(statistics_rank_test(same, 3, same, 3, 1, &p), 0);
	assert_near(p, 1.0, 1e-12);
	assert_int_equal(statistics_rank_test(low, 3, high, 0, 1, &p), 0);
	assert_near(p, 1.0, 1e-12);
	assert_int_equal(statistics_shift(low, 3, high, 0, 1, &interval), -EINVAL);
	assert_int_equal(statistics_shift(low, 1, high, 3, 1, &interval), 0);
	assert_near(interval.estimate, -4.0, 1e-12);
	assert_true(isnan(interval.low) && isnan(interval.high));
	/* No spread at all is an interval of no width. */
	assert_int_equal(statistics_shift(same, 3, same, 3, 1, &interval), 0);
	assert_near(interval.low, 0.0, 1e-12);
	assert_near(interval.high, 0.0, 1e-12);
}

/* The seed alone says which deals are drawn. */
static void sampling_is_reproducible(void **state)
{
	double side[12];
	double baseline[48];
	double first;
	double again;
	double other;

	(void)state;
	fill_distinct(side, 12, baseline, 48, 22.25);
	statistics_sort(side, 12);
	statistics_sort(baseline, 48);
	assert_int_equal(statistics_rank_test(side, 12, baseline, 48, 7, &first), 0);
	assert_int_equal(statistics_rank_test(side, 12, baseline, 48, 7, &again), 0);
	assert_int_equal(statistics_rank_test(side, 12, baseline, 48, 8, &other), 0);
	assert_true(first == again);
	assert_true(first != other);
	/* What was seen counts: p is never 0. */
	for (size_t i = 0; i < 12; i++)
		side[i] = 1000.0 + (double)i;
	assert_int_equal(statistics_rank_test(side, 12, baseline, 48, 7, &first), 0);
	assert_near(first, 1.0 / 65536.0, 1e-15);
}

/* Bisection and writing all differences down must agree: the sizes on either side of the limit. */
static void shifts_by_rank(void **state)
{
	double side[64];
	double baseline[1200];
	double differences[64 * 40];
	struct statistics_interval interval;
	uint64_t random = 11;

	(void)state;
	for (size_t n = 30; n <= 64; n++) {
		size_t filled = 0;

		for (size_t i = 0; i < n; i++)
			side[i] = (double)(statistics_random(&random) % 1000) / 7.0;
		for (size_t i = 0; i < 40; i++)
			baseline[i] = (double)(statistics_random(&random) % 900) / 7.0;
		statistics_sort(side, n);
		statistics_sort(baseline, 40);
		for (size_t i = 0; i < n; i++) {
			for (size_t j = 0; j < 40; j++)
				differences[filled++] = side[i] - baseline[j];
		}
		statistics_sort(differences, filled);
		assert_int_equal(statistics_shift(side, n, baseline, 40, 1, &interval), 0);
		/* The lower of the two in the middle, where there are two. */
		assert_true(interval.estimate >= differences[(filled - 1) / 2] - 1e-6 &&
			    interval.estimate <= differences[filled / 2] + 1e-6);
	}
	/* Too many to be written down, with a small sample on one side. */
	for (size_t i = 0; i < 1200; i++)
		baseline[i] = (double)i;
	for (size_t i = 0; i < 64; i++)
		side[i] = 600.0 + (double)i;
	assert_int_equal(statistics_shift(side, 64, baseline, 1200, 1, &interval), 0);
	assert_near(interval.estimate, 32.0, 1e-6);
}

static void rates(void **state)
{
	static const struct {
		size_t seen, tries;
		double low, high;
	} rows[] = {
		{0, 40, 0.0, 0.08809730287880335},
		{1, 60, 0.0004218744524641874, 0.08939905005729891},
		{2, 40, 0.006113646599346682, 0.16919686395941763},
		{5, 60, 0.02761331033742792, 0.1838577833765857},
		{40, 40, 0.9119026971211966, 1.0},
		{9, 10, 0.5549838829718047, 0.9974714214555375},
		{300, 1000, 0.27172111212914873, 0.32946167869736503},
		{1, 1, 0.025, 1.0},
		{0, 0, 0.0, 1.0},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(rows); i++) {
		double low;
		double high;

		statistics_rate_interval(rows[i].seen, rows[i].tries, &low, &high);
		assert_near(low, rows[i].low, 1e-9);
		assert_near(high, rows[i].high, 1e-9);
	}
}

static void students_t(void **state)
{
	static const struct {
		size_t freedom;
		double t;
	} rows[] = {
		{1, 12.706204736432095},   {2, 4.302652729911275},     {5, 2.5705818366147395},
		{9, 2.2621571627409915},   {18, 2.10092204024096},     {30, 2.0422724563012373},
		{100, 1.9839715184496334}, {1000, 1.9623390808264074},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(rows); i++)
		assert_near(statistics_t95(rows[i].freedom), rows[i].t, 1e-7);
}

static void blocks_that_a_claim_takes(void **state)
{
	(void)state;
	assert_int_equal(statistics_blocks_for(0.02, 10, 0.01), 33);
	assert_int_equal(statistics_blocks_for(0.005, 10, 0.01), 5);
	assert_int_equal(statistics_blocks_for(0.03, 9, 0.01), 61);
	/* Above 1000 degrees of freedom t is that of 1000: one block in 600 more. */
	assert_in_range(statistics_blocks_for(0.2, 10, 0.01), 3000, 3015);
	assert_int_equal(statistics_blocks_for(0.0, 10, 0.01), 0);
	assert_int_equal(statistics_blocks_for(NAN, 10, 0.01), 0);
	assert_int_equal(statistics_blocks_for(0.02, 1, 0.01), 0);
	assert_int_equal(statistics_blocks_for(1e6, 10, 0.01), 0);
	assert_near(statistics_half_width(0.02, 10, 20), 0.013084780548716434, 1e-9);
	assert_near(statistics_half_width(0.02, 10, 10), 0.02, 1e-12);
}

/* The paired test and location on values with ties and a 0, by SciPy's permutation_test. */
static void paired_values(void **state)
{
	double values[] = {0.5, -0.25, 0.75, 0.75, -0.5, 1.25, 0.0, 0.25, 1.5, -0.75};
	bool exact;

	(void)state;
	assert_near(statistics_sign_flip(values, LENGTH(values), 1, &exact), 0.20703125, 1e-12);
	assert_true(exact);
	statistics_sort(values, LENGTH(values));
	assert_near(statistics_hodges_lehmann(values, LENGTH(values)), 0.375, 1e-12);
}

#define MOST_VALUES 64

/* What so many pairs of samples gave: how often an interval held 0, a p was at most 5 %, both. */
struct tally {
	int sets;
	int covered;
	int alarms;
	int claims;
};

static struct tally tally(enum noise noise, size_t n, size_t m, double wider, int sets)
{
	struct tally tally = {.sets = sets};
	uint64_t random = 2026 + noise * 100 + n * 10 + m;

	for (int set = 0; set < sets; set++) {
		struct statistics_interval interval;
		double side[MOST_VALUES];
		double baseline[MOST_VALUES];
		bool off;
		double p;

		for (size_t i = 0; i < n; i++)
			side[i] = wider * noise_draw(noise, &random);
		for (size_t i = 0; i < m; i++)
			baseline[i] = noise_draw(noise, &random);
		statistics_sort(side, n);
		statistics_sort(baseline, m);
		assert_int_equal(statistics_shift(side, n, baseline, m, (uint64_t)set, &interval),
				 0);
		assert_int_equal(statistics_rank_test(side, n, baseline, m, (uint64_t)set, &p), 0);
		off = interval.low > 0.0 || interval.high < 0.0;
		tally.covered += !off;
		tally.alarms += p <= STATISTICS_LEVEL;
		tally.claims += off && p <= STATISTICS_LEVEL;
	}
	return tally;
}

/* Within four standard errors of a rate between these two. */
static void assert_rate(int seen, int tries, double least, double most)
{
	double n = tries;
	double rate = seen / n;

	if (rate < least - 4.0 * sqrt(least * (1.0 - least) / n) ||
	    rate > most + 4.0 * sqrt(most * (1.0 - most) / n))
		fail_msg("%d of %d: not between %g and %g", seen, tries, least, most);
}

/*
 * Two samples of one distribution, sizes as two runs have them: bootstrapped, and from ranks.
 * Discrete p keeps below its level in small samples; intervals of few values are wide.
 */
static void unpaired_intervals_cover(void **state)
{
	/* And how many sets, by what one costs. */
	static const size_t sizes[][3] = {{6, 6, 500},	{9, 9, 500},	{10, 20, 300},
					  {25, 31, 60}, {32, 32, 1000}, {40, 64, 1000}};

	(void)state;
	for (enum noise noise = NORMAL; noise < NOISES; noise++) {
		for (size_t i = 0; i < LENGTH(sizes); i++) {
			struct tally t =
				tally(noise, sizes[i][0], sizes[i][1], 1.0, (int)sizes[i][2]);

			assert_rate(t.covered, t.sets, 0.945, 0.98);
			assert_rate(t.alarms, t.sets, 0.04, 0.05);
			assert_rate(t.claims, t.sets, 0.02, 0.05);
		}
	}
}

/* A run three times as noisy as the other, about the same middle: still no more than 5 % claims. */
static void unlike_spreads_are_no_difference(void **state)
{
	static const size_t sizes[][2] = {{9, 9}, {10, 20}, {20, 10}, {40, 64}};

	(void)state;
	for (enum noise noise = NORMAL; noise <= HEAVY_TAILED; noise++) {
		for (size_t i = 0; i < LENGTH(sizes); i++) {
			struct tally t = tally(noise, sizes[i][0], sizes[i][1], 3.0, 400);

			assert_rate(t.covered, t.sets, 0.94, 0.98);
			assert_rate(t.claims, t.sets, 0.01, 0.055);
		}
	}
}

/* The whole claim, floor and all, on ratios: an equal run is let alone, a 5 % slower one is not. */
static void claims_from_samples(void **state)
{
	enum { SETS = 400, RUNS = 9 };
	uint64_t random = 77;
	int false_claims = 0;
	int found = 0;
	int held = 0;

	(void)state;
	for (int set = 0; set < SETS; set++) {
		double values[4][RUNS]; /* a run, its control, an equal run, a slower run */
		struct statistics_effect effect;
		double floor;

		for (size_t cell = 0; cell < 4; cell++) {
			for (size_t i = 0; i < RUNS; i++)
				values[cell][i] =
					(cell == 3 ? 0.95 : 1.0) * 2e5 *
					exp(0.012 * noise_draw(CONTAMINATED, &random) / 2.0);
		}
		assert_int_equal(
			statistics_compare_samples(values[1], RUNS, values[0], RUNS, 1, &effect),
			0);
		assert_int_equal(effect.pairs, RUNS);
		assert_true(effect.exact);
		floor = statistics_floor(&effect);
		assert_int_equal(
			statistics_compare_samples(values[2], RUNS, values[0], RUNS, 1, &effect),
			0);
		false_claims += statistics_judge(&effect, effect.p, floor, true) !=
				STATISTICS_NO_DIFFERENCE;
		assert_int_equal(
			statistics_compare_samples(values[3], RUNS, values[0], RUNS, 1, &effect),
			0);
		found += statistics_judge(&effect, effect.p, floor, true) == STATISTICS_SLOWER;
		held += effect.low <= 0.95 && effect.high >= 0.95;
	}
	assert_rate(false_claims, SETS, 0.0, 0.04);
	assert_true(found >= SETS * 95 / 100);
	assert_rate(held, SETS, 0.95, 0.98);
}

static void samples_that_cannot_be_compared(void **state)
{
	static const double good[] = {1.0, 2.0};
	static const double zero[] = {1.0, 0.0};
	static const double missing[] = {NAN, 1.0};
	struct statistics_effect effect;

	(void)state;
	assert_int_equal(statistics_compare_samples(good, 2, zero, 2, 1, &effect), 0);
	assert_int_equal(effect.pairs, 0);
	assert_int_equal(statistics_compare_samples(missing, 2, good, 2, 1, &effect), 0);
	assert_int_equal(effect.pairs, 0);
	assert_int_equal(statistics_compare_samples(good, 2, good, 0, 1, &effect), 0);
	assert_int_equal(effect.pairs, 0);
	assert_int_equal(statistics_compare_samples(good, 1, good, 2, 1, &effect), 0);
	assert_int_equal(effect.pairs, 1);
	assert_near(effect.ratio, 1.0 / sqrt(2.0), 1e-12);
	assert_true(isnan(effect.low));
}

/* A host that wanders from block to block, and jolts: pairs share it, so their intervals hold. */
static void paired_intervals_hold_on_a_drifting_host(void **state)
{
	enum { SETS = 300, BLOCKS = 12 };

	(void)state;
	for (enum noise noise = NORMAL; noise <= HEAVY_TAILED; noise++) {
		uint64_t random = 31 + noise;
		struct tally t = {.sets = SETS};

		for (int set = 0; set < SETS; set++) {
			struct statistics_effect effect;
			double side[BLOCKS];
			double baseline[BLOCKS];
			double drift = 0.0;

			for (int i = 0; i < BLOCKS; i++) {
				drift += 0.03 * noise_normal(&random) +
					 (noise_uniform(&random) < 0.05 ? 0.3 : 0.0);
				side[i] = exp(drift + 0.01 * noise_draw(noise, &random));
				baseline[i] = exp(drift + 0.01 * noise_draw(noise, &random));
			}
			assert_int_equal(
				statistics_compare(side, baseline, BLOCKS, (uint64_t)set, &effect),
				0);
			t.covered += effect.low <= 1.0 && effect.high >= 1.0;
			t.alarms += effect.p <= STATISTICS_LEVEL;
		}
		assert_rate(t.covered, SETS, 0.945, 0.975);
		assert_rate(t.alarms, SETS, 0.04, 0.05);
	}
}

/* Above sixteen pairs flips are drawn: the effect says so, and the level is kept. */
static void many_pairs_are_sampled(void **state)
{
	enum { SETS = 100, BLOCKS = 20 };
	uint64_t random = 3;
	int alarms = 0;

	(void)state;
	for (int set = 0; set < SETS; set++) {
		struct statistics_effect effect;
		double values[2][BLOCKS];

		for (int i = 0; i < BLOCKS; i++) {
			values[0][i] = exp(0.1 * noise_draw(HEAVY_TAILED, &random));
			values[1][i] = exp(0.1 * noise_draw(HEAVY_TAILED, &random));
		}
		assert_int_equal(
			statistics_compare(values[0], values[1], BLOCKS, (uint64_t)set, &effect),
			0);
		assert_false(effect.exact);
		alarms += effect.p <= STATISTICS_LEVEL;
	}
	assert_rate(alarms, SETS, 0.045, 0.05);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rank_tests),
		cmocka_unit_test(rank_tests_of_little),
		cmocka_unit_test(sampling_is_reproducible),
		cmocka_unit_test(shifts_by_rank),
		cmocka_unit_test(rates),
		cmocka_unit_test(students_t),
		cmocka_unit_test(blocks_that_a_claim_takes),
		cmocka_unit_test(paired_values),
		cmocka_unit_test(unpaired_intervals_cover),
		cmocka_unit_test(unlike_spreads_are_no_difference),
		cmocka_unit_test(claims_from_samples),
		cmocka_unit_test(samples_that_cannot_be_compared),
		cmocka_unit_test(paired_intervals_hold_on_a_drifting_host),
		cmocka_unit_test(many_pairs_are_sampled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
