/*
 * Requests, built once before the clock starts: the bytes that go on the wire and where they go.
 * Read-only while a run lasts, so that every worker shares them.
 */
#ifndef PROTOCOL_REQUEST_H
#define PROTOCOL_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include "kernels/protocol/url.h"

/* A server that fetches go to: scheme, host and port. */
struct endpoint {
	struct sockaddr_storage address;
	socklen_t address_length;
	bool tls;
	const char *host; /* as in the URL, without brackets; not owned */
};

struct request {
	const char *url;   /* as the user typed it, or as a redirect named it; not owned */
	char *bytes;	   /* head of the request; owned */
	size_t length;	   /* of bytes */
	bool close;	   /* the connection ends after the response */
	unsigned index;	   /* place in the list of distinct requests */
	unsigned endpoint; /* index into the run's endpoints */
	/* Why it cannot be fetched, constant text; NULL: it can. */
	const char *unresolved;
	/* Where it leads, found out before the clock: its Location, and the request for that. */
	const char *location;
	const struct request *redirect;
	const char *redirect_failure; /* why that is not followed, constant text */
};

/* What goes into every request beside the URL. */
struct request_options {
	const char *user_agent;
	const char *accept_encoding; /* NULL: none is sent */
	bool close;		     /* "Connection: close" */
	const char *const *headers;  /* further lines "NAME: VALUE", without line ends */
	unsigned header_count;	     /* one that names Host, User-Agent or Accept replaces it */
};

/*
 * Writes the GET request for url into *request (bytes, length and close only), to be released
 * with request_release(). Returns 0 or -ENOMEM.
 */
int request_build(const struct url *url, const struct request_options *options,
		  struct request *request);
void request_release(struct request *request);

#endif
