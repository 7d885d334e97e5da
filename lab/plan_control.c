/*
 * The A/A control of a plan of commands alone that names no baseline: the first command is what a
 * person compares the others with, and it is run twice for the noise floor.
 */
#include "lab/plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool is_wanted(const struct plan *plan)
{
	for (unsigned i = 0; i < plan->section_count; i++)
		if (plan->sections[i].kind != PLAN_COMMAND)
			return false;
	for (unsigned i = 0; i < plan->cell_count; i++)
		if (plan->cells[i].baseline)
			return false;
	return plan->cell_count > 1 && plan->cell_count < plan->cells_max;
}

int plan_add_control(struct plan *plan, char *why, size_t why_size)
{
	size_t size;
	struct plan_cell *grown, twin;

	if (!is_wanted(plan))
		return 0;
	size = plan->cells[0].section->key_count * sizeof(*twin.values);
	twin = plan->cells[0];
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
	memcpy(twin.values, grown[0].values, size);
	/* Beside its twin, as where the plan names it. */
	memmove(&grown[2], &grown[1], (plan->cell_count - 1) * sizeof(*grown));
	grown[0].baseline = true;
	grown[1] = twin;
	plan->cell_count++;
	return 0;
}
