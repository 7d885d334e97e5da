/* From the command line's URLs to requests and addresses. */
#include "lab/fetch_targets.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lab/status.h"
#include "lab/version.h"

static void resolve(const char *text, const struct url *url, struct endpoint *endpoint)
{
	const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
	struct addrinfo *found;
	int err = getaddrinfo(url->host, url->port, &hints, &found);

	if (err)
		status_exit(STATUS_FAILED, "%s: cannot resolve %s: %s", text, url->host,
			    err == EAI_SYSTEM ? strerror(errno) : gai_strerror(err));
	memset(endpoint, 0, sizeof(*endpoint));
	memcpy(&endpoint->address, found->ai_addr, found->ai_addrlen);
	endpoint->address_length = found->ai_addrlen;
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
