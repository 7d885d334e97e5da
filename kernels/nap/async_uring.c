/*
 * Asynchronous, by completion: each nap is a timeout handed to the kernel, and the ring says which
 * are over. There is no descriptor to read and nothing to register: one call hands in the next
 * naps and waits for the first that ends.
 */
#include "kernels/nap/nap.h"

#include <errno.h>
#include <liburing.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct ring {
	struct io_uring uring;
	bool made;
	struct __kernel_timespec tick; /* read by the kernel when a timeout is submitted */
};

static int prepare(struct nap *nap, char *why, size_t why_size)
{
	struct ring *ring = calloc(1, sizeof(*ring));
	int err = ring ? io_uring_queue_init(nap->count, &ring->uring, 0) : -ENOMEM;

	nap->model = ring;
	if (err) {
		snprintf(why, why_size, "io_uring for %u timeouts: %s%s", nap->count,
			 strerror(-err),
			 err == -EPERM ? " (see the sysctl kernel.io_uring_disabled)" : "");
		return err;
	}
	ring->made = true;
	ring->tick.tv_sec = (long long)(nap->tick_ns / 1000000000);
	ring->tick.tv_nsec = (long long)(nap->tick_ns % 1000000000);
	return 0;
}

/* The queue has room for every task, and a task has one nap at a time. */
static void begin(struct nap *nap, struct nap_task *task)
{
	struct ring *ring = nap->model;
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring->uring);

	nap_begins(nap, task);
	io_uring_prep_timeout(sqe, &ring->tick, 0, 0);
	io_uring_sqe_set_data(sqe, task);
}

static int run(struct nap *nap)
{
	struct ring *ring = nap->model;
	unsigned napping = nap->count;

	for (unsigned i = 0; i < nap->count; i++)
		begin(nap, &nap->tasks[i]);
	while (napping > 0 && !nap_stopped(nap)) {
		int err = io_uring_submit_and_wait(&ring->uring, 1);
		struct io_uring_cqe *cqe;

		if (err < 0 && err != -EINTR)
			return err;
		while (io_uring_peek_cqe(&ring->uring, &cqe) == 0) {
			struct nap_task *task = io_uring_cqe_get_data(cqe);
			int result = cqe->res;

			io_uring_cqe_seen(&ring->uring, cqe);
			/* A timeout that ran its time out says so. */
			if (result != -ETIME)
				return result < 0 ? result : -EIO;
			if (nap_ends(nap, task))
				begin(nap, task);
			else
				napping--;
		}
	}
	return 0;
}

static void release(struct nap *nap)
{
	struct ring *ring = nap->model;

	if (ring && ring->made)
		io_uring_queue_exit(&ring->uring);
	free(ring);
	nap->model = NULL;
}

const struct nap_model nap_uring = {
	.name = "uring",
	.asynchronous = true,
	.kernel_helpers = true,
	.about = "Naps all tasks together: io_uring timeouts, and one ring that tells which ran "
		 "out.",
	.prepare = prepare,
	.run = run,
	.release = release,
};
