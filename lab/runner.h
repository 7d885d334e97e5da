/*
 * Runs a plan: starts the origin on its own core, then, block by block and in a seeded random
 * order within each, every cell as a fresh pinned process, whose row is on disk when it ends.
 */
#ifndef LAB_RUNNER_H
#define LAB_RUNNER_H

#include <stdbool.h>
#include <stdint.h>

#include "lab/link.h"
#include "lab/plan.h"
#include "lab/run_folder.h"
#include "results/record.h"
#include "topology/place.h"

/*
 * A precision ends a run when it is reached by two looks in a row, one a block, the second with so
 * many rows of each cell at least: who looks until an interval is narrow finds those that are so
 * by chance. Simulated, 3200 runs of a cell with normal noise of 5 % to a precision of 2 %: 94 % of
 * the intervals that a run ended with cover the truth, after 46 blocks on average; 1 % of the runs
 * end by block 15, and 7 in 10 of their intervals do. (The median's interval alone, at one look
 * from block 6 on: 91 %, 33 blocks; 11 %, and 7 in 10.)
 */
#define RUNNER_PRECISE_RUNS 10

/* A cell that failed so often in a row is not waited for. */
#define RUNNER_FAILURES_MOST 3

/* What may end a run before all blocks of the plan are done; 0: not that. */
struct runner_limits {
	double precision;   /* every cell's median is known to this share of it */
	uint64_t budget_ns; /* no block is begun that would go beyond */
};

/* What the lab itself takes, beside the cells that this process ran. */
struct runner_cost {
	double cells_s; /* their warm-ups, and their measured intervals as recorded, together */
	double wall_s;	/* from the run's beginning to its last cell's row */
	double cpu_s;	/* of this process so far and of its cells' guards */
};

struct runner_outcome {
	struct record *records; /* all rows, in the order they were run */
	size_t count;
	uint64_t blocks; /* whole ones */
	unsigned failed; /* of them, those of cells that failed: flagged, with the reason */
	unsigned unable; /* and those of cells that this host cannot do, likewise */
	bool interrupted;
	bool origin_lost; /* it ended, or answers no more, and so the run ended */
	struct runner_cost cost;
	char note[PLACE_NOTE_SIZE]; /* who shares a CPU, "" when nobody does */
	char ended[256];	    /* which limit ended it, "" when none did */
	bool open; /* no limit ended it yet, and the plan's blocks are only the most there can be */
};

/*
 * Whether the rows that an earlier run left can be of this plan. Ends the program with one line and
 * STATUS_USAGE when one is of no place in it, or two are of one.
 */
void runner_check_rows(const struct plan *plan, const struct run_folder *folder,
		       const struct runner_outcome *outcome);

/*
 * Runs it over the link, the origin at its one end and every cell at the other (of LINK_NONE there
 * is no origin): all but for what *outcome has rows of already (zeroed when it has none). Ends the
 * program with one line and STATUS_UNABLE when the placement is impossible or the origin does not
 * start. A cell that fails or hangs is reported on stderr, has a row that says so, and does not
 * end the run; one that this host cannot do is reported once. When the origin is gone, that is said
 * in one line, what failed with it has no row, and the run ends. Release with runner_release().
 */
void runner_run(const struct plan *plan, enum place_policy policy,
		const struct runner_limits *limits, const struct link *link,
		const struct run_folder *folder, struct runner_outcome *outcome);
void runner_release(struct runner_outcome *outcome);

/* Whether it is a limit alone that ends the run: the plan's blocks are only the most of them. */
bool runner_is_open(const struct plan *plan, const struct runner_limits *limits);

/* Whether the outcome has a row in which this host could not do that cell. */
bool runner_is_unable(const struct runner_outcome *outcome, const struct plan_cell *cell);

#endif
