/*
 * Heads carry only what a client needs to read the body: the origin is here to cost little, not to
 * be typical. In particular there is no Date, for which a clock would have to be read.
 */
#include "lab/origin_reply.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lab/body_pattern.h"

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
		{304, "Not Modified"},
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

static const char *connection_header(const struct origin_request *request)
{
	if (!request->keep_alive)
		return "Connection: close\r\n";
	return request->minor ? "" : "Connection: keep-alive\r\n"; /* 1.0 must be told */
}

static size_t write_head(char *text, size_t size, unsigned status, uint64_t length,
			 const struct origin_request *request)
{
	bool sized = status != 204 && status != 304; /* RFC 9110, 8.6: those have no length */
	char headers[96] = "";
	char interim[64] = "";
	int written;

	if (status < 200) {
		/* An interim answer announces another: the one that it announces is a 200. */
		snprintf(interim, sizeof(interim), "HTTP/1.1 %u %s\r\n\r\n", status,
			 reason(status));
		status = 200;
	}
	if (sized)
		snprintf(headers, sizeof(headers), "%sContent-Length: %" PRIu64 "\r\n",
			 length ? "Content-Type: text/plain\r\n" : "", length);
	written = snprintf(text, size, "%sHTTP/1.1 %u %s\r\n%s%s%s\r\n", interim, status,
			   reason(status), status == 405 ? "Allow: GET, HEAD\r\n" : "", headers,
			   connection_header(request));
	return (size_t)written;
}

void origin_reply_build(struct origin_reply *reply, const struct origin_request *request,
			uint64_t body_size)
{
	unsigned status = 200;
	uint64_t length = body_size;

	reply->delay_ns = REPLY_NO_DELAY;
	if (request->resource == RESOURCE_BYTES)
		length = request->number;
	else if (request->resource == RESOURCE_DELAY)
		reply->delay_ns = request->number;
	else if (request->resource == RESOURCE_STATUS || request->resource == RESOURCE_ERROR)
		status = (unsigned)request->number;
	if (request->resource == RESOURCE_ERROR || status == 204 || status == 205 || status == 304)
		length = 0;
	reply->close = !request->keep_alive;
	reply->head_size =
		(uint32_t)write_head(reply->bytes, REPLY_HEAD_MAX, status, length, request);
	reply->body_size = request->head ? 0 : length;
	reply->inline_size = reply->head_size;
	reply->whole = reply->body_size <= REPLY_BYTES_MAX - reply->head_size;
	if (reply->whole) {
		body_fill(reply->bytes + reply->head_size, reply->body_size, 0);
		reply->inline_size += (uint32_t)reply->body_size;
	}
}

const struct origin_reply *origin_cache_find(struct origin_cache *cache, const char *bytes,
					     size_t size, size_t *used)
{
	for (unsigned i = 0; i < CACHE_ENTRIES; i++) {
		unsigned at = (cache->last + i) % CACHE_ENTRIES;
		const struct origin_cache_entry *entry = &cache->entries[at];

		if (entry->size && entry->size <= size &&
		    memcmp(entry->bytes, bytes, entry->size) == 0) {
			cache->last = at;
			*used = entry->size;
			return &entry->reply;
		}
	}
	return NULL;
}

/* Keeps the request for next time; returns where its answer goes. */
static struct origin_reply *remember(struct origin_cache *cache, const char *bytes, size_t size)
{
	struct origin_cache_entry *entry = &cache->entries[cache->victim];

	cache->last = cache->victim;
	cache->victim = (cache->victim + 1) % CACHE_ENTRIES;
	entry->size = (uint32_t)size;
	memcpy(entry->bytes, bytes, size);
	return &entry->reply;
}

const struct origin_reply *origin_cache_parse(struct origin_cache *cache,
					      struct origin_parser *parser, const char *bytes,
					      size_t size, uint64_t body_size, size_t *used)
{
	bool fresh = !parser->midway;
	struct origin_reply *reply = &cache->other;
	struct origin_request request;

	if (origin_parse(parser, bytes, size, used, &request) == PARSE_MORE)
		return NULL;
	/*
	 * Bytes that begin like those of this request, body included, are this request again: where
	 * a request ends, and that it is garbage, is told by its bytes alone.
	 */
	if (fresh && *used <= CACHE_REQUEST_MAX)
		reply = remember(cache, bytes, *used);
	origin_reply_build(reply, &request, body_size);
	return reply;
}
