/* See chunks.h. */
#include "kernels/protocol/chunks.h"

#include <stdbool.h>

void chunks_begin(struct chunks *chunks)
{
	*chunks = (struct chunks){.part = CHUNKS_SIZE};
}

/* A digit's value, or -1. */
static int digit(uint8_t byte)
{
	if (byte >= '0' && byte <= '9')
		return byte - '0';
	byte |= 0x20;
	return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

static bool ends_line(uint8_t byte)
{
	return byte == '\r' || byte == '\n';
}

static enum chunks_part behind_size(uint8_t byte)
{
	if (byte == ';' || byte == ' ' || byte == '\t')
		return CHUNKS_EXTENSION;
	return ends_line(byte) ? CHUNKS_LINE_END : CHUNKS_PASS;
}

/* Of a size's line, up to its extensions or the data behind it. */
static size_t through_line(struct chunks *chunks, const uint8_t *bytes, size_t length)
{
	size_t at = 0;

	for (; at < length && chunks->part == CHUNKS_SIZE; at++) {
		int value = digit(bytes[at]);

		if (value >= 0) {
			chunks->size = chunks->size * 16 + (unsigned)value;
			continue;
		}
		chunks->part = behind_size(bytes[at]);
		break;
	}
	for (; at < length && chunks->part == CHUNKS_LINE_END; at++) {
		if (bytes[at] != '\n')
			continue;
		chunks->part = chunks->size ? CHUNKS_DATA : CHUNKS_TRAILERS;
		chunks->size += chunks->size ? 2 : 0;
	}
	return at;
}

static size_t through_data(struct chunks *chunks, size_t length)
{
	size_t taken = chunks->size < length ? (size_t)chunks->size : length;

	chunks->size -= taken;
	if (chunks->size == 0)
		chunks->part = CHUNKS_SIZE;
	return taken;
}

/* An extension ends with its line: no quoting hides a line's end. */
static size_t through_extension(struct chunks *chunks, const uint8_t *bytes, size_t length)
{
	size_t at = 0;

	while (at < length && !ends_line(bytes[at]))
		at++;
	if (at < length)
		chunks->part = CHUNKS_LINE_END;
	return at;
}

size_t chunks_filter(struct chunks *chunks, const uint8_t *bytes, size_t length, size_t *skip)
{
	size_t at = 0;

	*skip = 0;
	while (at < length) {
		switch (chunks->part) {
		case CHUNKS_SIZE:
		case CHUNKS_LINE_END:
			at += through_line(chunks, bytes + at, length - at);
			break;
		case CHUNKS_EXTENSION:
			*skip = through_extension(chunks, bytes + at, length - at);
			return at;
		case CHUNKS_DATA:
			at += through_data(chunks, length - at);
			break;
		case CHUNKS_TRAILERS:
			chunks->size += at ? 0 : length;
			return at ? at : length;
		case CHUNKS_PASS:
			return length;
		}
	}
	return at;
}
