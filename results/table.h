/*
 * Text tables for people, and numbers as people read them: three significant digits and a unit.
 * Widths are counted in terminal columns, so that "µs" and box-drawing align.
 */
#ifndef RESULTS_TABLE_H
#define RESULTS_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define TABLE_EMPTY	"–" /* what stands where there is nothing to show */
#define TABLE_TEXT_SIZE 64  /* room for any number below */

/* Terminal columns of a UTF-8 text; a byte that is not UTF-8 counts as one. */
size_t table_width(const char *text);

/* Whether to use colour on such a file: never when NO_COLOR is set to anything but "". */
bool table_color(bool is_terminal);

/*
 * Numbers, three significant digits; "–" for NAN. Units are those of record.def: "s", "us", "ns"
 * are shown in whatever of ns, µs, ms, s fits; "1/s" and "B" with k, M, G ("205 k/s"); any other
 * unit is put behind as it is. Nothing of a known unit is "0". All return `text`.
 */
const char *table_number(double value, const char *unit, char text[static TABLE_TEXT_SIZE]);
/* 0.123 as "12.3 %". */
const char *table_percent(double share, char text[static TABLE_TEXT_SIZE]);
/* "[3.17, 3.19]" in the unit that table_number() gives `value`; "–" without an interval. */
const char *table_interval(double value, double low, double high, const char *unit,
			   char text[static TABLE_TEXT_SIZE]);
/* The same with so many significant digits, where there is no room for three. */
const char *table_interval_of(double value, double low, double high, const char *unit, int digits,
			      char text[static TABLE_TEXT_SIZE]);
/*
 * A ratio with its interval, all three with the same decimals: "1.93 [1.91, 1.95]", and near 1,
 * where the third digit is what it is about, "1.041 [1.022, 1.060]". Without an interval the
 * ratio alone.
 */
const char *table_ratio(double ratio, double low, double high, char text[static TABLE_TEXT_SIZE]);

enum table_side { TABLE_LEFT, TABLE_RIGHT };

/* Writes text, padded with spaces to `width` columns, cut with an ellipsis if it is longer. */
void table_put(FILE *file, const char *text, size_t width, enum table_side side);

struct table;

/* A table of so many columns, one at least; NULL when memory is out. */
struct table *table_new(size_t columns);
void table_free(struct table *table);

/* Headings from left to right, then cells, row by row. NULL or "" is shown as "–". Copies. */
void table_heading(struct table *table, const char *text, enum table_side side);
void table_cell(struct table *table, const char *text);

/*
 * Writes it, columns two spaces apart, a rule below the headings, each line `indent` spaces in;
 * headings bold with colour. 0, -ENOMEM when memory ran out on the way, or -EIO.
 */
int table_write(const struct table *table, FILE *file, size_t indent, bool color);

#endif
