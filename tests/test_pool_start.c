/*
 * kernels/pool: worker processes that die while the pool starts or a dead one is replaced, before
 * they are ready and after, while the caller waits for another. Nobody is waited for in vain,
 * nobody's death is forgotten, and every death is told with its own words.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "tests/pooling.h"

/* A hanging pool ends the test, and does not hang it. */
#define WATCHDOG_S 60

#define WORKERS 4

/* What the workers do when they are bound, in memory that they share. */
struct script {
	_Atomic int processes[WORKERS]; /* of the last one bound in each place */
	_Atomic unsigned killer;	/* once bound, kills the victim and then takes its time */
	_Atomic unsigned victim;	/* itself: while it is being bound; 0: nobody */
	_Atomic unsigned slow;		/* takes its time being bound */
};

static struct script *script;

static int setup(void **state)
{
	script = pool_memory(sizeof(*script));
	assert_non_null(script);
	alarm(WATCHDOG_S);
	return pooling_setup(state);
}

static int teardown(void **state)
{
	alarm(0);
	pool_memory_free(script, sizeof(*script));
	return pooling_teardown(state);
}

static int follow_script(void *unused, unsigned worker, char *why, size_t why_size)
{
	unsigned victim = atomic_load(&script->victim);

	(void)unused;
	(void)why;
	(void)why_size;
	atomic_store(&script->processes[worker], getpid());
	if (worker == atomic_load(&script->slow))
		usleep(100000);
	if (!victim || worker != atomic_load(&script->killer))
		return 0;
	atomic_store(&script->victim, 0); /* once */
	while (!atomic_load(&script->processes[victim]))
		usleep(100);
	/* Time to get ready, and afterwards to be found dead while this worker is awaited. */
	if (victim != worker)
		usleep(20000);
	kill(atomic_load(&script->processes[victim]), SIGKILL);
	usleep(100000);
	return 0;
}

static struct pool_settings settings_of(enum pool_on_death on_death)
{
	struct pool_settings settings = pooling_settings(POOL_PROCESSES, WORKERS);

	settings.bind = follow_script;
	settings.on_death = on_death;
	return settings;
}

static void a_start_fails_on(unsigned killer, unsigned victim, unsigned slow)
{
	struct pool_settings settings = settings_of(POOL_DEATH_FAILS);
	struct pool *pool = NULL;
	char why[200] = "";

	memset(script, 0, sizeof(*script));
	atomic_store(&script->killer, killer);
	atomic_store(&script->victim, victim);
	atomic_store(&script->slow, slow);
	assert_int_equal(pool_start(&pool, &settings, why, sizeof(why)), -ECHILD);
	assert_non_null(strstr(why, "was killed by signal 9"));
}

/* The death is noticed while a worker in a lower place is awaited, which is slow. */
static void not_yet_ready(void **state)
{
	(void)state;
	a_start_fails_on(3, 3, 1);
	a_start_fails_on(2, 2, 1);
	a_start_fails_on(1, 1, 2);
}

/* The death is noticed while a worker in a higher place is awaited. */
static void ready_already(void **state)
{
	(void)state;
	a_start_fails_on(2, 1, 0);
	a_start_fails_on(3, 1, 0);
}

static void meet(const void *context, const void *item, void *out)
{
	struct pooling *shared = (struct pooling *)(uintptr_t)context;

	atomic_fetch_add(&shared->times[0], 1);
	for (unsigned ms = 0; ms < 10000 && atomic_load(&shared->times[0]) < WORKERS; ms++)
		usleep(1000);
	*(struct pooling_result *)out =
		(struct pooling_result){shared->times[0], *(const uint64_t *)item};
}

/* All workers are there only if each of as many items finds the others begun. */
static void assert_whole(struct pool *pool)
{
	struct pooling_result results[WORKERS];
	struct pool_job job = {meet, pooling, pooling->items, sizeof(uint64_t), WORKERS, results};
	char why[200] = "";

	atomic_store(&pooling->times[0], 0);
	assert_int_equal(pool_map(pool, &job, why, sizeof(why)), 0);
	assert_string_equal(why, "");
	for (size_t i = 0; i < WORKERS; i++)
		assert_int_equal(results[i].value, WORKERS);
}

/* Returns when it is dead, and leaves it to the pool to collect. */
static void end_worker(struct pool *pool, unsigned worker)
{
	siginfo_t info;

	kill(pool_process(pool, worker), SIGUSR1);
	while (waitid(P_PID, (id_t)pool_process(pool, worker), &info, WEXITED | WNOWAIT))
		assert_int_equal(errno, EINTR);
}

/* Workers 1 and 3 are replaced; the new 1 is killed while the new 3 is awaited, or the old 2. */
static void replaced(enum pool_on_death on_death, unsigned victim)
{
	struct pool_settings settings = settings_of(on_death);
	struct pool *pool;
	char why[200] = "";

	memset(script, 0, sizeof(*script));
	pool = pooling_start(&settings);
	atomic_store(&script->killer, 3);
	atomic_store(&script->victim, victim);
	end_worker(pool, 1);
	end_worker(pool, 3);
	assert_int_equal(pooling_map(pool, 50, 3, why, sizeof(why)),
			 on_death == POOL_DEATH_FAILS ? -ECHILD : 0);
	assert_non_null(strstr(why, "was killed by signal 10"));
	assert_non_null(strstr(why, "and 2 more died"));
	assert_int_equal(pool_deaths(pool), 3);
	assert_whole(pool);
	assert_int_equal(pool_deaths(pool), 3);
	pool_stop(pool);
}

static void while_others_are_replaced(void **state)
{
	(void)state;
	for (unsigned on_death = 0; on_death < 2; on_death++) {
		replaced(on_death, 1);
		replaced(on_death, 2);
	}
}

/* A replacement dies before it is ready: the map fails in so many words, and the next goes on. */
static void replacement_dies(void **state)
{
	(void)state;
	for (unsigned on_death = 0; on_death < 2; on_death++) {
		struct pool_settings settings = settings_of(on_death);
		struct pool *pool;
		char why[200] = "";

		memset(script, 0, sizeof(*script));
		pool = pooling_start(&settings);
		atomic_store(&script->killer, 2);
		atomic_store(&script->victim, 2);
		end_worker(pool, 2);
		assert_int_equal(pooling_map(pool, 50, 3, why, sizeof(why)), -ECHILD);
		assert_non_null(strstr(why, "was killed by signal 10"));
		assert_non_null(strstr(why, "and 1 more died"));
		assert_whole(pool);
		pool_stop(pool);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(not_yet_ready, setup, teardown),
		cmocka_unit_test_setup_teardown(ready_already, setup, teardown),
		cmocka_unit_test_setup_teardown(while_others_are_replaced, setup, teardown),
		cmocka_unit_test_setup_teardown(replacement_dies, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
