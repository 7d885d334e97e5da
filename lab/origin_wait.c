/* epoll_pwait2() where there is one, a timerfd in the epoll set elsewhere. */
#include "lab/origin_wait.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S UINT64_C(1000000000)
/*
 * The kernel may end a wait late by a thousandth of it (five with a nice value). So a long wait is
 * cut short by a bit more than that, and the rest is waited for in a second, short wait.
 */
#define LONG_WAIT_NS	UINT64_C(10000000)
#define LONG_WAIT_SHARE 128
#define LATE_MOST_NS	200000 /* later than that is somebody else's doing */

static int open_timer(struct origin_wait *wait)
{
	struct epoll_event event = {.events = EPOLLIN | EPOLLET};

	wait->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (wait->timer < 0 || epoll_ctl(wait->epoll, EPOLL_CTL_ADD, wait->timer, &event))
		return -errno;
	return 0;
}

int origin_wait_open(struct origin_wait *wait, bool timerfd, char *why, size_t why_size)
{
	struct timespec none = {0};
	struct epoll_event event;
	int err = 0;

	*wait = (struct origin_wait){.timer = -1};
	wait->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (wait->epoll < 0) {
		err = -errno;
		snprintf(why, why_size, "epoll_create1: %s", strerror(-err));
		return err;
	}
	if (timerfd || (epoll_pwait2(wait->epoll, &event, 1, &none, NULL) < 0 && errno == ENOSYS))
		err = open_timer(wait);
	if (!err && prctl(PR_SET_TIMERSLACK, 1L, 0L, 0L, 0L))
		err = -errno;
	if (err) {
		snprintf(why, why_size, "no timer: %s", strerror(-err));
		origin_wait_close(wait);
	}
	return err;
}

void origin_wait_close(struct origin_wait *wait)
{
	if (wait->timer >= 0)
		close(wait->timer);
	if (wait->epoll >= 0)
		close(wait->epoll);
	wait->timer = -1;
	wait->epoll = -1;
}

uint64_t origin_wait_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

static struct timespec to_timespec(uint64_t ns)
{
	return (struct timespec){.tv_sec = (time_t)(ns / NS_PER_S),
				 .tv_nsec = (long)(ns % NS_PER_S)};
}

static int wait_until(struct origin_wait *wait, struct epoll_event *events, int most,
		      uint64_t now_ns, uint64_t wake_ns)
{
	struct timespec timeout = to_timespec(wake_ns - now_ns);

	if (wait->timer < 0)
		return epoll_pwait2(wait->epoll, events, most, &timeout, NULL);
	if (wait->timer_set_ns != wake_ns) {
		struct itimerspec at = {.it_value = to_timespec(wake_ns)};

		timerfd_settime(wait->timer, TFD_TIMER_ABSTIME, &at, NULL);
		wait->timer_set_ns = wake_ns;
	}
	return epoll_wait(wait->epoll, events, most, -1);
}

/* Falls fast and rises slowly: an early end is waited out awake, so most ends shall be late. */
static void learn(uint32_t *late_ns, uint64_t was_ns)
{
	uint32_t was = was_ns < LATE_MOST_NS ? (uint32_t)was_ns : LATE_MOST_NS;

	if (was < *late_ns)
		*late_ns -= (*late_ns - was) / 2;
	else
		*late_ns += (was - *late_ns) / 16;
}

static int wait_for(struct origin_wait *wait, struct epoll_event *events, int most,
		    uint64_t deadline_ns)
{
	uint64_t now = origin_wait_now();
	uint64_t left = deadline_ns > now ? deadline_ns - now : 0;
	uint32_t *late = &wait->late_ns[63 - __builtin_clzll(left | 1)];
	uint64_t wake;
	int count;

	if (left <= *late)
		return epoll_wait(wait->epoll, events, most, 0);
	wake = deadline_ns - *late;
	if (left > LONG_WAIT_NS)
		wake -= left / LONG_WAIT_SHARE;
	count = wait_until(wait, events, most, now, wake);
	if (count == 0 || (count == 1 && !events[0].data.ptr)) {
		now = origin_wait_now();
		learn(late, now > wake ? now - wake : 0);
	}
	return count;
}

int origin_wait_events(struct origin_wait *wait, struct epoll_event *events, int most,
		       uint64_t deadline_ns)
{
	int count;

	if (deadline_ns == 0 || deadline_ns == UINT64_MAX)
		count = epoll_wait(wait->epoll, events, most, deadline_ns ? -1 : 0);
	else
		count = wait_for(wait, events, most, deadline_ns);
	return count < 0 ? 0 : count;
}
