/*
 * The sending half of a connection: an answer from the moment it is chosen until it is out, and
 * what becomes of the connection then. For origin_connection.c and
 * origin_secure.c only.
 */
#ifndef LAB_ORIGIN_ANSWER_H
#define LAB_ORIGIN_ANSWER_H

#include "lab/origin_connection.h"

/*
 * Marks it closed. The descriptor is given back last of all, by origin_connection_leave(): from
 * then on another thread may accept a client on it, and in this slot.
 */
static inline void origin_drop(struct origin_connection *connection)
{
	connection->state = CONNECTION_CLOSED;
}

/*
 * Puts the answer under way for when its time has come, if it has one: true then. False: it is to
 * be given now.
 */
bool origin_answer_delay(struct origin_service *service, struct origin_connection *connection,
			 const struct origin_reply *reply);

/* Sends an answer, in one call where the socket takes it. */
void origin_answer_give(struct origin_service *service, struct origin_connection *connection,
			const struct origin_reply *reply);

/*
 * The answer, which has to stay in the cache, waits until the batch's other requests are received:
 * recv()s in a row, then send()s in a row, find the kernel's code in the cache and wake the client
 * once, for 5 % less CPU.
 */
static inline void origin_answer_queue(struct origin_service *service,
				       struct origin_connection *connection,
				       const struct origin_reply *reply)
{
	/* Before it is among them: a flush may close what it sends to, and this one is in use. */
	if (service->queued == ORIGIN_QUEUE_MAX)
		origin_service_flush(service);
	connection->state = CONNECTION_QUEUED;
	service->queue[service->queued++] = (struct origin_queued){connection, reply};
}

/* Sends the answer under way as far as the socket takes it. */
void origin_answer_push(struct origin_service *service, struct origin_connection *connection);

/* The connection's end after its last answer, in order. */
void origin_answer_end(struct origin_service *service, struct origin_connection *connection);

/* Its answer is out: counts it, and does with the connection what the answer wants. */
void origin_answer_done(struct origin_service *service, struct origin_connection *connection);

/* Puts an answer under way, without sending any of it. */
void origin_answer_load(struct origin_connection *connection, const struct origin_reply *reply);

static inline bool origin_answer_left(const struct origin_connection *connection)
{
	return connection->head_at < connection->head_end ||
	       connection->body_at < connection->body_end;
}

/* The next byte of a head that goes out slowly has to wait: puts it off, and true. */
bool origin_answer_slowly(struct origin_service *service, struct origin_connection *connection);

/* Takes what was sent off the answer under way. */
void origin_answer_advance(struct origin_connection *connection, size_t sent);

/* Throws away what still comes until the client closes too, so that it gets to read the answer. */
void origin_answer_discard(struct origin_service *service, struct origin_connection *connection);

#endif
