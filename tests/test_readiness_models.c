/*
 * select, poll, epoll's variants and none as executables: the lines of a person's fetches, the
 * evidence of their quadrants, their counts against strace's, their limits, and servers that end
 * a connection at an awkward moment.
 */
#include <netinet/in.h>
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

#define OK_HEAD "HTTP/1.1 200 OK\r\n"

/* A model and the option that makes its variant; one that says what is the default anyway. */
static const struct {
	const char *model, *option;
} rows[] = {
	{"select", "--wait=block"}, {"select", "--wait=spin"}, {"poll", "--wait=block"},
	{"poll", "--wait=spin"},    {"epoll", "--epoll=edge"}, {"epoll", "--epoll=level"},
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

static struct child origin;
static char url[64], slow_url[64];
static char trace[] = "/tmp/iolab-strace-XXXXXX";

static int start(void **state)
{
	unsigned port = peer_origin(&origin, NULL);
	int fd = mkstemp(trace);

	(void)state;
	close(fd);
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/", port);
	snprintf(slow_url, sizeof(slow_url), "http://127.0.0.1:%u/delay/5ms", port);
	return fd < 0 ? -1 : 0;
}

static int stop(void **state)
{
	(void)state;
	peer_origin_end(&origin);
	child_free(&origin);
	return unlink(trace);
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

static void assert_fetches(const char *model, const char *option, const char *where, int size,
			   int status)
{
	const char *const arguments[] = {option, where, where, NULL};
	char expected[512];
	struct child child;

	if (fetching_run(&child, model, arguments) != 0)
		fail_msg("fetch-%s %s %s: %s", model, option, where, child.err.text);
	snprintf(expected, sizeof(expected),
		 "Read Contents: %d, Status Code: %d from %s\n"
		 "Read Contents: %d, Status Code: %d from %s\n",
		 size, status, where, size, status, where);
	if (strncmp(child.out.text, expected, strlen(expected)) != 0)
		fail_msg("fetch-%s %s printed '%s'", model, option, child.out.text);
	assert_closing(child.out.text + strlen(expected), 2);
	assert_string_equal(child.err.text, "");
	child_free(&child);
}

static void lines(void **state)
{
	char large[96], none[96];

	(void)state;
	snprintf(large, sizeof(large), "%sbytes/1000000", url);
	snprintf(none, sizeof(none), "%sstatus/204", url);
	for (size_t i = 0; i < ROWS; i++) {
		assert_fetches(rows[i].model, rows[i].option, url, 24, 200);
		assert_fetches(rows[i].model, rows[i].option, large, 1000000, 200);
		assert_fetches(rows[i].model, rows[i].option, none, 0, 204);
	}
}

static json_t *measure(const char *model, const char *const *arguments)
{
	struct child child;
	json_t *row;

	if (fetching_run(&child, model, arguments) != 0)
		fail_msg("fetch-%s: %s", model, child.err.text);
	assert_string_equal(child.err.text, "");
	row = fetching_row(&child);
	child_free(&child);
	return row;
}

static void assert_text(const json_t *row, const char *key, const char *value)
{
	assert_string_equal(json_string_value(json_object_get(row, key)), value);
}

/* Exactly as many fetches as asked for; with 200 lanes many have none, or end before others. */
static void requests_are_counted(void **state)
{
	static const char *const shapes[][2] = {
		{"-c1", "-t1"}, {"-c7", "-t1"}, {"-c64", "-t2"}, {"-c200", "-t3"}};

	(void)state;
	for (size_t i = 0; i < ROWS; i++) {
		for (size_t shape = 0; shape < 4; shape++) {
			const char *const arguments[] = {shapes[shape][0],
							 shapes[shape][1],
							 "-n101",
							 rows[i].option,
							 "--json",
							 url,
							 NULL};
			json_t *row = measure(rows[i].model, arguments);

			assert_int_equal(fetching_number(row, "requests"), 101);
			assert_int_equal(fetching_number(row, "errors"), 0);
			assert_int_equal(fetching_number(row, "body_bytes"), 24);
			json_decref(row);
		}
	}
}

/* Sixteen in flight with 5 ms to wait for: asleep in the call, or busy with squares. */
static void evidence(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS; i++) {
		const char *const arguments[] = {"-c16",   "-n1600",	   "--overlap=thread",
						 "--json", rows[i].option, slow_url,
						 NULL};
		json_t *row = measure(rows[i].model, arguments);
		bool spins = strstr(rows[i].option, "spin");
		double squares = fetching_number(row, "overlap_elements_per_s");
		double sleeps = fetching_number(row, "voluntary_switches_per_request");

		assert_text(row, "quadrant", spins ? "async-nonblocking" : "async-blocking");
		assert_true(spins ? squares > 1e5 : squares == 0);
		/* Sixteen answers may end one sleep, on however busy a machine. */
		assert_true(spins ? sleeps < 0.02 : sleeps > 0.05);
		assert_true(fetching_number(row, "latency_p50_us") >= 5000);
		assert_true(fetching_number(row, "would_block_per_request") < 0.1);
		assert_true(fetching_number(row, "notifications_per_request") > 0.9);
		assert_true(fetching_number(row, "notifications_per_request") < 1.1);
		json_decref(row);
	}
}

/* Runs a model under strace; returns its row, and what strace counted. */
static json_t *measure_straced(const char *model, const char *option, const char *connections,
			       double *straced)
{
	char name[64];

	snprintf(name, sizeof(name), "fetch-%s", model);
	const char *const argv[] = {"strace",
				    "-E",
				    "ASAN_OPTIONS=detect_leaks=0",
				    "-f",
				    "-c",
				    "-o",
				    trace,
				    child_program(name),
				    "-n4000",
				    connections,
				    option,
				    "--json",
				    url,
				    NULL};
	struct child child;
	json_t *row;

	if (child_run(&child, argv) != 0)
		fail_msg("strace fetch-%s: %s", model, child.err.text);
	row = fetching_row(&child);
	*straced = fetching_straced_calls(trace);
	child_free(&child);
	return row;
}

/* What a model says it called is what strace saw it call; of one connection, and of many. */
static void counts_agree_with_strace(void **state)
{
	static const char *const connections[] = {"-c1", "-c400"};

	(void)state;
	for (size_t i = 0; i < 2 * ROWS; i++) {
		const char *model = rows[i / 2].model, *option = rows[i / 2].option;
		double straced;
		json_t *row = measure_straced(model, option, connections[i % 2], &straced);
		double counted = fetching_number(row, "syscalls_per_request") *
				 fetching_number(row, "requests");

		assert_int_equal(fetching_number(row, "requests"), 4000);
		if (straced - counted > 0.01 * straced || counted - straced > 0.01 * straced)
			fail_msg("fetch-%s %s counted %.0f calls, strace %.0f", model, option,
				 counted, straced);
		json_decref(row);
	}
}

/* None makes no call, needs nobody to answer, and is measured like the others. */
static void none_is_the_harness_alone(void **state)
{
	static const char nowhere[] = "http://127.0.0.1:1/";
	const char *const arguments[] = {"-n4001", "-c64", "-t3", "--json", nowhere, NULL};
	const char *const timed[] = {"-d50ms", "--warmup=20ms", "-c5", "--json", nowhere, NULL};
	double straced;
	json_t *row;

	(void)state;
	assert_fetches("none", "--wait=block", nowhere, 24, 200);
	row = measure("none", arguments);
	assert_int_equal(fetching_number(row, "requests"), 4001);
	assert_int_equal(fetching_number(row, "errors"), 0);
	assert_int_equal(fetching_number(row, "body_bytes"), 24);
	assert_true(fetching_number(row, "latency_p50_us") >= 0);
	assert_true(fetching_number(row, "throughput_rps") > 1000);
	assert_null(json_object_get(row, "quadrant"));
	assert_null(json_object_get(row, "notification"));
	json_decref(row);
	row = measure("none", timed);
	assert_true(fetching_number(row, "duration_s") >= 0.05);
	assert_true(fetching_number(row, "requests") > 100);
	json_decref(row);
	row = measure_straced("none", "--wait=block", "-c64", &straced);
	assert_true(straced == 0);
	assert_true(fetching_number(row, "syscalls_per_request") == 0);
	json_decref(row);
}

static void assert_refused(const char *model, const char *const *arguments, int status,
			   const char *says)
{
	struct child child;
	int got = fetching_run(&child, model, arguments);

	if (got != status || !child_one_line(child.err.text) || !strstr(child.err.text, says))
		fail_msg("fetch-%s: status %d, expected %d and '%s'; stderr: '%s'", model, got,
			 status, says, child.err.text);
	assert_string_equal(child.out.text, "");
	child_free(&child);
}

static void limits_of_select(void **state)
{
	const char *const fit[] = {"-c1000", "-n3000", "--json", url, NULL};
	const char *const many[] = {"-c1024", "-n10", url, NULL};
	/* Each worker's would fit. */
	const char *const shared[] = {"-c1200", "-t2", "-n10", url, NULL};
	json_t *row = measure("select", fit);

	(void)state;
	assert_int_equal(fetching_number(row, "requests"), 3000);
	assert_int_equal(fetching_number(row, "errors"), 0);
	json_decref(row);
	assert_refused("select", many, 3, "FD_SETSIZE, 1024, of which");
	assert_refused("select", shared, 3, "too few for 1200 connections");
}

static void variants_of_epoll(void **state)
{
	static const char *const wrong[][3] = {
		{"--epoll=edge,level", "--wait=block", "edge and level exclude each other"},
		{"--epoll=busy-poll", "--wait=block", "busy-poll needs a value"},
		{"--epoll=busy-poll:1500ns", "--wait=block", "whole microseconds"},
		{"--epoll=busy-poll:0us", "--wait=block", "whole microseconds"},
		{"--epoll=busy-poll:20us", "--wait=spin", "--wait block"},
		{"--epoll=buffers", "--wait=block", "buffers needs a value"},
		{"--epoll=buffers:1", "--wait=block", "buffers takes from 2 to 4096"},
		{"--epoll=levle", "--wait=block", "did you mean level?"},
	};
	const char *const plain[] = {"-n10", "--json", url, NULL};
	const char *const level[] = {"-n10", "--epoll=level", "--json", url, NULL};
	char large[160];
	const char *const buffers[] = {"-n400",	 "-c16", "--epoll=buffers:64",
				       "--json", large,	 NULL};
	json_t *row = measure("epoll", plain);

	(void)state;
	snprintf(large, sizeof(large), "%sbytes/200k", url);
	assert_text(row, "variant_effective", "edge");
	json_decref(row);
	row = measure("epoll", level);
	assert_text(row, "variant_requested", "level");
	assert_text(row, "variant_effective", "level");
	json_decref(row);
	row = measure("epoll", buffers);
	assert_text(row, "variant_effective", "edge,buffers:64");
	assert_int_equal(fetching_number(row, "errors"), 0);
	json_decref(row);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		const char *const arguments[] = {wrong[i][0], wrong[i][1], "-n10", url, NULL};

		assert_refused("epoll", arguments, 2, wrong[i][2]);
	}
}

/* In effect, or refused with the reason; on loopback it says that it cannot act. */
static void busy_poll(void **state)
{
	const char *const arguments[] = {"-n10", "--epoll=level,busy-poll:20us", "--json", url,
					 NULL};
	struct child child;
	int status = fetching_run(&child, "epoll", arguments);

	(void)state;
	if (status == 3) {
		assert_true(child_one_line(child.err.text));
		assert_non_null(strstr(child.err.text, "busy-poll: the kernel refuses it: "));
		print_message("%s", child.err.text);
	} else {
		json_t *row = fetching_row(&child);

		assert_int_equal(status, 0);
		assert_text(row, "variant_effective", "level,busy-poll:20us(not effective)");
		assert_int_equal(fetching_number(row, "requests"), 10);
		json_decref(row);
	}
	child_free(&child);
}

/* A row's model against a scripted server: the status, and what stderr says ("" for nothing). */
static void against(const char *const *const *scripts, const char *const *options, int status,
		    const char *says)
{
	pid_t pid;
	char where[64];

	snprintf(where, sizeof(where), "http://127.0.0.1:%u/", fetching_serve(scripts, &pid));
	for (size_t i = 0; i < ROWS; i++) {
		const char *arguments[16] = {rows[i].option};
		struct child child;
		int count = 1;

		for (int k = 0; options[k]; k++)
			arguments[count++] = options[k];
		arguments[count] = where;
		int got = fetching_run(&child, rows[i].model, arguments);

		if (got != status || !strstr(child.err.text, says) || (!*says && *child.err.text))
			fail_msg("fetch-%s %s: status %d, stderr '%s'", rows[i].model,
				 rows[i].option, got, child.err.text);
		child_free(&child);
	}
	fetching_stop_server(pid);
}

static void awkward_servers(void **state)
{
	static const char *const once[] = {OK_HEAD "Content-Length: 3\r\n\r\nabc", NULL};
	static const char *const half[] = {OK_HEAD "Content-Length: 3\r\n\r\nabc", "/", NULL};
	static const char *const cut[] = {OK_HEAD "Content-Length: 10\r\n\r\nhalf", NULL};
	/* Done before it was asked: its end can arrive along with the connection itself. */
	static const char *const early[] = {"/", NULL};
	static const char *const *const serve_once[] = {once, NULL};
	static const char *const *const serve_half[] = {half, NULL};
	static const char *const *const serve_cut[] = {cut, NULL};
	static const char *const *const serve_early[] = {early, NULL};
	static const char *const five[] = {"--repeat=5", NULL};
	static const char *const twenty[] = {"-n20", "-q", NULL};
	static const char *const many[] = {"-n24", "-c12", "-q", NULL};

	(void)state;
	against(serve_once, five, 0, "");
	against(serve_half, twenty, 0, "");
	against(serve_cut, five, 1, "closed in the middle of the body");
	against(serve_early, many, 1, "closed before it answered");
}

/*
 * Bytes for an idle connection whose lane is busy elsewhere, and which stays open: epoll hears of
 * them and closes it.
 */
static void late_408_is_survived(void **state)
{
	static const char *const texts[] = {OK_HEAD "Content-Length: 3\r\n\r\nabc",
					    "!HTTP/1.1 408 Request Timeout\r\n"
					    "Content-Length: 0\r\nConnection: close\r\n\r\n",
					    OK_HEAD "\r\n", NULL};
	static const char *const *const scripts[] = {texts, NULL};
	static const char *const variants[] = {"--epoll=edge", "--epoll=level"};
	pid_t pid;
	char hasty[64], slow[80];

	(void)state;
	snprintf(hasty, sizeof(hasty), "http://127.0.0.1:%u/", fetching_serve(scripts, &pid));
	snprintf(slow, sizeof(slow), "%sdelay/300ms", url);
	for (int i = 0; i < 2; i++) {
		const char *const arguments[] = {"-n6", "--json", variants[i], hasty, slow, NULL};
		json_t *row = measure("epoll", arguments);

		assert_int_equal(fetching_number(row, "requests"), 6);
		json_decref(row);
	}
	fetching_stop_server(pid);
}

/* Two hosts in turn: a lane's descriptor changes with each fetch, its connections stay open. */
static void urls_in_turn(void **state)
{
	const char *const options[] = {"--body=7", NULL};
	struct child second;
	char other[64], expected[256];

	(void)state;
	snprintf(other, sizeof(other), "http://127.0.0.1:%u/", peer_origin(&second, options));
	snprintf(expected, sizeof(expected),
		 "Read Contents: 24, Status Code: 200 from %s\n"
		 "Read Contents: 7, Status Code: 200 from %s\n",
		 url, other);
	for (size_t i = 0; i < ROWS; i++) {
		const char *const arguments[] = {"--repeat=3", rows[i].option, url, other, NULL};
		size_t length = strlen(expected);
		struct child child;

		assert_int_equal(fetching_run(&child, rows[i].model, arguments), 0);
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
	for (size_t i = 0; i < ROWS; i++) {
		char name[64];
		struct child child;
		json_t *row;

		snprintf(name, sizeof(name), "fetch-%s", rows[i].model);
		const char *const argv[] = {child_program(name), "-d60s",  "-t2",    "-c8",
					    rows[i].option,	 "--json", slow_url, NULL};

		child_start(&child, argv);
		usleep(300000);
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
		cmocka_unit_test(lines),
		cmocka_unit_test(requests_are_counted),
		cmocka_unit_test(evidence),
		cmocka_unit_test(counts_agree_with_strace),
		cmocka_unit_test(none_is_the_harness_alone),
		cmocka_unit_test(limits_of_select),
		cmocka_unit_test(variants_of_epoll),
		cmocka_unit_test(busy_poll),
		cmocka_unit_test(awkward_servers),
		cmocka_unit_test(late_408_is_survived),
		cmocka_unit_test(urls_in_turn),
		cmocka_unit_test(interrupted_is_partial),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
