/* Deciding and binding for the sumsq programs: see sumsq_place.h. */
#include "lab/sumsq_place.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "topology/bind.h"
#include "topology/cpulist.h"
#include "topology/place.h"

static unsigned cores_allowed(hwloc_topology_t topology, hwloc_const_bitmap_t allowed)
{
	unsigned cores = 0;
	hwloc_obj_t core = NULL;

	while ((core = hwloc_get_next_obj_by_type(topology, HWLOC_OBJ_CORE, core)))
		cores += hwloc_bitmap_intersects(core->cpuset, allowed) != 0;
	return cores;
}

/* As many workers as the options say, or as there are of what they go to. */
static unsigned worker_count(const struct sumsq_options *options, hwloc_const_bitmap_t cpus)
{
	if (options->where == sumsq_on_serial)
		return 1;
	if (options->workers)
		return (unsigned)options->workers;
	return (unsigned)hwloc_bitmap_weight(cpus);
}

/* Worker i gets cpus of `from`, or the (i mod n)-th of its n CPUs. */
static int give(struct sumsq_place *place, hwloc_const_bitmap_t from, bool one_each)
{
	int cpu = -1;

	place->cpus = calloc((size_t)place->workers + 1, sizeof(hwloc_bitmap_t));
	if (!place->cpus)
		return -ENOMEM;
	for (unsigned worker = 0; worker < place->workers; worker++) {
		place->cpus[worker] = hwloc_bitmap_dup(from);
		if (!place->cpus[worker])
			return -ENOMEM;
		if (!one_each)
			continue;
		cpu = hwloc_bitmap_next(from, cpu);
		if (cpu < 0)
			cpu = hwloc_bitmap_first(from);
		hwloc_bitmap_only(place->cpus[worker], (unsigned)cpu);
	}
	return 0;
}

static int by_list(struct sumsq_place *place, const struct sumsq_options *options,
		   hwloc_const_bitmap_t cpus)
{
	place->workers = worker_count(options, cpus);
	place->pinned = true;
	place->shared = place->workers > (unsigned)hwloc_bitmap_weight(cpus);
	return give(place, cpus, true);
}

static int by_policy(struct sumsq_place *place, const struct sumsq_options *options,
		     hwloc_topology_t topology, char *why, size_t why_size)
{
	struct place_request request = {.policy = (enum place_policy)options->place};
	struct place_answer answer;
	int err;

	place->workers = worker_count(options, place->allowed);
	if (!options->workers && request.policy == PLACE_CORES && place->workers > 1)
		place->workers = cores_allowed(topology, place->allowed);
	request.workers = place->workers;
	err = place_decide(topology, place->allowed, &request, &answer, why, why_size);
	if (err)
		return err;
	place->pinned = true;
	place->shared = answer.workers_share;
	err = give(place, place->allowed, false);
	for (unsigned worker = 0; !err && worker < place->workers; worker++)
		err = hwloc_bitmap_copy(place->cpus[worker], answer.workers[worker]) ? -ENOMEM : 0;
	place_release(&answer);
	return err;
}

/* The ways that need to know the machine. */
static int by_topology(struct sumsq_place *place, const struct sumsq_options *options,
		       hwloc_bitmap_t cpus, char *why, size_t why_size)
{
	hwloc_topology_t topology;
	int err = bind_load(BIND_PLACES, &topology, why, why_size);

	if (err)
		return err;
	if (options->cpus) {
		err = place_parse_cpus(topology, place->allowed, options->cpus, cpus, why,
				       why_size);
		if (!err)
			err = by_list(place, options, cpus);
	} else {
		err = by_policy(place, options, topology, why, why_size);
	}
	hwloc_topology_destroy(topology);
	return err;
}

static int decide(struct sumsq_place *place, const struct sumsq_options *options,
		  hwloc_bitmap_t cpus, char *why, size_t why_size)
{
	if (options->cpus && cpulist_parse(options->cpus, cpus, why, why_size) == 0 &&
	    hwloc_bitmap_isincluded(cpus, place->allowed))
		return by_list(place, options, cpus);
	if (!options->cpus && options->place == PLACE_NONE) {
		place->workers = worker_count(options, place->allowed);
		place->shared = place->workers > (unsigned)hwloc_bitmap_weight(place->allowed);
		return give(place, place->allowed, false);
	}
	return by_topology(place, options, cpus, why, why_size);
}

int sumsq_place_decide(struct sumsq_place *place, const struct sumsq_options *options, char *why,
		       size_t why_size)
{
	hwloc_bitmap_t cpus = hwloc_bitmap_alloc();
	int err;

	*place = (struct sumsq_place){0};
	snprintf(why, why_size, "no memory to place the workers");
	err = cpus ? bind_allowed(&place->allowed, why, why_size) : -ENOMEM;
	if (!err)
		err = decide(place, options, cpus, why, why_size);
	hwloc_bitmap_free(cpus);
	if (err)
		sumsq_place_release(place);
	return err;
}

void sumsq_place_release(struct sumsq_place *place)
{
	for (hwloc_bitmap_t *cpus = place->cpus; cpus && *cpus; cpus++)
		hwloc_bitmap_free(*cpus);
	free(place->cpus);
	hwloc_bitmap_free(place->allowed);
	*place = (struct sumsq_place){0};
}

int sumsq_place_bind(void *context, unsigned worker, char *why, size_t why_size)
{
	const struct sumsq_place *place = context;

	if (!place->pinned)
		return 0;
	return bind_thread_to_numbers(place->allowed, place->cpus[worker], why, why_size);
}

char *sumsq_place_text(const struct sumsq_place *place)
{
	hwloc_bitmap_t all = hwloc_bitmap_alloc();
	char *text = NULL;

	for (unsigned worker = 0; all && worker < place->workers; worker++)
		if (hwloc_bitmap_or(all, all, place->cpus[worker]))
			goto out;
	if (all)
		text = cpulist_text(all);
out:
	hwloc_bitmap_free(all);
	return text;
}
