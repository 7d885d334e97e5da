/*
 * Which worker of a run has which queue and which local ports, so that a port tells the queue by
 * which its answers have to come. The local ports are cut into ranges of equal size, a power of
 * two and aligned to it: whoever steers, the lab's link or a card's filters, looks at a few upper
 * bits of the destination port. One worker alone serves all queues, and nothing needs steering.
 */
#ifndef FETCH_XDP_STEERING_H
#define FETCH_XDP_STEERING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The local ports, as lwIP has them: from 0xc000 up. */
#define XDP_PORT_FIRST 0xc000U
#define XDP_PORT_BITS  14
#define XDP_PORTS      (1U << XDP_PORT_BITS)

/* log2 of the ports of one range, when they are cut into as many as `ranges` or more. */
static inline unsigned xdp_steering_shift(unsigned ranges)
{
	unsigned bits = 0;

	while (1U << bits < ranges)
		bits++;
	return bits < XDP_PORT_BITS ? XDP_PORT_BITS - bits : 0;
}

/* Of an interface, when one worker serves them all. */
#define XDP_QUEUES_MAX 64U

struct xdp_steering {
	unsigned workers;
	unsigned first;	 /* the first worker's queue; the others have those behind it */
	unsigned origin; /* the queue of the range that begins at XDP_PORT_FIRST */
	unsigned shift;	 /* log2 of a range's ports */
	unsigned queues; /* that each worker serves: all when there is one worker alone */
	bool by_port;	 /* answers have to be steered */
};

struct xdp_share {
	unsigned queue, queues;
	unsigned port, ports; /* the first, and how many */
};

/*
 * For a new connection's port lwIP looks at all connections that are over, so they are kept to so
 * many, and looked through once in so many connections opened: the cost of one more is the same
 * throughout.
 */
struct xdp_over {
	unsigned most, slice;
};

/* Of few ports half of those without a connection at most, so that there is always a free one. */
static inline struct xdp_over xdp_steering_over(const struct xdp_share *share, unsigned connections)
{
	unsigned spare = share->ports > connections ? share->ports - connections : 0;

	return (struct xdp_over){.most = spare < 4     ? 1
					 : spare < 512 ? spare / 2
						       : 256,
				 .slice = spare < 4	? 1
					  : spare < 256 ? spare / 4
							: 64};
}

struct xdp_interface;
struct model_choices;

/*
 * Deals the interface's queues out to so many workers; `first` NULL, or the first queue that the
 * user asked for. A link of the lab's steers to all its queues, a card to those that are used.
 * Returns 0, or -errno with one line in why when there are too few.
 */
int xdp_steering_deal(struct xdp_steering *steering, const struct xdp_interface *interface,
		      unsigned workers, const unsigned *first, char *why, size_t why_size);

struct xdp_share xdp_steering_share(const struct xdp_steering *steering, unsigned worker);

/* What to do about a frame for that port which came by that queue: one line. */
void xdp_steering_astray(const struct xdp_steering *steering, const struct xdp_interface *interface,
			 uint64_t frames, unsigned queue, unsigned port, char *line, size_t size);

#endif
