/*
 * Synchronous, nonblocking: the program asks each socket in turn whether it is done, and EAGAIN
 * gives control back at once. Nobody tells it anything, so it asks again and again; between two
 * rounds it is free for other work.
 */
#include <stdio.h>
#include <stdlib.h>

#include "kernels/fetch/model.h"
#include "kernels/fetch/readiness.h"
#include "kernels/fetch/sockets.h"

static int prepare(struct worker *w, char *why, size_t why_size)
{
	/* The connection that each lane is busy with, NULL at the lane's end. */
	w->model = calloc(w->lanes, sizeof(struct connection *));
	if (w->model)
		return 0;
	snprintf(why, why_size, "out of memory for %u connections", w->lanes);
	return -ENOMEM;
}

static void keep(struct worker *w, unsigned lane, struct connection *c)
{
	struct connection **busy = w->model;

	busy[lane] = c;
}

static int run(struct worker *w)
{
	struct connection **busy = w->model;
	struct connection *c;

	for (unsigned lane = 0; lane < w->lanes; lane++)
		busy[lane] = readiness_advance(w, worker_next(w, worker_lane(w, lane)), NULL,
					       READINESS_SEND);
	while (w->in_flight && !worker_stopped(w)) {
		uint64_t would_block = w->calls.would_block;
		uint64_t calls = w->calls.total;

		for (unsigned lane = 0; lane < w->lanes; lane++)
			if (busy[lane])
				busy[lane] = readiness_advance(w, busy[lane], NULL, READINESS_SEND);
		while ((c = worker_due(w)))
			busy[c->index / w->endpoints_count] =
				readiness_advance(w, c, NULL, READINESS_SEND);
		if (worker_ticked(w))
			readiness_expire(w, NULL, keep);
		/* A whole round of nothing but EAGAIN: the thread may do something else. */
		if (w->idle && w->calls.would_block - would_block == w->calls.total - calls)
			w->idle(w->idle_context);
	}
	return 0;
}

static void release(struct worker *w)
{
	sockets_close_all(w);
	free(w->model);
	w->model = NULL;
}

static const char *variant(const struct worker *w)
{
	(void)w;
	return "";
}

const struct model model_nonblocking = {
	.name = "nonblocking",
	.notification = NOTIFY_SYNC,
	.waits = {[WAIT_SPIN] = true},
	.openssl_calls = true,
	.about = "nonblocking sockets: recv() is tried again until it no longer says EAGAIN",
	.prepare = prepare,
	.run = run,
	.release = release,
	.variant = variant,
};
