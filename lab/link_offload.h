/* Offloads of a network interface by SIOCETHTOOL, as ethtool(8) sets and shows them. */
#ifndef LAB_LINK_OFFLOAD_H
#define LAB_LINK_OFFLOAD_H

#include "lab/link.h"

/*
 * Takes every offload of struct link_offloads off the interface, which is one of the calling
 * thread's namespace, and reads back what is in effect. Returns 0, or -errno; -EIO when one is
 * still on.
 */
int link_offload_none(const char *name, struct link_offloads *effective);

/* Its MTU, or 0; and whether it carries frames. */
unsigned link_offload_mtu(const char *name);
bool link_offload_carries(const char *name);

#endif
