/* From --place or --cpus to pinned workers, for every executable that has workers. */
#ifndef LAB_PINNING_H
#define LAB_PINNING_H

#include <stdbool.h>

#include "topology/bind.h"
#include "topology/place.h"

struct pinning {
	bool pinned; /* false: --place none, nothing is bound */
	hwloc_topology_t topology;
	struct place_answer answer;
	const char *placement; /* for the record: a policy's name, or "cpus" */
	char *cpus;	       /* for the record: the workers' CPUs, "" when not pinned */
};

/*
 * Decides where `workers` workers go: on the CPUs of the list, if it is not NULL, else by
 * policy. Ends the program with one line: STATUS_USAGE for a list that does not parse,
 * STATUS_UNABLE for CPUs that are not there or an impossible placement. Release with
 * pinning_release().
 */
void pinning_decide(struct pinning *pinning, enum place_policy policy, const char *cpus,
		    unsigned workers);
void pinning_release(struct pinning *pinning);

/*
 * Binds the calling thread as that worker and reads it back; does nothing when not pinned.
 * Returns 0 or -errno with one line in why. Any thread may call it.
 */
int pinning_bind(const struct pinning *pinning, unsigned worker, char *why, size_t why_size);

#endif
