/*
 * The sending half of a connection: an answer from the moment it is chosen until it is out, and
 * what becomes of the connection then. For origin_connection.c only.
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
void origin_answer_queue(struct origin_service *service, struct origin_connection *connection,
			 const struct origin_reply *reply);

/* Sends the answer under way as far as the socket takes it. */
void origin_answer_push(struct origin_service *service, struct origin_connection *connection);

/* The connection's end after its last answer, in order. */
void origin_answer_end(struct origin_service *service, struct origin_connection *connection);

/* Throws away what still comes until the client closes too, so that it gets to read the answer. */
void origin_answer_discard(struct origin_service *service, struct origin_connection *connection);

#endif
