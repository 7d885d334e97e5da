/* The parts of the report, shared between its source files only. */
#ifndef RESULTS_REPORT_INSIDE_H
#define RESULTS_REPORT_INSIDE_H

#include "results/report.h"

/* A table of each workload with all cells, and of all comparisons with their verdicts. */
void report_cells(const struct summary *summary, FILE *file);
void report_verdicts(const struct summary *summary, FILE *file);
void report_floors(const struct run_files *files, FILE *file);

/* The rows that failed, were cut short or are flagged, and what the flags mean. */
void report_flags(const struct run_files *files, FILE *file);

/* The host: what doctor holds against it, and its facts. */
void report_host(const struct report_input *input, FILE *file);

/* The commands to do it again, to go on with it and to compare it. */
void report_again(const struct run_files *files, FILE *file);

/* "16 connections, bodies of 24 B" of a workload. */
void report_workload(const struct summary *summary, const struct summary_group *group, FILE *file);

#endif
