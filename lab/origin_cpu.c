/* CPU numbers as the kernel counts them, and the affinity of the calling thread. */
#include "lab/origin_cpu.h"

#include <ctype.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int read_cpu(const char **at)
{
	int cpu = 0;

	if (!isdigit((unsigned char)**at))
		return -1;
	while (isdigit((unsigned char)**at)) {
		cpu = cpu * 10 + *(*at)++ - '0';
		if (cpu >= CPU_SETSIZE)
			return -1;
	}
	return cpu;
}

int origin_cpu_list(const char *text, int *cpus, int most, char *why, size_t why_size)
{
	const char *at = text;
	int count = 0;

	for (;;) {
		int first = read_cpu(&at);
		int last = first;

		if (first >= 0 && *at == '-') {
			at++;
			last = read_cpu(&at);
		}
		if (first < 0 || last < first || count + (last - first) >= most)
			break;
		while (first <= last)
			cpus[count++] = first++;
		if (!*at)
			return count;
		if (*at++ != ',')
			break;
	}
	snprintf(why, why_size, "'%s' is no list of CPUs; give 0, 0,2 or 0-3", text);
	return -EINVAL;
}

int origin_cpu_bind(int cpu, char *why, size_t why_size)
{
	cpu_set_t wanted, got;
	int err = 0;

	CPU_ZERO(&wanted);
	CPU_SET(cpu, &wanted);
	if (sched_setaffinity(0, sizeof(wanted), &wanted) ||
	    sched_getaffinity(0, sizeof(got), &got))
		err = -errno;
	else if (!CPU_EQUAL(&wanted, &got))
		err = -EXDEV;
	if (err == -EINVAL)
		snprintf(why, why_size, "CPU %d is not there, or not allowed", cpu);
	else if (err)
		snprintf(why, why_size, "binding to CPU %d: %s", cpu,
			 err == -EXDEV ? "it did not take" : strerror(-err));
	return err;
}
