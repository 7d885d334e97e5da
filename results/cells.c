/* Tables of cells: see cells.h. */
#include "results/cells.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "results/claim.h"
#include "results/matrix_parts.h"
#include "results/table.h"

struct shown {
	enum record_column column;
	const char *name;
};

/* What the group's cells are shown by; the first is what a claim of speed is about. */
static size_t choose(const struct summary *summary, const struct summary_group *group,
		     struct shown shown[3])
{
	const struct record *sample = summary->cells[group->first].sample;
	size_t count = 0;

	if (summary->kind == RECORD_SUMSQ) {
		shown[count++] = (struct shown){COLUMN_elements_per_s, "squares"};
		return count;
	}
	shown[count++] = sample->values[COLUMN_rate_rps].present
				 ? (struct shown){COLUMN_latency_p99_us, "latency p99"}
				 : (struct shown){COLUMN_throughput_rps, "throughput"};
	shown[count++] = (struct shown){COLUMN_cpu_us_per_request, "CPU per fetch"};
	return count;
}

/* What the cells' names do not share: "plain" of "flags/plain" where all begin with "flags/". */
static size_t common_prefix(const struct summary *summary, const struct summary_group *group)
{
	const char *first = summary->cells[group->first].name;
	size_t length = strlen(first);

	for (size_t i = group->first + 1; i < group->first + group->count; i++) {
		const char *name = summary->cells[i].name;
		size_t same = 0;

		while (same < length && first[same] == name[same])
			same++;
		length = same;
	}
	while (length && first[length - 1] != '/')
		length--;
	return group->count > 1 ? length : 0;
}

static void add_cell(struct table *table, const struct summary *summary,
		     const struct summary_cell *cell, const struct shown *shown, size_t count,
		     size_t prefix)
{
	bool baseline = cell == &summary->cells[summary->groups[cell->group].baseline];
	char text[CLAIM_TEXT_SIZE];

	table_cell(table, cell->name + prefix);
	for (size_t i = 0; i < count; i++) {
		const struct summary_value *value = summary_get(cell, shown[i].column);
		const char *unit = record_columns[shown[i].column].unit;

		table_cell(table, value->blocks ? table_number(value->median, unit, text) : "");
		table_cell(table, value->blocks ? table_interval(value->median, value->low,
								 value->high, unit, text)
						: "");
		if (baseline)
			snprintf(text, sizeof(text), "(baseline)");
		else
			claim_text(&value->effect, value->verdict,
				   summary_words(summary_place(shown[i].column), value->verdict),
				   text);
		table_cell(table, text);
	}
}

static int print_group(FILE *file, const struct summary *summary, const struct summary_group *group,
		       bool color)
{
	struct shown shown[3];
	size_t count = choose(summary, group, shown);
	size_t prefix = common_prefix(summary, group);
	struct table *table = table_new(1 + 3 * count);
	char text[CLAIM_TEXT_SIZE];
	int err;

	if (!table)
		return -ENOMEM;
	fputs(color ? "\033[1m" : "", file);
	matrix_workload(file, summary, group);
	fprintf(file, color ? "\033[0m%s%s\n" : "%s%s\n",
		*record_text(summary->cells[group->first].sample, COLUMN_overlap) ? ", overlap "
										  : "",
		record_text(summary->cells[group->first].sample, COLUMN_overlap));
	table_heading(table, "cell", TABLE_LEFT);
	for (size_t i = 0; i < count; i++) {
		table_heading(table, shown[i].name, TABLE_RIGHT);
		table_heading(table, claim_interval(summary->cells[group->first].rows, text),
			      TABLE_RIGHT);
		table_heading(table, "verdict", TABLE_LEFT);
	}
	for (size_t i = group->first; i < group->first + group->count; i++)
		if (summary->cells[i].rows > 0)
			add_cell(table, summary, &summary->cells[i], shown, count, prefix);
	err = table_write(table, file, 2, color);
	table_free(table);
	putc('\n', file);
	return err;
}

static void add_left(struct table *table, const struct summary *fetch,
		     const struct summary_cell *cell, const struct summary_value *core)
{
	size_t place = summary_place(COLUMN_overlap_elements_per_s);
	const struct summary_value *left = &cell->values[place];
	char text[CLAIM_TEXT_SIZE];

	table_cell(table, cell->name);
	table_cell(table, table_number(left->median, "1/s", text));
	table_cell(table, table_interval(left->median, left->low, left->high, "1/s", text));
	table_cell(table, core ? table_percent(left->median / core->median, text) : "");
	if (cell == &fetch->cells[fetch->groups[cell->group].baseline])
		snprintf(text, sizeof(text), "(baseline)");
	else
		claim_text(&left->effect, left->verdict, summary_words(place, left->verdict), text);
	table_cell(table, text);
}

/* What each model leaves for other work, and of what a core adds that does nothing else. */
static int print_left(FILE *file, const struct summary *fetch, const struct summary *sumsq,
		      bool color)
{
	const struct summary_value *core = NULL;
	struct table *table = table_new(5);
	char text[CLAIM_TEXT_SIZE];
	size_t lines = 0;
	int err = 0;

	if (!table)
		return -ENOMEM;
	for (size_t i = 0; sumsq && i < sumsq->cell_count; i++)
		if (strcmp(record_text(sumsq->cells[i].sample, COLUMN_model), "serial") == 0)
			core = summary_get(&sumsq->cells[i], COLUMN_elements_per_s);
	core = core && core->blocks ? core : NULL;
	table_heading(table, "cell", TABLE_LEFT);
	table_heading(table, "squares", TABLE_RIGHT);
	table_heading(table, claim_interval(fetch->cell_count ? fetch->cells[0].rows : 0, text),
		      TABLE_RIGHT);
	table_heading(table, "of a core", TABLE_RIGHT);
	table_heading(table, "verdict", TABLE_LEFT);
	for (size_t i = 0; i < fetch->cell_count; i++) {
		if (!summary_get(&fetch->cells[i], COLUMN_overlap_elements_per_s)->blocks)
			continue;
		add_left(table, fetch, &fetch->cells[i], core);
		lines++;
	}
	if (lines) {
		fputs(color ? "\033[1mLeft for other work\033[0m\n" : "Left for other work\n",
		      file);
		err = table_write(table, file, 2, color);
		putc('\n', file);
	}
	table_free(table);
	return err;
}

static size_t fewest_pairs(const struct summary *summary, size_t place)
{
	size_t pairs = SIZE_MAX;

	for (size_t i = 0; i < summary->cell_count; i++) {
		size_t seen = summary->cells[i].values[place].effect.pairs;

		pairs = seen && seen < pairs ? seen : pairs;
	}
	return pairs;
}

/* How the verdicts of each column that was shown were come by. */
static void print_floors(FILE *file, const struct summary *summary, bool *said)
{
	static const struct shown all[] = {
		{COLUMN_throughput_rps, "throughput"},
		{COLUMN_latency_p99_us, "latency p99"},
		{COLUMN_cpu_us_per_request, "CPU per fetch"},
		{COLUMN_elements_per_s, "squares"},
		{COLUMN_overlap_elements_per_s, "left for other work"},
	};
	bool rated = false, closed = false;
	char name[64];

	for (size_t i = 0; i < summary->group_count; i++) {
		const struct record *row = summary->cells[summary->groups[i].first].sample;
		bool present = row->values[COLUMN_rate_rps].present;

		rated = rated || present;
		closed = closed || !present;
	}
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		size_t place = summary_place(all[i].column);

		if (!summary->comparisons[place] ||
		    (all[i].column == COLUMN_throughput_rps && !closed) ||
		    (all[i].column == COLUMN_latency_p99_us && !rated))
			continue;
		if (!*said)
			claim_method(file, fewest_pairs(summary, place));
		*said = true;
		snprintf(name, sizeof(name), "%s%s", all[i].name,
			 summary->group_count > 1 ? ", the noisiest workload" : "");
		claim_floor(file, name, fewest_pairs(summary, place), summary->comparisons[place],
			    1, summary->floor[place]);
	}
}

static int print_kind(FILE *file, const struct summary *summary, bool color)
{
	int err = 0;

	for (size_t i = 0; i < summary->group_count && !err; i++)
		if (!summary->groups[i].commands)
			err = print_group(file, summary, &summary->groups[i], color);
	return err;
}

int cells_print(FILE *file, const struct summary *fetch, const struct summary *sumsq, bool color)
{
	bool said = false;
	int err = 0;

	if ((!fetch || fetch->cell_count == 0) && (!sumsq || sumsq->cell_count == 0)) {
		fputs("No complete run: nothing to show.\n", file);
		return ferror(file) ? -EIO : 0;
	}
	if (fetch)
		err = print_kind(file, fetch, color);
	if (sumsq && !err)
		err = print_kind(file, sumsq, color);
	if (fetch && !err)
		err = print_left(file, fetch, sumsq, color);
	if (fetch)
		print_floors(file, fetch, &said);
	if (sumsq)
		print_floors(file, sumsq, &said);
	return err ? err : ferror(file) ? -EIO : 0;
}
