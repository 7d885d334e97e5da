/* See placing.h. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/placing.h"
#include "topology/cpulist.h"

const char *placing_device = "eth1";

static hwloc_topology_t synthetic(const char *description)
{
	hwloc_topology_t topology;

	assert_int_equal(hwloc_topology_init(&topology), 0);
	assert_int_equal(hwloc_topology_set_synthetic(topology, description), 0);
	assert_int_equal(hwloc_topology_load(topology), 0);
	return topology;
}

static void set_kind(hwloc_topology_t topology, const char *list, int efficiency, const char *type)
{
	struct hwloc_info_s info = {(char *)"CoreType", (char *)type};
	hwloc_bitmap_t cpus = placing_cpus_of(topology, list);

	assert_int_equal(hwloc_cpukinds_register(topology, cpus, efficiency, 1, &info, 0), 0);
	hwloc_bitmap_free(cpus);
}

static hwloc_topology_t hybrid(void)
{
	hwloc_topology_t topology = synthetic("pack:1 l3:1 core:6 pu:2");
	hwloc_bitmap_t there = placing_cpus_of(topology, "0-4,6,8,10");

	assert_int_equal(hwloc_topology_restrict(topology, there, 0), 0);
	set_kind(topology, "0-3", 1, "IntelCore");
	set_kind(topology, "4,6,8,10", 0, "IntelAtom");
	hwloc_bitmap_free(there);
	return topology;
}

static hwloc_topology_t little_big(void)
{
	hwloc_topology_t topology = synthetic("pack:1 core:6 pu:1");

	set_kind(topology, "0-3", 0, "Little");
	set_kind(topology, "4-5", 1, "Big");
	return topology;
}

static hwloc_topology_t forty(void)
{
	hwloc_topology_t topology = synthetic("pack:1 core:40 pu:1");

	set_kind(topology, "0-19", 0, "Little");
	set_kind(topology, "20-39", 1, "Big");
	return topology;
}

/* Through XML: hwloc's synthetic machines have no devices. */
static hwloc_topology_t devices(void)
{
	static const char end[] = "    </object>\n  </object>\n";
	static const char eth1[] = "<object type=\"OSDev\" gp_index=\"901\" name=\"eth1\" "
				   "osdev_type=\"2\"/>\n    </object>\n";
	static const char eth0[] = "<object type=\"OSDev\" gp_index=\"902\" name=\"eth0\" "
				   "osdev_type=\"2\"/>\n  </object>\n";
	hwloc_topology_t topology = synthetic("numa:2 pack:1 l3:1 core:2 pu:2");
	char *xml, *with, *at;
	int size;

	assert_int_equal(hwloc_topology_export_xmlbuffer(topology, &xml, &size, 0), 0);
	at = strstr(xml, end);
	assert_non_null(at);
	assert_true(asprintf(&with, "%.*s%s%s%s", (int)(at - xml), xml, eth1, eth0,
			     at + strlen(end)) > 0);
	hwloc_free_xmlbuffer(topology, xml);
	hwloc_topology_destroy(topology);
	assert_int_equal(hwloc_topology_init(&topology), 0);
	hwloc_topology_set_io_types_filter(topology, HWLOC_TYPE_FILTER_KEEP_ALL);
	assert_int_equal(hwloc_topology_set_xmlbuffer(topology, with, (int)strlen(with) + 1), 0);
	assert_int_equal(hwloc_topology_load(topology), 0);
	free(with);
	return topology;
}

hwloc_topology_t placing_machine(const char *description)
{
	if (strcmp(description, HYBRID) == 0)
		return hybrid();
	if (strcmp(description, LITTLE_BIG) == 0)
		return little_big();
	if (strcmp(description, FORTY) == 0)
		return forty();
	if (strcmp(description, DEVICES) == 0)
		return devices();
	return synthetic(description);
}

hwloc_bitmap_t placing_cpus_of(hwloc_topology_t topology, const char *list)
{
	hwloc_bitmap_t cpus = hwloc_bitmap_dup(hwloc_topology_get_topology_cpuset(topology));
	char why[200];

	assert_non_null(cpus);
	if (list)
		assert_int_equal(cpulist_parse(list, cpus, why, sizeof(why)), 0);
	return cpus;
}

static void append_sets(char *text, size_t size, const char *before, const hwloc_bitmap_t *sets,
			unsigned count)
{
	size_t used = strlen(text);

	snprintf(text + used, size - used, "%s", before);
	for (unsigned i = 0; i < count; i++) {
		char *list = cpulist_text(sets[i]);

		assert_non_null(list);
		used = strlen(text);
		snprintf(text + used, size - used, "%s%s", i ? " " : "", list);
		free(list);
	}
}

void placing_render(const struct place_answer *answer, char *text, size_t size)
{
	size_t used;

	*text = '\0';
	append_sets(text, size, "", answer->workers, answer->worker_count);
	append_sets(text, size, " / ", answer->origin, answer->origin_count);
	append_sets(text, size, " / ", answer->pollers, answer->poller_count);
	if (answer->nodes)
		append_sets(text, size, " @ ", answer->nodes, answer->worker_count);
	used = strlen(text);
	snprintf(text + used, size - used, "%s%s%s%s%s",
		 answer->workers_share ? " workers-share" : "",
		 answer->workers_unlike ? " workers-unlike" : "",
		 answer->origin_shares ? " origin-shares" : "",
		 answer->origin_sibling ? " origin-sibling" : "",
		 answer->poller_shares ? " poller-shares" : "");
}

void placing_check_row(const struct placing_row *row)
{
	struct place_request request = {.policy = row->policy,
					.device = placing_device,
					.workers = row->workers,
					.origin_threads = row->origin,
					.pollers = row->pollers};
	hwloc_topology_t topology = placing_machine(row->machine);
	hwloc_bitmap_t allowed = placing_cpus_of(topology, row->allowed);
	struct place_answer answer;
	char why[300] = "", text[600];
	int err = place_decide(topology, allowed, &request, &answer, why, sizeof(why));

	if (err) {
		snprintf(text, sizeof(text), "%d", err);
		assert_non_null(strstr(why, "impossible: "));
	} else {
		placing_render(&answer, text, sizeof(text));
		/* Sharing is always explained, and nothing else is. */
		assert_int_equal(answer.note[0] != '\0',
				 answer.workers_share || answer.workers_unlike ||
					 answer.origin_shares || answer.origin_sibling ||
					 answer.poller_shares || row->policy == PLACE_NONE);
		place_release(&answer);
	}
	if (strcmp(text, row->answer) != 0)
		print_error("%s, allowed %s, %s, %u workers\n", row->machine,
			    row->allowed ? row->allowed : "all", place_policy_names[row->policy],
			    row->workers);
	assert_string_equal(text, row->answer);
	hwloc_bitmap_free(allowed);
	hwloc_topology_destroy(topology);
}
