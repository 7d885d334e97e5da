/*
 * What it costs to hand out work, by the lab's pools and by OpenMP, in the same way: `dispatch
 * empty WHO` maps 2000 empty jobs on two warm workers and prints nanoseconds for each; `dispatch
 * wake WHO` lets two workers fall asleep, then has both do one job each, meeting in it, and prints
 * microseconds until both are done. Medians over half a second. WHO: openmp, threads, processes.
 */
#include <sched.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "kernels/pool/pool.h"

#define JOBS	2000
#define WORKERS 2
#define MAPS	4000
#define RUN_NS	UINT64_C(500000000)
#define SPIN_NS 50000 /* as the sumsq programs have it */

struct result {
	alignas(16) uint64_t unused[2];
};

/* In memory that processes share, too. */
static _Atomic unsigned *arrived;

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

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

/* Worker i on the i-th CPU that this process may use. */
static int bind_to(void *context, unsigned worker, char *why, size_t why_size)
{
	const cpu_set_t *allowed = context;
	cpu_set_t one;
	int cpu = -1;

	for (unsigned i = 0; i <= worker; i++)
		do
			cpu++;
		while (cpu < CPU_SETSIZE - 1 && !CPU_ISSET(cpu, allowed));
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	if (sched_setaffinity(0, sizeof(one), &one) == 0)
		return 0;
	snprintf(why, why_size, "two CPUs are needed");
	return -1;
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

static int compare(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;

	return a < b ? -1 : a > b;
}

static void measure(struct pool *pool, void (*map)(struct pool *pool, int count), bool wakes)
{
	static double ns[MAPS];
	uint64_t begun = now_ns();
	size_t maps = 0;

	while (maps < MAPS && now_ns() - begun < RUN_NS) {
		uint64_t before;

		if (wakes)
			usleep(1000);
		before = now_ns();
		map(pool, wakes ? WORKERS : JOBS);
		ns[maps++] = (double)(now_ns() - before);
	}
	qsort(ns, maps, sizeof(ns[0]), compare);
	if (wakes)
		printf("%.2f us to wake\n", ns[maps / 2] / 1e3);
	else
		printf("%.2f ns a job\n", ns[maps / 2] / JOBS);
}

static void measure_openmp(bool wakes)
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
		bind_to(&allowed, (unsigned)worker, why, sizeof(why));
	}
	measure(NULL, openmp_map, wakes);
}

static int measure_pool(enum pool_kind kind, bool wakes)
{
	const struct pool_settings settings = {.kind = kind,
					       .workers = WORKERS,
					       .spin_ns = wakes ? 0 : SPIN_NS,
					       .items_max = JOBS,
					       .result_size = sizeof(struct result),
					       .bind = bind_to,
					       .bind_context = &allowed};
	struct pool *pool;
	char why[256];

	if (pool_start(&pool, &settings, why, sizeof(why))) {
		fprintf(stderr, "dispatch: %s\n", why);
		return 3;
	}
	measure(pool, pool_map_jobs, wakes);
	pool_stop(pool);
	return 0;
}

int main(int argc, char **argv)
{
	bool wakes = argc == 3 && strcmp(argv[1], "wake") == 0;
	const char *policy = wakes ? "passive" : "active";
	const char *set = getenv("OMP_WAIT_POLICY");

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
	if (strcmp(argv[2], "openmp") == 0) {
		measure_openmp(wakes);
		return 0;
	}
	return measure_pool(strcmp(argv[2], "threads") == 0 ? POOL_THREADS : POOL_PROCESSES, wakes);
}
