/* See link_offload.h. */
#include "lab/link_offload.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* One ioctl on an interface, with a socket of the thread's namespace. 0 or -errno. */
static int control(const char *name, unsigned long request, struct ifreq *asked)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int err = fd < 0 ? -errno : 0;

	snprintf(asked->ifr_name, sizeof(asked->ifr_name), "%s", name);
	if (!err && ioctl(fd, request, asked))
		err = -errno;
	if (fd >= 0)
		close(fd);
	return err;
}

static int offload(const char *name, uint32_t command, uint32_t *value)
{
	struct ethtool_value asked = {.cmd = command, .data = *value};
	struct ifreq request = {.ifr_data = (char *)&asked};
	int err = control(name, SIOCETHTOOL, &request);

	*value = asked.data;
	return err;
}

int link_offload_none(const char *name, struct link_offloads *effective)
{
	/* TSO stands on GSO and both on checksums: taken off from the top. */
	const struct {
		uint32_t set, get;
		bool *effective;
	} all[] = {
		{ETHTOOL_STSO, ETHTOOL_GTSO, &effective->tso},
		{ETHTOOL_SGSO, ETHTOOL_GGSO, &effective->gso},
		{ETHTOOL_SGRO, ETHTOOL_GGRO, &effective->gro},
		{ETHTOOL_STXCSUM, ETHTOOL_GTXCSUM, &effective->tx_checksum},
		{ETHTOOL_SRXCSUM, ETHTOOL_GRXCSUM, &effective->rx_checksum},
	};
	int err = 0;

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]) && !err; i++) {
		uint32_t value = 0;

		err = offload(name, all[i].set, &value);
	}
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]) && !err; i++) {
		uint32_t value = 1;

		err = offload(name, all[i].get, &value);
		*all[i].effective = value != 0;
		if (!err && value)
			err = -EIO;
	}
	return err;
}

unsigned link_offload_mtu(const char *name)
{
	struct ifreq request = {.ifr_mtu = 0};

	return control(name, SIOCGIFMTU, &request) ? 0 : (unsigned)request.ifr_mtu;
}

bool link_offload_carries(const char *name)
{
	struct ifreq request = {.ifr_flags = 0};

	return control(name, SIOCGIFFLAGS, &request) == 0 && (request.ifr_flags & IFF_RUNNING);
}
