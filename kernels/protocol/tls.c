/*
 * TLS of one connection: see tls.h. Between OpenSSL and the models stands a BIO that reads where
 * the received bytes lie and writes into one buffer per connection, so that what a step produces
 * (the handshake's end and the request behind it) goes out in one call of the model's own.
 *
 * OpenSSL's queue of errors belongs to the thread: it is empty between any two calls of these.
 */
#include "kernels/protocol/tls_inside.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

/* --- the BIO in a socket's place -------------------------------------------------------------- */

static int take_input(BIO *bio, char *bytes, size_t size, size_t *taken)
{
	struct tls *tls = BIO_get_data(bio);
	size_t length = size < tls->input_length ? size : tls->input_length;

	BIO_clear_retry_flags(bio);
	if (length == 0) {
		BIO_set_retry_read(bio);
		return 0;
	}
	memcpy(bytes, tls->input, length);
	tls->input += length;
	tls->input_length -= length;
	*taken = length;
	return 1;
}

static int put_output(BIO *bio, const char *bytes, size_t size, size_t *put)
{
	struct tls *tls = BIO_get_data(bio);

	BIO_clear_retry_flags(bio);
	if (size > tls->context->output_capacity - tls->output_length) {
		tls->failure = "more to be sent at once than there is room for";
		return 0;
	}
	memcpy(tls->output + tls->output_length, bytes, size);
	tls->output_length += size;
	*put = size;
	return 1;
}

static long control(BIO *bio, int command, long number, void *pointer)
{
	(void)bio;
	(void)number;
	(void)pointer;
	return command == BIO_CTRL_FLUSH; /* nothing is held back; nothing else is known */
}

BIO_METHOD *tls_bio_new(void)
{
	BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "connection");

	if (method &&
	    (!BIO_meth_set_read_ex(method, take_input) ||
	     !BIO_meth_set_write_ex(method, put_output) || !BIO_meth_set_ctrl(method, control))) {
		BIO_meth_free(method);
		return NULL;
	}
	return method;
}

static bool give_buffers(struct tls *tls)
{
	BIO *bio = BIO_new(tls->context->bio);

	if (!bio)
		return false;
	BIO_set_data(bio, tls);
	BIO_set_init(bio, 1);
	SSL_set_bio(tls->ssl, bio, bio);
	return true;
}

/* --- OpenSSL with the socket ------------------------------------------------------------------ */

/* Called around each operation of the socket's BIO, each of which is one call. */
static long count_call(BIO *bio, int operation, const char *bytes, size_t size, int number,
		       long more, int result, size_t *processed)
{
	(void)bytes;
	(void)size;
	(void)number;
	(void)more;
	(void)processed;
	if (operation == BIO_CB_READ || operation == BIO_CB_WRITE)
		((struct tls *)BIO_get_callback_arg(bio))->calls++;
	return result;
}

static bool give_socket(struct tls *tls, int fd)
{
	BIO *bio;

	if (!SSL_set_fd(tls->ssl, fd))
		return false;
	bio = SSL_get_rbio(tls->ssl);
	BIO_set_callback_ex(bio, count_call);
	BIO_set_callback_arg(bio, (char *)tls);
	return true;
}

/* --- a connection's life ---------------------------------------------------------------------- */

static bool is_address(const char *host)
{
	struct in6_addr address;

	return inet_pton(AF_INET, host, &address) == 1 || inet_pton(AF_INET6, host, &address) == 1;
}

struct tls *tls_new(struct tls_context *context, const char *host, unsigned endpoint)
{
	size_t length = strlen(host);
	struct tls *tls = malloc(sizeof(*tls) + context->output_capacity + length + 1);

	if (!tls)
		return NULL;
	/* The output is left as it is: pages that no request reaches are never made. */
	memset(tls, 0, sizeof(*tls));
	tls->context = context;
	context->connections++;
	tls->endpoint = endpoint;
	tls->host = (char *)tls->output + context->output_capacity;
	memcpy(tls->host, host, length + 1);
	/* "example.org." is a name for DNS; certificates and SNI have it without (RFC 6066, 3). */
	if (length > 1 && host[length - 1] == '.')
		tls->host[length - 1] = '\0';
	tls->literal = is_address(tls->host);
	return tls;
}

void tls_free(struct tls *tls)
{
	if (!tls)
		return;
	tls_end(tls);
	tls->context->connections--;
	free(tls);
}

/* Whom we talk to: asked for (RFC 6066: names only), and later looked for in the certificate. */
static bool name_host(struct tls *tls)
{
	if (tls->literal)
		return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(tls->ssl), tls->host);
	return SSL_set_tlsext_host_name(tls->ssl, tls->host) && SSL_set1_host(tls->ssl, tls->host);
}

bool tls_begin(struct tls *tls, int fd)
{
	struct tls_context *context = tls->context;
	SSL_SESSION *session = context->sessions ? context->sessions[tls->endpoint] : NULL;
	bool whole;

	tls_end(tls);
	tls->failure = NULL;
	tls->error = 0;
	tls->over = TLS_DONE;
	tls->ssl = SSL_new(context->ssl);
	whole = tls->ssl && SSL_set_app_data(tls->ssl, tls) && name_host(tls) &&
		(context->io == TLS_BUFFERED ? give_buffers(tls) : give_socket(tls, fd)) &&
		(!session || SSL_set_session(tls->ssl, session));
	ERR_clear_error();
	if (!whole) {
		tls_end(tls);
		tls->failure = "no memory for TLS";
		return false;
	}
	if (context->connections > TLS_KEEP_BUFFERS)
		SSL_set_mode(tls->ssl, SSL_MODE_RELEASE_BUFFERS);
	SSL_set_connect_state(tls->ssl);
	return true;
}

/* Should the session be what the server stumbled over, the next handshake goes without. */
static void forget_session(struct tls *tls)
{
	SSL_SESSION **sessions = tls->context->sessions;

	if (!sessions)
		return;
	SSL_SESSION_free(sessions[tls->endpoint]);
	sessions[tls->endpoint] = NULL;
}

void tls_end(struct tls *tls)
{
	tls->input_length = 0;
	tls->output_length = 0;
	if (!tls->ssl)
		return;
	if (!SSL_is_init_finished(tls->ssl))
		forget_session(tls);
	/* Else OpenSSL takes the connection for broken off, and its session for spoilt. */
	SSL_set_shutdown(tls->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	SSL_free(tls->ssl);
	tls->ssl = NULL;
}

void tls_input(struct tls *tls, const void *bytes, size_t length)
{
	tls->input = bytes;
	tls->input_length = length;
}

/* --- steps ------------------------------------------------------------------------------------ */

static enum tls_result failed(struct tls *tls, const char *text)
{
	tls->failure = text;
	ERR_clear_error();
	return TLS_FAILED;
}

/* What a call of OpenSSL's that did not succeed means. */
static enum tls_result outcome(struct tls *tls, int returned)
{
	int error = errno; /* of OpenSSL's own call, should it have made one */

	if (tls->failure)
		return failed(tls, tls->failure);
	switch (SSL_get_error(tls->ssl, returned)) {
	case SSL_ERROR_WANT_READ:
		return TLS_RECEIVE;
	case SSL_ERROR_WANT_WRITE:
		return TLS_SEND;
	case SSL_ERROR_ZERO_RETURN:
		return tls->over = TLS_END;
	case SSL_ERROR_SYSCALL:
		tls->error = error;
		return failed(tls, strerrordesc_np(error));
	default:
		break;
	}
	if (ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
		ERR_clear_error();
		return tls->over = TLS_CUT;
	}
	return failed(tls, tls_failure_text(tls->ssl));
}

/*
 * Tickets may have come behind the handshake and be in the input still, which is the caller's to
 * overwrite now. A look at what follows makes OpenSSL take them.
 */
static enum tls_result take_rest(struct tls *tls)
{
	size_t length;
	int peeked;

	if (tls->input_length == 0)
		return TLS_DONE;
	peeked = SSL_peek_ex(tls->ssl, tls->context->plain, 1, &length);
	if (peeked != 1 && outcome(tls, peeked) == TLS_FAILED)
		return TLS_FAILED;
	if (tls->input_length > 0)
		return failed(tls, "the server spoke before it was asked");
	return TLS_DONE;
}

/* The handshake is through: what it settled, and whether that will do. */
static enum tls_result established(struct tls *tls)
{
	static const char http[] = "http/1.1";
	const unsigned char *protocol;
	unsigned length;

	ERR_clear_error(); /* looking for CAs leaves some, also when it succeeds */
	SSL_get0_alpn_selected(tls->ssl, &protocol, &length);
	if (length && (length != sizeof(http) - 1 || memcmp(protocol, http, length) != 0))
		return failed(tls, "the server chose another protocol than HTTP/1.1 (ALPN)");
	tls->resumed = SSL_session_reused(tls->ssl);
	tls->version = SSL_get_version(tls->ssl);
	tls->cipher = SSL_get_cipher_name(tls->ssl);
	if (tls->context->io == TLS_KTLS &&
	    BIO_ctrl(SSL_get_wbio(tls->ssl), BIO_CTRL_GET_KTLS_SEND, 0, NULL) <= 0)
		return failed(tls, "the kernel's TLS did not take this connection's keys");
	return take_rest(tls);
}

enum tls_result tls_handshake(struct tls *tls)
{
	int returned;

	if (tls->failure)
		return TLS_FAILED;
	if (tls->over != TLS_DONE)
		return tls->over;
	ERR_clear_error();
	returned = SSL_do_handshake(tls->ssl);
	return returned == 1 ? established(tls) : outcome(tls, returned);
}

enum tls_result tls_write(struct tls *tls, const void *bytes, size_t length)
{
	size_t written;

	if (tls->failure)
		return TLS_FAILED;
	if (length == 0 || SSL_write_ex(tls->ssl, bytes, length, &written))
		return TLS_DONE;
	return outcome(tls, 0);
}

enum tls_result tls_read(struct tls *tls, const uint8_t **bytes, size_t *length)
{
	if (tls->failure)
		return TLS_FAILED;
	if (tls->over != TLS_DONE)
		return tls->over;
	/* Asking OpenSSL for what cannot be there costs more than knowing it. */
	if (tls->context->io == TLS_BUFFERED && tls->input_length == 0 &&
	    !SSL_has_pending(tls->ssl))
		return TLS_RECEIVE;
	*bytes = tls->context->plain;
	if (SSL_read_ex(tls->ssl, tls->context->plain, sizeof(tls->context->plain), length))
		return TLS_DONE;
	return outcome(tls, 0);
}

/* --- what there is to know -------------------------------------------------------------------- */

const uint8_t *tls_output(const struct tls *tls, size_t *length)
{
	*length = tls->output_length;
	return tls->output;
}

void tls_output_taken(struct tls *tls)
{
	tls->output_length = 0;
}

const char *tls_failure(const struct tls *tls)
{
	return tls->failure;
}

int tls_error(const struct tls *tls)
{
	return tls->error;
}

bool tls_has_socket(const struct tls *tls)
{
	return tls->context->io != TLS_BUFFERED;
}

uint64_t tls_calls(struct tls *tls)
{
	uint64_t calls = tls->calls;

	tls->calls = 0;
	return calls;
}

bool tls_was_resumed(const struct tls *tls)
{
	return tls->resumed;
}

const char *tls_version(const struct tls *tls)
{
	return tls->version;
}

const char *tls_cipher(const struct tls *tls)
{
	return tls->cipher;
}
