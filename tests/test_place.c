/* topology/place: golden answers for every policy, on machines that this one is not. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/placing.h"
#include "topology/cpulist.h"

static void cores(void **state)
{
	static const struct placing_row rows[] = {
		{BIG, NULL, PLACE_CORES, 1, 1, 0, "0 / 2 / "},
		{BIG, NULL, PLACE_CORES, 1, 1, 1, "0 / 2 / 4"},
		{BIG, NULL, PLACE_CORES, 2, 2, 0, "0 2 / 4 6 / "},
		{BIG, NULL, PLACE_CORES, 4, 1, 0, "0 2 4 6 / 8 / "},
		{BIG, NULL, PLACE_CORES, 15, 2, 0,
		 "0 2 4 6 8 10 12 14 16 18 20 22 24 26 28 / 30 31 / "},
		{BIG, NULL, PLACE_CORES, 15, 1, 1,
		 "0 2 4 6 8 10 12 14 16 18 20 22 24 26 28 / 30 / 1 poller-shares"},
		{BIG, NULL, PLACE_CORES, 16, 1, 0, "-28"},
		{BIG, NULL, PLACE_CORES, 16, 0, 0,
		 "0 2 4 6 8 10 12 14 16 18 20 22 24 26 28 30 /  / "},
		{BIG, NULL, PLACE_CORES, 17, 0, 0, "-28"},
		{TWO, NULL, PLACE_CORES, 1, 1, 0, "0 / 1 / "},
		{TWO, NULL, PLACE_CORES, 1, 1, 1, "0 / 1 / 0 poller-shares"},
		{TWO, NULL, PLACE_CORES, 2, 0, 0, "0 1 /  / "},
		{TWO, NULL, PLACE_CORES, 2, 1, 0, "-28"},
		{NODES, NULL, PLACE_CORES, 1, 1, 1, "0 / 1 / 2"},
		{NODES, NULL, PLACE_CORES, 3, 1, 0, "0 1 2 / 3 / "},
		{NODES, NULL, PLACE_CORES, 4, 1, 0, "-28"},
		{NO_L3, NULL, PLACE_CORES, 2, 1, 1, "0 1 / 2 / 3"},
		{NO_CORES, NULL, PLACE_CORES, 2, 1, 1, "0 1 / 2 / 3"},
		{SHARED_L3, NULL, PLACE_CORES, 2, 1, 1, "0 1 / 2 / 3"},
	};

	(void)state;
	PLACING_CHECK(rows);
}

static void compact(void **state)
{
	static const struct placing_row rows[] = {
		{BIG, NULL, PLACE_COMPACT, 1, 1, 1, "0 / 2 / 4"},
		{BIG, NULL, PLACE_COMPACT, 2, 1, 0, "0 1 / 2 / "},
		{BIG, NULL, PLACE_COMPACT, 3, 3, 0, "0 1 2 / 4 5 6 / "},
		{BIG, NULL, PLACE_COMPACT, 8, 1, 0, "0 1 2 3 4 5 6 7 / 8 / "},
		{NODES, NULL, PLACE_COMPACT, 2, 1, 0, "0 1 / 2 / "},
		{NODES, NULL, PLACE_COMPACT, 6, 0, 0, "0 1 2 3 0 1 /  /  workers-share"},
		{TWO, NULL, PLACE_COMPACT, 2, 1, 0, "0 0 / 1 /  workers-share"},
		{BIG, "0-3", PLACE_COMPACT, 2, 1, 0, "0 1 / 2 / "},
		{BIG, "0-3", PLACE_COMPACT, 3, 1, 0, "0 1 2 / 3 /  origin-sibling"},
		{BIG, "0-3", PLACE_COMPACT, 4, 1, 0, "0 1 0 1 / 2 /  workers-share"},
	};

	(void)state;
	PLACING_CHECK(rows);
}

static void spread(void **state)
{
	static const struct placing_row rows[] = {
		{BIG, NULL, PLACE_SPREAD, 1, 1, 1, "0 / 2 / 4"},
		{BIG, NULL, PLACE_SPREAD, 2, 2, 0, "0 16 / 2 18 / "},
		{BIG, NULL, PLACE_SPREAD, 5, 1, 0, "0 16 8 24 2 / 4 / "},
		{BIG, NULL, PLACE_SPREAD, 16, 0, 0,
		 "0 16 8 24 2 18 10 26 4 20 12 28 6 22 14 30 /  / "},
		{BIG, NULL, PLACE_SPREAD, 17, 1, 0,
		 "0 16 8 24 2 18 10 26 4 20 12 28 6 22 14 1 17 / 30 / "},
		{NODES, NULL, PLACE_SPREAD, 2, 2, 0, "0 2 / 1 3 / "},
		{NODES, NULL, PLACE_SPREAD, 3, 1, 0, "0 2 1 / 3 / "},
		{TWO_NODES, NULL, PLACE_SPREAD, 5, 1, 0, "0 4 2 6 1 / 3 / "},
		{SHARED_L3, NULL, PLACE_SPREAD, 2, 1, 0, "0 2 / 1 / "},
		{BIG, "0-2", PLACE_SPREAD, 2, 1, 0, "0 1 / 2 / "},
	};

	(void)state;
	PLACING_CHECK(rows);
}

static void none(void **state)
{
	static const struct placing_row rows[] = {
		{BIG, NULL, PLACE_NONE, 2, 1, 0, "0-31 0-31 / 0-31 /  workers-share origin-shares"},
		{BIG, "1,8-9", PLACE_NONE, 1, 0, 1, "1,8-9 /  / 1,8-9 poller-shares"},
		/* What is allowed and not there is left out. */
		{TWO, "1-5", PLACE_NONE, 1, 0, 0, "1 /  / "},
	};

	(void)state;
	PLACING_CHECK(rows);
}

static void one_cpu(void **state)
{
	static const struct placing_row rows[] = {
		{ONE, NULL, PLACE_CORES, 1, 1, 0, "0 / 0 /  origin-shares"},
		{ONE, NULL, PLACE_CORES, 1, 1, 1, "0 / 0 / 0 origin-shares poller-shares"},
		{ONE, NULL, PLACE_CORES, 2, 1, 0, "-28"},
		{ONE, NULL, PLACE_COMPACT, 2, 1, 0, "0 0 / 0 /  workers-share origin-shares"},
		{ONE, NULL, PLACE_SPREAD, 1, 2, 0, "0 / 0 0 /  origin-shares"},
		{BIG, "5", PLACE_CORES, 1, 1, 0, "5 / 5 /  origin-shares"},
		{BIG, "5", PLACE_CORES, 1, 0, 0, "5 /  / "},
		{SIBLINGS, NULL, PLACE_CORES, 1, 1, 0, "0 / 1 /  origin-sibling"},
		{SIBLINGS, NULL, PLACE_COMPACT, 2, 1, 0, "0 0 / 1 /  workers-share origin-sibling"},
		{SIBLINGS, NULL, PLACE_CORES, 2, 0, 0, "-28"},
	};

	(void)state;
	PLACING_CHECK(rows);
}

/* Cpusets smaller than the machine, among them some that leave one SMT sibling of a core. */
static void cpusets(void **state)
{
	static const struct placing_row rows[] = {
		/* One L3 has too few cores for client and origin: the next one is taken whole. */
		{BIG, "1,3,8-15", PLACE_CORES, 3, 1, 0, "8 10 12 / 14 / "},
		{BIG, "1,3,8-15", PLACE_CORES, 3, 1, 1, "8 10 12 / 14 / 1"},
		{BIG, "1,3,8-15", PLACE_CORES, 3, 2, 2, "8 10 12 / 14 15 / 1 3"},
		{BIG, "1,3,8-15", PLACE_CORES, 5, 1, 0, "1 3 8 10 12 / 14 / "},
		{BIG, "1,3,8-15", PLACE_CORES, 6, 1, 0, "-28"},
		{BIG, "1,3,8-15", PLACE_SPREAD, 3, 1, 0, "1 8 3 / 10 / "},
		{BIG, "1,2-3,9", PLACE_CORES, 2, 1, 1, "1 2 / 9 / 3 poller-shares"},
		{BIG, "0-1", PLACE_CORES, 1, 1, 0, "0 / 1 /  origin-sibling"},
		{BIG, "7,16,18", PLACE_CORES, 1, 1, 0, "16 / 18 / "},
		{BIG, "7,8,24", PLACE_CORES, 1, 1, 1, "7 / 8 / 24"},
		{BIG, "40-41", PLACE_CORES, 1, 1, 0, "-19"},
	};

	(void)state;
	PLACING_CHECK(rows);
}

struct list_row {
	const char *machine;
	const char *allowed;
	const char *text;
	int err;
	const char *answer; /* the CPUs, or a part of the reason */
};

static void lists(void **state)
{
	static const struct list_row rows[] = {
		{BIG, NULL, "0,2-3", 0, "0,2-3"},
		{BIG, NULL, "all", 0, "0-31"},
		{BIG, "4-6", "all", 0, "4-6"},
		{BIG, NULL, "core:1", 0, "2-3"},
		{BIG, NULL, "core:0,2-3", 0, "0-1,4-7"},
		{BIG, NULL, "pu:5", 0, "5"},
		{BIG, NULL, "l3:1", 0, "8-15"},
		{BIG, NULL, "numa:1", 0, "16-31"},
		{BIG, NULL, "package:0", 0, "0-15"},
		{BIG, NULL, "core:0 pu:9", 0, "0-1,9"},
		{BIG, "1-4", "core:0-1", 0, "1-3"},
		{BIG, NULL, "package:1.core:0-1", 0, "16-19"},
		{BIG, NULL, "pack:0-1.l3:1.core:3.pu:1", 0, "15,31"},
		{BIG, NULL, "node:1.core:all", 0, "16-31"},
		{BIG, NULL, "core:even", 0, "0-1,4-5,8-9,12-13,16-17,20-21,24-25,28-29"},
		{BIG, NULL, "package:1.core:odd.pu:0", 0, "18,22,26,30"},
		{BIG, NULL, "core:14-", 0, "28-31"},
		{BIG, NULL, "core:2:3", 0, "4-9"},
		{BIG, NULL, "0xff", 0, "0-7"},
		{BIG, NULL, "all ~core:0 ~16-31", 0, "2-15"},
		{BIG, "3-6", "all ~4", 0, "3,5-6"},
		{DEVICES, NULL, "os=eth1", 0, "4-7"},
		{DEVICES, "0-5", "os=eth1", 0, "4-5"},
		{DEVICES, NULL, "os=eth0", -ENODEV, "does not say which CPUs eth0 is near to"},
		{DEVICES, NULL, "os=lo", -ENODEV, "no network device lo is near any CPU"},
		{BIG, NULL, "package:1.core:8", -ENODEV, "core:8 is not there; there is core:0-7"},
		{BIG, "0-15", "package:0-1.core:0", -ENODEV, "package:1 has no CPU"},
		{BIG, NULL, "core:16-", -ENODEV, "core:16 is not there"},
		{BIG, NULL, "0xffffffff1", -ENODEV, "CPU 32 is not there"},
		{BIG, NULL, "core:0.", -EINVAL, "'' names no CPUs"},
		{BIG, NULL, "core:0.x:1", -EINVAL, "'x:1' names no CPUs"},
		{BIG, NULL, "0xg", -EINVAL, "'0xg' names no CPUs"},
		{BIG, NULL, "core:2:0", -EINVAL, "not a list"},
		{BIG, NULL, "core:1--", -EINVAL, "not a list"},
		{BIG, NULL, "all ~all", -EINVAL, "empty list"},
		{BIG, NULL, "~", -EINVAL, "'' names no CPUs"},
		{BIG, NULL, "32", -ENODEV, "CPU 32 is not there or not allowed; there is CPU 0-31"},
		{BIG, "0-3", "2,8", -ENODEV, "CPU 8 is not there or not allowed; there is CPU 0-3"},
		{BIG, NULL, "core:16", -ENODEV, "core:16 is not there; there is core:0-15"},
		{BIG, "0-3", "package:1", -ENODEV, "package:1 has no CPU that is allowed"},
		{NO_L3, NULL, "l3:0", -ENODEV, "nothing of that kind"},
		{BIG, NULL, "", -EINVAL, "empty list"},
		{BIG, NULL, "3-1", -EINVAL, "'3-1' is not a list"},
		{BIG, NULL, "1-", -EINVAL, "not a list"},
		{BIG, NULL, "1,,2", -EINVAL, "not a list"},
		{BIG, NULL, "1x", -EINVAL, "'1x' is not a list"},
		{BIG, NULL, "core:", -EINVAL, "not a list"},
		{BIG, NULL, "core:x", -EINVAL, "'x' is not a list"},
		{BIG, NULL, "socket:0", -EINVAL, "'socket:0' names no CPUs"},
		{BIG, NULL, "65536", -ERANGE, "above 65535"},
		{BIG, NULL, "99999999999999999999", -ERANGE, "above 65535"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		hwloc_topology_t topology = placing_machine(rows[i].machine);
		hwloc_bitmap_t allowed = placing_cpus_of(topology, rows[i].allowed);
		hwloc_bitmap_t cpus = hwloc_bitmap_alloc();
		char why[300] = "";
		int err = place_parse_cpus(topology, allowed, rows[i].text, cpus, why, sizeof(why));

		assert_int_equal(err, rows[i].err);
		if (err) {
			if (!strstr(why, rows[i].answer))
				fail_msg("'%s': %s", rows[i].text, why);
		} else {
			char *list = cpulist_text(cpus);

			assert_string_equal(list, rows[i].answer);
			free(list);
		}
		hwloc_bitmap_free(cpus);
		hwloc_bitmap_free(allowed);
		hwloc_topology_destroy(topology);
	}
}

/* With a list, worker i has its (i mod n)-th CPU, and the origin keeps away from those. */
static void explicit_cpus(void **state)
{
	hwloc_topology_t topology = placing_machine(BIG);
	hwloc_bitmap_t allowed = placing_cpus_of(topology, NULL);
	hwloc_bitmap_t cpus = placing_cpus_of(topology, "4,0,1");
	struct place_request request = {.policy = PLACE_NONE,
					.workers = 4,
					.origin_threads = 1,
					.pollers = 1,
					.cpus = cpus};
	struct place_answer answer;
	char why[300], text[200];

	(void)state;
	assert_int_equal(place_decide(topology, allowed, &request, &answer, why, sizeof(why)), 0);
	placing_render(&answer, text, sizeof(text));
	assert_string_equal(text, "0 1 4 0 / 2 / 6 workers-share");
	place_release(&answer);

	/* The user's word: a list of all CPUs leaves the origin none, and that is said. */
	hwloc_bitmap_copy(cpus, hwloc_topology_get_topology_cpuset(topology));
	request.workers = 32;
	assert_int_equal(place_decide(topology, allowed, &request, &answer, why, sizeof(why)), 0);
	assert_true(answer.origin_shares);
	assert_non_null(strstr(answer.note, "client and origin share CPU 0"));
	place_release(&answer);

	hwloc_bitmap_clr(allowed, 7);
	assert_int_equal(place_decide(topology, allowed, &request, &answer, why, sizeof(why)),
			 -ENODEV);
	assert_non_null(strstr(why, "CPU 7 "));
	hwloc_bitmap_zero(cpus);
	assert_int_equal(place_decide(topology, allowed, &request, &answer, why, sizeof(why)),
			 -EINVAL);
	request = (struct place_request){.workers = 0};
	assert_int_equal(place_decide(topology, allowed, &request, &answer, why, sizeof(why)),
			 -EINVAL);
	hwloc_bitmap_free(cpus);
	hwloc_bitmap_free(allowed);
	hwloc_topology_destroy(topology);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cores), cmocka_unit_test(compact),	  cmocka_unit_test(spread),
		cmocka_unit_test(none),	 cmocka_unit_test(one_cpu),	  cmocka_unit_test(cpusets),
		cmocka_unit_test(lists), cmocka_unit_test(explicit_cpus),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
