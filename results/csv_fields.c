/* Fields are taken apart in place: a field only gets shorter, so nothing is copied. */
#include "results/csv_fields.h"

#include <stdint.h>
#include <stdlib.h>

/* What ends a field that has no quotes, or must not be in one. */
static const bool ends_field[256] = {
	[0] = true, [','] = true, ['"'] = true, ['\r'] = true, ['\n'] = true};

/* Looks behind a field at *end: comma, newline or CR LF; the field's NUL goes over it. */
static enum csv_field end_field(struct csv_fields *fields, char *end, char *text_end)
{
	char *next = end;

	if (*next == ',') {
		fields->at = next + 1;
		*text_end = '\0';
		return CSV_MORE;
	}
	if (next < fields->end && *next == '\r')
		next++;
	if (next == fields->end)
		return CSV_CUT;
	if (*next != '\n')
		return CSV_WRONG;
	fields->at = next + 1;
	*text_end = '\0';
	fields->line++;
	return CSV_LAST;
}

/* Takes the quotes off. */
static enum csv_field quoted(struct csv_fields *fields, char **text, const char **what)
{
	char *to = fields->at;
	char *from = fields->at + 1;
	size_t newlines = 0;
	enum csv_field field;

	*text = to;
	for (;; from++) {
		if (from == fields->end) {
			*what = "a quote is opened and never closed";
			return newlines ? CSV_WRONG : CSV_CUT;
		}
		if (*from == '"') {
			from++;
			if (from == fields->end || *from != '"')
				break;
		}
		if (*from == '\0') {
			*what = "a NUL byte";
			return CSV_WRONG;
		}
		newlines += *from == '\n';
		*to++ = *from;
	}
	field = end_field(fields, from, to);
	if (field == CSV_WRONG)
		*what = "text after a closing quote";
	fields->line += newlines;
	return field;
}

enum csv_field csv_next(struct csv_fields *fields, char **text, const char **what)
{
	char *from = fields->at;
	enum csv_field field;

	if (*from == '"')
		return quoted(fields, text, what);
	while (!ends_field[(unsigned char)*from])
		from++;
	*text = fields->at;
	field = end_field(fields, from, from);
	if (field == CSV_WRONG)
		*what = "a quote, a NUL byte or a lone carriage return in a field without quotes";
	return field;
}

/* Powers of ten that a double holds exactly. */
static const double tens[] = {1e0,  1e1,  1e2,	1e3,  1e4,  1e5,  1e6,	1e7,
			      1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
			      1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/* Digits from *text on, added to *number; how many. More than 19 do not fit: *number is wrong. */
static size_t take_digits(const char **text, uint64_t *number)
{
	const char *from = *text;

	while (**text >= '0' && **text <= '9')
		*number = *number * 10 + (uint64_t)(*(*text)++ - '0');
	return (size_t)(*text - from);
}

/*
 * A number whose digits fit 53 bits is one exact division away from its double (Clinger 1990);
 * that is nearly all of them, and strtod() takes four times as long.
 */
bool csv_decimal(const char *text, locale_t c_locale, double *value)
{
	const char *at = text + (*text == '-');
	uint64_t number = 0;
	uint64_t ignored = 0;
	size_t whole = take_digits(&at, &number);
	size_t fraction = 0;

	if (whole > 0 && *at == '.') {
		at++;
		fraction = take_digits(&at, &number);
		if (fraction == 0)
			return false;
	}
	if (whole > 0 && !*at && whole + fraction <= 19 && number <= UINT64_C(1) << 53) {
		*value = (double)number / tens[fraction];
		if (*text == '-')
			*value = -*value;
		return true;
	}
	if (whole > 0 && (*at == 'e' || *at == 'E')) {
		at++;
		at += *at == '-' || *at == '+';
		if (take_digits(&at, &ignored) == 0)
			return false;
	}
	if (whole == 0 || *at)
		return false;
	*value = strtod_l(text, NULL, c_locale);
	return true;
}
