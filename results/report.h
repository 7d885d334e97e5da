/*
 * report.html: one file that says what was asked, of which host, what came out and how surely, and
 * how to do it again. Nothing is loaded and no script runs: it can be mailed, printed and kept.
 */
#ifndef RESULTS_REPORT_H
#define RESULTS_REPORT_H

#include <stdio.h>

#include "results/picture.h"
#include "results/run_files.h"

struct report_input {
	const struct run_files *files;
	const struct pictures *pictures; /* inline where the folder has NAME.svg */
	const char *missing;		 /* why there are none, NULL when there are */
	/* What `iolab doctor --json` calls findings, of the host's facts; NULL: not known. */
	const json_t *findings;
};

/* 0 or -EIO. */
int report_write(const struct report_input *input, FILE *file);

#endif
