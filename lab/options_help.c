/* The help that --help prints, made from an option_set: see options.h. */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "lab/options.h"

#define WIDTH  100
#define INDENT 37 /* columns before an option's line */

/* Words from that column on, `indent` columns in on further lines. */
static void print_words(const char *text, size_t column, size_t indent)
{
	for (bool first = true; *(text += strspn(text, " ")); first = false) {
		size_t length = strcspn(text, " ");

		if (column + !first + length > WIDTH) {
			printf("\n%*s", (int)indent, "");
			column = indent;
		} else if (!first) {
			putchar(' ');
			column++;
		}
		printf("%.*s", (int)length, text);
		column += length;
		text += length;
	}
	putchar('\n');
}

/* From column INDENT on, behind an option of `used` columns. */
static void print_beside(const char *text, size_t used)
{
	if (used + 1 < INDENT)
		printf("%*s", (int)(INDENT - used), "");
	print_words(text, used + 1 < INDENT ? INDENT : WIDTH, INDENT);
}

static void print_option(char letter, const char *name, const char *argument, const char *help)
{
	char left[96];
	int used;

	if (letter)
		used = snprintf(left, sizeof(left), "  -%c, --%s%s%s", letter, name,
				argument ? " " : "", argument ? argument : "");
	else
		used = snprintf(left, sizeof(left), "      --%s%s%s", name, argument ? " " : "",
				argument ? argument : "");
	fputs(left, stdout);
	print_beside(help, (size_t)used);
}

/* What the values look like, of the kinds that there are. */
static void print_forms(const struct option_set *set)
{
	static const struct {
		enum option_kind kind;
		const char *form;
	} forms[] = {
		{OPTION_COUNT, "a count is a whole number"},
		{OPTION_SIZE, "a size is bytes, with k, m or g behind it for powers of 1024"},
		{OPTION_DURATION, "a duration is a number with ns, us, ms, s or m behind it, as "
				  "500us or 1.5s, and seconds without"},
		{OPTION_TEXTS, "an option marked + may be given again and again"},
	};
	char text[512] = "Values stand behind a blank or '='";

	for (size_t f = 0; f < sizeof(forms) / sizeof(forms[0]); f++) {
		size_t used = strlen(text), i = 0;

		while (i < set->count && set->rows[i].kind != forms[f].kind)
			i++;
		if (i < set->count)
			snprintf(text + used, sizeof(text) - used, "; %s", forms[f].form);
	}
	strncat(text, ".", sizeof(text) - strlen(text) - 1);
	putchar('\n');
	print_words(text, 0, 0);
}

void options_print_help(const struct option_set *set)
{
	printf("Usage: %s %s\n%s\n\nOptions:\n", program_invocation_short_name, set->usage,
	       set->about);
	for (size_t i = 0; i < set->count; i++) {
		const struct option_row *row = &set->rows[i];
		char argument[64] = "";

		if (row->argument)
			snprintf(argument, sizeof(argument), "%s%s", row->argument,
				 row->kind == OPTION_TEXTS ? " +" : "");
		print_option(row->letter, row->name, row->argument ? argument : NULL, row->help);
	}
	print_option(0, "list-options", NULL, "print every option, tab-separated");
	print_option(0, "version", NULL, "print the version");
	print_option('h', "help", NULL, "print this");
	if (set->count)
		print_forms(set);
	if (set->notes)
		printf("\n%s", set->notes);
}
