/*
 * Next hops' MAC addresses by way of the kernel. Where several workers share an interface's
 * address an answer to ARP could come by any queue, so ARP stays the kernel's: it is asked before
 * the workers start, and each worker's lwIP is told.
 */
#ifndef FETCH_XDP_NEIGHBOUR_H
#define FETCH_XDP_NEIGHBOUR_H

#include <stdint.h>

#include "kernels/fetch/xdp_interface.h"

struct netif;

struct xdp_neighbour {
	struct in_addr address; /* of the next hop */
	uint8_t hardware[6];
};

/*
 * Fills in `found`, with room for one an endpoint; returns how many. One that does not answer
 * within a second is left out: TCP fails on it.
 */
unsigned xdp_neighbour_find(const struct xdp_interface *interface, const struct endpoint *endpoints,
			    unsigned count, struct xdp_neighbour *found);

/* Tells lwIP of them. It forgets after five minutes, and is to be told again before. */
void xdp_neighbour_tell(struct netif *netif, const struct xdp_neighbour *all, unsigned count);

/* Asks the kernel again, without waiting: one that it knows by another MAC address now is changed,
 * and one that it is not sure of any more it is made to ask for. */
void xdp_neighbour_renew(const struct xdp_interface *interface, struct xdp_neighbour *all,
			 unsigned count);

#endif
