/*
 * results/knee: the knee of curves whose answer is known, under noise by simulation, saturation,
 * who is compared with whom, and the words.
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

#include "results/knee.h"
#include "results/trust.h"

#define LOADS 7

static const double shares[LOADS] = {0.2, 0.4, 0.5, 0.6, 0.8, 0.9, 0.95};

/*
 * Kleinrock's own results: M/M/1, T = 1 / (1 - rho), has its most power at rho = 1/2; M/D/1,
 * T = 1 + rho / (2 (1 - rho)), at rho = 2 - sqrt 2 = 0.586; D/D/1, T = 1 up to rho = 1, at 1.
 */
static void queues(void **state)
{
	double rates[200], single[200], fixed[200], steady[200];

	(void)state;
	for (size_t i = 0; i < 200; i++) {
		double rho = (double)(i + 1) / 201;

		rates[i] = rho;
		single[i] = 1 / (1 - rho);
		fixed[i] = 1 + rho / (2 * (1 - rho));
		steady[i] = 1;
	}
	assert_true(fabs(rates[knee_find(rates, single, 200)] - 0.5) < 0.005);
	assert_true(fabs(rates[knee_find(rates, fixed, 200)] - (2 - sqrt(2))) < 0.005);
	assert_int_equal(knee_find(rates, steady, 200), 199);
}

static void no_power(void **state)
{
	(void)state;
	assert_int_equal(knee_find(NULL, NULL, 0), 0);
	assert_int_equal(knee_find((double[]){0, -1, 1}, (double[]){1, 1, 0}, 3), 3);
	assert_int_equal(knee_find((double[]){1, NAN, 3}, (double[]){1, 1, NAN}, 3), 0);
	/* The first of equals. */
	assert_int_equal(knee_find((double[]){1, 2, 4}, (double[]){1, 2, 4}, 3), 0);
}

static struct record *rows;
static size_t row_count;

static int stop(void **state)
{
	(void)state;
	record_free_all(rows, row_count);
	rows = NULL;
	row_count = 0;
	return 0;
}

static struct record *add(const char *model, const char *role, unsigned block, double capacity,
			  double share, double came, double latency_us)
{
	struct record *row;
	char cell[64];

	rows = realloc(rows, (row_count + 1) * sizeof(*rows));
	assert_non_null(rows);
	row = &rows[row_count++];
	record_init(row, RECORD_FETCH);
	snprintf(cell, sizeof(cell), "%s/%g%%", model, 100 * share);
	record_set_text(row, COLUMN_cell, cell);
	record_set_text(row, COLUMN_role, role);
	record_set_text(row, COLUMN_model, model);
	record_set_count(row, COLUMN_block, block);
	record_set_count(row, COLUMN_connections, 64);
	record_set_count(row, COLUMN_workers, 1);
	record_set_real(row, COLUMN_rate_rps, capacity * share);
	record_set_real(row, COLUMN_rate_share, share);
	record_set_count(row, COLUMN_requests, (uint64_t)(10000 * came));
	record_set_count(row, COLUMN_unsent, (uint64_t)(10000 * (1 - came)));
	record_set_real(row, COLUMN_throughput_rps, capacity * share * came);
	record_set_real(row, COLUMN_latency_p50_us, latency_us / 2);
	record_set_real(row, COLUMN_latency_p99_us, latency_us);
	record_set_real(row, COLUMN_latency_uncorrected_p99_us, 40);
	return row;
}

static uint64_t random_state = 5;

static double noise(double size)
{
	double sum = -6;

	for (unsigned i = 0; i < 12; i++)
		sum += (double)statistics_random(&random_state) / 18446744073709551616.0;
	return exp(size * sum);
}

static void add_queue(const char *model, const char *role, unsigned block, double capacity,
		      double size)
{
	for (size_t i = 0; i < LOADS; i++)
		add(model, role, block, capacity, shares[i], 1,
		    100 / (1 - shares[i]) * noise(size));
}

/*
 * M/M/1 with latencies that scatter by a tenth, nine blocks: its knee, 0.5, is in the interval
 * nearly always, and equal models are said to differ in 5 % of the runs at most: 12 of 100 would
 * happen by chance less than once in two hundred times.
 */
static void under_noise(void **state)
{
	unsigned in = 0, claimed = 0;

	for (unsigned run = 0; run < 100; run++) {
		const struct knee_line *line;
		struct knee knee;

		for (unsigned block = 1; block <= 9; block++) {
			add_queue("epoll", "cell", block, 1e5, 0.1);
			add_queue("epoll", "control", block, 1e5, 0.1);
			add_queue("uring", "cell", block, 1e5, 0.1);
		}
		assert_int_equal(knee_make(rows, row_count, run, &knee), 0);
		assert_int_equal(knee.count, 2);
		line = &knee.lines[0];
		assert_true(line->baseline == 0 && line->count == LOADS);
		assert_true(line->low <= line->knee && line->knee <= line->high);
		in += line->low <= 2 && 2 <= line->high;
		claimed += knee.lines[1].verdict != STATISTICS_NO_DIFFERENCE &&
			   knee.lines[1].verdict != STATISTICS_NOT_COMPARED;
		knee_release(&knee);
		stop(state);
	}
	if (in < 90 || claimed > 11)
		fail_msg("0.5 in the interval %u times, %u false alarms", in, claimed);
}

/* Two models, their loads shares of what three runs each told of their capacities. */
static unsigned claims_of(double ratio, unsigned runs)
{
	unsigned claimed = 0;

	for (unsigned run = 0; run < runs; run++) {
		double measured[2];
		struct knee knee;

		for (size_t i = 0; i < 2; i++) {
			double three[3];

			for (size_t k = 0; k < 3; k++)
				three[k] = (i ? ratio : 1) * 1e5 * noise(0.03);
			statistics_sort(three, 3);
			measured[i] = three[1];
		}
		for (unsigned block = 1; block <= 9; block++) {
			for (size_t i = 0; i < LOADS; i++) {
				static const char *const models[] = {"epoll", "epoll", "uring"};

				for (size_t m = 0; m < 3; m++) {
					double capacity = measured[m / 2];
					double load =
						capacity * shares[i] / (m / 2 ? ratio * 1e5 : 1e5);

					add(models[m], m == 1 ? "control" : "cell", block, capacity,
					    shares[i], 1,
					    100 / (1 - fmin(load, 0.99)) * noise(0.01));
				}
			}
		}
		assert_int_equal(knee_make(rows, row_count, run, &knee), 0);
		claimed += knee.lines[1].verdict == STATISTICS_FASTER ||
			   knee.lines[1].verdict == STATISTICS_SLOWER;
		knee_release(&knee);
		stop(NULL);
	}
	return claimed;
}

/* A capacity that came out 3 % higher makes no model better, and every block agrees on it. */
static void capacities_that_jitter(void **state)
{
	(void)state;
	assert_in_range(claims_of(1, 100), 0, 5);
	assert_in_range(claims_of(3, 20), 19, 20);
}

static char *printed(void)
{
	char *text = NULL;
	struct knee knee;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	assert_non_null(file);
	assert_int_equal(knee_make(rows, row_count, 3, &knee), 0);
	assert_int_equal(knee_print(&knee, file, false), 0);
	fclose(file);
	knee_release(&knee);
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
	says("no latency against load to show");
	for (unsigned block = 1; block <= 9; block++) {
		double drift = 1 + 0.01 * (block % 4);

		for (size_t i = 0; i < 5; i++) {
			static const double load[] = {0.2, 0.5, 0.8, 1, 1.1};
			static const double came[] = {1, 0.995, 0.99, 0.97, 0.9};
			static const double us[] = {100, 110, 140, 2000, 90000};

			add("epoll", "cell", block, 1e5, load[i], came[i], us[i] * drift);
			add("epoll", "control", block, 1e5, load[i], came[i], us[i] * drift);
			add("uring", "cell", block, 1.2e5, load[i], came[i], us[i] * drift);
			add("wide", "cell", block, 2.5e5, load[i], came[i], us[i] * drift);
		}
		/* Too few loads for a knee. */
		add("poll", "cell", block, 1e5, 0.2, 1, 100);
		add("poll", "cell", block, 1e5, 0.4, 1, 100);
	}
	says("The knee is at 80 %, 80.0 k/s, where half the fetches take at most 70.7 µs");
	says("(95 % interval over blocks: 80 % to 80 %).");
	says("Saturation: at 100 % 97.0 % of what was due came; all that was due came up to 80 %");
	/* epoll's knee is known to lie between 50 and 100 k/s: of uring's, 60 to 120, too little. */
	says("with 64 connections, against that of epoll\n  uring: no difference shown\n"
	     "  wide: faster by 2.5 times [1.25, 5]\n");
	says("the knee's rate: 2 comparisons; noise floor 0.0 %");
	says("known no finer than the loads beside it");
}

/* What equals differ by, others must exceed: the control's knee is at half the load. */
static void below_the_floor(void **state)
{
	(void)state;
	for (unsigned block = 1; block <= 9; block++)
		for (size_t i = 0; i < 3; i++) {
			add("epoll", "cell", block, 1e5, 0.4 * (double)(i + 1), 1,
			    i < 2 ? 100 : 1e4);
			add("epoll", "control", block, 1e5, 0.4 * (double)(i + 1), 1,
			    i < 1 ? 100 : 1e4);
			add("uring", "cell", block, 1.2e5, 0.4 * (double)(i + 1), 1,
			    i < 2 ? 100 : 1e4);
		}
	says("uring: no difference shown\n");
	says("noise floor 100.0 %");
}

/* What ends at the edge of what was tried is said to. */
static void edges(void **state)
{
	(void)state;
	for (unsigned block = 1; block <= 3; block++)
		for (size_t i = 0; i < 3; i++) {
			add("flat", "cell", block, 1e5, shares[i], 1, 100);
			add("steep", "cell", block, 1e5, shares[i], 0.9, 100 * pow(10, (double)i));
			add("shaky", "cell", block, 1e5, shares[i], block % 2 ? 0.99 : 0.9, 100);
		}
	says("No higher load was tried: it may be above");
	says("not reached with any load tried; all that was due came up to 50 %");
	says("No lower load was tried: it may be below");
	says("Saturation: at 20 % 90.0 % of what was due came; not even the lowest");
	says("99.0 % ?");
	says("range of 3 blocks");
	says("Intervals: range of 3 blocks. Verdicts");
	says("Saturation: cannot be told from these blocks; not even the lowest load is sure");
	says("unknown, no A/A control");
	says("steep: no difference shown\n");
	says("3 blocks cannot decide 2 comparisons, whatever they show; 7 could");
}

/* A load that is missing in a block, and a row that failed. */
static void gaps(void **state)
{
	struct knee knee;

	(void)state;
	for (unsigned block = 1; block <= 6; block++)
		for (size_t i = 0; i < 3; i++) {
			struct record *row =
				add("epoll", "cell", block, 1e5, shares[i], 1, 100 + (double)i);

			if (block == 2 && i == 1)
				record_set_text(row, COLUMN_flags, "failed timeout");
			add("uring", "cell", block, 1e5, shares[i], 1, 100 + (double)i);
		}
	assert_int_equal(knee_make(rows, row_count, 3, &knee), 0);
	assert_int_equal(knee.count, 2);
	assert_int_equal(knee.lines[0].blocks, 6);
	assert_int_equal(knee.lines[1].effect.pairs, 5);
	knee_release(&knee);
}

/* What differs in more than its load is another line, compared with its own workload's first. */
static void workloads_apart(void **state)
{
	static const struct {
		enum record_column column;
		const char *values[2];
		bool own_workload;
	} factors[] = {
		{COLUMN_url, {"http://127.0.0.1:1/bytes/1", "http://127.0.0.1:2/bytes/9"}, true},
		{COLUMN_url, {"http://a:1/x", "http://b:1/x"}, true},
		{COLUMN_overlap, {"none", "thread"}, true},
		{COLUMN_placement, {"spread", "pack"}, false},
	};

	for (size_t f = 0; f < sizeof(factors) / sizeof(factors[0]); f++) {
		struct knee knee;

		for (unsigned i = 0; i < 6 * 6; i++) {
			double share = shares[i % 3];
			struct record *row = add("epoll", "cell", 1 + i / 6, i % 6 / 3 ? 1e5 : 2e5,
						 share, 1, 100);

			record_set_text(row, factors[f].column, factors[f].values[i % 6 / 3]);
			if (i % 6 / 3)
				record_set_text(row, COLUMN_cell,
						(const char *[]){"b/1", "b/2", "b/3"}[i % 3]);
		}
		assert_int_equal(knee_make(rows, row_count, 3, &knee), 0);
		assert_int_equal(knee.count, 2);
		assert_int_equal(knee.mixed, 0);
		assert_int_equal(knee.lines[0].count, 3);
		assert_int_equal(knee.lines[1].count, 3);
		assert_int_equal(knee.lines[1].baseline, factors[f].own_workload);
		assert_int_equal(knee.lines[1].effect.pairs, factors[f].own_workload ? 0 : 6);
		knee_release(&knee);
		stop(state);
	}
	for (unsigned i = 0; i < 6; i++) {
		struct record *row = add("epoll", "cell", 1, 1e5, shares[i % 3], 1, 100);
		char url[64];

		/* A port is no factor, one that no column shows leaves the line out. */
		snprintf(url, sizeof(url), "http://127.0.0.1:%u/x", i);
		record_set_text(row, COLUMN_url, url);
		if (i >= 3)
			record_set_text(row, COLUMN_cell,
					(const char *[]){"b/1", "b/2", "b/3"}[i % 3]);
		if (i == 2)
			says("/x, medians of 1 block\n");
	}
	says("1 line left out: cells of the same load differ");
}

/* --strict is told of claims that a flagged row stands behind. */
static void claims_on_flagged_rows(void **state)
{
	struct trust trust = {0};
	struct knee knee;

	(void)state;
	for (unsigned block = 1; block <= 9; block++) {
		add_queue("epoll", "cell", block, 1e5, 0.01);
		add_queue("epoll", "control", block, 1e5, 0.01);
		add_queue("uring", "cell", block, 4e5, 0.01);
	}
	assert_int_equal(knee_make(rows, row_count, 1, &knee), 0);
	trust_add_knee(&trust, &knee);
	assert_true(trust.claims == 1 && trust.doubtful == 0);
	knee_release(&knee);
	record_set_text(&rows[row_count - 1], COLUMN_flags, "steal");
	assert_int_equal(knee_make(rows, row_count, 1, &knee), 0);
	trust_add_knee(&trust, &knee);
	assert_true(trust.claims == 2 && trust.doubtful == 1);
	assert_string_equal(trust.text, "knee of uring (steal)");
	knee_release(&knee);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(queues),
		cmocka_unit_test(no_power),
		cmocka_unit_test_teardown(under_noise, stop),
		cmocka_unit_test_teardown(capacities_that_jitter, stop),
		cmocka_unit_test_teardown(words, stop),
		cmocka_unit_test_teardown(below_the_floor, stop),
		cmocka_unit_test_teardown(edges, stop),
		cmocka_unit_test_teardown(gaps, stop),
		cmocka_unit_test_teardown(workloads_apart, stop),
		cmocka_unit_test_teardown(claims_on_flagged_rows, stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
