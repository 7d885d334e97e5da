/*
 * The record as a JSON object: the same names as the CSV, present columns only. Strict on the
 * way in, for the same reason as the CSV reader.
 */
#include "results/record.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/*
 * JSON is UTF-8 and a URL on a command line need not be: what jansson refuses gets a '?' for
 * every byte that is not ASCII, so that one odd byte does not cost the whole row.
 */
static json_t *text_to_json(const char *text)
{
	json_t *string = json_string(text);
	char *copy;

	if (string)
		return string;
	copy = strdup(text);
	if (!copy)
		return NULL;
	for (char *p = copy; *p; p++) {
		if ((unsigned char)*p >= 0x80)
			*p = '?';
	}
	string = json_string(copy);
	free(copy);
	return string;
}

static json_t *value_to_json(const struct record_value *value, enum record_type type)
{
	switch (type) {
	case RECORD_COUNT:
		return json_integer((json_int_t)value->count);
	case RECORD_REAL:
		return json_real(value->real);
	case RECORD_TEXT:
		break;
	}
	return text_to_json(value->text);
}

json_t *record_to_json(const struct record *record)
{
	json_t *object = json_object();

	for (size_t i = 0; object && i < RECORD_COLUMNS; i++) {
		if (!record->values[i].present)
			continue;
		/* json_object_set_new() takes a NULL value as the failure that it is. */
		if (json_object_set_new(
			    object, record_columns[i].name,
			    value_to_json(&record->values[i], record_columns[i].type))) {
			json_decref(object);
			object = NULL;
		}
	}
	return object;
}

/* NULL, or what is wrong with the value. */
static const char *set_from_json(struct record *record, const char *key, const json_t *value)
{
	enum record_column column = record_column_find(key);

	if (column == RECORD_COLUMNS)
		return "no such column";
	if (!record_has_column(record->kind, column))
		return "column of another kind of row";
	switch (record_columns[column].type) {
	case RECORD_COUNT:
		if (!json_is_integer(value) || json_integer_value(value) < 0)
			return "not a whole number";
		record_set_count(record, column, (uint64_t)json_integer_value(value));
		break;
	case RECORD_REAL:
		if (!json_is_number(value))
			return "not a number";
		record_set_real(record, column, json_number_value(value));
		break;
	case RECORD_TEXT:
		if (!json_is_string(value) ||
		    strlen(json_string_value(value)) != json_string_length(value))
			return "not a text";
		record_set_text(record, column, json_string_value(value));
		break;
	}
	return NULL;
}

int record_from_json(const json_t *object, struct record *record, char *why, size_t why_size)
{
	const char *version_key = record_columns[COLUMN_schema_version].name;
	const json_t *version = json_object_get(object, version_key);
	const char *key;
	json_t *value;

	if (!json_is_object(object)) {
		snprintf(why, why_size, "not a JSON object");
		return -EINVAL;
	}
	if (!json_is_integer(version) || json_integer_value(version) != RECORD_SCHEMA_VERSION) {
		snprintf(why, why_size, "%s: not %d, the version that this lab reads", version_key,
			 RECORD_SCHEMA_VERSION);
		return -EINVAL;
	}
	/* jansson iterates over non-const objects only; nothing is changed. */
	json_object_foreach((json_t *)object, key, value)
	{
		const char *what = set_from_json(record, key, value);

		if (what) {
			snprintf(why, why_size, "%.60s: %s", key, what);
			return -EINVAL;
		}
	}
	return 0;
}
