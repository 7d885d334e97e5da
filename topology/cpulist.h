/*
 * CPU lists as the kernel and taskset write them ("0,2-3"), to and from sets. Needs no topology,
 * so a program that is told its CPUs by number does not pay for loading one.
 */
#ifndef TOPOLOGY_CPULIST_H
#define TOPOLOGY_CPULIST_H

#include <hwloc.h>
#include <stddef.h>

/* No kernel has numbered CPUs this high; a larger number is a slip of the finger. */
#define CPULIST_HIGHEST 65535

/*
 * Reads numbers and ranges ("0,2-3") into *cpus, which is replaced. Whole text, no spaces, no
 * empty list. Returns 0, or -EINVAL (not of the form) or -ERANGE (above CPULIST_HIGHEST) with a
 * line in why; then the contents of cpus are undefined. -ENOMEM when memory is out.
 */
int cpulist_parse(const char *text, hwloc_bitmap_t cpus, char *why, size_t why_size);

/* The set as such a list, "" when empty; the caller frees it. NULL when memory is out. */
char *cpulist_text(hwloc_const_bitmap_t cpus);

/*
 * The same for a message: cut at a comma, and ended by "...", when it does not
 * fit, "none" when empty. Returns text.
 */
const char *cpulist_brief(hwloc_const_bitmap_t cpus, char *text, size_t size);

#endif
