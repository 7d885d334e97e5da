/*
 * Placement, from the request to the sets: makes the table of seats, has everyone seated, and
 * turns the seats into an answer of its own.
 */
#include "topology/place.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "topology/place_note.h"
#include "topology/seating.h"

const char *const place_policy_names[] = {"cores", "compact", "spread", "none", NULL};

static hwloc_bitmap_t one_cpu(const struct seat *seat)
{
	hwloc_bitmap_t set = hwloc_bitmap_alloc();

	if (set && hwloc_bitmap_only(set, seat->cpu)) {
		hwloc_bitmap_free(set);
		return NULL;
	}
	return set;
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
	place_note_seats(&seating->seats, answer);
	return 0;
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

/* An array of `count` sets, still NULL; at least one, so that NULL means no memory. */
static hwloc_bitmap_t *make_sets(unsigned count)
{
	return calloc(count ? count : 1, sizeof(hwloc_bitmap_t));
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

int place_decide(hwloc_topology_t topology, hwloc_const_bitmap_t allowed,
		 const struct place_request *request, struct place_answer *answer, char *why,
		 size_t why_size)
{
	struct seating seating = {.request = request};
	int err;

	if (!request->workers) {
		snprintf(why, why_size, "a placement without workers; ask for 1 or more");
		return -EINVAL;
	}
	err = seats_make(topology, allowed, &seating.seats, why, why_size);
	if (err)
		return err;
	err = fill(&seating, answer, why, why_size);
	if (err == -ENOMEM)
		snprintf(why, why_size, "no memory to place %u workers", request->workers);
	if (err)
		place_release(answer);
	free(seating.workers);
	free(seating.order);
	seats_release(&seating.seats);
	return err;
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
	*answer = (struct place_answer){0};
}
