/*
 * TLS for the origin, without I/O: bytes from the socket in, requests out, and the other way round.
 * OpenSSL reads from the bytes that were just received and writes into a buffer that is the
 * thread's, so that an exchange costs one recv() and one send(), as without TLS. Who receives and
 * sends is origin_secure.c.
 */
#ifndef LAB_ORIGIN_TLS_H
#define LAB_ORIGIN_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <openssl/ssl.h>

#define RECORD_MAX    16384 /* bytes of content in a record */
#define RECORD_EXTRA  256   /* the most by which one is longer than that */
#define RECORDS_BATCH 4	    /* full records that one send() takes */
#define OUTBOX_SLACK  32768 /* for a handshake's messages, certificates included */

/* Records to be sent. */
struct origin_outbox {
	struct origin_outbox *next; /* in the pool of those that sockets had no room for */
	size_t at, end;
	char bytes[RECORDS_BATCH * (RECORD_MAX + RECORD_EXTRA) + OUTBOX_SLACK];
};

struct origin_tls_config {
	const char *cert, *key;	  /* PEM files; NULL: a throw-away CA and what it signs */
	const char *const *names; /* NULL-terminated, besides localhost and its addresses */
	const char *ca_out;	  /* the throw-away CA's certificate goes there; NULL: nowhere */
};

/* One client's. */
struct origin_tls {
	SSL *ssl;
	const char *in; /* received and not yet taken; valid only while it is being read from */
	size_t in_left;
	struct origin_outbox *out; /* the thread's */
	bool established, resumed;
	bool heard; /* something came */
};

enum origin_records {
	RECORDS_MORE,  /* all that came was taken, and it gave nothing (more) to read */
	RECORDS_DATA,  /* bytes were read */
	RECORDS_END,   /* the client said goodbye */
	RECORDS_BROKEN /* it speaks no TLS that is taken here; what it is to be told is in `out` */
};

/*
 * A context for all threads: TLS 1.2 and 1.3, http/1.1 by ALPN, tickets. Writes config->ca_out.
 * Returns 0, or with a line in `why` -EINVAL for a name that is none, -ENOENT and the like for a
 * file, -EIO for what OpenSSL refused. Release it by SSL_CTX_free().
 */
int origin_tls_context(const struct origin_tls_config *config, SSL_CTX **context, char *why,
		       size_t why_size);

/*
 * Begins the server's side; `out` stays the caller's. *tls has to stay where it is until
 * origin_tls_free(). False when out of memory.
 */
bool origin_tls_begin(struct origin_tls *tls, SSL_CTX *context, struct origin_outbox *out);
void origin_tls_free(struct origin_tls *tls);

/* Reads up to `size` bytes of content out of tls->in into `to`. Handshakes come on the way. */
enum origin_records origin_tls_read(struct origin_tls *tls, char *to, size_t size, size_t *got);

/* Whether another read may give something, although nothing new is received. */
static inline bool origin_tls_pending(const struct origin_tls *tls)
{
	return tls->in_left || SSL_has_pending(tls->ssl);
}

/* Whether a full record fits. */
static inline bool origin_outbox_has_room(const struct origin_outbox *out)
{
	return out->end + RECORD_MAX + RECORD_EXTRA <= sizeof(out->bytes) - OUTBOX_SLACK;
}

/* One record of at most RECORD_MAX bytes, for which there is room; false when it is broken. */
bool origin_tls_write(struct origin_tls *tls, const char *bytes, size_t size);

/* The goodbye. */
void origin_tls_close(struct origin_tls *tls);

#endif
