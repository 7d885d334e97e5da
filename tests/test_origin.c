/*
 * The origin as a client sees it, over real sockets: what it answers, in which order, when it
 * closes, and that no split of the bytes makes a difference.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "tests/peer.h"

#define HOST "Host: test\r\n"

static const char head_end[] = {'\r', '\n', '\r', '\n'};

static struct child origin;
static unsigned port;

static int start(void **state)
{
	(void)state;
	port = peer_origin(&origin, NULL);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	peer_origin_end(&origin);
	child_free(&origin);
	return 0;
}

/* Every test gets a connection of its own, and leaves it open if it likes. */
static struct peer peer;

static int connected(void **state)
{
	(void)state;
	peer_open(&peer, port, 0);
	return 0;
}

static int disconnected(void **state)
{
	(void)state;
	peer_close(&peer);
	return 0;
}

/* Long enough for the origin to read what was sent, so that the next bytes come alone. */
static void let_it_read(void)
{
	usleep(500);
}

static void splits(void **state)
{
	static const char pair[] = "GET /bytes/10 HTTP/1.1\r\n" HOST "\r\n"
				   "GET /bytes/2k?query HTTP/1.1\r\n" HOST "X: y\r\n\r\n";
	size_t size = strlen(pair);

	(void)state;
	for (size_t at = 0; at <= size; at++) {
		peer_send(&peer, pair, at);
		let_it_read();
		peer_send(&peer, pair + at, size - at);
		peer_expect(&peer, 200, 10);
		peer_expect(&peer, 200, 2048);
	}
	for (size_t at = 0; at < size; at++) {
		peer_send(&peer, pair + at, 1);
		let_it_read();
	}
	peer_expect(&peer, 200, 10);
	peer_expect(&peer, 200, 2048);
}

static void keep_alive(void **state)
{
	static const struct {
		const char *request;
		bool closes, keeps;
	} rows[] = {
		{"GET / HTTP/1.1\r\n" HOST "\r\n", false, false},
		{"GET / HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n", true, false},
		{"GET / HTTP/1.1\r\n" HOST "connection: CLOSE\r\n\r\n", true, false},
		{"GET / HTTP/1.1\r\n" HOST "Connection: x, close\r\n\r\n", true, false},
		{"GET / HTTP/1.1\r\n" HOST "Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n", false,
		 false},
		{"GET / HTTP/1.0\r\n\r\n", true, false},
		{"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", false, true},
		{"GET / HTTP/1.0\r\nConnection: close\r\n\r\n", true, false},
		{"\r\nGET / HTTP/1.1\r\n" HOST "\r\n", false, false},
		{"GET http://test/ HTTP/1.1\r\n" HOST "\r\n", false, false},
	};
	struct answer answer;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]) * 3; i++) {
		size_t at = i / 3; /* thrice, the later ones out of the cache */

		peer_text(&peer, rows[at].request);
		peer_answer(&peer, &answer, false);
		assert_int_equal(answer.status, 200);
		assert_int_equal(answer.body_size, 24);
		assert_int_equal(answer.closes, rows[at].closes);
		assert_int_equal(answer.keeps, rows[at].keeps);
		if (answer.closes) {
			peer_expect_end(&peer);
			peer_close(&peer);
			peer_open(&peer, port, 0);
		}
	}
}

static void heads(void **state)
{
	struct answer answer;

	(void)state;
	for (int i = 0; i < 2; i++) {
		peer_text(&peer, "HEAD /bytes/100000 HTTP/1.1\r\n" HOST "\r\n");
		peer_answer(&peer, &answer, true);
		assert_int_equal(answer.status, 200);
		assert_int_equal(answer.length, 100000);
		peer_get(&peer, "/bytes/5"); /* the very next byte is the next answer's */
		peer_expect(&peer, 200, 5);
	}
}

static void bodies(void **state)
{
	static const uint64_t sizes[] = {0,	1,     24,    60,      61,	62,
					 1900,	1983,  1984,  2048,    65514,	65535,
					 65536, 65537, 70000, 1048576, 9000000, 24};
	char path[64];

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		snprintf(path, sizeof(path), "/bytes/%llu", (unsigned long long)sizes[i]);
		peer_get(&peer, path);
		peer_expect(&peer, 200, sizes[i]);
		peer_get(&peer, path);
		peer_expect(&peer, 200, sizes[i]);
	}
}

/* Answers that do not fit the socket wait for room, with what was asked after them. */
static void slow_reader(void **state)
{
	static const char ask[] = "GET /bytes/20000 HTTP/1.1\r\n" HOST "\r\n";
	enum { COUNT = 1000 }; /* more than one read takes */
	char *all = malloc(COUNT * sizeof(ask));

	(void)state;
	assert_non_null(all);
	peer_close(&peer);
	peer_open(&peer, port, 4096);
	peer_get(&peer, "/bytes/30m");
	usleep(20000);
	for (size_t i = 0; i < COUNT; i++)
		memcpy(all + i * (sizeof(ask) - 1), ask, sizeof(ask) - 1);
	peer_send(&peer, all, COUNT * (sizeof(ask) - 1));
	free(all);
	peer_get(&peer, "/status/404");
	usleep(20000);
	peer_expect(&peer, 200, 30 << 20);
	for (size_t i = 0; i < COUNT; i++)
		peer_expect(&peer, 200, 20000);
	peer_expect(&peer, 404, 24);
}

static void statuses(void **state)
{
	struct answer answer;
	char path[64];

	(void)state;
	for (int status = 200; status <= 599; status++) {
		bool bare = status == 204 || status == 304;

		snprintf(path, sizeof(path), "/status/%d", status);
		peer_get(&peer, path);
		peer_answer(&peer, &answer, false);
		assert_int_equal(answer.status, status);
		assert_int_equal(answer.length, bare ? -1 : status == 205 ? 0 : 24);
		assert_false(answer.closes);
	}
	for (int status = 100; status <= 199; status++) {
		snprintf(path, sizeof(path), "/status/%d", status);
		peer_get(&peer, path);
		peer_answer(&peer, &answer, false);
		assert_int_equal(answer.status, status);
		assert_int_equal(answer.length, -1);
		peer_expect(&peer, 200, 24);
	}
}

static void not_found(void **state)
{
	static const char *const paths[] = {
		"/nothing",
		"/bytes/",
		"/bytes/x",
		"/bytes/-1",
		"/bytes/1/2",
		"/status/99",
		"/status/600",
		"/status/20x",
		"/delay/",
		"/delay/5parsecs",
		"/bytes",
		"//",
		"*",
		"/%62ytes/1",
		"/bytes/99999999999999999999",
	};
	char path[400];

	(void)state;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		peer_get(&peer, paths[i]);
		peer_expect(&peer, 404, 0);
	}
	memset(path, 'a', sizeof(path));
	path[0] = '/';
	path[sizeof(path) - 1] = '\0';
	peer_get(&peer, path);
	peer_expect(&peer, 404, 0);
	peer_get(&peer, "/");
	peer_expect(&peer, 200, 24);
}

static void methods(void **state)
{
	static const char *const bodiless[] = {"POST",	  "PUT",   "DELETE",
					       "OPTIONS", "PATCH", "TRACE"};
	struct answer answer;
	char text[256];

	(void)state;
	for (size_t i = 0; i < sizeof(bodiless) / sizeof(bodiless[0]); i++) {
		snprintf(text, sizeof(text), "%s / HTTP/1.1\r\n" HOST "\r\n", bodiless[i]);
		peer_text(&peer, text);
		peer_answer(&peer, &answer, false);
		assert_int_equal(answer.status, 405);
		assert_non_null(strstr(answer.head, "\r\nAllow: GET, HEAD\r\n"));
		assert_false(answer.closes);
	}
	/* A body that may be asked for is skipped; one that is refused is not waited for. */
	peer_text(&peer, "GET /bytes/3 HTTP/1.1\r\n" HOST "Content-Length: 16\r\n\r\n"
			 "GET / HTTP/1.1\r\n");
	peer_expect(&peer, 200, 3);
	peer_text(&peer, "GET /bytes/4 HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
			 "5\r\nhello\r\n0\r\n\r\n");
	peer_expect(&peer, 200, 4);
	peer_text(&peer, "POST / HTTP/1.1\r\n" HOST "Content-Length: 1000000\r\n"
			 "Expect: 100-continue\r\n\r\n");
	peer_answer(&peer, &answer, false);
	assert_int_equal(answer.status, 405);
	assert_true(answer.closes);
	peer_expect_end(&peer);
}

static void garbage(void **state)
{
	static const char *const texts[] = {
		"\x16\x03\x01\x02\x01\x01",
		"hello\r\n\r\n",
		"GET\r\n\r\n",
		"GET / HTPT/1.1\r\n\r\n",
		"GET / HTTP/x.1\r\n\r\n",
		"GET / HTTP/1.1\r\nno colon\r\n\r\n",
		"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
		"GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
	};
	struct answer answer;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		peer_get(&peer, "/bytes/7"); /* what was right before it is answered first */
		peer_text(&peer, texts[i]);
		peer_expect(&peer, 200, 7);
		peer_answer(&peer, &answer, false);
		assert_int_equal(answer.status, 400);
		assert_true(answer.closes);
		peer_expect_end(&peer);
		peer_close(&peer);
		peer_open(&peer, port, 0);
	}
}

/* A head of 16 KiB is read, one of a byte more is refused, though much of it is still to come. */
static void head_size(void **state)
{
	static char text[300000];
	static const char begin[] = "GET /bytes/9 HTTP/1.1\r\nX: ";
	struct answer answer;

	(void)state;
	memset(text, 'a', sizeof(text));
	memcpy(text, begin, sizeof(begin) - 1);
	memcpy(text + 16384 - 4, head_end, 4);
	peer_send(&peer, text, 16384);
	peer_expect(&peer, 200, 9);
	memset(text + 16384 - 4, 'a', 4);
	peer_send(&peer, text, sizeof(text));
	peer_answer(&peer, &answer, false);
	assert_int_equal(answer.status, 431);
	assert_true(answer.closes);
	peer_expect_end(&peer);
	peer_close(&peer);
	peer_open(&peer, port, 0);
	memcpy(text + 16385 - 4, head_end, 4);
	peer_send(&peer, text, 16385);
	peer_expect(&peer, 431, 0);
	peer_expect_end(&peer);
}

/* More heads than are remembered, some of them beginnings of others, in changing order. */
static void remembered(void **state)
{
	char path[64];

	(void)state;
	for (unsigned i = 0; i < 2000; i++) {
		unsigned size = (i * i + i / 7) % 23;

		snprintf(path, sizeof(path), "/bytes/%u", size);
		peer_get(&peer, path);
		peer_expect(&peer, 200, size);
	}
}

#define CONNECTED(test) cmocka_unit_test_setup_teardown(test, connected, disconnected)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CONNECTED(splits),    CONNECTED(keep_alive),  CONNECTED(heads),
		CONNECTED(bodies),    CONNECTED(slow_reader), CONNECTED(statuses),
		CONNECTED(not_found), CONNECTED(methods),     CONNECTED(garbage),
		CONNECTED(head_size), CONNECTED(remembered),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
