/*
 * Decodes a response's body piece by piece, as it arrives, by zlib, libbrotlidec and libzstd.
 * Sans I/O: bytes come in with decoder_take(), decoded ones leave through a sink.
 *
 *	decoder_begin(d, coding); decoder_take(d, ...) as often as bytes come; decoder_end(d)
 *
 * A decoder serves one response after another, one connection's. A coding's state is made at the
 * first byte of the first response that has it and is kept: zlib's and libzstd's are reset, and
 * brotli, which cannot be, allocates from blocks that are kept. So a warm decoder calls malloc no
 * more, until a response wants a larger window than any before it.
 *
 * There is no limit of the decoded size. No body is ever held whole: the memory is the coding's
 * window, of 32 KiB (gzip, deflate), 16 MiB at most (br) and 8 MiB at most (zstd: RFC 9659; a
 * frame that asks for more is refused), and decoded bytes stay in it or in a buffer of
 * DECODER_WINDOW bytes on the stack. What a bomb costs is time: that one is stopped by the
 * fetch's own limit, looked at between pieces, and by its sink's count.
 */
#ifndef PROTOCOL_DECODER_H
#define PROTOCOL_DECODER_H

#include <stddef.h>
#include <stdint.h>

#include "kernels/protocol/coding.h"

/* Bytes of output made at a time, on decoder_take()'s stack; br has a buffer of its own. */
#define DECODER_WINDOW ((size_t)64 * 1024)

/* Bytes of window that a zstd frame may ask for, as a power of two (RFC 9659, 3). */
#define DECODER_ZSTD_WINDOW_LOG 23

/* Is given decoded bytes, length > 0, in order; they are gone after the call. */
typedef void decoder_sink(void *context, const uint8_t *bytes, size_t length);

struct decoder;

/* A decoder between two responses, or NULL when there is no memory. */
struct decoder *decoder_new(void);

/* NULL is nothing. */
void decoder_free(struct decoder *decoder);

/* A response begins; whatever was under way is dropped. Allocates nothing. */
void decoder_begin(struct decoder *decoder, enum coding coding);

/*
 * Takes the next length bytes (at most UINT32_MAX) and calls the sink with what they decode to, in
 * pieces of any size. Returns 0; or -EBADMSG for bytes that are not this coding's, or -ENOMEM, and
 * then every later call returns the same and decodes nothing. Bytes may have been given to the
 * sink before what was wrong showed.
 */
int decoder_take(struct decoder *decoder, const uint8_t *bytes, size_t length, decoder_sink *sink,
		 void *context);

/*
 * The body is over. Returns 0 when it was whole and right, checksum included where the coding has
 * one (raw deflate and br have none); what decoder_take() returned when that failed; -ENODATA when
 * it was cut, also before its first byte: who accepts an empty body (RFC 9110: 204, 304) does not
 * ask. Several gzip members or zstd frames one after another are one body; anything else behind
 * the end is refused. A deflate body may be zlib's format, as RFC 9110 says, or raw.
 */
int decoder_end(struct decoder *decoder);

/* What was wrong, in words, constant; NULL while nothing is. */
const char *decoder_failure(const struct decoder *decoder);

#endif
