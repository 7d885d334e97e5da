/* iolab plan: what a plan would run, and for how long, before anything runs. */
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lab/cell.h"
#include "lab/cmd.h"
#include "lab/options.h"
#include "lab/plan.h"

/* Of --json. */
#define PLAN_SCHEMA_VERSION 1

struct plan_options {
	uint64_t blocks;
	uint64_t cells_max;
	bool commands;
	bool json;
};

#define FIELD(name) offsetof(struct plan_options, name)

static const struct option_row rows[] = {
	{.name = "blocks",
	 .kind = OPTION_COUNT,
	 .offset = FIELD(blocks),
	 .argument = "N",
	 .help = "reckon with N blocks, whatever the plan says (default: the plan's, or 9)",
	 .least = 1,
	 .most = 10000},
	{.name = "cells-max",
	 .kind = OPTION_COUNT,
	 .offset = FIELD(cells_max),
	 .argument = "N",
	 .help = "allow a plan of so many cells (default 512)",
	 .least = 1,
	 .most = PLAN_CELLS_MOST},
	{.name = "commands",
	 .kind = OPTION_FLAG,
	 .offset = FIELD(commands),
	 .help = "with the command line of each cell"},
	{.name = "json", .kind = OPTION_FLAG, .offset = FIELD(json), .help = "print JSON"},
};

/* "1 h 05 min", "2 min 30 s", "12 s" */
static void format_time(double seconds, char text[static 64])
{
	long s = (long)(seconds + 0.5);

	if (s >= 3600)
		snprintf(text, 64, "%ld h %02ld min", s / 3600, s % 3600 / 60);
	else if (s >= 60)
		snprintf(text, 64, "%ld min %02ld s", s / 60, s % 60);
	else
		snprintf(text, 64, "%.*f s", seconds < 10, seconds);
}

/* What is not known before the run stands as it would in a plan. */
static void make_command(struct cell_command *command, const struct plan *plan,
			 const struct plan_cell *cell)
{
	struct cell_world world = {.client = "{cpus}", .clients = "{clients}", .ca = "{ca}"};
	const char *address = link_address(plan->link, LINK_ORIGIN);

	snprintf(world.url, sizeof(world.url), "http://%s:{port}", address);
	snprintf(world.tls_url, sizeof(world.tls_url), "https://%s:{tls-port}", address);
	cell_command_make(command, cell, &world);
}

static void print_command(const struct plan *plan, const struct plan_cell *cell)
{
	struct cell_command command;

	make_command(&command, plan, cell);
	printf("   ");
	for (unsigned i = 0; i < command.count; i++) {
		putchar(' ');
		cmd_print_word(stdout, command.argv[i]);
	}
	putchar('\n');
	cell_command_release(&command);
}

static void print_cells(const struct plan *plan, bool commands)
{
	char length[64];

	for (unsigned i = 0; i < plan->cell_count; i++) {
		const struct plan_cell *cell = &plan->cells[i];

		if (i == 0 || cell->section != cell[-1].section)
			printf("[%s %s]\n", plan_kind_names[cell->section->kind],
			       cell->section->label);
		format_time((double)plan_expected_ns(cell) / 1e9, length);
		printf("  %-*s %8s%s%s\n", 56, cell->name, length,
		       cell->baseline && !cell->control ? "  baseline" : "",
		       cell->control ? "  control" : "");
		if (commands && !cell->control)
			print_command(plan, cell);
	}
}

static json_t *command_json(const struct plan *plan, const struct plan_cell *cell)
{
	struct cell_command command;
	json_t *words = json_array();

	make_command(&command, plan, cell);
	for (unsigned i = 0; i < command.count; i++)
		json_array_append_new(words, json_string(command.argv[i]));
	cell_command_release(&command);
	return words;
}

static json_t *cell_json(const struct plan *plan, const struct plan_cell *cell, bool commands)
{
	json_t *values = json_object();
	json_t *object;

	for (unsigned i = 0; i < cell->section->key_count; i++)
		if (cell->section->keys[i].values.count > 1 && cell->values[i])
			json_object_set_new(values, cell->section->keys[i].name,
					    json_string(cell->values[i]));
	object = json_pack("{s:s, s:s, s:s, s:o, s:f, s:b, s:b}", "cell", cell->name, "kind",
			   plan_kind_names[cell->section->kind], "section", cell->section->label,
			   "factors", values, "expected_s", (double)plan_expected_ns(cell) / 1e9,
			   "baseline", cell->baseline && !cell->control, "control", cell->control);
	if (object && commands)
		json_object_set_new(object, "command", command_json(plan, cell));
	return object;
}

static json_t *plan_json(const struct plan *plan, bool commands)
{
	json_t *cells = json_array();

	for (unsigned i = 0; i < plan->cell_count; i++)
		json_array_append_new(cells, cell_json(plan, &plan->cells[i], commands));
	return json_pack("{s:i, s:s, s:s, s:I, s:f, s:o}", "schema_version", PLAN_SCHEMA_VERSION,
			 "kind", "plan", "plan", plan->name, "blocks", (json_int_t)plan->blocks,
			 "expected_s", plan_expected_s(plan), "cells", cells);
}

/* The keys of a plan, for the end of the help. */
static const char *describe_keys(void)
{
	static char text[12288];
	FILE *file = fmemopen(text, sizeof(text), "w");

	if (file) {
		plan_kind_print_help(file);
		fclose(file);
	}
	return text;
}

enum status cmd_plan(int argc, char **argv)
{
	const struct option_set set = {
		.usage = "plan [options] [PLAN]",
		.about = "Prints the cells of a plan and how long it will take; runs nothing.",
		.rows = rows,
		.count = sizeof(rows) / sizeof(rows[0]),
		.notes = describe_keys(),
	};
	struct plan_options options = {0};
	int operands = options_parse(&set, &options, argc, argv);
	struct plan plan;
	char why[512], length[64];

	if (operands > 1)
		status_exit(STATUS_USAGE, "plan takes one plan; '%s' is a second one", argv[2]);
	if (plan_read(operands ? argv[1] : "matrix", (unsigned)options.cells_max, &plan, why,
		      sizeof(why)) ||
	    plan_check_link(&plan, why, sizeof(why)))
		status_exit(STATUS_USAGE, "%s", why);
	if (options.blocks)
		plan.blocks = options.blocks;
	if (options.json) {
		cmd_print_json(plan_json(&plan, options.commands));
	} else {
		print_cells(&plan, options.commands);
		format_time(plan_expected_s(&plan), length);
		printf("%s: %u cell%s x %" PRIu64 " block%s, about %s%s\n", plan.name,
		       plan.cell_count, plan.cell_count == 1 ? "" : "s", plan.blocks,
		       plan.blocks == 1 ? "" : "s", length, plan_reckoned(&plan));
	}
	plan_release(&plan);
	return fflush(stdout) ? STATUS_FAILED : STATUS_DONE;
}
