/*
 * The origin over TLS: by a client of OpenSSL's between two memory buffers, so that a test decides
 * how the bytes are cut and sees the records; and by curl, for what certificates are worth.
 */
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
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "lab/body_pattern.h"
#include "tests/certificates.h"
#include "tests/peer.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: localhost\r\n\r\n"

static struct child origin;
static unsigned ports[4];
static char folder[] = "/tmp/test_origin_tls.XXXXXX";
static char ca_out[64];

static const char *in_folder(const char *name)
{
	static char path[4][128];
	static unsigned turn;

	turn = (turn + 1) % 4;
	snprintf(path[turn], sizeof(path[0]), "%s/%s", folder, name);
	return path[turn];
}

static int make_folder(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(folder));
	certificates_make(folder, NULL);
	snprintf(ca_out, sizeof(ca_out), "--ca-out=%s/out.pem", folder);
	return 0;
}

static int remove_folder(void **state)
{
	const char *const argv[] = {"rm", "-rf", folder, NULL};
	struct child child;

	(void)state;
	child_run(&child, argv);
	child_free(&child);
	return 0;
}

/* Starts the origin and reads as many lines as it listens on. */
static void start(const char *const *options, unsigned count)
{
	const char *argv[16] = {child_program("origin")};

	for (size_t i = 0; options[i]; i++)
		argv[i + 1] = options[i];
	child_start(&origin, argv);
	for (unsigned i = 0; i < count; i++) {
		const char *line = child_line(&origin, CHILD_LIMIT_MS);

		if (!line)
			fail_msg("%s", origin.err.text);
		assert_ptr_equal(strstr(line, "Listening on http"), line);
		ports[i] = (unsigned)strtoul(strrchr(line, ':') + 1, NULL, 10);
	}
}

static void start_tls(void)
{
	const char *const options[] = {"--tls", ca_out, NULL};

	start(options, 1);
}

static void stop(uint64_t full, uint64_t resumed, uint64_t failed)
{
	char expected[128];
	const char *line = peer_origin_end(&origin);

	snprintf(expected, sizeof(expected),
		 ", handshakes: %" PRIu64 " full, %" PRIu64 " resumed, %" PRIu64 " failed", full,
		 resumed, failed);
	if (!strstr(line, expected))
		fail_msg("'%s' is not in '%s'", expected, line);
	child_free(&origin);
}

static int clean(void **state)
{
	(void)state;
	child_free(&origin);
	return 0;
}

/* --- a client ----------------------------------------------------------------------------- */

struct client {
	SSL_CTX *context;
	SSL *ssl;
	BIO *in, *out; /* what came from the socket, what is to go there */
	struct peer peer;
	size_t piece;	    /* bytes that go out at once; 0: all */
	bool ended;	    /* the socket's stream did */
	unsigned records;   /* of content, seen on the wire */
	size_t record_most; /* the longest */
	size_t record_left; /* of the record that is passing */
	size_t header_at;
	unsigned char header[5];
	size_t at, end;
	char bytes[65536];
};

static int receive_buffer;   /* of clients to be opened; 0: the system's */
static SSL_SESSION *session; /* the last one that a server gave */

static int keep_session(SSL *ssl, SSL_SESSION *given)
{
	(void)ssl;
	SSL_SESSION_free(session);
	session = given;
	return 1;
}

static SSL_CTX *client_context(int version, const char *ca)
{
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());

	assert_non_null(context);
	SSL_CTX_set_min_proto_version(context, version);
	SSL_CTX_set_max_proto_version(context, version);
	if (version < TLS1_2_VERSION)
		assert_int_equal(SSL_CTX_set_cipher_list(context, "ALL:@SECLEVEL=0"), 1);
	SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
	assert_int_equal(SSL_CTX_load_verify_locations(context, ca, NULL), 1);
	SSL_CTX_set_session_cache_mode(context,
				       SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
	SSL_CTX_sess_set_new_cb(context, keep_session);
	return context;
}

/* Counts the records of content in what came; TLS 1.3 has everything look like content. */
static void see_records(struct client *client, const char *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (client->record_left) {
			size_t skip =
				client->record_left < size - i ? client->record_left : size - i;

			client->record_left -= skip;
			i += skip - 1;
			continue;
		}
		client->header[client->header_at++] = (unsigned char)bytes[i];
		if (client->header_at < sizeof(client->header))
			continue;
		client->header_at = 0;
		client->record_left = (size_t)client->header[3] << 8 | client->header[4];
		client->records += client->header[0] == 23;
		if (client->header[0] == 23 && client->record_left > client->record_most)
			client->record_most = client->record_left;
	}
}

static void client_flush(struct client *client)
{
	char bytes[4096];
	int size;

	while ((size = BIO_read(client->out, bytes, sizeof(bytes))) > 0) {
		size_t piece = client->piece ? client->piece : (size_t)size;

		for (size_t at = 0; at < (size_t)size; at += piece) {
			size_t left = (size_t)size - at;

			peer_send(&client->peer, bytes + at, left < piece ? left : piece);
			if (client->piece)
				usleep(100);
		}
	}
}

static void client_receive(struct client *client)
{
	static char bytes[65536];
	ssize_t got = recv(client->peer.fd, bytes, sizeof(bytes), 0);

	if (got <= 0) {
		client->ended = true;
		BIO_set_mem_eof_return(client->in, 0);
		return;
	}
	see_records(client, bytes, (size_t)got);
	assert_int_equal(BIO_write(client->in, bytes, (int)got), got);
}

/* What SSL_connect() and the like want, until they want nothing: their result. */
static int client_drive(struct client *client, int (*step)(SSL *ssl))
{
	for (;;) {
		int result = step(client->ssl);

		client_flush(client);
		if (result > 0 || SSL_get_error(client->ssl, result) != SSL_ERROR_WANT_READ ||
		    client->ended)
			return result;
		client_receive(client);
	}
}

static void client_begin(struct client *client, unsigned port, SSL_CTX *context, const char *alpn,
			 SSL_SESSION *resume, size_t piece)
{
	memset(client, 0, sizeof(*client));
	client->context = context;
	client->piece = piece;
	peer_open(&client->peer, port, receive_buffer);
	client->ssl = SSL_new(context);
	client->in = BIO_new(BIO_s_mem());
	client->out = BIO_new(BIO_s_mem());
	assert_true(client->ssl && client->in && client->out);
	SSL_set_bio(client->ssl, client->in, client->out);
	assert_int_equal(SSL_set1_host(client->ssl, "localhost"), 1);
	if (alpn)
		SSL_set_alpn_protos(client->ssl, (const unsigned char *)alpn,
				    (unsigned)strlen(alpn));
	if (resume)
		SSL_set_session(client->ssl, resume);
}

static void client_open(struct client *client, int version)
{
	client_begin(client, ports[0], client_context(version, in_folder("out.pem")),
		     "\x08http/1.1", NULL, 0);
	assert_int_equal(client_drive(client, SSL_connect), 1);
}

static void client_close(struct client *client)
{
	SSL_set_shutdown(client->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	SSL_free(client->ssl);
	SSL_CTX_free(client->context);
	peer_close(&client->peer);
	ERR_clear_error();
}

/* One record. */
static void client_text(struct client *client, const char *text)
{
	assert_int_equal(SSL_write(client->ssl, text, (int)strlen(text)), strlen(text));
}

/* More content behind what is there; false at its end. */
static bool client_fill(struct client *client)
{
	int got;

	memmove(client->bytes, client->bytes + client->at, client->end - client->at);
	client->end -= client->at;
	client->at = 0;
	for (;;) {
		got = SSL_read(client->ssl, client->bytes + client->end,
			       (int)(sizeof(client->bytes) - client->end));
		if (got > 0)
			break;
		if (client->ended || SSL_get_error(client->ssl, got) != SSL_ERROR_WANT_READ)
			return false;
		client_receive(client);
	}
	client->end += (size_t)got;
	return true;
}

/* One answer with a stated length, the pattern for its body. */
static void client_expect(struct client *client, int status, uint64_t size)
{
	const char *end, *length;
	uint64_t done = 0;
	int code = 0;

	while (!(end = memmem(client->bytes + client->at, client->end - client->at, "\r\n\r\n", 4)))
		assert_true(client_fill(client));
	assert_int_equal(sscanf(client->bytes + client->at, "HTTP/1.1 %3d ", &code), 1);
	assert_int_equal(code, status);
	length = memmem(client->bytes + client->at, client->end - client->at,
			"Content-Length: ", 16);
	assert_non_null(length);
	assert_int_equal(strtoull(length + 16, NULL, 10), size);
	client->at = (size_t)(end + 4 - client->bytes);
	while (done < size) {
		size_t have = client->end - client->at;
		size_t piece = have < size - done ? have : (size_t)(size - done);

		assert_int_equal(body_check(client->bytes + client->at, piece, done), piece);
		client->at += piece;
		done += piece;
		if (done < size)
			assert_true(client_fill(client));
	}
}

static void client_get(struct client *client, const char *path, uint64_t size)
{
	char text[256];

	snprintf(text, sizeof(text), GET("%s"), path);
	client_text(client, text);
	client_flush(client);
	client_expect(client, 200, size);
}

static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

/* --- tests -------------------------------------------------------------------------------- */

static void keep_alive(void **state)
{
	static const uint64_t sizes[] = {0,	1,     24,    1900,    1984,	16384,
					 16385, 65536, 70000, 1048576, 9000000, 24};
	static struct client client;
	char path[64];

	(void)state;
	start_tls();
	for (unsigned v = 0; v < 2; v++) {
		const unsigned char *alpn;
		unsigned alpn_size;

		client_open(&client, versions[v]);
		SSL_get0_alpn_selected(client.ssl, &alpn, &alpn_size);
		assert_int_equal(alpn_size, 8);
		assert_memory_equal(alpn, "http/1.1", 8);
		for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]) * 2; i++) {
			snprintf(path, sizeof(path), "/bytes/%" PRIu64, sizes[i / 2]);
			client_get(&client, path, sizes[i / 2]);
		}
		client_get(&client, "/delay/2ms", 24);
		client_close(&client);
	}
	stop(2, 0, 0);
}

/* A small answer is one record, a large one full records; its tickets are not counted. */
static void records(void **state)
{
	static struct client client;

	(void)state;
	start_tls();
	for (unsigned v = 0; v < 2; v++) {
		client_open(&client, versions[v]);
		client_get(&client, "/", 24);
		client.records = 0;
		client_get(&client, "/", 24);
		assert_int_equal(client.records, 1);
		client_get(&client, "/bytes/1900", 1900);
		assert_int_equal(client.records, 2);
		client.records = 0;
		client_get(&client, "/bytes/100k", 102400);
		assert_int_equal(client.records, 7); /* 102400 and a head, by 16384 */
		assert_in_range(client.record_most, 16384 + 17, 16384 + 24);
		client.records = 0;
		client_get(&client, "/bytes/10m", 10485760);
		assert_int_equal(client.records, 641);
		client_close(&client);
	}
	stop(2, 0, 0);
}

/* Resumed where there was a session, by either version's tickets, and on any thread. */
static void resumption(void **state)
{
	const char *const options[] = {"--tls", "--threads=2", ca_out, NULL};
	static struct client client;

	(void)state;
	start(options, 1);
	for (unsigned v = 0; v < 2; v++) {
		client_open(&client, versions[v]);
		client_get(&client, "/", 24);
		assert_false(SSL_session_reused(client.ssl));
		client_close(&client);
		for (unsigned i = 0; i < 6; i++) {
			SSL_SESSION *resume = session;

			assert_non_null(resume);
			session = NULL;
			client_begin(&client, ports[0],
				     client_context(versions[v], in_folder("out.pem")), NULL,
				     resume, 0);
			assert_int_equal(client_drive(&client, SSL_connect), 1);
			assert_true(SSL_session_reused(client.ssl));
			client_get(&client, "/bytes/9", 9);
			if (!session) /* TLS 1.2 renews a ticket only when it is old */
				session = SSL_get1_session(client.ssl);
			SSL_SESSION_free(resume);
			client_close(&client);
		}
		SSL_SESSION_free(session);
		session = NULL;
	}
	stop(2, 12, 0);
}

/* No cut of the client's bytes makes a difference, to handshakes or to requests. */
static void splits(void **state)
{
	static const size_t pieces[] = {1, 5, 6, 100};
	static struct client client;

	(void)state;
	start_tls();
	for (unsigned i = 0; i < 8; i++) {
		client_begin(&client, ports[0],
			     client_context(versions[i % 2], in_folder("out.pem")),
			     "\x02h2\x08http/1.1", NULL, pieces[i / 2]);
		assert_int_equal(client_drive(&client, SSL_connect), 1);
		client_get(&client, "/bytes/3000", 3000);
		client_text(&client, "GET /bytes/4 HTTP/1.1\r\nHo");
		client_text(&client, "st: localhost\r\n\r\n" GET("/bytes/5") "GET /byt");
		client_text(&client, "es/6 HTTP/1.1\r\nHost: localhost\r\n\r\n");
		client_flush(&client);
		for (uint64_t size = 4; size <= 6; size++)
			client_expect(&client, 200, size);
		client_close(&client);
	}
	stop(8, 0, 0);
}

/* Records behind an answer that has to wait, more of them than one read takes. */
static void pipelined(void **state)
{
	enum { COUNT = 1500 };
	static struct client client;
	char text[128];

	(void)state;
	start_tls();
	for (unsigned v = 0; v < 2; v++) {
		client_open(&client, versions[v]);
		for (unsigned i = 0; i < COUNT; i++) {
			snprintf(text, sizeof(text),
				 i % 500 == 0 ? GET("/delay/5ms") GET("/bytes/%u")
					      : "GET /bytes/%u HTTP/1.1\r\nHost: localhost\r\n\r\n",
				 i % 7);
			client_text(&client, text);
		}
		client_text(&client,
			    "GET /bytes/8 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
		client_flush(&client);
		for (unsigned i = 0; i < COUNT; i++) {
			if (i % 500 == 0)
				client_expect(&client, 200, 24);
			client_expect(&client, 200, i % 7);
		}
		client_expect(&client, 200, 8);
		assert_false(client_fill(&client));
		assert_true(SSL_get_shutdown(client.ssl) & SSL_RECEIVED_SHUTDOWN);
		client_close(&client);
	}
	stop(2, 0, 0);
}

/*
 * The same with records so long that OpenSSL's own buffer does not take all that one recv() gave:
 * the rest of it has to wait in ours.
 */
static void long_records(void **state)
{
	enum { COUNT = 100, LONG = 6000 };
	static struct client client;
	static char text[LONG + 128];

	(void)state;
	start_tls();
	for (unsigned v = 0; v < 2; v++) {
		client_open(&client, versions[v]);
		for (unsigned i = 0; i < COUNT; i++) {
			snprintf(text, sizeof(text),
				 "GET %s HTTP/1.1\r\nHost: a\r\nX: %0*u\r\n\r\n",
				 i % 10 ? "/bytes/9" : "/delay/1ms", LONG, i);
			client_text(&client, text);
		}
		client_flush(&client);
		for (unsigned i = 0; i < COUNT; i++)
			client_expect(&client, 200, i % 10 ? 9 : 24);
		client_close(&client);
	}
	stop(2, 0, 0);
}

/* Answers that the socket has no room for wait, with what was asked after them. */
static void slow_reader(void **state)
{
	enum { COUNT = 300 };
	static struct client client;

	(void)state;
	start_tls();
	for (unsigned v = 0; v < 2; v++) {
		receive_buffer = 4096;
		client_open(&client, versions[v]);
		receive_buffer = 0;
		client_text(&client, GET("/bytes/20m"));
		client_flush(&client);
		usleep(20000);
		for (unsigned i = 0; i < COUNT; i++)
			client_text(&client, GET("/bytes/20000") GET("/chunked/0"));
		client_text(&client, GET("/status/404"));
		client_flush(&client);
		usleep(20000);
		client_expect(&client, 200, 20 << 20);
		for (unsigned i = 0; i < COUNT; i++) {
			client_expect(&client, 200, 20000);
			while (client.end - client.at < 5 ||
			       !memmem(client.bytes + client.at, client.end - client.at,
				       "\r\n0\r\n\r\n", 7))
				assert_true(client_fill(&client));
			client.at = (size_t)((char *)memmem(client.bytes + client.at,
							    client.end - client.at, "\r\n0\r\n\r\n",
							    7) +
					     7 - client.bytes);
		}
		client_expect(&client, 404, 24);
		client_close(&client);
	}
	stop(2, 0, 0);
}

/* An end in order says so; one that is a fault does not. */
static void goodbyes(void **state)
{
	static const struct {
		const char *request;
		bool goodbye;
	} rows[] = {
		{"GET /close/1000 HTTP/1.1\r\nHost: a\r\n\r\n", true},
		{"GET / HTTP/1.0\r\n\r\n", true},
		{GET("/fault/idle-close/1ms"), true},
		{GET("/fault/close-mid-body"), false},
		{GET("/fault/close"), false},
		{GET("/fault/reset"), false},
		{GET("/fault/reset-mid-body"), false},
		{"no HTTP\r\n\r\n", true},
	};
	static struct client client;

	(void)state;
	start_tls();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]) * 2; i++) {
		client_open(&client, versions[i % 2]);
		client_text(&client, rows[i / 2].request);
		client_flush(&client);
		while (client_fill(&client))
			continue;
		assert_int_equal((SSL_get_shutdown(client.ssl) & SSL_RECEIVED_SHUTDOWN) != 0,
				 rows[i / 2].goodbye);
		client_close(&client);
	}
	/* And the client's own is answered. */
	client_open(&client, TLS1_3_VERSION);
	client_get(&client, "/", 24);
	assert_int_equal(SSL_shutdown(client.ssl), 0);
	client_flush(&client);
	assert_false(client_fill(&client));
	assert_true(SSL_get_shutdown(client.ssl) & SSL_RECEIVED_SHUTDOWN);
	client_close(&client);
	stop(17, 0, 0);
}

/* Who speaks no TLS, or none that is taken here, is counted and harms nobody. */
static void failures(void **state)
{
	static struct client client, good;
	struct peer plain;
	char bytes[256];
	unsigned char old[] = {22, 3, 1, 0, 5, 1, 0, 0, 1, 0};

	(void)state;
	start_tls();
	client_open(&good, TLS1_3_VERSION);
	peer_open(&plain, ports[0], 0); /* speaks HTTP */
	peer_get(&plain, "/");
	while (recv(plain.fd, bytes, sizeof(bytes), 0) > 0)
		continue;
	peer_close(&plain);
	peer_open(&plain, ports[0], 0); /* a ClientHello that is none */
	peer_send(&plain, (char *)old, sizeof(old));
	assert_int_equal(recv(plain.fd, bytes, sizeof(bytes), 0), 7);
	assert_int_equal(bytes[0], 21); /* is told so by an alert */
	assert_int_equal(recv(plain.fd, bytes, sizeof(bytes), 0), 0);
	peer_close(&plain);
	peer_open(&plain, ports[0], 0); /* half of a ClientHello */
	peer_send(&plain, (char *)old, 7);
	shutdown(plain.fd, SHUT_WR);
	assert_int_equal(recv(plain.fd, bytes, sizeof(bytes), 0), 0);
	peer_close(&plain);
	peer_open(&plain, ports[0], 0); /* nothing at all: not a failure */
	peer_close(&plain);
	client_get(&good, "/", 24);
	/* A version that is too old, a protocol that is not HTTP/1.1, a CA that is not trusted. */
	client_begin(&client, ports[0], client_context(TLS1_1_VERSION, in_folder("out.pem")), NULL,
		     NULL, 0);
	assert_int_not_equal(client_drive(&client, SSL_connect), 1);
	client_close(&client);
	client_begin(&client, ports[0], client_context(TLS1_3_VERSION, in_folder("out.pem")),
		     "\x02h2", NULL, 0);
	assert_int_not_equal(client_drive(&client, SSL_connect), 1);
	client_close(&client);
	client_begin(&client, ports[0], client_context(TLS1_3_VERSION, in_folder("ca.pem")), NULL,
		     NULL, 0);
	assert_int_not_equal(client_drive(&client, SSL_connect), 1);
	while (recv(client.peer.fd, bytes, sizeof(bytes), 0) > 0)
		continue;
	client_close(&client);
	client_get(&good, "/bytes/2", 2);
	client_close(&good);
	stop(1, 0, 6);
}

/* Broken in the middle of everything: the others go on. */
static void tampered(void **state)
{
	static struct client client, good;
	char bytes[4096];
	int size;

	(void)state;
	start_tls();
	client_open(&good, TLS1_2_VERSION);
	for (unsigned i = 0; i < 20; i++) {
		client_open(&client, versions[i % 2]);
		client_get(&client, "/", 24);
		client_text(&client, GET("/bytes/20m"));
		size = BIO_read(client.out, bytes, sizeof(bytes));
		assert_true(size > 0);
		if (i % 4 < 2)
			bytes[size - 1] ^= 1;
		peer_send(&client.peer, bytes, (size_t)size);
		if (i % 4 < 2) {
			assert_false(client_fill(&client));
		} else {
			assert_true(client_fill(&client));
			peer_send(&client.peer, "garbage that is not seen yet", 28);
		}
		client_close(&client);
		client_get(&good, "/bytes/100000", 100000);
	}
	client_close(&good);
	stop(21, 0, 0);
}

/* --- by curl ------------------------------------------------------------------------------ */

static int curl(const char *const *options, const char *host, unsigned port, const char *path,
		struct child *client)
{
	char url[256], resolve[128];
	const char *argv[24] = {"curl", "-sS", "--max-time", "20", "--resolve", resolve, url};
	size_t count = 7;

	snprintf(url, sizeof(url), "https://%s:%u%s", host, port, path);
	snprintf(resolve, sizeof(resolve), "%s:%u:127.0.0.1", host, port);
	while (*options)
		argv[count++] = *options++;
	argv[count] = NULL;
	return child_run(client, argv);
}

static void certificates(void **state)
{
	static const struct {
		const char *kind, *host;
		int status;
		bool failed; /* in the handshake: curl looks at names after it */
	} rows[] = {
		{"good", "localhost", 0, false},	{"good", "127.0.0.1", 0, false},
		{"good", "wrong.test", 60, false},	{"chain", "localhost", 0, false},
		{"expired", "localhost", 60, true},	{"not-yet-valid", "localhost", 60, true},
		{"wrong-name", "localhost", 60, false}, {"wrong-name", "wrong.test", 0, false},
		{"self-signed", "localhost", 60, true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char cert[160], key[160];
		const char *const options[] = {cert, key, NULL};
		const char *const trust[] = {"--cacert", in_folder("ca.pem"), NULL};
		struct child client;

		snprintf(cert, sizeof(cert), "--cert=%s/%s.pem", folder, rows[i].kind);
		snprintf(key, sizeof(key), "--key=%s/%s.key", folder, rows[i].kind);
		start(options, 1);
		assert_int_equal(curl(trust, rows[i].host, ports[0], "/bytes/7", &client),
				 rows[i].status);
		assert_string_equal(client.out.text, rows[i].status ? "" : "0123456");
		child_free(&client);
		stop(!rows[i].failed, 0, rows[i].failed);
	}
}

/* Plain and TLS beside each other, each said on a line of its own; names on request. */
static void beside(void **state)
{
	const char *const options[] = {"--listen=127.0.0.1:0",
				       "--listen-tls=127.0.0.1:0",
				       "--listen=127.0.0.1:0",
				       "--name=www.example.test",
				       "--name=10.1.2.3",
				       "--threads=2",
				       ca_out,
				       NULL};
	const char *const trust[] = {"--cacert", in_folder("out.pem"), "--compressed", NULL};
	static const char *const hosts[] = {"www.example.test", "localhost", "127.0.0.1",
					    "10.1.2.3"};
	struct peer plain;
	struct child client;
	struct stat status;

	(void)state;
	start(options, 3);
	assert_int_equal(stat(in_folder("out.pem"), &status), 0);
	assert_int_equal(status.st_mode & 0777, 0644);
	assert_non_null(strstr(origin.out.text, "on https://"));
	for (unsigned i = 0; i < 2; i++) { /* the plain ones come first */
		peer_open(&plain, ports[i], 0);
		peer_get(&plain, "/bytes/4000");
		peer_expect(&plain, 200, 4000);
		peer_close(&plain);
	}
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(curl(trust, hosts[i], ports[2], "/gzip/100000", &client), 0);
		assert_int_equal(client.out.size, 100000);
		assert_int_equal(body_check(client.out.text, 100000, 0), 100000);
		child_free(&client);
	}
	assert_int_equal(curl(trust, "other.test", ports[2], "/", &client), 60);
	child_free(&client);
	stop(5, 0, 0);
}

/* Faults are the same over TLS. */
static void faults(void **state)
{
	static const struct {
		const char *path;
		int status, other; /* of curl; versions differ in one */
	} rows[] = {
		{"/fault/close", 52, 56},
		{"/fault/reset", 56, 35},
		{"/fault/close-mid-body", 18, 56},
		{"/fault/reset-mid-body", 56, 56},
		{"/fault/garbage", 1, 1},
		{"/fault/long-head", 0, 0},
		{"/fault/unknown-coding", 61, 61},
		{"/fault/bad-gzip", 61, 61},
		{"/fault/bad-chunk", 56, 18},
		{"/fault/slow-head", 0, 0},
		{"/fault/idle-close/0", 0, 0},
		{"/chunked/100001", 0, 0},
		{"/redirect/5", 0, 0},
		{"/continue", 0, 0},
	};
	const char *const options[] = {"--compressed",	     "-L", "-o", "/dev/null", "--cacert",
				       in_folder("out.pem"), NULL};

	(void)state;
	start_tls();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct child client;
		int status = curl(options, "localhost", ports[0], rows[i].path, &client);

		if (status != rows[i].other)
			assert_int_equal(status, rows[i].status);
		child_free(&client);
	}
	stop(sizeof(rows) / sizeof(rows[0]), 0, 0);
}

/* Many at once, of whom each asks little: handshakes, answers and ends mingle in each batch. */
static void crowd(void **state)
{
	enum { COUNT = 100 };
	const char *const options[] = {"--tls", "--threads=2", ca_out, NULL};
	struct client *clients = calloc(COUNT, sizeof(*clients));

	(void)state;
	assert_non_null(clients);
	start(options, 1);
	for (unsigned i = 0; i < COUNT; i++)
		client_begin(&clients[i], ports[0],
			     client_context(versions[i % 2], in_folder("out.pem")), NULL, NULL, 0);
	for (unsigned i = 0; i < COUNT; i++)
		assert_int_equal(client_drive(&clients[i], SSL_connect), 1);
	for (unsigned round = 0; round < 5; round++) {
		for (unsigned i = 0; i < COUNT; i++) {
			client_text(&clients[i], i % 3 ? GET("/") : GET("/bytes/30000"));
			client_flush(&clients[i]);
		}
		for (unsigned i = 0; i < COUNT; i++)
			client_expect(&clients[i], 200, i % 3 ? 24 : 30000);
	}
	for (unsigned i = 0; i < COUNT; i++)
		client_close(&clients[i]);
	free(clients);
	stop(COUNT, 0, 0);
}

/*
 * In one batch an answer that is queued and a handshake's end with a request that makes the queue
 * go: each client gets its own bytes, which share a buffer on the way.
 */
static void one_batch(void **state)
{
	static struct client settled, fresh;

	(void)state;
	start_tls();
	for (unsigned round = 0; round < 10; round++) {
		char path[64], text[256];

		client_open(&settled, TLS1_3_VERSION);
		client_get(&settled, "/", 24);
		client_begin(&fresh, ports[0], client_context(TLS1_3_VERSION, in_folder("out.pem")),
			     NULL, NULL, 0);
		while (SSL_connect(fresh.ssl) != 1) {
			client_flush(&fresh);
			client_receive(&fresh);
		}
		snprintf(path, sizeof(path), "/bytes/%u", 100 + round);
		snprintf(text, sizeof(text), GET("%s"), path);
		client_text(&fresh, text); /* goes out with the end of the handshake */
		client_text(&settled, GET("/"));
		kill(origin.pid, SIGSTOP);
		client_flush(&settled);
		client_flush(&fresh);
		kill(origin.pid, SIGCONT);
		client_expect(&settled, 200, 24);
		client_expect(&fresh, 200, 100 + round);
		client_get(&fresh, "/", 24);
		client_close(&fresh);
		client_close(&settled);
	}
	stop(20, 0, 0);
}

static void wrong_command_lines(void **state)
{
	static const struct {
		const char *options[3];
		int status;
	} rows[] = {
		{{"--cert=/nowhere/a.pem"}, 2},
		{{"--key=/nowhere/a.key"}, 2},
		{{"--cert=/nowhere/a.pem", "--key=/nowhere/a.key"}, 2},
		{{"--cert=/etc/passwd", "--key=/etc/passwd"}, 2},
		{{"--tls", "--ca-out=/nowhere/ca.pem"}, 1},
		{{"--ca-out=/nowhere/ca.pem"}, 2},
		{{"--name=a.test"}, 2},
		{{"--tls", "--name=a b"}, 2},
		{{"--tls", "--name="}, 2},
		{{"--tls", "--name=a..b"}, 2},
		{{"--tls", "--name=a,DNS:b"}, 2},
		{{"--listen-tls=localhost:1"}, 2},
		{{"--listen=127.0.0.1:0", "--listen-tls=192.0.2.1:0"}, 3},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *const argv[] = {child_program("origin"), rows[i].options[0],
					    rows[i].options[1], NULL};

		assert_int_equal(child_run(&origin, argv), rows[i].status);
		assert_string_equal(origin.out.text, "");
		assert_true(child_one_line(origin.err.text));
		child_free(&origin);
	}
}

#define TEST(test) cmocka_unit_test_teardown(test, clean)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(keep_alive), TEST(records),     TEST(resumption),	 TEST(splits),
		TEST(pipelined),  TEST(slow_reader), TEST(long_records), TEST(goodbyes),
		TEST(failures),	  TEST(tampered),    TEST(certificates), TEST(beside),
		TEST(faults),	  TEST(crowd),	     TEST(one_batch),	 TEST(wrong_command_lines),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
