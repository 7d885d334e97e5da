/* Kinds of cores, from hwloc's cpukinds, which counts from the least capable: see kinds.h. */
#include "topology/kinds.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

unsigned kinds_count(hwloc_topology_t topology)
{
	int count = hwloc_cpukinds_get_nr(topology, 0);

	return count > 1 ? (unsigned)count : 1;
}

/* hwloc's index of a kind of ours, and the other way round. */
static unsigned turned(hwloc_topology_t topology, unsigned kind)
{
	int efficiency = -1;

	if (hwloc_cpukinds_get_info(topology, 0, NULL, &efficiency, NULL, NULL, 0) ||
	    efficiency < 0)
		return kind; /* unranked */
	return kinds_count(topology) - 1 - kind;
}

unsigned kinds_of(hwloc_topology_t topology, unsigned cpu)
{
	hwloc_obj_t pu = hwloc_get_pu_obj_by_os_index(topology, cpu);
	unsigned count = kinds_count(topology);
	int index;

	if (count == 1 || !pu)
		return count - 1;
	index = hwloc_cpukinds_get_by_cpuset(topology, pu->cpuset, 0);
	return index < 0 ? count - 1 : turned(topology, (unsigned)index);
}

int kinds_cpus(hwloc_topology_t topology, unsigned kind, hwloc_bitmap_t cpus)
{
	if (kind >= kinds_count(topology))
		return -ENOENT;
	if (hwloc_cpukinds_get_nr(topology, 0) < 2)
		return hwloc_bitmap_copy(cpus, hwloc_topology_get_topology_cpuset(topology))
			       ? -ENOMEM
			       : 0;
	return hwloc_cpukinds_get_info(topology, turned(topology, kind), cpus, NULL, NULL, NULL, 0)
		       ? -ENOMEM
		       : 0;
}

const char *kinds_name(hwloc_topology_t topology, unsigned kind, char name[KINDS_NAME_SIZE])
{
	/* The most telling first. */
	static const struct {
		const char *key, *format;
	} rows[] = {
		{"CoreType", "%.40s"},
		{"FrequencyMaxMHz", "up to %.20s MHz"},
		{"LinuxCapacity", "capacity %.20s"},
	};
	struct hwloc_info_s *infos = NULL;
	unsigned count = 0;

	snprintf(name, KINDS_NAME_SIZE, "kind %u", kind);
	if (hwloc_cpukinds_get_info(topology, turned(topology, kind), NULL, NULL, &count, &infos,
				    0))
		return name;
	for (size_t row = 0; row < sizeof(rows) / sizeof(rows[0]); row++) {
		for (unsigned i = 0; i < count; i++) {
			if (strcmp(infos[i].name, rows[row].key) != 0)
				continue;
			snprintf(name, KINDS_NAME_SIZE, rows[row].format, infos[i].value);
			return name;
		}
	}
	return name;
}
