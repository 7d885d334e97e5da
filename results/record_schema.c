/* record.def as JSON and as JSON Schema: see record_schema.h. */
#include "results/record_schema.h"
#include "results/flags.h"

const char *record_kind_name(enum record_kind kind)
{
	static const char *const names[RECORD_KINDS] = {[RECORD_COMMON] = "all",
							[RECORD_FETCH] = "fetch",
							[RECORD_SUMSQ] = "sumsq",
							[RECORD_NAP] = "nap"};

	return names[kind];
}

const char *record_type_name(enum record_type type)
{
	static const char *const names[] = {
		[RECORD_COUNT] = "count", [RECORD_REAL] = "real", [RECORD_TEXT] = "text"};

	return names[type];
}

/* The words of the column "flags". */
static json_t *flags_json(void)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < FLAGS && list; i++)
		json_array_append_new(list, json_pack("{s:s, s:b, s:s}", "word", flags_all[i].word,
						      "spoils", flags_all[i].spoils, "meaning",
						      flags_all[i].meaning));
	return list;
}

json_t *record_columns_json(void)
{
	json_t *list = json_array();

	for (size_t i = 0; i < RECORD_COLUMNS && list; i++) {
		const struct record_column_info *c = &record_columns[i];

		json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s, s:s}", "name", c->name,
						      "kind", record_kind_name(c->kind), "type",
						      record_type_name(c->type), "unit", c->unit,
						      "meaning", c->meaning));
	}
	return json_pack("{s:i, s:s, s:o, s:o}", "schema_version", RECORD_COLUMNS_SCHEMA_VERSION,
			 "kind", "columns", "columns", list, "flags", flags_json());
}

/* What a value of the column may be. A real may be negative nowhere but is not held to that. */
static json_t *column_schema(const struct record_column_info *c)
{
	char text[256];

	snprintf(text, sizeof(text), "%s%s%s", c->meaning, c->unit[0] ? "; unit: " : "", c->unit);
	switch (c->type) {
	case RECORD_COUNT:
		return json_pack("{s:s, s:s, s:i}", "description", text, "type", "integer",
				 "minimum", 0);
	case RECORD_REAL:
		return json_pack("{s:s, s:s}", "description", text, "type", "number");
	case RECORD_TEXT:
		break;
	}
	return json_pack("{s:s, s:s, s:i}", "description", text, "type", "string", "minLength", 1);
}

static json_t *kind_schema(enum record_kind kind)
{
	json_t *properties = json_object();

	for (size_t i = 0; i < RECORD_COLUMNS && properties; i++)
		if (record_has_column(kind, i))
			json_object_set_new(properties, record_columns[i].name,
					    column_schema(&record_columns[i]));
	json_object_set_new(json_object_get(properties, "schema_version"), "const",
			    json_integer(RECORD_SCHEMA_VERSION));
	return json_pack("{s:s, s:o, s:[s, s], s:b}", "type", "object", "properties", properties,
			 "required", "schema_version", "model", "additionalProperties", 0);
}

json_t *record_schema(void)
{
	json_t *kinds = json_object(), *any = json_array();

	for (enum record_kind kind = RECORD_COMMON + 1; kind < RECORD_KINDS; kind++) {
		char reference[32];

		snprintf(reference, sizeof(reference), "#/$defs/%s", record_kind_name(kind));
		json_object_set_new(kinds, record_kind_name(kind), kind_schema(kind));
		json_array_append_new(any, json_pack("{s:s}", "$ref", reference));
	}
	return json_pack("{s:s, s:s, s:s, s:o, s:o}", "$schema",
			 "https://json-schema.org/draft/2020-12/schema", "title",
			 "iolab: the row of one run of one cell", "description",
			 "Written by iolab columns --json-schema. What is missing is absent, "
			 "never 0.",
			 "anyOf", any, "$defs", kinds);
}
