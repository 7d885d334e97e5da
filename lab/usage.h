/*
 * What a thread has used so far, read at the two ends of the measured interval: time, CPU, sleep,
 * switches, the CPU of kernel helper threads and what the hypervisor took. Their differences are
 * the bill.
 */
#ifndef LAB_USAGE_H
#define LAB_USAGE_H

#include <stdbool.h>
#include <stdint.h>

struct usage {
	uint64_t at_ns; /* CLOCK_MONOTONIC */
	uint64_t user_ns;
	uint64_t system_ns;
	uint64_t running_ns;  /* on a CPU, as the scheduler counts it */
	uint64_t waiting_ns;  /* ready, but another task had the CPU */
	bool scheduler_known; /* the two above could be read */
	uint64_t voluntary_switches;
	uint64_t involuntary_switches;
	uint64_t helper_ns;   /* CPU of the process's iou-* threads, all workers' together */
	uint64_t steal_ticks; /* of all CPUs */
	uint64_t total_ticks;
};

/* CLOCK_MONOTONIC in nanoseconds. */
uint64_t usage_now_ns(void);

/* What is read besides the calling thread's own usage; what is not is 0. */
enum usage_scope {
	USAGE_THREAD = 0,
	USAGE_HOST = 1,	   /* the ticks: for one worker of a run */
	USAGE_HELPERS = 2, /* helper_ns: likewise; looking through the tasks takes a while */
};

/*
 * The calling thread's usage, and what the scopes name (or-ed together). usage_begin() reads the
 * clock and the CPU time last, usage_end() first, so that the reading is not in the bill.
 */
void usage_begin(struct usage *usage, unsigned scopes);
void usage_end(struct usage *usage, unsigned scopes);

/*
 * The largest resident size of this process so far, KiB, 0 when it cannot be read. Of its own:
 * getrusage() would hand down the peak of whatever called exec.
 */
uint64_t usage_peak_kib(void);

/* *sum += end - begin, field by field; at_ns becomes the sum of the lengths. */
void usage_add(struct usage *sum, const struct usage *begin, const struct usage *end);

#endif
