/*
 * All that is known of the host, for host.json of a run and for `iolab doctor`: the fingerprint,
 * the cores that a run uses and what goes on there, and what only trying tells (io_uring feature
 * by feature, links and what goes past the kernel's TCP, hardware counters, energy).
 */
#ifndef LAB_HOST_FACTS_H
#define LAB_HOST_FACTS_H

#include <jansson.h>
#include <stddef.h>

#include "topology/place.h"

/* Of host.json; goes up when a meaning changes. */
#define HOST_FACTS_SCHEMA_VERSION 1

/* How long the chosen cores are looked at. */
#define HOST_FACTS_SAMPLE_MS 200

/*
 * Reads them for one worker and one origin thread under the policy, as a run places them; or for
 * the CPUs of the list, if it is not NULL (as --cpus, see place_parse_cpus()). Takes
 * HOST_FACTS_SAMPLE_MS and some milliseconds. Returns 0 with *facts, to be decref'ed, or -errno
 * as place_decide() with one line in why.
 */
int host_facts(enum place_policy policy, const char *cpus, json_t **facts, char *why,
	       size_t why_size);

/*
 * What of io_uring this kernel does for this user, by doing it: {"ring": "yes" or the reason
 * against it, "features": {an option of fetch-uring: likewise}}; without a ring no features. NULL
 * when memory is out.
 */
json_t *host_uring(void);

/*
 * Likewise what there is for links and past the kernel's TCP: {"veth", "netem", "af_xdp", "ktls":
 * "yes" or the reason against it}, less what could not be tried. Nothing of it stays, but for a
 * module that the kernel loads for the asking. NULL when memory is out.
 */
json_t *host_links(void);

#endif
