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

#define REPLY_HEAD_MAX	256
#define REPLY_BYTES_MAX 2048
#define REPLY_NO_DELAY	UINT64_MAX /* of its own: the origin's latency applies */

struct origin_reply {
	uint64_t body_size; /* bytes of the pattern to send after the head */
	uint64_t delay_ns;  /* wait this long before answering, or REPLY_NO_DELAY */
	uint32_t head_size;
	uint32_t inline_size; /* bytes[] in use: the head, and the whole body if it fits */
	bool whole;	      /* bytes[] is all of the answer */
	bool close;	      /* the connection ends after it */
	char bytes[REPLY_BYTES_MAX];
};

/* Makes the answer to a request; `body_size` is that of `/`. */
void origin_reply_build(struct origin_reply *reply, const struct origin_request *request,
			uint64_t body_size);

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
					      size_t size, uint64_t body_size, size_t *used);

#endif
