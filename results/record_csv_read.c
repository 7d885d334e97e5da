/*
 * CSV after RFC 4180 to rows. Strict on purpose: a figure that is misread is worse than a file
 * that is refused, so quotes, field counts, types and the schema's version are all checked, and
 * the message names file, line and column. Only a cut last line is forgiven.
 */
#include "results/record.h"
#include "results/record_csv.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SHOWN 40 /* bytes of a file's own text in a message */

enum field { FIELD_MORE, FIELD_LAST, FIELD_CUT, FIELD_WRONG };

struct reader {
	char *at;
	char *end;
	size_t line; /* of the next byte, from 1 */
	locale_t c_locale;
	const char *name;
	char *why;
	size_t why_size;
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

/* Looks behind a field at *end: comma, newline or CR LF; the field's NUL goes over it. */
static enum field end_field(struct reader *reader, char *end, char *text_end)
{
	char *next = end;

	if (next < reader->end && *next == '\r')
		next++;
	if (next == reader->end)
		return FIELD_CUT;
	if (*next != '\n' && (*next != ',' || next != end))
		return FIELD_WRONG;
	reader->at = next + 1;
	if (*next == ',') {
		*text_end = '\0';
		return FIELD_MORE;
	}
	*text_end = '\0';
	reader->line++;
	return FIELD_LAST;
}

/* Takes the quotes off in place: the text only gets shorter. */
static enum field quoted_field(struct reader *reader, char **text, const char **what)
{
	char *to = reader->at;
	char *from = reader->at + 1;
	size_t newlines = 0;
	enum field field;

	*text = to;
	for (;; from++) {
		if (from == reader->end) {
			*what = "a quote is opened and never closed";
			return newlines ? FIELD_WRONG : FIELD_CUT;
		}
		if (*from == '"') {
			from++;
			if (from == reader->end || *from != '"')
				break;
		}
		if (*from == '\0') {
			*what = "a NUL byte";
			return FIELD_WRONG;
		}
		newlines += *from == '\n';
		*to++ = *from;
	}
	field = end_field(reader, from, to);
	if (field == FIELD_WRONG)
		*what = "text after a closing quote";
	reader->line += newlines;
	return field;
}

static enum field next_field(struct reader *reader, char **text, const char **what)
{
	char *from = reader->at;
	enum field field;

	if (from < reader->end && *from == '"')
		return quoted_field(reader, text, what);
	while (from < reader->end && *from && !strchr(",\"\r\n", *from))
		from++;
	*text = reader->at;
	field = end_field(reader, from, from);
	if (field == FIELD_WRONG)
		*what = "a quote, a NUL byte or a lone carriage return in a field without quotes";
	return field;
}

/* "-12.5e-3" and the like: no sign but minus, no space, no hex, no infinity. */
static bool is_decimal(const char *text)
{
	size_t whole;

	text += *text == '-';
	whole = strspn(text, "0123456789");
	text += whole;
	if (*text == '.') {
		size_t fraction = strspn(text + 1, "0123456789");

		if (fraction == 0)
			return false;
		text += 1 + fraction;
	}
	if (whole > 0 && (*text == 'e' || *text == 'E')) {
		text += 1;
		text += *text == '-' || *text == '+';
		if (!*text)
			return false;
		text += strspn(text, "0123456789");
	}
	return whole > 0 && !*text;
}

/* One field into its column; NULL, or what is wrong with it. */
static const char *set_field(const struct reader *reader, struct record *record,
			     enum record_column column, const char *text)
{
	unsigned long long count;
	double real;

	if (!*text)
		return NULL;
	switch (record_columns[column].type) {
	case RECORD_COUNT:
		if (text[strspn(text, "0123456789")])
			return "not a whole number";
		errno = 0;
		count = strtoull(text, NULL, 10);
		if (errno || count > INT64_MAX)
			return "too large";
		record_set_count(record, column, count);
		break;
	case RECORD_REAL:
		if (!is_decimal(text))
			return "not a number";
		real = strtod_l(text, NULL, reader->c_locale);
		if (!isfinite(real))
			return "too large";
		record_set_real(record, column, real);
		break;
	case RECORD_TEXT:
		record_set_text(record, column, text);
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
	char *end;

	if (*text && strtoull(text, &end, 10) == RECORD_SCHEMA_VERSION && !*end)
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
	enum field field = FIELD_MORE;

	for (size_t place = 0; field == FIELD_MORE; place++) {
		const char *problem;

		field = next_field(reader, &text, &what);
		if (field == FIELD_CUT) {
			*cut = true;
			return 0;
		}
		if (field == FIELD_WRONG)
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
	field = next_field(reader, &text, &what);
	if (field == FIELD_MORE && check_version(reader, 2, text) != 0)
		return -EINVAL;
	return wrong(reader, 1, bad, bad_what);
}

/* One row into a record that is initialised; 0, 1 for a cut row, or -EINVAL. */
static int read_row(struct reader *reader, struct record *record)
{
	size_t line = reader->line;
	size_t fields = 0;
	const char *what = NULL;
	char *text;
	char copy[SHOWN + 1];
	char message[160];
	enum field field;
	int result = 0;

	do {
		const struct record_column_info *info =
			&record_columns[reader->map[fields < reader->columns ? fields : 0]];

		field = next_field(reader, &text, &what);
		if (field == FIELD_CUT)
			return 1;
		if (field == FIELD_WRONG)
			return wrong(reader, line, fields < reader->columns ? info->name : "",
				     what);
		if (fields == 0)
			result = check_version(reader, line, text);
		if (fields < reader->columns && result == 0) {
			what = set_field(reader, record, reader->map[fields], text);
			if (what) {
				snprintf(message, sizeof(message), "%s: '%s'", what,
					 shown(text, copy));
				result = wrong(reader, line, info->name, message);
			}
		}
		fields++;
	} while (field == FIELD_MORE);
	if (fields == reader->columns)
		return result;
	snprintf(message, sizeof(message), "%zu fields under %zu columns", fields, reader->columns);
	return wrong(reader, line, "", message);
}

static int read_rows(struct reader *reader, struct record **records, size_t *count, bool *cut)
{
	size_t room = 0;
	int result = read_header(reader, cut);

	while (result == 0 && !*cut && reader->at < reader->end) {
		if (*count == room) {
			size_t larger = room ? 2 * room : 64;
			struct record *grown = reallocarray(*records, larger, sizeof(**records));

			if (!grown) {
				snprintf(reader->why, reader->why_size, "%s: %s", reader->name,
					 strerror(ENOMEM));
				return -ENOMEM;
			}
			*records = grown;
			room = larger;
		}
		record_init(&(*records)[*count], reader->kind);
		result = read_row(reader, &(*records)[*count]);
		if (result == 0) {
			++*count;
			continue;
		}
		record_release(&(*records)[*count]);
		*cut = result == 1;
	}
	return result < 0 ? result : 0;
}

int record_parse_csv(const char *name, const char *bytes, size_t length, struct record **records,
		     size_t *count, bool *cut, char *why, size_t why_size)
{
	struct reader reader = {.name = name, .why = why, .why_size = why_size, .line = 1};
	char *copy = malloc(length + 1);
	int result = -ENOMEM;

	*records = NULL;
	*count = 0;
	*cut = false;
	reader.c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
	if (!copy || !reader.c_locale) {
		snprintf(why, why_size, "%s: %s", name, strerror(ENOMEM));
		goto out;
	}
	if (length > 0)
		memcpy(copy, bytes, length);
	reader.at = copy;
	reader.end = copy + length;
	result = length > 0 ? read_rows(&reader, records, count, cut) : 0;
	if (result != 0 || *count == 0) {
		record_free_all(*records, *count);
		*records = NULL;
		*count = 0;
		*cut = *cut && result == 0;
	}
out:
	if (reader.c_locale)
		freelocale(reader.c_locale);
	free(copy);
	return result;
}

int record_read_csv(const char *path, struct record **records, size_t *count, bool *cut, char *why,
		    size_t why_size)
{
	char *bytes = NULL;
	size_t length = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int result = fd < 0 ? -errno : record_read_all(fd, &bytes, &length);

	if (fd >= 0)
		close(fd);
	if (result == 0) {
		result = record_parse_csv(path, bytes, length, records, count, cut, why, why_size);
		free(bytes);
		return result;
	}
	*records = NULL;
	*count = 0;
	*cut = false;
	snprintf(why, why_size, "%s: %s", path, strerror(-result));
	return result;
}
