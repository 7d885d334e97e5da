/*
 * Fuzzes the client's half of HTTP/1.1: the first byte says into how long pieces the rest is cut;
 * a response is then received piece by piece, twice over one connection, as a model would. What
 * it must keep: no crash, no read outside a piece, and one end a fetch.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/protocol/connection.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned ends;

static void ignore(struct observer *o, struct connection *c)
{
	(void)o;
	(void)c;
}

static void count_end(struct observer *o, struct connection *c)
{
	(void)o;
	(void)c;
	ends++;
}

/* One fetch; each piece is a heap block of its own, so that reading past it is seen. */
static void fetch(struct connection *c, const struct request *request,
		  struct body_reference *reference, const uint8_t *data, size_t size, size_t piece)
{
	ends = 0;
	connection_begin(c, request, reference);
	if (c->want == WANT_CONNECT)
		connection_connected(c);
	connection_sent(c, request->length);
	for (size_t at = 0; at < size && c->want == WANT_RECEIVE; at += piece) {
		size_t length = size - at < piece ? size - at : piece;
		uint8_t *copy = malloc(length);

		memcpy(copy, data + at, length);
		connection_received(c, copy, length);
		free(copy);
	}
	if (c->want == WANT_RECEIVE)
		connection_eof(c);
	if (c->want == WANT_CLOSE)
		connection_closed(c);
	if (c->want == WANT_CONNECT) /* a retry: once, and then it fails */
		connection_error(c, "connect", 111);
	if (ends != 1)
		abort();
	if (c->want == WANT_CLOSE)
		connection_closed(c);
	if (c->want != WANT_NOTHING)
		abort();
}

static void deliver(struct connection *c, const uint8_t *data, size_t length)
{
	uint8_t *copy = malloc(length);

	memcpy(copy, data, length);
	connection_received(c, copy, length);
	free(copy);
}

/* The same response on two connections at once, in other pieces: what one is, the other is. */
static void together(const struct request *request, struct observer *observer, const uint8_t *data,
		     size_t size, size_t piece)
{
	uint8_t kept[64];
	struct body_reference reference = {.bytes = kept, .capacity = sizeof(kept)};
	struct connection c[2];
	size_t at[2] = {0, 0};
	size_t pieces[2] = {piece, piece / 2 + 1};

	for (unsigned i = 0; i < 2; i++) {
		connection_init(&c[i], i, observer);
		connection_begin(&c[i], request, &reference);
		connection_connected(&c[i]);
		connection_sent(&c[i], request->length);
	}
	for (unsigned i = 0; at[0] < size || at[1] < size; i ^= 1) {
		size_t left = size - at[i];
		size_t length = left < pieces[i] ? left : pieces[i];

		if (length && c[i].want == WANT_RECEIVE)
			deliver(&c[i], data + at[i], length);
		at[i] += length;
	}
	for (unsigned i = 0; i < 2; i++)
		if (c[i].want == WANT_RECEIVE)
			connection_eof(&c[i]);
	/* Whether bytes follow the response may depend on the pieces; whether it was right not. */
	for (unsigned i = 0; i < 2; i++)
		if (c[i].failure && strstr(c[i].failure, "differs"))
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct observer observer = {ignore, ignore, ignore, count_end, count_end};
	static char get[] = "GET";
	const struct request request = {.url = "u", .bytes = get, .length = 3};
	uint8_t kept[64];
	struct body_reference reference = {.bytes = kept, .capacity = sizeof(kept)};
	struct connection c;

	if (size == 0)
		return 0;
	connection_init(&c, 0, &observer);
	fetch(&c, &request, &reference, data + 1, size - 1, data[0] + 1U);
	fetch(&c, &request, &reference, data + 1, size - 1, SIZE_MAX / 2);
	fetch(&c, &request, &reference, data + 1, size - 1, data[0] / 2 + 1U);
	together(&request, &observer, data + 1, size - 1, data[0] + 1U);
	return 0;
}
