/* kernels/protocol/coding: what a Content-Encoding is taken for, and what is refused. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "kernels/protocol/coding.h"

/* From a block of exactly its length, so that ASan sees a read past the end. */
static int read_value(const char *text, enum coding *coding)
{
	size_t length = strlen(text);
	char *copy = malloc(length + 1);
	int result;

	assert_non_null(copy);
	memmove(copy + 1, text, length);
	result = coding_from_header(copy + 1, length, coding);
	free(copy);
	return result;
}

static void taken(void **state)
{
	static const struct {
		const char *value;
		enum coding coding;
	} rows[] = {
		{"", CODING_IDENTITY},
		{" ", CODING_IDENTITY},
		{",", CODING_IDENTITY},
		{"identity", CODING_IDENTITY},
		{"identity, Identity", CODING_IDENTITY},
		{"gzip", CODING_GZIP},
		{"GZip", CODING_GZIP},
		{"x-gzip", CODING_GZIP},
		{"X-GZIP", CODING_GZIP},
		{" \tgzip\t ", CODING_GZIP},
		{",, gzip ,", CODING_GZIP},
		{"identity, gzip", CODING_GZIP},
		{"gzip,identity", CODING_GZIP},
		{"deflate", CODING_DEFLATE},
		{"br", CODING_BR},
		{"BR,", CODING_BR},
		{"zstd", CODING_ZSTD},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		enum coding coding = CODING_ZSTD;

		if (rows[i].coding == CODING_ZSTD)
			coding = CODING_IDENTITY;
		assert_int_equal(read_value(rows[i].value, &coding), 0);
		assert_int_equal(coding, rows[i].coding);
	}
}

static void refused(void **state)
{
	static const char *const values[] = {
		"compress",
		"x-compress",
		"gzip, gzip",
		"gzip, br",
		"br,identity,br",
		"gzi",
		"gzipp",
		"gzip;q=1",
		"gzip br",
		"\"gzip\"",
		"*",
		"none",
		"b",
		"g\x7fzip",
		"x-deflate",
		"gzip,unknown",
		"unknown, gzip",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		enum coding coding = CODING_BR;

		assert_int_equal(read_value(values[i], &coding), -ENOTSUP);
		assert_int_equal(coding, CODING_BR);
	}
}

/* What is asked for is what can be read; each name is its own. */
static void asked_for(void **state)
{
	static const char expected[] = "gzip, deflate, br, zstd";
	const char *at = coding_accept();
	unsigned count = 0;

	(void)state;
	assert_string_equal(at, expected);
	for (; *at; at += strspn(at, ", ")) {
		size_t length = strcspn(at, ",");
		enum coding coding;

		assert_int_equal(coding_from_header(at, length, &coding), 0);
		assert_int_equal(coding, ++count);
		assert_int_equal(strlen(coding_name(coding)), length);
		assert_memory_equal(coding_name(coding), at, length);
		at += length;
	}
	assert_int_equal(count, CODING_ZSTD);
	assert_string_equal(coding_name(CODING_IDENTITY), "identity");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(taken),
		cmocka_unit_test(refused),
		cmocka_unit_test(asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
