/*
 * Timers for requests that wait: a hierarchical timing wheel (Varghese & Lauck, "Hashed and
 * Hierarchical Timing Wheels", SOSP 1987, scheme 7). Adding, cancelling and expiring a timer cost
 * the same whether ten or a million wait, and the next deadline is known exactly, so that the
 * caller can sleep until it. Not thread-safe: one wheel a thread.
 */
#ifndef LAB_WHEEL_H
#define LAB_WHEEL_H

#include <stdbool.h>
#include <stdint.h>

#define WHEEL_TICK_SHIFT 12 /* a tick is 4.096 us: the most by which the wheel makes a timer late */
#define WHEEL_DIGIT_BITS 6
#define WHEEL_SLOTS	 (1U << WHEEL_DIGIT_BITS)
#define WHEEL_LEVELS	 9 /* 9 digits of 6 bits hold every tick of a 64-bit time */

/* Embedded in what waits; its memory belongs to the caller and stays put while it waits. */
struct wheel_timer {
	struct wheel_timer *next, *prev; /* NULL when it does not wait */
	uint64_t tick;			 /* deadline, rounded up */
};

struct wheel {
	uint64_t tick; /* how far the wheel has turned */
	uint64_t count;
	uint64_t occupied[WHEEL_LEVELS]; /* a bit for each slot that may hold a timer */
	struct wheel_timer due;		 /* ring: expired, not yet handed out */
	struct wheel_timer slots[WHEEL_LEVELS][WHEEL_SLOTS]; /* rings */
	uint64_t earliest[WHEEL_LEVELS][WHEEL_SLOTS];	     /* lower bound of the slot's ticks */
};

/* All times are nanoseconds of one clock that never runs backwards. */
void wheel_init(struct wheel *wheel, uint64_t now_ns);

/* Makes `timer` (not waiting) expire at deadline_ns; a deadline in the past expires at once. */
void wheel_add(struct wheel *wheel, struct wheel_timer *timer, uint64_t deadline_ns);

/* Takes `timer` out if it waits; does nothing otherwise. */
void wheel_cancel(struct wheel *wheel, struct wheel_timer *timer);

/*
 * The next timer whose deadline is not after now_ns, taken out, or NULL. Never early, at most a
 * tick late; earlier ticks first, and within a tick in the order in which they were added.
 */
struct wheel_timer *wheel_expire(struct wheel *wheel, uint64_t now_ns);

/*
 * When to call wheel_expire() next, UINT64_MAX when nothing waits. Exact, except that it may lie
 * too early by what was cancelled.
 */
uint64_t wheel_next_ns(const struct wheel *wheel);

static inline bool wheel_empty(const struct wheel *wheel)
{
	return wheel->count == 0;
}

static inline bool wheel_waits(const struct wheel_timer *timer)
{
	return timer->next != 0;
}

#endif
