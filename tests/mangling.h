/*
 * A link that loses frames and changes their order, in both directions, by a seeded generator: for
 * tests that need root, between the two namespaces of veth.h. The servers' end is a tap device, the
 * clients' a veth interface, and a child carries the frames from one to the other.
 */
#ifndef TESTS_MANGLING_H
#define TESTS_MANGLING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define MANGLING_CLIENT "10.98.7.1"
#define MANGLING_SERVER "10.98.7.2"
/* The clients' interface; its alias says that the lab made it. */
#define MANGLING_NAME "wtxdp2"

/* To the clients, and to the servers. */
enum mangling_way { MANGLING_TO_CLIENTS, MANGLING_TO_SERVERS, MANGLING_WAYS };

struct mangling {
	/* Of 1000 frames, for each way; to be changed at any time. 1000 lost: nobody is there. */
	_Atomic unsigned lose[MANGLING_WAYS];
	_Atomic unsigned hold[MANGLING_WAYS]; /* overtaken by up to eight others */
	/* What has been done so far. */
	_Atomic uint64_t carried[MANGLING_WAYS], lost[MANGLING_WAYS], held[MANGLING_WAYS];
};

/* Makes the link, which loses and holds nothing yet; NULL where the kernel has no tap devices. */
struct mangling *mangling_start(uint64_t seed);

/* Ends it and takes the link down. NULL is accepted. */
void mangling_stop(struct mangling *mangling);

#endif
