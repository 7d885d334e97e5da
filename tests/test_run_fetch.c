/*
 * The fetch-* executables as a user runs them: the lines they print against three real servers,
 * the row, and the evidence that puts each model into its quadrant.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "tests/fetching.h"
#include "tests/peer.h"
#include "tests/serving.h"

static struct child origin;
static char url[64], slow_url[64];

static int start(void **state)
{
	unsigned port = peer_origin(&origin, NULL);

	snprintf(url, sizeof(url), "http://127.0.0.1:%u/", port);
	snprintf(slow_url, sizeof(slow_url), "http://127.0.0.1:%u/delay/5ms", port);
	return serving_make_folder(state);
}

static int stop(void **state)
{
	peer_origin_end(&origin);
	child_free(&origin);
	return serving_remove_folder(state);
}

/* "Downloaded N sites in S seconds" and nothing behind it. */
static void assert_closing(const char *text, int sites)
{
	double seconds;
	int count, end = 0;

	if (sscanf(text, "Downloaded %d sites in %lf seconds%n", &count, &seconds, &end) != 2 ||
	    strcmp(text + end, "\n") != 0)
		fail_msg("'%s' is not the closing line", text);
	assert_int_equal(count, sites);
}

static void assert_fetches(const char *model, const char *where, int size, int status)
{
	const char *const arguments[] = {where, where, NULL};
	char expected[512];
	struct child child;

	if (fetching_run(&child, model, arguments) != 0)
		fail_msg("fetch-%s %s: %s", model, where, child.err.text);
	snprintf(expected, sizeof(expected),
		 "Read Contents: %d, Status Code: %d from %s\n"
		 "Read Contents: %d, Status Code: %d from %s\n",
		 size, status, where, size, status, where);
	if (strncmp(child.out.text, expected, strlen(expected)) != 0)
		fail_msg("fetch-%s printed '%s'", model, child.out.text);
	assert_closing(child.out.text + strlen(expected), 2);
	assert_string_equal(child.err.text, "");
	child_free(&child);
}

static void lines_of_the_origin(void **state)
{
	char large[96], none[96], missing[96];

	(void)state;
	snprintf(large, sizeof(large), "%sbytes/1000000", url);
	snprintf(none, sizeof(none), "%sstatus/204", url);
	snprintf(missing, sizeof(missing), "%sbytes/0", url);
	for (int i = 0; i < FETCHING_ALL; i++) {
		assert_fetches(fetching_all[i], url, 24, 200);
		assert_fetches(fetching_all[i], large, 1000000, 200);
		assert_fetches(fetching_all[i], none, 0, 204);
		assert_fetches(fetching_all[i], missing, 0, 200);
	}
}

static void lines_of_nginx(void **state)
{
	static const char page[] = "<p>thirty-one bytes of text</p>";
	unsigned port = serving_free_port();
	char servers[64], where[96];
	struct child nginx;

	(void)state;
	serving_put("site/page.html", page, strlen(page));
	snprintf(servers, sizeof(servers), "server { listen 127.0.0.1:%u; }", port);
	serving_nginx(&nginx, servers, port);
	snprintf(where, sizeof(where), "http://127.0.0.1:%u/page.html", port);
	for (int i = 0; i < FETCHING_ALL; i++)
		assert_fetches(fetching_all[i], where, 31, 200);
	child_end(&nginx, SIGTERM, CHILD_LIMIT_MS);
	child_free(&nginx);
}

/* HTTP/1.0, closes after each answer. */
static void lines_of_python(void **state)
{
	struct child python;
	char where[96];

	(void)state;
	serving_put("site/page.txt", "fifteen of them", 15);
	snprintf(where, sizeof(where), "http://localhost:%u/page.txt",
		 serving_http_server(&python));
	for (int i = 0; i < FETCHING_ALL; i++)
		assert_fetches(fetching_all[i], where, 15, 200);
	child_end(&python, SIGTERM, CHILD_LIMIT_MS);
	child_free(&python);
}

static json_t *measure(const char *model, const char *const *arguments)
{
	struct child child;
	json_t *row;

	if (fetching_run(&child, model, arguments) != 0)
		fail_msg("fetch-%s: %s", model, child.err.text);
	row = fetching_row(&child);
	child_free(&child);
	return row;
}

static void assert_text(const json_t *row, const char *key, const char *value)
{
	assert_string_equal(json_string_value(json_object_get(row, key)), value);
}

/* Exactly as many fetches as asked for, whatever the connections and threads. */
static void requests_are_counted(void **state)
{
	static const char *const shapes[][2] = {
		{"-c1", "-t1"}, {"-c7", "-t1"}, {"-c64", "-t2"}, {"-c200", "-t3"}};

	(void)state;
	for (int i = 0; i < FETCHING_ALL; i++) {
		for (size_t shape = 0; shape < 4; shape++) {
			const char *const many[] = {
				shapes[shape][0], shapes[shape][1], "-n101", "--json", url, NULL};
			const char *const one[] = {"-t3", "-n101", "--json", url, NULL};
			json_t *row = measure(fetching_all[i], i == 0 ? one : many);

			assert_int_equal(fetching_number(row, "requests"), 101);
			assert_int_equal(fetching_number(row, "errors"), 0);
			assert_int_equal(fetching_number(row, "body_bytes"), 24);
			json_decref(row);
		}
	}
}

/* With 5 ms to wait for and 16 in flight, each quadrant shows its own evidence. */
static json_t *wait_and_see(const char *model, const char *wait)
{
	const char *const many[] = {"-c16",   "-n1600", "--overlap=thread", "--json", wait,
				    slow_url, NULL};
	const char *const threads[] = {"-t16",	 "-n1600", "--overlap=thread", "--json", wait,
				       slow_url, NULL};
	json_t *row = measure(model, strcmp(model, "blocking") == 0 ? threads : many);

	assert_true(fetching_number(row, "latency_p50_us") >= 5000);
	assert_text(row, "overlap", "thread");
	return row;
}

static void evidence_of_blocking(void **state)
{
	json_t *row = wait_and_see("blocking", "--wait=block");

	(void)state;
	assert_text(row, "quadrant", "sync-blocking");
	assert_true(fetching_number(row, "would_block_per_request") == 0);
	assert_true(fetching_number(row, "overlap_elements_per_s") == 0);
	assert_true(fetching_number(row, "blocked_share") > 0.3);
	assert_true(fetching_number(row, "syscalls_per_request") < 2.1);
	json_decref(row);
}

static void evidence_of_nonblocking(void **state)
{
	json_t *row = wait_and_see("nonblocking", "--wait=spin");

	(void)state;
	assert_text(row, "quadrant", "sync-nonblocking");
	assert_true(fetching_number(row, "would_block_per_request") > 20);
	assert_true(fetching_number(row, "overlap_elements_per_s") > 1e5);
	assert_true(fetching_number(row, "blocked_share") < 0.2);
	assert_null(json_object_get(row, "notifications_per_request"));
	json_decref(row);
}

static void evidence_of_epoll(void **state)
{
	json_t *row = wait_and_see("epoll", "--wait=block");

	(void)state;
	assert_text(row, "quadrant", "async-blocking");
	assert_true(fetching_number(row, "would_block_per_request") < 0.1);
	assert_true(fetching_number(row, "overlap_elements_per_s") == 0);
	assert_true(fetching_number(row, "blocked_share") > 0.3);
	assert_true(fetching_number(row, "notifications_per_request") > 0.9);
	assert_true(fetching_number(row, "notifications_per_request") < 1.1);
	json_decref(row);
}

static void evidence_of_uring(void **state)
{
	json_t *row = wait_and_see("uring", "--wait=spin");

	(void)state;
	assert_text(row, "quadrant", "async-nonblocking");
	assert_true(fetching_number(row, "would_block_per_request") == 0);
	assert_true(fetching_number(row, "overlap_elements_per_s") > 1e5);
	assert_true(fetching_number(row, "blocked_share") < 0.2);
	assert_true(fetching_number(row, "syscalls_per_request") < 3);
	assert_true(fetching_number(row, "notifications_per_request") > 0.9);
	json_decref(row);
	row = wait_and_see("uring", "--wait=block");
	assert_text(row, "quadrant", "async-blocking");
	assert_true(fetching_number(row, "overlap_elements_per_s") == 0);
	assert_true(fetching_number(row, "blocked_share") > 0.3);
	json_decref(row);
}

/* What the model says it called is what strace saw it call. */
static void counts_agree_with_strace(void **state)
{
	(void)state;
	for (int i = 0; i < FETCHING_ALL; i++) {
		const char *path = serving_path("strace.txt");
		char name[64];

		snprintf(name, sizeof(name), "fetch-%s", fetching_all[i]);
		const char *const argv[] = {"strace",
					    "-E",
					    "ASAN_OPTIONS=detect_leaks=0",
					    "-f",
					    "-c",
					    "-o",
					    path,
					    child_program(name),
					    "-n8000",
					    i == 0 ? "-t8" : "-c8",
					    "--json",
					    url,
					    NULL};
		struct child child;

		if (child_run(&child, argv) != 0)
			fail_msg("strace: %s", child.err.text);
		json_t *row = fetching_row(&child);
		double counted = fetching_number(row, "syscalls_per_request") *
				 fetching_number(row, "requests");
		double straced = fetching_straced_calls(path);

		if (straced - counted > 0.01 * straced || counted - straced > 0.01 * straced)
			fail_msg("fetch-%s counted %.0f calls, strace %.0f", fetching_all[i],
				 counted, straced);
		json_decref(row);
		child_free(&child);
	}
}

static void warmup_is_left_out(void **state)
{
	static const char *const arguments[] = {"-c4", "-d200ms", "--warmup=100ms", "--json", NULL};
	const char *full[8];
	json_t *row;

	(void)state;
	memcpy(full, arguments, sizeof(arguments));
	full[4] = slow_url;
	full[5] = NULL;
	row = measure("epoll", full);
	assert_true(fetching_number(row, "duration_s") >= 0.2);
	assert_true(fetching_number(row, "duration_s") < 0.3);
	/* The connections were opened in the warm-up: two calls a fetch and the wait remain. */
	assert_true(fetching_number(row, "syscalls_per_request") <= 3.01);
	json_decref(row);
}

static void csv_and_histogram(void **state)
{
	char csv[128], histogram[128], line[4096];
	const char *const arguments[] = {"-n10",    "--csv", csv, "--histogram",
					 histogram, "-q",    url, NULL};
	int lines = 0;
	FILE *file;

	(void)state;
	snprintf(csv, sizeof(csv), "%s", serving_path("rows.csv"));
	snprintf(histogram, sizeof(histogram), "%s", serving_path("latency.hgrm"));
	for (int i = 0; i < 2; i++) {
		struct child child;

		assert_int_equal(fetching_run(&child, "uring", arguments), 0);
		assert_string_equal(child.out.text, "");
		child_free(&child);
	}
	file = fopen(csv, "r");
	assert_non_null(file);
	while (fgets(line, sizeof(line), file))
		if (lines++ == 0)
			assert_int_equal(strncmp(line, "schema_version,run_id,", 22), 0);
	fclose(file);
	assert_int_equal(lines, 3);
	file = fopen(histogram, "r");
	assert_non_null(file);
	assert_non_null(fgets(line, sizeof(line), file));
	assert_non_null(strstr(line, "Percentile"));
	fclose(file);
}

static void summary_for_people(void **state)
{
	const char *const arguments[] = {"-n300", "-c3", url, NULL};
	struct child child;
	const char *at;

	(void)state;
	assert_int_equal(fetching_run(&child, "epoll", arguments), 0);
	assert_non_null(strstr(child.out.text, "  300 fetches in "));
	at = strstr(child.out.text, "  latency          p50 ");
	assert_non_null(at);
	assert_true(strtod(at + strlen("  latency          p50 "), NULL) > 0);
	/* Of 300, three are above the 99th: the row has it. */
	assert_non_null(strstr(at, "  p99 –  p99.9 –  max "));
	assert_non_null(strstr(at, " µs; –: 300 values are too few\n"));
	at = strstr(child.out.text, "throughput ");
	assert_non_null(at);
	assert_true(strtod(at + strlen("throughput "), NULL) > 1);
	assert_null(memchr(at, '+', strcspn(at, "\n"))); /* 69930, not 6.993e+04 */
	child_free(&child);
}

static void json_is_all_there_is(void **state)
{
	const char *const arguments[] = {"--json", url, NULL};
	json_t *row = measure("epoll", arguments);

	(void)state;
	assert_int_equal(fetching_number(row, "requests"), 1);
	json_decref(row);
}

/* Lockstep answers: sixteen lanes in a thread are measured as sixteen threads are. */
static void lanes_are_measured_as_threads(void **state)
{
	char slow[96];
	const char *const many[] = {"-c16", "-d150ms", "--json", slow, NULL};
	const char *const threads[] = {"-t16", "-d150ms", "--json", slow, NULL};

	(void)state;
	snprintf(slow, sizeof(slow), "%sdelay/100ms", url);
	for (int i = 0; i < FETCHING_ALL; i++) {
		json_t *row = measure(fetching_all[i], i == 0 ? threads : many);

		/* Two fetches a lane, the second begun in time: not one, over a time of two. */
		assert_int_equal(fetching_number(row, "requests"), 32);
		assert_true(fetching_number(row, "throughput_rps") > 100);
		assert_true(fetching_number(row, "throughput_rps") <= 160);
		json_decref(row);
	}
}

static void pinned_is_read_back(void **state)
{
	const char *const arguments[] = {"-n10", "--cpus=0", "--json", url, NULL};
	json_t *row = measure("epoll", arguments);

	(void)state;
	assert_text(row, "cpus", "0");
	assert_text(row, "placement", "cpus");
	json_decref(row);
}

/* Others may have disturbed the run, and then it has their flags too. */
static bool has_flag(const json_t *row, const char *word)
{
	const char *flags = json_string_value(json_object_get(row, "flags"));

	return flags && strstr(flags, word);
}

/* Under a policy, as typed; and somebody who moves the workers meanwhile is in the row. */
static void placed_and_moved(void **state)
{
	static const char *const kinds[] = {"-t2", "-p2"};
	const char *const arguments[] = {"-n10", "--place=numa", "--json", url, NULL};
	json_t *row = measure("epoll", arguments);

	(void)state;
	assert_text(row, "placement", "numa");
	assert_null(strstr(json_string_value(json_object_get(row, "cpus")), "-"));
	assert_false(has_flag(row, "moved"));
	json_decref(row);
	if (sysconf(_SC_NPROCESSORS_ONLN) < 2) {
		print_message("skipped: needs two CPUs\n");
		return;
	}
	for (int k = 0; k < 2; k++) {
		const char *const long_one[] = {child_program("fetch-epoll"),
						"-d1s",
						kinds[k],
						"--cpus=0",
						"--json",
						url,
						NULL};
		struct child child;
		char command[256];

		child_start(&child, long_one);
		usleep(400000);
		snprintf(command, sizeof(command),
			 "for p in %d $(cat /proc/%d/task/*/children); do taskset -ap 3 $p; done "
			 ">/dev/null 2>&1",
			 child.pid, child.pid);
		if (system(command))
			print_message("taskset failed: is it there?\n");
		assert_int_equal(child_wait(&child, CHILD_LIMIT_MS), 0);
		row = fetching_row(&child);
		assert_true(has_flag(row, "moved"));
		json_decref(row);
		child_free(&child);
	}
}

/* Several URLs and hosts in turn, one connection each kept per host. */
static void urls_in_turn(void **state)
{
	struct child second;
	char other[64], expected[256];
	const char *const options[] = {"--body=7", NULL};
	const char *const arguments[] = {"--repeat=3", url, other, NULL};

	(void)state;
	snprintf(other, sizeof(other), "http://127.0.0.1:%u/", peer_origin(&second, options));
	snprintf(expected, sizeof(expected),
		 "Read Contents: 24, Status Code: 200 from %s\n"
		 "Read Contents: 7, Status Code: 200 from %s\n",
		 url, other);
	for (int i = 0; i < FETCHING_ALL; i++) {
		size_t length = strlen(expected);
		struct child child;

		assert_int_equal(fetching_run(&child, fetching_all[i], arguments), 0);
		for (int k = 0; k < 3; k++)
			assert_int_equal(
				strncmp(child.out.text + (size_t)k * length, expected, length), 0);
		assert_closing(child.out.text + 3 * length, 6);
		child_free(&child);
	}
	assert_non_null(strstr(peer_origin_end(&second), "6 connections"));
	child_free(&second);
}

static void interrupted_is_partial(void **state)
{
	(void)state;
	for (int i = 0; i < FETCHING_ALL; i++) {
		char name[64];
		struct child child;
		json_t *row;

		snprintf(name, sizeof(name), "fetch-%s", fetching_all[i]);
		const char *const argv[] = {child_program(name),
					    "-d60s",
					    "-t2",
					    i == 0 ? "-q" : "-c8",
					    "--json",
					    slow_url,
					    NULL};

		child_start(&child, argv);
		usleep(400000);
		assert_int_equal(child_end(&child, SIGINT, CHILD_LIMIT_MS), 130);
		row = fetching_row(&child);
		assert_int_equal(fetching_number(row, "partial"), 1);
		assert_int_equal(fetching_number(row, "errors"), 0);
		assert_true(fetching_number(row, "requests") > 0);
		json_decref(row);
		child_free(&child);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_of_the_origin),
		cmocka_unit_test(lines_of_nginx),
		cmocka_unit_test(lines_of_python),
		cmocka_unit_test(requests_are_counted),
		cmocka_unit_test(evidence_of_blocking),
		cmocka_unit_test(evidence_of_nonblocking),
		cmocka_unit_test(evidence_of_epoll),
		cmocka_unit_test(evidence_of_uring),
		cmocka_unit_test(counts_agree_with_strace),
		cmocka_unit_test(warmup_is_left_out),
		cmocka_unit_test(csv_and_histogram),
		cmocka_unit_test(summary_for_people),
		cmocka_unit_test(json_is_all_there_is),
		cmocka_unit_test(lanes_are_measured_as_threads),
		cmocka_unit_test(pinned_is_read_back),
		cmocka_unit_test(placed_and_moved),
		cmocka_unit_test(urls_in_turn),
		cmocka_unit_test(interrupted_is_partial),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
