/* See epoll_busy_poll.h. */
#include "kernels/fetch/epoll_busy_poll.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/time.h>

/* As in <linux/eventpoll.h> of Linux 6.9 and later, under names that no header has. */
struct busy_poll_parameters {
	uint32_t microseconds;
	uint16_t budget; /* packets in one look; 0: the kernel's own */
	uint8_t prefer;
	uint8_t zero;
};

#define BUSY_POLL_SET _IOW(0x8a, 0x01, struct busy_poll_parameters)

/* Longer than any answer: a misprint. */
#define LONGEST_NS UINT64_C(1000000000)

int epoll_busy_poll_check(const struct model_choices *choices, enum wait_mode wait, char *why,
			  size_t why_size)
{
	const struct model_choice *choice = model_choice(choices, "busy-poll");

	if (!choice)
		return 0;
	if (choice->value < 1000 || choice->value > LONGEST_NS || choice->value % 1000) {
		snprintf(why, why_size, "busy-poll takes whole microseconds, from 1us to 1s");
		return -EINVAL;
	}
	if (wait == WAIT_SPIN) {
		snprintf(why, why_size,
			 "busy-poll is for --wait block: the kernel polls before it sleeps");
		return -EINVAL;
	}
	return 0;
}

/* Whether what comes from there comes through NAPI: 1, 0, or -1 when nothing came. */
static int comes_by_napi(const struct endpoint *from)
{
	const struct timeval patience = {.tv_sec = 1};
	int fd = socket(from->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	unsigned id = 0;
	socklen_t size = sizeof(id);
	int result = -1;

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (connect(fd, (const struct sockaddr *)&from->address, from->address_length) == 0 &&
	    getsockopt(fd, SOL_SOCKET, SO_INCOMING_NAPI_ID, &id, &size) == 0)
		result = id != 0;
	close(fd);
	return result;
}

static bool without_effect(const struct worker *w)
{
	for (unsigned i = 0; i < w->endpoints_count; i++)
		if (comes_by_napi(&w->endpoints[i]) != 0)
			return false;
	return true;
}

int epoll_busy_poll_set(const struct worker *w, int epoll, char *effective, size_t effective_size,
			char *why, size_t why_size)
{
	const struct model_choice *choice = model_choice(w->choices, "busy-poll");

	effective[0] = 0;
	if (!choice)
		return 0;
	const struct busy_poll_parameters parameters = {.microseconds =
								(uint32_t)(choice->value / 1000)};

	if (ioctl(epoll, BUSY_POLL_SET, &parameters)) {
		int err = -errno;

		snprintf(why, why_size, "busy-poll: the kernel refuses it: %m%s",
			 err == -ENOTTY	      ? " (epoll has it since Linux 6.9)"
			 : err == -EOPNOTSUPP ? " (it was built without CONFIG_NET_RX_BUSY_POLL)"
					      : "");
		return err;
	}
	snprintf(effective, effective_size, ",busy-poll:%" PRIu64 "us%s", choice->value / 1000,
		 w->index == 0 && without_effect(w) ? "(not effective)" : "");
	return 0;
}
