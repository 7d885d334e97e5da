/* iolab list: the shipped plans. iolab columns: what the columns of a row mean. */
#include <stdio.h>
#include <string.h>

#include "lab/cmd.h"
#include "lab/options.h"
#include "lab/plan.h"
#include "lab/plans.h"
#include "results/flags.h"
#include "results/record.h"

/* The comment that a plan opens with, up to its first full stop. */
static void print_about(const char *text)
{
	while (*text == ';') {
		size_t length = strcspn(text, "\n");

		for (size_t i = 1; i < length; i++) {
			putchar(text[i]);
			if (text[i] == '.')
				return;
		}
		text += length + (text[length] == '\n');
	}
}

enum status cmd_list(int argc, char **argv)
{
	const struct option_set set = {.usage = "list", .about = "Lists the shipped plans."};
	char none;

	if (options_parse(&set, &none, argc, argv))
		status_exit(STATUS_USAGE, "list takes no operand; '%s' is one", argv[1]);
	for (const struct plan_text *p = plan_texts; p->name; p++) {
		struct plan plan;
		char why[512];

		if (plan_read(p->name, 0, &plan, why, sizeof(why)))
			status_exit(STATUS_FAILED, "%s", why);
		printf("%-10s %u cells, %.0f s:", p->name, plan.cell_count, plan_expected_s(&plan));
		print_about(p->text);
		putchar('\n');
		plan_release(&plan);
	}
	return STATUS_DONE;
}

enum status cmd_columns(int argc, char **argv)
{
	static const char *const kinds[] = {[RECORD_COMMON] = "all",
					    [RECORD_FETCH] = "fetch",
					    [RECORD_SUMSQ] = "sumsq",
					    [RECORD_NAP] = "nap"};
	static const char *const types[] = {
		[RECORD_COUNT] = "count", [RECORD_REAL] = "real", [RECORD_TEXT] = "text"};
	const struct option_set set = {.usage = "columns",
				       .about = "Prints the columns of a row and their meaning."};
	char none;

	if (options_parse(&set, &none, argc, argv))
		status_exit(STATUS_USAGE, "columns takes no operand; '%s' is one", argv[1]);
	for (size_t i = 0; i < RECORD_COLUMNS; i++) {
		const struct record_column_info *c = &record_columns[i];

		printf("%-32s %-5s %-5s %-4s %s\n", c->name, kinds[c->kind], types[c->type],
		       c->unit, c->meaning);
	}
	puts("\nflags, words in that column; !: --strict lets no claim rest on such rows");
	for (unsigned i = 0; i < FLAGS; i++)
		printf("%c %-20s %s\n", flags_all[i].spoils ? '!' : ' ', flags_all[i].word,
		       flags_all[i].meaning);
	return STATUS_DONE;
}
