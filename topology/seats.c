/*
 * The table of CPUs behind placement. Machines without an L3, without cores in their topology,
 * with several nodes under one L3 or several L3s in a node all become the same kind of row.
 */
#include "topology/seats.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "topology/cpulist.h"
#include "topology/kinds.h"

static void fill_domains(hwloc_topology_t topology, hwloc_obj_t pu, struct seat *seat)
{
	hwloc_obj_t cache = hwloc_get_ancestor_obj_by_type(topology, HWLOC_OBJ_L3CACHE, pu);
	hwloc_obj_t package = hwloc_get_ancestor_obj_by_type(topology, HWLOC_OBJ_PACKAGE, pu);
	int caches = hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_L3CACHE);
	int node = hwloc_bitmap_first(pu->nodeset);

	seat->domain[SEATS_NUMA] = node < 0 ? 0 : (unsigned)node;
	seat->domain[SEATS_PACKAGE] = package ? package->logical_index : 0;
	/* Without an L3 the node stands in for it, numbered behind the L3s there are. */
	seat->domain[SEATS_CACHE] =
		cache ? cache->logical_index
		      : (unsigned)(caches > 0 ? caches : 0) + seat->domain[SEATS_NUMA];
}

/* Ranks by comparing with the row before: hwloc's order keeps what belongs together together. */
static void fill_ranks(struct seat *seat, const struct seat *before, bool same_core)
{
	if (!before || before->domain[SEATS_PACKAGE] != seat->domain[SEATS_PACKAGE])
		return;
	seat->numa_rank = before->numa_rank;
	if (before->domain[SEATS_NUMA] != seat->domain[SEATS_NUMA]) {
		seat->numa_rank++;
		return;
	}
	seat->cache_rank = before->cache_rank;
	if (before->domain[SEATS_CACHE] != seat->domain[SEATS_CACHE]) {
		seat->cache_rank++;
		return;
	}
	seat->core_rank = before->core_rank + !same_core;
}

int seats_make(hwloc_topology_t topology, hwloc_const_bitmap_t allowed, struct seats *seats,
	       char *why, size_t why_size)
{
	int most = hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_PU);
	size_t rows = most > 0 ? (size_t)most : 1;
	hwloc_obj_t core_before = NULL;
	hwloc_obj_t pu = NULL;
	char given[128];

	*seats = (struct seats){.seat = calloc(rows, sizeof(*seats->seat)),
				.core = calloc(rows, sizeof(*seats->core))};
	if (!seats->seat || !seats->core) {
		seats_release(seats);
		snprintf(why, why_size, "no memory for the table of %zu CPUs", rows);
		return -ENOMEM;
	}
	while ((pu = hwloc_get_next_obj_by_type(topology, HWLOC_OBJ_PU, pu))) {
		hwloc_obj_t core = hwloc_get_ancestor_obj_by_type(topology, HWLOC_OBJ_CORE, pu);
		bool same_core = core && core == core_before;
		struct seat *seat = &seats->seat[seats->count];
		const struct seat *before = seats->count ? seat - 1 : NULL;

		if (!hwloc_bitmap_isset(allowed, pu->os_index))
			continue;
		seat->cpu = pu->os_index;
		seat->index = seats->count++;
		if (!same_core)
			seats->cores++;
		seat->core = seats->cores - 1;
		seat->smt = seats->core[seat->core].count++;
		seat->kind = kinds_of(topology, seat->cpu);
		fill_domains(topology, pu, seat);
		fill_ranks(seat, before, same_core);
		core_before = core;
	}
	if (seats->count)
		return 0;
	seats_release(seats);
	snprintf(why, why_size, "impossible: of the CPUs allowed (%s) the topology has none",
		 cpulist_brief(allowed, given, sizeof(given)));
	return -ENODEV;
}

void seats_release(struct seats *seats)
{
	free(seats->seat);
	free(seats->core);
	*seats = (struct seats){0};
}

unsigned seats_distance(const struct seat *a, const struct seat *b)
{
	if (a->core == b->core)
		return 0;
	for (unsigned level = 0; level < SEATS_LEVELS; level++)
		if (a->domain[level] == b->domain[level])
			return 1 + level;
	return 1 + SEATS_LEVELS;
}
