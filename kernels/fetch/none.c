/*
 * No I/O at all: every send is taken and every answer is there at once, from memory. What is left
 * is what all models share, the connections' states, the driver, the observer's clock and
 * histogram: the price of the harness. Not part of the matrix: there is nothing to wait for.
 */
#include <stdio.h>
#include <stdlib.h>

#include "kernels/fetch/model.h"
#include "kernels/fetch/readiness.h"

/* As the origin answers: 24 bytes of body. */
static const char answer[] = "HTTP/1.1 200 OK\r\n"
			     "Content-Type: text/plain\r\n"
			     "Content-Length: 24\r\n"
			     "\r\n"
			     "0123456789ABCDEFGHIJKLMN";

/* One step of what the connection wants, which always succeeds. */
static void step(struct connection *c)
{
	size_t length;

	switch (c->want) {
	case WANT_CONNECT:
		connection_connected(c);
		break;
	case WANT_SEND:
		connection_output(c, &length);
		connection_sent(c, length);
		break;
	case WANT_RECEIVE:
		connection_received(c, answer, sizeof(answer) - 1);
		break;
	case WANT_CLOSE:
		connection_closed(c);
		break;
	case WANT_NOTHING:
		break;
	}
}

/*
 * Moves a lane up to where a socket would have to wait: the request is sent. The answer is taken
 * the next time round, so that as many are in flight as with any other model.
 */
static struct connection *advance(struct worker *w, struct connection *c)
{
	if (c->want == WANT_RECEIVE)
		step(c);
	while (c && c->want != WANT_RECEIVE && !worker_stopped(w)) {
		if (c->want == WANT_NOTHING)
			c = worker_next(w, c);
		else
			step(c);
	}
	return c;
}

static int prepare(struct worker *w, char *why, size_t why_size)
{
	for (unsigned i = 0; i < w->endpoints_count; i++) {
		if (!w->endpoints[i].tls)
			continue;
		snprintf(why, why_size, "none does no I/O, and so no TLS: give an http:// URL");
		return -ENOTSUP;
	}
	/* The connection that each lane is busy with, NULL when it has nothing to do. */
	w->model = calloc(w->lanes, sizeof(struct connection *));
	if (w->model)
		return 0;
	snprintf(why, why_size, "out of memory for %u connections", w->lanes);
	return -ENOMEM;
}

/* Open loop, and nothing is under way: until the next fetch is due. */
static void await_due(struct worker *w)
{
	int64_t wait_ns = worker_wait_ns(w);

	if (wait_ns > 0)
		calls_sleep(&w->calls, wait_ns);
}

static int run(struct worker *w)
{
	struct connection **busy = w->model;
	struct connection *c;

	for (unsigned lane = 0; lane < w->lanes; lane++)
		if ((c = worker_next(w, worker_lane(w, lane))))
			busy[lane] = advance(w, c);
	while (w->in_flight && !worker_stopped(w)) {
		bool moved = false;

		for (unsigned lane = 0; lane < w->lanes; lane++) {
			if (!busy[lane])
				continue;
			busy[lane] = advance(w, busy[lane]);
			moved = true;
		}
		while ((c = worker_due(w))) {
			busy[readiness_lane(w, c)] = advance(w, c);
			moved = true;
		}
		if (!moved)
			await_due(w);
	}
	return 0;
}

static void release(struct worker *w)
{
	free(w->model);
	w->model = NULL;
}

static const char *variant(const struct worker *w)
{
	(void)w;
	return "";
}

const struct model model_none = {
	.name = "none",
	.notification = NOTIFY_NONE,
	.waits = {[WAIT_BLOCK] = true},
	.about = "no I/O: answers come from memory and URLs are never connected to; prices the lab",
	.prepare = prepare,
	.run = run,
	.release = release,
	.variant = variant,
};
