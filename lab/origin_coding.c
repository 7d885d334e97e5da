/*
 * The pattern in each Content-Encoding, a piece at a time, by the libraries that everybody's
 * servers use. Levels are those that servers take for what they compress on the fly.
 */
#include <brotli/encode.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "lab/origin_body.h"

#define ZLIB_LEVEL   6
#define BROTLI_LEVEL 5
#define ZSTD_LEVEL   3
#define ZLIB_WINDOW  15 /* its base-2 logarithm; 16 more asks for gzip's frame */
#define OUTPUT_PIECE 16384

/* Where in the pattern the coder is. */
struct source {
	uint64_t at, end;
};

/* The next piece; `last` when nothing follows it. An empty pattern has one empty piece. */
static const char *next(struct source *source, size_t *size, bool *last)
{
	uint64_t left = source->end - source->at;
	const char *piece = origin_pattern + source->at % BODY_PERIOD;

	*size = left < PATTERN_PIECE ? (size_t)left : PATTERN_PIECE;
	source->at += *size;
	*last = source->at == source->end;
	return piece;
}

static void add_zlib(struct origin_body *body, uint64_t total, int window)
{
	struct source source = {0, total};
	char output[OUTPUT_PIECE];
	z_stream stream = {0};
	bool last = false;

	if (deflateInit2(&stream, ZLIB_LEVEL, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
		body->failed = true;
		return;
	}
	while (!last && !body->failed) {
		size_t size;
		const char *piece = next(&source, &size, &last);

		stream.next_in = (Bytef *)(uintptr_t)piece;
		stream.avail_in = (uInt)size;
		do {
			stream.next_out = (Bytef *)output;
			stream.avail_out = sizeof(output);
			deflate(&stream, last ? Z_FINISH : Z_NO_FLUSH);
			origin_body_add(body, output, sizeof(output) - stream.avail_out);
		} while (stream.avail_out == 0 && !body->failed);
	}
	deflateEnd(&stream);
}

static void add_brotli(struct origin_body *body, uint64_t total)
{
	BrotliEncoderState *state = BrotliEncoderCreateInstance(NULL, NULL, NULL);
	struct source source = {0, total};
	bool last = false;

	if (!state || !BrotliEncoderSetParameter(state, BROTLI_PARAM_QUALITY, BROTLI_LEVEL))
		body->failed = true;
	while (!last && !body->failed) {
		size_t size;
		const uint8_t *piece = (const uint8_t *)next(&source, &size, &last);

		do {
			uint8_t output[OUTPUT_PIECE], *to = output;
			size_t room = sizeof(output);

			if (!BrotliEncoderCompressStream(state,
							 last ? BROTLI_OPERATION_FINISH
							      : BROTLI_OPERATION_PROCESS,
							 &size, &piece, &room, &to, NULL))
				body->failed = true;
			origin_body_add(body, (const char *)output, sizeof(output) - room);
		} while (!body->failed && (size || BrotliEncoderHasMoreOutput(state)));
	}
	if (state)
		BrotliEncoderDestroyInstance(state);
}

static void add_zstd(struct origin_body *body, uint64_t total)
{
	ZSTD_CCtx *context = ZSTD_createCCtx();
	struct source source = {0, total};
	char bytes[OUTPUT_PIECE];
	bool last = false;

	if (!context ||
	    ZSTD_isError(ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, ZSTD_LEVEL)))
		body->failed = true;
	while (!last && !body->failed) {
		ZSTD_inBuffer input = {0};
		size_t left;

		input.src = next(&source, &input.size, &last);
		do {
			ZSTD_outBuffer output = {bytes, sizeof(bytes), 0};

			left = ZSTD_compressStream2(context, &output, &input,
						    last ? ZSTD_e_end : ZSTD_e_continue);
			if (ZSTD_isError(left))
				body->failed = true;
			origin_body_add(body, bytes, output.pos);
		} while (!body->failed && (input.pos < input.size || (last && left)));
	}
	ZSTD_freeCCtx(context);
}

void origin_body_add_coded(struct origin_body *body, enum origin_coding coding, uint64_t size)
{
	switch (coding) {
	case CODING_CHUNKED:
		origin_body_add_chunked(body, size);
		break;
	case CODING_GZIP:
		add_zlib(body, size, ZLIB_WINDOW + 16);
		break;
	case CODING_DEFLATE:
		add_zlib(body, size, ZLIB_WINDOW);
		break;
	case CODING_BR:
		add_brotli(body, size);
		break;
	case CODING_ZSTD:
		add_zstd(body, size);
		break;
	}
}
