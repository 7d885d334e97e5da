/*
 * Who runs where. Placement is a pure function of a topology, the CPUs allowed and a request: it
 * binds nothing and asks the host nothing, so its answers can be tested for machines one does
 * not have. bind.h carries an answer out.
 */
#ifndef TOPOLOGY_PLACE_H
#define TOPOLOGY_PLACE_H

#include <hwloc.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * Under "compact" and "spread" workers share CPUs where there are too few; under the others more
 * workers than the policy can seat are impossible. Where cores are not alike (kinds.h), each
 * policy takes the most capable kind first.
 */
enum place_policy {
	PLACE_CORES,   /* a worker a core, never two SMT siblings */
	PLACE_COMPACT, /* neighbouring CPUs, SMT siblings included, under one L3 first */
	PLACE_SPREAD,  /* as far apart as possible: packages, nodes, L3s, cores, siblings last */
	PLACE_NONE,    /* nobody is pinned: everyone has all the CPUs allowed */
	PLACE_SMT,     /* SMT siblings on purpose: cores with two CPUs or more, each filled up */
	PLACE_L3,      /* all under one L3: a core each, then siblings */
	PLACE_NUMA,    /* node after node, cores before siblings; memory bound to the own node */
	PLACE_NIC      /* near a network device: a core each, then siblings */
};

/* The policies' names in the order of the enum, NULL at the end. */
extern const char *const place_policy_names[];
/* For a help text. */
#define PLACE_POLICIES "cores|compact|spread|none|smt|l3|numa|nic:NAME"

/*
 * Reads a policy as a user types it, "nic:eth0" with its device into *device (pointing into
 * text; NULL for the others). Returns 0, or -EINVAL with one line in why.
 */
int place_policy_parse(const char *text, enum place_policy *policy, const char **device, char *why,
		       size_t why_size);

struct place_request {
	enum place_policy policy;
	const char *device;	 /* PLACE_NIC: its name */
	unsigned workers;	 /* of the client, 1 or more */
	unsigned origin_threads; /* 0: no origin on this host */
	unsigned pollers; /* io_uring SQPOLL threads, poller i serving worker i mod workers */
	hwloc_const_bitmap_t cpus; /* explicit: worker i gets the (i mod n)-th of these n CPUs, in
				      ascending order, whatever the policy. NULL: by policy */
};

#define PLACE_NOTE_SIZE 512

/*
 * One set for each, owned by the answer. Under every policy but "none", and with explicit CPUs,
 * each set is one CPU. Whoever cannot be kept apart is flagged, and said in `note`.
 */
struct place_answer {
	hwloc_bitmap_t *workers;
	hwloc_bitmap_t *origin;
	hwloc_bitmap_t *pollers;
	unsigned worker_count;
	unsigned origin_count;
	unsigned poller_count;
	hwloc_bitmap_t *nodes; /* of each worker, to bind its memory to; NULL but under "numa" */
	bool workers_share;    /* two workers have one CPU */
	bool workers_unlike;   /* two workers have cores of different kinds */
	bool origin_shares;    /* an origin thread has a worker's CPU */
	bool origin_sibling;   /* an origin thread has an SMT sibling of a worker's CPU */
	bool poller_shares;    /* a poller has no core of its own */
	char note[PLACE_NOTE_SIZE]; /* what the flags say, in a sentence; "" when none is set */
};

/*
 * Fills *answer, to be released with place_release(). The origin gets cores that no worker has,
 * under the worker's L3 where there is one; pollers come next. Returns 0 or, with one line in
 * why and an answer that needs no release: -EINVAL (no workers, or PLACE_NIC without a device),
 * -ENODEV (none of the CPUs is there, or an explicit one is not allowed, or the device has no
 * place), -ENOSPC ("impossible: ..."), -ENOMEM.
 */
int place_decide(hwloc_topology_t topology, hwloc_const_bitmap_t allowed,
		 const struct place_request *request, struct place_answer *answer, char *why,
		 size_t why_size);
void place_release(struct place_answer *answer);

/*
 * The most workers that the request's policy can seat without sharing; request->workers is not
 * looked at. Errors as place_decide(): then *most is left alone.
 */
int place_most(hwloc_topology_t topology, hwloc_const_bitmap_t allowed,
	       const struct place_request *request, unsigned *most, char *why, size_t why_size);

/*
 * Reads a --cpus text into *cpus, which is replaced: "0,2-3" (the kernel's CPU numbers) or
 * hwloc's location words, counting as hwloc does: all, core:LIST, pu:LIST, l3:LIST, numa:LIST,
 * package:LIST, one within another as package:1.core:0-1, LIST also as all, odd, even, 2-, 2:3;
 * os=DEVICE (the CPUs near a network device), a mask as 0xff. Several words are joined by
 * spaces; those of a word that begins with ~ are taken away again. Every CPU named by number or
 * pu: must be there and allowed; of a larger thing the allowed CPUs are taken, and there must be
 * one. Returns 0 or, with one line in why, -EINVAL (not of the form), -ERANGE (an absurd
 * number), -ENODEV (names what is not there or not allowed, and what is), -ENOMEM.
 */
int place_parse_cpus(hwloc_topology_t topology, hwloc_const_bitmap_t allowed, const char *text,
		     hwloc_bitmap_t cpus, char *why, size_t why_size);

#endif
