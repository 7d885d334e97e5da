/*
 * kernels/pool: results in order, each item exactly once, maps one after another, workers that
 * cannot be bound, all working at once, and what they used. The same tests for every kind.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "tests/pooling.h"

static void maps(enum pool_kind kind, unsigned workers, uint64_t spin_ns)
{
	static const size_t counts[] = {0, 1, 2, 3, 7, 30, 200};
	struct pool_settings settings = pooling_settings(kind, workers);
	struct pool *pool;
	char why[200] = "";

	settings.spin_ns = spin_ns;
	pool = pooling_start(&settings);
	for (uint64_t round = 1; round <= (kind < POOL_THREAD_PER_JOB ? 40 : 2); round++)
		for (size_t c = 0; c < sizeof(counts) / sizeof(counts[0]); c++)
			assert_int_equal(pooling_map(pool, counts[c], round, why, sizeof(why)), 0);
	assert_int_equal(pooling_map(pool, POOLING_ITEMS, 3, why, sizeof(why)), 0);
	assert_string_equal(why, "");
	assert_int_equal(pool_deaths(pool), 0);
	pool_stop(pool);
}

static void results_in_order(void **state)
{
	(void)state;
	for (size_t k = 0; k < POOLING_KINDS; k++)
		for (unsigned workers = 1; workers <= 5; workers += 2) {
			maps(pooling_kinds[k].kind, workers, 0);
			maps(pooling_kinds[k].kind, workers, 20000);
		}
}

/* Many small maps back to back: where a late worker would take a ticket of the wrong one. */
static void one_map_after_another(void **state)
{
	static const enum pool_kind kept[] = {POOL_THREADS, POOL_PROCESSES};
	char why[200];

	(void)state;
	for (size_t k = 0; k < 2; k++) {
		struct pool_settings settings = pooling_settings(kept[k], 4);
		struct pool *pool;

		settings.spin_ns = 2000;
		pool = pooling_start(&settings);
		for (uint64_t round = 1; round < 3000; round++)
			assert_int_equal(pooling_map(pool, round % 9, round, why, sizeof(why)), 0);
		pool_stop(pool);
	}
}

static void every_worker_is_bound(void **state)
{
	(void)state;
	for (size_t k = 1; k < POOLING_KINDS; k++) {
		struct pool_settings settings = pooling_settings(pooling_kinds[k].kind, 3);
		struct pool *pool;
		char why[200];

		for (unsigned worker = 0; worker < 16; worker++)
			atomic_store(&pooling->bound[worker], 0);
		pool = pooling_start(&settings);
		assert_int_equal(pooling_map(pool, 3, 1, why, sizeof(why)), 0);
		pool_stop(pool);
		for (unsigned worker = 0; worker < 16; worker++)
			assert_int_equal(pooling->bound[worker], worker < 3);
	}
}

/* Waits until as many items are begun as there are workers, so that each must take one. */
static void meet(const void *context, const void *item, void *out)
{
	struct pooling *shared = (struct pooling *)(uintptr_t)context;

	atomic_fetch_add(&shared->times[0], 1);
	for (unsigned ms = 0; ms < 10000 && atomic_load(&shared->times[0]) < 3; ms++)
		usleep(1000);
	*(struct pooling_result *)out =
		(struct pooling_result){shared->times[0], *(const uint64_t *)item};
}

static void all_workers_work_together(void **state)
{
	struct pooling_result results[3];
	struct pool_job job = {meet, pooling, pooling->items, sizeof(uint64_t), 3, results};

	(void)state;
	for (size_t k = 1; k < POOLING_KINDS; k++)
		for (unsigned round = 0; round < 3; round++) {
			struct pool_settings settings = pooling_settings(pooling_kinds[k].kind, 3);
			struct pool *pool = pooling_start(&settings);
			char why[200];

			usleep(round * 1000);
			atomic_store(&pooling->times[0], 0);
			assert_int_equal(pool_map(pool, &job, why, sizeof(why)), 0);
			for (size_t i = 0; i < 3; i++)
				assert_int_equal(results[i].value, 3);
			pool_stop(pool);
		}
}

static int refuse_the_third(void *context, unsigned worker, char *why, size_t why_size)
{
	(void)context;
	if (worker != 2)
		return 0;
	snprintf(why, why_size, "no CPU for worker %u", worker);
	return -EXDEV;
}

static void refused_binding_ends_what_was_started(void **state)
{
	(void)state;
	for (size_t k = 1; k < POOLING_KINDS; k++) {
		struct pool_settings settings = pooling_settings(pooling_kinds[k].kind, 4);
		struct pool *pool = NULL;
		char why[200] = "";
		int err;

		settings.bind = refuse_the_third;
		err = pool_start(&pool, &settings, why, sizeof(why));
		/* Made per job, workers are bound in the map. */
		if (!err) {
			assert_true(pooling_kinds[k].kind >= POOL_THREAD_PER_JOB);
			err = pooling_map(pool, 20, 1, why, sizeof(why));
			pool_stop(pool);
		}
		assert_int_equal(err, -EXDEV);
		assert_string_equal(why, "no CPU for worker 2");
	}
}

static void wrong_settings(void **state)
{
	struct pool_settings settings = pooling_settings(POOL_THREADS, 0);
	struct pool *pool;
	char why[200];

	(void)state;
	assert_int_equal(pool_start(&pool, &settings, why, sizeof(why)), -EINVAL);
	settings = pooling_settings(POOL_THREADS, 2);
	settings.items_max = 10;
	pool = pooling_start(&settings);
	assert_int_equal(pooling_map(pool, 11, 1, why, sizeof(why)), -EINVAL);
	assert_int_equal(pooling_map(pool, 10, 1, why, sizeof(why)), 0);
	pool_stop(pool);
}

struct burnt {
	alignas(16) uint64_t ns;
	uint64_t unused;
};

static uint64_t thread_ns(void)
{
	struct timespec used;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
	return (uint64_t)used.tv_sec * 1000000000 + (uint64_t)used.tv_nsec;
}

static void burn(const void *context, const void *item, void *out)
{
	uint64_t begun = thread_ns();

	(void)context;
	(void)item;
	for (volatile unsigned i = 0; i < 10000000; i++)
		;
	((struct burnt *)out)->ns = thread_ns() - begun;
}

/* The kernel divides short times between user and system by chance; their sum is exact. */
static uint64_t cpu(const struct pool_usage *usage)
{
	return usage->user_ns + usage->system_ns;
}

/* The CPU that workers use is in the bill, wherever they are: what they burnt at the least. */
static void usage_counts_every_worker(void **state)
{
	(void)state;
	for (size_t k = 0; k < POOLING_KINDS; k++) {
		struct pool_settings settings = pooling_settings(pooling_kinds[k].kind, 2);
		struct burnt results[6];
		struct pool_job job = {burn, NULL, pooling->items, sizeof(uint64_t), 6, results};
		struct pool_usage before;
		struct pool_usage after;
		struct pool *pool;
		uint64_t burnt = 0;
		char why[200];

		settings.result_size = sizeof(struct burnt);
		pool = pooling_start(&settings);
		assert_int_equal(pool_usage(pool, &before, why, sizeof(why)), 0);
		assert_int_equal(pool_map(pool, &job, why, sizeof(why)), 0);
		assert_int_equal(pool_usage(pool, &after, why, sizeof(why)), 0);
		for (int i = 0; i < 6; i++)
			burnt += results[i].ns;
		assert_true((cpu(&after) - cpu(&before)) * 10 > burnt * 9);
		assert_true(after.max_rss_kib > 0);
		pool_stop(pool);
	}
}

/* The context is the number of calls that still say yes. */
static bool is_bound(void *context, unsigned worker)
{
	(void)worker;
	return atomic_fetch_sub((_Atomic int *)context, 1) > 0;
}

/* Every worker is asked where it is, itself, and those that are elsewhere are counted. */
static void moved_workers_are_counted(void **state)
{
	_Atomic int *yes = pool_memory(sizeof(*yes));

	(void)state;
	assert_non_null(yes);
	for (size_t k = 0; k < POOLING_KINDS; k++) {
		bool per_job = pooling_kinds[k].kind >= POOL_THREAD_PER_JOB;
		unsigned workers = k == 0 ? 1 : 3;
		struct pool_settings settings = pooling_settings(pooling_kinds[k].kind, workers);
		struct pool_usage usage;
		struct pool *pool;
		char why[200];

		settings.is_bound = is_bound;
		settings.bind_context = (void *)yes;
		settings.bind = NULL;
		pool = pooling_start(&settings);
		atomic_store(yes, per_job ? 4 : 1);
		assert_int_equal(pooling_map(pool, 10, 1, why, sizeof(why)), 0);
		assert_int_equal(pool_usage(pool, &usage, why, sizeof(why)), 0);
		assert_int_equal(usage.moved, per_job ? 10 - 4 : workers - 1);
		/* Kept workers are asked anew each time. */
		atomic_store(yes, per_job ? 4 : 100);
		assert_int_equal(pooling_map(pool, 10, 1, why, sizeof(why)), 0);
		assert_int_equal(pool_usage(pool, &usage, why, sizeof(why)), 0);
		assert_int_equal(usage.moved, per_job ? 2 * (10 - 4) : 0);
		pool_stop(pool);
	}
	pool_memory_free((void *)yes, sizeof(*yes));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(results_in_order, pooling_setup, pooling_teardown),
		cmocka_unit_test_setup_teardown(one_map_after_another, pooling_setup,
						pooling_teardown),
		cmocka_unit_test_setup_teardown(every_worker_is_bound, pooling_setup,
						pooling_teardown),
		cmocka_unit_test_setup_teardown(all_workers_work_together, pooling_setup,
						pooling_teardown),
		cmocka_unit_test_setup_teardown(refused_binding_ends_what_was_started,
						pooling_setup, pooling_teardown),
		cmocka_unit_test_setup_teardown(wrong_settings, pooling_setup, pooling_teardown),
		cmocka_unit_test_setup_teardown(moved_workers_are_counted, pooling_setup,
						pooling_teardown),
		cmocka_unit_test_setup_teardown(usage_counts_every_worker, pooling_setup,
						pooling_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
