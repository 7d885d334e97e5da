/*
 * kernels/protocol/headers: behind the real llhttp, cut at every byte and fed byte by byte, the
 * wanted headers come whole, the others and the trailers not at all.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <llhttp.h>

#include "kernels/protocol/headers.h"

static int on_message_begin(llhttp_t *parser)
{
	headers_reset(parser->data);
	return 0;
}

static int on_field(llhttp_t *parser, const char *at, size_t length)
{
	headers_field(parser->data, at, length);
	return 0;
}

static int on_value(llhttp_t *parser, const char *at, size_t length)
{
	headers_value(parser->data, at, length);
	return 0;
}

static int on_value_complete(llhttp_t *parser)
{
	headers_value_complete(parser->data);
	return 0;
}

static int on_headers_complete(llhttp_t *parser)
{
	headers_close(parser->data);
	return 0;
}

static const llhttp_settings_t settings = {
	.on_message_begin = on_message_begin,
	.on_header_field = on_field,
	.on_header_value = on_value,
	.on_header_value_complete = on_value_complete,
	.on_headers_complete = on_headers_complete,
};

/* A piece in a block of its own, so that ASan sees a read past it. */
static void feed(llhttp_t *parser, const char *at, size_t length)
{
	char *copy = malloc(length + 1);

	assert_non_null(copy);
	memcpy(copy + 1, at, length);
	assert_int_equal(llhttp_execute(parser, copy + 1, length), HPE_OK);
	free(copy);
}

/* In two pieces cut at `cut`; 0 is byte by byte. */
static void parse(const char *text, size_t cut, struct headers *headers)
{
	size_t length = strlen(text);
	llhttp_t parser;

	memset(headers, 0xee, sizeof(*headers)); /* reset has to mend whatever was there */
	llhttp_init(&parser, HTTP_RESPONSE, &settings);
	parser.data = headers;
	if (cut > 0) {
		feed(&parser, text, cut);
		feed(&parser, text + cut, length - cut);
		return;
	}
	for (size_t i = 0; i < length; i++)
		feed(&parser, text + i, 1);
}

#define OK_LINE "HTTP/1.1 200 OK\r\n"
#define NO_BODY "Content-Length: 0\r\n\r\n"

static const struct {
	const char *text, *location, *encoding;
	unsigned locations;
} rows[] = {
	{OK_LINE NO_BODY, "", "", 0},
	{OK_LINE "Location: /x\r\n" NO_BODY, "/x", "", 1},
	{OK_LINE "LOCATION:/x \t \r\n" NO_BODY, "/x", "", 1},
	{OK_LINE "location:   http://h/a b\r\n" NO_BODY, "http://h/a b", "", 1},
	{OK_LINE "Location:\r\n" NO_BODY, "", "", 1},
	{OK_LINE "Location: \r\n" NO_BODY, "", "", 1},
	{OK_LINE "Location: /1\r\nX: y\r\nLocation: /2\r\n" NO_BODY, "/1", "", 2},
	{OK_LINE "Locatio: /x\r\nLocations: /y\r\nX-Location: /z\r\n" NO_BODY, "", "", 0},
	{OK_LINE "L: 1\r\nLo: 2\r\nC: 3\r\nLocatiom: 4\r\n" NO_BODY, "", "", 0},
	{OK_LINE "Content-Encoding: gzip\r\n" NO_BODY, "", "gzip", 0},
	{OK_LINE "cONTENT-eNCODING: gzip \r\nLocation: /x\r\n" NO_BODY, "/x", "gzip", 1},
	{OK_LINE "Content-Encoding: gzip\r\nA: b\r\nContent-Encoding: br\r\n" NO_BODY, "",
	 "gzip, br", 0},
	{OK_LINE "Content-Encoding:\r\nContent-Encoding: br\r\n" NO_BODY, "", "br", 0},
	{OK_LINE "Content-Encodin: a\r\nContent-Encodings: b\r\nContent-Type: c\r\n" NO_BODY, "",
	 "", 0},
	/* An interim response's headers are its own. */
	{"HTTP/1.1 103 Early\r\nLocation: /no\r\nContent-Encoding: br\r\n\r\n" OK_LINE
	 "Location: /x\r\n" NO_BODY,
	 "/x", "", 1},
	/* So are trailers. */
	{OK_LINE "Transfer-Encoding: chunked\r\nContent-Encoding: gzip\r\n\r\n"
		 "2\r\nab\r\n0\r\nLocation: /no\r\nContent-Encoding: br\r\n\r\n",
	 "", "gzip", 0},
};

static void gathered(void **state)
{
	struct headers h;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (size_t cut = 0; cut < strlen(rows[i].text); cut++) {
			parse(rows[i].text, cut, &h);
			assert_int_equal(h.locations, rows[i].locations);
			assert_int_equal(h.location_length, strlen(rows[i].location));
			assert_memory_equal(h.location, rows[i].location, h.location_length);
			assert_int_equal(h.encoding_length, strlen(rows[i].encoding));
			assert_memory_equal(h.encoding, rows[i].encoding, h.encoding_length);
			assert_false(h.location_too_long || h.encoding_too_long);
		}
	}
}

/* One byte more than there is room for is said, and nothing is written past the end. */
static void too_long(void **state)
{
	static char text[3 * HEADERS_LOCATION_MAX], value[HEADERS_LOCATION_MAX + 2];
	struct headers h;

	(void)state;
	for (unsigned over = 0; over < 2; over++) {
		memset(value, 'v', sizeof(value));
		value[HEADERS_LOCATION_MAX + over] = 0;
		snprintf(text, sizeof(text),
			 OK_LINE "Location: %s\r\nContent-Encoding: %.*s\r\n" NO_BODY, value,
			 (int)(HEADERS_ENCODING_MAX + over), value);
		for (size_t cut = 0; cut < strlen(text); cut += 7) {
			parse(text, cut, &h);
			assert_int_equal(h.location_length, HEADERS_LOCATION_MAX);
			assert_int_equal(h.encoding_length, HEADERS_ENCODING_MAX);
			assert_memory_equal(h.location, value, HEADERS_LOCATION_MAX);
			assert_memory_equal(h.encoding, value, HEADERS_ENCODING_MAX);
			assert_int_equal(h.location_too_long, over);
			assert_int_equal(h.encoding_too_long, over);
			assert_int_equal(h.locations, 1);
		}
	}
}

/* A second response on the connection starts afresh, and a count does not wrap. */
static void again(void **state)
{
	struct headers h;
	llhttp_t parser;

	(void)state;
	llhttp_init(&parser, HTTP_RESPONSE, &settings);
	parser.data = &h;
	for (unsigned i = 0; i < 3; i++) {
		feed(&parser, rows[10].text, strlen(rows[10].text));
		assert_int_equal(h.locations, 1);
		assert_int_equal(h.encoding_length, 4);
		feed(&parser, rows[0].text, strlen(rows[0].text));
		assert_int_equal(h.locations, 0);
		assert_int_equal(h.encoding_length, 0);
	}
	headers_reset(&h);
	for (unsigned i = 0; i < 300; i++) {
		headers_field(&h, "Location", 8);
		headers_value_complete(&h);
	}
	assert_int_equal(h.locations, 255);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gathered),
		cmocka_unit_test(too_long),
		cmocka_unit_test(again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
