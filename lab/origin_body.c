/* Growing buffers with a count of users, the chunked coding, and the shelf of coded bodies. */
#include "lab/origin_body.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char origin_pattern[PATTERN_PIECE + BODY_PERIOD];

__attribute__((constructor)) static void fill_pattern(void)
{
	body_fill(origin_pattern, sizeof(origin_pattern), 0);
}

struct origin_body *origin_body_new(void)
{
	struct origin_body *body = calloc(1, sizeof(*body));

	if (body)
		body->users = 1;
	return body;
}

struct origin_body *origin_body_use(struct origin_body *body)
{
	if (body)
		body->users++;
	return body;
}

void origin_body_release(struct origin_body *body)
{
	if (!body || --body->users)
		return;
	free(body->bytes);
	free(body);
}

void origin_body_add(struct origin_body *body, const char *bytes, size_t size)
{
	if (body->failed || size == 0)
		return;
	if (size > body->room - body->size) {
		size_t room = (body->size + size) * 3 / 2;
		char *more = realloc(body->bytes, room);

		if (!more) {
			body->failed = true;
			return;
		}
		body->bytes = more;
		body->room = room;
	}
	memcpy(body->bytes + body->size, bytes, size);
	body->size += size;
}

void origin_body_add_text(struct origin_body *body, const char *text)
{
	origin_body_add(body, text, strlen(text));
}

static void add_pattern_from(struct origin_body *body, uint64_t at, uint64_t size)
{
	while (size) {
		size_t piece = size < PATTERN_PIECE ? (size_t)size : PATTERN_PIECE;

		origin_body_add(body, origin_pattern + at % BODY_PERIOD, piece);
		at += piece;
		size -= piece;
	}
}

void origin_body_add_pattern(struct origin_body *body, uint64_t size)
{
	add_pattern_from(body, 0, size);
}

void origin_body_add_chunked(struct origin_body *body, uint64_t size)
{
	static const struct {
		unsigned size;
		const char *form;
	} chunks[] = {
		{1, "%x\r\n"},	     {1000, "%x\r\n"},
		{7, "%04X\r\n"},     {16384, "%x;piece=large\r\n"},
		{333, "%X\r\n"},     {4096, "%x;note=\"a; \\\"b\\\"\";flag\r\n"},
		{59, "%x;flag\r\n"}, {8191, "%X\r\n"},
	};
	char line[64];
	uint64_t at = 0;

	for (unsigned turn = 0; at < size; turn++) {
		unsigned piece = chunks[turn % 8].size;

		if (piece > size - at)
			piece = (unsigned)(size - at);
		snprintf(line, sizeof(line), chunks[turn % 8].form, piece);
		origin_body_add_text(body, line);
		add_pattern_from(body, at, piece);
		origin_body_add_text(body, "\r\n");
		at += piece;
	}
	origin_body_add_text(body, size % 2 ? "0\r\nX-Trailer: one\r\nX-Second-Trailer:two\r\n\r\n"
					    : "0\r\n\r\n");
}

struct origin_body *origin_bodies_get(struct origin_bodies *bodies, enum origin_coding coding,
				      uint64_t size)
{
	struct origin_body *body;

	for (unsigned i = 0; i < BODIES_KEPT; i++)
		if (bodies->kept[i].body && bodies->kept[i].coding == coding &&
		    bodies->kept[i].number == size)
			return origin_body_use(bodies->kept[i].body);
	body = origin_body_new();
	if (!body)
		return NULL;
	origin_body_add_coded(body, coding, size);
	if (body->failed) {
		origin_body_release(body);
		return NULL;
	}
	if (body->size <= BODIES_KEPT_MAX) {
		unsigned at = bodies->victim++ % BODIES_KEPT;

		origin_body_release(bodies->kept[at].body);
		bodies->kept[at].coding = coding;
		bodies->kept[at].number = size;
		bodies->kept[at].body = origin_body_use(body);
	}
	return body;
}

void origin_bodies_release(struct origin_bodies *bodies)
{
	for (unsigned i = 0; i < BODIES_KEPT; i++) {
		origin_body_release(bodies->kept[i].body);
		bodies->kept[i].body = NULL;
	}
}
