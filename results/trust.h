/*
 * On what claims rest: "faster by" and its like, of cells some of whose rows carry a flag that
 * spoils them (flags.def). What --strict refuses.
 */
#ifndef RESULTS_TRUST_H
#define RESULTS_TRUST_H

#include <stddef.h>

#include "results/compare.h"
#include "results/summary.h"

struct trust {
	size_t claims;
	size_t doubtful; /* of them, those that rest on flagged rows */
	size_t cells;	 /* of those, each once */
	size_t left_out; /* cells that `text` has no room for */
	char text[400];	 /* "busy/epoll (steal), busy/uring (preempted steal)" */
};

/* Adds the claims of a run, a cell against its baseline. Start from a zeroed struct. */
void trust_add_summary(struct trust *trust, const struct summary *summary);

/* The same of two runs: a cell of B against that of A. */
void trust_add_comparison(struct trust *trust, const struct comparison *comparison);

/* "2 of 3 claims rest on flagged rows: ...", one line; returns text. */
const char *trust_line(const struct trust *trust, char *text, size_t size);

#endif
