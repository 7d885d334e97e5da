/*
 * Binding. hwloc on a synthetic or XML topology accepts every binding and makes none, and the
 * kernel quietly narrows a mask to what the cgroup allows: so both are asked afterwards.
 */
#include "topology/bind.h"

#include <errno.h>
#include <linux/mempolicy.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "topology/cpulist.h"

/* No kernel is built for more nodes. */
#define NODES_MOST  1024
#define NODES_WORDS (NODES_MOST / (8 * sizeof(unsigned long)))

/* Only what placement looks at; each filter and flag spares hwloc a part of sysfs. */
static int trim(hwloc_topology_t topology)
{
	/* cpuid is asked by running on every CPU in turn; sysfs knows enough. Not there off x86. */
	(void)hwloc_topology_set_components(topology, HWLOC_TOPOLOGY_COMPONENTS_FLAG_BLACKLIST,
					    "x86");
	if (hwloc_topology_set_cache_types_filter(topology, HWLOC_TYPE_FILTER_KEEP_NONE) ||
	    hwloc_topology_set_icache_types_filter(topology, HWLOC_TYPE_FILTER_KEEP_NONE) ||
	    hwloc_topology_set_type_filter(topology, HWLOC_OBJ_L3CACHE,
					   HWLOC_TYPE_FILTER_KEEP_ALL) ||
	    hwloc_topology_set_type_filter(topology, HWLOC_OBJ_GROUP, HWLOC_TYPE_FILTER_KEEP_NONE))
		return -1;
	return hwloc_topology_set_flags(topology, HWLOC_TOPOLOGY_FLAG_NO_DISTANCES |
							  HWLOC_TOPOLOGY_FLAG_NO_MEMATTRS |
							  HWLOC_TOPOLOGY_FLAG_DONT_CHANGE_BINDING);
}

int bind_load(enum bind_detail detail, hwloc_topology_t *topology, char *why, size_t why_size)
{
	hwloc_topology_t made;
	int err;

	if (hwloc_topology_init(&made)) {
		err = errno ? -errno : -ENOMEM;
		snprintf(why, why_size, "hwloc does not start: %s", strerror(-err));
		return err;
	}
	err = detail == BIND_EVERYTHING ? 0 : trim(made);
	if (!err && detail != BIND_PLACES)
		err = hwloc_topology_set_io_types_filter(made, HWLOC_TYPE_FILTER_KEEP_IMPORTANT);
	if (err || hwloc_topology_load(made)) {
		err = errno ? -errno : -EIO;
		snprintf(why, why_size,
			 "hwloc cannot load this host's topology: %s; is /sys mounted?",
			 strerror(-err));
		hwloc_topology_destroy(made);
		return err;
	}
	*topology = made;
	return 0;
}

/* Room for every CPU number there can be, not for the 1024 of a cpu_set_t. */
static int read_affinity(hwloc_bitmap_t cpus, char *why, size_t why_size)
{
	size_t size = CPU_ALLOC_SIZE(CPULIST_HIGHEST + 1);
	cpu_set_t *mask = CPU_ALLOC(CPULIST_HIGHEST + 1);
	int err = -ENOMEM;

	if (!mask)
		goto out;
	CPU_ZERO_S(size, mask);
	if (sched_getaffinity(0, size, mask)) {
		err = -errno;
		goto out;
	}
	err = hwloc_bitmap_from_ulongs(cpus, size / sizeof(unsigned long), mask->__bits) ? -ENOMEM
											 : 0;
out:
	if (err)
		snprintf(why, why_size, "cannot read this thread's CPU affinity: %s",
			 strerror(-err));
	CPU_FREE(mask);
	return err;
}

int bind_allowed(hwloc_bitmap_t *allowed, char *why, size_t why_size)
{
	hwloc_bitmap_t cpus = hwloc_bitmap_alloc();
	int err;

	if (!cpus) {
		snprintf(why, why_size, "no memory for a set of CPUs");
		return -ENOMEM;
	}
	err = read_affinity(cpus, why, why_size);
	if (err)
		hwloc_bitmap_free(cpus);
	else
		*allowed = cpus;
	return err;
}

/* Whether `reader` gave back what was asked for. */
static int compare(hwloc_const_bitmap_t asked, hwloc_const_bitmap_t got, const char *reader,
		   char *why, size_t why_size)
{
	char asked_text[128], got_text[128];

	if (hwloc_bitmap_isequal(asked, got))
		return 0;
	snprintf(why, why_size,
		 "bound to CPU %s, but %s reads back CPU %s; do the cgroup and taskset allow it?",
		 cpulist_brief(asked, asked_text, sizeof(asked_text)), reader,
		 cpulist_brief(got, got_text, sizeof(got_text)));
	return -EXDEV;
}

static int read_back(hwloc_topology_t topology, hwloc_const_bitmap_t cpus, char *why,
		     size_t why_size)
{
	hwloc_bitmap_t got = hwloc_bitmap_alloc();
	int err;

	if (!got) {
		snprintf(why, why_size, "no memory to read the binding back");
		return -ENOMEM;
	}
	err = read_affinity(got, why, why_size);
	if (!err)
		err = compare(cpus, got, "the kernel", why, why_size);
	if (!err && topology) {
		if (hwloc_get_cpubind(topology, got, HWLOC_CPUBIND_THREAD)) {
			err = -errno;
			snprintf(why, why_size, "hwloc cannot read the binding back: %s",
				 strerror(errno));
		} else {
			err = compare(cpus, got, "hwloc", why, why_size);
		}
	}
	hwloc_bitmap_free(got);
	return err;
}

static int refuse_empty(hwloc_const_bitmap_t cpus, char *why, size_t why_size)
{
	if (!hwloc_bitmap_iszero(cpus) && hwloc_bitmap_last(cpus) >= 0)
		return 0;
	snprintf(why, why_size, "cannot bind to %s set of CPUs; name the CPUs",
		 hwloc_bitmap_iszero(cpus) ? "an empty" : "an endless");
	return -EINVAL;
}

int bind_thread(hwloc_topology_t topology, hwloc_const_bitmap_t cpus, char *why, size_t why_size)
{
	const struct hwloc_topology_support *support = hwloc_topology_get_support(topology);
	char text[128];
	int err = refuse_empty(cpus, why, why_size);

	if (err)
		return err;
	if (!hwloc_topology_is_thissystem(topology)) {
		snprintf(why, why_size,
			 "the topology is not this host's (synthetic or from XML), so nothing can "
			 "be bound on it; unset HWLOC_SYNTHETIC and HWLOC_XMLFILE");
		return -ENOTSUP;
	}
	if (!support->cpubind->set_thisthread_cpubind ||
	    !support->cpubind->get_thisthread_cpubind) {
		snprintf(why, why_size, "hwloc cannot bind threads on this host; use policy none");
		return -ENOTSUP;
	}
	if (hwloc_set_cpubind(topology, cpus, HWLOC_CPUBIND_THREAD | HWLOC_CPUBIND_STRICT)) {
		err = errno ? -errno : -EINVAL;
		snprintf(why, why_size, "cannot bind to CPU %s: %s; is it there and allowed?",
			 cpulist_brief(cpus, text, sizeof(text)), strerror(-err));
		return err;
	}
	return read_back(topology, cpus, why, why_size);
}

static int set_affinity(hwloc_const_bitmap_t cpus, char *why, size_t why_size)
{
	int highest = hwloc_bitmap_last(cpus);
	size_t size = CPU_ALLOC_SIZE(highest + 1);
	cpu_set_t *mask = CPU_ALLOC(highest + 1);
	char text[128];
	int err = 0;

	if (!mask) {
		snprintf(why, why_size, "no memory to bind");
		return -ENOMEM;
	}
	CPU_ZERO_S(size, mask);
	for (int cpu = hwloc_bitmap_first(cpus); cpu >= 0; cpu = hwloc_bitmap_next(cpus, cpu))
		CPU_SET_S(cpu, size, mask);
	if (sched_setaffinity(0, size, mask)) {
		err = -errno;
		snprintf(why, why_size, "cannot bind to CPU %s: %s",
			 cpulist_brief(cpus, text, sizeof(text)), strerror(-err));
	}
	CPU_FREE(mask);
	return err;
}

int bind_thread_to_numbers(hwloc_const_bitmap_t allowed, hwloc_const_bitmap_t cpus, char *why,
			   size_t why_size)
{
	int err = refuse_empty(cpus, why, why_size);
	char text[128];

	if (err)
		return err;
	for (int cpu = hwloc_bitmap_first(cpus); cpu >= 0; cpu = hwloc_bitmap_next(cpus, cpu)) {
		if (hwloc_bitmap_isset(allowed, (unsigned)cpu))
			continue;
		snprintf(why, why_size, "CPU %d is not there or not allowed; there is CPU %s", cpu,
			 cpulist_brief(allowed, text, sizeof(text)));
		return -ENODEV;
	}
	err = set_affinity(cpus, why, why_size);
	return err ? err : read_back(NULL, cpus, why, why_size);
}

bool bind_holds(hwloc_const_bitmap_t cpus)
{
	hwloc_bitmap_t got = hwloc_bitmap_alloc();
	int cpu = sched_getcpu();
	char unused[256];
	bool holds = got && !read_affinity(got, unused, sizeof(unused)) &&
		     hwloc_bitmap_isequal(cpus, got) && cpu >= 0 &&
		     hwloc_bitmap_isset(cpus, (unsigned)cpu);

	hwloc_bitmap_free(got);
	return holds;
}

int bind_memory(hwloc_const_bitmap_t nodes, char *why, size_t why_size)
{
	unsigned long asked[NODES_WORDS], got[NODES_WORDS] = {0};
	int last = hwloc_bitmap_last(nodes); /* -1 for an empty or an endless set */
	int mode = MPOL_DEFAULT;
	char text[128];
	int err;

	cpulist_brief(nodes, text, sizeof(text));
	if (last < 0 || last >= NODES_MOST || hwloc_bitmap_to_ulongs(nodes, NODES_WORDS, asked)) {
		snprintf(why, why_size, "cannot bind memory to node %s: no such node", text);
		return -EINVAL;
	}
	/* The kernel takes one bit less than it is told of. */
	if (syscall(SYS_set_mempolicy, MPOL_BIND, asked, NODES_MOST + 1) ||
	    syscall(SYS_get_mempolicy, &mode, got, NODES_MOST, NULL, 0)) {
		err = errno == ENOSYS ? -ENOTSUP : -errno;
		snprintf(why, why_size, "cannot bind memory to node %s: %s", text, strerror(errno));
		return err;
	}
	if (mode == MPOL_BIND && memcmp(asked, got, sizeof(asked)) == 0)
		return 0;
	snprintf(why, why_size, "memory was bound to node %s, but the kernel reads back otherwise",
		 text);
	return -EXDEV;
}
