/*
 * kernels/protocol/decoder: bodies made here by the libraries' own encoders come out byte for
 * byte, however they are cut; what is corrupt, cut or followed by garbage never ends well; and a
 * warm decoder allocates nothing.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <brotli/encode.h>
#include <zlib.h>
#include <zstd.h>

#include "kernels/protocol/decoder.h"

/* Counts what the decoder and its libraries ask of malloc; a sanitizer has a malloc of its own. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define COUNTS_MALLOC 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define COUNTS_MALLOC 0
#endif
#endif
#ifndef COUNTS_MALLOC
#define COUNTS_MALLOC 1
#endif

static unsigned long mallocs;
#if COUNTS_MALLOC
void *__libc_malloc(size_t size);
void *malloc(size_t size)
{
	mallocs++;
	return __libc_malloc(size);
}
#endif

struct bytes {
	uint8_t *at;
	size_t length;
};

/* --- encoders --------------------------------------------------------------------------- */
enum format { GZIP, ZLIB, RAW, BR, ZSTD, FORMATS };

static const enum coding coding_of[FORMATS] = {
	CODING_GZIP, CODING_DEFLATE, CODING_DEFLATE, CODING_BR, CODING_ZSTD,
};

static struct bytes room(size_t size)
{
	struct bytes bytes = {.at = malloc(size), .length = size};

	assert_non_null(bytes.at);
	return bytes;
}

static void encode_zlib(struct bytes plain, struct bytes *out, int bits)
{
	z_stream z = {.next_in = plain.at, .avail_in = (uInt)plain.length, .next_out = out->at};

	z.avail_out = (uInt)out->length;
	assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, bits, 8, Z_DEFAULT_STRATEGY), Z_OK);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	out->length = z.total_out;
	deflateEnd(&z);
}

/* Streamed, as servers do, and with a checksum. */
static void encode_zstd(struct bytes plain, struct bytes *out, int window_log)
{
	ZSTD_CCtx *context = ZSTD_createCCtx();
	ZSTD_inBuffer in = {.src = plain.at, .size = plain.length};
	ZSTD_outBuffer made = {.dst = out->at, .size = out->length};

	ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
	if (window_log)
		ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, window_log);
	while (in.pos < in.size)
		assert_false(
			ZSTD_isError(ZSTD_compressStream2(context, &made, &in, ZSTD_e_continue)));
	assert_int_equal(ZSTD_compressStream2(context, &made, &in, ZSTD_e_end), 0);
	out->length = made.pos;
	ZSTD_freeCCtx(context);
}

static struct bytes encode(enum format format, struct bytes plain)
{
	struct bytes out = room(plain.length + plain.length / 64 + 1024);

	switch (format) {
	case GZIP:
		encode_zlib(plain, &out, 15 + 16);
		break;
	case ZLIB:
		encode_zlib(plain, &out, 15);
		break;
	case RAW:
		encode_zlib(plain, &out, -15);
		break;
	case BR:
		assert_true(BrotliEncoderCompress(5, 22, BROTLI_MODE_GENERIC, plain.length,
						  plain.at, &out.length, out.at));
		break;
	default:
		encode_zstd(plain, &out, 0);
	}
	return out;
}

/* Repeatable; half text-like and half noise, so that every kind of block occurs. */
static uint32_t draw(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

static struct bytes body(size_t length)
{
	struct bytes plain = room(length + 1);
	uint32_t seed = (uint32_t)length;

	plain.length = length;
	for (size_t i = 0; i < length; i++)
		plain.at[i] =
			(i >> 12) % 2 ? (uint8_t)draw(&seed) : (uint8_t)("abcd"[draw(&seed) % 4]);
	return plain;
}

/* --- decoding in pieces ----------------------------------------------------------------- */
struct check {
	struct bytes plain; /* what must come */
	size_t got;
	bool wrong;
};

static void compare(void *context, const uint8_t *bytes, size_t length)
{
	struct check *check = context;

	if (length == 0 || length > check->plain.length - check->got ||
	    memcmp(check->plain.at + check->got, bytes, length) != 0)
		check->wrong = true;
	else
		check->got += length;
}

enum cut { WHOLE, BYTES, RANDOM, CUTS };

static size_t next_cut(enum cut cut, size_t left, uint32_t *seed)
{
	size_t length = left;

	if (cut == BYTES)
		length = 1;
	if (cut == RANDOM)
		length = draw(seed) % 3 == 0 ? draw(seed) % 9000 : draw(seed) % 20;
	return length < left ? length : left;
}

/* Each piece lies in a block of its own length; the outcome of decoder_end(). */
static int decode(struct decoder *d, enum coding coding, struct bytes in, enum cut cut,
		  struct check *check)
{
	uint32_t seed = (uint32_t)in.length;
	int taken = 0;

	check->got = 0;
	check->wrong = false;
	decoder_begin(d, coding);
	assert_null(decoder_failure(d));
	for (size_t at = 0; at < in.length;) {
		size_t length = next_cut(cut, in.length - at, &seed);
		struct bytes piece = room(length ? length : 1);

		memcpy(piece.at, in.at + at, length);
		taken = decoder_take(d, piece.at, length, compare, check);
		free(piece.at);
		at += length;
	}
	if (taken != 0)
		assert_int_equal(decoder_end(d), taken);
	taken = decoder_end(d);
	assert_int_equal(taken == 0, decoder_failure(d) == NULL);
	return taken;
}

static void expect_right(struct decoder *d, enum coding coding, struct bytes in, enum cut cut,
			 struct bytes plain)
{
	struct check check = {.plain = plain};

	assert_int_equal(decode(d, coding, in, cut, &check), 0);
	assert_false(check.wrong);
	assert_int_equal(check.got, plain.length);
}

/* All formats, sizes and cuts, one after another on the one decoder. */
static void round_trips(void **state)
{
	static const size_t sizes[] = {0,     1,     10,     1000,    65535,
				       65536, 65537, 131072, 1048576, 1500001};
	struct decoder *d = decoder_new();

	(void)state;
	assert_non_null(d);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct bytes plain = body(sizes[i]);

		for (unsigned format = 0; format < FORMATS; format++) {
			struct bytes encoded = encode(format, plain);

			for (unsigned cut = 0; cut < CUTS; cut++)
				expect_right(d, coding_of[format], encoded, cut, plain);
			free(encoded.at);
		}
		for (unsigned cut = 0; cut < CUTS; cut++)
			expect_right(d, CODING_IDENTITY, plain, cut, plain);
		free(plain.at);
	}
	decoder_free(d);
}

/* Compresses a thousandfold: many windows of output from one piece of input. */
static void expanding(void **state)
{
	struct decoder *d = decoder_new();
	struct bytes plain = room((size_t)20 << 20);

	(void)state;
	memset(plain.at, 'x', plain.length);
	for (unsigned format = 0; format < FORMATS; format++) {
		struct bytes encoded = encode(format, plain);

		assert_true(encoded.length < plain.length / 500);
		expect_right(d, coding_of[format], encoded, WHOLE, plain);
		expect_right(d, coding_of[format], encoded, BYTES, plain);
		free(encoded.at);
	}
	free(plain.at);
	decoder_free(d);
}

/* The last bytes of output do not fit the window when the last byte of input has been taken. */
static void to_the_brim(void **state)
{
	struct decoder *d = decoder_new();
	struct bytes plain = room(4 * DECODER_WINDOW);

	(void)state;
	memset(plain.at, 'x', plain.length);
	for (size_t i = 1; i < 300; i++) {
		struct bytes packed = room(4096);

		plain.length = DECODER_WINDOW + i;
		encode_zlib(plain, &packed, -15);
		expect_right(d, CODING_DEFLATE, packed, WHOLE, plain);
		/* No checksum: nothing comes after the last block. */
		packed.length = ZSTD_compress(packed.at, 4096, plain.at, plain.length, 1);
		expect_right(d, CODING_ZSTD, packed, WHOLE, plain);
		free(packed.at);
	}
	free(plain.at);
	decoder_free(d);
}

static struct bytes join(struct bytes a, struct bytes b)
{
	struct bytes both = room(a.length + b.length + 1);

	memcpy(both.at, a.at, a.length);
	memcpy(both.at + a.length, b.at, b.length);
	both.length = a.length + b.length;
	return both;
}

/* Two streams in a row: gzip members and zstd frames are one body, the others end once. */
static void several(void **state)
{
	struct decoder *d = decoder_new();
	struct bytes plain = body(9000), twice = join(plain, plain);

	(void)state;
	for (unsigned format = 0; format < FORMATS; format++) {
		struct bytes one = encode(format, plain), two = join(one, one);

		for (unsigned cut = 0; cut < CUTS; cut++) {
			struct check check = {.plain = twice};

			if (format == GZIP || format == ZSTD) {
				expect_right(d, coding_of[format], two, cut, twice);
				two.length -= 5; /* the second is cut */
				assert_int_equal(decode(d, coding_of[format], two, cut, &check),
						 -ENODATA);
				two.length += 5;
				continue;
			}
			assert_int_equal(decode(d, coding_of[format], two, cut, &check), -EBADMSG);
			assert_non_null(strstr(decoder_failure(d), "follow the end"));
		}
		free(one.at);
		free(two.at);
	}
	free(plain.at);
	free(twice.at);
	decoder_free(d);
}

static void garbage_behind(void **state)
{
	static uint8_t text[] = "</html>";
	static uint8_t zeros[8];
	static uint8_t member[] = {0x1f, 0, 0, 0}; /* begins like a gzip member */
	struct bytes tails[] = {{text, 7}, {zeros, 8}, {member, 4}};
	struct decoder *d = decoder_new();
	struct bytes plain = body(500);

	(void)state;
	for (unsigned format = 0; format < FORMATS; format++) {
		struct bytes one = encode(format, plain);

		for (unsigned i = 0; i < 3 * CUTS; i++) {
			struct bytes both = join(one, tails[i % 3]);
			bool like = format == GZIP && i % 3 == 2;
			struct check check = {.plain = plain};

			assert_int_equal(decode(d, coding_of[format], both, i / 3, &check),
					 -EBADMSG);
			assert_non_null(
				strstr(decoder_failure(d), like ? "corrupt" : "follow the end"));
			assert_int_equal(check.got, plain.length);
			assert_false(check.wrong);
			free(both.at);
		}
		free(one.at);
	}
	free(plain.at);
	decoder_free(d);
}

/* Cut at every byte: what came before is right, and the end is not. */
static void truncated(void **state)
{
	struct decoder *d = decoder_new();
	struct bytes plain = body(300);

	(void)state;
	for (unsigned format = 0; format < FORMATS; format++) {
		struct bytes encoded = encode(format, plain);
		size_t whole = encoded.length;

		for (encoded.length = 0; encoded.length < whole; encoded.length++) {
			for (unsigned cut = 0; cut < CUTS; cut++) {
				struct check check = {.plain = plain};

				assert_int_equal(decode(d, coding_of[format], encoded, cut, &check),
						 -ENODATA);
				assert_false(check.wrong);
			}
		}
		expect_right(d, coding_of[format], encoded, BYTES, plain);
		free(encoded.at);
	}
	free(plain.at);
	decoder_free(d);
}

/*
 * Every bit turned, one at a time. With a good checksum, an end that is well means the right bytes
 * (a gzip header has a time and a system that nobody checks). Raw deflate and br have none, and
 * zlib's Adler-32 misses three of these thousand bits: so short a body hardly fills it.
 */
static void corrupted(void **state)
{
	struct decoder *d = decoder_new();
	struct bytes plain = body(300);
	unsigned refused[FORMATS] = {0};

	(void)state;
	for (unsigned format = 0; format < FORMATS; format++) {
		struct bytes encoded = encode(format, plain);

		for (size_t i = 0; i < encoded.length * 8; i++) {
			for (unsigned cut = 0; cut < CUTS; cut++) {
				struct check check = {.plain = plain};
				int result;

				encoded.at[i / 8] ^= (uint8_t)(1 << i % 8);
				result = decode(d, coding_of[format], encoded, cut, &check);
				encoded.at[i / 8] ^= (uint8_t)(1 << i % 8);
				assert_true(result == 0 || result == -EBADMSG ||
					    result == -ENODATA);
				refused[format] += result != 0;
				if (result == 0 && (format == GZIP || format == ZSTD)) {
					assert_false(check.wrong);
					assert_int_equal(check.got, plain.length);
				}
			}
		}
		assert_true(refused[format] > encoded.length);
		expect_right(d, coding_of[format], encoded, WHOLE, plain);
		free(encoded.at);
	}
	free(plain.at);
	decoder_free(d);
}

/* The checksum is what is wrong, and nothing else. */
static void checksums(void **state)
{
	static const size_t from_end[FORMATS] = {[GZIP] = 8, [ZLIB] = 1, [ZSTD] = 1};
	struct decoder *d = decoder_new();
	struct bytes plain = body(300);

	(void)state;
	for (unsigned format = 0; format < FORMATS; format++) {
		struct bytes encoded = encode(format, plain);
		struct check check = {.plain = plain};

		if (from_end[format]) {
			encoded.at[encoded.length - from_end[format]] ^= 0x10;
			assert_int_equal(decode(d, coding_of[format], encoded, WHOLE, &check),
					 -EBADMSG);
			assert_non_null(strstr(decoder_failure(d), "corrupt"));
		}
		free(encoded.at);
	}
	free(plain.at);
	decoder_free(d);
}

/* Other people's bytes: each coding's under every other coding's name. */
static void mistaken(void **state)
{
	struct decoder *d = decoder_new();
	struct bytes plain = body(3000);

	(void)state;
	for (unsigned format = 0; format < FORMATS; format++) {
		struct bytes encoded = encode(format, plain);

		for (unsigned other = CODING_GZIP; other <= CODING_ZSTD; other++) {
			struct check check = {.plain = plain};

			if (other == coding_of[format])
				continue;
			assert_int_not_equal(decode(d, other, encoded, WHOLE, &check), 0);
		}
		free(encoded.at);
	}
	free(plain.at);
	decoder_free(d);
}

/* A window of 8 MiB is decoded, as RFC 9659 asks; a larger one is refused before it is made. */
static void zstd_window(void **state)
{
	struct decoder *d = decoder_new();
	struct bytes plain = body(100000), encoded = room(200000);
	struct check check = {.plain = plain};

	(void)state;
	encode_zstd(plain, &encoded, DECODER_ZSTD_WINDOW_LOG);
	expect_right(d, CODING_ZSTD, encoded, RANDOM, plain);
	encoded.length = 200000;
	encode_zstd(plain, &encoded, DECODER_ZSTD_WINDOW_LOG + 1);
	assert_int_equal(decode(d, CODING_ZSTD, encoded, RANDOM, &check), -EBADMSG);
	assert_non_null(strstr(decoder_failure(d), "window"));
	free(encoded.at);
	free(plain.at);
	decoder_free(d);
}

/* A frame of zstd 0.7: older than the RFC, and its window would be of any size. */
static void zstd_legacy(void **state)
{
	static uint8_t frame[] = "\x27\xb5\x2f\xfd\x40\x74\x00\x00\xcb\xf2\x59\x6d";
	struct decoder *d = decoder_new();
	struct bytes plain = body(10), one = encode(ZSTD, plain);
	struct bytes legacy = {frame, sizeof(frame) - 1}, both = join(one, legacy);
	struct check check = {.plain = plain};

	(void)state;
	for (; legacy.length > 0; legacy.length--)
		assert_int_equal(decode(d, CODING_ZSTD, legacy, WHOLE, &check), -EBADMSG);
	for (unsigned cut = 0; cut < CUTS; cut++)
		assert_int_equal(decode(d, CODING_ZSTD, both, cut, &check), -EBADMSG);
	assert_non_null(strstr(decoder_failure(d), "follow the end"));
	free(one.at);
	free(both.at);
	free(plain.at);
	decoder_free(d);
}

/* A response that is given up half-way leaves nothing behind for the next. */
static void given_up(void **state)
{
	struct decoder *d = decoder_new();
	struct bytes plain = body(70000);

	(void)state;
	for (unsigned i = 0; i < 5 * FORMATS; i++) {
		unsigned format = i * 2 % FORMATS, next = i * 3 % FORMATS;
		struct bytes first = encode(format, plain), second = encode(next, plain);
		struct check check = {.plain = plain};

		decoder_begin(d, coding_of[format]);
		assert_int_equal(decoder_take(d, first.at, first.length / 2, compare, &check), 0);
		assert_false(check.wrong);
		expect_right(d, coding_of[next], second, RANDOM, plain);
		free(first.at);
		free(second.at);
	}
	decoder_begin(d, CODING_BR); /* and one is under way when the decoder goes */
	decoder_take(d, (const uint8_t *)"\x0b", 1, compare, NULL);
	free(plain.at);
	decoder_free(d);
	decoder_free(NULL);
}

static void drop(void *context, const uint8_t *bytes, size_t length)
{
	(void)bytes;
	*(size_t *)context += length;
}

/* After a first round, a hundred responses of every coding in turn allocate nothing. */
static void warm(void **state)
{
	struct decoder *d = decoder_new();
	struct bytes plain = body(200000), encoded[FORMATS];
	size_t got = 0;

	(void)state;
	for (unsigned format = 0; format < FORMATS; format++)
		encoded[format] = encode(format, plain);
	for (unsigned i = 0; i < 101 * FORMATS; i++) {
		struct bytes in = encoded[i % FORMATS];

		if (i == FORMATS)
			mallocs = 0;
		decoder_begin(d, coding_of[i % FORMATS]);
		for (size_t at = 0; at < in.length; at += 16384)
			decoder_take(d, in.at + at, in.length - at < 16384 ? in.length - at : 16384,
				     drop, &got);
		if (decoder_end(d) != 0)
			fail();
	}
#if COUNTS_MALLOC
	assert_int_equal(mallocs, 0);
#endif
	assert_int_equal(got, 101 * FORMATS * plain.length);
	for (unsigned format = 0; format < FORMATS; format++)
		free(encoded[format].at);
	free(plain.at);
	decoder_free(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trips),	  cmocka_unit_test(expanding),
		cmocka_unit_test(to_the_brim),	  cmocka_unit_test(several),
		cmocka_unit_test(garbage_behind), cmocka_unit_test(truncated),
		cmocka_unit_test(corrupted),	  cmocka_unit_test(checksums),
		cmocka_unit_test(mistaken),	  cmocka_unit_test(zstd_window),
		cmocka_unit_test(given_up),	  cmocka_unit_test(zstd_legacy),
		cmocka_unit_test(warm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
