/*
 * In what two runs differ besides their figures: what their hosts are, what their plans asked for,
 * and what cells of one name had as factors. Lists of texts, since that is what is done with them.
 */
#include "results/compare_keys.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "results/run_files.h"
#include "results/utf8.h"
#include "topology/place.h"

/* Of what is compared: a kernel's command line has at most 4096 bytes. */
#define TEXT_SIZE 8192

/* Adds {"what", "a", "b"}; false when memory is out. */
static bool add(json_t *list, const char *what, const char *a, const char *b)
{
	/* Bytes that are no UTF-8, of a file that is no plan, would be refused. */
	json_t *object = json_pack("{s:s, s:s, s:s}", "what", what, "a", a, "b", b);

	if (!object)
		object = json_pack("{s:s, s:s, s:s}", "what", "?", "a", "?", "b", "?");
	return object && json_array_append_new(list, object) == 0;
}

static const char *text_of(const json_t *value, char text[static 64])
{
	if (json_is_string(value))
		return json_string_value(value);
	text[0] = '\0';
	if (json_is_integer(value))
		snprintf(text, 64, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
	else if (json_is_real(value))
		snprintf(text, 64, "%.6g", json_real_value(value));
	else if (json_is_boolean(value))
		snprintf(text, 64, "%s", json_is_true(value) ? "true" : "false");
	return text;
}

/*
 * What varies between runs on one host, as its beginnings: what else went on, and how quick the
 * cores happened to be.
 */
static bool is_of_the_moment(const char *what)
{
	static const char *const beginnings[] = {"activity.", "together.least", "together.median",
						 "together.most", "memory.swap_free_kib"};

	for (size_t i = 0; i < sizeof(beginnings) / sizeof(beginnings[0]); i++) {
		if (strncmp(what, beginnings[i], strlen(beginnings[i])) == 0)
			return true;
	}
	return false;
}

/* Adds the leaves below `path` to an object of texts; false when memory is out. */
static bool flatten(json_t *flat, const char *path, const json_t *object)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)object, key, value)
	{
		char below[512];
		char text[64];

		snprintf(below, sizeof(below), "%s%s%s", path, *path ? "." : "", key);
		if (json_is_object(value)
			    ? !flatten(flat, below, value)
			    : json_object_set_new(flat, below, json_string(text_of(value, text))))
			return false;
	}
	return true;
}

/* A host's facts, those of the moment or all others; NULL when memory is out. */
static json_t *host_facts(const json_t *host, bool of_the_moment)
{
	json_t *flat = json_object();
	const char *what;
	json_t *value;
	void *next;

	if (!flat || !flatten(flat, "", host)) {
		json_decref(flat);
		return NULL;
	}
	json_object_foreach_safe(flat, next, what, value)
	{
		if (is_of_the_moment(what) != of_the_moment)
			json_object_del(flat, what);
	}
	return flat;
}

/* Bytes that are no text become '?': JSON has no place for them, and they are a difference too. */
static void mend(char *text)
{
	for (size_t length; *text; text += length) {
		length = utf8_length(text);
		if (length > 0)
			continue;
		*text = '?';
		length = 1;
	}
}

/* Cuts blanks off both ends, in place. */
static char *trimmed(char *text)
{
	char *end;

	while (isspace((unsigned char)*text))
		text++;
	end = text + strlen(text);
	while (end > text && isspace((unsigned char)end[-1]))
		*--end = '\0';
	return text;
}

/* "[SECTION] KEY" to value; a key that is there several times has its values one after another. */
static bool add_key(json_t *keys, const char *section, const char *key, const char *value)
{
	char what[512];
	const char *before;
	json_t *added;

	snprintf(what, sizeof(what), "%.200s%s%.200s", section, *key ? " " : "", key);
	before = json_string_value(json_object_get(keys, what));
	added = before ? json_sprintf("%s, %s", before, value) : json_string(value);
	return added && json_object_set_new(keys, what, added) == 0;
}

/* A plan's lines by section and key; NULL when memory is out. */
static json_t *keys_of(const char *plan)
{
	json_t *keys = json_object();
	char *copy = strdup(plan);
	char *rest = copy;
	const char *section = "";
	bool good = keys && copy;

	if (copy)
		mend(copy);
	for (char *line; good && (line = strsep(&rest, "\n"));) {
		char *equals;

		line = trimmed(line);
		if (!*line || *line == ';' || *line == '#')
			continue;
		equals = strchr(line, '=');
		if (*line == '[' || !equals) {
			/* A section counts even without a key. */
			section = *line == '[' ? line : section;
			good = add_key(keys, section, *line == '[' ? "" : line, "is there");
			continue;
		}
		*equals = '\0';
		good = add_key(keys, section, trimmed(line), trimmed(equals + 1));
	}
	free(copy);
	if (!good) {
		json_decref(keys);
		return NULL;
	}
	return keys;
}

/* Of the options that run.json keeps those that change what is measured, or how often. */
static json_t *options_of(const json_t *run)
{
	static const char *const options[] = {"blocks",	   "place", "precision",
					      "budget_ns", "link",  "link_latency_ns"};
	json_t *keys = json_object();
	json_int_t policies = 0;

	while (place_policy_names[policies])
		policies++;
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]) && keys; i++) {
		const json_t *value = json_object_get(run, options[i]);
		json_int_t number = json_integer_value(value);
		char text[64], what[64];
		const char *said = text_of(value, text);

		if (strcmp(options[i], "place") == 0 && number >= 0 && number < policies)
			said = place_policy_names[number];
		if (strcmp(options[i], "blocks") == 0 && number == RUN_FILES_BLOCKS_OPEN &&
		    json_integer_value(json_object_get(run, "budget_ns")) > 0)
			said = "no fixed number";
		snprintf(what, sizeof(what), "run: %s", options[i]);
		if (value && json_object_set_new(keys, what, json_string(said))) {
			json_decref(keys);
			keys = NULL;
		}
	}
	return keys;
}

/* Where a run's facts come from; NULL with *found false where it has no such file. */
enum origin_of_facts { OF_HOST, OF_MOMENT, OF_PLAN, OF_OPTIONS };

static json_t *facts_of(const struct compare_source *source, enum origin_of_facts from, bool *found)
{
	bool host = from == OF_HOST || from == OF_MOMENT;

	*found = host		   ? source->host != NULL
		 : from == OF_PLAN ? source->plan != NULL
				   : source->run != NULL;
	if (!*found)
		return NULL;
	if (host)
		return host_facts(source->host, from == OF_MOMENT);
	return from == OF_PLAN ? keys_of(source->plan) : options_of(source->run);
}

/* The facts of each run of a side that has any, an array; NULL when memory is out. */
static json_t *side_facts(const struct compare_side *side, enum origin_of_facts from)
{
	json_t *all = json_array();

	for (size_t i = 0; i < side->source_count && all; i++) {
		bool found;
		json_t *facts = facts_of(&side->sources[i], from, &found);

		if (found && json_array_append_new(all, facts)) {
			json_decref(all);
			all = NULL;
		}
	}
	return all;
}

/* What the runs of a side say of one fact: "x", or "x | y"; whether they differ. */
static bool join_texts(const json_t *runs, const char *what, char text[static TEXT_SIZE])
{
	const char *said[16];
	size_t count = 0, used = 0;
	size_t index;
	const json_t *run;

	text[0] = '\0';
	json_array_foreach((json_t *)runs, index, run)
	{
		const char *here = json_string_value(json_object_get(run, what));
		size_t known = 0;

		here = here ? here : "";
		while (known < count && strcmp(said[known], here) != 0)
			known++;
		if (known < count || count == sizeof(said) / sizeof(said[0]))
			continue;
		said[count++] = here;
	}
	for (size_t i = 0; i < count && used < TEXT_SIZE; i++)
		used += (size_t)snprintf(text + used, TEXT_SIZE - used, "%s%s", i > 0 ? " | " : "",
					 count > 1 && !*said[i] ? "(none)" : said[i]);
	return count > 1;
}

static bool add_difference(json_t *list, const char *what, const json_t *a, const json_t *b)
{
	char left[TEXT_SIZE];
	char right[TEXT_SIZE];
	bool mixed = join_texts(a, what, left);

	if (!join_texts(b, what, right) && !mixed && strcmp(left, right) == 0)
		return true;
	return add(list, what, left, right);
}

/* All facts of both sides, each once, in the order in which they are first met. */
static json_t *all_facts(const json_t *a, const json_t *b)
{
	const json_t *const sides[] = {a, b};
	json_t *all = json_object();
	size_t index;
	json_t *run;

	for (size_t i = 0; i < 2 && all; i++) {
		json_array_foreach((json_t *)sides[i], index, run)
		{
			if (all && json_object_update_missing(all, run)) {
				json_decref(all);
				all = NULL;
			}
		}
	}
	return all;
}

/* Adds what differs; nothing where a side has no such file. False when memory is out. */
static bool add_differences(json_t *list, const struct compare_side *a,
			    const struct compare_side *b, enum origin_of_facts from)
{
	json_t *left = side_facts(a, from);
	json_t *right = side_facts(b, from);
	json_t *all = left && right ? all_facts(left, right) : NULL;
	bool good = all != NULL;
	bool known = json_array_size(left) > 0 && json_array_size(right) > 0;
	const char *what;
	json_t *value;

	json_object_foreach(all, what, value)
	{
		good = good && (!known || add_difference(list, what, left, right));
	}
	json_decref(all);
	json_decref(left);
	json_decref(right);
	return good;
}

json_t *compare_differences(const struct compare_side *a, const struct compare_side *b,
			    enum compare_about about)
{
	json_t *list = json_array();
	bool good = list != NULL;

	if (good && about == COMPARE_PLANS)
		good = add_differences(list, a, b, OF_PLAN) &&
		       add_differences(list, a, b, OF_OPTIONS);
	else if (good)
		good = add_differences(list, a, b, about == COMPARE_NOW ? OF_MOMENT : OF_HOST);
	if (good)
		return list;
	json_decref(list);
	return NULL;
}

/* Appends " and 5 more" to a name that so many cells stand behind: "w/x and 5 more: cpus". */
static bool set_what(json_t *entry, const char *name, json_int_t cells, const char *column)
{
	char more[32] = "";

	if (cells > 1)
		snprintf(more, sizeof(more), " and %lld more", (long long)cells - 1);
	return json_object_set_new(entry, "what",
				   json_sprintf("%.200s%s: %s", name, more, column)) == 0;
}

/*
 * Cells that differ alike in one column are one entry, named after the first of them. `entries` has
 * them by column and both texts: the entry, the cells behind it, and the first one's name.
 */
static bool add_column(json_t *list, json_t *entries, const struct compare_pair *pair,
		       enum record_column column)
{
	const char *name = record_columns[column].name;
	char left[64], right[64], key[512];
	const char *a = compare_factor(&pair->a->sample, column, left);
	const char *b = compare_factor(&pair->b->sample, column, right);
	json_t *known;
	json_int_t cells;

	if (strcmp(a, b) == 0)
		return true;
	snprintf(key, sizeof(key), "%s\n%.200s\n%.200s", name, a, b);
	known = json_object_get(entries, key);
	if (!known) {
		char what[512];

		snprintf(what, sizeof(what), "%.200s: %s", pair->name, name);
		return add(list, what, a, b) &&
		       json_object_set_new(
			       entries, key,
			       json_pack("{s:O, s:i, s:s}", "entry",
					 json_array_get(list, json_array_size(list) - 1), "cells",
					 1, "first", pair->name)) == 0;
	}
	cells = json_integer_value(json_object_get(known, "cells")) + 1;
	return json_integer_set(json_object_get(known, "cells"), cells) == 0 &&
	       set_what(json_object_get(known, "entry"),
			json_string_value(json_object_get(known, "first")), cells, name);
}

json_t *compare_cells(const struct comparison *comparison)
{
	json_t *list = json_array();
	json_t *entries = json_object();
	bool good = list && entries;

	for (size_t i = 0; i < comparison->pair_count && good; i++) {
		const struct compare_pair *pair = &comparison->pairs[i];

		for (const enum record_column *column = compare_factors(pair->a->sample.kind);
		     good && *column != RECORD_COLUMNS; column++)
			good = add_column(list, entries, pair, *column);
		good = good && add_column(list, entries, pair, COLUMN_variant_effective) &&
		       add_column(list, entries, pair, COLUMN_cpus);
	}
	json_decref(entries);
	if (good)
		return list;
	json_decref(list);
	return NULL;
}
