/* What calibrate prints. */
#ifndef LAB_CALIBRATE_REPORT_H
#define LAB_CALIBRATE_REPORT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "lab/calibrate.h"

#define CALIBRATE_SCHEMA_VERSION 3

/* For people. 0 or -errno. */
int calibrate_print(const struct calibrate_data *data, const struct calibrate_findings *findings,
		    FILE *file, bool color);

/* For machines, with every measured value; NULL when memory is out. */
json_t *calibrate_json(const struct calibrate_data *data,
		       const struct calibrate_findings *findings);

#endif
