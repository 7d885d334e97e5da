/* results/table: columns align whatever the bytes, and numbers say what they mean in three digits. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "results/table.h"

static void widths_are_columns(void **state)
{
	(void)state;
	assert_int_equal(table_width(""), 0);
	assert_int_equal(table_width("abc"), 3);
	assert_int_equal(table_width("4.71 µs"), 7);
	assert_int_equal(table_width("│─┼"), 3);
	assert_int_equal(table_width("e\xcc\x81"), 1); /* e and a combining acute */
	assert_int_equal(table_width("日本"), 4);
	assert_int_equal(table_width("\xff\xfe"), 2);	      /* not UTF-8 */
	assert_int_equal(table_width("\xe2\x82"), 2);	      /* cut short */
	assert_int_equal(table_width("\xc0\xaf"), 2);	      /* overlong */
	assert_int_equal(table_width("\xf0\x9f\x98\x80"), 2); /* emoji */
}

static void numbers(void **state)
{
	static const struct {
		double value;
		const char *unit;
		const char *text;
	} rows[] = {
		{205000, "1/s", "205 k/s"},
		{4.71, "us", "4.71 µs"},
		{0.0042, "s", "4.20 ms"},
		{999.4, "us", "999 µs"},
		{999.5, "us", "1.00 ms"},
		{9.996, "us", "10.0 µs"},
		{9.994, "us", "9.99 µs"},
		{99.96, "us", "100 µs"},
		{0.5, "us", "500 ns"},
		{0.0005, "us", "0.500 ns"},
		{1840, "ns", "1.84 µs"},
		{3141.6, "1/s", "3.14 k/s"},
		{4.12e9, "1/s", "4.12 G/s"},
		{0, "1/s", "0"},
		{0, "us", "0"},
		{2, "", "2.00"},
		{402, "", "402"},
		{0.0421, "", "0.0421"},
		{12345, "", "12345"},
		{-3.14159, "", "-3.14"},
		{NAN, "us", "–"},
		{1536, "KiB", "1536 KiB"},
		{24, "B", "24.0 B"},
		{2.5e6, "B", "2.50 MB"},
		{7200, "s", "7200 s"},
		{1e15, "1/s", "1000 T/s"},
	};
	char text[TABLE_TEXT_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(table_number(rows[i].value, rows[i].unit, text), rows[i].text);
	assert_string_equal(table_percent(0.123, text), "12.3 %");
	assert_string_equal(table_percent(1.0, text), "100 %");
	assert_string_equal(table_percent(0.0, text), "0 %");
	assert_string_equal(table_percent(1e-7, text), "0 %");
	assert_string_equal(table_percent(NAN, text), "–");
}

static void intervals_and_ratios(void **state)
{
	char text[TABLE_TEXT_SIZE];

	(void)state;
	assert_string_equal(table_interval(3180, 3174, 3192, "1/s", text), "[3.17, 3.19]");
	/* In the unit of the value, also where a bound alone would have another. */
	assert_string_equal(table_interval(1005, 990, 1020, "us", text), "[0.990, 1.02]");
	assert_string_equal(table_interval(5, NAN, NAN, "us", text), "–");
	assert_string_equal(table_interval_of(1005, 454, 20035, "us", 2, text), "[0.45, 20]");
	assert_string_equal(table_interval_of(9.96, 9.96, 99.6, "", 1, text), "[10, 100]");
	assert_string_equal(table_ratio(1.93, 1.912, 1.949, text), "1.93 [1.91, 1.95]");
	assert_string_equal(table_ratio(1.041, 1.0222, 1.06, text), "1.041 [1.022, 1.060]");
	assert_string_equal(table_ratio(25.93, 25.4, 26.1, text), "25.9 [25.4, 26.1]");
	assert_string_equal(table_ratio(0.5, NAN, NAN, text), "0.500");
	assert_string_equal(table_ratio(NAN, NAN, NAN, text), "–");
}

static char *put(const char *text, size_t width, enum table_side side)
{
	char *out = NULL;
	size_t length;
	FILE *file = open_memstream(&out, &length);

	assert_non_null(file);
	table_put(file, text, width, side);
	fclose(file);
	return out;
}

static void assert_put(const char *text, size_t width, enum table_side side, const char *expected)
{
	char *out = put(text, width, side);

	assert_string_equal(out, expected);
	free(out);
}

static void texts_are_padded_and_cut(void **state)
{
	(void)state;
	assert_put("µs", 4, TABLE_LEFT, "µs  ");
	assert_put("µs", 4, TABLE_RIGHT, "  µs");
	assert_put("nonblocking", 5, TABLE_LEFT, "nonb…");
	assert_put("日本語", 4, TABLE_LEFT, "日… ");
	assert_put("abc", 0, TABLE_LEFT, "");
}

static char *write_table(bool color)
{
	struct table *table = table_new(3);
	char *text = NULL;
	size_t length;
	FILE *file = open_memstream(&text, &length);

	assert_true(table && file);
	table_heading(table, "pool", TABLE_LEFT);
	table_heading(table, "latency", TABLE_RIGHT);
	table_heading(table, "note", TABLE_LEFT);
	table_cell(table, "serial");
	table_cell(table, "4.71 µs");
	table_cell(table, "");
	table_cell(table, "é");
	table_cell(table, NULL);
	table_cell(table, "long enough");
	assert_int_equal(table_write(table, file, 2, color), 0);
	table_free(table);
	fclose(file);
	return text;
}

static void tables_align(void **state)
{
	char *text = write_table(false);

	(void)state;
	assert_string_equal(text, "  pool    latency  note\n"
				  "  ────────────────────────────\n"
				  "  serial  4.71 µs  –\n"
				  "  é             –  long enough\n");
	free(text);
	text = write_table(true);
	assert_non_null(strstr(text, "\033[1m"));
	free(text);
}

static void color_is_asked_for(void **state)
{
	(void)state;
	unsetenv("NO_COLOR");
	assert_true(table_color(true));
	assert_false(table_color(false));
	setenv("NO_COLOR", "1", 1);
	assert_false(table_color(true));
	setenv("NO_COLOR", "", 1);
	assert_true(table_color(true));
	unsetenv("NO_COLOR");
}

static void failed_writes_are_reported(void **state)
{
	struct table *table = table_new(1);
	FILE *file = fopen("/dev/full", "w");

	(void)state;
	assert_true(table && file);
	setvbuf(file, NULL, _IONBF, 0);
	table_heading(table, "x", TABLE_LEFT);
	assert_int_equal(table_write(table, file, 0, false), -EIO);
	fclose(file);
	table_free(table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(widths_are_columns),
		cmocka_unit_test(numbers),
		cmocka_unit_test(intervals_and_ratios),
		cmocka_unit_test(texts_are_padded_and_cut),
		cmocka_unit_test(tables_align),
		cmocka_unit_test(color_is_asked_for),
		cmocka_unit_test(failed_writes_are_reported),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
