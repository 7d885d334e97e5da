/*
 * Asynchronous by readiness, with poll(): the program hands the kernel the list of sockets that
 * it waits for, at every call, and reads through the list for those that are ready. Both cost a
 * step a connection, ready or not: that is poll's truth, and what epoll was made to mend. The
 * list itself is kept from call to call and changed only where a connection changes.
 *
 * Level-triggered: what was left in a socket is reported again.
 */
#include <stdio.h>
#include <stdlib.h>

#include "kernels/fetch/model.h"
#include "kernels/fetch/readiness.h"
#include "kernels/fetch/sockets.h"

/* A lane that waits for nothing is not in the list. */
#define NOWHERE UINT32_MAX

struct state {
	struct pollfd *list; /* without gaps: one entry a lane that has a fetch under way */
	unsigned count;
	struct connection **busy;		  /* whose entry it is, in the order of the list */
	uint32_t *place;			  /* of each lane in the list, or NOWHERE */
	struct connection *held[READINESS_BATCH]; /* with a request to send */
	unsigned held_count;
};

static int prepare(struct worker *w, char *why, size_t why_size)
{
	struct state *s = calloc(1, sizeof(*s));

	w->model = s;
	if (s) {
		s->list = calloc(w->lanes, sizeof(*s->list));
		s->busy = calloc(w->lanes, sizeof(struct connection *));
		s->place = malloc(w->lanes * sizeof(*s->place));
	}
	if (!s || !s->list || !s->busy || !s->place) {
		snprintf(why, why_size, "out of memory for a list of %u connections", w->lanes);
		return -ENOMEM;
	}
	for (unsigned lane = 0; lane < w->lanes; lane++)
		s->place[lane] = NOWHERE;
	return 0;
}

/* The last entry takes the place of the one that goes. */
static void leave_list(struct state *s, unsigned lane, unsigned lane_of_last)
{
	unsigned place = s->place[lane];

	s->count--;
	s->list[place] = s->list[s->count];
	s->busy[place] = s->busy[s->count];
	s->place[lane_of_last] = place;
	s->place[lane] = NOWHERE;
}

/* Writes into the list what the lane waits for now: c, or nothing. */
static void watch(struct worker *w, unsigned lane, struct connection *c)
{
	struct state *s = w->model;
	unsigned place = s->place[lane];

	if (!c) {
		if (place != NOWHERE)
			leave_list(s, lane, readiness_lane(w, s->busy[s->count - 1]));
		return;
	}
	if (place == NOWHERE)
		place = s->place[lane] = s->count++;
	s->busy[place] = c;
	s->list[place].fd = c->fd;
	s->list[place].events = c->want == WANT_RECEIVE ? POLLIN : POLLOUT;
}

/* Moves the lane on as far as it goes; returns what it waits for. */
static struct connection *advance(struct worker *w, struct connection *c,
				  enum readiness_sends sends)
{
	unsigned lane = readiness_lane(w, c);

	c = readiness_advance(w, c, NULL, sends);
	watch(w, lane, c);
	return c;
}

static void send_held(struct worker *w, struct state *s)
{
	for (unsigned i = 0; i < s->held_count; i++)
		advance(w, s->held[i], READINESS_SEND);
	s->held_count = 0;
}

/*
 * Looks for the entries that are ready, from the last to the first: what takes the place of an
 * entry that leaves has been looked at then.
 */
static void handle_ready(struct worker *w, struct state *s, int ready)
{
	for (unsigned i = s->count; i > 0 && ready > 0; i--) {
		struct connection *c = s->busy[i - 1];

		if (!s->list[i - 1].revents)
			continue;
		ready--;
		c = advance(w, c, READINESS_HOLD_SENDS);
		if (c && c->want == WANT_SEND)
			s->held[s->held_count++] = c;
		if (s->held_count == READINESS_BATCH)
			send_held(w, s);
	}
	send_held(w, s);
}

static int run(struct worker *w)
{
	struct state *s = w->model;
	struct connection *c;

	for (unsigned lane = 0; lane < w->lanes; lane++)
		if ((c = worker_next(w, worker_lane(w, lane))))
			advance(w, c, READINESS_SEND);
	while (w->in_flight && !worker_stopped(w)) {
		int64_t wait_ns = w->wait == WAIT_BLOCK ? worker_wait_ns(w) : 0;
		int count = calls_poll(&w->calls, s->list, s->count, wait_ns);

		if (count < 0 && errno != EINTR)
			return -errno;
		if (count == 0 && w->idle)
			w->idle(w->idle_context);
		handle_ready(w, s, count);
		while ((c = worker_due(w)))
			advance(w, c, READINESS_SEND);
		if (worker_ticked(w))
			readiness_expire(w, NULL, watch);
	}
	return 0;
}

static void release(struct worker *w)
{
	struct state *s = w->model;

	sockets_close_all(w);
	if (s) {
		free(s->list);
		free(s->busy);
		free(s->place);
	}
	free(s);
	w->model = NULL;
}

static const char *variant(const struct worker *w)
{
	(void)w;
	return "";
}

const struct model model_poll = {
	.name = "poll",
	.notification = NOTIFY_ASYNC,
	.waits = {[WAIT_BLOCK] = true, [WAIT_SPIN] = true},
	.openssl_calls = true,
	.about = "poll: the kernel looks through a list of sockets for those that are ready",
	.prepare = prepare,
	.run = run,
	.release = release,
	.variant = variant,
};
