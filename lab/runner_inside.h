/* The runner's state, shared between its source files only. */
#ifndef LAB_RUNNER_INSIDE_H
#define LAB_RUNNER_INSIDE_H

#include "lab/cell.h"
#include "lab/progress.h"
#include "lab/runner.h"
#include "lab/subprocess.h"

struct runner {
	const struct plan *plan;
	const struct run_folder *folder;
	struct cell_world world;
	struct subprocess origin;
	struct progress progress;
	const struct runner_limits *limits;
	const struct link *link;
	double *capacities; /* by cell of the plan: see plan_capacity_cell(); NAN: not measured */
	size_t *done; /* by block and order: 1 + the index of a row that an earlier run left */
	struct run_spent
		before; /* what earlier processes came to; all of its time, rows beyond too */
	struct runner_outcome *outcome;
	struct subprocess cell; /* the one that runs */
};

/*
 * Decides who sits where. Ends the program with one line and STATUS_UNABLE when that is
 * impossible.
 */
void runner_decide_seats(struct runner *runner, enum place_policy policy);

/* From here on Ctrl-C, SIGTERM and SIGHUP are told to the running cell; a second ends it all. */
void runner_heed_interrupts(void);

/* Whether one of these was seen. */
bool runner_is_interrupted(void);

/*
 * Runs the cell once, in a fresh process, and makes its row, whatever became of it; false when
 * there is none, as the user broke it off or it failed with the origin.
 */
bool runner_run_row(struct runner *runner, const struct plan_cell *cell, struct record *record);

/* The cell's place in a block: runs it, at the rate that a share comes to, and keeps its row. */
void runner_run_cell(struct runner *runner, const struct plan_cell *cell, uint64_t block,
		     uint64_t order);

/*
 * Measures what the rates given as shares are shares of, but for what an earlier run left in the
 * folder. Without such rates it does nothing.
 */
void runner_measure_capacities(struct runner *runner);

/*
 * Puts the rate that a share comes to into `text`, for the cell's command line: 1, or 0 when its
 * rate is no share, or -ENODATA when the capacity could not be measured.
 */
int runner_rate(const struct runner *runner, const struct plan_cell *cell, double *share,
		char text[static 32]);

/*
 * Starts the origin on its CPU and at its end of the link, with what the plan says of it, and
 * learns where it listens. One that the plan names is asked instead whether it answers, and is the
 * lab's if the plan needs that. Ends the program with one line and STATUS_UNABLE when it does not.
 */
void runner_start_origin(struct runner *runner);
void runner_stop_origin(struct runner *runner);

/*
 * Whether the origin is gone, which is said once, in one line, and ends the run. The lab's own is
 * waited for: what fails because of its end may be seen before that. One of the plan's own is asked
 * when `asking`.
 */
bool runner_origin_lost(struct runner *runner, int wait_ms, bool asking);

/* Whether a row has figures that count: its run neither failed nor was cut short. */
bool runner_counts(const struct record *record);

/* What a cell is about: what it did a second, or, where its work is fixed, how long it took. */
enum record_column runner_figure(const struct plan_cell *cell, const struct record *record);

/*
 * What a terminal is shown besides how far it is: after a row the cell's median so far, after a
 * block by how much equal cells, the A/A pairs, differed in their blocks, the median of that.
 */
void runner_show_estimate(struct runner *runner, const struct plan_cell *cell);
void runner_show_noise(struct runner *runner);

/* Of the cell that is known least well, by its rows so far. */
struct runner_width {
	double widest;	  /* as a share of its median; NAN: some cell has too few rows */
	const char *cell; /* NULL then */
	unsigned cells;	  /* that count: the others this host cannot run, or they always fail */
};

/*
 * How well the cells are known by the rows of blocks up to `upto`, `least` of them at least: half
 * the width of the 95 % interval of what each is about (runner_figure()), over its median. Of
 * two intervals the wider counts, the median's and, widened to its size, Hodges and Lehmann's,
 * which needs more luck to be narrow by chance. RUNNER_FAILURES_MOST failures in a row leave a cell
 * out.
 */
struct runner_width runner_widest(const struct runner *runner, uint64_t upto, size_t least);

/*
 * After a block: whether the limits end the run, with the words for it in the outcome's `ended`.
 * See RUNNER_PRECISE_RUNS for the precision.
 */
bool runner_is_enough(struct runner *runner, uint64_t block, uint64_t spent_ns);

#endif
