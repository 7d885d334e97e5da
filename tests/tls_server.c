/* A TLS server in memory, on OpenSSL's own memory BIOs; certificates made by OpenSSL in C. */
#include "tests/tls_server.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY_S 86400L

struct tls_server {
	SSL_CTX *ssl;
	X509 *certificate;
	EVP_PKEY *key;
	const char *alpn;
};

struct tls_end {
	SSL *ssl;
	BIO *in, *out;
};

static void need(bool right, const char *what)
{
	if (right)
		return;
	fprintf(stderr, "the tests' TLS server: %s\n", what);
	ERR_print_errors_fp(stderr);
	abort();
}

static void extend(X509 *certificate, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX context;
	X509_EXTENSION *extension;

	X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	need(extension && X509_add_ext(certificate, extension, -1), value);
	X509_EXTENSION_free(extension);
}

static X509 *certificate_new(EVP_PKEY *key, const char *common_name, bool expired)
{
	static long serial = 1;
	X509 *made = X509_new();
	X509_NAME *name = X509_get_subject_name(made);

	need(X509_set_version(made, X509_VERSION_3) && X509_set_pubkey(made, key) &&
		     ASN1_INTEGER_set(X509_get_serialNumber(made), serial++) &&
		     X509_gmtime_adj(X509_getm_notBefore(made), -2 * DAY_S) &&
		     X509_gmtime_adj(X509_getm_notAfter(made), expired ? -DAY_S : DAY_S) &&
		     X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
						(const unsigned char *)common_name, -1, -1, 0),
	     "a certificate");
	return made;
}

static EVP_PKEY *key_new(void)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");

	need(key, "a key");
	return key;
}

/* The process's CA. */
static X509 *ca(EVP_PKEY **key)
{
	static X509 *certificate;
	static EVP_PKEY *its_key;

	if (!certificate) {
		its_key = key_new();
		certificate = certificate_new(its_key, "the tests' CA", false);
		need(X509_set_issuer_name(certificate, X509_get_subject_name(certificate)), "CA");
		extend(certificate, certificate, NID_basic_constraints, "critical,CA:TRUE");
		extend(certificate, certificate, NID_key_usage, "critical,keyCertSign");
		need(X509_sign(certificate, its_key, EVP_sha256()), "signing");
	}
	*key = its_key;
	return certificate;
}

static X509 *signed_certificate(EVP_PKEY *key, const struct tls_server_options *options)
{
	X509 *made = certificate_new(key, "the tests' server", options->expired);
	EVP_PKEY *ca_key;
	X509 *issuer = ca(&ca_key);

	if (options->self_signed) {
		issuer = made;
		ca_key = key;
	}
	need(X509_set_issuer_name(made, X509_get_subject_name(issuer)), "the issuer");
	extend(made, issuer, NID_subject_alt_name, options->names);
	need(X509_sign(made, ca_key, EVP_sha256()), "signing");
	return made;
}

static int pick_protocol(SSL *ssl, const unsigned char **picked, unsigned char *length,
			 const unsigned char *offered, unsigned offered_length, void *argument)
{
	const struct tls_server *server = argument;

	(void)ssl;
	(void)offered;
	(void)offered_length;
	if (!*server->alpn)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*picked = (const unsigned char *)server->alpn;
	*length = (unsigned char)strlen(server->alpn);
	return SSL_TLSEXT_ERR_OK;
}

struct tls_server *tls_server_new(const struct tls_server_options *options)
{
	struct tls_server *server = calloc(1, sizeof(*server));

	need(server, "memory");
	server->key = key_new();
	server->certificate = signed_certificate(server->key, options);
	server->alpn = options->alpn;
	server->ssl = SSL_CTX_new(TLS_server_method());
	need(server->ssl && SSL_CTX_use_certificate(server->ssl, server->certificate) &&
		     SSL_CTX_use_PrivateKey(server->ssl, server->key) &&
		     SSL_CTX_set_max_proto_version(server->ssl, options->version),
	     "a context");
	if (options->version && options->version < TLS1_2_VERSION) {
		/* Old versions are below the security level that is usual now. */
		SSL_CTX_set_security_level(server->ssl, 0);
		need(SSL_CTX_set_min_proto_version(server->ssl, options->version), "an old TLS");
	}
	if (server->alpn)
		SSL_CTX_set_alpn_select_cb(server->ssl, pick_protocol, server);
	return server;
}

void tls_server_free(struct tls_server *server)
{
	SSL_CTX_free(server->ssl);
	X509_free(server->certificate);
	EVP_PKEY_free(server->key);
	free(server);
}

static void write_pem(const char *path, X509 *certificate, EVP_PKEY *key)
{
	FILE *file = fopen(path, "we");

	need(file, path);
	need(certificate ? PEM_write_X509(file, certificate)
			 : PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL),
	     path);
	need(fclose(file) == 0, path);
}

void tls_server_write_ca(const char *path)
{
	EVP_PKEY *key;

	write_pem(path, ca(&key), NULL);
}

void tls_server_write(const struct tls_server *server, const char *certificate, const char *key)
{
	write_pem(certificate, server->certificate, NULL);
	write_pem(key, NULL, server->key);
}

struct tls_end *tls_end_new(struct tls_server *server)
{
	struct tls_end *end = calloc(1, sizeof(*end));

	need(end, "memory");
	end->ssl = SSL_new(server->ssl);
	end->in = BIO_new(BIO_s_mem());
	end->out = BIO_new(BIO_s_mem());
	need(end->ssl && end->in && end->out, "a connection");
	SSL_set_bio(end->ssl, end->in, end->out);
	SSL_set_accept_state(end->ssl);
	return end;
}

void tls_end_free(struct tls_end *end)
{
	SSL_free(end->ssl);
	free(end);
}

void tls_end_feed(struct tls_end *end, const void *bytes, size_t length)
{
	size_t written;

	need(length == 0 || BIO_write_ex(end->in, bytes, length, &written), "feeding");
}

size_t tls_end_drain(struct tls_end *end, void *bytes, size_t size)
{
	size_t length;

	return BIO_read_ex(end->out, bytes, size, &length) ? length : 0;
}

long tls_end_read(struct tls_end *end, void *bytes, size_t size)
{
	size_t length;
	int error;

	ERR_clear_error();
	if (SSL_read_ex(end->ssl, bytes, size, &length))
		return (long)length;
	error = SSL_get_error(end->ssl, 0);
	ERR_clear_error();
	if (error == SSL_ERROR_WANT_READ)
		return 0;
	return error == SSL_ERROR_ZERO_RETURN ? -1 : -2;
}

void tls_end_write(struct tls_end *end, const void *bytes, size_t length)
{
	size_t written;

	need(SSL_write_ex(end->ssl, bytes, length, &written), "writing");
}

void tls_end_close(struct tls_end *end)
{
	need(SSL_shutdown(end->ssl) >= 0, "closing");
}

void tls_end_update_keys(struct tls_end *end)
{
	need(SSL_key_update(end->ssl, SSL_KEY_UPDATE_REQUESTED) && SSL_do_handshake(end->ssl) == 1,
	     "updating keys");
}

void tls_end_renegotiate(struct tls_end *end)
{
	need(SSL_renegotiate(end->ssl) && SSL_do_handshake(end->ssl) == 1, "renegotiating");
}

bool tls_end_established(const struct tls_end *end)
{
	return SSL_is_init_finished(end->ssl);
}

bool tls_end_resumed(const struct tls_end *end)
{
	return SSL_session_reused(end->ssl);
}

const char *tls_end_asked_for(const struct tls_end *end)
{
	return SSL_get_servername(end->ssl, TLSEXT_NAMETYPE_host_name);
}
