/* Facts of the cores that a run uses: siblings, idle states, isolation. See doctor.h. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "topology/cpulist.h"
#include "topology/doctor.h"
#include "topology/facts.h"

#define CPU_DIRECTORY "/sys/devices/system/cpu"

/* No driver has as many idle states. */
#define STATES_MAX 32

static bool is_there(const char *root, const char *path)
{
	char whole[512];

	snprintf(whole, sizeof(whole), "%s%s", root, path);
	return access(whole, R_OK) == 0;
}

static int set_list(json_t *object, const char *key, hwloc_const_bitmap_t cpus)
{
	char *list = cpulist_text(cpus);
	int err = list ? json_object_set_new(object, key, json_string(list)) : -1;

	free(list);
	return err ? -ENOMEM : 0;
}

/* Reads the CPUs of cpu's core, itself included. */
static bool read_siblings(const char *root, unsigned cpu, hwloc_bitmap_t siblings)
{
	char path[128], text[FACTS_TEXT_SIZE], why[128];

	snprintf(path, sizeof(path), CPU_DIRECTORY "/cpu%u/topology/thread_siblings_list", cpu);
	return facts_read(root, path, text) && cpulist_parse(text, siblings, why, sizeof(why)) == 0;
}

/* Only when it is known of every CPU. */
static int set_siblings(json_t *cores, const char *root, hwloc_const_bitmap_t chosen)
{
	hwloc_bitmap_t sharing = hwloc_bitmap_alloc(), others = hwloc_bitmap_alloc();
	hwloc_bitmap_t core = hwloc_bitmap_alloc();
	bool known = sharing && others && core;
	int err = known ? 0 : -ENOMEM;

	for (int cpu = hwloc_bitmap_first(chosen); known && cpu >= 0;
	     cpu = hwloc_bitmap_next(chosen, cpu)) {
		known = read_siblings(root, (unsigned)cpu, core);
		hwloc_bitmap_clr(core, (unsigned)cpu);
		hwloc_bitmap_or(others, others, core);
		if (hwloc_bitmap_intersects(core, chosen))
			hwloc_bitmap_set(sharing, (unsigned)cpu);
	}
	if (known) {
		hwloc_bitmap_andnot(others, others, chosen);
		err = set_list(cores, "sharing", sharing);
		if (!err)
			err = set_list(cores, "siblings", others);
	}
	hwloc_bitmap_free(core);
	hwloc_bitmap_free(others);
	hwloc_bitmap_free(sharing);
	return err;
}

struct idle {
	double us;
	char name[64];
};

/* The deepest state of the CPU that may be entered; false when it shows none. */
static bool read_idle(const char *root, unsigned cpu, struct idle *deepest)
{
	char path[128], text[FACTS_TEXT_SIZE];
	bool any = false;

	for (unsigned state = 0; state < STATES_MAX; state++) {
		int length = snprintf(path, sizeof(path), CPU_DIRECTORY "/cpu%u/cpuidle/state%u/",
				      cpu, state);
		char *file = path + length;
		size_t room = sizeof(path) - (size_t)length;
		double us;

		snprintf(file, room, "latency");
		if (!facts_read(root, path, text))
			break;
		us = strtod(text, NULL);
		snprintf(file, room, "disable");
		if (facts_read(root, path, text) && strcmp(text, "0") != 0)
			continue;
		any = true;
		if (us < deepest->us)
			continue;
		deepest->us = us;
		snprintf(file, room, "name");
		facts_read(root, path, text);
		snprintf(deepest->name, sizeof(deepest->name), "%.63s", text);
	}
	return any;
}

static void set_idle(json_t *cores, const char *root, hwloc_const_bitmap_t chosen)
{
	struct idle deepest = {.us = 0};
	int cpu;

	hwloc_bitmap_foreach_begin(cpu, chosen)
	{
		if (!read_idle(root, (unsigned)cpu, &deepest))
			return;
	}
	hwloc_bitmap_foreach_end();
	(void)json_object_set_new(cores, "deepest_idle_us", json_real(deepest.us));
	facts_set_text(cores, "deepest_idle", deepest.name);
}

/* How many of the chosen are on the list in the file, which is empty where none is. */
static void set_share(json_t *cores, const char *key, const char *root, const char *path,
		      hwloc_const_bitmap_t chosen)
{
	hwloc_bitmap_t list = hwloc_bitmap_alloc();
	char text[FACTS_TEXT_SIZE], why[128];

	if (!list || !is_there(root, path))
		goto out;
	/* "(null)" where the kernel was not told any. */
	if (!facts_read(root, path, text) || cpulist_parse(text, list, why, sizeof(why)))
		hwloc_bitmap_zero(list);
	facts_set_text(cores, key,
		       hwloc_bitmap_isincluded(chosen, list)   ? "all"
		       : hwloc_bitmap_intersects(chosen, list) ? "some"
							       : "none");
out:
	hwloc_bitmap_free(list);
}

int doctor_add_cores(json_t *host, hwloc_const_bitmap_t workers, hwloc_const_bitmap_t origin,
		     const char *root)
{
	hwloc_bitmap_t chosen = hwloc_bitmap_dup(workers);
	json_t *cores = json_object();
	int err = -ENOMEM;

	if (!chosen || hwloc_bitmap_or(chosen, chosen, origin) ||
	    set_list(cores, "workers", workers) || set_list(cores, "origin", origin) ||
	    set_siblings(cores, root, chosen))
		goto out;
	set_idle(cores, root, chosen);
	set_share(cores, "isolated", root, CPU_DIRECTORY "/isolated", chosen);
	set_share(cores, "nohz_full", root, CPU_DIRECTORY "/nohz_full", chosen);
	err = json_object_set(host, "cores", cores) ? -ENOMEM : 0;
out:
	json_decref(cores);
	hwloc_bitmap_free(chosen);
	return err;
}
