/* lab/latency: distributions as typed, and draws that have their shape and repeat. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lab/latency.h"

enum { DRAWS = 20001 };

static uint64_t draws[DRAWS];

static int by_value(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return (left > right) - (left < right);
}

/* Fills draws[], sorted. */
static void draw(const char *text)
{
	struct latency_random random = {.state = 1};
	struct latency latency;
	char why[128];

	assert_int_equal(latency_parse(text, &latency, why, sizeof(why)), 0);
	for (size_t i = 0; i < DRAWS; i++)
		draws[i] = latency_draw(&latency, &random);
	qsort(draws, DRAWS, sizeof(draws[0]), by_value);
}

static void fixed(void **state)
{
	struct latency latency;
	char why[128];

	(void)state;
	draw("5ms");
	assert_int_equal(draws[0], 5000000);
	assert_int_equal(draws[DRAWS - 1], 5000000);
	assert_int_equal(latency_parse("0", &latency, why, sizeof(why)), 0);
	assert_int_equal(latency.kind, LATENCY_NONE);
}

/* The generator is seeded: the bounds below hold always or never. */
static void uniform(void **state)
{
	(void)state;
	draw("uniform:1ms:5ms");
	assert_in_range(draws[0], 1000000, 1010000);
	assert_in_range(draws[DRAWS / 4], 1900000, 2100000);
	assert_in_range(draws[DRAWS / 2], 2900000, 3100000);
	assert_in_range(draws[DRAWS - 1], 4990000, 5000000);
	draw("uniform:3ns:4ns");
	assert_int_equal(draws[0], 3);
	assert_int_equal(draws[DRAWS - 1], 4);
}

static void lognormal(void **state)
{
	(void)state;
	draw("lognormal:5ms:0.5");
	assert_in_range(draws[DRAWS / 2], 4900000, 5100000);
	/* One sigma either way: 15.87 % and 84.13 %, at median * exp(-+0.5). */
	assert_in_range(draws[DRAWS * 1587 / 10000], 2950000, 3115000);
	assert_in_range(draws[DRAWS * 8413 / 10000], 8050000, 8440000);
	draw("lognormal:1m:4");
	assert_true(draws[DRAWS - 1] == UINT64_C(3600000000000)); /* the tail ends at an hour */
}

static void repeats(void **state)
{
	uint64_t first[DRAWS / 100];

	(void)state;
	draw("lognormal:5ms:0.5");
	memcpy(first, draws, sizeof(first));
	draw("lognormal:5ms:0.5");
	assert_memory_equal(first, draws, sizeof(first));
}

static void wrong(void **state)
{
	static const char *const texts[] = {
		"",
		"5x",
		"-5ms",
		"uniform",
		"uniform:",
		"uniform:1ms",
		"uniform:5ms:1ms",
		"uniform:1ms:2ms:3ms",
		"uniform:1ms:2h",
		"lognormal:5ms",
		"lognormal:5ms:",
		"lognormal:5ms:0",
		"lognormal:5ms:-1",
		"lognormal:5ms:nan",
		"lognormal:5ms:inf",
		"lognormal:5ms:0x1",
		"lognormal:5ms:1.2.3",
		"lognormal:5ms:5",
		"normal:1ms:2ms",
		"61m",
		"uniform:1ms:61m",
		"lognormal:61m:1",
	};
	struct latency latency = {.low_ns = 77};
	char why[256];

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		why[0] = '\0';
		assert_int_equal(latency_parse(texts[i], &latency, why, sizeof(why)), -EINVAL);
		assert_true(why[0] && !strchr(why, '\n'));
	}
	assert_int_equal(latency.low_ns, 77);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fixed),   cmocka_unit_test(uniform), cmocka_unit_test(lognormal),
		cmocka_unit_test(repeats), cmocka_unit_test(wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
