/* The report for machines: what the page's tables and pictures show. */
#ifndef RESULTS_REPORT_JSON_H
#define RESULTS_REPORT_JSON_H

#include <jansson.h>

#include "results/picture.h"
#include "results/run_files.h"

#define REPORT_SCHEMA_VERSION 1

/*
 * The run, its cells' figures with intervals, effects and verdicts, its floors, flags and
 * pictures (`drawn`: they are there). What is not known is absent. NULL when memory is out.
 */
json_t *report_json(const struct run_files *files, const struct pictures *pictures, bool drawn);

/* The pictures alone: names of the files, what is drawn. NULL when memory is out. */
json_t *pictures_json(const struct pictures *pictures);

#endif
