/*
 * The A/A control of a plan of commands alone that names no baseline: the first command is what a
 * person compares the others with, and it is run twice for the noise floor.
 */
#include "lab/plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

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
	size_t size;
	struct plan_cell *grown, twin;

	if (!is_wanted(plan, &first))
		return 0;
	size = plan->cells[first].section->key_count * sizeof(*twin.values);
	twin = plan->cells[first];
	twin.baseline = twin.control = true;
	twin.name = strdup(twin.name);
	twin.values = malloc(size + 1);
	grown = twin.name && twin.values
			? realloc(plan->cells, (plan->cell_count + 1) * sizeof(*grown))
			: NULL;
	if (!grown) {
		free(twin.name);
		free(twin.values);
		snprintf(why, why_size, "out of memory for %u cells", plan->cell_count + 1);
		return -ENOMEM;
	}
	plan->cells = grown;
	memcpy(twin.values, grown[first].values, size);
	/* Beside its twin, as where the plan names it. */
	memmove(&grown[first + 2], &grown[first + 1],
		(plan->cell_count - first - 1) * sizeof(*grown));
	grown[first].baseline = true;
	grown[first + 1] = twin;
	plan->cell_count++;
	return 0;
}
