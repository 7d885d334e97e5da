/* Where a network device is: the CPUs it is near to, for the placement policy nic:NAME. */
#ifndef TOPOLOGY_NIC_H
#define TOPOLOGY_NIC_H

#include <hwloc.h>
#include <stddef.h>

/*
 * The CPUs near the network device of that name, replacing *cpus: those of the smallest part of
 * the machine that hwloc hangs it under. On a machine of one node that may be all of them. The
 * topology must have been loaded with I/O devices (BIND_DEVICES). Returns 0 or, with one line in
 * why, -ENODEV when it shows no such device (virtual ones are near no CPU) or does not say where
 * it is, or -ENOMEM.
 */
int nic_locality(hwloc_topology_t topology, const char *name, hwloc_bitmap_t cpus, char *why,
		 size_t why_size);

#endif
