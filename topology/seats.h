/*
 * The machine as placement sees it: a flat table of the allowed CPUs, each with the core, L3,
 * NUMA node and package it belongs to, and who has been seated there. Private to topology/.
 */
#ifndef TOPOLOGY_SEATS_H
#define TOPOLOGY_SEATS_H

#include <hwloc.h>
#include <stdbool.h>
#include <stddef.h>

enum seats_level { SEATS_CACHE, SEATS_NUMA, SEATS_PACKAGE, SEATS_LEVELS };

struct seats_load {
	unsigned workers;
	unsigned origin;
	unsigned pollers;
};

struct seat {
	unsigned cpu;		       /* the kernel's number */
	unsigned index;		       /* place in the table: hwloc's logical order */
	unsigned core;		       /* counted over the table */
	unsigned smt;		       /* 0 for the first allowed CPU of its core */
	unsigned kind;		       /* of core, 0 for the most capable */
	unsigned domain[SEATS_LEVELS]; /* which L3, node and package; equal means shared */
	unsigned core_rank;	       /* of the core among those of its L3 and node */
	unsigned cache_rank;	       /* of the L3 within its node */
	unsigned numa_rank;	       /* of the node within its package */
	bool away; /* outside the part of the machine chosen to be filled first, or only */
	struct seats_load load;
};

struct seats_core {
	unsigned count; /* allowed CPUs */
	struct seats_load load;
};

struct seats {
	struct seat *seat;
	struct seats_core *core;
	unsigned count;
	unsigned cores;
};

/*
 * Makes the table of the CPUs both in the topology and allowed. Returns 0, -ENODEV when there is
 * none (with a line in why), or -ENOMEM. seats_release() also takes a zeroed table.
 */
int seats_make(hwloc_topology_t topology, hwloc_const_bitmap_t allowed, struct seats *seats,
	       char *why, size_t why_size);
void seats_release(struct seats *seats);

/* 0 same core, 1 same L3, 2 same node, 3 same package, 4 elsewhere. */
unsigned seats_distance(const struct seat *a, const struct seat *b);

#endif
