/* Two threads that multiply, alone and at once: see together.h. */
#include "topology/together.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#define TURN_NS	 UINT64_C(4000000)
#define PAUSE_NS 50000000L
#define ROUNDS	 500 /* between two looks at the clock: 2 us */
#define FACTOR	 UINT64_C(6364136223846793005)

struct pair {
	unsigned cpu[2];
	atomic_uint at_start; /* who has come to where both multiply */
	double rate[2];	      /* rounds a ns */
	double alone;
	int err;
};

static uint64_t now_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* Rounds a ns of the thread's own time: what else the kernel runs here is not the question. */
static double multiply(void)
{
	uint64_t a = 3, b = 5, c = 7, d = 11, e = 13, f = 17, g = 19, h = 23, i = 29, j = 31;
	uint64_t begun_ns = now_ns(CLOCK_MONOTONIC), own_ns = now_ns(CLOCK_THREAD_CPUTIME_ID);
	uint64_t rounds = 0;

	do {
		for (unsigned n = 0; n < ROUNDS; n++) {
			a *= FACTOR, b *= FACTOR, c *= FACTOR, d *= FACTOR, e *= FACTOR;
			f *= FACTOR, g *= FACTOR, h *= FACTOR, i *= FACTOR, j *= FACTOR;
			/* Each product is wanted, and in a register of its own. */
			__asm__ volatile(""
					 : "+r"(a), "+r"(b), "+r"(c), "+r"(d), "+r"(e), "+r"(f),
					   "+r"(g), "+r"(h), "+r"(i), "+r"(j));
		}
		rounds += ROUNDS;
	} while (now_ns(CLOCK_MONOTONIC) - begun_ns < TURN_NS);
	return (double)rounds / (double)(now_ns(CLOCK_THREAD_CPUTIME_ID) - own_ns);
}

static int bind_self(unsigned cpu)
{
	cpu_set_t *set = CPU_ALLOC(cpu + 1);
	size_t size = CPU_ALLOC_SIZE(cpu + 1);
	int err;

	if (!set)
		return -ENOMEM;
	CPU_ZERO_S(size, set);
	CPU_SET_S(cpu, size, set);
	err = sched_setaffinity(0, size, set) ? -errno : 0;
	CPU_FREE(set);
	return err;
}

static void meet(struct pair *p)
{
	atomic_fetch_add(&p->at_start, 1);
	while (atomic_load(&p->at_start) < 2)
		;
}

static void *other_thread(void *argument)
{
	struct pair *p = argument;

	p->err = bind_self(p->cpu[1]);
	meet(p);
	p->rate[1] = multiply();
	return NULL;
}

/* First alone and then, with a thread on the other CPU, at once. */
static void *one_thread(void *argument)
{
	struct pair *p = argument;
	pthread_t other;
	int err = bind_self(p->cpu[0]);

	p->alone = multiply();
	if (!err)
		err = -pthread_create(&other, NULL, other_thread, p);
	if (err) {
		p->err = err;
		return NULL;
	}
	meet(p);
	p->rate[0] = multiply();
	pthread_join(other, NULL);
	return NULL;
}

static int compare(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;

	return a < b ? -1 : a > b;
}

int together_look(unsigned one, unsigned other, unsigned looks, struct together *answer)
{
	double times[TOGETHER_LOOKS_MAX] = {0};

	for (unsigned i = 0; i < looks; i++) {
		struct pair p = {.cpu = {one, other}};
		struct timespec pause = {.tv_nsec = PAUSE_NS};
		pthread_t thread;
		int err;

		if (i)
			nanosleep(&pause, NULL);
		err = pthread_create(&thread, NULL, one_thread, &p);
		if (err)
			return -err;
		pthread_join(thread, NULL);
		if (p.err)
			return p.err;
		times[i] = (p.rate[0] + p.rate[1]) / p.alone;
	}
	qsort(times, looks, sizeof(times[0]), compare);
	*answer = (struct together){
		.least = times[0], .median = times[looks / 2], .most = times[looks - 1]};
	return 0;
}
