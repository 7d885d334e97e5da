/*
 * The hot path is origin_connection_ready -> resume -> answer: one recv() into a buffer shared by
 * all connections, a look into the cache of requests, one send(). A short read proves the socket
 * empty, so no second recv() is spent on EAGAIN; epoll is told of a socket once and never again.
 */
#include "lab/origin_answer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lab/origin_secure.h"

void origin_connection_open(struct origin_connection *connection, int fd, bool tls)
{
	connection->fd = fd;
	connection->state = CONNECTION_OPEN;
	connection->readable = false;
	connection->peer_done = false;
	connection->unread = false;
	connection->tls = tls;
	connection->parser.midway = false;
}

struct origin_stash *origin_stash_new(struct origin_service *service, const char *bytes,
				      size_t size)
{
	struct origin_stash *stash = service->stashes;

	if (stash)
		service->stashes = stash->next;
	else
		stash = malloc(sizeof(*stash));
	if (!stash)
		return NULL;
	memcpy(stash->bytes, bytes, size);
	stash->at = 0;
	stash->end = size;
	return stash;
}

void origin_stash_release(struct origin_service *service, struct origin_stash *stash)
{
	if (!stash)
		return;
	stash->next = service->stashes;
	service->stashes = stash;
}

void origin_connection_leave(struct origin_service *service, struct origin_connection *connection)
{
	int fd = connection->fd;

	wheel_cancel(&service->wheel, &connection->timer);
	origin_stash_release(service, connection->stash);
	connection->stash = NULL;
	origin_body_release(connection->body);
	connection->body = NULL;
	if (connection->secure)
		origin_secure_leave(service, connection);
	atomic_store_explicit(&connection->taken, false, memory_order_release);
	close(fd);
}

void origin_connection_abandon(struct origin_connection *connection)
{
	origin_secure_free(connection->secure);
	origin_body_release(connection->body);
	free(connection->stash);
	close(connection->fd);
}

void origin_service_release(struct origin_service *service)
{
	origin_cache_release(&service->cache);
	origin_bodies_release(&service->contents.bodies);
	while (service->stashes) {
		struct origin_stash *stash = service->stashes;

		service->stashes = stash->next;
		free(stash);
	}
	origin_secure_service_free(service->secure);
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
					   &service->contents, &used);
		if (!reply)
			return used;
	}
	connection->after = reply->after;
	connection->after_ns = reply->after_ns;
	connection->unread = used < size;
	if ((service->latency.kind != LATENCY_NONE || reply->delay_ns != REPLY_NO_DELAY) &&
	    origin_answer_delay(service, connection, reply))
		return used;
	/* Queued only if nothing is left to be done for the connection after the answer. */
	if (remembered && used == size && !connection->readable)
		origin_answer_queue(service, connection, reply);
	else
		origin_answer_give(service, connection, reply);
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

static inline void take(struct origin_service *service, struct origin_connection *connection,
			const char *bytes, size_t size)
{
	size_t taken = serve(service, connection, bytes, size);

	/* After a last answer nothing will be read. */
	if (taken == size || connection->after != AFTER_KEEP ||
	    connection->state == CONNECTION_CLOSED)
		return;
	connection->stash = origin_stash_new(service, bytes + taken, size - taken);
	if (!connection->stash)
		origin_drop(connection);
}

void origin_connection_take(struct origin_service *service, struct origin_connection *connection,
			    const char *bytes, size_t size)
{
	take(service, connection, bytes, size);
}

static void serve_stash(struct origin_service *service, struct origin_connection *connection)
{
	struct origin_stash *stash = connection->stash;

	stash->at += serve(service, connection, stash->bytes + stash->at, stash->end - stash->at);
	if (stash->at < stash->end)
		return;
	origin_stash_release(service, stash);
	connection->stash = NULL;
}

/* Goes on where an open connection stands: first what was received before, then the socket. */
static void resume(struct origin_service *service, struct origin_connection *connection)
{
	if (connection->stash)
		serve_stash(service, connection);
	if (connection->tls) {
		origin_secure_resume(service, connection);
		return;
	}
	while (connection->state == CONNECTION_OPEN && connection->readable) {
		ssize_t got = recv(connection->fd, service->buffer, sizeof(service->buffer), 0);
		size_t size = (size_t)got;

		if (got <= 0) {
			if (got < 0 && errno == EINTR)
				continue;
			if (got < 0 && errno == EAGAIN)
				connection->readable = false;
			else
				origin_drop(connection);
			return;
		}
		connection->readable = size == sizeof(service->buffer) || connection->peer_done;
		take(service, connection, service->buffer, size);
	}
}

/* A client that only says no more may still read: it is gone only where it is told no more. */
static bool gone(const struct origin_connection *connection, uint32_t events)
{
	return (events & (EPOLLHUP | EPOLLERR)) ||
	       (connection->state == CONNECTION_HELD && (events & EPOLLRDHUP));
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
		origin_answer_discard(service, connection);
	else if (connection->state != CONNECTION_OPEN && gone(connection, events))
		origin_drop(connection); /* nobody waits for the answer */
	else if (connection->state == CONNECTION_BLOCKED && (events & EPOLLOUT))
		origin_answer_push(service, connection);
	if (connection->state == CONNECTION_OPEN)
		resume(service, connection);
	if (connection->state == CONNECTION_CLOSED)
		origin_connection_leave(service, connection);
}

void origin_connection_due(struct origin_service *service, struct origin_connection *connection)
{
	if (connection->state == CONNECTION_LINGERING)
		origin_drop(connection);
	else if (connection->state == CONNECTION_HELD)
		origin_answer_end(service, connection);
	else if (connection->state == CONNECTION_DELAYED)
		origin_answer_push(service, connection);
	if (connection->state == CONNECTION_OPEN)
		resume(service, connection);
	if (connection->state == CONNECTION_CLOSED)
		origin_connection_leave(service, connection);
}
