/*
 * What TLS costs a client, in memory and without a socket: nanoseconds an exchange of a request
 * of 200 bytes against a response of 1,000, by the lab's BIO and by OpenSSL's memory BIOs, and
 * what a handshake takes, whole and resumed. Only the client's share is timed. With --memory N:
 * the memory that N open, idle connections hold; the server is another process then.
 */
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "kernels/protocol/tls.h"
#include "lab/status.h"
#include "tests/tls_server.h"

#define REQUEST	   200
#define RESPONSE   1000
#define EXCHANGES  20000
#define HANDSHAKES 200
#define ROUNDS	   9
#define WIRE	   65536

static const char ca_path[] = "/tmp/tls_exchange_ca.pem";
static uint8_t wire[WIRE], plain[WIRE];

static double now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static struct tls_context *context_new(enum tls_session session)
{
	const struct tls_options options = {
		.cacert = ca_path, .session = session, .endpoints = 1, .longest_request = 4352};
	struct tls_context *context;
	char why[256];

	if (tls_context_new(&options, &context, why, sizeof(why)))
		status_exit(STATUS_FAILED, "%s", why);
	return context;
}

static void need(bool right, const char *what)
{
	if (!right)
		status_exit(STATUS_FAILED, "tls_exchange: %s", what);
}

/* The server takes what the client has for it, and its answer goes onto the wire. */
static size_t at_server(struct tls *tls, struct tls_end *end, size_t answer)
{
	size_t length;
	const uint8_t *output = tls_output(tls, &length);

	tls_end_feed(end, output, length);
	tls_output_taken(tls);
	while (tls_end_read(end, plain, sizeof(plain)) > 0)
		;
	if (answer)
		tls_end_write(end, plain, answer);
	return tls_end_drain(end, wire, sizeof(wire));
}

static double shake_hands(struct tls *tls, struct tls_end *end)
{
	double spent = 0, before = now_ns();
	enum tls_result result;

	need(tls_begin(tls, -1), "no memory");
	for (;;) {
		size_t length;

		result = tls_handshake(tls);
		spent += now_ns() - before;
		if (result != TLS_RECEIVE)
			break;
		length = at_server(tls, end, 0);
		before = now_ns();
		tls_input(tls, wire, length);
	}
	need(result == TLS_DONE, "the handshake failed");
	return spent;
}

static double exchange(struct tls *tls, struct tls_end *end)
{
	static const uint8_t request[REQUEST];
	const uint8_t *bytes;
	size_t length, got = 0;
	double before = now_ns(), spent;

	need(tls_write(tls, request, sizeof(request)) == TLS_DONE, "writing");
	spent = now_ns() - before;
	length = at_server(tls, end, RESPONSE);
	before = now_ns();
	tls_input(tls, wire, length);
	while (tls_read(tls, &bytes, &length) == TLS_DONE)
		got += length;
	spent += now_ns() - before;
	need(got == RESPONSE, "reading");
	return spent;
}

/* The same by OpenSSL's memory BIOs, whose bytes are copied in and out. */
static double plain_exchange(SSL *ssl, struct tls_end *end)
{
	static const uint8_t request[REQUEST];
	static uint8_t buffer[WIRE];
	size_t length, got = 0, put;
	double before = now_ns(), spent;

	SSL_write_ex(ssl, request, sizeof(request), &put);
	BIO_read_ex(SSL_get_wbio(ssl), buffer, sizeof(buffer), &length);
	spent = now_ns() - before;
	tls_end_feed(end, buffer, length);
	while (tls_end_read(end, plain, sizeof(plain)) > 0)
		;
	tls_end_write(end, plain, RESPONSE);
	length = tls_end_drain(end, wire, sizeof(wire));
	before = now_ns();
	BIO_write_ex(SSL_get_rbio(ssl), wire, length, &put);
	while (SSL_read_ex(ssl, buffer, sizeof(buffer), &length))
		got += length;
	spent += now_ns() - before;
	need(got == RESPONSE, "reading");
	return spent;
}

static SSL *plain_client(SSL_CTX *context, struct tls_end *end)
{
	SSL *ssl = SSL_new(context);
	size_t length;

	SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
	SSL_set_connect_state(ssl);
	while (SSL_do_handshake(ssl) != 1 || !tls_end_established(end)) {
		while (BIO_read_ex(SSL_get_wbio(ssl), wire, sizeof(wire), &length))
			tls_end_feed(end, wire, length);
		tls_end_read(end, plain, sizeof(plain));
		while ((length = tls_end_drain(end, wire, sizeof(wire))))
			BIO_write_ex(SSL_get_rbio(ssl), wire, length, &length);
	}
	return ssl;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *values)
{
	qsort(values, ROUNDS, sizeof(*values), by_value);
	return values[ROUNDS / 2];
}

static void time_handshakes(struct tls_server *server)
{
	static const char *const names[] = {"resumed", "whole"};

	for (enum tls_session session = TLS_RESUMED; session <= TLS_FRESH; session++) {
		struct tls_context *context = context_new(session);
		struct tls *tls = tls_new(context, "origin.test", 0);
		double spent = 0;

		for (unsigned i = 0; i <= HANDSHAKES; i++) {
			struct tls_end *end = tls_end_new(server);
			double took = shake_hands(tls, end);

			spent += i ? took : 0; /* the first has no session yet */
			exchange(tls, end);    /* brings the tickets */
			tls_end(tls);
			tls_end_free(end);
		}
		printf("handshake, %s: %.1f us\n", names[session], spent / HANDSHAKES / 1e3);
		tls_free(tls);
		tls_context_free(context);
	}
}

/* `count` connections in turn, so that beyond a few none is in the caches. */
static void time_exchanges(struct tls_server *server, unsigned count)
{
	struct tls_context *context = context_new(TLS_RESUMED);
	SSL_CTX *plain_context = SSL_CTX_new(TLS_client_method());
	struct tls **ours = calloc(count, sizeof(*ours));
	SSL **plains = calloc(count, sizeof(*plains));
	struct tls_end **ends = calloc((size_t)2 * count, sizeof(struct tls_end *));
	double by_ours[ROUNDS], by_memory[ROUNDS];

	need(ours && plains && ends, "no memory");
	for (unsigned i = 0; i < count; i++) {
		ends[i] = tls_end_new(server);
		ends[count + i] = tls_end_new(server);
		ours[i] = tls_new(context, "origin.test", 0);
		need(ours[i], "no memory");
		shake_hands(ours[i], ends[i]);
		exchange(ours[i], ends[i]);
		plains[i] = plain_client(plain_context, ends[count + i]);
	}
	for (unsigned round = 0; round < ROUNDS; round++) {
		by_ours[round] = by_memory[round] = 0;
		for (unsigned i = 0; i < EXCHANGES; i++)
			by_ours[round] += exchange(ours[i % count], ends[i % count]);
		for (unsigned i = 0; i < EXCHANGES; i++)
			by_memory[round] +=
				plain_exchange(plains[i % count], ends[count + i % count]);
	}
	printf("exchange, %u connections: %.0f ns; by memory BIOs %.0f ns\n", count,
	       median(by_ours) / EXCHANGES, median(by_memory) / EXCHANGES);
	for (unsigned i = 0; i < count; i++) {
		tls_free(ours[i]);
		SSL_free(plains[i]);
		tls_end_free(ends[i]);
		tls_end_free(ends[count + i]);
	}
	SSL_CTX_free(plain_context);
	tls_context_free(context);
	free(ours);
	free(plains);
	free(ends);
}

/* Serves message by message: the connection's number, a length, bytes; the answer likewise. */
static void serve(int fd, struct tls_server *server, unsigned count)
{
	struct tls_end **ends = calloc(count, sizeof(*ends));
	size_t head[2];

	need(ends, "no memory");
	while (read(fd, head, sizeof(head)) == sizeof(head)) {
		long length = 0, part;

		need(head[1] == 0 || recv(fd, wire, head[1], MSG_WAITALL) == (ssize_t)head[1],
		     "recv");
		if (!ends[head[0]])
			ends[head[0]] = tls_end_new(server);
		tls_end_feed(ends[head[0]], wire, head[1]);
		while ((part = tls_end_read(ends[head[0]], plain, sizeof(plain))) > 0)
			length += part;
		if (length)
			tls_end_write(ends[head[0]], plain, RESPONSE);
		head[1] = tls_end_drain(ends[head[0]], wire, sizeof(wire));
		need(write(fd, head, sizeof(head)) == sizeof(head) &&
			     write(fd, wire, head[1]) == (ssize_t)head[1],
		     "write");
	}
}

static void call_server(int fd, struct tls *tls, unsigned number)
{
	size_t length, head[2] = {number};
	const uint8_t *output = tls_output(tls, &length);

	head[1] = length;
	need(write(fd, head, sizeof(head)) == sizeof(head) &&
		     write(fd, output, length) == (ssize_t)length &&
		     read(fd, head, sizeof(head)) == sizeof(head) &&
		     recv(fd, wire, head[1], MSG_WAITALL) == (ssize_t)head[1],
	     "the server is gone");
	tls_output_taken(tls);
	tls_input(tls, wire, head[1]);
}

static long resident_kib(void)
{
	long size = 0, resident = 0;
	FILE *file = fopen("/proc/self/statm", "r");

	need(file && fscanf(file, "%ld %ld", &size, &resident) == 2, "/proc/self/statm");
	fclose(file);
	return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

static void show_memory(struct tls_server *server, unsigned count, enum tls_session session)
{
	static const uint8_t request[REQUEST];
	struct tls_context *context = context_new(session);
	struct tls *tls;
	const uint8_t *bytes;
	size_t length;
	long before;
	int pair[2];

	need(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0, "socketpair");
	if (fork() == 0) {
		close(pair[0]);
		serve(pair[1], server, count);
		_exit(0);
	}
	close(pair[1]);
	before = resident_kib();
	for (unsigned i = 0; i < count; i++) {
		tls = tls_new(context, "origin.test", 0);
		need(tls && tls_begin(tls, -1), "no memory");
		while (tls_handshake(tls) == TLS_RECEIVE)
			call_server(pair[0], tls, i);
		for (unsigned k = 0; k < 3; k++) {
			need(tls_write(tls, request, sizeof(request)) == TLS_DONE, "writing");
			call_server(pair[0], tls, i);
			while (tls_read(tls, &bytes, &length) == TLS_DONE)
				;
		}
	}
	printf("memory of %u connections, %s: %.1f KiB each\n", count,
	       session == TLS_FRESH ? "whole handshakes" : "resumed",
	       (double)(resident_kib() - before) / count);
	close(pair[0]);
	wait(NULL);
	fflush(stdout);
	_exit(0); /* the connections go with the process */
}

int main(int argc, char **argv)
{
	const struct tls_server_options options = {.names = "DNS:origin.test"};
	struct tls_server *server = tls_server_new(&options);

	tls_server_write_ca(ca_path);
	if (argc == 3) {
		unsigned count = (unsigned)atoi(argv[2]);

		if (fork() == 0)
			show_memory(server, count, TLS_RESUMED);
		wait(NULL);
		if (fork() == 0)
			show_memory(server, count, TLS_FRESH);
		wait(NULL);
	} else {
		time_handshakes(server);
		time_exchanges(server, 1);
		time_exchanges(server, 64);
		time_exchanges(server, 4000);
	}
	tls_server_free(server);
	unlink(ca_path);
	return 0;
}
