/*
 * topology/place: golden answers of the policies that are about a part of the machine (siblings,
 * an L3, nodes, a network device), of every policy where cores are not alike, and of every policy
 * under a cpuset that leaves one CPU.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "tests/placing.h"
#include "topology/cpulist.h"
#include "topology/kinds.h"

static void smt(void **state)
{
	static const struct placing_row rows[] = {
		{BIG, NULL, PLACE_SMT, 1, 0, 0, "0 /  / "},
		{BIG, NULL, PLACE_SMT, 2, 1, 0, "0 1 / 2 / "},
		{BIG, NULL, PLACE_SMT, 4, 1, 1, "0 1 2 3 / 4 / 6"},
		{BIG, NULL, PLACE_SMT, 5, 0, 0, "0 1 2 3 4 /  / "},
		{BIG, NULL, PLACE_SMT, 30, 1, 0,
		 "0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 / 30 / "},
		{BIG, NULL, PLACE_SMT, 32, 0, 0,
		 "0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 /  / "},
		{BIG, NULL, PLACE_SMT, 33, 0, 0, "-28"},
		{BIG, "0,2-3,8,10-11", PLACE_SMT, 2, 1, 0, "2 3 / 0 / "},
		{BIG, "0,2-3,8,10-11", PLACE_SMT, 4, 1, 0, "2 3 10 11 / 0 / "},
		{BIG, "0,2-3,8,10-11", PLACE_SMT, 5, 0, 0, "-28"},
		{BIG, "5", PLACE_SMT, 1, 0, 0, "-28"},
		{ONE, NULL, PLACE_SMT, 1, 0, 0, "-28"},
		{SIBLINGS, NULL, PLACE_SMT, 2, 0, 0, "0 1 /  / "},
		{SIBLINGS, NULL, PLACE_SMT, 1, 1, 0, "0 / 1 /  origin-sibling"},
		{SIBLINGS, NULL, PLACE_SMT, 2, 1, 0, "-28"},
		{TWO, NULL, PLACE_SMT, 1, 0, 0, "-28"},
		{NODES, NULL, PLACE_SMT, 1, 0, 0, "-28"},
		{TWO_NODES, NULL, PLACE_SMT, 2, 0, 0, "-28"},
		{DEVICES, NULL, PLACE_SMT, 4, 1, 0, "0 1 2 3 / 4 / "},
		{HYBRID, NULL, PLACE_SMT, 4, 1, 0, "0 1 2 3 / 4 / "},
		{HYBRID, NULL, PLACE_SMT, 5, 0, 0, "-28"},
	};

	(void)state;
	PLACING_CHECK(rows);
}

static void l3(void **state)
{
	static const struct placing_row rows[] = {
		{BIG, NULL, PLACE_L3, 1, 1, 1, "0 / 2 / 4"},
		{BIG, NULL, PLACE_L3, 3, 1, 0, "0 2 4 / 6 / "},
		{BIG, NULL, PLACE_L3, 4, 1, 0, "0 2 4 6 / 8 / "},
		{BIG, NULL, PLACE_L3, 5, 1, 0, "0 2 4 6 1 / 8 / "},
		{BIG, NULL, PLACE_L3, 8, 2, 0, "0 2 4 6 1 3 5 7 / 8 10 / "},
		{BIG, NULL, PLACE_L3, 9, 0, 0, "-28"},
		{BIG, "0-3,8-15", PLACE_L3, 3, 1, 0, "8 10 12 / 14 / "},
		{BIG, "0-3,8-15", PLACE_L3, 8, 1, 0, "8 10 12 14 9 11 13 15 / 0 / "},
		{BIG, "5", PLACE_L3, 1, 1, 0, "5 / 5 /  origin-shares"},
		{ONE, NULL, PLACE_L3, 1, 0, 0, "-19"},
		{TWO, NULL, PLACE_L3, 1, 1, 0, "0 / 1 / "},
		{TWO, NULL, PLACE_L3, 2, 0, 0, "0 1 /  / "},
		{TWO, NULL, PLACE_L3, 2, 1, 0, "-28"},
		{NODES, NULL, PLACE_L3, 2, 1, 0, "0 1 / 2 / "},
		{NODES, NULL, PLACE_L3, 3, 0, 0, "-28"},
		{SHARED_L3, NULL, PLACE_L3, 3, 1, 0, "0 1 2 / 3 / "},
		{NO_L3, NULL, PLACE_L3, 1, 0, 0, "-19"},
		{DEVICES, NULL, PLACE_L3, 3, 1, 0, "0 2 1 / 4 / "},
		{HYBRID, NULL, PLACE_L3, 3, 1, 0, "0 2 4 / 6 /  workers-unlike"},
		{HYBRID, NULL, PLACE_L3, 8, 0, 0, "0 2 4 6 8 10 1 3 /  /  workers-unlike"},
	};

	(void)state;
	PLACING_CHECK(rows);
}

static void numa(void **state)
{
	static const struct placing_row rows[] = {
		{BIG, NULL, PLACE_NUMA, 1, 1, 0, "0 / 2 /  @ 0"},
		{BIG, NULL, PLACE_NUMA, 9, 1, 0,
		 "0 2 4 6 8 10 12 14 1 / 16 /  @ 0 0 0 0 0 0 0 0 0"},
		{BIG, NULL, PLACE_NUMA, 17, 1, 0,
		 "0 2 4 6 8 10 12 14 1 3 5 7 9 11 13 15 16 / 18 /  @ 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 1"},
		{BIG, NULL, PLACE_NUMA, 32, 0, 0,
		 "0 2 4 6 8 10 12 14 1 3 5 7 9 11 13 15 16 18 20 22 24 26 28 30 17 19 21 23 25 27 29 31 /  /  @ 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1"},
		{BIG, NULL, PLACE_NUMA, 33, 0, 0, "-28"},
		{BIG, "0,1,16-19", PLACE_NUMA, 2, 0, 0, "16 18 /  /  @ 1 1"},
		{BIG, "5", PLACE_NUMA, 1, 1, 0, "5 / 5 /  @ 0 origin-shares"},
		{ONE, NULL, PLACE_NUMA, 1, 1, 0, "0 / 0 /  @ 0 origin-shares"},
		{TWO, NULL, PLACE_NUMA, 2, 0, 0, "0 1 /  /  @ 0 0"},
		{TWO, NULL, PLACE_NUMA, 2, 1, 0, "-28"},
		{NODES, NULL, PLACE_NUMA, 2, 1, 0, "0 1 / 2 /  @ 0 0"},
		{NODES, NULL, PLACE_NUMA, 3, 1, 0, "0 1 2 / 3 /  @ 0 0 1"},
		{NODES, NULL, PLACE_NUMA, 4, 0, 0, "0 1 2 3 /  /  @ 0 0 1 1"},
		{TWO_NODES, NULL, PLACE_NUMA, 3, 1, 0, "0 1 2 / 3 /  @ 0 0 1"},
		{TWO_NODES, "2-5", PLACE_NUMA, 3, 0, 0, "2 3 4 /  /  @ 1 1 2"},
		{SHARED_L3, NULL, PLACE_NUMA, 3, 0, 0, "0 1 2 /  /  @ 0 0 1"},
		{DEVICES, NULL, PLACE_NUMA, 5, 1, 0, "0 2 1 3 4 / 6 /  @ 0 0 0 0 1"},
		{HYBRID, NULL, PLACE_NUMA, 3, 1, 0, "0 2 4 / 6 /  @ 0 0 0 workers-unlike"},
	};

	(void)state;
	PLACING_CHECK(rows);
}

static void nic(void **state)
{
	static const struct placing_row near[] = {
		{DEVICES, NULL, PLACE_NIC, 1, 1, 1, "4 / 6 / 0"},
		{DEVICES, NULL, PLACE_NIC, 2, 1, 0, "4 6 / 0 / "},
		{DEVICES, NULL, PLACE_NIC, 4, 1, 0, "4 6 5 7 / 0 / "},
		{DEVICES, NULL, PLACE_NIC, 5, 0, 0, "-28"},
		{DEVICES, "0-4", PLACE_NIC, 1, 1, 0, "4 / 0 / "},
		{DEVICES, "0-3", PLACE_NIC, 1, 0, 0, "-28"},
		{DEVICES, "6", PLACE_NIC, 1, 1, 0, "6 / 6 /  origin-shares"},
	};
	static const char *const machines[] = {BIG,   ONE,	SIBLINGS,  TWO,	      NODES,
					       NO_L3, NO_CORES, TWO_NODES, SHARED_L3, HYBRID};

	(void)state;
	placing_device = "eth1";
	PLACING_CHECK(near);
	/* There without a place, not there at all, and machines without any devices. */
	placing_device = "eth0";
	placing_check_row(&(const struct placing_row){DEVICES, NULL, PLACE_NIC, 1, 0, 0, "-19"});
	placing_device = "lo";
	placing_check_row(&(const struct placing_row){DEVICES, NULL, PLACE_NIC, 1, 0, 0, "-19"});
	for (size_t i = 0; i < sizeof(machines) / sizeof(machines[0]); i++)
		placing_check_row(
			&(const struct placing_row){machines[i], NULL, PLACE_NIC, 1, 0, 0, "-19"});
}

/* Every policy goes to the capable cores first, wherever they are, and says when it mixes. */
static void unlike_cores(void **state)
{
	static const struct placing_row rows[] = {
		{HYBRID, NULL, PLACE_CORES, 1, 1, 0, "0 / 2 / "},
		{HYBRID, NULL, PLACE_CORES, 2, 1, 0, "0 2 / 4 / "},
		{HYBRID, NULL, PLACE_CORES, 3, 1, 0, "0 2 4 / 6 /  workers-unlike"},
		{HYBRID, NULL, PLACE_CORES, 6, 0, 0, "0 2 4 6 8 10 /  /  workers-unlike"},
		{HYBRID, NULL, PLACE_CORES, 7, 0, 0, "-28"},
		{HYBRID, NULL, PLACE_COMPACT, 5, 1, 0, "0 1 2 3 4 / 6 /  workers-unlike"},
		{HYBRID, NULL, PLACE_SPREAD, 2, 1, 0, "0 2 / 4 / "},
		{HYBRID, NULL, PLACE_SPREAD, 7, 0, 0, "0 2 4 6 8 10 1 /  /  workers-unlike"},
		{HYBRID, NULL, PLACE_NONE, 1, 0, 0, "0-4,6,8,10 /  / "},
		{HYBRID, "4-11", PLACE_CORES, 2, 1, 0, "4 6 / 8 / "},
		{HYBRID, "8", PLACE_COMPACT, 1, 1, 0, "8 / 8 /  origin-shares"},
		{LITTLE_BIG, NULL, PLACE_CORES, 1, 1, 0, "4 / 5 / "},
		{LITTLE_BIG, NULL, PLACE_CORES, 3, 1, 0, "4 5 0 / 1 /  workers-unlike"},
		{LITTLE_BIG, NULL, PLACE_COMPACT, 2, 1, 0, "4 5 / 0 / "},
		{LITTLE_BIG, NULL, PLACE_SPREAD, 3, 1, 0, "4 5 0 / 1 /  workers-unlike"},
		{LITTLE_BIG, NULL, PLACE_NUMA, 2, 1, 0, "4 5 / 0 /  @ 0 0"},
	};

	(void)state;
	PLACING_CHECK(rows);
}

/* One CPU is left, and the policies that can work with it do. */
static void one_cpu_left(void **state)
{
	static const char *const machines[] = {BIG,	  TWO,	      NODES, TWO_NODES,
					       SHARED_L3, LITTLE_BIG, ONE,   DEVICES};

	(void)state;
	placing_device = "eth1";
	for (size_t i = 0; i < sizeof(machines) / sizeof(machines[0]); i++)
		for (unsigned policy = 0; place_policy_names[policy]; policy++) {
			bool has_l3 = !strstr(TWO_NODES LITTLE_BIG ONE, machines[i]);
			bool has_eth1 = strcmp(machines[i], DEVICES) == 0;
			const char *answer = "0 /  / ";

			/* CPU 0 has no sibling that is allowed, and is not near eth1. */
			if (policy == PLACE_SMT || (policy == PLACE_NIC && has_eth1))
				answer = "-28";
			else if (policy == PLACE_NIC || (policy == PLACE_L3 && !has_l3))
				answer = "-19";
			else if (policy == PLACE_NUMA)
				answer = "0 /  /  @ 0";
			placing_check_row(&(const struct placing_row){machines[i], "0", policy, 1,
								      0, 0, answer});
		}
}

static void names(void **state)
{
	enum place_policy policy = PLACE_NONE;
	const char *device;
	char why[200];

	(void)state;
	for (unsigned i = 0; i < PLACE_NIC; i++) {
		assert_int_equal(place_policy_parse(place_policy_names[i], &policy, &device, why,
						    sizeof(why)),
				 0);
		assert_int_equal(policy, i);
		assert_null(device);
	}
	assert_int_equal(place_policy_parse("nic:eth0", &policy, &device, why, sizeof(why)), 0);
	assert_int_equal(policy, PLACE_NIC);
	assert_string_equal(device, "eth0");
	assert_int_equal(place_policy_parse("nic", &policy, &device, why, sizeof(why)), -EINVAL);
	assert_int_equal(place_policy_parse("nic:", &policy, &device, why, sizeof(why)), -EINVAL);
	assert_int_equal(place_policy_parse("Cores", &policy, &device, why, sizeof(why)), -EINVAL);
	assert_non_null(strstr(why, "cores|compact|spread|none|smt|l3|numa|nic:NAME"));
}

static void kinds(void **state)
{
	hwloc_topology_t topology = placing_machine(HYBRID);
	hwloc_topology_t alike = placing_machine(TWO);
	hwloc_bitmap_t cpus = hwloc_bitmap_alloc();
	hwloc_bitmap_t allowed = placing_cpus_of(topology, NULL);
	struct place_request request = {.policy = PLACE_CORES, .workers = 3};
	struct place_answer answer;
	char name[KINDS_NAME_SIZE], text[64], why[200];

	(void)state;
	assert_int_equal(kinds_count(topology), 2);
	assert_int_equal(kinds_of(topology, 0), 0);
	assert_int_equal(kinds_of(topology, 8), 1);
	assert_string_equal(kinds_name(topology, 0, name), "IntelCore");
	assert_string_equal(kinds_name(topology, 1, name), "IntelAtom");
	assert_int_equal(kinds_cpus(topology, 1, cpus), 0);
	assert_string_equal(cpulist_brief(cpus, text, sizeof(text)), "4,6,8,10");
	assert_int_equal(kinds_cpus(topology, 2, cpus), -ENOENT);
	assert_int_equal(kinds_count(alike), 1);
	assert_int_equal(kinds_of(alike, 1), 0);
	assert_int_equal(kinds_cpus(alike, 0, cpus), 0);
	assert_string_equal(cpulist_brief(cpus, text, sizeof(text)), "0-1");
	assert_int_equal(place_decide(topology, allowed, &request, &answer, why, sizeof(why)), 0);
	assert_string_equal(answer.note,
			    "the workers' cores are not alike: 2 on IntelCore, 1 on IntelAtom");
	place_release(&answer);
	hwloc_bitmap_free(allowed);
	hwloc_bitmap_free(cpus);
	hwloc_topology_destroy(topology);
	hwloc_topology_destroy(alike);
}

struct most_row {
	const char *machine, *allowed;
	enum place_policy policy;
	unsigned origin, most; /* 0: it is impossible */
};

static void most(void **state)
{
	static const struct most_row rows[] = {
		{BIG, NULL, PLACE_CORES, 0, 16},   {BIG, NULL, PLACE_CORES, 1, 15},
		{BIG, NULL, PLACE_COMPACT, 0, 32}, {BIG, NULL, PLACE_SPREAD, 0, 32},
		{BIG, NULL, PLACE_NONE, 0, 32},	   {BIG, NULL, PLACE_SMT, 0, 32},
		{BIG, NULL, PLACE_L3, 0, 8},	   {BIG, NULL, PLACE_NUMA, 0, 32},
		{BIG, "0,2-3", PLACE_SMT, 0, 2},   {BIG, "0-3,8-14", PLACE_L3, 0, 7},
		{TWO, NULL, PLACE_SMT, 0, 0},	   {NO_L3, NULL, PLACE_L3, 0, 0},
		{ONE, NULL, PLACE_CORES, 0, 1},	   {DEVICES, NULL, PLACE_NIC, 0, 4},
		{BIG, "5", PLACE_NUMA, 0, 1},
	};

	(void)state;
	placing_device = "eth1";
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		hwloc_topology_t topology = placing_machine(rows[i].machine);
		hwloc_bitmap_t allowed = placing_cpus_of(topology, rows[i].allowed);
		struct place_request request = {.policy = rows[i].policy,
						.device = placing_device,
						.origin_threads = rows[i].origin};
		unsigned count = 0;
		char why[300] = "";
		int err = place_most(topology, allowed, &request, &count, why, sizeof(why));

		assert_int_equal(count, rows[i].most);
		if (!count) {
			assert_int_not_equal(err, 0);
			assert_int_equal(strncmp(why, "impossible: ", 12), 0);
		}
		hwloc_bitmap_free(allowed);
		hwloc_topology_destroy(topology);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(smt),		cmocka_unit_test(l3),
		cmocka_unit_test(numa),		cmocka_unit_test(nic),
		cmocka_unit_test(unlike_cores), cmocka_unit_test(one_cpu_left),
		cmocka_unit_test(names),	cmocka_unit_test(kinds),
		cmocka_unit_test(most),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
