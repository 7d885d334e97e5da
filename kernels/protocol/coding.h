/* Content codings by name (RFC 9110, 8.4; RFC 7932; RFC 8878): what a client says that it can
 * decode, and what a response says that it is. The decoding itself is in decoder.h. */
#ifndef PROTOCOL_CODING_H
#define PROTOCOL_CODING_H

#include <stddef.h>

enum coding { CODING_IDENTITY, CODING_GZIP, CODING_DEFLATE, CODING_BR, CODING_ZSTD };

/*
 * Reads the value of Content-Encoding, length bytes that need no end: a list of names with commas,
 * in any case, `x-gzip` for `gzip`, `identity` and empty elements without meaning. Nothing at all
 * is CODING_IDENTITY. Returns 0; or -ENOTSUP for an unknown coding or for more than one, with
 * *coding as it was: the caller names the value.
 */
int coding_from_header(const char *value, size_t length, enum coding *coding);

/* The value of Accept-Encoding that promises all of the above. Constant. */
const char *coding_accept(void);

/* The coding's own name, constant. */
const char *coding_name(enum coding coding);

#endif
