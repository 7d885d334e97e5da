/* The client's half of HTTP/1.1 on llhttp: heads, bodies, and what a body must be. */
#include <errno.h>
#include <string.h>

#include "kernels/protocol/connection_inside.h"
#include "kernels/protocol/decoder.h"
#include "kernels/protocol/headers.h"

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
	if (c->headers)
		headers_reset(c->headers);
	return 0;
}

static int on_header_field(llhttp_t *parser, const char *at, size_t length)
{
	headers_field(owner(parser)->headers, at, length);
	return 0;
}

static int on_header_value(llhttp_t *parser, const char *at, size_t length)
{
	headers_value(owner(parser)->headers, at, length);
	return 0;
}

/* The body will have to be decoded, or cannot be. */
static int read_coding(struct connection *c)
{
	enum coding coding;

	const struct headers *h = c->headers;

	if (h->encoding_too_long || coding_from_header(h->encoding, h->encoding_length, &coding)) {
		c->failure = "body";
		c->failure_detail = "its Content-Encoding is none of gzip, deflate, br, zstd";
		return -1;
	}
	c->coded = coding != CODING_IDENTITY;
	if (c->coded)
		decoder_begin(c->decoder, coding);
	return 0;
}

static int on_header_value_complete(llhttp_t *parser)
{
	headers_value_complete(owner(parser)->headers);
	return 0;
}

static int on_headers_complete(llhttp_t *parser)
{
	struct connection *c = owner(parser);

	c->head_complete = true;
	if (c->headers)
		headers_close(c->headers);
	return c->decoder ? read_coding(c) : 0;
}

/* Keeps the first response's body, compares every later one with it. */
static void check_body(struct connection *c, const uint8_t *at, size_t length)
{
	struct body_reference *r = c->reference;
	size_t inside = 0;

	if (c->body_bytes < r->capacity)
		inside =
			r->capacity - c->body_bytes < length ? r->capacity - c->body_bytes : length;
	if (r->known) {
		if (!r->varies && (c->body_bytes + length > r->length ||
				   memcmp(r->bytes + c->body_bytes, at, inside) != 0))
			c->mismatch = true;
		return;
	}
	if (!r->writer)
		r->writer = c;
	if (r->writer == c)
		memcpy(r->bytes + c->body_bytes, at, inside);
}

static void take_body(void *context, const uint8_t *at, size_t length)
{
	struct connection *c = context;

	if (c->reference)
		check_body(c, at, length);
	c->body_bytes += length;
}

static int undecodable(struct connection *c)
{
	c->failure = "body";
	c->failure_detail = decoder_failure(c->decoder);
	return -1;
}

static int on_body(llhttp_t *parser, const char *at, size_t length)
{
	struct connection *c = owner(parser);

	if (!c->coded)
		take_body(c, (const uint8_t *)at, length);
	else if (decoder_take(c->decoder, (const uint8_t *)at, length, take_body, c))
		return undecodable(c);
	return 0;
}

static int on_message_complete(llhttp_t *parser)
{
	struct connection *c = owner(parser);

	if (parser->status_code / 100 == 1 && parser->status_code != 101) {
		c->head_complete = false; /* an interim response: the real one follows */
		return 0;
	}
	/* These have no body, whatever coding they name. */
	if (c->coded && parser->status_code != 204 && parser->status_code != 304 &&
	    decoder_end(c->decoder))
		return undecodable(c);
	c->status = parser->status_code;
	c->keep_alive = llhttp_should_keep_alive(parser) && !c->request->close;
	c->complete = true;
	return 0;
}

/* Headers are looked at only where someone wants them. */
static const llhttp_settings_t *settings(bool headers)
{
	static const llhttp_settings_t without = {
		.on_message_begin = on_message_begin,
		.on_headers_complete = on_headers_complete,
		.on_body = on_body,
		.on_message_complete = on_message_complete,
	};
	static const llhttp_settings_t with = {
		.on_message_begin = on_message_begin,
		.on_header_field = on_header_field,
		.on_header_value = on_header_value,
		.on_header_value_complete = on_header_value_complete,
		.on_headers_complete = on_headers_complete,
		.on_body = on_body,
		.on_message_complete = on_message_complete,
	};

	return headers ? &with : &without;
}

void connection_parse_begin(struct connection *c)
{
	llhttp_init(&c->parser, HTTP_RESPONSE, settings(c->headers != NULL));
	c->parser.data = c;
}

int connection_parse(struct connection *c, const void *bytes, size_t length)
{
	llhttp_errno_t error = llhttp_execute(&c->parser, bytes, length);

	if (error == HPE_OK)
		return 0;
	if (error == HPE_PAUSED_UPGRADE)
		c->failure = "the server wants to switch protocols";
	else if (!c->failure)
		c->failure = "the response is not HTTP";
	return -EBADMSG;
}

bool connection_parse_end(struct connection *c)
{
	return llhttp_finish(&c->parser) == HPE_OK && c->complete;
}
