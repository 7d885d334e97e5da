/* See turns.h. */
#include "tests/bench/turns.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

uint64_t turns_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static int compare(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;

	return a < b ? -1 : a > b;
}

double turns_median(double *values, size_t count)
{
	qsort(values, count, sizeof(values[0]), compare);
	return values[count / 2];
}

int turns_bind(void *allowed, unsigned worker, char *why, size_t why_size)
{
	const cpu_set_t *set = allowed;
	cpu_set_t one;
	int cpu = -1;

	for (unsigned i = 0; i <= worker; i++)
		do
			cpu++;
		while (cpu < CPU_SETSIZE - 1 && !CPU_ISSET(cpu, set));
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	if (sched_setaffinity(0, sizeof(one), &one) == 0)
		return 0;
	snprintf(why, why_size, "two CPUs are needed");
	return -1;
}
