/*
 * Asynchronous by readiness, with select(): two sets of bits, a bit a descriptor, go to the
 * kernel and come back with those bits left that are ready. Kernel and program both walk all
 * descriptors up to the highest at every call, ready or not, and a set ends at FD_SETSIZE: that
 * is select's truth. The sets are kept from call to call, a copy of them goes out.
 *
 * Level-triggered: what was left in a socket is reported again.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "kernels/fetch/model.h"
#include "kernels/fetch/readiness.h"
#include "kernels/fetch/sockets.h"

#define TEXT_OF(number) #number
#define TEXT(macro)	TEXT_OF(macro)

struct state {
	fd_set to_read, to_write;		  /* what is waited for */
	int limit;				  /* above the highest descriptor in them */
	struct connection *owner[FD_SETSIZE];	  /* of each descriptor in them */
	struct connection *held[READINESS_BATCH]; /* with a request to send */
	unsigned held_count;
	unsigned promised; /* descriptors, see there */
	int watched[];	   /* each lane's descriptor in the sets, or -1 */
};

/* Descriptors that this process's workers will open: they share one table. */
static atomic_uint promised;

static unsigned free_descriptors(void)
{
	unsigned count = 0;

	for (int fd = 0; fd < FD_SETSIZE; fd++)
		count += fcntl(fd, F_GETFD) < 0;
	return count;
}

static int prepare(struct worker *w, char *why, size_t why_size)
{
	struct state *s = calloc(1, sizeof(*s) + w->lanes * sizeof(s->watched[0]));
	unsigned unused = free_descriptors();
	unsigned total;

	w->model = s;
	if (!s) {
		snprintf(why, why_size, "out of memory for %u connections", w->lanes);
		return -ENOMEM;
	}
	FD_ZERO(&s->to_read);
	FD_ZERO(&s->to_write);
	for (unsigned lane = 0; lane < w->lanes; lane++)
		s->watched[lane] = -1;
	s->promised = w->lanes * w->endpoints_count;
	total = atomic_fetch_add(&promised, s->promised) + s->promised;
	if (total <= unused)
		return 0;
	snprintf(why, why_size,
		 "select takes descriptors below FD_SETSIZE, %d, of which %u are free: too few for "
		 "%u connections; ask for fewer --connections, or use fetch-poll",
		 FD_SETSIZE, unused, total);
	return -EMFILE;
}

static void leave_sets(struct state *s, int fd)
{
	FD_CLR(fd, &s->to_read);
	FD_CLR(fd, &s->to_write);
	s->owner[fd] = NULL;
	while (s->limit > 0 && !s->owner[s->limit - 1])
		s->limit--;
}

/* Puts into the sets what the lane waits for now: c, or nothing. */
static void watch(struct worker *w, unsigned lane, struct connection *c)
{
	struct state *s = w->model;
	int fd = c ? c->fd : -1;

	if (fd >= FD_SETSIZE) {
		w->unable = "select takes descriptors below FD_SETSIZE, " TEXT(
			FD_SETSIZE) ", and "
				    "none is left; ask for fewer --connections, or use fetch-poll";
		fd = -1;
	}
	if (s->watched[lane] >= 0 && s->watched[lane] != fd)
		leave_sets(s, s->watched[lane]);
	s->watched[lane] = fd;
	if (fd < 0)
		return;
	if (c->want == WANT_RECEIVE) {
		FD_SET(fd, &s->to_read);
		FD_CLR(fd, &s->to_write);
	} else {
		FD_SET(fd, &s->to_write);
		FD_CLR(fd, &s->to_read);
	}
	s->owner[fd] = c;
	if (fd >= s->limit)
		s->limit = fd + 1;
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

/* Walks the descriptors for the `ready` ones among them. */
static void handle_ready(struct worker *w, struct state *s, const fd_set *readable,
			 const fd_set *writable, int ready)
{
	for (int fd = 0; ready > 0; fd++) {
		struct connection *c;

		if (!FD_ISSET(fd, readable) && !FD_ISSET(fd, writable))
			continue;
		ready--;
		c = advance(w, s->owner[fd], READINESS_HOLD_SENDS);
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

	for (unsigned lane = 0; lane < w->lanes && !w->unable; lane++)
		if ((c = worker_next(w, worker_lane(w, lane))))
			advance(w, c, READINESS_SEND);
	while (w->in_flight && !worker_stopped(w) && !w->unable) {
		int64_t wait_ns = w->wait == WAIT_BLOCK ? worker_wait_ns(w) : 0;
		fd_set readable = s->to_read, writable = s->to_write;
		int count = calls_select(&w->calls, s->limit, &readable, &writable, wait_ns);

		if (count < 0 && errno != EINTR)
			return -errno;
		if (count == 0 && w->idle)
			w->idle(w->idle_context);
		handle_ready(w, s, &readable, &writable, count);
		while ((c = worker_due(w)))
			advance(w, c, READINESS_SEND);
		if (worker_ticked(w))
			readiness_expire(w, NULL, watch);
	}
	return w->unable ? -EMFILE : 0;
}

static void release(struct worker *w)
{
	struct state *s = w->model;

	sockets_close_all(w);
	if (s)
		atomic_fetch_sub(&promised, s->promised);
	free(s);
	w->model = NULL;
}

static const char *variant(const struct worker *w)
{
	(void)w;
	return "";
}

const struct model model_select = {
	.name = "select",
	.notification = NOTIFY_ASYNC,
	.waits = {[WAIT_BLOCK] = true, [WAIT_SPIN] = true},
	.openssl_calls = true,
	.about = "select: the kernel marks in sets of descriptors those that are ready",
	.prepare = prepare,
	.run = run,
	.release = release,
	.variant = variant,
};
