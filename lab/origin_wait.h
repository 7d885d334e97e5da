/*
 * Waiting for events until a point in time, to a few microseconds: epoll_wait() rounds to
 * milliseconds, the kernel adds a slack of its own, and a CPU that slept long wakes late (in a
 * virtual machine by 100 us after 5 ms). So the time is asked for earlier by what it was late.
 */
#ifndef LAB_ORIGIN_WAIT_H
#define LAB_ORIGIN_WAIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>

struct origin_wait {
	int epoll;
	int timer; /* where the kernel has no epoll_pwait2() (before 5.11), else -1 */
	uint64_t timer_set_ns;
	/* By the binary logarithm of a wait in ns: how late, at the least, such waits end here. */
	uint32_t late_ns[64];
};

/*
 * Opens an epoll descriptor for the calling thread and asks for the least timer slack for it.
 * `timerfd` does without epoll_pwait2() even where the kernel has it. Returns 0 or -errno and a
 * line in `why`.
 */
int origin_wait_open(struct origin_wait *wait, bool timerfd, char *why, size_t why_size);
void origin_wait_close(struct origin_wait *wait);

/* CLOCK_MONOTONIC in ns. */
uint64_t origin_wait_now(void);

/*
 * epoll_wait() until an event comes or deadline_ns is reached (0: only look; UINT64_MAX: for
 * ever). May return 0 events up to some 10 us before the deadline: call it again; an event whose
 * data.ptr is NULL stands for the deadline. Returns the number of events; -errno never, as an
 * interrupted wait is 0 events.
 */
int origin_wait_events(struct origin_wait *wait, struct epoll_event *events, int most,
		       uint64_t deadline_ns);

#endif
