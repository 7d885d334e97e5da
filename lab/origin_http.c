/*
 * Requests from bytes, by llhttp. It is asked to stop at the end of each message; a body is
 * skipped, unless the method is refused anyway: then the head is all that is read. What a target
 * names is in origin_route.c.
 */
#include "lab/origin_http.h"

#include <string.h>

static int on_url(llhttp_t *llhttp, const char *at, size_t length)
{
	struct origin_parser *parser = llhttp->data;

	for (size_t i = 0; i < length; i++, parser->target_size++)
		if (parser->target_size < ORIGIN_TARGET_MAX - 1)
			parser->target[parser->target_size] = at[i];
	return 0;
}

static int on_headers_complete(llhttp_t *llhttp)
{
	struct origin_parser *parser = llhttp->data;
	struct origin_request *request = &parser->request;
	bool has_body = (llhttp->flags & F_CHUNKED) || llhttp->content_length > 0;

	parser->head_done = true;
	request->head = llhttp->method == HTTP_HEAD;
	request->minor = llhttp->http_minor > 0;
	request->keep_alive = llhttp_should_keep_alive(llhttp) != 0;
	if (llhttp->method == HTTP_GET || llhttp->method == HTTP_HEAD)
		return 0;
	request->resource = RESOURCE_ERROR;
	request->number = 405;
	if (!has_body)
		return 0;
	/* Answering before the body also answers "Expect: 100-continue". 1: there is no body. */
	request->keep_alive = false;
	return 1;
}

static int on_message_complete(llhttp_t *llhttp)
{
	(void)llhttp;
	return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
	.on_url = on_url,
	.on_headers_complete = on_headers_complete,
	.on_message_complete = on_message_complete,
};

static void start_message(struct origin_parser *parser)
{
	memset(&parser->request, 0, sizeof(parser->request));
	parser->midway = true;
	parser->head_done = false;
	parser->head_size = 0;
	parser->target_size = 0;
	llhttp_init(&parser->llhttp, HTTP_REQUEST, &settings);
	parser->llhttp.data = parser;
}

static enum origin_parse refuse(struct origin_parser *parser, unsigned status,
				struct origin_request *request)
{
	*request = (struct origin_request){
		.resource = RESOURCE_ERROR,
		.number = status,
		.minor = true,
	};
	parser->midway = false;
	return PARSE_DONE;
}

static void complete(struct origin_parser *parser, struct origin_request *request)
{
	parser->midway = false;
	if (parser->request.resource != RESOURCE_ERROR) {
		bool whole = parser->target_size < ORIGIN_TARGET_MAX;

		parser->target[whole ? parser->target_size : 0] = '\0';
		origin_route(parser->target, &parser->request);
	}
	*request = parser->request;
}

enum origin_parse origin_parse(struct origin_parser *parser, const char *bytes, size_t size,
			       size_t *used, struct origin_request *request)
{
	*used = 0;
	if (!parser->midway)
		start_message(parser);
	while (*used < size) {
		const char *at = bytes + *used;
		size_t take = size - *used;
		enum llhttp_errno err;

		if (!parser->head_done && take > ORIGIN_HEAD_MAX - parser->head_size)
			take = ORIGIN_HEAD_MAX - parser->head_size;
		err = llhttp_execute(&parser->llhttp, at, take);
		if (err == HPE_PAUSED) {
			*used += (size_t)(llhttp_get_error_pos(&parser->llhttp) - at);
			if (parser->llhttp.http_major != 1)
				return refuse(parser, 505, request);
			complete(parser, request);
			return PARSE_DONE;
		}
		*used += take;
		if (err != HPE_OK)
			return refuse(parser, 400, request);
		if (!parser->head_done) {
			parser->head_size += (unsigned)take;
			if (parser->head_size == ORIGIN_HEAD_MAX)
				return refuse(parser, 431, request);
		}
	}
	return PARSE_MORE;
}
