/* The locality of network devices, by hwloc's OS devices: see nic.h. */
#include "topology/nic.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static bool is_nic(hwloc_obj_t device)
{
	return device->attr->osdev.type == HWLOC_OBJ_OSDEV_NETWORK && device->name;
}

static hwloc_obj_t find(hwloc_topology_t topology, const char *name)
{
	hwloc_obj_t device = NULL;

	while ((device = hwloc_get_next_osdev(topology, device)))
		if (is_nic(device) && strcmp(device->name, name) == 0)
			return device;
	return NULL;
}

static void list_all(hwloc_topology_t topology, char *text, size_t size)
{
	hwloc_obj_t device = NULL;
	size_t used = 0;

	snprintf(text, size, "none");
	while (used < size && (device = hwloc_get_next_osdev(topology, device)))
		if (is_nic(device))
			used += (size_t)snprintf(text + used, size - used, "%s%s", used ? ", " : "",
						 device->name);
}

int nic_locality(hwloc_topology_t topology, const char *name, hwloc_bitmap_t cpus, char *why,
		 size_t why_size)
{
	hwloc_obj_t device = find(topology, name);
	hwloc_obj_t place = device ? hwloc_get_non_io_ancestor_obj(topology, device) : NULL;
	char there[128];

	if (!device) {
		list_all(topology, there, sizeof(there));
		snprintf(why, why_size,
			 "impossible: no network device %s is near any CPU; with a place there is "
			 "%s (virtual devices, as lo and veth, have none)",
			 name, there);
		return -ENODEV;
	}
	/* Under the root of a machine of several nodes, the firmware did not tell. */
	if (!place ||
	    (hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_NUMANODE) > 1 &&
	     hwloc_bitmap_isequal(place->cpuset, hwloc_topology_get_topology_cpuset(topology)))) {
		snprintf(why, why_size,
			 "impossible: this host does not say which CPUs %s is near to; name them "
			 "with --cpus",
			 name);
		return -ENODEV;
	}
	if (!hwloc_bitmap_copy(cpus, place->cpuset))
		return 0;
	snprintf(why, why_size, "no memory for the CPUs near %s", name);
	return -ENOMEM;
}
