/*
 * What TLS puts between the socket's bytes and HTTP's: a handshake before the first request, and
 * sealed bytes in both directions after it. The same for every model.
 */
#include "kernels/protocol/connection_inside.h"

static void use_output(struct connection *c)
{
	size_t length;

	c->output = tls_output(c->tls, &length);
	c->output_length = (uint32_t)length;
	c->sent = 0;
}

static void fail_tls(struct connection *c, const char *detail)
{
	c->failure_detail = detail;
	connection_fail(c, "TLS", 0);
}

/* As with plain bytes: what a call said may mean that the request is to be sent again. */
static void fail_step(struct connection *c, const char *phase)
{
	int error = tls_error(c->tls);

	if (c->ready && error)
		connection_error(c, phase, error);
	else
		fail_tls(c, tls_failure(c->tls));
}

void connection_seal(struct connection *c)
{
	if (c->drives)
		return; /* connection_drive() writes the request itself */
	if (tls_write(c->tls, c->request->bytes, c->request->length) == TLS_DONE)
		use_output(c);
	else
		fail_tls(c, tls_failure(c->tls));
}

/* One step of the handshake, whose last message and the request go out together. */
static enum tls_result shake(struct connection *c)
{
	enum tls_result result = tls_handshake(c->tls);

	switch (result) {
	case TLS_DONE:
		c->ready = true;
		c->want = WANT_SEND;
		c->observer->secured(c->observer, c);
		connection_seal(c);
		break;
	case TLS_RECEIVE:
	case TLS_SEND:
		c->want = result == TLS_SEND ? WANT_SEND : WANT_RECEIVE;
		break;
	case TLS_END:
	case TLS_CUT:
		fail_tls(c, "the server closed in the middle of the handshake");
		break;
	case TLS_FAILED:
		fail_tls(c, tls_failure(c->tls));
		break;
	}
	return result;
}

/* What the handshake has to say goes out before the answer to it is waited for. */
static void send_handshake(struct connection *c)
{
	use_output(c);
	if (c->want == WANT_RECEIVE && c->output_length)
		c->want = WANT_SEND;
}

void connection_secure(struct connection *c)
{
	c->ready = false;
	c->notified = false;
	c->drives = tls_has_socket(c->tls);
	if (!tls_begin(c->tls, c->fd)) {
		fail_tls(c, "out of memory");
		return;
	}
	c->want = WANT_SEND;
	if (c->drives)
		return;
	if (shake(c) == TLS_RECEIVE)
		send_handshake(c);
}

/* The stream ended while nothing was asked for, or something was. */
static void stream_ended(struct connection *c, bool in_order)
{
	c->peer_done = true;
	c->notified = in_order;
	if (c->want == WANT_RECEIVE)
		connection_eof(c);
}

/*
 * While it reads OpenSSL writes nothing but alerts: that it does not renegotiate. It counts what it
 * writes, so that nothing may follow one that is not sent; and a server that gets it breaks off.
 * Neither is of use to another fetch.
 */
static void look_for_alert(struct connection *c)
{
	size_t length;

	tls_output(c->tls, &length);
	if (length)
		c->peer_done = true;
}

/* Returns true while there may be more to read. */
static bool read_record(struct connection *c)
{
	const uint8_t *bytes;
	size_t length;
	enum tls_result result = tls_read(c->tls, &bytes, &length);

	look_for_alert(c);
	switch (result) {
	case TLS_DONE:
		if (c->want == WANT_RECEIVE)
			connection_take(c, bytes, length);
		else if (c->want == WANT_NOTHING)
			c->peer_done = true; /* nobody asked for it: not to be used again */
		else
			fail_tls(c, "the server sent data before it was asked");
		return true;
	case TLS_END:
		stream_ended(c, true);
		return false;
	case TLS_CUT:
		stream_ended(c, false);
		return false;
	case TLS_FAILED:
		if (c->want == WANT_NOTHING)
			c->peer_done = true;
		else
			fail_step(c, "receive");
		return false;
	case TLS_RECEIVE:
	case TLS_SEND:
		break;
	}
	return false;
}

void connection_unseal(struct connection *c, const void *bytes, size_t length)
{
	/* What was to be sent was, or there would be no answer. */
	if (c->output_length) {
		tls_output_taken(c->tls);
		c->output_length = c->sent = 0;
	}
	tls_input(c->tls, bytes, length);
	if (!c->ready) {
		if (shake(c) == TLS_RECEIVE)
			send_handshake(c);
		return; /* an answer cannot be here yet */
	}
	while (c->want != WANT_CLOSE && read_record(c))
		;
}

/* Writes the request by OpenSSL's own call; true when it is out or has failed. */
static bool drive_request(struct connection *c)
{
	switch (tls_write(c->tls, c->request->bytes, c->request->length)) {
	case TLS_DONE:
		c->want = WANT_RECEIVE;
		return true;
	case TLS_RECEIVE:
	case TLS_SEND:
		return false;
	case TLS_END:
	case TLS_CUT:
		connection_eof(c);
		return true;
	case TLS_FAILED:
		fail_step(c, "send");
		break;
	}
	return true;
}

bool connection_drive(struct connection *c, uint64_t *calls)
{
	bool moved;

	if (!c->ready) {
		enum tls_result result = shake(c);

		moved = result != TLS_RECEIVE && result != TLS_SEND;
	} else if (c->want == WANT_SEND) {
		moved = drive_request(c);
	} else {
		moved = read_record(c) || c->want != WANT_RECEIVE;
	}
	*calls += tls_calls(c->tls);
	return moved;
}
