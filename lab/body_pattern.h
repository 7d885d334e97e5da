/*
 * The bytes of every body that the origin sends: a function of the offset alone, so that a client
 * or a test can check each byte without having been told anything. The period is a prime: a piece
 * lost, doubled or moved by a page, a segment or a buffer shifts the pattern and shows.
 */
#ifndef LAB_BODY_PATTERN_H
#define LAB_BODY_PATTERN_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define BODY_PERIOD 61
#define BODY_TEXT   "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxy"

_Static_assert(sizeof(BODY_TEXT) == BODY_PERIOD + 1, "the period is the text's length");

/* The text twice: a whole period from any phase. */
static const char body_twice[] = BODY_TEXT BODY_TEXT;

static inline char body_byte(uint64_t offset)
{
	return body_twice[offset % BODY_PERIOD];
}

/* Writes the `size` bytes of the body that start at `offset`. */
static inline void body_fill(char *to, size_t size, uint64_t offset)
{
	const char *from = body_twice + offset % BODY_PERIOD;

	for (; size > BODY_PERIOD; size -= BODY_PERIOD, to += BODY_PERIOD)
		memcpy(to, from, BODY_PERIOD);
	memcpy(to, from, size);
}

/* How many of the `size` bytes are right, counted up to the first wrong one: size if all are. */
static inline size_t body_check(const char *bytes, size_t size, uint64_t offset)
{
	const char *expected = body_twice + offset % BODY_PERIOD;
	size_t at = 0;

	while (at < size) {
		size_t piece = size - at < BODY_PERIOD ? size - at : BODY_PERIOD;

		if (memcmp(bytes + at, expected, piece) != 0)
			break;
		at += piece;
	}
	for (size_t i = 0; at < size && bytes[at] == expected[i]; i++)
		at++;
	return at;
}

#endif
