/*
 * CSV after RFC 4180 to rows. Strict on purpose: a figure that is misread is worse than a file
 * that is refused, so quotes, field counts, types and the schema's version are all checked, and
 * the message names file, line and column. Only a cut last line is forgiven.
 */
#include "results/record.h"
#include "results/csv_fields.h"
#include "results/record_csv.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SHOWN 40 /* bytes of a file's own text in a message */
/* A file is read in such pieces, or in larger ones where a row is larger. */
#define PIECE ((size_t)256 * 1024)

struct reader {
	struct csv_fields fields;
	char *buffer; /* of size + 1 bytes */
	size_t size;
	int fd; /* what follows is read from it; -1: nothing does */
	locale_t c_locale;
	const char *name;
	char *why;
	size_t why_size;
	const bool *wanted; /* by column; NULL: all are read */
	enum record_kind kind;
	size_t columns;
	enum record_column map[RECORD_COLUMNS]; /* place in the line to column */
};

/* Text out of a file must not break the one line of a message. */
static const char *shown(const char *text, char into[static SHOWN + 1])
{
	size_t i;

	for (i = 0; i < SHOWN && text[i]; i++)
		into[i] = (unsigned char)text[i] < ' ' || text[i] == 127 ? '?' : text[i];
	into[i] = '\0';
	return into;
}

static int wrong(const struct reader *reader, size_t line, const char *column, const char *what)
{
	snprintf(reader->why, reader->why_size, "%s:%zu: %s%s%s", reader->name, line, column,
		 *column ? ": " : "", what);
	return -EINVAL;
}

/* Digits only, up to INT64_MAX; NULL, or what is wrong. */
static const char *whole_number(const char *text, uint64_t *number)
{
	bool large = false;

	for (*number = 0; *text >= '0' && *text <= '9'; text++) {
		uint64_t digit = (uint64_t)(*text - '0');

		large = large || *number > (INT64_MAX - digit) / 10;
		*number = large ? 0 : *number * 10 + digit;
	}
	if (*text)
		return "not a whole number";
	return large ? "too large" : NULL;
}

/* One field into its column; NULL, or what is wrong with it. */
static const char *set_field(const struct reader *reader, struct record *record,
			     enum record_column column, char *text)
{
	const char *what;
	uint64_t count;
	double real;

	if (!*text)
		return NULL;
	switch (record_columns[column].type) {
	case RECORD_COUNT:
		what = whole_number(text, &count);
		if (what)
			return what;
		record_set_count(record, column, count);
		break;
	case RECORD_REAL:
		if (!csv_decimal(text, reader->c_locale, &real))
			return "not a number";
		if (!isfinite(real))
			return "too large";
		record_set_real(record, column, real);
		break;
	case RECORD_TEXT:
		/* Borrowed: the bytes outlive the row. */
		record->values[column].text = text;
		record->values[column].present = true;
		break;
	}
	return NULL;
}

/* Takes one name of the header; NULL, or what is wrong with it. */
static const char *map_column(struct reader *reader, const char *name)
{
	enum record_column column = record_column_find(name);
	enum record_kind kind;

	if (column == RECORD_COLUMNS)
		return "no such column";
	for (size_t i = 0; i < reader->columns; i++) {
		if (reader->map[i] == column)
			return "column named twice";
	}
	kind = record_columns[column].kind;
	if (kind != RECORD_COMMON && reader->kind != RECORD_COMMON && kind != reader->kind)
		return "column of another kind of row";
	if (kind != RECORD_COMMON)
		reader->kind = kind;
	reader->map[reader->columns++] = column;
	return NULL;
}

static int check_version(const struct reader *reader, size_t line, const char *text)
{
	char what[96];
	char copy[SHOWN + 1];
	uint64_t version;

	if (*text && !whole_number(text, &version) && version == RECORD_SCHEMA_VERSION)
		return 0;
	snprintf(what, sizeof(what), "%s is not %d, the version that this lab reads",
		 *text ? shown(text, copy) : "nothing", RECORD_SCHEMA_VERSION);
	return wrong(reader, line, "schema_version", what);
}

/*
 * The header. A name that is unknown may come from another version of the schema, and then the
 * first row says so: that is the better message.
 */
static int read_header(struct reader *reader, bool *cut)
{
	char bad[SHOWN + 1] = "";
	const char *what = NULL;
	const char *bad_what = NULL;
	char *text;
	enum csv_field field = CSV_MORE;

	for (size_t place = 0; field == CSV_MORE; place++) {
		const char *problem;

		field = csv_next(&reader->fields, &text, &what);
		if (field == CSV_CUT) {
			*cut = true;
			return 0;
		}
		if (field == CSV_WRONG)
			return wrong(reader, 1, "", what);
		if (place == 0 && strcmp(text, record_columns[COLUMN_schema_version].name) != 0)
			return wrong(reader, 1, "",
				     "not a CSV of this lab: no schema_version first");
		problem = map_column(reader, text);
		if (problem && !bad_what) {
			bad_what = problem;
			shown(text, bad);
		}
	}
	if (!bad_what)
		return 0;
	field = csv_next(&reader->fields, &text, &what);
	if (field == CSV_MORE && check_version(reader, 2, text) != 0)
		return -EINVAL;
	return wrong(reader, 1, bad, bad_what);
}

static bool is_wanted(const struct reader *reader, enum record_column column)
{
	return !reader->wanted || reader->wanted[column];
}

/* One row into a record whose columns are all empty; 0, 1 for a cut row, or -EINVAL. */
static int read_row(struct reader *reader, struct record *record)
{
	size_t line = reader->fields.line;
	size_t fields = 0;
	const char *what = NULL;
	char *text;
	char copy[SHOWN + 1];
	char message[160];
	enum csv_field field;
	int result = 0;

	do {
		enum record_column column = reader->map[fields < reader->columns ? fields : 0];

		field = csv_next(&reader->fields, &text, &what);
		if (field == CSV_CUT)
			return 1;
		if (field == CSV_WRONG)
			return wrong(reader, line,
				     fields < reader->columns ? record_columns[column].name : "",
				     what);
		if (fields == 0)
			result = check_version(reader, line, text);
		if (fields < reader->columns && result == 0 && is_wanted(reader, column)) {
			what = set_field(reader, record, column, text);
			if (what) {
				snprintf(message, sizeof(message), "%s: '%s'", what,
					 shown(text, copy));
				result = wrong(reader, line, record_columns[column].name, message);
			}
		}
		fields++;
	} while (field == CSV_MORE);
	if (fields == reader->columns)
		return result;
	snprintf(message, sizeof(message), "%zu fields under %zu columns", fields, reader->columns);
	return wrong(reader, line, "", message);
}

/* Whether a whole row is there: up to a newline that is not within quotes. */
static bool has_row(const struct csv_fields *fields)
{
	const char *from = fields->at;
	bool quoted = false;

	for (const char *end; (end = memchr(from, '\n', (size_t)(fields->end - from)));
	     from = end + 1) {
		while ((from = memchr(from, '"', (size_t)(end - from)))) {
			quoted = !quoted;
			from++;
		}
		if (!quoted)
			return true;
	}
	return false;
}

/* Reads on until a whole row is there, or the file has ended. 0 or -errno. */
static int fill(struct reader *reader)
{
	struct csv_fields *fields = &reader->fields;

	while (reader->fd >= 0 && !has_row(fields)) {
		size_t have = (size_t)(fields->end - fields->at);
		ssize_t got;

		memmove(reader->buffer, fields->at, have);
		if (have == reader->size) {
			char *grown = realloc(reader->buffer, 2 * reader->size + 1);

			if (!grown)
				return -ENOMEM;
			reader->buffer = grown;
			reader->size *= 2;
		}
		fields->at = reader->buffer;
		do
			got = read(reader->fd, fields->at + have, reader->size - have);
		while (got < 0 && errno == EINTR);
		if (got < 0)
			return -errno;
		fields->end = fields->at + have + got;
		*fields->end = '\0';
		if (got == 0)
			reader->fd = -1;
	}
	return 0;
}

/* All rows, each to visitor->row(); *cut_line as record_visit_csv() has it. */
static int read_rows(struct reader *reader, const struct record_visitor *visitor, size_t *cut_line)
{
	struct csv_fields *fields = &reader->fields;
	struct record row;
	bool cut = false;
	int result = fill(reader);

	if (result == 0 && fields->at < fields->end)
		result = read_header(reader, &cut);
	*cut_line = cut ? 1 : 0;
	memset(&row, 0, sizeof(row));
	row.kind = reader->kind;
	while (result == 0 && !cut && (result = fill(reader)) == 0 && fields->at < fields->end) {
		size_t line = fields->line;

		for (size_t i = 0; i < reader->columns; i++) {
			if (is_wanted(reader, reader->map[i]))
				row.values[reader->map[i]].present = false;
		}
		result = read_row(reader, &row);
		cut = result == 1;
		if (cut)
			*cut_line = line;
		result = result == 0 ? visitor->row(visitor->context, &row) : result;
	}
	return cut ? 0 : result;
}

/* From the reader's file or buffer, which is freed. */
static int visit(struct reader *reader, const struct record_visitor *visitor, size_t *cut_line)
{
	int result = -ENOMEM;

	*cut_line = 0;
	reader->why[0] = '\0';
	reader->wanted = visitor->wanted;
	reader->fields.line = 1;
	reader->c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
	if (reader->buffer && reader->c_locale)
		result = read_rows(reader, visitor, cut_line);
	if (result < 0 && !reader->why[0])
		snprintf(reader->why, reader->why_size, "%s: %s", reader->name, strerror(-result));
	if (reader->c_locale)
		freelocale(reader->c_locale);
	free(reader->buffer);
	return result;
}

int record_visit_csv(const char *path, const struct record_visitor *visitor, size_t *cut_line,
		     char *why, size_t why_size)
{
	struct reader reader = {.name = path,
				.why = why,
				.why_size = why_size,
				.size = PIECE,
				.fd = open(path, O_RDONLY | O_CLOEXEC)};
	int fd = reader.fd;
	int result;

	*cut_line = 0;
	if (fd < 0) {
		result = -errno;
		snprintf(why, why_size, "%s: %m", path);
		return result;
	}
	reader.buffer = malloc(PIECE + 1);
	reader.fields.at = reader.fields.end = reader.buffer;
	result = visit(&reader, visitor, cut_line);
	close(fd);
	return result;
}

int record_visit_bytes(const char *name, const char *bytes, size_t length,
		       const struct record_visitor *visitor, size_t *cut_line, char *why,
		       size_t why_size)
{
	struct reader reader = {.name = name,
				.why = why,
				.why_size = why_size,
				.buffer = malloc(length + 1),
				.fd = -1};

	if (reader.buffer) {
		if (length > 0)
			memcpy(reader.buffer, bytes, length);
		reader.buffer[length] = '\0';
		reader.fields.at = reader.buffer;
		reader.fields.end = reader.buffer + length;
	}
	return visit(&reader, visitor, cut_line);
}
