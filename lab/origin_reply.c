/*
 * Heads carry only what a client needs to read the body: the origin is here to cost little, not to
 * be typical. In particular there is no Date, for which a clock would have to be read.
 */
#include "lab/origin_reply.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lab/origin_body.h"

#define REDIRECT_BODY 24 /* bytes: a client that goes on has to read past them */

static const char *reason(unsigned status)
{
	static const struct {
		unsigned status;
		const char *text;
	} reasons[] = {
		{100, "Continue"},
		{101, "Switching Protocols"},
		{103, "Early Hints"},
		{200, "OK"},
		{201, "Created"},
		{202, "Accepted"},
		{204, "No Content"},
		{206, "Partial Content"},
		{301, "Moved Permanently"},
		{302, "Found"},
		{303, "See Other"},
		{304, "Not Modified"},
		{307, "Temporary Redirect"},
		{308, "Permanent Redirect"},
		{400, "Bad Request"},
		{401, "Unauthorized"},
		{403, "Forbidden"},
		{404, "Not Found"},
		{405, "Method Not Allowed"},
		{429, "Too Many Requests"},
		{431, "Request Header Fields Too Large"},
		{500, "Internal Server Error"},
		{502, "Bad Gateway"},
		{503, "Service Unavailable"},
		{504, "Gateway Timeout"},
		{505, "HTTP Version Not Supported"},
	};

	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (reasons[i].status == status)
			return reasons[i].text;
	return "Status";
}

/* What the head of an answer says, before it is text. */
struct head {
	unsigned status;
	unsigned interim; /* an interim answer before it, or 0 */
	bool sized;	  /* Content-Length */
	bool close;
	uint64_t length;
	const char *field; /* a further field with its CR LF, or "" */
	char location[ORIGIN_TARGET_MAX];
};

static const char *connection_header(const struct head *head, const struct origin_request *request)
{
	if (head->close)
		return "Connection: close\r\n";
	return request->minor ? "" : "Connection: keep-alive\r\n"; /* 1.0 must be told */
}

static size_t write_head(char *text, size_t size, const struct head *head,
			 const struct origin_request *request)
{
	bool moved = head->location[0] != '\0';
	char length[48] = "";
	char interim[96] = "";

	if (head->interim)
		snprintf(interim, sizeof(interim), "HTTP/1.1 %u %s\r\n%s\r\n", head->interim,
			 reason(head->interim),
			 head->interim == 103 ? "Link: </>; rel=preload\r\n" : "");
	if (head->sized)
		snprintf(length, sizeof(length), "Content-Length: %" PRIu64 "\r\n", head->length);
	return (size_t)snprintf(text, size, "%sHTTP/1.1 %u %s\r\n%s%s%s%s%s%s%s%s\r\n", interim,
				head->status, reason(head->status),
				head->status == 405 ? "Allow: GET, HEAD\r\n" : "",
				moved ? "Location: " : "", head->location, moved ? "\r\n" : "",
				head->length ? "Content-Type: text/plain\r\n" : "", head->field,
				length, connection_header(head, request));
}

static int digit_value(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	digit = (char)(digit | 0x20);
	return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

/* The URL of /redirect-to/URL, its percent signs resolved; empty when no header can carry it. */
static void decode_location(char *location, const char *from)
{
	size_t size = 0;

	for (; *from && size < ORIGIN_TARGET_MAX - 1; from++) {
		char byte = *from;

		if (byte == '%' && digit_value(from[1]) >= 0 && digit_value(from[2]) >= 0) {
			byte = (char)(digit_value(from[1]) * 16 + digit_value(from[2]));
			from += 2;
		}
		if ((unsigned char)byte < ' ' || byte == 0x7f)
			size = ORIGIN_TARGET_MAX;
		else
			location[size++] = byte;
	}
	location[size < ORIGIN_TARGET_MAX ? size : 0] = '\0';
}

static void refuse(struct head *head, unsigned status)
{
	head->status = status;
	head->sized = true;
	head->length = 0;
}

static void answer_status(struct head *head, unsigned status)
{
	bool bare = status == 204 || status == 304; /* RFC 9110, 8.6: those have no length */

	/* An interim answer announces another: the one that it announces is a 200. */
	head->interim = status < 200 ? status : 0;
	head->status = status < 200 ? 200 : status;
	head->sized = !bare;
	if (bare || status == 205)
		head->length = 0;
}

/* In turn each status that a client follows, and a path to resolve against all of it or a part. */
static void answer_redirect(struct head *head, uint64_t left)
{
	static const unsigned statuses[] = {302, 301, 303, 307, 308};

	if (left == 0)
		return;
	snprintf(head->location, sizeof(head->location),
		 left % 2 ? "%" PRIu64 : "/redirect/%" PRIu64, left - 1);
	head->status = statuses[left % 5];
	head->length = REDIRECT_BODY;
}

static void answer_moved(struct head *head, const char *location)
{
	decode_location(head->location, location);
	head->status = 302;
	head->length = REDIRECT_BODY;
	if (!head->location[0])
		refuse(head, 404);
}

static void answer_coded(struct head *head, struct origin_reply *reply,
			 const struct origin_request *request, struct origin_contents *contents)
{
	static const struct {
		enum origin_coding coding;
		const char *field;
	} codings[] = {
		[RESOURCE_CHUNKED] = {CODING_CHUNKED, "Transfer-Encoding: chunked\r\n"},
		[RESOURCE_GZIP] = {CODING_GZIP, "Content-Encoding: gzip\r\n"},
		[RESOURCE_DEFLATE] = {CODING_DEFLATE, "Content-Encoding: deflate\r\n"},
		[RESOURCE_BR] = {CODING_BR, "Content-Encoding: br\r\n"},
		[RESOURCE_ZSTD] = {CODING_ZSTD, "Content-Encoding: zstd\r\n"},
	};
	bool chunked = request->resource == RESOURCE_CHUNKED;

	head->length = request->number;
	head->sized = !chunked;
	if (chunked && !request->minor) { /* HTTP/1.0 knows no chunks */
		head->close = true;
		return;
	}
	reply->body = origin_bodies_get(&contents->bodies, codings[request->resource].coding,
					request->number);
	if (!reply->body) {
		refuse(head, 503);
		return;
	}
	head->length = reply->body->size;
	head->field = codings[request->resource].field;
}

static void choose(struct head *head, struct origin_reply *reply,
		   const struct origin_request *request, struct origin_contents *contents)
{
	switch (request->resource) {
	case RESOURCE_ROOT:
	case RESOURCE_FAULT:
		break;
	case RESOURCE_BYTES:
		head->length = request->number;
		break;
	case RESOURCE_DELAY:
		reply->delay_ns = request->number;
		break;
	case RESOURCE_STATUS:
		answer_status(head, (unsigned)request->number);
		break;
	case RESOURCE_CHUNKED:
	case RESOURCE_GZIP:
	case RESOURCE_DEFLATE:
	case RESOURCE_BR:
	case RESOURCE_ZSTD:
		answer_coded(head, reply, request, contents);
		break;
	case RESOURCE_CLOSE:
		head->length = request->number;
		head->sized = false;
		head->close = true;
		break;
	case RESOURCE_REDIRECT:
		answer_redirect(head, request->number);
		break;
	case RESOURCE_REDIRECT_TO:
		answer_moved(head, request->location);
		break;
	case RESOURCE_LOOP:
		answer_moved(head, "/loop/back");
		break;
	case RESOURCE_LOOP_BACK:
		answer_moved(head, "/loop");
		break;
	case RESOURCE_CONTINUE:
		head->interim = 103;
		break;
	case RESOURCE_ERROR:
		refuse(head, (unsigned)request->number);
		break;
	}
}

static void build_answer(struct origin_reply *reply, const struct origin_request *request,
			 struct origin_contents *contents)
{
	struct head head = {
		.status = 200,
		.sized = true,
		.close = !request->keep_alive,
		.length = contents->body_size,
		.field = "",
	};

	choose(&head, reply, request, contents);
	reply->head_size = (uint32_t)write_head(reply->bytes, REPLY_HEAD_MAX, &head, request);
	reply->after = head.close ? AFTER_CLOSE : AFTER_KEEP;
	reply->body_size = head.length;
	if (request->head) {
		reply->body_size = 0;
		origin_reply_release(reply);
	}
}

static void build_fault(struct origin_reply *reply, const struct origin_request *request)
{
	const struct origin_fault *fault = request->fault;
	size_t head_size = strlen(fault->head);

	reply->after = fault->after;
	if (fault->after == AFTER_KEEP && !request->keep_alive)
		reply->after = AFTER_CLOSE;
	reply->after_ns = request->number;
	reply->slow_ns = fault->slow ? request->number : 0;
	if (!fault->make) {
		memcpy(reply->bytes, fault->head, head_size);
		reply->head_size = (uint32_t)head_size;
		reply->body_size = request->head ? 0 : fault->pattern;
		return;
	}
	reply->body = origin_body_new();
	if (reply->body)
		head_size = fault->make(reply->body);
	if (!reply->body || reply->body->failed) {
		origin_reply_release(reply);
		reply->after = AFTER_CUT;
		return;
	}
	reply->body_size = request->head ? head_size : reply->body->size;
}

void origin_reply_build(struct origin_reply *reply, const struct origin_request *request,
			struct origin_contents *contents)
{
	origin_reply_release(reply);
	reply->delay_ns = REPLY_NO_DELAY;
	reply->after_ns = 0;
	reply->slow_ns = 0;
	reply->head_size = 0;
	reply->body_size = 0;
	if (request->resource == RESOURCE_FAULT)
		build_fault(reply, request);
	else
		build_answer(reply, request, contents);
	reply->inline_size = reply->head_size;
	reply->whole = !reply->slow_ns && reply->body_size <= REPLY_BYTES_MAX - reply->head_size;
	if (!reply->whole)
		return;
	if (!reply->body)
		body_fill(reply->bytes + reply->head_size, reply->body_size, 0);
	else
		memcpy(reply->bytes + reply->head_size, reply->body->bytes, reply->body_size);
	reply->inline_size += (uint32_t)reply->body_size;
}

void origin_reply_release(struct origin_reply *reply)
{
	origin_body_release(reply->body);
	reply->body = NULL;
}
