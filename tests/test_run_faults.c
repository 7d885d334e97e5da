/*
 * What every model makes of servers that do everything wrong: a line for each fetch that failed,
 * with its URL and what it was at; the other fetches of the command as if nothing had been; an
 * error counted in the row, once and in a benchmark; and never a hang.
 */
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "tests/fetching.h"
#include "tests/serving.h"

#define URL_SIZE 128

static struct child origin;
static unsigned ports[2];

static int start(void **state)
{
	const char *options[] = {"--listen", "127.0.0.1:0", "--listen-tls", "127.0.0.1:0", "--cert",
				 NULL,	     "--key",	    NULL,	    "--body",	   "100",
				 NULL};

	if (serving_make_folder(state))
		return -1;
	options[5] = serving_path("good.pem");
	options[7] = serving_path("good.key");
	serving_origin(&origin, options, ports, 2);
	return 0;
}

static int stop(void **state)
{
	child_end(&origin, 15, CHILD_LIMIT_MS);
	child_free(&origin);
	return serving_remove_folder(state);
}

/* What fails at once: a path of the origin or a URL, and the reason that is given. */
static const struct {
	const char *where, *says;
} faults[] = {
	{"/fault/close", "the server closed before it answered"},
	{"/fault/reset", "receive: Connection reset by peer"},
	{"/fault/close-mid-head", "the server closed in the middle of the head"},
	{"/fault/close-mid-body", "the server closed in the middle of the body"},
	{"/fault/reset-mid-body", "receive: Connection reset by peer"},
	{"/fault/long-head", "the response's head is too long"},
	{"/fault/garbage", "the response is not HTTP"},
	{"/fault/wrong-length", "the server sent more than it was asked for"},
	{"/fault/unknown-coding", "body: its Content-Encoding is none of gzip, deflate, br, zstd"},
	{"/fault/bad-gzip", "body: the gzip body is corrupt"},
	{"/fault/cut-gzip", "body: the encoded body was cut"},
	{"/fault/bad-chunk", "body: a chunk's size is not a number"},
	{"/loop", "redirect: a loop: it leads back to "},
	{"/redirect/11", "redirect: more than --max-redirs"},
	{"/redirect-to/ftp://127.0.0.1/", "redirect: Location 'ftp://127.0.0.1/': its scheme"},
	{"/redirect-to/http://nowhere.invalid/", "resolve: "},
	{"/redirect-to/http://127.0.0.1:1/", "connect: Connection refused"},
	{"http://nowhere.invalid/", "resolve: "},
	{"http://127.0.0.1:1/", "connect: Connection refused"},
};

#define FAULTS (sizeof(faults) / sizeof(faults[0]))

static void url_of(char *url, const char *where, bool tls)
{
	if (where[0] == '/')
		snprintf(url, URL_SIZE, "http%s://127.0.0.1:%u%s", tls ? "s" : "", ports[tls],
			 where);
	else
		snprintf(url, URL_SIZE, "%s", where);
}

/* One line on stderr names this URL and the reason. */
static void assert_line(const struct child *child, const char *model, const char *url,
			const char *reason)
{
	char wanted[2 * URL_SIZE];

	snprintf(wanted, sizeof(wanted), "fetch-%s: %s: %s", model, url, reason);
	if (fetching_lines(child->err.text, wanted, "") != 1)
		fail_msg("no line '%s' in '%s'", wanted, child->err.text);
}

/* Fetches all faults in one command, with something good before, between and after. */
static void all_at_once(const char *model, bool tls)
{
	static char urls[FAULTS][URL_SIZE], good[URL_SIZE];
	const char *csv = serving_path("rows.csv");
	const char *arguments[3 * FAULTS] = {
		"-L", "--compressed", "--cacert", serving_path("ca.pem"), "--csv", csv};
	unsigned used = 6, goods = 1;
	size_t size;
	char *rows, wanted[64];
	struct child child;

	url_of(good, "/bytes/7", tls);
	arguments[used++] = good;
	for (size_t i = 0; i < FAULTS; i++) {
		url_of(urls[i], faults[i].where, tls);
		arguments[used++] = urls[i];
		if (i % 3 == 2 || i == FAULTS - 1) {
			arguments[used++] = good;
			goods++;
		}
	}
	unlink(csv);
	if (fetching_run(&child, model, arguments) != 1)
		fail_msg("fetch-%s: status %d, %s", model, child.status, child.err.text);
	for (size_t i = 0; i < FAULTS; i++)
		assert_line(&child, model, urls[i], faults[i].says);
	assert_int_equal(fetching_lines(child.err.text, "", ""), FAULTS);
	assert_int_equal(fetching_lines(child.out.text, "Read Contents: 7, Status Code: 200", good),
			 goods);
	assert_int_equal(fetching_lines(child.out.text, "", ""), goods + 1);
	child_free(&child);
	/* "...,requests,errors,...": their names and their values. */
	rows = serving_read(csv, &size);
	assert_non_null(strstr(rows, ",requests,errors,"));
	snprintf(wanted, sizeof(wanted), ",%u,%zu,", goods, FAULTS);
	assert_non_null(strstr(strchr(rows, '\n'), wanted));
	free(rows);
}

static void one_by_one(void **state)
{
	(void)state;
	for (unsigned m = 0; m < FETCHING_ALL; m++)
		all_at_once(fetching_all[m], false);
}

static void one_by_one_with_tls(void **state)
{
	(void)state;
	for (unsigned m = 0; m < FETCHING_ALL; m++)
		all_at_once(fetching_all[m], true);
}

/* Half of a benchmark's fetches fail; all models at the same time. */
static void half_of_a_benchmark(const char *bad, const char *good, const char *says)
{
	struct child children[FETCHING_ALL];

	for (unsigned m = 0; m < FETCHING_ALL; m++) {
		const char *const arguments[] = {
			"-n100", "--json", "-L", "--compressed", fetching_lanes(fetching_all[m], 4),
			bad,	 good,	   NULL};

		fetching_start(&children[m], fetching_all[m], arguments);
	}
	for (unsigned m = 0; m < FETCHING_ALL; m++) {
		struct child *child = &children[m];
		json_t *row;

		if (child_wait(child, CHILD_LIMIT_MS) != 1)
			fail_msg("fetch-%s %s: status %d, %s", fetching_all[m], bad, child->status,
				 child->err.text);
		row = fetching_row(child);
		if (fetching_number(row, "errors") != 50 || fetching_number(row, "requests") != 50)
			fail_msg("fetch-%s %s: %.0f errors, %.0f requests", fetching_all[m], bad,
				 fetching_number(row, "errors"), fetching_number(row, "requests"));
		assert_true(child_one_line(child->err.text));
		if (!strstr(child->err.text, "50 of 100 fetches failed, the first: ") ||
		    fetching_lines(child->err.text, bad, says) != 1)
			fail_msg("fetch-%s %s: '%s'", fetching_all[m], bad, child->err.text);
		json_decref(row);
		child_free(child);
	}
}

static void in_benchmarks(void **state)
{
	char bad[URL_SIZE], good[URL_SIZE];

	(void)state;
	url_of(good, "/bytes/7", false);
	for (size_t i = 0; i < FAULTS; i++) {
		url_of(bad, faults[i].where, false);
		half_of_a_benchmark(bad, good, faults[i].says);
	}
}

/* Odd, and right: these are no failures. */
static void survived(void **state)
{
	static const char *const wheres[] = {"/fault/idle-close/0", "/fault/idle-close/1ms",
					     "/fault/slow-head/100us", "/continue"};

	(void)state;
	for (size_t i = 0; i < sizeof(wheres) / sizeof(wheres[0]); i++) {
		char url[URL_SIZE], good[URL_SIZE];

		url_of(url, wheres[i], false);
		url_of(good, "/delay/3ms", false);
		for (unsigned m = 0; m < FETCHING_ALL; m++) {
			const char *const arguments[] = {
				"-n40", "--json", fetching_lanes(fetching_all[m], 4),
				url,	good,	  NULL};
			struct child child;
			json_t *row;

			if (fetching_run(&child, fetching_all[m], arguments) != 0)
				fail_msg("fetch-%s %s: %s", fetching_all[m], url, child.err.text);
			row = fetching_row(&child);
			assert_int_equal(fetching_number(row, "requests"), 40);
			json_decref(row);
			child_free(&child);
		}
	}
}

/* Each is followed to its end, however often the same redirects were seen before. */
static void redirects_in_benchmarks(void **state)
{
	char url[URL_SIZE], good[URL_SIZE];

	(void)state;
	url_of(url, "/redirect/3", false);
	url_of(good, "/bytes/100", false);
	for (unsigned m = 0; m < FETCHING_ALL; m++) {
		const char *const arguments[] = {
			"-L", "-n40", "--json", fetching_lanes(fetching_all[m], 4),
			url,  good,   NULL};
		struct child child;
		json_t *row;

		if (fetching_run(&child, fetching_all[m], arguments) != 0)
			fail_msg("fetch-%s: %s", fetching_all[m], child.err.text);
		row = fetching_row(&child);
		assert_int_equal(fetching_number(row, "requests"), 40);
		/* What redirects has a body of 24 bytes. */
		assert_true(fetching_number(row, "body_bytes") == 100);
		json_decref(row);
		child_free(&child);
	}
}

/* A port where the kernel takes no further connection: its queue is full. */
static unsigned full_queue(int *listener, int *clients, unsigned count)
{
	unsigned port = serving_silence(listener, 0);
	const struct sockaddr_in address = {.sin_family = AF_INET,
					    .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
					    .sin_port = htons((uint16_t)port)};

	for (unsigned i = 0; i < count; i++) {
		clients[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		connect(clients[i], (const struct sockaddr *)&address, sizeof(address));
	}
	return port;
}

enum { CROWD = 8, LATE = 4 };

/*
 * ThreadSanitizer holds signals back from a thread that waits at a barrier, and there the thread
 * that keeps the time may be when several block: without blocking, then.
 */
#ifdef __SANITIZE_THREAD__
#define TIMED_FIRST 1
#else
#define TIMED_FIRST 0
#endif

/* Each with its line, after its time; the good ones did not wait for them. All models at once. */
static void time_limits(void **state)
{
	static const char *const says[LATE] = {
		"response: not complete within --max-time", "body: not complete within --max-time",
		"TLS: not complete within --max-time", "connect: not complete within --max-time"};
	struct child children[FETCHING_ALL];
	int silent, full, crowd[CROWD];
	char urls[LATE][URL_SIZE], good[URL_SIZE];

	(void)state;
	url_of(urls[0], "/fault/never", false);
	url_of(urls[1], "/fault/stall-mid-body", false);
	snprintf(urls[2], URL_SIZE, "https://127.0.0.1:%u/", serving_silence(&silent, 64));
	snprintf(urls[3], URL_SIZE, "http://127.0.0.1:%u/", full_queue(&full, crowd, CROWD));
	url_of(good, "/bytes/7", false);
	for (unsigned m = TIMED_FIRST; m < FETCHING_ALL; m++) {
		const char *const arguments[] = {"-m3s",  fetching_lanes(fetching_all[m], 6),
						 good,	  urls[0],
						 urls[1], urls[2],
						 urls[3], good,
						 NULL};

		fetching_start(&children[m], fetching_all[m], arguments);
	}
	for (unsigned m = TIMED_FIRST; m < FETCHING_ALL; m++) {
		struct child *child = &children[m];

		if (child_wait(child, CHILD_LIMIT_MS) != 1)
			fail_msg("fetch-%s: status %d, %s", fetching_all[m], child->status,
				 child->err.text);
		for (unsigned i = 0; i < LATE; i++)
			assert_line(child, fetching_all[m], urls[i], says[i]);
		assert_int_equal(fetching_lines(child->err.text, "", ""), LATE);
		assert_int_equal(fetching_lines(child->out.text, "Read Contents: 7", good), 2);
		child_free(child);
	}
	for (unsigned i = 0; i < CROWD; i++)
		close(crowd[i]);
	close(full);
	close(silent);
}

/* Of connecting, with TLS; what is connected may take its time. */
static void connect_timeouts(void **state)
{
	struct child children[FETCHING_ALL];
	int silent, full, crowd[CROWD];
	char urls[2][URL_SIZE], slow[URL_SIZE];

	(void)state;
	snprintf(urls[0], URL_SIZE, "https://127.0.0.1:%u/", serving_silence(&silent, 64));
	snprintf(urls[1], URL_SIZE, "http://127.0.0.1:%u/", full_queue(&full, crowd, CROWD));
	url_of(slow, "/delay/3s", false);
	for (unsigned m = TIMED_FIRST; m < FETCHING_ALL; m++) {
		const char *const arguments[] = {"--connect-timeout=2s",
						 fetching_lanes(fetching_all[m], 3),
						 slow,
						 urls[0],
						 urls[1],
						 NULL};

		fetching_start(&children[m], fetching_all[m], arguments);
	}
	for (unsigned m = TIMED_FIRST; m < FETCHING_ALL; m++) {
		struct child *child = &children[m];

		if (child_wait(child, CHILD_LIMIT_MS) != 1)
			fail_msg("fetch-%s: status %d, %s", fetching_all[m], child->status,
				 child->err.text);
		assert_line(child, fetching_all[m], urls[0],
			    "TLS: no connection within --connect-timeout");
		assert_line(child, fetching_all[m], urls[1],
			    "connect: no connection within --connect-timeout");
		assert_int_equal(fetching_lines(child->err.text, "", ""), 2);
		assert_int_equal(fetching_lines(child->out.text, "Status Code: 200", slow), 1);
		child_free(child);
	}
	for (unsigned i = 0; i < CROWD; i++)
		close(crowd[i]);
	close(full);
	close(silent);
}

/* The good half does not wait for the other's time to be over, and both are counted. */
static void time_limits_in_benchmarks(void **state)
{
	struct child children[FETCHING_ALL];
	char never[URL_SIZE], good[URL_SIZE];

	(void)state;
	url_of(never, "/fault/never", false);
	url_of(good, "/bytes/7", false);
	for (unsigned m = TIMED_FIRST; m < FETCHING_ALL; m++) {
		const char *const arguments[] = {
			"-n8", "--json", "-m2s", fetching_lanes(fetching_all[m], 8),
			good,  never,	 NULL};

		fetching_start(&children[m], fetching_all[m], arguments);
	}
	for (unsigned m = TIMED_FIRST; m < FETCHING_ALL; m++) {
		struct child *child = &children[m];
		json_t *row;

		assert_int_equal(child_wait(child, CHILD_LIMIT_MS), 1);
		row = fetching_row(child);
		assert_int_equal(fetching_number(row, "requests"), 4);
		assert_int_equal(fetching_number(row, "errors"), 4);
		assert_true(child_one_line(child->err.text));
		assert_int_equal(fetching_lines(child->err.text, never, "response: not complete"),
				 1);
		json_decref(row);
		child_free(child);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_by_one),
		cmocka_unit_test(one_by_one_with_tls),
		cmocka_unit_test(in_benchmarks),
		cmocka_unit_test(survived),
		cmocka_unit_test(redirects_in_benchmarks),
		cmocka_unit_test(time_limits),
		cmocka_unit_test(connect_timeouts),
		cmocka_unit_test(time_limits_in_benchmarks),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
