/* The kernel's table of neighbours, and lwIP's: see xdp_neighbour.h. */
#include "kernels/fetch/xdp_neighbour.h"

#include <lwip/netif.h>
#include <lwip/prot/etharp.h>
#include <lwip/prot/iana.h>
#include <netif/ethernet.h>
#include <string.h>

#include "kernels/fetch/calls.h"
#include "kernels/fetch/xdp_netlink.h"

/* How often, and how long each time, the kernel is given for an answer to ARP. */
#define TRIES	100
#define WAIT_NS INT64_C(10000000)

/* It asks on its own account and once more when it has nothing. */
static bool ask(const struct xdp_interface *i, struct xdp_neighbour *n)
{
	struct calls uncounted = {0};
	struct xdp_netlink answer;

	for (unsigned try = 0; try < TRIES; try++) {
		if (xdp_netlink_neighbour(&answer, n->address.s_addr, i->index, n->hardware) == 0)
			return true;
		if (try % 10 == 0 && xdp_netlink_resolve(&answer, n->address.s_addr, i->index))
			return false;
		calls_sleep(&uncounted, WAIT_NS);
	}
	return false;
}

static bool is_known(const struct xdp_neighbour *all, unsigned count, struct in_addr address)
{
	for (unsigned i = 0; i < count; i++)
		if (all[i].address.s_addr == address.s_addr)
			return true;
	return false;
}

unsigned xdp_neighbour_find(const struct xdp_interface *interface, const struct endpoint *endpoints,
			    unsigned count, struct xdp_neighbour *found)
{
	unsigned known = 0;

	for (unsigned e = 0; e < count; e++) {
		struct xdp_neighbour *n = &found[known];

		if (endpoints[e].address.ss_family != AF_INET)
			continue; /* its name does not resolve */
		n->address = xdp_interface_hop(interface, &endpoints[e]);
		if (!is_known(found, known, n->address) && ask(interface, n))
			known++;
	}
	return known;
}

/* As if it had just answered: lwIP of the distributions' builds takes no static entries. */
static void tell(struct netif *netif, const struct xdp_neighbour *n)
{
	struct pbuf *p = pbuf_alloc(PBUF_RAW, SIZEOF_ETH_HDR + SIZEOF_ETHARP_HDR, PBUF_RAM);
	struct eth_hdr *frame;
	struct etharp_hdr *arp;

	if (!p)
		return;
	frame = p->payload;
	arp = (struct etharp_hdr *)(frame + 1);
	memset(p->payload, 0, p->len);
	memcpy(&frame->dest, netif->hwaddr, sizeof(frame->dest));
	memcpy(&frame->src, n->hardware, sizeof(frame->src));
	frame->type = PP_HTONS(ETHTYPE_ARP);
	arp->hwtype = PP_HTONS(LWIP_IANA_HWTYPE_ETHERNET);
	arp->proto = PP_HTONS(ETHTYPE_IP);
	arp->hwlen = ETH_HWADDR_LEN;
	arp->protolen = sizeof(ip4_addr_t);
	arp->opcode = PP_HTONS(ARP_REPLY);
	memcpy(&arp->shwaddr, n->hardware, sizeof(arp->shwaddr));
	memcpy(&arp->sipaddr, &n->address, sizeof(arp->sipaddr));
	memcpy(&arp->dhwaddr, netif->hwaddr, sizeof(arp->dhwaddr));
	memcpy(&arp->dipaddr, netif_ip4_addr(netif), sizeof(arp->dipaddr));
	if (ethernet_input(p, netif) != ERR_OK)
		pbuf_free(p);
}

void xdp_neighbour_tell(struct netif *netif, const struct xdp_neighbour *all, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		tell(netif, &all[i]);
}

void xdp_neighbour_renew(const struct xdp_interface *interface, struct xdp_neighbour *all,
			 unsigned count)
{
	struct xdp_netlink answer;

	for (unsigned i = 0; i < count; i++) {
		const uint32_t to = all[i].address.s_addr;

		if (xdp_netlink_neighbour(&answer, to, interface->index, all[i].hardware) ||
		    ((const struct ndmsg *)answer.header)->ndm_state & NUD_STALE)
			xdp_netlink_resolve(&answer, to, interface->index);
	}
}
