/*
 * An interface taken over, once for all workers of a run: found, the program loaded, queues and
 * ports dealt out, next hops asked for. Made before the workers are forked, so that each inherits
 * the program and its maps; the first one attaches it, and with that process it is gone.
 */
#ifndef FETCH_XDP_TAKEOVER_H
#define FETCH_XDP_TAKEOVER_H

#include <stdatomic.h>

#include "kernels/fetch/xdp_interface.h"
#include "kernels/fetch/xdp_neighbour.h"
#include "kernels/fetch/xdp_netlink.h"
#include "kernels/fetch/xdp_options.h"
#include "kernels/fetch/xdp_program.h"
#include "kernels/fetch/xdp_steering.h"

struct reach;

/* In memory that the workers' processes share, until they end: the report reads it last. */
struct xdp_takeover_shared {
	_Atomic unsigned zerocopies; /* workers whose queues are not copied */
	_Atomic unsigned ended;	     /* workers that told their sockets' drops */
	_Atomic uint64_t dropped;    /* by those sockets */
	atomic_bool detached;	     /* the program, by somebody else */
	char astray[512];
};

struct xdp_takeover {
	struct xdp_interface interface;
	struct xdp_variants options;
	struct xdp_steering steering;
	struct xdp_program program;
	struct xdp_neighbour *neighbours; /* of lwIP to be told; none where ARP is its own */
	unsigned neighbours_count;
	struct xdp_takeover_shared *shared;
	struct xdp_drops before; /* of the interface, when it was taken */
};

/* As model.reach(): see model.h. */
int xdp_takeover_begin(struct xdp_takeover *takeover, const struct reach *reach, char *why,
		       size_t why_size);

/*
 * To be asked once by each worker, at its end, with the frames that its own sockets dropped: how
 * many it is to count. The last worker's answer holds what only the interface saw. A driver may
 * count a frame that a socket refused as dropped by itself or not, so of the two counts of frames
 * that arrived the higher one is taken: at least so many were dropped. Some drivers also count what
 * the program drops, on purpose or astray: those frames are not counted here, whoever saw them.
 */
uint64_t xdp_takeover_drops(struct xdp_takeover *takeover, uint64_t by_sockets);

/* What went astray, in one line that all the workers' processes can read, or NULL. */
const char *xdp_takeover_astray(const struct xdp_takeover *takeover);

/* Once a second: asks whether the program is attached still. Only its own process can. */
void xdp_takeover_look(const struct xdp_takeover *takeover);
/* What was found. */
bool xdp_takeover_detached(const struct xdp_takeover *takeover);

/* What is in effect; polls: see xdp_options_text(). */
void xdp_takeover_text(const struct xdp_takeover *takeover, bool polls, char text[XDP_TEXT_SIZE]);

/* Of this process; the last one that does ends it for the interface. */
void xdp_takeover_end(struct xdp_takeover *takeover);

#endif
