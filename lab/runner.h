/*
 * Runs a plan: starts the origin on its own core, then, block by block and in a seeded random
 * order within each, every cell as a fresh pinned process, whose row is on disk when it ends.
 */
#ifndef LAB_RUNNER_H
#define LAB_RUNNER_H

#include <stdbool.h>
#include <stdint.h>

#include "lab/plan.h"
#include "lab/run_folder.h"
#include "results/record.h"
#include "topology/place.h"

struct runner_outcome {
	struct record *records; /* all rows, in the order they were run */
	size_t count;
	unsigned failed; /* of them, those of cells that failed: flagged, with the reason */
	bool interrupted;
	char note[PLACE_NOTE_SIZE]; /* who shares a CPU, "" when nobody does */
};

/*
 * Runs it all. Ends the program with one line and STATUS_UNABLE when the placement is impossible
 * or the origin does not start. A cell that fails or hangs is reported on stderr and does not end
 * the run. Release with runner_release().
 */
void runner_run(const struct plan *plan, enum place_policy policy, const struct run_folder *folder,
		struct runner_outcome *outcome);
void runner_release(struct runner_outcome *outcome);

#endif
