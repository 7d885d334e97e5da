/* Reading conditions and applying them to cells. */
#include "lab/plan_terms.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lab/plan_values.h"
#include "lab/units.h"

enum operation { EQUAL, UNEQUAL, LESS, AT_MOST, MORE, AT_LEAST };

struct term {
	char key[64];
	enum operation operation;
	char value[256];
};

/* Longest first: "<=" is not "<". */
static const struct {
	const char *sign;
	enum operation operation;
} signs[] = {
	{"!=", UNEQUAL}, {"<=", AT_MOST}, {">=", AT_LEAST}, {"=", EQUAL}, {"<", LESS}, {">", MORE},
};

/* The next term of *at, which is moved on: 1, 0 at the end, -EINVAL when it is none. */
static int next_term(const char **at, struct term *term)
{
	const char *from = *at + strspn(*at, " \t");
	size_t length = strcspn(from, " \t");
	size_t key = strcspn(from, "=!<> \t");

	if (length == 0)
		return 0;
	*at = from + length;
	snprintf(term->value, sizeof(term->value), "%.*s", (int)length, from); /* for the message */
	if (key == 0 || key >= sizeof(term->key) || length >= sizeof(term->value))
		return -EINVAL;
	for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++) {
		size_t sign = strlen(signs[i].sign);

		if (strncmp(from + key, signs[i].sign, sign) != 0)
			continue;
		if (key + sign >= length)
			return -EINVAL;
		term->operation = signs[i].operation;
		snprintf(term->key, sizeof(term->key), "%.*s", (int)key, from);
		snprintf(term->value, sizeof(term->value), "%.*s", (int)(length - key - sign),
			 from + key + sign);
		return 1;
	}
	return -EINVAL;
}

/* What a key's values are. A command's own keys tell by their looks. */
static enum option_kind kind_of(const struct plan_section *section, const struct term *term)
{
	static const enum option_kind numbers[] = {OPTION_COUNT, OPTION_SIZE, OPTION_DURATION};
	bool passed;
	const struct option_row *row = plan_kind_row(section->kind, term->key, &passed);
	uint64_t number;

	if (row)
		return row->kind;
	for (size_t i = 0; i < 3; i++)
		if (plan_values_number(term->value, numbers[i], &number) == 0)
			return numbers[i];
	return OPTION_TEXT;
}

/* As plan_values_number(), and "80%", which is a count of hundred-thousandths. */
static int read_number(const char *text, enum option_kind kind, uint64_t *number)
{
	double share;

	if (kind != OPTION_COUNT || !plan_share(text, &share))
		return plan_values_number(text, kind, number);
	*number = (uint64_t)(share * 1e5 + 0.5);
	return 0;
}

static bool is_number(enum option_kind kind)
{
	return kind == OPTION_COUNT || kind == OPTION_SIZE || kind == OPTION_DURATION;
}

static int check_term(const struct plan_section *section, const struct term *term, char *why,
		      size_t why_size)
{
	bool passed;
	const struct option_row *row = plan_kind_row(section->kind, term->key, &passed);
	enum option_kind kind = kind_of(section, term);
	uint64_t number;

	if (!row && !plan_section_key(section, term->key)) {
		const char *nearest = plan_kind_nearest(section->kind, term->key);

		snprintf(why, why_size, "the section has no key '%s'%s%s%s", term->key,
			 nearest ? "; did you mean " : "", nearest ? nearest : "",
			 nearest ? "?" : "");
		return -EINVAL;
	}
	if (is_number(kind)) {
		bool word = row && row->zero && strcmp(row->zero, term->value) == 0;

		if ((word && term->operation <= UNEQUAL) ||
		    read_number(term->value, kind, &number) == 0)
			return 0;
		snprintf(why, why_size, "%s: '%s' is not a %s", term->key, term->value,
			 kind == OPTION_COUNT  ? "whole number"
			 : kind == OPTION_SIZE ? "size"
					       : "duration");
		return -EINVAL;
	}
	if (term->operation > UNEQUAL) {
		snprintf(why, why_size, "%s is not a number: it can be = or != only", term->key);
		return -EINVAL;
	}
	return row ? plan_kind_value(section->kind, row, term->value, &number, why, why_size) : 0;
}

int plan_terms_check(const struct plan_section *section, const char *terms, char *why,
		     size_t why_size)
{
	struct term term;
	unsigned count = 0;
	int more;

	for (; (more = next_term(&terms, &term)) > 0; count++) {
		int err = check_term(section, &term, why, why_size);

		if (err)
			return err;
	}
	if (more == 0 && count > 0)
		return 0;
	snprintf(why, why_size,
		 "'%s' is not a term such as connections>64; terms have no blanks inside",
		 count || more ? term.value : "");
	return -EINVAL;
}

static bool holds(const struct term *term, enum option_kind kind, const char *value)
{
	uint64_t a = 0, b = 0;
	int order;

	if (is_number(kind) && read_number(value, kind, &a) == 0 &&
	    read_number(term->value, kind, &b) == 0) {
		order = (a > b) - (a < b);
	} else if (is_number(kind) && term->operation > UNEQUAL) {
		return false; /* a word such as "all" is neither less nor more */
	} else {
		order = strcmp(value, term->value);
	}
	switch (term->operation) {
	case EQUAL:
		return order == 0;
	case UNEQUAL:
		return order != 0;
	case LESS:
		return order < 0;
	case AT_MOST:
		return order <= 0;
	case MORE:
		return order > 0;
	case AT_LEAST:
		break;
	}
	return order >= 0;
}

bool plan_terms_hold(const struct plan_cell *cell, const char *terms)
{
	struct term term;

	while (next_term(&terms, &term) > 0) {
		const char *value = plan_value(cell, term.key);

		if (!value || !holds(&term, kind_of(cell->section, &term), value))
			return false;
	}
	return true;
}

/* The cell whose name, with or without its section's label, is nearest; or the first one. */
static const struct plan_cell *nearest_cell(const struct plan_cell *cells, unsigned count,
					    const char *typed)
{
	const char **names = calloc(2 * (size_t)count, sizeof(*names));
	const char *nearest = NULL;
	size_t at = 0;

	for (size_t i = 0; names && i < count; i++) {
		const char *tail = strchr(cells[i].name, '/');

		names[2 * i] = cells[i].name;
		names[2 * i + 1] = tail ? tail + 1 : cells[i].name;
	}
	if (names)
		nearest = units_nearest(typed, names, 2 * (size_t)count);
	while (nearest && names[2 * at] != nearest && names[2 * at + 1] != nearest)
		at++;
	free(names);
	return &cells[at];
}

void plan_terms_suggest(const struct plan_cell *cells, unsigned count, const char *typed,
			char *text, size_t size)
{
	const struct plan_cell *cell = nearest_cell(cells, count, typed);
	const struct plan_section *section = cell->section;
	bool command = section->kind == PLAN_COMMAND;
	unsigned factors = 0;
	size_t used = (size_t)snprintf(text, size, "for %s write baseline =", cell->name);

	if (!command && used < size)
		used += (size_t)snprintf(text + used, size - used, " model=%s", plan_model(cell));
	for (unsigned k = 0; k < section->key_count && used < size; k++) {
		const struct plan_key *key = &section->keys[k];

		if (key->values.count < 2 || !cell->values[k] || strcmp(key->name, "model") == 0 ||
		    strcmp(key->name, "skip") == 0 || strcmp(key->name, "baseline") == 0)
			continue;
		factors++;
		used += (size_t)snprintf(text + used, size - used, " %s=%s", key->name,
					 cell->values[k]);
	}
	if (command && !factors && used < size)
		snprintf(text + used, size - used, " %s", plan_model(cell));
}
