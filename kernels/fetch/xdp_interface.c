/* Which interface, and whether it may be taken: see xdp_interface.h. */
#include "kernels/fetch/xdp_interface.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/if_link.h>
#include <linux/sockios.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kernels/fetch/xdp_netlink.h"

/* IFF_LOWER_UP of linux/if.h, which does not go with net/if.h: there is a carrier. IFF_RUNNING says
 * so as well, but up to a second later. */
#define LOWER_UP (1U << 16)

static int refuse(int err, char *why, size_t why_size, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(why, why_size, format, arguments);
	va_end(arguments);
	return err;
}

/* The id of the program that is attached, inside the attribute IFLA_XDP. */
static uint32_t program_of(const struct rtattr *nested)
{
	const struct rtattr *a = nested ? RTA_DATA(nested) : NULL;
	size_t left = nested ? RTA_PAYLOAD(nested) : 0;

	for (; left && RTA_OK(a, left); a = RTA_NEXT(a, left))
		if (a->rta_type == IFLA_XDP_PROG_ID)
			return xdp_netlink_number(a);
	return 0;
}

/* The receive queues in use; where the driver does not say, `most`, which there is room for. */
static unsigned queues_of(const char *name, unsigned most)
{
	struct ethtool_channels channels = {.cmd = ETHTOOL_GCHANNELS};
	struct ifreq request = {.ifr_data = (char *)&channels};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	unsigned used = 0;

	if (fd < 0)
		return most;
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	if (ioctl(fd, SIOCETHTOOL, &request) == 0)
		used = channels.rx_count + channels.combined_count;
	close(fd);
	return used ? used : most;
}

/* An interface's name is shorter than IF_NAMESIZE; of a longer one so much is repeated. */
static int refuse_name(const char *name, char *why, size_t why_size)
{
	return refuse(-EINVAL, why, why_size,
		      "--interface: there is no '%.*s%s' here; `ip link` lists what there is",
		      IF_NAMESIZE - 1, name, strlen(name) < IF_NAMESIZE ? "" : "...");
}

/* Whether it is an alias of the lab's in full: the end, and the process that made the link. */
static bool is_by_lab(const char *alias)
{
	unsigned long long ticks, pids;
	int pid, length = 0;
	char end[8];

	return sscanf(alias, "iolab %7s %d %llu %llu%n", end, &pid, &ticks, &pids, &length) == 4 &&
	       alias[length] == '\0' && (strcmp(end, "client") == 0 || strcmp(end, "origin") == 0);
}

static int look_at(struct xdp_interface *i, struct xdp_netlink *answer, const char *name,
		   unsigned index, char *why, size_t why_size)
{
	const struct rtattr *const *a;
	const struct ifinfomsg *link;
	int err;

	if (name && strlen(name) >= IF_NAMESIZE)
		return refuse_name(name, why, why_size);
	err = xdp_netlink_link(answer, name, index);
	a = answer->attributes;
	if (err == -ENODEV && name)
		return refuse_name(name, why, why_size);
	if (err)
		return refuse(err, why, why_size, "cannot ask the kernel about its interfaces: %s",
			      strerror(-err));
	link = answer->header;
	i->index = (unsigned)link->ifi_index;
	i->mtu = xdp_netlink_number(a[IFLA_MTU]);
	i->program = program_of(a[IFLA_XDP]);
	i->loopback = link->ifi_flags & IFF_LOOPBACK;
	i->up = link->ifi_flags & IFF_UP && link->ifi_flags & LOWER_UP;
	snprintf(i->name, sizeof(i->name), "%s",
		 a[IFLA_IFNAME] ? (const char *)RTA_DATA(a[IFLA_IFNAME]) : "");
	i->queues = queues_of(i->name, xdp_netlink_number(a[IFLA_NUM_RX_QUEUES]));
	i->by_lab = a[IFLA_IFALIAS] && is_by_lab(RTA_DATA(a[IFLA_IFALIAS]));
	if (a[IFLA_ADDRESS] && RTA_PAYLOAD(a[IFLA_ADDRESS]) == sizeof(i->hardware))
		memcpy(i->hardware, RTA_DATA(a[IFLA_ADDRESS]), sizeof(i->hardware));
	return 0;
}

/* What taking it would do, and whom to ask; the words of each refusal name the way out. */
static int admit(const struct xdp_interface *i, bool named, char *why, size_t why_size)
{
	if (!named && i->loopback)
		return refuse(-EINVAL, why, why_size,
			      "the way to the server is by loopback, which has no frames to take; "
			      "fetch over a link: `iolab link -- COMMAND`");
	if (!named && !i->by_lab)
		return refuse(
			-EINVAL, why, why_size,
			"the way to the server is by %s, which the lab did not make: all that "
			"arrives there would be taken from the kernel; say --interface %s if "
			"that is meant",
			i->name, i->name);
	if (i->loopback)
		return refuse(-EOPNOTSUPP, why, why_size,
			      "%s: loopback has no card whose frames could be taken; use a link: "
			      "`iolab link -- COMMAND`",
			      i->name);
	if (!i->up)
		return refuse(-ENETDOWN, why, why_size, "%s is down; `ip link set %s up`", i->name,
			      i->name);
	if (i->program)
		return refuse(-EBUSY, why, why_size,
			      "%s is busy: XDP program %u is attached to it already", i->name,
			      i->program);
	if (i->queues == 0)
		return refuse(-EOPNOTSUPP, why, why_size,
			      "%s has no queues; `ethtool -L` sets how many", i->name);
	return 0;
}

/* The way to one server: all must go by one address and, if any, one next hop. */
static int follow(struct xdp_interface *i, struct xdp_netlink *answer, const struct endpoint *to,
		  char *why, size_t why_size)
{
	const struct sockaddr_in *address = (const struct sockaddr_in *)&to->address;
	struct in_addr local, gateway;

	if (address->sin_family == AF_UNSPEC)
		return 0; /* its name does not resolve: its fetches fail, and no others */
	if (address->sin_family != AF_INET)
		return refuse(-EAFNOSUPPORT, why, why_size, "%s: fetch-xdp speaks IPv4 only",
			      to->host);
	int err = xdp_netlink_route(answer, address->sin_addr.s_addr, i->index);

	if (err)
		return refuse(err, why, why_size, "%s: no way there%s%s: %s", to->host,
			      i->index ? " by " : "", i->name, strerror(-err));
	unsigned index = xdp_netlink_number(answer->attributes[RTA_OIF]);

	local.s_addr = xdp_netlink_number(answer->attributes[RTA_PREFSRC]);
	gateway.s_addr = xdp_netlink_number(answer->attributes[RTA_GATEWAY]);
	if (!i->index)
		i->index = index;
	if (index != i->index || (i->local.s_addr && i->local.s_addr != local.s_addr))
		return refuse(-EOPNOTSUPP, why, why_size,
			      "%s: the servers are reached from different interfaces or addresses",
			      to->host);
	i->local = local;
	if (!gateway.s_addr)
		return 0;
	if (i->gateway.s_addr && i->gateway.s_addr != gateway.s_addr)
		return refuse(-EOPNOTSUPP, why, why_size,
			      "%s: the servers are reached by different gateways", to->host);
	i->gateway = gateway;
	return 0;
}

static bool is_near(const struct xdp_interface *i, const struct endpoint *to)
{
	in_addr_t address = ((const struct sockaddr_in *)&to->address)->sin_addr.s_addr;

	return ((address ^ i->local.s_addr) & i->netmask.s_addr) == 0;
}

struct in_addr xdp_interface_hop(const struct xdp_interface *i, const struct endpoint *to)
{
	return is_near(i, to) ? ((const struct sockaddr_in *)&to->address)->sin_addr : i->gateway;
}

/* The kernel and lwIP must agree on which servers are on the link itself. */
static int compare(const struct xdp_interface *i, const struct endpoint *to, char *why,
		   size_t why_size)
{
	if (to->address.ss_family == AF_UNSPEC || is_near(i, to) || i->gateway.s_addr)
		return 0;
	return refuse(-EOPNOTSUPP, why, why_size,
		      "%s: it is outside the network of %s, yet has no gateway", to->host, i->name);
}

int xdp_interface_find(struct xdp_interface *i, const char *name, const struct endpoint *endpoints,
		       unsigned count, char *why, size_t why_size)
{
	struct xdp_netlink answer;
	int err = 0;

	memset(i, 0, sizeof(*i));
	if (name)
		err = look_at(i, &answer, name, 0, why, why_size);
	for (unsigned e = 0; !err && e < count; e++)
		err = follow(i, &answer, &endpoints[e], why, why_size);
	if (!err && !name)
		err = look_at(i, &answer, NULL, i->index, why, why_size);
	if (!err)
		err = admit(i, name != NULL, why, why_size);
	if (err)
		return err;

	int prefix = xdp_netlink_prefix(&answer, i->index, i->local.s_addr);

	if (prefix < 0)
		return refuse(prefix, why, why_size, "%s has no address: %s", i->name,
			      strerror(-prefix));
	i->netmask.s_addr = htonl(prefix ? UINT32_MAX << (32 - prefix) : 0);
	for (unsigned e = 0; !err && e < count; e++)
		err = compare(i, &endpoints[e], why, why_size);
	return err;
}
