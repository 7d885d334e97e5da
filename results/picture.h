/*
 * Which pictures a run is worth, and each as a script for gnuplot with its data inside, so that
 * whoever has the folder can change its looks. What is drawn are the summaries' medians and 95 %
 * intervals; nothing is worked out here.
 *
 * A numeric factor with three values or more becomes an x axis: a column of the row that goes with
 * one part of the cells' names ("load/epoll/64"), one to one. Its cells are lines, one for each
 * combination of the other parts. All other cells are drawn workload by workload, a row each.
 */
#ifndef RESULTS_PICTURE_H
#define RESULTS_PICTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "results/summary.h"

/* More lines in one picture nobody tells apart; they go into several pictures. */
#define PICTURE_LINES_MAX 8
/* Fewer values of a factor make no line. */
#define PICTURE_VALUES_LEAST 3
/* A run whose pictures nobody would look through: no more are made, and `left_out` counts them. */
#define PICTURES_MAX	   200
#define PICTURE_PANELS_MAX 4
#define PICTURE_NAME_SIZE  96

struct picture_point {
	const struct summary_cell *cell;
	char *label; /* of its row or line: the cell's name without what all here share */
	double x;    /* NAN without an x axis */
	size_t line;
	size_t part; /* of the name that x is, from 0 */
};

/* Cells that are drawn together, in several pictures. */
struct picture_unit {
	const struct summary *summary;
	char title[160];
	bool lines;		      /* or else rows */
	enum record_column x;	      /* of lines */
	struct picture_point *points; /* lines: ascending by line, then x */
	size_t count;
	size_t line_count;
};

enum picture_form {
	PICTURE_ROWS,	/* one figure, and beside it the ratios to the baseline */
	PICTURE_SPREAD, /* several figures in one, a mark each: percentiles */
	PICTURE_LINES	/* a panel a figure */
};

struct picture {
	enum picture_form form;
	const struct picture_unit *unit;
	const char *figure; /* "throughput" */
	enum record_column columns[PICTURE_PANELS_MAX];
	size_t column_count;
	char name
		[PICTURE_NAME_SIZE]; /* of its files, without ".gp" and ".svg"; unique in the run */
};

struct pictures {
	struct picture_unit *units;
	size_t unit_count;
	struct picture *pictures; /* unit by unit */
	size_t count;
	size_t left_out;
};

/*
 * The pictures of summaries (FETCH, SUMSQ, NAP; without cells they have none), which must outlive
 * them. 0, to be released with pictures_release(), or -ENOMEM.
 */
int pictures_make(const struct summary *const *summaries, size_t count, struct pictures *pictures);
/* Also takes a zeroed struct. */
void pictures_release(struct pictures *pictures);

/* The script: it writes NAME.svg into the folder that gnuplot is run in. 0 or -EIO. */
int picture_write_script(const struct picture *picture, FILE *file);

/* What all cells of the unit share but for x: "16 connections, bodies of 24 B"; "" if nothing. */
void picture_context(const struct picture_unit *unit, char *text, size_t size);

/* What is drawn in a line of text: "waiting: throughput". Returns `text`. */
const char *picture_caption(const struct picture *picture, char *text, size_t size);

#endif
