/* Parsing and drawing of the origin's latency distributions. */
#include "lab/latency.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lab/units.h"

#define LATENCY_MOST_NS (UINT64_C(3600) * 1000000000)
#define SIGMA_MOST	4.0

/* Splits "name:a:b" in `copy` at its colons; returns a and b, or -EINVAL when there are not two. */
static int split_two(char *copy, char **first, char **second)
{
	*first = strchr(copy, ':') + 1;
	*second = strchr(*first, ':');
	if (!*second)
		return -EINVAL;
	*(*second)++ = '\0';
	return 0;
}

static int parse_uniform(char *copy, struct latency *parsed)
{
	char *low, *high;

	parsed->kind = LATENCY_UNIFORM;
	if (split_two(copy, &low, &high) || units_duration(low, &parsed->low_ns) ||
	    units_duration(high, &parsed->high_ns) || parsed->low_ns > parsed->high_ns)
		return -EINVAL;
	return parsed->high_ns > LATENCY_MOST_NS ? -EINVAL : 0;
}

static int parse_lognormal(char *copy, struct latency *parsed)
{
	char *median, *sigma, *end;

	parsed->kind = LATENCY_LOGNORMAL;
	if (split_two(copy, &median, &sigma) || units_duration(median, &parsed->low_ns))
		return -EINVAL;
	/* strtod() alone would take "inf", "nan", " 1" and "0x1". */
	if (!*sigma || strspn(sigma, "0123456789.") != strlen(sigma))
		return -EINVAL;
	parsed->sigma = strtod(sigma, &end);
	if (*end || !(parsed->sigma > 0 && parsed->sigma <= SIGMA_MOST))
		return -EINVAL;
	return parsed->low_ns > LATENCY_MOST_NS ? -EINVAL : 0;
}

static int parse_fixed(const char *text, struct latency *parsed)
{
	if (units_duration(text, &parsed->low_ns) || parsed->low_ns > LATENCY_MOST_NS)
		return -EINVAL;
	parsed->kind = parsed->low_ns ? LATENCY_FIXED : LATENCY_NONE;
	return 0;
}

int latency_parse(const char *text, struct latency *latency, char *why, size_t why_size)
{
	struct latency parsed = {.kind = LATENCY_NONE};
	char copy[128];
	int err = -EINVAL;

	if (strlen(text) < sizeof(copy)) {
		memcpy(copy, text, strlen(text) + 1);
		if (strncmp(text, "uniform:", 8) == 0)
			err = parse_uniform(copy, &parsed);
		else if (strncmp(text, "lognormal:", 10) == 0)
			err = parse_lognormal(copy, &parsed);
		else
			err = parse_fixed(text, &parsed);
	}
	if (err) {
		snprintf(why, why_size,
			 "'%s' is no latency of at most an hour; give 5ms, uniform:1ms:5ms or "
			 "lognormal:5ms:0.5 (median, sigma)",
			 text);
		return err;
	}
	*latency = parsed;
	return 0;
}

static uint64_t next_word(struct latency_random *random)
{
	uint64_t z = (random->state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* In (0, 1]: never 0, whose logarithm there is not. */
static double next_fraction(struct latency_random *random)
{
	return (double)((next_word(random) >> 11) + 1) * 0x1p-53;
}

/* Box & Muller 1958; the second number of the pair is not worth a branch. */
static double next_normal(struct latency_random *random)
{
	double radius = sqrt(-2 * log(next_fraction(random)));

	return radius * cos(2 * M_PI * next_fraction(random));
}

uint64_t latency_draw(const struct latency *latency, struct latency_random *random)
{
	double ns;

	switch (latency->kind) {
	case LATENCY_NONE:
		break;
	case LATENCY_FIXED:
		return latency->low_ns;
	case LATENCY_UNIFORM:
		return latency->low_ns + (uint64_t)(((__uint128_t)next_word(random) *
						     (latency->high_ns - latency->low_ns + 1)) >>
						    64);
	case LATENCY_LOGNORMAL:
		ns = (double)latency->low_ns * exp(latency->sigma * next_normal(random));
		return ns < (double)LATENCY_MOST_NS ? (uint64_t)ns : LATENCY_MOST_NS;
	}
	return 0;
}
