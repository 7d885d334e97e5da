/*
 * kernels/pool: worker processes that are killed, in the middle of a map and between maps. What
 * they had done is kept, what they left is done again or the map fails, and the pool is whole.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "tests/pooling.h"

/* A hanging pool ends the test, and does not hang it. */
#define WATCHDOG_S 60

/*
 * The item that kills its worker, wherever it lies. In a kept pool the caller is a worker too
 * and must not be the one, so it is given another item that takes its time.
 */
static void slow_or_deadly(const void *context, const void *item, void *out)
{
	struct pooling *shared = (struct pooling *)(uintptr_t)context;
	static int turns; /* of this process */

	if (shared->caller == getpid())
		/* Nothing more until the victim has met its end. */
		while (atomic_load(&shared->is_deadly))
			usleep(100);
	else if (turns++ == shared->turns && atomic_exchange(&shared->is_deadly, 0))
		raise(SIGKILL);
	atomic_fetch_add(&shared->times[*(const uint64_t *)item], 1);
	((struct pooling_result *)out)->item = *(const uint64_t *)item;
}

static void deadly_map(enum pool_kind kind, enum pool_on_death on_death, uint64_t spin_ns)
{
	struct pooling_result results[50];
	struct pool_job job = {slow_or_deadly,	 pooling, pooling->items,
			       sizeof(uint64_t), 50,	  results};
	struct pool_settings settings = pooling_settings(kind, 3);
	struct pool *pool;
	char why[200] = "";
	int err;

	settings.on_death = on_death;
	settings.spin_ns = spin_ns;
	pool = pooling_start(&settings);
	assert_int_equal(pooling_map(pool, 50, 1, why, sizeof(why)), 0);
	for (size_t i = 0; i < POOLING_ITEMS; i++)
		atomic_store(&pooling->times[i], 0);
	pooling->caller = getpid();
	/* What it had done by then must be kept. */
	pooling->turns = kind == POOL_PROCESSES ? 5 : 0;
	atomic_store(&pooling->is_deadly, 1);
	err = pool_map(pool, &job, why, sizeof(why));
	assert_int_equal(err, on_death == POOL_DEATH_FAILS ? -ECHILD : 0);
	assert_non_null(strstr(why, "signal 9"));
	assert_int_equal(pool_deaths(pool), 1);
	for (size_t i = 0; !err && i < 50; i++) {
		assert_int_equal(pooling->times[i], 1);
		assert_int_equal(results[i].item, i);
	}
	/* The pool is whole again. */
	assert_int_equal(pooling_map(pool, 50, 7, why, sizeof(why)), 0);
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
	struct pool_settings settings = pooling_settings(POOL_PROCESSES, 3);
	struct pool *pool = pooling_start(&settings);
	struct pool_usage usage;
	char why[200] = "";

	(void)state;
	assert_int_equal(pool_usage(pool, &usage, why, sizeof(why)), 0);
	kill(pool_process(pool, 2), SIGUSR1);
	assert_int_equal(pool_usage(pool, &usage, why, sizeof(why)), -ECHILD);
	assert_non_null(strstr(why, "signal 10"));
	assert_int_equal(pooling_map(pool, 50, 7, why, sizeof(why)), 0);
	assert_int_equal(pool_usage(pool, &usage, why, sizeof(why)), 0);
	pool_stop(pool);
}

static _Atomic bool stopped;

/* Computes until it is told to stop, for ten seconds at the most. */
static void until_stopped(const void *context, const void *item, void *out)
{
	struct pooling *shared = (struct pooling *)(uintptr_t)context;

	(void)out;
	if (shared->caller == getpid()) {
		/* The caller is busy with an item of its own when the worker dies. */
		for (unsigned ms = 0; ms < 10000 && !atomic_load(&stopped); ms++)
			usleep(1000);
		atomic_fetch_add(&shared->times[0], atomic_load(&stopped));
	} else if (atomic_exchange(&shared->is_deadly, 0)) {
		raise(SIGUSR1);
	}
	(void)item;
}

/* The caller is told while it works, not when it has done its item. */
static void a_busy_caller_is_told(void **state)
{
	struct pooling_result results[2];
	struct pool_job job = {until_stopped,	 pooling, pooling->items,
			       sizeof(uint64_t), 2,	  results};
	struct pool_settings settings = pooling_settings(POOL_PROCESSES, 2);
	struct pool *pool;
	char why[200] = "";

	(void)state;
	settings.stop = &stopped;
	pool = pooling_start(&settings);
	pooling->caller = getpid();
	atomic_store(&pooling->is_deadly, 1);
	assert_int_equal(pool_map(pool, &job, why, sizeof(why)), -ECHILD);
	assert_non_null(strstr(why, "signal 10"));
	/* The caller had one of the items, and saw the word while it was at it. */
	assert_int_equal(pooling->times[0], 1);
	pool_stop(pool);
}

static _Atomic unsigned others;

static void on_other(int number)
{
	(void)number;
	atomic_fetch_add(&others, 1);
}

/* Killed between maps: known at once, the next map replaces it or fails, and loses nothing. */
static void idle_death_is_known_to_the_next_map(void **state)
{
	struct sigaction mine = {.sa_handler = on_other}, after;

	(void)state;
	for (unsigned on_death = 0; on_death < 2; on_death++) {
		struct pool_settings settings = pooling_settings(POOL_PROCESSES, 3);
		struct pool *pool;
		char why[200] = "";

		sigaction(SIGCHLD, &mine, NULL);
		atomic_store(&others, 0);
		atomic_store(&stopped, false);
		settings.on_death = on_death;
		settings.stop = &stopped;
		pool = pooling_start(&settings);
		kill(pool_process(pool, 1), SIGKILL);
		/* Whoever else waits for children is told too, and last. */
		for (unsigned ms = 0; ms < 10000 && !atomic_load(&others); ms++)
			usleep(1000);
		assert_true(atomic_load(&others) > 0);
		/* Where the work is done again, nothing is to stop. */
		assert_int_equal(atomic_load(&stopped), on_death == POOL_DEATH_FAILS);
		assert_int_equal(pooling_map(pool, 50, 3, why, sizeof(why)),
				 on_death == POOL_DEATH_FAILS ? -ECHILD : 0);
		assert_non_null(strstr(why, "signal 9"));
		assert_int_equal(pool_deaths(pool), 1);
		assert_int_equal(pooling_map(pool, 50, 4, why, sizeof(why)), 0);
		assert_int_equal(pool_deaths(pool), 1);
		pool_stop(pool);
		sigaction(SIGCHLD, NULL, &after);
		assert_true(after.sa_handler == on_other);
		signal(SIGCHLD, SIG_DFL);
	}
}

static bool is_blocked(int number)
{
	sigset_t now;

	pthread_sigmask(SIG_BLOCK, NULL, &now);
	return sigismember(&now, number);
}

static void set_blocked(int how, int number)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, number);
	pthread_sigmask(how, &set, NULL);
}

/* Whoever started the program may have blocked SIGCHLD: while the pool lives it is not. */
static void the_signal_is_unblocked(void **state)
{
	struct pool_settings settings = pooling_settings(POOL_PROCESSES, 2);
	struct pool *pool;

	(void)state;
	set_blocked(SIG_BLOCK, SIGCHLD);
	pool = pooling_start(&settings);
	assert_false(is_blocked(SIGCHLD));
	pool_stop(pool);
	assert_true(is_blocked(SIGCHLD));
	set_blocked(SIG_UNBLOCK, SIGCHLD);
	pool = pooling_start(&settings);
	pool_stop(pool);
	assert_false(is_blocked(SIGCHLD));
}

/* Without any signal a caller that looks for its items also looks for the dead. */
static void a_spinning_caller_looks(void **state)
{
	struct pooling_result results[50];
	struct pool_job job = {slow_or_deadly,	 pooling, pooling->items,
			       sizeof(uint64_t), 50,	  results};
	struct pool_settings settings = pooling_settings(POOL_PROCESSES, 3);
	struct pool *pool;
	char why[200] = "";

	(void)state;
	settings.spin_ns = UINT64_C(1000000000) * 3600;
	pool = pooling_start(&settings);
	set_blocked(SIG_BLOCK, SIGCHLD);
	pooling->caller = getpid();
	atomic_store(&pooling->is_deadly, 1);
	alarm(WATCHDOG_S);
	assert_int_equal(pool_map(pool, &job, why, sizeof(why)), -ECHILD);
	alarm(0);
	assert_non_null(strstr(why, "signal 9"));
	set_blocked(SIG_UNBLOCK, SIGCHLD);
	pool_stop(pool);
}

/* With SIGCHLD ignored the kernel would collect the dead itself, and tell nobody of their time. */
static void an_ignored_signal(void **state)
{
	(void)state;
	for (size_t k = 2; k < POOLING_KINDS; k += 2) {
		struct pool_settings settings = pooling_settings(pooling_kinds[k].kind, 3);
		struct pool *pool;
		char why[200] = "";

		signal(SIGCHLD, SIG_IGN);
		deadly_map(pooling_kinds[k].kind, POOL_DEATH_FAILS, 0);
		deadly_map(pooling_kinds[k].kind, POOL_DEATH_RERUNS, 0);
		pool = pooling_start(&settings);
		assert_int_equal(pooling_map(pool, 50, 7, why, sizeof(why)), 0);
		pool_stop(pool);
		assert_true(signal(SIGCHLD, SIG_DFL) == SIG_IGN);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(death_of_a_worker, pooling_setup, pooling_teardown),
		cmocka_unit_test_setup_teardown(death_of_an_idle_worker, pooling_setup,
						pooling_teardown),
		cmocka_unit_test_setup_teardown(a_busy_caller_is_told, pooling_setup,
						pooling_teardown),
		cmocka_unit_test_setup_teardown(the_signal_is_unblocked, pooling_setup,
						pooling_teardown),
		cmocka_unit_test_setup_teardown(a_spinning_caller_looks, pooling_setup,
						pooling_teardown),
		cmocka_unit_test_setup_teardown(an_ignored_signal, pooling_setup, pooling_teardown),
		cmocka_unit_test_setup_teardown(idle_death_is_known_to_the_next_map, pooling_setup,
						pooling_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
