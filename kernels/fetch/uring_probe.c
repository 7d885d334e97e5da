/*
 * Trying out what the options ask for before the run: a kernel that lacks a flag refuses the
 * operation that carries it, and only doing it tells. Sockets of our own are used, and no address.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kernels/fetch/uring_operations.h"
#include "kernels/fetch/uring_ring.h"

/* What an operation that the kernel knows takes at most. */
#define LIMIT_NS INT64_C(2000000000)

static int refused(int err, const char *what, char *why, size_t why_size)
{
	snprintf(why, why_size, "io_uring refuses %s: %s", what, strerror(-err));
	return err;
}

/* Hands over what is queued and takes one completion. Returns 0 or -errno. */
static int complete(struct uring *u, struct io_uring_cqe *done)
{
	struct calls uncounted = {0};
	struct io_uring_cqe *cqe;

	if (!io_uring_cq_ready(&u->ring)) {
		int err = uring_enter(u, &uncounted, 1, LIMIT_NS);

		if (err)
			return err;
	}
	if (io_uring_peek_cqe(&u->ring, &cqe))
		return -ETIME;
	*done = *cqe;
	io_uring_cqe_seen(&u->ring, cqe);
	return 0;
}

/* The number by which operations know the descriptor: slot 0 of the table, or itself. */
static int known_as(struct uring *u, int fd)
{
	if (!(u->send.flags & IOSQE_FIXED_FILE))
		return fd;
	int err = io_uring_register_files_update(&u->ring, 0, &fd, 1);

	return err < 0 ? err : 0;
}

static void forget(struct uring *u)
{
	int none = -1;

	if (u->send.flags & IOSQE_FIXED_FILE)
		io_uring_register_files_update(&u->ring, 0, &none, 1);
}

static int receive(struct uring *u, int from, int peer)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&u->ring);
	struct io_uring_cqe done;
	int err;

	*sqe = u->receive;
	sqe->fd = from;
	if (write(peer, "", 1) != 1)
		return -errno;
	err = complete(u, &done);
	if (err || done.res != 1)
		return err ? err : done.res < 0 ? done.res : -EIO;
	uring_buffers_taken(&u->buffers, done.flags >> IORING_CQE_BUFFER_SHIFT, 1,
			    !(done.flags & URING_CQE_F_BUF_MORE));
	shutdown(peer, SHUT_WR);
	while (!err && done.flags & IORING_CQE_F_MORE)
		err = complete(u, &done);
	return err;
}

static int try_receive(struct uring *u, char *why, size_t why_size)
{
	const struct uring_options *o = &u->options;
	char what[128];
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		return refused(-errno, "a socket to try a receive with", why, why_size);
	int from = known_as(u, pair[0]);
	int err = from < 0 ? from : receive(u, from, pair[1]);

	forget(u);
	close(pair[0]);
	close(pair[1]);
	if (!err)
		return 0;
	snprintf(what, sizeof(what), "to receive%s%s%s%s%s%s", o->multishot ? " multishot" : "",
		 o->poll_first ? " poll-first" : "", o->bundle ? " bundle" : "",
		 o->incremental ? " incremental" : "", o->min_wait_us ? " (or min-wait)" : "",
		 o->registered_wait ? " (or registered-wait)" : "");
	return refused(err, what, why, why_size);
}

/* How a zero-copy send on a socket that is not connected fails: in one way, if it is known. */
static int send_in_vain(struct uring *u, int to)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&u->ring);
	struct io_uring_cqe done = {.res = 0};

	*sqe = u->send;
	sqe->fd = to;
	sqe->addr = (uintptr_t) "";
	sqe->len = 1;
	int err = complete(u, &done);
	int result = done.res;

	while (!err && done.flags & IORING_CQE_F_MORE) /* its notification */
		err = complete(u, &done);
	return err || result == -EPIPE || result == -ENOTCONN ? err : result;
}

static int try_zerocopy(struct uring *u, char *why, size_t why_size)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP);
	int err = fd < 0 ? -errno : 0;

	if (!err) {
		int to = known_as(u, fd);

		err = to < 0 ? to : send_in_vain(u, to);
		forget(u);
		close(fd);
	}
	return err ? refused(err, "zerocopy (SEND_ZC with REPORT_USAGE)", why, why_size) : 0;
}

static int try_direct(struct uring *u, char *why, size_t why_size)
{
	static const char *const steps[] = {"direct: opening a socket in the ring",
					    "direct: setting TCP_NODELAY from the ring",
					    "direct: closing a socket in the ring"};

	for (unsigned step = 0; step < 3; step++) {
		struct io_uring_sqe *sqe = io_uring_get_sqe(&u->ring);
		struct io_uring_cqe done;

		if (step == 0)
			operations_socket(sqe, AF_INET, 0);
		else if (step == 1)
			operations_set_option(sqe, 0);
		else
			io_uring_prep_close_direct(sqe, 0);
		sqe->flags &= IOSQE_FIXED_FILE;
		int err = complete(u, &done);

		if (err || done.res < 0)
			return refused(err ? err : done.res, steps[step], why, why_size);
	}
	return 0;
}

int uring_probe(struct uring *u, char *why, size_t why_size)
{
	int err = try_receive(u, why, why_size);

	if (!err && u->options.zerocopy)
		err = try_zerocopy(u, why, why_size);
	if (!err && u->options.direct)
		err = try_direct(u, why, why_size);
	return err;
}

/* NAPI polls a device's queue: loopback has none. */
static bool only_loopback(const struct worker *w)
{
	for (unsigned i = 0; i < w->endpoints_count; i++) {
		const struct sockaddr_storage *a = &w->endpoints[i].address;
		const struct sockaddr_in *v4 = (const struct sockaddr_in *)a;
		const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)a;

		if (a->ss_family == AF_INET ? ntohl(v4->sin_addr.s_addr) >> 24 != IN_LOOPBACKNET
					    : !IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr))
			return false;
	}
	return true;
}

/* Other devices without queues are known by what arrived by them. */
static bool no_queue_seen(const struct worker *w)
{
	unsigned open = 0;

	for (unsigned i = 0; i < w->lanes * w->endpoints_count; i++) {
		int queue = 0;
		socklen_t size = sizeof(queue);

		if (w->connections[i].fd < 0 || getsockopt(w->connections[i].fd, SOL_SOCKET,
							   SO_INCOMING_NAPI_ID, &queue, &size))
			continue;
		if (queue)
			return false;
		open++;
	}
	return open > 0;
}

bool uring_has_queues(const struct worker *w)
{
	return !only_loopback(w) && !no_queue_seen(w);
}
