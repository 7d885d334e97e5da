/*
 * Asynchronous by completion: the kernel does the receiving and reports it in memory that both
 * sides see. A connection is one multishot receive, armed once, that picks buffers from a ring
 * shared by all; a request is one send that completes silently. wait=block is one call for a
 * whole batch: submit, and sleep until something completed. wait=spin looks at the completion
 * queue in memory and calls only to submit.
 */
#include <liburing.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/fetch/model.h"
#include "kernels/fetch/sockets.h"
#include "kernels/fetch/uring_buffers.h"

/* What a completion is about; with the connection's index and life it makes the user data. */
enum operation { OPERATION_CONNECT, OPERATION_SEND, OPERATION_RECEIVE };

/* connection->armed: the multishot receive is in flight; the rest counts the socket's lives. */
#define ARMED 1U
#define LIFE  2U

struct state {
	struct io_uring ring;
	struct uring_buffers buffers;
	bool ring_made;
	int broken;		   /* -errno of a submit that failed for good */
	struct io_uring_sqe spare; /* what is then filled in for nobody */
};

/* So many operations may be queued before a submit: a send and a receive for every connection. */
static unsigned queue_size(const struct worker *w)
{
	unsigned want = 2 * w->lanes * w->endpoints_count + 8;
	unsigned size = 64;

	while (size < want && size < 16384)
		size *= 2;
	return size;
}

static int make_ring(struct worker *w, struct state *s, char *why, size_t why_size)
{
	unsigned entries = queue_size(w);
	unsigned connections = w->lanes * w->endpoints_count;
	/*
	 * Blocking waits run the completion work inside the one call they make anyway. Spinning
	 * must see completions without calling, so there the kernel interrupts the thread for it.
	 */
	struct io_uring_params params = {
		.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_SUBMIT_ALL |
			 IORING_SETUP_CQSIZE |
			 (w->wait == WAIT_BLOCK ? IORING_SETUP_DEFER_TASKRUN : 0),
		.cq_entries = 4 * entries,
	};
	int err = io_uring_queue_init_params(entries, &s->ring, &params);

	if (err) {
		snprintf(why, why_size, "io_uring_setup with %u entries: %s%s", entries,
			 strerror(-err),
			 err == -EPERM || err == -ENOSYS ? " (see kernel.io_uring_disabled)" : "");
		return err;
	}
	s->ring_made = true;
	err = io_uring_register_files_sparse(&s->ring, connections);
	if (err) {
		snprintf(why, why_size, "io_uring: %u fixed files: %s%s", connections,
			 strerror(-err), err == -EMFILE ? " (raise ulimit -n)" : "");
		return err;
	}
	err = io_uring_register_ring_fd(&s->ring);
	if (err < 0) {
		snprintf(why, why_size, "io_uring: registering the ring's descriptor: %s",
			 strerror(-err));
		return err;
	}
	return 0;
}

static int prepare(struct worker *w, char *why, size_t why_size)
{
	struct state *s = calloc(1, sizeof(*s));
	int err;

	w->model = s;
	if (!s) {
		snprintf(why, why_size, "out of memory");
		return -ENOMEM;
	}
	err = make_ring(w, s, why, why_size);
	if (err)
		return err;
	return uring_buffers_make(&s->buffers, &s->ring, w->lanes * w->endpoints_count, why,
				  why_size);
}

/* Returns 0, or -errno when the ring itself broke down; a signal or a full queue is neither. */
static int enter(struct worker *w, struct state *s, unsigned wait_for)
{
	int err;

	w->calls.total++;
	err = io_uring_submit_and_wait(&s->ring, wait_for);
	return err >= 0 || err == -EINTR || err == -EAGAIN || err == -EBUSY ? 0 : err;
}

static struct io_uring_sqe *take_sqe(struct worker *w, struct connection *c, enum operation op)
{
	struct state *s = w->model;
	struct io_uring_sqe *sqe = io_uring_get_sqe(&s->ring);

	while (!sqe) { /* more than 16384 queued: hand these over first */
		s->broken = enter(w, s, 0);
		sqe = s->broken ? &s->spare : io_uring_get_sqe(&s->ring);
	}
	sqe->user_data = (uint64_t)(c->armed / LIFE) << 32 | (uint64_t)c->index << 2 | op;
	return sqe;
}

/* Setting user_data first is safe: the prep helpers leave it alone. */
static void fixed(struct io_uring_sqe *sqe, const struct connection *c)
{
	sqe->fd = (int)c->index;
	sqe->flags |= IOSQE_FIXED_FILE;
}

static void queue_connect(struct worker *w, struct connection *c)
{
	struct state *s = w->model;
	const struct endpoint *to = sockets_endpoint(w, c);
	int fd = sockets_open(w, c, false);

	if (fd < 0) {
		connection_error(c, "open a socket", -fd);
		return;
	}
	w->calls.total++;
	int updated = io_uring_register_files_update(&s->ring, c->index, &fd, 1);
	if (updated < 0) {
		connection_error(c, "register a socket", -updated);
		return;
	}
	c->armed += LIFE;
	struct io_uring_sqe *sqe = take_sqe(w, c, OPERATION_CONNECT);

	io_uring_prep_connect(sqe, 0, (const struct sockaddr *)&to->address, to->address_length);
	fixed(sqe, c);
}

static void queue_receive(struct worker *w, struct connection *c)
{
	struct io_uring_sqe *sqe = take_sqe(w, c, OPERATION_RECEIVE);

	io_uring_prep_recv_multishot(sqe, 0, NULL, 0, 0);
	fixed(sqe, c);
	sqe->flags |= IOSQE_BUFFER_SELECT;
	sqe->buf_group = URING_BUFFER_GROUP;
	sqe->ioprio |= IORING_RECVSEND_POLL_FIRST; /* nothing can be there yet */
	c->armed |= ARMED;
}

/* The whole request goes out in one operation; only a failure to do so is reported. */
static void queue_send(struct worker *w, struct connection *c)
{
	size_t length;
	const uint8_t *bytes = connection_output(c, &length);
	struct io_uring_sqe *sqe = take_sqe(w, c, OPERATION_SEND);

	io_uring_prep_send(sqe, 0, bytes, length, MSG_WAITALL | MSG_NOSIGNAL);
	fixed(sqe, c);
	sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
	connection_sent(c, length);
}

/*
 * Closes the socket, once its receive has ended: shutting it down ends that. Returns true when
 * it is closed.
 */
static bool close_socket(struct worker *w, struct connection *c)
{
	struct state *s = w->model;
	int none = -1;

	if (c->armed & ARMED) {
		w->calls.total++;
		shutdown(c->fd, SHUT_RDWR);
		return false;
	}
	if (c->fd >= 0) {
		w->calls.total++;
		io_uring_register_files_update(&s->ring, c->index, &none, 1);
	}
	sockets_close(w, c);
	return true;
}

/* Queues what the lane wants next, up to the point where a completion must come first. */
static void advance(struct worker *w, struct connection *c)
{
	while (c && !worker_stopped(w)) {
		switch (c->want) {
		case WANT_CONNECT:
			queue_connect(w, c);
			if (c->want == WANT_CONNECT)
				return;
			break;
		case WANT_SEND:
			if (!(c->armed & ARMED))
				queue_receive(w, c);
			queue_send(w, c);
			return;
		case WANT_RECEIVE:
			if (!(c->armed & ARMED))
				queue_receive(w, c);
			return;
		case WANT_CLOSE:
			if (!close_socket(w, c))
				return;
			break;
		case WANT_NOTHING:
			c = worker_next(w, c);
			break;
		}
	}
}

/* Something came for an idle connection: its end, or bytes that nobody asked for. */
static void on_idle(struct worker *w, struct connection *c, int result)
{
	/* Without a buffer the kernel could not tell; the next fetch arms the receive again. */
	if (result == -ENOBUFS)
		return;
	connection_peer_done(c);
	close_socket(w, c);
}

static void on_receive(struct worker *w, struct connection *c, const struct io_uring_cqe *cqe)
{
	struct state *s = w->model;
	unsigned buffer = cqe->flags >> IORING_CQE_BUFFER_SHIFT;
	bool idle = c->want == WANT_NOTHING;
	int result = cqe->res;

	if (!(cqe->flags & IORING_CQE_F_MORE))
		c->armed &= ~ARMED;
	if (c->want == WANT_RECEIVE) {
		if (result > 0)
			connection_received(c, uring_buffers_at(&s->buffers, buffer),
					    (size_t)result);
		else if (result == 0)
			connection_eof(c);
		else if (result != -ENOBUFS)
			connection_error(c, "receive", -result);
	}
	if (result > 0)
		uring_buffers_give_back(&s->buffers, buffer);
	/* An idle connection's lane may be busy elsewhere: only a fetch's own end moves it on. */
	if (idle)
		on_idle(w, c, result);
	else if (c->want != WANT_RECEIVE || !(c->armed & ARMED))
		advance(w, c);
}

static void on_completion(struct worker *w, const struct io_uring_cqe *cqe)
{
	struct connection *c = &w->connections[(cqe->user_data >> 2) & 0x3fffffff];
	bool current = cqe->user_data >> 32 == c->armed / LIFE;

	w->calls.notifications += cqe->res != -ENOBUFS;
	switch ((enum operation)(cqe->user_data & 3)) {
	case OPERATION_CONNECT:
		if (cqe->res)
			connection_error(c, "connect", -cqe->res);
		else
			connection_connected(c);
		advance(w, c);
		break;
	case OPERATION_SEND:
		/* Only failures come; an armed receive fails as well and is waited for. */
		if (current && c->want == WANT_RECEIVE) {
			connection_error(c, "send", cqe->res < 0 ? -cqe->res : EPIPE);
			advance(w, c);
		}
		break;
	case OPERATION_RECEIVE:
		on_receive(w, c, cqe);
		break;
	}
}

/* Handles everything that has completed; returns how much that was. */
static unsigned drain(struct worker *w, struct state *s)
{
	struct io_uring_cqe *cqe;
	unsigned head;
	unsigned count = 0;

	io_uring_for_each_cqe(&s->ring, head, cqe)
	{
		on_completion(w, cqe);
		count++;
	}
	io_uring_cq_advance(&s->ring, count);
	uring_buffers_publish(&s->buffers);
	return count;
}

static int run(struct worker *w)
{
	struct state *s = w->model;

	for (unsigned lane = 0; lane < w->lanes; lane++)
		advance(w, worker_next(w, worker_lane(w, lane)));
	while (w->in_flight && !worker_stopped(w)) {
		int err = 0;

		if (w->wait == WAIT_BLOCK)
			err = enter(w, s, 1);
		else if (io_uring_sq_ready(&s->ring) || io_uring_cq_has_overflow(&s->ring))
			err = enter(w, s, 0);
		if (err || s->broken)
			return err ? err : s->broken;
		if (!drain(w, s) && w->idle)
			w->idle(w->idle_context);
	}
	w->calls.cq_overflows += *s->ring.cq.koverflow;
	return 0;
}

static void release(struct worker *w)
{
	struct state *s = w->model;

	if (s) {
		if (s->ring_made) {
			uring_buffers_free(&s->buffers, &s->ring);
			io_uring_queue_exit(&s->ring);
		}
		free(s);
	}
	w->model = NULL;
	sockets_close_all(w);
}

static const char *variant(const struct worker *w)
{
	return w->wait == WAIT_BLOCK ? "defer,fixed,multishot" : "fixed,multishot";
}

const struct model model_uring = {
	.name = "uring",
	.notification = NOTIFY_ASYNC,
	.waits = {[WAIT_BLOCK] = true, [WAIT_SPIN] = true},
	.kernel_helpers = true,
	.about = "io_uring: multishot receives into shared buffers, completions read from memory",
	.prepare = prepare,
	.run = run,
	.release = release,
	.variant = variant,
};
