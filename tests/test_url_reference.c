/* kernels/protocol/url_reference: the examples of RFC 3986, 5.4, and what real servers send. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "kernels/protocol/url_reference.h"

/* From a block of exactly its length, so that ASan sees a read past it; NULL when refused. */
static const char *resolve(const char *base, const char *reference, size_t length)
{
	static char text[URL_TEXT_MAX], why[512];
	char *copy = malloc(length + 1);
	struct url url, before;
	int result;

	assert_non_null(copy);
	memcpy(copy + 1, reference, length);
	assert_int_equal(url_parse(base, &url, why, sizeof(why)), 0);
	before = url;
	why[0] = 0;
	result = url_resolve(&url, copy + 1, length, &url, why, sizeof(why));
	free(copy);
	if (result != 0) {
		assert_int_equal(result, -EINVAL);
		assert_memory_equal(&url, &before, sizeof(url));
		assert_true(strlen(why) > 10);
		for (const char *p = why; *p; p++)
			assert_true(*p >= ' ' && *p < 127);
		return NULL;
	}
	assert_string_equal(why, "");
	assert_true(url_print(&url, text, sizeof(text)) < (int)sizeof(text));
	/* What came out is a URL that reads as it prints. */
	assert_int_equal(url_parse(text, &before, why, sizeof(why)), 0);
	assert_true(url_same_origin(&url, &before));
	assert_string_equal(url.target, before.target);
	return text;
}

struct row {
	const char *reference, *expected;
};

static void check_rows(const char *base, const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const char *got = resolve(base, rows[i].reference, strlen(rows[i].reference));

		if (!got)
			fail_msg("'%s' was refused", rows[i].reference);
		assert_string_equal(got, rows[i].expected);
	}
}

/* 5.4.1 and 5.4.2, without those of other schemes; fragments are dropped. */
static void rfc_examples(void **state)
{
	static const struct row rows[] = {
		{"g", "http://a/b/c/g"},
		{"./g", "http://a/b/c/g"},
		{"g/", "http://a/b/c/g/"},
		{"/g", "http://a/g"},
		{"//g", "http://g/"},
		{"?y", "http://a/b/c/d;p?y"},
		{"g?y", "http://a/b/c/g?y"},
		{"#s", "http://a/b/c/d;p?q"},
		{"g#s", "http://a/b/c/g"},
		{"g?y#s", "http://a/b/c/g?y"},
		{";x", "http://a/b/c/;x"},
		{"g;x", "http://a/b/c/g;x"},
		{"g;x?y#s", "http://a/b/c/g;x?y"},
		{"", "http://a/b/c/d;p?q"},
		{".", "http://a/b/c/"},
		{"./", "http://a/b/c/"},
		{"..", "http://a/b/"},
		{"../", "http://a/b/"},
		{"../g", "http://a/b/g"},
		{"../..", "http://a/"},
		{"../../", "http://a/"},
		{"../../g", "http://a/g"},
		{"../../../g", "http://a/g"},
		{"../../../../g", "http://a/g"},
		{"/./g", "http://a/g"},
		{"/../g", "http://a/g"},
		{"g.", "http://a/b/c/g."},
		{".g", "http://a/b/c/.g"},
		{"g..", "http://a/b/c/g.."},
		{"..g", "http://a/b/c/..g"},
		{"./../g", "http://a/b/g"},
		{"./g/.", "http://a/b/c/g/"},
		{"g/./h", "http://a/b/c/g/h"},
		{"g/../h", "http://a/b/c/h"},
		{"g;x=1/./y", "http://a/b/c/g;x=1/y"},
		{"g;x=1/../y", "http://a/b/c/y"},
		{"g?y/./x", "http://a/b/c/g?y/./x"},
		{"g?y/../x", "http://a/b/c/g?y/../x"},
		{"g#s/./x", "http://a/b/c/g"},
		{"g#s/../x", "http://a/b/c/g"},
	};

	(void)state;
	check_rows("http://a/b/c/d;p?q", rows, sizeof(rows) / sizeof(rows[0]));
}

static void more_references(void **state)
{
	static const struct row plain[] = {
		{"https://Example.ORG", "https://example.org/"},
		{"HTTP://h:80/x", "http://h/x"},
		{"http://h/a/../b/./c?d/../e#f", "http://h/b/c?d/../e"},
		{"//[::1]:81/x", "http://[::1]:81/x"},
		{"/a//../b", "http://a:8080/a/b"},
		{"/..", "http://a:8080/"},
		{"/.", "http://a:8080/"},
		{"/a/..", "http://a:8080/"},
		{"/a/b/..", "http://a:8080/a/"},
		{"/.../..a/b./.c", "http://a:8080/.../..a/b./.c"},
		{"/x:y", "http://a:8080/x:y"},
		{"./x:y", "http://a:8080/b/x:y"},
		{"x/y:z", "http://a:8080/b/x/y:z"},
		{"1:2", "http://a:8080/b/1:2"},
		{"?", "http://a:8080/b/c?"},
		{"x?http://other/", "http://a:8080/b/x?http://other/"},
		/* As browsers do. */
		{" /x ", "http://a:8080/x"},
		{"/a b", "http://a:8080/a%20b"},
		{"/\xc3\xa4?\xff\x7f", "http://a:8080/%C3%A4?%FF%7F"},
		{"/a%20b%zz", "http://a:8080/a%20b%zz"},
		{"   ", "http://a:8080/b/c"},
	};
	static const struct row tls[] = {
		{"//g/x", "https://g/x"},	    {"x", "https://[::1]/x"},
		{"", "https://[::1]/?q"},	    {"?r", "https://[::1]/?r"},
		{"http://[::1]/", "http://[::1]/"},
	};
	static const struct row undotted[] = {
		/* 5.2.2: base's path, where it stays, stays as it is. */
		{"", "http://a/b/../c?q"},
		{"?y", "http://a/b/../c?y"},
		{"d", "http://a/d"},
	};
	static const struct row query[] = {{"d", "http://a/b/d"}, {"../d", "http://a/d"}};

	(void)state;
	check_rows("http://a:8080/b/c", plain, sizeof(plain) / sizeof(plain[0]));
	check_rows("https://[::1]?q", tls, sizeof(tls) / sizeof(tls[0]));
	check_rows("http://a/b/../c?q", undotted, sizeof(undotted) / sizeof(undotted[0]));
	/* A slash in base's query is no path. */
	check_rows("http://a/b/c?x/y/z", query, sizeof(query) / sizeof(query[0]));
}

static void refused(void **state)
{
	static const char *const references[] = {
		"ftp://h/",    "g:h",	       "mailto:a@b",  "javascript:alert(1)",
		"http:g",      "https:/x",     "http:",	      "http://",
		"//",	       "///x",	       "http://u@h/", "//u:p@h/",
		"http://h:0/", "//h:99999/",   "/x\r\nY: z",  "/\x01",
		"http://h h/", "//h\xc3\xa4/", "\t/x",	      "/x#\n",
		"//[::1/",     "file:///etc",  "httpx://h/",  "httpss://h/",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(references) / sizeof(references[0]); i++)
		if (resolve("http://a/b", references[i], strlen(references[i])))
			fail_msg("'%s' was taken", references[i]);
	assert_null(resolve("http://a/b", "/x\0y", 4));
}

static void reasons(void **state)
{
	static const struct row rows[] = {
		{"ftp://h/\xc3", "Location 'ftp://h/?': its scheme is not http or https"},
		{"/a\nb", "Location '/a?b': it has a control character"},
		{"//u@h", "URL 'http://u@h': user names are not taken; "
			  "send a header: -H 'Authorization: ...'"},
	};
	struct url base;
	char why[256];

	(void)state;
	assert_int_equal(url_parse("http://a/", &base, why, sizeof(why)), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *reference = rows[i].reference;

		assert_int_equal(
			url_resolve(&base, reference, strlen(reference), &base, why, sizeof(why)),
			-EINVAL);
		assert_string_equal(why, rows[i].expected);
	}
}

/* The longest that fit, and one byte more, in each way that a result grows. */
static void too_long(void **state)
{
	static char reference[3 * URL_TARGET_MAX], base[2 * URL_TARGET_MAX];
	size_t longest = URL_TARGET_MAX - 1;

	(void)state;
	memset(reference, 'x', sizeof(reference));
	reference[0] = '/';
	assert_non_null(resolve("http://a/", reference, longest));
	assert_null(resolve("http://a/", reference, longest + 1));
	assert_null(resolve("http://a/", reference, sizeof(reference)));
	assert_non_null(resolve("http://a/", reference + 1, longest - 1));
	assert_null(resolve("http://a/", reference + 1, longest));
	/* Base's path and the reference each fit, both do not. */
	memset(base, 'y', sizeof(base));
	memcpy(base, "http://a/", 9);
	base[9 + 3000] = '/';
	base[9 + 3001] = 0;
	assert_non_null(resolve(base, reference + 1, longest - 3002));
	assert_null(resolve(base, reference + 1, longest - 3001));
	assert_null(resolve(base, reference + 1, longest - 1));
	/* Three bytes for one. */
	memset(reference + 1, ' ', sizeof(reference) - 1);
	reference[1 + longest / 3] = 'x';
	assert_non_null(resolve("http://a/", reference, longest / 3));
	reference[1 + longest / 3 + 1] = 'x';
	assert_null(resolve("http://a/", reference, longest / 3 + 3));
	reference[sizeof(reference) - 1] = 'x';
	assert_null(resolve("http://a/", reference, sizeof(reference)));
}

static void origins(void **state)
{
	static const struct {
		const char *a, *b;
		bool same;
	} rows[] = {
		{"http://h/x", "http://H:80/y?z", true},
		{"https://h/", "https://h:443/", true},
		{"http://h/", "https://h/", false},
		{"http://h:443/", "https://h/", false},
		{"http://h/", "http://h:81/", false},
		{"http://h/", "http://hh/", false},
		{"http://[::1]/", "http://[::1]:80/", true},
		{"http://[1.2.3.4]/", "http://1.2.3.4/", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct url a, b;
		char why[256];

		assert_int_equal(url_parse(rows[i].a, &a, why, sizeof(why)), 0);
		assert_int_equal(url_parse(rows[i].b, &b, why, sizeof(why)), 0);
		assert_int_equal(url_same_origin(&a, &b), rows[i].same);
	}
}

static void printed(void **state)
{
	struct url url;
	char text[64], why[256];

	(void)state;
	assert_int_equal(url_parse("https://[::1]:8443/x?y", &url, why, sizeof(why)), 0);
	assert_int_equal(url_print(&url, text, sizeof(text)), 22);
	assert_string_equal(text, "https://[::1]:8443/x?y");
	assert_int_equal(url_print(&url, text, 10), 22);
	assert_string_equal(text, "https://[");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc_examples), cmocka_unit_test(more_references),
		cmocka_unit_test(refused),	cmocka_unit_test(reasons),
		cmocka_unit_test(too_long),	cmocka_unit_test(origins),
		cmocka_unit_test(printed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
