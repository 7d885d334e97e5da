/* Asking rtnetlink: a request with its attributes out, one datagram (or a dump) back. */
#include "kernels/fetch/xdp_netlink.h"

#include <errno.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct question {
	struct nlmsghdr message;
	union {
		struct ifinfomsg link;
		struct rtmsg route;
		struct ifaddrmsg address;
		struct ndmsg neighbour;
	};
	char attributes[64];
};

static void begin(struct question *q, uint16_t type, uint16_t flags, size_t header)
{
	memset(q, 0, sizeof(*q));
	q->message.nlmsg_type = type;
	q->message.nlmsg_flags = NLM_F_REQUEST | flags;
	q->message.nlmsg_len = (uint32_t)NLMSG_LENGTH(header);
}

static void add(struct question *q, uint16_t type, const void *bytes, size_t length)
{
	struct rtattr *a = (struct rtattr *)((char *)q + NLMSG_ALIGN(q->message.nlmsg_len));

	a->rta_type = type;
	a->rta_len = (uint16_t)RTA_LENGTH(length);
	memcpy(RTA_DATA(a), bytes, length);
	q->message.nlmsg_len =
		(uint32_t)(NLMSG_ALIGN(q->message.nlmsg_len) + RTA_ALIGN(a->rta_len));
}

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

/* Sends the question and leaves the answer's first datagram in answer->bytes; its length. */
static ssize_t exchange(struct xdp_netlink *answer, const struct question *q, int fd)
{
	ssize_t length;

	if (send(fd, q, q->message.nlmsg_len, 0) < 0)
		return -errno;
	length = recv(fd, answer->bytes, sizeof(answer->bytes), 0);
	return length < 0 ? -errno : length;
}

static int failure_of(const struct nlmsghdr *message)
{
	const struct nlmsgerr *error = NLMSG_DATA(message);

	return message->nlmsg_type == NLMSG_ERROR ? error->error : 0;
}

static int ask(struct xdp_netlink *answer, const struct question *q, size_t header)
{
	const struct nlmsghdr *message = (const struct nlmsghdr *)answer->bytes;
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	if (fd < 0)
		return -errno;
	ssize_t length = exchange(answer, q, fd);
	int err = length < 0 ? (int)length : 0;

	close(fd);
	if (!err && !NLMSG_OK(message, (size_t)length))
		err = -EBADMSG;
	if (!err)
		err = failure_of(message);
	/* An acknowledgement has no attributes. */
	if (!err && message->nlmsg_type != NLMSG_ERROR)
		sort(answer, message, header);
	return err;
}

int xdp_netlink_link(struct xdp_netlink *answer, const char *name, unsigned index)
{
	struct question q;

	begin(&q, RTM_GETLINK, 0, sizeof(q.link));
	q.link.ifi_index = (int)index;
	if (name)
		add(&q, IFLA_IFNAME, name, strlen(name) + 1);
	return ask(answer, &q, sizeof(q.link));
}

int xdp_netlink_route(struct xdp_netlink *answer, uint32_t to, unsigned interface)
{
	struct question q;

	begin(&q, RTM_GETROUTE, 0, sizeof(q.route));
	q.route.rtm_family = AF_INET;
	q.route.rtm_dst_len = 32;
	add(&q, RTA_DST, &to, sizeof(to));
	if (interface)
		add(&q, RTA_OIF, &interface, sizeof(interface));
	return ask(answer, &q, sizeof(q.route));
}

static void begin_neighbour(struct question *q, uint16_t type, uint16_t flags, uint32_t to,
			    unsigned interface)
{
	begin(q, type, flags, sizeof(q->neighbour));
	q->neighbour.ndm_family = AF_INET;
	q->neighbour.ndm_ifindex = (int)interface;
	add(q, NDA_DST, &to, sizeof(to));
}

int xdp_netlink_neighbour(struct xdp_netlink *answer, uint32_t to, unsigned interface,
			  uint8_t hardware[6])
{
	const struct rtattr *found;
	struct question q;
	int err;

	begin_neighbour(&q, RTM_GETNEIGH, 0, to, interface);
	err = ask(answer, &q, sizeof(q.neighbour));
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
	struct question q;

	begin_neighbour(&q, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_ACK, to, interface);
	q.neighbour.ndm_state = NUD_NONE;
	q.neighbour.ndm_flags = NTF_USE;
	return ask(answer, &q, sizeof(q.neighbour));
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

/* Reads a dump to its end, or to the address. */
static int search(struct xdp_netlink *answer, ssize_t length, int fd, unsigned interface,
		  uint32_t local)
{
	int prefix;

	while (length > 0) {
		const struct nlmsghdr *m = (const struct nlmsghdr *)answer->bytes;

		for (; NLMSG_OK(m, (size_t)length); m = NLMSG_NEXT(m, length)) {
			if (m->nlmsg_type == NLMSG_DONE)
				return -EADDRNOTAVAIL;
			if (failure_of(m))
				return failure_of(m);
			if (is_address(answer, m, interface, local, &prefix))
				return prefix;
		}
		length = recv(fd, answer->bytes, sizeof(answer->bytes), 0);
	}
	return -errno;
}

int xdp_netlink_prefix(struct xdp_netlink *answer, unsigned interface, uint32_t local)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	struct question q;
	int prefix;

	if (fd < 0)
		return -errno;
	begin(&q, RTM_GETADDR, NLM_F_DUMP, sizeof(q.address));
	q.address.ifa_family = AF_INET;
	ssize_t length = exchange(answer, &q, fd);

	prefix = length < 0 ? (int)length : search(answer, length, fd, interface, local);
	close(fd);
	return prefix;
}

uint32_t xdp_netlink_number(const struct rtattr *attribute)
{
	uint32_t number = 0;

	if (attribute && RTA_PAYLOAD(attribute) >= sizeof(number))
		memcpy(&number, RTA_DATA(attribute), sizeof(number));
	return number;
}
