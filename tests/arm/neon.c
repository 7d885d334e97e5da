/*
 * Every core of this build against the closed form, without cmocka or any library: built for
 * another CPU than this one's and run by an emulator (tests/test_neon.c). Prints the cores that
 * ran and what is wrong; exit status 1 then.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "kernels/sumsq/sumsq.h"

#define TWO(n) (UINT64_C(1) << (n))

static int wrong;

static void check(const struct sumsq_core *core, uint64_t first, uint64_t last)
{
	if (core->sum(first, last) == sumsq_closed_form(first, last))
		return;
	printf("%s: [%" PRIu64 ", %" PRIu64 ") is wrong\n", core->name, first, last);
	wrong = 1;
}

static void check_core(const struct sumsq_core *core)
{
	static const uint64_t bases[] = {0,
					 4095,
					 TWO(21) - 20,
					 TWO(26) - 20,
					 TWO(31) - 20,
					 TWO(32) - 20,
					 TWO(33) - 20,
					 TWO(42) - 60};

	for (size_t b = 0; b < sizeof(bases) / sizeof(bases[0]); b++)
		for (uint64_t first = bases[b]; first < bases[b] + 5; first++)
			for (uint64_t length = 0; length < 55; length++)
				check(core, first, first + length);
	/* So long that lanes that are not folded in time overflow. */
	check(core, 0, 3000029);
	check(core, TWO(26) - 300000, TWO(26) + 100001);
	check(core, TWO(32) - 100001, TWO(32) + 100001);
	check(core, SUMSQ_LIMIT - TWO(24) - 5, SUMSQ_LIMIT);
}

int main(void)
{
	for (size_t i = 0; i < sumsq_cores_count; i++) {
		if (!sumsq_cores[i].runs())
			continue;
		printf("%s ran\n", sumsq_cores[i].name);
		check_core(&sumsq_cores[i]);
	}
	return wrong;
}
