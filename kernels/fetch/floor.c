/*
 * The floor: what the bare system calls cost. One prebuilt request is sent again and again and
 * the answer's bytes are only counted, by the length that a first, properly parsed answer had on
 * each connection. No parser, no clock, no histogram: the distance of a model to this figure is
 * what the model and the lab add. Not part of the matrix.
 *
 * wait=spin retries recv() round the connections; wait=block waits in epoll.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/fetch/model.h"
#include "kernels/fetch/readiness.h"
#include "kernels/fetch/sockets.h"

struct bare {
	int fd;
	uint32_t got; /* bytes of the answer under way */
};

struct state {
	int epoll;
	int unlearned; /* -errno of a first fetch that failed: run() reports it */
	uint32_t answer_length;
	const char *request;
	size_t request_length;
	struct epoll_event events[READINESS_BATCH];
	struct bare *ended[READINESS_BATCH]; /* with their next request to send */
	int ended_count;
	struct bare bare[];
};

/* One whole fetch the proper way, to connect and to learn how long the answer is. */
static int learn(struct worker *w, struct state *s, unsigned lane)
{
	struct connection *c = worker_next(w, worker_lane(w, lane));
	struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.u32 = lane};

	if (!c)
		return -ECANCELED;
	s->request = c->request->bytes;
	s->request_length = c->request->length;
	while (c->want != WANT_NOTHING && !worker_stopped(w))
		readiness_step(w, c, NULL);
	if (worker_stopped(w))
		return -ETIMEDOUT;
	if (c->status >= 400)
		return -EPROTO; /* a measure of error pages is none */
	if (c->want != WANT_NOTHING || !c->open)
		return c->failure_errno ? -c->failure_errno : -ECONNRESET;
	s->bare[lane].fd = c->fd;
	s->answer_length = (uint32_t)c->received_bytes;
	return epoll_ctl(s->epoll, EPOLL_CTL_ADD, c->fd, &event) ? -errno : 0;
}

static int prepare(struct worker *w, char *why, size_t why_size)
{
	struct state *s = calloc(1, sizeof(*s) + w->lanes * sizeof(s->bare[0]));
	int err = 0;

	w->model = s;
	if (!s) {
		snprintf(why, why_size, "out of memory for %u connections", w->lanes);
		return -ENOMEM;
	}
	if (w->endpoints[0].tls) {
		snprintf(why, why_size, "the floor has no TLS: give an http:// URL");
		return -ENOTSUP;
	}
	s->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (s->epoll < 0)
		err = -errno;
	if (err)
		snprintf(why, why_size, "cannot make an epoll descriptor: %s", strerror(-err));
	for (unsigned lane = 0; lane < w->lanes && !err && !s->unlearned; lane++)
		s->unlearned = learn(w, s, lane);
	return err;
}

static int request_again(struct worker *w, struct state *s, struct bare *b)
{
	b->got = 0;
	/* A request is far below what an empty send buffer takes: it goes out whole. */
	if (calls_send(&w->calls, b->fd, s->request, s->request_length) ==
	    (ssize_t)s->request_length)
		return 0;
	return errno ? -errno : -EPIPE;
}

/* Takes what is there, and notes an answer that ended. Returns 0 or -errno. */
static int take(struct worker *w, struct state *s, struct bare *b)
{
	ssize_t received;

	/* A full buffer may have left something behind, of which no edge would tell. */
	do {
		received = calls_recv(&w->calls, b->fd, w->receive_buffer, RECEIVE_SIZE);
		if (received < 0)
			return errno == EAGAIN || errno == EINTR ? 0 : -errno;
		if (received == 0)
			return -ECONNRESET;
		b->got += (uint32_t)received;
	} while (b->got < s->answer_length && (size_t)received == RECEIVE_SIZE);
	if (b->got >= s->answer_length)
		s->ended[s->ended_count++] = b;
	return 0;
}

/* Receives in a row, then sends in a row, as the models do. Returns the sends, or -errno. */
static int send_row(struct worker *w, struct state *s)
{
	int fetches = s->ended_count;
	int err = 0;

	for (int i = 0; i < fetches && !err; i++)
		err = request_again(w, s, s->ended[i]);
	s->ended_count = 0;
	return err ? err : fetches;
}

static int round_spinning(struct worker *w, struct state *s)
{
	int fetches = 0;

	for (unsigned lane = 0; lane < w->lanes;) {
		unsigned row_end = lane + READINESS_BATCH;
		int sent, err = 0;

		for (; lane < w->lanes && lane < row_end && !err; lane++)
			err = take(w, s, &s->bare[lane]);
		sent = err ? err : send_row(w, s);
		if (sent < 0)
			return sent;
		fetches += sent;
	}
	return fetches;
}

static int round_waiting(struct worker *w, struct state *s)
{
	int count = calls_epoll_wait(&w->calls, s->epoll, s->events, READINESS_BATCH, -1);
	int err = 0;

	if (count < 0)
		return errno == EINTR ? 0 : -errno;
	for (int i = 0; i < count && !err; i++)
		err = take(w, s, &s->bare[s->events[i].data.u32]);
	return err ? err : send_row(w, s);
}

static int run(struct worker *w)
{
	struct state *s = w->model;
	int (*round)(struct worker *, struct state *) =
		w->wait == WAIT_SPIN ? round_spinning : round_waiting;

	if (s->unlearned)
		return s->unlearned;
	for (unsigned lane = 0; lane < w->lanes; lane++) {
		int err = request_again(w, s, &s->bare[lane]);

		if (err)
			return err;
	}
	while (!worker_stopped(w)) {
		int fetches = round(w, s);

		if (fetches < 0)
			return fetches;
		/* The lab looks at its clock in counted(): not when nothing came. */
		if (fetches &&
		    !w->driver->counted(w, (unsigned)fetches, (uint64_t)fetches * s->answer_length))
			break;
	}
	return 0;
}

static void release(struct worker *w)
{
	struct state *s = w->model;

	sockets_close_all(w);
	if (s && s->epoll >= 0)
		close(s->epoll);
	free(s);
	w->model = NULL;
}

static const char *variant(const struct worker *w)
{
	return w->wait == WAIT_SPIN ? "recv-retry" : "epoll-edge";
}

const struct model model_floor = {
	.name = "floor",
	.notification = NOTIFY_NONE,
	.waits = {[WAIT_BLOCK] = true, [WAIT_SPIN] = true},
	.yardstick = true,
	.about = "the bare system calls, one prebuilt request, bytes only counted: a yardstick",
	.prepare = prepare,
	.run = run,
	.release = release,
	.variant = variant,
};
