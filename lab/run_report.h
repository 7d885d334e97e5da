/* What a run ends with: its summaries in its folder, and its matrix or programs on the terminal. */
#ifndef LAB_RUN_REPORT_H
#define LAB_RUN_REPORT_H

#include "lab/plan.h"
#include "lab/run_folder.h"
#include "lab/runner.h"
#include "results/trust.h"

/*
 * Writes summary.csv, programs.csv and report.txt, prints the report, and adds the summaries'
 * claims to *trust. Ends the program with one line and STATUS_FAILED when one of them cannot be
 * written; returns what run_pages_make() does, whose pages come last.
 */
int run_report(const struct plan *plan, const struct run_folder *folder,
	       const struct runner_outcome *outcome, struct trust *trust);

#endif
