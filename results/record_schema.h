/*
 * The columns of a row for machines: as JSON, and as the JSON Schema (draft 2020-12) of the rows
 * that the executables print. Both come from record.def.
 */
#ifndef RESULTS_RECORD_SCHEMA_H
#define RESULTS_RECORD_SCHEMA_H

#include "results/record.h"

/* Of record_columns_json(). */
#define RECORD_COLUMNS_SCHEMA_VERSION 1

/* "all", "fetch", "sumsq", "nap"; "count", "real", "text". */
const char *record_kind_name(enum record_kind kind);
const char *record_type_name(enum record_type type);

/* The columns, an object each; NULL when memory is out. */
json_t *record_columns_json(void);

/* The schema of a row of any kind; NULL when memory is out. */
json_t *record_schema(void);

#endif
