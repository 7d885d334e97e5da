/*
 * libFuzzer's entry to the origin's request parser: clang -fsanitize=fuzzer,address with
 * tests/feed_origin_http.c and the library. The first eight bytes choose the splits.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/feed_origin_http.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *wrong;
	uint64_t seed;

	if (size < sizeof(seed))
		return 0;
	memcpy(&seed, data, sizeof(seed));
	wrong = feed_origin_http(data + sizeof(seed), size - sizeof(seed), seed >> 1);
	if (wrong) {
		fprintf(stderr, "%s\n", wrong);
		abort();
	}
	return 0;
}
