/* One question to the kernel's routing tables and its answer, as attributes: rtnetlink(7). */
#ifndef FETCH_XDP_NETLINK_H
#define FETCH_XDP_NETLINK_H

#include <linux/rtnetlink.h>
#include <stddef.h>
#include <stdint.h>

#define XDP_NETLINK_ATTRIBUTES 128

struct xdp_netlink {
	/* Of the answer, by type; NULL where it has none. They lie in `bytes`. */
	const struct rtattr *attributes[XDP_NETLINK_ATTRIBUTES];
	const void *header; /* struct ifinfomsg or struct rtmsg */
	_Alignas(8) char bytes[32 * 1024];
};

/* What is known of an interface; 0 or -errno. */
int xdp_netlink_link(struct xdp_netlink *answer, const char *name, unsigned index);

/* How a packet gets to that IPv4 address, by that interface (0: by any); 0 or -errno. */
int xdp_netlink_route(struct xdp_netlink *answer, uint32_t to, unsigned interface);

/* The prefix length of this machine's IPv4 address on the interface; or -errno. */
int xdp_netlink_prefix(struct xdp_netlink *answer, unsigned interface, uint32_t local);

/* The MAC address of that IPv4 neighbour: 0; -EAGAIN or -ENOENT while it is not known; -errno. */
int xdp_netlink_neighbour(struct xdp_netlink *answer, uint32_t to, unsigned interface,
			  uint8_t hardware[6]);
/* Makes the kernel ask for it; 0 or -errno. */
int xdp_netlink_resolve(struct xdp_netlink *answer, uint32_t to, unsigned interface);

/* Frames that an interface dropped since it was made, by its own count. */
struct xdp_drops {
	uint64_t in, out;
};

/* None of one that is gone. */
struct xdp_drops xdp_netlink_drops(unsigned index);

/* A number in an attribute; 0 when it is not there. */
uint32_t xdp_netlink_number(const struct rtattr *attribute);

#endif
