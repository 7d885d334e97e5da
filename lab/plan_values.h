/*
 * The values of a factor, from what stands behind the '=': split at commas, a value with commas of
 * its own in double quotes, and ranges. A range goes on from the terms before it up to its end,
 * which it must hit: "1, 2 … 8" adds, since two terms tell no more than a difference;
 * "1, 2, 4 … 1024" multiplies, since three do. "..." is as good as "…".
 */
#ifndef LAB_PLAN_VALUES_H
#define LAB_PLAN_VALUES_H

#include <stddef.h>
#include <stdint.h>

#include "lab/options.h"

struct plan_values {
	char **items;
	size_t count;
};

/*
 * Adds the values in `text` to *values, no more than `most` in all. `kind` tells what the terms of
 * a range are; in a text they are counts, and dots between other words mean nothing. Returns 0, or
 * -EINVAL or -ENOMEM with one line in why. Release with plan_values_release() in either case.
 */
int plan_values_split(struct plan_values *values, const char *text, enum option_kind kind,
		      size_t most, char *why, size_t why_size);

/* Adds one value as it stands. 0 or -ENOMEM. */
int plan_values_add(struct plan_values *values, const char *text);
void plan_values_release(struct plan_values *values);

/* Reads a count, size (bytes) or duration (ns) by kind; 0, -EINVAL or -ERANGE. */
int plan_values_number(const char *text, enum option_kind kind, uint64_t *number);

#endif
