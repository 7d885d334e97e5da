/*
 * Rows to CSV after RFC 4180. How one gets into a file is record_csv_append.c, the other direction
 * is record_csv_read.c.
 */
#include "results/record.h"
#include "results/record_csv.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * The fewest digits that read back as the same number, with a point whatever the locale: what
 * printf wrote between the digits, be it a comma or two bytes of UTF-8, becomes one '.'.
 */
void record_format_real(double value, char text[static RECORD_REAL_SIZE])
{
	char local[64];
	char *to = text;

	for (int digits = 15; digits <= 17; digits++) {
		snprintf(local, sizeof(local), "%.*g", digits, value);
		if (strtod(local, NULL) == value)
			break;
	}
	for (const char *from = local; *from;) {
		if (strchr("0123456789+-e", *from)) {
			*to++ = *from++;
			continue;
		}
		*to++ = '.';
		from += strcspn(from, "0123456789");
	}
	*to = '\0';
}

void record_write_csv_text(FILE *file, const char *text)
{
	if (!text[strcspn(text, ",\"\r\n")]) {
		fputs(text, file);
		return;
	}
	putc('"', file);
	for (; *text; text++) {
		if (*text == '"')
			putc('"', file);
		putc(*text, file);
	}
	putc('"', file);
}

static void write_value(FILE *file, const struct record_value *value, enum record_type type)
{
	char digits[RECORD_REAL_SIZE];

	if (!value->present)
		return;
	switch (type) {
	case RECORD_COUNT:
		fprintf(file, "%" PRIu64, value->count);
		break;
	case RECORD_REAL:
		record_format_real(value->real, digits);
		fputs(digits, file);
		break;
	case RECORD_TEXT:
		record_write_csv_text(file, value->text);
		break;
	}
}

/* stdio keeps an error until asked: one look at the end of a line is enough. */
static int end_line(FILE *file)
{
	putc('\n', file);
	return ferror(file) ? -EIO : 0;
}

int record_write_csv_header(FILE *file, enum record_kind kind)
{
	const char *comma = "";

	for (size_t i = 0; i < RECORD_COLUMNS; i++) {
		if (!record_has_column(kind, i))
			continue;
		fprintf(file, "%s%s", comma, record_columns[i].name);
		comma = ",";
	}
	return end_line(file);
}

int record_write_csv_row(FILE *file, const struct record *record)
{
	const char *comma = "";

	for (size_t i = 0; i < RECORD_COLUMNS; i++) {
		if (!record_has_column(record->kind, i))
			continue;
		fputs(comma, file);
		write_value(file, &record->values[i], record_columns[i].type);
		comma = ",";
	}
	return end_line(file);
}

int record_read_all(int fd, char **bytes, size_t *length)
{
	size_t room = 65536;
	size_t have = 0;
	char *text = malloc(room);
	int result = text ? 0 : -ENOMEM;

	while (result == 0) {
		ssize_t got = read(fd, text + have, room - have - 1);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			result = -errno;
		if (got <= 0)
			break;
		have += (size_t)got;
		if (room - have < 2) {
			char *grown = realloc(text, room *= 2);

			text = grown ? grown : text;
			result = grown ? 0 : -ENOMEM;
		}
	}
	if (result != 0 || !text) {
		free(text);
		return result;
	}
	text[have] = '\0';
	*bytes = text;
	*length = have;
	return 0;
}
