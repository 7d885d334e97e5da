/* Every key that a plan may have, for `iolab plan --help`: from the tables that it is read by. */
#include <stdio.h>
#include <string.h>

#include "lab/cell.h"
#include "lab/plan_kinds.h"

static const char *const headers[PLAN_KINDS] = {
	[PLAN_FETCH] = "[fetch LABEL]: fetches by one of the lab's models. Besides every long "
		       "option of fetch-MODEL",
	[PLAN_SUMSQ] = "[sumsq LABEL]: sums of squares. Besides every long option of sumsq-MODEL",
	[PLAN_NAP] = "[nap LABEL]: naps. Besides every long option of nap-MODEL",
	[PLAN_COMMAND] = "[command LABEL]: any program. Besides keys of your own that stand in run "
			 "as {KEY}",
	[PLAN_EXPERIMENT] = "[experiment]: how it is run. include = FILE, there or above it, puts "
			    "another file in",
	[PLAN_ORIGIN] = "[origin]: the server that the cells ask",
};

static void print_key(const struct option_row *row, FILE *file)
{
	char left[128];

	snprintf(left, sizeof(left), "%s = %s", row->name, row->argument);
	if (strlen(left) > 26)
		fprintf(file, "  %s\n%30s%s\n", left, "", row->help);
	else
		fprintf(file, "  %-28s%s\n", left, row->help);
}

void plan_kind_print_help(FILE *file)
{
	static const enum plan_kind order[] = {PLAN_EXPERIMENT, PLAN_ORIGIN, PLAN_FETCH,
					       PLAN_SUMSQ,	PLAN_NAP,    PLAN_COMMAND};

	fputs("PLAN is a shipped plan's name (`iolab list`) or an INI file, with a '/' in its name "
	      "or ending in\n.ini. Its sections and their keys:\n",
	      file);
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		size_t count;
		const struct option_row *rows = plan_kind_own(order[i], &count);

		fprintf(file, "\n%s:\n", headers[order[i]]);
		for (size_t k = 0; k < count; k++)
			print_key(&rows[k], file);
	}
	fputs("\n[defaults KIND] holds keys for all workloads of that kind.\n\n"
	      "A value with commas is a factor, and the cells are the product of the factors; "
	      "1, 2, 4 ... 64 is\na range, \"a,b\" one value with a comma in it, KEY[] = VALUE no "
	      "factor at all. rate = 80% of a\n[fetch] is a share of what the cell reaches "
	      "without a rate. ${NAME} is the environment's. The\nrunner fills in",
	      file);
	for (const char *const *name = cell_filled; *name; name++)
		fprintf(file, " {%s}", *name);
	fputs(".\n", file);
}
