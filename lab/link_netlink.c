/* Messages put together, sent, and their acknowledgements read: see link_netlink.h. */
#include "lab/link_netlink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A request under way. None of ours comes near the size of its buffer. */
struct message {
	union {
		struct nlmsghdr header;
		char bytes[1024];
	};
};

static void begin(struct message *m, uint16_t type, uint16_t flags, const void *body, size_t size)
{
	memset(m, 0, sizeof(*m));
	m->header.nlmsg_len = (uint32_t)NLMSG_LENGTH(size);
	m->header.nlmsg_type = type;
	m->header.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags);
	memcpy(NLMSG_DATA(&m->header), body, size);
}

/* Appends bytes that are no attribute; returns where they stand. */
static void *put(struct message *m, const void *bytes, size_t size)
{
	char *at = m->bytes + NLMSG_ALIGN(m->header.nlmsg_len);

	if (size)
		memcpy(at, bytes, size);
	m->header.nlmsg_len = NLMSG_ALIGN(m->header.nlmsg_len) + (uint32_t)size;
	return at;
}

static struct rtattr *attribute(struct message *m, unsigned short type, const void *data,
				size_t size)
{
	const struct rtattr head = {.rta_len = (unsigned short)RTA_LENGTH(size), .rta_type = type};
	struct rtattr *made = put(m, &head, sizeof(head));

	put(m, data, size);
	return made;
}

static void text(struct message *m, unsigned short type, const char *value)
{
	attribute(m, type, value, strlen(value) + 1);
}

/* What is put behind it up to end_nest() belongs to it. */
static struct rtattr *nest(struct message *m, unsigned short type)
{
	return attribute(m, type, NULL, 0);
}

/* Its padding is part of it: what goes beyond the message's end is passed over without a word. */
static void end_nest(struct message *m, struct rtattr *outer)
{
	m->header.nlmsg_len = NLMSG_ALIGN(m->header.nlmsg_len);
	outer->rta_len = (unsigned short)(m->bytes + m->header.nlmsg_len - (char *)outer);
}

int link_netlink_open(void)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	return fd < 0 ? -errno : fd;
}

/* Sends it and reads the acknowledgement, which is the only answer that there will be. */
static int ask(int fd, const struct message *m)
{
	struct message answer;
	const struct nlmsgerr *error = NLMSG_DATA(&answer.header);
	ssize_t got;

	if (send(fd, m, m->header.nlmsg_len, 0) < 0)
		return -errno;
	do
		got = recv(fd, &answer, sizeof(answer), 0);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return -errno;
	if ((size_t)got < NLMSG_LENGTH(sizeof(*error)) || answer.header.nlmsg_type != NLMSG_ERROR)
		return -EPROTO;
	return error->error;
}

/* The index of the interface in the socket's namespace; 0 when there is none. */
static int index_of(int fd, const char *name)
{
	const struct ifinfomsg any = {.ifi_family = AF_UNSPEC};
	struct message m;
	_Alignas(struct nlmsghdr) char answer[8192];
	const struct nlmsghdr *header = (const struct nlmsghdr *)answer;
	ssize_t got;

	begin(&m, RTM_GETLINK, 0, &any, sizeof(any));
	m.header.nlmsg_flags = NLM_F_REQUEST;
	text(&m, IFLA_IFNAME, name);
	if (send(fd, &m, m.header.nlmsg_len, 0) < 0)
		return 0;
	got = recv(fd, answer, sizeof(answer), 0);
	if (got < (ssize_t)NLMSG_LENGTH(sizeof(any)) || header->nlmsg_type != RTM_NEWLINK)
		return 0;
	return ((const struct ifinfomsg *)NLMSG_DATA(header))->ifi_index;
}

static void queues_each_way(struct message *m, uint32_t queues)
{
	attribute(m, IFLA_NUM_TX_QUEUES, &queues, sizeof(queues));
	attribute(m, IFLA_NUM_RX_QUEUES, &queues, sizeof(queues));
}

int link_netlink_veth(int fd, const struct link_interface *here, const struct link_interface *peer,
		      int peer_netns, unsigned queues)
{
	const struct ifinfomsg any = {.ifi_family = AF_UNSPEC};
	const uint32_t netns = (uint32_t)peer_netns;
	struct rtattr *info, *data, *other;
	struct message m;

	begin(&m, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &any, sizeof(any));
	text(&m, IFLA_IFNAME, here->name);
	queues_each_way(&m, queues);
	info = nest(&m, IFLA_LINKINFO);
	text(&m, IFLA_INFO_KIND, "veth");
	data = nest(&m, IFLA_INFO_DATA);
	other = nest(&m, VETH_INFO_PEER);
	put(&m, &any, sizeof(any));
	text(&m, IFLA_IFNAME, peer->name);
	queues_each_way(&m, queues);
	attribute(&m, IFLA_NET_NS_FD, &netns, sizeof(netns));
	end_nest(&m, other);
	end_nest(&m, data);
	end_nest(&m, info);
	return ask(fd, &m);
}

/* A kernel without IPv6 makes no such address anyway, and has no such attribute. */
static int quiet_ipv6(int fd, int index)
{
	const struct ifinfomsg link = {.ifi_family = AF_UNSPEC, .ifi_index = index};
	const uint8_t none = IN6_ADDR_GEN_MODE_NONE;
	struct rtattr *families, *inet6;
	struct message m;
	int err;

	begin(&m, RTM_SETLINK, 0, &link, sizeof(link));
	families = nest(&m, IFLA_AF_SPEC);
	inet6 = nest(&m, AF_INET6);
	attribute(&m, IFLA_INET6_ADDR_GEN_MODE, &none, sizeof(none));
	end_nest(&m, inet6);
	end_nest(&m, families);
	err = ask(fd, &m);
	return err == -EAFNOSUPPORT ? 0 : err;
}

int link_netlink_up(int fd, const char *name, const char *alias)
{
	struct ifinfomsg link = {.ifi_family = AF_UNSPEC,
				 .ifi_index = index_of(fd, name),
				 .ifi_flags = IFF_UP,
				 .ifi_change = IFF_UP};
	struct message m;
	int err = link.ifi_index ? 0 : -ENODEV;

	if (!err && alias)
		err = quiet_ipv6(fd, link.ifi_index);
	if (err)
		return err;
	begin(&m, RTM_SETLINK, 0, &link, sizeof(link));
	if (alias)
		text(&m, IFLA_IFALIAS, alias);
	return ask(fd, &m);
}

int link_netlink_address(int fd, const char *name, const char *address, unsigned prefix)
{
	const struct ifaddrmsg head = {.ifa_family = AF_INET,
				       .ifa_prefixlen = (uint8_t)prefix,
				       .ifa_index = (uint32_t)index_of(fd, name)};
	struct in_addr binary;
	struct message m;

	if (inet_pton(AF_INET, address, &binary) != 1)
		return -EINVAL;
	begin(&m, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, &head, sizeof(head));
	attribute(&m, IFA_LOCAL, &binary, sizeof(binary));
	attribute(&m, IFA_ADDRESS, &binary, sizeof(binary));
	return ask(fd, &m);
}

int link_netlink_delay(int fd, const char *name, uint64_t delay_ns)
{
	const struct tcmsg head = {.tcm_family = AF_UNSPEC,
				   .tcm_ifindex = index_of(fd, name),
				   .tcm_parent = TC_H_ROOT,
				   .tcm_handle = TC_H_MAKE(1 << 16, 0)};
	/* Room for every frame of 10,000 connections: none is to be lost. */
	const struct tc_netem_qopt netem = {.limit = 100000};
	const int64_t latency_ns = (int64_t)delay_ns;
	struct rtattr *options;
	struct message m;

	begin(&m, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL, &head, sizeof(head));
	text(&m, TCA_KIND, "netem");
	options = attribute(&m, TCA_OPTIONS, &netem, sizeof(netem));
	attribute(&m, TCA_NETEM_LATENCY64, &latency_ns, sizeof(latency_ns));
	end_nest(&m, options);
	return ask(fd, &m);
}

int link_netlink_classify(int fd, const char *name, int program, const char *program_name)
{
	struct tcmsg head = {.tcm_family = AF_UNSPEC,
			     .tcm_ifindex = index_of(fd, name),
			     .tcm_parent = TC_H_CLSACT,
			     .tcm_handle = TC_H_MAKE(TC_H_CLSACT, 0)};
	const uint32_t program_fd = (uint32_t)program, direct = TCA_BPF_FLAG_ACT_DIRECT;
	struct rtattr *options;
	struct message m;
	int err;

	begin(&m, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL, &head, sizeof(head));
	text(&m, TCA_KIND, "clsact");
	err = ask(fd, &m);
	if (err)
		return err;
	head.tcm_parent = TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS);
	head.tcm_handle = 0;
	head.tcm_info = TC_H_MAKE(1 << 16, htons(ETH_P_ALL));
	begin(&m, RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_EXCL, &head, sizeof(head));
	text(&m, TCA_KIND, "bpf");
	options = nest(&m, TCA_OPTIONS);
	attribute(&m, TCA_BPF_FD, &program_fd, sizeof(program_fd));
	text(&m, TCA_BPF_NAME, program_name);
	attribute(&m, TCA_BPF_FLAGS, &direct, sizeof(direct));
	end_nest(&m, options);
	return ask(fd, &m);
}

/* The alias in one message of a dump, if it begins so. */
static bool take_alias(const struct nlmsghdr *header, const char *prefix, char *alias, size_t size)
{
	const struct ifinfomsg *link = NLMSG_DATA(header);
	int left = (int)IFLA_PAYLOAD(header);

	for (const struct rtattr *a = IFLA_RTA(link); RTA_OK(a, left); a = RTA_NEXT(a, left)) {
		const char *found = RTA_DATA(a);

		if (a->rta_type != IFLA_IFALIAS || strncmp(found, prefix, strlen(prefix)) != 0)
			continue;
		snprintf(alias, size, "%.*s", (int)RTA_PAYLOAD(a), found);
		return true;
	}
	return false;
}

int link_netlink_alias(int fd, const char *prefix, char *alias, size_t size)
{
	const struct ifinfomsg any = {.ifi_family = AF_UNSPEC};
	_Alignas(struct nlmsghdr) char answer[32768];
	bool found = false;
	struct message m;

	begin(&m, RTM_GETLINK, NLM_F_DUMP, &any, sizeof(any));
	if (send(fd, &m, m.header.nlmsg_len, 0) < 0)
		return -errno;
	/* The dump is read to its end, so that the socket can be used again. */
	for (;;) {
		ssize_t got = recv(fd, answer, sizeof(answer), 0);
		unsigned left = got > 0 ? (unsigned)got : 0;

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got ? -errno : -EPROTO;
		for (const struct nlmsghdr *h = (const struct nlmsghdr *)answer; NLMSG_OK(h, left);
		     h = NLMSG_NEXT(h, left)) {
			if (h->nlmsg_type == NLMSG_DONE)
				return found ? 0 : -ENOENT;
			if (h->nlmsg_type == NLMSG_ERROR)
				return -EPROTO;
			found = found || (h->nlmsg_type == RTM_NEWLINK &&
					  take_alias(h, prefix, alias, size));
		}
	}
}
