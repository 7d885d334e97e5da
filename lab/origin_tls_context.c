/* What all of the origin's TLS clients share: certificate, versions, protocols, tickets. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <openssl/err.h>

#include "lab/certificate.h"
#include "lab/origin_tls.h"

#define NAMES_MOST 64
#define VALID_S	   (INT64_C(30) * 86400)
#define EARLIER_S  (INT64_C(86400)) /* for clients whose clock is behind */

static int refused(const char *what, char *why, size_t why_size)
{
	char text[160];

	ERR_error_string_n(ERR_get_error(), text, sizeof(text));
	ERR_clear_error();
	snprintf(why, why_size, "%s: %s", what, text);
	return -EIO;
}

/* http/1.1 for whoever offers it, and a refusal for whoever offers only others (RFC 7301, 3.2). */
static int choose_protocol(SSL *ssl, const unsigned char **chosen, unsigned char *chosen_size,
			   const unsigned char *offered, unsigned offered_size, void *unused)
{
	static const unsigned char ours[] = "\x08http/1.1";

	(void)ssl;
	(void)unused;
	if (SSL_select_next_proto((unsigned char **)(uintptr_t)chosen, chosen_size, ours,
				  sizeof(ours) - 1, offered,
				  offered_size) == OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_OK;
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

static int use_files(SSL_CTX *context, const struct origin_tls_config *config, char *why,
		     size_t why_size)
{
	const char *const paths[] = {config->cert, config->key};

	for (size_t i = 0; i < 2; i++) {
		if (access(paths[i], R_OK)) {
			int err = -errno;

			snprintf(why, why_size, "%s: %s", paths[i], strerror(-err));
			return err;
		}
	}
	if (SSL_CTX_use_certificate_chain_file(context, config->cert) != 1)
		return refused(config->cert, why, why_size);
	if (SSL_CTX_use_PrivateKey_file(context, config->key, SSL_FILETYPE_PEM) != 1 ||
	    SSL_CTX_check_private_key(context) != 1)
		return refused(config->key, why, why_size);
	return 0;
}

/* The throw-away CA's key is gone when this returns: it has signed one certificate in its life. */
static int use_throw_away(SSL_CTX *context, const struct origin_tls_config *config, char *why,
			  size_t why_size)
{
	const char *names[NAMES_MOST + 1] = {"localhost", "127.0.0.1", "::1"};
	struct certificate_wish wish = {
		.common_name = "iolab throw-away CA",
		.authority = true,
		.from_s = -EARLIER_S,
		.until_s = VALID_S,
	};
	struct certificate ca, leaf = {0};
	const struct certificate *chain[] = {&ca};
	int err;

	for (size_t i = 0; config->names && config->names[i] && i + 3 < NAMES_MOST; i++)
		names[i + 3] = config->names[i];
	err = certificate_make(&wish, NULL, &ca, why, why_size);
	wish.common_name = "iolab origin";
	wish.authority = false;
	wish.names = names;
	if (!err)
		err = certificate_make(&wish, &ca, &leaf, why, why_size);
	if (!err && (SSL_CTX_use_certificate(context, leaf.x509) != 1 ||
		     SSL_CTX_use_PrivateKey(context, leaf.key) != 1))
		err = refused("certificate", why, why_size);
	if (!err && config->ca_out)
		err = certificate_write_chain(chain, 1, config->ca_out, why, why_size);
	certificate_free(&leaf);
	certificate_free(&ca);
	return err;
}

int origin_tls_context(const struct origin_tls_config *config, SSL_CTX **made, char *why,
		       size_t why_size)
{
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());
	int err;

	*made = NULL;
	if (!context || SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1 ||
	    SSL_CTX_set_session_id_context(context, (const unsigned char *)"origin", 6) != 1) {
		SSL_CTX_free(context);
		return refused("TLS", why, why_size);
	}
	/* Tickets hold the sessions: a cache would be a lock that all threads take. */
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	SSL_CTX_set_mode(context, SSL_MODE_AUTO_RETRY | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_read_ahead(context, 1);
	SSL_CTX_set_alpn_select_cb(context, choose_protocol, NULL);
	err = config->cert ? use_files(context, config, why, why_size)
			   : use_throw_away(context, config, why, why_size);
	if (err) {
		SSL_CTX_free(context);
		return err;
	}
	*made = context;
	return 0;
}
