/*
 * The fields of a CSV after RFC 4180, one after another out of bytes in memory: quotes, line ends
 * and cut ends, and nothing of what the fields mean.
 */
#ifndef RESULTS_CSV_FIELDS_H
#define RESULTS_CSV_FIELDS_H

#include <locale.h>
#include <stdbool.h>
#include <stddef.h>

struct csv_fields {
	char *at;
	char *end;   /* *end is there, and is NUL */
	size_t line; /* of the next byte, from 1 */
};

enum csv_field {
	CSV_MORE,  /* others follow on the line */
	CSV_LAST,  /* of its line */
	CSV_CUT,   /* the bytes end before the line does */
	CSV_WRONG, /* not of the form: *what says what */
};

/*
 * The next field, at least one byte being left or the last answer CSV_MORE: *text is it, without
 * its quotes and with a NUL behind it, in place. After CSV_CUT and CSV_WRONG there is no text and
 * no going on.
 */
enum csv_field csv_next(struct csv_fields *fields, char **text, const char **what);

/*
 * The double nearest to a decimal number: "-12.5e-3" and the like, no sign before it but minus, no
 * space, no hex, no infinity. False when it is none; *value may be infinite when it is too large.
 * c_locale is the locale "C".
 */
bool csv_decimal(const char *text, locale_t c_locale, double *value);

#endif
