/*
 * The record in memory: a table of columns from record.def, and typed setters that abort on a
 * programmer's mistake, so that a row can never hold a text where a number belongs or a column
 * of another kind.
 */
#include "results/record.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const struct record_column_info record_columns[RECORD_COLUMNS] = {
#define COLUMN(kind, name, type, unit, meaning)                                                    \
	{#name, unit, meaning, RECORD_##kind, RECORD_##type},
#include "results/record.def"
#undef COLUMN
};

bool record_has_column(enum record_kind kind, enum record_column column)
{
	enum record_kind home = record_columns[column].kind;

	return home == RECORD_COMMON || home == kind;
}

/* The value to write to: wrong type or wrong kind is a bug in the caller, not in its data. */
static struct record_value *value_for(struct record *record, enum record_column column,
				      enum record_type type)
{
	if ((unsigned)column >= RECORD_COLUMNS || record_columns[column].type != type ||
	    !record_has_column(record->kind, column))
		abort();
	return &record->values[column];
}

void record_init(struct record *record, enum record_kind kind)
{
	memset(record, 0, sizeof(*record));
	record->kind = kind;
	record_set_count(record, COLUMN_schema_version, RECORD_SCHEMA_VERSION);
}

void record_release(struct record *record)
{
	for (size_t i = 0; i < RECORD_COLUMNS; i++) {
		if (record_columns[i].type == RECORD_TEXT && record->values[i].present)
			free(record->values[i].text);
	}
	memset(record->values, 0, sizeof(record->values));
}

void record_set_count(struct record *record, enum record_column column, uint64_t value)
{
	struct record_value *slot = value_for(record, column, RECORD_COUNT);

	if (value > INT64_MAX)
		abort();
	slot->count = value;
	slot->present = true;
}

void record_set_real(struct record *record, enum record_column column, double value)
{
	struct record_value *slot = value_for(record, column, RECORD_REAL);

	slot->present = isfinite(value) != 0;
	slot->real = slot->present ? value : 0.0;
}

void record_set_text(struct record *record, enum record_column column, const char *value)
{
	struct record_value *slot = value_for(record, column, RECORD_TEXT);
	char *copy = NULL;

	if (value && *value) {
		copy = strdup(value);
		if (!copy)
			abort();
	}
	if (slot->present)
		free(slot->text);
	slot->text = copy;
	slot->present = copy != NULL;
}

void record_copy(struct record *copy, const struct record *record)
{
	*copy = *record;
	for (size_t i = 0; i < RECORD_COLUMNS; i++) {
		if (record_columns[i].type != RECORD_TEXT || !record->values[i].present)
			continue;
		copy->values[i].text = strdup(record->values[i].text);
		if (!copy->values[i].text)
			abort();
	}
}

double record_number(const struct record *record, enum record_column column)
{
	const struct record_value *value = &record->values[column];

	if (!value->present)
		return NAN;
	switch (record_columns[column].type) {
	case RECORD_COUNT:
		return (double)value->count;
	case RECORD_REAL:
		return value->real;
	case RECORD_TEXT:
		break;
	}
	return NAN;
}

const char *record_text(const struct record *record, enum record_column column)
{
	const struct record_value *value = &record->values[column];

	return value->present && record_columns[column].type == RECORD_TEXT ? value->text : "";
}

enum record_column record_column_find(const char *name)
{
	for (size_t i = 0; i < RECORD_COLUMNS; i++) {
		if (strcmp(record_columns[i].name, name) == 0)
			return (enum record_column)i;
	}
	return RECORD_COLUMNS;
}

void record_free_all(struct record *records, size_t count)
{
	for (size_t i = 0; i < count; i++)
		record_release(&records[i]);
	free(records);
}
