/*
 * Draws the 2x2 matrix: a grid of two by two quadrants, in each the models side by side and what
 * was measured of them line by line, so that the evidence stands where the claim does.
 */
#include "results/matrix_parts.h"
#include "results/table.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#define STUB  18 /* columns of what the lines are called */
#define SLOT  13 /* columns of a model, a blank included */
#define SLOTS 3	 /* models side by side in a quadrant; more go below */

struct quadrant {
	const struct summary_cell *cells[SLOTS];
	size_t count;
};

struct line {
	const char *name;
	enum record_column column;
	bool interval;
	bool share;
};

static const struct line lines[] = {
	{"throughput", COLUMN_throughput_rps, false, false},
	{"  95 % interval", COLUMN_throughput_rps, true, false},
	{"CPU per fetch", COLUMN_cpu_us_per_request, false, false},
	{"calls per fetch", COLUMN_syscalls_per_request, false, false},
	{"EAGAINs per fetch", COLUMN_would_block_per_request, false, false},
	{"time asleep", COLUMN_blocked_share, false, true},
	{"work while waiting", COLUMN_overlap_elements_per_s, false, false},
};

/* The halves that have cells, first to last: an empty one is left out. */
struct halves {
	size_t first;
	size_t last;
};

static void draw_rule(FILE *file, const struct halves *halves)
{
	for (size_t i = 0; i < STUB + 1; i++)
		fputs("─", file);
	for (size_t side = halves->first; side <= halves->last; side++) {
		fputs("┼", file);
		for (size_t i = 0; i < SLOTS * SLOT + (side < halves->last); i++)
			fputs("─", file);
	}
	putc('\n', file);
}

/* One line of text over both columns of the matrix, or the one that is drawn. */
static void draw_heading(FILE *file, const struct halves *halves, const char *stub,
			 const char *const texts[2], bool color)
{
	fputs(color ? "\033[1m" : "", file);
	table_put(file, stub, STUB, TABLE_LEFT);
	fputs(color ? "\033[0m" : "", file);
	for (size_t side = halves->first; side <= halves->last; side++) {
		fputs(*texts[side] || side < halves->last ? " │ " : " │", file);
		fputs(color ? "\033[1m" : "", file);
		if (side < halves->last)
			table_put(file, texts[side], SLOTS * SLOT - 1, TABLE_LEFT);
		else
			fputs(texts[side], file);
		fputs(color ? "\033[0m" : "", file);
	}
	putc('\n', file);
}

/* Whether its throughput is the origin's rather than its own: in half of its runs or more. */
static bool is_origins(const struct summary_cell *cell)
{
	return cell->origin_limited > 0 && 2 * cell->origin_limited >= cell->rows;
}

static void value_text(const struct summary_cell *cell, const struct line *line,
		       char text[static TABLE_TEXT_SIZE])
{
	const struct summary_value *value = summary_get(cell, line->column);
	const char *unit = record_columns[line->column].unit;

	/* A bound that is cut off is none: what is too wide is rounded. */
	if (line->interval)
		for (int digits = 3; digits > 0; digits--) {
			table_interval_of(value->median, value->low, value->high, unit, digits,
					  text);
			if (table_width(text) < SLOT)
				break;
		}
	else if (line->share)
		table_percent(value->median, text);
	else
		table_number(value->median, unit, text);
	if (line->column == COLUMN_throughput_rps && !line->interval && is_origins(cell))
		snprintf(text + strlen(text), TABLE_TEXT_SIZE - strlen(text), "*");
}

/* What a line is called; a range of few blocks is not called an interval. */
static const char *name_of(const struct line *line, size_t runs, char name[static 32])
{
	if (!line->interval || runs < 2 || runs >= STATISTICS_INTERVAL_LEAST)
		return line->name;
	snprintf(name, 32, "  range of %zu runs", runs);
	return name;
}

/* The models' names (line NULL) or one measured line of both quadrants of a row. */
static void draw_line(FILE *file, const struct summary *summary, const char *stub,
		      const struct line *line, const struct quadrant *sides,
		      const struct halves *halves, bool color)
{
	table_put(file, stub, STUB, TABLE_LEFT);
	for (size_t side = halves->first; side <= halves->last; side++) {
		fputs(" │", file);
		for (size_t i = 0; i < sides[side].count; i++) {
			char text[TABLE_TEXT_SIZE];

			if (line)
				value_text(sides[side].cells[i], line, text);
			else
				matrix_label(summary, sides[side].cells[i], text);
			putc(' ', file);
			fputs(color && !line ? "\033[1m" : "", file);
			table_put(file, text, SLOT - 1, TABLE_RIGHT);
			fputs(color && !line ? "\033[0m" : "", file);
		}
		/* Only the left half is filled up: no line ends in blanks. */
		if (side < halves->last)
			fprintf(file, "%*s", (int)((SLOTS - sides[side].count) * SLOT), "");
	}
	putc('\n', file);
}

/* The cells of one quadrant, from the `skip`-th on, as many as stand side by side. */
static struct quadrant select_cells(const struct summary *summary,
				    const struct summary_group *group, const char *name,
				    size_t skip)
{
	struct quadrant quadrant = {.count = 0};

	for (size_t i = group->first; i < group->first + group->count; i++) {
		const struct summary_cell *cell = &summary->cells[i];

		if (cell->rows == 0 ||
		    strcmp(record_text(cell->sample, COLUMN_quadrant), name) != 0)
			continue;
		if (skip > 0)
			skip--;
		else if (quadrant.count < SLOTS)
			quadrant.cells[quadrant.count++] = cell;
	}
	return quadrant;
}

/* The most complete runs that a cell of the group has. */
static size_t most_runs(const struct summary *summary, const struct summary_group *group)
{
	size_t most = 0;

	for (size_t i = group->first; i < group->first + group->count; i++)
		most = summary->cells[i].rows > most ? summary->cells[i].rows : most;
	return most;
}

static void draw_row(FILE *file, const struct summary *summary, const struct summary_group *group,
		     const struct halves *halves, const char *const quadrants[2],
		     const char *const stubs[2], bool color)
{
	draw_heading(file, halves, stubs[0], (const char *const[]){"", ""}, color);
	for (size_t skip = 0;; skip += SLOTS) {
		struct quadrant sides[2];

		for (size_t side = 0; side < 2; side++)
			sides[side] = select_cells(summary, group, quadrants[side], skip);
		if (skip > 0 && sides[0].count == 0 && sides[1].count == 0)
			return;
		draw_line(file, summary, skip == 0 ? stubs[1] : "", NULL, sides, halves, color);
		for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
			char name[32];

			draw_line(file, summary,
				  name_of(&lines[i], most_runs(summary, group), name), &lines[i],
				  sides, halves, color);
		}
	}
}

static bool is_command(const struct summary_cell *cell)
{
	return strcmp(record_text(cell->sample, COLUMN_role), "command") == 0;
}

/* What the bare system calls cost, and commands: shown below, since they are no models. */
static void draw_floor(FILE *file, const struct summary *summary, const struct summary_group *group)
{
	for (size_t i = group->first; i < group->first + group->count; i++) {
		const struct summary_cell *cell = &summary->cells[i];
		const struct summary_value *rate = summary_get(cell, COLUMN_throughput_rps);
		char label[MATRIX_LABEL_SIZE];
		char number[TABLE_TEXT_SIZE];

		if (cell->contender || cell->rows == 0)
			continue;
		fprintf(file, "%s (%s, outside the matrix): ", matrix_label(summary, cell, label),
			is_command(cell) ? "a command, not compared" : "bare calls");
		fputs(table_number(rate->median, "1/s", number), file);
		table_interval(rate->median, rate->low, rate->high, "1/s", number);
		fprintf(file, " %s, CPU ", number);
		fputs(table_number(summary_get(cell, COLUMN_cpu_us_per_request)->median, "us",
				   number),
		      file);
		if (is_command(cell)) {
			fputs(" per fetch\n", file);
			continue;
		}
		fputs(", calls ", file);
		fputs(table_number(summary_get(cell, COLUMN_syscalls_per_request)->median, "",
				   number),
		      file);
		fputs(" per fetch\n", file);
	}
}

/* What the stars beside throughputs mean, and in which cells they stand. */
static void draw_origins(FILE *file, const struct summary *summary,
			 const struct summary_group *group)
{
	const char *before =
		"* origin-saturated: the origin was the limit, and the throughput is its "
		"own. CPU per fetch\n  (cpu_us_per_request) is the figure to read of ";
	char label[MATRIX_LABEL_SIZE];

	for (size_t i = group->first; i < group->first + group->count; i++) {
		const struct summary_cell *cell = &summary->cells[i];

		if (!is_origins(cell))
			continue;
		fprintf(file, "%s%s (%zu of %zu runs)", before, matrix_label(summary, cell, label),
			cell->origin_limited, cell->rows);
		before = ",\n  ";
	}
	if (*before == ',')
		fputs(".\n", file);
}

static void draw_matrix(FILE *file, const struct summary *summary,
			const struct summary_group *group, bool color)
{
	static const char *const quadrants[2][2] = {
		{"sync-blocking", "sync-nonblocking"},
		{"async-blocking", "async-nonblocking"},
	};
	static const char *const stubs[2][2] = {
		{"SYNCHRONOUS", "the program asks"},
		{"ASYNCHRONOUS", "the kernel tells"},
	};
	static const char *const tops[2] = {"BLOCKING", "NONBLOCKING"};
	static const char *const meanings[2] = {"the thread sleeps in the call",
						"control comes back, the thread goes on"};
	size_t runs = most_runs(summary, group);
	bool used[2][2], side[2];
	struct halves halves;

	for (size_t i = 0; i < 4; i++)
		used[i / 2][i % 2] =
			select_cells(summary, group, quadrants[i / 2][i % 2], 0).count > 0;
	for (size_t i = 0; i < 2; i++)
		side[i] = used[0][i] || used[1][i];
	halves = (struct halves){side[0] || !side[1] ? 0 : 1, side[1] || !side[0] ? 1 : 0};
	fputs(color ? "\033[1m" : "", file);
	matrix_workload(file, summary, group);
	fputs(color ? "\033[0m" : "", file);
	fprintf(file, ": medians of %zu run%s of each\n\n", runs, runs == 1 ? "" : "s");
	if (side[0] || side[1]) {
		draw_heading(file, &halves, "", tops, color);
		draw_heading(file, &halves, "nothing ready yet:", meanings, false);
	}
	for (size_t row = 0; row < 2; row++) {
		if (!used[row][0] && !used[row][1])
			continue;
		draw_rule(file, &halves);
		draw_row(file, summary, group, &halves, quadrants[row], stubs[row], color);
	}
	if (side[0] || side[1])
		putc('\n', file);
	draw_floor(file, summary, group);
	draw_origins(file, summary, group);
}

void matrix_print_naps(FILE *file, const struct summary *naps, bool color)
{
	if (!naps->comparisons[summary_place(COLUMN_duration_s)])
		return;
	putc('\n', file);
	matrix_floor(file, naps, NULL, color);
	matrix_title(file, "Verdicts\n", color);
	matrix_verdicts(file, naps);
}

/* Whether some cell of the matrix has that line. */
static bool works_while_waiting(const struct summary *fetch)
{
	for (size_t i = 0; i < fetch->cell_count; i++)
		if (*record_text(fetch->cells[i].sample, COLUMN_quadrant) &&
		    summary_get(&fetch->cells[i], COLUMN_overlap_elements_per_s)->blocks > 0)
			return true;
	return false;
}

int matrix_print(FILE *file, const struct summary *fetch, const struct summary *sumsq, bool color)
{
	int result = 0;

	if (fetch && fetch->cell_count == 0)
		fetch = NULL;
	if (sumsq && sumsq->cell_count == 0)
		sumsq = NULL;
	for (size_t i = 0; fetch && i < fetch->group_count; i++) {
		if (fetch->groups[i].commands)
			continue;
		draw_matrix(file, fetch, &fetch->groups[i], color);
		putc('\n', file);
	}
	if (fetch && works_while_waiting(fetch))
		fputs("Work while waiting: squares that the same threads added while their fetches "
		      "were in flight.\n\n",
		      file);
	if (sumsq)
		result = matrix_pools(file, sumsq, color);
	if (result != 0)
		return result;
	if (!fetch && !sumsq) {
		fputs("No complete run: nothing to show.\n", file);
		return ferror(file) ? -EIO : 0;
	}
	matrix_floor(file, fetch, sumsq, color);
	matrix_title(file, "Verdicts\n", color);
	if (fetch)
		matrix_verdicts(file, fetch);
	if (sumsq)
		matrix_verdicts(file, sumsq);
	return ferror(file) ? -EIO : 0;
}
