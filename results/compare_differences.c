/*
 * In what two runs differ besides their figures: what their hosts are, what their plans asked for,
 * and what cells of one name had as factors. Lists of texts, since that is what is done with them.
 */
#include "results/compare_keys.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

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

/* Both sides' leaves below `path`; keys that only one side has are met from that side. */
static bool walk(json_t *list, const char *path, const json_t *a, const json_t *b);

static bool walk_member(json_t *list, const char *path, const char *key, const json_t *a,
			const json_t *b)
{
	char below[512];
	char left[64];
	char right[64];

	snprintf(below, sizeof(below), "%s%s%s", path, *path ? "." : "", key);
	if (json_is_object(a) || json_is_object(b))
		return walk(list, below, a, b);
	if (strcmp(text_of(a, left), text_of(b, right)) == 0)
		return true;
	return add(list, below, text_of(a, left), text_of(b, right));
}

static bool walk(json_t *list, const char *path, const json_t *a, const json_t *b)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)a, key, value)
	{
		if (!walk_member(list, path, key, value, json_object_get(b, key)))
			return false;
	}
	json_object_foreach((json_t *)b, key, value)
	{
		if (!json_object_get(a, key) && !walk_member(list, path, key, NULL, value))
			return false;
	}
	return true;
}

json_t *compare_hosts(const json_t *a, const json_t *b)
{
	json_t *list = json_array();

	if (list && a && b && !walk(list, "", a, b)) {
		json_decref(list);
		return NULL;
	}
	return list;
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

/* A plan's lines by section and key; NULL when memory is out or they are no text. */
static json_t *keys_of(const char *plan)
{
	json_t *keys = json_object();
	char *copy = strdup(plan);
	char *rest = copy;
	const char *section = "";
	bool good = keys && copy;

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

json_t *compare_plans(const char *a, const char *b)
{
	json_t *list = json_array();
	json_t *left = a && b ? keys_of(a) : NULL;
	json_t *right = a && b ? keys_of(b) : NULL;
	bool good = list && (!a || !b || (left && right && walk(list, "", left, right)));

	json_decref(left);
	json_decref(right);
	if (good)
		return list;
	json_decref(list);
	return NULL;
}

static bool add_column(json_t *list, const struct compare_pair *pair, enum record_column column)
{
	char what[512];
	char left[64];
	char right[64];
	const char *a = compare_factor(&pair->a->sample, column, left);
	const char *b = compare_factor(&pair->b->sample, column, right);

	if (strcmp(a, b) == 0)
		return true;
	snprintf(what, sizeof(what), "%.200s: %s", pair->name, record_columns[column].name);
	return add(list, what, a, b);
}

json_t *compare_cells(const struct comparison *comparison)
{
	json_t *list = json_array();
	bool good = list != NULL;

	for (size_t i = 0; i < comparison->pair_count && good; i++) {
		const struct compare_pair *pair = &comparison->pairs[i];

		for (const enum record_column *column = compare_factors(pair->a->sample.kind);
		     good && *column != RECORD_COLUMNS; column++)
			good = add_column(list, pair, *column);
		good = good && add_column(list, pair, COLUMN_variant_effective);
	}
	if (good)
		return list;
	json_decref(list);
	return NULL;
}
