/* Queues and ports, dealt out: see xdp_steering.h. */
#include "kernels/fetch/xdp_steering.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "kernels/fetch/xdp_interface.h"

static int too_few(const struct xdp_interface *i, unsigned workers, unsigned first, char *why,
		   size_t why_size)
{
	char behind[32] = "", more[48];

	if (first)
		snprintf(behind, sizeof(behind), " from queue %u on", first);
	if (i->by_lab)
		snprintf(more, sizeof(more), "`iolab link --queues %u`", first + workers);
	else
		snprintf(more, sizeof(more), "`ethtool -L %s combined %u`", i->name,
			 first + workers);
	snprintf(why, why_size,
		 "%s has %u queue%s, too few for %u worker%s%s, which take one each; take fewer "
		 "--processes or make more: %s",
		 i->name, i->queues, i->queues == 1 ? "" : "s", workers, workers == 1 ? "" : "s",
		 behind, more);
	return -EOPNOTSUPP;
}

static int too_many(const struct xdp_interface *i, char *why, size_t why_size)
{
	snprintf(why, why_size,
		 "%s has %u queues, and one worker serves %u at most; leave it fewer with `ethtool "
		 "-L`, or name the one that answers are steered to with --xdp=queue:N",
		 i->name, i->queues, XDP_QUEUES_MAX);
	return -EOPNOTSUPP;
}

int xdp_steering_deal(struct xdp_steering *s, const struct xdp_interface *i, unsigned workers,
		      const unsigned *first, char *why, size_t why_size)
{
	*s = (struct xdp_steering){.workers = workers, .queues = i->queues, .shift = XDP_PORT_BITS};
	if (workers == 1 && !first)
		return i->queues > XDP_QUEUES_MAX ? too_many(i, why, why_size) : 0;
	s->by_port = true;
	s->queues = 1;
	s->first = first ? *first : 0;
	if (s->first >= i->queues || workers > i->queues - s->first)
		return too_few(i, workers, s->first, why, why_size);
	s->origin = i->by_lab ? 0 : s->first;
	s->shift = xdp_steering_shift(i->by_lab ? i->queues : workers);
	return 0;
}

struct xdp_share xdp_steering_share(const struct xdp_steering *s, unsigned worker)
{
	unsigned queue = s->first + worker;

	return (struct xdp_share){.queue = queue,
				  .queues = s->queues,
				  .port = XDP_PORT_FIRST + ((queue - s->origin) << s->shift),
				  .ports = 1U << s->shift};
}

void xdp_steering_astray(const struct xdp_steering *s, const struct xdp_interface *i,
			 uint64_t frames, unsigned queue, unsigned port, char *line, size_t size)
{
	unsigned range = (port - XDP_PORT_FIRST) >> s->shift;
	unsigned mask = (1U << s->shift) - 1;

	snprintf(line, size,
		 "%" PRIu64 " frame%s went astray: one for port %u came by queue %u of %s, and "
		 "belongs to queue %u; steer it there: `ethtool -N %s flow-type tcp4 dst-port "
		 "0x%x m 0x%x action %u`, and so for each worker (lab/bypass.md)",
		 frames, frames == 1 ? "" : "s", port, queue, i->name, s->origin + range, i->name,
		 XDP_PORT_FIRST + (range << s->shift), mask, s->origin + range);
}
