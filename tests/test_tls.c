/*
 * TLS of a connection, without a socket: against a server in memory, whose bytes the tests cut,
 * spoil and hold back.
 */
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "kernels/protocol/connection.h"
#include "kernels/protocol/tls.h"
#include "tests/tls_server.h"

#define NAME	"origin.test"
#define LONGEST 4096
#define WIRE	((size_t)2 * 1024 * 1024)

static char folder[] = "/tmp/test_tls_XXXXXX";
static char ca_path[64];
static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

static uint8_t pattern(size_t i)
{
	return (uint8_t)(i * 31 + (i >> 8) * 7 + (i >> 16));
}

/* --- a client and a server with a wire between them ------------------------------------------ */

/* What the client is to get, and in which pieces; each lies in memory that is gone afterwards. */
struct link {
	struct tls_context *context;
	struct tls *tls;
	struct tls_server *server;
	struct tls_end *end;
	size_t piece; /* 0: all at once */
	size_t from, to;
	uint8_t *wire;
	uint8_t *handed; /* the input that is out */
	uint8_t *got;	 /* plain text that the server read */
	size_t got_length;
};

static struct tls_options usual_options(void)
{
	return (struct tls_options){.cacert = ca_path, .endpoints = 2, .longest_request = LONGEST};
}

static struct tls_context *context_of(const struct tls_options *options)
{
	struct tls_context *context;
	char why[256] = "";
	int error = tls_context_new(options, &context, why, sizeof(why));

	if (error)
		fail_msg("%s", why);
	return context;
}

static struct tls_server *server_of(int version)
{
	const struct tls_server_options options = {.names = "DNS:" NAME, .version = version};

	return tls_server_new(&options);
}

static void link_open(struct link *link, struct tls_context *context, struct tls_server *server,
		      const char *host)
{
	memset(link, 0, sizeof(*link));
	link->context = context;
	link->server = server;
	link->tls = tls_new(context, host, 0);
	link->end = tls_end_new(server);
	link->wire = malloc(WIRE);
	link->got = malloc(WIRE);
	assert_true(link->tls && link->wire && link->got);
	assert_true(tls_begin(link->tls, -1));
}

static void link_close(struct link *link)
{
	tls_free(link->tls);
	tls_end_free(link->end);
	free(link->wire);
	free(link->handed);
	free(link->got);
}

/* The next connection of the same client to the same server. */
static void link_again(struct link *link)
{
	tls_end(link->tls);
	tls_end_free(link->end);
	link->end = tls_end_new(link->server);
	link->from = link->to = link->got_length = 0;
	assert_true(tls_begin(link->tls, -1));
}

static void to_server(struct link *link)
{
	size_t length;
	const uint8_t *output = tls_output(link->tls, &length);
	long got;

	tls_end_feed(link->end, output, length);
	tls_output_taken(link->tls);
	tls_output(link->tls, &length);
	assert_int_equal(length, 0);
	while ((got = tls_end_read(link->end, link->got + link->got_length,
				   WIRE - link->got_length)) > 0)
		link->got_length += (size_t)got;
	if (link->from == link->to)
		link->from = link->to = 0;
	link->to += tls_end_drain(link->end, link->wire + link->to, WIRE - link->to);
}

/* Exactly the bytes, on the heap, where a sanitizer sees who reads them too late. */
static bool to_client(struct link *link)
{
	size_t length = link->to - link->from;

	if (length == 0)
		return false;
	if (link->piece && length > link->piece)
		length = link->piece;
	free(link->handed);
	link->handed = malloc(length);
	assert_non_null(link->handed);
	memcpy(link->handed, link->wire + link->from, length);
	link->from += length;
	tls_input(link->tls, link->handed, length);
	return true;
}

static enum tls_result shake_hands(struct link *link)
{
	enum tls_result result;

	while ((result = tls_handshake(link->tls)) == TLS_RECEIVE) {
		assert_int_equal(ERR_peek_error(), 0);
		if (link->from == link->to)
			to_server(link);
		if (!to_client(link))
			return TLS_RECEIVE;
	}
	assert_int_equal(ERR_peek_error(), 0);
	return result;
}

static void expect_handshake(struct link *link)
{
	enum tls_result result = shake_hands(link);

	if (result != TLS_DONE)
		fail_msg("handshake: %d, %s", result, tls_failure(link->tls));
	assert_null(tls_failure(link->tls));
}

/* Reads what the wire has; returns what the last step became of, *length how much there was. */
static enum tls_result read_all(struct link *link, uint8_t *bytes, size_t size, size_t *length)
{
	enum tls_result result;
	const uint8_t *part;
	size_t got;

	*length = 0;
	for (;;) {
		result = tls_read(link->tls, &part, &got);
		assert_int_equal(ERR_peek_error(), 0);
		if (result == TLS_RECEIVE && to_client(link))
			continue;
		if (result != TLS_DONE)
			return result;
		assert_true(got > 0 && got <= 16384 && *length + got <= size);
		memcpy(bytes + *length, part, got);
		*length += got;
	}
}

static void expect_exchange(struct link *link, size_t request_length, size_t answer_length)
{
	uint8_t *bytes = malloc(answer_length + 1), *request = malloc(request_length + 1);
	size_t length;

	assert_true(bytes && request);
	for (size_t i = 0; i < request_length; i++)
		request[i] = pattern(i);
	link->got_length = 0;
	assert_int_equal(tls_write(link->tls, request, request_length), TLS_DONE);
	assert_int_equal(ERR_peek_error(), 0);
	to_server(link);
	assert_int_equal(link->got_length, request_length);
	for (size_t i = 0; i < request_length; i++)
		assert_int_equal(link->got[i], pattern(i));
	for (size_t i = 0; i < answer_length; i++)
		link->got[i] = pattern(i + 1);
	tls_end_write(link->end, link->got, answer_length);
	to_server(link);
	assert_int_equal(read_all(link, bytes, answer_length, &length), TLS_RECEIVE);
	assert_int_equal(length, answer_length);
	for (size_t i = 0; i < answer_length; i++)
		if (bytes[i] != pattern(i + 1))
			fail_msg("byte %zu of %zu is wrong", i, answer_length);
	free(request);
	free(bytes);
}

/* --- bytes ------------------------------------------------------------------------------------ */

static void any_pieces(void **state)
{
	static const size_t pieces[] = {0, 1, 2, 3, 5, 7, 64, 1460, 16384, 20000};
	struct tls_options options = usual_options();
	struct tls_context *context = context_of(&options);

	(void)state;
	for (size_t v = 0; v < 2; v++) {
		struct tls_server *server = server_of(versions[v]);

		for (size_t p = 0; p < sizeof(pieces) / sizeof(pieces[0]); p++) {
			struct link link;

			link_open(&link, context, server, NAME);
			link.piece = pieces[p];
			expect_handshake(&link);
			assert_string_equal(tls_version(link.tls), v ? "TLSv1.3" : "TLSv1.2");
			assert_true(strlen(tls_cipher(link.tls)) > 8);
			assert_false(tls_has_socket(link.tls));
			expect_exchange(&link, 200, 1000);
			expect_exchange(&link, LONGEST, 40000);
			expect_exchange(&link, 1, 1);
			assert_int_equal(tls_calls(link.tls), 0);
			link_close(&link);
		}
		tls_server_free(server);
	}
	tls_context_free(context);
}

/* Two records of 150 bytes, cut in two at every place. */
static void cut_at_every_byte(void **state)
{
	struct tls_options options = usual_options();
	struct tls_context *context = context_of(&options);
	struct tls_server *server = server_of(0);
	uint8_t bytes[300], answer[300];
	struct link link;
	size_t length, total = 2;

	(void)state;
	for (size_t i = 0; i < sizeof(answer); i++)
		answer[i] = pattern(i);
	link_open(&link, context, server, NAME);
	expect_handshake(&link);
	expect_exchange(&link, 1, 1);
	for (size_t cut = 1; cut < total; cut++) {
		tls_end_write(link.end, answer, 150);
		tls_end_write(link.end, answer + 150, 150);
		to_server(&link);
		total = link.to;
		link.piece = cut;
		assert_true(to_client(&link));
		link.piece = 0;
		assert_int_equal(read_all(&link, bytes, sizeof(bytes), &length), TLS_RECEIVE);
		assert_int_equal(length, sizeof(answer));
		assert_memory_equal(bytes, answer, sizeof(answer));
	}
	assert_true(total > 300);
	link_close(&link);
	tls_server_free(server);
	tls_context_free(context);
}

static void a_mebibyte_each_way(void **state)
{
	static const size_t pieces[] = {1, 4096, 511, 513, 3, 4095, 1000, 17};
	struct tls_options options = usual_options();
	struct tls_context *context = context_of(&options);
	uint8_t *sent = malloc(1024 * 1024);

	(void)state;
	assert_non_null(sent);
	for (size_t i = 0; i < 1024 * 1024; i++)
		sent[i] = pattern(i);
	for (size_t v = 0; v < 2; v++) {
		struct tls_server *server = server_of(versions[v]);
		struct link link;

		link_open(&link, context, server, NAME);
		expect_handshake(&link);
		for (size_t at = 0, n = 0, size; at < 1024 * 1024; at += size, n++) {
			size = pieces[n % 8] < 1024 * 1024 - at ? pieces[n % 8] : 1024 * 1024 - at;
			assert_int_equal(tls_write(link.tls, sent + at, size), TLS_DONE);
			to_server(&link);
		}
		assert_int_equal(link.got_length, 1024 * 1024);
		assert_memory_equal(link.got, sent, 1024 * 1024);
		link.piece = 3001;
		expect_exchange(&link, 10, 1024 * 1024);
		link_close(&link);
		tls_server_free(server);
	}
	free(sent);
	tls_context_free(context);
}

/* TLS 1.3: the client's last word in the handshake and its request leave together. */
static void one_flight(void **state)
{
	struct tls_options options = usual_options();
	struct tls_context *context = context_of(&options);
	struct tls_server *server = server_of(TLS1_3_VERSION);
	struct link link;
	size_t finished, both;

	(void)state;
	link_open(&link, context, server, NAME);
	expect_handshake(&link);
	tls_output(link.tls, &finished);
	assert_true(finished > 40);
	assert_int_equal(tls_write(link.tls, "GET", 3), TLS_DONE);
	tls_output(link.tls, &both);
	assert_true(both > finished + 3);
	assert_false(tls_end_established(link.end));
	to_server(&link);
	assert_true(tls_end_established(link.end));
	assert_int_equal(link.got_length, 3);
	link_close(&link);
	tls_server_free(server);
	tls_context_free(context);
}

static void longest_request_fits(void **state)
{
	static const size_t lengths[] = {0, 1, 511, 512, 513, 5000, 16384, 16385, 70000};

	(void)state;
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		struct tls_options options = usual_options();
		struct tls_server *server = server_of(versions[i % 2]);
		struct tls_context *context;
		struct link link;

		options.longest_request = lengths[i];
		context = context_of(&options);
		link_open(&link, context, server, NAME);
		expect_handshake(&link);
		expect_exchange(&link, lengths[i], 10);
		link_again(&link); /* with a ticket in the first message */
		expect_handshake(&link);
		expect_exchange(&link, lengths[i], 10);
		link_close(&link);
		tls_server_free(server);
		tls_context_free(context);
	}
}

static void too_much_to_send(void **state)
{
	struct tls_options options = usual_options();
	struct tls_context *context = context_of(&options);
	struct tls_server *server = server_of(0);
	static const uint8_t bytes[LONGEST];
	enum tls_result result = TLS_DONE;
	struct link link;
	unsigned times = 0;

	(void)state;
	link_open(&link, context, server, NAME);
	expect_handshake(&link);
	while (result == TLS_DONE && times++ < 10)
		result = tls_write(link.tls, bytes, sizeof(bytes));
	assert_int_equal(result, TLS_FAILED);
	assert_in_range(times, 2, 6);
	assert_string_equal(tls_failure(link.tls),
			    "more to be sent at once than there is room for");
	assert_int_equal(tls_write(link.tls, bytes, 1), TLS_FAILED);
	link_again(&link); /* and all is well again */
	expect_handshake(&link);
	expect_exchange(&link, 100, 100);
	link_close(&link);
	tls_server_free(server);
	tls_context_free(context);
}

/* What comes along with the handshake's end must outlive the input. */
static void server_speaks_first(void **state)
{
	struct tls_options options = usual_options();
	struct tls_server *server = server_of(TLS1_2_VERSION);
	struct tls_context *context;
	static uint8_t greeting[60000];
	const uint8_t *bytes;
	struct link link;
	size_t length;

	(void)state;
	options.session = TLS_FRESH;
	context = context_of(&options);
	memset(greeting, 'x', sizeof(greeting));
	for (size_t size = 1000; size <= 60000; size += 59000) {
		link_open(&link, context, server, NAME);
		assert_int_equal(tls_handshake(link.tls), TLS_RECEIVE);
		to_server(&link);
		to_client(&link);
		assert_int_equal(tls_handshake(link.tls), TLS_RECEIVE);
		to_server(&link);
		tls_end_write(link.end, greeting, size);
		to_server(&link);
		to_client(&link);
		if (size > 16384) {
			assert_int_equal(tls_handshake(link.tls), TLS_FAILED);
			assert_string_equal(tls_failure(link.tls),
					    "the server spoke before it was asked");
		} else {
			assert_int_equal(tls_handshake(link.tls), TLS_DONE);
			memset(link.handed, 0, 1000);
			assert_int_equal(tls_read(link.tls, &bytes, &length), TLS_DONE);
			assert_int_equal(length, 1000);
			assert_memory_equal(bytes, greeting, 1000);
			assert_int_equal(tls_read(link.tls, &bytes, &length), TLS_RECEIVE);
		}
		link_close(&link);
	}
	tls_server_free(server);
	tls_context_free(context);
}

static void new_keys(void **state)
{
	struct tls_options options = usual_options();
	struct tls_context *context = context_of(&options);
	struct tls_server *server = server_of(TLS1_3_VERSION);
	struct link link;
	uint8_t bytes[8];
	size_t length;

	(void)state;
	link_open(&link, context, server, NAME);
	expect_handshake(&link);
	expect_exchange(&link, 100, 100);
	tls_end_update_keys(link.end);
	to_server(&link);
	assert_int_equal(read_all(&link, bytes, sizeof(bytes), &length), TLS_RECEIVE);
	assert_int_equal(length, 0);
	expect_exchange(&link, 100, 100); /* by the new ones, in both directions */
	link_close(&link);
	tls_server_free(server);
	tls_context_free(context);
}

/* --- under a connection ----------------------------------------------------------------------- */

static unsigned fetches_done;

static void nothing(struct observer *observer, struct connection *c)
{
	(void)observer;
	(void)c;
}

static void on_done(struct observer *observer, struct connection *c)
{
	(void)observer;
	(void)c;
	fetches_done++;
}

static void on_failed(struct observer *observer, struct connection *c)
{
	(void)observer;
	fail_msg("%s: %s", c->failure, c->failure_detail ? c->failure_detail : "");
}

/* What the connection has to send goes to the server; returns what that read of it, as text. */
static const char *connection_to_server(struct connection *c, struct tls_end *end)
{
	static char text[256];
	size_t length;
	const uint8_t *output = connection_output(c, &length);
	long got;

	tls_end_feed(end, output, length);
	connection_sent(c, length);
	got = tls_end_read(end, text, sizeof(text) - 1);
	assert_true(got >= 0);
	text[got] = 0;
	return text;
}

static void server_to_connection(struct connection *c, struct tls_end *end)
{
	uint8_t wire[16384];
	size_t length = tls_end_drain(end, wire, sizeof(wire));

	if (length)
		connection_received(c, wire, length);
}

/*
 * Within a body the server asks for new keys, which is answered ahead of the next request; or to
 * renegotiate, which is refused: that connection ends with its response, the next one is as good.
 */
static void asked_within_a_body(int version)
{
	static const char half[] = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc";
	struct observer observer = {nothing, nothing, nothing, on_done, on_failed};
	struct request request = {.bytes = (char[]){"GET"}, .length = 3};
	struct tls_options options = usual_options();
	struct tls_context *context = context_of(&options);
	struct tls_server *server = server_of(version);
	struct tls_end *end = tls_end_new(server);
	struct connection c;

	fetches_done = 0;
	connection_init(&c, 0, &observer);
	c.tls = tls_new(context, NAME, 0);
	connection_begin(&c, &request, NULL);
	connection_connected(&c);
	for (unsigned i = 1; i <= 3; i++) {
		while (!c.ready) {
			connection_to_server(&c, end);
			server_to_connection(&c, end);
		}
		assert_int_equal(c.want, WANT_SEND);
		assert_string_equal(connection_to_server(&c, end), "GET");
		tls_end_write(end, half, sizeof(half) - 1);
		server_to_connection(&c, end);
		if (version == TLS1_3_VERSION)
			tls_end_update_keys(end);
		else
			tls_end_renegotiate(end);
		server_to_connection(&c, end);
		tls_end_write(end, "d", 1); /* a piece more than the one that has the answer */
		server_to_connection(&c, end);
		tls_end_write(end, "ef", 2);
		server_to_connection(&c, end);
		assert_int_equal(fetches_done, i);
		assert_true(version == TLS1_3_VERSION || c.want == WANT_CLOSE);
		if (c.want == WANT_NOTHING) {
			connection_begin(&c, &request, NULL);
			continue;
		}
		connection_closed(&c);
		tls_end_free(end);
		end = tls_end_new(server);
		connection_begin(&c, &request, NULL);
		connection_connected(&c);
	}
	tls_free(c.tls);
	tls_end_free(end);
	tls_server_free(server);
	tls_context_free(context);
}

static void questions_within_a_body(void **state)
{
	(void)state;
	asked_within_a_body(TLS1_3_VERSION);
	asked_within_a_body(TLS1_2_VERSION);
}

/* --- ends ------------------------------------------------------------------------------------- */

static void close_notify(void **state)
{
	struct tls_options options = usual_options();
	struct tls_context *context = context_of(&options);

	(void)state;
	for (size_t v = 0; v < 2; v++) {
		struct tls_server *server = server_of(versions[v]);
		uint8_t bytes[16];
		struct link link;
		size_t length;

		link_open(&link, context, server, NAME);
		expect_handshake(&link);
		expect_exchange(&link, 10, 10);
		tls_end_write(link.end, "last", 4);
		tls_end_close(link.end);
		to_server(&link);
		assert_int_equal(read_all(&link, bytes, sizeof(bytes), &length), TLS_END);
		assert_int_equal(length, 4);
		assert_int_equal(read_all(&link, bytes, sizeof(bytes), &length), TLS_END);
		assert_null(tls_failure(link.tls));
		link_again(&link);
		expect_handshake(&link);
		assert_true(tls_was_resumed(link.tls));
		expect_exchange(&link, 10, 10);
		link_close(&link);
		tls_server_free(server);
	}
	tls_context_free(context);
}

/* Any byte of a record: not one of its plain text gets through. */
static void damaged_records(void **state)
{
	struct tls_options options = usual_options();
	struct tls_context *context = context_of(&options);

	(void)state;
	for (size_t v = 0; v < 2; v++) {
		struct tls_server *server = server_of(versions[v]);
		size_t length, total = 1, damaged = 0;
		uint8_t bytes[64];
		struct link link;

		link_open(&link, context, server, NAME);
		for (size_t at = 0; at < total; at++) {
			enum tls_result result;

			link_again(&link);
			expect_handshake(&link);
			expect_exchange(&link, 10, 10);
			tls_end_write(link.end, "0123456789", 10);
			to_server(&link);
			total = link.to;
			link.wire[at] ^= 0x55;
			result = read_all(&link, bytes, sizeof(bytes), &length);
			assert_int_equal(length, 0);
			if (result == TLS_RECEIVE) {
				assert_in_range(at, 3, 4); /* the length: the rest is awaited */
				continue;
			}
			assert_int_equal(result, TLS_FAILED);
			assert_non_null(tls_failure(link.tls));
			assert_null(strstr(tls_failure(link.tls), "does not speak TLS"));
			if (at >= 5)
				assert_string_equal(tls_failure(link.tls),
						    "a record was damaged on its way");
			damaged++;
			assert_int_equal(read_all(&link, bytes, sizeof(bytes), &length),
					 TLS_FAILED);
		}
		assert_true(damaged > 30);
		link_close(&link);
		tls_server_free(server);
	}
	tls_context_free(context);
}

/* --- sessions --------------------------------------------------------------------------------- */

static void sessions(void **state)
{
	(void)state;
	for (size_t v = 0; v < 2; v++)
		for (enum tls_session session = TLS_RESUMED; session <= TLS_FRESH; session++) {
			struct tls_options options = usual_options();
			struct tls_server *server = server_of(versions[v]);
			struct tls_context *context;
			struct link link;

			options.session = session;
			context = context_of(&options);
			link_open(&link, context, server, NAME);
			for (unsigned time = 0; time < 4; time++) {
				bool expected = session == TLS_RESUMED && time > 0;

				if (time)
					link_again(&link);
				expect_handshake(&link);
				assert_int_equal(tls_was_resumed(link.tls), expected);
				expect_exchange(&link, 20, 20);
				assert_int_equal(tls_end_resumed(link.end), expected);
			}
			link_close(&link);
			tls_context_free(context);
			tls_server_free(server);
		}
}

/* One of a context's connections goes on with what another one got; other endpoints do not. */
static void sessions_by_endpoint(void **state)
{
	struct tls_options options = usual_options();
	struct tls_context *context = context_of(&options);
	struct tls_server *server = server_of(0);
	struct link link;

	(void)state;
	for (unsigned time = 0; time < 4; time++) {
		link_open(&link, context, server, NAME);
		if (time >= 2) {
			tls_free(link.tls);
			link.tls = tls_new(context, NAME, 1);
			assert_true(tls_begin(link.tls, -1));
		}
		expect_handshake(&link);
		assert_int_equal(tls_was_resumed(link.tls), time % 2);
		expect_exchange(&link, 20, 20);
		link_close(&link);
	}
	tls_server_free(server);
	tls_context_free(context);
}

/* A session that a handshake broke off with is not tried again; a broken connection's is. */
static void session_dropped(void **state)
{
	struct tls_options options = usual_options();
	struct tls_context *context = context_of(&options);
	struct tls_server *server = server_of(0);
	struct link link;

	(void)state;
	link_open(&link, context, server, NAME);
	expect_handshake(&link);
	expect_exchange(&link, 20, 20);
	assert_int_equal(tls_write(link.tls, "cut off", 7), TLS_DONE);
	link_again(&link);
	expect_handshake(&link);
	assert_true(tls_was_resumed(link.tls));
	expect_exchange(&link, 20, 20);
	link_again(&link);
	assert_int_equal(tls_handshake(link.tls), TLS_RECEIVE);
	link_again(&link); /* the server hung up in the middle */
	expect_handshake(&link);
	assert_false(tls_was_resumed(link.tls));
	link_close(&link);
	tls_server_free(server);
	tls_context_free(context);
}

static void many_in_turn(void **state)
{
	struct tls_options options = usual_options();
	struct tls_context *context = context_of(&options);
	struct tls_server *server = server_of(0);
	struct link link;

	(void)state;
	link_open(&link, context, server, NAME);
	for (unsigned i = 0; i < 500; i++) {
		link_again(&link);
		expect_handshake(&link);
		expect_exchange(&link, 100, 300);
	}
	link_close(&link);
	tls_server_free(server);
	tls_context_free(context);
}

/* More than keep OpenSSL's buffers: the others give them back, and take them again. */
static void many_at_once(void **state)
{
	enum { COUNT = 600 };
	struct tls_options options = usual_options();
	struct tls_context *context = context_of(&options);
	struct tls_server *server = server_of(0);
	struct tls *others[COUNT];
	struct tls_end *ends[COUNT];
	struct link link;

	(void)state;
	link_open(&link, context, server, NAME);
	for (unsigned i = 0; i < COUNT; i++) {
		others[i] = tls_new(context, NAME, 0);
		ends[i] = tls_end_new(server);
		assert_non_null(others[i]);
	}
	for (unsigned round = 0; round < 3; round++)
		for (unsigned i = 0; i < COUNT; i++) {
			struct link other = link;

			other.tls = others[i];
			other.end = ends[i];
			other.from = other.to = 0;
			other.piece = 777;
			if (round == 0) {
				assert_true(tls_begin(other.tls, -1));
				expect_handshake(&other);
			}
			expect_exchange(&other, 100, 2000);
			link.handed = other.handed;
		}
	for (unsigned i = 0; i < COUNT; i++) {
		tls_free(others[i]);
		tls_end_free(ends[i]);
	}
	link_close(&link);
	tls_server_free(server);
	tls_context_free(context);
}

/* --- whom we talk to -------------------------------------------------------------------------- */

static void certificates(void **state)
{
	static const struct {
		struct tls_server_options server;
		const char *host, *failure; /* NULL: good */
	} cases[] = {
		{{.names = "DNS:" NAME}, NAME, NULL},
		{{.names = "DNS:" NAME}, NAME ".", NULL},
		{{.names = "DNS:*." NAME}, "www." NAME, NULL},
		{{.names = "DNS:w*." NAME}, "www." NAME, "hostname mismatch"},
		{{.names = "DNS:" NAME}, "other.test", "hostname mismatch"},
		{{.names = "DNS:" NAME}, "127.0.0.1", "IP address mismatch"},
		{{.names = "DNS:127.0.0.1"}, "127.0.0.1", "IP address mismatch"},
		{{.names = "IP:127.0.0.1"}, "127.0.0.1", NULL},
		{{.names = "IP:127.0.0.1"}, "127.0.0.2", "IP address mismatch"},
		{{.names = "IP:0:0:0:0:0:0:0:1"}, "::1", NULL},
		{{.names = "DNS:" NAME, .expired = true}, NAME, "certificate has expired"},
		{{.names = "DNS:" NAME, .self_signed = true}, NAME, "self-signed certificate"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (unsigned round = 0; round < 4; round++) {
			struct tls_server_options asked = cases[i].server;
			struct tls_options options = usual_options();
			bool insecure = round >= 2;
			struct tls_server *server;
			struct tls_context *context;
			struct link link;

			asked.version = versions[round % 2];
			options.insecure = insecure;
			server = tls_server_new(&asked);
			context = context_of(&options);
			link_open(&link, context, server, cases[i].host);
			if (!cases[i].failure || insecure) {
				expect_handshake(&link);
				expect_exchange(&link, 10, 10);
			} else {
				size_t alert;

				assert_int_equal(shake_hands(&link), TLS_FAILED);
				assert_string_equal(tls_failure(link.tls), cases[i].failure);
				tls_output(link.tls, &alert);
				assert_true(alert > 0);
				link_again(&link);
				assert_null(tls_failure(link.tls));
				assert_int_equal(shake_hands(&link), TLS_FAILED);
				assert_string_equal(tls_failure(link.tls), cases[i].failure);
			}
			link_close(&link);
			tls_context_free(context);
			tls_server_free(server);
		}
}

/* Signed by a CA that is a stranger to the system. */
static void system_cas(void **state)
{
	struct tls_options options = usual_options();
	struct tls_server *server = server_of(0);
	struct tls_context *context;
	struct link link;

	(void)state;
	options.cacert = NULL;
	context = context_of(&options);
	link_open(&link, context, server, NAME);
	assert_int_equal(shake_hands(&link), TLS_FAILED);
	assert_string_equal(tls_failure(link.tls), "unable to get local issuer certificate");
	link_close(&link);
	tls_context_free(context);
	tls_server_free(server);
}

static void names_asked_for(void **state)
{
	static const struct {
		const char *host, *asked;
	} cases[] = {{NAME, NAME}, {NAME ".", NAME}, {"127.0.0.1", NULL}, {"::1", NULL}};
	struct tls_options options = usual_options();
	struct tls_server *server = server_of(0);
	struct tls_context *context;

	(void)state;
	options.insecure = true;
	options.session = TLS_FRESH;
	context = context_of(&options);
	for (size_t i = 0; i < 4; i++) {
		const char *asked;
		struct link link;

		link_open(&link, context, server, cases[i].host);
		expect_handshake(&link);
		to_server(&link);
		asked = tls_end_asked_for(link.end);
		if (cases[i].asked) {
			assert_non_null(asked);
			assert_string_equal(asked, cases[i].asked);
		} else {
			assert_null(asked);
		}
		link_close(&link);
	}
	tls_context_free(context);
	tls_server_free(server);
}

static void application_protocols(void **state)
{
	static const struct {
		const char *alpn, *failure;
	} cases[] = {
		{NULL, NULL},
		{"http/1.1", NULL},
		{"", "the server refuses HTTP/1.1 (ALPN)"},
		{"h2", "the server chose another protocol than HTTP/1.1 (ALPN)"},
		{"http/1.0", "the server chose another protocol than HTTP/1.1 (ALPN)"},
	};
	struct tls_options options = usual_options();
	struct tls_context *context = context_of(&options);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (size_t v = 0; v < 2; v++) {
			const struct tls_server_options asked = {.names = "DNS:" NAME,
								 .version = versions[v],
								 .alpn = cases[i].alpn};
			struct tls_server *server = tls_server_new(&asked);
			struct link link;

			link_open(&link, context, server, NAME);
			if (!cases[i].failure) {
				expect_handshake(&link);
			} else {
				assert_int_equal(shake_hands(&link), TLS_FAILED);
				/* Newer OpenSSL looks for itself, in words of its own. */
				if (!strstr(tls_failure(link.tls), "bad extension"))
					assert_string_equal(tls_failure(link.tls),
							    cases[i].failure);
			}
			link_close(&link);
			tls_server_free(server);
		}
	tls_context_free(context);
}

static void not_tls(void **state)
{
	static const struct {
		const char *text;
		size_t length;
	} greetings[] = {
		{"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", 47},
		{"<html>", 6},
		{"SSH-2.0-OpenSSH_9.2\r\n", 21},
		{"220 mail.test ESMTP\r\n", 21},
		{"\x16\x03\x03\xff\xff\x01\x02", 7},
		{"\x17\x03\x03\x00\x03"
		 "abc",
		 8},
		{"\0\0\0\0\0\0\0\0", 8},
	};
	struct tls_options options = usual_options();
	struct tls_context *context = context_of(&options);
	struct tls_server *server = server_of(0);
	struct link link;

	(void)state;
	link_open(&link, context, server, NAME);
	for (size_t i = 0; i < sizeof(greetings) / sizeof(greetings[0]); i++) {
		link_again(&link);
		assert_int_equal(tls_handshake(link.tls), TLS_RECEIVE);
		tls_input(link.tls, greetings[i].text, greetings[i].length);
		assert_int_equal(tls_handshake(link.tls), TLS_FAILED);
		assert_int_equal(ERR_peek_error(), 0);
		assert_string_equal(tls_failure(link.tls), "the server does not speak TLS");
		assert_int_equal(tls_handshake(link.tls), TLS_FAILED);
	}
	link_again(&link);
	expect_handshake(&link);
	link_close(&link);
	tls_server_free(server);
	tls_context_free(context);
}

static void old_tls(void **state)
{
	const struct tls_server_options asked = {.names = "DNS:" NAME, .version = TLS1_1_VERSION};
	struct tls_options options = usual_options();
	struct tls_context *context = context_of(&options);
	struct tls_server *server = tls_server_new(&asked);
	struct link link;

	(void)state;
	link_open(&link, context, server, NAME);
	assert_int_equal(shake_hands(&link), TLS_FAILED);
	assert_string_equal(tls_failure(link.tls), "the server has no TLS 1.2 or newer");
	link_close(&link);
	tls_server_free(server);
	tls_context_free(context);
}

/* --- CA files --------------------------------------------------------------------------------- */

static void expect_refusal(const char *path, int error, const char *text)
{
	struct tls_options options = usual_options();
	struct tls_context *context;
	char why[256] = "", expected[256];

	options.cacert = path;
	assert_int_equal(tls_context_new(&options, &context, why, sizeof(why)), error);
	assert_null(context);
	snprintf(expected, sizeof(expected), "the CA file %s%s", path, text);
	assert_string_equal(why, expected);
	assert_int_equal(ERR_peek_error(), 0);
}

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void ca_files(void **state)
{
	char path[96], text[8192];
	size_t length;
	FILE *file;

	(void)state;
	snprintf(path, sizeof(path), "%s/bad.pem", folder);
	expect_refusal(path, -ENOENT, " cannot be read: No such file or directory");
	expect_refusal(folder, -EISDIR, " cannot be read: Is a directory");
	write_file(path, "");
	expect_refusal(path, -EINVAL, " has no certificate in PEM form");
	write_file(path, "hello\nworld\n");
	expect_refusal(path, -EINVAL, " has no certificate in PEM form");
	file = fopen(ca_path, "r");
	assert_non_null(file);
	length = fread(text, 1, sizeof(text) / 2, file);
	fclose(file);
	text[length] = '\0';
	snprintf(text + length, sizeof(text) - length,
		 "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
	write_file(path, text);
	expect_refusal(path, -EINVAL, ": certificate 2 is not valid PEM");
	text[length - 60] = '\0';
	write_file(path, text);
	expect_refusal(path, -EINVAL, ": certificate 1 is not valid PEM");
	if (geteuid() != 0) {
		chmod(path, 0);
		expect_refusal(path, -EACCES, " cannot be read: Permission denied");
	}
}

/* --- the kernel's --------------------------------------------------------------------------- */

static void kernel_has_it_or_says_not(void **state)
{
	struct tls_options options = usual_options();
	struct tls_context *context;
	char why[256] = "", available[256] = "";
	FILE *file;
	int error;

	(void)state;
	options.io = TLS_KTLS;
	error = tls_context_new(&options, &context, why, sizeof(why));
	/* Read afterwards, for the asking may have loaded it. */
	file = fopen("/proc/sys/net/ipv4/tcp_available_ulp", "r");
	if (file && fgets(available, sizeof(available), file)) {
		bool has = strstr(available, "tls");

		assert_int_equal(error, has ? 0 : -ENOENT);
	}
	if (file)
		fclose(file);
	if (error == -ENOENT)
		assert_string_equal(why, "the kernel has no TLS (modprobe tls)");
	if (error)
		assert_null(context);
	tls_context_free(context);
}

/* ---------------------------------------------------------------------------------------------- */

static int make_folder(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(ca_path, sizeof(ca_path), "%s/ca.pem", folder);
	tls_server_write_ca(ca_path);
	return 0;
}

static int remove_folder(void **state)
{
	char path[96];

	(void)state;
	snprintf(path, sizeof(path), "%s/bad.pem", folder);
	unlink(path);
	unlink(ca_path);
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_pieces),
		cmocka_unit_test(cut_at_every_byte),
		cmocka_unit_test(a_mebibyte_each_way),
		cmocka_unit_test(one_flight),
		cmocka_unit_test(longest_request_fits),
		cmocka_unit_test(too_much_to_send),
		cmocka_unit_test(server_speaks_first),
		cmocka_unit_test(new_keys),
		cmocka_unit_test(questions_within_a_body),
		cmocka_unit_test(close_notify),
		cmocka_unit_test(damaged_records),
		cmocka_unit_test(sessions),
		cmocka_unit_test(sessions_by_endpoint),
		cmocka_unit_test(session_dropped),
		cmocka_unit_test(many_in_turn),
		cmocka_unit_test(many_at_once),
		cmocka_unit_test(certificates),
		cmocka_unit_test(system_cas),
		cmocka_unit_test(names_asked_for),
		cmocka_unit_test(application_protocols),
		cmocka_unit_test(not_tls),
		cmocka_unit_test(old_tls),
		cmocka_unit_test(ca_files),
		cmocka_unit_test(kernel_has_it_or_says_not),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
