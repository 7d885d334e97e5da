/* Reads a plan's lines into sections and keys; plan_cells.c multiplies them out. */
#include "lab/plan.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lab/plan_check.h"
#include "lab/plans.h"
#include "lab/units.h"
#include "results/utf8.h"

#define DEFAULT_BLOCKS 9

struct reading {
	struct plan *plan;
	struct plan_section *section; /* that the lines belong to; NULL: [experiment] or none */
	char header[80];	      /* the section's, for messages */
	const struct plan_line *line;
	char *why;
	size_t why_size;
};

int plan_complain(const struct plan_line *line, char *why, size_t why_size, const char *format, ...)
{
	int used = snprintf(why, why_size, "%s:%u: ", line->file, line->number);
	va_list arguments;

	va_start(arguments, format);
	if (used >= 0 && (size_t)used < why_size)
		vsnprintf(why + used, why_size - (size_t)used, format, arguments);
	va_end(arguments);
	return -EINVAL;
}

#define complain(r, ...) plan_complain((r)->line, (r)->why, (r)->why_size, __VA_ARGS__)

static int out_of_memory(const struct reading *r)
{
	complain(r, "out of memory");
	return -ENOMEM;
}

/* The kind of that name, PLAN_KINDS when there is none. */
static enum plan_kind find_kind(const char *name, size_t length)
{
	unsigned kind = 0;

	while (kind < PLAN_KINDS &&
	       (strncmp(plan_kind_names[kind], name, length) != 0 || plan_kind_names[kind][length]))
		kind++;
	return (enum plan_kind)kind;
}

/* The nearest kind among the first `count`, in words; "" when none is near. */
static const char *nearest_kind(const char *typed, unsigned count, char text[static 48])
{
	const char *nearest = units_nearest(typed, plan_kind_names, count);

	text[0] = '\0';
	if (nearest)
		snprintf(text, 48, "; did you mean %s?", nearest);
	return text;
}

static int unknown_section(const struct reading *r, size_t length)
{
	static const char *const names[] = {"defaults", "fetch",      "sumsq", "nap",
					    "command",	"experiment", "origin"};
	char kind[80];
	const char *nearest;

	snprintf(kind, sizeof(kind), "%.*s", (int)length, r->header);
	nearest = units_nearest(kind, names, sizeof(names) / sizeof(names[0]));
	/* Of the right kind, and with a label that such a section does not take. */
	if (!nearest || strcmp(nearest, kind) == 0)
		return complain(r,
				"section [%s]: it is none of [experiment], [origin], [defaults "
				"KIND], [fetch LABEL], [sumsq LABEL], [nap LABEL] and [command "
				"LABEL]",
				r->header);
	return complain(r, "section [%s]: there is no kind '%s'; did you mean [%s%s]?", r->header,
			kind, nearest, r->header + length);
}

static int add_workload(struct reading *r, enum plan_kind kind, const char *label)
{
	struct plan *plan = r->plan;
	struct plan_section *grown;

	for (unsigned i = 0; i < plan->section_count; i++)
		if (strcmp(plan->sections[i].label, label) == 0)
			return complain(r, "[%s]: the label %s is taken, by line %u", r->header,
					label, plan->sections[i].line->number);
	grown = realloc(plan->sections, (plan->section_count + 1) * sizeof(*grown));
	if (!grown)
		return out_of_memory(r);
	plan->sections = grown;
	r->section = &grown[plan->section_count];
	memset(r->section, 0, sizeof(*r->section));
	r->section->kind = kind;
	r->section->line = r->line;
	r->section->label = strdup(label);
	plan->section_count += r->section->label != NULL;
	return r->section->label ? 0 : out_of_memory(r);
}

/* Starts the section of that header: "fetch busy" is of kind fetch, labelled busy. */
static int open_section(struct reading *r, const char *text)
{
	size_t whole = strlen(text), length;
	const char *label;
	enum plan_kind kind;
	char meant[48];

	if (whole < 3 || text[whole - 1] != ']' || whole - 2 >= sizeof(r->header))
		return complain(r, "'%.60s' is not a section's header, such as [fetch busy]", text);
	snprintf(r->header, sizeof(r->header), "%.*s", (int)(whole - 2), text + 1);
	length = strcspn(r->header, " ");
	label = r->header + length + strspn(r->header + length, " ");
	r->section = NULL;
	if (strncmp(r->header, "defaults ", 9) == 0) {
		kind = find_kind(label, strlen(label));
		if (kind >= PLAN_WORKLOADS)
			return complain(r,
					"[%s]: '%s' is no workload; fetch, sumsq, nap and command "
					"are%s",
					r->header, label,
					nearest_kind(label, PLAN_WORKLOADS, meant));
		r->section = &r->plan->defaults[kind];
		return 0;
	}
	kind = find_kind(r->header, length);
	if (kind < PLAN_WORKLOADS)
		return add_workload(r, kind, *label ? label : r->header);
	if (kind == PLAN_KINDS || *label)
		return unknown_section(r, length);
	r->section = kind == PLAN_ORIGIN ? &r->plan->origin : NULL;
	return 0;
}

static int unknown_key(const struct reading *r, enum plan_kind kind, const char *name)
{
	const char *nearest = plan_kind_nearest(kind, name);

	return complain(r, "[%s] has no key '%s'%s%s%s", r->header, name,
			nearest ? "; did you mean " : "", nearest ? nearest : "",
			nearest ? "?" : "");
}

/* A key of [experiment]; an included file's gives way to the one that comes later. */
static int set_experiment(struct reading *r, const char *name, const char *value)
{
	bool passed;
	const struct option_row *row = plan_kind_row(PLAN_EXPERIMENT, name, &passed);
	uint64_t number = 0;
	char what[256];

	if (!row)
		return unknown_key(r, PLAN_EXPERIMENT, name);
	if (options_value(row, value, &number, what, sizeof(what)))
		return complain(r, "[experiment] %s: %s", name, what);
	if (strcmp(name, "seed") == 0) {
		r->plan->seed = number;
		r->plan->seed_given = true;
	} else if (strcmp(name, "blocks") == 0) {
		r->plan->blocks = number;
	} else if (strcmp(name, "link") == 0) {
		r->plan->link = (enum link_kind)number;
	} else if (strcmp(name, "link-latency") == 0) {
		r->plan->link_latency_ns = number;
	} else if (strcmp(name, "read") == 0) {
		if (!*value)
			return complain(r, "[experiment] %s: it has no value", name);
		free(r->plan->read);
		r->plan->read = strdup(value);
		return r->plan->read ? 0 : out_of_memory(r);
	} else {
		r->plan->report = (enum plan_report)number;
		r->plan->report_given = true;
	}
	return 0;
}

/* Fills the values of a key, each checked by its row. */
static int set_values(struct reading *r, struct plan_key *key, const char *text)
{
	enum option_kind kind = key->row ? key->row->kind : OPTION_TEXT;
	bool whole = key->repeated || plan_kind_whole(r->section->kind, key->name);
	uint64_t number;
	char what[256];
	int err = 0;

	if (!*text)
		return complain(r, "[%s] %s: it has no value", r->header, key->name);
	if (whole)
		err = plan_values_add(&key->values, text);
	else
		err = plan_values_split(&key->values, text, kind, r->plan->cells_max, what,
					sizeof(what));
	if (err)
		return err == -ENOMEM ? out_of_memory(r)
				      : complain(r, "[%s] %s: %s", r->header, key->name, what);
	for (size_t i = 0; i < key->values.count; i++) {
		const char *value = key->values.items[i];

		if (key->row &&
		    plan_kind_value(r->section->kind, key->row, value, &number, what, sizeof(what)))
			return complain(r, "[%s] %s: %s", r->header, key->name, what);
		for (size_t k = 0; k < i && key->values.count <= PLAN_CELLS_DEFAULT; k++)
			if (strcmp(value, key->values.items[k]) == 0)
				return complain(r, "[%s] %s: the value %s is there twice",
						r->header, key->name, value);
	}
	return 0;
}

static int set_key(struct reading *r, char *name, const char *value)
{
	struct plan_section *section = r->section;
	size_t length = strlen(name);
	bool repeated = length > 2 && strcmp(name + length - 2, "[]") == 0;
	struct plan_key *key;
	bool passed = false;

	if (repeated)
		name[length - 2] = '\0';
	const struct option_row *row = plan_kind_row(section->kind, name, &passed);
	const struct plan_key *before = plan_section_key(section, name);

	/* A command may have keys of its own, to stand in its line. */
	if (!row && section->kind != PLAN_COMMAND)
		return unknown_key(r, section->kind, name);
	repeated = repeated || strcmp(name, "skip") == 0;
	if (before && !(repeated && before->repeated))
		return complain(r, "[%s] %s: given twice, in line %u too", r->header, name,
				before->line->number);
	if (section->key_count == PLAN_KEYS_MAX)
		return complain(r, "[%s] has more than %d keys", r->header, PLAN_KEYS_MAX);
	key = &section->keys[section->key_count];
	*key = (struct plan_key){.name = strdup(name),
				 .row = row,
				 .passed = passed,
				 .repeated = repeated,
				 .line = r->line};
	section->key_count += key->name != NULL;
	return key->name ? set_values(r, key, value) : out_of_memory(r);
}

static int take_line(struct reading *r)
{
	char *name = strdup(r->line->text);
	char *value;
	int err;

	if (!name)
		return out_of_memory(r);
	if (*name == '[') {
		err = open_section(r, name);
	} else if (!(value = plan_lines_cut(name))) {
		err = complain(r, "neither a section nor KEY = VALUE: '%.60s'", r->line->text);
	} else if (r->section) {
		err = set_key(r, name, value);
	} else if (strcmp(r->header, "experiment") == 0) {
		err = set_experiment(r, name, value);
	} else {
		err = complain(r, "%s: a key before the first section", name);
	}
	free(name);
	return err;
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

/* text NULL: the file of that name. */
static int read_any(const char *name, const char *text, unsigned cells_max, struct plan *plan,
		    char *why, size_t why_size)
{
	struct reading reading = {.plan = plan, .why = why, .why_size = why_size};
	int err;

	memset(plan, 0, sizeof(*plan));
	plan->blocks = DEFAULT_BLOCKS;
	plan->cells_max = cells_max ? cells_max : PLAN_CELLS_DEFAULT;
	plan->origin.kind = PLAN_ORIGIN;
	for (unsigned kind = 0; kind < PLAN_WORKLOADS; kind++)
		plan->defaults[kind].kind = (enum plan_kind)kind;
	plan->name = plan_name(name);
	if (plan->name && utf8_strange(plan->name)) {
		snprintf(why, why_size, "%s: a plan's name is UTF-8; rename the file", name);
		return -EILSEQ;
	}
	err = plan_lines_read(&plan->text, name, text, why, why_size);
	for (size_t i = 0; i < plan->text.count && !err; i++) {
		reading.line = &plan->text.lines[i];
		err = take_line(&reading);
	}
	if (!err)
		err = plan_expand(plan, why, why_size);
	if (!err)
		err = plan_check_names(plan, why, why_size);
	if (!err)
		err = plan_check_programs(plan, why, why_size);
	if (!err && !plan->report_given && plan_has_loads(plan))
		plan->report = PLAN_LATENCY;
	return err ? err : plan_add_control(plan, why, why_size);
}

int plan_read(const char *name, unsigned cells_max, struct plan *plan, char *why, size_t why_size)
{
	const char *text = NULL;

	memset(plan, 0, sizeof(*plan));
	if (!is_path(name) && !(text = embedded(name, why, why_size)))
		return -ENOENT;
	return read_any(name, text, cells_max, plan, why, why_size);
}

int plan_read_text(const char *name, const char *text, unsigned cells_max, struct plan *plan,
		   char *why, size_t why_size)
{
	return read_any(name, text, cells_max, plan, why, why_size);
}

static void release_section(struct plan_section *section)
{
	free(section->label);
	for (unsigned k = 0; k < section->key_count; k++) {
		free(section->keys[k].name);
		plan_values_release(&section->keys[k].values);
	}
}

void plan_release(struct plan *plan)
{
	for (unsigned i = 0; i < plan->cell_count; i++) {
		free(plan->cells[i].name);
		free(plan->cells[i].values);
	}
	free(plan->cells);
	for (unsigned i = 0; i < plan->section_count; i++)
		release_section(&plan->sections[i]);
	for (unsigned i = 0; i < PLAN_WORKLOADS; i++)
		release_section(&plan->defaults[i]);
	release_section(&plan->origin);
	free(plan->sections);
	free(plan->name);
	free(plan->read);
	plan_lines_release(&plan->text);
	memset(plan, 0, sizeof(*plan));
}
