/*
 * How a CSV comes to be: written without a name first, and given one when it is whole. An empty
 * file, which other readers refuse, would be what a kill between open() and write() leaves.
 */
#include "results/record_csv.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* The folder that the file is to be in; "." without a slash. 0 or -ENAMETOOLONG. */
static int folder_of(const char *path, char *folder, size_t size)
{
	const char *slash = strrchr(path, '/');
	/* "/rows.csv" is in "/". */
	size_t length = slash == path ? 1 : slash ? (size_t)(slash - path) : 0;

	if (length >= size)
		return -ENAMETOOLONG;
	snprintf(folder, size, "%.*s", (int)length, path);
	if (length == 0)
		snprintf(folder, size, ".");
	return 0;
}

/* open(2) tells of O_TMPFILE and of naming it through /proc, which needs no right of its own. */
static int give_name(int fd, const char *path)
{
	char unnamed[64];

	snprintf(unnamed, sizeof(unnamed), "/proc/self/fd/%d", fd);
	return linkat(AT_FDCWD, unnamed, AT_FDCWD, path, AT_SYMLINK_FOLLOW) ? -errno : 0;
}

int record_csv_begin(const char *path, const char *text, size_t length)
{
	char folder[4096];
	int result = access(path, F_OK) == 0 ? -EEXIST : folder_of(path, folder, sizeof(folder));
	ssize_t written;
	int fd;

	if (result != 0)
		return result;
	fd = open(folder, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666);
	if (fd < 0)
		return -errno;
	written = write(fd, text, length);
	if (written == (ssize_t)length)
		result = give_name(fd, path);
	else
		result = written < 0 ? -errno : -ENOSPC;
	if (close(fd) != 0 && result == 0)
		result = -errno;
	return result;
}
