/* Two namespaces and the pair between them: see link.h. */
#include "lab/link.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "kernels/fetch/netlink.h"
#include "lab/link_leftovers.h"
#include "lab/link_netlink.h"
#include "lab/link_offload.h"
#include "lab/link_steer.h"
#include "lab/units.h"

#define PREFIX 30 /* two addresses */
/* How long an interface may take to carry frames; it is there at once, but for a busy kernel. */
#define CARRIER_TRIES 2000
#define CARRIER_NS    1000000

const char *const link_kind_names[] = {"loopback", "veth", "none", NULL};

static const char *const end_names[LINK_ENDS] = {"client", "origin"};

/* What has to be right, in one line. */
static int complain(int err, const char *what, char *why, size_t why_size)
{
	const char *mend = err == -EPERM ? ": run as root, or with CAP_NET_ADMIN and CAP_SYS_ADMIN"
			   : err == -EOPNOTSUPP ? ": this kernel was built without CONFIG_VETH"
			   : err == -ENOSPC	? ": user.max_net_namespaces allows no more"
						: "";

	snprintf(why, why_size, "no veth link: cannot %s: %s%s", what, strerror(-err), mend);
	return err;
}

/* Leaves the thread in a namespace that is new, its loopback up and marked as the lab's. */
static int make_namespace(struct link *l, enum link_end end)
{
	char owner[LINK_OWNER_SIZE], mark[2 * LINK_OWNER_SIZE];
	int fd, err;

	if (unshare(CLONE_NEWNET))
		return -errno;
	l->netns[end] = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	fd = l->netns[end] < 0 ? -errno : netlink_open();
	if (fd < 0)
		return fd;
	link_owner(owner);
	snprintf(mark, sizeof(mark), LINK_MARK "%s %s", end_names[end], owner);
	err = link_netlink_up(fd, "lo", mark);
	close(fd);
	return err;
}

/* The thread is in the client's namespace. */
static int make_pair(const struct link *l)
{
	const struct link_interface client = {.name = l->interface[LINK_CLIENT]};
	const struct link_interface origin = {.name = l->interface[LINK_ORIGIN]};
	int fd = netlink_open();
	int err =
		fd < 0 ? fd
		       : link_netlink_veth(fd, &client, &origin, l->netns[LINK_ORIGIN], l->queues);

	if (fd >= 0)
		close(fd);
	return err;
}

/* Remembers what is being done, for the message, unless something has failed already. */
static bool doing(int err, const char **what, const char *now)
{
	if (!err)
		*what = now;
	return !err;
}

/* The answers' way is slowed: each round trip takes so much longer, as by the origin. */
static int delay(struct link *l, int fd)
{
	int err = link_netlink_delay(fd, l->interface[LINK_ORIGIN], l->latency_ns);

	l->delay = err == -ENOENT ? LINK_DELAY_ORIGIN : LINK_DELAY_NETEM;
	return err == -ENOENT ? 0 : err;
}

/* Offloads, alias, address, up; the thread is in that end's namespace. */
static int set_end(struct link *l, enum link_end end, const char **what)
{
	char owner[LINK_OWNER_SIZE], alias[2 * LINK_OWNER_SIZE];
	const char *name = l->interface[end];
	int fd = netlink_open();
	int err = fd < 0 ? fd : 0;

	link_owner(owner);
	snprintf(alias, sizeof(alias), "iolab %s %s", end_names[end], owner);
	if (doing(err, what, "take the offloads off its ends"))
		err = link_offload_none(name, &l->offloads[end]);
	if (doing(err, what, "take its ends up"))
		err = link_netlink_up(fd, name, alias);
	if (doing(err, what, "give its ends their addresses"))
		err = link_netlink_address(fd, name, l->address[end], PREFIX);
	if (end == LINK_ORIGIN && l->queues > 1 &&
	    doing(err, what, "steer answers to its queues, which takes clsact and cls_bpf"))
		err = link_steer(fd, name, l->queues);
	if (end == LINK_ORIGIN && l->latency_ns && doing(err, what, "delay what it carries"))
		err = delay(l, fd);
	l->mtu = link_offload_mtu(name);
	if (fd >= 0)
		close(fd);
	return err;
}

/* An end carries only when both are up. */
static int wait_for_carrier(const char *name)
{
	const struct timespec pause = {.tv_nsec = CARRIER_NS};

	for (int i = 0; i < CARRIER_TRIES; i++) {
		if (link_offload_carries(name))
			return 0;
		nanosleep(&pause, NULL);
	}
	return -ETIMEDOUT;
}

/* The steps, each in the namespace that it needs. */
static int make(struct link *l, const char **what)
{
	int err = 0;

	for (int end = LINK_ORIGIN; end >= LINK_CLIENT; end--)
		if (doing(err, what, "make a network namespace"))
			err = make_namespace(l, (enum link_end)end);
	if (doing(err, what, "make the pair of interfaces"))
		err = make_pair(l);
	if (!err)
		err = set_end(l, LINK_CLIENT, what);
	if (!err)
		err = link_enter(l, LINK_ORIGIN);
	if (!err)
		err = set_end(l, LINK_ORIGIN, what);
	for (int end = 0; end < LINK_ENDS && !err; end++) {
		err = link_enter(l, (enum link_end)end);
		if (doing(err, what, "wait until it carries frames"))
			err = wait_for_carrier(l->interface[end]);
	}
	return err;
}

const char *link_address(enum link_kind kind, enum link_end end)
{
	static const char *const veth[LINK_ENDS] = {"198.18.0.1", "198.18.0.2"};

	return kind == LINK_VETH ? veth[end] : "127.0.0.1";
}

int link_up(struct link *l, enum link_kind kind, unsigned queues, uint64_t latency_ns, char *why,
	    size_t why_size)
{
	static const char *const interfaces[LINK_ENDS] = {"iolab0", "iolab1"};
	const char *what = "tell the namespace that it is begun from";
	int home, err;

	*l = (struct link){
		.kind = kind, .queues = queues, .latency_ns = latency_ns, .netns = {-1, -1}};
	for (int end = 0; end < LINK_ENDS; end++) {
		snprintf(l->interface[end], sizeof(l->interface[end]), "%s",
			 kind == LINK_VETH ? interfaces[end] : "lo");
		snprintf(l->address[end], sizeof(l->address[end]), "%s",
			 link_address(kind, (enum link_end)end));
	}
	if (kind != LINK_VETH)
		return 0;
	home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	if (home < 0)
		return complain(-errno, what, why, why_size);
	err = make(l, &what);
	if (setns(home, CLONE_NEWNET) && !err) {
		err = -errno;
		what = "go back to the namespace that it was begun from";
	}
	close(home);
	if (err) {
		complain(err, what, why, why_size);
		link_down(l);
	}
	return err;
}

int link_enter(const struct link *l, enum link_end end)
{
	if (l->kind != LINK_VETH)
		return 0;
	return setns(l->netns[end], CLONE_NEWNET) ? -errno : 0;
}

int link_netns(const struct link *l, enum link_end end)
{
	return l->kind == LINK_VETH ? l->netns[end] : -1;
}

unsigned link_down(struct link *l)
{
	unsigned ended = 0;

	if (l->kind != LINK_VETH)
		return 0;
	for (int end = 0; end < LINK_ENDS; end++) {
		struct stat status;

		if (l->netns[end] < 0)
			continue;
		if (fstat(l->netns[end], &status) == 0)
			ended += link_end_inside(status.st_ino, NULL);
		close(l->netns[end]);
		l->netns[end] = -1;
	}
	return ended;
}

static const char *delay_name(const struct link *l)
{
	static const char *const names[] = {[LINK_NO_DELAY] = "none",
					    [LINK_DELAY_NETEM] = "netem",
					    [LINK_DELAY_ORIGIN] = "origin"};

	return names[l->delay];
}

const char *link_text(const struct link *l, char text[static LINK_TEXT_SIZE])
{
	char delay[32] = "", queues[24] = "";

	if (l->delay != LINK_NO_DELAY)
		snprintf(delay, sizeof(delay), " %gms by %s", (double)l->latency_ns / 1e6,
			 delay_name(l));
	if (l->kind == LINK_VETH && l->queues > 1)
		snprintf(queues, sizeof(queues), " with %u queues", l->queues);
	snprintf(text, LINK_TEXT_SIZE, "%s%s%s", link_kind_names[l->kind], delay, queues);
	return text;
}

static json_t *end_facts(const struct link *l, enum link_end end)
{
	const struct link_offloads *o = &l->offloads[end];

	return json_pack("{s:s, s:s, s:b, s:b, s:b, s:b, s:b}", "interface", l->interface[end],
			 "address", l->address[end], "tx_checksum", o->tx_checksum, "rx_checksum",
			 o->rx_checksum, "tso", o->tso, "gso", o->gso, "gro", o->gro);
}

json_t *link_facts(const struct link *l)
{
	json_t *facts = json_pack("{s:s}", "kind", link_kind_names[l->kind]);

	if (!facts || l->kind != LINK_VETH)
		return facts;
	if (json_object_set_new(facts, "mtu", json_integer(l->mtu)) ||
	    json_object_set_new(facts, "queues", json_integer(l->queues)) ||
	    json_object_set_new(facts, "latency_us", json_real((double)l->latency_ns / 1e3)) ||
	    json_object_set_new(facts, "latency_by", json_string(delay_name(l))) ||
	    json_object_set_new(facts, "client", end_facts(l, LINK_CLIENT)) ||
	    json_object_set_new(facts, "origin", end_facts(l, LINK_ORIGIN))) {
		json_decref(facts);
		return NULL;
	}
	return facts;
}
