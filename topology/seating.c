/*
 * Who takes which seat. Workers take seats in the order of the policy; then each origin thread
 * and each poller takes the seat that costs least, where a cost is a list of what is to be
 * avoided, the worst first. One core is kept from the workers for the origin: figures taken with
 * client and origin on one core are figures of their scheduling.
 */
#include "topology/seating.h"

#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>

static void seat_worker(struct seating *seating, unsigned worker, struct seat *seat)
{
	seating->workers[worker] = seat;
	seat->load.workers++;
	seating->seats.core[seat->core].load.workers++;
}

/* How many CPUs the first `cores` cores of the order have. */
static unsigned capacity(const struct seating *seating, unsigned cores)
{
	unsigned sum = 0;

	for (unsigned i = 0; i < seating->seats.count && cores; i++) {
		const struct seat *seat = seating->order[i];

		if (seat->smt)
			continue;
		sum += seating->seats.core[seat->core].count;
		cores--;
	}
	return sum;
}

/* How many cores workers may use: all but one when there is an origin to be kept apart. */
static unsigned core_limit(const struct seating *seating)
{
	const struct seats *seats = &seating->seats;
	const struct place_request *request = seating->request;
	unsigned limit = seats->cores;

	if (request->origin_threads && seats->cores > 1)
		limit--;
	/* An SMT sibling for the origin is less bad than two workers on one CPU. */
	if (request->policy != PLACE_CORES && request->workers > capacity(seating, limit) &&
	    request->workers < seats->count)
		limit = seats->cores;
	return limit;
}

/* Whether the policy lets a worker sit there at all. */
static bool is_open(const struct seating *seating, const struct seat *seat)
{
	switch (seating->request->policy) {
	case PLACE_SMT:
		return seating->seats.core[seat->core].count > 1;
	case PLACE_L3:
	case PLACE_NIC:
		return !seat->away;
	default:
		return true;
	}
}

/* Under the others, workers without a CPU of their own share. */
static bool is_strict(enum place_policy policy)
{
	return policy != PLACE_COMPACT && policy != PLACE_SPREAD;
}

/* Which of the policies' wishes cannot be met; `seated` workers could sit down. */
static int refuse(const struct seating *seating, unsigned seated, char *why, size_t why_size)
{
	const struct place_request *request = seating->request;
	const struct seats *seats = &seating->seats;
	const char *want = request->origin_threads ? "s and the origin want"
			   : request->workers > 1  ? "s want"
						   : " wants";

	switch (request->policy) {
	case PLACE_CORES:
		snprintf(why, why_size,
			 "impossible: %u worker%s a core each: %u core%s allowed; ask for fewer "
			 "workers, or policy compact to share cores",
			 request->workers, want, seats->cores, seats->cores > 1 ? "s are" : " is");
		break;
	case PLACE_SMT:
		if (!seated) {
			snprintf(why, why_size,
				 "impossible: no core has two CPUs that are allowed, so there are "
				 "no SMT siblings; use another policy");
			break;
		}
		snprintf(why, why_size,
			 "impossible: %u worker%s CPUs that have an SMT sibling: there %s %u; ask "
			 "for fewer workers, or policy compact",
			 request->workers, want, seated == 1 ? "is" : "are", seated);
		break;
	case PLACE_L3:
		snprintf(why, why_size,
			 "impossible: %u worker%s a CPU each under one L3: none has that many; ask "
			 "for fewer workers, or policy compact",
			 request->workers, want);
		break;
	case PLACE_NIC:
		snprintf(why, why_size,
			 "impossible: %u worker%s a CPU each near %s: there %s %u; ask for fewer "
			 "workers",
			 request->workers, want, request->device, seated == 1 ? "is" : "are",
			 seated);
		break;
	default:
		snprintf(why, why_size,
			 "impossible: %u worker%s a CPU each: %u %s allowed; ask for fewer workers",
			 request->workers, want, seats->count, seats->count > 1 ? "are" : "is");
	}
	return -ENOSPC;
}

int seating_by_policy(struct seating *seating, char *why, size_t why_size)
{
	const struct place_request *request = seating->request;
	unsigned limit = core_limit(seating);
	unsigned end = seating->seats.count;
	unsigned seated = 0, used = 0;

	if (request->origin_threads && limit == seating->seats.cores && end > 1)
		end--; /* no core can be kept for the origin, but a CPU can */
	while (seated < request->workers) {
		for (unsigned i = 0; i < end && seated < request->workers; i++) {
			struct seat *seat = seating->order[i];
			bool new_core = !seating->seats.core[seat->core].load.workers;

			if (!is_open(seating, seat) ||
			    (new_core ? used == limit : request->policy == PLACE_CORES))
				continue;
			used += new_core;
			seat_worker(seating, seated++, seat);
		}
		if (seated < request->workers && is_strict(request->policy))
			return refuse(seating, seated, why, why_size);
	}
	return 0;
}

static struct seat *find_cpu(const struct seating *seating, unsigned cpu)
{
	for (unsigned i = 0; i < seating->seats.count; i++)
		if (seating->seats.seat[i].cpu == cpu)
			return &seating->seats.seat[i];
	return NULL;
}

int seating_by_list(struct seating *seating, char *why, size_t why_size)
{
	hwloc_const_bitmap_t cpus = seating->request->cpus;
	unsigned count = 0;

	for (int cpu = hwloc_bitmap_first(cpus); cpu >= 0; cpu = hwloc_bitmap_next(cpus, cpu)) {
		struct seat *seat = find_cpu(seating, (unsigned)cpu);

		if (!seat) {
			snprintf(why, why_size, "CPU %d is not there or not allowed", cpu);
			return -ENODEV;
		}
		if (count < seating->request->workers)
			seat_worker(seating, count++, seat);
	}
	if (!count) {
		snprintf(why, why_size, "an empty list of CPUs; give one or more");
		return -EINVAL;
	}
	for (unsigned worker = count; worker < seating->request->workers; worker++)
		seat_worker(seating, worker, seating->workers[worker - count]);
	return 0;
}

static uint64_t capped(unsigned value)
{
	return value < UCHAR_MAX ? value : UCHAR_MAX;
}

/* Of the cores without workers, how many the origin may take; pollers get theirs if they can. */
unsigned seating_origin_budget(const struct seating *seating)
{
	unsigned pollers = seating->request->pollers;
	unsigned left = 0;

	for (unsigned i = 0; i < seating->seats.cores; i++)
		left += !seating->seats.core[i].load.workers;
	if (!left)
		return UINT_MAX; /* it is with the workers anyhow: wherever it disturbs least */
	return left > pollers ? left - pollers : 1;
}

static uint64_t origin_cost(const struct seating *seating, const struct seat *seat,
			    const struct seat *anchor, bool budget_left)
{
	const struct seats_core *core = &seating->seats.core[seat->core];
	bool opened = core->load.origin > 0;
	unsigned opening = opened;
	uint64_t cost;

	if (!opened && !budget_left)
		opening = 3;
	else if (seating->request->policy == PLACE_COMPACT && !seating->request->cpus)
		opening = !(opened && !seat->load.origin);
	cost = capped(seat->load.workers);
	cost = cost << 1 | (core->load.workers > 0);
	cost = cost << 2 | opening;
	cost = cost << 8 | capped(seat->load.origin);
	return cost << 3 | seats_distance(seat, anchor);
}

struct seat *seating_origin(struct seating *seating, unsigned thread, unsigned *budget)
{
	const struct seat *anchor = seating->workers[thread % seating->request->workers];
	uint64_t least = UINT64_MAX;
	struct seat *best = NULL;

	for (unsigned i = 0; i < seating->seats.count; i++) {
		uint64_t cost = origin_cost(seating, seating->order[i], anchor, *budget > 0);

		if (cost < least) {
			least = cost;
			best = seating->order[i];
		}
	}
	if (!best)
		return NULL;
	if (!seating->seats.core[best->core].load.origin)
		--*budget;
	best->load.origin++;
	seating->seats.core[best->core].load.origin++;
	return best;
}

/*
 * What a poller disturbs, from nothing to most. A spinning poller must not hold up the origin;
 * with no CPU to itself it takes turns with its own worker, within the client's share.
 */
static unsigned poller_class(const struct seats_load *seat, const struct seats_load *core)
{
	if (!seat->workers && !seat->origin && !seat->pollers) {
		if (!core->workers && !core->origin)
			return core->pollers > 0;
		return core->origin ? 3 : 2;
	}
	if (seat->origin)
		return 6;
	return seat->workers ? 5 : 4;
}

struct seat *seating_poller(struct seating *seating, unsigned poller)
{
	const struct seat *anchor = seating->workers[poller % seating->request->workers];
	uint64_t least = UINT64_MAX;
	struct seat *best = NULL;

	for (unsigned i = 0; i < seating->seats.count; i++) {
		struct seat *seat = seating->order[i];
		uint64_t cost = poller_class(&seat->load, &seating->seats.core[seat->core].load);

		cost = cost << 8 | capped(seat->load.pollers);
		cost = cost << 3 | seats_distance(seat, anchor);
		if (cost < least) {
			least = cost;
			best = seat;
		}
	}
	if (!best)
		return NULL;
	best->load.pollers++;
	seating->seats.core[best->core].load.pollers++;
	return best;
}
