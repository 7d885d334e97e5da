/*
 * What the origin answers beyond plain bodies, byte for byte: codings, chunks, redirects, and each
 * fault as it is documented. Other people's clients (curl, Python) decode what ours only counts.
 */
#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "lab/body_pattern.h"
#include "tests/peer.h"

#define REQUEST(method, path) method " " path " HTTP/1.1\r\nHost: test\r\n\r\n"

static struct child origin;
static unsigned port;
static struct peer peer;

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

static void reconnect(void)
{
	peer_close(&peer);
	peer_open(&peer, port, 0);
}

enum ending { END_CLOSE, END_RESET, END_QUIET };

/* All that comes until the connection ends, on the heap and with a zero byte behind it. */
static char *read_all(size_t *size, enum ending *ending)
{
	size_t room = 65536;
	char *bytes = malloc(room);
	ssize_t got;

	assert_non_null(bytes);
	*size = 0;
	for (;;) {
		got = recv(peer.fd, bytes + *size, room - *size - 1, 0);
		if (got <= 0)
			break;
		*size += (size_t)got;
		if (*size == room - 1) {
			room *= 2;
			bytes = realloc(bytes, room);
			assert_non_null(bytes);
		}
	}
	*ending = got == 0 ? END_CLOSE : errno == ECONNRESET ? END_RESET : END_QUIET;
	bytes[*size] = '\0';
	return bytes;
}

/* Reads what comes within 30 ms of silence. */
static void expect_silence_soon(void)
{
	struct timeval limit = {.tv_usec = 30000};

	setsockopt(peer.fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
}

static const char *body_of(const char *answer)
{
	const char *end = strstr(answer, "\r\n\r\n");

	assert_non_null(end);
	return end + 4;
}

/* Runs curl on paths of the origin; returns what it printed, in `client`. */
static int curl(struct child *client, const char *const *options, const char *const *paths)
{
	const char *argv[40] = {"curl", "-sS", "--max-time", "20"};
	char urls[16][160];
	size_t count = 4;

	while (*options)
		argv[count++] = *options++;
	for (size_t i = 0; paths[i]; i++) {
		snprintf(urls[i], sizeof(urls[i]), "http://127.0.0.1:%u%s", port, paths[i]);
		argv[count++] = urls[i];
	}
	argv[count] = NULL;
	return child_run(client, argv);
}

static void coded(void **state)
{
	static const char *const codings[] = {"gzip", "deflate", "br", "zstd", "chunked"};
	static const uint64_t sizes[] = {0, 1, 61, 1000, 65536, 65537, 1 << 20, 4 << 20};
	const char *const options[] = {"--compressed", "-w", "\n%{num_connects}\n", NULL};

	(void)state;
	for (size_t i = 0; i < sizeof(codings) / sizeof(codings[0]) * 8; i++) {
		uint64_t size = sizes[i % 8];
		char path[64];
		const char *const paths[] = {path, NULL};
		struct child client;

		snprintf(path, sizeof(path), "/%s/%" PRIu64, codings[i / 8], size);
		assert_int_equal(curl(&client, options, paths), 0);
		assert_int_equal(client.out.size, size + 3);
		assert_int_equal(body_check(client.out.text, size, 0), size);
		child_free(&client);
	}
}

/* The length stated is that of the coded bytes; the connection goes on behind them. */
static void coded_lengths(void **state)
{
	static const char *const codings[] = {"gzip", "deflate", "br", "zstd"};
	char text[256], expected[64];

	(void)state;
	for (size_t i = 0; i < 4 * 3; i++) {
		const char *coding = codings[i % 4];
		enum ending ending;
		size_t size;
		char *bytes, *length;

		snprintf(text, sizeof(text),
			 "GET /%s/200000 HTTP/1.1\r\nHost: test\r\n\r\n"
			 "GET /%s/3 HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n",
			 coding, coding);
		peer_text(&peer, text);
		bytes = read_all(&size, &ending);
		assert_int_equal(ending, END_CLOSE);
		length = strstr(bytes, "Content-Length: ");
		assert_non_null(length);
		snprintf(expected, sizeof(expected), "\r\nContent-Encoding: %s\r\n", coding);
		assert_non_null(strstr(bytes, expected));
		length = (char *)(uintptr_t)body_of(bytes) + strtoull(length + 16, NULL, 10);
		assert_true(strncmp(length, "HTTP/1.1 200 OK\r\n", 17) == 0);
		length = strstr(length, "Content-Length: ");
		assert_int_equal(strtoull(length + 16, NULL, 10), bytes + size - body_of(length));
		free(bytes);
		reconnect();
	}
}

/* Decodes and checks the bytes; returns where the message ends. */
static const char *dechunk(const char *at, uint64_t expected, bool *extended, bool *trailed)
{
	uint64_t done = 0;
	char *end;

	*extended = *trailed = false;
	for (;;) {
		uint64_t size = strtoull(at, &end, 16);

		assert_true(end > at);
		*extended |= *end == ';';
		at = strstr(end, "\r\n");
		assert_non_null(at);
		at += 2;
		if (size == 0)
			break;
		assert_int_equal(body_check(at, size, done), size);
		done += size;
		at += size;
		assert_memory_equal(at, "\r\n", 2);
		at += 2;
	}
	assert_int_equal(done, expected);
	while (strncmp(at, "\r\n", 2) != 0) {
		*trailed = true;
		at = strstr(at, "\r\n");
		assert_non_null(at);
		at += 2;
	}
	return at + 2;
}

static void chunked(void **state)
{
	static const uint64_t sizes[] = {0, 1, 2, 1000, 1001, 40000, 100001, 500000};
	bool any_extension = false;

	(void)state;
	for (size_t i = 0; i < 8; i++) {
		char text[256];
		enum ending ending;
		bool extended, trailed;
		size_t size;
		char *bytes;
		const char *next;

		snprintf(text, sizeof(text),
			 "GET /chunked/%" PRIu64 " HTTP/1.1\r\nHost: test\r\n\r\n"
			 "GET /bytes/3 HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n",
			 sizes[i]);
		peer_text(&peer, text);
		bytes = read_all(&size, &ending);
		assert_non_null(strstr(bytes, "\r\nTransfer-Encoding: chunked\r\n"));
		next = dechunk(body_of(bytes), sizes[i], &extended, &trailed);
		assert_int_equal(trailed, sizes[i] % 2);
		any_extension |= extended;
		assert_true(strncmp(next, "HTTP/1.1 200 OK\r\n", 17) == 0);
		assert_null(strstr(next, "Transfer-Encoding"));
		free(bytes);
		reconnect();
	}
	assert_true(any_extension);
	peer_text(&peer, "GET /chunked/5000 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
	char *bytes;
	size_t size;
	enum ending ending;

	bytes = read_all(&size, &ending);
	assert_null(strstr(bytes, "Transfer-Encoding"));
	assert_int_equal(bytes + size - body_of(bytes), 5000);
	assert_int_equal(body_check(body_of(bytes), 5000, 0), 5000);
	free(bytes);
}

/* A reader of chunks that is nobody's we know, on one connection. */
static void by_python(void **state)
{
	static const char script[] =
		"import http.client, sys, zlib\n"
		"c = http.client.HTTPConnection('127.0.0.1', int(sys.argv[1]))\n"
		"p = b'0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxy'\n"
		"for n in [0, 1, 999, 100001, 3000000]:\n"
		"    want = (p * (n // 61 + 1))[:n]\n"
		"    c.request('GET', '/chunked/%d' % n)\n"
		"    s = c.sock\n"
		"    assert c.getresponse().read() == want\n"
		"    c.request('GET', '/deflate/%d' % n)\n"
		"    assert zlib.decompress(c.getresponse().read()) == want\n"
		"    c.request('HEAD', '/chunked/%d' % n)\n"
		"    assert c.getresponse().read() == b''\n"
		"    assert c.sock is s\n"
		"c.request('GET', '/continue')\n"
		"try:\n"
		"    r = c.getresponse()\n" /* Python 3.11 hands out a 103 as if it were the answer */
		"    assert r.status in (103, 200)\n"
		"finally:\n"
		"    c.close()\n"
		"c.request('GET', '/close/70000')\n"
		"assert len(c.getresponse().read()) == 70000\n";
	char number[16];
	const char *const argv[] = {"python3", "-c", script, number, NULL};
	struct child client;

	(void)state;
	snprintf(number, sizeof(number), "%u", port);
	assert_int_equal(child_run(&client, argv), 0);
	child_free(&client);
}

static void ended_by_close(void **state)
{
	static const uint64_t sizes[] = {0, 24, 5000, 3000000};

	(void)state;
	for (size_t i = 0; i < 8; i++) {
		uint64_t expected = sizes[i % 4];
		enum ending ending;
		size_t size;
		char path[64], *bytes;

		snprintf(path, sizeof(path), "/close/%" PRIu64, expected);
		peer_get(&peer, path);
		bytes = read_all(&size, &ending);
		assert_int_equal(ending, END_CLOSE);
		assert_null(strstr(bytes, "Content-Length"));
		assert_non_null(strstr(bytes, "\r\nConnection: close\r\n"));
		assert_int_equal(bytes + size - body_of(bytes), expected);
		assert_int_equal(body_check(body_of(bytes), expected, 0), expected);
		free(bytes);
		reconnect();
	}
}

static void redirects(void **state)
{
	static const struct {
		const char *path, *expected;
		int status;
	} rows[] = {
		{"/redirect/0", "200 0 24 /redirect/0 1\n", 0},
		{"/redirect/1", "200 1 24 /redirect/0 1\n", 0},
		{"/redirect/10?x", "200 10 24 /redirect/0 1\n", 0},
		{"/redirect-to//bytes/7", "200 1 7 /bytes/7 1\n", 0},
		{"/redirect-to/%2Fbytes%2F7%3Fa%3db", "200 1 7 /bytes/7?a=b 1\n", 0},
		{"/loop", NULL, 47},
	};
	const char *const options[] = {
		"-L",
		"--path-as-is",
		"--max-redirs",
		"20",
		"-o",
		"/dev/null",
		"-w",
		"%{http_code} %{num_redirects} %{size_download} %{url_effective} %{num_connects}\n",
		NULL};
	char site[64], *at;

	(void)state;
	snprintf(site, sizeof(site), "http://127.0.0.1:%u", port);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *const paths[] = {rows[i].path, NULL};
		struct child client;

		assert_int_equal(curl(&client, options, paths), rows[i].status);
		at = strstr(client.out.text, site);
		assert_non_null(at);
		memmove(at, at + strlen(site), strlen(at + strlen(site)) + 1);
		if (rows[i].status == 0)
			assert_string_equal(client.out.text, rows[i].expected);
		child_free(&client);
	}
}

static void locations(void **state)
{
	static const struct {
		const char *path;
		int status;
		const char *location; /* NULL: none */
	} rows[] = {
		{"/redirect/1", 301, "0"},
		{"/redirect/2", 303, "/redirect/1"},
		{"/redirect/3", 307, "2"},
		{"/redirect/4", 308, "/redirect/3"},
		{"/redirect/5", 302, "4"},
		{"/redirect-to/https://a.test/b%20c%zz%4", 302, "https://a.test/b c%zz%4"},
		{"/redirect-to/x%0d%0aSet-Cookie:%20a", 404, NULL},
		{"/redirect-to/%00", 404, NULL},
		{"/redirect-to/%7f", 404, NULL},
		{"/redirect-to/", 404, NULL},
		{"/loop", 302, "/loop/back"},
		{"/loop/back", 302, "/loop"},
	};
	struct answer answer;
	char expected[640], path[640], text[800];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]) * 2; i++) {
		size_t at = i / 2; /* twice: built, and remembered */

		peer_get(&peer, rows[at].path);
		peer_answer(&peer, &answer, false);
		assert_int_equal(answer.status, rows[at].status);
		snprintf(expected, sizeof(expected), "\r\nLocation: %s\r\n", rows[at].location);
		if (rows[at].location)
			assert_non_null(strstr(answer.head, expected));
		else
			assert_null(strstr(answer.head, "Location"));
	}
	/* The longest target there may be comes back whole; one byte more is no path. */
	for (int more = 0; more < 2; more++) {
		snprintf(path, sizeof(path), "/redirect-to/%0*d", 511 - 13 + more, 7);
		snprintf(expected, sizeof(expected), "Location: %0*d\r\n", 511 - 13, 7);
		snprintf(text, sizeof(text), REQUEST("GET", "%s"), path);
		peer_text(&peer, text);
		peer_answer(&peer, &answer, false);
		assert_int_equal(answer.status, more ? 404 : 302);
		assert_int_equal(strstr(answer.head, expected) != NULL, !more);
	}
}

static void interim(void **state)
{
	struct answer answer;

	(void)state;
	for (int i = 0; i < 3; i++) {
		peer_get(&peer, "/continue");
		peer_answer(&peer, &answer, true);
		assert_int_equal(answer.status, 103);
		assert_non_null(strstr(answer.head, "\r\nLink: "));
		peer_expect(&peer, 200, 24);
	}
}

/* No answer to HEAD has a body, and the head is that of the answer to GET. */
static void heads(void **state)
{
	static const char *const paths[] = {
		"/",	       "/bytes/9",     "/bytes/100000",	  "/status/404",
		"/status/204", "/chunked/999", "/chunked/100000", "/gzip/1000",
		"/deflate/0",  "/br/100000",   "/zstd/50000",	  "/redirect/3",
		"/loop",       "/nothing",     "/delay/1ms",
	};
	static struct answer get;
	struct answer head;
	char text[160];

	(void)state;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]) * 2; i++) {
		snprintf(text, sizeof(text), REQUEST("HEAD", "%s"), paths[i / 2]);
		peer_text(&peer, text);
		peer_answer(&peer, &head, true);
		peer_get(&peer, "/bytes/5"); /* the very next byte is the next answer's */
		peer_expect(&peer, 200, 5);
		peer_get(&peer, paths[i / 2]);
		peer_answer(&peer, &get, true);
		assert_string_equal(head.head, get.head);
		reconnect();
	}
	peer_text(&peer, REQUEST("HEAD", "/close/1000"));
	peer_answer(&peer, &head, true);
	assert_int_equal(head.length, -1);
	assert_true(head.closes);
	peer_expect_end(&peer);
}

static double now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

#define OK_HEAD(fields) "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n" fields "\r\n"

/* Exactly these bytes, and then exactly this. */
static void faults(void **state)
{
	static const struct {
		const char *path, *head;
		size_t pattern;
		enum ending ending;
	} rows[] = {
		{"/fault/close", "", 0, END_CLOSE},
		{"/fault/reset", "", 0, END_RESET},
		{"/fault/close-mid-head",
		 "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Len", 0, END_CLOSE},
		{"/fault/close-mid-body", OK_HEAD("Content-Length: 1000\r\n"), 500, END_CLOSE},
		{"/fault/reset-mid-body", OK_HEAD("Content-Length: 1000\r\n"), 500, END_RESET},
		{"/fault/garbage", "\x01\x02 this is not HTTP\r\n\r\nnor is this\r\n", 0,
		 END_CLOSE},
		{"/fault/never", "", 0, END_QUIET},
		{"/fault/stall-mid-body", OK_HEAD("Content-Length: 1000\r\n"), 500, END_QUIET},
		{"/fault/wrong-length", OK_HEAD("Content-Length: 10\r\n"), 24, END_QUIET},
		{"/fault/unknown-coding",
		 OK_HEAD("Content-Encoding: unheard-of\r\nContent-Length: 24\r\n"), 24, END_QUIET},
		{"/fault/bad-chunk",
		 OK_HEAD("Transfer-Encoding: chunked\r\n") "5\r\n01234\r\nfive\r\n56789\r\n0\r\n\r\n",
		 0, END_CLOSE},
		{"/fault/idle-close", OK_HEAD("Content-Length: 24\r\n"), 24, END_CLOSE},
		{"/fault/idle-close/0", OK_HEAD("Content-Length: 24\r\n"), 24, END_CLOSE},
		{"/fault/slow-head", OK_HEAD("Content-Length: 24\r\n"), 24, END_QUIET},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]) * 2; i++) {
		size_t at = i / 2, head = strlen(rows[at].head), size;
		enum ending ending;
		char *bytes;

		if (rows[at].ending == END_QUIET && !strstr(rows[at].path, "slow"))
			expect_silence_soon();
		if (strstr(rows[at].path, "slow")) {
			/* Waiting for silence would end it early on a busy machine. */
			struct answer answer;

			peer_get(&peer, rows[at].path);
			peer_answer(&peer, &answer, false);
			assert_string_equal(answer.head, rows[at].head);
			assert_int_equal(answer.body_size, 24);
			continue;
		}
		peer_get(&peer, rows[at].path);
		bytes = read_all(&size, &ending);
		assert_int_equal(size, head + rows[at].pattern);
		assert_memory_equal(bytes, rows[at].head, head);
		assert_int_equal(body_check(bytes + head, rows[at].pattern, 0), rows[at].pattern);
		assert_int_equal(ending, rows[at].ending);
		free(bytes);
		reconnect();
	}
}

/* Each is met by curl as that kind of trouble; the origin goes on serving. */
static void faults_by_curl(void **state)
{
	static const struct {
		const char *path;
		int status, other; /* of curl; versions differ in one */
	} rows[] = {
		{"/fault/close", 52, 52},	   {"/fault/reset", 56, 56},
		{"/fault/close-mid-head", 56, 0},  {"/fault/close-mid-body", 18, 18},
		{"/fault/reset-mid-body", 56, 56}, {"/fault/garbage", 1, 1},
		{"/fault/long-head", 0, 0},	   {"/fault/unknown-coding", 61, 61},
		{"/fault/bad-gzip", 61, 61},	   {"/fault/bad-chunk", 56, 18},
		{"/fault/slow-head", 0, 0},	   {"/fault/idle-close", 0, 0},
		{"/fault/idle-close/0", 0, 0},
	};
	const char *const options[] = {"--compressed", "-o", "/dev/null", NULL};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *const paths[] = {rows[i].path, NULL};
		struct child client;
		int status = curl(&client, options, paths);

		if (status != rows[i].other)
			assert_int_equal(status, rows[i].status);
		child_free(&client);
	}
	peer_get(&peer, "/");
	peer_expect(&peer, 200, 24);
}

/* Pieces of a gzip stream: one that no decoder takes, one that only wants more. */
static void broken_gzip(void **state)
{
	static const char script[] =
		"import http.client, sys, zlib\n"
		"c = http.client.HTTPConnection('127.0.0.1', int(sys.argv[1]))\n"
		"def get(path):\n"
		"    c.request('GET', path)\n"
		"    r = c.getresponse()\n"
		"    assert r.headers['Content-Encoding'] == 'gzip'\n"
		"    b = r.read()\n"
		"    assert len(b) == int(r.headers['Content-Length'])\n"
		"    return b\n"
		"try:\n"
		"    zlib.decompressobj(31).decompress(get('/fault/bad-gzip'))\n"
		"    sys.exit(1)\n"
		"except zlib.error:\n"
		"    pass\n"
		"d = zlib.decompressobj(31)\n"
		"got = d.decompress(get('/fault/cut-gzip'))\n"
		"assert not d.eof and len(got) < 10000, len(got)\n"
		"get('/gzip/5')\n";
	char number[16];
	const char *const argv[] = {"python3", "-c", script, number, NULL};
	struct child client;

	(void)state;
	snprintf(number, sizeof(number), "%u", port);
	assert_int_equal(child_run(&client, argv), 0);
	child_free(&client);
}

static void long_head(void **state)
{
	enum ending ending;
	size_t size;
	char *bytes;

	(void)state;
	peer_text(&peer, "GET /fault/long-head HTTP/1.1\r\nHost: test\r\n\r\n"
			 "HEAD /fault/long-head HTTP/1.1\r\nHost: test\r\n\r\n"
			 "GET /bytes/2 HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
	bytes = read_all(&size, &ending);
	assert_in_range(body_of(bytes) - bytes, 65537, 200000);
	assert_int_equal(body_check(body_of(bytes), 24, 0), 24);
	const char *second = body_of(bytes) + 24;

	assert_memory_equal(second, bytes, (size_t)(body_of(bytes) - bytes));
	assert_true(strncmp(body_of(second), "HTTP/1.1 200 OK\r\n", 17) == 0);
	assert_int_equal(body_check(bytes + size - 2, 2, 0), 2);
	free(bytes);
}

/* What is to come later does not come earlier. */
static void not_too_soon(void **state)
{
	struct answer answer;
	double before = now_s();

	(void)state;
	peer_get(&peer, "/fault/idle-close/40ms");
	peer_answer(&peer, &answer, false);
	assert_false(answer.closes);
	peer_get(&peer, "/"); /* what comes meanwhile is not answered */
	peer_expect_end(&peer);
	assert_true(now_s() - before >= 0.040);
	reconnect();
	before = now_s();
	peer_get(&peer, "/fault/slow-head/2ms");
	peer_answer(&peer, &answer, false);
	assert_int_equal(answer.body_size, 24);
	assert_true(now_s() - before >= 0.002 * (double)(strlen(answer.head) - 1));
	peer_get(&peer, "/bytes/3");
	peer_expect(&peer, 200, 3);
}

/* A client that waits for nothing is let go as soon as it leaves, in either manner. */
static void held_until_left(void **state)
{
	ssize_t got;
	char byte;

	(void)state;
	peer_get(&peer, "/fault/never");
	peer_get(&peer, "/");
	usleep(2000);
	shutdown(peer.fd, SHUT_WR);
	got = recv(peer.fd, &byte, 1, 0);
	assert_true(got == 0 || errno == ECONNRESET); /* "/" was not read: a reset will do */
	reconnect();
	peer_get(&peer, "/fault/never");
	shutdown(peer.fd, SHUT_WR); /* perhaps before it is held */
	peer_expect_end(&peer);
}

#define CROWD 150

/*
 * More clients at once than the queue of answers takes, all of whom are to be closed: each once,
 * for a descriptor that is closed twice is somebody else's the second time.
 */
static void closed_once(void **state)
{
	static const char text[] = "GET / HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n";
	char pid[16], line[4096];
	const char *const strace[] = {"strace", "-qq", "-e", "trace=close", "-p", pid, NULL};
	static struct peer crowd[CROWD];
	struct child tracer;

	(void)state;
	snprintf(pid, sizeof(pid), "%d", (int)origin.pid);
	child_start(&tracer, strace);
	for (unsigned i = 0, traced = 0; !traced && i < 2000; i++) {
		FILE *file;

		usleep(5000);
		snprintf(line, sizeof(line), "/proc/%s/status", pid);
		file = fopen(line, "r");
		while (file && fgets(line, sizeof(line), file))
			traced |= sscanf(line, "TracerPid: %u", &traced) == 1 && traced;
		if (file)
			fclose(file);
	}
	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 0; i < CROWD; i++)
			peer_open(&crowd[i], port, 0);
		peer_get(&peer, "/"); /* once it is answered, all of the crowd are let in */
		peer_expect(&peer, 200, 24);
		peer_get(&peer, "/delay/30ms");
		kill(origin.pid, SIGSTOP);
		for (unsigned i = 0; i < CROWD; i++)
			peer_text(&crowd[i], text);
		kill(origin.pid, SIGCONT);
		for (unsigned i = 0; i < CROWD; i++) {
			peer_expect(&crowd[i], 200, 24);
			peer_expect_end(&crowd[i]);
			peer_close(&crowd[i]);
		}
		peer_expect(&peer, 200, 24);
	}
	child_end(&tracer, SIGINT, CHILD_LIMIT_MS);
	assert_non_null(strstr(tracer.err.text, "close("));
	assert_null(strstr(tracer.err.text, "EBADF"));
	child_free(&tracer);
}

#define CONNECTED(test) cmocka_unit_test_setup_teardown(test, connected, disconnected)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CONNECTED(coded),	CONNECTED(coded_lengths),  CONNECTED(chunked),
		CONNECTED(by_python),	CONNECTED(ended_by_close), CONNECTED(redirects),
		CONNECTED(locations),	CONNECTED(interim),	   CONNECTED(heads),
		CONNECTED(faults),	CONNECTED(faults_by_curl), CONNECTED(broken_gzip),
		CONNECTED(long_head),	CONNECTED(not_too_soon),   CONNECTED(held_until_left),
		CONNECTED(closed_once),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
