/*
 * Golden rows of placements, and the machines they are for: hwloc's synthetic ones, one with two
 * kinds of cores, one with network devices. Include it after cmocka.h.
 */
#ifndef TESTS_PLACING_H
#define TESTS_PLACING_H

#include <hwloc.h>
#include <stddef.h>

#include "topology/place.h"

/* 2 packages x 2 L3s x 4 cores x 2 siblings: core n has CPUs 2n and 2n+1. */
#define BIG	  "pack:2 [numa] l3:2 core:4 pu:2"
#define ONE	  "pack:1 core:1 pu:1"
#define SIBLINGS  "pack:1 core:1 pu:2"
#define TWO	  "pack:1 l3:1 core:2 pu:1"
#define NODES	  "numa:2 pack:1 l3:1 core:2 pu:1"
#define NO_L3	  "pack:1 core:4 pu:1"
#define NO_CORES  "pack:1 pu:4"
#define TWO_NODES "pack:2 numa:2 core:2 pu:1"
#define SHARED_L3 "pack:1 l3:1 numa:2 core:2 pu:1"
/* Two performance cores (CPUs 0-1, 2-3) and four efficiency cores (4, 6, 8, 10) of one CPU. */
#define HYBRID "hybrid"
/* Four little cores, then two big ones (CPUs 4, 5). */
#define LITTLE_BIG "little-big"
/* Twenty cores of each of two kinds: more than a drawing shows one by one. */
#define FORTY "forty"
/* NODES with two siblings a core; eth1 is in package 1, of eth0 nobody knows. */
#define DEVICES "devices"

struct placing_row {
	const char *machine;
	const char *allowed; /* NULL: all of it */
	enum place_policy policy;
	unsigned workers, origin, pollers;
	const char *answer; /* workers / origin / pollers [@ nodes], flags set; or the error */
};

/* The device of the rows with PLACE_NIC. */
extern const char *placing_device;

/* The topology of a description; fails the test when hwloc refuses it. */
hwloc_topology_t placing_machine(const char *description);
/* All CPUs of it, or those of the list. */
hwloc_bitmap_t placing_cpus_of(hwloc_topology_t topology, const char *list);
/* An answer in the form of a row's. */
void placing_render(const struct place_answer *answer, char *text, size_t size);
void placing_check_row(const struct placing_row *row);

#define PLACING_CHECK(rows)                                                                        \
	do {                                                                                       \
		for (size_t i = 0; i < sizeof(rows) / sizeof((rows)[0]); i++)                      \
			placing_check_row(&(rows)[i]);                                             \
	} while (0)

#endif
