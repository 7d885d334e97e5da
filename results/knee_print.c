/* Latency against load as tables and in words: see knee.h. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "results/claim.h"
#include "results/knee.h"
#include "results/series.h"
#include "results/table.h"

#define NAME_SIZE 128

/* "epoll", "blocking, 64 threads" */
static const char *name_of(const struct record *row, char name[static NAME_SIZE])
{
	double workers = record_number(row, COLUMN_workers);
	const char *variant = record_text(row, COLUMN_variant_requested);
	const char *placement = record_text(row, COLUMN_placement);

	snprintf(name, NAME_SIZE, "%s%s%s%s", record_text(row, COLUMN_model),
		 strcmp(record_text(row, COLUMN_quadrant), "async-nonblocking") == 0 ? " spin" : "",
		 *variant ? " " : "", variant);
	if (workers > 1)
		snprintf(name + strlen(name), NAME_SIZE - strlen(name), ", %.0f %s", workers,
			 record_text(row, COLUMN_workers_kind));
	if (*placement && strcmp(placement, "none") != 0 && strcmp(placement, "cpus") != 0)
		snprintf(name + strlen(name), NAME_SIZE - strlen(name), ", %s", placement);
	return name;
}

/* "80 %", or the rate where there is no share. */
static const char *load_text(const struct knee_point *point, char text[static TABLE_TEXT_SIZE])
{
	if (isnan(point->share))
		return table_number(point->offered, "1/s", text);
	snprintf(text, TABLE_TEXT_SIZE, "%.3g %%", 100 * point->share);
	return text;
}

static void came_text(const struct knee_point *point, char text[static TABLE_TEXT_SIZE])
{
	snprintf(text, TABLE_TEXT_SIZE, "%.1f %%%s", 100 * point->came.estimate,
		 point->held == KNEE_NO	   ? " !"
		 : point->held == KNEE_YES ? ""
					   : " ?");
}

static int print_points(const struct knee_line *line, FILE *file, bool color)
{
	struct table *table = table_new(7);
	char text[TABLE_TEXT_SIZE], interval[CLAIM_TEXT_SIZE];
	int err;

	if (!table)
		return -ENOMEM;
	table_heading(table, "load", TABLE_RIGHT);
	table_heading(table, "due", TABLE_RIGHT);
	table_heading(table, "came", TABLE_RIGHT);
	table_heading(table, "p50", TABLE_RIGHT);
	table_heading(table, "p99", TABLE_RIGHT);
	table_heading(table, claim_interval(line->blocks, interval), TABLE_RIGHT);
	table_heading(table, "p99 from sending", TABLE_RIGHT);
	for (size_t i = 0; i < line->count; i++) {
		const struct knee_point *p = &line->points[i];
		char load[TABLE_TEXT_SIZE + 8];

		snprintf(load, sizeof(load), "%s%s", i == line->knee ? "knee  " : "",
			 load_text(p, text));
		table_cell(table, load);
		table_cell(table, table_number(p->offered, "1/s", text));
		came_text(p, text);
		table_cell(table, text);
		table_cell(table, table_number(p->p50_us.estimate, "us", text));
		table_cell(table, table_number(p->p99_us.estimate, "us", text));
		table_cell(table, table_interval(p->p99_us.estimate, p->p99_us.low, p->p99_us.high,
						 "us", text));
		table_cell(table, table_number(p->uncorrected_p99_us, "us", text));
	}
	err = table_write(table, file, 4, color);
	table_free(table);
	return err;
}

static void print_knee(const struct knee_line *line, FILE *file)
{
	const struct knee_point *p = &line->points[line->knee];
	char load[TABLE_TEXT_SIZE], low[TABLE_TEXT_SIZE], high[TABLE_TEXT_SIZE];
	char p50[TABLE_TEXT_SIZE], p99[TABLE_TEXT_SIZE], interval[CLAIM_TEXT_SIZE];

	if (line->knee == line->count) {
		fputs("    No knee: no load has a latency.\n", file);
		return;
	}
	fprintf(file, "    The knee is at %s", load_text(p, load));
	if (!isnan(p->share))
		fprintf(file, ", %s", table_number(p->offered, "1/s", load));
	fprintf(file, ", where half the fetches take at most %s and 99 of 100 %s",
		table_number(p->p50_us.estimate, "us", p50),
		table_number(p->p99_us.estimate, "us", p99));
	if (line->low <= line->high)
		fprintf(file, "\n    (%s: %s to %s)",
			line->blocks < STATISTICS_INTERVAL_LEAST
				? claim_interval(line->blocks, interval)
				: "95 % interval over blocks",
			load_text(&line->points[line->low], low),
			load_text(&line->points[line->high], high));
	fputs(line->knee == 0		      ? ". No lower load was tried: it may be below.\n"
	      : line->knee + 1 == line->count ? ". No higher load was tried: it may be above.\n"
					      : ".\n",
	      file);
}

static bool has_doubt(const struct knee_line *line)
{
	for (size_t p = 0; p < line->count; p++)
		if (line->points[p].held == KNEE_UNDECIDED)
			return true;
	return false;
}

static void print_saturation(const struct knee_line *line, FILE *file)
{
	char text[TABLE_TEXT_SIZE];

	fputs("    Saturation: ", file);
	if (line->saturated == line->count && has_doubt(line)) {
		fputs("cannot be told from these blocks", file);
	} else if (line->saturated == line->count) {
		fputs("not reached with any load tried", file);
	} else {
		const struct knee_point *p = &line->points[line->saturated];

		fprintf(file, "at %s ", load_text(p, text));
		fprintf(file, "%.1f %% of what was due came", 100 * p->came.estimate);
	}
	if (line->held < line->count)
		fprintf(file, "; all that was due came up to %s.\n",
			load_text(&line->points[line->held], text));
	else
		fputs("; not even the lowest load is sure to have been held.\n", file);
}

static void print_workload(const struct record *row, FILE *file)
{
	fprintf(file, "%.0f connections", record_number(row, COLUMN_connections));
	series_print_target(row, file);
}

static void print_verdicts(const struct knee *knee, FILE *file)
{
	size_t baseline = knee->count;
	size_t comparisons = 0, pairs = SIZE_MAX;
	char name[NAME_SIZE], other[NAME_SIZE], text[CLAIM_TEXT_SIZE];

	for (size_t i = 0; i < knee->count; i++) {
		const struct knee_line *line = &knee->lines[i];

		comparisons += line->effect.pairs > 0;
		if (line->effect.pairs && line->effect.pairs < pairs)
			pairs = line->effect.pairs;
	}
	if (comparisons == 0)
		return;
	for (size_t i = 0; i < knee->count; i++) {
		const struct knee_line *line = &knee->lines[i];

		if (!line->effect.pairs)
			continue;
		if (line->baseline != baseline) {
			baseline = line->baseline;
			fprintf(file, "The rate at the knee with ");
			print_workload(knee->lines[baseline].sample, file);
			fprintf(file, ", against that of %s\n",
				name_of(knee->lines[baseline].sample, other));
		}
		fprintf(file, "  %s: %s\n", name_of(line->sample, name),
			claim_text(&line->effect, line->verdict, statistics_words(line->verdict),
				   text));
	}
	claim_method(file, pairs);
	fputs("A knee is known no finer than the loads beside it, and these intervals reach to "
	      "those.\n",
	      file);
	claim_floor(file, "the knee's rate", pairs, comparisons, 1, knee->floor);
}

int knee_print(const struct knee *knee, FILE *file, bool color)
{
	char name[NAME_SIZE];
	int err = 0;

	if (knee->mixed)
		fprintf(file,
			"%zu line%s left out: cells of the same load differ in a factor that the "
			"rows do not show.\nLet the plan have one value of it.\n",
			knee->mixed, knee->mixed == 1 ? "" : "s");
	if (knee->count == 0) {
		fprintf(file,
			"No model ran at %d rates or more: no latency against load to show.\n",
			KNEE_LOADS_LEAST);
		return ferror(file) ? -EIO : 0;
	}
	for (size_t i = 0; i < knee->count && !err; i++) {
		const struct knee_line *line = &knee->lines[i];

		fprintf(file, color ? "\033[1m%s\033[0m" : "%s", name_of(line->sample, name));
		fputs(": ", file);
		print_workload(line->sample, file);
		fprintf(file, ", medians of %zu block%s\n", line->blocks,
			line->blocks == 1 ? "" : "s");
		err = print_points(line, file, color);
		if (err)
			return err;
		print_knee(line, file);
		print_saturation(line, file);
		putc('\n', file);
	}
	fprintf(file,
		"came: share of what was due; ! below %.0f %%, ? cannot be told. "
		"Latency counts from when a fetch was due.\n",
		100 * KNEE_HELD);
	print_verdicts(knee, file);
	return ferror(file) ? -EIO : 0;
}
