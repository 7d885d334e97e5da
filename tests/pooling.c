/* See pooling.h. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <cmocka.h>

#include "tests/pooling.h"

const struct pooling_kind pooling_kinds[POOLING_KINDS] = {
	{"caller", POOL_CALLER},
	{"threads", POOL_THREADS},
	{"processes", POOL_PROCESSES},
	{"thread per job", POOL_THREAD_PER_JOB},
	{"process per job", POOL_PROCESS_PER_JOB},
};

struct pooling *pooling;

int pooling_setup(void **state)
{
	(void)state;
	pooling = pool_memory(sizeof(*pooling));
	assert_non_null(pooling);
	for (uint64_t i = 0; i < POOLING_ITEMS; i++)
		pooling->items[i] = i;
	return 0;
}

int pooling_teardown(void **state)
{
	(void)state;
	pool_memory_free(pooling, sizeof(*pooling));
	/* Nothing may be left behind, whatever the test did. */
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
	return 0;
}

static void work(const void *context, const void *item, void *out)
{
	struct pooling *shared = (struct pooling *)(uintptr_t)context;
	uint64_t i = *(const uint64_t *)item;

	assert_int_equal((uintptr_t)out % 16, 0);
	atomic_fetch_add(&shared->times[i], 1);
	*(struct pooling_result *)out = (struct pooling_result){i * shared->factor, i};
}

static int bind(void *context, unsigned worker, char *why, size_t why_size)
{
	(void)why;
	(void)why_size;
	atomic_fetch_add(&((struct pooling *)context)->bound[worker], 1);
	return 0;
}

struct pool_settings pooling_settings(enum pool_kind kind, unsigned workers)
{
	return (struct pool_settings){.kind = kind,
				      .workers = workers,
				      .items_max = POOLING_ITEMS,
				      .result_size = sizeof(struct pooling_result),
				      .bind = bind,
				      .bind_context = pooling};
}

struct pool *pooling_start(const struct pool_settings *settings)
{
	struct pool *pool;
	char why[200] = "";

	if (pool_start(&pool, settings, why, sizeof(why)))
		fail_msg("pool_start: %s", why);
	return pool;
}

int pooling_map(struct pool *pool, size_t count, uint64_t factor, char *why, size_t why_size)
{
	static struct pooling_result results[POOLING_ITEMS];
	struct pool_job job = {work, pooling, pooling->items, sizeof(uint64_t), count, results};
	int err;

	memset(results, 0xff, sizeof(results));
	for (size_t i = 0; i < POOLING_ITEMS; i++)
		atomic_store(&pooling->times[i], 0);
	pooling->factor = factor;
	err = pool_map(pool, &job, why, why_size);
	if (err)
		return err;
	for (size_t i = 0; i < POOLING_ITEMS; i++) {
		assert_int_equal(pooling->times[i], i < count);
		assert_int_equal(results[i].value, i < count ? i * factor : UINT64_MAX);
		assert_int_equal(results[i].item, i < count ? i : UINT64_MAX);
	}
	return 0;
}
