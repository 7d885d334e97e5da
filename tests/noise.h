/* Random numbers for tests by simulation: what run to run variation looks like on real hosts. */
#ifndef TESTS_NOISE_H
#define TESTS_NOISE_H

#include <stdint.h>

enum noise {
	NORMAL,	      /* a quiet host */
	HEAVY_TAILED, /* Student's t with three degrees of freedom: a busy one */
	SKEWED,	      /* exponential: only ever slower */
	CONTAMINATED, /* one run in ten is interrupted */
	NOISES
};

/* In (0, 1); normal with mean 0 and variance 1 (Box and Muller); one of those above. */
double noise_uniform(uint64_t *state);
double noise_normal(uint64_t *state);
double noise_draw(enum noise noise, uint64_t *state);

#endif
