/*
 * Asynchronous by completion: the kernel does the receiving and reports it in memory that both
 * sides see. A connection is one multishot receive, armed once, that picks buffers from a ring
 * shared by all; a request is one send that completes silently. wait=block is one call for a
 * whole batch: submit, and sleep until something completed. wait=spin looks at the queues in
 * memory and calls only when there is something to hand over or to be worked off. The variants of
 * --uring change how, not what: see uring_options.h.
 */
#include <liburing.h>
#include <stdio.h>
#include <stdlib.h>

#include "kernels/fetch/model.h"
#include "kernels/fetch/sockets.h"
#include "kernels/fetch/uring_operations.h"
#include "kernels/fetch/uring_ring.h"

/* Worker 0's, for the whole process: the record wants it when the ring is gone. */
static char effective[URING_TEXT_SIZE];

static void write_effective(const struct worker *w)
{
	struct uring *u = w->model;

	u->findings.napi_idle = u->options.napi && !uring_has_queues(w);
	if (w->index == 0)
		uring_options_text(&u->options, &u->findings, effective);
}

static int prepare(struct worker *w, char *why, size_t why_size)
{
	struct uring *u = calloc(1, sizeof(*u));
	int err;

	w->model = u;
	if (!u) {
		snprintf(why, why_size, "out of memory");
		return -ENOMEM;
	}
	uring_options_resolve(&u->options, w->choices);
	operations_prepare(u);
	err = uring_make(u, w, why, why_size);
	if (!err)
		err = uring_probe(u, why, why_size);
	if (!err)
		write_effective(w);
	return err;
}

/*
 * Closes the socket once nothing is in flight that could complete into the slot's next life.
 * Returns true when it is closed.
 */
static bool close_socket(struct worker *w, struct connection *c)
{
	if (!(c->armed & (CONNECTING | RECEIVING))) {
		operations_close(w, c);
		return true;
	}
	if (!(c->armed & CANCELLED))
		operations_cancel(w, c);
	return false;
}

/* Queues what the lane wants next, up to the point where a completion must come first. */
static void advance(struct worker *w, struct connection *c)
{
	while (c && !worker_stopped(w)) {
		switch (c->want) {
		case WANT_CONNECT:
			operations_connect(w, c);
			if (c->want == WANT_CONNECT)
				return;
			break;
		case WANT_SEND:
			operations_send(w, c);
			return;
		case WANT_RECEIVE:
			if (!(c->armed & (RECEIVING | PARKED)))
				operations_receive(w, c);
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

static void on_connect(struct worker *w, struct connection *c, enum operation operation, int result)
{
	static const char *const phases[] = {[OPERATION_SOCKET] = "open a socket",
					     [OPERATION_SET_OPTION] = "set TCP_NODELAY",
					     [OPERATION_CONNECT] = "connect"};

	c->armed &= ~CONNECTING;
	if (c->want == WANT_CONNECT && result)
		connection_error(c, phases[operation], -result);
	else if (c->want == WANT_CONNECT)
		connection_connected(c);
	advance(w, c);
}

/* Of the sends that succeed only zero-copy ones are heard of. */
static void on_send(struct worker *w, struct connection *c, const struct io_uring_cqe *cqe)
{
	struct uring *u = w->model;

	if (cqe->flags & IORING_CQE_F_NOTIF) {
		u->findings.zerocopy_copied |= ((uint32_t)cqe->res & URING_NOTIF_COPIED) != 0;
		return;
	}
	if ((u->options.zerocopy && cqe->res >= 0) || !operation_is_current(c, cqe->user_data))
		return;
	/* A receive that was linked behind a silent send goes with it, silently as well. */
	if (u->options.linked && !u->options.zerocopy)
		c->armed &= ~RECEIVING;
	if (c->want == WANT_RECEIVE)
		connection_error(c, "send", cqe->res < 0 ? -cqe->res : EPIPE);
	if (c->want != WANT_NOTHING)
		advance(w, c);
}

static void hand_over(struct worker *w, struct connection *c, const void *bytes, size_t length)
{
	struct uring *u = w->model;

	if (c->want == WANT_SEND) /* between the pieces of one arrival */
		operations_send(w, c);
	if (c->want != WANT_RECEIVE) {
		connection_peer_done(c); /* more than it was asked for */
		return;
	}
	while (!operations_send_is_out(u, c) && !u->broken)
		u->broken = uring_enter(u, &w->calls, 0, -1);
	connection_received(c, bytes, length);
}

static void hand_over_pieces(struct worker *w, struct connection *c, const struct io_uring_cqe *cqe)
{
	struct uring *u = w->model;
	unsigned buffer = cqe->flags >> IORING_CQE_BUFFER_SHIFT;
	bool more = cqe->flags & URING_CQE_F_BUF_MORE;

	for (size_t left = (size_t)cqe->res; left;) {
		const uint8_t *at;
		size_t length = uring_buffers_piece(&u->buffers, buffer, left, &at);

		hand_over(w, c, at, length);
		left -= length;
		buffer = uring_buffers_taken(&u->buffers, buffer, length, left || !more);
	}
}

static void on_receive(struct worker *w, struct connection *c, const struct io_uring_cqe *cqe)
{
	struct uring *u = w->model;
	unsigned buffer = cqe->flags >> IORING_CQE_BUFFER_SHIFT;
	bool idle = c->want == WANT_NOTHING;
	int result = cqe->res;

	if (!(cqe->flags & IORING_CQE_F_MORE))
		c->armed &= ~RECEIVING;
	if (result > 0 && !u->buffers.in_pieces) {
		hand_over(w, c, uring_buffers_at(&u->buffers, buffer), (size_t)result);
		uring_buffers_give_back(&u->buffers, buffer);
	} else if (result > 0) {
		hand_over_pieces(w, c, cqe);
	} else if (result == -ENOBUFS) {
		w->calls.would_block++; /* told to try again */
		if (c->want == WANT_RECEIVE)
			operations_park(w, c);
	} else if (c->want == WANT_RECEIVE) {
		if (result == 0)
			connection_eof(c);
		else
			connection_error(c, "receive", -result);
	}
	/*
	 * Bytes that nobody asked for, or the end. An idle connection's lane may be busy elsewhere:
	 * only a fetch's own end moves it on.
	 */
	if (idle && result != -ENOBUFS) {
		connection_peer_done(c);
		close_socket(w, c);
	} else if (c->want == WANT_RECEIVE && !(c->armed & (RECEIVING | PARKED)) &&
		   cqe->flags & IORING_CQE_F_SOCK_NONEMPTY) {
		operations_receive_more(w, c);
	} else if (!idle && (c->want != WANT_RECEIVE || !(c->armed & (RECEIVING | PARKED)))) {
		advance(w, c);
	}
}

static void on_completion(struct worker *w, const struct io_uring_cqe *cqe)
{
	struct connection *c = operation_connection(w, cqe->user_data);
	enum operation operation = operation_of(cqe->user_data);

	switch (operation) {
	case OPERATION_RECEIVE:
		w->calls.notifications += cqe->res != -ENOBUFS;
		on_receive(w, c, cqe);
		break;
	case OPERATION_SEND:
		w->calls.notifications++;
		on_send(w, c, cqe);
		break;
	case OPERATION_SOCKET:
	case OPERATION_SET_OPTION:
	case OPERATION_CONNECT:
		w->calls.notifications++;
		on_connect(w, c, operation, cqe->res);
		break;
	case OPERATION_CANCEL:
		/* As a rule it had just ended by itself; a tick tries again if it had not begun. */
		if (operation_is_current(c, cqe->user_data))
			c->armed &= ~CANCELLED;
		break;
	case OPERATION_CLOSE:
		break; /* no socket had been opened */
	}
}

/* Handles everything that has completed; returns how much that was. */
static unsigned drain(struct worker *w, struct uring *u)
{
	struct io_uring_cqe *cqe;
	unsigned head;
	unsigned count = 0;

	io_uring_for_each_cqe(&u->ring, head, cqe)
	{
		on_completion(w, cqe);
		/* At once: a queue that never fills up may be small enough for the caches. */
		io_uring_cq_advance(&u->ring, 1);
		count++;
		/* A batch may take long: what is left of it can wait, and time limits cannot. */
		if (worker_tick_is_due(w))
			break;
	}
	if (u->parked_count)
		operations_unpark(w);
	return count;
}

/* Closes the connections whose fetch has had its time, and moves their lanes on. */
static int expire(struct worker *w, struct uring *u)
{
	/* What is only queued could not be cancelled. */
	int err = uring_enter(u, &w->calls, 0, -1);

	for (unsigned i = 0; i < w->lanes * w->endpoints_count; i++) {
		struct connection *c = &w->connections[i];

		if (worker_overdue(w, c) || c->want == WANT_CLOSE)
			advance(w, c);
	}
	return err;
}

static int wait_or_look(struct worker *w, struct uring *u)
{
	if (w->wait == WAIT_SPIN)
		return uring_wants_entering(u) ? uring_enter(u, &w->calls, 0, -1) : 0;

	/* As long as some are parked, they are let in, batch by batch, without a pause. */
	int64_t wait_ns = u->parked_count ? 0 : worker_wait_ns(w);
	/* The least wait is for a batch: all that can come. */
	unsigned wait_for = u->options.min_wait_us ? w->in_flight : 1;

	return uring_enter(u, &w->calls, wait_for, wait_ns);
}

static int run(struct worker *w)
{
	struct uring *u = w->model;
	struct connection *c;
	int err = 0;

	for (unsigned lane = 0; lane < w->lanes; lane++)
		advance(w, worker_next(w, worker_lane(w, lane)));
	while (w->in_flight && !worker_stopped(w) && !err) {
		err = wait_or_look(w, u);
		if (!drain(w, u) && w->idle)
			w->idle(w->idle_context);
		while ((c = worker_due(w)))
			advance(w, c);
		if (worker_ticked(w) && !err)
			err = expire(w, u);
		if (!err)
			err = u->broken;
	}
	w->calls.cq_overflows += *u->ring.cq.koverflow;
	write_effective(w);
	return err;
}

static void release(struct worker *w)
{
	if (w->model)
		uring_free(w->model);
	w->model = NULL;
	sockets_close_all(w);
}

static const char *variant(const struct worker *w)
{
	(void)w;
	return effective;
}

const struct model model_uring = {
	.name = "uring",
	.notification = NOTIFY_ASYNC,
	.waits = {[WAIT_BLOCK] = true, [WAIT_SPIN] = true},
	.kernel_helpers = true,
	.about = "io_uring: multishot receives into shared buffers, completions read from memory",
	.options = uring_option_rows,
	.check = uring_options_check,
	.prepare = prepare,
	.run = run,
	.release = release,
	.variant = variant,
};
