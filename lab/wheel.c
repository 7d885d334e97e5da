/*
 * A timer lies on the level of the highest digit (base 64) in which its tick differs from the
 * wheel's, in the slot of that digit's value. So everything on a level expires before anything on
 * the levels above, slots of a level expire in order, and no slot ever wraps: the first occupied
 * slot of the lowest occupied level is always the next one. A slot reached on a level above the
 * lowest is dealt out again to the levels below.
 */
#include "lab/wheel.h"

#include <stddef.h>

#define TICK_NS (UINT64_C(1) << WHEEL_TICK_SHIFT)

static void ring_init(struct wheel_timer *ring)
{
	ring->next = ring;
	ring->prev = ring;
}

static void ring_append(struct wheel_timer *ring, struct wheel_timer *timer)
{
	timer->next = ring;
	timer->prev = ring->prev;
	ring->prev->next = timer;
	ring->prev = timer;
}

static void ring_remove(struct wheel_timer *timer)
{
	timer->prev->next = timer->next;
	timer->next->prev = timer->prev;
	timer->next = NULL;
	timer->prev = NULL;
}

void wheel_init(struct wheel *wheel, uint64_t now_ns)
{
	wheel->tick = now_ns >> WHEEL_TICK_SHIFT;
	wheel->count = 0;
	ring_init(&wheel->due);
	for (unsigned level = 0; level < WHEEL_LEVELS; level++) {
		wheel->occupied[level] = 0;
		for (unsigned slot = 0; slot < WHEEL_SLOTS; slot++)
			ring_init(&wheel->slots[level][slot]);
	}
}

/* Puts a timer where its tick belongs as the wheel stands now. */
static void place(struct wheel *wheel, struct wheel_timer *timer)
{
	unsigned level, slot;
	uint64_t bit;

	if (timer->tick <= wheel->tick) {
		ring_append(&wheel->due, timer);
		return;
	}
	level = (63U - (unsigned)__builtin_clzll(timer->tick ^ wheel->tick)) / WHEEL_DIGIT_BITS;
	slot = (timer->tick >> (level * WHEEL_DIGIT_BITS)) & (WHEEL_SLOTS - 1);
	bit = UINT64_C(1) << slot;
	if (!(wheel->occupied[level] & bit) || timer->tick < wheel->earliest[level][slot])
		wheel->earliest[level][slot] = timer->tick;
	wheel->occupied[level] |= bit;
	ring_append(&wheel->slots[level][slot], timer);
}

void wheel_add(struct wheel *wheel, struct wheel_timer *timer, uint64_t deadline_ns)
{
	timer->tick = deadline_ns / TICK_NS + (deadline_ns % TICK_NS != 0);
	wheel->count++;
	place(wheel, timer);
}

void wheel_cancel(struct wheel *wheel, struct wheel_timer *timer)
{
	/* The slot's bit stays set: finding out whether it was the last would need its ring. */
	if (!wheel_waits(timer))
		return;
	ring_remove(timer);
	wheel->count--;
}

/* The next slot to expire: its level, or -1 when all are empty. */
static int first_slot(const struct wheel *wheel, unsigned *slot)
{
	for (int level = 0; level < WHEEL_LEVELS; level++) {
		if (wheel->occupied[level]) {
			*slot = (unsigned)__builtin_ctzll(wheel->occupied[level]);
			return level;
		}
	}
	return -1;
}

/* Turns the wheel to a slot's first tick and deals its timers out again, in their order. */
static void open_slot(struct wheel *wheel, unsigned level, unsigned slot, uint64_t start)
{
	struct wheel_timer *ring = &wheel->slots[level][slot];
	struct wheel_timer *timer = ring->next;

	wheel->tick = start;
	wheel->occupied[level] &= ~(UINT64_C(1) << slot);
	ring_init(ring);
	while (timer != ring) {
		struct wheel_timer *next = timer->next;

		place(wheel, timer);
		timer = next;
	}
}

struct wheel_timer *wheel_expire(struct wheel *wheel, uint64_t now_ns)
{
	uint64_t now = now_ns >> WHEEL_TICK_SHIFT;
	struct wheel_timer *timer;

	while (wheel->due.next == &wheel->due) {
		unsigned slot = 0;
		int level = first_slot(wheel, &slot);
		unsigned shift = level < 0 ? 0 : (unsigned)level * WHEEL_DIGIT_BITS;
		/* The digits above the level's are the wheel's own, those below are zero. */
		uint64_t start =
			((wheel->tick >> shift >> WHEEL_DIGIT_BITS << WHEEL_DIGIT_BITS) | slot)
			<< shift;

		if (level < 0 || start > now) {
			if (now > wheel->tick)
				wheel->tick = now;
			return NULL;
		}
		open_slot(wheel, (unsigned)level, slot, start);
	}
	timer = wheel->due.next;
	ring_remove(timer);
	wheel->count--;
	return timer;
}

uint64_t wheel_next_ns(const struct wheel *wheel)
{
	unsigned slot = 0;
	int level;

	if (wheel->count == 0)
		return UINT64_MAX;
	if (wheel->due.next != &wheel->due)
		return wheel->tick << WHEEL_TICK_SHIFT;
	level = first_slot(wheel, &slot);
	return level < 0 ? UINT64_MAX : wheel->earliest[level][slot] << WHEEL_TICK_SHIFT;
}
