/* Splitting values and going on with ranges: see plan_values.h. */
#include "lab/plan_values.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lab/units.h"

#define ELLIPSIS "…"
#define DOTS	 "..."

int plan_values_add(struct plan_values *v, const char *text)
{
	/* Room is made in powers of two. */
	bool full = (v->count & (v->count - 1)) == 0;
	char **grown =
		full ? realloc(v->items, (v->count ? 2 * v->count : 1) * sizeof(*grown)) : v->items;

	if (!grown)
		return -ENOMEM;
	v->items = grown;
	grown[v->count] = strdup(text);
	if (!grown[v->count])
		return -ENOMEM;
	v->count++;
	return 0;
}

void plan_values_release(struct plan_values *v)
{
	for (size_t i = 0; i < v->count; i++)
		free(v->items[i]);
	free(v->items);
	memset(v, 0, sizeof(*v));
}

int plan_values_number(const char *text, enum option_kind kind, uint64_t *number)
{
	if (kind == OPTION_SIZE)
		return units_size(text, number);
	return kind == OPTION_DURATION ? units_duration(text, number) : units_count(text, number);
}

/* A number as a plan would have it, in the largest unit in which it is whole. */
static void format(uint64_t number, enum option_kind kind, char text[static 32])
{
	static const struct unit {
		const char *name;
		uint64_t scale;
	} sizes[] = {{"g", 1 << 30}, {"m", 1 << 20}, {"k", 1 << 10}, {"", 1}},
	  durations[] = {{"s", 1000000000}, {"ms", 1000000}, {"us", 1000}, {"ns", 1}};
	const struct unit *unit = kind == OPTION_SIZE	    ? sizes
				  : kind == OPTION_DURATION ? durations
							    : &sizes[3];

	while (number % unit->scale)
		unit++;
	snprintf(text, 32, "%" PRIu64 "%s", number / unit->scale, unit->name);
}

/* How a range goes on. */
struct step {
	bool multiplies;
	uint64_t before, last; /* the two latest terms: their difference or their ratio */
};

/* The next term; false when there is none in whole numbers. */
static bool next_term(const struct step *s, uint64_t *term)
{
	if (s->multiplies) {
		unsigned __int128 product = (unsigned __int128)*term * s->last;

		if (product % s->before || product / s->before > UINT64_MAX)
			return false;
		*term = (uint64_t)(product / s->before);
		return true;
	}
	if (s->last > s->before)
		return !__builtin_add_overflow(*term, s->last - s->before, term);
	return !__builtin_sub_overflow(*term, s->before - s->last, term);
}

/* From the values behind the first `from`, which belong to a range before. */
static int find_step(const struct plan_values *v, size_t from, enum option_kind kind,
		     struct step *step, char *why, size_t why_size)
{
	uint64_t terms[3] = {0};
	size_t known = v->count - from < 3 ? v->count - from : 3;

	if (known < 2) {
		snprintf(why, why_size,
			 "a range goes on from two terms at least, as 1, 2 … 64 does");
		return -EINVAL;
	}
	for (size_t i = 0; i < known; i++) {
		const char *text = v->items[v->count - known + i];

		if (plan_values_number(text, kind, &terms[3 - known + i])) {
			snprintf(why, why_size, "a range is of numbers, and '%s' is none", text);
			return -EINVAL;
		}
	}
	*step = (struct step){.before = terms[1], .last = terms[2]};
	if (known == 2 || terms[1] - terms[0] == terms[2] - terms[1])
		return 0;
	step->multiplies = terms[0] && (unsigned __int128)terms[0] * terms[2] ==
					       (unsigned __int128)terms[1] * terms[1];
	if (step->multiplies)
		return 0;
	snprintf(why, why_size,
		 "a range adds or multiplies by the same each time, and %s, %s, %s does neither",
		 v->items[v->count - 3], v->items[v->count - 2], v->items[v->count - 1]);
	return -EINVAL;
}

/* Adds what lies between the last value and `end`, which is included. */
static int add_range(struct plan_values *v, size_t from, const char *end_text,
		     enum option_kind kind, size_t most, char *why, size_t why_size)
{
	struct step step;
	uint64_t end, term, previous;
	int err = find_step(v, from, kind, &step, why, why_size);

	if (err)
		return err;
	if (plan_values_number(end_text, kind, &end)) {
		snprintf(why, why_size, "a range is of numbers, and '%s' is none", end_text);
		return -EINVAL;
	}
	if (step.last == step.before || (step.last > step.before) != (end > step.last)) {
		snprintf(why, why_size, "the range from %s, %s never ends at %s",
			 v->items[v->count - 2], v->items[v->count - 1], end_text);
		return -EINVAL;
	}
	for (term = previous = step.last; term != end; previous = term) {
		char text[32], last[32];
		bool exists = next_term(&step, &term);

		format(term, kind, text);
		format(previous, kind, last);
		if (!exists || (step.last > step.before ? term > end : term < end)) {
			snprintf(why, why_size, "the range does not hit its end, %s: after %s %s%s",
				 end_text, last, exists ? "comes " : "comes none",
				 exists ? text : "");
			return -EINVAL;
		}
		if (v->count == most) {
			snprintf(why, why_size, "the range to %s makes more than %zu values",
				 end_text, most);
			return -EINVAL;
		}
		if (plan_values_add(v, text))
			return -ENOMEM;
	}
	return 0;
}

static char *trim(char *text)
{
	size_t length;

	text += strspn(text, " \t");
	length = strlen(text);
	while (length && strchr(" \t", text[length - 1]))
		text[--length] = '\0';
	return text;
}

/* Splitting, under way. */
struct split {
	struct plan_values *values;
	enum option_kind kind;
	size_t most;
	size_t from; /* values of ranges that have ended */
	bool range;  /* an ellipsis was seen: the next value is its end */
	char *why;
	size_t why_size;
};

static int take_value(struct split *s, const char *text)
{
	if (!*text) {
		snprintf(s->why, s->why_size, "a value is empty");
		return -EINVAL;
	}
	if (s->range) {
		int err =
			add_range(s->values, s->from, text, s->kind, s->most, s->why, s->why_size);

		s->range = false;
		s->from = s->values->count;
		return err;
	}
	if (s->values->count == s->most) {
		snprintf(s->why, s->why_size, "more than %zu values", s->most);
		return -EINVAL;
	}
	return plan_values_add(s->values, text);
}

/* Whether what is round the dots makes them a range: in a text only counts do. */
static bool is_range(const struct split *s, const char *before, const char *after)
{
	uint64_t number;
	size_t count = s->values->count;

	if (s->kind == OPTION_COUNT || s->kind == OPTION_SIZE || s->kind == OPTION_DURATION)
		return true;
	if (s->kind == OPTION_CHOICE || s->kind == OPTION_FLAG)
		return false;
	if (!*before)
		before = count ? s->values->items[count - 1] : "";
	return units_count(before, &number) == 0 && (!*after || units_count(after, &number) == 0);
}

/* What stands between two commas, without quotes round it. */
static int take_plain(struct split *s, char *item)
{
	char *ellipsis = strstr(item, ELLIPSIS), *dots = strstr(item, DOTS);
	char *at = ellipsis ? ellipsis : dots;
	size_t length = ellipsis ? strlen(ELLIPSIS) : strlen(DOTS);
	char *before, *after;
	int err = 0;

	if (!at)
		return take_value(s, trim(item));
	before = strndup(item, (size_t)(at - item));
	after = strdup(at + length);
	if (!before || !after)
		err = -ENOMEM;
	else if (!is_range(s, trim(before), trim(after)))
		err = take_value(s, trim(item));
	else {
		if (*trim(before))
			err = take_value(s, trim(before));
		s->range = !err;
		if (!err && *trim(after))
			err = take_value(s, trim(after));
	}
	free(before);
	free(after);
	return err;
}

/* What stands in quotes at *at, which is moved behind the comma that follows, or to NULL. */
static int take_quoted(struct split *s, char **at)
{
	char *from = *at + 1;
	char *close = strchr(from, '"');
	char *next = close ? close + 1 + strspn(close + 1, " \t") : NULL;

	if (!close || (*next && *next != ',')) {
		snprintf(s->why, s->why_size,
			 close ? "after the closing quote comes '%s', no comma"
			       : "the quote of \"%s is not closed",
			 close ? next : from);
		return -EINVAL;
	}
	*close = '\0';
	*at = *next ? next + 1 : NULL;
	return take_value(s, from);
}

int plan_values_split(struct plan_values *values, const char *text, enum option_kind kind,
		      size_t most, char *why, size_t why_size)
{
	struct split s = {values, kind, most, 0, false, why, why_size};
	char *copy = strdup(text);
	int err = copy ? 0 : -ENOMEM;

	for (char *at = copy; at && !err;) {
		at += strspn(at, " \t");
		if (*at == '"') {
			err = take_quoted(&s, &at);
		} else {
			char *comma = strchr(at, ',');

			if (comma)
				*comma = '\0';
			err = take_plain(&s, at);
			at = comma ? comma + 1 : NULL;
		}
	}
	if (!err && s.range) {
		snprintf(why, why_size, "the range has no end; give its last value");
		err = -EINVAL;
	}
	if (err == -ENOMEM)
		snprintf(why, why_size, "out of memory");
	free(copy);
	return err;
}
