/*
 * What this host is: everything that can move a figure and can be read without privileges, as
 * JSON, kept beside every result. A fact that the host does not show is absent, never made up.
 */
#ifndef TOPOLOGY_FINGERPRINT_H
#define TOPOLOGY_FINGERPRINT_H

#include <hwloc.h>
#include <jansson.h>
#include <stddef.h>

struct fingerprint_library {
	const char *name; /* "liburing"; NULL ends the list */
	const char *version;
};

/* What only the program itself knows. NULL and "" are absent. Nothing is kept. */
struct fingerprint_build {
	const char *version;
	const char *commit;
	const char *compiler;
	const char *flags;
	const struct fingerprint_library *libraries; /* NULL: none; hwloc and jansson add
							themselves */
};

/*
 * An object with the objects iolab, host, kernel, cpu, memory, limits, sysctl and libraries; the
 * caller decrefs it. `allowed` is what bind_allowed() said; `topology` may be NULL, and then the
 * counts of cores and caches are absent. `root` goes before every path that is read: "" for
 * this host; limits, architecture and the hypervisor's name always are this host's. NULL when
 * memory is out.
 */
json_t *fingerprint_host(const struct fingerprint_build *build, hwloc_topology_t topology,
			 hwloc_const_bitmap_t allowed, const char *root);

/*
 * Loads the whole topology, with caches and I/O devices, and writes it as hwloc's XML to path
 * (lstopo -i reads it). Takes some tens of milliseconds. Returns 0, or -errno with one line in
 * why; then no regular file is left at path.
 */
int fingerprint_export_topology(const char *path, char *why, size_t why_size);

#endif
