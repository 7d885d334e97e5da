/* One line on stderr that says how far a run is, on a terminal only. */
#ifndef LAB_PROGRESS_H
#define LAB_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
	bool shown; /* stderr is a terminal */
	uint64_t blocks;
	double expected_s; /* of the whole run */
	double done_s;	   /* expected length of what is done */
	double widest;	   /* of the cells' intervals so far, a share; NAN or 0: unknown */
	double noise;	   /* what the A/A pairs differ by so far, a share; NAN or 0: unknown */
	char estimate[96]; /* what the last cell shows so far; "" before there is one */
	uint64_t from_ns;
};

void progress_start(struct progress *progress, uint64_t blocks, double expected_s);
void progress_show(const struct progress *progress, uint64_t block, const char *cell);
/* A cell whose expected length was that has ended. */
void progress_done(struct progress *progress, double expected_s);
/* Takes the line away, before something else is printed. */
void progress_clear(const struct progress *progress);

#endif
