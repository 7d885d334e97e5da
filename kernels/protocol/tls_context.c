/*
 * What all TLS connections of a worker share: OpenSSL's context with the trusted CAs, and the
 * latest session of each endpoint. Everything is loaded here, ahead of any clock, except that
 * OpenSSL opens the system's directory of CAs when a server first needs one of them.
 */
#include "kernels/protocol/tls_inside.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Room for the client's flights of a handshake; the longest seen is 0.7 KiB. */
#define HANDSHAKE_ROOM ((size_t)8 * 1024)
/* What a record adds to its plain text, at most (RFC 5246, 6.2.3: padding, MAC, IV, header). */
#define RECORD_OVERHEAD ((size_t)512)
#define FRAGMENT_MIN	((size_t)512) /* OpenSSL takes no shorter one */

/* With TLS 1.3 the session comes after the handshake, in a ticket: only so is it caught. */
static int keep_session(SSL *ssl, SSL_SESSION *session)
{
	struct tls *tls = SSL_get_app_data(ssl);
	SSL_SESSION **latest = &tls->context->sessions[tls->endpoint];

	SSL_SESSION_free(*latest);
	*latest = session;
	return 1; /* ours now */
}

static int openssl_refuses(const char *what, char *why, size_t why_size)
{
	unsigned long error = ERR_peek_last_error();
	const char *reason = error ? ERR_reason_error_string(error) : NULL;

	snprintf(why, why_size, "OpenSSL: %s: %s", what, reason ? reason : "no reason given");
	ERR_clear_error();
	return error && ERR_GET_REASON(error) == ERR_R_MALLOC_FAILURE ? -ENOMEM : -EPROTO;
}

/* Adds every certificate of the file to the trusted ones. */
static int read_cas(X509_STORE *store, FILE *file, const char *path, char *why, size_t why_size)
{
	unsigned count = 0;
	int first = fgetc(file);
	X509 *ca;

	if (first == EOF && ferror(file)) {
		int error = errno; /* a directory, say */

		snprintf(why, why_size, "the CA file %s cannot be read: %s", path, strerror(error));
		return -error;
	}
	ungetc(first, file);
	while ((ca = PEM_read_X509_AUX(file, NULL, NULL, NULL))) {
		int added = X509_STORE_add_cert(store, ca);

		X509_free(ca);
		if (!added)
			return openssl_refuses(path, why, why_size);
		count++;
	}
	/* The end of the file looks like this, too. */
	if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE) {
		snprintf(why, why_size, "the CA file %s: certificate %u is not valid PEM", path,
			 count + 1);
		return -EINVAL;
	}
	if (count == 0) {
		snprintf(why, why_size, "the CA file %s has no certificate in PEM form", path);
		return -EINVAL;
	}
	return 0;
}

static int load_cas(SSL_CTX *ssl, const struct tls_options *options, char *why, size_t why_size)
{
	FILE *file;
	int error;

	if (!options->cacert) {
		if (!options->insecure && !SSL_CTX_set_default_verify_paths(ssl))
			return openssl_refuses("the system's CAs", why, why_size);
		return 0;
	}
	file = fopen(options->cacert, "re");
	if (!file) {
		error = errno;
		snprintf(why, why_size, "the CA file %s cannot be read: %s", options->cacert,
			 strerror(error));
		return -error;
	}
	error = read_cas(SSL_CTX_get_cert_store(ssl), file, options->cacert, why, why_size);
	fclose(file);
	ERR_clear_error();
	return error;
}

/* OpenSSL gives a connection to the kernel only if its records may have full length. */
static size_t fragment_of(const struct tls_options *options)
{
	if (options->io == TLS_KTLS)
		return TLS_PLAIN_MAX;
	if (options->longest_request < FRAGMENT_MIN)
		return FRAGMENT_MIN;
	return options->longest_request < TLS_PLAIN_MAX ? options->longest_request : TLS_PLAIN_MAX;
}

/*
 * Named, so that a handshake costs the same work on every host: OpenSSL 3.5 would offer ML-KEM by
 * itself, and keep the keys made for it, 11 KiB, as long as the connection is open.
 */
static const char groups[] = "X25519:P-256:X448:P-521:P-384";

/*
 * Reading ahead takes all of the input in one go; with a socket it saves a call a record. It is
 * off with TLS_KTLS, where bytes taken ahead would be missing when the kernel takes over.
 */
static bool configure(SSL_CTX *ssl, const struct tls_options *options)
{
	static const unsigned char http[] = "\x08http/1.1";

	SSL_CTX_set_options(ssl, SSL_OP_NO_RENEGOTIATION);
	SSL_CTX_set_mode(ssl, SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_AUTO_RETRY);
	SSL_CTX_set_read_ahead(ssl, options->io != TLS_KTLS);
	if (options->io == TLS_KTLS)
		SSL_CTX_set_options(ssl, SSL_OP_ENABLE_KTLS);
	SSL_CTX_set_verify(ssl, options->insecure ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, NULL);
	X509_VERIFY_PARAM_set_hostflags(SSL_CTX_get0_param(ssl),
					X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	if (options->session == TLS_FRESH) {
		SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
	} else {
		SSL_CTX_set_session_cache_mode(ssl,
					       SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
		SSL_CTX_sess_set_new_cb(ssl, keep_session);
	}
	return SSL_CTX_set_min_proto_version(ssl, TLS1_2_VERSION) &&
	       SSL_CTX_set1_groups_list(ssl, groups) &&
	       SSL_CTX_set_max_send_fragment(ssl, (long)fragment_of(options)) &&
	       SSL_CTX_set_alpn_protos(ssl, http, sizeof(http) - 1) == 0;
}

/* One request must fit behind a whole flight of the handshake. */
static size_t output_capacity(const struct tls_options *options)
{
	size_t records = options->longest_request / fragment_of(options) + 1;

	return HANDSHAKE_ROOM + options->longest_request + records * RECORD_OVERHEAD;
}

static int fill(struct tls_context *made, const struct tls_options *options, char *why,
		size_t why_size)
{
	made->io = options->io;
	made->insecure = options->insecure;
	made->endpoints = options->endpoints;
	made->ssl = SSL_CTX_new(TLS_client_method());
	if (!made->ssl || !configure(made->ssl, options))
		return openssl_refuses("no context for TLS", why, why_size);
	if (options->session == TLS_RESUMED) {
		made->sessions = calloc(options->endpoints, sizeof(SSL_SESSION *));
		if (!made->sessions)
			goto no_memory;
	}
	if (options->io == TLS_BUFFERED) {
		made->output_capacity = output_capacity(options);
		made->bio = tls_bio_new();
		if (!made->bio)
			goto no_memory;
	}
	return load_cas(made->ssl, options, why, why_size);
no_memory:
	snprintf(why, why_size, "no memory for TLS");
	return -ENOMEM;
}

int tls_context_new(const struct tls_options *options, struct tls_context **context, char *why,
		    size_t why_size)
{
	struct tls_context *made;
	int error;

	*context = NULL;
	if (options->io == TLS_KTLS) {
		error = tls_kernel_probe(why, why_size);
		if (error)
			return error;
	}
	made = calloc(1, sizeof(*made));
	if (!made) {
		snprintf(why, why_size, "no memory for TLS");
		return -ENOMEM;
	}
	error = fill(made, options, why, why_size);
	if (error)
		tls_context_free(made);
	else
		*context = made;
	return error;
}

void tls_context_free(struct tls_context *context)
{
	if (!context)
		return;
	for (unsigned i = 0; context->sessions && i < context->endpoints; i++)
		SSL_SESSION_free(context->sessions[i]);
	free(context->sessions);
	SSL_CTX_free(context->ssl);
	BIO_meth_free(context->bio);
	free(context);
}
