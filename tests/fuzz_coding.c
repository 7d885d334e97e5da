/*
 * Fuzzes the content codings: the first byte says which, the second into how long pieces the rest
 * is cut. What it must keep: no crash, no read outside a piece, a failure that is worded, and the
 * same bytes and the same verdict however the input is cut, on a decoder that has served before.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/protocol/decoder.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct digest {
	uint64_t hash;
	uint64_t length;
};

/* FNV-1a. */
static void digest(void *context, const uint8_t *bytes, size_t length)
{
	struct digest *d = context;

	if (length == 0)
		abort();
	for (size_t i = 0; i < length; i++)
		d->hash = (d->hash ^ bytes[i]) * 0x100000001b3;
	d->length += length;
}

/* Each piece is a heap block of its own, so that reading past it is seen. */
static int decode(struct decoder *d, enum coding coding, const uint8_t *data, size_t size,
		  size_t piece, struct digest *sum)
{
	int result;

	memset(sum, 0, sizeof(*sum));
	decoder_begin(d, coding);
	for (size_t at = 0; at < size; at += piece) {
		size_t length = size - at < piece ? size - at : piece;
		uint8_t *copy = malloc(length);

		memcpy(copy, data + at, length);
		result = decoder_take(d, copy, length, digest, sum);
		free(copy);
		if (result != 0 && decoder_end(d) != result)
			abort();
	}
	result = decoder_end(d);
	if (result != 0 && result != -EBADMSG && result != -ENODATA)
		abort();
	if ((result == 0) != (decoder_failure(d) == NULL))
		abort();
	return result;
}

static void read_name(const uint8_t *data, size_t size)
{
	char *copy = malloc(size + 1);
	enum coding coding;

	memcpy(copy + 1, data, size);
	coding_from_header(copy + 1, size, &coding);
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct decoder *used;
	struct digest whole, pieces;
	enum coding coding;
	int first, second;

	if (!used)
		used = decoder_new();
	if (size < 2)
		return 0;
	read_name(data, size);
	coding = data[0] % (CODING_ZSTD + 1);
	first = decode(used, coding, data + 2, size - 2, SIZE_MAX / 2, &whole);
	second = decode(used, coding, data + 2, size - 2, data[1] % 64 + 1U, &pieces);
	/*
	 * libzstd holds a frame that comes whole to the size in its header, and one that comes in
	 * pieces and ends with an empty block not: with zstd the verdict may be milder.
	 */
	if ((first == 0) != (second == 0) && (coding != CODING_ZSTD || first == 0))
		abort();
	if (first == 0 && memcmp(&whole, &pieces, sizeof(whole)) != 0)
		abort();
	return 0;
}
