/* What the pictures' source files share with each other only. */
#ifndef RESULTS_PICTURE_INSIDE_H
#define RESULTS_PICTURE_INSIDE_H

#include "results/picture.h"

/* Columns that may be an x axis, by kind of row; RECORD_COLUMNS ends them. */
extern const enum record_column *const picture_axes[RECORD_KINDS];

/* A column of a cell as a coordinate; NAN when empty. */
double picture_coordinate(const struct summary_cell *cell, enum record_column column);

/*
 * The cells for which the column is a factor, as points with x and label ("load/epoll"), in the
 * order of the summary. points[] has room for all cells. Returns how many, or -ENOMEM.
 */
long picture_find_factor(const struct summary *summary, enum record_column column,
			 struct picture_point *points);

/* Adds the units of a summary's cells. 0 or -ENOMEM. */
int picture_add_units(struct pictures *pictures, const struct summary *summary);

/* A column's name and its unit on an axis: "throughput, k/s". `largest` chooses the prefix. */
struct picture_scale {
	double factor; /* the column's unit is divided by this */
	char label[96];
};
struct picture_scale picture_scale(enum record_column column, double largest);

/* What a column is called in pictures. */
const char *picture_column_name(enum record_column column);

/* A coordinate as a tick has it: "64", "10k", "5 ms". Returns `text`. */
const char *picture_tick(double value, const char *unit, char text[static 32]);

/*
 * Writes a text in gnuplot's single quotes, in which nothing has a meaning but the quote itself.
 * What would not survive in an SVG (control characters, bytes that are not UTF-8, "]]>") is
 * replaced.
 */
void gnuplot_quote(FILE *file, const char *text);

/* The smallest and the largest of what is drawn of a column, intervals included. */
struct picture_range {
	double least; /* INFINITY when nothing is drawn */
	double least_positive;
	double most;
};
void picture_reach(struct picture_range *range, double value);

/* For picture_script.c, which starts and ends the script. */
void picture_write_rows(const struct picture *picture, FILE *file);
void picture_write_spread(const struct picture *picture, FILE *file);
void picture_write_lines(const struct picture *picture, FILE *file);
void picture_write_terminal(const struct picture *picture, FILE *file, unsigned width,
			    unsigned height);
/* Ticks of 1, 2, 5 or of powers of ten; labels as picture_tick(), or plain without a unit. */
void picture_write_log_ticks(FILE *file, char axis, const char *unit, double low, double high);
void picture_write_axis(FILE *file, char axis, const struct picture_range *range, double factor,
			bool log);

#endif
