/*
 * results/picture: which cells become lines over which factor and which become rows, and scripts
 * that gnuplot draws whatever the cells are called.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "results/picture_inside.h"
#include "tests/synthetic.h"

static char folder[] = "/tmp/iolab-plot-XXXXXX";

/* Rows put together by hand, and what is made of them. */
static struct record rows[4000];
static size_t row_count;
static struct summary *summary;
static struct pictures pictures;

static int clean(void **state)
{
	(void)state;
	pictures_release(&pictures);
	summary_free(summary);
	summary = NULL;
	for (size_t i = 0; i < row_count; i++)
		record_release(&rows[i]);
	row_count = 0;
	return 0;
}

/* Four blocks of a cell. */
static struct record *add_cell(const char *name, const char *role, double connections, double rate)
{
	struct record *first = &rows[row_count];

	for (unsigned block = 1; block <= 4; block++) {
		struct record *row = &rows[row_count++];

		record_init(row, RECORD_FETCH);
		record_set_count(row, COLUMN_block, block);
		record_set_text(row, COLUMN_cell, name);
		record_set_text(row, COLUMN_role, role);
		record_set_text(row, COLUMN_model, "epoll");
		record_set_text(row, COLUMN_quadrant, "async-blocking");
		record_set_count(row, COLUMN_connections, (uint64_t)connections);
		record_set_real(row, COLUMN_body_bytes, 24);
		record_set_real(row, COLUMN_origin_latency_us, 0);
		record_set_real(row, COLUMN_throughput_rps, rate * (1 + 0.01 * block));
		record_set_real(row, COLUMN_cpu_us_per_request, 5 + 0.1 * block);
		record_set_real(row, COLUMN_latency_p50_us, 100 + block);
		record_set_real(row, COLUMN_latency_p99_us, 300 + block);
	}
	return first;
}

static void set_all(struct record *first, enum record_column column, double value)
{
	for (unsigned i = 0; i < 4; i++)
		if (record_columns[column].type == RECORD_COUNT)
			record_set_count(&first[i], column, (uint64_t)value);
		else
			record_set_real(&first[i], column, value);
}

static void make(void)
{
	const struct summary_options options = {.seed = 1};
	char why[256];

	assert_int_equal(
		summary_make(rows, row_count, RECORD_FETCH, &options, &summary, why, sizeof(why)),
		0);
	assert_int_equal(pictures_make((const struct summary *const[]){summary}, 1, &pictures), 0);
}

static void add_named(const char *format, const char *model, unsigned number, double connections)
{
	char name[128];

	snprintf(name, sizeof(name), format, model, number);
	add_cell(name, "cell", connections, 1000 * connections);
}

static char *script_of(const char *name)
{
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	for (size_t i = 0; i < pictures.count; i++)
		if (strcmp(pictures.pictures[i].name, name) == 0)
			assert_int_equal(picture_write_script(&pictures.pictures[i], file), 0);
	fclose(file);
	assert_true(size > 0);
	return text;
}

static void holds(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("'%s' is missing in:\n%s", part, text);
}

static void a_factor_of_three_values_is_an_axis(void **state)
{
	static const double values[] = {1, 16, 256};
	const struct picture_unit *unit;

	(void)state;
	for (unsigned c = 1; c <= 256; c *= 16) {
		add_named("load/%s/%u", "epoll", c, c);
		add_named("load/%s/%u", "uring", c, c);
	}
	make();
	assert_int_equal(pictures.unit_count, 1);
	unit = &pictures.units[0];
	assert_true(unit->lines);
	assert_int_equal(unit->x, COLUMN_connections);
	assert_int_equal(unit->line_count, 2);
	assert_int_equal(unit->count, 6);
	assert_string_equal(unit->title, "load");
	assert_string_equal(unit->points[0].label, "epoll");
	assert_string_equal(unit->points[5].label, "uring");
	for (size_t i = 0; i < 6; i++) {
		assert_true(unit->points[i].x == values[i % 3]);
		assert_int_equal(unit->points[i].line, i / 3);
	}
	/* Throughput, CPU and four percentiles; not the columns that are empty. */
	assert_int_equal(pictures.count, 3);
	assert_string_equal(pictures.pictures[0].name, "load-throughput-by-connections");
	assert_int_equal(pictures.pictures[0].form, PICTURE_LINES);
}

static void two_values_are_rows(void **state)
{
	(void)state;
	for (unsigned c = 1; c <= 16; c *= 16) {
		add_named("load/%s/%u", "epoll", c, c);
		add_named("load/%s/%u", "uring", c, c);
	}
	make();
	assert_int_equal(pictures.unit_count, 2);
	for (size_t i = 0; i < 2; i++) {
		assert_false(pictures.units[i].lines);
		assert_int_equal(pictures.units[i].count, 2);
	}
	assert_string_equal(pictures.units[0].points[0].label, "epoll/1");
	assert_int_equal(pictures.pictures[0].form, PICTURE_ROWS);
}

/* What varies with no part of the names was not asked for. */
static void what_only_happens_to_vary_is_no_factor(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		add_named("load/%s-%u", "model", i, 16);
		add_named("other/%s/%u", "model", i, 16);
		set_all(&rows[row_count - 8], COLUMN_body_bytes, 24);
		set_all(&rows[row_count - 4], COLUMN_workers, i / 2);
	}
	make();
	for (size_t i = 0; i < pictures.unit_count; i++)
		assert_false(pictures.units[i].lines);
}

/* Of a model with a connection a worker, both columns tell the same factor. */
static void a_factor_that_two_columns_tell_is_drawn_once(void **state)
{
	(void)state;
	for (unsigned c = 1; c <= 8; c *= 2) {
		add_named("load/%s/%u", "blocking", c, c);
		set_all(&rows[row_count - 4], COLUMN_workers, c);
	}
	make();
	assert_int_equal(pictures.unit_count, 1);
	assert_int_equal(pictures.units[0].x, COLUMN_connections);
}

static void two_factors_are_two_axes(void **state)
{
	unsigned lines[RECORD_COLUMNS] = {0};

	(void)state;
	for (unsigned c = 1; c <= 16; c *= 4)
		for (unsigned l = 0; l < 3; l++) {
			add_named(l == 0   ? "load/%s/%u/0"
				  : l == 1 ? "load/%s/%u/1ms"
					   : "load/%s/%u/10ms",
				  "epoll", c, c);
			set_all(&rows[row_count - 4], COLUMN_origin_latency_us,
				(double[]){0, 1000, 10000}[l]);
		}
	make();
	for (size_t i = 0; i < pictures.unit_count; i++) {
		assert_true(pictures.units[i].lines);
		lines[pictures.units[i].x] += (unsigned)pictures.units[i].line_count;
	}
	assert_int_equal(lines[COLUMN_connections], 3);
	assert_int_equal(lines[COLUMN_origin_latency_us], 3);
}

/* Too many for one picture: each value of the other factor has its own, and none has two. */
static void contexts_are_drawn_apart(void **state)
{
	size_t units = 0;

	(void)state;
	for (unsigned c = 1; c <= 16; c *= 4)
		for (unsigned l = 0; l < 3; l++)
			for (char model[2] = "a"; model[0] < 'e'; model[0]++) {
				char name[64];

				snprintf(name, sizeof(name), "grid/%s/%ums/%u", model, l, c);
				set_all(add_cell(name, "cell", c, 1000), COLUMN_origin_latency_us,
					1000 * l);
			}
	make();
	for (size_t i = 0; i < pictures.unit_count; i++) {
		const struct picture_unit *unit = &pictures.units[i];

		assert_int_equal(unit->line_count, 4);
		units += unit->x == COLUMN_connections;
	}
	assert_int_equal(units, 3);
}

/* A model's own option is a part that the others' names do not have. */
static void names_may_have_more_parts(void **state)
{
	(void)state;
	for (unsigned c = 1; c <= 16; c *= 4) {
		add_named("load/%s/%u", "epoll", c, c);
		add_named("load/%s/fixed/%u", "uring", c, c);
		add_named("load/%s/defer/%u", "uring", c, c);
	}
	make();
	assert_int_equal(pictures.unit_count, 1);
	assert_int_equal(pictures.units[0].line_count, 3);
	assert_string_equal(pictures.units[0].points[3].label, "uring/defer");
}

/* 50 % of what each model can do is another rate for each. */
static void shares_of_a_capacity_are_an_axis(void **state)
{
	(void)state;
	for (unsigned share = 20; share <= 80; share += 20) {
		add_named("load/%s/%u%%", "epoll", share, 64);
		set_all(&rows[row_count - 4], COLUMN_rate_rps, 1000.0 * share);
		add_named("load/%s/%u%%", "uring", share, 64);
		set_all(&rows[row_count - 4], COLUMN_rate_rps, 1100.0 * share);
	}
	make();
	assert_int_equal(pictures.unit_count, 1);
	assert_int_equal(pictures.units[0].x, COLUMN_rate_rps);
	assert_int_equal(pictures.units[0].line_count, 2);
	assert_string_equal(pictures.units[0].points[0].label, "epoll");
	assert_true(pictures.units[0].points[4].x == 22000);
}

static void many_lines_are_split_and_few_joined(void **state)
{
	size_t lines = 0, points = 0;

	(void)state;
	for (unsigned c = 1; c <= 16; c *= 4) {
		for (char model[2] = "a"; model[0] < 'a' + 11; model[0]++)
			add_named("many/%s/%u", model, c, c);
		add_named("one/%s/%u", "x", c, c);
		add_named("two/%s/%u", "x", c, c);
		set_all(&rows[row_count - 4], COLUMN_origin_latency_us, 5000);
		set_all(&rows[row_count - 8], COLUMN_origin_latency_us, 5000);
	}
	make();
	for (size_t i = 0; i < pictures.unit_count; i++) {
		assert_true(pictures.units[i].lines);
		assert_true(pictures.units[i].line_count <= PICTURE_LINES_MAX);
		lines += pictures.units[i].line_count;
		points += pictures.units[i].count;
	}
	assert_int_equal(lines, 13);
	assert_int_equal(points, 39);
	/* Of one workload, and no more than can be told apart: side by side. */
	assert_string_equal(pictures.units[pictures.unit_count - 1].title, "one, two");
	assert_string_equal(pictures.units[pictures.unit_count - 1].points[0].label, "one/x");
}

static void scripts_have_axes_units_and_data(void **state)
{
	char *text;

	(void)state;
	for (unsigned c = 1; c <= 256; c *= 16)
		add_named("load/%s/%u", "epoll", c, c);
	make();
	text = script_of("load-throughput-by-connections");
	holds(text, "set output 'load-throughput-by-connections.svg'\n");
	holds(text, "set logscale x\n");
	holds(text, "set xlabel 'connections'\n");
	holds(text, "'1' 1, '16' 16, '256' 256");
	holds(text, "set ylabel 'fetches per second, k/s'");
	holds(text, "with yerrorbars");
	/* In thousands: the median of 16 connections and its interval. */
	holds(text, "\n16 16.4 ");
	assert_null(strstr(text, "<<EOD"));
	free(text);
}

static void an_axis_of_less_than_a_decade_is_linear(void **state)
{
	char *text;

	(void)state;
	for (unsigned c = 1; c <= 4; c++)
		add_named("load/%s/%u", "epoll", c, c);
	make();
	text = script_of("load-throughput-by-connections");
	holds(text, "unset logscale x\n");
	assert_null(strstr(text, "\nset logscale x\n"));
	free(text);
}

static void zero_stands_on_a_logarithmic_axis(void **state)
{
	static const double latencies[] = {0, 100, 10000};
	char *text;

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		add_named("slow/%s/%u", "epoll", i, 16);
		set_all(&rows[row_count - 4], COLUMN_origin_latency_us, latencies[i]);
	}
	make();
	text = script_of("slow-throughput-by-origin_latency_us");
	holds(text, "set logscale x\n");
	holds(text, "'0' 25, '100 µs' 100, '10 ms' 10000");
	holds(text, "\n25 16.4 ");
	free(text);
}

/* Of the data's rows, those that end in the 1 of a claim. */
static unsigned count_claims(const char *text)
{
	unsigned count = 0;
	const char *data = strstr(text, "$cells << END\n");

	assert_non_null(data);
	for (data = strchr(data, '\n') + 1; strncmp(data, "END\n", 4) != 0;
	     data = strchr(data, '\n') + 1)
		count += memcmp(strchr(data, '\n') - 2, " 1", 2) == 0;
	return count;
}

static void ratios_have_the_noise_floor_and_claims_are_filled(void **state)
{
	struct record *made = NULL;
	size_t count = 0;
	const struct summary_options options = {.seed = 1};
	char why[256], *text;

	(void)state;
	synthetic_fetch(&made, &count, 12, 0.01);
	assert_int_equal(
		summary_make(made, count, RECORD_FETCH, &options, &summary, why, sizeof(why)), 0);
	assert_int_equal(pictures_make((const struct summary *const[]){summary}, 1, &pictures), 0);
	assert_int_equal(pictures.pictures[0].form, PICTURE_ROWS);
	text = script_of(pictures.pictures[0].name);
	holds(text, "set object 1 rectangle from first 0.9");
	holds(text, "grey: noise floor");
	holds(text, "baseline");
	assert_int_equal(count_claims(text), 4);
	free(text);
	pictures_release(&pictures);
	summary_free(summary);
	summary = NULL;
	record_free_all(made, count);
}

static void file_names_are_safe_and_unique(void **state)
{
	static const char *const names[] = {"../../etc/x", "a b;c", "a-b-c", "$(id)", "-rf", "é"};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct record *first = add_cell(names[i], "cell", (double)(10 + i), 1000);
		char other[64];

		(void)first;
		snprintf(other, sizeof(other), "%s/2", names[i]);
		add_cell(other, "cell", (double)(10 + i), 1000);
	}
	make();
	assert_true(pictures.count >= 15);
	for (size_t i = 0; i < pictures.count; i++) {
		const char *name = pictures.pictures[i].name;

		assert_int_equal(strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
					      "0123456789._-"),
				 strlen(name));
		assert_true(name[0] != '.' && name[0] != '-');
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(name, pictures.pictures[k].name);
	}
}

static void a_quoted_text_has_no_meaning(void **state)
{
	static const char *const cases[][2] = {
		{"plain", "'plain'"},
		{"it's", "'it''s'"},
		{"a\nb\x01"
		 "c",
		 "'a b c'"},
		{"a]]>b", "'a]] >b'"},
		{"\xff\xc3\xa9", "'\xef\xbf\xbd\xc3\xa9'"},
		{"\xed\xa0\x80", "'\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd'"},
		{"", "''"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *text = NULL;
		size_t size;
		FILE *file = open_memstream(&text, &size);

		gnuplot_quote(file, cases[i][0]);
		fclose(file);
		assert_string_equal(text, cases[i][1]);
		free(text);
	}
}

static void ticks_are_short(void **state)
{
	static const struct {
		double value;
		const char *unit, *text;
	} cases[] = {{0, "us", "0"},	    {64, "", "64"},	     {1000, "", "1k"},
		     {16384, "", "16.38k"}, {250, "us", "250 µs"},   {5000, "us", "5 ms"},
		     {2000, "1/s", "2k"},   {500, "1/s", "500"},     {1e6, "us", "1 s"},
		     {0.02, "s", "20 ms"},  {65536, "B", "65.54 kB"}};
	char text[32];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(picture_tick(cases[i].value, cases[i].unit, text),
				    cases[i].text);
}

/* Names that would be code in a shell, in gnuplot or in XML, drawn for real. */
static void gnuplot_draws_whatever_cells_are_called(void **state)
{
	static const char *const nasty[] = {
		"x'; system('touch bad'); '/a",
		"x\"`touch bad`\"%s%d%%/b",
		"x<b>&amp;]]>{/Symbol a}_^@~\\n/c",
		"x\xff\xfe\x01\xc3/$(touch bad)",
		"x|touch bad/e\nEND\nsystem('touch bad')\n",
	};
	char command[700];

	(void)state;
	for (size_t i = 0; i < 5; i++)
		add_cell(nasty[i], i == 2 ? "control" : "cell", 16, 1000 * (double)(i + 1));
	for (unsigned c = 1; c <= 256; c *= 16)
		for (size_t i = 0; i < 5; i++) {
			char name[128];

			snprintf(name, sizeof(name), "%.*s/%s/%u", (int)strcspn(nasty[i], "/"),
				 nasty[i], strchr(nasty[i], '/') + 1, c);
			add_cell(name, "cell", c, 1000.0 * c);
		}
	make();
	assert_true(pictures.count > 0);
	for (size_t i = 0; i < pictures.count; i++) {
		char path[256];
		FILE *file;

		snprintf(path, sizeof(path), "%s/%s.gp", folder, pictures.pictures[i].name);
		file = fopen(path, "w");
		assert_non_null(file);
		assert_int_equal(picture_write_script(&pictures.pictures[i], file), 0);
		assert_int_equal(fclose(file), 0);
	}
	snprintf(command, sizeof(command), "cd %s && gnuplot -d *.gp && test ! -e bad", folder);
	assert_int_equal(system(command), 0);
	snprintf(command, sizeof(command),
		 "cd %s && for f in *.gp; do python3 -c 'import sys, xml.etree.ElementTree as e; "
		 "e.parse(sys.argv[1])' \"${f%%.gp}.svg\" || exit 1; done",
		 folder);
	assert_int_equal(system(command), 0);
}

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

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, clean)
	const struct CMUnitTest tests[] = {
		TEST(a_factor_of_three_values_is_an_axis),
		TEST(two_values_are_rows),
		TEST(what_only_happens_to_vary_is_no_factor),
		TEST(a_factor_that_two_columns_tell_is_drawn_once),
		TEST(two_factors_are_two_axes),
		TEST(names_may_have_more_parts),
		TEST(contexts_are_drawn_apart),
		TEST(shares_of_a_capacity_are_an_axis),
		TEST(many_lines_are_split_and_few_joined),
		TEST(scripts_have_axes_units_and_data),
		TEST(an_axis_of_less_than_a_decade_is_linear),
		TEST(zero_stands_on_a_logarithmic_axis),
		TEST(ratios_have_the_noise_floor_and_claims_are_filled),
		TEST(file_names_are_safe_and_unique),
		TEST(a_quoted_text_has_no_meaning),
		TEST(ticks_are_short),
		TEST(gnuplot_draws_whatever_cells_are_called),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
