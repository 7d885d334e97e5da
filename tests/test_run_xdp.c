/*
 * The evidence that fetch-xdp gives of itself, its variants, and what it leaves behind when it is
 * killed: nothing. Its siblings look at the bodies, at losses and at bad input.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <cmocka.h>

#include "tests/bypassing.h"
#include "tests/fetching.h"
#include "tests/serving.h"
#include "tests/veth.h"

/* One frame each way a fetch, and what was asked for is what is in effect. */
static void evidence(void **state)
{
	(void)state;
	bypassing_need();
	char url[96];
	struct bypassing_words words = {{"-c64", "-n6400", "--json", "--xdp=copy,native", url}, 5};
	struct child child;

	bypassing_url(url, "/");
	if (bypassing_run(&child, &words) != 0)
		fail_msg("%s", child.err.text);
	json_t *row = fetching_row(&child);

	assert_string_equal(json_string_value(json_object_get(row, "variant_effective")),
			    "native,copy");
	assert_string_equal(json_string_value(json_object_get(row, "variant_requested")),
			    "copy,native");
	assert_true(fetching_number(row, "frames_sent_per_request") < 1.1);
	assert_true(fetching_number(row, "frames_received_per_request") < 1.2);
	assert_true(fetching_number(row, "frames_sent_per_request") >= 1);
	assert_true(fetching_number(row, "frames_received_per_request") >= 1);
	/* A frame is one, however it was waited for. */
	assert_true(fetching_number(row, "notifications_per_request") ==
		    fetching_number(row, "frames_received_per_request"));
	assert_true(fetching_number(row, "kicks_per_request") > 0);
	assert_true(fetching_number(row, "kicks_per_request") <=
		    fetching_number(row, "syscalls_per_request"));
	assert_true(fetching_number(row, "frames_per_batch") >= 1);
	assert_int_equal(fetching_number(row, "frames_dropped"), 0);
	assert_int_equal(fetching_number(row, "frames_lost"), 0);
	json_decref(row);
	child_free(&child);
}

/* What it says it called is what strace saw it call; a thread that spins never waits. */
static void counts_agree_with_strace(void **state)
{
	static const char *const waits[] = {"--wait=block", "--wait=spin"};

	(void)state;
	bypassing_need();
	char url[96];

	bypassing_url(url, "/delay/1ms");
	for (unsigned i = 0; i < 2; i++) {
		const char *trace = serving_path("trace");
		const struct bypassing_words words = {
			{"strace", "-E", "ASAN_OPTIONS=detect_leaks=0", "-f", "-qq", "-e",
			 "trace=sendto,recvfrom,poll,ppoll", "-o", trace,
			 child_program("fetch-xdp"), "-n1000", "-c4", "--json", waits[i], url},
			15};
		struct child child;
		size_t size;

		veth_to_clients();
		child_start(&child, words.list);
		veth_to_servers();
		if (child_wait(&child, BYPASSING_LIMIT_MS) != 0)
			fail_msg("strace: %s", child.err.text);
		json_t *row = fetching_row(&child);
		char *text = serving_read(trace, &size);
		double counted = fetching_number(row, "syscalls_per_request") * 1000;
		double seen = fetching_lines(text, "(", " = ");

		/* Before the run it asks about the interface and for the server's address. */
		if (seen < counted || seen > counted + 60)
			fail_msg("%s: counted %.0f calls, strace %.0f", waits[i], counted, seen);
		assert_true(counted > 100);
		/* Spinning, it waits for the server's address alone, before the run. */
		assert_true(i ? fetching_lines(text, "poll(", "") <= 20
			      : fetching_lines(text, "poll(", "") > 100);
		free(text);
		json_decref(row);
		child_free(&child);
	}
}

/* In the kernel's network code instead of the driver's, and looking into the queue at each call. */
static void variants(void **state)
{
	static const struct {
		const char *option, *effective;
	} rows[] = {{"--xdp=generic", "generic,copy"},
		    {"--xdp=native", "native,copy"},
		    {"--xdp=busy-poll:20us", "native,copy,busy-poll:20us"},
		    {"--xdp=drop:1,seed:7", "native,copy,drop:1,seed:7"}};

	(void)state;
	bypassing_need();
	struct bypassing_site site;
	size_t size;

	bypassing_make_site(&site, "http", bypassing_origin[0], "/bytes/");
	char *bytes = bypassing_by_curl(&site, &size);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *const options[] = {"-c16", "-n176", rows[i].option, NULL};
		json_t *row = bypassing_fetch_all(&site, options, bytes, size);
		const char *effective =
			json_string_value(json_object_get(row, "variant_effective"));

		if (strncmp(effective, rows[i].effective, strlen(rows[i].effective)) != 0)
			fail_msg("%s: %s is in effect", rows[i].option, effective);
		json_decref(row);
	}
	free(bytes);
}

/* --- killed --------------------------------------------------------------------------------- */

static int by_id(int command, uint32_t id)
{
	union bpf_attr attribute = {.prog_id = id};

	return (int)syscall(SYS_bpf, command, &attribute, sizeof(attribute));
}

/* The ids of a program's maps; how many. */
static unsigned maps_of(uint32_t program, uint32_t maps[8])
{
	struct bpf_prog_info info = {.nr_map_ids = 8, .map_ids = (uintptr_t)maps};
	int fd = by_id(BPF_PROG_GET_FD_BY_ID, program);
	union bpf_attr attribute = {.info = {.bpf_fd = (uint32_t)fd,
					     .info_len = sizeof(info),
					     .info = (uintptr_t)&info}};

	assert_true(fd >= 0);
	assert_int_equal(syscall(SYS_bpf, BPF_OBJ_GET_INFO_BY_FD, &attribute, sizeof(attribute)),
			 0);
	close(fd);
	return info.nr_map_ids;
}

/* The kernel frees what nobody holds a moment later. */
static void assert_gone(int command, uint32_t id)
{
	for (unsigned i = 0; i < 500; i++) {
		int fd = by_id(command, id);

		if (fd < 0 && errno == ENOENT)
			return;
		if (fd >= 0)
			close(fd);
		usleep(10000);
	}
	fail_msg("object %u is still there", id);
}

static void killed(void **state)
{
	(void)state;
	bypassing_need();
	char url[96];
	const struct bypassing_words words = {{"-c64", "-d60s", "--xdp=drop:1", url}, 4};

	bypassing_url(url, "/");
	for (unsigned i = 0; i < 12; i++) {
		uint32_t maps[8];
		struct child child;

		bypassing_start(&child, &words);
		unsigned program = bypassing_wait_for_program(&child);
		unsigned count = maps_of(program, maps);

		assert_int_equal(count, 2);
		usleep(1000 * i);
		/* A kill, Ctrl-C, and the polite way. */
		child_end(&child,
			  i % 3 == 0   ? SIGKILL
			  : i % 3 == 1 ? SIGINT
				       : SIGTERM,
			  CHILD_LIMIT_MS);
		child_free(&child);
		assert_gone(BPF_PROG_GET_FD_BY_ID, program);
		for (unsigned m = 0; m < count; m++)
			assert_gone(BPF_MAP_GET_FD_BY_ID, maps[m]);
		assert_int_equal(veth_program(), 0);
	}
	/* And the kernel has its interface back. */
	struct bypassing_site site;
	size_t size;

	bypassing_make_site(&site, "http", bypassing_origin[0], "/bytes/");
	free(bypassing_by_curl(&site, &size));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(evidence),
		cmocka_unit_test(counts_agree_with_strace),
		cmocka_unit_test(variants),
		cmocka_unit_test_setup_teardown(killed, bypassing_remember, bypassing_compare),
	};

	return cmocka_run_group_tests(tests, bypassing_set_up, bypassing_tear_down);
}
