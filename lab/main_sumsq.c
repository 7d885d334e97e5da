/*
 * sumsq-serial, sumsq-threads and sumsq-processes: sums of squares, alone or on a pinned pool.
 * The build compiles this once for each, with SUMSQ_PLACE saying which.
 */
#include "lab/sumsq_options.h"
#include "lab/sumsq_report.h"
#include "lab/sumsq_run.h"

int main(int argc, char **argv)
{
	struct sumsq_options options;
	struct sumsq_run run;

	sumsq_options_read(&options, SUMSQ_PLACE, argc, argv);
	sumsq_run_start(&run, &options);
	sumsq_run_measure(&run);
	return sumsq_report(&run);
}
