/*
 * kernels/protocol/connection: responses of every kind, cut into pieces at every place, give the
 * same outcome; wrong ones fail with a reason; and the states follow each other as told.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "kernels/protocol/connection.h"

static struct {
	int connected, first_byte, done, failed;
	uint64_t body_bytes;
	unsigned status;
	const char *failure;
} seen;

static void on_connected(struct observer *o, struct connection *c)
{
	(void)o;
	(void)c;
	seen.connected++;
}

static void on_first_byte(struct observer *o, struct connection *c)
{
	(void)o;
	(void)c;
	seen.first_byte++;
}

static void on_done(struct observer *o, struct connection *c)
{
	(void)o;
	seen.done++;
	seen.body_bytes = c->body_bytes;
	seen.status = c->status;
}

static void on_failed(struct observer *o, struct connection *c)
{
	(void)o;
	seen.failed++;
	seen.failure = c->failure;
}

static struct observer observer = {.connected = on_connected,
				   .first_byte = on_first_byte,
				   .done = on_done,
				   .failed = on_failed};
static struct request request = {.url = "http://h/", .bytes = (char[]){"GET"}, .length = 3};

/* A connection that has sent its request and waits for the response. */
static void start(struct connection *c, struct body_reference *reference)
{
	memset(&seen, 0, sizeof(seen));
	connection_init(c, 0, &observer);
	connection_begin(c, &request, reference);
	assert_int_equal(c->want, WANT_CONNECT);
	connection_connected(c);
	assert_int_equal(c->want, WANT_SEND);
	connection_sent(c, 2);
	assert_int_equal(c->want, WANT_SEND);
	connection_sent(c, 1);
	assert_int_equal(c->want, WANT_RECEIVE);
}

/* Hands over bytes that end right before a page that must not be touched. */
static void receive(struct connection *c, const char *bytes, size_t length)
{
	static char *page;
	size_t size = (size_t)sysconf(_SC_PAGESIZE);

	if (!page) {
		page = mmap(NULL, 2 * size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			    0);
		assert_ptr_not_equal(page, MAP_FAILED);
		assert_int_equal(mprotect(page + size, size, PROT_NONE), 0);
	}
	assert_true(length <= size);
	memcpy(page + size - length, bytes, length);
	connection_received(c, page + size - length, length);
}

static const struct {
	const char *text;
	unsigned status;
	uint64_t body;
	bool keep_alive;
} good[] = {
	{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 200, 5, true},
	{"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200, 0, true},
	{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	 "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n",
	 200, 5, true},
	{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	 "00003;a=b;c=\"d; \\\"e\\\"\"\r\nabc\r\nA ; n = \"\"\r\n0;\r\nx12345\r\n0;last\r\nT: r\r\n\r\n",
	 200, 13, true},
	{"HTTP/1.1 204 No Content\r\n\r\n", 204, 0, true},
	{"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n", 204, 0, true},
	{"HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n", 304, 0, true},
	{"HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\n\r\n", 304, 0, true},
	{"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno", 404, 2,
	 false},
	{"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nno", 200, 2, false},
	{"HTTP/1.0 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\nno", 200, 2, true},
	{"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
	 "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
	 200, 1, true},
};

static void check_good(const struct connection *c, size_t i)
{
	assert_int_equal(seen.done, 1);
	assert_int_equal(seen.failed, 0);
	assert_int_equal(seen.first_byte, 1);
	assert_int_equal(seen.status, good[i].status);
	assert_int_equal(seen.body_bytes, good[i].body);
	assert_int_equal(c->want, good[i].keep_alive ? WANT_NOTHING : WANT_CLOSE);
}

static void every_split_in_two(void **state)
{
	struct connection c;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		size_t length = strlen(good[i].text);

		for (size_t cut = 1; cut < length; cut++) {
			start(&c, NULL);
			receive(&c, good[i].text, cut);
			assert_int_equal(seen.done, 0);
			receive(&c, good[i].text + cut, length - cut);
			check_good(&c, i);
			assert_false(c.one_piece);
		}
		start(&c, NULL);
		receive(&c, good[i].text, length);
		check_good(&c, i);
		assert_true(c.one_piece);
	}
}

static void byte_by_byte(void **state)
{
	struct connection c;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		start(&c, NULL);
		for (const char *p = good[i].text; *p; p++)
			receive(&c, p, 1);
		check_good(&c, i);
	}
}

static void body_until_close(void **state)
{
	static const char text[] = "HTTP/1.0 200 OK\r\n\r\nsome body";
	struct connection c;

	(void)state;
	start(&c, NULL);
	receive(&c, text, sizeof(text) - 1);
	assert_int_equal(seen.done, 0);
	connection_eof(&c);
	assert_int_equal(seen.done, 1);
	assert_int_equal(seen.body_bytes, 9);
	assert_int_equal(c.want, WANT_CLOSE);
	connection_closed(&c);
	assert_int_equal(c.want, WANT_NOTHING);
}

static void bad_responses(void **state)
{
	static const struct {
		const char *text;
		bool eof;
		const char *reason, *detail;
	} rows[] = {
		{"220 ftp.example\r\n", false, "the response is not HTTP", NULL},
		{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel", true,
		 "the server closed in the middle of the body", NULL},
		{"HTTP/1.1 200 OK\r\nContent-", true, "the server closed in the middle of the head",
		 NULL},
		{"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxHTTP/1.1 200 OK\r\n", false,
		 "the server sent more than it was asked for", NULL},
		{"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", false, "head",
		 "its Content-Length is not a number, or too large a one"},
		{"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n", false, "head",
		 "its Content-Length is not a number, or too large a one"},
		{"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", false, "head",
		 "a second Content-Length, or one beside Transfer-Encoding"},
		{"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nxx", false, "head",
		 "its Transfer-Encoding is not chunked"},
		{"HTTP/1.1 000 OK\r\nContent-Length: 0\r\n\r\n", false, "head",
		 "its status is below 100"},
		{"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n", false, "head",
		 "its version is not HTTP/1"},
		{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n11111111111111111\r\n",
		 false, "body", "a chunk's size is not a number, or too large a one"},
		{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfive\r\n", false, "body",
		 "a chunk's size is not a number, or too large a one"},
		{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n;x\r\n", false, "body",
		 "a chunk's size is not a number, or too large a one"},
		{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", false, "body",
		 "a chunk's size is not a number, or too large a one"},
		{"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n",
		 false, "the server wants to switch protocols", NULL},
	};
	struct connection c;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		start(&c, NULL);
		receive(&c, rows[i].text, strlen(rows[i].text));
		if (rows[i].eof)
			connection_eof(&c);
		assert_int_equal(seen.failed, 1);
		assert_int_equal(seen.done, 0);
		assert_string_equal(seen.failure, rows[i].reason);
		if (rows[i].detail)
			assert_string_equal(c.failure_detail, rows[i].detail);
		else
			assert_null(c.failure_detail);
		assert_int_equal(c.want, WANT_CLOSE);
		connection_closed(&c);
		assert_int_equal(c.want, WANT_NOTHING);
	}
}

static void endless_head(void **state)
{
	static const char head[] = "HTTP/1.1 200 OK\r\n";
	char line[1024];
	struct connection c;

	(void)state;
	memset(line, 'a', sizeof(line));
	memcpy(line, "X: ", 3);
	memcpy(line + sizeof(line) - 2, "\r\n", 2);
	start(&c, NULL);
	receive(&c, head, sizeof(head) - 1);
	for (size_t i = 0; i < CONNECTION_HEAD_MAX / 1024 + 1 && !seen.failed; i++)
		receive(&c, line, sizeof(line));
	assert_int_equal(seen.failed, 1);
	assert_string_equal(seen.failure, "the response's head is too long");
}

/* Trailers of so many bytes, the blank line included, in pieces; whether the fetch is done. */
static bool trailers_pass(size_t length, size_t piece)
{
	static const char head[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
				   "5\r\nhello\r\n0\r\n";
	static char text[sizeof(head) + CONNECTION_HEAD_MAX + 1];
	size_t whole = sizeof(head) - 1 + length;
	struct connection c;

	memcpy(text, head, sizeof(head) - 1);
	memset(text + sizeof(head) - 1, 'a', length);
	memcpy(text + sizeof(head) - 1, "X: ", 3);
	memcpy(text + whole - 4, "\r\n\r\n", 4);
	start(&c, NULL);
	for (size_t at = 0; at < whole && !seen.failed; at += piece)
		connection_received(&c, text + at, piece < whole - at ? piece : whole - at);
	assert_int_equal(seen.done + seen.failed, 1);
	if (seen.failed)
		assert_string_equal(seen.failure, "the response's trailers are too long");
	return seen.done;
}

static void endless_trailers(void **state)
{
	static const size_t pieces[] = {1, 7, 4096, CONNECTION_HEAD_MAX, SIZE_MAX / 2};

	(void)state;
	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		assert_true(trailers_pass(CONNECTION_HEAD_MAX, pieces[i]));
		assert_false(trailers_pass(CONNECTION_HEAD_MAX + 1, pieces[i]));
	}
}

/* Another fetch on the open connection, up to where it waits for the response. */
static void again(struct connection *c, struct body_reference *reference)
{
	connection_begin(c, &request, reference);
	assert_int_equal(c->want, WANT_SEND);
	connection_sent(c, 3);
}

static void stale_connection_is_retried_once(void **state)
{
	struct connection c;

	(void)state;
	start(&c, NULL);
	receive(&c, good[0].text, strlen(good[0].text));
	again(&c, NULL);
	connection_error(&c, "receive", ECONNRESET);
	assert_int_equal(c.want, WANT_CLOSE);
	assert_int_equal(seen.failed, 0);
	connection_closed(&c);
	assert_int_equal(c.want, WANT_CONNECT);
	connection_connected(&c);
	connection_sent(&c, 3);
	connection_eof(&c); /* a fresh connection: this time it counts */
	assert_int_equal(seen.failed, 1);
	assert_string_equal(seen.failure, "the server closed before it answered");
}

static void not_retried_after_a_byte(void **state)
{
	struct connection c;

	(void)state;
	start(&c, NULL);
	receive(&c, good[0].text, strlen(good[0].text));
	again(&c, NULL);
	receive(&c, "H", 1);
	connection_error(&c, "receive", ECONNRESET);
	assert_int_equal(seen.failed, 1);
	assert_int_equal(c.failure_errno, ECONNRESET);
}

static void respond(struct connection *c, const char *body)
{
	char text[128];

	snprintf(text, sizeof(text), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s",
		 strlen(body), body);
	receive(c, text, strlen(text));
}

static void bodies_are_compared(void **state)
{
	uint8_t kept[4];
	struct body_reference reference = {.bytes = kept, .capacity = sizeof(kept)};
	struct connection c;

	(void)state;
	start(&c, &reference);
	respond(&c, "abcdef");
	assert_true(reference.known);
	assert_int_equal(reference.length, 6);
	again(&c, &reference);
	respond(&c, "abcdef");
	assert_int_equal(seen.done, 2);
	again(&c, &reference);
	respond(&c, "abcdXX"); /* beyond what is kept: only the length is known */
	assert_int_equal(seen.done, 3);
	again(&c, &reference);
	respond(&c, "abXdef");
	assert_int_equal(seen.failed, 1);
	start(&c, &reference);
	respond(&c, "abcde");
	assert_int_equal(seen.failed, 1);
	start(&c, &reference);
	respond(&c, "");
	assert_int_equal(seen.failed, 1);
}

/* Equal bytes are not parsed again, and nothing else passes for equal. */
static void seen_responses(void **state)
{
	static const char created[] = "HTTP/1.1 201 OK\r\nContent-Length: 5\r\n\r\nhello";
	static const char closing[] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n"
				      "Connection: close\r\n\r\nhello";
	uint8_t kept[16];
	struct body_reference reference = {.bytes = kept, .capacity = sizeof(kept)};
	const char *text = good[0].text;
	size_t length = strlen(text);
	struct connection c;

	(void)state;
	start(&c, &reference);
	receive(&c, text, length);
	assert_int_equal(reference.seen.length, length);
	for (int i = 2; i < 5; i++) {
		again(&c, &reference);
		receive(&c, text, length);
		assert_int_equal(seen.done, i);
		assert_int_equal(seen.body_bytes, 5);
		assert_int_equal(seen.status, 200);
		assert_int_equal(c.want, WANT_NOTHING);
	}
	again(&c, &reference); /* the same bytes in two pieces go through the parser */
	receive(&c, text, 20);
	receive(&c, text + 20, length - 20);
	assert_int_equal(seen.done, 5);
	again(&c, &reference);
	receive(&c, created, sizeof(created) - 1);
	assert_int_equal(seen.status, 201);
	again(&c, &reference);
	receive(&c, text, length);
	assert_int_equal(seen.status, 200);
	again(&c, &reference);
	receive(&c, closing, sizeof(closing) - 1);
	assert_int_equal(c.want, WANT_CLOSE);
	assert_int_equal(reference.seen.length, length); /* not the one that closed */
	assert_int_equal(seen.done, 8);
	assert_int_equal(seen.failed, 0);
}

static void half_a_reference_is_none(void **state)
{
	uint8_t kept[16];
	struct body_reference reference = {.bytes = kept, .capacity = sizeof(kept)};
	static const char half[] = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nXXX";
	struct connection first, second;

	(void)state;
	start(&first, &reference);
	receive(&first, half, sizeof(half) - 1);
	start(&second, &reference); /* meanwhile another response comes whole */
	respond(&second, "abcdef");
	assert_false(reference.known);
	assert_int_equal(seen.done, 1);
	connection_eof(&first);
	assert_null(reference.writer);
	again(&second, &reference);
	respond(&second, "abcdef");
	assert_true(reference.known);
	assert_memory_equal(kept, "abcdef", 6);
}

static const char six[] = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n";

/* Head and half a body, of which `half` is what came. */
static void begin_body(struct connection *c, struct body_reference *reference, const char *half)
{
	start(c, reference);
	receive(c, six, sizeof(six) - 1);
	receive(c, half, 3);
}

/* Of bodies that are under way together each byte is compared, whichever is whole first. */
static void bodies_at_once_are_compared(void **state)
{
	uint8_t kept[4];
	struct connection first, second, third;

	(void)state;
	for (int wrong = 0; wrong < 2; wrong++) {
		struct body_reference r = {.bytes = kept, .capacity = sizeof(kept)};

		begin_body(&first, &r, "abc");
		begin_body(&second, &r, wrong ? "Abc" : "abc");
		receive(&first, "def", 3);
		assert_true(r.known);
		receive(&second, "def", 3); /* its second half came when the first was known */
		assert_int_equal(seen.failed, wrong);
		assert_int_equal(seen.done, 2 - wrong);
	}
	for (int wrong = 0; wrong < 2; wrong++) {
		struct body_reference r = {.bytes = kept, .capacity = sizeof(kept)};

		begin_body(&first, &r, "abc");
		begin_body(&second, &r, "abc");
		begin_body(&third, &r, "abc");
		receive(&second, wrong ? "Def" : "def", 3);
		assert_false(r.known);
		receive(&third, "def", 3);
		assert_int_equal(seen.failed, wrong);
		receive(&first, "def", 3);
		assert_int_equal(seen.failed, 2 * wrong);
		assert_int_equal(r.known, !wrong);
	}
}

/* A body that nobody kept from its first byte on does not become the reference. */
static void late_writer_is_none(void **state)
{
	uint8_t kept[16];
	struct body_reference r = {.bytes = kept, .capacity = sizeof(kept)};
	struct connection first, second;

	(void)state;
	begin_body(&first, &r, "XXX");
	begin_body(&second, &r, "abc");
	connection_eof(&first);
	assert_int_equal(seen.failed, 1);
	receive(&second, "def", 3);
	assert_int_equal(seen.done, 1);
	assert_false(r.known);
	again(&second, &r);
	respond(&second, "abcdef");
	assert_true(r.known);
	assert_memory_equal(kept, "abcdef", 6);
	again(&second, &r);
	respond(&second, "abcdeX");
	assert_int_equal(seen.failed, 2);
}

/* Where bodies may be different the first is kept, and no other's length matters. */
static void varying_bodies_are_taken(void **state)
{
	uint8_t kept[16];
	struct body_reference r = {.bytes = kept, .capacity = sizeof(kept), .varies = true};
	struct connection c;

	(void)state;
	start(&c, &r);
	respond(&c, "abc");
	again(&c, &r);
	respond(&c, "defg");
	assert_int_equal(seen.done, 2);
	assert_int_equal(r.length, 3);
	assert_memory_equal(kept, "abc", 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_split_in_two),
		cmocka_unit_test(byte_by_byte),
		cmocka_unit_test(body_until_close),
		cmocka_unit_test(bad_responses),
		cmocka_unit_test(endless_head),
		cmocka_unit_test(endless_trailers),
		cmocka_unit_test(stale_connection_is_retried_once),
		cmocka_unit_test(not_retried_after_a_byte),
		cmocka_unit_test(bodies_are_compared),
		cmocka_unit_test(half_a_reference_is_none),
		cmocka_unit_test(bodies_at_once_are_compared),
		cmocka_unit_test(late_writer_is_none),
		cmocka_unit_test(varying_bodies_are_taken),
		cmocka_unit_test(seen_responses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
