/*
 * What a run leaves to look at: its pictures, by gnuplot, and report.html. Made from the folder's
 * files alone.
 */
#ifndef LAB_RUN_PAGES_H
#define LAB_RUN_PAGES_H

#include <stddef.h>

#include "results/picture.h"
#include "results/run_files.h"

/*
 * Writes NAME.gp and, by gnuplot, NAME.svg for each picture into the folder. *cpu_s is what
 * gnuplot needed. A picture is whole or is not there. Returns 0, or with one line in why -ENOENT
 * (there is no gnuplot; the scripts are there), -EIO (it failed, or a picture could not be written
 * to its end) or another -errno.
 */
int run_pages_draw(const char *folder, const struct pictures *pictures, double *cpu_s, char *why,
		   size_t why_size);

/*
 * Writes report.html with the pictures that are in the folder; `missing` is told instead of those
 * that are not, NULL when there is nothing to tell. Returns 0, or -errno with one line in why.
 */
int run_pages_report(const struct run_files *files, const struct pictures *pictures,
		     const char *missing, char *why, size_t why_size);

/*
 * For the commands: reads the run's folder and decides on its pictures. Ends the program with one
 * line and STATUS_USAGE when it is no run's folder or of another schema version.
 */
void run_pages_read(const char *folder, struct run_files *files, struct pictures *pictures);

/*
 * Both, at the end of a run, of its rows and summaries (fetch, sumsq, nap), with one line on stdout
 * of what was made. Returns 0, or -errno when something could not be written, after a warning. That
 * there is no gnuplot is warned of, and is no error.
 */
int run_pages_make(const char *folder, struct record *records, size_t count,
		   struct summary *const summaries[RUN_FILES_SUMMARIES]);

#endif
