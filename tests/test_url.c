/* kernels/protocol/url: what is accepted, what it becomes, and what is refused with a reason. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "kernels/protocol/request.h"
#include "kernels/protocol/url.h"

static void accepted(void **state)
{
	static const struct {
		const char *text, *host, *port, *target;
		bool tls, v6, default_port;
	} rows[] = {
		{"http://127.0.0.1:8080/", "127.0.0.1", "8080", "/", false, false, false},
		{"http://Example.ORG", "example.org", "80", "/", false, false, true},
		{"HTTPS://a.b/c?d=e#f", "a.b", "443", "/c?d=e", true, false, true},
		{"http://h?q", "h", "80", "/?q", false, false, true},
		{"http://h#f", "h", "80", "/", false, false, true},
		{"http://[::1]:81/x", "::1", "81", "/x", false, true, false},
		{"http://h:80/", "h", "80", "/", false, false, true},
		{"http://h:0080/", "h", "80", "/", false, false, true},
	};
	char why[256];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct url url;

		assert_int_equal(url_parse(rows[i].text, &url, why, sizeof(why)), 0);
		assert_string_equal(url.host, rows[i].host);
		assert_string_equal(url.port, rows[i].port);
		assert_string_equal(url.target, rows[i].target);
		assert_int_equal(url.tls, rows[i].tls);
		assert_int_equal(url.literal_v6, rows[i].v6);
		assert_int_equal(url.default_port, rows[i].default_port);
	}
}

static void refused(void **state)
{
	static const char *const texts[] = {
		"",
		"127.0.0.1:8080",
		"ftp://h/",
		"http://",
		"http:///x",
		"http://h:0/",
		"http://h:65536/",
		"http://h:x/",
		"http://h:/",
		"http://u@h/",
		"http://u:p@h/",
		"http://h/a b",
		"http://h/a\r\nX: y",
		"http://[::1/",
		"http://[::1]x/",
		"http://h\x01/",
		"http://h/\xc3\xa4",
		"http://h:999999999/",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct url url;
		char why[256] = "";

		assert_int_equal(url_parse(texts[i], &url, why, sizeof(why)), -EINVAL);
		assert_non_null(strstr(why, "URL '"));
		assert_null(strchr(why + 5 + strlen(texts[i]), '\n'));
	}
}

static void too_long(void **state)
{
	char text[URL_TARGET_MAX + 64], why[256];
	struct url url;

	(void)state;
	memset(text, 'a', sizeof(text));
	memcpy(text, "http://", 7);
	text[7 + URL_HOST_MAX] = 0;
	assert_int_equal(url_parse(text, &url, why, sizeof(why)), -EINVAL);
	text[7 + URL_HOST_MAX] = 'a';
	memcpy(text, "http://h/", 9);
	text[8 + URL_TARGET_MAX] = 0;
	assert_int_equal(url_parse(text, &url, why, sizeof(why)), -EINVAL);
	text[8 + URL_TARGET_MAX - 1] = 0;
	assert_int_equal(url_parse(text, &url, why, sizeof(why)), 0);
	assert_int_equal(strlen(url.target), URL_TARGET_MAX - 1);
}

static void assert_request(const char *text, const struct request_options *options,
			   const char *expected)
{
	struct request request;
	struct url url;
	char why[256];

	assert_int_equal(url_parse(text, &url, why, sizeof(why)), 0);
	assert_int_equal(request_build(&url, options, &request), 0);
	assert_string_equal(request.bytes, expected);
	assert_int_equal(request.length, strlen(request.bytes));
	assert_int_equal(request.close, options->close);
	request_release(&request);
}

static void request_bytes(void **state)
{
	const char *const headers[] = {"host: other", "X-A: 1", "ACCEPT: text/html"};

	(void)state;
	assert_request("http://[::1]:81/x?y", &(struct request_options){.user_agent = "iolab/0"},
		       "GET /x?y HTTP/1.1\r\nHost: [::1]:81\r\n"
		       "User-Agent: iolab/0\r\nAccept: */*\r\n\r\n");
	assert_request("http://h:80/",
		       &(struct request_options){.user_agent = "a", .accept_encoding = "br"},
		       "GET / HTTP/1.1\r\nHost: h\r\nUser-Agent: a\r\nAccept: */*\r\n"
		       "Accept-Encoding: br\r\n\r\n");
	assert_request(
		"https://h/",
		&(struct request_options){
			.user_agent = "a", .close = true, .headers = headers, .header_count = 3},
		"GET / HTTP/1.1\r\nUser-Agent: a\r\nConnection: close\r\n"
		"host: other\r\nX-A: 1\r\nACCEPT: text/html\r\n\r\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accepted),
		cmocka_unit_test(refused),
		cmocka_unit_test(too_long),
		cmocka_unit_test(request_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
