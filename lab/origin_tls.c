/* OpenSSL between two buffers, by a BIO of our own. */
#include "lab/origin_tls.h"

#include <stdlib.h>
#include <string.h>
#include <openssl/bio.h>
#include <openssl/err.h>

static BIO_METHOD *method;

static int bio_read(BIO *bio, char *to, int size)
{
	struct origin_tls *tls = BIO_get_data(bio);
	size_t take = tls->in_left < (size_t)size ? tls->in_left : (size_t)size;

	BIO_clear_retry_flags(bio);
	if (take == 0) {
		BIO_set_retry_read(bio);
		return -1;
	}
	memcpy(to, tls->in, take);
	tls->in += take;
	tls->in_left -= take;
	return (int)take;
}

/* All or nothing: what does not fit is no answer of ours, and ends the connection. */
static int bio_write(BIO *bio, const char *from, int size)
{
	struct origin_outbox *out = ((struct origin_tls *)BIO_get_data(bio))->out;

	BIO_clear_retry_flags(bio);
	if ((size_t)size > sizeof(out->bytes) - out->end)
		return -1;
	memcpy(out->bytes + out->end, from, (size_t)size);
	out->end += (size_t)size;
	return size;
}

static long bio_control(BIO *bio, int command, long number, void *pointer)
{
	(void)bio;
	(void)number;
	(void)pointer;
	return command == BIO_CTRL_FLUSH;
}

/* Before any thread is: a method is made once for the process. */
__attribute__((constructor)) static void make_method(void)
{
	method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "origin");
	if (!method)
		abort();
	BIO_meth_set_read(method, bio_read);
	BIO_meth_set_write(method, bio_write);
	BIO_meth_set_ctrl(method, bio_control);
}

__attribute__((destructor)) static void free_method(void)
{
	BIO_meth_free(method);
}

bool origin_tls_begin(struct origin_tls *tls, SSL_CTX *context, struct origin_outbox *out)
{
	BIO *bio = BIO_new(method);

	*tls = (struct origin_tls){.ssl = SSL_new(context), .out = out};
	if (!tls->ssl || !bio) {
		BIO_free(bio);
		origin_tls_free(tls);
		ERR_clear_error();
		return false;
	}
	BIO_set_data(bio, tls);
	BIO_set_init(bio, 1);
	SSL_set_bio(tls->ssl, bio, bio); /* owns it from here */
	SSL_set_accept_state(tls->ssl);
	return true;
}

void origin_tls_free(struct origin_tls *tls)
{
	SSL_free(tls->ssl);
	tls->ssl = NULL;
}

enum origin_records origin_tls_read(struct origin_tls *tls, char *to, size_t size, size_t *got)
{
	int result = SSL_read(tls->ssl, to, (int)size);
	int error;

	if (!tls->established && SSL_is_init_finished(tls->ssl)) {
		tls->established = true;
		tls->resumed = SSL_session_reused(tls->ssl) != 0;
	}
	if (result > 0) {
		*got = (size_t)result;
		return RECORDS_DATA;
	}
	error = SSL_get_error(tls->ssl, result);
	if (error == SSL_ERROR_WANT_READ)
		return RECORDS_MORE;
	ERR_clear_error();
	return error == SSL_ERROR_ZERO_RETURN ? RECORDS_END : RECORDS_BROKEN;
}

bool origin_tls_write(struct origin_tls *tls, const char *bytes, size_t size)
{
	if (SSL_write(tls->ssl, bytes, (int)size) == (int)size)
		return true;
	ERR_clear_error();
	return false;
}

void origin_tls_close(struct origin_tls *tls)
{
	if (tls->established && SSL_shutdown(tls->ssl) < 0)
		ERR_clear_error();
}
