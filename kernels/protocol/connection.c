/* The client's half of HTTP/1.1 on llhttp: see connection.h for the states. */
#include "kernels/protocol/connection.h"

#include <errno.h>
#include <string.h>

static struct connection *owner(llhttp_t *parser)
{
	return parser->data;
}

static int on_message_begin(llhttp_t *parser)
{
	struct connection *c = owner(parser);

	if (c->complete) {
		c->failure = "the server sent more than it was asked for";
		return -1;
	}
	return 0;
}

static int on_headers_complete(llhttp_t *parser)
{
	owner(parser)->head_complete = true;
	return 0;
}

/* Keeps the first response's body, compares every later one with it. */
static void check_body(struct connection *c, const char *at, size_t length)
{
	struct body_reference *r = c->reference;
	size_t inside = 0;

	if (c->body_bytes < r->capacity)
		inside =
			r->capacity - c->body_bytes < length ? r->capacity - c->body_bytes : length;
	if (r->known) {
		if (c->body_bytes + length > r->length ||
		    memcmp(r->bytes + c->body_bytes, at, inside) != 0)
			c->mismatch = true;
		return;
	}
	if (!r->writer)
		r->writer = c;
	if (r->writer == c)
		memcpy(r->bytes + c->body_bytes, at, inside);
}

static int on_body(llhttp_t *parser, const char *at, size_t length)
{
	struct connection *c = owner(parser);

	if (c->reference)
		check_body(c, at, length);
	c->body_bytes += length;
	return 0;
}

static int on_message_complete(llhttp_t *parser)
{
	struct connection *c = owner(parser);

	if (parser->status_code / 100 == 1 && parser->status_code != 101) {
		c->head_complete = false; /* an interim response: the real one follows */
		return 0;
	}
	c->status = parser->status_code;
	c->keep_alive = llhttp_should_keep_alive(parser);
	c->complete = true;
	return 0;
}

static const llhttp_settings_t *settings(void)
{
	static const llhttp_settings_t callbacks = {
		.on_message_begin = on_message_begin,
		.on_headers_complete = on_headers_complete,
		.on_body = on_body,
		.on_message_complete = on_message_complete,
	};

	return &callbacks;
}

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
	c->mismatch = false;
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
}

void connection_connected(struct connection *c)
{
	llhttp_init(&c->parser, HTTP_RESPONSE, settings());
	c->parser.data = c;
	c->open = true;
	c->peer_done = false;
	c->want = WANT_SEND;
	c->observer->connected(c->observer, c);
}

/* The reference is not whole yet and this connection will not complete it. */
static void abandon_reference(struct connection *c)
{
	if (c->reference && c->reference->writer == c)
		c->reference->writer = NULL;
}

static void fail(struct connection *c, const char *failure, int error)
{
	abandon_reference(c);
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

static bool body_is_right(struct connection *c)
{
	struct body_reference *r = c->reference;

	if (!r)
		return true;
	if (r->known)
		return !c->mismatch && c->body_bytes == r->length;
	/* A body without a byte never came by check_body(): it may be the first all the same. */
	if (!r->writer)
		r->writer = c;
	if (r->writer == c) {
		r->writer = NULL;
		r->length = c->body_bytes;
		r->known = true;
	}
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
	if (body_is_right(c))
		conclude(c);
	else
		fail(c, "the body differs from the first one that this URL gave", 0);
}

void connection_received(struct connection *c, const void *bytes, size_t length)
{
	llhttp_errno_t error;

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
	error = llhttp_execute(&c->parser, bytes, length);
	if (error != HPE_OK) {
		if (error == HPE_PAUSED_UPGRADE)
			c->failure = "the server wants to switch protocols";
		fail(c, c->failure ? c->failure : "the response is not HTTP", 0);
		return;
	}
	if (c->complete) {
		finish(c);
		remember(c, bytes, length);
	} else if (!c->head_complete && c->received_bytes > CONNECTION_HEAD_MAX) {
		fail(c, "the response's head is too long", 0);
	}
}

void connection_eof(struct connection *c)
{
	if (retry(c))
		return;
	if (!c->got_bytes) {
		fail(c, "the server closed before it answered", 0);
		return;
	}
	/* A body without a length ends here; anything else was cut. */
	if (llhttp_finish(&c->parser) == HPE_OK && c->complete) {
		c->keep_alive = false;
		finish(c);
		return;
	}
	fail(c,
	     c->head_complete ? "the server closed in the middle of the body"
			      : "the server closed in the middle of the head",
	     0);
}

void connection_error(struct connection *c, const char *phase, int error)
{
	if ((error == ECONNRESET || error == EPIPE) && retry(c))
		return;
	fail(c, phase, error);
}

void connection_give_up(struct connection *c, const char *failure, const char *detail)
{
	c->failure_detail = detail;
	fail(c, failure, 0);
}

void connection_closed(struct connection *c)
{
	c->open = false;
	c->fd = -1;
	if (c->request) {
		reset_response(c);
		c->want = WANT_CONNECT;
	} else {
		c->want = WANT_NOTHING;
	}
}
