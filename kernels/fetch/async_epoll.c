/*
 * Asynchronous by readiness: the kernel tells which sockets are ready. With wait=block the
 * thread sleeps in epoll_wait(), the textbook's asynchronous blocking; with wait=spin it looks
 * with a zero timeout and keeps control. Edge-triggered, each socket registered once.
 */
#include <stdio.h>
#include <stdlib.h>

#include "kernels/fetch/model.h"
#include "kernels/fetch/readiness.h"
#include "kernels/fetch/sockets.h"

struct state {
	int epoll;
	int most; /* events taken in one call: all connections may be ready at once */
	struct epoll_event *events;
	struct connection **to_send; /* of the batch at hand, at most one an event */
	unsigned to_send_count;
};

static int prepare(struct worker *w, char *why, size_t why_size)
{
	unsigned most = w->lanes * w->endpoints_count;
	struct state *s = calloc(1, sizeof(*s));

	w->model = s;
	if (s) {
		s->epoll = -1;
		s->events = calloc(most, sizeof(*s->events));
		s->to_send = calloc(most, sizeof(struct connection *));
	}
	if (!s || !s->events || !s->to_send) {
		snprintf(why, why_size, "out of memory for %u epoll events", most);
		return -ENOMEM;
	}
	s->most = (int)most;
	s->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (s->epoll < 0) {
		int err = -errno;

		snprintf(why, why_size, "cannot make an epoll descriptor: %m");
		return err;
	}
	return 0;
}

static int watch(struct worker *w, struct connection *c)
{
	struct state *s = w->model;
	struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
				    .data.ptr = c};

	w->calls.total++;
	return epoll_ctl(s->epoll, EPOLL_CTL_ADD, c->fd, &event) ? -errno : 0;
}

/* Receives; a connection that has its next request to send is put off until all have received. */
static void receive(struct worker *w, const struct epoll_event *event)
{
	struct state *s = w->model;
	struct connection *c = event->data.ptr;
	uint64_t would_block = w->calls.would_block;

	/* The end of the stream has its edge once, here, with or behind the last bytes. */
	if (event->events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		connection_peer_done(c);
	if (c->want == WANT_NOTHING)
		return;
	c = readiness_advance(w, c, watch, READINESS_HOLD_SENDS);
	/* A short read does not prove then that nothing follows: there will be no other edge. */
	while (event->events & EPOLLRDHUP && c && c->want == WANT_RECEIVE &&
	       w->calls.would_block == would_block && !worker_stopped(w))
		c = readiness_advance(w, c, watch, READINESS_HOLD_SENDS);
	if (c && c->want == WANT_SEND)
		s->to_send[s->to_send_count++] = c;
}

/*
 * A batch's receives in a row and then its sends in a row find the kernel's code and data in the
 * caches: 3 % less CPU a fetch than one after the other.
 */
static void handle_batch(struct worker *w, struct state *s, int count)
{
	s->to_send_count = 0;
	for (int i = 0; i < count; i++)
		receive(w, &s->events[i]);
	for (unsigned i = 0; i < s->to_send_count; i++)
		readiness_advance(w, s->to_send[i], watch, READINESS_SEND);
}

static int run(struct worker *w)
{
	struct state *s = w->model;
	struct connection *c;

	for (unsigned lane = 0; lane < w->lanes; lane++)
		readiness_advance(w, worker_next(w, worker_lane(w, lane)), watch, READINESS_SEND);
	while (w->in_flight && !worker_stopped(w)) {
		int64_t wait_ns = w->wait == WAIT_BLOCK ? worker_wait_ns(w) : 0;
		int count = calls_epoll_wait(&w->calls, s->epoll, s->events, s->most, wait_ns);

		if (count < 0 && errno != EINTR)
			return -errno;
		if (count == 0 && w->idle)
			w->idle(w->idle_context);
		handle_batch(w, s, count);
		while ((c = worker_due(w)))
			readiness_advance(w, c, watch, READINESS_SEND);
		if (worker_ticked(w))
			readiness_expire(w, watch, NULL);
	}
	return 0;
}

static void release(struct worker *w)
{
	struct state *s = w->model;

	sockets_close_all(w);
	if (s) {
		if (s->epoll >= 0)
			close(s->epoll);
		free(s->events);
		free(s->to_send);
	}
	free(s);
	w->model = NULL;
}

static const char *variant(const struct worker *w)
{
	(void)w;
	return "edge";
}

const struct model model_epoll = {
	.name = "epoll",
	.notification = NOTIFY_ASYNC,
	.waits = {[WAIT_BLOCK] = true, [WAIT_SPIN] = true},
	.about = "epoll, edge-triggered: the kernel tells which sockets are ready",
	.prepare = prepare,
	.run = run,
	.release = release,
	.variant = variant,
};
