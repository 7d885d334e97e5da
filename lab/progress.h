/* One line on stderr that says how far a run is, on a terminal only. */
#ifndef LAB_PROGRESS_H
#define LAB_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
	bool shown;	   /* stderr is a terminal */
	uint64_t blocks;   /* 0: no fixed number */
	double expected_s; /* of the whole run */
	double done_s;	   /* expected length of what is done */
	double skipped_s;  /* of it, of what earlier processes did: no pace to go by */
	double budget_s;   /* what it may take at most; 0: as long as it takes */
	double spent_s;	   /* of that, by earlier processes */
	double widest;	   /* of the cells' intervals so far, a share; NAN or 0: unknown */
	double noise;	   /* what the A/A pairs differ by so far, a share; NAN or 0: unknown */
	char estimate[96]; /* what the last cell shows so far; "" before there is one */
	uint64_t from_ns;
};

void progress_start(struct progress *progress, uint64_t blocks, double expected_s);
void progress_show(const struct progress *progress, uint64_t block, const char *cell);
/* A cell whose expected length was that has ended; or was done before this process began. */
void progress_done(struct progress *progress, double expected_s);
void progress_skip(struct progress *progress, double expected_s);
/*
 * What is left after so much time of this process, in seconds: by the pace of its cells, and no
 * more than the budget leaves; and which share of the whole is done.
 */
double progress_left_s(const struct progress *progress, double passed_s);
double progress_share(const struct progress *progress, double passed_s);
/* Takes the line away, before something else is printed. */
void progress_clear(const struct progress *progress);

#endif
