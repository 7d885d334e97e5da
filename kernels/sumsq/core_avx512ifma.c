/*
 * AVX-512 IFMA: vpmadd52luq multiplies eight 52-bit numbers and adds the low 52 bits of each
 * product to eight 64-bit lanes, in one instruction. Two of them a cycle is the port limit of the
 * CPUs that have it (Zen 4 and 5, Ice Lake and later): 16 squares a cycle.
 *
 * Below 2^26 a square is its own low half. From there on the high half (vpmadd52huq) counts too,
 * with weight 2^52. Lanes are folded into 128 bits before 64 bits could overflow.
 */
#include <immintrin.h>

#include "kernels/sumsq/cores.h"

#define IFMA __attribute__((target("avx512f,avx512ifma")))

/* Squares of smaller numbers fit the 52 bits of the low half. */
#define LOW_ONLY (UINT64_C(1) << 26)

/* 4096 numbers of 52 bits are the most that a lane of 64 bits is sure to hold. */
#define ROUNDS_52 UINT64_C(4096)

#define LANES UINT64_C(8)

/* Eight chains hide the four cycles that a multiplication takes, at two started a cycle. */
#define EACH_8(DO) DO(0) DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7)
#define EACH_4(DO) DO(0) DO(1) DO(2) DO(3)

/*
 * Left to itself, gcc moves some of the index additions in between, where they take slots of the
 * two ports that multiply: 5 % of the time.
 */
#define IN_THIS_ORDER __asm__ volatile("")

/* Sums of the low and of the high 32 bits of lanes, so that adding lanes up cannot overflow. */
struct parts {
	__m512i low;
	__m512i high;
};

IFMA static inline void parts_add(struct parts *parts, __m512i lanes)
{
	const __m512i low = _mm512_set1_epi64(UINT32_MAX);

	parts->low = _mm512_add_epi64(parts->low, _mm512_and_si512(lanes, low));
	parts->high = _mm512_add_epi64(parts->high, _mm512_srli_epi64(lanes, 32));
}

IFMA static inline sumsq_total parts_total(const struct parts *parts)
{
	uint64_t low = (uint64_t)_mm512_reduce_add_epi64(parts->low);
	uint64_t high = (uint64_t)_mm512_reduce_add_epi64(parts->high);

	return ((sumsq_total)high << 32) + low;
}

IFMA static inline __m512i indices(uint64_t first)
{
	return _mm512_add_epi64(_mm512_set1_epi64((long long)first),
				_mm512_setr_epi64(0, 1, 2, 3, 4, 5, 6, 7));
}

/* For at most as many rounds of 64 numbers, the last one partial, as the lanes hold. */
IFMA static sumsq_total low_block(uint64_t first, uint64_t last)
{
	const uint64_t count = last - first;
	const __m512i stride = _mm512_set1_epi64(8 * LANES);
	struct parts parts = {_mm512_setzero_si512(), _mm512_setzero_si512()};
	uint64_t live = ~(UINT64_MAX << count % (8 * LANES)); /* lanes of the last, partial round */

#define START(v)                                                                                   \
	__m512i index##v = indices(first + (v)*LANES);                                             \
	__m512i sum##v = _mm512_setzero_si512();
	EACH_8(START)
#undef START
	for (uint64_t round = count / (8 * LANES); round; round--) {
#define SQUARE(v)  sum##v = _mm512_madd52lo_epu64(sum##v, index##v, index##v);
#define ADVANCE(v) index##v = _mm512_add_epi64(index##v, stride);
		EACH_8(SQUARE)
		IN_THIS_ORDER;
		EACH_8(ADVANCE)
#undef ADVANCE
#undef SQUARE
	}
#define FINISH(v)                                                                                  \
	sum##v = _mm512_mask_madd52lo_epu64(sum##v, (__mmask8)(live >> (v)*LANES), index##v,       \
					    index##v);                                             \
	parts_add(&parts, sum##v);
	EACH_8(FINISH)
#undef FINISH
	return parts_total(&parts);
}

/* The same with both halves of each product, in rounds of 32: at most ROUNDS_52 of them. */
IFMA static sumsq_total both_block(uint64_t first, uint64_t last)
{
	const uint64_t count = last - first;
	const __m512i stride = _mm512_set1_epi64(4 * LANES);
	struct parts low_parts = {_mm512_setzero_si512(), _mm512_setzero_si512()};
	struct parts high_parts = {_mm512_setzero_si512(), _mm512_setzero_si512()};
	uint32_t live = (uint32_t) ~(UINT64_MAX << count % (4 * LANES));

#define START(v)                                                                                   \
	__m512i index##v = indices(first + (v)*LANES);                                             \
	__m512i low##v = _mm512_setzero_si512();                                                   \
	__m512i high##v = _mm512_setzero_si512();
	EACH_4(START)
#undef START
	for (uint64_t round = count / (4 * LANES); round; round--) {
#define SQUARE(v)                                                                                  \
	low##v = _mm512_madd52lo_epu64(low##v, index##v, index##v);                                \
	high##v = _mm512_madd52hi_epu64(high##v, index##v, index##v);
#define ADVANCE(v) index##v = _mm512_add_epi64(index##v, stride);
		EACH_4(SQUARE)
		IN_THIS_ORDER;
		EACH_4(ADVANCE)
#undef ADVANCE
#undef SQUARE
	}
#define FINISH(v)                                                                                  \
	low##v = _mm512_mask_madd52lo_epu64(low##v, (__mmask8)(live >> (v)*LANES), index##v,       \
					    index##v);                                             \
	high##v = _mm512_mask_madd52hi_epu64(high##v, (__mmask8)(live >> (v)*LANES), index##v,     \
					     index##v);                                            \
	parts_add(&low_parts, low##v);                                                             \
	parts_add(&high_parts, high##v);
	EACH_4(FINISH)
#undef FINISH
	return parts_total(&low_parts) + (parts_total(&high_parts) << 52);
}

sumsq_total sumsq_avx512ifma(uint64_t first, uint64_t last)
{
	uint64_t rounds = cores_rounds(last < LOW_ONLY ? last : LOW_ONLY);
	sumsq_total total = 0;

	first = cores_band(low_block, first, last, LOW_ONLY, rounds * 8 * LANES, &total);
	cores_band(both_block, first, last, SUMSQ_LIMIT, ROUNDS_52 * 4 * LANES, &total);
	return total;
}
