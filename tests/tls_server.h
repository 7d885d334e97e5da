/*
 * A TLS server for tests that lives in memory: bytes are handed to it and taken from it, and a
 * test decides in what pieces and what becomes of them. It has a CA of its own, made anew in each
 * process, and certificates with whatever fault is asked for. What cannot fail in a test that is
 * right ends the program.
 */
#ifndef TESTS_TLS_SERVER_H
#define TESTS_TLS_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tls_server_options {
	const char *names; /* the certificate's, as "DNS:origin.test,IP:127.0.0.1" */
	int version;	   /* the newest it speaks, TLS1_2_VERSION or the like; 0: all */
	bool expired;
	bool self_signed;
	const char *alpn; /* picks this one, offered or not; "": refuses; NULL: has no ALPN */
};

struct tls_server;

/* The server's end of one connection. */
struct tls_end;

struct tls_server *tls_server_new(const struct tls_server_options *options);
void tls_server_free(struct tls_server *server);

/* Writes PEM files: the CA that signs, and a server's certificate and key. */
void tls_server_write_ca(const char *path);
void tls_server_write(const struct tls_server *server, const char *certificate, const char *key);

struct tls_end *tls_end_new(struct tls_server *server);
void tls_end_free(struct tls_end *end);

/* Ciphertext: what the client sent, all of it; and what the client is to get, at most size. */
void tls_end_feed(struct tls_end *end, const void *bytes, size_t length);
size_t tls_end_drain(struct tls_end *end, void *bytes, size_t size);

/*
 * Plain text; also goes on with the handshake. Reading returns its length, 0 when there is none
 * yet, -1 when the stream was ended, -2 when it failed. Writing is whole, after the handshake.
 */
long tls_end_read(struct tls_end *end, void *bytes, size_t size);
void tls_end_write(struct tls_end *end, const void *bytes, size_t length);

/* Sends close_notify. */
void tls_end_close(struct tls_end *end);
/* Tells the client to change its keys, and asks it to answer in kind (TLS 1.3). */
void tls_end_update_keys(struct tls_end *end);
/* Asks the client for another handshake (TLS 1.2). */
void tls_end_renegotiate(struct tls_end *end);

bool tls_end_established(const struct tls_end *end);
bool tls_end_resumed(const struct tls_end *end);
/* The name that the client asked for, or NULL. */
const char *tls_end_asked_for(const struct tls_end *end);

#endif
