/* Whether this host is a guest, and whose. Private to topology/. */
#ifndef TOPOLOGY_HYPERVISOR_H
#define TOPOLOGY_HYPERVISOR_H

#include <stdbool.h>

#include "topology/facts.h"

/*
 * The hypervisor's name in text: "KVM", "Microsoft Hyper-V", ..., its own signature when it is
 * none we know, "unnamed" when the CPU says that there is one and no more. False on bare metal,
 * and where nothing tells.
 */
bool hypervisor_name(const char *root, char text[FACTS_TEXT_SIZE]);

#endif
