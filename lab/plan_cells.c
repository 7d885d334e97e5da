/* From a plan's sections to its cells: the product of the factors, less what cannot be. */
#include "lab/plan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/fetch/models.h"
#include "lab/plan_check.h"
#include "lab/plan_terms.h"
#include "lab/units.h"

const struct plan_key *plan_section_key(const struct plan_section *section, const char *name)
{
	for (unsigned i = 0; i < section->key_count; i++)
		if (strcmp(section->keys[i].name, name) == 0)
			return &section->keys[i];
	return NULL;
}

const char *plan_value(const struct plan_cell *cell, const char *key)
{
	const struct plan_key *found = plan_section_key(cell->section, key);

	return found ? cell->values[found - cell->section->keys] : NULL;
}

const char *plan_model(const struct plan_cell *cell)
{
	const char *model = plan_value(cell, "model");

	return model ? model : cell->section->label;
}

uint64_t plan_duration_ns(const struct plan_cell *cell, const char *key, uint64_t otherwise)
{
	const char *text = plan_value(cell, key);
	uint64_t ns;

	return text && units_duration(text, &ns) == 0 ? ns : otherwise;
}

uint64_t plan_count(const struct plan_cell *cell, const char *key, uint64_t otherwise)
{
	const char *text = plan_value(cell, key);
	uint64_t count;

	return text && units_count(text, &count) == 0 ? count : otherwise;
}

static bool key_needs_tls(const struct plan_key *key)
{
	bool tls = strcmp(key->name, "tls") == 0;

	for (size_t i = 0; i < key->values.count; i++) {
		const char *value = key->values.items[i];

		if (tls ? strcmp(value, "yes") == 0
			: strstr(value, "{tls-") != NULL || strstr(value, "{ca}") != NULL)
			return true;
	}
	return false;
}

bool plan_needs_tls(const struct plan *plan)
{
	for (unsigned i = 0; i < plan->section_count; i++)
		for (unsigned k = 0; k < plan->sections[i].key_count; k++)
			if (key_needs_tls(&plan->sections[i].keys[k]))
				return true;
	return false;
}

unsigned plan_queues(const struct plan *plan)
{
	uint64_t most = 1;

	for (unsigned i = 0; i < plan->cell_count; i++) {
		const struct plan_cell *cell = &plan->cells[i];
		uint64_t workers = 1;

		if (cell->section->kind == PLAN_FETCH && models_find(plan_model(cell))->reach)
			workers = plan_count(cell, "processes", 1);
		most = workers > most ? workers : most;
	}
	/* A cell that wants more is told so by the program. */
	return most < LINK_QUEUES_MAX ? (unsigned)most : LINK_QUEUES_MAX;
}

/*
 * A model's own options mean nothing to the others: those have one cell for all values of them,
 * without any. False for the other values.
 */
static bool take_values(const struct plan_section *section, const size_t *at, const char **values)
{
	struct plan_cell cell = {.section = section, .values = values};

	for (unsigned k = 0; k < section->key_count; k++)
		values[k] = section->keys[k].values.items[at[k]];
	for (unsigned k = 0; k < section->key_count; k++) {
		const char *name = section->keys[k].name;

		if (!plan_kind_models_own(section->kind, name) ||
		    strcmp(name, plan_model(&cell)) == 0)
			continue;
		if (at[k] > 0)
			return false;
		values[k] = NULL;
	}
	return true;
}

/* Whether the model can wait that way, without which it waits its own, and no skip fits. */
static bool possible(const struct plan_cell *cell)
{
	const struct plan_section *section = cell->section;
	const char *wait = plan_value(cell, "wait");

	for (unsigned k = 0; k < section->key_count; k++)
		if (strcmp(section->keys[k].name, "skip") == 0 &&
		    plan_terms_hold(cell, cell->values[k]))
			return false;
	if (section->kind != PLAN_FETCH || !wait)
		return true;
	return models_find(plan_model(cell))
		->waits[strcmp(wait, "spin") == 0 ? WAIT_SPIN : WAIT_BLOCK];
}

/* "label/value/value": only what distinguishes the cell, the keys with several values. */
static char *cell_name(const struct plan_cell *cell)
{
	char *name = NULL;
	size_t size;
	FILE *out = open_memstream(&name, &size);

	if (!out)
		return NULL;
	fputs(cell->section->label, out);
	for (unsigned i = 0; i < cell->section->key_count; i++)
		if (cell->section->keys[i].values.count > 1 && cell->values[i])
			fprintf(out, "/%s", cell->values[i]);
	if (fclose(out)) {
		free(name);
		name = NULL;
	}
	return name;
}

/* Whether terms, "MODEL" or "MODEL/WAIT" mean this cell. */
static bool is_baseline(const struct plan_cell *cell, const char *baseline)
{
	const char *model = plan_model(cell);
	const char *wait = plan_value(cell, "wait");
	size_t length = strlen(model);

	if (strpbrk(baseline, "=<>"))
		return plan_terms_hold(cell, baseline);
	if (strncmp(baseline, model, length) != 0)
		return false;
	if (!baseline[length])
		return true;
	return baseline[length] == '/' && wait && strcmp(baseline + length + 1, wait) == 0;
}

static int add_cell(struct plan *plan, const struct plan_cell *cell, char *why, size_t why_size)
{
	size_t size = cell->section->key_count * sizeof(*cell->values);
	struct plan_cell *grown, *added;

	if (plan->cell_count == plan->cells_max)
		return plan_complain(cell->section->line, why, why_size,
				     "[%s]: the plan has more than %u cells; give fewer values, "
				     "or allow more with --cells-max",
				     cell->section->label, plan->cells_max);
	grown = realloc(plan->cells, (plan->cell_count + 1) * sizeof(*grown));
	if (grown) {
		plan->cells = grown;
		added = &grown[plan->cell_count];
		*added = *cell;
		added->name = cell_name(cell);
		added->values = malloc(size + 1);
		plan->cell_count++;
		if (added->name && added->values) {
			memcpy(added->values, cell->values, size);
			return 0;
		}
	}
	plan_complain(cell->section->line, why, why_size, "out of memory for %u cells",
		      plan->cell_count);
	return -ENOMEM;
}

/* Adds one cell, and its twin when it is the baseline. */
static int add_with_control(struct plan *plan, struct plan_cell *cell, bool *baseline_seen,
			    char *why, size_t why_size)
{
	const char *baseline = plan_value(cell, "baseline");
	int err;

	if (!possible(cell))
		return 0;
	cell->baseline = baseline && is_baseline(cell, baseline);
	err = add_cell(plan, cell, why, why_size);
	if (err || !cell->baseline)
		return err;
	*baseline_seen = true;
	cell->control = true;
	err = add_cell(plan, cell, why, why_size);
	cell->control = false;
	return err;
}

int plan_make_baseline(struct plan *plan, unsigned at, char *why, size_t why_size)
{
	struct plan_cell control;
	int err;

	plan->cells[at].baseline = true;
	control = plan->cells[at];
	control.control = true;
	err = add_cell(plan, &control, why, why_size);
	if (err)
		return err;
	/* It stands behind its twin, as one that was asked for does. */
	control = plan->cells[plan->cell_count - 1];
	memmove(&plan->cells[at + 2], &plan->cells[at + 1],
		(plan->cell_count - at - 2) * sizeof(control));
	plan->cells[at + 1] = control;
	return 0;
}

/* Whether a workload of the kind says what to compare with: others may be compared with it too. */
static bool names_baseline(const struct plan *plan, enum plan_kind kind)
{
	if (plan_section_key(&plan->defaults[kind], "baseline"))
		return true;
	for (unsigned i = 0; i < plan->section_count; i++)
		if (plan->sections[i].kind == kind &&
		    plan_section_key(&plan->sections[i], "baseline"))
			return true;
	return false;
}

/* The product is reckoned before any of it is made: a slip of a finger must not take an hour. */
static int check_product(const struct plan_section *section, char *why, size_t why_size)
{
	uint64_t product = 1;

	for (unsigned k = 0; k < section->key_count; k++) {
		product *= section->keys[k].values.count;
		if (product > PLAN_CELLS_MOST)
			return plan_complain(section->line, why, why_size,
					     "[%s]: its factors make a million cells or more; "
					     "give fewer values",
					     section->label);
	}
	return 0;
}

static int expand_section(struct plan *plan, const struct plan_section *section, char *why,
			  size_t why_size)
{
	const char *values[PLAN_KEYS_MAX];
	size_t at[PLAN_KEYS_MAX] = {0};
	bool baseline_seen = false;
	const struct plan_key *baseline = plan_section_key(section, "baseline");
	unsigned before = plan->cell_count;
	char nearest[256];
	unsigned k;
	int err = check_product(section, why, why_size);

	if (err)
		return err;
	do {
		struct plan_cell cell = {.section = section, .values = values};

		if (take_values(section, at, values))
			err = add_with_control(plan, &cell, &baseline_seen, why, why_size);
		if (err)
			return err;
		/* The odometer: the last key turns fastest. */
		for (k = section->key_count; k-- > 0;) {
			if (++at[k] < section->keys[k].values.count)
				break;
			at[k] = 0;
		}
	} while (k < section->key_count);
	if (plan->cell_count == before)
		return plan_complain(section->line, why, why_size,
				     "[%s]: nothing is left of it: no model has that wait, or "
				     "skip fits every cell",
				     section->label);
	if (baseline && !baseline_seen) {
		plan_terms_suggest(&plan->cells[before], plan->cell_count - before,
				   baseline->values.items[0], nearest, sizeof(nearest));
		return plan_complain(baseline->line, why, why_size,
				     "[%s] baseline: no cell is '%s'; it is MODEL, MODEL/WAIT or "
				     "terms: %s",
				     section->label, baseline->values.items[0], nearest);
	}
	/*
	 * A single cell has nothing to be compared with. Without a baseline of the plan's own the
	 * first is what the others are compared with: without a control nothing could be claimed.
	 */
	if (plan->cell_count - before < 2 || section->kind == PLAN_COMMAND ||
	    names_baseline(plan, section->kind))
		return 0;
	return plan_make_baseline(plan, before, why, why_size);
}

/* Gives the section what [defaults KIND] has and it has not; a default skip is one skip more. */
static int inherit(struct plan_section *section, const struct plan_section *defaults, char *why,
		   size_t why_size)
{
	unsigned own = section->key_count;

	for (unsigned k = 0; k < defaults->key_count; k++) {
		const struct plan_key *from = &defaults->keys[k];
		struct plan_key *into = &section->keys[section->key_count];
		bool given = false;

		for (unsigned i = 0; i < own && strcmp(from->name, "skip") != 0; i++)
			given = given || strcmp(section->keys[i].name, from->name) == 0;
		if (given)
			continue;
		if (section->key_count == PLAN_KEYS_MAX)
			return plan_complain(from->line, why, why_size,
					     "[%s] has more than %d keys", section->label,
					     PLAN_KEYS_MAX);
		*into = *from;
		memset(&into->values, 0, sizeof(into->values));
		into->name = strdup(from->name);
		section->key_count += into->name != NULL;
		for (size_t i = 0; i < from->values.count && into->name; i++)
			if (plan_values_add(&into->values, from->values.items[i])) {
				free(into->name);
				into->name = NULL;
			}
		if (!into->name) {
			plan_complain(from->line, why, why_size, "out of memory");
			return -ENOMEM;
		}
	}
	return 0;
}

int plan_expand(struct plan *plan, char *why, size_t why_size)
{
	int err = 0;

	if (plan->section_count == 0) {
		snprintf(why, why_size,
			 "%s: it has no workload: add a [fetch LABEL], [sumsq LABEL], [nap LABEL] "
			 "or [command LABEL]",
			 plan->text.file_count ? plan->text.files[0] : plan->name);
		return -EINVAL;
	}
	for (unsigned i = 0; i < plan->section_count && !err; i++) {
		struct plan_section *section = &plan->sections[i];

		err = inherit(section, &plan->defaults[section->kind], why, why_size);
		if (!err)
			err = plan_check(section, why, why_size);
		if (!err)
			err = expand_section(plan, section, why, why_size);
	}
	return err ? err : plan_check_origin(plan, why, why_size);
}
