/*
 * What a drawing shows, before it is drawn: groups (an L3 of a node of a package) of cells (a
 * core, or a run of like cores) of lines (a CPU, or the same sibling of each core). Private to
 * topology/.
 */
#ifndef TOPOLOGY_DRAW_MODEL_H
#define TOPOLOGY_DRAW_MODEL_H

#include <hwloc.h>
#include <stdbool.h>
#include <stdint.h>

#include "topology/place.h"

enum draw_role { DRAW_WORKERS, DRAW_ORIGIN, DRAW_POLLERS, DRAW_ROLES };

struct draw_line {
	hwloc_bitmap_t cpus;
	hwloc_bitmap_t who[DRAW_ROLES]; /* numbers of the workers, origin threads, pollers */
	bool allowed;
};

struct draw_cell {
	unsigned first_core, last_core;
	unsigned kind; /* of its cores: kinds.h */
	unsigned line_count;
	struct draw_line *lines;
};

struct draw_group {
	unsigned package;
	unsigned first_node, last_node;
	unsigned first_cache, last_cache;
	bool has_cache;
	uint64_t cache_bytes; /* of each */
	unsigned first_cell, cell_count;
};

struct draw_model {
	struct draw_cell *cells;
	struct draw_group *groups;
	unsigned cell_count, group_count;
	unsigned kinds; /* of cores; named where there are several */
};

/*
 * A machine of more than `unfolded` cores is folded. Returns 0, -ENODEV or -ENOMEM;
 * draw_model_release() also takes what a failure left.
 */
int draw_model_make(hwloc_topology_t topology, hwloc_const_bitmap_t allowed,
		    const struct place_answer *answer, unsigned unfolded, struct draw_model *model);
void draw_model_release(struct draw_model *model);

#endif
