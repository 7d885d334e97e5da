/*
 * The lab's side of the naps: it watches them, stamps each and prints the study's lines as they
 * happen, and makes the row at the end.
 */
#ifndef LAB_NAP_RUN_H
#define LAB_NAP_RUN_H

#include "lab/nap_options.h"
#include "lab/status.h"

/*
 * Runs the model, prints and writes what the options ask for; returns the exit status. started_ns:
 * when main began, CLOCK_MONOTONIC. Ends the program with one line when this host cannot do it.
 */
enum status nap_run(const struct nap_model *model, struct nap_options *options,
		    uint64_t started_ns);

#endif
