/*
 * Where the URLs of a run lead, found out before its clock starts: every one is fetched once, by
 * the blocking model, and its redirects are followed, names looked up and all. In the run a
 * redirect is then one more prepared request, and looks nothing up and allocates nothing.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "kernels/fetch/model.h"
#include "kernels/protocol/headers.h"
#include "kernels/protocol/url_reference.h"
#include "lab/fetch_targets.h"
#include "lab/status.h"

/* A server that takes longer for one response is left to the run. */
#define PATIENCE_NS UINT64_C(10000000000)

struct rehearsal {
	struct observer observer;
	struct worker worker;
	struct connection connection;
	struct headers headers;
	struct endpoint endpoint;
	struct request request; /* as the target's, but for the only endpoint there is */
	const struct fetch_options *options;
	bool begun;
	bool redirected; /* to headers.location */
};

static atomic_bool out_of_time;

static void on_alarm(int signal)
{
	(void)signal;
	atomic_store(&out_of_time, true);
}

static void wait_at_most(uint64_t ns)
{
	const struct sigaction action = {.sa_handler = on_alarm};
	/* Again and again: a call may begin just after the flag was looked at. */
	const struct itimerval timer = {
		.it_value = {.tv_sec = (time_t)(ns / 1000000000),
			     .tv_usec = (suseconds_t)(ns % 1000000000 / 1000)},
		.it_interval = {.tv_usec = ns ? 10000 : 0}};

	sigaction(SIGALRM, &action, NULL);
	atomic_store(&out_of_time, false);
	setitimer(ITIMER_REAL, &timer, NULL);
}

/* For one response, and of that for its connection, which may have a limit of its own. */
static uint64_t patience_ns(const struct fetch_options *o)
{
	return o->max_time_ns ? o->max_time_ns : PATIENCE_NS;
}

static uint64_t connect_patience_ns(const struct fetch_options *o)
{
	uint64_t ns = patience_ns(o);

	return o->connect_timeout_ns && o->connect_timeout_ns < ns ? o->connect_timeout_ns : ns;
}

static void on_connected(struct observer *observer, struct connection *c)
{
	struct rehearsal *r =
		(struct rehearsal *)((char *)observer - offsetof(struct rehearsal, observer));

	if (!c->tls)
		wait_at_most(patience_ns(r->options));
}

static void on_secured(struct observer *observer, struct connection *c)
{
	struct rehearsal *r =
		(struct rehearsal *)((char *)observer - offsetof(struct rehearsal, observer));

	(void)c;
	wait_at_most(patience_ns(r->options));
}

static void nothing(struct observer *observer, struct connection *c)
{
	(void)observer;
	(void)c;
}

static void on_done(struct observer *observer, struct connection *c)
{
	struct rehearsal *r =
		(struct rehearsal *)((char *)observer - offsetof(struct rehearsal, observer));

	r->redirected = c->status / 100 == 3 && r->headers.locations;
}

static struct connection *next(struct worker *w, struct connection *c)
{
	struct rehearsal *r = (struct rehearsal *)((char *)w - offsetof(struct rehearsal, worker));

	if (r->begun) {
		w->in_flight--;
		return NULL;
	}
	r->begun = true;
	connection_begin(c, &r->request, NULL);
	return c;
}

static struct tls_context *make_tls(const struct fetch_targets *t)
{
	const struct tls_options options = {
		.cacert = t->options->cacert,
		.insecure = t->options->insecure,
		.session = TLS_FRESH,
		.endpoints = 1,
		.longest_request = t->longest_request,
	};
	struct tls_context *context;
	char why[512];

	if (tls_context_new(&options, &context, why, sizeof(why)))
		status_exit(STATUS_UNABLE, "%s", why);
	return context;
}

/* One fetch to its end; r->redirected tells. */
static void fetch(struct rehearsal *r, const struct fetch_targets *t, const struct request *request)
{
	static const struct driver driver = {.next = next};
	struct worker *w = &r->worker;
	struct connection *c = &r->connection;
	struct tls_context *tls = NULL;

	memset(r, 0, sizeof(*r));
	r->options = t->options;
	r->observer = (struct observer){on_connected, on_secured, nothing, on_done, nothing};
	r->endpoint = t->endpoints[request->endpoint];
	r->request = *request;
	r->request.endpoint = 0;
	*w = (struct worker){.lanes = 1,
			     .endpoints_count = 1,
			     .connections = c,
			     .endpoints = &r->endpoint,
			     .in_flight = 1,
			     .stop = &out_of_time,
			     .driver = &driver,
			     .receive_buffer = malloc(RECEIVE_SIZE)};
	connection_init(c, 0, &r->observer);
	c->headers = &r->headers;
	if (r->endpoint.tls) {
		tls = make_tls(t);
		c->tls = tls_new(tls, r->endpoint.host, 0);
	}
	if (!w->receive_buffer || (r->endpoint.tls && !c->tls))
		status_exit(STATUS_UNABLE, "out of memory for following redirects");
	wait_at_most(connect_patience_ns(t->options));
	model_blocking.run(w);
	wait_at_most(0);
	model_blocking.release(w);
	if (c->tls)
		tls_end(c->tls);
	tls_free(c->tls);
	tls_context_free(tls);
	free(w->receive_buffer);
}

static const char *print(struct fetch_targets *t, const char *format, const char *text)
{
	char line[URL_TEXT_MAX + 128];

	snprintf(line, sizeof(line), format, text);
	return fetch_targets_keep(t, line);
}

/* Whether the chain that began with `first` has come by this request before it got to `last`. */
static bool loops(const struct request *first, const struct request *last,
		  const struct request *candidate)
{
	for (const struct request *r = first; r; r = r->redirect) {
		if (r == candidate)
			return true;
		if (r == last)
			break;
	}
	return false;
}

/* What `from` redirects to becomes a request; NULL, and the reason is kept, when it cannot be. */
static struct request *follow(struct fetch_targets *t, const struct request *first,
			      struct request *from, const struct headers *headers)
{
	struct request *to;
	struct url url;
	char text[URL_TEXT_MAX], why[512];

	if (headers->location_too_long) {
		from->redirect_failure = "its Location is too long";
		return NULL;
	}
	if (url_resolve(&t->urls[from->index], from->location, strlen(from->location), &url, why,
			sizeof(why))) {
		from->redirect_failure = fetch_targets_keep(t, why);
		return NULL;
	}
	url_print(&url, text, sizeof(text));
	to = fetch_targets_add(t, &url, text, &t->urls[from->index]);
	if (to && loops(first, from, to)) {
		from->redirect_failure = print(t, "a loop: it leads back to %s", text);
		return NULL;
	}
	if (!to)
		from->redirect_failure = print(t, "too many; the next would be %s", text);
	return to;
}

static void keep_location(struct fetch_targets *t, struct request *from,
			  const struct headers *headers)
{
	char text[HEADERS_LOCATION_MAX + 1];

	snprintf(text, sizeof(text), "%.*s", headers->location_length, headers->location);
	from->location = fetch_targets_keep(t, text);
}

static void rehearse(struct fetch_targets *t, struct request *first)
{
	static struct rehearsal rehearsal;
	struct request *at = first;

	for (uint64_t hops = 0; at && !at->redirect && !at->redirect_failure && !at->unresolved;
	     hops++) {
		fetch(&rehearsal, t, at);
		if (!rehearsal.redirected)
			return;
		keep_location(t, at, &rehearsal.headers);
		if (hops == t->options->redirects_max) {
			at->redirect_failure =
				print(t, "more than --max-redirs; the next is %s", at->location);
			return;
		}
		at->redirect = follow(t, first, at, &rehearsal.headers);
		at = (struct request *)at->redirect;
	}
}

void fetch_rehearse(struct fetch_targets *t)
{
	for (unsigned i = 0; i < t->url_count; i++)
		rehearse(t, &t->requests[i]);
}
