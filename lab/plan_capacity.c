/* Rates that are given as shares of a capacity, and an origin that runs already: see plan.h. */
#include <stdlib.h>
#include <string.h>

#include "lab/plan.h"

#define SHARE_MOST 10.0

bool plan_share(const char *text, double *share)
{
	char *end;
	double percent = strtod(text, &end);

	if (end == text || strcmp(end, "%") != 0 || strspn(text, "0123456789.") + 1 != strlen(text))
		return false;
	*share = percent / 100;
	return *share > 0 && *share <= SHARE_MOST;
}

/* Whether the cells differ in their rate at most. */
static bool alike(const struct plan_cell *a, const struct plan_cell *b)
{
	if (a->section != b->section)
		return false;
	for (unsigned k = 0; k < a->section->key_count; k++) {
		if (strcmp(a->section->keys[k].name, "rate") == 0)
			continue;
		/* Both are values of one list, in which each stands once. */
		if (a->values[k] != b->values[k])
			return false;
	}
	return true;
}

const struct plan_cell *plan_capacity_cell(const struct plan *plan, const struct plan_cell *cell)
{
	const char *rate = cell->section->kind == PLAN_FETCH ? plan_value(cell, "rate") : NULL;
	double share;

	if (!rate || !plan_share(rate, &share))
		return NULL;
	for (unsigned i = 0; i < plan->cell_count; i++)
		if (alike(&plan->cells[i], cell) &&
		    plan_share(plan_value(&plan->cells[i], "rate"), &share))
			return &plan->cells[i];
	return NULL;
}

const char *plan_origin_url(const struct plan *plan)
{
	const struct plan_key *url = plan_section_key(&plan->origin, "url");

	return url ? url->values.items[0] : NULL;
}

bool plan_has_loads(const struct plan *plan)
{
	bool loads = false;

	for (unsigned i = 0; i < plan->cell_count; i++) {
		const struct plan_cell *cell = &plan->cells[i];
		const struct plan_cell *all = plan_capacity_cell(plan, cell);

		if (cell->section->kind != PLAN_FETCH && cell->section->kind != PLAN_COMMAND)
			return false;
		loads = loads || (all && all != cell && !cell->control);
	}
	return loads;
}
