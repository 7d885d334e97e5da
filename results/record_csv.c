/*
 * Rows to CSV after RFC 4180, and the one way in which a row gets into a file: whole, in a single
 * write, under a lock, so that a kill at any moment costs at most the row being written
 * (record_csv_begin.c has the first one). The other direction is record_csv_read.c.
 */
#include "results/record.h"
#include "results/record_csv.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
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

/* Header and row as text, one after the other; the header's length apart. */
static int render(const struct record *record, char **text, size_t *header, size_t *length)
{
	FILE *file = open_memstream(text, length);
	int result;

	if (!file)
		return -ENOMEM;
	result = record_write_csv_header(file, record->kind);
	fflush(file);
	*header = *length;
	if (result == 0)
		result = record_write_csv_row(file, record);
	if (fclose(file) != 0 || result != 0) {
		free(*text);
		*text = NULL;
		return -ENOMEM;
	}
	return 0;
}

/* Pipes and terminals: nothing to look at or to take back, so only every byte must go. */
static int write_all(int fd, const char *text, size_t length)
{
	while (length > 0) {
		ssize_t written = write(fd, text, length);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return -errno;
		text += written;
		length -= (size_t)written;
	}
	return 0;
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

/* How much of the file is whole lines (a newline inside quotes ends none), and the lines. */
static size_t whole_lines(const char *bytes, size_t length, size_t *lines)
{
	size_t whole = 0;
	bool quoted = false;

	*lines = 0;
	for (size_t i = 0; i < length; i++) {
		if (bytes[i] == '"')
			quoted = !quoted;
		if (bytes[i] != '\n' || quoted)
			continue;
		whole = i + 1;
		++*lines;
	}
	return whole;
}

/* Commas between fields, not those inside quotes. */
static size_t separators(const char *bytes, size_t length)
{
	size_t sum = 0;
	bool quoted = false;

	for (size_t i = 0; i < length; i++) {
		if (bytes[i] == '"')
			quoted = !quoted;
		sum += bytes[i] == ',' && !quoted;
	}
	return sum;
}

/*
 * Where the row is to go: checks that what is there has this header and ends with a line. What
 * follows the last newline is a row that a kill has cut; *keep leaves it out. Only a tail with
 * as many fields as a row might be whole and just lack its newline (an editor): refused.
 */
static int inspect(const char *bytes, size_t length, const char *header, size_t header_length,
		   size_t *keep, char *why, size_t why_size)
{
	size_t lines;

	*keep = whole_lines(bytes, length, &lines);
	if (*keep == 0) {
		if (length < header_length && memcmp(bytes, header, length) == 0)
			return 0;
		snprintf(why, why_size, "it is not a CSV of these rows");
		return -EINVAL;
	}
	if (*keep < header_length || memcmp(bytes, header, header_length) != 0) {
		snprintf(why, why_size, "it has another header; give a new file");
		return -EINVAL;
	}
	if (memchr(bytes + *keep, '\n', length - *keep)) {
		snprintf(why, why_size, "line %zu opens a quote that is never closed; mend it",
			 lines + 1);
		return -EINVAL;
	}
	if (separators(bytes + *keep, length - *keep) >= separators(header, header_length)) {
		snprintf(why, why_size, "line %zu has no newline; add it, or remove the line",
			 lines + 1);
		return -EINVAL;
	}
	return 0;
}

/* One write to a regular file under its lock; a write that falls short is taken back. */
static int append(int fd, const char *text, size_t header, size_t length, char *why,
		  size_t why_size)
{
	char *bytes;
	size_t have;
	size_t keep;
	ssize_t written;
	int result = record_read_all(fd, &bytes, &have);

	if (result != 0) {
		snprintf(why, why_size, "%s", strerror(-result));
		return result;
	}
	result = inspect(bytes, have, text, header, &keep, why, why_size);
	free(bytes);
	if (result != 0)
		return result;
	if (keep < have && ftruncate(fd, (off_t)keep) != 0)
		goto failed;
	if (keep > 0) {
		text += header;
		length -= header;
	}
	written = write(fd, text, length);
	if (written == (ssize_t)length)
		return 0;
	if (written >= 0)
		errno = ftruncate(fd, (off_t)keep) == 0 ? ENOSPC : EIO;
failed:
	result = -errno;
	snprintf(why, why_size, "%s", strerror(-result));
	return result;
}

static int lock(int fd)
{
	while (flock(fd, LOCK_EX) != 0) {
		if (errno != EINTR)
			return -errno;
	}
	return 0;
}

static int append_to_path(const char *path, const char *text, size_t header, size_t length,
			  char *why, size_t why_size)
{
	struct stat stat;
	int result = 0;
	int fd;

	if (record_csv_begin(path, text, length) == 0)
		return 0;
	fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
	if (fd < 0 || fstat(fd, &stat) != 0) {
		result = -errno;
		snprintf(why, why_size, "%s", strerror(-result));
	} else if (!S_ISREG(stat.st_mode)) {
		result = write_all(fd, text, length);
		if (result != 0)
			snprintf(why, why_size, "%s", strerror(-result));
	} else {
		/* A file system without locks still gets its rows: one writer needs none. */
		(void)lock(fd);
		result = append(fd, text, header, length, why, why_size);
	}
	if (fd >= 0 && close(fd) != 0 && result == 0) {
		result = -errno;
		snprintf(why, why_size, "%s", strerror(-result));
	}
	return result;
}

int record_append_csv(const char *path, const struct record *record, char *why, size_t why_size)
{
	char reason[160] = "";
	char *text;
	size_t header;
	size_t length;
	int result = render(record, &text, &header, &length);

	if (result != 0) {
		snprintf(why, why_size, "%s: row not written: %s", path, strerror(-result));
		return result;
	}
	if (strcmp(path, "-") == 0) {
		result = fflush(stdout) == 0 ? write_all(STDOUT_FILENO, text, length) : -errno;
		path = "standard output";
		if (result != 0)
			snprintf(reason, sizeof(reason), "%s", strerror(-result));
	} else {
		result = append_to_path(path, text, header, length, reason, sizeof(reason));
	}
	free(text);
	if (result != 0)
		snprintf(why, why_size, "%s: row not written: %s", path, reason);
	return result;
}
