/*
 * On what claims rest: "faster by" and its like, of cells some of whose rows carry a flag that
 * spoils them (flags.def). What --strict refuses.
 */
#ifndef RESULTS_TRUST_H
#define RESULTS_TRUST_H

#include <stddef.h>

#include "results/compare.h"
#include "results/knee.h"
#include "results/regimes.h"
#include "results/summary.h"
#include "results/usl.h"

struct trust {
	size_t claims;
	size_t doubtful; /* of them, those that rest on flagged rows */
	size_t cells;	 /* of those, each once */
	size_t left_out; /* cells that `text` has no room for */
	char text[400];	 /* "busy/epoll (steal), busy/uring (preempted steal)" */
};

/* Adds the claims of a run, a cell against its baseline. Start from a zeroed struct. */
void trust_add_summary(struct trust *trust, const struct summary *summary);

/*
 * What the reports of latency against load, of scaling and of regimes claim beyond that. A claim
 * rests on all rows of what is set side by side: two lines of loads, two numbers of workers, two
 * models at one latency and number of connections.
 */
void trust_add_knee(struct trust *trust, const struct knee *knee);
void trust_add_usl(struct trust *trust, const struct usl *usl);
void trust_add_regimes(struct trust *trust, const struct regimes *regimes);

/* The same of two runs: a cell of B against that of A. */
void trust_add_comparison(struct trust *trust, const struct comparison *comparison);

/* "2 of 3 claims rest on flagged rows: ...", one line; returns text. */
const char *trust_line(const struct trust *trust, char *text, size_t size);

#endif
