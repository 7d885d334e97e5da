/* Reads /sys/devices/system/cpu/cpuN before and after: see host_watch.h. */
#include "lab/host_watch.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "results/flags.h"
#include "topology/cpulist.h"

static int open_file(const char *root, int cpu, const char *name)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/sys/devices/system/cpu/cpu%d/%s", root, cpu, name);
	return open(path, O_RDONLY | O_CLOEXEC);
}

void host_watch_open(struct host_watch *watch, const char *cpus, const char *root)
{
	hwloc_bitmap_t set = hwloc_bitmap_alloc();
	char why[128];

	memset(watch, 0, sizeof(*watch));
	if (set && cpus && *cpus && cpulist_parse(cpus, set, why, sizeof(why)) == 0) {
		for (int cpu = hwloc_bitmap_first(set); cpu >= 0 && watch->count < HOST_WATCH_CPUS;
		     cpu = hwloc_bitmap_next(set, cpu)) {
			struct host_watch_files files = {
				open_file(root, cpu, "cpufreq/scaling_cur_freq"),
				open_file(root, cpu, "thermal_throttle/core_throttle_count"),
				open_file(root, cpu, "thermal_throttle/package_throttle_count")};

			if (files.frequency >= 0 || files.core >= 0 || files.package >= 0)
				watch->files[watch->count++] = files;
		}
	}
	hwloc_bitmap_free(set);
}

void host_watch_close(struct host_watch *watch)
{
	for (unsigned i = 0; i < watch->count; i++) {
		const int all[] = {watch->files[i].frequency, watch->files[i].core,
				   watch->files[i].package};

		for (unsigned k = 0; k < sizeof(all) / sizeof(all[0]); k++)
			if (all[k] >= 0)
				close(all[k]);
	}
	watch->count = 0;
}

/* The number in a file, -1 when there is none. */
static long long read_number(int file)
{
	char text[32];
	ssize_t length = file < 0 ? -1 : pread(file, text, sizeof(text) - 1, 0);
	char *end;
	long long number;

	if (length <= 0)
		return -1;
	text[length] = '\0';
	number = strtoll(text, &end, 10);
	return end == text ? -1 : number;
}

static void read_all(const struct host_watch *watch, struct host_watch_reading *readings)
{
	for (unsigned i = 0; i < watch->count; i++) {
		long long core = read_number(watch->files[i].core);
		long long package = read_number(watch->files[i].package);

		readings[i].khz = read_number(watch->files[i].frequency);
		readings[i].throttled =
			core < 0 && package < 0
				? -1
				: (core < 0 ? 0 : core) + (package < 0 ? 0 : package);
	}
}

void host_watch_begin(struct host_watch *watch)
{
	read_all(watch, watch->begin);
}

void host_watch_end(struct host_watch *watch)
{
	read_all(watch, watch->end);
}

void host_watch_flag(const struct host_watch *watch, struct record *record)
{
	for (unsigned i = 0; i < watch->count; i++) {
		const struct host_watch_reading *begin = &watch->begin[i], *end = &watch->end[i];

		if (begin->khz > 0 && end->khz > 0 &&
		    fabs((double)end->khz / (double)begin->khz - 1) > HOST_WATCH_FREQUENCY)
			flags_add(record, FLAG_FREQUENCY);
		if (begin->throttled >= 0 && end->throttled > begin->throttled)
			flags_add(record, FLAG_THROTTLED);
	}
}
