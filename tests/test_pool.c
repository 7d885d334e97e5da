/*
 * kernels/pool: results in order, each item exactly once, maps one after another, workers that
 * cannot be bound, and processes that die in the middle of a map. The same tests for every kind.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdalign.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "kernels/pool/pool.h"

#define ITEMS 1000

static const struct {
	const char *name;
	enum pool_kind kind;
} kinds[] = {
	{"caller", POOL_CALLER},
	{"threads", POOL_THREADS},
	{"processes", POOL_PROCESSES},
	{"thread per job", POOL_THREAD_PER_JOB},
	{"process per job", POOL_PROCESS_PER_JOB},
};

struct result {
	alignas(16) uint64_t value;
	uint64_t item;
	uint64_t process;
};

/* In memory that the workers share, whatever they are. */
struct common {
	_Atomic uint32_t times[ITEMS]; /* how often each item was done */
	_Atomic uint32_t bound[16];    /* by worker */
	uint64_t factor;
	uint64_t items[ITEMS];
	_Atomic int victim; /* the item that kills whoever does it, once; -1 for none */
	int turns;	    /* items that a worker does before it is ready to die */
};

static struct common *common;

static int setup(void **state)
{
	(void)state;
	common = pool_memory(sizeof(*common));
	assert_non_null(common);
	common->victim = -1;
	for (uint64_t i = 0; i < ITEMS; i++)
		common->items[i] = i;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	pool_memory_free(common, sizeof(*common));
	/* Nothing may be left behind, whatever the test did. */
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
	return 0;
}

static void work(const void *context, const void *item, void *out)
{
	struct common *shared = (struct common *)(uintptr_t)context;
	uint64_t i = *(const uint64_t *)item;
	struct result *result = out;
	int victim = (int)i;

	assert_int_equal((uintptr_t)out % 16, 0);
	if (atomic_compare_exchange_strong(&shared->victim, &victim, -1))
		raise(SIGKILL);
	atomic_fetch_add(&shared->times[i], 1);
	*result = (struct result){i * shared->factor, i, (uint64_t)getpid()};
}

static int bind(void *context, unsigned worker, char *why, size_t why_size)
{
	(void)why;
	(void)why_size;
	atomic_fetch_add(&((struct common *)context)->bound[worker], 1);
	return 0;
}

static struct pool_settings settings_of(enum pool_kind kind, unsigned workers)
{
	return (struct pool_settings){.kind = kind,
				      .workers = workers,
				      .items_max = ITEMS,
				      .result_size = sizeof(struct result),
				      .bind = bind,
				      .bind_context = common};
}

static struct pool *started(const struct pool_settings *settings)
{
	struct pool *pool;
	char why[200] = "";

	if (pool_start(&pool, settings, why, sizeof(why)))
		fail_msg("pool_start: %s", why);
	return pool;
}

/* Maps the first `count` items and checks the results, and each item's turn. */
static int map(struct pool *pool, size_t count, uint64_t factor, char *why, size_t why_size)
{
	static struct result results[ITEMS];
	struct pool_job job = {work, common, common->items, sizeof(uint64_t), count, results};
	int err;

	memset(results, 0xff, sizeof(results));
	for (size_t i = 0; i < ITEMS; i++)
		atomic_store(&common->times[i], 0);
	common->factor = factor;
	err = pool_map(pool, &job, why, why_size);
	if (err)
		return err;
	for (size_t i = 0; i < ITEMS; i++) {
		assert_int_equal(common->times[i], i < count);
		assert_int_equal(results[i].value, i < count ? i * factor : UINT64_MAX);
		assert_int_equal(results[i].item, i < count ? i : UINT64_MAX);
	}
	return 0;
}

static void maps(enum pool_kind kind, unsigned workers, uint64_t spin_ns)
{
	static const size_t counts[] = {0, 1, 2, 3, 7, 30, 200};
	struct pool_settings settings = settings_of(kind, workers);
	struct pool *pool;
	char why[200] = "";

	settings.spin_ns = spin_ns;
	pool = started(&settings);
	for (uint64_t round = 1; round <= (kind < POOL_THREAD_PER_JOB ? 40 : 2); round++)
		for (size_t c = 0; c < sizeof(counts) / sizeof(counts[0]); c++)
			assert_int_equal(map(pool, counts[c], round, why, sizeof(why)), 0);
	assert_int_equal(map(pool, ITEMS, 3, why, sizeof(why)), 0);
	assert_string_equal(why, "");
	assert_int_equal(pool_deaths(pool), 0);
	pool_stop(pool);
}

static void results_in_order(void **state)
{
	(void)state;
	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++)
		for (unsigned workers = 1; workers <= 5; workers += 2) {
			maps(kinds[k].kind, workers, 0);
			maps(kinds[k].kind, workers, 20000);
		}
}

/* Many small maps back to back: where a late worker would take a ticket of the wrong one. */
static void one_map_after_another(void **state)
{
	static const enum pool_kind kept[] = {POOL_THREADS, POOL_PROCESSES};
	char why[200];

	(void)state;
	for (size_t k = 0; k < 2; k++) {
		struct pool_settings settings = settings_of(kept[k], 4);
		struct pool *pool;

		settings.spin_ns = 2000;
		pool = started(&settings);
		for (uint64_t round = 1; round < 3000; round++)
			assert_int_equal(map(pool, round % 9, round, why, sizeof(why)), 0);
		pool_stop(pool);
	}
}

static void every_worker_is_bound(void **state)
{
	(void)state;
	for (size_t k = 1; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		struct pool_settings settings = settings_of(kinds[k].kind, 3);
		struct pool *pool;
		char why[200];

		for (unsigned worker = 0; worker < 16; worker++)
			atomic_store(&common->bound[worker], 0);
		pool = started(&settings);
		assert_int_equal(map(pool, 3, 1, why, sizeof(why)), 0);
		pool_stop(pool);
		for (unsigned worker = 0; worker < 16; worker++)
			assert_int_equal(common->bound[worker], worker < 3);
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
	for (size_t k = 1; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		struct pool_settings settings = settings_of(kinds[k].kind, 4);
		struct pool *pool = NULL;
		char why[200] = "";
		int err;

		settings.bind = refuse_the_third;
		err = pool_start(&pool, &settings, why, sizeof(why));
		/* Made per job, workers are bound in the map. */
		if (!err) {
			assert_true(kinds[k].kind >= POOL_THREAD_PER_JOB);
			err = map(pool, 20, 1, why, sizeof(why));
			pool_stop(pool);
		}
		assert_int_equal(err, -EXDEV);
		assert_string_equal(why, "no CPU for worker 2");
	}
}

static void wrong_settings(void **state)
{
	struct pool_settings settings = settings_of(POOL_THREADS, 0);
	struct pool *pool;
	char why[200];

	(void)state;
	assert_int_equal(pool_start(&pool, &settings, why, sizeof(why)), -EINVAL);
	settings = settings_of(POOL_THREADS, 2);
	settings.items_max = 10;
	pool = started(&settings);
	assert_int_equal(map(pool, 11, 1, why, sizeof(why)), -EINVAL);
	assert_int_equal(map(pool, 10, 1, why, sizeof(why)), 0);
	pool_stop(pool);
}

/*
 * The item that kills its worker, wherever it lies. In a kept pool the caller is a worker too
 * and must not be the one, so it is given another item that takes its time.
 */
static void slow_or_deadly(const void *context, const void *item, void *out)
{
	struct common *shared = (struct common *)(uintptr_t)context;
	static int turns; /* of this process */

	if (shared->factor == (uint64_t)getpid()) {
		/* The caller: nothing more until the victim has met its end. */
		while (atomic_load(&shared->victim) != -1)
			usleep(100);
	} else if (turns++ == shared->turns) {
		int any = atomic_load(&shared->victim);

		if (any != -1 && atomic_compare_exchange_strong(&shared->victim, &any, -1))
			raise(SIGKILL);
	}
	atomic_fetch_add(&shared->times[*(const uint64_t *)item], 1);
	((struct result *)out)->item = *(const uint64_t *)item;
}

static void deadly_map(enum pool_kind kind, enum pool_on_death on_death, uint64_t spin_ns)
{
	struct result results[50];
	struct pool_job job = {slow_or_deadly,	 common, common->items,
			       sizeof(uint64_t), 50,	 results};
	struct pool_settings settings = settings_of(kind, 3);
	struct pool *pool;
	char why[200] = "";
	int err;

	settings.on_death = on_death;
	settings.spin_ns = spin_ns;
	pool = started(&settings);
	assert_int_equal(map(pool, 50, 1, why, sizeof(why)), 0);
	for (size_t i = 0; i < ITEMS; i++)
		atomic_store(&common->times[i], 0);
	common->factor = (uint64_t)getpid();
	/* What it had done by then must be kept. */
	common->turns = kind == POOL_PROCESSES ? 5 : 0;
	atomic_store(&common->victim, 1);
	err = pool_map(pool, &job, why, sizeof(why));
	assert_int_equal(err, on_death == POOL_DEATH_FAILS ? -ECHILD : 0);
	assert_non_null(strstr(why, "signal 9"));
	assert_int_equal(pool_deaths(pool), 1);
	for (size_t i = 0; !err && i < 50; i++) {
		assert_int_equal(common->times[i], 1);
		assert_int_equal(results[i].item, i);
	}
	/* The pool is whole again. */
	assert_int_equal(map(pool, 50, 7, why, sizeof(why)), 0);
	assert_int_equal(pool_deaths(pool), 1);
	pool_stop(pool);
}

static void death_of_a_worker(void **state)
{
	static const enum pool_kind mortal[] = {POOL_PROCESSES, POOL_PROCESS_PER_JOB};

	(void)state;
	for (size_t k = 0; k < 2; k++)
		for (uint64_t spin_ns = 0; spin_ns <= 20000; spin_ns += 20000) {
			deadly_map(mortal[k], POOL_DEATH_FAILS, spin_ns);
			deadly_map(mortal[k], POOL_DEATH_RERUNS, spin_ns);
		}
}

/* Killed while it sleeps between maps: nothing is lost, and whoever asks for usage learns it. */
static void death_of_an_idle_worker(void **state)
{
	struct pool_settings settings = settings_of(POOL_PROCESSES, 3);
	struct pool *pool = started(&settings);
	struct pool_usage usage;
	char why[200] = "";

	(void)state;
	assert_int_equal(pool_usage(pool, &usage, why, sizeof(why)), 0);
	kill(pool_process(pool, 2), SIGTERM);
	assert_int_equal(pool_usage(pool, &usage, why, sizeof(why)), -ECHILD);
	assert_non_null(strstr(why, "signal 15"));
	assert_int_equal(map(pool, 50, 7, why, sizeof(why)), 0);
	assert_int_equal(pool_usage(pool, &usage, why, sizeof(why)), 0);
	pool_stop(pool);
}

static void burn(const void *context, const void *item, void *out)
{
	(void)context;
	(void)item;
	for (volatile unsigned i = 0; i < 20000000; i++)
		;
	((struct result *)out)->value = 0;
}

/* The kernel divides short times between user and system by chance; their sum is exact. */
static uint64_t cpu(const struct pool_usage *usage)
{
	return usage->user_ns + usage->system_ns;
}

/* The CPU that workers use is in the bill, wherever they are. */
static void usage_counts_every_worker(void **state)
{
	(void)state;
	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		struct pool_settings settings = settings_of(kinds[k].kind, 2);
		struct result results[4];
		struct pool_job job = {burn, NULL, common->items, sizeof(uint64_t), 4, results};
		struct pool_usage before;
		struct pool_usage after;
		struct pool_usage alone;
		struct pool *pool = started(&settings);
		char why[200];

		assert_int_equal(pool_usage(pool, &before, why, sizeof(why)), 0);
		assert_int_equal(pool_map(pool, &job, why, sizeof(why)), 0);
		assert_int_equal(pool_usage(pool, &after, why, sizeof(why)), 0);
		for (int i = 0; i < 4; i++)
			burn(NULL, NULL, &results[0]);
		assert_int_equal(pool_usage(pool, &alone, why, sizeof(why)), 0);
		/* Four burnt in the pool cost about what four cost the caller: not half of it. */
		assert_true((cpu(&after) - cpu(&before)) * 4 > (cpu(&alone) - cpu(&after)) * 3);
		assert_true(after.max_rss_kib > 0);
		pool_stop(pool);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(results_in_order, setup, teardown),
		cmocka_unit_test_setup_teardown(one_map_after_another, setup, teardown),
		cmocka_unit_test_setup_teardown(every_worker_is_bound, setup, teardown),
		cmocka_unit_test_setup_teardown(refused_binding_ends_what_was_started, setup,
						teardown),
		cmocka_unit_test_setup_teardown(wrong_settings, setup, teardown),
		cmocka_unit_test_setup_teardown(death_of_a_worker, setup, teardown),
		cmocka_unit_test_setup_teardown(death_of_an_idle_worker, setup, teardown),
		cmocka_unit_test_setup_teardown(usage_counts_every_worker, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
