/*
 * results/regimes: who wins where on maps that are known, how often a winner is named where there
 * is none, and the rule of thumb's outcomes.
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

#include "results/regimes.h"
#include "results/trust.h"

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

static void add(const char *model, const char *role, unsigned block, double latency_us,
		unsigned connections, double rate, double cpu_us)
{
	bool sync = strcmp(model, "blocking") == 0;
	struct record *row;
	char cell[64];

	rows = realloc(rows, (row_count + 1) * sizeof(*rows));
	assert_non_null(rows);
	row = &rows[row_count++];
	record_init(row, RECORD_FETCH);
	snprintf(cell, sizeof(cell), "%s/%g/%u", model, latency_us, connections);
	record_set_text(row, COLUMN_cell, cell);
	record_set_text(row, COLUMN_role, role);
	record_set_text(row, COLUMN_model, model);
	record_set_text(row, COLUMN_notification, sync ? "sync" : "async");
	record_set_text(row, COLUMN_quadrant, sync ? "sync-blocking" : "async-blocking");
	record_set_count(row, COLUMN_block, block);
	record_set_count(row, COLUMN_connections, connections);
	record_set_real(row, COLUMN_origin_latency_us, latency_us);
	record_set_real(row, COLUMN_throughput_rps, rate);
	record_set_real(row, COLUMN_cpu_us_per_request, cpu_us);
}

static uint64_t random_state = 5;

static double noise(double size)
{
	double sum = -6;

	for (unsigned i = 0; i < 12; i++)
		sum += (double)statistics_random(&random_state) / 18446744073709551616.0;
	return exp(size * sum);
}

static const char *const models[] = {"blocking", "epoll", "uring"};

/*
 * Three models alike at four points: a map names anyone beaten in 5 % of the runs at most; over
 * 80, more than 10 would come by chance less than once in three hundred times.
 */
static void nobody_wins(void **state)
{
	unsigned alarms = 0;

	for (unsigned run = 0; run < 80; run++) {
		struct regimes r;
		bool alarm = false;

		for (unsigned block = 1; block <= 12; block++)
			for (unsigned at = 0; at < 4; at++) {
				double drift = noise(0.1);

				for (unsigned m = 0; m < 3; m++)
					add(models[m], "cell", block, at / 2 * 1000, 1 + at % 2,
					    1e5 * drift * noise(0.02), 5);
			}
		assert_int_equal(regimes_make(rows, row_count, REGIMES_ALL, run, &r), 0);
		assert_int_equal(r.point_count, 4);
		assert_int_equal(r.model_count, 3);
		assert_int_equal(r.comparisons[REGIMES_THROUGHPUT], 8);
		for (unsigned at = 0; at < 4; at++)
			for (unsigned m = 0; m < 3; m++)
				alarm = alarm || !regimes_stands(&r.points[0][at], m);
		alarms += alarm;
		regimes_release(&r);
		stop(state);
	}
	if (alarms > 10)
		fail_msg("%u of 80 maps of equals name a loser", alarms);
}

/* Blocking wins fast and few, uring slow and many; with latency, all throughputs are alike. */
static void add_map(unsigned blocks)
{
	for (unsigned block = 1; block <= blocks; block++) {
		double drift = noise(0.05);

		for (unsigned m = 0; m < 3; m++) {
			double small = noise(0.002), first = m == 0, last = m == 2;

			add(models[m], "cell", block, 0, 1, (2e4 + 2e3 * first) * drift * small,
			    (30 - 3 * first) * small);
			add(models[m], "cell", block, 0, 64, (m ? 2e5 : 1e5) * drift * small,
			    (m ? 5 : 10) * small);
			add(models[m], "cell", block, 5000, 1, 190 * small, 40 * small);
			add(models[m], "cell", block, 5000, 64, 12000 * small,
			    (10 - 2 * last) * small);
		}
		for (unsigned at = 0; at < 4; at++)
			add("blocking", "control", block, at / 2 * 5000, at % 2 ? 64 : 1,
			    at == 0   ? 2.2e4 * drift * noise(0.002)
			    : at == 1 ? 1e5 * drift * noise(0.002)
			    : at == 2 ? 190 * noise(0.002)
				      : 12000 * noise(0.002),
			    (at == 0   ? 27
			     : at == 1 ? 10
			     : at == 2 ? 40
				       : 10) *
				    noise(0.002));
	}
}

static void known_map(void **state)
{
	const struct regimes_point *p;
	struct regimes r;

	(void)state;
	add_map(12);
	/* What has a rate, or is no model, takes no part. */
	add("epoll", "cell", 1, 7, 7, 1, 1);
	record_set_real(&rows[row_count - 1], COLUMN_rate_rps, 5);
	add("floor", "cell", 1, 8, 8, 1, 1);
	record_set_text(&rows[row_count - 1], COLUMN_quadrant, "");
	assert_int_equal(regimes_make(rows, row_count, REGIMES_ALL, 3, &r), 0);
	assert_int_equal(r.point_count, 4);
	assert_int_equal(r.model_count, 3);
	p = r.points[REGIMES_THROUGHPUT];
	/* By latency, then connections; models by the order of cells' names. */
	assert_true(p[0].latency_us == 0 && p[0].connections == 1);
	assert_true(p[3].latency_us == 5000 && p[3].connections == 64);
	assert_string_equal(r.names[p[0].best], "blocking");
	assert_true(!regimes_stands(&p[0], 1) && !regimes_stands(&p[0], 2));
	assert_true(fabs(p[0].effects[1].ratio - 1.1) < 0.01);
	assert_int_equal(regimes_test(&r, &p[0], true), REGIMES_HOLDS);
	assert_int_equal(regimes_test(&r, &p[0], false), REGIMES_BROKEN);
	/* Two share it, the third is beaten. */
	assert_true(!regimes_stands(&p[1], 0) && regimes_stands(&p[1], 1) &&
		    regimes_stands(&p[1], 2));
	assert_int_equal(regimes_test(&r, &p[1], false), REGIMES_HOLDS);
	assert_int_equal(regimes_test(&r, &p[3], false), REGIMES_OPEN);
	p = r.points[REGIMES_CPU];
	assert_string_equal(r.names[p[3].best], "uring");
	assert_int_equal(regimes_test(&r, &p[3], false), REGIMES_HOLDS);
	regimes_release(&r);
}

static void says(const char *part)
{
	char *text = NULL;
	struct regimes r, rule;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	assert_non_null(file);
	assert_int_equal(regimes_make(rows, row_count, REGIMES_ALL, 3, &r), 0);
	assert_int_equal(regimes_make(rows, row_count, REGIMES_RULE, 3, &rule), 0);
	assert_int_equal(regimes_print(&r, &rule, file, false), 0);
	fclose(file);
	regimes_release(&r);
	regimes_release(&rule);
	if (!strstr(text, part))
		fail_msg("'%s' is not in:\n%s", part, text);
	free(text);
}

static void words(void **state)
{
	(void)state;
	says("no map to draw");
	random_state = 5;
	add_map(12);
	says("          none  blocking             epoll = uring\n");
	says("       5.00 ms  no difference shown  no difference shown\n");
	says("       5.00 ms  no difference shown  uring\n");
	says("latency none, 1 connection: highest: blocking, 2");
	says("; faster by 10 % [10, 10] than epoll; faster by ");
	says("; no difference shown to uring\n");
	says("; cheaper by ");
	says("latency 5.00 ms, 64 connections: lowest: uring, 8.0");
	says("fast and few (latency none, 1 connection), by throughput: it holds: blocking.");
	says("slow and many (latency 5.00 ms, 64 connections), by throughput: it cannot be told, "
	     "no difference shown between the two sides.");
	says("slow and many (latency 5.00 ms, 64 connections), by CPU per fetch: it holds: uring.");
	says("throughput, the noisiest point: 8 comparisons; noise floor ");
	/* Whoever spins draws the map, and is no side of the rule. */
	for (unsigned block = 1; block <= 12; block++) {
		add("nonblocking", "cell", block, 0, 1, 9e4, 9);
		record_set_text(&rows[row_count - 1], COLUMN_quadrant, "sync-nonblocking");
		record_set_text(&rows[row_count - 1], COLUMN_notification, "sync");
	}
	says("          none  nonblocking ");
	says("fast and few (latency none, 1 connection), by throughput: it holds: blocking.");
}

/* Below the control's floor nothing wins, however sure. */
static void below_the_floor(void **state)
{
	struct regimes r;

	(void)state;
	for (unsigned block = 1; block <= 12; block++) {
		add("blocking", "cell", block, 0, 1, 100, 5);
		add("blocking", "control", block, 0, 1, 104, 5);
		add("epoll", "cell", block, 0, 1, 103, 5);
	}
	assert_int_equal(regimes_make(rows, row_count, REGIMES_ALL, 3, &r), 0);
	assert_true(regimes_stands(&r.points[0][0], 0) && regimes_stands(&r.points[0][0], 1));
	assert_true(fabs(r.points[0][0].floor - 1.04) < 1e-6);
	regimes_release(&r);
}

/* A side of which nothing ran is not beaten, and one point is not two corners. */
static void one_side_only(void **state)
{
	(void)state;
	for (unsigned block = 1; block <= 12; block++)
		for (unsigned many = 0; many < 2; many++) {
			add("epoll", "cell", block, 0, 1 + many, 100, 5);
			add("uring", "cell", block, 0, 1 + many, 200, 5);
		}
	says("by throughput: it cannot be tested: no synchronous model ran there.\n");
	stop(state);
	for (unsigned block = 1; block <= 12; block++)
		for (unsigned many = 0; many < 2; many++) {
			add("blocking", "cell", block, 0, 1 + many, 100, 5);
			add("epoll", "cell", block, 0, 1 + many, 200, 5);
			record_set_text(&rows[row_count - 1], COLUMN_flags, many ? "failed" : "");
		}
	says("slow and many (latency none, 2 connections), by throughput: it cannot be tested: no "
	     "asynchronous model ran there.\n");
	stop(state);
	for (unsigned block = 1; block <= 12; block++) {
		add("blocking", "cell", block, 0, 1, 100, 5);
		add("epoll", "cell", block, 0, 1, 200, 5);
	}
	says("  It cannot be tested at one point");
}

/* A factor besides those of the map would drop cells without a word. */
static void one_factor_too_many(void **state)
{
	(void)state;
	for (unsigned body = 0; body < 2; body++) {
		add("epoll", "cell", 1, 0, 1, 100, 5);
		record_set_text(&rows[row_count - 1], COLUMN_cell, body ? "epoll/b" : "epoll/a");
		record_set_text(&rows[row_count - 1], COLUMN_url,
				body ? "http://h:1/bytes/9" : "http://h:2/bytes/1");
	}
	says("No map: epoll/a and epoll/b are one model at one latency and number of connections, "
	     "and differ in what they fetch (URL");
	record_set_text(&rows[1], COLUMN_url, "http://h:3/bytes/1");
	says("differ in another factor.\n");
}

/* --strict is told of claims that a flagged row stands behind, on either side. */
static void claims_on_flagged_rows(void **state)
{
	struct trust trust = {0};
	struct regimes r;

	(void)state;
	add_map(10);
	assert_int_equal(regimes_make(rows, row_count, REGIMES_ALL, 1, &r), 0);
	trust_add_regimes(&trust, &r);
	assert_true(trust.claims > 0 && trust.doubtful == 0);
	regimes_release(&r);
	/* blocking with one connection and no latency: it beats the others there. */
	record_set_text(&rows[0], COLUMN_flags, "steal");
	assert_int_equal(regimes_make(rows, row_count, REGIMES_ALL, 1, &r), 0);
	trust = (struct trust){0};
	trust_add_regimes(&trust, &r);
	assert_true(trust.doubtful >= 2 && trust.doubtful < trust.claims && trust.cells == 1);
	assert_string_equal(trust.text, "blocking (steal)");
	regimes_release(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(nobody_wins, stop),
		cmocka_unit_test_teardown(known_map, stop),
		cmocka_unit_test_teardown(words, stop),
		cmocka_unit_test_teardown(below_the_floor, stop),
		cmocka_unit_test_teardown(one_side_only, stop),
		cmocka_unit_test_teardown(one_factor_too_many, stop),
		cmocka_unit_test_teardown(claims_on_flagged_rows, stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
