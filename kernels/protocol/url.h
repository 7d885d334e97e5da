/* URLs as the lab fetches them: scheme, host, port and what goes into the request line. */
#ifndef PROTOCOL_URL_H
#define PROTOCOL_URL_H

#include <stdbool.h>
#include <stddef.h>

#define URL_HOST_MAX   256
#define URL_TARGET_MAX 4096

struct url {
	bool tls;			 /* https */
	bool literal_v6;		 /* the host was written in brackets */
	char host[URL_HOST_MAX];	 /* without brackets, lower case */
	char port[6];			 /* digits; the scheme's own when none was given */
	bool default_port;		 /* the port is the scheme's own */
	char target[URL_TARGET_MAX + 1]; /* path and query, "/" when empty; no fragment */
};

/*
 * Reads text (RFC 3986; http and https, no user information). Returns 0, or -EINVAL with one
 * line in why that quotes the URL and says what is wrong with it.
 */
int url_parse(const char *text, struct url *url, char *why, size_t why_size);

#endif
