/* Content codings decoded in a stream: one take_*() for each library, one way to fail. See
 * decoder.h for what is kept from one response to the next. */
#include "kernels/protocol/decoder.h"

#include <brotli/decode.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "kernels/protocol/blocks.h"

#define GZIP_BITS (15 + 16) /* zlib's way of saying: a gzip header, any window */
#define ZLIB_BITS 15
#define RAW_BITS  (-15)
#define BEHIND	  "bytes follow the end of the encoded body"
#define NO_MEMORY "there is no memory for decoding"

struct decoder {
	enum coding coding;
	int status;	 /* 0, or the error that decoding ended with */
	bool open;	 /* the first byte of this response has come */
	bool complete;	 /* the body could end here */
	bool zlib_ready; /* zlib has been initialised, for this response or one before */
	const char *failure;
	z_stream zlib;
	ZSTD_DCtx *zstd;
	BrotliDecoderState *brotli; /* of this response */
	struct blocks blocks;	    /* brotli's memory */
};

static int fail(struct decoder *d, int error, const char *failure)
{
	d->status = error;
	d->failure = failure;
	return error;
}

/* --- gzip and deflate ------------------------------------------------------------------- */
static int open_zlib(struct decoder *d, int bits)
{
	int result = d->zlib_ready ? inflateReset2(&d->zlib, bits) : inflateInit2(&d->zlib, bits);

	if (result != Z_OK)
		return fail(d, -ENOMEM, NO_MEMORY);
	d->zlib_ready = true;
	return 0;
}

/*
 * zlib's format begins with 8 in the low four bits and at most 7 in the high ones (RFC 1950). A
 * raw body that does would begin with a stored block whose padding is not zero: none is written.
 */
static int deflate_bits(uint8_t first)
{
	return (first & 0x0f) == 8 && first >> 4 <= 7 ? ZLIB_BITS : RAW_BITS;
}

/* Bytes follow a whole stream: another gzip member (RFC 1952, 2.2), or nothing that belongs. */
static int next_member(struct decoder *d)
{
	if (d->coding != CODING_GZIP || *d->zlib.next_in != 0x1f)
		return fail(d, -EBADMSG, BEHIND);
	inflateReset(&d->zlib);
	d->complete = false;
	return 0;
}

static int take_zlib(struct decoder *d, const uint8_t *bytes, size_t length, decoder_sink *sink,
		     void *context)
{
	uint8_t window[DECODER_WINDOW];
	z_stream *z = &d->zlib;
	int result;

	z->next_in = (Bytef *)bytes;
	z->avail_in = (uInt)length;
	do {
		if (d->complete && next_member(d) != 0)
			return d->status;
		z->next_out = window;
		z->avail_out = sizeof(window);
		result = inflate(z, Z_NO_FLUSH);
		if (z->avail_out < sizeof(window))
			sink(context, window, sizeof(window) - z->avail_out);
		if (result == Z_MEM_ERROR)
			return fail(d, -ENOMEM, NO_MEMORY);
		/* Z_BUF_ERROR: the window was filled to the brim and nothing is left. */
		if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR)
			return fail(d, -EBADMSG,
				    d->coding == CODING_GZIP ? "the gzip body is corrupt"
							     : "the deflate body is corrupt");
		d->complete = result == Z_STREAM_END;
	} while (z->avail_in > 0 || (z->avail_out == 0 && !d->complete));
	return 0;
}

/* --- br --------------------------------------------------------------------------------- */
static void *brotli_take(void *blocks, size_t size)
{
	return blocks_take(blocks, size);
}

static void brotli_give(void *blocks, void *address)
{
	blocks_give(blocks, address);
}

static int open_brotli(struct decoder *d)
{
	d->brotli = BrotliDecoderCreateInstance(brotli_take, brotli_give, &d->blocks);
	return d->brotli ? 0 : fail(d, -ENOMEM, NO_MEMORY);
}

static int brotli_failed(struct decoder *d)
{
	BrotliDecoderErrorCode code = BrotliDecoderGetErrorCode(d->brotli);

	if (code <= BROTLI_DECODER_ERROR_ALLOC_CONTEXT_MODES &&
	    code >= BROTLI_DECODER_ERROR_ALLOC_BLOCK_TYPE_TREES)
		return fail(d, -ENOMEM, NO_MEMORY);
	return fail(d, -EBADMSG, "the br body is corrupt");
}

/* brotli's own ring buffer is lent to the sink: nothing is copied. */
static int take_brotli(struct decoder *d, const uint8_t *bytes, size_t length, decoder_sink *sink,
		       void *context)
{
	BrotliDecoderResult result;

	if (d->complete)
		return fail(d, -EBADMSG, BEHIND);
	do {
		size_t no_room = 0;

		result = BrotliDecoderDecompressStream(d->brotli, &length, &bytes, &no_room, NULL,
						       NULL);
		while (BrotliDecoderHasMoreOutput(d->brotli)) {
			size_t size = 0;
			const uint8_t *piece = BrotliDecoderTakeOutput(d->brotli, &size);

			if (size > 0)
				sink(context, piece, size);
		}
	} while (result == BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT);
	if (result == BROTLI_DECODER_RESULT_ERROR)
		return brotli_failed(d);
	d->complete = result == BROTLI_DECODER_RESULT_SUCCESS;
	return length > 0 ? fail(d, -EBADMSG, BEHIND) : 0;
}

/* --- zstd ------------------------------------------------------------------------------- */
/*
 * Whether a frame or a skippable frame begins with this byte (RFC 8878, 3.1). A library built to
 * read formats older than the RFC would take theirs too, whose windows have no limit to set.
 */
static bool zstd_begins(uint8_t first)
{
	return first == 0x28 || (first & 0xf0) == 0x50;
}

static int open_zstd(struct decoder *d, uint8_t first)
{
	if (!zstd_begins(first))
		return fail(d, -EBADMSG, "the zstd body is corrupt");
	if (d->zstd) {
		ZSTD_DCtx_reset(d->zstd, ZSTD_reset_session_only);
		return 0;
	}
	d->zstd = ZSTD_createDCtx();
	if (!d->zstd)
		return fail(d, -ENOMEM, NO_MEMORY);
	ZSTD_DCtx_setParameter(d->zstd, ZSTD_d_windowLogMax, DECODER_ZSTD_WINDOW_LOG);
	return 0;
}

static int zstd_failed(struct decoder *d, size_t result)
{
	switch (ZSTD_getErrorCode(result)) {
	case ZSTD_error_memory_allocation:
		return fail(d, -ENOMEM, NO_MEMORY);
	case ZSTD_error_frameParameter_windowTooLarge:
		return fail(d, -EBADMSG, "the zstd body asks for a window of more than 8 MiB");
	default:
		return fail(d, -EBADMSG, "the zstd body is corrupt");
	}
}

static int take_zstd(struct decoder *d, const uint8_t *bytes, size_t length, decoder_sink *sink,
		     void *context)
{
	uint8_t window[DECODER_WINDOW];
	ZSTD_inBuffer in = {.src = bytes, .size = length};
	ZSTD_outBuffer out;

	do {
		size_t result;

		if (d->complete && !zstd_begins(bytes[in.pos]))
			return fail(d, -EBADMSG, BEHIND);
		out = (ZSTD_outBuffer){.dst = window, .size = sizeof(window)};
		result = ZSTD_decompressStream(d->zstd, &out, &in);
		if (ZSTD_isError(result))
			return zstd_failed(d, result);
		if (out.pos > 0)
			sink(context, window, out.pos);
		d->complete = result == 0; /* the end of a frame; another may follow */
	} while (in.pos < in.size || (out.pos == out.size && !d->complete));
	return 0;
}

/* --- all of them ------------------------------------------------------------------------ */
struct decoder *decoder_new(void)
{
	return calloc(1, sizeof(struct decoder));
}

/* Drops what belongs to one response only. */
static void stop(struct decoder *d)
{
	if (d->brotli)
		BrotliDecoderDestroyInstance(d->brotli);
	d->brotli = NULL;
}

void decoder_free(struct decoder *d)
{
	if (!d)
		return;
	stop(d);
	blocks_release(&d->blocks);
	if (d->zlib_ready)
		inflateEnd(&d->zlib);
	ZSTD_freeDCtx(d->zstd);
	free(d);
}

void decoder_begin(struct decoder *d, enum coding coding)
{
	stop(d);
	d->coding = coding;
	d->status = 0;
	d->failure = NULL;
	d->open = false;
	d->complete = coding == CODING_IDENTITY;
}

static int open_coding(struct decoder *d, uint8_t first)
{
	d->open = true;
	switch (d->coding) {
	case CODING_GZIP:
		return open_zlib(d, GZIP_BITS);
	case CODING_DEFLATE:
		return open_zlib(d, deflate_bits(first));
	case CODING_BR:
		return open_brotli(d);
	case CODING_ZSTD:
		return open_zstd(d, first);
	case CODING_IDENTITY:
		break;
	}
	return 0;
}

int decoder_take(struct decoder *d, const uint8_t *bytes, size_t length, decoder_sink *sink,
		 void *context)
{
	if (d->status != 0 || length == 0)
		return d->status;
	if (!d->open && open_coding(d, bytes[0]) != 0)
		return d->status;
	switch (d->coding) {
	case CODING_GZIP:
	case CODING_DEFLATE:
		return take_zlib(d, bytes, length, sink, context);
	case CODING_BR:
		return take_brotli(d, bytes, length, sink, context);
	case CODING_ZSTD:
		return take_zstd(d, bytes, length, sink, context);
	case CODING_IDENTITY:
		break;
	}
	sink(context, bytes, length);
	return 0;
}

int decoder_end(struct decoder *d)
{
	if (d->status == 0 && !d->complete)
		fail(d, -ENODATA, "the encoded body was cut");
	stop(d);
	return d->status;
}

const char *decoder_failure(const struct decoder *d)
{
	return d->failure;
}
