/*
 * The ring of an io_uring worker: made with the variants that were chosen, tried out, and entered.
 * All that the model's files share of it is here.
 */
#ifndef FETCH_URING_RING_H
#define FETCH_URING_RING_H

#include <liburing.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels/fetch/model.h"
#include "kernels/fetch/uring_abi.h"
#include "kernels/fetch/uring_buffers.h"
#include "kernels/fetch/uring_options.h"

struct uring {
	struct io_uring ring;
	struct uring_buffers buffers;
	struct uring_options options;
	struct uring_findings findings;
	bool made;
	unsigned enter_flags;		   /* of every io_uring_enter() */
	int broken;			   /* -errno of a submit that failed for good */
	struct io_uring_sqe spare;	   /* what is then filled in for nobody */
	struct io_uring_sqe send, receive; /* what all of these have in common */
	uint32_t *volatile_sends;	   /* see operations_send_is_out(); one a connection */
	uint32_t *parked; /* connections that found no buffer, first come first served */
	unsigned parked_first, parked_count;
	struct uring_registered_wait *waiting; /* registered-wait: its arguments */
};

/*
 * Makes the ring for the worker, u->options being set. Returns 0, or -errno with one line in why
 * that says what the kernel refused.
 */
int uring_make(struct uring *u, struct worker *worker, char *why, size_t why_size);

/* Tries every operation that the options ask for; returns as uring_make(). */
int uring_probe(struct uring *u, char *why, size_t why_size);

/*
 * Whether NAPI has something to poll: false where only loopback is fetched from, or where what
 * arrived so far came by no device's queue.
 */
bool uring_has_queues(const struct worker *worker);

/* Also what uring_make() left unfinished. */
void uring_free(struct uring *u);

/*
 * Hands over what is queued and, with wait_for > 0, waits for so many completions, for wait_ns at
 * most (-1: for ever). Makes no call when none is needed. Returns 0, or -errno when the ring
 * itself broke down; neither a signal nor the end of the time is that.
 */
int uring_enter(struct uring *u, struct calls *calls, unsigned wait_for, int64_t wait_ns);

/* Room for `count` operations in a row, so that a link between them is never cut. */
void uring_make_room(struct uring *u, struct calls *calls, unsigned count);

/* Whether a spinning thread has to enter: something is queued, or to be worked off. */
static inline bool uring_wants_entering(const struct uring *u)
{
	return io_uring_sq_ready(&u->ring) ||
	       IO_URING_READ_ONCE(*u->ring.sq.kflags) & (IORING_SQ_CQ_OVERFLOW | IORING_SQ_TASKRUN);
}

static inline struct io_uring_sqe *uring_take(struct uring *u, struct calls *calls)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&u->ring);

	if (__builtin_expect(!sqe, 0)) {
		uring_make_room(u, calls, 1);
		sqe = u->broken ? &u->spare : io_uring_get_sqe(&u->ring);
	}
	return sqe;
}

#endif
