/*
 * results/compare on runs made up for it: which cells are one cell, what is compared of them, when
 * a difference is claimed, and in what hosts and plans differ.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "results/compare.h"
#include "results/statistics.h"

static char folder[] = "/tmp/iolab-compare-XXXXXX";

static int start(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int stop(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

/* A path in the folder of this test, in a static buffer; two can be had at a time. */
static const char *at(const char *name)
{
	static char paths[2][256];
	static int next;

	next = !next;
	snprintf(paths[next], sizeof(paths[next]), "%s/%s", folder, name);
	return paths[next];
}

static void write_text(const char *name, const char *text)
{
	FILE *file = fopen(at(name), "w");

	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

/* What a made-up cell is like. */
struct made {
	const char *cell, *experiment, *model, *role, *url, *flags;
	double rate;	   /* median, 1/s; 0: none */
	double spread;	   /* of its logarithm */
	double cpu_us;	   /* 0: none */
	uint64_t requests; /* 0: another number each time */
	double offered;
	double latency_us;
	double connections;
	unsigned blocks;
	uint64_t seed;
};

static double jolt(uint64_t *random)
{
	double sum = 0.0;

	for (int i = 0; i < 12; i++)
		sum += (double)(statistics_random(random) >> 11) * 0x1p-53;
	return sum - 6.0;
}

static void add_fetches(const char *name, const struct made *made)
{
	uint64_t random = made->seed;
	char why[256];

	for (unsigned block = 1; block <= made->blocks; block++) {
		struct record record;
		double rate = made->rate * exp(made->spread * jolt(&random));

		record_init(&record, RECORD_FETCH);
		record_set_text(&record, COLUMN_run_id, name);
		record_set_text(&record, COLUMN_experiment, made->experiment);
		if (made->experiment)
			record_set_count(&record, COLUMN_block, block);
		record_set_text(&record, COLUMN_cell, made->cell);
		record_set_text(&record, COLUMN_role, made->role ? made->role : "cell");
		record_set_text(&record, COLUMN_model, made->model ? made->model : "epoll");
		record_set_text(&record, COLUMN_flags, made->flags);
		record_set_count(&record, COLUMN_partial, 0);
		record_set_text(&record, COLUMN_url, made->url ? made->url : "http://127.0.0.1:1/");
		record_set_count(&record, COLUMN_connections,
				 made->connections > 0 ? (uint64_t)made->connections : 16);
		if (made->offered > 0)
			record_set_real(&record, COLUMN_rate_rps, made->offered);
		record_set_count(&record, COLUMN_requests,
				 made->requests ? made->requests : 1000 + block);
		if (made->rate > 0)
			record_set_real(&record, COLUMN_throughput_rps, rate);
		record_set_real(&record, COLUMN_duration_s, 1000.0 / fmax(rate, 1.0));
		record_set_real(&record, COLUMN_latency_p99_us,
				made->latency_us * exp(made->spread * jolt(&random)));
		if (made->cpu_us > 0)
			record_set_real(&record, COLUMN_cpu_us_per_request,
					made->cpu_us * exp(made->spread * jolt(&random)));
		if (record_append_csv(at(name), &record, why, sizeof(why)))
			fail_msg("%s", why);
		record_release(&record);
	}
}

/* Two files that were read, compared. */
struct both {
	struct compare_side a, b;
	struct comparison c;
};

static void compare(struct both *both, const char *a, const char *b)
{
	static char paths[2][256];
	char why[512];

	snprintf(paths[0], sizeof(paths[0]), "%s", at(a));
	snprintf(paths[1], sizeof(paths[1]), "%s", at(b));
	if (compare_read(paths[0], false, &both->a, why, sizeof(why)) ||
	    compare_read(paths[1], false, &both->b, why, sizeof(why)) ||
	    comparison_make(&both->a, &both->b, 1, &both->c, why, sizeof(why)))
		fail_msg("%s", why);
}

static void release(struct both *both)
{
	comparison_release(&both->c);
	compare_release(&both->a);
	compare_release(&both->b);
}

static const struct compare_value *value(const struct both *both, const char *name,
					 enum compare_figure figure)
{
	for (size_t i = 0; i < both->c.pair_count; i++) {
		if (strcmp(both->c.pairs[i].name, name) == 0)
			return &both->c.pairs[i].values[figure];
	}
	fail_msg("no pair %s", name);
	return NULL;
}

static void assert_words(const struct both *both, const char *name, enum compare_figure figure,
			 const char *words)
{
	assert_string_equal(compare_words(figure, value(both, name, figure)), words);
}

/* A quiet cell with its control, one that is 10 % slower in B, one that is the same. */
static void add_usual(const char *name, double factor, unsigned blocks, uint64_t seed)
{
	add_fetches(name, &(struct made){.cell = "w/one",
					 .experiment = "plan",
					 .rate = 1e5,
					 .spread = 0.004,
					 .cpu_us = 5.0,
					 .blocks = blocks,
					 .seed = seed});
	add_fetches(name, &(struct made){.cell = "w/one",
					 .experiment = "plan",
					 .role = "control",
					 .rate = 1e5,
					 .spread = 0.004,
					 .cpu_us = 5.0,
					 .blocks = blocks,
					 .seed = seed + 1});
	add_fetches(name, &(struct made){.cell = "w/two",
					 .experiment = "plan",
					 .model = "uring",
					 .rate = 2e5 * factor,
					 .spread = 0.004,
					 .cpu_us = 4.0 / factor,
					 .blocks = blocks,
					 .seed = seed + 2});
}

static void differences_are_claimed(void **state)
{
	struct both both;
	const struct compare_value *found;

	(void)state;
	add_usual("a.csv", 1.0, 9, 10);
	add_usual("b.csv", 0.9, 9, 20);
	compare(&both, "a.csv", "b.csv");
	assert_int_equal(both.c.pair_count, 2);
	assert_int_equal(both.a.rows, 27);
	assert_int_equal(both.c.compared[COMPARE_THROUGHPUT], 2);
	assert_words(&both, "w/one", COMPARE_THROUGHPUT, "no difference shown");
	assert_words(&both, "w/two", COMPARE_THROUGHPUT, "slower by");
	assert_words(&both, "w/two", COMPARE_CPU, "dearer by");
	found = value(&both, "w/two", COMPARE_THROUGHPUT);
	assert_int_equal(found->a_count, 9);
	assert_true(fabs(found->effect.ratio - 0.9) < 0.01);
	assert_true(found->effect.low < found->effect.ratio && found->effect.high < 1.0);
	assert_true(fabs(found->a_median - 2e5) < 4e3 && fabs(found->b_median - 1.8e5) < 4e3);
	assert_int_equal(found->method, STATISTICS_EXACT);
	assert_true(found->p_adjusted >= found->effect.p && found->p_adjusted < 0.05);
	/* What is not there is not compared. */
	assert_words(&both, "w/two", COMPARE_SQUARES, "");
	assert_words(&both, "w/two", COMPARE_LATENCY, "");
	assert_words(&both, "w/two", COMPARE_DURATION, "");
	/* Throughput dropped by 10 %, not by the 11 % that A is faster; CPU grew by 11 %. */
	assert_true(compare_regressed(COMPARE_THROUGHPUT, found, 0.09));
	assert_false(compare_regressed(COMPARE_THROUGHPUT, found, 0.105));
	assert_true(compare_regressed(COMPARE_CPU, value(&both, "w/two", COMPARE_CPU), 0.105));
	assert_true(compare_regressed(COMPARE_CPU, value(&both, "w/two", COMPARE_CPU), 0.05));
	assert_false(compare_regressed(COMPARE_THROUGHPUT,
				       value(&both, "w/one", COMPARE_THROUGHPUT), 0.0));
	release(&both);
	/* The other way round it is faster, and nothing regressed. */
	compare(&both, "b.csv", "a.csv");
	assert_words(&both, "w/two", COMPARE_THROUGHPUT, "faster by");
	assert_words(&both, "w/two", COMPARE_CPU, "cheaper by");
	assert_false(compare_regressed(COMPARE_THROUGHPUT,
				       value(&both, "w/two", COMPARE_THROUGHPUT), 0.0));
	release(&both);
}

/* Three runs a side cannot decide (2 of 20 ways at the least), whatever they show. */
static void few_blocks_decide_nothing(void **state)
{
	struct both both;

	(void)state;
	add_usual("few_a.csv", 1.0, 3, 10);
	add_usual("few_b.csv", 0.5, 3, 20);
	compare(&both, "few_a.csv", "few_b.csv");
	assert_words(&both, "w/two", COMPARE_THROUGHPUT, "undecided, too few blocks");
	assert_false(compare_regressed(COMPARE_THROUGHPUT,
				       value(&both, "w/two", COMPARE_THROUGHPUT), 0.0));
	release(&both);
}

/* 3 % between runs that are sharp, but whose equal cells differ by 5 %: the control forbids it. */
static void nothing_within_the_floor_is_claimed(void **state)
{
	struct made made = {.cell = "w/one", .experiment = "plan", .spread = 0.002, .blocks = 9};
	struct both both;
	const struct compare_value *found;

	(void)state;
	for (unsigned side = 0; side < 2; side++) {
		const char *name = side ? "floor_b.csv" : "floor_a.csv";

		made.seed = 5 + side;
		made.role = "cell";
		made.rate = side ? 1.03e5 : 1e5;
		add_fetches(name, &made);
		made.seed = 15 + side;
		made.role = "control";
		/* Only A's control is off: either run's counts. */
		made.rate = side ? 1.03e5 : 1.05e5;
		add_fetches(name, &made);
	}
	compare(&both, "floor_a.csv", "floor_b.csv");
	found = value(&both, "w/one", COMPARE_THROUGHPUT);
	assert_true(found->effect.low > 1.0 && found->p_adjusted < 0.05);
	assert_true(found->floor > 1.04 && found->floor < 1.06);
	assert_words(&both, "w/one", COMPARE_THROUGHPUT, "no difference shown");
	release(&both);
	compare(&both, "floor_b.csv", "floor_a.csv");
	assert_words(&both, "w/one", COMPARE_THROUGHPUT, "no difference shown");
	release(&both);
}

/* A workload's floor is its own; one without a control has the largest of all. */
static void floors_are_of_their_workload(void **state)
{
	static const char *const names[] = {"w8", "w64", "w100"};
	static const double connections[] = {8, 64, 100};
	struct both both;

	(void)state;
	for (unsigned side = 0; side < 2; side++) {
		for (unsigned i = 0; i < 3; i++) {
			struct made made = {.cell = names[i],
					    .experiment = "plan",
					    .connections = connections[i],
					    .rate = 1e5,
					    .spread = i == 1 ? 0.02 : 0.001,
					    .blocks = 9,
					    .seed = 1 + side * 10 + i};

			add_fetches(side ? "work_b.csv" : "work_a.csv", &made);
			made.role = "control";
			made.seed += 100;
			if (i < 2)
				add_fetches(side ? "work_b.csv" : "work_a.csv", &made);
		}
	}
	compare(&both, "work_a.csv", "work_b.csv");
	assert_true(value(&both, "w8", COMPARE_THROUGHPUT)->floor < 1.004);
	assert_true(value(&both, "w64", COMPARE_THROUGHPUT)->floor > 1.008);
	assert_true(value(&both, "w100", COMPARE_THROUGHPUT)->floor ==
		    value(&both, "w64", COMPARE_THROUGHPUT)->floor);
	assert_true(isnan(value(&both, "w8", COMPARE_CPU)->floor));
	release(&both);
}

static void cells_match_by_name_and_by_factors(void **state)
{
	struct made made = {.experiment = "one", .cell = "w/x", .rate = 1e5, .blocks = 4};
	struct both both;

	(void)state;
	/* Of one experiment: the name, though the path differs, which is told. */
	add_fetches("name_a.csv", &made);
	made.url = "http://127.0.0.1:2/delay/1ms";
	add_fetches("name_b.csv", &made);
	compare(&both, "name_a.csv", "name_b.csv");
	assert_int_equal(both.c.pair_count, 1);
	assert_true(both.c.pairs[0].by_name);
	assert_int_equal(json_array_size(both.c.cells), 1);
	assert_string_equal(
		json_string_value(json_object_get(json_array_get(both.c.cells, 0), "what")),
		"w/x: url");
	assert_string_equal(
		json_string_value(json_object_get(json_array_get(both.c.cells, 0), "b")),
		"/delay/1ms");
	release(&both);
	/* Of two: the factors, whatever the name and the port. */
	made.experiment = "two";
	made.cell = "other";
	made.url = "http://127.0.0.1:3/";
	add_fetches("factor_b.csv", &made);
	made.connections = 17;
	made.cell = "another";
	add_fetches("factor_b.csv", &made);
	compare(&both, "name_a.csv", "factor_b.csv");
	assert_int_equal(both.c.pair_count, 1);
	assert_false(both.c.pairs[0].by_name);
	assert_string_equal(compare_name(both.c.pairs[0].b), "other");
	assert_int_equal(both.c.alone_a_count, 0);
	assert_int_equal(both.c.alone_b_count, 1);
	assert_string_equal(compare_name(both.c.alone_b[0]), "another");
	release(&both);
	/* Runs by hand have no name at all. */
	made = (struct made){.rate = 1e5, .blocks = 4};
	add_fetches("hand_b.csv", &made);
	compare(&both, "name_a.csv", "hand_b.csv");
	assert_int_equal(both.c.pair_count, 1);
	assert_string_equal(compare_name(both.c.pairs[0].b), "epoll");
	release(&both);
}

/* Two cells of the same factors: which of them would be a guess. */
static void doubtful_factors_match_nothing(void **state)
{
	struct compare_side a;
	struct compare_side b;
	struct comparison c;
	struct made made = {.experiment = "one", .cell = "w/x", .rate = 1e5, .blocks = 4};
	char why[512];

	(void)state;
	add_fetches("doubt_a.csv", &made);
	made.experiment = "two";
	made.cell = "first";
	add_fetches("doubt_b.csv", &made);
	made.cell = "second";
	add_fetches("doubt_b.csv", &made);
	assert_int_equal(compare_read(at("doubt_a.csv"), false, &a, why, sizeof(why)), 0);
	assert_int_equal(compare_read(at("doubt_b.csv"), false, &b, why, sizeof(why)), 0);
	assert_int_equal(comparison_make(&a, &b, 1, &c, why, sizeof(why)), -ENODATA);
	assert_non_null(strstr(why, "share no cell"));
	assert_non_null(strstr(why, "w/x"));
	assert_null(strchr(why, '\n'));
	compare_release(&a);
	compare_release(&b);
}

/* Which figure a cell has: lists by their duration, paced ones by latency too. */
static void figures_by_the_work(void **state)
{
	struct made list = {.experiment = "p", .cell = "list", .rate = 50, .requests = 9};
	struct made paced = {.experiment = "p",
			     .cell = "paced",
			     .rate = 5000,
			     .requests = 500,
			     .offered = 5000,
			     .latency_us = 90};
	struct made whole = {.experiment = "p", .cell = "command"};
	struct both both;

	(void)state;
	for (unsigned side = 0; side < 2; side++) {
		struct made *const all[] = {&list, &paced, &whole};

		for (unsigned i = 0; i < 3; i++) {
			all[i]->spread = 0.01;
			all[i]->blocks = 5;
			all[i]->seed = side * 10 + i;
			add_fetches(side ? "work_kind_b.csv" : "work_kind_a.csv", all[i]);
		}
	}
	compare(&both, "work_kind_a.csv", "work_kind_b.csv");
	assert_int_equal(value(&both, "list", COMPARE_DURATION)->a_count, 5);
	assert_int_equal(value(&both, "list", COMPARE_LATENCY)->a_count, 0);
	assert_int_equal(value(&both, "paced", COMPARE_DURATION)->a_count, 0);
	assert_int_equal(value(&both, "paced", COMPARE_LATENCY)->a_count, 5);
	assert_int_equal(value(&both, "paced", COMPARE_THROUGHPUT)->a_count, 5);
	assert_int_equal(value(&both, "command", COMPARE_DURATION)->a_count, 5);
	assert_int_equal(value(&both, "command", COMPARE_THROUGHPUT)->a_count, 0);
	release(&both);
}

static void rows_that_do_not_count(void **state)
{
	struct made made = {.experiment = "p", .cell = "x", .rate = 1e5, .blocks = 5};
	struct compare_side side;
	char why[512];

	(void)state;
	add_fetches("rows.csv", &made);
	made.cell = "y";
	made.flags = "failed timeout";
	add_fetches("rows.csv", &made);
	made.cell = "z";
	made.flags = "steal origin-saturated";
	made.blocks = 2;
	add_fetches("rows.csv", &made);
	assert_int_equal(compare_read(at("rows.csv"), false, &side, why, sizeof(why)), 0);
	assert_int_equal(side.rows, 7);
	assert_int_equal(side.left_out, 5);
	assert_int_equal(side.flagged, 2);
	assert_int_equal(side.cell_count, 3);
	assert_string_equal(side.flags[0].word, "steal");
	assert_int_equal(side.flags[0].count, 2);
	assert_string_equal(side.flags[1].word, "origin-saturated");
	assert_string_equal(side.flags[2].word, "");
	compare_release(&side);
	/* The same block twice: a file put together wrongly. */
	add_fetches("rows.csv", &made);
	assert_int_equal(compare_read(at("rows.csv"), false, &side, why, sizeof(why)), -EINVAL);
	assert_non_null(strstr(why, "cell z has two rows for one block"));
	/* Runs by hand have no block, and may be as many as they like. */
	made = (struct made){.rate = 1e5, .blocks = 5};
	add_fetches("hands.csv", &made);
	add_fetches("hands.csv", &made);
	assert_int_equal(compare_read(at("hands.csv"), false, &side, why, sizeof(why)), 0);
	assert_int_equal(side.cells[0].own.count, 10);
	compare_release(&side);
}

/* More cells than the table began with, and rows in any order of cells. */
static void many_cells_are_kept_apart(void **state)
{
	struct both both;
	char name[32];

	(void)state;
	for (unsigned block = 0; block < 2; block++) {
		for (unsigned i = 0; i < 400; i++) {
			snprintf(name, sizeof(name), "cell/%u", i);
			/* One row of each cell a call: run_id and block are the file's and 1. */
			add_fetches(block ? "many_b.csv" : "many_a.csv",
				    &(struct made){.experiment = "p",
						   .cell = name,
						   .rate = 1000.0 + i,
						   .blocks = 1});
		}
	}
	compare(&both, "many_a.csv", "many_b.csv");
	assert_int_equal(both.c.pair_count, 400);
	for (unsigned i = 0; i < 400; i++) {
		snprintf(name, sizeof(name), "cell/%u", i);
		assert_true(value(&both, name, COMPARE_THROUGHPUT)->a_median == 1000.0 + i);
		assert_words(&both, name, COMPARE_THROUGHPUT, "undecided, too few blocks");
	}
	release(&both);
}

static void assert_difference(const json_t *list, size_t index, const char *what, const char *a,
			      const char *b)
{
	const json_t *difference = json_array_get(list, index);

	assert_non_null(difference);
	assert_string_equal(json_string_value(json_object_get(difference, "what")), what);
	assert_string_equal(json_string_value(json_object_get(difference, "a")), a);
	assert_string_equal(json_string_value(json_object_get(difference, "b")), b);
}

/* What differs between sides of these runs. */
static json_t *differences(struct compare_source *a, size_t a_count, struct compare_source *b,
			   size_t b_count, enum compare_about about)
{
	const struct compare_side left = {.sources = a, .source_count = a_count};
	const struct compare_side right = {.sources = b, .source_count = b_count};
	json_t *list = compare_differences(&left, &right, about);

	assert_non_null(list);
	return list;
}

static void hosts_differ(void **state)
{
	struct compare_source a[2] = {
		{.host = json_pack("{s:{s:s, s:i, s:{s:i}}, s:b, s:s}", "kernel", "release", "6.1",
				   "hz", 250, "deep", "x", 1, "smt", 0, "gone", "was here")},
		{.host = NULL}};
	struct compare_source b[2] = {
		{.host = json_pack("{s:{s:s, s:i, s:{s:i}}, s:b, s:{s:s}}", "kernel", "release",
				   "6.12", "hz", 250, "deep", "x", 2, "smt", 0, "new", "key",
				   "is here")},
		{.host = json_pack("{s:{s:s, s:i, s:{s:i}}, s:b, s:{s:s}}", "kernel", "release",
				   "6.13", "hz", 250, "deep", "x", 2, "smt", 0, "new", "key",
				   "is here")}};
	json_t *list = differences(a, 1, b, 1, COMPARE_HOSTS);

	(void)state;
	assert_int_equal(json_array_size(list), 4);
	assert_difference(list, 0, "kernel.release", "6.1", "6.12");
	assert_difference(list, 1, "kernel.deep.x", "1", "2");
	assert_difference(list, 2, "gone", "was here", "");
	assert_difference(list, 3, "new.key", "", "is here");
	json_decref(list);
	/* Of several runs all that they say; one without the file says nothing. */
	list = differences(a, 2, b, 2, COMPARE_HOSTS);
	assert_int_equal(json_array_size(list), 4);
	assert_difference(list, 0, "kernel.release", "6.1", "6.12 | 6.13");
	json_decref(list);
	/* Sides that are alike, of runs that are not. */
	list = differences(b, 2, b, 2, COMPARE_HOSTS);
	assert_int_equal(json_array_size(list), 1);
	assert_difference(list, 0, "kernel.release", "6.12 | 6.13", "6.12 | 6.13");
	json_decref(list);
	list = differences(a, 1, a, 1, COMPARE_HOSTS);
	assert_int_equal(json_array_size(list), 0);
	json_decref(list);
	list = differences(a, 1, &a[1], 1, COMPARE_HOSTS);
	assert_int_equal(json_array_size(list), 0);
	json_decref(list);
	json_decref(a[0].host);
	json_decref(b[0].host);
	json_decref(b[1].host);
}

/* What one host shows otherwise in every run does not crowd out what it is. */
static void moments_differ(void **state)
{
	const char *const now = "{s:{s:f, s:s}, s:{s:f, s:i}, s:{s:i, s:i}, s:s}";
	struct compare_source a = {
		.host = json_pack(now, "activity", "busy_share", 0.1, "busiest_softirq", "NET_RX",
				  "together", "least", 1.9, "one", 0, "memory", "total_kib", 100,
				  "swap_free_kib", 10, "activity_log", "x")};
	struct compare_source b = {
		.host = json_pack(now, "activity", "busy_share", 0.2, "busiest_softirq", "TIMER",
				  "together", "least", 1.1, "one", 1, "memory", "total_kib", 200,
				  "swap_free_kib", 20, "activity_log", "y")};
	json_t *list = differences(&a, 1, &b, 1, COMPARE_HOSTS);

	(void)state;
	assert_int_equal(json_array_size(list), 3);
	assert_difference(list, 0, "together.one", "0", "1");
	assert_difference(list, 1, "memory.total_kib", "100", "200");
	assert_difference(list, 2, "activity_log", "x", "y");
	json_decref(list);
	list = differences(&a, 1, &b, 1, COMPARE_NOW);
	assert_int_equal(json_array_size(list), 4);
	assert_difference(list, 1, "activity.busiest_softirq", "NET_RX", "TIMER");
	assert_difference(list, 3, "memory.swap_free_kib", "10", "20");
	json_decref(list);
	json_decref(a.host);
	json_decref(b.host);
}

static void plans_differ(void **state)
{
	struct compare_source a = {
		.plan = (char *)"; about\n[experiment]\nblocks = 9\n\n[fetch w]\n"
				"duration=300ms\nheader[] = A: 1\nheader[] = B: 2\n"
				"model = epoll\n"};
	struct compare_source b = {
		.plan = (char *)"[experiment]\n  blocks  =  9  \n# more\n[fetch w]\n"
				"duration = 500ms\nheader[] = A: 1\nmodel = epoll\n"
				"[sumsq s]\nmodel = serial\n"};
	struct compare_source none = {.plan = NULL};
	json_t *list = differences(&a, 1, &b, 1, COMPARE_PLANS);

	(void)state;
	assert_int_equal(json_array_size(list), 4);
	assert_difference(list, 0, "[fetch w] duration", "300ms", "500ms");
	assert_difference(list, 1, "[fetch w] header[]", "A: 1, B: 2", "A: 1");
	/* The section itself has no value, but it is there. */
	assert_difference(list, 3, "[sumsq s] model", "", "serial");
	json_decref(list);
	list = differences(&a, 1, &none, 1, COMPARE_PLANS);
	assert_int_equal(json_array_size(list), 0);
	json_decref(list);
	/* Bytes that are no text are shown as such, and hide nothing else. */
	b.plan = (char *)"a = \xff\xfe\n[\x80]\n";
	list = differences(&a, 1, &b, 1, COMPARE_PLANS);
	assert_true(json_array_size(list) > 5);
	json_decref(list);
}

/* One plan, run with other options: what run.json keeps of them. */
static void options_differ(void **state)
{
	const char *const options = "{s:i, s:i, s:f, s:I, s:s, s:I, s:i, s:s}";
	struct compare_source a = {.plan = (char *)"[nap n]\n",
				   .run = json_pack(options, "blocks", 9, "place", 0, "precision",
						    0.0, "budget_ns", (json_int_t)0, "link",
						    "loopback", "link_latency_ns", (json_int_t)0,
						    "seed", 1, "run_id", "one")};
	struct compare_source b = {.plan = (char *)"[nap n]\n",
				   .run = json_pack(options, "blocks", 10000, "place", 2,
						    "precision", 0.02, "budget_ns",
						    (json_int_t)60000000000, "link", "veth",
						    "link_latency_ns", (json_int_t)1000000, "seed",
						    2, "run_id", "two")};
	struct compare_source none = {.plan = (char *)"[nap n]\n"};
	json_t *list = differences(&a, 1, &b, 1, COMPARE_PLANS);

	(void)state;
	/* The seed orders the cells and no more. */
	assert_int_equal(json_array_size(list), 6);
	assert_difference(list, 0, "run: blocks", "9", "no fixed number");
	assert_difference(list, 1, "run: place", "cores", "spread");
	assert_difference(list, 2, "run: precision", "0", "0.02");
	assert_difference(list, 3, "run: budget_ns", "0", "60000000000");
	assert_difference(list, 4, "run: link", "loopback", "veth");
	assert_difference(list, 5, "run: link_latency_ns", "0", "1000000");
	json_decref(list);
	list = differences(&a, 1, &none, 1, COMPARE_PLANS);
	assert_int_equal(json_array_size(list), 0);
	json_decref(list);
	json_decref(a.run);
	json_decref(b.run);
}

static void folders_are_read(void **state)
{
	char folder_a[256];
	struct compare_side side;
	char why[512];

	(void)state;
	snprintf(folder_a, sizeof(folder_a), "%s", at("run"));
	assert_int_equal(mkdir(folder_a, 0777), 0);
	assert_int_equal(compare_read(folder_a, false, &side, why, sizeof(why)), -EINVAL);
	assert_non_null(strstr(why, "not the folder of a run"));
	add_usual("run/fetch.csv", 1.0, 3, 1);
	write_text("run/host.json", "{\"kernel\": {\"release\": \"6.1\"}}");
	write_text("run/plan.ini", "[experiment]\nblocks = 3\n");
	assert_int_equal(compare_read(folder_a, false, &side, why, sizeof(why)), 0);
	assert_int_equal(side.rows, 9);
	assert_non_null(side.sources[0].host);
	assert_non_null(side.sources[0].plan);
	compare_release(&side);
	/* The CSV alone, with what lies beside it. */
	assert_int_equal(compare_read(at("run/fetch.csv"), false, &side, why, sizeof(why)), 0);
	assert_non_null(side.sources[0].host);
	compare_release(&side);
	assert_int_equal(compare_read(at("nowhere"), false, &side, why, sizeof(why)), -ENOENT);
	write_text("empty.csv", "");
	assert_int_equal(compare_read(at("empty.csv"), false, &side, why, sizeof(why)), -EINVAL);
	assert_non_null(strstr(why, "no complete row"));
}

/* Cut anywhere behind the header: refused, or its whole rows, and it is said. */
static void cut_files(void **state)
{
	struct compare_side side;
	char text[32768];
	char why[512];
	FILE *file;
	size_t length, header, second;

	(void)state;
	add_fetches("whole.csv",
		    &(struct made){.experiment = "p", .cell = "x", .rate = 1e5, .blocks = 2});
	file = fopen(at("whole.csv"), "r");
	assert_non_null(file);
	length = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[length] = '\0';
	header = (size_t)(strchr(text, '\n') - text) + 1;
	second = (size_t)(strchr(text + header, '\n') - text) + 1;
	for (size_t cut = header + 1; cut < length; cut++) {
		char kept = text[cut];

		text[cut] = '\0';
		write_text("cut.csv", text);
		text[cut] = kept;
		if (cut == second) {
			assert_int_equal(
				compare_read(at("cut.csv"), false, &side, why, sizeof(why)), 0);
			assert_string_equal(side.sources[0].note, "");
			compare_release(&side);
			continue;
		}
		assert_int_equal(compare_read(at("cut.csv"), false, &side, why, sizeof(why)),
				 -EINVAL);
		assert_non_null(
			strstr(why, cut < second ? "middle of line 2" : "middle of line 3"));
		if (cut < second) {
			assert_int_equal(compare_read(at("cut.csv"), true, &side, why, sizeof(why)),
					 -EINVAL);
			assert_non_null(strstr(why, "no complete row"));
			continue;
		}
		assert_int_equal(compare_read(at("cut.csv"), true, &side, why, sizeof(why)), 0);
		assert_int_equal(side.rows, 1);
		assert_non_null(strstr(side.sources[0].note, "line 3 is left out"));
		compare_release(&side);
	}
}

static void printed(void **state)
{
	struct both both;
	char *text = NULL;
	size_t size;
	FILE *file;

	(void)state;
	add_usual("print_a.csv", 1.0, 9, 10);
	add_usual("print_b.csv", 0.8, 9, 20);
	compare(&both, "print_a.csv", "print_b.csv");
	file = open_memstream(&text, &size);
	assert_non_null(file);
	assert_int_equal(compare_print(&both.c, file, false), 0);
	assert_int_equal(fclose(file), 0);
	assert_non_null(strstr(text, "B ran 1.2"));
	assert_non_null(strstr(text, " times slower than A"));
	assert_non_null(strstr(text, " times more than A"));
	/* Each row says why nothing is claimed of it, and what its floor is. */
	assert_non_null(strstr(text, "no difference shown: "));
	assert_non_null(strstr(text, " (p = "));
	assert_non_null(strstr(text, "within the noise floor of "));
	assert_non_null(strstr(text, "floor  B against A\n"));
	assert_non_null(strstr(text, "the Hodges-Lehmann shift, the median of all ratios"));
	assert_non_null(strstr(text, "rank test (exact), Holm"));
	assert_non_null(strstr(text, "worse in 2; no difference shown in 2, undecided in 0."));
	free(text);
	release(&both);
}

static void as_json(void **state)
{
	struct both both;
	json_t *object, *list, *first;

	(void)state;
	add_usual("json_a.csv", 1.0, 9, 10);
	add_usual("json_b.csv", 0.8, 9, 20);
	compare(&both, "json_a.csv", "json_b.csv");
	object = compare_json(&both.c, 0.05);
	assert_non_null(object);
	assert_int_equal(json_integer_value(json_object_get(object, "schema_version")), 1);
	assert_true(json_real_value(json_object_get(object, "threshold")) == 0.05);
	list = json_object_get(object, "comparisons");
	assert_int_equal(json_array_size(list), 4);
	first = json_array_get(list, 1);
	assert_string_equal(json_string_value(json_object_get(first, "cell")), "w/two");
	assert_string_equal(json_string_value(json_object_get(first, "column")), "throughput_rps");
	assert_string_equal(json_string_value(json_object_get(first, "verdict")), "slower by");
	assert_string_equal(json_string_value(json_object_get(first, "p_method")), "exact");
	assert_true(json_is_true(json_object_get(first, "regression")));
	assert_true(json_real_value(json_object_get(first, "ratio_high")) < 0.85);
	assert_false(json_is_true(json_object_get(json_array_get(list, 0), "regression")));
	json_decref(object);
	/* Without a threshold nothing is a regression, and none is named. */
	object = compare_json(&both.c, NAN);
	assert_null(json_object_get(object, "threshold"));
	first = json_array_get(json_object_get(object, "comparisons"), 1);
	assert_false(json_is_true(json_object_get(first, "regression")));
	json_decref(object);
	release(&both);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(differences_are_claimed),
		cmocka_unit_test(few_blocks_decide_nothing),
		cmocka_unit_test(nothing_within_the_floor_is_claimed),
		cmocka_unit_test(floors_are_of_their_workload),
		cmocka_unit_test(cells_match_by_name_and_by_factors),
		cmocka_unit_test(doubtful_factors_match_nothing),
		cmocka_unit_test(figures_by_the_work),
		cmocka_unit_test(rows_that_do_not_count),
		cmocka_unit_test(many_cells_are_kept_apart),
		cmocka_unit_test(hosts_differ),
		cmocka_unit_test(moments_differ),
		cmocka_unit_test(plans_differ),
		cmocka_unit_test(options_differ),
		cmocka_unit_test(folders_are_read),
		cmocka_unit_test(cut_files),
		cmocka_unit_test(printed),
		cmocka_unit_test(as_json),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
