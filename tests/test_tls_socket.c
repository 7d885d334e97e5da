/*
 * TLS over sockets: OpenSSL with the socket, on a pair of which the test is the other end, and
 * both ways against nginx and openssl's own server.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "kernels/protocol/tls.h"
#include "tests/child.h"
#include "tests/tls_server.h"

#define NAME	"origin.test"
#define LONGEST 4096

static char folder[] = "/tmp/test_tls_XXXXXX";
static char ca_path[64];

static struct tls_context *context_of(enum tls_io io, size_t longest)
{
	const struct tls_options options = {
		.cacert = ca_path, .io = io, .endpoints = 1, .longest_request = longest};
	struct tls_context *context;
	char why[256] = "";

	if (tls_context_new(&options, &context, why, sizeof(why)))
		fail_msg("%s", why);
	return context;
}

/* --- OpenSSL with the socket ------------------------------------------------------------------ */

/* A client by OpenSSL on one end of a socket pair; the test is the other end. */
struct socket_link {
	struct tls_context *context;
	struct tls_server *server;
	struct tls *tls;
	struct tls_end *end;
	int client, fd;
	uint8_t got[65536];
	size_t got_length;
};

static void socket_open(struct socket_link *link, size_t longest)
{
	const struct tls_server_options asked = {.names = "DNS:" NAME};
	int pair[2];

	memset(link, 0, sizeof(*link));
	link->context = context_of(TLS_CONVENTIONAL, longest);
	link->server = tls_server_new(&asked);
	link->end = tls_end_new(link->server);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	link->client = pair[0];
	link->fd = pair[1];
	link->tls = tls_new(link->context, NAME, 0);
	assert_non_null(link->tls);
	assert_true(tls_has_socket(link->tls));
	assert_true(tls_begin(link->tls, link->client));
}

static void socket_close(struct socket_link *link)
{
	tls_free(link->tls);
	tls_end_free(link->end);
	tls_context_free(link->context);
	tls_server_free(link->server);
	close(link->client);
	if (link->fd >= 0)
		close(link->fd);
}

/* The server's turn: takes what is in the socket, answers the handshake. */
static void socket_serve(struct socket_link *link)
{
	static uint8_t bytes[65536];
	ssize_t length;
	long part;

	while ((length = recv(link->fd, bytes, sizeof(bytes), 0)) > 0)
		tls_end_feed(link->end, bytes, (size_t)length);
	while ((part = tls_end_read(link->end, link->got, sizeof(link->got))) > 0)
		link->got_length += (size_t)part;
	length = (ssize_t)tls_end_drain(link->end, bytes, sizeof(bytes));
	if (length)
		assert_int_equal(send(link->fd, bytes, (size_t)length, 0), length);
}

static void socket_handshake(struct socket_link *link)
{
	enum tls_result result;

	while ((result = tls_handshake(link->tls)) == TLS_RECEIVE)
		socket_serve(link);
	assert_int_equal(result, TLS_DONE);
	socket_serve(link);
}

/* read() and write() calls of this thread, as the kernel counts them; false if it does not. */
static bool kernel_calls(uint64_t *calls)
{
	unsigned long long reads = 0, writes = 0;
	char text[512] = "";
	int fd = open("/proc/thread-self/io", O_RDONLY | O_CLOEXEC);
	ssize_t length;

	if (fd < 0)
		return false;
	length = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (length <= 0 || !strstr(text, "syscr: ") || !strstr(text, "syscw: "))
		return false;
	sscanf(strstr(text, "syscr: "), "syscr: %llu", &reads);
	sscanf(strstr(text, "syscw: "), "syscw: %llu", &writes);
	*calls = reads + writes;
	return true;
}

static void conventional(void **state)
{
	uint64_t before, after, overhead;
	struct socket_link link;
	bool counted;
	const uint8_t *bytes;
	size_t length;

	(void)state;
	socket_open(&link, LONGEST);
	assert_int_equal(tls_calls(link.tls), 0);
	socket_handshake(&link);
	assert_true(tls_calls(link.tls) >= 4);
	assert_int_equal(tls_calls(link.tls), 0);
	assert_int_equal(tls_read(link.tls, &bytes, &length), TLS_RECEIVE);
	tls_calls(link.tls);
	tls_end_write(link.end, "answer", 6);
	socket_serve(&link);
	counted = kernel_calls(&before) && kernel_calls(&overhead);
	assert_int_equal(tls_write(link.tls, "request", 7), TLS_DONE);
	assert_int_equal(tls_read(link.tls, &bytes, &length), TLS_DONE);
	if (counted && kernel_calls(&after)) /* reading the count is a call itself */
		assert_int_equal(after - overhead - (overhead - before), 2);
	assert_int_equal(tls_calls(link.tls), 2);
	assert_int_equal(length, 6);
	assert_memory_equal(bytes, "answer", 6);
	tls_output(link.tls, &length);
	assert_int_equal(length, 0);
	socket_serve(&link);
	assert_int_equal(link.got_length, 7);
	tls_end_close(link.end);
	socket_serve(&link);
	assert_int_equal(tls_read(link.tls, &bytes, &length), TLS_END);
	socket_close(&link);
}

static void conventional_cut(void **state)
{
	struct socket_link link;
	const uint8_t *bytes;
	size_t length;

	(void)state;
	socket_open(&link, LONGEST); /* in the middle of the handshake */
	assert_int_equal(tls_handshake(link.tls), TLS_RECEIVE);
	socket_serve(&link);
	shutdown(link.fd, SHUT_WR);
	while (tls_handshake(link.tls) == TLS_DONE &&
	       tls_read(link.tls, &bytes, &length) == TLS_DONE)
		;
	assert_int_equal(tls_read(link.tls, &bytes, &length), TLS_CUT);
	assert_int_equal(ERR_peek_error(), 0);
	socket_close(&link);

	socket_open(&link, LONGEST); /* before it */
	assert_int_equal(tls_handshake(link.tls), TLS_RECEIVE);
	shutdown(link.fd, SHUT_WR);
	assert_int_equal(tls_handshake(link.tls), TLS_CUT);
	socket_close(&link);

	socket_open(&link, LONGEST); /* and the socket gone */
	socket_handshake(&link);
	close(link.fd);
	link.fd = -1;
	assert_int_equal(tls_write(link.tls, "request", 7), TLS_FAILED);
	assert_string_equal(tls_failure(link.tls), "Broken pipe");
	assert_int_equal(ERR_peek_error(), 0);
	socket_close(&link);
}

/* A socket that is full: the same bytes again, from another place, until all are through. */
static void conventional_full(void **state)
{
	enum { LENGTH = 1000000 };
	uint8_t *bytes = calloc(1, LENGTH), *moved = calloc(1, LENGTH);
	struct socket_link link;
	enum tls_result result;
	unsigned waits = 0;

	(void)state;
	assert_true(bytes && moved);
	socket_open(&link, LENGTH);
	socket_handshake(&link);
	while ((result = tls_write(link.tls, waits % 2 ? moved : bytes, LENGTH)) == TLS_SEND) {
		waits++;
		socket_serve(&link);
	}
	assert_int_equal(result, TLS_DONE);
	assert_true(waits > 0);
	socket_serve(&link);
	assert_int_equal(link.got_length, LENGTH);
	free(bytes);
	free(moved);
	socket_close(&link);
}

/* --- real servers ----------------------------------------------------------------------------- */

/* Goes on when the socket can. */
static void await(int fd, short events)
{
	struct pollfd waited = {.fd = fd, .events = events};

	assert_int_equal(poll(&waited, 1, CHILD_LIMIT_MS), 1);
}

/* What a model does, in one place: moves the bytes of either kind of TLS. */
static enum tls_result move(struct tls *tls, int fd, enum tls_result result)
{
	static uint8_t input[20000];
	size_t length;
	const uint8_t *output = tls_output(tls, &length);

	if (length) {
		assert_int_equal(send(fd, output, length, MSG_NOSIGNAL), length);
		tls_output_taken(tls);
	}
	if (result == TLS_RECEIVE || result == TLS_SEND)
		await(fd, result == TLS_SEND ? POLLOUT : POLLIN);
	if (result == TLS_RECEIVE && !tls_has_socket(tls)) {
		ssize_t got = recv(fd, input, sizeof(input), MSG_DONTWAIT);

		if (got == 0)
			return TLS_CUT;
		assert_true(got > 0);
		tls_input(tls, input, (size_t)got);
	}
	return result;
}

/* GET; whether the answer is complete is told by its end, or by `until` in it. */
static void get(struct tls *tls, int fd, const char *until, char *answer, size_t size)
{
	static const char request[] = "GET / HTTP/1.1\r\nHost: " NAME "\r\n\r\n";
	enum tls_result result;
	const uint8_t *bytes;
	size_t length, at = 0;

	while ((result = tls_write(tls, request, sizeof(request) - 1)) != TLS_DONE)
		move(tls, fd, result);
	move(tls, fd, TLS_DONE);
	answer[0] = '\0';
	while (!until || !strstr(answer, until)) {
		result = tls_read(tls, &bytes, &length);
		if (result == TLS_DONE) {
			assert_true(at + length < size);
			memcpy(answer + at, bytes, length);
			answer[at += length] = '\0';
			continue;
		}
		if (result == TLS_END && !until)
			return;
		assert_int_equal(result, TLS_RECEIVE);
		assert_int_equal(move(tls, fd, result), TLS_RECEIVE);
	}
}

/* Connects as soon as the server listens, and shakes hands, or fails the test. */
static int reach(struct tls *tls, unsigned port, bool blocking)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_port = htons((uint16_t)port),
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct timeval limit = {.tv_sec = CHILD_LIMIT_MS / 1000};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	enum tls_result result;
	unsigned tries = 0;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	while (connect(fd, (struct sockaddr *)&address, sizeof(address))) {
		assert_true(errno == ECONNREFUSED && tries++ < 500);
		usleep(20000);
	}
	if (!blocking)
		fcntl(fd, F_SETFL, O_NONBLOCK);
	assert_true(tls_begin(tls, fd));
	while ((result = tls_handshake(tls)) == TLS_RECEIVE || result == TLS_SEND)
		assert_int_equal(move(tls, fd, result), result);
	if (result != TLS_DONE)
		fail_msg("handshake: %d, %s", result, tls_failure(tls));
	return fd;
}

/* Two connections; the second goes on with the first's session. */
static void visit(enum tls_io io, bool blocking, unsigned port, const char *version,
		  const char *until, const char *expected)
{
	struct tls_context *context = context_of(io, LONGEST);
	struct tls *tls = tls_new(context, NAME, 0);
	char answer[65536];

	assert_non_null(tls);
	for (unsigned time = 0; time < 2; time++) {
		int fd = reach(tls, port, blocking);

		assert_string_equal(tls_version(tls), version);
		assert_int_equal(tls_was_resumed(tls), time == 1);
		for (unsigned i = 0; i < (until ? 3 : 1); i++) { /* kept alive, or not */
			get(tls, fd, until, answer, sizeof(answer));
			assert_non_null(strstr(answer, expected));
		}
		assert_int_equal(tls_calls(tls) > 0, io != TLS_BUFFERED);
		tls_end(tls);
		close(fd);
	}
	tls_free(tls);
	tls_context_free(context);
}

static void visits(unsigned port, const char *version, const char *until, const char *expected)
{
	struct tls_context *context;
	const struct tls_options kernel = {
		.cacert = ca_path, .io = TLS_KTLS, .endpoints = 1, .longest_request = LONGEST};
	char why[256];

	visit(TLS_BUFFERED, false, port, version, until, expected);
	visit(TLS_CONVENTIONAL, false, port, version, until, expected);
	visit(TLS_CONVENTIONAL, true, port, version, until, expected);
	if (tls_context_new(&kernel, &context, why, sizeof(why))) {
		print_message("not by the kernel: %s\n", why);
		return;
	}
	tls_context_free(context);
	visit(TLS_KTLS, false, port, version, until, expected);
	visit(TLS_KTLS, true, port, version, until, expected);
}

/* A port that was free a moment ago, for servers that cannot choose one themselves. */
static unsigned free_port(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
	close(fd);
	return ntohs(address.sin_port);
}

static const char *in_folder(const char *name)
{
	static char path[4][96];
	static unsigned next;
	char *made = path[next++ % 4];

	snprintf(made, sizeof(path[0]), "%s/%s", folder, name);
	return made;
}

static void put_file(const char *name, const char *text)
{
	FILE *file = fopen(in_folder(name), "w");

	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

static void nginx(void **state)
{
	static const struct {
		const char *word, *version;
	} speaks[] = {{"TLSv1.2", "TLSv1.2"}, {"TLSv1.3", "TLSv1.3"}};

	(void)state;
	put_file("index.html", "<p>a page, and this is its end</p>");
	for (size_t i = 0; i < 2; i++) {
		const char *const argv[] = {"/usr/sbin/nginx", "-p", folder, "-c",
					    "nginx.conf",      NULL};
		unsigned port = free_port();
		struct child child;
		char text[1024];

		snprintf(text, sizeof(text),
			 "daemon off; master_process off; pid p; error_log e; events {}\n"
			 "http { access_log off; client_body_temp_path t; proxy_temp_path t;\n"
			 "fastcgi_temp_path t; uwsgi_temp_path t; scgi_temp_path t;\n"
			 "server { listen 127.0.0.1:%u ssl; root %s; ssl_protocols %s;\n"
			 "ssl_certificate cert.pem; ssl_certificate_key key.pem;\n"
			 "ssl_session_cache shared:s:1m; } }\n",
			 port, folder, speaks[i].word);
		put_file("nginx.conf", text);
		child_start(&child, argv);
		visits(port, speaks[i].version, "this is its end", "HTTP/1.1 200 OK\r\n");
		child_end(&child, SIGTERM, CHILD_LIMIT_MS);
		child_free(&child);
	}
}

/* Closes after each answer, with a close_notify. */
static void s_server(void **state)
{
	static const char *const flags[] = {"-tls1_2", "-tls1_3"};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		unsigned port = free_port();
		struct child child;
		char where[32];
		const char *const argv[] = {"openssl", "s_server",
					    "-accept", where,
					    "-cert",   in_folder("cert.pem"),
					    "-key",    in_folder("key.pem"),
					    "-www",    flags[i],
					    NULL};

		snprintf(where, sizeof(where), "127.0.0.1:%u", port);
		child_start(&child, argv);
		visits(port, i ? "TLSv1.3" : "TLSv1.2", NULL, "200 ok\r\n");
		child_end(&child, SIGTERM, CHILD_LIMIT_MS);
		child_free(&child);
	}
}

static int make_folder(void **state)
{
	const struct tls_server_options asked = {.names = "DNS:" NAME};
	struct tls_server *server;

	(void)state;
	signal(SIGPIPE, SIG_IGN); /* as tls.h wants it */
	if (!mkdtemp(folder) || chmod(folder, 0755))
		return -1;
	snprintf(ca_path, sizeof(ca_path), "%s/ca.pem", folder);
	tls_server_write_ca(ca_path);
	server = tls_server_new(&asked);
	tls_server_write(server, in_folder("cert.pem"), in_folder("key.pem"));
	tls_server_free(server);
	return chmod(in_folder("key.pem"), 0644);
}

static int remove_folder(void **state)
{
	static const char *const files[] = {"ca.pem",	  "cert.pem", "key.pem", "nginx.conf",
					    "index.html", "e",	      "p"};

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		unlink(in_folder(files[i]));
	rmdir(in_folder("t"));
	rmdir(folder);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(conventional),	     cmocka_unit_test(conventional_cut),
		cmocka_unit_test(conventional_full), cmocka_unit_test(nginx),
		cmocka_unit_test(s_server),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
