/*
 * Why TLS failed, in words for whoever ran the command: OpenSSL's own where they are plain, the
 * lab's where OpenSSL says "wrong version number" of a server that answers in clear text.
 */
#include "kernels/protocol/tls_inside.h"

#include <openssl/err.h>
#include <openssl/x509_vfy.h>

/* What a reason means that OpenSSL words for those who know its source. */
static const struct {
	int reason;
	bool at_first; /* only before the server's first message was understood */
	const char *text;
} meanings[] = {
	{SSL_R_WRONG_VERSION_NUMBER, true, "the server does not speak TLS"},
	{SSL_R_PACKET_LENGTH_TOO_LONG, true, "the server does not speak TLS"},
	{SSL_R_DATA_LENGTH_TOO_LONG, true, "the server does not speak TLS"},
	{SSL_R_ENCRYPTED_LENGTH_TOO_LONG, true, "the server does not speak TLS"},
	{SSL_R_UNEXPECTED_MESSAGE, true, "the server does not speak TLS"},
	{SSL_R_HTTP_REQUEST, true, "the server does not speak TLS"},
	{SSL_R_UNSUPPORTED_PROTOCOL, false, "the server has no TLS 1.2 or newer"},
	{SSL_R_TLSV1_ALERT_PROTOCOL_VERSION, false, "the server has no TLS 1.2 or newer"},
	{SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC, false, "a record was damaged on its way"},
	{SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE, false,
	 "the server refused the handshake (no cipher in common, or it wants a certificate)"},
	{SSL_R_TLSV1_UNRECOGNIZED_NAME, false, "the server does not know this host name"},
	{SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED, false,
	 "the server wants a certificate of the client's"},
	{SSL_AD_REASON_OFFSET + SSL_AD_NO_APPLICATION_PROTOCOL, false,
	 "the server refuses HTTP/1.1 (ALPN)"},
};

static const char *meaning_of(const SSL *ssl, int reason)
{
	/* The cipher is settled by the server's first message. */
	bool at_first = !SSL_get_pending_cipher(ssl) && !SSL_get_current_cipher(ssl);

	for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++)
		if (meanings[i].reason == reason && (at_first || !meanings[i].at_first))
			return meanings[i].text;
	return NULL;
}

const char *tls_failure_text(const SSL *ssl)
{
	unsigned long error, speaks = 0;
	const char *text = NULL;

	while ((error = ERR_get_error()))
		if (!speaks ||
		    (ERR_GET_LIB(speaks) != ERR_LIB_SSL && ERR_GET_LIB(error) == ERR_LIB_SSL))
			speaks = error;
	if (ERR_GET_LIB(speaks) == ERR_LIB_SSL) {
		if (ERR_GET_REASON(speaks) == SSL_R_CERTIFICATE_VERIFY_FAILED &&
		    SSL_get_verify_result(ssl) != X509_V_OK)
			return X509_verify_cert_error_string(SSL_get_verify_result(ssl));
		text = meaning_of(ssl, ERR_GET_REASON(speaks));
	}
	if (!text && speaks)
		text = ERR_reason_error_string(speaks);
	return text ? text : "TLS failed, and OpenSSL does not say why";
}
