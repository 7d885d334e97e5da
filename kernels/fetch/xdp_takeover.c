/* Taking an interface over for all workers: see xdp_takeover.h. */
#include "kernels/fetch/xdp_takeover.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "kernels/fetch/model.h"
#include "kernels/fetch/xdp_netlink.h"

static int make_room(struct xdp_takeover *t, unsigned endpoints)
{
	t->shared = mmap(NULL, sizeof(*t->shared), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (t->shared == MAP_FAILED)
		t->shared = NULL;
	t->neighbours = calloc(endpoints, sizeof(*t->neighbours));
	return t->shared && t->neighbours ? 0 : -ENOMEM;
}

/* A veth pair numbers its queues for the driver alone: behind it they are one off, or lost. */
static int check_mode(const struct xdp_takeover *t, char *why, size_t why_size)
{
	if (!t->steering.by_port || !t->interface.by_lab || t->options.mode != XDP_MODE_GENERIC)
		return 0;
	snprintf(why, why_size,
		 "--xdp: on %s only native mode knows by which queue a frame came; take native, or "
		 "one worker for all queues",
		 t->interface.name);
	return -EOPNOTSUPP;
}

int xdp_takeover_begin(struct xdp_takeover *t, const struct reach *reach, char *why,
		       size_t why_size)
{
	const struct model_choice *queue = model_choice(reach->choices, "queue");
	const unsigned first = queue ? (unsigned)queue->value : 0;
	int err;

	xdp_options_resolve(&t->options, reach->choices);
	err = xdp_interface_find(&t->interface, reach->interface, reach->endpoints, reach->count,
				 why, why_size);
	if (!err)
		err = xdp_steering_deal(&t->steering, &t->interface, reach->workers,
					queue ? &first : NULL, why, why_size);
	if (!err)
		err = check_mode(t, why, why_size);
	if (!err)
		err = xdp_program_load(&t->program, t->interface.queues, &t->steering, &t->options,
				       why, why_size);
	if (err)
		return err;
	if (make_room(t, reach->count)) {
		snprintf(why, why_size, "out of memory");
		return -ENOMEM;
	}
	t->before = xdp_netlink_drops(t->interface.index);
	if (t->steering.by_port)
		t->neighbours_count = xdp_neighbour_find(&t->interface, reach->endpoints,
							 reach->count, t->neighbours);
	return 0;
}

/* Frames that the program itself dropped, on purpose or astray, by any queue. */
static uint64_t dropped_by_program(const struct xdp_takeover *t)
{
	uint64_t frames = t->program.astray ? t->program.astray->frames : 0;

	for (unsigned queue = 0; queue < t->interface.queues; queue++)
		frames += xdp_program_lost(&t->program, queue);
	return frames;
}

uint64_t xdp_takeover_drops(struct xdp_takeover *t, uint64_t by_sockets)
{
	uint64_t all = atomic_fetch_add(&t->shared->dropped, by_sockets) + by_sockets;
	struct xdp_drops now;
	uint64_t in, out;

	if (atomic_fetch_add(&t->shared->ended, 1) + 1 < t->steering.workers)
		return by_sockets;
	now = xdp_netlink_drops(t->interface.index);
	in = now.in > t->before.in ? now.in - t->before.in : 0;
	out = now.out > t->before.out ? now.out - t->before.out : 0;
	all += dropped_by_program(t);
	return by_sockets + (in > all ? in - all : 0) + out;
}

const char *xdp_takeover_astray(const struct xdp_takeover *t)
{
	const struct xdp_strays *strays = t->program.astray;
	uint64_t frames = strays ? __atomic_load_n(&strays->frames, __ATOMIC_ACQUIRE) : 0;

	if (!frames)
		return NULL;
	/* Whichever worker comes last has the latest count. */
	xdp_steering_astray(&t->steering, &t->interface, frames, strays->queue, strays->port,
			    t->shared->astray, sizeof(t->shared->astray));
	return t->shared->astray;
}

void xdp_takeover_look(const struct xdp_takeover *t)
{
	if (!xdp_program_attached(&t->program))
		atomic_store(&t->shared->detached, true);
}

bool xdp_takeover_detached(const struct xdp_takeover *t)
{
	return atomic_load(&t->shared->detached);
}

void xdp_takeover_text(const struct xdp_takeover *t, bool polls, char text[XDP_TEXT_SIZE])
{
	const unsigned workers = t->steering.workers;
	const unsigned zerocopies = atomic_load(&t->shared->zerocopies);
	char copying[48], queues[48] = "";

	if (zerocopies && zerocopies < workers)
		snprintf(copying, sizeof(copying), "copy,zerocopy:%u-of-%u", zerocopies, workers);
	else
		snprintf(copying, sizeof(copying), "%s", zerocopies ? "zerocopy" : "copy");
	if (workers > 1)
		snprintf(queues, sizeof(queues), ",queues:%u-%u", t->steering.first,
			 t->steering.first + workers - 1);
	else if (t->steering.by_port)
		snprintf(queues, sizeof(queues), ",queue:%u", t->steering.first);
	else if (t->steering.queues > 1)
		snprintf(queues, sizeof(queues), ",queues:%u", t->steering.queues);
	xdp_options_text(&t->options, t->program.mode, copying, queues, polls, text);
}

void xdp_takeover_end(struct xdp_takeover *t)
{
	xdp_program_close(&t->program);
	free(t->neighbours);
	t->neighbours = NULL;
	t->neighbours_count = 0;
}
