/* Constant and exponential arrivals: see fetch_schedule.h. */
#include "lab/fetch_schedule.h"

#include <math.h>

/* splitmix64 (Steele, Lea and Flood 2014): one addition and three mixes a number. */
static uint64_t draw(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static double exponential_ns(struct schedule_state *s)
{
	/* In (0, 1]: the logarithm is finite. */
	double u = ((double)(draw(&s->random) >> 11) + 1) * 0x1p-53;

	return -log(u) * s->interval_ns;
}

void schedule_init(struct schedule_state *s, double rate, bool exponential, uint64_t seed,
		   unsigned index, unsigned workers)
{
	*s = (struct schedule_state){.exponential = exponential, .random = seed};
	for (unsigned i = 0; i <= index; i++)
		s->random = draw(&s->random);
	s->interval_ns = 1e9 / rate * workers;
	s->at_ns = exponential ? exponential_ns(s) : 1e9 / rate * index;
}

void schedule_start(struct schedule_state *s, uint64_t now_ns)
{
	s->start_ns = now_ns;
	s->next_ns = now_ns + (uint64_t)s->at_ns;
}

void schedule_advance(struct schedule_state *s)
{
	/* Summed as a real number from the start: no rounding adds up to a drift. */
	s->at_ns += s->exponential ? exponential_ns(s) : s->interval_ns;
	s->next_ns = s->start_ns + (uint64_t)s->at_ns;
}
