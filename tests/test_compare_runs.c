/*
 * Several runs a side: the run is the unit, so that what any two runs differ by is not taken for a
 * change. Known values, false alarms and power by simulation, and the whole way from folders.
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
#include "results/statistics_runs.h"

static char folder[] = "/tmp/iolab-sides-XXXXXX";

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

static double uniform(uint64_t *random)
{
	return ((double)(statistics_random(random) >> 11) + 0.5) * 0x1p-53;
}

/* Box & Muller. */
static double normal(uint64_t *random)
{
	return sqrt(-2.0 * log(uniform(random))) * cos(2.0 * M_PI * uniform(random));
}

static void assert_near(double value, double wanted)
{
	if (!(fabs(value - wanted) <= 1e-5 * fmax(1.0, fabs(wanted))))
		fail_msg("%.9g is not %.9g", value, wanted);
}

/* R: t.test(4:6, 1:3), t.test(c(0.5, 0.7, 0.9, 0.3), c(0.1, 0.3, 0.5, -0.1)). */
static void known_values(void **state)
{
	const double a[] = {exp(1), exp(2), exp(3)}, b[] = {exp(4), exp(5), exp(6)};
	const double c[] = {exp(0.1), exp(0.3), exp(0.5), exp(-0.1)};
	const double d[] = {exp(0.5), exp(0.7), exp(0.9), exp(0.3)};
	const double same[] = {7, 7, 7}, wrong[] = {1, 0, 2};
	struct statistics_effect effect;

	(void)state;
	statistics_compare_runs(b, 3, a, 3, &effect);
	assert_int_equal(effect.pairs, 3);
	assert_near(effect.ratio, exp(3));
	assert_near(effect.p, 0.02131164);
	assert_near(log(effect.low), 0.7330417);
	assert_near(log(effect.high), 5.2669583);
	statistics_compare_runs(d, 4, c, 4, &effect);
	assert_near(effect.p, 0.07098766);
	/* Against runs without any spread the degrees of freedom are those of the others. */
	statistics_compare_runs(b, 3, same, 3, &effect);
	assert_near(log(effect.high) - log(effect.ratio), statistics_t95(2) / sqrt(3));
	/* What says nothing of spread shows nothing. */
	statistics_compare_runs(same, 3, same, 3, &effect);
	assert_true(isnan(effect.low) && effect.p == 1.0 && effect.pairs == 3);
	statistics_compare_runs(b, 3, a, 1, &effect);
	assert_true(isnan(effect.low) && effect.p == 1.0 && effect.pairs == 1);
	statistics_compare_runs(b, 3, a, 0, &effect);
	assert_int_equal(effect.pairs, 0);
	statistics_compare_runs(b, 3, wrong, 3, &effect);
	assert_int_equal(effect.pairs, 0);
}

static void floors(void **state)
{
	const double ratios[] = {exp(0.01), exp(0.03), exp(0.02)};
	const double off[] = {exp(-0.1), exp(-0.1001), exp(-0.0999)};

	(void)state;
	/* Half the interval's width, or what the two differ by, whichever is more. */
	assert_near(statistics_runs_floor(ratios, 3), exp(statistics_t95(2) * 0.01 / sqrt(3)));
	assert_near(statistics_runs_floor(off, 3), exp(0.1));
	assert_true(isnan(statistics_runs_floor(ratios, 1)));
}

enum shape { NORMAL, HEAVY, SKEWED };

/* A run: its own shift of 2 %, and the median of nine blocks that spread by 1 %. */
static double one_run(enum shape shape, uint64_t *random)
{
	double shift = normal(random), blocks[9];

	if (shape == HEAVY) /* Student's with three degrees of freedom */
		shift /= sqrt(
			(pow(normal(random), 2) + pow(normal(random), 2) + pow(normal(random), 2)) /
			3.0);
	if (shape == SKEWED) /* a run that is slow now and then */
		shift = -log(uniform(random)) - 1.0;
	for (size_t i = 0; i < 9; i++)
		blocks[i] = 0.01 * normal(random);
	statistics_sort(blocks, 9);
	return exp(0.02 * shift + blocks[4]);
}

/* In how many of the tries sides of so many runs are told apart, when B is `change` times A. */
static unsigned claims(enum shape shape, size_t a_count, size_t b_count, double change,
		       unsigned tries)
{
	uint64_t random = 1;
	unsigned count = 0;

	for (unsigned i = 0; i < tries; i++) {
		struct statistics_effect effect;
		double a[8], b[8];

		for (size_t k = 0; k < a_count; k++)
			a[k] = one_run(shape, &random);
		for (size_t k = 0; k < b_count; k++)
			b[k] = change * one_run(shape, &random);
		statistics_compare_runs(b, b_count, a, a_count, &effect);
		count += statistics_judge(&effect, effect.p, 1.0, true) != STATISTICS_NO_DIFFERENCE;
	}
	return count;
}

#define TRIES 4000

/* Nothing changed but what any two runs differ by. */
static void false_alarms(void **state)
{
	(void)state;
	for (enum shape shape = NORMAL; shape <= SKEWED; shape++) {
		for (size_t a = 2; a <= 5; a++) {
			for (size_t b = a; b <= 5; b++) {
				unsigned count = claims(shape, a, b, 1.0, TRIES);

				/* 5 %, and twice the standard error of so many tries. */
				if (count > 0.057 * TRIES)
					fail_msg("shape %d, %zu and %zu runs: %u of %d", shape, a,
						 b, count, TRIES);
			}
		}
	}
}

static void changes_are_found(void **state)
{
	(void)state;
	assert_true(claims(NORMAL, 3, 3, 1.1, 1000) > 800);
	assert_true(claims(NORMAL, 5, 5, 1.1, 1000) > 990);
	assert_true(claims(NORMAL, 5, 5, 0.95, 1000) > 850);
}

/* A run's folder, side/number, of a cell with its control and one that is `change` times as fast. */
static void add_run(const char *side, unsigned number, double change, uint64_t seed)
{
	static const char *const cells[] = {"w/one", "w/one", "w/two"};
	uint64_t random = seed;
	double shift = 0.02 * normal(&random);
	char path[256], id[64], why[256];

	snprintf(path, sizeof(path), "%s/%s", folder, side);
	mkdir(path, 0777);
	snprintf(path, sizeof(path), "%s/%s/%u", folder, side, number);
	assert_int_equal(mkdir(path, 0777), 0);
	snprintf(path, sizeof(path), "%s/%s/%u/fetch.csv", folder, side, number);
	snprintf(id, sizeof(id), "%s-%u", side, number);
	for (unsigned i = 0; i < 27; i++) {
		struct record record;

		record_init(&record, RECORD_FETCH);
		record_set_text(&record, COLUMN_run_id, id);
		record_set_text(&record, COLUMN_experiment, "plan");
		record_set_count(&record, COLUMN_block, 1 + i / 3);
		record_set_text(&record, COLUMN_cell, cells[i % 3]);
		record_set_text(&record, COLUMN_role, i % 3 == 1 ? "control" : "cell");
		record_set_text(&record, COLUMN_model, i % 3 == 2 ? "uring" : "epoll");
		record_set_text(&record, COLUMN_cpus, *side == 'b' ? "1" : "0");
		record_set_count(&record, COLUMN_requests, 1000 + i);
		record_set_real(&record, COLUMN_throughput_rps,
				(i % 3 == 2 ? change : 1.0) * exp(shift + 0.002 * normal(&random)));
		if (record_append_csv(path, &record, why, sizeof(why)))
			fail_msg("%s", why);
		record_release(&record);
	}
}

struct sides {
	struct compare_side a, b;
	struct comparison c;
	char paths[2][512];
};

/* "x" is a path in the test's folder, and so is each of "x,y". */
static void set_path(char path[512], const char *names)
{
	char copy[256];
	char *rest = copy;
	size_t used = 0;

	snprintf(copy, sizeof(copy), "%s", names);
	for (char *name; (name = strsep(&rest, ","));)
		used += (size_t)snprintf(path + used, 512 - used, "%s%s/%s", used ? "," : "",
					 folder, name);
}

static void compare(struct sides *s, const char *a, const char *b)
{
	char why[512];

	set_path(s->paths[0], a);
	set_path(s->paths[1], b);
	if (compare_read(s->paths[0], false, &s->a, why, sizeof(why)) ||
	    compare_read(s->paths[1], false, &s->b, why, sizeof(why)) ||
	    comparison_make(&s->a, &s->b, 1, &s->c, why, sizeof(why)))
		fail_msg("%s", why);
}

static void release(struct sides *s)
{
	comparison_release(&s->c);
	compare_release(&s->a);
	compare_release(&s->b);
}

static void from_folders(void **state)
{
	struct sides s;
	const struct compare_value *one, *two;

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		add_run("a", i, 2.0, 10 + i);
		add_run("b", i, 1.6, 20 + i);
	}
	compare(&s, "a", "b/0,b/1,b/2,b/3");
	assert_true(s.c.by_run);
	assert_int_equal(s.a.source_count, 4);
	assert_int_equal(s.a.rows, 108);
	assert_int_equal(s.b.sources[3].rows, 27);
	assert_int_equal(s.c.pair_count, 2);
	one = &s.c.pairs[0].values[COMPARE_THROUGHPUT];
	two = &s.c.pairs[1].values[COMPARE_THROUGHPUT];
	assert_int_equal(two->a_count, 4);
	assert_int_equal(two->b_count, 4);
	assert_string_equal(compare_words(COMPARE_THROUGHPUT, one), "no difference shown");
	assert_string_equal(compare_words(COMPARE_THROUGHPUT, two), "slower by");
	assert_true(fabs(two->effect.ratio - 0.8) < 0.05);
	assert_true(two->effect.high < 1.0 && two->effect.low < two->effect.ratio);
	assert_true(compare_regressed(COMPARE_THROUGHPUT, two, 0.05));
	/* What the two entries differ by within each run, whatever the runs differ by. */
	assert_true(two->floor > 1.0001 && two->floor < 1.004);
	/* Both cells were moved alike, and that is one line. */
	assert_int_equal(json_array_size(s.c.cells), 1);
	assert_string_equal(
		json_string_value(json_object_get(json_array_get(s.c.cells, 0), "what")),
		"w/one and 1 more: cpus");
	release(&s);
	/* The rows of one run a side are sharp, and what they show is only what these two differ by. */
	compare(&s, "a/0", "a/1");
	assert_false(s.c.by_run);
	release(&s);
	/* The other order of a side is the same side. */
	compare(&s, "b/3,b/1,b/2", "a/2,a/0,a/3");
	assert_string_equal(
		compare_words(COMPARE_THROUGHPUT, &s.c.pairs[1].values[COMPARE_THROUGHPUT]),
		"faster by");
	release(&s);
}

/* A cell that one run only has is not compared by that run alone. */
static void cells_of_some_runs(void **state)
{
	struct sides s;
	struct record record;
	char path[512], why[256];

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		add_run("some_a", i, 2.0, 30 + i);
		add_run("some_b", i, 2.0, 40 + i);
	}
	for (unsigned side = 0; side < 2; side++) {
		for (unsigned i = 0; i <= side; i++) {
			record_init(&record, RECORD_FETCH);
			record_set_text(&record, COLUMN_run_id, "x");
			record_set_text(&record, COLUMN_experiment, "plan");
			record_set_count(&record, COLUMN_block, 1 + i);
			record_set_text(&record, COLUMN_cell, "w/three");
			record_set_real(&record, COLUMN_throughput_rps, 5 + i + 9 * side);
			snprintf(path, sizeof(path), "%s/some_%c/%u/fetch.csv", folder,
				 'a' + (int)side, i);
			assert_int_equal(record_append_csv(path, &record, why, sizeof(why)), 0);
			record_release(&record);
		}
	}
	compare(&s, "some_a", "some_b");
	assert_int_equal(s.c.pair_count, 3);
	for (size_t i = 0; i < 3; i++) {
		const struct compare_value *value = &s.c.pairs[i].values[COMPARE_THROUGHPUT];

		if (strcmp(s.c.pairs[i].name, "w/three") != 0)
			continue;
		assert_int_equal(value->a_count, 1);
		assert_int_equal(value->b_count, 2);
		assert_string_equal(compare_words(COMPARE_THROUGHPUT, value),
				    "undecided, too few runs");
	}
	release(&s);
}

/* Two or three runs that scatter cannot tell a doubling from nothing: that is not "no difference". */
static void few_runs_are_undecided(void **state)
{
	struct sides s;
	char *text = NULL;
	size_t size;
	FILE *file;

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		add_run("few_a", i, 2.0, 30 + i);
		add_run("wild_a", i, 2.0 * (1 + 3 * i), 50 + i);
		add_run("wild_b", i, 2.2 * (1 + 3 * i), 60 + i);
		if (i < 2)
			add_run("few_b", i, 2.0, 40 + i);
	}
	for (unsigned wild = 0; wild < 2; wild++) {
		compare(&s, wild ? "wild_a" : "few_a", wild ? "wild_b" : "few_b");
		assert_string_equal(
			compare_words(COMPARE_THROUGHPUT, &s.c.pairs[1].values[COMPARE_THROUGHPUT]),
			"undecided, too few runs");
		file = open_memstream(&text, &size);
		assert_int_equal(compare_print(&s.c, file, false), 0);
		fclose(file);
		if (!strstr(text, "undecided, too few runs: ") || !strstr(text, " (about ") ||
		    !strstr(text, " a side could decide)"))
			fail_msg("%s", text);
		free(text);
		release(&s);
	}
}

static void refused(const char *names, int result, const char *words)
{
	struct compare_side side;
	char path[512], why[512];

	set_path(path, names);
	assert_int_equal(compare_read(path, false, &side, why, sizeof(why)), result);
	if (!strstr(why, words) || strchr(why, '\n'))
		fail_msg("'%s' is not in '%s'", words, why);
}

static void wrong_sides(void **state)
{
	struct compare_side one, several;
	struct comparison c;
	char path[512], why[512];

	(void)state;
	refused("a/0,a/1,a/0", -EINVAL, "is named twice on one side");
	refused("a,a/3", -EINVAL, "is named twice on one side");
	/* By another path, that is, the same rows. */
	refused("a/0,a/0/fetch.csv", -EINVAL, "two rows for one block of one run");
	refused("a/0,nowhere", -ENOENT, "nowhere: No such file");
	snprintf(path, sizeof(path), "%s/a/0,", folder);
	assert_int_equal(compare_read(path, false, &one, why, sizeof(why)), -EINVAL);
	assert_non_null(strstr(why, "nothing before, between or behind a comma"));
	snprintf(path, sizeof(path), "%s/hollow", folder);
	assert_int_equal(mkdir(path, 0777), 0);
	refused("hollow", -EINVAL, "is not the folder of a run");
	/* A comma may be in a name, too. */
	snprintf(path, sizeof(path), "mv %s/b/3 %s/b/3,4", folder, folder);
	assert_int_equal(system(path), 0);
	snprintf(path, sizeof(path), "%s/b/3,4", folder);
	assert_int_equal(compare_read(path, false, &one, why, sizeof(why)), 0);
	assert_int_equal(one.source_count, 1);
	snprintf(path, sizeof(path), "%s/a", folder);
	assert_int_equal(compare_read(path, false, &several, why, sizeof(why)), 0);
	assert_int_equal(comparison_make(&one, &several, 1, &c, why, sizeof(why)), -EINVAL);
	assert_non_null(strstr(why, "is one run and"));
	assert_int_equal(comparison_make(&several, &one, 1, &c, why, sizeof(why)), -EINVAL);
	compare_release(&one);
	compare_release(&several);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_values), cmocka_unit_test(floors),
		cmocka_unit_test(false_alarms), cmocka_unit_test(changes_are_found),
		cmocka_unit_test(from_folders), cmocka_unit_test(cells_of_some_runs),
		cmocka_unit_test(wrong_sides),	cmocka_unit_test(few_runs_are_undecided),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
