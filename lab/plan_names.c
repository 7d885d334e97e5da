/*
 * No two cells of a plan have one name: the rows of a run are told apart by it, and what two
 * cells share a name could only be found out when all of them have been run.
 */
#include "lab/plan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* By name, and then in the order of the plan. */
static int by_name(const void *a, const void *b)
{
	const struct plan_cell *one = *(const struct plan_cell *const *)a;
	const struct plan_cell *other = *(const struct plan_cell *const *)b;
	int order = strcmp(one->name, other->name);

	return order ? order : one < other ? -1 : one > other;
}

/* "k=1 m=2/3": what distinguishes the cell in its section; cut where it is too long. */
static const char *factors(const struct plan_cell *cell, char text[static 128])
{
	const struct plan_section *section = cell->section;
	size_t used = 0;

	text[0] = '\0';
	for (unsigned k = 0; k < section->key_count && used < 127; k++)
		if (section->keys[k].values.count > 1 && cell->values[k])
			used += (size_t)snprintf(text + used, 128 - used, "%s%s=%s",
						 used ? " " : "", section->keys[k].name,
						 cell->values[k]);
	return text;
}

static int complain(const struct plan_cell *first, const struct plan_cell *second, char *why,
		    size_t why_size)
{
	const struct plan_section *a = first->section, *b = second->section;
	char one[128], other[128];

	if (a == b)
		return plan_complain(b->line, why, why_size,
				     "[%s]: two of its cells have the name %.100s, the one of %s "
				     "and the one of %s; give other values",
				     b->label, second->name, factors(first, one),
				     factors(second, other));
	return plan_complain(b->line, why, why_size,
			     "[%s]: its cell %.100s has the name of a cell of [%s], %s:%u; give "
			     "one of the sections another label",
			     b->label, second->name, a->label, a->line->file, a->line->number);
}

int plan_check_names(const struct plan *plan, char *why, size_t why_size)
{
	const struct plan_cell **cells = calloc(plan->cell_count + 1, sizeof(const void *));
	size_t count = 0;
	int err = 0;

	if (!cells) {
		snprintf(why, why_size, "out of memory for %u cells", plan->cell_count);
		return -ENOMEM;
	}
	for (unsigned i = 0; i < plan->cell_count; i++)
		/* A control has its twin's name on purpose. */
		if (!plan->cells[i].control)
			cells[count++] = &plan->cells[i];
	qsort(cells, count, sizeof(*cells), by_name);
	for (size_t i = 1; i < count && !err; i++)
		if (strcmp(cells[i - 1]->name, cells[i]->name) == 0)
			err = complain(cells[i - 1], cells[i], why, why_size);
	free(cells);
	return err;
}
