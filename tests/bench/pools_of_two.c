/*
 * What a warm pool of two makes of two CPUs: `pools_of_two threads` or `processes`. In turn, ten
 * milliseconds each: the thirty sums on one CPU; on both CPUs at once without any pool (each CPU a
 * loop of its own, nothing shared); and on the pool. What two loops that share nothing reach is
 * what these two CPUs have to give. Under a hypervisor it changes within seconds: at 1.1 times one
 * CPU's rate both sit on one core's threads, at 2.0 each has a core. So the pool is judged by the
 * turns in which the loops before and after it reached WHOLE, and the others are counted. The time
 * on one CPU that selects a turn is another than the one it is divided by: a slow one would let
 * the turn in and flatter it.
 */
#include <pthread.h>
#include <sched.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/pool/pool.h"
#include "kernels/sumsq/sumsq.h"
#include "tests/bench/turns.h"

#define JOBS	 30
#define FIRST_N	 3000000
#define TURN_NS	 UINT64_C(10000000)
#define TURNS	 1000
#define WANTED	 100 /* turns on two whole CPUs */
#define WHOLE	 1.9
#define SPIN_NS	 50000 /* as the sumsq programs have it */
#define UNLOADED 3     /* turns that warm everything up */

struct result {
	alignas(16) sumsq_total total;
};

static const struct sumsq_core *core;
static uint64_t items[JOBS];
static struct result results[JOBS];
static cpu_set_t allowed;

_Noreturn static void give_up(const char *why)
{
	fprintf(stderr, "pools_of_two: %s\n", why);
	exit(3);
}

static void add(const void *context, const void *item, void *result)
{
	const uint64_t *n = item;
	struct result *sum = result;

	(void)context;
	sum->total = core->sum(0, *n);
}

/* The thirty sums again and again for a turn: how many a second. */
static double loop_alone(struct result *own)
{
	uint64_t begun_ns = turns_now_ns(), ns;
	unsigned rounds = 0;

	do {
		for (unsigned i = 0; i < JOBS; i++)
			add(NULL, &items[i], &own[i]);
		rounds++;
		ns = turns_now_ns() - begun_ns;
	} while (ns < TURN_NS);
	return rounds * 1e9 / (double)ns;
}

static atomic_uint ready;

static void *other_loop(void *rate)
{
	struct result own[JOBS];
	char why[64];

	if (turns_bind(&allowed, 1, why, sizeof(why)))
		give_up(why);
	atomic_fetch_add(&ready, 1);
	while (atomic_load(&ready) < 2)
		;
	*(double *)rate = loop_alone(own);
	return NULL;
}

/* One loop on each CPU at once, nothing shared. */
static double loop_on_both(void)
{
	struct result own[JOBS];
	double other, rate;
	pthread_t thread;

	atomic_store(&ready, 0);
	if (pthread_create(&thread, NULL, other_loop, &other))
		give_up("no thread to be had");
	while (atomic_load(&ready) < 1)
		;
	atomic_fetch_add(&ready, 1);
	rate = loop_alone(own);
	pthread_join(thread, NULL);
	return rate + other;
}

/* What both CPUs are now, as a multiple of one. */
static double look(void)
{
	struct result own[JOBS];
	double both = loop_on_both();

	return both / loop_alone(own);
}

static double loop_pooled(struct pool *pool)
{
	const struct pool_job job = {.function = add,
				     .items = items,
				     .item_size = sizeof(items[0]),
				     .count = JOBS,
				     .results = results};
	uint64_t begun_ns = turns_now_ns(), ns;
	unsigned rounds = 0;
	char why[256];

	do {
		if (pool_map(pool, &job, why, sizeof(why)))
			give_up(why);
		rounds++;
		ns = turns_now_ns() - begun_ns;
	} while (ns < TURN_NS);
	return rounds * 1e9 / (double)ns;
}

static void measure(struct pool *pool, const char *name)
{
	static double all[TURNS], whole[TURNS], both[TURNS];
	unsigned count = 0, wholes = 0;
	double before;

	for (unsigned i = 0; i < UNLOADED; i++) {
		loop_on_both();
		loop_pooled(pool);
	}
	before = look();
	while (count < TURNS && wholes < WANTED) {
		double pooled = loop_pooled(pool);
		double alone = loop_alone(results);
		double after = look();

		both[count] = after;
		all[count++] = pooled / alone;
		if (before >= WHOLE && after >= WHOLE)
			whole[wholes++] = pooled / alone;
		before = after;
	}
	if (wholes < WANTED / 10)
		give_up("two loops that share nothing never came to 1.9 times one: these CPUs are "
			"not two cores now");
	printf("%s: %.3f times one CPU in the %u turns in which two loops without a pool reach "
	       "%.1f; in all %u turns %.3f, and two loops without a pool %.3f\n",
	       name, turns_median(whole, wholes), wholes, WHOLE, count, turns_median(all, count),
	       turns_median(both, count));
}

int main(int argc, char **argv)
{
	struct pool_settings settings = {.workers = 2,
					 .spin_ns = SPIN_NS,
					 .items_max = JOBS,
					 .result_size = sizeof(struct result),
					 .bind = turns_bind,
					 .bind_context = &allowed};
	struct pool *pool;
	char why[256];

	if (argc != 2)
		return 2;
	settings.kind = strcmp(argv[1], "threads") == 0 ? POOL_THREADS : POOL_PROCESSES;
	if (sched_getaffinity(0, sizeof(allowed), &allowed))
		give_up("no CPUs");
	if (sumsq_core_find("auto", &core, why, sizeof(why)))
		give_up(why);
	for (unsigned i = 0; i < JOBS; i++)
		items[i] = FIRST_N + i;
	if (pool_start(&pool, &settings, why, sizeof(why)))
		give_up(why);
	measure(pool, argv[1]);
	pool_stop(pool);
	return 0;
}
