/*
 * In which order CPUs are filled. "cores" and "compact" start in the smallest part of the machine
 * that holds everyone, so that client and origin meet in one cache; "spread" deals round robin.
 */
#include "topology/seating.h"

#include <stdlib.h>

/* Whether the rows from first to end hold all workers and then `extra` cores more. */
static bool run_fits(const struct seating *seating, unsigned first, unsigned end, size_t extra)
{
	const struct place_request *request = seating->request;
	unsigned seated = 0;
	size_t spare = 0;

	for (unsigned i = first; i < end; i++) {
		bool new_core = seating->seats.seat[i].smt == 0;

		if (seated < request->workers)
			seated += request->policy == PLACE_COMPACT || new_core;
		else
			spare += new_core;
	}
	return seated == request->workers && spare >= extra;
}

/* The first domain of that level in which all fit is filled first. */
static bool choose_at(struct seating *seating, enum seats_level level, size_t extra)
{
	const struct seats *seats = &seating->seats;
	unsigned first = 0;

	for (unsigned i = 1; i <= seats->count; i++) {
		if (i < seats->count &&
		    seats->seat[i].domain[level] == seats->seat[first].domain[level])
			continue;
		if (run_fits(seating, first, i, extra)) {
			for (unsigned k = 0; k < seats->count; k++)
				seats->seat[k].away = k < first || k >= i;
			return true;
		}
		first = i;
	}
	return false;
}

/* The smallest part of the machine for everyone, else for client and origin, else as it comes. */
static void choose_home(struct seating *seating)
{
	size_t origin = seating->request->origin_threads;
	const size_t extras[] = {origin + seating->request->pollers, origin, origin > 0};

	for (enum seats_level level = 0; level < SEATS_LEVELS; level++)
		for (size_t i = 0; i < sizeof(extras) / sizeof(extras[0]); i++)
			if (choose_at(seating, level, extras[i]))
				return;
}

static int compare_neighbours(const void *left, const void *right)
{
	const struct seat *a = *(struct seat *const *)left, *b = *(struct seat *const *)right;

	if (a->away != b->away)
		return a->away ? 1 : -1;
	return a->index < b->index ? -1 : 1;
}

/* Packages vary fastest, then nodes, L3s and cores; SMT siblings come last. */
static int compare_spread(const void *left, const void *right)
{
	const struct seat *a = *(struct seat *const *)left, *b = *(struct seat *const *)right;
	const unsigned keys[][2] = {
		{a->smt, b->smt},
		{a->core_rank, b->core_rank},
		{a->cache_rank, b->cache_rank},
		{a->numa_rank, b->numa_rank},
		{a->index, b->index},
	};
	size_t i = 0;

	while (i + 1 < sizeof(keys) / sizeof(keys[0]) && keys[i][0] == keys[i][1])
		i++;
	return keys[i][0] < keys[i][1] ? -1 : 1;
}

void seating_order(struct seating *seating)
{
	bool spread = seating->request->policy == PLACE_SPREAD && !seating->request->cpus;

	for (unsigned i = 0; i < seating->seats.count; i++)
		seating->order[i] = &seating->seats.seat[i];
	if (!spread && !seating->request->cpus)
		choose_home(seating);
	qsort(seating->order, seating->seats.count, sizeof(struct seat *),
	      spread ? compare_spread : compare_neighbours);
}
