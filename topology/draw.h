/*
 * The machine as a drawing in text: packages, NUMA nodes, L3s, cores and CPUs as nested boxes,
 * with who sits where. Large machines are drawn with like cores, and like L3s, folded into one.
 */
#ifndef TOPOLOGY_DRAW_H
#define TOPOLOGY_DRAW_H

#include <hwloc.h>
#include <stdio.h>

#include "topology/place.h"

enum draw_style { DRAW_UNICODE, DRAW_ASCII };

/* Columns that a drawing keeps within, as far as the names in it allow. */
#define DRAW_WIDTH 80

/* Machines of more cores than this are folded. */
#define DRAW_CORES_UNFOLDED 16

/*
 * Draws the whole topology; CPUs outside `allowed` are marked. `answer` may be NULL: an empty
 * machine. Returns 0, -ENODEV (a topology without CPUs), -ENOMEM, or -EIO when file did not take
 * it; a file that fails only when flushed is the caller's to notice.
 */
int draw_machine(FILE *file, hwloc_topology_t topology, hwloc_const_bitmap_t allowed,
		 const struct place_answer *answer, enum draw_style style);

#endif
