/* Opening, reading and adding up perf events: see counters.h. */
#include "lab/counters.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static const struct counters_kind hardware[COUNTERS_EVENTS] = {
	[COUNTERS_CYCLES] = {PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES},
	[COUNTERS_INSTRUCTIONS] = {PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS},
	[COUNTERS_CACHE_MISSES] = {PERF_TYPE_HARDWARE, PERF_COUNT_HW_CACHE_MISSES},
	[COUNTERS_BRANCH_MISSES] = {PERF_TYPE_HARDWARE, PERF_COUNT_HW_BRANCH_MISSES},
};

const char *const counters_wanted_names[] = {"on", "off", NULL};

const struct counters_kind *counters_kinds = hardware;

/*
 * No group: a group is read at once, but not with what it inherited (before Linux 6.12), and as
 * no event is taken that did not count all the time, all that are taken cover the same time.
 */
static int open_event(enum counters_event event, enum counters_scope scope)
{
	struct perf_event_attr attributes = {
		.size = sizeof(attributes),
		.type = counters_kinds[event].type,
		.config = counters_kinds[event].config,
		.read_format = PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING,
		.inherit = 1,
		.exclude_kernel = scope == COUNTERS_USER,
		.exclude_hv = scope == COUNTERS_USER,
	};
	long fd = syscall(SYS_perf_event_open, &attributes, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);

	return fd < 0 ? -errno : (int)fd;
}

static int refused(int err, char *why, size_t why_size)
{
	const char *reason = strerror(-err);

	if (err == -ENOENT || err == -EOPNOTSUPP)
		reason = "this host has none, or its hypervisor shows none";
	else if (err == -EACCES || err == -EPERM)
		reason = "forbidden, see kernel.perf_event_paranoid; containers may forbid it too";
	else if (err == -ENOSYS)
		reason = "this kernel has no perf events";
	snprintf(why, why_size, "no hardware counters: %s", reason);
	return err;
}

int counters_open(struct counters *c, char *why, size_t why_size)
{
	int fd;

	memset(c, 0, sizeof(*c));
	c->scope = COUNTERS_USER_AND_KERNEL;
	fd = open_event(COUNTERS_CYCLES, c->scope);
	if (fd == -EACCES || fd == -EPERM) {
		c->scope = COUNTERS_USER;
		fd = open_event(COUNTERS_CYCLES, c->scope);
	}
	if (fd < 0) {
		c->scope = COUNTERS_NOTHING;
		return refused(fd, why, why_size);
	}
	for (unsigned event = COUNTERS_CYCLES; event < COUNTERS_EVENTS; event++) {
		if (event != COUNTERS_CYCLES)
			fd = open_event(event, c->scope);
		if (fd < 0)
			continue;
		c->fds[event] = fd;
		c->open |= 1U << event;
	}
	return 0;
}

void counters_close(struct counters *c)
{
	for (unsigned event = 0; event < COUNTERS_EVENTS; event++)
		if (c->open >> event & 1)
			close(c->fds[event]);
	memset(c, 0, sizeof(*c));
}

void counters_read(const struct counters *c, struct counters_reading *r)
{
	r->scope = c->scope;
	r->read = 0;
	for (unsigned event = 0; event < COUNTERS_EVENTS; event++)
		if (c->open >> event & 1 &&
		    read(c->fds[event], &r->events[event], sizeof(r->events[event])) ==
			    (ssize_t)sizeof(r->events[event]))
			r->read |= 1U << event;
}

void counters_add(struct counters_sum *sum, const struct counters_reading *begin,
		  const struct counters_reading *end)
{
	unsigned known = begin->read & end->read;

	for (unsigned event = 0; event < COUNTERS_EVENTS; event++) {
		uint64_t enabled_ns, running_ns;

		if (!(known >> event & 1))
			continue;
		enabled_ns = end->events[event].enabled_ns - begin->events[event].enabled_ns;
		running_ns = end->events[event].running_ns - begin->events[event].running_ns;
		if (enabled_ns == 0 || running_ns < enabled_ns) {
			sum->multiplexed |= running_ns < enabled_ns;
			known &= ~(1U << event);
			continue;
		}
		sum->counts[event] += end->events[event].count - begin->events[event].count;
	}
	sum->known = sum->any ? sum->known & known : known;
	if (!sum->any || end->scope < sum->scope)
		sum->scope = end->scope;
	sum->any = true;
}

double counters_per(const struct counters_sum *sum, enum counters_event event, uint64_t things)
{
	if (!(sum->known >> event & 1) || things == 0)
		return NAN;
	return (double)sum->counts[event] / (double)things;
}

const char *counters_scope_text(const struct counters_sum *sum)
{
	static const char *const texts[][2] = {
		[COUNTERS_NOTHING] = {"", ""},
		[COUNTERS_USER] = {"user", "user multiplexed"},
		[COUNTERS_USER_AND_KERNEL] = {"user+kernel", "user+kernel multiplexed"},
	};

	return texts[sum->scope][sum->multiplexed];
}
