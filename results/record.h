/*
 * The record: one row a run of one cell. Its columns are declared once, in record.def. From the
 * record on every hand-off is a file, so any later stage can be run again alone.
 */
#ifndef RESULTS_RECORD_H
#define RESULTS_RECORD_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define RECORD_SCHEMA_VERSION 1

/* A row of kind K has the COMMON columns and then those of K. */
enum record_kind { RECORD_COMMON, RECORD_FETCH, RECORD_SUMSQ, RECORD_NAP, RECORD_KINDS };
enum record_type { RECORD_COUNT, RECORD_REAL, RECORD_TEXT };

enum record_column {
#define COLUMN(kind, name, type, unit, meaning) COLUMN_##name,
#include "results/record.def"
#undef COLUMN
	RECORD_COLUMNS
};

struct record_column_info {
	const char *name;
	const char *unit;
	const char *meaning;
	enum record_kind kind;
	enum record_type type;
};

extern const struct record_column_info record_columns[RECORD_COLUMNS];

/* Whether a row of that kind has the column. */
bool record_has_column(enum record_kind kind, enum record_column column);

struct record_value {
	bool present;
	union {
		uint64_t count;
		double real;
		char *text; /* owned by the record */
	};
};

struct record {
	enum record_kind kind;
	struct record_value values[RECORD_COLUMNS];
};

/* An empty row of that kind with schema_version set. Release it with record_release(). */
void record_init(struct record *record, enum record_kind kind);
void record_release(struct record *record);

/* Makes *copy a row of its own, to be released; aborts when memory is out. */
void record_copy(struct record *copy, const struct record *record);

/*
 * Set one column. The type must be the column's and the column the kind's: anything else is a
 * programming error and aborts, and so is a count above INT64_MAX, which JSON could not hold.
 * record_set_real() with a NaN or an infinity empties the column. record_set_text() copies; NULL
 * or "" empties the column (CSV cannot tell them apart); it aborts when memory is out.
 */
void record_set_count(struct record *record, enum record_column column, uint64_t value);
void record_set_real(struct record *record, enum record_column column, double value);
void record_set_text(struct record *record, enum record_column column, const char *value);

/* A count or real as a double, NaN when empty. */
double record_number(const struct record *record, enum record_column column);
/* A text, "" when empty. */
const char *record_text(const struct record *record, enum record_column column);

/* The column of that name, or RECORD_COLUMNS. */
enum record_column record_column_find(const char *name);

/*
 * CSV after RFC 4180, decimal point whatever the locale, a real with as many digits as it needs
 * to be read back the same. Return 0 or -errno.
 */
int record_write_csv_header(FILE *file, enum record_kind kind);
int record_write_csv_row(FILE *file, const struct record *record);

/*
 * Appends the row to the file at path in one write under a lock, making it with its header if it
 * is missing or empty; "-" is stdout, header and row. A file with another header is refused
 * (-EINVAL) and left as it was. A cut last line (fewer fields than a row, no newline: its writer
 * was killed) is removed first, as the reader would ignore it; one that may be whole and only
 * lacks its newline is refused. What was looked at once this thread does not read again: a row
 * costs as much in a long file as in a short one. A disk that fills up leaves the file as it was.
 * On failure writes one line into why (what, where, how to mend it) and returns -errno.
 */
int record_append_csv(const char *path, const struct record *record, char *why, size_t why_size);

/*
 * Reads a whole file; *records is an array of *count, to be freed with record_free_all(). A last
 * line without its newline (a run killed in the middle) is dropped and *cut set; any other line
 * that does not parse is an error: -EINVAL with file, line and column in why. Columns are found
 * by the names in the header: schema_version first, and those that an older lab did not write
 * yet are empty. An empty file is no rows. Without rows, as on failure, *records is
 * NULL and *count 0.
 */
int record_read_csv(const char *path, struct record **records, size_t *count, bool *cut, char *why,
		    size_t why_size);
void record_free_all(struct record *records, size_t count);

/* For files too large to be kept whole: each row is seen once, by row(). */
struct record_visitor {
	const bool *wanted; /* by column: the others stay empty and are not looked at; NULL: all */
	/* The row is gone when this returns; anything but 0 ends the reading. */
	int (*row)(void *context, const struct record *row);
	void *context;
};

/*
 * Reads a file as record_read_csv() does, row by row. *cut_line is the line in whose middle the
 * file ends, 0 when it does not. Returns 0, what row() returned, or -errno with one line in why.
 */
int record_visit_csv(const char *path, const struct record_visitor *visitor, size_t *cut_line,
		     char *why, size_t why_size);

/* JSON object with the present columns only; NULL when memory is out. The caller decrefs it. */
json_t *record_to_json(const struct record *record);
/*
 * Fills an initialised record from such an object. Unknown keys, wrong types and another
 * schema_version are -EINVAL with the key in why.
 */
int record_from_json(const json_t *object, struct record *record, char *why, size_t why_size);

#endif
