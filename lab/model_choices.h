/*
 * The variants of a model as typed, "defer,napi:20us": read against the model's own table, so
 * that parsing, help and what is recorded cannot drift apart.
 */
#ifndef LAB_MODEL_CHOICES_H
#define LAB_MODEL_CHOICES_H

#include <stddef.h>
#include <stdio.h>

#include "kernels/fetch/model.h"

/*
 * Reads text, names with commas, each perhaps with :VALUE. Returns 0, or -EINVAL with one line in
 * why that names what is wrong and what may have been meant.
 */
int model_choices_parse(const struct model *model, const char *text, struct model_choices *choices,
			char *why, size_t why_size);

/* What there is, a line each, and how to combine it; nothing for a model without variants. */
void model_choices_print_help(const struct model *model, FILE *file);

#endif
