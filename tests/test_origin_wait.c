/* lab/origin_wait: both ways of waiting end at the deadline or at an event, and never before. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <cmocka.h>

#include "lab/origin_wait.h"

static struct origin_wait wait;
static struct epoll_event events[4];

static void open_wait(bool timerfd)
{
	char why[128];

	assert_int_equal(origin_wait_open(&wait, timerfd, why, sizeof(why)), 0);
	assert_true(!timerfd || wait.timer >= 0);
}

/* Waits as the origin does: until the deadline is reached, and asleep for most of it. */
static void deadlines(void **state)
{
	static const uint64_t delays_ns[] = {0,	      1,       1000,	 50000,
					     1000000, 9999999, 30000000, 100000000};

	(void)state;
	for (int timerfd = 0; timerfd < 2; timerfd++) {
		open_wait(timerfd);
		for (size_t i = 0; i < sizeof(delays_ns) / sizeof(delays_ns[0]); i++) {
			uint64_t deadline = origin_wait_now() + delays_ns[i];
			unsigned waits = 0;

			while (origin_wait_now() < deadline) {
				int count = origin_wait_events(&wait, events, 4, deadline);

				assert_true(count == 0 || (count == 1 && !events[0].data.ptr));
				waits++;
			}
			assert_in_range(waits, 0, 2000); /* the last microseconds awake, no more */
		}
		origin_wait_close(&wait);
	}
}

static void event_first(void **state)
{
	(void)state;
	for (int timerfd = 0; timerfd < 2; timerfd++) {
		int fd = eventfd(1, EFD_NONBLOCK);
		struct epoll_event event = {.events = EPOLLIN, .data.ptr = &wait};

		open_wait(timerfd);
		assert_int_equal(epoll_ctl(wait.epoll, EPOLL_CTL_ADD, fd, &event), 0);
		assert_int_equal(origin_wait_events(&wait, events, 4, 0), 1);
		assert_int_equal(origin_wait_events(&wait, events, 4, UINT64_MAX), 1);
		assert_int_equal(origin_wait_events(&wait, events, 4,
						    origin_wait_now() + UINT64_C(60000000000)),
				 1);
		assert_ptr_equal(events[0].data.ptr, &wait);
		close(fd);
		assert_int_equal(origin_wait_events(&wait, events, 4, 0), 0);
		origin_wait_close(&wait);
		assert_int_equal(wait.epoll, -1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(deadlines),
		cmocka_unit_test(event_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
