/*
 * Moving a nonblocking socket as far as it goes: what polling by hand, select, poll and epoll
 * have in common. They differ in how they learn that it is worth trying again.
 */
#ifndef FETCH_READINESS_H
#define FETCH_READINESS_H

#include "kernels/fetch/model.h"

/* Whether to send at once, or to return a connection that wants to send, for a batch of sends. */
enum readiness_sends { READINESS_SEND, READINESS_HOLD_SENDS };

/*
 * So many connections receive in a row, before those with a next request send in a row: each row
 * finds the kernel's code in the caches, and the second finds the sockets there as well as long
 * as the batch is small. With 10,000 connections a fetch costs 6 % less CPU than in one batch of
 * all that are ready (median of 8 interleaved pairs, on a busy machine), with 1000 about as much
 * less; with 64 it is the same. Sizes from 32 to 256 differ by less than the noise.
 */
#define READINESS_BATCH 64

/*
 * So many receives a lane may make in a row: then the others have their turn, and time limits
 * theirs, however fast a server sends. One of a coded body counts for all: it may decode to a
 * thousand times its length.
 */
#define READINESS_RECEIVES 16

/* The lane that a connection belongs to. */
static inline unsigned readiness_lane(const struct worker *worker,
				      const struct connection *connection)
{
	return connection->index / worker->endpoints_count;
}

/*
 * Moves the lane that connection is busy with until it would have to wait or has no more to do;
 * goes on to the lane's next fetches meanwhile. opened() is called for each new socket, before
 * it is connected; it returns 0 or -errno. Returns the connection that waits, or NULL at the
 * lane's end. Never tries to receive straight after sending: the answer is never there yet.
 * Sets worker->unread where a connection has had its receives and there may be more: who hears of
 * news only has to ask for it anew, and to clear it.
 */
struct connection *readiness_advance(struct worker *worker, struct connection *connection,
				     int (*opened)(struct worker *, struct connection *),
				     enum readiness_sends sends);

/*
 * One step of a connection that wants something other than NOTHING: one attempt at what it
 * wants. Returns true when it wants something else now, false when it has to wait.
 */
bool readiness_step(struct worker *worker, struct connection *connection,
		    int (*opened)(struct worker *, struct connection *));

/*
 * Closes the connections whose fetch has had its time, and moves their lanes on. To be called
 * where worker_ticked() says so; moved() is told what each lane waits for then, or NULL.
 */
void readiness_expire(struct worker *worker, int (*opened)(struct worker *, struct connection *),
		      void (*moved)(struct worker *, unsigned lane, struct connection *));

#endif
