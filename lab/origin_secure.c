/*
 * One recv() and one send() an exchange: whatever a batch of records gives is written into the
 * thread's outbox, answers and handshake messages alike, and sent at its end.
 */
#include "lab/origin_secure.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "lab/origin_answer.h"

struct origin_secure_service *origin_secure_service_new(SSL_CTX *context)
{
	struct origin_secure_service *service = calloc(1, sizeof(*service));

	if (service)
		service->context = context;
	return service;
}

void origin_secure_service_free(struct origin_secure_service *service)
{
	while (service && service->outboxes) {
		struct origin_outbox *outbox = service->outboxes;

		service->outboxes = outbox->next;
		free(outbox);
	}
	free(service);
}

void origin_secure_free(struct origin_secure *secure)
{
	if (!secure)
		return;
	origin_tls_free(&secure->tls);
	free(secure->raw);
	free(secure->unsent);
	free(secure);
}

void origin_secure_leave(struct origin_service *service, struct origin_connection *connection)
{
	const struct origin_tls *tls = &connection->secure->tls;

	service->secure->handshakes.failed += tls->heard && !tls->established;
	origin_secure_free(connection->secure);
	connection->secure = NULL;
}

static bool begin(struct origin_service *service, struct origin_connection *connection)
{
	struct origin_secure_service *shared = service->secure;
	struct origin_secure *secure = calloc(1, sizeof(*secure));

	if (!secure || !origin_tls_begin(&secure->tls, shared->context, &shared->out)) {
		free(secure);
		return false;
	}
	connection->secure = secure;
	return true;
}

/* What the socket has no room for waits in an outbox of the connection's own. */
static bool keep_unsent(struct origin_service *service, struct origin_connection *connection,
			const char *bytes, size_t size)
{
	struct origin_secure_service *shared = service->secure;
	struct origin_outbox *outbox = shared->outboxes;

	if (outbox)
		shared->outboxes = outbox->next;
	else
		outbox = malloc(sizeof(*outbox));
	if (!outbox)
		return false;
	memcpy(outbox->bytes, bytes, size);
	outbox->at = 0;
	outbox->end = size;
	connection->secure->unsent = outbox;
	return true;
}

/* Sends what it can and returns how much that was; drops the connection when it is broken. */
static size_t send_all(struct origin_service *service, struct origin_connection *connection,
		       const char *bytes, size_t size)
{
	size_t at = 0;

	while (at < size) {
		ssize_t sent = send(connection->fd, bytes + at, size - at, MSG_NOSIGNAL);

		if (sent >= 0) {
			at += (size_t)sent;
		} else if (errno != EINTR) {
			if (errno != EAGAIN)
				origin_drop(connection);
			break;
		}
	}
	service->bytes_sent += at;
	return at;
}

/* Empties the thread's outbox. True: all is sent. False: the rest is kept, or all is over. */
static bool flush(struct origin_service *service, struct origin_connection *connection)
{
	struct origin_outbox *out = &service->secure->out;
	size_t size = out->end, sent;

	out->end = 0;
	sent = send_all(service, connection, out->bytes, size);
	if (sent == size)
		return true;
	if (connection->state != CONNECTION_CLOSED &&
	    !keep_unsent(service, connection, out->bytes + sent, size - sent))
		origin_drop(connection);
	return false;
}

static bool send_unsent(struct origin_service *service, struct origin_connection *connection)
{
	struct origin_secure_service *shared = service->secure;
	struct origin_outbox *outbox = connection->secure->unsent;

	if (!outbox)
		return true;
	outbox->at +=
		send_all(service, connection, outbox->bytes + outbox->at, outbox->end - outbox->at);
	if (outbox->at < outbox->end)
		return false;
	outbox->next = shared->outboxes;
	shared->outboxes = outbox;
	connection->secure->unsent = NULL;
	return true;
}

/* The content of the next record of the answer under way; returns its size. */
static size_t next_record(struct origin_service *service,
			  const struct origin_connection *connection, const char **bytes)
{
	char *staging = service->secure->staging;
	size_t head = connection->head_end - connection->head_at;
	uint64_t body = connection->body_end - connection->body_at;
	const char *from = connection->body ? connection->body->bytes + connection->body_at
					    : origin_pattern + connection->body_at % BODY_PERIOD;

	if (head && connection->slow_ns) {
		head = 1;
		body = 0;
	}
	if (body > RECORD_MAX - head)
		body = RECORD_MAX - head;
	if (!head) {
		*bytes = from;
		return (size_t)body;
	}
	memcpy(staging, connection->head + connection->head_at, head);
	if (body)
		memcpy(staging + head, from, (size_t)body);
	*bytes = staging;
	return head + (size_t)body;
}

/* As many records of the answer under way as one send() takes. */
static bool encrypt(struct origin_service *service, struct origin_connection *connection)
{
	struct origin_outbox *out = &service->secure->out;

	do {
		const char *bytes;
		size_t size = next_record(service, connection, &bytes);

		if (!origin_tls_write(&connection->secure->tls, bytes, size))
			return false;
		origin_answer_advance(connection, size);
	} while (!connection->slow_ns && origin_answer_left(connection) &&
		 origin_outbox_has_room(out));
	return true;
}

static void block(struct origin_connection *connection)
{
	if (connection->state != CONNECTION_CLOSED)
		connection->state = CONNECTION_BLOCKED;
}

void origin_secure_push(struct origin_service *service, struct origin_connection *connection)
{
	for (;;) {
		if (!send_unsent(service, connection)) {
			block(connection);
			return;
		}
		if (!origin_answer_left(connection)) {
			origin_answer_done(service, connection);
			return;
		}
		if (!encrypt(service, connection)) {
			origin_drop(connection);
			return;
		}
		if (!flush(service, connection)) {
			block(connection);
			return;
		}
		if (origin_answer_slowly(service, connection))
			return;
	}
}

void origin_secure_give(struct origin_service *service, struct origin_connection *connection,
			const struct origin_reply *reply)
{
	struct origin_tls *tls = &connection->secure->tls;

	if (!reply->whole) {
		origin_answer_load(connection, reply);
		origin_secure_push(service, connection);
		return;
	}
	if (reply->inline_size && !origin_tls_write(tls, reply->bytes, reply->inline_size)) {
		origin_drop(connection);
	} else if (flush(service, connection)) {
		origin_answer_done(service, connection);
	} else {
		/* Under way, with nothing left to encrypt. */
		origin_answer_load(connection, reply);
		origin_answer_advance(connection, reply->head_size + reply->body_size);
		block(connection);
	}
}

void origin_secure_goodbye(struct origin_service *service, struct origin_connection *connection)
{
	if (connection->secure->unsent)
		return;
	origin_tls_close(&connection->secure->tls);
	flush(service, connection);
}

/* The client has ended it, or does not speak TLS: the last word is ours, if there is one. */
static void break_off(struct origin_service *service, struct origin_connection *connection,
		      enum origin_records verdict)
{
	connection->after = verdict == RECORDS_END ? AFTER_CLOSE : AFTER_CUT;
	connection->unread = verdict == RECORDS_BROKEN;
	if (!flush(service, connection))
		origin_drop(connection);
	else
		origin_answer_end(service, connection);
}

static void count_handshake(struct origin_service *service, const struct origin_tls *tls)
{
	struct origin_handshakes *handshakes = &service->secure->handshakes;

	if (tls->resumed)
		handshakes->resumed++;
	else
		handshakes->full++;
}

/* Serves what the bytes in tls->in hold, while that goes without waiting. */
static void take_records(struct origin_service *service, struct origin_connection *connection)
{
	struct origin_secure_service *shared = service->secure;
	struct origin_tls *tls = &connection->secure->tls;

	while (connection->state == CONNECTION_OPEN) {
		bool before = tls->established;
		size_t got = 0;
		enum origin_records verdict =
			origin_tls_read(tls, shared->plain, sizeof(shared->plain), &got);

		if (tls->established && !before)
			count_handshake(service, tls);
		if (verdict == RECORDS_MORE)
			break;
		if (verdict != RECORDS_DATA) {
			break_off(service, connection, verdict);
			return;
		}
		/* Serving may send what others have queued, by the same outbox. */
		if (shared->out.end && service->queued && !flush(service, connection)) {
			origin_drop(connection);
			return;
		}
		/* More to read, or something to send already: not a connection to be queued. */
		connection->readable |= origin_tls_pending(tls) || shared->out.end;
		origin_connection_take(service, connection, shared->plain, got);
		if (!origin_tls_pending(tls))
			break; /* spares the read that would say so */
	}
	if (connection->state == CONNECTION_CLOSED)
		shared->out.end = 0;
	else if (!flush(service, connection) && connection->state == CONNECTION_OPEN)
		origin_drop(connection); /* a socket with no room for a handshake is not worth it */
}

/* Those of the received bytes that have to wait for an answer before them. */
static void keep_raw(struct origin_service *service, struct origin_connection *connection)
{
	struct origin_secure *secure = connection->secure;
	size_t left = secure->tls.in_left;

	secure->tls.in_left = 0;
	if (left == 0 || connection->after != AFTER_KEEP || connection->state == CONNECTION_CLOSED)
		return;
	secure->raw = origin_stash_new(service, secure->tls.in, left);
	if (!secure->raw)
		origin_drop(connection);
}

/* What was received before and could not be served yet. */
static void take_raw(struct origin_service *service, struct origin_connection *connection)
{
	struct origin_secure *secure = connection->secure;
	struct origin_stash *raw = secure->raw;

	if (raw) {
		secure->raw = NULL;
		secure->tls.in = raw->bytes;
		secure->tls.in_left = raw->end;
	}
	if (origin_tls_pending(&secure->tls)) {
		take_records(service, connection);
		keep_raw(service, connection);
	}
	origin_stash_release(service, raw);
}

void origin_secure_resume(struct origin_service *service, struct origin_connection *connection)
{
	if (connection->state != CONNECTION_OPEN)
		return;
	if (!connection->secure && !begin(service, connection)) {
		origin_drop(connection);
		return;
	}
	take_raw(service, connection);
	while (connection->state == CONNECTION_OPEN && connection->readable) {
		struct origin_tls *tls = &connection->secure->tls;
		ssize_t got = recv(connection->fd, service->buffer, sizeof(service->buffer), 0);

		if (got <= 0) {
			if (got < 0 && errno == EINTR)
				continue;
			if (got < 0 && errno == EAGAIN)
				connection->readable = false;
			else
				origin_drop(connection);
			return;
		}
		connection->readable = got == sizeof(service->buffer) || connection->peer_done;
		tls->heard = true;
		tls->in = service->buffer;
		tls->in_left = (size_t)got;
		take_records(service, connection);
		keep_raw(service, connection);
	}
}
