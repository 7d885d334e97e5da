/* Parsing of counts, sizes and durations: strict, because a misread unit is a wrong figure. */
#include "lab/units.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

/* Reads digits; *end is the first character that is none. */
static int read_digits(const char *text, uint64_t *value, const char **end)
{
	uint64_t sum = 0;
	const char *p = text;

	for (; *p >= '0' && *p <= '9'; p++) {
		if (__builtin_mul_overflow(sum, 10, &sum) ||
		    __builtin_add_overflow(sum, (uint64_t)(*p - '0'), &sum))
			return -ERANGE;
	}
	if (p == text)
		return -EINVAL;
	*value = sum;
	*end = p;
	return 0;
}

int units_count(const char *text, uint64_t *value)
{
	const char *end;
	uint64_t number;
	int err = read_digits(text, &number, &end);

	if (err)
		return err;
	if (*end)
		return -EINVAL;
	*value = number;
	return 0;
}

int units_size(const char *text, uint64_t *bytes)
{
	static const char suffixes[] = "kmg";
	const char *end;
	uint64_t number;
	int err = read_digits(text, &number, &end);

	if (err)
		return err;
	if (*end) {
		const char *suffix = strchr(suffixes, tolower((unsigned char)*end));

		if (!suffix || end[1])
			return -EINVAL;
		uint64_t scale = 1ULL << (10 * (suffix - suffixes + 1));
		if (__builtin_mul_overflow(number, scale, &number))
			return -ERANGE;
	}
	*bytes = number;
	return 0;
}

static int duration_scale(const char *unit, uint64_t *scale)
{
	static const struct {
		const char *name;
		uint64_t ns;
	} scales[] = {
		{"", 1000000000}, {"ns", 1},	     {"us", 1000},
		{"ms", 1000000},  {"s", 1000000000}, {"m", 60000000000},
	};

	for (size_t i = 0; i < sizeof(scales) / sizeof(scales[0]); i++) {
		if (strcmp(unit, scales[i].name) == 0) {
			*scale = scales[i].ns;
			return 0;
		}
	}
	return -EINVAL;
}

int units_duration(const char *text, uint64_t *ns)
{
	uint64_t whole, fraction = 0, divisor = 1, scale, total;
	const char *end;
	int err = read_digits(text, &whole, &end);

	if (err)
		return err;
	if (*end == '.') {
		const char *digits = ++end;

		for (; *end >= '0' && *end <= '9'; end++) {
			if (end - digits >= 9)
				continue; /* below a nanosecond in any unit but minutes */
			fraction = fraction * 10 + (uint64_t)(*end - '0');
			divisor *= 10;
		}
		if (end == digits)
			return -EINVAL;
	}
	err = duration_scale(end, &scale);
	if (err)
		return err;
	if (__builtin_mul_overflow(whole, scale, &total) ||
	    __builtin_add_overflow(total, (uint64_t)((__uint128_t)fraction * scale / divisor),
				   &total))
		return -ERANGE;
	*ns = total;
	return 0;
}

#define NAME_MAX_LENGTH 48

/* Levenshtein's distance (Wagner & Fischer 1974), one row kept. */
static size_t edit_distance(const char *a, const char *b)
{
	size_t row[NAME_MAX_LENGTH + 1];
	size_t length = strlen(b);

	if (length > NAME_MAX_LENGTH)
		return SIZE_MAX;
	for (size_t j = 0; j <= length; j++)
		row[j] = j;
	for (size_t i = 1; a[i - 1]; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= length; j++) {
			size_t best = diagonal + (a[i - 1] != b[j - 1]);

			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			diagonal = row[j];
			row[j] = best;
		}
	}
	return row[length];
}

const char *units_nearest(const char *text, const char *const *names, size_t count)
{
	const char *nearest = NULL;
	size_t least = strlen(text) / 2 + 1; /* farther than half the word is no misprint */

	for (size_t i = 0; i < count; i++) {
		size_t distance = edit_distance(text, names[i]);

		if (distance < least) {
			least = distance;
			nearest = names[i];
		}
	}
	return nearest;
}
