/*
 * Binding threads on this host, verified: what was asked for is read back twice, from hwloc and
 * from the kernel, and a difference is an error. Also loads the host's topology, fast.
 */
#ifndef TOPOLOGY_BIND_H
#define TOPOLOGY_BIND_H

#include <hwloc.h>
#include <stdbool.h>
#include <stddef.h>

enum bind_detail {
	BIND_PLACES,	/* packages, nodes, L3s, cores and their kinds, CPUs: a millisecond */
	BIND_DEVICES,	/* the same and I/O devices, for nic:NAME: twenty times that */
	BIND_EVERYTHING /* all caches, I/O devices, distances: for the XML export; longest */
};

/*
 * Loads the topology of this host; the caller destroys it with hwloc_topology_destroy(). CPUs
 * that the cgroup forbids are not in it. Returns 0, or -errno with one line in why.
 */
int bind_load(enum bind_detail detail, hwloc_topology_t *topology, char *why, size_t why_size);

/*
 * The CPUs on which the calling thread may run: its affinity, and so taskset's and the cgroup's
 * word. Ask before binding anything. The caller frees *allowed with hwloc_bitmap_free().
 * Returns 0, or -errno with one line in why.
 */
int bind_allowed(hwloc_bitmap_t *allowed, char *why, size_t why_size);

/*
 * Binds the calling thread strictly and reads it back. Returns 0, or with one line in why:
 * -ENOTSUP when the topology is not this host's (hwloc would then bind nothing and say it did)
 * or this host cannot bind threads, -EINVAL for an empty set or one the kernel refuses, -EXDEV
 * when what was read back is another set, another -errno from the kernel. After a failure the
 * thread's binding is whatever the kernel left.
 */
int bind_thread(hwloc_topology_t topology, hwloc_const_bitmap_t cpus, char *why, size_t why_size);

/*
 * The same from numbers alone, without a topology, for programs that must start at once and
 * were told their CPUs; read back from the kernel only. `allowed` is what bind_allowed() said at
 * the start: a thread inherits the binding of the one that made it, so its own affinity does not
 * tell. Errors as bind_thread(), and -ENODEV naming a CPU that is not in allowed.
 */
int bind_thread_to_numbers(hwloc_const_bitmap_t allowed, hwloc_const_bitmap_t cpus, char *why,
			   size_t why_size);

/*
 * Whether the calling thread is still bound to these CPUs and no others, and runs on one of them:
 * to be asked at the end, since whoever may (taskset, a cgroup) can move a thread meanwhile.
 */
bool bind_holds(hwloc_const_bitmap_t cpus);

/*
 * Has the calling thread's memory come from those NUMA nodes (the kernel's numbers) from now on,
 * strictly, and reads that back; pages that are there already stay where they are. Threads and
 * processes made later inherit it. Returns 0, or with one line in why -ENOTSUP when this kernel
 * binds no memory, -EINVAL for nodes that are not there, -EXDEV for another set read back.
 */
int bind_memory(hwloc_const_bitmap_t nodes, char *why, size_t why_size);

#endif
