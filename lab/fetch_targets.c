/* From the command line's URLs to requests and addresses. */
#include "lab/fetch_targets.h"

#include <errno.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "kernels/protocol/coding.h"
#include "kernels/protocol/url_reference.h"
#include "lab/status.h"
#include "lab/usage.h"
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

/* Whether a --resolve is about that host and port. */
static bool is_about(const char *resolve, const char *host, const char *port)
{
	size_t host_length = strcspn(resolve, ":");
	const char *at = resolve + host_length + 1;
	size_t port_length = strcspn(at, ":");

	return strlen(host) == host_length && strncasecmp(resolve, host, host_length) == 0 &&
	       strlen(port) == port_length && strncmp(at, port, port_length) == 0;
}

/* The address that a --resolve gives to host and port, without brackets in `address`. */
static bool given_address(const struct option_texts *resolve, const struct url *url, char *address,
			  size_t size)
{
	for (unsigned i = 0; i < resolve->count; i++) {
		const char *text = resolve->items[i];
		const char *at = strchr(strchr(text, ':') + 1, ':') + 1;
		size_t length = strlen(at);

		if (!is_about(text, url->host, url->port))
			continue;
		if (*at == '[') {
			at++;
			length -= 2;
		}
		snprintf(address, size, "%.*s", (int)length, at);
		return true;
	}
	return false;
}

/* Each must be HOST:PORT:ADDRESS with an address that is one. */
static void check_resolve(const struct option_texts *resolve)
{
	for (unsigned i = 0; i < resolve->count; i++) {
		const char *text = resolve->items[i];
		const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST};
		const char *port = strchr(text, ':');
		const char *at = port ? strchr(port + 1, ':') : NULL;
		size_t digits = port ? strspn(port + 1, "0123456789") : 0;
		struct addrinfo *found = NULL;
		char address[64];
		size_t length = at ? strlen(at + 1) : 0;
		bool brackets = at && at[1] == '[' && at[length] == ']';

		if (at)
			snprintf(address, sizeof(address), "%.*s",
				 (int)(length - (brackets ? 2 : 0)), at + 1 + brackets);
		if (!at || port == text || !digits || at != port + 1 + digits ||
		    getaddrinfo(address, NULL, &hints, &found))
			status_exit(STATUS_USAGE,
				    "--resolve: '%s' is not of the form HOST:PORT:ADDRESS", text);
		freeaddrinfo(found);
	}
}

/* Returns NULL, or why the name has no address: constant text. */
static const char *resolve(const struct fetch_options *o, const struct url *url,
			   struct endpoint *endpoint)
{
	const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
	struct addrinfo *found;
	char address[64];
	bool given = given_address(&o->resolve, url, address, sizeof(address));
	int err;

	if (o->offline) {
		endpoint->address_length = sizeof(struct sockaddr_in);
		return NULL;
	}
	err = getaddrinfo(given ? address : url->host, url->port, &hints, &found);

	/* RFC 6761: localhost is this host, also where no hosts file says so. */
	if (err && strcmp(url->host, "localhost") == 0)
		err = getaddrinfo("127.0.0.1", url->port, &hints, &found);
	if (err)
		return err == EAI_SYSTEM ? strerror(errno) : gai_strerror(err);
	const struct addrinfo *chosen = choose(found);

	memcpy(&endpoint->address, chosen->ai_addr, chosen->ai_addrlen);
	endpoint->address_length = chosen->ai_addrlen;
	freeaddrinfo(found);
	return NULL;
}

static bool serves(const struct endpoint *endpoint, const char *port, const struct url *url)
{
	return endpoint->tls == url->tls && endpoint->host && port &&
	       strcmp(endpoint->host, url->host) == 0 && strcmp(port, url->port) == 0;
}

/* The index of the URL's endpoint, looked up and added when it is new. */
static unsigned endpoint_of(struct fetch_targets *t, const struct url *url, const char **unresolved)
{
	uint64_t begun_ns = usage_now_ns();
	struct endpoint *endpoint;
	unsigned i = 0;

	while (i < t->endpoint_count && !serves(&t->endpoints[i], t->ports[i], url))
		i++;
	endpoint = &t->endpoints[i];
	if (i == t->endpoint_count) {
		t->endpoint_count++;
		endpoint->tls = url->tls;
		endpoint->host = fetch_targets_keep(t, url->host);
		t->ports[i] = (char *)fetch_targets_keep(t, url->port);
		t->tls |= url->tls;
		*unresolved = resolve(t->options, url, endpoint);
		t->resolve_ns += usage_now_ns() - begun_ns;
	}
	if (!endpoint->address_length && !*unresolved)
		*unresolved = "its host has no address";
	return i;
}

const char *fetch_targets_keep(struct fetch_targets *t, const char *text)
{
	char **texts = reallocarray(t->texts, t->text_count + 1, sizeof(*texts));
	char *copy = strdup(text);

	if (!texts || !copy)
		status_exit(STATUS_UNABLE, "out of memory for the URLs");
	t->texts = texts;
	texts[t->text_count++] = copy;
	return copy;
}

/* What the user sends to one server is not for another that this one names. */
static bool confidential(const char *header)
{
	static const char *const names[] = {"Authorization:", "Cookie:", "Host:"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strncasecmp(header, names[i], strlen(names[i])) == 0)
			return true;
	return false;
}

/* from: the URL that redirects here, NULL for one of the command line. */
static struct request *add(struct fetch_targets *t, const struct url *url, const char *text,
			   const struct url *from)
{
	const struct fetch_options *o = t->options;
	const char *headers[OPTION_TEXTS_MAX];
	bool stranger = from && !url_same_origin(from, url);
	struct request *request = &t->requests[t->request_count];
	char agent[64];
	struct request_options options = {
		.user_agent = agent,
		.accept_encoding = o->compressed ? coding_accept() : NULL,
		.close = o->connection_per_request,
		.headers = headers,
	};

	for (unsigned i = 0; i < o->headers.count; i++)
		if (!stranger || !confidential(o->headers.items[i]))
			headers[options.header_count++] = o->headers.items[i];

	snprintf(agent, sizeof(agent), "iolab/%s", version_text());
	t->urls[t->request_count] = *url;
	if (request_build(url, &options, request))
		status_exit(STATUS_UNABLE, "out of memory for the URLs");
	request->url = text;
	request->index = t->request_count++;
	request->endpoint = endpoint_of(t, url, &request->unresolved);
	if (request->length > t->longest_request)
		t->longest_request = request->length;
	return request;
}

struct request *fetch_targets_add(struct fetch_targets *t, const struct url *url, const char *text,
				  const struct url *from)
{
	for (unsigned i = 0; i < t->request_count; i++) {
		char known[URL_TEXT_MAX];

		url_print(&t->urls[i], known, sizeof(known));
		if (strcmp(known, text) == 0)
			return &t->requests[i];
	}
	if (t->request_count == t->room)
		return NULL;
	return add(t, url, fetch_targets_keep(t, text), from);
}

/* What was asked for and has no URL to act on: not wrong, and most likely a slip. */
static void warn_of_idle(const struct fetch_targets *t, const struct fetch_options *o)
{
	for (unsigned i = 0; i < o->resolve.count; i++) {
		const char *text = o->resolve.items[i];
		unsigned e = 0;

		while (e < t->endpoint_count && !is_about(text, t->endpoints[e].host, t->ports[e]))
			e++;
		if (e == t->endpoint_count)
			status_warn("--resolve: no URL has the host and port of '%s'; it is not "
				    "used",
				    text);
	}
	/* A redirect might have led to TLS, and is a reason to be ready for it. */
	if (t->tls || o->location)
		return;
	if (o->cacert)
		status_warn("--cacert: no URL begins with https://; it is not used");
	if (o->tls_io != TLS_BUFFERED)
		status_warn("--tls-io: no URL begins with https://; it is not used");
}

void fetch_targets_make(struct fetch_targets *t, const struct fetch_options *o)
{
	char why[512];

	check_resolve(&o->resolve);
	memset(t, 0, sizeof(*t));
	t->options = o;
	t->url_count = o->url_count;
	t->room = o->location ? o->url_count * ((unsigned)o->redirects_max + 1) : o->url_count;
	t->requests = calloc(t->room, sizeof(*t->requests));
	t->urls = calloc(t->room, sizeof(*t->urls));
	t->endpoints = calloc(t->room, sizeof(*t->endpoints));
	t->ports = calloc(t->room, sizeof(*t->ports));
	if (!t->requests || !t->urls || !t->endpoints || !t->ports)
		status_exit(STATUS_UNABLE, "out of memory for %u URLs", o->url_count);
	for (unsigned i = 0; i < o->url_count; i++) {
		struct url url;

		if (url_parse(o->urls[i], &url, why, sizeof(why)))
			status_exit(STATUS_USAGE, "%s", why);
		add(t, &url, o->urls[i], NULL);
	}
	if (o->location)
		fetch_rehearse(t);
	if (o->tls_session != TLS_SESSION_DEFAULT && !t->tls)
		status_exit(STATUS_USAGE,
			    "--tls-session: no URL begins with https://, so there are no "
			    "sessions");
	warn_of_idle(t, o);
}

void fetch_targets_release(struct fetch_targets *t)
{
	for (unsigned i = 0; i < t->request_count; i++)
		request_release(&t->requests[i]);
	for (unsigned i = 0; i < t->text_count; i++)
		free(t->texts[i]);
	free(t->texts);
	free(t->ports);
	free(t->requests);
	free(t->urls);
	free(t->endpoints);
	memset(t, 0, sizeof(*t));
}
