/*
 * The origin's command line: what it is told is what it does, what it says at its end is what it
 * did, and what it cannot make sense of ends it with one line and the documented status.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "lab/origin_fault.h"
#include "tests/peer.h"

static struct child origin;
static struct peer peer;

/* A program that a failed test left behind would spoil the next test. */
static int clean(void **state)
{
	(void)state;
	child_free(&origin);
	return 0;
}

/* The closing line counts exactly; CPU time per request only where there were requests. */
static void closing_line(void **state)
{
	struct answer answer;
	uint64_t size = 0;
	char expected[128];
	const char *line;

	(void)state;
	for (int signal = SIGINT; signal <= SIGTERM; signal += SIGTERM - SIGINT) {
		peer_open(&peer, peer_origin(&origin, NULL), 0);
		for (unsigned i = 0; i < 5; i++) {
			peer_get(&peer, "/bytes/100000");
			peer_answer(&peer, &answer, false);
			size += strlen(answer.head) + answer.body_size;
		}
		assert_int_equal(child_end(&origin, signal, CHILD_LIMIT_MS), 0);
		line = child_line(&origin, 0);
		snprintf(expected, sizeof(expected),
			 "Served 5 requests on 1 connections, %" PRIu64 " bytes, ", size);
		assert_ptr_equal(strstr(line, expected), line);
		assert_non_null(strstr(line, " µs CPU per request"));
		peer_close(&peer);
		child_free(&origin);
		size = 0;
	}
	peer_origin(&origin, NULL);
	line = peer_origin_end(&origin);
	assert_ptr_equal(strstr(line, "Served 0 requests on 0 connections, 0 bytes, "), line);
	assert_null(strstr(line, "per request"));
}

static void wrong_command_lines(void **state)
{
	static const struct {
		const char *option;
		int status;
	} rows[] = {
		{"--latency=5x", 2},
		{"--latency=uniform:5ms:1ms", 2},
		{"--latency=lognormal:5ms:x", 2},
		{"--listen=nowhere:80", 2},
		{"--listen=127.0.0.1", 2},
		{"--listen=127.0.0.1:65536", 2},
		{"--listen=192.0.2.1:0", 3}, /* RFC 5737: nobody's address */
		{"--threads=0", 2},
		{"--threads=x", 2},
		{"--body=x", 2},
		{"--cpus=", 2},
		{"--cpus=x", 2},
		{"--cpus=4095", 3},
		{"--latencyy=1ms", 2},
		{"--listen-tls=x", 2},
		{"--tls=x", 2},
		{"operand", 2},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *const argv[] = {child_program("origin"), rows[i].option, NULL};

		assert_int_equal(child_run(&origin, argv), rows[i].status);
		assert_string_equal(origin.out.text, "");
		assert_true(child_one_line(origin.err.text));
		child_free(&origin);
	}
}

/* Several addresses: a line each, in their order, and all served. More than there may be: no. */
static void several(void **state)
{
	const char *const options[] = {"--listen=127.0.0.1:0", "--listen=127.0.0.1:0",
				       "--listen=127.0.0.1:0", "--threads=2", NULL};
	const char *too_many[32] = {child_program("origin")};
	unsigned ports[3];

	(void)state;
	ports[0] = peer_origin(&origin, options);
	for (unsigned i = 1; i < 3; i++) {
		const char *line = child_line(&origin, CHILD_LIMIT_MS);

		assert_non_null(line);
		assert_int_equal(sscanf(line, "Listening on http://127.0.0.1:%u/", &ports[i]), 1);
	}
	for (unsigned i = 0; i < 9; i++) {
		peer_open(&peer, ports[i % 3], 0);
		peer_get(&peer, "/bytes/9");
		peer_expect(&peer, 200, 9);
		peer_close(&peer);
	}
	assert_non_null(strstr(peer_origin_end(&origin), "Served 9 requests on 9 connections"));
	child_free(&origin);
	for (unsigned i = 1; i < 18; i++)
		too_many[i] = "--listen=127.0.0.1:0";
	assert_int_equal(child_run(&origin, too_many), 2);
	assert_true(child_one_line(origin.err.text));
}

/* Every fault that there is is listed, and every path. */
static void help_lists_all(void **state)
{
	static const char *const words[] = {"/chunked/N", "/close/N", "/gzip/N",
					    "/br/N",	  "/zstd/N",  "/redirect-to/URL",
					    "/loop",	  "/continue"};
	const char *const argv[] = {child_program("origin"), "--help", NULL};

	(void)state;
	assert_int_equal(child_run(&origin, argv), 0);
	for (const struct origin_fault *fault = origin_faults; fault->name; fault++) {
		assert_non_null(strstr(origin.out.text, fault->name));
		assert_non_null(strstr(origin.out.text, fault->help));
	}
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		assert_non_null(strstr(origin.out.text, words[i]));
}

static void address_in_use(void **state)
{
	char listen[64];
	const char *const argv[] = {child_program("origin"), listen, NULL};
	struct child second;

	(void)state;
	snprintf(listen, sizeof(listen), "--listen=127.0.0.1:%u", peer_origin(&origin, NULL));
	assert_int_equal(child_run(&second, argv), 3);
	assert_true(child_one_line(second.err.text));
	assert_non_null(strstr(second.err.text, listen + strlen("--listen=")));
	child_free(&second);
	peer_origin_end(&origin);
}

/* Bound as told: the kernel's own list of where the threads may run says so. */
static void bound(void **state)
{
	const char *const options[] = {"--cpus=0", NULL};
	char path[64], line[256];
	FILE *status;
	bool seen = false;

	(void)state;
	peer_origin(&origin, options);
	snprintf(path, sizeof(path), "/proc/%d/status", (int)origin.pid);
	status = fopen(path, "r");
	while (status && fgets(line, sizeof(line), status))
		if (strcmp(line, "Cpus_allowed_list:\t0\n") == 0)
			seen = true;
	if (status)
		fclose(status);
	assert_true(seen);
	peer_origin_end(&origin);
}

/* By somebody else's client, also over IPv6 and with a loop that never sleeps. */
static void by_curl(void **state)
{
	static const char *const addresses[] = {"--listen=127.0.0.1:0", "--listen=[::1]:0"};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		const char *const argv[] = {child_program("origin"), addresses[i], "--busy", NULL};
		char url[128];
		const char *const curl[] = {"curl", "-sSg", "--max-time", "20", url, NULL};
		const char *line;
		struct child client;

		child_start(&origin, argv);
		line = child_line(&origin, CHILD_LIMIT_MS);
		if (!line && i == 1) {
			print_message("no IPv6 here: %s", origin.err.text);
			return;
		}
		assert_non_null(line);
		snprintf(url, sizeof(url), "%sbytes/30", line + strlen("Listening on "));
		assert_int_equal(child_run(&client, curl), 0);
		assert_string_equal(client.out.text, "0123456789ABCDEFGHIJKLMNOPQRST");
		child_free(&client);
		peer_origin_end(&origin);
		child_free(&origin);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(closing_line, clean),
		cmocka_unit_test_teardown(wrong_command_lines, clean),
		cmocka_unit_test_teardown(several, clean),
		cmocka_unit_test_teardown(help_lists_all, clean),
		cmocka_unit_test_teardown(address_in_use, clean),
		cmocka_unit_test_teardown(bound, clean),
		cmocka_unit_test_teardown(by_curl, clean),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
