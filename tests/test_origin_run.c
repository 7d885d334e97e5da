/*
 * The origin under clients that come in crowds, vanish, or wait: when its answers come (of time,
 * only "never early" is asserted), how many clients it takes and how it spreads them over threads.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "tests/peer.h"

#define HOST "Host: test\r\n"

static struct child origin;
static struct peer peer;

/* A program that a failed test left behind would spoil the next test. */
static int clean(void **state)
{
	(void)state;
	child_free(&origin);
	return 0;
}

static void start(const char *const *options)
{
	peer_open(&peer, peer_origin(&origin, options), 0);
}

static void stop(void)
{
	peer_close(&peer);
	peer_origin_end(&origin);
	child_free(&origin);
}

static double now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* The delays differ, the order does not; and the sum of the delays is the least that it takes. */
static void delays_in_order(void **state)
{
	double before;

	(void)state;
	start(NULL);
	before = now_s();
	peer_text(&peer, "GET /delay/20ms HTTP/1.1\r\n" HOST "\r\n"
			 "GET /bytes/3 HTTP/1.1\r\n" HOST "\r\n"
			 "GET /delay/1ms HTTP/1.1\r\n" HOST "\r\n"
			 "GET /status/500 HTTP/1.1\r\n" HOST "\r\n");
	usleep(500);
	peer_get(&peer, "/bytes/4"); /* comes while the first still waits */
	peer_expect(&peer, 200, 24);
	assert_true(now_s() - before >= 0.020);
	peer_expect(&peer, 200, 3);
	peer_expect(&peer, 200, 24);
	assert_true(now_s() - before >= 0.021);
	peer_expect(&peer, 500, 24);
	peer_expect(&peer, 200, 4);
	before = now_s();
	peer_text(&peer, "GET /delay/5ms HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
	peer_expect(&peer, 200, 24);
	assert_true(now_s() - before >= 0.005);
	peer_expect_end(&peer);
	stop();
}

static void never_early(void **state)
{
	static const char *const paths[] = {"/delay/1us", "/delay/100us", "/delay/1ms",
					    "/delay/16ms"};
	static const double least[] = {1e-6, 100e-6, 1e-3, 16e-3};

	(void)state;
	start(NULL);
	for (unsigned i = 0; i < 80; i++) {
		double before = now_s();

		peer_get(&peer, paths[i % 4]);
		peer_expect(&peer, 200, 24);
		assert_true(now_s() - before >= least[i % 4]);
	}
	stop();
}

/* One more batch than the origin queues answers for, from many connections, all at once. */
static void together(void **state)
{
	enum { COUNT = 200 };
	struct peer *peers = calloc(COUNT, sizeof(*peers));
	char path[64];
	unsigned port = peer_origin(&origin, NULL);

	(void)state;
	assert_non_null(peers);
	for (unsigned i = 0; i < COUNT; i++)
		peer_open(&peers[i], port, 0);
	for (unsigned round = 0; round < 10; round++) {
		for (unsigned i = 0; i < COUNT; i++) {
			snprintf(path, sizeof(path), "/bytes/%u", (i * 7 + round) % 12);
			peer_get(&peers[i], path);
		}
		for (unsigned i = 0; i < COUNT; i++)
			peer_expect(&peers[i], 200, (i * 7 + round) % 12);
	}
	for (unsigned i = 0; i < COUNT; i++)
		peer_close(&peers[i]);
	free(peers);
	peer_origin_end(&origin);
}

static void half_closed(void **state)
{
	(void)state;
	start(NULL);
	peer_text(&peer, "GET /bytes/3 HTTP/1.1\r\n" HOST "\r\n"
			 "GET /delay/5ms HTTP/1.1\r\n" HOST "\r\n"
			 "GET /bytes/200000 HTTP/1.1\r\n" HOST "\r\n");
	shutdown(peer.fd, SHUT_WR);
	peer_expect(&peer, 200, 3);
	peer_expect(&peer, 200, 24);
	peer_expect(&peer, 200, 200000);
	peer_expect_end(&peer);
	stop();
}

/* Clients that vanish in the middle of anything leave the others alone. */
static void resets(void **state)
{
	static const char *const paths[] = {"/bytes/50m", "/delay/3ms", "/delay/1s", "/"};
	struct linger abort_now = {.l_onoff = 1};
	struct peer gone;
	unsigned port = peer_origin(&origin, NULL);

	(void)state;
	peer_open(&peer, port, 0);
	for (unsigned i = 0; i < 100; i++) {
		peer_open(&gone, port, 0);
		peer_get(&gone, paths[i % 4]);
		/* Closed in order and then reset is a broken pipe to whoever still answers. */
		for (unsigned more = 0; i % 4 == 3 && more < 300; more++)
			peer_get(&gone, "/");
		if (i % 3 == 0)
			shutdown(gone.fd, SHUT_WR);
		if (i % 8 < 4)
			usleep(500);
		setsockopt(gone.fd, SOL_SOCKET, SO_LINGER, &abort_now, sizeof(abort_now));
		peer_close(&gone);
		peer_get(&peer, "/");
		peer_expect(&peer, 200, 24);
	}
	stop();
}

/* Each answer of / takes at least the least of the distribution; /delay/T takes T instead. */
static void latencies(void **state)
{
	static const struct {
		const char *option;
		double least;
	} rows[] = {
		{"--latency=2ms", 2e-3},
		{"--latency=uniform:1ms:3ms", 1e-3},
		{"--latency=lognormal:2ms:0.1", 1e-3}, /* seven sigmas away */
	};

	(void)state;
	for (size_t row = 0; row < sizeof(rows) / sizeof(rows[0]); row++) {
		const char *const options[] = {rows[row].option, "--body=100", NULL};

		start(options);
		for (unsigned i = 0; i < 20; i++) {
			double before = now_s();

			peer_get(&peer, "/");
			peer_expect(&peer, 200, 100);
			assert_true(now_s() - before >= rows[row].least);
			before = now_s();
			peer_get(&peer, "/delay/10ms");
			peer_expect(&peer, 200, 100);
			assert_true(now_s() - before >= 10e-3);
		}
		stop();
	}
}

/* Many answers wait at once, each for its own time. */
static void crowd_waits(void **state)
{
	enum { COUNT = 300 };
	const char *const options[] = {"--latency=uniform:1ms:50ms", "--threads=2", NULL};
	struct peer *peers = calloc(COUNT, sizeof(*peers));
	double before;

	(void)state;
	assert_non_null(peers);
	unsigned port = peer_origin(&origin, options);

	for (unsigned i = 0; i < COUNT; i++)
		peer_open(&peers[i], port, 0);
	before = now_s();
	for (unsigned i = 0; i < COUNT; i++)
		peer_get(&peers[i], i % 2 ? "/" : "/bytes/3000");
	for (unsigned i = 0; i < COUNT; i++)
		peer_expect(&peers[i], 200, i % 2 ? 24 : 3000);
	assert_true(now_s() - before >= 1e-3);
	for (unsigned i = 0; i < COUNT; i++)
		peer_close(&peers[i]);
	free(peers);
	peer_origin_end(&origin);
}

static void allow_files(rlim_t most)
{
	struct rlimit files;

	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = most < files.rlim_max ? most : files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
}

/* Thousands of clients, dealt out evenly, all counted. */
static void thousands(void **state)
{
	enum { COUNT = 2000, ROUNDS = 3 };
	const char *const options[] = {"--threads=2", NULL};
	struct peer *peers = malloc(COUNT * sizeof(*peers));
	uint64_t requests, connections, first, second;
	unsigned port;

	(void)state;
	assert_non_null(peers);
	allow_files(COUNT + 100);
	port = peer_origin(&origin, options);
	for (unsigned i = 0; i < COUNT; i++)
		peer_open(&peers[i], port, 0);
	for (unsigned round = 0; round < ROUNDS; round++) {
		for (unsigned i = 0; i < COUNT; i++)
			peer_get(&peers[i], "/");
		for (unsigned i = 0; i < COUNT; i++)
			peer_expect(&peers[i], 200, 24);
	}
	assert_int_equal(sscanf(peer_origin_end(&origin),
				"Served %" SCNu64 " requests on %" SCNu64
				" connections (by thread: %" SCNu64 " %" SCNu64 "), ",
				&requests, &connections, &first, &second),
			 4);
	assert_int_equal(requests, COUNT * ROUNDS);
	assert_int_equal(connections, COUNT);
	assert_int_equal(first, COUNT / 2);
	assert_int_equal(second, COUNT / 2);
	for (unsigned i = 0; i < COUNT; i++) {
		peer_expect_end(&peers[i]); /* the origin's end closed it */
		peer_close(&peers[i]);
	}
	free(peers);
}

/* Clients that come and go: descriptors, and their slots, change hands between threads. */
static void comers_and_goers(void **state)
{
	const char *const options[] = {"--threads=4", NULL};
	unsigned port = peer_origin(&origin, options);
	char text[128];

	(void)state;
	for (unsigned i = 0; i < 2000; i++) {
		peer_open(&peer, port, 0);
		snprintf(text, sizeof(text), "GET /bytes/%u HTTP/1.1\r\n" HOST "%s\r\n", i % 11,
			 i % 3 ? "Connection: close\r\n" : "");
		peer_text(&peer, text);
		peer_expect(&peer, 200, i % 11);
		if (i % 3)
			peer_expect_end(&peer);
		peer_close(&peer);
	}
	peer_origin_end(&origin);
}

/* CPU time of the process's first thread. */
static uint64_t cpu_ns(pid_t pid)
{
	char path[64];
	uint64_t ns = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/schedstat", (int)pid);
	file = fopen(path, "r");
	if (file && fscanf(file, "%" SCNu64, &ns) != 1)
		ns = 0;
	if (file)
		fclose(file);
	assert_true(ns);
	return ns;
}

/* Out of descriptors, it serves whom it has, does not spin, and takes others when it can. */
static void few_files(void **state)
{
	enum { COUNT = 60 };
	char command[600];
	const char *const argv[] = {"sh", "-c", command, NULL};
	struct peer *peers = calloc(COUNT, sizeof(*peers));
	uint64_t before;
	unsigned port;

	(void)state;
	assert_non_null(peers);
	snprintf(command, sizeof(command), "ulimit -n 30; exec %s", child_program("origin"));
	child_start(&origin, argv);
	port = (unsigned)strtoul(strrchr(child_line(&origin, CHILD_LIMIT_MS), ':') + 1, NULL, 10);
	for (unsigned i = 0; i < COUNT; i++)
		peer_open(&peers[i], port, 0);
	before = cpu_ns(origin.pid);
	usleep(300000);
	assert_true(cpu_ns(origin.pid) - before < 100000000); /* spinning would be all of it */
	for (unsigned i = 0; i < COUNT; i++) {
		peer_get(&peers[i], "/"); /* the first are served; each that leaves lets one in */
		peer_expect(&peers[i], 200, 24);
		peer_close(&peers[i]);
	}
	free(peers);
	peer_origin_end(&origin);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(together, clean),
		cmocka_unit_test_teardown(half_closed, clean),
		cmocka_unit_test_teardown(resets, clean),
		cmocka_unit_test_teardown(delays_in_order, clean),
		cmocka_unit_test_teardown(never_early, clean),
		cmocka_unit_test_teardown(latencies, clean),
		cmocka_unit_test_teardown(crowd_waits, clean),
		cmocka_unit_test_teardown(thousands, clean),
		cmocka_unit_test_teardown(comers_and_goers, clean),
		cmocka_unit_test_teardown(few_files, clean),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
