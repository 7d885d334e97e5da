/*
 * The latency that the origin injects: a distribution as typed on the command line, and numbers
 * drawn from it. The draws come from a seeded generator, so that two runs wait the same times.
 */
#ifndef LAB_LATENCY_H
#define LAB_LATENCY_H

#include <stddef.h>
#include <stdint.h>

enum latency_kind { LATENCY_NONE, LATENCY_FIXED, LATENCY_UNIFORM, LATENCY_LOGNORMAL };

struct latency {
	enum latency_kind kind;
	uint64_t low_ns;  /* fixed: the value; uniform: the least; lognormal: the median */
	uint64_t high_ns; /* uniform: the most */
	double sigma;	  /* lognormal: standard deviation of the logarithm */
};

/* splitmix64 (Steele, Lea & Flood 2014): any seed will do, also 0. */
struct latency_random {
	uint64_t state;
};

/*
 * Reads "5ms", "uniform:1ms:5ms" or "lognormal:MEDIAN:SIGMA" (0 < SIGMA <= 4). Zero is no latency.
 * Returns 0, or -EINVAL with a line in `why`; *latency is written only on success.
 */
int latency_parse(const char *text, struct latency *latency, char *why, size_t why_size);

/* One draw, in ns; at most an hour, so that a long tail does not hold a connection for ever. */
uint64_t latency_draw(const struct latency *latency, struct latency_random *random);

#endif
