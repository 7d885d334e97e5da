/* The sections about the sum of squares and its pools: see bench.h. */
#include "tests/bench/bench.h"

void bench_sumsq(struct bench *b)
{
	static const struct contender contenders[] = {
		{.name = "sumsq-serial",
		 .argv = {"sumsq-serial", "--json", "--duration=500ms"},
		 .rate = "\"elements_per_s\": ?([0-9.e+]+)",
		 .count = "\"elements\": ?([0-9]+)"},
		{.name = "bare loop",
		 .argv = {"bench/sumsq_floor"},
		 .rate = "([0-9.]+) squares per second",
		 .count = "([0-9]+) squares in"},
		{.name = "scalar",
		 .argv = {"sumsq-serial", "--core=scalar", "--json", "--duration=500ms"},
		 .rate = "\"elements_per_s\": ?([0-9.e+]+)",
		 .count = "\"elements\": ?([0-9]+)"},
	};
	static const struct target targets[] = {
		{"sumsq-serial", "bare loop", BENCH_RATE, 1 / 1.05, 0},
		{"sumsq-serial", "scalar", BENCH_RATE, 12, 0},
	};

	bench_section(b, "The thirty sums of squares", NULL, contenders, 3, targets, 2);
}
