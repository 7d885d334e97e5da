/*
 * Asynchronous, blocking: every task has a timer of its own, one epoll watches them all, and the
 * thread sleeps until the kernel tells which have gone off. Three tasks of 3, 2 and 1 ticks take
 * 3: the longest.
 */
#include "kernels/nap/nap.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

struct timers {
	int epoll;
	struct epoll_event *events; /* room for all at once */
	unsigned count;		    /* of fds that are open */
	int fds[];
};

static int prepare(struct nap *nap, char *why, size_t why_size)
{
	struct timers *t = calloc(1, sizeof(*t) + nap->count * sizeof(t->fds[0]));

	nap->model = t;
	if (!t) {
		snprintf(why, why_size, "out of memory for %u timers", nap->count);
		return -ENOMEM;
	}
	t->epoll = epoll_create1(EPOLL_CLOEXEC);
	t->events = calloc(nap->count, sizeof(*t->events));
	if (t->epoll < 0 || !t->events)
		goto failed;
	while (t->count < nap->count) {
		struct epoll_event event = {.events = EPOLLIN, .data.u32 = t->count};
		int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);

		if (fd < 0)
			goto failed;
		t->fds[t->count++] = fd;
		if (epoll_ctl(t->epoll, EPOLL_CTL_ADD, fd, &event))
			goto failed;
	}
	return 0;

failed:;
	int err = -errno;

	snprintf(why, why_size, "epoll with a timerfd for each of %u tasks: %s", nap->count,
		 strerror(-err));
	return err;
}

/* Announces the next nap of a task and sets its timer, to go off once. */
static int begin(struct nap *nap, unsigned index)
{
	const struct timers *t = nap->model;
	const struct itimerspec once = {.it_value.tv_sec = (time_t)(nap->tick_ns / 1000000000),
					.it_value.tv_nsec = (long)(nap->tick_ns % 1000000000)};

	nap_begins(nap, &nap->tasks[index]);
	return timerfd_settime(t->fds[index], 0, &once, NULL) ? -errno : 0;
}

static int run(struct nap *nap)
{
	struct timers *t = nap->model;
	unsigned napping = nap->count;
	int err = 0;

	for (unsigned i = 0; i < nap->count && !err; i++)
		err = begin(nap, i);
	while (napping > 0 && !err && !nap_stopped(nap)) {
		int ready = epoll_wait(t->epoll, t->events, (int)nap->count, -1);

		if (ready < 0 && errno != EINTR)
			err = -errno;
		for (int i = 0; i < ready && !err; i++) {
			unsigned index = t->events[i].data.u32;
			uint64_t times;

			/* Until it is read, a timer that went off is reported again and again. */
			if (read(t->fds[index], &times, sizeof(times)) != sizeof(times))
				err = -errno;
			else if (nap_ends(nap, &nap->tasks[index]))
				err = begin(nap, index);
			else
				napping--;
		}
	}
	return err;
}

static void release(struct nap *nap)
{
	struct timers *t = nap->model;

	if (!t)
		return;
	for (unsigned i = 0; i < t->count; i++)
		close(t->fds[i]);
	if (t->epoll >= 0)
		close(t->epoll);
	free(t->events);
	free(t);
	nap->model = NULL;
}

const struct nap_model nap_epoll = {
	.name = "epoll",
	.asynchronous = true,
	.about = "Naps all tasks together: a timerfd each, and one epoll that tells which went "
		 "off.",
	.prepare = prepare,
	.run = run,
	.release = release,
};
