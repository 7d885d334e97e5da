/*
 * The plain loop, about a square a cycle: what the vector cores are measured against, and what
 * runs everywhere. Below 2^32 a square fits 64 bits; from there the product has 128.
 *
 * The compiler must not know what a term is, or it replaces the loop by a formula (clang) or by
 * vectors (both): hence the empty asm, which costs no instruction but a copy.
 */
#include "kernels/sumsq/cores.h"

#define WORD (UINT64_C(1) << 32)

/* Rolled, the loop waits for its own branch: a fifth of the time. */
#ifdef __clang__
#define UNROLLED _Pragma("clang loop unroll_count(4)")
#else
#define UNROLLED _Pragma("GCC unroll 4")
#endif

static inline uint64_t opaque(uint64_t term)
{
	__asm__("" : "+r"(term));
	return term;
}

sumsq_total sumsq_scalar(uint64_t first, uint64_t last)
{
	sumsq_total total = 0;
	uint64_t narrow = last < WORD ? last : WORD;

	UNROLLED
	for (; first < narrow; first++) {
		uint64_t term = opaque(first);
		uint64_t square = term * term;

		total += square;
	}
	UNROLLED
	for (; first < last; first++) {
		uint64_t term = opaque(first);

		total += (sumsq_total)term * term;
	}
	return total;
}
