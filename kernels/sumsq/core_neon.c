/*
 * NEON (AArch64): umlal multiplies two 32-bit numbers and adds the products to 64-bit lanes, in
 * one instruction. Three bands, as the AVX2 core has them:
 *   below 2^26  products are added to 64-bit lanes as they are, as many as the lanes hold
 *   below 2^32  the two 32-bit halves of each product go to lanes of their own
 *   from there  schoolbook on halves of 21 bits, (h 2^21 + l)^2 = hh 2^42 + hl 2^22 + ll, each of
 *               the three products computed for each number and added to lanes of its own
 * Only the adding up of lanes is put off; no square is skipped.
 */
#include <arm_neon.h>

#include "kernels/sumsq/cores.h"

#define SMALL (UINT64_C(1) << 26)
#define WORD  (UINT64_C(1) << 32)

/* Bits of a half in the widest band: products below 2^42, so lanes hold 2^22 of them. */
#define HALF_BITS   21
#define HALF_ROUNDS (UINT64_C(1) << 22)

/* Numbers are 32 bits wide below 2^32: four in a vector, whose products fill two. */
#define NUMBERS	 UINT64_C(4)
#define VECTORS	 UINT64_C(4)
#define STRIDE	 (VECTORS * NUMBERS)
#define EACH(DO) DO(0) DO(1) DO(2) DO(3)

/* Adds up lanes, exactly. */
static inline sumsq_total lanes_total(uint64x2_t lanes)
{
	return (sumsq_total)vgetq_lane_u64(lanes, 0) + vgetq_lane_u64(lanes, 1);
}

static inline uint32x4_t indices(uint64_t first)
{
	static const uint32_t steps[] = {0, 1, 2, 3};

	return vaddq_u32(vdupq_n_u32((uint32_t)first), vld1q_u32(steps));
}

/*
 * Keeps the first `count` numbers of a vector that starts at vector `v` of a stride; the others
 * become 0, whose square adds nothing.
 */
static inline uint32x4_t cut(uint32x4_t index, unsigned v, uint64_t count)
{
	static const uint32_t steps[] = {0, 1, 2, 3};
	uint32x4_t place = vaddq_u32(vdupq_n_u32(v * (uint32_t)NUMBERS), vld1q_u32(steps));

	return vandq_u32(index, vcltq_u32(place, vdupq_n_u32((uint32_t)count)));
}

static sumsq_total small_block(uint64_t first, uint64_t last)
{
	const uint32x4_t stride = vdupq_n_u32((uint32_t)STRIDE);
	const uint64_t rest = (last - first) % STRIDE;
	sumsq_total total = 0;

#define START(v)                                                                                   \
	uint32x4_t index##v = indices(first + (v)*NUMBERS);                                        \
	uint64x2_t low##v = vdupq_n_u64(0);                                                        \
	uint64x2_t high##v = vdupq_n_u64(0);
	EACH(START)
#undef START
#define SQUARE(v)                                                                                  \
	low##v = vmlal_u32(low##v, vget_low_u32(index##v), vget_low_u32(index##v));                \
	high##v = vmlal_high_u32(high##v, index##v, index##v);
#define ROUND(v)                                                                                   \
	SQUARE(v)                                                                                  \
	index##v = vaddq_u32(index##v, stride);
	for (uint64_t round = (last - first) / STRIDE; round; round--) {
		EACH(ROUND)
	}
#undef ROUND
#define FINISH(v)                                                                                  \
	index##v = cut(index##v, v, rest);                                                         \
	SQUARE(v)                                                                                  \
	total += lanes_total(low##v) + lanes_total(high##v);
	EACH(FINISH)
#undef FINISH
#undef SQUARE
	return total;
}

static sumsq_total word_block(uint64_t first, uint64_t last)
{
	const uint32x4_t stride = vdupq_n_u32((uint32_t)STRIDE);
	const uint64_t rest = (last - first) % STRIDE;
	sumsq_total total = 0;

#define START(v)                                                                                   \
	uint32x4_t index##v = indices(first + (v)*NUMBERS);                                        \
	uint64x2_t low##v = vdupq_n_u64(0);                                                        \
	uint64x2_t high##v = vdupq_n_u64(0);                                                       \
	uint64x2_t one##v, two##v;
	EACH(START)
#undef START
	/* Halves of 32 bits, picked from two products at a time and added in pairs. */
#define SQUARE(v)                                                                                  \
	one##v = vmull_u32(vget_low_u32(index##v), vget_low_u32(index##v));                        \
	two##v = vmull_high_u32(index##v, index##v);                                               \
	low##v = vpadalq_u32(                                                                      \
		low##v, vuzp1q_u32(vreinterpretq_u32_u64(one##v), vreinterpretq_u32_u64(two##v))); \
	high##v = vpadalq_u32(high##v, vuzp2q_u32(vreinterpretq_u32_u64(one##v),                   \
						  vreinterpretq_u32_u64(two##v)));
#define ROUND(v)                                                                                   \
	SQUARE(v)                                                                                  \
	index##v = vaddq_u32(index##v, stride);
	for (uint64_t round = (last - first) / STRIDE; round; round--) {
		EACH(ROUND)
	}
#undef ROUND
#define FINISH(v)                                                                                  \
	index##v = cut(index##v, v, rest);                                                         \
	SQUARE(v)                                                                                  \
	total += lanes_total(low##v) + (lanes_total(high##v) << 32);
	EACH(FINISH)
#undef FINISH
#undef SQUARE
	return total;
}

/* Two numbers of 64 bits in a vector. */
static sumsq_total half_block(uint64_t first, uint64_t last)
{
	static const uint64_t steps[] = {0, 1};
	const uint64x2_t mask = vdupq_n_u64((1 << HALF_BITS) - 1);
	const uint64x2_t end = vdupq_n_u64(last);
	uint64x2_t index = vaddq_u64(vdupq_n_u64(first), vld1q_u64(steps));
	uint64x2_t low = vdupq_n_u64(0);
	uint64x2_t middle = vdupq_n_u64(0);
	uint64x2_t high = vdupq_n_u64(0);

	for (; first < last; first += 2) {
		uint64x2_t number = vandq_u64(index, vcltq_u64(index, end));
		uint32x2_t l = vmovn_u64(vandq_u64(number, mask));
		uint32x2_t h = vshrn_n_u64(number, HALF_BITS);

		low = vmlal_u32(low, l, l);
		middle = vmlal_u32(middle, h, l);
		high = vmlal_u32(high, h, h);
		index = vaddq_u64(index, vdupq_n_u64(2));
	}
	return lanes_total(low) + (lanes_total(middle) << (HALF_BITS + 1)) +
	       (lanes_total(high) << 2 * HALF_BITS);
}

sumsq_total sumsq_neon(uint64_t first, uint64_t last)
{
	uint64_t rounds = cores_rounds(last < SMALL ? last : SMALL);
	sumsq_total total = 0;

	first = cores_band(small_block, first, last, SMALL, rounds * STRIDE, &total);
	first = cores_band(word_block, first, last, WORD, WORD, &total);
	cores_band(half_block, first, last, SUMSQ_LIMIT, HALF_ROUNDS * 2, &total);
	return total;
}
