/*
 * What the CSV writer and reader share with each other, and the reader over bytes in memory that
 * the fuzzer drives. Users of records need only record.h.
 */
#ifndef RESULTS_RECORD_CSV_H
#define RESULTS_RECORD_CSV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "results/record.h"

/* Room for any double as record_format_real() writes it. */
#define RECORD_REAL_SIZE 32

/*
 * A finite number with the fewest of 15, 16 or 17 significant digits that read back as the same
 * double; a point whatever the locale.
 */
void record_format_real(double value, char text[static RECORD_REAL_SIZE]);

/* A text as one field, in quotes where it must be. */
void record_write_csv_text(FILE *file, const char *text);

/* Reads fd from its start to its end; *bytes (with a NUL behind) is the caller's to free. */
int record_read_all(int fd, char **bytes, size_t *length);

/*
 * Makes a file with these bytes, where there is none: it comes to be whole, so that a kill leaves
 * no empty one behind. 0, or -errno when there is one or this file system cannot do it, and then
 * nothing was made.
 */
int record_csv_begin(const char *path, const char *text, size_t length);

/* As record_visit_csv(), over `length` bytes; `name` stands in the messages for the file. */
int record_visit_bytes(const char *name, const char *bytes, size_t length,
		       const struct record_visitor *visitor, size_t *cut_line, char *why,
		       size_t why_size);
/* As record_read_csv(), likewise. */
int record_parse_csv(const char *name, const char *bytes, size_t length, struct record **records,
		     size_t *count, bool *cut, char *why, size_t why_size);

#endif
