/*
 * Requests, built once before the clock starts: the bytes that go on the wire and where they go.
 * Read-only while a run lasts, so that every worker shares them.
 */
#ifndef PROTOCOL_REQUEST_H
#define PROTOCOL_REQUEST_H

#include <stddef.h>
#include <sys/socket.h>

#include "kernels/protocol/url.h"

/* A host and port that fetches go to. */
struct endpoint {
	struct sockaddr_storage address;
	socklen_t address_length;
};

struct request {
	const char *url;   /* as the user typed it; not owned */
	char *bytes;	   /* head of the request; owned */
	size_t length;	   /* of bytes */
	unsigned index;	   /* place in the list of distinct requests */
	unsigned endpoint; /* index into the run's endpoints */
};

/*
 * Writes the GET request for url into *request (bytes and length only), to be released with
 * request_release(). user_agent is sent as given. Returns 0 or -ENOMEM.
 */
int request_build(const struct url *url, const char *user_agent, struct request *request);
void request_release(struct request *request);

#endif
