/*
 * Bodies that are more than the bare pattern: compressed, chunked, or bytes that are wrong on
 * purpose. They are prepared once, when first asked for, and sent as they lie; an answer that is
 * remembered and a connection that still sends it each hold a reference. Not thread-safe: every
 * worker has its own.
 */
#ifndef LAB_ORIGIN_BODY_H
#define LAB_ORIGIN_BODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lab/body_pattern.h"

/* Bytes of the pattern that a prepared body may stand for; what is asked beyond is a 404. */
#define ORIGIN_PREPARED_MAX (UINT64_C(16) << 20)

/* The pattern in one piece: PATTERN_PIECE bytes from any phase. Filled before main(). */
#define PATTERN_PIECE 65536
extern char origin_pattern[PATTERN_PIECE + BODY_PERIOD];

enum origin_coding { CODING_CHUNKED, CODING_GZIP, CODING_DEFLATE, CODING_BR, CODING_ZSTD };

struct origin_body {
	unsigned users;
	bool failed; /* out of memory, or the coder said no: not to be sent */
	size_t size, room;
	char *bytes;
};

/* An empty body with one user, or NULL when out of memory. */
struct origin_body *origin_body_new(void);

/* Appends; on failure sets `failed`, after which nothing is appended. */
void origin_body_add(struct origin_body *body, const char *bytes, size_t size);
void origin_body_add_text(struct origin_body *body, const char *text);
void origin_body_add_pattern(struct origin_body *body, uint64_t size);

/*
 * Chunks of the pattern as RFC 9112 (7.1) lets a server write them, in turn: sizes of one to four
 * digits in either case, leading zeros, extensions with and without a quoted value, and after a
 * body of odd length trailer fields.
 */
void origin_body_add_chunked(struct origin_body *body, uint64_t size);

struct origin_body *origin_body_use(struct origin_body *body);

/* Gives a reference back; NULL is none. */
void origin_body_release(struct origin_body *body);

/* Appends `size` bytes of the pattern, coded; see origin_body_add() for failures. */
void origin_body_add_coded(struct origin_body *body, enum origin_coding coding, uint64_t size);

#define BODIES_KEPT	16
#define BODIES_KEPT_MAX (UINT64_C(4) << 20) /* bytes of one that is worth keeping */

/* The last few coded bodies, for requests that differ in more than the path. Zeroed: empty. */
struct origin_bodies {
	unsigned victim;
	struct {
		enum origin_coding coding;
		uint64_t number;
		struct origin_body *body; /* NULL: unused */
	} kept[BODIES_KEPT];
};

/*
 * The pattern's first `size` bytes, at most ORIGIN_PREPARED_MAX, in a coding. One reference is the
 * caller's; NULL when it cannot be made.
 */
struct origin_body *origin_bodies_get(struct origin_bodies *bodies, enum origin_coding coding,
				      uint64_t size);

void origin_bodies_release(struct origin_bodies *bodies);

#endif
