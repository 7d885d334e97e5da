/*
 * The steps of a placement, on the table of seats: in which order CPUs are filled, where the
 * workers go, then the origin, then the pollers. Private to topology/; place.c runs them.
 */
#ifndef TOPOLOGY_SEATING_H
#define TOPOLOGY_SEATING_H

#include <stddef.h>

#include "topology/place.h"
#include "topology/seats.h"

struct seating {
	const struct place_request *request;
	hwloc_topology_t topology;
	hwloc_bitmap_t near; /* under PLACE_NIC the CPUs near the device, else NULL */
	struct seats seats;
	struct seat **order;   /* the seats as the policy fills them: seats.count of them */
	struct seat **workers; /* the seat of each: request->workers of them */
};

/* Fills order. */
void seating_order(struct seating *seating);

/* Seat the workers. 0, or as place_decide() with a line in why. */
int seating_by_policy(struct seating *seating, char *why, size_t why_size);
int seating_by_list(struct seating *seating, char *why, size_t why_size);

/* Of the cores without workers, how many the origin may take. */
unsigned seating_origin_budget(const struct seating *seating);

/* Seat one more, after the workers and in the order of their numbers; never NULL. */
struct seat *seating_origin(struct seating *seating, unsigned thread, unsigned *budget);
struct seat *seating_poller(struct seating *seating, unsigned poller);

#endif
