/* From a plan's sections to its cells: the product of the factors, less what cannot be. */
#include "lab/plan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/fetch/models.h"
#include "lab/units.h"

static const char *const pool_models[] = {"serial", "threads", "processes", NULL};

const char *plan_value(const struct plan_cell *cell, const char *key)
{
	for (unsigned i = 0; i < cell->section->key_count; i++)
		if (strcmp(cell->section->keys[i].name, key) == 0)
			return cell->values[i];
	return NULL;
}

uint64_t plan_duration_ns(const struct plan_cell *cell, const char *key, uint64_t otherwise)
{
	const char *text = plan_value(cell, key);
	uint64_t ns;

	return text && units_duration(text, &ns) == 0 ? ns : otherwise;
}

static const struct plan_key *find_key(const struct plan_section *section, const char *name)
{
	for (unsigned i = 0; i < section->key_count; i++)
		if (strcmp(section->keys[i].name, name) == 0)
			return &section->keys[i];
	return NULL;
}

/* A value may be checked before anything runs; returns what is wrong with it, or NULL. */
static const char *value_problem(const struct plan_section *section, const char *key,
				 const char *value)
{
	uint64_t number;

	if (strcmp(key, "model") == 0 && section->kind == PLAN_FETCH)
		return models_find(value) ? NULL
					  : "is not a fetch model; blocking, nonblocking, epoll, "
					    "uring and floor are";
	if (strcmp(key, "model") == 0) {
		for (const char *const *m = pool_models; *m; m++)
			if (strcmp(*m, value) == 0)
				return NULL;
		return "is none of serial, threads, processes";
	}
	if (strcmp(key, "wait") == 0)
		return strcmp(value, "block") != 0 && strcmp(value, "spin") != 0
			       ? "is neither block nor spin"
			       : NULL;
	if (strcmp(key, "overlap") == 0)
		return strcmp(value, "none") != 0 && strcmp(value, "thread") != 0
			       ? "is neither none nor thread"
			       : NULL;
	if (strcmp(key, "connections") == 0)
		return units_count(value, &number) || number == 0 ? "is not a count" : NULL;
	if (strcmp(key, "body") == 0)
		return units_size(value, &number) ? "is not a size" : NULL;
	if (strcmp(key, "duration") == 0 || strcmp(key, "warmup") == 0 ||
	    strcmp(key, "latency") == 0)
		return units_duration(value, &number) ? "is not a duration" : NULL;
	return NULL;
}

static int check_section(const struct plan_section *section, char *why, size_t why_size)
{
	static const char *const single[] = {"baseline", "duration", "warmup"};

	for (size_t i = 0; i < sizeof(single) / sizeof(single[0]); i++) {
		const struct plan_key *key = find_key(section, single[i]);

		if (key && key->count > 1) {
			snprintf(why, why_size, "[%s] %s: takes one value", section->label,
				 single[i]);
			return -EINVAL;
		}
	}
	if (!find_key(section, "model") || !find_key(section, "duration")) {
		snprintf(why, why_size, "[%s]: the key %s is missing", section->label,
			 find_key(section, "model") ? "duration" : "model");
		return -EINVAL;
	}
	if (find_key(section, "latency") && find_key(section, "body")) {
		snprintf(why, why_size, "[%s]: latency and body do not go together",
			 section->label);
		return -EINVAL;
	}
	for (unsigned k = 0; k < section->key_count; k++) {
		const struct plan_key *key = &section->keys[k];

		for (unsigned v = 0; v < key->count; v++) {
			const char *problem = value_problem(section, key->name, key->values[v]);

			if (problem) {
				snprintf(why, why_size, "[%s] %s: '%s' %s", section->label,
					 key->name, key->values[v], problem);
				return -EINVAL;
			}
		}
	}
	return 0;
}

/* Whether the model can wait that way; without the key it waits its own way. */
static bool possible(const struct plan_cell *cell)
{
	const char *wait = plan_value(cell, "wait");

	if (cell->section->kind != PLAN_FETCH || !wait)
		return true;
	const struct model *model = models_find(plan_value(cell, "model"));

	return model->waits[strcmp(wait, "spin") == 0 ? WAIT_SPIN : WAIT_BLOCK];
}

/* "label/value/value": only what distinguishes the cell, the keys with several values. */
static char *cell_name(const struct plan_cell *cell)
{
	char name[256];
	size_t used = (size_t)snprintf(name, sizeof(name), "%s", cell->section->label);

	for (unsigned i = 0; i < cell->section->key_count; i++)
		if (cell->section->keys[i].count > 1 && used < sizeof(name))
			used += (size_t)snprintf(name + used, sizeof(name) - used, "/%s",
						 cell->values[i]);
	return strdup(name);
}

/* Whether "MODEL" or "MODEL/WAIT" means this cell. */
static bool is_baseline(const struct plan_cell *cell, const char *baseline)
{
	const char *model = plan_value(cell, "model");
	const char *wait = plan_value(cell, "wait");
	size_t length = strlen(model);

	if (strncmp(baseline, model, length) != 0)
		return false;
	if (!baseline[length])
		return true;
	return baseline[length] == '/' && wait && strcmp(baseline + length + 1, wait) == 0;
}

static int add_cell(struct plan *plan, const struct plan_cell *cell, char *why, size_t why_size)
{
	struct plan_cell *grown;

	if (plan->cell_count == PLAN_CELLS_MAX) {
		snprintf(why, why_size, "more than %d cells; give fewer values", PLAN_CELLS_MAX);
		return -EINVAL;
	}
	grown = realloc(plan->cells, (plan->cell_count + 1) * sizeof(*grown));
	if (!grown) {
		snprintf(why, why_size, "out of memory");
		return -ENOMEM;
	}
	plan->cells = grown;
	grown[plan->cell_count] = *cell;
	grown[plan->cell_count++].name = cell_name(cell);
	return 0;
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

static int expand_section(struct plan *plan, const struct plan_section *section, char *why,
			  size_t why_size)
{
	unsigned at[PLAN_KEYS_MAX] = {0};
	bool baseline_seen = false;
	unsigned k;

	do {
		struct plan_cell cell = {.section = section};

		for (k = 0; k < section->key_count; k++)
			cell.values[k] = section->keys[k].values[at[k]];
		int err = add_with_control(plan, &cell, &baseline_seen, why, why_size);
		if (err)
			return err;
		/* The odometer: the last key turns fastest. */
		for (k = section->key_count; k-- > 0;) {
			if (++at[k] < section->keys[k].count)
				break;
			at[k] = 0;
		}
	} while (k < section->key_count);
	if (find_key(section, "baseline") && !baseline_seen) {
		snprintf(why, why_size,
			 "[%s] baseline: no cell is '%s'; it is MODEL, or MODEL/WAIT",
			 section->label, find_key(section, "baseline")->values[0]);
		return -EINVAL;
	}
	return 0;
}

int plan_expand(struct plan *plan, char *why, size_t why_size)
{
	if (plan->section_count == 0) {
		snprintf(why, why_size, "it has no workload: add a [fetch LABEL] or [sumsq LABEL]");
		return -EINVAL;
	}
	for (unsigned i = 0; i < plan->section_count; i++) {
		int err = check_section(&plan->sections[i], why, why_size);

		if (!err)
			err = expand_section(plan, &plan->sections[i], why, why_size);
		if (err)
			return err;
	}
	return 0;
}
