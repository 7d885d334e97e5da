/* One pass over the bytes tells what the requests are; every other pass has to agree. */
#include "tests/feed_origin_http.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lab/origin_reply.h"

#define REQUESTS_MAX 64
#define BODY_SIZE    24

struct requests {
	size_t count;
	struct origin_request list[REQUESTS_MAX];
	char locations[REQUESTS_MAX][ORIGIN_TARGET_MAX]; /* the parser's own are gone by then */
};

static struct origin_contents contents = {.body_size = BODY_SIZE};

static uint64_t random_word(uint64_t *state)
{
	*state ^= *state << 13; /* xorshift64, Marsaglia 2003 */
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/*
 * A copy on the heap of exactly the bytes given, so that a sanitizer sees a read past their end;
 * zero seed: one piece.
 */
static const char *pass(const uint8_t *bytes, size_t size, uint64_t seed, struct requests *found)
{
	struct origin_parser parser;
	size_t at = 0;

	memset(&parser, 0, sizeof(parser));
	found->count = 0;
	while (at < size && found->count < REQUESTS_MAX) {
		size_t piece = seed ? 1 + random_word(&seed) % 40 : size - at;
		struct origin_request *request = &found->list[found->count];
		enum origin_parse verdict;
		size_t used = SIZE_MAX;
		char *copy;

		if (piece > size - at)
			piece = size - at;
		copy = malloc(piece);
		if (!copy)
			return "memory";
		memcpy(copy, bytes + at, piece);
		memset(request, 0, sizeof(*request));
		verdict = origin_parse(&parser, copy, piece, &used, request);
		free(copy);
		if (used == 0 || used > piece)
			return "no progress, or too much";
		if (verdict == PARSE_MORE && used != piece)
			return "asks for more and leaves bytes";
		at += used;
		if (verdict == PARSE_MORE)
			continue;
		if (request->location)
			request->location =
				strcpy(found->locations[found->count], request->location);
		found->count++;
		if (!request->keep_alive)
			break;
	}
	return NULL;
}

static bool same(const struct requests *a, const struct requests *b)
{
	for (size_t i = 0; i < a->count && i < b->count; i++) {
		const struct origin_request *x = &a->list[i], *y = &b->list[i];

		if (x->resource != y->resource || x->number != y->number || x->head != y->head ||
		    x->minor != y->minor || x->keep_alive != y->keep_alive ||
		    x->fault != y->fault || !x->location != !y->location ||
		    (x->location && strcmp(x->location, y->location) != 0))
			return false;
	}
	return a->count == b->count;
}

/* What is prepared is as long as it is said to be, or cut off for HEAD. */
static bool body_matches(const struct origin_reply *reply)
{
	return !reply->body || reply->body_size <= reply->body->size;
}

static bool same_reply(const struct origin_reply *reply, const struct origin_request *request)
{
	static struct origin_reply built;

	origin_reply_build(&built, request, &contents);
	return reply->body_size == built.body_size && reply->delay_ns == built.delay_ns &&
	       reply->head_size == built.head_size && reply->inline_size == built.inline_size &&
	       reply->whole == built.whole && reply->after == built.after &&
	       reply->slow_ns == built.slow_ns && reply->after_ns == built.after_ns &&
	       !reply->body == !built.body && body_matches(reply) &&
	       reply->head_size <= REPLY_HEAD_MAX && reply->inline_size <= REPLY_BYTES_MAX &&
	       memcmp(reply->bytes, built.bytes, built.inline_size) == 0;
}

/* As the origin does it: the cache is asked first. It stays filled from one call to the next. */
static const char *through_cache(const uint8_t *bytes, size_t size, const struct requests *found)
{
	static struct origin_cache cache;
	struct origin_parser parser;
	size_t at = 0;

	memset(&parser, 0, sizeof(parser));
	for (size_t i = 0; i < found->count; i++) {
		const char *from = (const char *)bytes + at;
		const struct origin_reply *reply = NULL;
		size_t used = 0;

		reply = origin_cache_find(&cache, from, size - at, &used);
		if (!reply)
			reply = origin_cache_parse(&cache, &parser, from, size - at, &contents,
						   &used);
		if (!reply || used == 0 || used > size - at)
			return "the cache sees no request";
		if (!same_reply(reply, &found->list[i]))
			return "the cache has another answer";
		at += used;
	}
	return NULL;
}

const char *feed_origin_http(const uint8_t *bytes, size_t size, uint64_t seed)
{
	static struct requests whole, split;
	const char *wrong = pass(bytes, size, 0, &whole);

	for (int i = 1; i <= 2 && !wrong; i++) {
		wrong = pass(bytes, size, seed * 2 + (uint64_t)i, &split);
		if (!wrong && !same(&whole, &split))
			wrong = "a split makes a difference";
	}
	return wrong ? wrong : through_cache(bytes, size, &whole);
}
