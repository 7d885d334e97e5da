/* Table-driven command lines: see options.h. */
#include "lab/options.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lab/status.h"
#include "lab/units.h"
#include "lab/version.h"

#define ROWS_MAX 96

static void print_list(const struct option_set *set)
{
	static const char *const kinds[] = {"flag", "count", "size",  "duration",
					    "text", "texts", "choice"};

	for (size_t i = 0; i < set->count; i++) {
		const struct option_row *row = &set->rows[i];

		printf("--%s\t%s\t%s\t", row->name, kinds[row->kind],
		       row->argument ? row->argument : "");
		for (const char *const *c = row->choices; c && *c; c++)
			printf("%s%s", c == row->choices ? "" : "|", *c);
		printf("\t%s\n", row->help);
	}
}

static const struct option_row *find_name(const struct option_set *set, const char *name,
					  size_t length)
{
	for (size_t i = 0; i < set->count; i++) {
		const char *candidate = set->rows[i].name;

		if (strncmp(candidate, name, length) == 0 && !candidate[length])
			return &set->rows[i];
	}
	return NULL;
}

static const struct option_row *find_letter(const struct option_set *set, char letter)
{
	for (size_t i = 0; i < set->count; i++)
		if (set->rows[i].letter == letter)
			return &set->rows[i];
	return NULL;
}

_Noreturn static void unknown_option(const struct option_set *set, const char *name, size_t length)
{
	const char *names[ROWS_MAX];
	char typed[64];
	const char *nearest;

	for (size_t i = 0; i < set->count && i < ROWS_MAX; i++)
		names[i] = set->rows[i].name;
	snprintf(typed, sizeof(typed), "%.*s", (int)length, name);
	nearest = units_nearest(typed, names, set->count < ROWS_MAX ? set->count : ROWS_MAX);
	if (nearest)
		status_exit(STATUS_USAGE, "unknown option --%s; did you mean --%s?", typed,
			    nearest);
	status_exit(STATUS_USAGE, "unknown option --%s; --help lists them", typed);
}

static int read_choice(const struct option_row *row, const char *text, uint64_t *number, char *why,
		       size_t why_size)
{
	size_t count = 0;
	const char *nearest;

	for (; row->choices[count]; count++) {
		if (strcmp(row->choices[count], text) == 0) {
			*number = count;
			return 0;
		}
	}
	nearest = units_nearest(text, row->choices, count);
	if (nearest)
		snprintf(why, why_size, "'%s' is not one of its values; did you mean %s?", text,
			 nearest);
	else
		snprintf(why, why_size, "'%s' is not one of its values: %s", text, row->argument);
	return -EINVAL;
}

/* A limit as one would type it, in the largest unit that leaves no rest. */
static const char *show_limit(enum option_kind kind, uint64_t limit, char text[static 32])
{
	static const struct unit {
		uint64_t scale;
		const char *name;
	} durations[] = {{60000000000, "m"}, {1000000000, "s"}, {1000000, "ms"}, {1000, "us"}},
	  sizes[] = {{1 << 30, "g"}, {1 << 20, "m"}, {1 << 10, "k"}};
	const struct unit *units = kind == OPTION_DURATION ? durations : sizes;
	size_t count = kind == OPTION_DURATION ? 4 : kind == OPTION_SIZE ? 3 : 0;

	for (size_t i = 0; i < count; i++) {
		if (limit && limit % units[i].scale == 0) {
			snprintf(text, 32, "%" PRIu64 "%s", limit / units[i].scale, units[i].name);
			return text;
		}
	}
	snprintf(text, 32, "%" PRIu64 "%s", limit, kind == OPTION_DURATION ? "ns" : "");
	return text;
}

static int read_number(const struct option_row *row, const char *text, uint64_t *number, char *why,
		       size_t why_size)
{
	static const char *const forms[] = {
		[OPTION_COUNT] = "a whole number such as 64",
		[OPTION_SIZE] = "a size such as 100k",
		[OPTION_DURATION] = "a duration such as 5ms or 10s",
	};
	char limit[32];
	int err;

	if (row->zero && strcmp(text, row->zero) == 0) {
		*number = 0;
		return 0;
	}
	err = row->kind == OPTION_COUNT	 ? units_count(text, number)
	      : row->kind == OPTION_SIZE ? units_size(text, number)
					 : units_duration(text, number);

	if (err)
		snprintf(why, why_size, "'%s' %s; give %s%s%s", text,
			 err == -ERANGE ? "is too large" : "is not of its form", forms[row->kind],
			 row->zero ? ", or " : "", row->zero ? row->zero : "");
	else if (*number < row->least)
		snprintf(why, why_size, "'%s' is below the least that makes sense, %s", text,
			 show_limit(row->kind, row->least, limit));
	else if (row->most && *number > row->most)
		snprintf(why, why_size, "'%s' is above the most that is taken, %s", text,
			 show_limit(row->kind, row->most, limit));
	else
		return 0;
	return -EINVAL;
}

int options_value(const struct option_row *row, const char *text, uint64_t *number, char *why,
		  size_t why_size)
{
	switch (row->kind) {
	case OPTION_CHOICE:
		return read_choice(row, text, number, why, why_size);
	case OPTION_COUNT:
	case OPTION_SIZE:
	case OPTION_DURATION:
		return read_number(row, text, number, why, why_size);
	case OPTION_TEXT:
	case OPTION_TEXTS:
		return row->check && row->check(text, why, why_size) ? -EINVAL : 0;
	case OPTION_FLAG:
		break;
	}
	return 0;
}

static void store_another(const struct option_row *row, struct option_texts *texts,
			  const char *value)
{
	if (texts->count == OPTION_TEXTS_MAX)
		status_exit(STATUS_USAGE, "--%s: given more than %d times", row->name,
			    OPTION_TEXTS_MAX);
	texts->items[texts->count++] = value;
}

static void store(const struct option_row *row, void *into, const char *value)
{
	void *field = (char *)into + row->offset;
	uint64_t number = 0;
	char why[512];

	if (options_value(row, value, &number, why, sizeof(why)))
		status_exit(STATUS_USAGE, "--%s: %s", row->name, why);
	switch (row->kind) {
	case OPTION_FLAG:
		*(bool *)field = true;
		break;
	case OPTION_TEXT:
		*(const char **)field = value;
		break;
	case OPTION_TEXTS:
		store_another(row, field, value);
		break;
	case OPTION_CHOICE:
		*(unsigned *)field = (unsigned)number;
		break;
	case OPTION_COUNT:
	case OPTION_SIZE:
	case OPTION_DURATION:
		*(uint64_t *)field = number;
		break;
	}
}

/* Options that every program has; they end it. */
static void answer_common(const struct option_set *set, const char *name)
{
	if (strcmp(name, "help") == 0)
		options_print_help(set);
	else if (strcmp(name, "version") == 0)
		printf("%s %s\n", program_invocation_short_name, version_text());
	else if (strcmp(name, "list-options") == 0)
		print_list(set);
	else
		return;
	exit(fflush(stdout) ? STATUS_FAILED : STATUS_DONE);
}

/* One long option at argv[at]; returns how many words it took. */
static int take_long(const struct option_set *set, void *into, int argc, char **argv, int at)
{
	const char *name = argv[at] + 2;
	size_t length = strcspn(name, "=");
	const char *value = name[length] ? name + length + 1 : NULL;
	const struct option_row *row = find_name(set, name, length);

	if (!row) {
		answer_common(set, name);
		unknown_option(set, name, length);
	}
	if (row->kind == OPTION_FLAG) {
		if (value)
			status_exit(STATUS_USAGE, "--%s takes no value", row->name);
		store(row, into, NULL);
		return 1;
	}
	if (value) {
		store(row, into, value);
		return 1;
	}
	if (at + 1 >= argc)
		status_exit(STATUS_USAGE, "--%s needs a value: %s", row->name, row->argument);
	store(row, into, argv[at + 1]);
	return 2;
}

/* One word of one-letter options, "-q" or "-c64" or "-c 64"; returns how many words it took. */
static int take_letters(const struct option_set *set, void *into, int argc, char **argv, int at)
{
	for (const char *p = argv[at] + 1; *p; p++) {
		const struct option_row *row = find_letter(set, *p);

		if (!row) {
			if (*p == 'h')
				answer_common(set, "help");
			status_exit(STATUS_USAGE, "unknown option -%c; --help lists them", *p);
		}
		if (row->kind == OPTION_FLAG) {
			store(row, into, NULL);
			continue;
		}
		if (p[1]) {
			store(row, into, p + 1);
			return 1;
		}
		if (at + 1 >= argc)
			status_exit(STATUS_USAGE, "-%c needs a value: %s", *p, row->argument);
		store(row, into, argv[at + 1]);
		return 2;
	}
	return 1;
}

int options_parse(const struct option_set *set, void *into, int argc, char **argv)
{
	int operands = 0;
	int at = 1;

	while (at < argc) {
		char *word = argv[at];

		if (strcmp(word, "--") == 0) {
			at++;
			break;
		}
		if (word[0] == '-' && word[1] == '-')
			at += take_long(set, into, argc, argv, at);
		else if (word[0] == '-' && word[1])
			at += take_letters(set, into, argc, argv, at);
		else
			argv[++operands] = argv[at++];
	}
	while (at < argc)
		argv[++operands] = argv[at++];
	return operands;
}
