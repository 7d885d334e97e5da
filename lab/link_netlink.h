/*
 * The few rtnetlink requests that a veth link takes, each sent and its answer waited for; see
 * rtnetlink(7). fd is a socket of netlink_open().
 */
#ifndef LAB_LINK_NETLINK_H
#define LAB_LINK_NETLINK_H

#include <stddef.h>
#include <stdint.h>

/* What one end is to be made with. */
struct link_interface {
	const char *name;
	const char *alias;
};

/*
 * A veth pair with so many queues each way at both ends: one end here, its peer in the namespace
 * peer_netns. 0 or -errno.
 */
int link_netlink_veth(int fd, const struct link_interface *here, const struct link_interface *peer,
		      int peer_netns, unsigned queues);

/*
 * Gives the interface its alias, no IPv6 address of its own making (its neighbours would be asked
 * about it while something is measured), and takes it up. alias NULL: it is only taken up.
 */
int link_netlink_up(int fd, const char *name, const char *alias);

/* An IPv4 address with its prefix's length. */
int link_netlink_address(int fd, const char *name, const char *address, unsigned prefix);

/*
 * What leaves by the interface is held back so long, by netem. -ENOENT when the kernel has no
 * netem.
 */
int link_netlink_delay(int fd, const char *name, uint64_t delay_ns);

/*
 * Each frame that leaves by the interface is shown to that program (BPF_PROG_TYPE_SCHED_CLS), which
 * has the last word on it. -ENOENT when the kernel has no clsact or no cls_bpf.
 */
int link_netlink_classify(int fd, const char *name, int program, const char *program_name);

/*
 * The alias of the first interface here that has one beginning with `prefix`. 0, -ENOENT when there
 * is none, or -errno.
 */
int link_netlink_alias(int fd, const char *prefix, char *alias, size_t size);

#endif
