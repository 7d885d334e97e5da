/*
 * AVX-512 without IFMA: vpmuludq multiplies eight 32-bit numbers at once. Three bands:
 *   below 2^26  products are added to 64-bit lanes as they are, as many as the lanes hold
 *   below 2^32  the two 32-bit halves of each product go to lanes of their own
 *   from there  schoolbook on halves of 21 bits, (h 2^21 + l)^2 = hh 2^42 + hl 2^22 + ll, each of
 *               the three products computed for each number and added to lanes of its own
 * Only the adding up of lanes is put off; no square is skipped.
 */
#include <immintrin.h>

#include "kernels/sumsq/cores.h"

#define AVX512 __attribute__((target("avx512f")))

#define SMALL (UINT64_C(1) << 26)
#define WORD  (UINT64_C(1) << 32)

/* Bits of a half in the widest band: products below 2^42, so lanes hold 2^22 of them. */
#define HALF_BITS   21
#define HALF_ROUNDS (UINT64_C(1) << 22)

#define LANES	 UINT64_C(8)
#define VECTORS	 UINT64_C(4)
#define STRIDE	 (VECTORS * LANES)
#define EACH(DO) DO(0) DO(1) DO(2) DO(3)

/* Adds up lanes, each shifted left by `shift`, exactly. */
AVX512 static inline sumsq_total lanes_total(__m512i lanes, unsigned shift)
{
	uint64_t lane[LANES] __attribute__((aligned(64)));
	sumsq_total total = 0;

	_mm512_store_si512(lane, lanes);
	for (unsigned i = 0; i < LANES; i++)
		total += lane[i];
	return total << shift;
}

AVX512 static inline __m512i indices(uint64_t first)
{
	return _mm512_add_epi64(_mm512_set1_epi64((long long)first),
				_mm512_setr_epi64(0, 1, 2, 3, 4, 5, 6, 7));
}

/* The indices below `last`; the others become 0, whose square adds nothing. */
AVX512 static inline __m512i cut(__m512i index, uint64_t last)
{
	__mmask8 live = _mm512_cmplt_epi64_mask(index, _mm512_set1_epi64((long long)last));

	return _mm512_maskz_mov_epi64(live, index);
}

AVX512 static sumsq_total small_block(uint64_t first, uint64_t last)
{
	const __m512i stride = _mm512_set1_epi64(STRIDE);
	sumsq_total total = 0;

#define START(v)                                                                                   \
	__m512i index##v = indices(first + (v)*LANES);                                             \
	__m512i sum##v = _mm512_setzero_si512();
	EACH(START)
#undef START
#define SQUARE(v) sum##v = _mm512_add_epi64(sum##v, _mm512_mul_epu32(index##v, index##v));
#define ROUND(v)                                                                                   \
	SQUARE(v)                                                                                  \
	index##v = _mm512_add_epi64(index##v, stride);
	for (uint64_t round = (last - first) / STRIDE; round; round--) {
		EACH(ROUND)
	}
#undef ROUND
#define FINISH(v)                                                                                  \
	index##v = cut(index##v, last);                                                            \
	SQUARE(v)                                                                                  \
	total += lanes_total(sum##v, 0);
	EACH(FINISH)
#undef FINISH
#undef SQUARE
	return total;
}

AVX512 static sumsq_total word_block(uint64_t first, uint64_t last)
{
	const __m512i stride = _mm512_set1_epi64(STRIDE);
	const __m512i mask = _mm512_set1_epi64(UINT32_MAX);
	sumsq_total total = 0;

#define START(v)                                                                                   \
	__m512i index##v = indices(first + (v)*LANES);                                             \
	__m512i low##v = _mm512_setzero_si512();                                                   \
	__m512i high##v = _mm512_setzero_si512();                                                  \
	__m512i square##v;
	EACH(START)
#undef START
#define SQUARE(v)                                                                                  \
	square##v = _mm512_mul_epu32(index##v, index##v);                                          \
	low##v = _mm512_add_epi64(low##v, _mm512_and_si512(square##v, mask));                      \
	high##v = _mm512_add_epi64(high##v, _mm512_srli_epi64(square##v, 32));
#define ROUND(v)                                                                                   \
	SQUARE(v)                                                                                  \
	index##v = _mm512_add_epi64(index##v, stride);
	for (uint64_t round = (last - first) / STRIDE; round; round--) {
		EACH(ROUND)
	}
#undef ROUND
#define FINISH(v)                                                                                  \
	index##v = cut(index##v, last);                                                            \
	SQUARE(v)                                                                                  \
	total += lanes_total(low##v, 0) + lanes_total(high##v, 32);
	EACH(FINISH)
#undef FINISH
#undef SQUARE
	return total;
}

AVX512 static sumsq_total half_block(uint64_t first, uint64_t last)
{
	const __m512i stride = _mm512_set1_epi64(LANES);
	const __m512i mask = _mm512_set1_epi64((1 << HALF_BITS) - 1);
	__m512i index = indices(first);
	__m512i low = _mm512_setzero_si512();
	__m512i middle = _mm512_setzero_si512();
	__m512i high = _mm512_setzero_si512();

	for (; first < last; first += LANES) {
		__m512i number = cut(index, last);
		__m512i l = _mm512_and_si512(number, mask);
		__m512i h = _mm512_srli_epi64(number, HALF_BITS);

		low = _mm512_add_epi64(low, _mm512_mul_epu32(l, l));
		middle = _mm512_add_epi64(middle, _mm512_mul_epu32(h, l));
		high = _mm512_add_epi64(high, _mm512_mul_epu32(h, h));
		index = _mm512_add_epi64(index, stride);
	}
	return lanes_total(low, 0) + lanes_total(middle, HALF_BITS + 1) +
	       lanes_total(high, 2 * HALF_BITS);
}

sumsq_total sumsq_avx512(uint64_t first, uint64_t last)
{
	uint64_t rounds = cores_rounds(last < SMALL ? last : SMALL);
	sumsq_total total = 0;

	first = cores_band(small_block, first, last, SMALL, rounds * STRIDE, &total);
	first = cores_band(word_block, first, last, WORD, WORD, &total);
	cores_band(half_block, first, last, SUMSQ_LIMIT, HALF_ROUNDS * LANES, &total);
	return total;
}
