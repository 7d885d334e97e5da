/*
 * The origin's side of HTTP/1.1 without I/O: bytes in, requests out. It takes any split of the
 * bytes, stops after each request (pipelining is the caller's), and keeps no more of a request
 * than its target, so that an idle or half-received connection holds no buffer.
 */
#ifndef LAB_ORIGIN_HTTP_H
#define LAB_ORIGIN_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <llhttp.h>

#include "lab/origin_fault.h"

#define ORIGIN_HEAD_MAX	  16384 /* bytes of a request's head; more is answered with 431 */
#define ORIGIN_TARGET_MAX 512	/* a target as long is a 404: /redirect-to/'s are the longest */

enum origin_resource {
	RESOURCE_ROOT,	      /* / : the default body */
	RESOURCE_BYTES,	      /* /bytes/N : N bytes */
	RESOURCE_DELAY,	      /* /delay/T : the default body after T ns instead of the latency */
	RESOURCE_STATUS,      /* /status/N */
	RESOURCE_CHUNKED,     /* /chunked/N : N bytes in chunks */
	RESOURCE_GZIP,	      /* /gzip/N : N bytes in this Content-Encoding, and so on */
	RESOURCE_DEFLATE,     /* /deflate/N */
	RESOURCE_BR,	      /* /br/N */
	RESOURCE_ZSTD,	      /* /zstd/N */
	RESOURCE_CLOSE,	      /* /close/N : N bytes, ended by the connection's end */
	RESOURCE_REDIRECT,    /* /redirect/N : the default body, N redirects away */
	RESOURCE_REDIRECT_TO, /* /redirect-to/URL */
	RESOURCE_LOOP,	      /* /loop : redirects to /loop/back */
	RESOURCE_LOOP_BACK,   /* which redirects to /loop */
	RESOURCE_CONTINUE,    /* /continue : an interim 103, then the default body */
	RESOURCE_FAULT,	      /* /fault/KIND, /fault/KIND/T */
	RESOURCE_ERROR	      /* the answer is the status `number`, without a body */
};

struct origin_request {
	enum origin_resource resource;
	uint64_t number;		  /* N, or T in ns, or the status */
	const struct origin_fault *fault; /* KIND's row, T in `number` */
	const char *location;		  /* URL, as it came, in the target that was routed */
	bool head;			  /* HEAD: the answer has no body */
	bool minor;			  /* HTTP/1.1, not 1.0 */
	bool keep_alive;		  /* the connection goes on after the answer */
};

enum origin_parse { PARSE_MORE, PARSE_DONE };

struct origin_parser {
	bool midway; /* part of a request was taken */
	bool head_done;
	unsigned head_size;
	unsigned target_size;
	char target[ORIGIN_TARGET_MAX];
	struct origin_request request;
	llhttp_t llhttp;
};

/* A parser filled with zero bytes is ready; there is nothing to release. */

/*
 * Takes bytes up to the end of one request and sets *used. PARSE_MORE: all were taken, and the
 * request is not complete. PARSE_DONE: *request is written; what follows *used belongs to the next
 * request. Bytes that are no request give PARSE_DONE with RESOURCE_ERROR (400, 431, 505) and
 * keep_alive false; the connection's other bytes then mean nothing. request->location lies in the
 * parser and is valid until its next call.
 */
enum origin_parse origin_parse(struct origin_parser *parser, const char *bytes, size_t size,
			       size_t *used, struct origin_request *request);

/*
 * What a target such as "/bytes/64k?x" or "http://host/" names; RESOURCE_ERROR with 404 when
 * nothing. Counts and sizes are as in units.h. request->location points into `target`. Only what
 * the path says is written: resource, number, fault and location.
 */
void origin_route(const char *target, struct origin_request *request);

#endif
