/* Who of a run sits where: see runner_inside.h. */
#include <stdio.h>

#include "lab/runner_inside.h"
#include "lab/status.h"
#include "topology/bind.h"

/* Every core that workers could have, for plans that say how many there are to be. */
static void list_clients(struct runner *r, hwloc_topology_t topology, hwloc_bitmap_t allowed,
			 struct place_request request)
{
	struct place_answer answer;
	hwloc_bitmap_t all = hwloc_bitmap_alloc();
	char why[512];

	snprintf(r->world.clients, sizeof(r->world.clients), "%s", r->world.client);
	if (!all)
		status_exit(STATUS_UNABLE, "out of memory");
	request.policy = PLACE_CORES;
	if (place_most(topology, allowed, &request, &request.workers, why, sizeof(why)) == 0 &&
	    request.workers > 0 &&
	    place_decide(topology, allowed, &request, &answer, why, sizeof(why)) == 0) {
		for (unsigned i = 0; i < answer.worker_count; i++)
			hwloc_bitmap_or(all, all, answer.workers[i]);
		if (!answer.origin_shares)
			hwloc_bitmap_list_snprintf(r->world.clients, sizeof(r->world.clients), all);
		place_release(&answer);
	}
	hwloc_bitmap_free(all);
}

void runner_decide_seats(struct runner *r, enum place_policy policy)
{
	struct place_request request = {
		.policy = policy, .workers = 1, .origin_threads = r->world.external ? 0 : 1};
	struct place_answer answer;
	hwloc_topology_t topology;
	hwloc_bitmap_t allowed;
	char why[512];

	if (bind_load(BIND_PLACES, &topology, why, sizeof(why)) ||
	    bind_allowed(&allowed, why, sizeof(why)) ||
	    place_decide(topology, allowed, &request, &answer, why, sizeof(why)))
		status_exit(STATUS_UNABLE, "%s", why);
	hwloc_bitmap_list_snprintf(r->world.client, sizeof(r->world.client), answer.workers[0]);
	if (!r->world.external)
		hwloc_bitmap_list_snprintf(r->world.origin, sizeof(r->world.origin),
					   answer.origin[0]);
	snprintf(r->outcome->note, sizeof(r->outcome->note), "%s", answer.note);
	r->world.origin_shares = answer.origin_shares;
	list_clients(r, topology, allowed, request);
	place_release(&answer);
	hwloc_bitmap_free(allowed);
	hwloc_topology_destroy(topology);
}
