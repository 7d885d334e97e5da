/* Queueing operations: see uring_operations.h. */
#include "kernels/fetch/uring_operations.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/fetch/sockets.h"

void operations_prepare(struct uring *u)
{
	const struct uring_options *o = &u->options;
	struct io_uring_sqe *send = &u->send, *receive = &u->receive;
	unsigned file = o->fixed || o->direct ? IOSQE_FIXED_FILE : 0;

	/* The whole output goes out in one operation; only a failure to do so is reported. */
	io_uring_prep_send(send, 0, NULL, 0, MSG_WAITALL | MSG_NOSIGNAL);
	send->flags = (uint8_t)(file | IOSQE_CQE_SKIP_SUCCESS);
	if (o->zerocopy) { /* whose completions the kernel lets nobody skip */
		send->opcode = IORING_OP_SEND_ZC;
		send->ioprio = URING_SEND_ZC_REPORT_USAGE;
		send->flags = (uint8_t)file;
	}
	io_uring_prep_recv(receive, 0, NULL, 0, 0);
	receive->flags = (uint8_t)(file | IOSQE_BUFFER_SELECT);
	receive->buf_group = URING_BUFFER_GROUP;
	receive->ioprio = (uint16_t)((o->multishot ? IORING_RECV_MULTISHOT : 0) |
				     (o->poll_first ? IORING_RECVSEND_POLL_FIRST : 0) |
				     (o->bundle ? URING_RECVSEND_BUNDLE : 0));
}

static int descriptor(const struct uring *u, const struct connection *c)
{
	return u->send.flags & IOSQE_FIXED_FILE ? (int)c->index : c->fd;
}

/* A cleared one, for the operations that are rare. */
static struct io_uring_sqe *take(struct worker *w, struct connection *c, enum operation operation)
{
	struct io_uring_sqe *sqe = uring_take(w->model, &w->calls);

	memset(sqe, 0, sizeof(*sqe));
	sqe->user_data = operation_data(c, operation);
	return sqe;
}

void operations_socket(struct io_uring_sqe *sqe, int family, unsigned slot)
{
	io_uring_prep_socket_direct(sqe, family, SOCK_STREAM, IPPROTO_TCP, slot, 0);
}

void operations_set_option(struct io_uring_sqe *sqe, unsigned slot)
{
	static const int on = 1;

	io_uring_prep_rw(IORING_OP_URING_CMD, sqe, (int)slot, NULL, 0, 0);
	sqe->flags = IOSQE_FIXED_FILE;
	sqe->cmd_op = URING_SOCKET_SETSOCKOPT;
	sqe->addr = (uint64_t)TCP_NODELAY << 32 | IPPROTO_TCP; /* level, then the option */
	sqe->addr3 = (uintptr_t)&on;
	sqe->file_index = sizeof(on); /* the option's length lies here */
}

/*
 * Socket, option and connection in one chain, of which the last completes, or the one that failed.
 * The socket is never in the process's table of descriptors.
 */
static void connect_directly(struct worker *w, struct connection *c)
{
	const struct endpoint *to = sockets_endpoint(w, c);
	struct io_uring_sqe *sqe;

	uring_make_room(w->model, &w->calls, 3);
	sqe = take(w, c, OPERATION_SOCKET);
	operations_socket(sqe, to->address.ss_family, c->index);
	sqe->flags = IOSQE_IO_LINK | IOSQE_CQE_SKIP_SUCCESS;
	sqe = take(w, c, OPERATION_SET_OPTION);
	operations_set_option(sqe, c->index);
	sqe->flags |= IOSQE_IO_LINK | IOSQE_CQE_SKIP_SUCCESS;
	sqe = take(w, c, OPERATION_CONNECT);
	io_uring_prep_connect(sqe, (int)c->index, (const struct sockaddr *)&to->address,
			      to->address_length);
	sqe->flags = IOSQE_FIXED_FILE;
}

void operations_connect(struct worker *w, struct connection *c)
{
	struct uring *u = w->model;
	const struct endpoint *to = sockets_endpoint(w, c);

	if (u->options.direct) {
		c->armed += LIFE;
		c->armed |= CONNECTING;
		connect_directly(w, c);
		return;
	}
	int fd = sockets_open(w, c, false);

	if (fd < 0) {
		connection_error(c, "open a socket", -fd);
		return;
	}
	if (u->options.fixed) {
		w->calls.total++;
		int updated = io_uring_register_files_update(&u->ring, c->index, &fd, 1);
		if (updated < 0) {
			connection_error(c, "register a socket", -updated);
			return;
		}
	}
	c->armed += LIFE;
	c->armed |= CONNECTING;
	struct io_uring_sqe *sqe = take(w, c, OPERATION_CONNECT);

	io_uring_prep_connect(sqe, descriptor(u, c), (const struct sockaddr *)&to->address,
			      to->address_length);
	sqe->flags = u->options.fixed ? IOSQE_FIXED_FILE : 0;
}

static void receive(struct worker *w, struct connection *c, unsigned ioprio)
{
	struct uring *u = w->model;
	struct io_uring_sqe *sqe = uring_take(u, &w->calls);

	*sqe = u->receive;
	sqe->ioprio = (uint16_t)ioprio;
	sqe->fd = descriptor(u, c);
	sqe->user_data = operation_data(c, OPERATION_RECEIVE);
	c->armed |= RECEIVING;
}

void operations_receive(struct worker *w, struct connection *c)
{
	struct uring *u = w->model;

	receive(w, c, u->receive.ioprio);
}

void operations_receive_more(struct worker *w, struct connection *c)
{
	struct uring *u = w->model;

	receive(w, c, u->receive.ioprio & ~IORING_RECVSEND_POLL_FIRST);
}

void operations_park(struct worker *w, struct connection *c)
{
	struct uring *u = w->model;
	unsigned connections = w->lanes * w->endpoints_count;

	if (c->armed & PARKED)
		return;
	c->armed |= PARKED;
	u->parked[(u->parked_first + u->parked_count++) % connections] = c->index;
}

void operations_unpark(struct worker *w)
{
	struct uring *u = w->model;
	unsigned connections = w->lanes * w->endpoints_count;

	for (unsigned buffers = URING_BUFFERS; buffers && u->parked_count; buffers--) {
		struct connection *c = &w->connections[u->parked[u->parked_first]];

		u->parked_first = (u->parked_first + 1) % connections;
		u->parked_count--;
		c->armed &= ~PARKED;
		/* It may have been closed meanwhile, and even be a new one. */
		if (c->want == WANT_RECEIVE && !(c->armed & RECEIVING))
			/* What found no buffer is there: no need to wait for it first. */
			operations_receive_more(w, c);
	}
}

void operations_send(struct worker *w, struct connection *c)
{
	struct uring *u = w->model;
	size_t length;
	const uint8_t *bytes = connection_output(c, &length);
	bool linked = u->options.linked && !(c->armed & RECEIVING);

	if (linked)
		uring_make_room(u, &w->calls, 2);
	else if (!(c->armed & RECEIVING))
		operations_receive(w, c);

	struct io_uring_sqe *sqe = uring_take(u, &w->calls);

	*sqe = u->send;
	sqe->fd = descriptor(u, c);
	sqe->addr = (uintptr_t)bytes;
	sqe->len = (uint32_t)length;
	sqe->user_data = operation_data(c, OPERATION_SEND);
	if (c->output != (const uint8_t *)c->request->bytes)
		u->volatile_sends[c->index] = u->ring.sq.sqe_tail;
	if (linked) {
		sqe->flags |= IOSQE_IO_LINK;
		operations_receive(w, c);
	}
	connection_sent(c, length);
}

static void cancel(struct worker *w, struct connection *c, enum operation operation)
{
	struct io_uring_sqe *sqe = take(w, c, OPERATION_CANCEL);

	sqe->opcode = IORING_OP_ASYNC_CANCEL;
	sqe->fd = -1;
	sqe->addr = operation_data(c, operation);
	sqe->flags = IOSQE_CQE_SKIP_SUCCESS;
}

void operations_cancel(struct worker *w, struct connection *c)
{
	if (c->open && c->failure)
		cancel(w, c, OPERATION_SEND);
	if (c->armed & CONNECTING)
		cancel(w, c, OPERATION_CONNECT);
	if (c->armed & RECEIVING)
		cancel(w, c, OPERATION_RECEIVE);
	c->armed |= CANCELLED;
}

void operations_close(struct worker *w, struct connection *c)
{
	struct uring *u = w->model;
	int none = -1;

	/* A send that blocked, of which nobody knows, would keep the socket open. */
	if (c->open && c->failure && !(c->armed & CANCELLED))
		cancel(w, c, OPERATION_SEND);
	c->armed &= ~CANCELLED;
	if (u->options.direct) {
		struct io_uring_sqe *sqe = take(w, c, OPERATION_CLOSE);

		io_uring_prep_close_direct(sqe, c->index);
		sqe->flags = IOSQE_CQE_SKIP_SUCCESS;
		connection_closed(c);
		return;
	}
	if (u->options.fixed && c->fd >= 0) {
		w->calls.total++;
		io_uring_register_files_update(&u->ring, c->index, &none, 1);
	}
	sockets_close(w, c);
}
