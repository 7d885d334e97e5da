/*
 * What it costs to hand out work, by the lab's pools and by OpenMP, in the same way: `dispatch
 * empty WHO` maps 2000 empty jobs on two warm workers and prints nanoseconds for each, as medians
 * over half a second. WHO: openmp, threads, processes. `dispatch wake WHO` lets the workers of a
 * pool and of OpenMP fall asleep, then has two do one job each, meeting in it, and takes the time
 * until both are done; the two take turns, because what a wake-up costs changes with the host.
 */
#include <sched.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kernels/pool/pool.h"
#include "tests/bench/turns.h"

#define JOBS	2000
#define WORKERS 2
#define MAPS	4000
#define WAKES	400
#define RUN_NS	UINT64_C(500000000)
#define SPIN_NS 50000 /* as the sumsq programs have it */

struct result {
	alignas(16) uint64_t unused[2];
};

/* In memory that processes share, too. */
static _Atomic unsigned *arrived;

static void empty(const void *context, const void *item, void *result)
{
	(void)context;
	(void)item;
	(void)result;
}

/* Ends when as many have come as workers, so that none can do the other's job. */
static void meet(const void *context, const void *item, void *result)
{
	unsigned target = (atomic_fetch_add(arrived, 1) / WORKERS + 1) * WORKERS;

	(void)context;
	(void)item;
	(void)result;
	while ((int)(atomic_load(arrived) - target) < 0)
		;
}

static cpu_set_t allowed;
static struct result results[JOBS];
static pool_function *volatile function; /* that no compiler may look into */

static void openmp_map(struct pool *pool, int count)
{
	(void)pool;
#pragma omp parallel for schedule(dynamic, 1) num_threads(WORKERS)
	for (int i = 0; i < count; i++)
		function(NULL, &results[i], &results[i]);
}

static void pool_map_jobs(struct pool *pool, int count)
{
	struct pool_job job = {.function = function,
			       .items = results,
			       .item_size = sizeof(struct result),
			       .count = (size_t)count,
			       .results = results};
	char why[256];

	if (pool_map(pool, &job, why, sizeof(why))) {
		fprintf(stderr, "dispatch: %s\n", why);
		exit(1);
	}
}

typedef void map_function(struct pool *pool, int count);

static double timed(map_function *map, struct pool *pool, int count)
{
	uint64_t before = turns_now_ns();

	map(pool, count);
	return (double)(turns_now_ns() - before);
}

static void measure_empty(struct pool *pool, map_function *map)
{
	static double ns[MAPS];
	uint64_t begun = turns_now_ns();
	size_t maps = 0;

	while (maps < MAPS && turns_now_ns() - begun < RUN_NS)
		ns[maps++] = timed(map, pool, JOBS);
	printf("%.2f ns a job\n", turns_median(ns, maps) / JOBS);
}

static void measure_wake(struct pool *pool, const char *name)
{
	static double pooled[WAKES], openmp[WAKES], ratio[WAKES];

	for (unsigned i = 0; i < WAKES; i++) {
		usleep(1000);
		if (i % 2)
			pooled[i] = timed(pool_map_jobs, pool, WORKERS);
		usleep(1000);
		openmp[i] = timed(openmp_map, NULL, WORKERS);
		usleep(1000);
		if (i % 2 == 0)
			pooled[i] = timed(pool_map_jobs, pool, WORKERS);
		ratio[i] = pooled[i] / openmp[i];
	}
	printf("%s: %.3f of OpenMP's time to wake in pairs, %.2f us; OpenMP %.2f us\n", name,
	       turns_median(ratio, WAKES), turns_median(pooled, WAKES) / 1e3,
	       turns_median(openmp, WAKES) / 1e3);
}

static void bind_openmp(void)
{
#pragma omp parallel num_threads(WORKERS)
	{
		char why[64];
		int worker = 0;

#pragma omp critical
		{
			static int next;

			worker = next++;
		}
		turns_bind(&allowed, (unsigned)worker, why, sizeof(why));
	}
}

static struct pool *start_pool(const char *name, bool wakes)
{
	const struct pool_settings settings = {
		.kind = strcmp(name, "threads") == 0 ? POOL_THREADS : POOL_PROCESSES,
		.workers = WORKERS,
		.spin_ns = wakes ? 0 : SPIN_NS,
		.items_max = JOBS,
		.result_size = sizeof(struct result),
		.bind = turns_bind,
		.bind_context = &allowed};
	struct pool *pool;
	char why[256];

	if (pool_start(&pool, &settings, why, sizeof(why)) == 0)
		return pool;
	fprintf(stderr, "dispatch: %s\n", why);
	exit(3);
}

int main(int argc, char **argv)
{
	bool wakes = argc == 3 && strcmp(argv[1], "wake") == 0;
	const char *policy = wakes ? "passive" : "active";
	const char *set = getenv("OMP_WAIT_POLICY");
	struct pool *pool = NULL;

	if (argc != 3)
		return 2;
	/* OpenMP reads it before main() begins. */
	if (!set || strcmp(set, policy) != 0) {
		setenv("OMP_WAIT_POLICY", policy, 1);
		execv("/proc/self/exe", argv);
		return 3;
	}
	arrived = pool_memory(sizeof(*arrived));
	if (!arrived || sched_getaffinity(0, sizeof(allowed), &allowed))
		return 3;
	function = wakes ? meet : empty;
	if (strcmp(argv[2], "openmp") != 0)
		pool = start_pool(argv[2], wakes); /* processes fork before OpenMP has threads */
	if (wakes || !pool)
		bind_openmp();
	if (wakes && pool)
		measure_wake(pool, argv[2]);
	else if (!wakes)
		measure_empty(pool, pool ? pool_map_jobs : openmp_map);
	if (pool)
		pool_stop(pool);
	return 0;
}
