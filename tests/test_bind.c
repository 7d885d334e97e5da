/* topology/bind: a binding is what the kernel says it is, or an error that says why not. */
#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "topology/bind.h"
#include "topology/cpulist.h"

static char why[300];
static hwloc_bitmap_t allowed; /* at the start, before any test bound anything */

/* CPUs on which this thread may run, asked without the code under test. */
static unsigned kernel_cpus(cpu_set_t *mask)
{
	CPU_ZERO(mask);
	assert_int_equal(sched_getaffinity(0, sizeof(*mask), mask), 0);
	return (unsigned)CPU_COUNT(mask);
}

static int remember(void **state)
{
	(void)state;
	return bind_allowed(&allowed, why, sizeof(why));
}

static int forget(void **state)
{
	(void)state;
	hwloc_bitmap_free(allowed);
	return 0;
}

static int unbind(void **state)
{
	cpu_set_t mask;
	int cpu;

	(void)state;
	CPU_ZERO(&mask);
	hwloc_bitmap_foreach_begin(cpu, allowed) CPU_SET(cpu, &mask);
	hwloc_bitmap_foreach_end();
	return sched_setaffinity(0, sizeof(mask), &mask);
}

/* True where it is bound to these very CPUs, false as soon as somebody changes that. */
static void holds(void **state)
{
	hwloc_bitmap_t one = hwloc_bitmap_alloc();

	(void)state;
	assert_true(bind_holds(allowed));
	hwloc_bitmap_only(one, (unsigned)hwloc_bitmap_first(allowed));
	assert_int_equal(bind_thread_to_numbers(allowed, one, why, sizeof(why)), 0);
	assert_true(bind_holds(one));
	if (hwloc_bitmap_weight(allowed) > 1) {
		assert_false(bind_holds(allowed));
		hwloc_bitmap_only(one, (unsigned)hwloc_bitmap_last(allowed));
		assert_false(bind_holds(one));
		/* Wider than it was: free to be moved. */
		assert_int_equal(unbind(NULL), 0);
		assert_false(bind_holds(one));
	}
	hwloc_bitmap_free(one);
}

static void allowed_is_the_kernels(void **state)
{
	cpu_set_t mask;

	(void)state;
	assert_int_equal(hwloc_bitmap_weight(allowed), kernel_cpus(&mask));
	for (unsigned cpu = 0; cpu < CPU_SETSIZE; cpu++)
		assert_int_equal(hwloc_bitmap_isset(allowed, cpu), CPU_ISSET(cpu, &mask) != 0);
}

static void every_cpu_is_read_back(void **state)
{
	hwloc_bitmap_t one = hwloc_bitmap_alloc();
	hwloc_topology_t topology;
	cpu_set_t mask;
	int cpu;

	(void)state;
	assert_int_equal(bind_load(BIND_PLACES, &topology, why, sizeof(why)), 0);
	hwloc_bitmap_foreach_begin(cpu, allowed)
	{
		hwloc_bitmap_only(one, (unsigned)cpu);
		assert_int_equal(bind_thread(topology, one, why, sizeof(why)), 0);
		assert_int_equal(kernel_cpus(&mask), 1);
		assert_true(CPU_ISSET(cpu, &mask));
		assert_int_equal(sched_getcpu(), cpu);
	}
	hwloc_bitmap_foreach_end();
	assert_int_equal(bind_thread(topology, allowed, why, sizeof(why)), 0);
	assert_int_equal(kernel_cpus(&mask), hwloc_bitmap_weight(allowed));
	hwloc_topology_destroy(topology);
	hwloc_bitmap_free(one);
}

static void numbers_need_no_topology(void **state)
{
	hwloc_bitmap_t one = hwloc_bitmap_alloc();
	cpu_set_t mask;
	int cpu;

	(void)state;
	/* From the second round on, the thread's own affinity is narrower than allowed. */
	hwloc_bitmap_foreach_begin(cpu, allowed)
	{
		hwloc_bitmap_only(one, (unsigned)cpu);
		assert_int_equal(bind_thread_to_numbers(allowed, one, why, sizeof(why)), 0);
		assert_int_equal(kernel_cpus(&mask), 1);
		assert_true(CPU_ISSET(cpu, &mask));
	}
	hwloc_bitmap_foreach_end();
	hwloc_bitmap_free(one);
}

static void a_cpu_that_is_not_there(void **state)
{
	hwloc_bitmap_t cpus = hwloc_bitmap_alloc();
	hwloc_topology_t topology;
	cpu_set_t mask;

	(void)state;
	assert_int_equal(bind_load(BIND_PLACES, &topology, why, sizeof(why)), 0);
	hwloc_bitmap_only(cpus, 60000);
	assert_int_equal(bind_thread(topology, cpus, why, sizeof(why)), -EINVAL);
	assert_non_null(strstr(why, "CPU 60000"));
	assert_int_equal(bind_thread_to_numbers(allowed, cpus, why, sizeof(why)), -ENODEV);
	assert_non_null(strstr(why, "CPU 60000"));
	/* Told that it is allowed, the kernel has the last word. */
	assert_int_equal(bind_thread_to_numbers(cpus, cpus, why, sizeof(why)), -EINVAL);

	/* One that is there and one that is not: the kernel narrows that quietly, we do not. */
	hwloc_bitmap_set(cpus, (unsigned)hwloc_bitmap_first(allowed));
	assert_int_not_equal(bind_thread(topology, cpus, why, sizeof(why)), 0);
	assert_int_equal(bind_thread_to_numbers(cpus, cpus, why, sizeof(why)), -EXDEV);
	assert_non_null(strstr(why, "reads back"));

	hwloc_bitmap_zero(cpus);
	assert_int_equal(bind_thread(topology, cpus, why, sizeof(why)), -EINVAL);
	assert_int_equal(bind_thread_to_numbers(allowed, cpus, why, sizeof(why)), -EINVAL);
	hwloc_bitmap_fill(cpus);
	assert_int_equal(bind_thread(topology, cpus, why, sizeof(why)), -EINVAL);
	assert_int_equal(bind_thread_to_numbers(cpus, cpus, why, sizeof(why)), -EINVAL);
	unbind(NULL);
	assert_int_equal(kernel_cpus(&mask), hwloc_bitmap_weight(allowed));
	hwloc_topology_destroy(topology);
	hwloc_bitmap_free(cpus);
}

static void refuse(hwloc_topology_t topology)
{
	hwloc_bitmap_t cpus = hwloc_bitmap_alloc();
	cpu_set_t before, after;

	kernel_cpus(&before);
	hwloc_bitmap_only(cpus, 0);
	assert_int_equal(bind_thread(topology, cpus, why, sizeof(why)), -ENOTSUP);
	assert_non_null(strstr(why, "not this host's"));
	kernel_cpus(&after);
	assert_true(CPU_EQUAL(&before, &after));
	hwloc_bitmap_free(cpus);
}

static void synthetic_is_refused(void **state)
{
	hwloc_topology_t topology;

	(void)state;
	assert_int_equal(hwloc_topology_init(&topology), 0);
	assert_int_equal(hwloc_topology_set_synthetic(topology, "pack:1 core:2 pu:1"), 0);
	assert_int_equal(hwloc_topology_load(topology), 0);
	refuse(topology);
	hwloc_topology_destroy(topology);

	/* The same by the environment, where nobody would notice. */
	setenv("HWLOC_SYNTHETIC", "pack:1 core:2 pu:1", 1);
	assert_int_equal(bind_load(BIND_PLACES, &topology, why, sizeof(why)), 0);
	unsetenv("HWLOC_SYNTHETIC");
	refuse(topology);
	hwloc_topology_destroy(topology);
}

static int bind_then_touch(hwloc_const_bitmap_t nodes)
{
	size_t size = 1 << 20;
	char *memory;
	int mode, err = bind_memory(nodes, why, sizeof(why));

	if (err)
		return err;
	memory = malloc(size);
	memset(memory, 1, size);
	/* The kernel is asked without the code under test. */
	if (syscall(SYS_get_mempolicy, &mode, NULL, 0, NULL, 0) || mode != 2 /* MPOL_BIND */)
		err = -EIO;
	free(memory);
	return err;
}

/* In a child, since a thread does not get its first policy back. */
static void memory_goes_to_a_node(void **state)
{
	hwloc_bitmap_t nodes = hwloc_bitmap_alloc();
	hwloc_topology_t topology;
	int status = -1;
	pid_t child;

	(void)state;
	assert_int_equal(bind_load(BIND_PLACES, &topology, why, sizeof(why)), 0);
	hwloc_bitmap_copy(nodes, hwloc_topology_get_topology_nodeset(topology));
	hwloc_bitmap_singlify(nodes);
	child = fork();
	assert_true(child >= 0);
	if (child == 0)
		_exit(-bind_then_touch(nodes));
	assert_int_equal(waitpid(child, &status, 0), child);
	if (status == W_EXITCODE(ENOTSUP, 0) || status == W_EXITCODE(EPERM, 0))
		print_message("skipped: this kernel or container binds no memory\n");
	else
		assert_int_equal(status, 0);
	/* Refused, and so nothing is bound. */
	hwloc_bitmap_only(nodes, 1000);
	assert_int_not_equal(bind_memory(nodes, why, sizeof(why)), 0);
	assert_non_null(strstr(why, "node 1000"));
	hwloc_bitmap_only(nodes, 5000);
	assert_int_equal(bind_memory(nodes, why, sizeof(why)), -EINVAL);
	hwloc_bitmap_zero(nodes);
	assert_int_equal(bind_memory(nodes, why, sizeof(why)), -EINVAL);
	hwloc_bitmap_free(nodes);
	hwloc_topology_destroy(topology);
}

static void what_is_loaded(void **state)
{
	hwloc_topology_t places, everything;
	int cpu;

	(void)state;
	assert_int_equal(bind_load(BIND_PLACES, &places, why, sizeof(why)), 0);
	assert_int_equal(bind_load(BIND_EVERYTHING, &everything, why, sizeof(why)), 0);
	assert_int_equal(hwloc_get_nbobjs_by_type(places, HWLOC_OBJ_L1CACHE), 0);
	/* The short way must not see another machine than the long one. */
	assert_int_equal(hwloc_get_nbobjs_by_type(places, HWLOC_OBJ_CORE),
			 hwloc_get_nbobjs_by_type(everything, HWLOC_OBJ_CORE));
	assert_int_equal(hwloc_get_nbobjs_by_type(places, HWLOC_OBJ_L3CACHE),
			 hwloc_get_nbobjs_by_type(everything, HWLOC_OBJ_L3CACHE));
	hwloc_bitmap_foreach_begin(cpu, allowed)
		assert_non_null(hwloc_get_pu_obj_by_os_index(places, (unsigned)cpu));
	hwloc_bitmap_foreach_end();
	hwloc_topology_destroy(places);
	hwloc_topology_destroy(everything);
}

static void lists(void **state)
{
	hwloc_bitmap_t cpus = hwloc_bitmap_alloc();
	char text[16];
	char *list;

	(void)state;
	assert_int_equal(cpulist_parse("0,2-3,65535", cpus, why, sizeof(why)), 0);
	list = cpulist_text(cpus);
	assert_string_equal(list, "0,2-3,65535");
	free(list);
	assert_string_equal(cpulist_brief(cpus, text, sizeof(text)), "0,2-3,65535");
	assert_string_equal(cpulist_brief(cpus, text, 8), "0,...");
	assert_string_equal(cpulist_brief(cpus, text, 11), "0,2-3,...");
	hwloc_bitmap_zero(cpus);
	assert_string_equal(cpulist_brief(cpus, text, sizeof(text)), "none");
	hwloc_bitmap_free(cpus);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(allowed_is_the_kernels),
		cmocka_unit_test_teardown(holds, unbind),
		cmocka_unit_test_teardown(every_cpu_is_read_back, unbind),
		cmocka_unit_test_teardown(numbers_need_no_topology, unbind),
		cmocka_unit_test_teardown(a_cpu_that_is_not_there, unbind),
		cmocka_unit_test_teardown(synthetic_is_refused, unbind),
		cmocka_unit_test(memory_goes_to_a_node),
		cmocka_unit_test(what_is_loaded),
		cmocka_unit_test(lists),
	};

	return cmocka_run_group_tests(tests, remember, forget);
}
