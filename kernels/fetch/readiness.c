/* The walk of one nonblocking connection through its states, up to the next EAGAIN. */
#include "kernels/fetch/readiness.h"

#include "kernels/fetch/sockets.h"

/* Each step returns true to go on, false when the connection has to wait. */

static bool step_connect(struct worker *w, struct connection *c,
			 int (*opened)(struct worker *, struct connection *))
{
	const struct endpoint *to = sockets_endpoint(w, c);

	if (c->fd < 0) {
		int fd = sockets_open(w, c, true);

		if (fd < 0) {
			connection_error(c, "open a socket", -fd);
			return true;
		}
		int err = opened ? opened(w, c) : 0;
		if (err) {
			connection_error(c, "watch a socket", -err);
			return true;
		}
	}
	/* Called again on a connecting socket, connect() tells how that went. */
	if (calls_connect(&w->calls, c->fd, (const struct sockaddr *)&to->address,
			  to->address_length) == 0) {
		connection_connected(c);
		return true;
	}
	if (errno == EINPROGRESS || errno == EALREADY || errno == EINTR)
		return false;
	connection_error(c, "connect", errno);
	return true;
}

static bool step_drive(struct worker *w, struct connection *c)
{
	if (connection_drive(c, &w->calls.total))
		return true;
	w->calls.would_block++;
	return false;
}

static bool step_send(struct worker *w, struct connection *c)
{
	size_t length;
	const uint8_t *bytes = connection_output(c, &length);
	ssize_t sent = calls_send(&w->calls, c->fd, bytes, length);

	if (sent >= 0) {
		connection_sent(c, (size_t)sent);
		return c->want != WANT_RECEIVE;
	}
	if (errno == EAGAIN || errno == EINTR)
		return false;
	connection_error(c, "send", errno);
	return true;
}

static bool step_receive(struct worker *w, struct connection *c)
{
	ssize_t received = calls_recv(&w->calls, c->fd, w->receive_buffer, RECEIVE_SIZE);

	if (received > 0) {
		connection_received(c, w->receive_buffer, (size_t)received);
		/* A short read proves that the socket is drained: no second call to hear EAGAIN. */
		return (size_t)received == RECEIVE_SIZE || c->want != WANT_RECEIVE;
	}
	if (received == 0) {
		connection_eof(c);
		return true;
	}
	if (errno == EAGAIN || errno == EINTR)
		return false;
	connection_error(c, "receive", errno);
	return true;
}

bool readiness_step(struct worker *w, struct connection *c,
		    int (*opened)(struct worker *, struct connection *))
{
	switch (c->want) {
	case WANT_CONNECT:
		return step_connect(w, c, opened);
	case WANT_SEND:
		return c->drives ? step_drive(w, c) : step_send(w, c);
	case WANT_RECEIVE:
		return c->drives ? step_drive(w, c) : step_receive(w, c);
	case WANT_CLOSE:
		sockets_close(w, c);
		return true;
	case WANT_NOTHING:
		break;
	}
	return false;
}

/*
 * The connection has had its receives. OpenSSL may hold bytes of which the kernel would not tell:
 * what it moves goes on, and only has its own time looked at.
 */
static bool has_to_yield(struct worker *w, struct connection *c)
{
	if (c->drives) {
		if (worker_tick_is_due(w))
			worker_overdue(w, c);
		return false;
	}
	w->unread = true;
	return true;
}

struct connection *readiness_advance(struct worker *w, struct connection *c,
				     int (*opened)(struct worker *, struct connection *),
				     enum readiness_sends sends)
{
	unsigned receives = 0;

	/* stop is looked at here too: fetches that fail at once would never leave this loop. */
	while (c && !worker_stopped(w)) {
		if (c->want == WANT_NOTHING) {
			c = worker_next(w, c);
			continue;
		}
		if (c->want == WANT_SEND && sends == READINESS_HOLD_SENDS)
			return c;
		if (!readiness_step(w, c, opened))
			return c;
		/* Only after a receive that may have left something behind. */
		if (c->want == WANT_RECEIVE) {
			receives += c->coded ? READINESS_RECEIVES : 1;
			if (receives >= READINESS_RECEIVES && has_to_yield(w, c))
				return c;
		}
	}
	return c;
}

void readiness_expire(struct worker *w, int (*opened)(struct worker *, struct connection *),
		      void (*moved)(struct worker *, unsigned, struct connection *))
{
	for (unsigned i = 0; i < w->lanes * w->endpoints_count; i++) {
		struct connection *c = &w->connections[i];

		if (!worker_overdue(w, c))
			continue;
		c = readiness_advance(w, c, opened, READINESS_SEND);
		if (moved)
			moved(w, i / w->endpoints_count, c);
	}
}
