/*
 * results/histogram: percentiles against the sorted values they were made of, merging, and the
 * percentile text against what HdrHistogram prints for the same values.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "results/histogram.h"

#define VALUES 20011

static uint64_t next_random(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static int ascending(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a;
	uint64_t right = *(const uint64_t *)b;

	return (left > right) - (left < right);
}

/* Spread over the whole range, from 1 ns to an hour, so that every octave is tried. */
static void fill(uint64_t *values, size_t count)
{
	uint64_t state = 1;

	for (size_t i = 0; i < count; i++) {
		double share = (double)(next_random(&state) >> 11) * 0x1p-53;

		values[i] = (uint64_t)pow((double)HISTOGRAM_MOST_NS, share);
	}
}

/* Every value lies in a bin that begins at most 1/1024 below it, and bins only go up. */
static void bins_are_narrow(void **state)
{
	(void)state;
	for (uint64_t ns = 0; ns < 2 * HISTOGRAM_SUB; ns++)
		assert_int_equal(histogram_bin(ns), ns);
	for (uint64_t edge = 2 * HISTOGRAM_SUB; edge < HISTOGRAM_MOST_NS; edge *= 2) {
		assert_int_equal(histogram_bin(edge), histogram_bin(edge - 1) + 1);
		assert_int_equal(histogram_bin(edge + edge / 1024), histogram_bin(edge) + 1);
		assert_int_equal(histogram_bin(edge + edge / 1024 - 1), histogram_bin(edge));
	}
	assert_true(histogram_bin(HISTOGRAM_MOST_NS) < HISTOGRAM_BINS);
}

static void percentiles_match_sorted_values(void **state)
{
	static const double percentiles[] = {0.0, 0.01, 10.0, 50.0, 90.0, 99.0, 99.9, 99.99, 100.0};
	static uint64_t values[VALUES];
	struct histogram *histogram = histogram_new();
	double sum = 0.0;

	(void)state;
	assert_non_null(histogram);
	fill(values, VALUES);
	for (size_t i = 0; i < VALUES; i++) {
		histogram_record(histogram, values[i]);
		sum += (double)values[i];
	}
	qsort(values, VALUES, sizeof(values[0]), ascending);
	for (size_t i = 0; i < sizeof(percentiles) / sizeof(percentiles[0]); i++) {
		double rank = ceil(percentiles[i] * VALUES / 100.0);
		uint64_t exact = values[rank < 1.0 ? 0 : (size_t)rank - 1];
		uint64_t got = histogram_percentile(histogram, percentiles[i]);

		assert_true(got >= exact);
		assert_true(got - exact <= exact / 1024);
	}
	assert_int_equal(histogram->total, VALUES);
	assert_int_equal(histogram->min_ns, values[0]);
	assert_int_equal(histogram->max_ns, values[VALUES - 1]);
	assert_int_equal(histogram_percentile(histogram, 100.0), values[VALUES - 1]);
	assert_true(fabs(histogram_mean(histogram) / (sum / VALUES) - 1.0) < 1e-12);
	free(histogram);
}

/* 99.9 % of 5,300,000 values is the 5,294,700th; a naive product says 5294700.000000001. */
static void ranks_do_not_slip(void **state)
{
	struct histogram *histogram = histogram_new();

	(void)state;
	assert_non_null(histogram);
	for (uint64_t ns = 1; ns <= 1000; ns++)
		histogram_record(histogram, ns);
	assert_int_equal(histogram_percentile(histogram, 99.9), 999);
	assert_int_equal(histogram_percentile(histogram, 50.0), 500);
	assert_int_equal(histogram_percentile(histogram, 50.01), 501);
	assert_int_equal(histogram_percentile(histogram, 0.1), 1);
	histogram_reset(histogram);
	for (size_t i = 0; i < 5300000; i++)
		histogram_record(histogram, i < 5294700 ? 1000 : 2000);
	assert_int_equal(histogram_percentile(histogram, 99.9), 1000);
	assert_int_equal(histogram_percentile(histogram, 99.91), 2000);
	free(histogram);
}

static void merging_equals_recording(void **state)
{
	static uint64_t values[VALUES];
	struct histogram *whole = histogram_new();
	struct histogram *left = histogram_new();
	struct histogram *right = histogram_new();

	(void)state;
	assert_true(whole && left && right);
	fill(values, VALUES);
	for (size_t i = 0; i < VALUES; i++) {
		histogram_record(whole, values[i]);
		histogram_record(i % 3 ? left : right, values[i]);
	}
	histogram_merge(left, right);
	assert_memory_equal(left, whole, sizeof(*whole));
	histogram_reset(right);
	histogram_merge(left, right);
	assert_memory_equal(left, whole, sizeof(*whole));
	/* Memory that nobody touched is one without values, too. */
	memset(right, 0, sizeof(*right));
	histogram_merge(left, right);
	assert_memory_equal(left, whole, sizeof(*whole));
	free(whole);
	free(left);
	free(right);
}

static void extremes(void **state)
{
	struct histogram *histogram = histogram_new();

	(void)state;
	assert_non_null(histogram);
	assert_int_equal(histogram_percentile(histogram, 50.0), 0);
	assert_true(isnan(histogram_mean(histogram)));
	histogram_record(histogram, 0);
	histogram_record(histogram, 2 * HISTOGRAM_MOST_NS);
	assert_int_equal(histogram->total, 2);
	assert_int_equal(histogram_percentile(histogram, 50.0), 0);
	assert_int_equal(histogram_percentile(histogram, 100.0), 2 * HISTOGRAM_MOST_NS);
	free(histogram);
}

/*
 * 1 to 10 us, worked out by hand after HdrHistogram's iterator: steps of 10 % up to 50 %, of 5 %
 * up to 75 %, of 2.5 % up to 87.5 %, one step in the last bin, then 100 % without its fourth
 * column, on which the plotter relies.
 */
static void text_is_hdrhistograms(void **state)
{
	static const char expected[] = "       Value     Percentile TotalCount 1/(1-Percentile)\n"
				       "\n"
				       "       1.000 0.000000000000          1           1.00\n"
				       "       1.000 0.100000000000          1           1.11\n"
				       "       2.000 0.200000000000          2           1.25\n"
				       "       3.001 0.300000000000          3           1.43\n"
				       "       4.001 0.400000000000          4           1.67\n"
				       "       5.003 0.500000000000          5           2.00\n"
				       "       6.003 0.550000000000          6           2.22\n"
				       "       6.003 0.600000000000          6           2.50\n"
				       "       7.003 0.650000000000          7           2.86\n"
				       "       7.003 0.700000000000          7           3.33\n"
				       "       8.003 0.750000000000          8           4.00\n"
				       "       8.003 0.775000000000          8           4.44\n"
				       "       8.003 0.800000000000          8           5.00\n"
				       "       9.007 0.825000000000          9           5.71\n"
				       "       9.007 0.850000000000          9           6.67\n"
				       "       9.007 0.875000000000          9           8.00\n"
				       "       9.007 0.887500000000          9           8.89\n"
				       "       9.007 0.900000000000          9          10.00\n"
				       "      10.000 0.912500000000         10          11.43\n"
				       "      10.000 1.000000000000         10\n"
				       "#[Mean    =        5.500, StdDeviation   =        2.873]\n"
				       "#[Max     =       10.000, Total count    =           10]\n"
				       "#[Buckets =           32, SubBuckets     =         2048]\n";
	struct histogram *histogram = histogram_new();
	char *text;
	size_t length;
	FILE *file = open_memstream(&text, &length);

	(void)state;
	assert_true(histogram && file);
	for (uint64_t us = 1; us <= 10; us++)
		histogram_record(histogram, 1000 * us);
	assert_int_equal(histogram_write(histogram, file), 0);
	fclose(file);
	assert_string_equal(text, expected);
	free(text);
	free(histogram);
}

/* A full disk must not look like a written file. */
static void text_reports_a_failed_write(void **state)
{
	struct histogram *histogram = histogram_new();
	FILE *file = fopen("/dev/full", "w");

	(void)state;
	assert_true(histogram && file);
	setvbuf(file, NULL, _IONBF, 0);
	assert_int_equal(histogram_write(histogram, file), -EIO);
	fclose(file);
	free(histogram);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bins_are_narrow),
		cmocka_unit_test(percentiles_match_sorted_values),
		cmocka_unit_test(ranks_do_not_slip),
		cmocka_unit_test(merging_equals_recording),
		cmocka_unit_test(extremes),
		cmocka_unit_test(text_is_hdrhistograms),
		cmocka_unit_test(text_reports_a_failed_write),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
