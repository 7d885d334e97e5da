/*
 * lab/origin_http and lab/origin_reply without sockets: what targets name, and that mutated
 * requests are read alike in one piece, in many, and through the cache.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "lab/origin_reply.h"
#include "tests/feed_origin_http.h"

enum { MUTATIONS = 30000, INPUT_MAX = 20000 };

static const char *const seeds[] = {
	"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
	"HEAD /bytes/64k?x=1 HTTP/1.1\r\nHost: a\r\nAccept: */*\r\n\r\n",
	"GET /status/204 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
	"GET /delay/5ms HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
	"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
	"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
	"GET http://a:80/bytes/1 HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n",
	"CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n",
	"GET /chunked/1000 HTTP/1.1\r\nHost: a\r\n\r\n",
	"HEAD /gzip/70000 HTTP/1.1\r\nHost: a\r\n\r\n",
	"GET /zstd/3 HTTP/1.0\r\n\r\n",
	"GET /redirect-to/http%3A//b/c?d HTTP/1.1\r\nHost: a\r\n\r\n",
	"GET /redirect/3 HTTP/1.1\r\nHost: a\r\n\r\n",
	"GET /fault/idle-close/5ms HTTP/1.1\r\nHost: a\r\n\r\n",
	"HEAD /fault/cut-gzip HTTP/1.1\r\nHost: a\r\n\r\n",
	"GET /fault/slow-head HTTP/1.0\r\n\r\n",
	"\r\n\r\nGET /nothing HTTP/1.1\r\nHost: a\r\nX:  folded\r\n\r\n",
};

#define SEEDS (sizeof(seeds) / sizeof(seeds[0]))

static uint64_t state_word = 88172645463325252;

static uint64_t random_word(void)
{
	state_word ^= state_word << 13; /* xorshift64, Marsaglia 2003 */
	state_word ^= state_word >> 7;
	state_word ^= state_word << 17;
	return state_word;
}

static void routes(void **state)
{
	static const struct {
		const char *target;
		enum origin_resource resource;
		uint64_t number;
	} rows[] = {
		{"/", RESOURCE_ROOT, 0},
		{"/?a=/bytes/1", RESOURCE_ROOT, 0},
		{"http://host", RESOURCE_ROOT, 0},
		{"HTTP://host:1/bytes/0", RESOURCE_BYTES, 0},
		{"/bytes/64k", RESOURCE_BYTES, 65536},
		{"/bytes/18446744073709551615", RESOURCE_BYTES, UINT64_MAX},
		{"/bytes/18446744073709551616", RESOURCE_ERROR, 404},
		{"/delay/1.5ms", RESOURCE_DELAY, 1500000},
		{"/delay/0s", RESOURCE_DELAY, 0},
		{"/status/100", RESOURCE_STATUS, 100},
		{"/status/599", RESOURCE_STATUS, 599},
		{"/status/99", RESOURCE_ERROR, 404},
		{"/status/600", RESOURCE_ERROR, 404},
		{"/status/", RESOURCE_ERROR, 404},
		{"/root", RESOURCE_ERROR, 404},
		{"/chunked/16m", RESOURCE_CHUNKED, 16777216},
		{"/chunked/16777217", RESOURCE_ERROR, 404},
		{"/gzip/0", RESOURCE_GZIP, 0},
		{"/deflate/1k", RESOURCE_DEFLATE, 1024},
		{"/br/1?x", RESOURCE_BR, 1},
		{"/zstd/2", RESOURCE_ZSTD, 2},
		{"/zstd/17m", RESOURCE_ERROR, 404},
		{"/close/17m", RESOURCE_CLOSE, 17825792},
		{"/redirect/18446744073709551615", RESOURCE_REDIRECT, UINT64_MAX},
		{"/redirect/1k", RESOURCE_ERROR, 404},
		{"/redirect-to/", RESOURCE_ERROR, 404},
		{"/redirect-to/x", RESOURCE_REDIRECT_TO, 0},
		{"/loop", RESOURCE_LOOP, 0},
		{"/loop/", RESOURCE_ERROR, 404},
		{"/loop/back", RESOURCE_LOOP_BACK, 0},
		{"/continue", RESOURCE_CONTINUE, 0},
		{"/fault/never", RESOURCE_FAULT, 0},
		{"/fault/idle-close", RESOURCE_FAULT, 50000000},
		{"/fault/idle-close/0", RESOURCE_FAULT, 0},
		{"/fault/idle-close/1s", RESOURCE_FAULT, 1000000000},
		{"/fault/idle-close/", RESOURCE_ERROR, 404},
		{"/fault/idle-close/x", RESOURCE_ERROR, 404},
		{"/fault/never/1s", RESOURCE_ERROR, 404},
		{"/fault/neve", RESOURCE_ERROR, 404},
		{"/fault/nevers", RESOURCE_ERROR, 404},
		{"/fault/", RESOURCE_ERROR, 404},
		{"", RESOURCE_ERROR, 404},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct origin_request request = {0};

		origin_route(rows[i].target, &request);
		assert_int_equal(request.resource, rows[i].resource);
		assert_true(request.number == rows[i].number);
	}
}

/* The longest head that an answer can have fits, and so does a body just up to the end. */
static void reply_sizes(void **state)
{
	struct origin_request request = {.resource = RESOURCE_BYTES, .minor = true};
	static struct origin_contents contents;
	static struct origin_reply reply;

	(void)state;
	for (uint64_t status = 100; status <= 599; status++) {
		struct origin_request strange = {.resource = RESOURCE_STATUS, .number = status};

		contents.body_size = UINT64_MAX;
		origin_reply_build(&reply, &strange, &contents);
		assert_in_range(reply.head_size, 1, REPLY_HEAD_MAX - 1);
		assert_memory_equal(reply.bytes + reply.head_size - 4, "\r\n\r\n", 4);
	}
	/* The longest Location, in the longest head around it. */
	for (uint64_t minor = 0; minor < 2; minor++) {
		char location[ORIGIN_TARGET_MAX];
		struct origin_request moved = {.resource = RESOURCE_REDIRECT_TO,
					       .location = location,
					       .minor = minor,
					       .keep_alive = !minor};

		memset(location, 'a', sizeof(location) - 1);
		location[sizeof(location) - 1] = '\0';
		origin_reply_build(&reply, &moved, &contents);
		assert_in_range(reply.head_size, sizeof(location), REPLY_HEAD_MAX - 1);
		assert_memory_equal(reply.bytes + reply.head_size - 4, "\r\n\r\n", 4);
	}
	/* No fault's head is too long for its place. */
	for (const struct origin_fault *fault = origin_faults; fault->name; fault++) {
		assert_in_range(strlen(fault->head), 0, REPLY_HEAD_MAX);
		assert_ptr_equal(origin_fault_find(fault->name, strlen(fault->name)), fault);
	}
	for (request.number = 1800; request.number < 2100; request.number++) {
		origin_reply_build(&reply, &request, &contents);
		assert_int_equal(reply.whole, reply.head_size + request.number <= REPLY_BYTES_MAX);
		assert_int_equal(reply.inline_size,
				 reply.head_size + (reply.whole ? request.number : 0));
	}
	origin_reply_release(&reply);
}

/* The text without its zero byte; returns its length. */
static size_t put(uint8_t *to, const char *text)
{
	size_t size = 0;

	for (; text[size]; size++)
		to[size] = (uint8_t)text[size];
	return size;
}

/* One to four seeds in a row, with up to six bytes changed, dropped, doubled or moved. */
static size_t mutate(uint8_t *input)
{
	size_t size = 0;

	for (uint64_t parts = 1 + random_word() % 4; parts; parts--) {
		const char *seed = seeds[random_word() % SEEDS];

		size += put(input + size, seed);
	}
	for (uint64_t changes = random_word() % 7; changes; changes--) {
		size_t at = random_word() % size, from = random_word() % size;
		size_t length = random_word() % 30;

		switch (random_word() % 4) {
		case 0:
			input[at] = (uint8_t)random_word();
			break;
		case 1:
			input[at] = (uint8_t) "\r\n :/\t0a,"[random_word() % 9];
			break;
		case 2:
			if (size > 1)
				memmove(input + at, input + at + 1, --size - at);
			break;
		default:
			if (at + length < size && from + length < size)
				memmove(input + at, input + from, length);
		}
	}
	return size;
}

static void mutations(void **state)
{
	static uint8_t input[INPUT_MAX];

	(void)state;
	for (size_t i = 0; i < SEEDS; i++)
		assert_null(feed_origin_http((const uint8_t *)seeds[i], strlen(seeds[i]), i + 1));
	for (unsigned i = 0; i < MUTATIONS; i++) {
		size_t size = mutate(input);

		assert_null(feed_origin_http(input, size, random_word() >> 1));
	}
}

/* Around the limit of a head, where the parser cuts what it takes. */
static void limits(void **state)
{
	static uint8_t input[INPUT_MAX];
	static const char begin[] = "GET / HTTP/1.1\r\nX: ";

	(void)state;
	for (size_t size = ORIGIN_HEAD_MAX - 3; size <= ORIGIN_HEAD_MAX + 3; size++) {
		struct origin_parser parser = {.midway = false};
		struct origin_request request;
		size_t used;

		memset(input, 'a', sizeof(input));
		put(input, begin);
		put(input + size - 4, "\r\n\r\n");
		assert_null(feed_origin_http(input, size + put(input + size, seeds[0]), size));
		assert_int_equal(
			origin_parse(&parser, (char *)input, sizeof(input), &used, &request),
			PARSE_DONE);
		assert_int_equal(request.number, size > ORIGIN_HEAD_MAX ? 431 : 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(routes),
		cmocka_unit_test(reply_sizes),
		cmocka_unit_test(mutations),
		cmocka_unit_test(limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
