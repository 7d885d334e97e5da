/*
 * The operations of fetch-uring: how each is queued, whatever the variant. What they have in
 * common is laid down once, in two patterns that queueing copies.
 */
#ifndef FETCH_URING_OPERATIONS_H
#define FETCH_URING_OPERATIONS_H

#include <liburing.h>
#include <stdbool.h>

#include "kernels/fetch/model.h"
#include "kernels/fetch/uring_ring.h"

/* What a completion is about; with the connection's index and life it makes the user data. */
enum operation {
	OPERATION_SOCKET,
	OPERATION_SET_OPTION,
	OPERATION_CONNECT,
	OPERATION_SEND,
	OPERATION_RECEIVE,
	OPERATION_CANCEL,
	OPERATION_CLOSE
};

/* connection->armed: what is in flight; the rest counts the lives of the slot's sockets. */
#define CONNECTING 1U /* will complete, also when cancelled */
#define RECEIVING  2U /* likewise */
#define CANCELLED  4U /* these are asked to end, so that the socket can be closed */
#define PARKED	   8U /* asks to receive again when there are buffers */
#define LIFE	   16U

static inline uint64_t operation_data(const struct connection *c, enum operation operation)
{
	return (uint64_t)(c->armed / LIFE) << 32 | (uint64_t)c->index << 4 | operation;
}

static inline enum operation operation_of(uint64_t data)
{
	return (enum operation)(data & 15);
}

static inline struct connection *operation_connection(const struct worker *w, uint64_t data)
{
	return &w->connections[(data & UINT32_MAX) >> 4];
}

/* Whether it was queued for the socket that the connection has now. */
static inline bool operation_is_current(const struct connection *c, uint64_t data)
{
	return data >> 32 == c->armed / LIFE;
}

/* Lays down the patterns that the options mean. */
void operations_prepare(struct uring *u);

/* Of direct descriptors: open a TCP socket in a slot of the ring's table; set its TCP_NODELAY. */
void operations_socket(struct io_uring_sqe *sqe, int family, unsigned slot);
void operations_set_option(struct io_uring_sqe *sqe, unsigned slot);

/* Opens a socket and begins to connect it; the connection wants something else if that failed. */
void operations_connect(struct worker *w, struct connection *c);

/*
 * Asks for what comes; until a completion says that it ended, RECEIVING is set. _more: in the
 * middle of an answer, whose next part is there already.
 */
void operations_receive(struct worker *w, struct connection *c);
void operations_receive_more(struct worker *w, struct connection *c);

/*
 * A receive found no buffer: it is asked for again, in its turn, by operations_unpark(), which is
 * to be called when all buffers have been given back. To ask at once, and all together, would be
 * to be refused again and again.
 */
void operations_park(struct worker *w, struct connection *c);
void operations_unpark(struct worker *w);

/*
 * Sends the connection's output and has a receive armed for the answer. Only a failure to send
 * completes, but with zerocopy.
 */
void operations_send(struct worker *w, struct connection *c);

/*
 * The output of a connection is only promised to stay until something is received. False while
 * the kernel has not taken up the connection's last send: enter first. Always true for bytes that
 * stay for good, a request's.
 */
static inline bool operations_send_is_out(const struct uring *u, const struct connection *c)
{
	return c->output == (const uint8_t *)c->request->bytes ||
	       (int32_t)(io_uring_smp_load_acquire(u->ring.sq.khead) -
			 u->volatile_sends[c->index]) >= 0;
}

/* Asks what is in flight to end: CONNECTING and RECEIVING go with their completions. */
void operations_cancel(struct worker *w, struct connection *c);

/* Closes the socket, of which nothing may be in flight, and tells the connection. */
void operations_close(struct worker *w, struct connection *c);

#endif
