/*
 * What a plan's sections may hold. The keys of a workload are the options of its executable, from
 * the very table that the executable parses its command line by, and a few keys of the plan's own.
 */
#ifndef LAB_PLAN_KINDS_H
#define LAB_PLAN_KINDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "lab/options.h"

enum plan_kind {
	PLAN_FETCH,
	PLAN_SUMSQ,
	PLAN_NAP,
	PLAN_COMMAND,
	PLAN_WORKLOADS, /* the kinds before this one make cells */
	PLAN_EXPERIMENT = PLAN_WORKLOADS,
	PLAN_ORIGIN,
	PLAN_KINDS
};

/* "fetch", "sumsq", ... */
extern const char *const plan_kind_names[PLAN_KINDS];

/*
 * Whether the key is the model's own (`uring = sqpoll,fixed`): the option that only that one
 * executable has, and which means nothing to the others.
 */
bool plan_kind_models_own(enum plan_kind kind, const char *key);

/*
 * The row of a key, NULL when sections of that kind have none of that name. *passed is set when
 * it is an option of the executable, to be passed on to it.
 */
const struct option_row *plan_kind_row(enum plan_kind kind, const char *key, bool *passed);

/* The keys of the plan's own, which are no options of an executable, and what they mean. */
const struct option_row *plan_kind_own(enum plan_kind kind, size_t *count);

/* All sections with their keys, and how values are written. */
void plan_kind_print_help(FILE *file);

/* The name of such a key that is nearest to what was typed, or NULL. */
const char *plan_kind_nearest(enum plan_kind kind, const char *typed);

/* Whether the key takes its value as it stands, commas and all, and makes no factor. */
bool plan_kind_whole(enum plan_kind kind, const char *key);

/*
 * Whether a value may stand for that key: 0, or -EINVAL with what is wrong in why. *number gets
 * what options_value() says, and 1 or 0 for a flag's yes or no; it is left alone for a text.
 */
int plan_kind_value(enum plan_kind kind, const struct option_row *row, const char *text,
		    uint64_t *number, char *why, size_t why_size);

#endif
