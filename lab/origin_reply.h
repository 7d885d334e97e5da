/*
 * Answers, made once and sent often: the head as text, and a small body right behind it, so that
 * one send() of prepared bytes is the whole answer. A cache keeps the answers to the last few
 * requests by their bytes: equal bytes are the same request, and need not be parsed again.
 */
#ifndef LAB_ORIGIN_REPLY_H
#define LAB_ORIGIN_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lab/origin_http.h"

#define REPLY_HEAD_MAX	768 /* the longest target in a Location, and what stands around it */
#define REPLY_BYTES_MAX 2048
#define REPLY_NO_DELAY	UINT64_MAX /* of its own: the origin's latency applies */

struct origin_reply {
	uint64_t body_size;   /* bytes to send after the head */
	uint64_t delay_ns;    /* wait this long before answering, or REPLY_NO_DELAY */
	uint32_t head_size;   /* 0: the head, if any, is part of the prepared body */
	uint32_t inline_size; /* bytes[] in use: the head, and the whole body if it fits */
	bool whole;	      /* bytes[] is all of the answer, and may be sent at once */
	enum reply_after after;
	uint64_t after_ns;	  /* with AFTER_IDLE: how much later */
	uint64_t slow_ns;	  /* a byte of the head every so often; 0: all at once */
	struct origin_body *body; /* what is sent after the head; NULL: the pattern */
	char bytes[REPLY_BYTES_MAX];
};

/* What answers are made from, besides the request. */
struct origin_contents {
	uint64_t body_size; /* of `/` */
	struct origin_bodies bodies;
};

/*
 * Makes the answer to a request. `reply` is filled with zero bytes or holds an answer, which is
 * replaced; give it to origin_reply_release() in the end.
 */
void origin_reply_build(struct origin_reply *reply, const struct origin_request *request,
			struct origin_contents *contents);

/* Gives up what the answer refers to. */
void origin_reply_release(struct origin_reply *reply);

#define CACHE_ENTRIES	  8
#define CACHE_REQUEST_MAX 1024

struct origin_cache_entry {
	uint32_t size; /* of the request, 0: unused */
	char bytes[CACHE_REQUEST_MAX];
	struct origin_reply reply;
};

/* Filled with zero bytes it is empty. */
struct origin_cache {
	unsigned last, victim;
	struct origin_cache_entry entries[CACHE_ENTRIES];
	struct origin_reply other; /* the last answer that is not worth keeping */
};

/*
 * The answer to the request that the bytes begin with, if it is remembered, and how many bytes it
 * took; else NULL. Valid until origin_cache_parse() is called.
 */
const struct origin_reply *origin_cache_find(struct origin_cache *cache, const char *bytes,
					     size_t size, size_t *used);

/*
 * The same, parsed, and remembered if it can be. NULL when the request is not complete; then all
 * bytes were taken. Valid until it is called again.
 */
const struct origin_reply *origin_cache_parse(struct origin_cache *cache,
					      struct origin_parser *parser, const char *bytes,
					      size_t size, struct origin_contents *contents,
					      size_t *used);

/* Gives up what the remembered answers refer to. */
void origin_cache_release(struct origin_cache *cache);

#endif
