/* From the command line's URLs to requests and addresses. */
#include "lab/fetch_targets.h"

#include <errno.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lab/status.h"
#include "lab/version.h"

/* Whether something listens there: one connection, given up after a second. */
static bool answers(const struct addrinfo *at)
{
	const struct timeval patience = {.tv_sec = 1};
	int fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool connected;

	if (fd < 0)
		return false;
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	connected = connect(fd, at->ai_addr, at->ai_addrlen) == 0;
	close(fd);
	return connected;
}

/*
 * Of a name's several addresses (localhost is ::1 and 127.0.0.1) the first that answers, or the
 * first of all, whose failure the fetch then reports.
 */
static const struct addrinfo *choose(const struct addrinfo *found)
{
	if (!found->ai_next)
		return found;
	for (const struct addrinfo *at = found; at; at = at->ai_next)
		if (answers(at))
			return at;
	return found;
}

static void resolve(const char *text, const struct url *url, struct endpoint *endpoint)
{
	const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
	struct addrinfo *found;
	int err = getaddrinfo(url->host, url->port, &hints, &found);

	/* RFC 6761: localhost is this host, also where no hosts file says so. */
	if (err && strcmp(url->host, "localhost") == 0)
		err = getaddrinfo("127.0.0.1", url->port, &hints, &found);
	if (err)
		status_exit(STATUS_FAILED, "%s: cannot resolve %s: %s", text, url->host,
			    err == EAI_SYSTEM ? strerror(errno) : gai_strerror(err));
	const struct addrinfo *chosen = choose(found);

	memset(endpoint, 0, sizeof(*endpoint));
	memcpy(&endpoint->address, chosen->ai_addr, chosen->ai_addrlen);
	endpoint->address_length = chosen->ai_addrlen;
	freeaddrinfo(found);
}

/* The index of that endpoint, adding it when it is new. */
static unsigned keep_endpoint(struct fetch_targets *t, const struct endpoint *endpoint)
{
	unsigned i = 0;

	while (i < t->endpoint_count &&
	       (t->endpoints[i].address_length != endpoint->address_length ||
		memcmp(&t->endpoints[i].address, &endpoint->address, endpoint->address_length) !=
			0))
		i++;
	if (i == t->endpoint_count)
		t->endpoints[t->endpoint_count++] = *endpoint;
	return i;
}

void fetch_targets_make(struct fetch_targets *t, char **urls, unsigned count)
{
	char agent[64];

	snprintf(agent, sizeof(agent), "iolab/%s", version_text());
	t->requests = calloc(count, sizeof(*t->requests));
	t->endpoints = calloc(count, sizeof(*t->endpoints));
	t->request_count = count;
	t->endpoint_count = 0;
	if (!t->requests || !t->endpoints)
		status_exit(STATUS_UNABLE, "out of memory for %u URLs", count);
	for (unsigned i = 0; i < count; i++) {
		struct request *request = &t->requests[i];
		struct endpoint endpoint;
		struct url url;
		char why[512];

		if (url_parse(urls[i], &url, why, sizeof(why)))
			status_exit(STATUS_USAGE, "%s", why);
		if (url.tls)
			status_exit(STATUS_UNABLE, "%s: this version speaks http only", urls[i]);
		resolve(urls[i], &url, &endpoint);
		if (request_build(&url, agent, request))
			status_exit(STATUS_UNABLE, "out of memory for %u URLs", count);
		request->url = urls[i];
		request->index = i;
		request->endpoint = keep_endpoint(t, &endpoint);
	}
}

void fetch_targets_release(struct fetch_targets *t)
{
	for (unsigned i = 0; i < t->request_count; i++)
		request_release(&t->requests[i]);
	free(t->requests);
	free(t->endpoints);
	memset(t, 0, sizeof(*t));
}
