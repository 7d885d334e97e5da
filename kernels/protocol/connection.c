/* The states of a connection: see connection.h. */
#include "kernels/protocol/connection.h"

#include <errno.h>
#include <string.h>

#include "kernels/protocol/connection_inside.h"

void connection_init(struct connection *c, uint32_t index, struct observer *observer)
{
	memset(c, 0, sizeof(*c));
	c->fd = -1;
	c->index = index;
	c->observer = observer;
}

/* What belongs to one attempt at a response. */
static void reset_response(struct connection *c)
{
	c->output = (const uint8_t *)c->request->bytes;
	c->output_length = (uint32_t)c->request->length;
	c->sent = 0;
	c->got_bytes = false;
	c->complete = false;
	c->head_complete = false;
	c->body_state = BODY_COMPARED;
	c->coded = false;
	c->body_bytes = 0;
	c->received_bytes = 0;
}

void connection_begin(struct connection *c, const struct request *request,
		      struct body_reference *reference)
{
	c->request = request;
	c->reference = reference;
	c->failure = NULL;
	c->failure_detail = NULL;
	c->failure_errno = 0;
	c->reused = c->open && !c->peer_done;
	reset_response(c);
	if (c->open)
		c->want = c->peer_done ? WANT_CLOSE : WANT_SEND;
	else
		c->want = WANT_CONNECT;
	if (c->reused && c->tls)
		connection_seal(c);
}

void connection_connected(struct connection *c)
{
	connection_parse_begin(c);
	c->open = true;
	c->peer_done = false;
	c->want = WANT_SEND;
	c->observer->connected(c->observer, c);
	c->ready = !c->tls;
	if (c->tls)
		connection_secure(c);
}

void connection_fail(struct connection *c, const char *failure, int error)
{
	connection_abandon_reference(c);
	c->failure = failure;
	c->failure_errno = error;
	c->observer->failed(c->observer, c);
	c->request = NULL;
	c->want = WANT_CLOSE;
}

/* The server had closed an idle connection: the request may go out once more. */
static bool retry(struct connection *c)
{
	if (!c->reused || c->got_bytes)
		return false;
	c->reused = false;
	c->want = WANT_CLOSE;
	return true;
}

/* Whether these bytes are the response that was seen last, whole; then it is taken as that. */
static bool seen_before(struct connection *c, const void *bytes, size_t length)
{
	const struct seen_response *seen = c->reference ? &c->reference->seen : NULL;

	if (!seen || !c->one_piece || seen->length != length ||
	    memcmp(seen->bytes, bytes, length) != 0)
		return false;
	c->status = seen->status;
	c->body_bytes = seen->body_bytes;
	c->keep_alive = true;
	c->complete = true;
	return true;
}

/* After a response that was right: remembers it if it may be taken for the next one. */
static void remember(struct connection *c, const void *bytes, size_t length)
{
	struct seen_response *seen = c->reference ? &c->reference->seen : NULL;

	if (!seen || !c->one_piece || length > sizeof(seen->bytes) || c->want != WANT_NOTHING ||
	    !c->reference->known)
		return;
	/* Where a redirect leads is in its headers: whoever follows it has them parsed. */
	if ((c->headers && c->status / 100 == 3) || c->status >= 400)
		return;
	seen->length = (uint32_t)length;
	seen->status = c->status;
	seen->body_bytes = (uint32_t)c->body_bytes;
	memcpy(seen->bytes, bytes, length);
}

static void conclude(struct connection *c)
{
	c->observer->done(c->observer, c);
	c->request = NULL;
	c->want = c->keep_alive && !c->peer_done ? WANT_NOTHING : WANT_CLOSE;
}

static void finish(struct connection *c)
{
	if (connection_body_is_right(c))
		conclude(c);
	else
		connection_fail(c, "the body differs from the first one that this URL gave", 0);
}

/*
 * Parses what arrived, of a head that is not complete no more than the limit leaves: whether it is
 * too long must not depend on how its bytes were cut.
 */
static int parse(struct connection *c, const uint8_t *bytes, size_t length)
{
	size_t beyond = 0, within;

	if (!c->head_complete && c->received_bytes > CONNECTION_HEAD_MAX)
		beyond = c->received_bytes - CONNECTION_HEAD_MAX;
	if (beyond == 0)
		return connection_parse(c, bytes, length);
	within = length > beyond ? length - beyond : 0;
	if (within && connection_parse(c, bytes, within))
		return -EBADMSG;
	if (!c->head_complete) {
		c->failure = "the response's head is too long";
		return -EBADMSG;
	}
	return connection_parse(c, bytes + within, length - within);
}

void connection_take(struct connection *c, const void *bytes, size_t length)
{
	c->one_piece = !c->got_bytes;
	if (!c->got_bytes) {
		c->got_bytes = true;
		c->observer->first_byte(c->observer, c);
	}
	c->received_bytes += length;
	if (seen_before(c, bytes, length)) {
		conclude(c);
		return;
	}
	if (parse(c, bytes, length)) {
		connection_fail(c, c->failure, 0);
		return;
	}
	if (c->complete) {
		finish(c);
		remember(c, bytes, length);
	}
}

void connection_received(struct connection *c, const void *bytes, size_t length)
{
	if (c->tls)
		connection_unseal(c, bytes, length);
	else
		connection_take(c, bytes, length);
}

/* A body that ends with the stream may have been cut, unless TLS says that this is its end. */
static bool ended_by_close(struct connection *c)
{
	return (!c->tls || c->notified) && connection_parse_end(c);
}

void connection_eof(struct connection *c)
{
	if (retry(c))
		return;
	if (c->tls && !c->ready) {
		c->failure_detail = "the server closed in the middle of the handshake";
		connection_fail(c, "TLS", 0);
	} else if (!c->got_bytes) {
		connection_fail(c, "the server closed before it answered", 0);
	} else if (ended_by_close(c)) {
		c->keep_alive = false;
		finish(c);
	} else if (c->failure) {
		connection_fail(c, c->failure, 0);
	} else {
		connection_fail(c,
				c->head_complete ? "the server closed in the middle of the body"
						 : "the server closed in the middle of the head",
				0);
	}
}

void connection_error(struct connection *c, const char *phase, int error)
{
	if ((error == ECONNRESET || error == EPIPE) && retry(c))
		return;
	if (c->tls && c->open && !c->ready)
		phase = "TLS";
	connection_fail(c, phase, error);
}

void connection_give_up(struct connection *c, const char *failure, const char *detail)
{
	c->failure_detail = detail;
	connection_fail(c, failure, 0);
}

const char *connection_phase(const struct connection *c)
{
	if (!c->open)
		return "connect";
	if (!c->ready)
		return "TLS";
	if (!c->got_bytes)
		return "response";
	return c->head_complete ? "body" : "head";
}

void connection_closed(struct connection *c)
{
	c->open = false;
	c->ready = false;
	c->fd = -1;
	if (c->tls)
		tls_end(c->tls);
	if (c->request) {
		reset_response(c);
		c->want = WANT_CONNECT;
	} else {
		c->want = WANT_NOTHING;
	}
}
