/*
 * The map of a kept pool, the same for threads and processes: tickets, logs, sleeping and waking.
 * pool_inside.h explains why no ticket can be taken for the wrong map. Sleeping follows Dekker:
 * each side says what it is about to do, then looks again at what the other said, both with
 * sequentially consistent operations, so that no wake-up is lost.
 */
#include "kernels/pool/pool_inside.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "kernels/pool/futex.h"

/* Looks between two readings of the clock: about a microsecond. */
#define LOOKS 16

/* An odd generation asks for usage instead of work. */
#define IS_REPORT(generation) ((generation)&1)

struct spin {
	uint64_t until_ns; /* 0: not begun */
	uint64_t look_ns;  /* when to look for the dead */
	uint64_t now_ns;   /* at the last reading of the clock */
	unsigned looks;
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* Pauses a moment, or is false when it is time to sleep. */
static bool spin_on(struct spin *spin, uint64_t limit_ns)
{
	if (!limit_ns)
		return false;
	if (spin->looks++ % LOOKS == 0) {
		spin->now_ns = now_ns();
		if (!spin->until_ns) {
			spin->until_ns = spin->now_ns + limit_ns;
			spin->look_ns = spin->now_ns + POOL_LOOK_NS;
		} else if (spin->now_ns >= spin->until_ns) {
			return false;
		}
	}
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
	return true;
}

/* Takes tickets until there are none; returns how many items this worker did. */
static uint32_t drain(struct pool *pool, unsigned worker)
{
	struct pool_shared *shared = pool->shared;
	struct pool_worker *me = &shared->worker[worker];
	uint32_t done = 0;

	for (;;) {
		uint64_t ticket = atomic_fetch_add(&shared->ticket, 1);
		uint32_t item = (uint32_t)ticket;
		struct pool_entry *entry;

		if (item >= ticket >> 32)
			return done;
		entry = pool_entry(pool, worker, done);
		entry->item = item;
		shared->job.function(shared->job.context, pool_item(&shared->job, item), entry + 1);
		/* A worker that is killed leaves a log of whole entries. */
		atomic_store_explicit(&me->done, ++done, memory_order_release);
	}
}

/* Tells the caller that the items are done and this generation is over; wakes it if it waits. */
static void account(struct pool *pool, struct pool_worker *me, uint32_t items, uint32_t generation)
{
	struct pool_shared *shared = pool->shared;
	bool last = items && atomic_fetch_sub(&shared->pending, items) == items;
	uint32_t waits;

	atomic_store(&me->drained, generation);
	waits = atomic_load(&shared->caller_waits);
	if (waits == POOL_WAITS_ALL || (waits == POOL_WAITS_ITEMS && last)) {
		atomic_store(&shared->caller_waits, POOL_WAITS_NOT);
		futex_wake(&shared->caller_waits, 1, pool->calls->forks);
	}
}

static uint32_t await_generation(struct pool *pool, struct pool_worker *me, uint32_t seen)
{
	struct pool_shared *shared = pool->shared;
	struct spin spin = {0};
	uint32_t generation;

	while ((generation = atomic_load(&shared->generation)) == seen) {
		if (spin_on(&spin, pool->settings.spin_ns))
			continue;
		atomic_store(&me->asleep, 1);
		if (atomic_load(&shared->generation) == seen)
			futex_wait(&shared->generation, seen, pool->calls->forks, 0);
		atomic_store(&me->asleep, 0);
	}
	return generation;
}

void pool_work(struct pool *pool, unsigned worker, uint32_t seen)
{
	struct pool_worker *me = &pool->shared->worker[worker];

	if (pool_bind(pool, worker))
		return;
	for (;;) {
		uint32_t items = 0;

		seen = await_generation(pool, me, seen);
		if (atomic_load(&pool->shared->ending))
			return;
		if (IS_REPORT(seen)) {
			pool_usage_of(pool->calls->forks ? RUSAGE_SELF : RUSAGE_THREAD, &me->usage);
			me->usage.moved = pool_is_moved(pool, worker);
		} else {
			items = drain(pool, worker);
		}
		account(pool, me, items, seen);
	}
}

/* Wakes up to `most` sleeping workers, if any sleeps. */
static void wake(struct pool *pool, size_t most)
{
	struct pool_shared *shared = pool->shared;

	for (unsigned worker = 1; worker < pool->settings.workers; worker++)
		if (atomic_load(&shared->worker[worker].asleep)) {
			futex_wake(&shared->generation, most < INT_MAX ? (int)most : INT_MAX,
				   pool->calls->forks);
			return;
		}
}

/* Whether what the caller waits for is there. */
static bool is_there(struct pool *pool, enum pool_wait what)
{
	struct pool_shared *shared = pool->shared;
	uint32_t generation;

	if (what == POOL_WAITS_ITEMS)
		return atomic_load(&shared->pending) == 0;
	generation = atomic_load(&shared->generation);
	for (unsigned worker = 1; worker < pool->settings.workers; worker++)
		if (pool->places[worker].alive &&
		    atomic_load(&shared->worker[worker].drained) != generation)
			return false;
	return true;
}

/* Every POOL_LOOK_NS of spinning, as a sleeper does: a signal may not come. */
static void look_while_spinning(struct pool *pool, struct spin *spin)
{
	if (spin->now_ns < spin->look_ns)
		return;
	spin->look_ns = spin->now_ns + POOL_LOOK_NS;
	if (pool->calls->reap)
		pool->calls->reap(pool);
}

/* Waiting for items ends at the first death: they may never come. */
static void await(struct pool *pool, enum pool_wait what)
{
	struct pool_shared *shared = pool->shared;
	struct spin spin = {0};

	while (!is_there(pool, what)) {
		pool_look(pool);
		if (what == POOL_WAITS_ITEMS && pool_mourns(pool))
			break;
		if (spin_on(&spin, pool->settings.spin_ns)) {
			look_while_spinning(pool, &spin);
			continue;
		}
		atomic_store(&shared->caller_waits, what);
		if (is_there(pool, what))
			break;
		if (atomic_load(&pool->is_bereaved))
			continue;
		pool_sleep(pool, &shared->caller_waits, what);
	}
	atomic_store(&shared->caller_waits, POOL_WAITS_NOT);
}

/* Whether something is to be put right: a death to tell of, or an empty place. */
static bool is_amiss(const struct pool *pool)
{
	return atomic_load_explicit(&pool->is_bereaved, memory_order_relaxed) || pool_mourns(pool);
}

/* Puts a new worker in an empty place. */
static int replace(struct pool *pool, unsigned worker, char *why, size_t why_size)
{
	struct pool_worker *it = &pool->shared->worker[worker];
	int err;

	atomic_store(&it->state, POOL_STARTING);
	atomic_store(&it->asleep, 0);
	/* What the dead one used is known from its end. */
	it->usage = (struct pool_usage){0};
	err = pool->calls->spawn(pool, worker, why, why_size);
	return err ? err : pool_await_ready(pool, worker, why, why_size);
}

static unsigned first_empty(const struct pool *pool)
{
	unsigned worker = 1;

	while (worker < pool->settings.workers && atomic_load(&pool->places[worker].alive))
		worker++;
	return worker;
}

/* Fills every empty place; while one is filled, others may fall empty. */
static int replace_all(struct pool *pool, char *why, size_t why_size)
{
	int err = 0;

	while (!err) {
		unsigned worker;

		pool_look(pool);
		worker = first_empty(pool);
		if (worker == pool->settings.workers)
			return 0;
		err = replace(pool, worker, why, why_size);
	}
	/* Not to be forgotten: the next map tries again. */
	atomic_store(&pool->is_bereaved, true);
	return err;
}

/*
 * Makes the pool whole and tells of the deaths. Returns 0 when the caller may go on: it is whole,
 * and nobody died or they are to be made good for.
 */
static int make_whole(struct pool *pool, char *why, size_t why_size)
{
	char replace_why[POOL_WHY] = "";
	int err = replace_all(pool, replace_why, sizeof(replace_why));
	bool is_new = pool_mourns(pool);
	size_t used;

	pool_tell(pool, why, why_size);
	if (!is_new) {
		if (err)
			snprintf(why, why_size, "%s", replace_why);
		return err;
	}
	used = strlen(why);
	if (replace_why[0])
		snprintf(why + used, why_size - used, "; not replaced: %s", replace_why);
	return err || pool->settings.on_death == POOL_DEATH_FAILS ? -ECHILD : 0;
}

/* Some workers died: the others finish, then the lost items are done again or the map fails. */
static int recover(struct pool *pool, const struct pool_job *job, char *why, size_t why_size)
{
	int err;

	wake(pool, INT_MAX);
	await(pool, POOL_WAITS_ALL);
	err = make_whole(pool, why, why_size);
	return err ? err : pool_rerun(pool, job, why, why_size);
}

int pool_tickets_map(struct pool *pool, const struct pool_job *job, char *why, size_t why_size)
{
	struct pool_shared *shared = pool->shared;
	uint32_t items;

	if (is_amiss(pool)) {
		int err = make_whole(pool, why, why_size);

		if (err)
			return err;
	}
	for (unsigned worker = 0; worker < pool->settings.workers; worker++)
		atomic_store_explicit(&shared->worker[worker].done, 0, memory_order_relaxed);
	shared->job = *job;
	atomic_store_explicit(&shared->pending, (uint32_t)job->count, memory_order_relaxed);
	atomic_store(&shared->ticket, (uint64_t)job->count << 32);
	if (job->count > 1 && pool->settings.workers > 1) {
		uint32_t generation = atomic_load(&shared->generation);

		atomic_store(&shared->generation, (generation + 2) & ~UINT32_C(1));
		wake(pool, job->count - 1);
	}
	items = drain(pool, 0);
	if (atomic_fetch_sub(&shared->pending, items) != items)
		await(pool, POOL_WAITS_ITEMS);
	/* Also when all items are done: who was to stop at a death may have done half of one. */
	return is_amiss(pool) ? recover(pool, job, why, why_size) : 0;
}

int pool_tickets_usage(struct pool *pool, char *why, size_t why_size)
{
	struct pool_shared *shared = pool->shared;

	if (is_amiss(pool)) {
		int err = make_whole(pool, why, why_size);

		if (err)
			return err;
	}
	atomic_store(&shared->generation, (atomic_load(&shared->generation) + 1) | 1);
	wake(pool, INT_MAX);
	await(pool, POOL_WAITS_ALL);
	return is_amiss(pool) ? make_whole(pool, why, why_size) : 0;
}

void pool_tickets_end(struct pool *pool)
{
	struct pool_shared *shared = pool->shared;

	atomic_store(&shared->ending, true);
	atomic_fetch_add(&shared->generation, 1);
	futex_wake(&shared->generation, INT_MAX, pool->calls->forks);
}
