/*
 * What the fetch-* executables make of bad servers and bad command lines: one clear line, the
 * documented status, and never a hang.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <cmocka.h>

#include "tests/fetching.h"
#include "tests/peer.h"

#define OK_HEAD "HTTP/1.1 200 OK\r\n"

static void assert_fails(const char *model, const char *const *arguments, int status,
			 const char *says)
{
	struct child child;
	int got = fetching_run(&child, model, arguments);

	if (got != status || !child_one_line(child.err.text) || !strstr(child.err.text, says))
		fail_msg("fetch-%s: status %d, expected %d and '%s'; stderr: '%s'", model, got,
			 status, says, child.err.text);
	child_free(&child);
}

static void bad_servers(void **state)
{
	static const struct {
		const char *answer, *says;
	} rows[] = {
		{OK_HEAD "Content-Length: 10\r\n\r\nhalf",
		 "the server closed in the middle of the body"},
		{OK_HEAD "Content-", "the server closed in the middle of the head"},
		{"", "the server closed before it answered"},
		{"SSH-2.0-OpenSSH\r\n", "the response is not HTTP"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *const texts[] = {rows[i].answer, NULL};
		const char *const *const scripts[] = {texts, NULL};
		pid_t pid;
		unsigned port = fetching_serve(scripts, &pid);
		char url[64];
		const char *const arguments[] = {url, NULL};

		snprintf(url, sizeof(url), "http://127.0.0.1:%u/", port);
		for (int m = 0; m < FETCHING_ALL; m++)
			assert_fails(fetching_all[m], arguments, 1, rows[i].says);
		fetching_stop_server(pid);
	}
}

/* A server that answers once a connection although it promised to keep it open. */
static void idle_close_is_survived(void **state)
{
	static const char *const texts[] = {OK_HEAD "Content-Length: 3\r\n\r\nabc", NULL};
	static const char *const *const scripts[] = {texts, NULL};
	pid_t pid;
	char url[64];
	const char *const arguments[] = {"--repeat=5", url, NULL};

	(void)state;
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/", fetching_serve(scripts, &pid));
	for (int m = 0; m < FETCHING_ALL; m++) {
		struct child child;

		if (fetching_run(&child, fetching_all[m], arguments) != 0)
			fail_msg("fetch-%s: %s", fetching_all[m], child.err.text);
		assert_non_null(strstr(child.out.text, "Downloaded 5 sites"));
		child_free(&child);
	}
	fetching_stop_server(pid);
}

/* The server's FIN comes with the bytes, and no further edge after it. */
static void half_close_is_survived(void **state)
{
	static const char *const texts[] = {OK_HEAD "Content-Length: 3\r\n\r\nabc", "/", NULL};
	static const char *const *const scripts[] = {texts, NULL};
	pid_t pid;
	char url[64];
	const char *const arguments[] = {"-n20", "-q", url, NULL};

	(void)state;
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/", fetching_serve(scripts, &pid));
	for (int m = 0; m < FETCHING_ALL; m++) {
		struct child child;

		if (fetching_run(&child, fetching_all[m], arguments) != 0)
			fail_msg("fetch-%s: %s", fetching_all[m], child.err.text);
		child_free(&child);
	}
	fetching_stop_server(pid);
}

/* Bytes that nobody asked for, on a connection that is idle while its lane is busy elsewhere. */
static void late_408_is_survived(void **state)
{
	static const char *const texts[] = {OK_HEAD "Content-Length: 3\r\n\r\nabc",
					    "!HTTP/1.1 408 Request Timeout\r\n"
					    "Content-Length: 0\r\nConnection: close\r\n\r\n",
					    NULL};
	static const char *const *const scripts[] = {texts, NULL};
	struct child origin;
	pid_t pid;
	char hasty[64], slow[64];
	const char *const arguments[] = {"-n20", "--json", hasty, slow, NULL};

	(void)state;
	snprintf(hasty, sizeof(hasty), "http://127.0.0.1:%u/", fetching_serve(scripts, &pid));
	snprintf(slow, sizeof(slow), "http://127.0.0.1:%u/delay/60ms", peer_origin(&origin, NULL));
	/* Readiness models meet the 408 as the next answer, and say so; completions see it come. */
	struct child child;

	if (fetching_run(&child, "uring", arguments) != 0)
		fail_msg("fetch-uring: %s", child.err.text);
	json_t *row = fetching_row(&child);

	assert_int_equal(fetching_number(row, "requests"), 20);
	json_decref(row);
	child_free(&child);
	peer_origin_end(&origin);
	child_free(&origin);
	fetching_stop_server(pid);
}

/* Nothing but failures is a failure, also when they begin in the warm-up. */
static void silence_is_no_success(void **state)
{
	static const char *const texts[] = {"", NULL};
	static const char *const *const scripts[] = {texts, NULL};
	pid_t pid;
	char url[64];
	const char *const arguments[] = {"-d300ms", "--warmup=20ms", "-q", url, NULL};

	(void)state;
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/", fetching_serve(scripts, &pid));
	for (int m = 0; m < FETCHING_ALL; m++)
		assert_fails(fetching_all[m], arguments, 1, "closed before it answered");
	fetching_stop_server(pid);
}

static void workers_must_agree(void **state)
{
	static const char *const one[] = {OK_HEAD "Content-Length: 3\r\n\r\nabc", NULL};
	static const char *const two[] = {OK_HEAD "Content-Length: 3\r\n\r\nabd", NULL};
	static const char *const *const scripts[] = {one, two, NULL};
	pid_t pid;
	char url[64];
	const char *const arguments[] = {"-n2", "-t2", "-q", url, NULL};

	(void)state;
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/", fetching_serve(scripts, &pid));
	assert_fails("blocking", arguments, 1, "different bodies");
	fetching_stop_server(pid);
}

/* Many threads end, and are waited for, while the deadline's signal is near. */
static void many_threads_end_well(void **state)
{
	struct child origin, child;
	char url[64];
	const char *const short_run[] = {"-t300", "-d100ms", "--warmup=50ms", "-q", url, NULL};

	(void)state;
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/", peer_origin(&origin, NULL));
	assert_int_equal(fetching_run(&child, "blocking", short_run), 0);
	child_free(&child);

	char slow[80];
	snprintf(slow, sizeof(slow), "%sdelay/10s", url);
	const char *const argv[] = {
		child_program("fetch-blocking"), "-t40", "-n41", "-q", url, slow, NULL};

	child_start(&child, argv);
	usleep(400000);
	assert_int_equal(child_end(&child, SIGINT, CHILD_LIMIT_MS), 130);
	child_free(&child);
	peer_origin_end(&origin);
	child_free(&origin);
}

static void floor_of_large_bodies(void **state)
{
	static const char *const waits[] = {"--wait=block", "--wait=spin"};
	struct child origin;
	char url[64];

	(void)state;
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/bytes/200000", peer_origin(&origin, NULL));
	for (int i = 0; i < 2; i++) {
		const char *const arguments[] = {"-c3", "-n100", "--json", waits[i], url, NULL};
		struct child child;
		json_t *row;

		assert_int_equal(fetching_run(&child, "floor", arguments), 0);
		row = fetching_row(&child);
		assert_int_equal(fetching_number(row, "requests"), 100);
		assert_int_equal(fetching_number(row, "body_bytes"), 200000);
		json_decref(row);
		child_free(&child);
	}
	peer_origin_end(&origin);
	child_free(&origin);
}

/* What is waited for before the clock starts has an end as well. */
static void floor_of_silence(void **state)
{
	static const char *const waits[] = {"--wait=block", "--wait=spin"};
	struct child origin, children[2];
	char url[64];

	(void)state;
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/fault/never", peer_origin(&origin, NULL));
	for (int i = 0; i < 2; i++) {
		const char *const arguments[] = {"-c3", "-d100ms", "-q", waits[i], url, NULL};

		fetching_start(&children[i], "floor", arguments);
	}
	for (int i = 0; i < 2; i++) {
		assert_int_equal(child_wait(&children[i], CHILD_LIMIT_MS), 1);
		assert_true(child_one_line(children[i].err.text));
		assert_int_equal(fetching_lines(children[i].err.text, url, "response: not"), 1);
		child_free(&children[i]);
	}
	child_end(&origin, 15, CHILD_LIMIT_MS);
	child_free(&origin);
}

/* Last: the limit cannot be raised again. */
static void too_few_descriptors(void **state)
{
	static const char *const arguments[] = {"-n1", "-c5000", "http://127.0.0.1/", NULL};
	const struct rlimit limit = {4096, 4096};

	(void)state;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_fails("epoll", arguments, 3, "the limit is 4096; raise it with ulimit -n");

	/* Each process has a limit of its own, and what opens nothing has none. */
	static const char *const shared[] = {"-n1", "-c5000", "-p2", "http://127.0.0.1:1/", NULL};
	static const char *const none[] = {"-n1", "-c5000", "-q", "http://nowhere.invalid/", NULL};
	struct child child;

	assert_fails("epoll", shared, 1, "connect: Connection refused");
	assert_int_equal(fetching_run(&child, "none", none), 0);
	child_free(&child);
}

static void wrong_byte_fails_the_run(void **state)
{
	static const char *const texts[] = {OK_HEAD "Content-Length: 3\r\n\r\nabc",
					    OK_HEAD "Content-Length: 3\r\n\r\nabd",
					    OK_HEAD "Content-Length: 3\r\n\r\nabc", NULL};
	static const char *const *const scripts[] = {texts, NULL};
	pid_t pid;
	char url[64];
	const char *const arguments[] = {"-n2", "-q", url, NULL};

	(void)state;
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/", fetching_serve(scripts, &pid));
	for (int m = 0; m < FETCHING_ALL; m++)
		assert_fails(fetching_all[m], arguments, 1, "the body differs from the first");
	fetching_stop_server(pid);
}

static void nobody_listens(void **state)
{
	static const char *const one[] = {"http://127.0.0.1:1/", NULL};
	static const char *const bench[] = {"-d20s", "-q", "http://127.0.0.1:1/", NULL};

	(void)state;
	for (int m = 0; m < FETCHING_ALL; m++) {
		assert_fails(fetching_all[m], one, 1, "connect: Connection refused");
		assert_fails(fetching_all[m], bench, 1, "connect: Connection refused");
	}
}

/* One bad URL among good ones does not keep the others from being fetched. */
static void others_are_unharmed(void **state)
{
	struct child origin, child;
	char url[64];
	const char *const arguments[] = {url, "http://127.0.0.1:1/", url, NULL};

	(void)state;
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/", peer_origin(&origin, NULL));
	for (int m = 0; m < FETCHING_ALL; m++) {
		assert_int_equal(fetching_run(&child, fetching_all[m], arguments), 1);
		assert_non_null(strstr(child.out.text, "Downloaded 2 sites"));
		assert_true(child_one_line(child.err.text));
		child_free(&child);
	}
	peer_origin_end(&origin);
	child_free(&origin);
}

static void error_pages_are_no_benchmark(void **state)
{
	struct child origin;
	char url[64];
	const char *const arguments[] = {"-n10", "-q", url, NULL};

	(void)state;
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/status/503", peer_origin(&origin, NULL));
	assert_fails("epoll", arguments, 1, "status 503");
	peer_origin_end(&origin);
	child_free(&origin);
}

static void bad_command_lines(void **state)
{
	static const struct {
		const char *model;
		const char *arguments[5];
		int status;
		const char *says;
	} rows[] = {
		{"epoll", {NULL}, 2, "give at least one URL"},
		{"epoll", {"http://h/", "--conections=3", NULL}, 2, "did you mean --connections?"},
		{"epoll", {"--connections", NULL}, 2, "--connections needs a value"},
		{"epoll", {"--connections=x", "http://h/", NULL}, 2, "is not of its form"},
		{"epoll", {"--connections=0", "http://h/", NULL}, 2, "below the least"},
		{"epoll", {"--wait=never", "http://h/", NULL}, 2, "not one of its values"},
		{"epoll", {"--quiet=1", "http://h/", NULL}, 2, "--quiet takes no value"},
		{"epoll", {"h:80", NULL}, 2, "URL 'h:80': it does not begin with http://"},
		{"epoll", {"http://h:99999/", NULL}, 2, "port is not a number from 1 to 65535"},
		{"epoll", {"http://127.0.0.1/\n", NULL}, 2, "a space or a character"},
		{"epoll",
		 {"-d999999s", "http://127.0.0.1/", NULL},
		 2,
		 "the most that is taken, 1440m"},
		{"epoll", {"-d0", "http://127.0.0.1/", NULL}, 2, "the least that makes sense, 1ms"},
		{"epoll", {"--threads=0", "http://127.0.0.1/", NULL}, 2, "makes sense, 1\n"},
		{"floor", {"-n1", "http://127.0.0.1/", "http://127.0.0.1/x", NULL}, 2, "one URL"},
		{"floor", {"-n1", "http://127.0.0.1:1/", NULL}, 1, "Connection refused"},
		{"epoll", {"-t4", "-c2", "http://127.0.0.1/", NULL}, 2, "--connections 4"},
		{"epoll", {"--warmup=1s", "http://127.0.0.1/", NULL}, 2, "--warmup goes with"},
		{"epoll", {"--cpus=4095", "http://127.0.0.1/", NULL}, 3, "4095"},
		{"epoll", {"--cpus=a", "http://127.0.0.1/", NULL}, 2, "--cpus"},
		{"epoll",
		 {"--place=cores", "-t999", "-c999", "http://127.0.0.1/", NULL},
		 3,
		 "impossible"},
		{"epoll", {"--place=wide", "http://127.0.0.1/", NULL}, 2, "nic:NAME"},
		{"epoll", {"--place=nic", "http://127.0.0.1/", NULL}, 2, "--place: 'nic'"},
		{"epoll", {"--place=nic:lo", "http://127.0.0.1/", NULL}, 3, "network device lo"},
		{"epoll", {"--place=none", "--cpus=0", "http://h/", NULL}, 2, "exclude each other"},
		{"epoll",
		 {"--place=none", "--overlap=core", "-n1", "http://127.0.0.1/", NULL},
		 2,
		 "needs to know the core"},
		{"blocking", {"-c2", "http://127.0.0.1/", NULL}, 2, "--threads 2"},
		{"blocking", {"--wait=spin", "http://127.0.0.1/", NULL}, 2, "can only block"},
		{"nonblocking", {"--wait=block", "http://127.0.0.1/", NULL}, 2, "can only spin"},
		{"floor", {"http://127.0.0.1/", NULL}, 2, "--requests or --duration"},
		{"epoll", {"--seed=3", "-n1", "http://127.0.0.1:1/", NULL}, 2, "--seed goes with"},
		{"epoll",
		 {"--seed=3", "-n1", "--rate=10", "http://127.0.0.1:1/", NULL},
		 2,
		 "--seed goes with"},
		{"epoll", {"http://u:pw@127.0.0.1/", NULL}, 2, "user names are not taken"},
		{"epoll", {"--samples=-", "-n1", "http://127.0.0.1:1/", NULL}, 2, "- is no file"},
		{"epoll", {"--histogram=-", "-n1", "http://127.0.0.1:1/", NULL}, 2, "- is no file"},
		{"epoll", {"--max-redirs=3", "http://127.0.0.1:1/", NULL}, 2, "with --location"},
		{"epoll",
		 {"--epoll=buffers:1", "http://127.0.0.1:1/", NULL},
		 2,
		 "fetch-epoll: --epoll: buffers takes"},
		{"uring",
		 {"--uring=defer,coop", "http://127.0.0.1:1/", NULL},
		 2,
		 "fetch-uring: --uring: defer and coop"},
		{"uring",
		 {"--uring=sqpoll:4000", "http://127.0.0.1:1/", NULL},
		 3,
		 "is there such a CPU"},
		{"none", {"-n1", "-L", "http://127.0.0.1:1/", NULL}, 2, "--location: this yard"},
		{"none",
		 {"-n1", "--overlap=thread", "http://127.0.0.1:1/", NULL},
		 2,
		 "--overlap: this yard"},
		{"epoll",
		 {"--tls-session=resumed", "-n1", "http://127.0.0.1:1/", NULL},
		 2,
		 "--tls-session: no URL"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_fails(rows[i].model, rows[i].arguments, rows[i].status, rows[i].says);
}

static void files_that_cannot_be_written(void **state)
{
	struct child origin;
	char url[64];
	const char *const csv[] = {"-n1", "-q", "--csv", "/no/such/place.csv", url, NULL};
	const char *const histogram[] = {"-n1", "-q", "--histogram", "/no/such/place", url, NULL};

	(void)state;
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/", peer_origin(&origin, NULL));
	assert_fails("uring", csv, 1, "/no/such/place.csv");
	assert_fails("uring", histogram, 1, "/no/such/place");
	peer_origin_end(&origin);
	child_free(&origin);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_servers),
		cmocka_unit_test(idle_close_is_survived),
		cmocka_unit_test(half_close_is_survived),
		cmocka_unit_test(late_408_is_survived),
		cmocka_unit_test(silence_is_no_success),
		cmocka_unit_test(workers_must_agree),
		cmocka_unit_test(many_threads_end_well),
		cmocka_unit_test(floor_of_large_bodies),
		cmocka_unit_test(floor_of_silence),
		cmocka_unit_test(wrong_byte_fails_the_run),
		cmocka_unit_test(nobody_listens),
		cmocka_unit_test(others_are_unharmed),
		cmocka_unit_test(error_pages_are_no_benchmark),
		cmocka_unit_test(bad_command_lines),
		cmocka_unit_test(files_that_cannot_be_written),
		cmocka_unit_test(too_few_descriptors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
