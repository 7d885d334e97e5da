/*
 * Synchronous, blocking: the thread sleeps inside the call, and while it does nothing else can
 * happen. Three tasks of 3, 2 and 1 ticks take 6: their sum.
 */
#include "kernels/nap/nap.h"

#include <errno.h>
#include <time.h>

static int prepare(struct nap *nap, char *why, size_t why_size)
{
	(void)nap;
	(void)why;
	(void)why_size;
	return 0;
}

/* One nap, whole even if a signal comes; false when that signal was to stop. */
static bool sleep_through(const struct nap *nap)
{
	struct timespec left = {.tv_sec = (time_t)(nap->tick_ns / 1000000000),
				.tv_nsec = (long)(nap->tick_ns % 1000000000)};

	while (nanosleep(&left, &left) != 0 && errno == EINTR)
		if (nap_stopped(nap))
			return false;
	return true;
}

static int run(struct nap *nap)
{
	for (unsigned i = 0; i < nap->count; i++) {
		struct nap_task *task = &nap->tasks[i];

		do {
			nap_begins(nap, task);
			if (!sleep_through(nap))
				return 0;
		} while (nap_ends(nap, task));
	}
	return 0;
}

static void release(struct nap *nap)
{
	(void)nap;
}

const struct nap_model nap_blocking = {
	.name = "blocking",
	.about = "Naps one task after another: the thread sleeps inside each nap.",
	.prepare = prepare,
	.run = run,
	.release = release,
};
