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

static json_t *plan_json(const struct plan_text *text, const struct plan *plan)
{
	char *about = NULL;
	size_t size;
	FILE *file = open_memstream(&about, &size);
	json_t *object;

	if (!file)
		return NULL;
	write_about(text->text, file);
	fclose(file);
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
		if (options.json) {
			json_array_append_new(list, plan_json(p, &plan));
		} else {
			printf("%-10s %u cells, %.0f s:", p->name, plan.cell_count,
			       plan_expected_s(&plan));
			write_about(p->text, stdout);
			putchar('\n');
		}
		plan_release(&plan);
	}
	if (options.json)
		cmd_print_json(json_pack("{s:i, s:s, s:O}", "schema_version", LIST_SCHEMA_VERSION,
					 "kind", "list", "plans", list));
	json_decref(list);
	return STATUS_DONE;
}
