/*
 * Answers on their way out. Most are one send() of prepared bytes; the rest is put under way in
 * the connection and pushed whenever the socket has room or a timer says so.
 */
#include "lab/origin_answer.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "lab/origin_secure.h"
#include "lab/origin_wait.h"

#define LINGER_NS   UINT64_C(1000000000)
#define PIECES_MOST 16

void origin_answer_discard(struct origin_service *service, struct origin_connection *connection)
{
	ssize_t got;

	do {
		got = recv(connection->fd, service->buffer, sizeof(service->buffer), 0);
	} while (got > 0 || (got < 0 && errno == EINTR));
	if (got == 0 || errno != EAGAIN)
		origin_drop(connection);
}

/* Closing with bytes unread would reset the connection under the answer. */
void origin_answer_end(struct origin_service *service, struct origin_connection *connection)
{
	if (connection->secure && connection->after != AFTER_CUT)
		origin_secure_goodbye(service, connection);
	if (connection->state == CONNECTION_CLOSED)
		return;
	if (!connection->unread && !connection->readable) {
		origin_drop(connection);
		return;
	}
	shutdown(connection->fd, SHUT_WR);
	connection->state = CONNECTION_LINGERING;
	wheel_add(&service->wheel, &connection->timer, origin_wait_now() + LINGER_NS);
	origin_answer_discard(service, connection);
}

static void reset(struct origin_connection *connection)
{
	struct linger now = {.l_onoff = 1};

	setsockopt(connection->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	origin_drop(connection);
}

/* From now on only the client's leaving counts, and the timer if there is one. */
static void hold(struct origin_connection *connection)
{
	if (connection->peer_done)
		origin_drop(connection);
	else
		connection->state = CONNECTION_HELD;
}

static void finish(struct origin_service *service, struct origin_connection *connection)
{
	uint64_t pause = connection->after_ns;

	switch (connection->after) {
	case AFTER_KEEP:
		break;
	case AFTER_RESET:
		reset(connection);
		break;
	case AFTER_HOLD:
		hold(connection);
		break;
	case AFTER_IDLE:
		if (pause) {
			hold(connection);
			wheel_add(&service->wheel, &connection->timer, origin_wait_now() + pause);
			break;
		}
		/* fall through */
	case AFTER_CLOSE:
	case AFTER_CUT:
		origin_answer_end(service, connection);
		break;
	}
}

static inline void done(struct origin_service *service, struct origin_connection *connection)
{
	service->requests++;
	connection->state = CONNECTION_OPEN;
	if (connection->after != AFTER_KEEP)
		finish(service, connection);
}

void origin_answer_done(struct origin_service *service, struct origin_connection *connection)
{
	origin_body_release(connection->body);
	connection->body = NULL;
	done(service, connection);
}

/* The rest of the head and as much of the body as one call may take. */
static int gather(const struct origin_connection *connection, struct iovec *pieces)
{
	uint64_t at = connection->body_at;
	int count = 0;

	if (connection->head_at < connection->head_end) {
		uint32_t left = connection->head_end - connection->head_at;

		pieces[count++] = (struct iovec){(void *)(connection->head + connection->head_at),
						 connection->slow_ns ? 1 : left};
		if (connection->slow_ns)
			return count;
	}
	if (connection->body && at < connection->body_end) {
		pieces[count++] =
			(struct iovec){connection->body->bytes + at, connection->body_end - at};
		return count;
	}
	while (at < connection->body_end && count < PIECES_MOST) {
		uint64_t left = connection->body_end - at;
		size_t size = left < PATTERN_PIECE ? (size_t)left : PATTERN_PIECE;

		pieces[count++] = (struct iovec){origin_pattern + at % BODY_PERIOD, size};
		at += size;
	}
	return count;
}

void origin_answer_advance(struct origin_connection *connection, size_t sent)
{
	size_t head = connection->head_end - connection->head_at;

	if (head > sent)
		head = sent;
	connection->head_at += (uint32_t)head;
	connection->body_at += sent - head;
}

bool origin_answer_slowly(struct origin_service *service, struct origin_connection *connection)
{
	if (!connection->slow_ns || connection->head_at == connection->head_end)
		return false;
	connection->state = CONNECTION_DELAYED;
	wheel_add(&service->wheel, &connection->timer, origin_wait_now() + connection->slow_ns);
	return true;
}

void origin_answer_push(struct origin_service *service, struct origin_connection *connection)
{
	struct iovec pieces[PIECES_MOST];
	struct msghdr message = {.msg_iov = pieces};

	if (connection->tls) {
		origin_secure_push(service, connection);
		return;
	}
	for (;;) {
		int count = gather(connection, pieces);
		ssize_t sent;

		if (count == 0) {
			origin_answer_done(service, connection);
			return;
		}
		message.msg_iovlen = (size_t)count;
		sent = sendmsg(connection->fd, &message, MSG_NOSIGNAL);
		if (sent >= 0) {
			service->bytes_sent += (uint64_t)sent;
			origin_answer_advance(connection, (size_t)sent);
			if (origin_answer_slowly(service, connection))
				return;
		} else if (errno == EAGAIN) {
			connection->state = CONNECTION_BLOCKED;
			return;
		} else if (errno != EINTR) {
			origin_drop(connection);
			return;
		}
	}
}

void origin_answer_load(struct origin_connection *connection, const struct origin_reply *reply)
{
	memcpy(connection->head, reply->bytes, reply->head_size);
	connection->head_at = 0;
	connection->head_end = reply->head_size;
	connection->body_at = 0;
	connection->body_end = reply->body_size;
	connection->body = origin_body_use(reply->body);
	connection->slow_ns = reply->slow_ns;
}

bool origin_answer_delay(struct origin_service *service, struct origin_connection *connection,
			 const struct origin_reply *reply)
{
	uint64_t ns = reply->delay_ns;
	uint64_t now, due;

	if (ns == REPLY_NO_DELAY)
		ns = latency_draw(&service->latency, &service->random);
	if (ns == 0)
		return false;
	now = origin_wait_now();
	due = ns < UINT64_MAX / 2 - now ? now + ns : UINT64_MAX / 2;
	origin_answer_load(connection, reply);
	connection->state = CONNECTION_DELAYED;
	wheel_add(&service->wheel, &connection->timer, due);
	return true;
}

void origin_answer_give(struct origin_service *service, struct origin_connection *connection,
			const struct origin_reply *reply)
{
	ssize_t sent = 0;

	if (connection->tls) {
		origin_secure_give(service, connection, reply);
		return;
	}
	if (reply->whole) {
		sent = send(connection->fd, reply->bytes, reply->inline_size, MSG_NOSIGNAL);
		if (sent == (ssize_t)reply->inline_size) {
			service->bytes_sent += (uint64_t)sent;
			done(service, connection);
			return;
		}
	}
	origin_answer_load(connection, reply);
	if (sent > 0) {
		service->bytes_sent += (uint64_t)sent;
		origin_answer_advance(connection, (size_t)sent);
	}
	origin_answer_push(service, connection);
}

void origin_service_flush(struct origin_service *service)
{
	unsigned count = service->queued;

	service->queued = 0;
	for (unsigned i = 0; i < count; i++) {
		struct origin_connection *connection = service->queue[i].connection;

		origin_answer_give(service, connection, service->queue[i].reply);
		if (connection->state == CONNECTION_CLOSED)
			origin_connection_leave(service, connection);
	}
}
