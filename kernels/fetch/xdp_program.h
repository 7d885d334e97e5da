/*
 * The program that runs in the kernel for each frame that arrives: it hands the frame to the
 * AF_XDP socket of the queue it came by, or to the kernel where there is none. A few instructions,
 * written out here, so that no BPF compiler is needed. It is attached by a link that belongs to
 * the process: however that ends, the program, its maps and the link vanish with it.
 *
 * Where several workers have a queue each, it takes only what is for their ports and leaves the
 * rest to the kernel, ARP too. A frame that came by another queue than its port's has gone
 * astray: no worker could use it, and the kernel would answer it with a reset. It is dropped, and
 * the workers are told.
 */
#ifndef FETCH_XDP_PROGRAM_H
#define FETCH_XDP_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels/fetch/xdp_interface.h"
#include "kernels/fetch/xdp_options.h"
#include "kernels/fetch/xdp_steering.h"

/* Written by the kernel alone. */
struct xdp_strays {
	uint64_t frames;
	uint32_t queue, port; /* of the latest */
};

struct xdp_program {
	int sockets; /* map from queues to sockets; -1 when not made, as the others */
	int losses;  /* map with the state of losing frames on purpose, a queue each */
	int strays;  /* map with what went astray */
	const struct xdp_strays *astray; /* that map's memory; NULL where nothing is steered */
	int program;
	int link;
	enum xdp_mode mode; /* in effect: NATIVE or GENERIC */
};

/*
 * Loads the program for an interface of `queues` queues, to be shared by all workers. Of each
 * queue's frames options->drop_permille, chosen by a generator that begins at the seed, are lost
 * on purpose. Returns 0 or -errno with one line in why; to be closed in either case.
 */
int xdp_program_load(struct xdp_program *program, unsigned queues,
		     const struct xdp_steering *steering, const struct xdp_variants *options,
		     char *why, size_t why_size);

/* The socket of that queue. */
int xdp_program_serve(const struct xdp_program *program, unsigned queue, int socket, char *why,
		      size_t why_size);

/* From now on it sees what arrives at that interface. BEST is native where the driver has it. */
int xdp_program_attach(struct xdp_program *program, const struct xdp_interface *interface,
		       enum xdp_mode mode, char *why, size_t why_size);

/* Whether it still does: anybody with the rights may detach its link. To be asked by whose process
 * attached it; true in the others. */
bool xdp_program_attached(const struct xdp_program *program);

/* Frames of that queue lost on purpose so far. */
uint64_t xdp_program_lost(const struct xdp_program *program, unsigned queue);

void xdp_program_close(struct xdp_program *program);

#endif
