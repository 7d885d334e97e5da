/* What a sumsq program says in the end: the sums for people, the record for everything else. */
#ifndef LAB_SUMSQ_REPORT_H
#define LAB_SUMSQ_REPORT_H

#include "lab/sumsq_run.h"

/*
 * Prints the sums, writes the record where the options want it, releases the run, and returns the
 * program's exit status: STATUS_DONE, STATUS_INTERRUPTED, or STATUS_FAILED with one line when it
 * cannot write.
 */
int sumsq_report(struct sumsq_run *run);

#endif
