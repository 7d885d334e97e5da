/*
 * topology/draw: golden drawings of small machines, and for large ones what makes them readable:
 * few lines, none too wide, all equally wide, and everyone is in them.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "topology/draw.h"

static char *text;
static size_t text_size;

/* Draws into text; the caller frees it. */
static void draw(const char *description, const char *allowed_list,
		 const struct place_request *request, enum draw_style style)
{
	FILE *file = open_memstream(&text, &text_size);
	struct place_answer answer = {0};
	hwloc_topology_t topology;
	hwloc_bitmap_t allowed;
	char why[300] = "";

	assert_non_null(file);
	assert_int_equal(hwloc_topology_init(&topology), 0);
	assert_int_equal(hwloc_topology_set_synthetic(topology, description), 0);
	assert_int_equal(hwloc_topology_load(topology), 0);
	allowed = hwloc_bitmap_dup(hwloc_topology_get_topology_cpuset(topology));
	if (allowed_list)
		assert_true(hwloc_bitmap_list_sscanf(allowed, allowed_list) >= 0);
	if (request)
		assert_int_equal(
			place_decide(topology, allowed, request, &answer, why, sizeof(why)), 0);
	assert_int_equal(draw_machine(file, topology, allowed, request ? &answer : NULL, style), 0);
	assert_int_equal(fclose(file), 0);
	place_release(&answer);
	hwloc_bitmap_free(allowed);
	hwloc_topology_destroy(topology);
}

static unsigned count_lines(void)
{
	unsigned lines = 0;

	for (const char *p = text; *p; p++)
		lines += *p == '\n';
	return lines;
}

/* Every line of a drawing has the same number of columns, and no more than the width. */
static void assert_square(void)
{
	size_t width = 0, columns = 0;

	for (const char *p = text; *p; p++) {
		if (*p == '\n') {
			if (width)
				assert_int_equal(columns, width);
			width = columns;
			columns = 0;
		} else {
			columns += ((unsigned char)*p & 0xc0) != 0x80;
		}
	}
	assert_true(width > 0 && width <= DRAW_WIDTH);
}

static void two_cpus(void **state)
{
	static const struct place_request request = {.workers = 1, .origin_threads = 1};

	(void)state;
	draw("pack:1 l3:1(size=33554432) core:2 pu:1", NULL, &request, DRAW_UNICODE);
	assert_string_equal(text, "┌ package 0 ──────────────────────────────┐\n"
				  "│ NUMA 0, L3 0 (32 MiB)                   │\n"
				  "│ ┌ core 0 ─────────┐ ┌ core 1 ─────────┐ │\n"
				  "│ │ CPU 0  worker 0 │ │ CPU 1  origin 0 │ │\n"
				  "│ └─────────────────┘ └─────────────────┘ │\n"
				  "└─────────────────────────────────────────┘\n");
	free(text);
}

static void siblings_in_ascii(void **state)
{
	static const struct place_request request = {
		.workers = 1, .origin_threads = 1, .pollers = 1};

	(void)state;
	draw("numa:2 core:2 pu:2", "0-4", &request, DRAW_ASCII);
	assert_string_equal(text, "+ machine --------------------------------------+\n"
				  "| NUMA 0                                        |\n"
				  "| + core 0 ---------+ + core 1 ---------+       |\n"
				  "| | CPU 0  worker 0 | | CPU 2  origin 0 |       |\n"
				  "| | CPU 1  free     | | CPU 3  free     |       |\n"
				  "| +-----------------+ +-----------------+       |\n"
				  "| NUMA 1                                        |\n"
				  "| + core 2 ------------+ + core 3 ------------+ |\n"
				  "| | CPU 4  poller 0    | | CPU 6  not allowed | |\n"
				  "| | CPU 5  not allowed | | CPU 7  not allowed | |\n"
				  "| +--------------------+ +--------------------+ |\n"
				  "+-----------------------------------------------+\n");
	free(text);
}

static void an_empty_machine(void **state)
{
	(void)state;
	draw("pack:2 core:2 pu:1", NULL, NULL, DRAW_ASCII);
	assert_non_null(strstr(text, "package 1"));
	assert_non_null(strstr(text, "CPU 3  free"));
	assert_null(strstr(text, "worker"));
	assert_square();
	free(text);
}

/* 128 cores, mostly alike, take a screen; who differs keeps a box of his own. */
static void a_large_machine(void **state)
{
	static const struct place_request request = {
		.workers = 9, .origin_threads = 2, .pollers = 1};

	(void)state;
	draw("pack:2 [numa] l3:8 core:8 pu:2", NULL, &request, DRAW_UNICODE);
	assert_square();
	assert_true(count_lines() <= 32);
	assert_non_null(strstr(text, "CPU 0,2..14  workers 0-7"));
	assert_non_null(strstr(text, "CPU 16  worker 8"));
	assert_non_null(strstr(text, "origin 0-1"));
	assert_non_null(strstr(text, "poller 0"));
	assert_non_null(strstr(text, "NUMA 0, L3 2-7 (16 MiB each)"));
	assert_non_null(strstr(text, "cores 64-127"));
	free(text);
}

static void every_machine_is_square(void **state)
{
	static const char *const machines[] = {
		"pack:1 core:1 pu:1",
		"pack:1 pu:3",
		"core:17 pu:4",
		"pack:1 core:128 pu:1",
		"pack:4 l3:2 core:2 pu:2",
		"numa:2 l3:3 core:5 pu:2",
	};

	(void)state;
	for (size_t m = 0; m < sizeof(machines) / sizeof(machines[0]); m++) {
		for (unsigned policy = PLACE_COMPACT; policy <= PLACE_NONE; policy++) {
			for (unsigned workers = 1; workers < 40; workers += 6) {
				struct place_request request = {.policy = policy,
								.workers = workers,
								.origin_threads = 1,
								.pollers = workers / 6};

				draw(machines[m], NULL, &request, policy % 2);
				assert_square();
				free(text);
			}
		}
	}
}

static void a_file_that_fails(void **state)
{
	FILE *file = fopen("/dev/full", "w");
	hwloc_topology_t topology;

	(void)state;
	assert_non_null(file);
	setvbuf(file, NULL, _IONBF, 0);
	assert_int_equal(hwloc_topology_init(&topology), 0);
	assert_int_equal(hwloc_topology_set_synthetic(topology, "core:1 pu:1"), 0);
	assert_int_equal(hwloc_topology_load(topology), 0);
	assert_int_equal(draw_machine(file, topology, hwloc_topology_get_topology_cpuset(topology),
				      NULL, DRAW_ASCII),
			 -EIO);
	fclose(file);
	hwloc_topology_destroy(topology);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_cpus),
		cmocka_unit_test(siblings_in_ascii),
		cmocka_unit_test(an_empty_machine),
		cmocka_unit_test(a_large_machine),
		cmocka_unit_test(every_machine_is_square),
		cmocka_unit_test(a_file_that_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
