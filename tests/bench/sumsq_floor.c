/*
 * The least time that 3,000,000 squares can take on a CPU with AVX-512 IFMA: a bare loop that keeps
 * both multiplying ports busy, with no pool, no options and no code of kernels/sumsq. Runs for half
 * a second, as `sumsq-serial --duration=500ms` does, which is measured against it, and prints the
 * rate and the time. Exit status 3 with the reason where it cannot run.
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#define SQUARES UINT64_C(3000000)
#define RUN_NS	UINT64_C(500000000)

#ifdef __x86_64__
#include <immintrin.h>

#define EACH(DO) DO(0) DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7)

/* The sum modulo 2^64, for a count that is a multiple of 64. */
__attribute__((target("avx512f,avx512ifma"), noinline)) static uint64_t bare_loop(uint64_t count)
{
	const __m512i stride = _mm512_set1_epi64(64);
	const __m512i eight = _mm512_set1_epi64(8);
	__m512i next = _mm512_setr_epi64(0, 1, 2, 3, 4, 5, 6, 7);
	__m512i total = _mm512_setzero_si512();

#define START(v)                                                                                   \
	__m512i index##v = next;                                                                   \
	__m512i sum##v = _mm512_setzero_si512();                                                   \
	next = _mm512_add_epi64(next, eight);
#define SQUARE(v)  sum##v = _mm512_madd52lo_epu64(sum##v, index##v, index##v);
#define ADVANCE(v) index##v = _mm512_add_epi64(index##v, stride);
#define FINISH(v)  total = _mm512_add_epi64(total, sum##v);
	EACH(START)
	for (count /= 64; count; count--) {
		EACH(SQUARE)
		/* gcc would mix them, and the ports that multiply would also add. */
		__asm__ volatile("");
		EACH(ADVANCE)
	}
	EACH(FINISH)
	return (uint64_t)_mm512_reduce_add_epi64(total);
}

static int can_run(void)
{
	return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512ifma");
}
#else
static uint64_t bare_loop(uint64_t count)
{
	return count;
}

static int can_run(void)
{
	return 0;
}
#endif

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

int main(void)
{
	/* (n - 1) n (2n - 1) / 6 for n = 3,000,000, below 2^64. */
	const uint64_t right = UINT64_C(8999995500000500000);
	uint64_t least = UINT64_MAX;
	uint64_t begun = now_ns();
	uint64_t tries = 0;
	uint64_t now;

	if (!can_run()) {
		fprintf(stderr, "sumsq_floor: needs an x86 CPU with AVX-512 IFMA\n");
		return 3;
	}
	do {
		uint64_t before = now_ns();
		uint64_t sum = bare_loop(SQUARES);

		now = now_ns();
		if (sum != right) {
			fprintf(stderr, "sumsq_floor: the sum is %" PRIu64 "\n", sum);
			return 1;
		}
		if (now - before < least)
			least = now - before;
		tries++;
	} while (now - begun < RUN_NS);
	printf("%" PRIu64 " squares in %.3f s: %.0f squares per second, %.0f ns for %" PRIu64
	       ", at best %" PRIu64 "\n",
	       tries * SQUARES, (double)(now - begun) / 1e9,
	       (double)(tries * SQUARES) * 1e9 / (double)(now - begun),
	       (double)(now - begun) / (double)tries, SQUARES, least);
	return 0;
}
