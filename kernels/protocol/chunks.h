/*
 * The extensions of chunks (RFC 9112, 7.1.1) found, so that the parser never sees them: they mean
 * nothing to anybody, and llhttp 8.1 takes some legal ones for an error (a quoted value after a
 * token one, a quoted pair). It follows a chunked body from its first byte, however it is cut,
 * and judges nothing: what is wrong goes to the parser as it is.
 */
#ifndef PROTOCOL_CHUNKS_H
#define PROTOCOL_CHUNKS_H

#include <stddef.h>
#include <stdint.h>

enum chunks_part {
	CHUNKS_SIZE,	  /* in the digits of a size */
	CHUNKS_EXTENSION, /* behind them */
	CHUNKS_LINE_END,
	CHUNKS_DATA,
	CHUNKS_TRAILERS, /* behind the last chunk */
	CHUNKS_PASS	 /* where a size should be and is not */
};

struct chunks {
	enum chunks_part part;
	/* Of the chunk; in its data, what is left of it and its line's end; of all trailers. */
	uint64_t size;
};

/* At the first byte of a body. */
void chunks_begin(struct chunks *chunks);

/*
 * Looks at the next bytes: returns how many at their beginning are for the parser; the *skip
 * behind those are not. Together they may be fewer than length: the rest is for another call.
 * Trailers, which are counted, begin with a call of their own.
 */
size_t chunks_filter(struct chunks *chunks, const uint8_t *bytes, size_t length, size_t *skip);

#endif
