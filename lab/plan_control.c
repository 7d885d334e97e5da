/*
 * The A/A control of a plan of commands alone that names no baseline: the first command is what a
 * person compares the others with, and it is run twice for the noise floor.
 */
#include "lab/plan.h"

/* Beside fetches commands have those' floor. *first: the first command among the cells. */
static bool is_wanted(const struct plan *plan, unsigned *first)
{
	unsigned commands = 0;

	for (unsigned i = plan->cell_count; i-- > 0;) {
		const struct plan_cell *cell = &plan->cells[i];

		if (cell->section->kind == PLAN_FETCH)
			return false;
		if (cell->section->kind != PLAN_COMMAND)
			continue;
		if (cell->baseline)
			return false;
		commands++;
		*first = i;
	}
	return commands > 1 && plan->cell_count < plan->cells_max;
}

int plan_add_control(struct plan *plan, char *why, size_t why_size)
{
	unsigned first = 0;

	return is_wanted(plan, &first) ? plan_make_baseline(plan, first, why, why_size) : 0;
}
