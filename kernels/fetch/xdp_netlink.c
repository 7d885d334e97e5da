/* Questions to rtnetlink and the sorting of their answers: see xdp_netlink.h. */
#include "kernels/fetch/xdp_netlink.h"

#include <errno.h>
#include <net/if.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "kernels/fetch/netlink.h"

static void sort(struct xdp_netlink *answer, const struct nlmsghdr *message, size_t header)
{
	const struct rtattr *a =
		(const struct rtattr *)((const char *)NLMSG_DATA(message) + NLMSG_ALIGN(header));
	size_t left = message->nlmsg_len - NLMSG_SPACE(header);

	memset(answer->attributes, 0, sizeof(answer->attributes));
	answer->header = NLMSG_DATA(message);
	for (; RTA_OK(a, left); a = RTA_NEXT(a, left))
		if ((a->rta_type & NLA_TYPE_MASK) < XDP_NETLINK_ATTRIBUTES)
			answer->attributes[a->rta_type & NLA_TYPE_MASK] = a;
}

static int ask(struct xdp_netlink *answer, const struct netlink_message *question, size_t header)
{
	const struct nlmsghdr *message;
	int fd = netlink_open();

	if (fd < 0)
		return fd;
	int got = netlink_ask(fd, question, answer->bytes, sizeof(answer->bytes));

	close(fd);
	message = (const struct nlmsghdr *)answer->bytes;
	if (got > 0 && message->nlmsg_len < NLMSG_LENGTH(header))
		return -EBADMSG;
	/* An acknowledgement has no attributes. */
	if (got > 0)
		sort(answer, message, header);
	return got < 0 ? got : 0;
}

int xdp_netlink_link(struct xdp_netlink *answer, const char *name, unsigned index)
{
	const struct ifinfomsg link = {.ifi_index = (int)index};
	struct netlink_message m;

	netlink_begin(&m, RTM_GETLINK, 0, &link, sizeof(link));
	if (name)
		netlink_text(&m, IFLA_IFNAME, name);
	return ask(answer, &m, sizeof(link));
}

int xdp_netlink_route(struct xdp_netlink *answer, uint32_t to, unsigned interface)
{
	const struct rtmsg route = {.rtm_family = AF_INET, .rtm_dst_len = 32};
	struct netlink_message m;

	netlink_begin(&m, RTM_GETROUTE, 0, &route, sizeof(route));
	netlink_attribute(&m, RTA_DST, &to, sizeof(to));
	if (interface)
		netlink_attribute(&m, RTA_OIF, &interface, sizeof(interface));
	return ask(answer, &m, sizeof(route));
}

static void begin_neighbour(struct netlink_message *m, uint16_t type, uint16_t flags,
			    struct ndmsg neighbour, uint32_t to)
{
	netlink_begin(m, type, flags, &neighbour, sizeof(neighbour));
	netlink_attribute(m, NDA_DST, &to, sizeof(to));
}

int xdp_netlink_neighbour(struct xdp_netlink *answer, uint32_t to, unsigned interface,
			  uint8_t hardware[6])
{
	const struct ndmsg asked = {.ndm_family = AF_INET, .ndm_ifindex = (int)interface};
	const struct rtattr *found;
	struct netlink_message m;
	int err;

	begin_neighbour(&m, RTM_GETNEIGH, 0, asked, to);
	err = ask(answer, &m, sizeof(asked));
	if (err)
		return err;
	found = answer->attributes[NDA_LLADDR];
	if (!found || RTA_PAYLOAD(found) != 6 ||
	    ((const struct ndmsg *)answer->header)->ndm_state & (NUD_INCOMPLETE | NUD_FAILED))
		return -EAGAIN;
	memcpy(hardware, RTA_DATA(found), 6);
	return 0;
}

int xdp_netlink_resolve(struct xdp_netlink *answer, uint32_t to, unsigned interface)
{
	const struct ndmsg wanted = {.ndm_family = AF_INET,
				     .ndm_ifindex = (int)interface,
				     .ndm_state = NUD_NONE,
				     .ndm_flags = NTF_USE};
	struct netlink_message m;

	begin_neighbour(&m, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_ACK, wanted, to);
	return ask(answer, &m, sizeof(wanted));
}

/* Whether this message of a dump is that address; its prefix is then in *prefix. */
static bool is_address(struct xdp_netlink *answer, const struct nlmsghdr *message,
		       unsigned interface, uint32_t local, int *prefix)
{
	const struct ifaddrmsg *address = NLMSG_DATA(message);
	const struct rtattr *a;

	if (message->nlmsg_type != RTM_NEWADDR || address->ifa_index != interface)
		return false;
	sort(answer, message, sizeof(*address));
	a = answer->attributes[IFA_LOCAL];
	*prefix = address->ifa_prefixlen;
	return a && xdp_netlink_number(a) == local;
}

/* Reads a dump, whose first datagram is there, to its end or to the address. */
static int search(struct xdp_netlink *answer, int length, int fd, unsigned interface,
		  uint32_t local)
{
	int prefix;

	while (length > 0) {
		const struct nlmsghdr *m = (const struct nlmsghdr *)answer->bytes;
		unsigned left = (unsigned)length;

		for (; NLMSG_OK(m, left); m = NLMSG_NEXT(m, left)) {
			if (m->nlmsg_type == NLMSG_DONE)
				return -EADDRNOTAVAIL;
			if (is_address(answer, m, interface, local, &prefix))
				return prefix;
		}
		length = netlink_next(fd, answer->bytes, sizeof(answer->bytes));
	}
	return length ? length : -EBADMSG;
}

int xdp_netlink_prefix(struct xdp_netlink *answer, unsigned interface, uint32_t local)
{
	const struct ifaddrmsg any = {.ifa_family = AF_INET};
	struct netlink_message m;
	int fd = netlink_open();
	int prefix;

	if (fd < 0)
		return fd;
	netlink_begin(&m, RTM_GETADDR, NLM_F_DUMP, &any, sizeof(any));
	prefix = search(answer, netlink_ask(fd, &m, answer->bytes, sizeof(answer->bytes)), fd,
			interface, local);
	close(fd);
	return prefix;
}

struct xdp_drops xdp_netlink_drops(unsigned index)
{
	struct xdp_netlink answer;
	struct rtnl_link_stats64 stats = {.rx_dropped = 0};
	const struct rtattr *found;

	if (xdp_netlink_link(&answer, NULL, index))
		return (struct xdp_drops){0, 0};
	found = answer.attributes[IFLA_STATS64];
	if (found) /* an older kernel's ends earlier, and a newer one's later */
		memcpy(&stats, RTA_DATA(found),
		       RTA_PAYLOAD(found) < sizeof(stats) ? RTA_PAYLOAD(found) : sizeof(stats));
	return (struct xdp_drops){.in = stats.rx_dropped + stats.rx_missed_errors,
				  .out = stats.tx_dropped};
}

uint32_t xdp_netlink_number(const struct rtattr *attribute)
{
	uint32_t number = 0;

	if (attribute && RTA_PAYLOAD(attribute) >= sizeof(number))
		memcpy(&number, RTA_DATA(attribute), sizeof(number));
	return number;
}
