/*
 * The text of --cpus: plain numbers as the kernel counts, or hwloc's location words, counted as
 * hwloc and lstopo count. A CPU that is not there is refused by name, never left out quietly.
 */
#include "topology/place.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "topology/cpulist.h"

#define WORD_MAX 1024

struct location {
	hwloc_topology_t topology;
	hwloc_const_bitmap_t here; /* allowed, and in the topology */
	hwloc_bitmap_t found;	   /* of all words */
	hwloc_bitmap_t scratch;
	char *why;
	size_t why_size;
};

static const struct kind {
	const char *prefix;
	hwloc_obj_type_t type;
} kinds[] = {
	{"core:", HWLOC_OBJ_CORE},     {"pu:", HWLOC_OBJ_PU},		{"l3:", HWLOC_OBJ_L3CACHE},
	{"numa:", HWLOC_OBJ_NUMANODE}, {"package:", HWLOC_OBJ_PACKAGE},
};

/* Plain numbers, in location->scratch: each must be here. */
static int add_numbers(struct location *location)
{
	char there[256];
	int cpu;

	hwloc_bitmap_foreach_begin(cpu, location->scratch)
	{
		if (hwloc_bitmap_isset(location->here, (unsigned)cpu))
			continue;
		snprintf(location->why, location->why_size,
			 "CPU %d is not there or not allowed; there is CPU %s", cpu,
			 cpulist_brief(location->here, there, sizeof(there)));
		return -ENODEV;
	}
	hwloc_bitmap_foreach_end();
	hwloc_bitmap_or(location->found, location->found, location->scratch);
	return 0;
}

/* The allowed CPUs of one thing: there must be some. */
static int add_object(struct location *location, const struct kind *kind, unsigned index)
{
	int count = hwloc_get_nbobjs_by_type(location->topology, kind->type);
	hwloc_obj_t object = hwloc_get_obj_by_type(location->topology, kind->type, index);
	char there[256];

	if (!object && count > 0) {
		snprintf(location->why, location->why_size, "%s%u is not there; there is %s0-%d",
			 kind->prefix, index, kind->prefix, count - 1);
		return -ENODEV;
	}
	if (!object) {
		snprintf(location->why, location->why_size,
			 "%s%u is not there: the topology shows nothing of that kind; name CPU %s",
			 kind->prefix, index, cpulist_brief(location->here, there, sizeof(there)));
		return -ENODEV;
	}
	if (!hwloc_bitmap_intersects(object->cpuset, location->here)) {
		snprintf(location->why, location->why_size,
			 "%s%u has no CPU that is allowed; allowed is CPU %s", kind->prefix, index,
			 cpulist_brief(location->here, there, sizeof(there)));
		return -ENODEV;
	}
	hwloc_bitmap_or(location->found, location->found, object->cpuset);
	return 0;
}

static int add_objects(struct location *location, const struct kind *kind)
{
	int index;

	hwloc_bitmap_foreach_begin(index, location->scratch)
	{
		int err = add_object(location, kind, (unsigned)index);

		if (err)
			return err;
	}
	hwloc_bitmap_foreach_end();
	return 0;
}

static int add_word(struct location *location, const char *word)
{
	const struct kind *kind = NULL;
	const char *list = word;
	int err;

	if (strcmp(word, "all") == 0) {
		hwloc_bitmap_or(location->found, location->found, location->here);
		return 0;
	}
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		size_t length = strlen(kinds[i].prefix);

		if (strncmp(word, kinds[i].prefix, length) == 0) {
			kind = &kinds[i];
			list = word + length;
		}
	}
	if (!kind && (*word < '0' || *word > '9')) {
		snprintf(location->why, location->why_size,
			 "'%s' names no CPUs; give a list such as 0,2-3, or all, core:0, pu:0, "
			 "l3:0, numa:0, package:0",
			 word);
		return -EINVAL;
	}
	err = cpulist_parse(list, location->scratch, location->why, location->why_size);
	if (err)
		return err;
	return kind ? add_objects(location, kind) : add_numbers(location);
}

static int add_words(struct location *location, const char *text)
{
	char words[WORD_MAX];
	char *rest = words;
	char *word;
	int err = 0;

	if ((size_t)snprintf(words, sizeof(words), "%s", text) >= sizeof(words)) {
		snprintf(location->why, location->why_size,
			 "a list of CPUs of more than %d characters; shorten it with ranges",
			 WORD_MAX - 1);
		return -EINVAL;
	}
	while (!err && (word = strsep(&rest, " ")))
		if (*word)
			err = add_word(location, word);
	if (!err && hwloc_bitmap_iszero(location->found)) {
		snprintf(location->why, location->why_size,
			 "an empty list of CPUs; give one such as 0,2-3 or core:0");
		err = -EINVAL;
	}
	return err;
}

int place_parse_cpus(hwloc_topology_t topology, hwloc_const_bitmap_t allowed, const char *text,
		     hwloc_bitmap_t cpus, char *why, size_t why_size)
{
	hwloc_bitmap_t here = hwloc_bitmap_alloc();
	struct location location = {.topology = topology,
				    .here = here,
				    .found = cpus,
				    .scratch = hwloc_bitmap_alloc(),
				    .why = why,
				    .why_size = why_size};
	int err = -ENOMEM;

	if (here && location.scratch) {
		hwloc_bitmap_and(here, hwloc_topology_get_topology_cpuset(topology), allowed);
		hwloc_bitmap_zero(cpus);
		err = add_words(&location, text);
		hwloc_bitmap_and(cpus, cpus, here);
	} else {
		snprintf(why, why_size, "no memory for the list of CPUs '%s'", text);
	}
	hwloc_bitmap_free(here);
	hwloc_bitmap_free(location.scratch);
	return err;
}
