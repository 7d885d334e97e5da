/*
 * Kinds of cores: machines whose cores are not alike (performance and efficiency cores, ARM's
 * big and little ones) as hwloc tells them apart. Placement goes to the most capable kind first,
 * and what is on several kinds is said with their names.
 */
#ifndef TOPOLOGY_KINDS_H
#define TOPOLOGY_KINDS_H

#include <hwloc.h>
#include <stddef.h>

#define KINDS_NAME_SIZE 48

/* How many kinds the topology tells apart: 1 when all cores are alike, or nothing is known. */
unsigned kinds_count(hwloc_topology_t topology);

/*
 * The kind of a CPU (the kernel's number), counted from 0, the most capable one; where hwloc
 * cannot rank them, in hwloc's order. A CPU of which nothing is known is of the last kind.
 */
unsigned kinds_of(hwloc_topology_t topology, unsigned cpu);

/* The CPUs of a kind, replacing *cpus. 0, or -ENOENT when there is no such kind, or -ENOMEM. */
int kinds_cpus(hwloc_topology_t topology, unsigned kind, hwloc_bitmap_t cpus);

/*
 * Its name: what hwloc knows of it (IntelCore, IntelAtom; else "up to 3200 MHz", "capacity 512"),
 * or "kind 0". Returns name.
 */
const char *kinds_name(hwloc_topology_t topology, unsigned kind, char name[KINDS_NAME_SIZE]);

#endif
