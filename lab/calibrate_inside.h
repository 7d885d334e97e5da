/* Calibrate's state, shared between its source files only. */
#ifndef LAB_CALIBRATE_INSIDE_H
#define LAB_CALIBRATE_INSIDE_H

#include <signal.h>

#include "lab/calibrate.h"
#include "lab/progress.h"
#include "lab/subprocess.h"
#include "results/record.h"

struct lab {
	const struct calibrate_options *options;
	struct calibrate_data *data;
	struct subprocess origin;
	struct subprocess cell; /* the one that runs */
	struct progress progress;
	char url[256];
	char *sumsq;
	char *fetch;
	uint64_t job[CALIBRATE_CELLS]; /* squares of a sum, by cell */
	uint64_t random;
};

/* Set by the first Ctrl-C: the running cell is told, and no other begins. */
extern volatile sig_atomic_t calibrate_interrupted;

/* From here on Ctrl-C ends the measuring, and a second one the program. */
void calibrate_catch_signals(void);

/* The origin on its CPU; lab->url is where it listens. Ends the program when it does not start. */
void calibrate_start_origin(struct lab *lab);
void calibrate_stop_origin(struct lab *lab);

/* Chooses the sums by how many squares a cell's length holds, and the slowed ones by those. */
void calibrate_choose_jobs(struct lab *lab);

/* Run one cell: its seconds, its fetches a second, its median latency in us. NAN: interrupted. */
double calibrate_run_sums(struct lab *lab, enum calibrate_cell cell);
double calibrate_run_fetches(struct lab *lab);
double calibrate_run_delay(struct lab *lab, enum calibrate_wait wait, unsigned delay);

/* How long a latency's cell runs. */
uint64_t calibrate_delay_cell_ns(const struct calibrate_options *options, unsigned delay);

#endif
