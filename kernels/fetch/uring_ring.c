/* Making the ring and entering it: see uring_ring.h. */
#include "kernels/fetch/uring_ring.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

/*
 * Both rings are small, so that they stay in the caches: a full submission queue is handed over
 * before its time, and completions are taken as fast as they come.
 */
#define SUBMISSIONS 1024
#define COMPLETIONS 4096

static void set_parameters(const struct uring *u, const struct worker *w,
			   struct io_uring_params *params)
{
	const struct uring_options *o = &u->options;

	params->flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CQSIZE;
	params->cq_entries = COMPLETIONS;
	if (o->defer)
		params->flags |= IORING_SETUP_DEFER_TASKRUN;
	if (o->coop)
		params->flags |= IORING_SETUP_COOP_TASKRUN;
	/* Who looks without calling must be told in memory that there is work to be called for. */
	if (w->wait == WAIT_SPIN && (o->defer || o->coop))
		params->flags |= IORING_SETUP_TASKRUN_FLAG;
	if (o->sqpoll)
		params->flags |= IORING_SETUP_SQPOLL;
	if (o->sqpoll_pinned) {
		params->flags |= IORING_SETUP_SQ_AFF;
		params->sq_thread_cpu = o->sqpoll_cpu;
	}
	if (o->registered_wait)
		params->flags |= IORING_SETUP_R_DISABLED;
}

/*
 * liburing fills this table with every submit; filled once and for all, a submit is one store.
 * Newer ones ask the kernel for a ring without it.
 */
static void fill_array(struct io_uring *ring)
{
	for (unsigned i = 0; ring->sq.array && i < ring->sq.ring_entries; i++)
		ring->sq.array[i] = i;
}

static int refused(int err, const char *what, char *why, size_t why_size)
{
	snprintf(why, why_size, "io_uring refuses %s: %s", what, strerror(-err));
	return err;
}

static int make_ring(struct uring *u, const struct worker *w, char *why, size_t why_size)
{
	struct io_uring_params params = {.flags = 0};
	char text[URING_TEXT_SIZE];

	set_parameters(u, w, &params);
	int err = io_uring_queue_init_params(SUBMISSIONS, &u->ring, &params);
	if (err) {
		uring_options_text(&u->options, &u->findings, text);
		snprintf(why, why_size, "io_uring_setup with %s: %s%s", text, strerror(-err),
			 err == -EPERM || err == -ENOSYS ? " (see kernel.io_uring_disabled)"
			 : err == -EINVAL && u->options.sqpoll_pinned
				 ? " (is there such a CPU, and may this process use it?)"
				 : "");
		return err;
	}
	u->made = true;
	fill_array(&u->ring);
	return 0;
}

static int register_files(struct uring *u, const struct worker *w, char *why, size_t why_size)
{
	unsigned connections = w->lanes * w->endpoints_count;
	int err = io_uring_register_files_sparse(&u->ring, connections);

	if (err)
		snprintf(why, why_size, "io_uring: %u fixed files: %s%s", connections,
			 strerror(-err), err == -EMFILE ? " (raise ulimit -n)" : "");
	return err;
}

static int register_napi(struct uring *u, char *why, size_t why_size)
{
	struct uring_napi napi = {.busy_poll_us = u->options.napi_us};
	int err = io_uring_register((unsigned)u->ring.ring_fd, URING_REGISTER_NAPI, &napi, 1);

	return err < 0 ? refused(err, "napi", why, why_size) : 0;
}

/* The region may only be registered while the ring is not in use yet. */
static int register_wait(struct uring *u, char *why, size_t why_size)
{
	size_t size = (size_t)sysconf(_SC_PAGESIZE);
	void *page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct uring_region region = {
		.address = (uintptr_t)page, .size = size, .flags = URING_REGION_USER_MEMORY};
	struct uring_region_registration registration = {.region = (uintptr_t)&region,
							 .flags = URING_REGION_OF_WAITS};

	if (page == MAP_FAILED)
		return refused(-ENOMEM, "registered-wait", why, why_size);
	u->waiting = page;
	int err = io_uring_register((unsigned)u->ring.ring_fd, URING_REGISTER_MEM_REGION,
				    &registration, 1);
	if (err < 0)
		return refused(err, "registered-wait", why, why_size);
	u->enter_flags |= URING_ENTER_EXT_ARG_REG;
	/* Debian 12's liburing declares io_uring_enable_rings() and does not have it. */
	err = io_uring_register((unsigned)u->ring.ring_fd, IORING_REGISTER_ENABLE_RINGS, NULL, 0);
	return err < 0 ? refused(err, "registered-wait", why, why_size) : 0;
}

static int place_buffers(struct uring *u, char *why, size_t why_size)
{
	int err = u->options.huge_pages ? receive_area_use_huge_pages(&u->buffers.area) : 0;

	if (err && u->options.by_default) {
		u->options.huge_pages = false; /* and the record says so */
		return 0;
	}
	if (err)
		snprintf(why, why_size, "huge-pages: the kernel has none for the buffers: %s",
			 strerror(-err));
	return err;
}

int uring_make(struct uring *u, struct worker *w, char *why, size_t why_size)
{
	const struct uring_options *o = &u->options;
	unsigned connections = w->lanes * w->endpoints_count;
	int err = make_ring(u, w, why, why_size);

	if (!err && (o->fixed || o->direct))
		err = register_files(u, w, why, why_size);
	if (!err && o->napi)
		err = register_napi(u, why, why_size);
	if (!err && o->registered_wait)
		err = register_wait(u, why, why_size);
	if (err)
		return err;
	u->volatile_sends = calloc(connections, sizeof(*u->volatile_sends));
	u->parked = calloc(connections, sizeof(*u->parked));
	if (!u->volatile_sends || !u->parked)
		return refused(-ENOMEM, "memory", why, why_size);
	err = io_uring_register_ring_fd(&u->ring);
	if (err < 0)
		return refused(err, "to register the ring's descriptor", why, why_size);
	u->enter_flags |= IORING_ENTER_REGISTERED_RING;
	err = uring_buffers_make(&u->buffers, &u->ring, o->incremental, o->bundle, why, why_size);
	return err ? err : place_buffers(u, why, why_size);
}

void uring_free(struct uring *u)
{
	if (u->made) {
		uring_buffers_free(&u->buffers, &u->ring);
		io_uring_queue_exit(&u->ring);
	}
	if (u->waiting)
		munmap(u->waiting, (size_t)sysconf(_SC_PAGESIZE));
	free(u->volatile_sends);
	free(u->parked);
	free(u);
}

/* What a wait with a limit, or of a special kind, passes to the kernel. */
struct wait_argument {
	struct uring_wait wait;
	struct __kernel_timespec time;
};

/* Returns the address of the argument (or its offset, when registered) and sets *size. */
static void *describe_wait(struct uring *u, struct wait_argument *a, int64_t wait_ns, size_t *size)
{
	if (u->options.registered_wait) {
		u->waiting->seconds = wait_ns / 1000000000;
		u->waiting->nanoseconds = wait_ns % 1000000000;
		u->waiting->flags = wait_ns >= 0 ? URING_WAIT_HAS_TIME : 0;
		u->waiting->min_wait_us = u->options.min_wait_us;
		*size = sizeof(*u->waiting);
		return NULL;
	}
	a->time = (struct __kernel_timespec){.tv_sec = wait_ns / 1000000000,
					     .tv_nsec = wait_ns % 1000000000};
	a->wait = (struct uring_wait){.min_wait_us = u->options.min_wait_us,
				      .time = wait_ns >= 0 ? (uintptr_t)&a->time : 0};
	*size = sizeof(a->wait);
	return &a->wait;
}

/* Shows the kernel what is queued; returns how much it has not taken yet. */
static unsigned flush(struct io_uring *ring)
{
	struct io_uring_sq *sq = &ring->sq;

	if (sq->sqe_head != sq->sqe_tail) {
		sq->sqe_head = sq->sqe_tail;
		io_uring_smp_store_release(sq->ktail, sq->sqe_tail);
	}
	return sq->sqe_tail - io_uring_smp_load_acquire(sq->khead);
}

int uring_enter(struct uring *u, struct calls *calls, unsigned wait_for, int64_t wait_ns)
{
	const struct uring_options *o = &u->options;
	unsigned submit = flush(&u->ring);
	unsigned flags = u->enter_flags & IORING_ENTER_REGISTERED_RING;
	struct wait_argument argument;
	void *at = NULL;
	size_t size = 0;

	if (o->sqpoll)
		io_uring_smp_mb(); /* the tail is seen before its thread goes to sleep */
	unsigned state = IO_URING_READ_ONCE(*u->ring.sq.kflags);
	if (wait_for || state & (IORING_SQ_CQ_OVERFLOW | IORING_SQ_TASKRUN))
		flags |= IORING_ENTER_GETEVENTS;
	if (wait_ns == 0)
		wait_for = 0; /* that was a look */
	if (o->sqpoll) {
		if (state & IORING_SQ_NEED_WAKEUP)
			flags |= IORING_ENTER_SQ_WAKEUP;
		else if (submit == u->ring.sq.ring_entries)
			flags |= IORING_ENTER_SQ_WAIT;
		else if (!(flags & IORING_ENTER_GETEVENTS))
			return 0;
	}
	if (wait_for && (wait_ns >= 0 || o->min_wait_us || o->registered_wait)) {
		at = describe_wait(u, &argument, wait_ns, &size);
		flags |= IORING_ENTER_EXT_ARG | (u->enter_flags & URING_ENTER_EXT_ARG_REG);
	}
	calls->total++;
	int err =
		io_uring_enter2((unsigned)u->ring.enter_ring_fd, submit, wait_for, flags, at, size);

	return err >= 0 || err == -EINTR || err == -EAGAIN || err == -EBUSY || err == -ETIME ? 0
											     : err;
}

void uring_make_room(struct uring *u, struct calls *calls, unsigned count)
{
	while (!u->broken && io_uring_sq_space_left(&u->ring) < count)
		u->broken = uring_enter(u, calls, 0, -1);
}
