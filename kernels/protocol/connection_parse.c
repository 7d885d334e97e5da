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

/* RFC 9112, 6.3, rule 1. */
static bool has_body(unsigned status)
{
	return status / 100 != 1 && status != 204 && status != 304;
}

/* What llhttp lets pass and no client of HTTP/1.1 may. */
static const char *head_fault(const llhttp_t *parser)
{
	if (parser->http_major != 1)
		return "its version is not HTTP/1";
	if (parser->status_code < 100)
		return "its status is below 100";
	/* RFC 9112, 6.3: only chunked was asked for, and only that can be undone. */
	if (parser->flags & F_TRANSFER_ENCODING && !(parser->flags & F_CHUNKED))
		return "its Transfer-Encoding is not chunked";
	return NULL;
}

static int on_headers_complete(llhttp_t *parser)
{
	struct connection *c = owner(parser);

	c->head_complete = true;
	c->failure_detail = head_fault(parser);
	if (c->failure_detail) {
		c->failure = "head";
		return -1;
	}
	if (c->headers)
		headers_close(c->headers);
	if (!has_body(parser->status_code))
		return 1; /* whatever the head says of one */
	if (c->headers && c->decoder && read_coding(c))
		return -1;
	c->chunked = parser->flags & F_CHUNKED;
	if (!c->chunked)
		return 0;
	chunks_begin(&c->chunks);
	return HPE_PAUSED; /* the body goes another way, see connection_parse() */
}

/* Compares a body with the first whole one, or helps to find out which that is. */
static void check_body(struct connection *c, const uint8_t *at, size_t length)
{
	struct body_reference *r = c->reference;
	size_t inside = 0;

	if (!r->known) {
		connection_learn(c, at, length);
		return;
	}
	if (r->varies)
		return;
	if (c->body_bytes < r->capacity)
		inside =
			r->capacity - c->body_bytes < length ? r->capacity - c->body_bytes : length;
	if (c->body_bytes + length > r->length || memcmp(r->bytes + c->body_bytes, at, inside) != 0)
		c->body_state = BODY_DIFFERS;
}

static void take_body(void *context, const uint8_t *at, size_t length)
{
	struct connection *c = context;

	if (c->reference && c->parser.status_code < 400)
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
	if (c->coded && decoder_end(c->decoder))
		return undecodable(c);
	c->status = parser->status_code;
	c->keep_alive = llhttp_should_keep_alive(parser) && !c->request->close;
	c->complete = true;
	c->chunked = false;
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
	c->chunked = false;
}

/*
 * So many bytes may be looked at before the trailers are too long. Like a head's, their end must
 * not depend on how they were cut; what follows the response is not theirs.
 */
static size_t trailers_left(const struct connection *c)
{
	const struct chunks *k = &c->chunks;

	if (k->part != CHUNKS_TRAILERS || c->complete)
		return SIZE_MAX;
	return k->size < CONNECTION_HEAD_MAX ? CONNECTION_HEAD_MAX - (size_t)k->size : 0;
}

/* Bytes of a chunked body, less the chunks' extensions. */
static llhttp_errno_t execute_chunks(struct connection *c, const uint8_t *bytes, size_t length)
{
	llhttp_errno_t error = HPE_OK;

	while (length && !error) {
		size_t skip, taken = trailers_left(c);

		if (taken == 0) {
			c->failure = "the response's trailers are too long";
			return HPE_USER;
		}
		taken = chunks_filter(&c->chunks, bytes, taken < length ? taken : length, &skip);
		error = llhttp_execute(&c->parser, (const char *)bytes, taken);
		bytes += taken + skip;
		length -= taken + skip;
	}
	return error;
}

/* Up to the end of a head that a chunked body follows, and then by chunks. */
static llhttp_errno_t execute(struct connection *c, const uint8_t *bytes, size_t length)
{
	const uint8_t *end = bytes + length;
	llhttp_errno_t error;

	if (c->chunked)
		return execute_chunks(c, bytes, length);
	error = llhttp_execute(&c->parser, (const char *)bytes, length);
	if (error != HPE_PAUSED)
		return error;
	bytes = (const uint8_t *)llhttp_get_error_pos(&c->parser);
	llhttp_resume(&c->parser);
	return execute_chunks(c, bytes, (size_t)(end - bytes));
}

/* Framing that cannot be followed: what is wrong with it. False: it is none of these. */
static bool name_framing(struct connection *c, llhttp_errno_t error)
{
	switch (error) {
	case HPE_INVALID_CONTENT_LENGTH:
		c->failure = "head";
		c->failure_detail = "its Content-Length is not a number, or too large a one";
		return true;
	case HPE_UNEXPECTED_CONTENT_LENGTH:
		c->failure = "head";
		c->failure_detail = "a second Content-Length, or one beside Transfer-Encoding";
		return true;
	case HPE_INVALID_TRANSFER_ENCODING:
		c->failure = "head";
		c->failure_detail = "Transfer-Encoding beside Content-Length, or not ending in "
				    "chunked";
		return true;
	case HPE_INVALID_CHUNK_SIZE:
		c->failure = "body";
		c->failure_detail = "a chunk's size is not a number, or too large a one";
		return true;
	default:
		return false;
	}
}

int connection_parse(struct connection *c, const void *bytes, size_t length)
{
	llhttp_errno_t error = execute(c, bytes, length);

	if (error == HPE_OK)
		return 0;
	if (error == HPE_PAUSED_UPGRADE)
		c->failure = "the server wants to switch protocols";
	else if (!c->failure && !name_framing(c, error))
		c->failure = "the response is not HTTP";
	return -EBADMSG;
}

bool connection_parse_end(struct connection *c)
{
	return llhttp_finish(&c->parser) == HPE_OK && c->complete;
}
