/*
 * topology/place: what must hold of every answer, on every machine, cpuset, policy and number of
 * workers: the golden rows of test_place say what is best, these say what is never allowed.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "topology/place.h"

static const char *const machines[] = {
	"pack:2 [numa] l3:2 core:4 pu:2", "pack:1 core:1 pu:1",
	"numa:2 pack:1 l3:1 core:2 pu:1", "pack:1 core:1 pu:2",
	"pack:1 l3:1 core:2 pu:1",	  "pack:1 core:3 pu:4",
	"pack:1 l3:1 numa:2 core:3 pu:2", "pack:1 pu:5",
};

/* Bit i of a mask says whether CPU i mod 6 is allowed: all, and gaps of every kind. */
static const unsigned masks[] = {077, 001, 025, 052, 073, 036, 011};

static hwloc_obj_t core_of(hwloc_topology_t topology, hwloc_const_bitmap_t cpu)
{
	hwloc_obj_t pu = hwloc_get_pu_obj_by_os_index(topology, (unsigned)hwloc_bitmap_first(cpu));
	hwloc_obj_t core = hwloc_get_ancestor_obj_by_type(topology, HWLOC_OBJ_CORE, pu);

	return core ? core : pu;
}

static void check_sets(const hwloc_bitmap_t *sets, unsigned count, hwloc_const_bitmap_t allowed,
		       bool pinned)
{
	for (unsigned i = 0; i < count; i++) {
		assert_true(hwloc_bitmap_isincluded(sets[i], allowed));
		if (pinned)
			assert_int_equal(hwloc_bitmap_weight(sets[i]), 1);
		else
			assert_true(hwloc_bitmap_isequal(sets[i], allowed));
	}
}

static void check_apart(hwloc_topology_t topology, const struct place_request *request,
			const struct place_answer *answer, unsigned allowed_count)
{
	bool share = false, sibling = false, doubled = false;

	for (unsigned w = 0; w < answer->worker_count; w++) {
		hwloc_const_bitmap_t worker = answer->workers[w];

		for (unsigned v = 0; v < w; v++) {
			doubled |= hwloc_bitmap_isequal(worker, answer->workers[v]);
			if (request->policy == PLACE_CORES)
				assert_ptr_not_equal(core_of(topology, worker),
						     core_of(topology, answer->workers[v]));
		}
		for (unsigned o = 0; o < answer->origin_count; o++) {
			bool same = hwloc_bitmap_isequal(worker, answer->origin[o]);

			share |= same;
			sibling |= !same && core_of(topology, worker) ==
						    core_of(topology, answer->origin[o]);
		}
	}
	/* The flags say what is so: nothing is hidden, and nothing is claimed. */
	assert_int_equal(answer->workers_share, doubled);
	assert_int_equal(answer->origin_shares, share);
	assert_int_equal(answer->origin_sibling, sibling);
	/* Without an explicit list, only a single CPU makes client and origin share. */
	if (allowed_count > 1)
		assert_false(share);
}

static void check_pollers(hwloc_topology_t topology, const struct place_answer *answer)
{
	for (unsigned p = 0; p < answer->poller_count && !answer->poller_shares; p++) {
		hwloc_obj_t core = core_of(topology, answer->pollers[p]);

		for (unsigned w = 0; w < answer->worker_count; w++)
			assert_ptr_not_equal(core, core_of(topology, answer->workers[w]));
		for (unsigned o = 0; o < answer->origin_count; o++)
			assert_ptr_not_equal(core, core_of(topology, answer->origin[o]));
		for (unsigned q = 0; q < p; q++)
			assert_ptr_not_equal(core, core_of(topology, answer->pollers[q]));
	}
}

static unsigned count_cores(hwloc_topology_t topology, hwloc_const_bitmap_t allowed)
{
	hwloc_obj_t before = NULL;
	unsigned count = 0;
	int cpu;

	hwloc_bitmap_foreach_begin(cpu, allowed)
	{
		hwloc_obj_t pu = hwloc_get_pu_obj_by_os_index(topology, (unsigned)cpu);
		hwloc_obj_t core = core_of(topology, pu->cpuset);

		count += core != before;
		before = core;
	}
	hwloc_bitmap_foreach_end();
	return count;
}

/* What a strict policy can seat at the most, counted here in another way. */
static unsigned most_seats(hwloc_topology_t topology, hwloc_const_bitmap_t allowed,
			   enum place_policy policy)
{
	hwloc_obj_type_t type = policy == PLACE_L3 ? HWLOC_OBJ_L3CACHE : HWLOC_OBJ_CORE;
	hwloc_bitmap_t inside = hwloc_bitmap_alloc();
	unsigned most = 0, sum = 0;
	hwloc_obj_t object = NULL;

	if (policy == PLACE_NUMA)
		most = sum = (unsigned)hwloc_bitmap_weight(allowed);
	else
		while ((object = hwloc_get_next_obj_by_type(topology, type, object))) {
			unsigned count;

			hwloc_bitmap_and(inside, object->cpuset, allowed);
			count = (unsigned)hwloc_bitmap_weight(inside);
			if (policy == PLACE_SMT && count > 1)
				sum += count;
			if (policy == PLACE_L3 && count > most)
				most = count;
		}
	hwloc_bitmap_free(inside);
	return policy == PLACE_SMT ? sum : most;
}

static void check_kept(hwloc_topology_t topology, hwloc_const_bitmap_t allowed,
		       enum place_policy policy, const struct place_answer *answer)
{
	hwloc_bitmap_t inside = hwloc_bitmap_alloc();

	assert_int_equal(answer->nodes != NULL, policy == PLACE_NUMA);
	if (policy != PLACE_COMPACT && policy != PLACE_SPREAD)
		assert_false(answer->workers_share);
	for (unsigned w = 0; w < answer->worker_count; w++) {
		hwloc_obj_t pu = hwloc_get_pu_obj_by_os_index(
			topology, (unsigned)hwloc_bitmap_first(answer->workers[w]));

		if (policy == PLACE_SMT) {
			hwloc_bitmap_and(inside, core_of(topology, pu->cpuset)->cpuset, allowed);
			assert_true(hwloc_bitmap_weight(inside) > 1);
		} else if (policy == PLACE_L3) {
			hwloc_obj_t l3 =
				hwloc_get_ancestor_obj_by_type(topology, HWLOC_OBJ_L3CACHE, pu);

			assert_non_null(l3);
			assert_true(hwloc_bitmap_isincluded(answer->workers[0], l3->cpuset));
		} else if (policy == PLACE_NUMA) {
			assert_true(hwloc_bitmap_isequal(answer->nodes[w], pu->nodeset));
		}
	}
	hwloc_bitmap_free(inside);
}

/* A strict policy refuses what cannot be seated, and nothing else but for the origin's sake. */
static void check_refusal(hwloc_topology_t topology, hwloc_const_bitmap_t allowed,
			  const struct place_request *request, int err, const char *why)
{
	unsigned most = most_seats(topology, allowed, request->policy);

	if (request->policy == PLACE_L3 &&
	    hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_L3CACHE) < 1)
		assert_int_equal(err, -ENODEV);
	else if (request->workers > most)
		assert_int_equal(err, -ENOSPC);
	else if (!request->origin_threads || request->workers + 4 <= most)
		assert_int_equal(err, 0);
	if (err)
		assert_int_equal(strncmp(why, "impossible: ", 12), 0);
}

static void check_request(hwloc_topology_t topology, hwloc_const_bitmap_t allowed,
			  const struct place_request *request)
{
	unsigned cores = count_cores(topology, allowed);
	unsigned wanted = request->workers + (request->origin_threads > 0 && cores > 1);
	struct place_answer answer;
	char why[300] = "";
	int err = place_decide(topology, allowed, request, &answer, why, sizeof(why));

	if (request->policy >= PLACE_SMT) {
		check_refusal(topology, allowed, request, err, why);
		if (err)
			return;
	}
	/* It is impossible exactly when "cores" has too few of them. */
	if (request->policy == PLACE_CORES && wanted > cores) {
		assert_int_equal(err, -ENOSPC);
		assert_int_equal(strncmp(why, "impossible: ", 12), 0);
		return;
	}
	assert_int_equal(err, 0);
	assert_int_equal(answer.worker_count, request->workers);
	assert_int_equal(answer.origin_count, request->origin_threads);
	assert_int_equal(answer.poller_count, request->pollers);
	check_sets(answer.workers, answer.worker_count, allowed, request->policy != PLACE_NONE);
	check_sets(answer.origin, answer.origin_count, allowed, request->policy != PLACE_NONE);
	check_sets(answer.pollers, answer.poller_count, allowed, request->policy != PLACE_NONE);
	if (request->policy != PLACE_NONE) {
		check_apart(topology, request, &answer, (unsigned)hwloc_bitmap_weight(allowed));
		check_pollers(topology, &answer);
		check_kept(topology, allowed, request->policy, &answer);
	}
	place_release(&answer);
}

static void check_cpuset(hwloc_topology_t topology, hwloc_const_bitmap_t allowed)
{
	unsigned most = (unsigned)hwloc_bitmap_weight(allowed) + 2;
	struct place_request request = {0};

	/* The last one, nic, has no devices here: test_place_kinds has them. */
	for (unsigned policy = 0; policy < PLACE_NIC; policy++) {
		for (unsigned workers = 1; workers <= most; workers++) {
			for (unsigned roles = 0; roles < 16; roles++) {
				request.policy = policy;
				request.workers = workers;
				request.origin_threads = roles % 4;
				request.pollers = roles / 4;
				check_request(topology, allowed, &request);
			}
		}
	}
}

static void laws(void **state)
{
	(void)state;
	for (size_t m = 0; m < sizeof(machines) / sizeof(machines[0]); m++) {
		hwloc_topology_t topology;

		assert_int_equal(hwloc_topology_init(&topology), 0);
		assert_int_equal(hwloc_topology_set_synthetic(topology, machines[m]), 0);
		assert_int_equal(hwloc_topology_load(topology), 0);
		for (size_t i = 0; i < sizeof(masks) / sizeof(masks[0]); i++) {
			hwloc_bitmap_t allowed =
				hwloc_bitmap_dup(hwloc_topology_get_topology_cpuset(topology));

			for (unsigned cpu = 0; cpu < 64; cpu++)
				if (!(masks[i] >> cpu % 6 & 1))
					hwloc_bitmap_clr(allowed, cpu);
			if (!hwloc_bitmap_iszero(allowed))
				check_cpuset(topology, allowed);
			hwloc_bitmap_free(allowed);
		}
		hwloc_topology_destroy(topology);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(laws)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
