/* Reading RAPL's counters through powercap: see energy.h. */
#include "lab/energy.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define POWERCAP "/sys/class/powercap"

/* No package draws more. */
#define WATTS_MOST 1000.0

static int open_file(const char *folder, const char *name)
{
	char path[PATH_MAX];
	int fd;

	if ((size_t)snprintf(path, sizeof(path), "%s/%s", folder, name) >= sizeof(path))
		return -ENAMETOOLONG;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static bool read_text(int fd, char *text, size_t size)
{
	ssize_t length = pread(fd, text, size - 1, 0);

	text[length > 0 ? length : 0] = '\0';
	return length > 0;
}

static bool read_number(int fd, uint64_t *number)
{
	char text[32];

	return read_text(fd, text, sizeof(text)) && sscanf(text, "%" SCNu64, number) == 1;
}

/* Whether the zone is a whole package: not a part of one, not the platform. */
static bool is_package(const char *zone)
{
	int fd = open_file(zone, "name");
	char name[32] = "";

	if (fd < 0)
		return false;
	read_text(fd, name, sizeof(name));
	close(fd);
	return strncmp(name, "package-", 8) == 0;
}

/* 0 also for a zone that is none of ours. */
static int add_zone(struct energy *e, const char *zone)
{
	uint64_t range_uj = 0;
	int fd;

	if (!is_package(zone))
		return 0;
	if (e->count == ENERGY_PACKAGES_MAX)
		return -E2BIG;
	fd = open_file(zone, "max_energy_range_uj");
	if (fd < 0)
		return fd;
	read_number(fd, &range_uj);
	close(fd);
	fd = open_file(zone, "energy_uj");
	if (fd < 0)
		return fd;
	e->packages[e->count].fd = fd;
	e->packages[e->count++].range_uj = range_uj;
	return 0;
}

static int open_zones(struct energy *e, const char *root)
{
	char path[PATH_MAX];
	struct dirent *entry;
	int err = 0;
	DIR *zones;

	if ((size_t)snprintf(path, sizeof(path), "%s" POWERCAP, root) >= sizeof(path))
		return -ENAMETOOLONG;
	zones = opendir(path);
	if (!zones)
		return -errno;
	while (!err && (entry = readdir(zones))) {
		if (strncmp(entry->d_name, "intel-rapl:", 11) != 0)
			continue;
		if ((size_t)snprintf(path, sizeof(path), "%s" POWERCAP "/%s", root, entry->d_name) <
		    sizeof(path))
			err = add_zone(e, path);
	}
	closedir(zones);
	return err || e->count ? err : -ENOENT;
}

int energy_open(struct energy *e, const char *root, char *why, size_t why_size)
{
	int err;

	memset(e, 0, sizeof(*e));
	err = open_zones(e, root);
	if (!err)
		return 0;
	energy_close(e);
	snprintf(why, why_size, "no energy counters: %s",
		 err == -ENOENT	  ? "this host shows none in " POWERCAP
		 : err == -EACCES ? "only root may read them"
				  : strerror(-err));
	return err;
}

void energy_close(struct energy *e)
{
	for (unsigned i = 0; i < e->count; i++)
		close(e->packages[i].fd);
	memset(e, 0, sizeof(*e));
}

void energy_read(const struct energy *e, struct energy_reading *r)
{
	r->count = e->count;
	for (unsigned i = 0; i < e->count; i++)
		if (!read_number(e->packages[i].fd, &r->uj[i]))
			r->count = 0;
}

double energy_joules(const struct energy *e, const struct energy_reading *begin,
		     const struct energy_reading *end, double seconds)
{
	double joules = 0;

	if (e->count == 0 || begin->count != e->count || end->count != e->count)
		return NAN;
	for (unsigned i = 0; i < e->count; i++) {
		uint64_t range_uj = e->packages[i].range_uj;
		uint64_t uj = end->uj[i] - begin->uj[i];

		if (seconds * WATTS_MOST * 1e6 > (double)range_uj)
			return NAN;
		if (end->uj[i] < begin->uj[i])
			uj = range_uj - begin->uj[i] + end->uj[i];
		joules += (double)uj / 1e6;
	}
	return joules;
}
