/*
 * The hot path is origin_connection_ready -> resume -> answer: one recv() into a buffer shared by
 * all connections, a look into the cache of requests, one send(). A short read proves the socket
 * empty, so no second recv() is spent on EAGAIN; epoll is told of a socket once and never again.
 */
#include "lab/origin_connection.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "lab/body_pattern.h"
#include "lab/origin_wait.h"

#define LINGER_NS UINT64_C(1000000000)

/* Bodies too large to lie in an answer are sent from here, a piece from any phase. */
#define PIECE_SIZE  65536
#define PIECES_MOST 16

static char pattern[PIECE_SIZE + BODY_PERIOD];

__attribute__((constructor)) static void fill_pattern(void)
{
	body_fill(pattern, sizeof(pattern), 0);
}

void origin_connection_open(struct origin_connection *connection, int fd)
{
	connection->fd = fd;
	connection->state = CONNECTION_OPEN;
	connection->readable = false;
	connection->peer_done = false;
	connection->closing = false;
	connection->unread = false;
	connection->parser.midway = false;
}

static void release_stash(struct origin_service *service, struct origin_connection *connection)
{
	struct origin_stash *stash = connection->stash;

	if (!stash)
		return;
	stash->next = service->stashes;
	service->stashes = stash;
	connection->stash = NULL;
}

/*
 * Marks it closed. The descriptor is given back last of all, in leave(): from then on another
 * thread may accept a client on it, and in this slot.
 */
static void drop(struct origin_connection *connection)
{
	connection->state = CONNECTION_CLOSED;
}

static void leave(struct origin_service *service, struct origin_connection *connection)
{
	int fd = connection->fd;

	if (connection->state != CONNECTION_CLOSED)
		return;
	wheel_cancel(&service->wheel, &connection->timer);
	release_stash(service, connection);
	atomic_store_explicit(&connection->taken, false, memory_order_release);
	close(fd);
}

void origin_service_release(struct origin_service *service)
{
	while (service->stashes) {
		struct origin_stash *stash = service->stashes;

		service->stashes = stash->next;
		free(stash);
	}
}

/* Throws away what still comes until the client closes too, so that it gets to read the answer. */
static void discard(struct origin_service *service, struct origin_connection *connection)
{
	ssize_t got;

	do {
		got = recv(connection->fd, service->buffer, sizeof(service->buffer), 0);
	} while (got > 0 || (got < 0 && errno == EINTR));
	if (got == 0 || errno != EAGAIN)
		drop(connection);
}

/* After the last answer. Closing with bytes unread would reset the connection under the answer. */
static void end(struct origin_service *service, struct origin_connection *connection)
{
	if (!connection->unread && !connection->readable) {
		drop(connection);
		return;
	}
	shutdown(connection->fd, SHUT_WR);
	connection->state = CONNECTION_LINGERING;
	wheel_add(&service->wheel, &connection->timer, origin_wait_now() + LINGER_NS);
	discard(service, connection);
}

static void answered(struct origin_service *service, struct origin_connection *connection)
{
	service->requests++;
	connection->state = CONNECTION_OPEN;
	if (connection->closing)
		end(service, connection);
}

/* The rest of the head and as much of the body as one call may take. */
static int gather(struct origin_connection *connection, struct iovec *pieces)
{
	uint64_t at = connection->body_at;
	int count = 0;

	if (connection->head_at < connection->head_end)
		pieces[count++] = (struct iovec){connection->head + connection->head_at,
						 connection->head_end - connection->head_at};
	while (at < connection->body_end && count < PIECES_MOST) {
		uint64_t left = connection->body_end - at;
		size_t size = left < PIECE_SIZE ? (size_t)left : PIECE_SIZE;

		pieces[count++] = (struct iovec){pattern + at % BODY_PERIOD, size};
		at += size;
	}
	return count;
}

/* Takes what was sent off the answer under way. */
static void advance(struct origin_connection *connection, size_t sent)
{
	size_t head = connection->head_end - connection->head_at;

	if (head > sent)
		head = sent;
	connection->head_at += (uint32_t)head;
	connection->body_at += sent - head;
}

/* Sends the answer under way as far as the socket takes it. */
static void push(struct origin_service *service, struct origin_connection *connection)
{
	struct iovec pieces[PIECES_MOST];
	struct msghdr message = {.msg_iov = pieces};

	for (;;) {
		int count = gather(connection, pieces);
		ssize_t sent;

		if (count == 0) {
			answered(service, connection);
			return;
		}
		message.msg_iovlen = (size_t)count;
		sent = sendmsg(connection->fd, &message, MSG_NOSIGNAL);
		if (sent >= 0) {
			service->bytes_sent += (uint64_t)sent;
			advance(connection, (size_t)sent);
		} else if (errno == EAGAIN) {
			connection->state = CONNECTION_BLOCKED;
			return;
		} else if (errno != EINTR) {
			drop(connection);
			return;
		}
	}
}

/* Puts an answer under way, without sending any of it. */
static void load(struct origin_connection *connection, const struct origin_reply *reply)
{
	memcpy(connection->head, reply->bytes, reply->head_size);
	connection->head_at = 0;
	connection->head_end = reply->head_size;
	connection->body_at = 0;
	connection->body_end = reply->body_size;
}

static bool delay(struct origin_service *service, struct origin_connection *connection,
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
	load(connection, reply);
	connection->state = CONNECTION_DELAYED;
	wheel_add(&service->wheel, &connection->timer, due);
	return true;
}

/* Sends an answer, in one call where the socket takes it. */
static void give(struct origin_service *service, struct origin_connection *connection,
		 const struct origin_reply *reply)
{
	ssize_t sent = 0;

	if (reply->whole) {
		sent = send(connection->fd, reply->bytes, reply->inline_size, MSG_NOSIGNAL);
		if (sent == (ssize_t)reply->inline_size) {
			service->bytes_sent += (uint64_t)sent;
			answered(service, connection);
			return;
		}
	}
	load(connection, reply);
	if (sent > 0) {
		service->bytes_sent += (uint64_t)sent;
		advance(connection, (size_t)sent);
	}
	push(service, connection);
}

void origin_service_flush(struct origin_service *service)
{
	unsigned count = service->queued;

	service->queued = 0;
	for (unsigned i = 0; i < count; i++) {
		struct origin_connection *connection = service->queue[i].connection;

		give(service, connection, service->queue[i].reply);
		leave(service, connection);
	}
}

/*
 * The answer waits until the batch's other requests are received: recv()s in a row, then send()s
 * in a row, find the kernel's code in the cache and wake the client once, for 5 % less CPU.
 */
static void queue(struct origin_service *service, struct origin_connection *connection,
		  const struct origin_reply *reply)
{
	connection->state = CONNECTION_QUEUED;
	service->queue[service->queued++] = (struct origin_queued){connection, reply};
	if (service->queued == ORIGIN_QUEUE_MAX)
		origin_service_flush(service);
}

/* Takes the next request off the bytes and answers it; returns the bytes that it took. */
static size_t serve_one(struct origin_service *service, struct origin_connection *connection,
			const char *bytes, size_t size)
{
	const struct origin_reply *reply = NULL;
	bool remembered = false;
	size_t used = 0;

	if (!connection->parser.midway)
		reply = origin_cache_find(&service->cache, bytes, size, &used);
	if (reply) {
		remembered = true;
	} else {
		origin_service_flush(service); /* parsing may replace what the queue points to */
		reply = origin_cache_parse(&service->cache, &connection->parser, bytes, size,
					   service->body_size, &used);
		if (!reply)
			return used;
	}
	connection->closing = reply->close;
	connection->unread = used < size;
	if ((service->latency.kind != LATENCY_NONE || reply->delay_ns != REPLY_NO_DELAY) &&
	    delay(service, connection, reply))
		return used;
	/* Queued only if nothing is left to be done for the connection after the answer. */
	if (remembered && used == size && !connection->readable)
		queue(service, connection, reply);
	else
		give(service, connection, reply);
	return used;
}

/* Answers the requests in `bytes` while that goes without waiting; returns the bytes taken. */
static size_t serve(struct origin_service *service, struct origin_connection *connection,
		    const char *bytes, size_t size)
{
	size_t taken = 0;

	while (taken < size && connection->state == CONNECTION_OPEN)
		taken += serve_one(service, connection, bytes + taken, size - taken);
	return taken;
}

/* Keeps bytes for when the answer under way is out. After a last answer nothing will be read. */
static void stash_rest(struct origin_service *service, struct origin_connection *connection,
		       const char *bytes, size_t size)
{
	struct origin_stash *stash = service->stashes;

	if (size == 0 || connection->closing || connection->state == CONNECTION_CLOSED)
		return;
	if (stash)
		service->stashes = stash->next;
	else
		stash = malloc(sizeof(*stash));
	if (!stash) {
		drop(connection);
		return;
	}
	memcpy(stash->bytes, bytes, size);
	stash->at = 0;
	stash->end = size;
	connection->stash = stash;
}

static void serve_stash(struct origin_service *service, struct origin_connection *connection)
{
	struct origin_stash *stash = connection->stash;

	stash->at += serve(service, connection, stash->bytes + stash->at, stash->end - stash->at);
	if (stash->at == stash->end)
		release_stash(service, connection);
}

/* Goes on where an open connection stands: first what was received before, then the socket. */
static void resume(struct origin_service *service, struct origin_connection *connection)
{
	if (connection->stash)
		serve_stash(service, connection);
	while (connection->state == CONNECTION_OPEN && connection->readable) {
		ssize_t got = recv(connection->fd, service->buffer, sizeof(service->buffer), 0);
		size_t size = (size_t)got, taken;

		if (got <= 0) {
			if (got < 0 && errno == EINTR)
				continue;
			if (got < 0 && errno == EAGAIN)
				connection->readable = false;
			else
				drop(connection);
			return;
		}
		connection->readable = size == sizeof(service->buffer) || connection->peer_done;
		taken = serve(service, connection, service->buffer, size);
		stash_rest(service, connection, service->buffer + taken, size - taken);
	}
}

void origin_connection_ready(struct origin_service *service, struct origin_connection *connection,
			     uint32_t events)
{
	/* Pairs with the release by the thread that accepted it; costs nothing once it is here. */
	(void)atomic_load_explicit(&connection->taken, memory_order_acquire);
	if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		connection->readable = true;
	if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		connection->peer_done = true;
	if (connection->state == CONNECTION_LINGERING)
		discard(service, connection);
	else if (connection->state != CONNECTION_OPEN && (events & (EPOLLHUP | EPOLLERR)))
		drop(connection); /* nobody waits for the answer */
	else if (connection->state == CONNECTION_BLOCKED && (events & EPOLLOUT))
		push(service, connection);
	if (connection->state == CONNECTION_OPEN)
		resume(service, connection);
	leave(service, connection);
}

void origin_connection_due(struct origin_service *service, struct origin_connection *connection)
{
	if (connection->state == CONNECTION_LINGERING)
		drop(connection);
	else if (connection->state == CONNECTION_DELAYED)
		push(service, connection);
	if (connection->state == CONNECTION_OPEN)
		resume(service, connection);
	leave(service, connection);
}
