/* The report's tables: figures by cell, verdicts, noise floors. */
#include "results/report_inside.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "results/html.h"
#include "results/matrix_parts.h"
#include "results/picture_inside.h"
#include "results/table.h"

struct column {
	const char *title;
	enum record_column column;
	bool interval;
	bool share;
};

static const struct column fetch_columns[] = {
	{"fetches per second", COLUMN_throughput_rps, true, false},
	{"CPU per fetch", COLUMN_cpu_us_per_request, true, false},
	{"latency p50", COLUMN_latency_p50_us, true, false},
	{"p90", COLUMN_latency_p90_us, false, false},
	{"p99", COLUMN_latency_p99_us, true, false},
	{"p99.9", COLUMN_latency_p999_us, false, false},
	{"calls per fetch", COLUMN_syscalls_per_request, false, false},
	{"EAGAINs per fetch", COLUMN_would_block_per_request, false, false},
	{"time asleep", COLUMN_blocked_share, false, true},
	{"work while waiting", COLUMN_overlap_elements_per_s, false, false},
};
static const struct column command_columns[] = {
	{"time taken", COLUMN_duration_s, true, false},
	{"its own figure per second", COLUMN_throughput_rps, true, false},
	{"CPU per piece of its work", COLUMN_cpu_us_per_request, true, false},
};
static const struct column sumsq_columns[] = {
	{"squares per second", COLUMN_elements_per_s, true, false},
	{"dispatch per job", COLUMN_dispatch_ns_per_job, true, false},
};
static const struct column nap_columns[] = {
	{"time taken", COLUMN_duration_s, true, false},
	{"set-up", COLUMN_setup_s, false, false},
};

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static const struct column *columns_of(const struct summary *summary,
				       const struct summary_group *group, size_t *count)
{
	if (group->commands) {
		*count = LENGTH(command_columns);
		return command_columns;
	}
	switch (summary->kind) {
	case RECORD_SUMSQ:
		*count = LENGTH(sumsq_columns);
		return sumsq_columns;
	case RECORD_NAP:
		*count = LENGTH(nap_columns);
		return nap_columns;
	default:
		*count = LENGTH(fetch_columns);
		return fetch_columns;
	}
}

void report_workload(const struct summary *summary, const struct summary_group *group, FILE *file)
{
	char *words = NULL;
	size_t size;
	FILE *text;

	if (summary->kind == RECORD_NAP) {
		fputs("naps", file);
		return;
	}
	text = open_memstream(&words, &size);
	if (text) {
		matrix_workload(text, summary, group);
		fclose(text);
		html_text(file, words);
	}
	free(words);
}

static bool is_shown(const struct summary *summary, const struct summary_group *group,
		     enum record_column column)
{
	for (size_t i = group->first; i < group->first + group->count; i++)
		if (summary_get(&summary->cells[i], column)->blocks > 0)
			return true;
	return false;
}

static void write_value(const struct summary_cell *cell, const struct column *column, FILE *file)
{
	const struct summary_value *value = summary_get(cell, column->column);
	const char *unit = record_columns[column->column].unit;
	char text[TABLE_TEXT_SIZE];

	fputs("<td class=\"n\">", file);
	if (value->blocks == 0)
		fputs(TABLE_EMPTY, file);
	else
		html_text(file, column->share ? table_percent(value->median, text)
					      : table_number(value->median, unit, text));
	if (column->interval && value->blocks > 0)
		html_element(file, "small", NULL,
			     table_interval(value->median, value->low, value->high, unit, text));
	fputs("</td>", file);
}

static void write_cell(const struct summary *summary, const struct summary_cell *cell,
		       const struct column *columns, size_t count, FILE *file)
{
	const struct summary_group *group = &summary->groups[cell->group];
	bool baseline = &summary->cells[group->baseline] == cell;
	const char *quadrant = record_text(cell->sample, COLUMN_quadrant);

	fputs("<tr>", file);
	fputs("<th scope=\"row\">", file);
	html_text(file, cell->name);
	if (baseline)
		fputs(" <em>baseline</em>", file);
	fputs("</th>", file);
	html_element(file, "td", NULL, record_text(cell->sample, COLUMN_model));
	if (summary->kind == RECORD_FETCH)
		html_element(file, "td", NULL, *quadrant ? quadrant : TABLE_EMPTY);
	fprintf(file, "<td class=\"n\">%zu</td>", cell->rows);
	for (size_t c = 0; c < count; c++)
		if (is_shown(summary, group, columns[c].column))
			write_value(cell, &columns[c], file);
	fputs("</tr>\n", file);
}

void report_cells(const struct summary *summary, FILE *file)
{
	for (size_t g = 0; g < summary->group_count; g++) {
		const struct summary_group *group = &summary->groups[g];
		size_t count;
		const struct column *columns = columns_of(summary, group, &count);

		fputs("<h3>", file);
		report_workload(summary, group, file);
		fputs("</h3>\n<div class=\"wide\"><table><thead><tr><th>cell</th><th>model</th>",
		      file);
		if (summary->kind == RECORD_FETCH)
			fputs("<th>quadrant</th>", file);
		fputs("<th class=\"n\">runs</th>", file);
		for (size_t c = 0; c < count; c++)
			if (is_shown(summary, group, columns[c].column))
				html_element(file, "th", "n", columns[c].title);
		fputs("</tr></thead><tbody>\n", file);
		for (size_t i = group->first; i < group->first + group->count; i++)
			write_cell(summary, &summary->cells[i], columns, count, file);
		fputs("</tbody></table></div>\n", file);
	}
}

/* In words, as pictures and the table of figures have it. */
static const char *figure_name(const struct summary_group *group, enum record_column column)
{
	for (size_t i = 0; group->commands && i < LENGTH(command_columns); i++)
		if (command_columns[i].column == column)
			return command_columns[i].title;
	return picture_column_name(column);
}

static void write_verdict(const struct summary *summary, const struct summary_cell *cell,
			  size_t place, FILE *file)
{
	const struct summary_value *value = &cell->values[place];
	const struct summary_group *group = &summary->groups[cell->group];
	bool claimed = value->verdict == STATISTICS_FASTER || value->verdict == STATISTICS_SLOWER;
	double floor = summary_floor(summary, cell, place);
	char text[TABLE_TEXT_SIZE];

	fputs(claimed ? "<tr class=\"claim\"><th scope=\"row\">" : "<tr><th scope=\"row\">", file);
	html_text(file, cell->name);
	fputs("</th>", file);
	html_element(file, "td", NULL, summary->cells[group->baseline].name);
	html_element(file, "td", NULL, figure_name(group, summary_columns[place].column));
	html_element(file, "td", NULL, summary_verdict(summary, cell, place));
	html_element(file, "td", "n",
		     table_ratio(value->effect.ratio, value->effect.low, value->effect.high, text));
	html_element(file, "td", "n", isnan(floor) ? TABLE_EMPTY : table_percent(floor - 1, text));
	snprintf(text, sizeof(text), "%.2g%s", value->p_adjusted,
		 value->effect.exact ? "" : " (sampled)");
	html_element(file, "td", "n", text);
	fprintf(file, "<td class=\"n\">%zu</td></tr>\n", value->effect.pairs);
}

static size_t count_verdicts(const struct summary *summary)
{
	size_t count = 0;

	for (size_t i = 0; i < summary->cell_count; i++)
		for (size_t place = 0; place < SUMMARY_COLUMNS; place++)
			count += record_has_column(summary->kind, summary_columns[place].column) &&
				 summary->cells[i].values[place].verdict != STATISTICS_NOT_COMPARED;
	return count;
}

void report_verdicts(const struct summary *summary, FILE *file)
{
	if (count_verdicts(summary) == 0)
		return;
	fputs("<div class=\"wide\"><table><thead><tr><th>cell</th><th>against</th><th>figure</th>"
	      "<th>verdict</th><th class=\"n\">ratio, interval</th>"
	      "<th class=\"n\">noise floor</th><th class=\"n\">p, Holm</th>"
	      "<th class=\"n\">blocks</th></tr></thead><tbody>\n",
	      file);
	for (size_t i = 0; i < summary->cell_count; i++)
		for (size_t place = 0; place < SUMMARY_COLUMNS; place++)
			if (record_has_column(summary->kind, summary_columns[place].column) &&
			    summary->cells[i].values[place].verdict != STATISTICS_NOT_COMPARED)
				write_verdict(summary, &summary->cells[i], place, file);
	fputs("</tbody></table></div>\n", file);
}

static void write_floor(const struct summary_group *group, FILE *file)
{
	const char *comma = ": ";
	char text[TABLE_TEXT_SIZE];

	fputs("<li>", file);
	html_element(file, "b", NULL, group->control);
	fprintf(file, " was entered twice, in %zu block%s", group->control_blocks,
		group->control_blocks == 1 ? "" : "s");
	for (size_t place = 0; place < SUMMARY_COLUMNS; place++) {
		if (summary_sense(group, place) == SUMMARY_EVIDENCE || isnan(group->floor[place]))
			continue;
		fprintf(file, "%s%s %s", comma, figure_name(group, summary_columns[place].column),
			table_percent(group->floor[place] - 1, text));
		comma = "; ";
	}
	fputs("</li>\n", file);
}

void report_floors(const struct run_files *files, FILE *file)
{
	bool any = false;

	for (size_t i = 0; i < RUN_FILES_SUMMARIES; i++) {
		const struct summary *summary = files->summaries[i];

		for (size_t g = 0; g < summary->group_count; g++) {
			if (!summary->groups[g].control)
				continue;
			if (!any)
				fputs("<ul>\n", file);
			any = true;
			write_floor(&summary->groups[g], file);
		}
	}
	fputs(any ? "</ul>\n" : "<p>Unknown: no cell was entered twice as an A/A control.</p>\n",
	      file);
}
