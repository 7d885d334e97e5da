/*
 * From a topology and an answer to the boxes of a drawing. Folding is by likeness: cores whose
 * CPUs are in the same state, sibling by sibling, are one cell, and L3s of one like cell each
 * are one group, so a machine of 128 cores takes a screen.
 */
#include "topology/draw_model.h"

#include <errno.h>
#include <stdlib.h>

#include "topology/kinds.h"
#include "topology/seats.h"

static void release_cell(struct draw_cell *cell)
{
	for (unsigned i = 0; cell->lines && i < cell->line_count; i++) {
		hwloc_bitmap_free(cell->lines[i].cpus);
		for (unsigned role = 0; role < DRAW_ROLES; role++)
			hwloc_bitmap_free(cell->lines[i].who[role]);
	}
	free(cell->lines);
	*cell = (struct draw_cell){0};
}

static bool fill_who(hwloc_bitmap_t who, const hwloc_bitmap_t *sets, unsigned count, unsigned cpu)
{
	for (unsigned i = 0; i < count; i++)
		if (hwloc_bitmap_isset(sets[i], cpu) && hwloc_bitmap_set(who, i))
			return false;
	return true;
}

static bool fill_line(struct draw_line *line, unsigned cpu, hwloc_const_bitmap_t allowed,
		      const struct place_answer *answer)
{
	bool made = true;

	line->cpus = hwloc_bitmap_alloc();
	for (unsigned role = 0; role < DRAW_ROLES; role++) {
		line->who[role] = hwloc_bitmap_alloc();
		made &= line->who[role] != NULL;
	}
	line->allowed = hwloc_bitmap_isset(allowed, cpu);
	if (!made || !line->cpus || hwloc_bitmap_set(line->cpus, cpu))
		return false;
	return !answer ||
	       (fill_who(line->who[DRAW_WORKERS], answer->workers, answer->worker_count, cpu) &&
		fill_who(line->who[DRAW_ORIGIN], answer->origin, answer->origin_count, cpu) &&
		fill_who(line->who[DRAW_POLLERS], answer->pollers, answer->poller_count, cpu));
}

/* The core whose CPUs are `count` seats from here. */
static bool fill_cell(struct draw_cell *cell, const struct seat *seat, unsigned count,
		      hwloc_const_bitmap_t allowed, const struct place_answer *answer)
{
	*cell = (struct draw_cell){.first_core = seat->core,
				   .last_core = seat->core,
				   .kind = seat->kind,
				   .line_count = count,
				   .lines = calloc(count, sizeof(*cell->lines))};
	if (!cell->lines)
		return false;
	for (unsigned i = 0; i < count; i++)
		if (!fill_line(&cell->lines[i], seat[i].cpu, allowed, answer))
			return false;
	return true;
}

static bool alike(const struct draw_cell *a, const struct draw_cell *b)
{
	if (a->line_count != b->line_count || a->kind != b->kind)
		return false;
	for (unsigned i = 0; i < a->line_count; i++) {
		if (a->lines[i].allowed != b->lines[i].allowed)
			return false;
		for (unsigned role = 0; role < DRAW_ROLES; role++)
			if (hwloc_bitmap_iszero(a->lines[i].who[role]) !=
			    hwloc_bitmap_iszero(b->lines[i].who[role]))
				return false;
	}
	return true;
}

/* Takes the last cell into the one before it. */
static bool fold_last_cell(struct draw_model *model)
{
	struct draw_cell *into = &model->cells[model->cell_count - 2];
	struct draw_cell *last = into + 1;
	int err = 0;

	for (unsigned i = 0; i < into->line_count; i++) {
		struct draw_line *to = &into->lines[i];

		err |= hwloc_bitmap_or(to->cpus, to->cpus, last->lines[i].cpus);
		for (unsigned role = 0; role < DRAW_ROLES; role++)
			err |= hwloc_bitmap_or(to->who[role], to->who[role],
					       last->lines[i].who[role]);
	}
	into->last_core = last->last_core;
	release_cell(last);
	model->cell_count--;
	return !err;
}

/* When the last two groups are one like cell each, under one package, they become one. */
static bool fold_last_group(struct draw_model *model)
{
	struct draw_group *into, *last;

	if (model->group_count < 2)
		return true;
	last = &model->groups[model->group_count - 1];
	into = last - 1;
	if (into->package != last->package || into->has_cache != last->has_cache ||
	    into->cache_bytes != last->cache_bytes || into->cell_count != 1 ||
	    last->cell_count != 1 ||
	    !alike(&model->cells[into->first_cell], &model->cells[last->first_cell]))
		return true;
	into->last_node = last->last_node;
	into->last_cache = last->last_cache;
	model->group_count--;
	return fold_last_cell(model);
}

static void open_group(hwloc_topology_t topology, struct draw_model *model, const struct seat *seat)
{
	hwloc_obj_t cache =
		hwloc_get_obj_by_type(topology, HWLOC_OBJ_L3CACHE, seat->domain[SEATS_CACHE]);

	model->groups[model->group_count++] = (struct draw_group){
		.package = seat->domain[SEATS_PACKAGE],
		.first_node = seat->domain[SEATS_NUMA],
		.last_node = seat->domain[SEATS_NUMA],
		.first_cache = seat->domain[SEATS_CACHE],
		.last_cache = seat->domain[SEATS_CACHE],
		.has_cache = cache != NULL,
		.cache_bytes = cache ? cache->attr->cache.size : 0,
		.first_cell = model->cell_count,
	};
}

static bool same_group(const struct seat *a, const struct seat *b)
{
	for (unsigned level = 0; level < SEATS_LEVELS; level++)
		if (a->domain[level] != b->domain[level])
			return false;
	return true;
}

static bool add_cores(hwloc_topology_t topology, hwloc_const_bitmap_t allowed,
		      const struct place_answer *answer, bool fold, const struct seats *seats,
		      struct draw_model *model)
{
	unsigned count;

	for (unsigned i = 0; i < seats->count; i += count) {
		const struct seat *seat = &seats->seat[i];
		struct draw_cell *cell = &model->cells[model->cell_count];
		struct draw_group *group;

		count = seats->core[seat->core].count;
		if (!i || !same_group(seat - 1, seat)) {
			if (fold && !fold_last_group(model))
				return false;
			cell = &model->cells[model->cell_count];
			open_group(topology, model, seat);
		}
		group = &model->groups[model->group_count - 1];
		model->cell_count++;
		if (!fill_cell(cell, seat, count, allowed, answer))
			return false;
		group->cell_count++;
		if (fold && group->cell_count > 1 && alike(cell - 1, cell)) {
			group->cell_count--;
			if (!fold_last_cell(model))
				return false;
		}
	}
	return !fold || fold_last_group(model);
}

int draw_model_make(hwloc_topology_t topology, hwloc_const_bitmap_t allowed,
		    const struct place_answer *answer, unsigned unfolded, struct draw_model *model)
{
	struct seats seats;
	char why[128];
	int err;

	*model = (struct draw_model){0};
	err = seats_make(topology, hwloc_topology_get_topology_cpuset(topology), &seats, why,
			 sizeof(why));
	if (err)
		return err;
	model->kinds = kinds_count(topology);
	model->cells = calloc(seats.cores, sizeof(*model->cells));
	model->groups = calloc(seats.cores, sizeof(*model->groups));
	if (!model->cells || !model->groups ||
	    !add_cores(topology, allowed, answer, seats.cores > unfolded, &seats, model))
		err = -ENOMEM;
	seats_release(&seats);
	return err;
}

void draw_model_release(struct draw_model *model)
{
	for (unsigned i = 0; model->cells && i < model->cell_count; i++)
		release_cell(&model->cells[i]);
	free(model->cells);
	free(model->groups);
	*model = (struct draw_model){0};
}
