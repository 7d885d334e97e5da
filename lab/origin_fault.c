/* The faults: a row each; what no literal can say is made by a function. */
#include "lab/origin_fault.h"

#include <stdio.h>
#include <string.h>

#define HEAD(fields) "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n" fields "\r\n"

#define LONG_HEAD_FIELDS 1000
#define GZIP_SIZE	 10000 /* of what is coded */
#define GZIP_HEADER	 10    /* bytes before the first block (RFC 1952, 2.3) */
#define GZIP_CUT	 20    /* bytes that are missing: its trailer and part of the last block */

static size_t make_long_head(struct origin_body *body)
{
	char line[128];
	size_t head_size;

	origin_body_add_text(body, "HTTP/1.1 200 OK\r\n");
	for (unsigned i = 0; i < LONG_HEAD_FIELDS; i++) {
		snprintf(line, sizeof(line), "X-Filler-%03u: %.60s\r\n", i, BODY_TEXT);
		origin_body_add_text(body, line);
	}
	origin_body_add_text(body, "Content-Length: 24\r\n\r\n");
	head_size = body->size;
	origin_body_add_pattern(body, 24);
	return head_size;
}

/* A gzip stream, spoilt or not, less its last `cut` bytes; its length is said as it is sent. */
static size_t make_gzip(struct origin_body *body, bool spoil, size_t cut)
{
	struct origin_body *coded = origin_body_new();
	size_t head_size = 0;
	char head[128];

	if (coded)
		origin_body_add_coded(coded, CODING_GZIP, GZIP_SIZE);
	if (!coded || coded->failed) {
		body->failed = true;
	} else {
		if (spoil)
			coded->bytes[GZIP_HEADER] |= 6; /* the block type that there is not */
		snprintf(head, sizeof(head),
			 HEAD("Content-Encoding: gzip\r\nContent-Length: %zu\r\n"),
			 coded->size - cut);
		origin_body_add_text(body, head);
		head_size = body->size;
		origin_body_add(body, coded->bytes, coded->size - cut);
	}
	origin_body_release(coded);
	return head_size;
}

static size_t make_bad_gzip(struct origin_body *body)
{
	return make_gzip(body, true, 0);
}

static size_t make_cut_gzip(struct origin_body *body)
{
	return make_gzip(body, false, GZIP_CUT);
}

static size_t make_bad_chunk(struct origin_body *body)
{
	static const char head[] = HEAD("Transfer-Encoding: chunked\r\n");

	origin_body_add_text(body, head);
	origin_body_add_text(body, "5\r\n01234\r\nfive\r\n56789\r\n0\r\n\r\n");
	return sizeof(head) - 1;
}

const struct origin_fault origin_faults[] = {
	{.name = "close", .help = "closes without answering", .head = "", .after = AFTER_CUT},
	{.name = "reset", .help = "resets without answering", .head = "", .after = AFTER_RESET},
	{.name = "close-mid-head",
	 .help = "closes in the middle of a header line",
	 .head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Len",
	 .after = AFTER_CUT},
	{.name = "close-mid-body",
	 .help = "says 1000 bytes, sends 500, closes",
	 .head = HEAD("Content-Length: 1000\r\n"),
	 .pattern = 500,
	 .after = AFTER_CUT},
	{.name = "reset-mid-body",
	 .help = "says 1000 bytes, sends 500, resets",
	 .head = HEAD("Content-Length: 1000\r\n"),
	 .pattern = 500,
	 .after = AFTER_RESET},
	{.name = "long-head",
	 .help = "a right answer after more than 64 KiB of header",
	 .head = "",
	 .make = make_long_head},
	{.name = "garbage",
	 .help = "sends what is not HTTP, closes",
	 .head = "\x01\x02 this is not HTTP\r\n\r\nnor is this\r\n",
	 .after = AFTER_CLOSE},
	{.name = "never",
	 .help = "never answers, keeps the connection",
	 .head = "",
	 .after = AFTER_HOLD},
	{.name = "stall-mid-body",
	 .help = "says 1000 bytes, sends 500 and then nothing, keeps the connection",
	 .head = HEAD("Content-Length: 1000\r\n"),
	 .pattern = 500,
	 .after = AFTER_HOLD},
	{.name = "wrong-length",
	 .help = "says 10 bytes, sends 24, keeps the connection",
	 .head = HEAD("Content-Length: 10\r\n"),
	 .pattern = 24},
	{.name = "unknown-coding",
	 .help = "Content-Encoding: unheard-of, 24 bytes",
	 .head = HEAD("Content-Encoding: unheard-of\r\nContent-Length: 24\r\n"),
	 .pattern = 24},
	{.name = "bad-gzip",
	 .help = "a gzip stream that is corrupt",
	 .head = "",
	 .make = make_bad_gzip},
	{.name = "cut-gzip",
	 .help = "a gzip stream that ends early, with the length of what is sent",
	 .head = "",
	 .make = make_cut_gzip},
	{.name = "bad-chunk",
	 .help = "one chunk and then a size that is no number, closes",
	 .head = "",
	 .make = make_bad_chunk,
	 .after = AFTER_CLOSE},
	{.name = "idle-close",
	 .help = "answers as if to keep the connection, closes after /T (50ms; 0: at once)",
	 .head = HEAD("Content-Length: 24\r\n"),
	 .pattern = 24,
	 .after = AFTER_IDLE,
	 .time_ns = 50000000},
	{.name = "slow-head",
	 .help = "a right answer whose head comes a byte every /T (1ms)",
	 .head = HEAD("Content-Length: 24\r\n"),
	 .pattern = 24,
	 .time_ns = 1000000,
	 .slow = true},
	{.name = NULL},
};

const struct origin_fault *origin_fault_find(const char *name, size_t length)
{
	for (const struct origin_fault *fault = origin_faults; fault->name; fault++)
		if (strlen(fault->name) == length && memcmp(fault->name, name, length) == 0)
			return fault;
	return NULL;
}
