/*
 * TLS for a connection, without I/O: ciphertext is handed in where it lies and ciphertext comes
 * out in one buffer to be sent, so that every model carries it as it carries plain bytes. OpenSSL
 * does the cryptography and the verifying; a BIO of the lab's own stands where its socket would.
 *
 * With TLS_CONVENTIONAL and TLS_KTLS OpenSSL has the socket instead, as SSL_set_fd() gives it,
 * and makes the calls itself: for comparison, by models that can wait for a socket. It writes by
 * write(), so that a program that uses these must ignore SIGPIPE.
 */
#ifndef PROTOCOL_TLS_H
#define PROTOCOL_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum tls_io { TLS_BUFFERED, TLS_CONVENTIONAL, TLS_KTLS };
/* Whether a new connection to an endpoint goes on with the session of the last one. */
enum tls_session { TLS_RESUMED, TLS_FRESH };

struct tls_options {
	const char *cacert; /* PEM file of trusted CAs; NULL: the system's */
	bool insecure;	    /* the certificate is not verified */
	enum tls_io io;
	enum tls_session session;
	unsigned endpoints;	/* servers there are sessions for; each has one host name */
	size_t longest_request; /* bytes of plain text that are sent at once, at most */
};

/* What a worker's connections share; used by that worker's thread alone. */
struct tls_context;
/* One connection's; holds no memory of OpenSSL's while the connection is closed. */
struct tls;

/* What became of a step. */
enum tls_result {
	TLS_DONE,    /* the step is complete */
	TLS_RECEIVE, /* more must be received first */
	TLS_SEND,    /* the socket must take more first (only when OpenSSL has it) */
	TLS_END,     /* the server ended the stream properly (close_notify) */
	TLS_CUT,     /* the socket's stream ended without close_notify (likewise) */
	TLS_FAILED   /* see tls_failure() */
};

/*
 * Loads what handshakes need. Returns 0 or -errno with one line in why, which names the CA file
 * when that is at fault. TLS_KTLS without TLS in the kernel: -ENOENT.
 */
int tls_context_new(const struct tls_options *options, struct tls_context **context, char *why,
		    size_t why_size);
void tls_context_free(struct tls_context *context);

/*
 * For one connection to `host` (a name, or an address as text), endpoint number `endpoint`.
 * Returns NULL without memory. The context must outlive it; the host is copied.
 */
struct tls *tls_new(struct tls_context *context, const char *host, unsigned endpoint);
void tls_free(struct tls *tls);

/*
 * A connection begins: a new SSL, on fd with TLS_CONVENTIONAL or TLS_KTLS. False without memory.
 * The socket, blocking or not, stays the caller's to close, after tls_end().
 */
bool tls_begin(struct tls *tls, int fd);
/* It ends, nothing is sent: its session stays good for the next one. Twice is once. */
void tls_end(struct tls *tls);

/*
 * Ciphertext that came. It must stay there until tls_handshake() or tls_read() return anything
 * but, in the case of tls_read(), TLS_DONE; then all of it has been taken.
 */
void tls_input(struct tls *tls, const void *bytes, size_t length);

/*
 * Goes on with the handshake. What is to be sent is in tls_output(), whatever is returned: for
 * TLS_DONE it may be sent together with the request, for TLS_FAILED it is an alert. Plain text
 * that came along with the handshake's end is kept for tls_read().
 */
enum tls_result tls_handshake(struct tls *tls);

/*
 * Encrypts all of the plain text, behind what tls_output() has already. After TLS_SEND or
 * TLS_RECEIVE, which only a socket's gives, it is to be called again with the same bytes.
 */
enum tls_result tls_write(struct tls *tls, const void *bytes, size_t length);

/*
 * Plain text of the input, one record's at most, in a buffer that the next call for any connection
 * of the context overwrites. TLS_DONE: there is some, and there may be more. TLS_RECEIVE: none is
 * left; but tls_output() may have an alert of TLS's own, without which nothing more may be sent.
 */
enum tls_result tls_read(struct tls *tls, const uint8_t **bytes, size_t *length);

/* Ciphertext to be sent; tls_output_taken() when it was. */
const uint8_t *tls_output(const struct tls *tls, size_t *length);
void tls_output_taken(struct tls *tls);

/*
 * Constant text that says why a step of this connection failed, or tls_begin(): the certificate's
 * fault, or the protocol's. NULL if none did.
 */
const char *tls_failure(const struct tls *tls);

/* The errno of OpenSSL's own call on the socket that made a step fail; 0: it was no call. */
int tls_error(const struct tls *tls);

/* Whether OpenSSL has the socket. */
bool tls_has_socket(const struct tls *tls);
/*
 * System calls that OpenSSL made since the last time this was asked: each read() and write(). With
 * TLS_KTLS it also sets the socket up, in a few calls a connection that are not counted.
 */
uint64_t tls_calls(struct tls *tls);

/*
 * Of the latest handshake that was done: whether it went on with a session; "TLSv1.3"; the
 * cipher's name. NULL before the first.
 */
bool tls_was_resumed(const struct tls *tls);
const char *tls_version(const struct tls *tls);
const char *tls_cipher(const struct tls *tls);

#endif
