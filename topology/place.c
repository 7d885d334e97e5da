/*
 * Placement, from the request to the sets: makes the table of seats, has everyone seated, and
 * turns the seats into an answer of its own.
 */
#include "topology/place.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "topology/nic.h"
#include "topology/place_note.h"
#include "topology/seating.h"

const char *const place_policy_names[] = {"cores", "compact", "spread", "none", "smt",
					  "l3",	   "numa",    "nic",	NULL};

int place_policy_parse(const char *text, enum place_policy *policy, const char **device, char *why,
		       size_t why_size)
{
	*device = NULL;
	for (unsigned i = 0; place_policy_names[i]; i++) {
		if (i == PLACE_NIC || strcmp(text, place_policy_names[i]) != 0)
			continue;
		*policy = (enum place_policy)i;
		return 0;
	}
	if (strncmp(text, "nic:", 4) == 0 && text[4]) {
		*policy = PLACE_NIC;
		*device = text + 4;
		return 0;
	}
	snprintf(why, why_size, "'%s' is not one of its values: " PLACE_POLICIES, text);
	return -EINVAL;
}

static hwloc_bitmap_t one_cpu(const struct seat *seat)
{
	hwloc_bitmap_t set = hwloc_bitmap_alloc();

	if (set && hwloc_bitmap_only(set, seat->cpu)) {
		hwloc_bitmap_free(set);
		return NULL;
	}
	return set;
}

/* An array of `count` sets, still NULL; at least one, so that NULL means no memory. */
static hwloc_bitmap_t *make_sets(unsigned count)
{
	return calloc(count ? count : 1, sizeof(hwloc_bitmap_t));
}

/* The nodes of the workers' seats, where memory is to follow. */
static int fill_nodes(const struct seating *seating, struct place_answer *answer)
{
	if (seating->request->policy != PLACE_NUMA || seating->request->cpus)
		return 0;
	answer->nodes = make_sets(answer->worker_count);
	if (!answer->nodes)
		return -ENOMEM;
	for (unsigned i = 0; i < answer->worker_count; i++) {
		answer->nodes[i] = hwloc_bitmap_alloc();
		if (!answer->nodes[i] ||
		    hwloc_bitmap_only(answer->nodes[i], seating->workers[i]->domain[SEATS_NUMA]))
			return -ENOMEM;
	}
	return 0;
}

static int fill_pinned(struct seating *seating, struct place_answer *answer, char *why,
		       size_t why_size)
{
	unsigned budget;
	int err;

	seating_order(seating);
	err = seating->request->cpus ? seating_by_list(seating, why, why_size)
				     : seating_by_policy(seating, why, why_size);
	if (err)
		return err;
	budget = seating_origin_budget(seating);
	for (unsigned i = 0; i < answer->worker_count; i++) {
		answer->workers[i] = one_cpu(seating->workers[i]);
		if (!answer->workers[i])
			return -ENOMEM;
	}
	for (unsigned i = 0; i < answer->origin_count; i++) {
		answer->origin[i] = one_cpu(seating_origin(seating, i, &budget));
		if (!answer->origin[i])
			return -ENOMEM;
	}
	for (unsigned i = 0; i < answer->poller_count; i++) {
		answer->pollers[i] = one_cpu(seating_poller(seating, i));
		if (!answer->pollers[i])
			return -ENOMEM;
	}
	place_note_seats(seating->topology, &seating->seats, answer);
	return fill_nodes(seating, answer);
}

/* Everyone gets every seat. */
static int fill_unpinned(const struct seating *seating, struct place_answer *answer)
{
	hwloc_bitmap_t *const groups[] = {answer->workers, answer->origin, answer->pollers};
	const unsigned counts[] = {answer->worker_count, answer->origin_count,
				   answer->poller_count};
	hwloc_bitmap_t all = hwloc_bitmap_alloc();
	int err = -ENOMEM;

	if (!all)
		return -ENOMEM;
	for (unsigned i = 0; i < seating->seats.count; i++)
		if (hwloc_bitmap_set(all, seating->seats.seat[i].cpu))
			goto out;
	for (size_t group = 0; group < sizeof(groups) / sizeof(groups[0]); group++) {
		for (unsigned i = 0; i < counts[group]; i++) {
			groups[group][i] = hwloc_bitmap_dup(all);
			if (!groups[group][i])
				goto out;
		}
	}
	place_note_none(all, answer);
	err = 0;
out:
	hwloc_bitmap_free(all);
	return err;
}

static int fill(struct seating *seating, struct place_answer *answer, char *why, size_t why_size)
{
	const struct place_request *request = seating->request;

	*answer = (struct place_answer){.workers = make_sets(request->workers),
					.origin = make_sets(request->origin_threads),
					.pollers = make_sets(request->pollers),
					.worker_count = request->workers,
					.origin_count = request->origin_threads,
					.poller_count = request->pollers};
	seating->order = calloc(seating->seats.count, sizeof(struct seat *));
	seating->workers = calloc(request->workers, sizeof(struct seat *));
	if (!answer->workers || !answer->origin || !answer->pollers || !seating->order ||
	    !seating->workers)
		return -ENOMEM;
	if (request->policy == PLACE_NONE && !request->cpus)
		return fill_unpinned(seating, answer);
	return fill_pinned(seating, answer, why, why_size);
}

/* The CPUs near the device that the policy is about. */
static int find_near(struct seating *seating, char *why, size_t why_size)
{
	const struct place_request *request = seating->request;

	if (request->policy != PLACE_NIC || request->cpus)
		return 0;
	if (!request->device) {
		snprintf(why, why_size, "policy nic needs a network device: nic:NAME");
		return -EINVAL;
	}
	seating->near = hwloc_bitmap_alloc();
	if (!seating->near) {
		snprintf(why, why_size, "no memory for the CPUs near %s", request->device);
		return -ENOMEM;
	}
	return nic_locality(seating->topology, request->device, seating->near, why, why_size);
}

/* What a policy is about has to be there. */
static int look_for(struct seating *seating, char *why, size_t why_size)
{
	if (seating->request->cpus || seating->request->policy != PLACE_L3 ||
	    hwloc_get_nbobjs_by_type(seating->topology, HWLOC_OBJ_L3CACHE) > 0)
		return find_near(seating, why, why_size);
	snprintf(why, why_size,
		 "impossible: the topology shows no L3 cache to be under; use another policy");
	return -ENODEV;
}

int place_decide(hwloc_topology_t topology, hwloc_const_bitmap_t allowed,
		 const struct place_request *request, struct place_answer *answer, char *why,
		 size_t why_size)
{
	struct seating seating = {.request = request, .topology = topology};
	int err;

	if (!request->workers) {
		snprintf(why, why_size, "a placement without workers; ask for 1 or more");
		return -EINVAL;
	}
	err = look_for(&seating, why, why_size);
	if (!err)
		err = seats_make(topology, allowed, &seating.seats, why, why_size);
	if (err) {
		hwloc_bitmap_free(seating.near);
		return err;
	}
	err = fill(&seating, answer, why, why_size);
	if (err == -ENOMEM)
		snprintf(why, why_size, "no memory to place %u workers", request->workers);
	if (err)
		place_release(answer);
	free(seating.workers);
	free(seating.order);
	seats_release(&seating.seats);
	hwloc_bitmap_free(seating.near);
	return err;
}

int place_most(hwloc_topology_t topology, hwloc_const_bitmap_t allowed,
	       const struct place_request *request, unsigned *most, char *why, size_t why_size)
{
	struct place_request tried = *request;
	unsigned fits = 0;
	unsigned beyond = (unsigned)hwloc_bitmap_weight(allowed) + 1;
	int err = 0;

	/* What holds n workers holds fewer. */
	while (fits + 1 < beyond && (!err || err == -ENOSPC)) {
		struct place_answer answer = {0};

		tried.workers = fits + (beyond - fits) / 2;
		err = place_decide(topology, allowed, &tried, &answer, why, why_size);
		if (!err && (!answer.workers_share || request->policy == PLACE_NONE))
			fits = tried.workers;
		else
			beyond = tried.workers;
		place_release(&answer);
	}
	if (fits)
		*most = fits;
	return fits ? 0 : err;
}

static void free_sets(hwloc_bitmap_t *sets, unsigned count)
{
	for (unsigned i = 0; sets && i < count; i++)
		hwloc_bitmap_free(sets[i]);
	free(sets);
}

void place_release(struct place_answer *answer)
{
	free_sets(answer->workers, answer->worker_count);
	free_sets(answer->origin, answer->origin_count);
	free_sets(answer->pollers, answer->poller_count);
	free_sets(answer->nodes, answer->worker_count);
	*answer = (struct place_answer){0};
}
