/*
 * What goes on on some CPUs, from /proc/stat, /proc/interrupts and /proc/softirqs read twice. The
 * tables have a column a CPU that is online, named in their first line, and a row a source.
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "topology/doctor.h"

/* Of a CPU's line in /proc/stat. */
enum { USER, NICE, SYSTEM, IDLE, IOWAIT, IRQ, SOFTIRQ, STEAL, STAT_FIELDS };

static FILE *open_under(const char *root, const char *path)
{
	char whole[PATH_MAX];

	if ((size_t)snprintf(whole, sizeof(whole), "%s%s", root, path) >= sizeof(whole))
		return NULL;
	return fopen(whole, "re");
}

/* --- /proc/stat ------------------------------------------------------------------------------ */

struct ticks {
	uint64_t busy, steal, total;
	int cpus;
};

static void add_ticks(struct ticks *ticks, const char *fields)
{
	uint64_t t[STAT_FIELDS] = {0};

	if (sscanf(fields,
		   "%" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64
		   " %" SCNu64 " %" SCNu64,
		   &t[USER], &t[NICE], &t[SYSTEM], &t[IDLE], &t[IOWAIT], &t[IRQ], &t[SOFTIRQ],
		   &t[STEAL]) != STAT_FIELDS)
		return;
	ticks->cpus++;
	ticks->busy += t[USER] + t[NICE] + t[SYSTEM] + t[IRQ] + t[SOFTIRQ];
	ticks->steal += t[STEAL];
	for (unsigned i = 0; i < STAT_FIELDS; i++)
		ticks->total += t[i];
}

/* Nothing is set that was not read, of every CPU. */
static void read_stat(json_t *sample, const char *root, hwloc_const_bitmap_t cpus)
{
	FILE *file = open_under(root, "/proc/stat");
	struct ticks ticks = {0};
	char *line = NULL;
	size_t size = 0;

	while (file && getline(&line, &size, file) >= 0) {
		unsigned cpu, running;
		int at = 0;

		if (sscanf(line, "cpu%u %n", &cpu, &at) == 1 && at && hwloc_bitmap_isset(cpus, cpu))
			add_ticks(&ticks, line + at);
		else if (sscanf(line, "procs_running %u", &running) == 1)
			(void)json_object_set_new(sample, "running", json_integer(running));
	}
	free(line);
	if (file)
		fclose(file);
	if (ticks.cpus == 0 || ticks.cpus != hwloc_bitmap_weight(cpus))
		return;
	(void)json_object_set_new(sample, "busy", json_integer((json_int_t)ticks.busy));
	(void)json_object_set_new(sample, "steal", json_integer((json_int_t)ticks.steal));
	(void)json_object_set_new(sample, "total", json_integer((json_int_t)ticks.total));
}

/* --- tables ---------------------------------------------------------------------------------- */

/* Adds up the row's figures for those CPUs; *rest is what stands behind them. */
static json_int_t sum_row(const char *header, char *row, hwloc_const_bitmap_t cpus, char **rest)
{
	json_int_t sum = 0;
	unsigned cpu;
	int step;

	while (sscanf(header, " CPU%u%n", &cpu, &step) == 1) {
		char *end;
		long long count = strtoll(row, &end, 10);

		if (end == row)
			break; /* ERR and MIS have one figure for all */
		if (hwloc_bitmap_isset(cpus, cpu))
			sum += count;
		row = end;
		header += step;
	}
	*rest = row;
	return sum;
}

/* A device's row is named by a number; whose it is stands last. */
static void name_row(const char *label, char *rest, char name[static 96])
{
	char *last, *end = rest + strlen(rest);

	while (end > rest && isspace((unsigned char)end[-1]))
		*--end = '\0';
	last = strrchr(rest, ' ');
	snprintf(name, 96, "%.20s%s%.70s", label, last ? " " : "", last ? last + 1 : "");
}

/* One of the kernel's own that tick away on any host. */
static bool is_housekeeping(const char *label)
{
	static const char *const names[] = {"TIMER", "SCHED", "HRTIMER", "RCU"};

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(label, names[i]) == 0)
			return true;
	return false;
}

/* {"36 virtio1-req.0": 1234, ...}: devices' rows of interrupts, and all others of softirqs. */
static void read_table(json_t *sample, const char *key, const char *root, const char *path,
		       bool devices, hwloc_const_bitmap_t cpus)
{
	FILE *file = open_under(root, path);
	char *line = NULL, *header = NULL;
	json_t *rows = json_object();
	size_t size = 0, header_size = 0;

	if (!file || getline(&header, &header_size, file) < 0 || !strstr(header, "CPU"))
		goto out;
	while (getline(&line, &size, file) >= 0) {
		char *label = line + strspn(line, " "), *colon = strchr(label, ':'), *rest;
		char name[96];
		json_int_t sum;

		if (!colon)
			continue;
		*colon = '\0';
		if (devices ? !isdigit((unsigned char)*label) : is_housekeeping(label))
			continue;
		sum = sum_row(header, colon + 1, cpus, &rest);
		name_row(label, rest, name);
		(void)json_object_set_new(rows, name, json_integer(sum));
	}
	(void)json_object_set(sample, key, rows);
out:
	json_decref(rows);
	free(line);
	free(header);
	if (file)
		fclose(file);
}

json_t *doctor_sample(hwloc_const_bitmap_t cpus, const char *root)
{
	json_t *sample = json_object();

	if (!sample)
		return NULL;
	read_stat(sample, root, cpus);
	read_table(sample, "interrupts", root, "/proc/interrupts", true, cpus);
	read_table(sample, "softirqs", root, "/proc/softirqs", false, cpus);
	return sample;
}

/* --- from one sample to the other ------------------------------------------------------------ */

static json_int_t count(const json_t *sample, const char *key)
{
	return json_integer_value(json_object_get(sample, key));
}

static void set_shares(json_t *activity, const json_t *before, const json_t *after)
{
	json_int_t total = count(after, "total") - count(before, "total");

	if (!json_object_get(before, "total") || total <= 0)
		return;
	(void)json_object_set_new(
		activity, "busy_share",
		json_real((double)(count(after, "busy") - count(before, "busy")) / (double)total));
	(void)json_object_set_new(
		activity, "steal_share",
		json_real((double)(count(after, "steal") - count(before, "steal")) /
			  (double)total));
	(void)json_object_set_new(
		activity, "steal_share_since_boot",
		json_real((double)count(after, "steal") / (double)count(after, "total")));
}

/* Only who wanted to run at both ends; and one of them is who asks. */
static void set_runnable(json_t *activity, const json_t *before, const json_t *after)
{
	json_int_t least = count(before, "running");

	if (!json_object_get(before, "running") || !json_object_get(after, "running"))
		return;
	if (count(after, "running") < least)
		least = count(after, "running");
	(void)json_object_set_new(activity, "runnable", json_integer(least > 0 ? least - 1 : 0));
}

static void set_rates(json_t *activity, const char *table, const char *rate_key,
		      const char *busiest_key, const json_t *before, const json_t *after,
		      double seconds)
{
	const json_t *old = json_object_get(before, table);
	json_t *new = json_object_get(after, table);
	json_int_t all = 0, most = 0;
	const char *name, *busiest = NULL;
	json_t *value;

	if (!old || !new)
		return;
	json_object_foreach(new, name, value)
	{
		json_int_t grown = json_integer_value(value) - count(old, name);

		all += grown;
		if (grown > most) {
			most = grown;
			busiest = name;
		}
	}
	(void)json_object_set_new(activity, rate_key, json_real((double)all / seconds));
	if (busiest)
		(void)json_object_set_new(activity, busiest_key, json_string(busiest));
}

int doctor_add_activity(json_t *host, const json_t *before, const json_t *after, double seconds)
{
	json_t *activity = json_pack("{s:f}", "seconds", seconds);

	if (!activity || !before || !after) {
		json_decref(activity);
		return -ENOMEM;
	}
	set_shares(activity, before, after);
	set_runnable(activity, before, after);
	set_rates(activity, "interrupts", "interrupts_per_s", "busiest_interrupt", before, after,
		  seconds);
	set_rates(activity, "softirqs", "softirqs_per_s", "busiest_softirq", before, after,
		  seconds);
	return json_object_set_new(host, "activity", activity) ? -ENOMEM : 0;
}
