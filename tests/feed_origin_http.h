/*
 * The properties of the origin's request parser, checked on any bytes: for the fuzzer, and for
 * the test that replays mutations without one.
 */
#ifndef TESTS_FEED_ORIGIN_HTTP_H
#define TESTS_FEED_ORIGIN_HTTP_H

#include <stddef.h>
#include <stdint.h>

/*
 * Feeds `bytes` to the parser whole, in random splits, and through the cache of remembered heads,
 * and compares. Returns NULL, or what was violated.
 */
const char *feed_origin_http(const uint8_t *bytes, size_t size, uint64_t seed);

#endif
