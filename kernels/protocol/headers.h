/*
 * The few response headers that the lab needs, gathered from llhttp's callbacks, which give names
 * and values in pieces of any length. A header that nobody wants costs one comparison a piece.
 *
 *	on_message_begin         headers_reset()
 *	on_header_field          headers_field()
 *	on_header_value          headers_value()
 *	on_header_value_complete headers_value_complete()
 *	on_headers_complete      headers_close(): what follows the body are trailers, not these
 *
 * llhttp 8 and 9 have all of these. An interim response (1xx) is a message of its own, so that
 * its headers are forgotten when the next begins.
 */
#ifndef PROTOCOL_HEADERS_H
#define PROTOCOL_HEADERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Longest values that are kept, bytes. */
#define HEADERS_LOCATION_MAX 2048
#define HEADERS_ENCODING_MAX 64

/* Which header is being read. */
enum headers_field {
	HEADERS_UNKNOWN, /* no byte of its name has come */
	HEADERS_OTHER,	 /* not one that is wanted */
	HEADERS_ENCODING,
	HEADERS_LOCATION
};

/* Allocated by the caller, 2.2 KiB, of which a response without Location touches the first 128. */
struct headers {
	uint8_t field;	 /* enum headers_field, as far as its name has come */
	uint8_t matched; /* bytes of its name */
	bool in_value;
	bool closed;
	bool encoding_too_long; /* the encoding is not whole */
	bool location_too_long; /* the location is not whole */
	/* How often Location came, up to 255. The first one is kept: more than one is wrong. */
	uint8_t locations;
	uint8_t encoding_length;
	uint16_t location_length;
	/* Content-Encoding, several lines joined by ", " (RFC 9110, 5.3); no NUL ends it. */
	char encoding[HEADERS_ENCODING_MAX];
	/* Location, as it came, without the spaces around it; no NUL ends it. */
	char location[HEADERS_LOCATION_MAX];
};

/* A response begins. Must be called before the first one, too. */
void headers_reset(struct headers *headers);

/* The next length bytes of a header's name. */
void headers_field(struct headers *headers, const char *at, size_t length);

/* The next length bytes of its value; none at all is a value, too. */
void headers_value(struct headers *headers, const char *at, size_t length);

/* The value is whole. */
void headers_value_complete(struct headers *headers);

/* The head is over: whatever comes from here to the next headers_reset() is ignored. */
void headers_close(struct headers *headers);

#endif
