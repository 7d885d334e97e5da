/* Tables of external commands: see commands.h. */
#include "results/commands.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "results/claim.h"
#include "results/matrix_parts.h"
#include "results/programs.h"
#include "results/table.h"

size_t commands_groups(const struct summary *summary)
{
	size_t groups = 0;

	for (size_t i = 0; i < summary->group_count; i++)
		groups += summary->groups[i].commands;
	return groups;
}

/* The CPU time of each of the group's cells, in their order; NULL when memory is out. */
static double *cpu_times(const struct summary *summary, const struct summary_group *group,
			 const struct record *records, size_t count)
{
	const char **names = calloc(group->count, sizeof(*names));
	double *times = calloc(group->count, sizeof(*times));
	struct program *programs = NULL;
	size_t made = 0;

	for (size_t i = 0; names && i < group->count; i++)
		names[i] = summary->cells[group->first + i].name;
	if (names && times)
		programs = programs_make(records, count, names, group->count, &made);
	for (size_t i = 0, p = 0; programs && i < group->count; i++) {
		bool found = p < made && programs[p].name == names[i];

		times[i] = found ? programs[p].cpu_s : NAN;
		p += found;
	}
	if (!programs) {
		free(times);
		times = NULL;
	}
	free(programs);
	free(names);
	return times;
}

/* A figure with its interval. */
static void add_figure(struct table *table, const struct summary_cell *cell,
		       enum record_column column)
{
	const struct summary_value *value = summary_get(cell, column);
	const char *unit = record_columns[column].unit;
	char text[TABLE_TEXT_SIZE];

	table_cell(table, value->blocks ? table_number(value->median, unit, text) : "");
	table_cell(table, value->blocks ? table_interval(value->median, value->low, value->high,
							 unit, text)
					: "");
}

/* "1.93 [1.91, 1.95]", and what may be said of it. */
static void add_verdict(struct table *table, const struct summary *summary,
			const struct summary_cell *cell, enum record_column column)
{
	size_t place = summary_place(column);
	const struct summary_value *value = &cell->values[place];
	const struct statistics_effect *effect = &value->effect;
	char text[CLAIM_TEXT_SIZE], why[CLAIM_TEXT_SIZE], both[2 * CLAIM_TEXT_SIZE + 4];

	if (cell == &summary->cells[summary->groups[cell->group].baseline]) {
		table_cell(table, "1");
		table_cell(table, "(baseline)");
		return;
	}
	table_cell(table, effect->pairs
				  ? table_ratio(effect->ratio, effect->low, effect->high, text)
				  : "");
	claim_text(effect, value->verdict, summary_verdict(summary, cell, place), text);
	summary_reason(summary, cell, place, why);
	snprintf(both, sizeof(both), *why ? "%s (%s)" : "%s%s", text, why);
	table_cell(table, both);
}

static void put_headings(struct table *table, const char *against, size_t blocks, bool rated,
			 bool priced)
{
	char interval[CLAIM_TEXT_SIZE];

	claim_interval(blocks, interval);
	table_heading(table, "command", TABLE_LEFT);
	table_heading(table, "time", TABLE_RIGHT);
	table_heading(table, interval, TABLE_RIGHT);
	if (rated) {
		table_heading(table, "its own figure", TABLE_RIGHT);
		table_heading(table, interval, TABLE_RIGHT);
	}
	table_heading(table, "CPU", TABLE_RIGHT);
	if (priced)
		table_heading(table, "CPU a piece", TABLE_RIGHT);
	table_heading(table, against, TABLE_RIGHT);
	table_heading(table, "verdict", TABLE_LEFT);
}

static bool any_has(const struct summary *summary, const struct summary_group *group,
		    enum record_column column)
{
	for (size_t i = group->first; i < group->first + group->count; i++)
		if (summary_get(&summary->cells[i], column)->blocks)
			return true;
	return false;
}

/* Of the cell with the fewest: what is a range there is no interval of 95 %. */
static size_t fewest_blocks(const struct summary *summary, const struct summary_group *group)
{
	size_t blocks = SIZE_MAX;

	for (size_t i = group->first; i < group->first + group->count; i++) {
		size_t rows = summary->cells[i].rows;

		blocks = rows && rows < blocks ? rows : blocks;
	}
	return blocks;
}

static int print_group(FILE *file, const struct summary *summary, const struct summary_group *group,
		       const double *cpu_s, bool color)
{
	bool rated = any_has(summary, group, COLUMN_throughput_rps);
	bool priced = any_has(summary, group, COLUMN_cpu_us_per_request);
	enum record_column judged = group->timed ? COLUMN_duration_s : COLUMN_throughput_rps;
	struct table *table = table_new(6 + 2 * rated + priced);
	bool compared = group->baseline < group->first + group->count;
	char text[TABLE_TEXT_SIZE], against[160];
	int err;

	if (!table)
		return -ENOMEM;
	snprintf(against, sizeof(against), "%s, against %.100s", group->timed ? "time" : "figure",
		 compared ? summary->cells[group->baseline].name : "nothing");
	matrix_title(file, "Commands", color);
	fprintf(file, ": medians over the blocks%s\n",
		rated ? "; what they say they did, a second" : "");
	put_headings(table, against, fewest_blocks(summary, group), rated, priced);
	for (size_t i = group->first; i < group->first + group->count; i++) {
		const struct summary_cell *cell = &summary->cells[i];

		if (cell->rows == 0)
			continue;
		table_cell(table, cell->name);
		add_figure(table, cell, COLUMN_duration_s);
		if (rated)
			add_figure(table, cell, COLUMN_throughput_rps);
		table_cell(table, table_number(cpu_s[i - group->first], "s", text));
		if (priced)
			table_cell(
				table,
				table_number(summary_get(cell, COLUMN_cpu_us_per_request)->median,
					     "us", text));
		add_verdict(table, summary, cell, judged);
	}
	err = table_write(table, file, 2, color);
	table_free(table);
	return err;
}

static size_t fewest_pairs(const struct summary *summary, const struct summary_group *group,
			   size_t place)
{
	size_t pairs = SIZE_MAX;

	for (size_t i = group->first; i < group->first + group->count; i++) {
		size_t seen = summary->cells[i].values[place].effect.pairs;

		pairs = seen && seen < pairs ? seen : pairs;
	}
	return pairs;
}

static void print_method(FILE *file, const struct summary *summary,
			 const struct summary_group *group)
{
	size_t place = summary_place(group->timed ? COLUMN_duration_s : COLUMN_throughput_rps);
	size_t pairs = fewest_pairs(summary, group, place);

	if (pairs == SIZE_MAX)
		return;
	claim_method(file, pairs);
	claim_floor(file, group->timed ? "time" : "its own figure", pairs,
		    summary->comparisons[place], 1,
		    summary_floor(summary, &summary->cells[group->first], place));
}

int commands_print(FILE *file, const struct summary *summary, const struct record *records,
		   size_t count, bool color)
{
	size_t printed = 0;
	int err = 0;

	for (size_t i = 0; i < summary->group_count && !err; i++) {
		const struct summary_group *group = &summary->groups[i];
		double *cpu_s;

		if (!group->commands)
			continue;
		if (printed++)
			putc('\n', file);
		cpu_s = cpu_times(summary, group, records, count);
		err = cpu_s ? print_group(file, summary, group, cpu_s, color) : -ENOMEM;
		free(cpu_s);
		if (!err) {
			matrix_failed(file, summary, group);
			print_method(file, summary, group);
		}
	}
	if (printed > 0 && printed < summary->group_count)
		fputs("Commands are compared with each other only, not with models.\n", file);
	return err ? err : ferror(file) ? -EIO : 0;
}
