/*
 * From --place or --cpus to pinned workers, for every executable that has workers: decided once,
 * carried out by each worker in itself and read back. A list of CPU numbers costs no look at the
 * machine; anything else loads its topology.
 */
#ifndef LAB_PINNING_H
#define LAB_PINNING_H

#include <stdbool.h>
#include <stddef.h>

#include "topology/bind.h"
#include "topology/place.h"

struct pinning {
	bool pinned; /* false: --place none, nothing is bound */
	bool shared; /* some CPU has more than one worker */
	unsigned workers;
	hwloc_topology_t topology;  /* NULL when there was no need to look at the machine */
	hwloc_bitmap_t allowed;	    /* at the start of the program */
	struct place_answer answer; /* of the workers */
	const char *placement;	    /* for the record: a policy as typed, or "cpus" */
	char *cpus;		    /* for the record: the workers' CPUs, "" when not pinned */
};

struct pinning_request {
	const char *place; /* a policy as typed; NULL: the program's own, in `policy` */
	enum place_policy policy;
	const char *cpus; /* a list as typed, which goes before any policy; NULL: by policy */
	unsigned workers; /* 0: as many as the policy or the list has CPUs for */
};

/*
 * Decides where workers go. Returns 0, to be released with pinning_release(), or with one line
 * in why: -EINVAL or -ERANGE for a policy or list that is not of its form (the line begins with
 * the option), -ENODEV for CPUs or devices that are not there, -ENOSPC for "impossible: ...",
 * another -errno from the host.
 */
int pinning_make(struct pinning *pinning, const struct pinning_request *request, char *why,
		 size_t why_size);

/* For the notes of a help: the policies, a line each. */
#define PINNING_POLICIES_HELP                                                                      \
	"Policies of --place:\n"                                                                   \
	"  cores     a core each, never two CPUs of one core\n"                                    \
	"  compact   neighbouring CPUs, both CPUs of a core included, under one L3 cache first\n"  \
	"  spread    as far apart as the machine goes: packages, NUMA nodes, L3 caches, cores\n"   \
	"  none      nobody is pinned\n"                                                           \
	"  smt       CPUs that share a core, on purpose\n"                                         \
	"  l3        all under one L3 cache, a core each and then their other CPUs\n"              \
	"  numa      NUMA node after NUMA node, memory bound to the own node\n"                    \
	"  nic:NAME  near that network device, a core each and then their other CPUs\n"

/* For an option's row: whether a text names a policy. 0, or -EINVAL with what is wrong in why. */
int pinning_check_place(const char *text, char *why, size_t why_size);

/*
 * The same, but ends the program with one line: STATUS_USAGE for what does not parse,
 * STATUS_UNABLE for CPUs that are not there or an impossible placement.
 */
void pinning_decide(struct pinning *pinning, const struct pinning_request *request);
/* Also takes a zeroed struct. */
void pinning_release(struct pinning *pinning);

/*
 * Binds the calling thread as that worker, and under "numa" its memory, and reads it back; does
 * nothing when not pinned. Returns 0 or -errno with one line in why. Any thread or forked process
 * may call it; call it before touching what the worker works on.
 */
int pinning_bind(const struct pinning *pinning, unsigned worker, char *why, size_t why_size);

/* Whether the calling thread, bound as that worker, is still there; true when not pinned. */
bool pinning_holds(const struct pinning *pinning, unsigned worker);

#endif
