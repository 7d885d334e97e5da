/*
 * The program that runs in the kernel for each frame that arrives: it hands the frame to the
 * AF_XDP socket of the queue it came by, or to the kernel where there is none. Six instructions,
 * written out here, so that no BPF compiler is needed. It is attached by a link that belongs to
 * the process: however that ends, the program, its maps and the link vanish with it.
 */
#ifndef FETCH_XDP_PROGRAM_H
#define FETCH_XDP_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels/fetch/xdp_options.h"

struct xdp_program {
	int sockets; /* map from queues to sockets; -1 when not made, as the others */
	int losses;  /* map with the state of losing frames on purpose */
	int program;
	int link;
	enum xdp_mode mode; /* in effect: NATIVE or GENERIC */
};

/*
 * Loads the program for `queues` queues; drop_permille of the frames, chosen by a generator that
 * begins at seed, are lost on purpose. Returns 0 or -errno with one line in why; to be closed in
 * either case.
 */
int xdp_program_load(struct xdp_program *program, unsigned queues, unsigned drop_permille,
		     uint64_t seed, char *why, size_t why_size);

/* The socket of that queue. */
int xdp_program_serve(struct xdp_program *program, unsigned queue, int socket, char *why,
		      size_t why_size);

/* From now on it sees what arrives at that interface. BEST is native where the driver has it. */
int xdp_program_attach(struct xdp_program *program, unsigned interface, enum xdp_mode mode,
		       char *why, size_t why_size);

/* Frames lost on purpose so far. */
uint64_t xdp_program_lost(const struct xdp_program *program);

void xdp_program_close(struct xdp_program *program);

#endif
