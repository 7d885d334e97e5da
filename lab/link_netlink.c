/* What each request consists of: see link_netlink.h. */
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

#include "kernels/fetch/netlink.h"

/* The index of the interface in the socket's namespace; 0 when there is none. */
static int index_of(int fd, const char *name)
{
	const struct ifinfomsg any = {.ifi_family = AF_UNSPEC};
	struct netlink_message m;
	_Alignas(struct nlmsghdr) char answer[8192];
	const struct nlmsghdr *header = (const struct nlmsghdr *)answer;

	netlink_begin(&m, RTM_GETLINK, 0, &any, sizeof(any));
	netlink_text(&m, IFLA_IFNAME, name);
	if (netlink_ask(fd, &m, answer, sizeof(answer)) < (int)NLMSG_LENGTH(sizeof(any)) ||
	    header->nlmsg_type != RTM_NEWLINK)
		return 0;
	return ((const struct ifinfomsg *)NLMSG_DATA(header))->ifi_index;
}

static void queues_each_way(struct netlink_message *m, uint32_t queues)
{
	netlink_attribute(m, IFLA_NUM_TX_QUEUES, &queues, sizeof(queues));
	netlink_attribute(m, IFLA_NUM_RX_QUEUES, &queues, sizeof(queues));
}

int link_netlink_veth(int fd, const struct link_interface *here, const struct link_interface *peer,
		      int peer_netns, unsigned queues)
{
	const struct ifinfomsg any = {.ifi_family = AF_UNSPEC};
	const uint32_t netns = (uint32_t)peer_netns;
	struct rtattr *info, *data, *other;
	struct netlink_message m;

	netlink_begin(&m, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &any, sizeof(any));
	netlink_text(&m, IFLA_IFNAME, here->name);
	queues_each_way(&m, queues);
	info = netlink_nest(&m, IFLA_LINKINFO);
	netlink_text(&m, IFLA_INFO_KIND, "veth");
	data = netlink_nest(&m, IFLA_INFO_DATA);
	other = netlink_nest(&m, VETH_INFO_PEER);
	netlink_put(&m, &any, sizeof(any));
	netlink_text(&m, IFLA_IFNAME, peer->name);
	queues_each_way(&m, queues);
	netlink_attribute(&m, IFLA_NET_NS_FD, &netns, sizeof(netns));
	netlink_end_nest(&m, other);
	netlink_end_nest(&m, data);
	netlink_end_nest(&m, info);
	return netlink_do(fd, &m);
}

/* A kernel without IPv6 makes no such address anyway, and has no such attribute. */
static int quiet_ipv6(int fd, int index)
{
	const struct ifinfomsg link = {.ifi_family = AF_UNSPEC, .ifi_index = index};
	const uint8_t none = IN6_ADDR_GEN_MODE_NONE;
	struct rtattr *families, *inet6;
	struct netlink_message m;
	int err;

	netlink_begin(&m, RTM_SETLINK, 0, &link, sizeof(link));
	families = netlink_nest(&m, IFLA_AF_SPEC);
	inet6 = netlink_nest(&m, AF_INET6);
	netlink_attribute(&m, IFLA_INET6_ADDR_GEN_MODE, &none, sizeof(none));
	netlink_end_nest(&m, inet6);
	netlink_end_nest(&m, families);
	err = netlink_do(fd, &m);
	return err == -EAFNOSUPPORT ? 0 : err;
}

int link_netlink_up(int fd, const char *name, const char *alias)
{
	struct ifinfomsg link = {.ifi_family = AF_UNSPEC,
				 .ifi_index = index_of(fd, name),
				 .ifi_flags = IFF_UP,
				 .ifi_change = IFF_UP};
	struct netlink_message m;
	int err = link.ifi_index ? 0 : -ENODEV;

	if (!err && alias)
		err = quiet_ipv6(fd, link.ifi_index);
	if (err)
		return err;
	netlink_begin(&m, RTM_SETLINK, 0, &link, sizeof(link));
	if (alias)
		netlink_text(&m, IFLA_IFALIAS, alias);
	return netlink_do(fd, &m);
}

int link_netlink_address(int fd, const char *name, const char *address, unsigned prefix)
{
	const struct ifaddrmsg head = {.ifa_family = AF_INET,
				       .ifa_prefixlen = (uint8_t)prefix,
				       .ifa_index = (uint32_t)index_of(fd, name)};
	struct in_addr binary;
	struct netlink_message m;

	if (inet_pton(AF_INET, address, &binary) != 1)
		return -EINVAL;
	netlink_begin(&m, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, &head, sizeof(head));
	netlink_attribute(&m, IFA_LOCAL, &binary, sizeof(binary));
	netlink_attribute(&m, IFA_ADDRESS, &binary, sizeof(binary));
	return netlink_do(fd, &m);
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
	struct netlink_message m;

	netlink_begin(&m, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL, &head, sizeof(head));
	netlink_text(&m, TCA_KIND, "netem");
	options = netlink_attribute(&m, TCA_OPTIONS, &netem, sizeof(netem));
	netlink_attribute(&m, TCA_NETEM_LATENCY64, &latency_ns, sizeof(latency_ns));
	netlink_end_nest(&m, options);
	return netlink_do(fd, &m);
}

int link_netlink_classify(int fd, const char *name, int program, const char *program_name)
{
	struct tcmsg head = {.tcm_family = AF_UNSPEC,
			     .tcm_ifindex = index_of(fd, name),
			     .tcm_parent = TC_H_CLSACT,
			     .tcm_handle = TC_H_MAKE(TC_H_CLSACT, 0)};
	const uint32_t program_fd = (uint32_t)program, direct = TCA_BPF_FLAG_ACT_DIRECT;
	struct rtattr *options;
	struct netlink_message m;
	int err;

	netlink_begin(&m, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL, &head, sizeof(head));
	netlink_text(&m, TCA_KIND, "clsact");
	err = netlink_do(fd, &m);
	if (err)
		return err;
	head.tcm_parent = TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS);
	head.tcm_handle = 0;
	head.tcm_info = TC_H_MAKE(1 << 16, htons(ETH_P_ALL));
	netlink_begin(&m, RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_EXCL, &head, sizeof(head));
	netlink_text(&m, TCA_KIND, "bpf");
	options = netlink_nest(&m, TCA_OPTIONS);
	netlink_attribute(&m, TCA_BPF_FD, &program_fd, sizeof(program_fd));
	netlink_text(&m, TCA_BPF_NAME, program_name);
	netlink_attribute(&m, TCA_BPF_FLAGS, &direct, sizeof(direct));
	netlink_end_nest(&m, options);
	return netlink_do(fd, &m);
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
	struct netlink_message m;

	netlink_begin(&m, RTM_GETLINK, NLM_F_DUMP, &any, sizeof(any));
	/* The dump is read to its end, so that the socket can be used again. */
	for (int got = netlink_ask(fd, &m, answer, sizeof(answer));;
	     got = netlink_next(fd, answer, sizeof(answer))) {
		unsigned left = got > 0 ? (unsigned)got : 0;

		if (got <= 0)
			return got ? got : -EPROTO;
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
