/* Break-even job sizes as tables and as rows of summary.csv: see grain.h. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "results/claim.h"
#include "results/grain.h"
#include "results/record_csv.h"
#include "results/table.h"

#define NAME_SIZE 96

/* "threads, per-job" */
static const char *name_of(const struct grain_pool *pool, char name[static NAME_SIZE])
{
	const char *variant = record_text(pool->sample, COLUMN_variant_requested);

	snprintf(name, NAME_SIZE, "%s%s%s", record_text(pool->sample, COLUMN_model),
		 *variant ? ", " : "", variant);
	return name;
}

/* "100", "3 k", "316 k", "10 M", "1234" */
static const char *size_text(double squares, char text[static TABLE_TEXT_SIZE])
{
	if (squares >= 999500)
		snprintf(text, TABLE_TEXT_SIZE, "%.3g M", squares / 1e6);
	else if (squares >= 999.5)
		snprintf(text, TABLE_TEXT_SIZE, "%.3g k", squares / 1e3);
	else
		snprintf(text, TABLE_TEXT_SIZE, "%.3g", squares);
	return text;
}

/* A break-even or an end of its interval, with words where the curve was not seen to cross. */
static const char *place_text(const struct grain_pool *pool, double squares,
			      char text[static TABLE_TEXT_SIZE])
{
	char edge[TABLE_TEXT_SIZE];

	if (isnan(squares))
		snprintf(text, TABLE_TEXT_SIZE, "%s", TABLE_EMPTY);
	else if (squares == 0)
		snprintf(text, TABLE_TEXT_SIZE, "below %s",
			 size_text(pool->points[0].squares, edge));
	else if (isinf(squares))
		snprintf(text, TABLE_TEXT_SIZE, "never up to %s",
			 size_text(pool->points[pool->count - 1].squares, edge));
	else
		size_text(squares, text);
	return text;
}

static const char *interval_text(const struct grain_pool *pool, char text[static TABLE_TEXT_SIZE])
{
	char low[TABLE_TEXT_SIZE], high[TABLE_TEXT_SIZE];

	place_text(pool, pool->low, low);
	place_text(pool, pool->high, high);
	if (isnan(pool->low))
		snprintf(text, TABLE_TEXT_SIZE, "%s", TABLE_EMPTY);
	else if (strcmp(low, high) == 0 && !(pool->low > 0 && isfinite(pool->high)))
		snprintf(text, TABLE_TEXT_SIZE, "all blocks");
	else
		snprintf(text, TABLE_TEXT_SIZE, "[%.28s, %.28s]", low, high);
	return text;
}

static int print_break_evens(const struct grain *grain, FILE *file, bool color)
{
	struct table *table = table_new(6);
	char text[TABLE_TEXT_SIZE], name[NAME_SIZE], interval[CLAIM_TEXT_SIZE];
	int err;

	if (!table)
		return -ENOMEM;
	table_heading(table, "pool", TABLE_LEFT);
	table_heading(table, "workers", TABLE_RIGHT);
	table_heading(table, "CPUs", TABLE_LEFT);
	table_heading(table, "pays from", TABLE_RIGHT);
	table_heading(table, claim_interval(grain->pools[0].blocks, interval), TABLE_RIGHT);
	table_heading(table, "alone it takes", TABLE_RIGHT);
	for (size_t i = 0; i < grain->count; i++) {
		const struct grain_pool *pool = &grain->pools[i];

		table_cell(table, name_of(pool, name));
		snprintf(text, sizeof(text), "%.0f", record_number(pool->sample, COLUMN_workers));
		table_cell(table, text);
		table_cell(table, record_text(pool->sample, COLUMN_cpus));
		table_cell(table, place_text(pool, pool->break_even, text));
		table_cell(table, interval_text(pool, text));
		table_cell(table, table_number(pool->job_s, "s", text));
	}
	err = table_write(table, file, 2, color);
	table_free(table);
	return err;
}

/* Narrow, so that a line has room for eleven. */
static const char *ratio_text(double ratio, char text[static TABLE_TEXT_SIZE])
{
	if (isnan(ratio))
		text[0] = '\0';
	else if (ratio < 0.005)
		snprintf(text, TABLE_TEXT_SIZE, "<0.01");
	else
		snprintf(text, TABLE_TEXT_SIZE, "%.*f", ratio < 9.995 ? 2 : 1, ratio);
	return text;
}

/* The ratios of the pools that have the same sizes as the first. */
static int print_ratios(const struct grain *grain, FILE *file, bool color)
{
	const struct grain_pool *first = &grain->pools[0];
	struct table *table = table_new(1 + first->count);
	char text[TABLE_TEXT_SIZE], name[NAME_SIZE];
	int err;

	if (!table)
		return -ENOMEM;
	table_heading(table, "squares a job", TABLE_LEFT);
	for (size_t s = 0; s < first->count; s++)
		table_heading(table, size_text(first->points[s].squares, text), TABLE_RIGHT);
	for (size_t i = 0; i < grain->count; i++) {
		const struct grain_pool *pool = &grain->pools[i];

		table_cell(table, name_of(pool, name));
		for (size_t s = 0; s < first->count; s++) {
			size_t p = 0;

			while (p < pool->count &&
			       pool->points[p].squares != first->points[s].squares)
				p++;
			table_cell(table,
				   p < pool->count ? ratio_text(pool->points[p].ratio, text) : "");
		}
	}
	err = table_write(table, file, 2, color);
	table_free(table);
	return err;
}

int grain_print(const struct grain *grain, FILE *file, bool color)
{
	const struct record *sample;
	int err;

	if (grain->count == 0) {
		fputs("No pool ran at two job sizes beside serial: no break-even to show.\n", file);
		return ferror(file) ? -EIO : 0;
	}
	sample = grain->pools[0].sample;
	fprintf(file, color ? "\033[1mWhere a pool starts to pay, in squares a job\033[0m"
			    : "Where a pool starts to pay, in squares a job");
	fprintf(file, ": %.0f jobs a pass, %s core, %zu block%s\n",
		record_number(sample, COLUMN_jobs), record_text(sample, COLUMN_core),
		grain->pools[0].blocks, grain->pools[0].blocks == 1 ? "" : "s");
	err = print_break_evens(grain, file, color);
	if (err)
		return err;
	fputs("\nHow many times serial's squares a second, by squares a job\n", file);
	return print_ratios(grain, file, color);
}

static void write_number(FILE *file, double number)
{
	char text[RECORD_REAL_SIZE] = "";

	if (isfinite(number) && number > 0)
		record_format_real(number, text);
	fprintf(file, ",%s", text);
}

int grain_write_csv(const struct grain *grain, FILE *file)
{
	for (size_t i = 0; i < grain->count; i++) {
		const struct grain_pool *pool = &grain->pools[i];
		bool found = isfinite(pool->break_even) && pool->break_even > 0;
		char name[NAME_SIZE], text[TABLE_TEXT_SIZE];

		fprintf(file, "%d,", RECORD_SCHEMA_VERSION);
		record_write_csv_text(file, name_of(pool, name));
		fprintf(file, ",break_even_squares,,%zu", pool->blocks);
		write_number(file, pool->break_even);
		write_number(file, pool->low);
		write_number(file, pool->high);
		fprintf(file, ",serial,,,,,,,,,%s\n",
			found ? "" : place_text(pool, pool->break_even, text));
	}
	return ferror(file) ? -EIO : 0;
}
