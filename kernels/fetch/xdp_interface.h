/*
 * The interface that fetch-xdp takes over: which one leads to the servers, what the kernel has
 * there (addresses, next hop, queues), and whether it may be taken at all. All is asked by
 * netlink, in the caller's network namespace.
 */
#ifndef FETCH_XDP_INTERFACE_H
#define FETCH_XDP_INTERFACE_H

#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels/protocol/request.h"

struct xdp_interface {
	char name[IF_NAMESIZE];
	unsigned index;
	unsigned mtu; /* bytes of an IP packet */
	unsigned queues;
	bool by_lab;	      /* its alias is one that the lab gives: "iolab END PID TICKS NS" */
	bool up, loopback;    /* as its flags have it */
	uint32_t program;     /* id of the XDP program that is attached already; 0: none */
	uint8_t hardware[6];  /* its MAC address */
	struct in_addr local; /* the address that packets to the servers come from */
	struct in_addr netmask;
	struct in_addr gateway; /* next hop to those outside the network; 0.0.0.0: there is none */
};

/*
 * Finds the interface for these servers: the one of that name, or with NULL the one that the
 * kernel's routes lead to, if the lab made it. Returns 0; -EINVAL with one line in why when the
 * user has to ask for something else; another -errno when this host cannot.
 */
int xdp_interface_find(struct xdp_interface *interface, const char *name,
		       const struct endpoint *endpoints, unsigned count, char *why,
		       size_t why_size);

/* Whom to send to for that server, by IPv4: itself when it is near, else the gateway. */
struct in_addr xdp_interface_hop(const struct xdp_interface *interface, const struct endpoint *to);

#endif
