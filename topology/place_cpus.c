/*
 * The text of --cpus: plain numbers as the kernel counts, or hwloc's location words, counted as
 * hwloc and lstopo count. A CPU that is not there is refused by name, never left out quietly.
 */
#include "topology/place.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "topology/cpulist.h"
#include "topology/nic.h"

#define WORD_MAX 1024

struct location {
	hwloc_topology_t topology;
	hwloc_const_bitmap_t here; /* allowed, and in the topology */
	hwloc_bitmap_t found;	   /* of all words */
	hwloc_bitmap_t word;	   /* of the present one */
	hwloc_bitmap_t scratch;
	char *why;
	size_t why_size;
};

static const struct kind {
	const char *prefix;
	hwloc_obj_type_t type;
} kinds[] = {
	{"core:", HWLOC_OBJ_CORE},     {"pu:", HWLOC_OBJ_PU},
	{"l3:", HWLOC_OBJ_L3CACHE},    {"numa:", HWLOC_OBJ_NUMANODE},
	{"node:", HWLOC_OBJ_NUMANODE}, {"package:", HWLOC_OBJ_PACKAGE},
	{"pack:", HWLOC_OBJ_PACKAGE},
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
	return hwloc_bitmap_or(location->word, location->word, location->scratch) ? -ENOMEM : 0;
}

/* The CPUs of one thing among those of its kind within `whole`. NULL with a reason. */
static hwloc_const_cpuset_t find_object(struct location *location, hwloc_const_cpuset_t whole,
					const struct kind *kind, unsigned index)
{
	int count = hwloc_get_nbobjs_inside_cpuset_by_type(location->topology, whole, kind->type);
	hwloc_obj_t object =
		hwloc_get_obj_inside_cpuset_by_type(location->topology, whole, kind->type, index);
	char there[256];

	if (!object && count > 0) {
		snprintf(location->why, location->why_size, "%s%u is not there; there is %s0-%d",
			 kind->prefix, index, kind->prefix, count - 1);
		return NULL;
	}
	if (!object) {
		snprintf(location->why, location->why_size,
			 "%s%u is not there: the topology shows nothing of that kind; name CPU %s",
			 kind->prefix, index, cpulist_brief(location->here, there, sizeof(there)));
		return NULL;
	}
	if (!hwloc_bitmap_intersects(object->cpuset, location->here)) {
		snprintf(location->why, location->why_size,
			 "%s%u has no CPU that is allowed; allowed is CPU %s", kind->prefix, index,
			 cpulist_brief(location->here, there, sizeof(there)));
		return NULL;
	}
	return object->cpuset;
}

/*
 * Which of `count` things: "0,2-3", or as hwloc has it all, odd, even, "2-" (to the last),
 * "2:3" (three from 2 on).
 */
static int read_indexes(struct location *location, const char *text, int count,
			hwloc_bitmap_t indexes)
{
	bool is_odd = strcmp(text, "odd") == 0;
	unsigned first, length;
	char end;

	hwloc_bitmap_zero(indexes);
	if (strcmp(text, "all") == 0 || strcmp(text, "even") == 0 || is_odd) {
		for (int i = is_odd; i < count; i += *text == 'a' ? 1 : 2)
			if (hwloc_bitmap_set(indexes, (unsigned)i))
				return -ENOMEM;
		return 0;
	}
	if (sscanf(text, "%6u:%6u%c", &first, &length, &end) == 2 && *text != '-' && length)
		return hwloc_bitmap_set_range(indexes, first, (int)(first + length - 1)) ? -ENOMEM
											 : 0;
	if (sscanf(text, "%6u%c%c", &first, &end, &end) == 2 && end == '-')
		return hwloc_bitmap_set_range(indexes, first,
					      (int)first < count ? count - 1 : (int)first)
			       ? -ENOMEM
			       : 0;
	return cpulist_parse(text, indexes, location->why, location->why_size);
}

static const struct kind *find_kind(const char *word)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strncmp(word, kinds[i].prefix, strlen(kinds[i].prefix)) == 0)
			return &kinds[i];
	return NULL;
}

static int refuse_word(struct location *location, const char *word)
{
	snprintf(location->why, location->why_size,
		 "'%s' names no CPUs; give a list such as 0,2-3, or all, core:0, pu:0, l3:0, "
		 "numa:0, package:0, package:1.core:0, os=eth0, 0xff",
		 word);
	return -EINVAL;
}

/* "core:0-1" within `whole`, and behind a dot what is within each of those. */
static int add_objects(struct location *location, hwloc_const_cpuset_t whole, char *word)
{
	const struct kind *kind = find_kind(word);
	hwloc_bitmap_t indexes = kind ? hwloc_bitmap_alloc() : NULL;
	char *dot = strchr(word, '.');
	int index, err;

	if (!kind)
		return refuse_word(location, word);
	if (!indexes)
		return -ENOMEM;
	if (dot)
		*dot = '\0';
	err = read_indexes(
		location, word + strlen(kind->prefix),
		hwloc_get_nbobjs_inside_cpuset_by_type(location->topology, whole, kind->type),
		indexes);
	for (index = hwloc_bitmap_first(indexes); !err && index >= 0;
	     index = hwloc_bitmap_next(indexes, index)) {
		hwloc_const_cpuset_t cpus = find_object(location, whole, kind, (unsigned)index);

		if (!cpus)
			err = -ENODEV;
		else if (dot)
			err = add_objects(location, cpus, dot + 1);
		else if (hwloc_bitmap_or(location->word, location->word, cpus))
			err = -ENOMEM;
	}
	if (dot)
		*dot = '.';
	hwloc_bitmap_free(indexes);
	return err;
}

/* "0xff" or hwloc's "0x1,0x0" as set, each CPU of it to be here. */
static int add_mask(struct location *location, const char *word)
{
	if (strspn(word, "0123456789abcdefABCDEFx,") != strlen(word) ||
	    hwloc_bitmap_sscanf(location->scratch, word) ||
	    hwloc_bitmap_last(location->scratch) > CPULIST_HIGHEST)
		return refuse_word(location, word);
	return add_numbers(location);
}

/* Adds the CPUs of one word to location->word. */
static int add_word(struct location *location, char *word)
{
	int err;

	if (strcmp(word, "all") == 0)
		return hwloc_bitmap_or(location->word, location->word, location->here) ? -ENOMEM
										       : 0;
	if (strncmp(word, "os=", 3) == 0) {
		err = nic_locality(location->topology, word + 3, location->scratch, location->why,
				   location->why_size);
		hwloc_bitmap_and(location->scratch, location->scratch, location->here);
		return err ? err : add_numbers(location);
	}
	if (strncmp(word, "0x", 2) == 0)
		return add_mask(location, word);
	if (*word < '0' || *word > '9')
		return add_objects(location, hwloc_topology_get_topology_cpuset(location->topology),
				   word);
	err = cpulist_parse(word, location->scratch, location->why, location->why_size);
	return err ? err : add_numbers(location);
}

/* One word more, or less of what was found when it begins with "~". */
static int take_word(struct location *location, char *word)
{
	bool less = *word == '~';
	int err;

	hwloc_bitmap_zero(location->word);
	err = add_word(location, word + less);
	if (err)
		return err;
	err = less ? hwloc_bitmap_andnot(location->found, location->found, location->word)
		   : hwloc_bitmap_or(location->found, location->found, location->word);
	return err ? -ENOMEM : 0;
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
			err = take_word(location, word);
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
				    .word = hwloc_bitmap_alloc(),
				    .scratch = hwloc_bitmap_alloc(),
				    .why = why,
				    .why_size = why_size};
	int err = -ENOMEM;

	snprintf(why, why_size, "no memory for the list of CPUs '%s'", text);
	if (here && location.word && location.scratch) {
		hwloc_bitmap_and(here, hwloc_topology_get_topology_cpuset(topology), allowed);
		hwloc_bitmap_zero(cpus);
		err = add_words(&location, text);
		hwloc_bitmap_and(cpus, cpus, here);
	}
	hwloc_bitmap_free(here);
	hwloc_bitmap_free(location.word);
	hwloc_bitmap_free(location.scratch);
	return err;
}
