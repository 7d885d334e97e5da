/*
 * --overlap core: a process of the lowest scheduling class (SCHED_IDLE) on each worker's CPUs adds
 * squares with whatever the worker leaves of them. What it got done in the measured interval is
 * what the model leaves for other work; its CPU time is not in the model's bill.
 */
#ifndef LAB_FETCH_SOAK_H
#define LAB_FETCH_SOAK_H

#include <stdint.h>
#include <sys/types.h>

#include "lab/pinning.h"
#include "lab/status.h"

struct soaker {
	pid_t pid;
	volatile uint64_t *elements; /* squares added so far; shared with the process */
};

/*
 * Starts one for worker `index`, which ends with this process at the latest. To be called while
 * there is one thread. Ends the program with one line and STATUS_UNABLE when it cannot.
 */
void soaker_start(struct soaker *soaker, const struct pinning *pinning, unsigned index);

/*
 * Ends it. STATUS_DONE when it had run until now, else the count is of no use: STATUS_UNABLE when
 * this host did not let it run, STATUS_FAILED when it was killed; then it, or this, wrote one line.
 */
enum status soaker_end(struct soaker *soaker);

#endif
