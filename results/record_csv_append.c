/*
 * The one way in which a row gets into a file: whole, in a single write, under a lock, so that a
 * kill at any moment costs at most the row being written (record_csv_begin.c has the first one).
 */
#include "results/record.h"
#include "results/record_csv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

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
 * Where the row is to go: checks that what is there, from whole lines that were looked at before
 * on, ends with a line, and the first time that it has this header. What follows the last newline
 * is a row that a kill has cut; *keep leaves it out. Only a tail with as many fields as a row might
 * be whole and just lack its newline (an editor): refused. Adds to *lines.
 */
static int inspect(const char *bytes, size_t length, const char *header, size_t header_length,
		   size_t *lines, size_t *keep, char *why, size_t why_size)
{
	size_t before = *lines, found;

	*keep = whole_lines(bytes, length, &found);
	*lines += found;
	if (before == 0 && *keep == 0) {
		if (length < header_length && memcmp(bytes, header, length) == 0)
			return 0;
		snprintf(why, why_size, "it is not a CSV of these rows");
		return -EINVAL;
	}
	if (before == 0 && (*keep < header_length || memcmp(bytes, header, header_length) != 0)) {
		snprintf(why, why_size, "it has another header; give a new file");
		return -EINVAL;
	}
	if (memchr(bytes + *keep, '\n', length - *keep)) {
		snprintf(why, why_size, "line %zu opens a quote that is never closed; mend it",
			 *lines + 1);
		return -EINVAL;
	}
	if (separators(bytes + *keep, length - *keep) >= separators(header, header_length)) {
		snprintf(why, why_size, "line %zu has no newline; add it, or remove the line",
			 *lines + 1);
		return -EINVAL;
	}
	return 0;
}

/*
 * How far the files were looked at that this thread appends to, so that a row costs what a row
 * costs, however long its file has become. Only appending goes on behind that: a file that is
 * shorter, or another one under its number, is looked at from its beginning.
 */
struct seen {
	dev_t device;
	ino_t inode;
	size_t end;   /* whole lines up to here; 0: nothing is known */
	size_t lines; /* how many, with the header */
};

#define SEEN_FILES 8

static _Thread_local struct seen seen_files[SEEN_FILES];
static _Thread_local unsigned seen_next;

/* Whether the file has these bytes there. */
static bool has_bytes(int fd, size_t at, const char *bytes, size_t length)
{
	char read[256];

	while (length > 0) {
		size_t part = length < sizeof(read) ? length : sizeof(read);

		if (pread(fd, read, part, (off_t)at) != (ssize_t)part ||
		    memcmp(read, bytes, part) != 0)
			return false;
		at += part;
		bytes += part;
		length -= part;
	}
	return true;
}

/* What is known of the file, if it still is so; else a place with nothing known. */
static struct seen *look_up(int fd, const struct stat *stat, const char *header,
			    size_t header_length)
{
	struct seen *seen = NULL;

	for (size_t i = 0; i < SEEN_FILES && !seen; i++)
		if (seen_files[i].end && seen_files[i].device == stat->st_dev &&
		    seen_files[i].inode == stat->st_ino)
			seen = &seen_files[i];
	if (seen && (size_t)stat->st_size >= seen->end && has_bytes(fd, 0, header, header_length) &&
	    has_bytes(fd, seen->end - 1, "\n", 1))
		return seen;
	seen = seen ? seen : &seen_files[seen_next++ % SEEN_FILES];
	*seen = (struct seen){.device = stat->st_dev, .inode = stat->st_ino};
	return seen;
}

/* One write to a regular file under its lock; a write that falls short is taken back. */
static int append(int fd, const char *text, size_t header, size_t length, char *why,
		  size_t why_size)
{
	char *bytes;
	size_t have, keep, from, lines;
	ssize_t written;
	struct stat stat;
	struct seen *seen;
	int result;

	/* Now that it is locked: others may have written meanwhile. */
	if (fstat(fd, &stat) != 0)
		goto failed;
	seen = look_up(fd, &stat, text, header);
	from = seen->end;
	lines = seen->lines;
	if (lseek(fd, (off_t)from, SEEK_SET) < 0)
		goto failed;
	result = record_read_all(fd, &bytes, &have);
	if (result != 0) {
		snprintf(why, why_size, "%s", strerror(-result));
		return result;
	}
	result = inspect(bytes, have, text, header, &lines, &keep, why, why_size);
	free(bytes);
	if (result != 0)
		return result;
	if (keep < have && ftruncate(fd, (off_t)(from + keep)) != 0)
		goto failed;
	keep += from;
	if (keep > 0) {
		text += header;
		length -= header;
	}
	written = write(fd, text, length);
	if (written == (ssize_t)length) {
		seen->end = keep + length;
		seen->lines = lines + (keep > 0 ? 1 : 2);
		return 0;
	}
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
