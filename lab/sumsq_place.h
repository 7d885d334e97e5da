/*
 * Where the workers of a sumsq program go: decided once, carried out by each worker in itself.
 * A list of CPU numbers costs no look at the machine; anything else loads its topology.
 */
#ifndef LAB_SUMSQ_PLACE_H
#define LAB_SUMSQ_PLACE_H

#include <hwloc.h>
#include <stdbool.h>
#include <stddef.h>

#include "lab/sumsq_options.h"

struct sumsq_place {
	unsigned workers;
	hwloc_bitmap_t *cpus;	/* of each worker, NULL at the end */
	hwloc_bitmap_t allowed; /* at the start of the program */
	bool pinned;		/* false under --place none */
	bool shared;		/* some CPU has more than one worker */
};

/*
 * Decides how many workers there are and where each goes. Returns 0, or with a line in why:
 * -EINVAL or -ERANGE for a --cpus that is not of its form, -ENODEV for CPUs that are not there,
 * -ENOSPC for "impossible: ...", another -errno from the host.
 */
int sumsq_place_decide(struct sumsq_place *place, const struct sumsq_options *options, char *why,
		       size_t why_size);
void sumsq_place_release(struct sumsq_place *place);

/* The pool's bind callback with a struct sumsq_place: binds the calling worker, reads it back. */
int sumsq_place_bind(void *place, unsigned worker, char *why, size_t why_size);

/* All CPUs of the workers as a list; the caller frees it. NULL when memory is out. */
char *sumsq_place_text(const struct sumsq_place *place);

#endif
