/* URL references, as a Location header has them: resolved against the URL they came from (RFC
 * 3986, 5.2), so that what comes out can be fetched like a URL that was typed. */
#ifndef PROTOCOL_URL_REFERENCE_H
#define PROTOCOL_URL_REFERENCE_H

#include <stdbool.h>
#include <stddef.h>

#include "kernels/protocol/url.h"

/* Bytes that url_print() needs for any URL, its end included. */
#define URL_TEXT_MAX (URL_TARGET_MAX + URL_HOST_MAX + 32)

/*
 * Resolves reference, length bytes that need no end, against base: an absolute URL, `//host/x`,
 * `/x`, `x/../y`, `?x`, or nothing, which is base itself. Strictly: `http:x` is refused. The
 * fragment is dropped, dot segments are removed, spaces at both ends too; spaces within and bytes
 * from 127 on are percent-encoded, as browsers do. Returns 0; or -EINVAL with one line in why that
 * quotes the reference or what it became, for another scheme than http and https, control
 * characters, too long a result, and what url_parse() refuses; *target is then as it was. target
 * may be base.
 */
int url_resolve(const struct url *base, const char *reference, size_t length, struct url *target,
		char *why, size_t why_size);

/* Whether both have one scheme, host and port. */
bool url_same_origin(const struct url *a, const struct url *b);

/* Prints the URL, without a port that is the scheme's own; returns as snprintf() does. */
int url_print(const struct url *url, char *text, size_t size);

#endif
