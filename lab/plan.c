/* Reads a plan's INI text, with inih, into sections; plan_cells.c multiplies them out. */
#include "lab/plan.h"

#include <errno.h>
#include <ini.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lab/plans.h"
#include "lab/units.h"

#define DEFAULT_BLOCKS 9

static const char *const experiment_keys[] = {"blocks", "seed", NULL};
static const char *const fetch_keys[] = {"model",   "wait",	"connections", "latency",  "body",
					 "overlap", "duration", "warmup",      "baseline", NULL};
static const char *const sumsq_keys[] = {"model", "core", "duration", "warmup", "baseline", NULL};

struct reading {
	struct plan *plan;
	struct plan_section *section; /* NULL: [experiment] */
	char current[64];	      /* the section's header */
	char problem[256];	      /* the first one; inih tells its line */
};

static int complain(struct reading *r, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static int complain(struct reading *r, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	if (!r->problem[0])
		vsnprintf(r->problem, sizeof(r->problem), format, arguments);
	va_end(arguments);
	return 0;
}

/* Starts the section of that header: "fetch busy" is of kind fetch, labelled busy. */
static int open_section(struct reading *r, const char *header)
{
	size_t length = strcspn(header, " ");
	const char *label = header[length] ? header + length + 1 : header;
	struct plan *plan = r->plan;
	struct plan_section *grown;

	snprintf(r->current, sizeof(r->current), "%s", header);
	r->section = NULL;
	if (strcmp(header, "experiment") == 0)
		return 1;
	if (!(length == 5 &&
	      (strncmp(header, "fetch", 5) == 0 || strncmp(header, "sumsq", 5) == 0)))
		return complain(r,
				"section [%s]: it is neither [experiment], [fetch LABEL] nor "
				"[sumsq LABEL]",
				header);
	grown = realloc(plan->sections, (plan->section_count + 1) * sizeof(*grown));
	if (!grown)
		return complain(r, "out of memory");
	plan->sections = grown;
	r->section = &grown[plan->section_count++];
	memset(r->section, 0, sizeof(*r->section));
	r->section->kind = header[0] == 'f' ? PLAN_FETCH : PLAN_SUMSQ;
	r->section->label = strdup(label);
	return 1;
}

static int check_key(struct reading *r, const char *name, const char *const *known)
{
	size_t count = 0;
	const char *nearest;

	for (; known[count]; count++)
		if (strcmp(known[count], name) == 0)
			return 1;
	nearest = units_nearest(name, known, count);
	return complain(r, "[%s] has no key '%s'%s%s%s", r->current, name,
			nearest ? "; did you mean " : "", nearest ? nearest : "",
			nearest ? "?" : "");
}

static int set_experiment(struct reading *r, const char *name, const char *value)
{
	uint64_t number;

	if (!check_key(r, name, experiment_keys))
		return 0;
	if (units_count(value, &number))
		return complain(r, "[experiment] %s: '%s' is not a whole number", name, value);
	if (strcmp(name, "seed") == 0) {
		r->plan->seed = number;
		r->plan->seed_given = true;
	} else if (number == 0 || number > 10000) {
		return complain(r, "[experiment] blocks: %s is not from 1 to 10000", value);
	} else {
		r->plan->blocks = number;
	}
	return 1;
}

/* Splits at commas, without the blanks round them; an empty value is an error. */
static int split(struct reading *r, struct plan_key *key, const char *value)
{
	for (const char *at = value; at;) {
		size_t length = strcspn(at, ",");
		const char *next = at[length] ? at + length + 1 : NULL;

		while (length && (*at == ' ' || *at == '\t')) {
			at++;
			length--;
		}
		while (length && (at[length - 1] == ' ' || at[length - 1] == '\t'))
			length--;
		if (length == 0)
			return complain(r, "[%s] %s: a value is empty", r->current, key->name);
		if (key->count == PLAN_VALUES_MAX)
			return complain(r, "[%s] %s: more than %d values", r->current, key->name,
					PLAN_VALUES_MAX);
		key->values[key->count++] = strndup(at, length);
		at = next;
	}
	return 1;
}

static int on_pair(void *user, const char *section, const char *name, const char *value)
{
	struct reading *r = user;
	struct plan_key *key;

	if (strcmp(section, r->current) != 0 && !open_section(r, section))
		return 0;
	if (!r->section)
		return set_experiment(r, name, value);
	if (!check_key(r, name, r->section->kind == PLAN_FETCH ? fetch_keys : sumsq_keys))
		return 0;
	for (unsigned i = 0; i < r->section->key_count; i++)
		if (strcmp(r->section->keys[i].name, name) == 0)
			return complain(r, "[%s] %s: given twice", r->current, name);
	key = &r->section->keys[r->section->key_count++];
	key->name = strdup(name);
	return split(r, key, value);
}

/* The whole of a file, or NULL with errno. */
static char *read_file(const char *path)
{
	FILE *file = fopen(path, "re");
	char *text = NULL;
	size_t size = 0;

	if (!file)
		return NULL;
	if (getdelim(&text, &size, 0, file) < 0) {
		free(text);
		text = feof(file) ? strdup("") : NULL;
	}
	fclose(file);
	return text;
}

static const char *embedded(const char *name, char *why, size_t why_size)
{
	const char *names[64];
	size_t count = 0;
	const char *nearest;

	for (; count < 64 && plan_texts[count].name; count++) {
		if (strcmp(plan_texts[count].name, name) == 0)
			return plan_texts[count].text;
		names[count] = plan_texts[count].name;
	}
	nearest = units_nearest(name, names, count);
	snprintf(why, why_size,
		 "unknown plan '%s'%s%s%s; `iolab list` shows them, a file needs a "
		 "'/' or the ending .ini",
		 name, nearest ? "; did you mean " : "", nearest ? nearest : "",
		 nearest ? "?" : "");
	return NULL;
}

static bool is_path(const char *name)
{
	size_t length = strlen(name);

	return strchr(name, '/') || (length > 4 && strcmp(name + length - 4, ".ini") == 0);
}

static char *plan_name(const char *name)
{
	const char *slash = strrchr(name, '/');
	const char *base = slash ? slash + 1 : name;

	return strndup(base, strcspn(base, "."));
}

int plan_read(const char *name, struct plan *plan, char *why, size_t why_size)
{
	struct reading reading = {.plan = plan};
	int line;

	memset(plan, 0, sizeof(*plan));
	plan->blocks = DEFAULT_BLOCKS;
	plan->name = plan_name(name);
	if (is_path(name)) {
		plan->text = read_file(name);
		if (!plan->text) {
			int err = -errno;

			snprintf(why, why_size, "cannot read the plan %s: %s", name,
				 strerror(errno));
			return err;
		}
	} else {
		const char *text = embedded(name, why, why_size);

		if (!text)
			return -ENOENT;
		plan->text = strdup(text);
	}
	line = ini_parse_string(plan->text, on_pair, &reading);
	if (line) {
		snprintf(why, why_size, "%s:%d: %s", name, line,
			 reading.problem[0] ? reading.problem
					    : "neither a section nor KEY = VALUE");
		return -EINVAL;
	}
	int err = plan_expand(plan, reading.problem, sizeof(reading.problem));
	if (err)
		snprintf(why, why_size, "%s: %s", name, reading.problem);
	return err;
}

void plan_release(struct plan *plan)
{
	for (unsigned i = 0; i < plan->cell_count; i++)
		free(plan->cells[i].name);
	free(plan->cells);
	for (unsigned i = 0; i < plan->section_count; i++) {
		struct plan_section *section = &plan->sections[i];

		free(section->label);
		for (unsigned k = 0; k < section->key_count; k++) {
			free(section->keys[k].name);
			for (unsigned v = 0; v < section->keys[k].count; v++)
				free(section->keys[k].values[v]);
		}
	}
	free(plan->sections);
	free(plan->name);
	free(plan->text);
	memset(plan, 0, sizeof(*plan));
}
