/* lab/units: what people type becomes the right number, and nothing else becomes a number. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "lab/units.h"

static void counts(void **state)
{
	uint64_t value = 7;

	(void)state;
	assert_int_equal(units_count("0", &value), 0);
	assert_int_equal(value, 0);
	assert_int_equal(units_count("18446744073709551615", &value), 0);
	assert_true(value == UINT64_MAX);
	assert_int_equal(units_count("18446744073709551616", &value), -ERANGE);
	assert_int_equal(units_count("", &value), -EINVAL);
	assert_int_equal(units_count("-1", &value), -EINVAL);
	assert_int_equal(units_count(" 1", &value), -EINVAL);
	assert_int_equal(units_count("1k", &value), -EINVAL);
	assert_true(value == UINT64_MAX);
}

static void sizes(void **state)
{
	uint64_t bytes;

	(void)state;
	assert_int_equal(units_size("24", &bytes), 0);
	assert_int_equal(bytes, 24);
	assert_int_equal(units_size("100K", &bytes), 0);
	assert_int_equal(bytes, 102400);
	assert_int_equal(units_size("2g", &bytes), 0);
	assert_int_equal(bytes, 2147483648);
	assert_int_equal(units_size("17179869184g", &bytes), -ERANGE);
	assert_int_equal(units_size("1kb", &bytes), -EINVAL);
	assert_int_equal(units_size("1x", &bytes), -EINVAL);
}

static void durations(void **state)
{
	static const struct {
		const char *text;
		uint64_t ns;
	} rows[] = {
		{"5ms", 5000000},      {"1.5s", 1500000000}, {"250us", 250000}, {"40ns", 40},
		{"2", 2000000000},     {"1m", 60000000000},  {"0.1us", 100},	{"0s", 0},
		{"0.5m", 30000000000},
	};
	static const char *const wrong[] = {"", "ms", "5 ms", "-5ms", "1.s", ".5s", "5h", "5msx"};
	uint64_t ns;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(units_duration(rows[i].text, &ns), 0);
		assert_int_equal(ns, rows[i].ns);
	}
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(units_duration(wrong[i], &ns), -EINVAL);
	assert_int_equal(units_duration("307445734562m", &ns), -ERANGE);
}

static void nearest(void **state)
{
	static const char *const names[] = {"connections", "threads", "duration"};

	(void)state;
	assert_string_equal(units_nearest("conections", names, 3), "connections");
	assert_string_equal(units_nearest("thread", names, 3), "threads");
	assert_null(units_nearest("zzz", names, 3));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts),
		cmocka_unit_test(sizes),
		cmocka_unit_test(durations),
		cmocka_unit_test(nearest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
