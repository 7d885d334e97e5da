/*
 * lab/wheel: never early, at most a tick late, in order, also where digits carry from level to
 * level; and cancelled timers never.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lab/wheel.h"

#define TICK (UINT64_C(1) << WHEEL_TICK_SHIFT)

struct entry {
	struct wheel_timer timer; /* first, so that one is the other */
	uint64_t deadline;
	unsigned number;
};

static struct wheel wheel;

static uint64_t random_word(uint64_t *state)
{
	*state ^= *state << 13; /* xorshift64, Marsaglia 2003 */
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static uint64_t rounded(uint64_t ns)
{
	return (ns + TICK - 1) / TICK * TICK;
}

static void add(struct entry *entry, uint64_t deadline)
{
	entry->deadline = deadline;
	wheel_add(&wheel, &entry->timer, deadline);
	assert_true(wheel_waits(&entry->timer));
}

static void empty(void **state)
{
	(void)state;
	wheel_init(&wheel, 12345);
	assert_true(wheel_empty(&wheel));
	assert_null(wheel_expire(&wheel, UINT64_MAX));
	assert_true(wheel_next_ns(&wheel) == UINT64_MAX);
}

/* A lone timer at each distance that needs one digit more, and at its neighbours. */
static void boundaries(void **state)
{
	static const uint64_t starts[] = {
		0, 1, TICK * 63, TICK * 64 - 1, TICK * 4095 + 17, UINT64_C(0x123456789abcdef)};
	struct entry one = {0};

	(void)state;
	for (size_t s = 0; s < sizeof(starts) / sizeof(starts[0]); s++) {
		for (unsigned shift = 0; shift < 60; shift++) {
			for (int64_t near = -1; near <= 1; near++) {
				uint64_t start = starts[s];
				uint64_t deadline = start + (UINT64_C(1) << shift) + (uint64_t)near;

				wheel_init(&wheel, start);
				add(&one, deadline);
				assert_true(wheel_next_ns(&wheel) == rounded(deadline) ||
					    rounded(deadline) <= start);
				if (deadline > start)
					assert_null(wheel_expire(&wheel, deadline - 1));
				assert_ptr_equal(wheel_expire(&wheel, rounded(deadline)),
						 &one.timer);
				assert_false(wheel_waits(&one.timer));
				assert_true(wheel_empty(&wheel));
			}
		}
	}
}

/* What is due already comes at once, and the wheel says not to sleep. */
static void past(void **state)
{
	struct entry one = {0};

	(void)state;
	wheel_init(&wheel, 1000 * TICK);
	add(&one, 5);
	assert_true(wheel_next_ns(&wheel) <= 1000 * TICK);
	assert_ptr_equal(wheel_expire(&wheel, 1000 * TICK), &one.timer);
}

/* A wheel that nobody turned for long takes new timers as well as one that was. */
static void stale(void **state)
{
	struct entry one = {0};
	uint64_t now = 77 * TICK * 4096 * 64 + 5;

	(void)state;
	wheel_init(&wheel, 0);
	add(&one, now + 5000000);
	assert_true(wheel_next_ns(&wheel) == rounded(now + 5000000));
	assert_null(wheel_expire(&wheel, now + 4999999));
	assert_true(wheel_next_ns(&wheel) == rounded(now + 5000000));
	assert_ptr_equal(wheel_expire(&wheel, rounded(now + 5000000)), &one.timer);
}

/* Of two in one slot of a high level, the one that was added later may be the earlier. */
static void earlier_later(void **state)
{
	struct entry entries[2] = {0};

	(void)state;
	for (unsigned level = 1; level < 8; level++) {
		uint64_t slot = TICK << (level * WHEEL_DIGIT_BITS);

		wheel_init(&wheel, 0);
		add(&entries[0], slot + 9 * TICK);
		add(&entries[1], slot + 3 * TICK);
		assert_true(wheel_next_ns(&wheel) == slot + 3 * TICK);
		assert_ptr_equal(wheel_expire(&wheel, slot + 9 * TICK), &entries[1].timer);
		assert_true(wheel_next_ns(&wheel) == slot + 9 * TICK);
		assert_ptr_equal(wheel_expire(&wheel, slot + 9 * TICK), &entries[0].timer);
	}
}

/* Timers of one tick come in the order in which they were added, also after being dealt out. */
static void ties(void **state)
{
	static struct entry entries[200];

	(void)state;
	wheel_init(&wheel, 0);
	for (unsigned i = 0; i < 100; i++)
		add(&entries[i], 9000 * TICK);
	assert_null(wheel_expire(&wheel, 8999 * TICK)); /* now they lie on the lowest level */
	for (unsigned i = 100; i < 200; i++)
		add(&entries[i], 9000 * TICK);
	for (unsigned i = 0; i < 200; i++)
		assert_ptr_equal(wheel_expire(&wheel, 9000 * TICK), &entries[i].timer);
	assert_null(wheel_expire(&wheel, 9000 * TICK));
	for (unsigned level = 0; level < 8; level++) {
		uint64_t deadline = (TICK << (level * WHEEL_DIGIT_BITS)) * 3 / 2;

		wheel_init(&wheel, 0);
		for (unsigned i = 0; i < 3; i++)
			add(&entries[i], deadline);
		for (unsigned i = 0; i < 3; i++)
			assert_ptr_equal(wheel_expire(&wheel, deadline + TICK), &entries[i].timer);
	}
}

static void cancel(void **state)
{
	struct entry entries[3] = {0};

	(void)state;
	wheel_init(&wheel, 0);
	for (unsigned i = 0; i < 3; i++)
		add(&entries[i], (i + 1) * UINT64_C(1000000));
	wheel_cancel(&wheel, &entries[0].timer);
	wheel_cancel(&wheel, &entries[0].timer);
	assert_false(wheel_waits(&entries[0].timer));
	wheel_cancel(&wheel, &entries[2].timer);
	assert_true(wheel_next_ns(&wheel) <= rounded(2000000));
	assert_ptr_equal(wheel_expire(&wheel, UINT64_C(10000000)), &entries[1].timer);
	assert_null(wheel_expire(&wheel, UINT64_C(10000000)));
	assert_true(wheel_empty(&wheel));
	assert_true(wheel_next_ns(&wheel) == UINT64_MAX);
	/* One taken out may go in again, into a slot that was emptied behind the wheel's back. */
	add(&entries[0], 12000000);
	assert_true(wheel_next_ns(&wheel) <= rounded(12000000));
	assert_ptr_equal(wheel_expire(&wheel, 13000000), &entries[0].timer);
}

/* A sleeper that sleeps just until wheel_next_ns() meets every deadline to the tick. */
static void crowd(void **state)
{
	enum { COUNT = 100000 };
	struct entry *entries = calloc(COUNT, sizeof(*entries));
	uint64_t seed = 42, now = UINT64_C(987654321), last = 0;
	unsigned expired = 0, added = 0, cancelled = 0, wakes = 0;

	(void)state;
	assert_non_null(entries);
	wheel_init(&wheel, now);
	while (expired + cancelled < COUNT) {
		struct wheel_timer *timer;
		uint64_t next;

		for (unsigned i = 0; i < 1000 && added < COUNT; i++, added++) {
			uint64_t reach = UINT64_C(1) << (random_word(&seed) % 36);

			add(&entries[added], now + random_word(&seed) % reach);
		}
		if (added && random_word(&seed) % 2) {
			struct entry *victim = &entries[random_word(&seed) % added];

			cancelled += wheel_waits(&victim->timer);
			wheel_cancel(&wheel, &victim->timer);
		}
		next = wheel_next_ns(&wheel);
		now = next > now && next != UINT64_MAX ? next : now + 1;
		wakes++;
		while ((timer = wheel_expire(&wheel, now))) {
			struct entry *entry = (struct entry *)timer;

			assert_true(entry->deadline <= now);
			/* The wake may serve a cancelled timer, but no timer waits for a later. */
			assert_true(rounded(entry->deadline) >= last);
			expired++;
		}
		last = now;
	}
	assert_true(wheel_empty(&wheel));
	assert_int_equal(expired + cancelled, COUNT);
	assert_true(wakes <= COUNT * 2);
	free(entries);
}

/* Against the simplest thing that can be right: at any time, what is due is what expires. */
static void model(void **state)
{
	enum { COUNT = 400 };
	static struct entry entries[COUNT];
	uint64_t seed = 7, now = 0;

	(void)state;
	memset(entries, 0, sizeof(entries));
	wheel_init(&wheel, now);
	for (unsigned round = 0; round < 3000; round++) {
		struct entry *entry = &entries[random_word(&seed) % COUNT];
		struct wheel_timer *timer;
		uint64_t previous = 0;

		if (!wheel_waits(&entry->timer))
			add(entry, now + random_word(&seed) % (TICK << (round % 20)));
		else if (round % 5 == 0)
			wheel_cancel(&wheel, &entry->timer);
		now += random_word(&seed) % (TICK << (round % 14));
		while ((timer = wheel_expire(&wheel, now))) {
			assert_true(((struct entry *)timer)->deadline <= now);
			assert_true(timer->tick >= previous);
			previous = timer->tick;
		}
		for (unsigned i = 0; i < COUNT; i++)
			if (wheel_waits(&entries[i].timer))
				assert_true(rounded(entries[i].deadline) > now);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty),  cmocka_unit_test(boundaries),
		cmocka_unit_test(past),	  cmocka_unit_test(stale),
		cmocka_unit_test(ties),	  cmocka_unit_test(earlier_later),
		cmocka_unit_test(cancel), cmocka_unit_test(crowd),
		cmocka_unit_test(model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
