/*
 * Hardware counters of a thread and of all that it starts after opening them (threads, processes,
 * io_uring's kernel threads), by perf_event_open(2): cycles, instructions, cache and branch
 * misses. They count from opening on and are read at the two ends of the measured interval;
 * between, nothing is done for them but what the kernel does at a switch of tasks.
 *
 * A host without counters, or one that forbids them, gives none: what is not there is left out,
 * never 0. Where there are more events than hardware counters the kernel counts each a part of
 * the time (time_running < time_enabled). Such a value would have to be guessed by scaling up; it
 * is refused instead, and the scope says "multiplexed".
 */
#ifndef LAB_COUNTERS_H
#define LAB_COUNTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum counters_event {
	COUNTERS_CYCLES,
	COUNTERS_INSTRUCTIONS,
	COUNTERS_CACHE_MISSES, /* of the last level, as the kernel maps it */
	COUNTERS_BRANCH_MISSES,
	COUNTERS_EVENTS
};

/*
 * Whether a program is to open them for its row. The kernel saves and loads them at each switch of
 * tasks: that costs a model that sleeps, and one that spins hardly anything.
 */
enum counters_wanted { COUNTERS_ON, COUNTERS_OFF };
extern const char *const counters_wanted_names[];
#define COUNTERS_HELP "hardware counters and energy in the row, where there are any (default on)"

/* Whose work is counted. The kernel's is left out where perf_event_paranoid asks for that. */
enum counters_scope { COUNTERS_NOTHING, COUNTERS_USER, COUNTERS_USER_AND_KERNEL };

/* What perf_event_open() is asked for, in the order of the events. */
struct counters_kind {
	uint32_t type;
	uint64_t config;
};

/*
 * What counters_open() opens: the hardware's events. Points elsewhere only in tests, which count
 * software's, so that all of this can be shown on a host without counters.
 */
extern const struct counters_kind *counters_kinds;

/* Zeroed: nothing open. */
struct counters {
	unsigned open; /* bit e: event e */
	int fds[COUNTERS_EVENTS];
	enum counters_scope scope;
};

struct counters_reading {
	enum counters_scope scope;
	unsigned read; /* bit e: event e */
	struct {
		uint64_t count;
		uint64_t enabled_ns;
		uint64_t running_ns;
	} events[COUNTERS_EVENTS];
};

/*
 * Opens what there is for the calling thread. Returns 0 when cycles can be counted; or -errno
 * with one line in why, and then nothing is open: -ENOENT or -EOPNOTSUPP, no such hardware;
 * -EACCES or -EPERM, forbidden; -ENOSYS, a kernel without. Others of the events that this
 * hardware lacks are left out.
 */
int counters_open(struct counters *counters, char *why, size_t why_size);
/* Also takes a zeroed struct; what the thread started stops counting too. */
void counters_close(struct counters *counters);

/* From any thread of the process that opened them. Makes one call for each event that is open. */
void counters_read(const struct counters *counters, struct counters_reading *reading);

/* Over all threads of a run; begin zeroed. */
struct counters_sum {
	bool any;	  /* something was added */
	unsigned known;	  /* bit e: event e was counted all the time, in everything added */
	bool multiplexed; /* some event was counted a part of the time only */
	enum counters_scope scope;
	uint64_t counts[COUNTERS_EVENTS];
};

void counters_add(struct counters_sum *sum, const struct counters_reading *begin,
		  const struct counters_reading *end);

/* The event's count for each of so many things; NAN when it is not known or they are none. */
double counters_per(const struct counters_sum *sum, enum counters_event event, uint64_t things);

/* "user", "user+kernel", each with " multiplexed" behind when something was refused; or "". */
const char *counters_scope_text(const struct counters_sum *sum);

#endif
