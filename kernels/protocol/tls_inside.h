/*
 * What the files of TLS share: tls_context.c has what a worker's connections have in common,
 * tls.c the steps of one connection, tls_failure.c the words for what goes wrong and
 * tls_kernel.c the question whether the kernel could do it. Private to kernels/protocol/tls*.c.
 */
#ifndef PROTOCOL_TLS_INSIDE_H
#define PROTOCOL_TLS_INSIDE_H

#include <openssl/bio.h>
#include <openssl/ssl.h>

#include "kernels/protocol/tls.h"

/* Plain text of the longest record (RFC 8446, 5.1). */
#define TLS_PLAIN_MAX ((size_t)16 * 1024)

/*
 * Up to so many connections a context keep OpenSSL's two buffers while they are idle; among more,
 * they give them back after each record (SSL_MODE_RELEASE_BUFFERS). Measured by
 * tests/bench/tls_exchange on Debian 12 (OpenSSL 3.0), an exchange of 200 against 1,000 bytes:
 *
 *	connections   kept                   given back
 *	1; 64         1.37 us; 1.42 us       1.46 us; 1.49 us
 *	4,000         4.3 to 5.2 us          3.8 us (the latest buffer is in the cache)
 *	memory each   38 KiB                 27 KiB, resumed
 *	              42 KiB                 32 KiB, after a whole handshake
 *	OpenSSL 3.5                          36 and 40 KiB
 *
 * Shorter buffers: the one for sending is as long as the longest request, by
 * SSL_CTX_set_max_send_fragment(); the one for receiving must hold whatever a server may send.
 */
#define TLS_KEEP_BUFFERS 256

struct tls_context {
	SSL_CTX *ssl;
	BIO_METHOD *bio; /* NULL when OpenSSL has the socket */
	enum tls_io io;
	bool insecure;
	unsigned endpoints;
	unsigned connections;	      /* that there are, open or not */
	size_t output_capacity;	      /* of each connection, bytes; 0 when OpenSSL has the socket */
	SSL_SESSION **sessions;	      /* the latest of each endpoint; NULL with TLS_FRESH */
	uint8_t plain[TLS_PLAIN_MAX]; /* tls_read()'s, for whichever connection reads */
};

struct tls {
	struct tls_context *context;
	SSL *ssl;	      /* NULL while closed */
	const uint8_t *input; /* ciphertext that OpenSSL has not taken yet */
	size_t input_length;
	size_t output_length;
	uint64_t calls;
	int error;	     /* errno of OpenSSL's call that failed */
	const char *failure; /* of this connection; NULL while all is well */
	const char *version; /* these three: of the latest handshake that succeeded */
	const char *cipher;
	bool resumed;
	enum tls_result over; /* TLS_END or TLS_CUT once the stream is; else TLS_DONE */
	bool literal;	      /* the host is an address */
	unsigned endpoint;
	char *host; /* lies behind the output; no dot at its end */
	uint8_t output[];
};

/* A connection's BIO in place of a socket; tls.c's. NULL without memory. */
BIO_METHOD *tls_bio_new(void);

/*
 * Says why a step failed, as constant text, and empties OpenSSL's queue of errors. Of several
 * errors the one of the protocol speaks, because the ones below it name only OpenSSL's insides.
 */
const char *tls_failure_text(const SSL *ssl);

/* Whether sockets can be given TLS keys. Returns 0 or -errno with one line in why. */
int tls_kernel_probe(char *why, size_t why_size);

#endif
