/* From rows to the table of programs: see programs.h. */
#include "results/programs.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "results/record_csv.h"
#include "results/statistics.h"
#include "results/table.h"

static int compare_doubles(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;

	return (a > b) - (a < b);
}

static double cpu_of(const struct record *record)
{
	double helpers = record_number(record, COLUMN_cpu_helper_s);

	return record_number(record, COLUMN_cpu_user_s) +
	       record_number(record, COLUMN_cpu_system_s) + (isnan(helpers) ? 0 : helpers);
}

/* Fills a program from the rows of its cell; `values` has room for one a row. */
static void fill(struct program *p, const struct record *records, size_t count, double *values)
{
	double *cpu = values + count, *setup = cpu + count;

	for (size_t i = 0; i < count; i++) {
		const struct record *r = &records[i];

		if (strcmp(record_text(r, COLUMN_cell), p->name) != 0 ||
		    strcmp(record_text(r, COLUMN_role), "control") == 0)
			continue;
		p->kind = r->kind;
		if (record_number(r, COLUMN_partial) > 0 ||
		    strstr(record_text(r, COLUMN_flags), "failed")) {
			p->left_out++;
			continue;
		}
		values[p->runs] = record_number(r, COLUMN_duration_s);
		setup[p->runs] = record_number(r, COLUMN_setup_s);
		cpu[p->runs++] = cpu_of(r);
	}
	p->duration_s = p->low_s = p->high_s = p->setup_s = p->cpu_s = p->ratio = NAN;
	if (p->runs == 0)
		return;
	qsort(values, p->runs, sizeof(*values), compare_doubles);
	qsort(cpu, p->runs, sizeof(*cpu), compare_doubles);
	qsort(setup, p->runs, sizeof(*setup), compare_doubles);
	p->duration_s = statistics_quantile(values, p->runs, 0.5);
	p->low_s = values[0];
	p->high_s = values[p->runs - 1];
	p->cpu_s = statistics_quantile(cpu, p->runs, 0.5);
	p->setup_s = statistics_quantile(setup, p->runs, 0.5);
}

/* The first of its kind, which it is compared with. */
static const struct program *first_of(const struct program *programs, const struct program *p)
{
	const struct program *first = programs;

	while (first->kind != p->kind)
		first++;
	return first;
}

struct program *programs_make(const struct record *records, size_t count, const char *const *names,
			      size_t name_count, size_t *programs_count)
{
	struct program *made = calloc(name_count + 1, sizeof(*made));
	double *values = calloc(3 * count + 1, sizeof(*values));

	*programs_count = 0;
	for (size_t n = 0; made && values && n < name_count; n++) {
		struct program *p = &made[*programs_count];

		*p = (struct program){.name = names[n]};
		fill(p, records, count, values);
		*programs_count += p->runs + p->left_out > 0;
	}
	free(values);
	if (!made || !values) {
		free(made);
		return NULL;
	}
	for (size_t i = 0; i < *programs_count; i++)
		made[i].ratio = first_of(made, &made[i])->duration_s / made[i].duration_s;
	return made;
}

/* "1.00 x", "4.93 x": how many times as fast. */
static const char *ratio_text(double ratio, char text[static TABLE_TEXT_SIZE])
{
	if (isnan(ratio))
		snprintf(text, TABLE_TEXT_SIZE, "%s", TABLE_EMPTY);
	else
		snprintf(text, TABLE_TEXT_SIZE, ratio < 100 ? "%.2f x" : "%.0f x", ratio);
	return text;
}

int programs_print(const struct program *programs, size_t count, FILE *file, bool color)
{
	struct table *table = table_new(6);
	int result;

	if (!table)
		return -ENOMEM;
	table_heading(table, "program", TABLE_LEFT);
	table_heading(table, "time", TABLE_RIGHT);
	table_heading(table, "least, most", TABLE_RIGHT);
	table_heading(table, "start", TABLE_RIGHT);
	table_heading(table, "CPU", TABLE_RIGHT);
	table_heading(table, "as fast as the first", TABLE_RIGHT);
	for (size_t i = 0; i < count; i++) {
		const struct program *p = &programs[i];
		char text[TABLE_TEXT_SIZE];

		table_cell(table, p->name);
		table_cell(table, p->runs ? table_number(p->duration_s, "s", text) : "failed");
		table_cell(table, p->runs > 1 ? table_interval(p->duration_s, p->low_s, p->high_s,
							       "s", text)
					      : "");
		table_cell(table, table_number(p->setup_s, "s", text));
		table_cell(table, table_number(p->cpu_s, "s", text));
		table_cell(table, ratio_text(p->ratio, text));
	}
	result = table_write(table, file, 0, color);
	table_free(table);
	fputs("As fast as the first: the median time of the first program of its kind (fetches, "
	      "sums or naps)\nover this one's; above 1 it is faster. No test stands behind it.\n",
	      file);
	return result;
}

static void write_real(FILE *file, double value)
{
	char text[RECORD_REAL_SIZE] = "";

	if (isfinite(value))
		record_format_real(value, text);
	fprintf(file, ",%s", text);
}

int programs_write_csv(const struct program *programs, size_t count, FILE *file)
{
	fputs("program,runs,left_out,duration_s,duration_low_s,duration_high_s,cpu_s,speedup,"
	      "setup_s\n",
	      file);
	for (size_t i = 0; i < count; i++) {
		const struct program *p = &programs[i];

		record_write_csv_text(file, p->name);
		fprintf(file, ",%zu,%zu", p->runs, p->left_out);
		write_real(file, p->duration_s);
		write_real(file, p->low_s);
		write_real(file, p->high_s);
		write_real(file, p->cpu_s);
		write_real(file, p->ratio);
		write_real(file, p->setup_s);
		putc('\n', file);
	}
	return ferror(file) ? -EIO : 0;
}
