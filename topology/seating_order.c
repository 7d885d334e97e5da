/*
 * In which order CPUs are filled. Most policies start in the smallest part of the machine that
 * holds everyone, so that client and origin meet in one cache; "l3" and "nic" stay in theirs;
 * "spread" deals round robin. Where cores are not alike, the most capable kind comes first.
 */
#include "topology/seating.h"

#include <stdlib.h>

/* Whether a worker may have that CPU in a run of rows, siblings included if `dense`. */
static bool counts(const struct seating *seating, const struct seat *seat, bool dense)
{
	switch (seating->request->policy) {
	case PLACE_COMPACT:
		return true;
	case PLACE_SMT:
		return seating->seats.core[seat->core].count > 1;
	default:
		return dense || seat->smt == 0;
	}
}

/* Whether the rows from first to end hold all workers and then `extra` cores more. */
static bool run_fits(const struct seating *seating, unsigned first, unsigned end, size_t extra,
		     bool dense)
{
	const struct place_request *request = seating->request;
	unsigned seated = 0;
	size_t spare = 0;

	for (unsigned i = first; i < end; i++) {
		const struct seat *seat = &seating->seats.seat[i];

		if (seated < request->workers)
			seated += counts(seating, seat, dense);
		else
			spare += seat->smt == 0;
	}
	return seated == request->workers && spare >= extra;
}

/* The first domain of that level in which all fit is filled first. */
static bool choose_at(struct seating *seating, enum seats_level level, size_t extra, bool dense)
{
	const struct seats *seats = &seating->seats;
	unsigned first = 0;

	for (unsigned i = 1; i <= seats->count; i++) {
		if (i < seats->count &&
		    seats->seat[i].domain[level] == seats->seat[first].domain[level])
			continue;
		if (run_fits(seating, first, i, extra, dense)) {
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
			if (choose_at(seating, level, extras[i], false))
				return;
}

/* One domain of that level for the workers, with a core each if it can be, else with siblings. */
static bool choose_one(struct seating *seating, enum seats_level level)
{
	size_t origin = seating->request->origin_threads;
	const size_t extras[] = {origin + seating->request->pollers, origin, origin > 0, 0};

	for (size_t i = 0; i < sizeof(extras) / sizeof(extras[0]); i++)
		if (choose_at(seating, level, extras[i], false))
			return true;
	return choose_at(seating, level, 0, true);
}

static void all_away(struct seating *seating)
{
	for (unsigned i = 0; i < seating->seats.count; i++)
		seating->seats.seat[i].away = true;
}

static void keep_near(struct seating *seating)
{
	for (unsigned i = 0; i < seating->seats.count; i++)
		seating->seats.seat[i].away =
			!hwloc_bitmap_isset(seating->near, seating->seats.seat[i].cpu);
}

struct key {
	unsigned a, b;
};

static int compare_keys(const struct key *keys, size_t count)
{
	size_t i = 0;

	while (i + 1 < count && keys[i].a == keys[i].b)
		i++;
	return keys[i].a < keys[i].b ? -1 : 1;
}

#define COMPARE(...)                                                                               \
	compare_keys((const struct key[]){__VA_ARGS__},                                            \
		     sizeof((const struct key[]){__VA_ARGS__}) / sizeof(struct key))
#define BY(field)                                                                                  \
	{                                                                                          \
		a->field, b->field                                                                 \
	}

static const struct seat *seat_at(const void *pointer)
{
	return *(struct seat *const *)pointer;
}

static int compare_neighbours(const void *left, const void *right)
{
	const struct seat *a = seat_at(left), *b = seat_at(right);

	return COMPARE(BY(kind), BY(away), BY(index));
}

/* Packages vary fastest, then nodes, L3s and cores; SMT siblings come last. */
static int compare_spread(const void *left, const void *right)
{
	const struct seat *a = seat_at(left), *b = seat_at(right);

	return COMPARE(BY(smt), BY(kind), BY(core_rank), BY(cache_rank), BY(numa_rank), BY(index));
}

/* One domain after another; in each the cores first, then their siblings. */
static int compare_domain(const void *left, const void *right)
{
	const struct seat *a = seat_at(left), *b = seat_at(right);

	return COMPARE(BY(away), BY(smt), BY(kind), BY(index));
}

static int compare_nodes(const void *left, const void *right)
{
	const struct seat *a = seat_at(left), *b = seat_at(right);

	return COMPARE(BY(away), BY(domain[SEATS_NUMA]), BY(smt), BY(kind), BY(index));
}

static int compare_index(const void *left, const void *right)
{
	const struct seat *a = seat_at(left), *b = seat_at(right);

	return COMPARE(BY(index));
}

void seating_order(struct seating *seating)
{
	int (*compare)(const void *left, const void *right) = compare_neighbours;

	for (unsigned i = 0; i < seating->seats.count; i++)
		seating->order[i] = &seating->seats.seat[i];
	switch (seating->request->cpus ? PLACE_NONE : seating->request->policy) {
	case PLACE_CORES:
	case PLACE_COMPACT:
	case PLACE_SMT:
		choose_home(seating);
		break;
	case PLACE_SPREAD:
		compare = compare_spread;
		break;
	case PLACE_L3:
		if (!choose_one(seating, SEATS_CACHE))
			all_away(seating);
		compare = compare_domain;
		break;
	case PLACE_NUMA:
		/* Where no node holds all, the nodes are filled one after another. */
		choose_one(seating, SEATS_NUMA);
		compare = compare_nodes;
		break;
	case PLACE_NIC:
		keep_near(seating);
		compare = compare_domain;
		break;
	case PLACE_NONE:
		compare = compare_index;
		break;
	}
	qsort(seating->order, seating->seats.count, sizeof(struct seat *), compare);
}
