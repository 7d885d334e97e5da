/*
 * When fetches of an open loop fall due: a schedule that takes no notice of the answers, so that
 * a server that stalls is not asked less often meanwhile (Gil Tene, "coordinated omission"). Each
 * worker has one of its own at its share of the rate.
 */
#ifndef LAB_FETCH_SCHEDULE_H
#define LAB_FETCH_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

struct schedule_state {
	bool exponential;
	double interval_ns; /* mean */
	double at_ns;	    /* since the start */
	uint64_t start_ns;
	uint64_t next_ns; /* when the next fetch is due */
	uint64_t random;
};

/*
 * Of `rate` arrivals a second in all, worker `index` of `workers` gets every workers-th: constant
 * ones are spread evenly over the workers, exponential ones (a Poisson process) are independent,
 * seeded by seed and index. Call schedule_start() before the first use of next_ns.
 */
void schedule_init(struct schedule_state *schedule, double rate, bool exponential, uint64_t seed,
		   unsigned index, unsigned workers);
void schedule_start(struct schedule_state *schedule, uint64_t now_ns);

/* The fetch of next_ns was taken: next_ns becomes the one after it. */
void schedule_advance(struct schedule_state *schedule);

#endif
