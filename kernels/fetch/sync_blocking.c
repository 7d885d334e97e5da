/*
 * Synchronous, blocking: the program asks one socket, and sleeps inside the call until there is
 * an answer. One connection a worker; concurrency comes from more workers.
 */
#include "kernels/fetch/model.h"
#include "kernels/fetch/sockets.h"

/* After a signal the connecting goes on without the call; asked again, the kernel says how far. */
static void open_and_connect(struct worker *w, struct connection *c)
{
	const struct endpoint *to = sockets_endpoint(w, c);
	int fd = c->fd >= 0 ? c->fd : sockets_open(w, c, false);

	if (fd < 0)
		connection_error(c, "open a socket", -fd);
	else if (calls_connect(&w->calls, fd, (const struct sockaddr *)&to->address,
			       to->address_length) == 0)
		connection_connected(c);
	else if (errno != EINTR)
		connection_error(c, "connect", errno);
}

static void send_some(struct worker *w, struct connection *c)
{
	size_t length;
	const uint8_t *bytes = connection_output(c, &length);
	ssize_t sent = calls_send(&w->calls, c->fd, bytes, length); /* may sleep */

	if (sent >= 0)
		connection_sent(c, (size_t)sent);
	else if (errno != EINTR)
		connection_error(c, "send", errno);
}

static void receive_some(struct worker *w, struct connection *c)
{
	ssize_t received =
		calls_recv(&w->calls, c->fd, w->receive_buffer, RECEIVE_SIZE); /* sleeps */

	if (received > 0)
		connection_received(c, w->receive_buffer, (size_t)received);
	else if (received == 0)
		connection_eof(c);
	else if (errno != EINTR)
		connection_error(c, "receive", errno);
}

/* Open loop: nothing is due, so sleep until something is. NULL at the lane's end. */
static struct connection *await_due(struct worker *w)
{
	struct connection *c = worker_due(w);

	while (!c && w->in_flight && !worker_stopped(w)) {
		int64_t wait_ns = worker_wait_ns(w);

		if (wait_ns > 0)
			calls_sleep(&w->calls, wait_ns);
		c = worker_due(w);
	}
	return c;
}

static int run(struct worker *w)
{
	struct connection *c = worker_next(w, worker_lane(w, 0));

	while ((c || (c = await_due(w))) && !worker_stopped(w)) {
		if (worker_ticked(w))
			worker_overdue(w, c);
		switch (c->want) {
		case WANT_CONNECT:
			open_and_connect(w, c);
			break;
		case WANT_SEND:
			if (c->drives)
				connection_drive(c, &w->calls.total);
			else
				send_some(w, c);
			break;
		case WANT_RECEIVE:
			if (c->drives)
				connection_drive(c, &w->calls.total);
			else
				receive_some(w, c);
			break;
		case WANT_CLOSE:
			sockets_close(w, c);
			break;
		case WANT_NOTHING:
			c = worker_next(w, c);
			break;
		}
	}
	return 0;
}

static int prepare(struct worker *w, char *why, size_t why_size)
{
	(void)w;
	(void)why;
	(void)why_size;
	return 0;
}

static const char *variant(const struct worker *w)
{
	(void)w;
	return "";
}

const struct model model_blocking = {
	.name = "blocking",
	.notification = NOTIFY_SYNC,
	.waits = {[WAIT_BLOCK] = true},
	.one_lane = true,
	.openssl_calls = true,
	.about = "blocking sockets: the thread sleeps in recv() until the answer is there",
	.prepare = prepare,
	.run = run,
	.release = sockets_close_all,
	.variant = variant,
};
