/* iolab list: the shipped plans. */
#include <jansson.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lab/cmd.h"
#include "lab/options.h"
#include "lab/plan.h"
#include "lab/plans.h"

/* Of --json. */
#define LIST_SCHEMA_VERSION 1

struct list_options {
	bool json;
};

static const struct option_row rows[] = {
	{.name = "json",
	 .kind = OPTION_FLAG,
	 .offset = offsetof(struct list_options, json),
	 .help = "print JSON"},
};

/* Where the text of a plan begins on its line, and where it ends. */
#define INDENT 12
#define WIDTH  100

/* The comment that a plan opens with, up to its first full stop. */
static void write_about(const char *text, FILE *file)
{
	while (*text == ';') {
		size_t length = strcspn(text, "\n");

		for (size_t i = 1; i < length; i++) {
			putc(text[i], file);
			if (text[i] == '.')
				return;
		}
		text += length + (text[length] == '\n');
	}
}

static char *about_of(const struct plan_text *text)
{
	char *about = NULL;
	size_t size;
	FILE *file = open_memstream(&about, &size);

	if (!file || (write_about(text->text, file), fclose(file)))
		status_exit(STATUS_UNABLE, "out of memory");
	return about;
}

/* "matrix      20 cells, 74 s: The default ...", further lines below the first's text. */
static void print_plan(const struct plan_text *text, const struct plan *plan)
{
	char *about = about_of(text), *word, *rest = NULL;
	int column = printf("%-*s%u cell%s, %.0f s:", INDENT, text->name, plan->cell_count,
			    plan->cell_count == 1 ? "" : "s", plan_expected_s(plan));

	for (word = strtok_r(about, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
		if (column + 1 + (int)strlen(word) > WIDTH)
			column = printf("\n%*s", INDENT - 1, "") - 1;
		column += printf(" %s", word);
	}
	putchar('\n');
	free(about);
}

static json_t *plan_json(const struct plan_text *text, const struct plan *plan)
{
	char *about = about_of(text);
	json_t *object;

	object = json_pack("{s:s, s:s, s:i, s:I, s:f}", "name", text->name, "about",
			   about[0] == ' ' ? about + 1 : about, "cells", (int)plan->cell_count,
			   "blocks", (json_int_t)plan->blocks, "expected_s", plan_expected_s(plan));
	free(about);
	return object;
}

enum status cmd_list(int argc, char **argv)
{
	const struct option_set set = {.usage = "list [options]",
				       .about = "Lists the shipped plans.",
				       .rows = rows,
				       .count = sizeof(rows) / sizeof(rows[0])};
	struct list_options options = {.json = false};
	json_t *list = json_array();

	if (options_parse(&set, &options, argc, argv))
		status_exit(STATUS_USAGE, "list takes no operand; '%s' is one", argv[1]);
	for (const struct plan_text *p = plan_texts; p->name; p++) {
		struct plan plan;
		char why[512];

		if (plan_read(p->name, 0, &plan, why, sizeof(why)))
			status_exit(STATUS_FAILED, "%s", why);
		if (options.json)
			json_array_append_new(list, plan_json(p, &plan));
		else
			print_plan(p, &plan);
		plan_release(&plan);
	}
	if (options.json)
		cmd_print_json(json_pack("{s:i, s:s, s:O}", "schema_version", LIST_SCHEMA_VERSION,
					 "kind", "list", "plans", list));
	json_decref(list);
	return STATUS_DONE;
}
