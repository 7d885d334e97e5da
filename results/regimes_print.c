/* The maps of regimes and the rule of thumb: see regimes.h. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "results/claim.h"
#include "results/regimes.h"
#include "results/series.h"
#include "results/table.h"

static const char *const titles[REGIMES_MEASURES] = {
	[REGIMES_THROUGHPUT] = "Who fetches most a second",
	[REGIMES_CPU] = "Who needs least CPU per fetch",
};

static const char *latency_text(double latency_us, char text[static TABLE_TEXT_SIZE])
{
	if (latency_us > 0)
		return table_number(latency_us, "us", text);
	snprintf(text, TABLE_TEXT_SIZE, "none");
	return text;
}

static size_t standing(const struct regimes *r, const struct regimes_point *point)
{
	size_t count = 0;

	for (size_t m = 0; m < r->model_count; m++)
		count += regimes_stands(point, m);
	return count;
}

/* "uring", "epoll = uring", or that no difference is shown. */
static void winners(const struct regimes *r, const struct regimes_point *point, char *text,
		    size_t size)
{
	size_t count = standing(r, point), used = 0;

	text[0] = '\0';
	if (point->models > 1 && count == point->models) {
		snprintf(text, size, "no difference shown");
		return;
	}
	for (size_t m = 0; m < r->model_count && used < size; m++)
		if (regimes_stands(point, m))
			used += (size_t)snprintf(text + used, size - used, "%s%s",
						 used ? " = " : "", r->names[m]);
}

/* How many different numbers of connections the map has. */
static size_t find_columns(const struct regimes *r, double *connections, size_t most)
{
	size_t count = 0;

	for (size_t i = 0; i < r->point_count; i++) {
		double value = r->points[0][i].connections;
		size_t at = 0;

		while (at < count && connections[at] < value)
			at++;
		if ((at < count && connections[at] == value) || count == most)
			continue;
		memmove(&connections[at + 1], &connections[at], (count - at) * sizeof(double));
		connections[at] = value;
		count++;
	}
	return count;
}

static int print_map(const struct regimes *r, enum regimes_measure measure, FILE *file, bool color)
{
	double connections[32];
	size_t columns = find_columns(r, connections, 32);
	struct table *table = table_new(columns + 1);
	char text[256], number[TABLE_TEXT_SIZE];
	int err;

	if (!table)
		return -ENOMEM;
	table_heading(table, "origin latency", TABLE_RIGHT);
	for (size_t c = 0; c < columns; c++) {
		snprintf(text, sizeof(text), "%.0f connection%s", connections[c],
			 connections[c] == 1 ? "" : "s");
		table_heading(table, text, TABLE_LEFT);
	}
	for (size_t i = 0; i < r->point_count;) {
		double latency = r->points[measure][i].latency_us;

		table_cell(table, latency_text(latency, number));
		for (size_t c = 0; c < columns; c++) {
			const struct regimes_point *point = &r->points[measure][i];
			bool here = i < r->point_count && point->latency_us == latency &&
				    point->connections == connections[c];

			text[0] = '\0';
			if (here) {
				winners(r, point, text, sizeof(text));
				i++;
			}
			table_cell(table, text);
		}
	}
	err = table_write(table, file, 2, color);
	table_free(table);
	return err;
}

/* One line a point: the best, what it beats and by how much, and what it does not. */
static void print_point(const struct regimes *r, const struct regimes_point *point,
			enum regimes_measure measure, FILE *file)
{
	bool rate = measure == REGIMES_THROUGHPUT;
	char latency[TABLE_TEXT_SIZE], number[TABLE_TEXT_SIZE], text[CLAIM_TEXT_SIZE];
	const char *before = "; no difference shown to ";

	if (point->best == REGIMES_MODELS_MAX)
		return;
	fprintf(file, "  latency %s, %.0f connection%s: %s: %s, %s",
		latency_text(point->latency_us, latency), point->connections,
		point->connections == 1 ? "" : "s", rate ? "highest" : "lowest",
		r->names[point->best],
		table_number(point->medians[point->best], rate ? "1/s" : "us", number));
	for (size_t m = 0; m < r->model_count; m++)
		if (point->verdicts[m] == STATISTICS_FASTER)
			fprintf(file, "; %s than %s",
				claim_text(&point->effects[m], point->verdicts[m],
					   rate ? "faster by" : "cheaper by", text),
				r->names[m]);
	for (size_t m = 0; m < r->model_count; m++)
		if (point->verdicts[m] == STATISTICS_NO_DIFFERENCE) {
			fprintf(file, "%s%s", before, r->names[m]);
			before = ", ";
		}
	putc('\n', file);
}

static void print_rule(const struct regimes *r, enum regimes_measure measure, FILE *file)
{
	static const char *const outcomes[] = {
		[REGIMES_HOLDS] = "holds",
		[REGIMES_BROKEN] = "does not hold",
		[REGIMES_OPEN] = "cannot be told, no difference shown between the two sides",
		[REGIMES_NO_SYNCHRONOUS] = "cannot be tested: no synchronous model ran there",
		[REGIMES_NO_ASYNCHRONOUS] = "cannot be tested: no asynchronous model ran there",
	};
	const struct regimes_point *corners[] = {&r->points[measure][0],
						 &r->points[measure][r->point_count - 1]};
	char latency[TABLE_TEXT_SIZE], who[256];

	if (r->point_count < 2) {
		fputs("  It cannot be tested at one point: that is not both few and many.\n", file);
		return;
	}
	for (size_t i = 0; i < 2; i++) {
		const struct regimes_point *point = corners[i];
		enum regimes_rule outcome = regimes_test(r, point, i == 0);

		winners(r, point, who, sizeof(who));
		fprintf(file, "  %s (latency %s, %.0f connection%s), by %s: it %s",
			i ? "slow and many" : "fast and few",
			latency_text(point->latency_us, latency), point->connections,
			point->connections == 1 ? "" : "s",
			measure == REGIMES_THROUGHPUT ? "throughput" : "CPU per fetch",
			outcomes[outcome]);
		if (outcome == REGIMES_HOLDS || outcome == REGIMES_BROKEN)
			fprintf(file, ": %s", who);
		fputs(".\n", file);
	}
}

static void print_measure(const struct regimes *r, enum regimes_measure measure, FILE *file)
{
	size_t pairs = SIZE_MAX;
	double floor = NAN;

	for (size_t i = 0; i < r->point_count; i++) {
		const struct regimes_point *point = &r->points[measure][i];

		print_point(r, point, measure, file);
		floor = fmax(floor, point->floor);
		for (size_t m = 0; m < r->model_count; m++)
			if (point->effects[m].pairs && point->effects[m].pairs < pairs)
				pairs = point->effects[m].pairs;
	}
	claim_floor(file,
		    measure == REGIMES_THROUGHPUT ? "throughput, the noisiest point"
						  : "CPU per fetch, the noisiest point",
		    pairs, r->comparisons[measure], fmax(1, (double)r->model_count / 2), floor);
}

/* Blocks are the same for all: any comparison tells how many there are. */
static size_t any_pairs(const struct regimes *r)
{
	for (size_t i = 0; i < r->point_count; i++)
		for (size_t m = 0; m < r->model_count; m++)
			if (r->points[0][i].effects[m].pairs)
				return r->points[0][i].effects[m].pairs;
	return 0;
}

static void print_twins(const struct regimes *r, FILE *file)
{
	bool targets = series_compare_workloads(r->twins[0], r->twins[1]) != 0;

	fprintf(file,
		"No map: %s and %s are one model at one latency and number of connections, and "
		"differ in %s%s.\nLet the plan have one value of that.\n",
		record_text(r->twins[0], COLUMN_cell), record_text(r->twins[1], COLUMN_cell),
		targets ? "what they fetch" : "another factor",
		targets ? " (URL, body, TLS, link or other work)" : "");
}

int regimes_print(const struct regimes *all, const struct regimes *rule, FILE *file, bool color)
{
	int err = 0;

	if (all->twins[0]) {
		print_twins(all, file);
		return ferror(file) ? -EIO : 0;
	}
	if (all->point_count == 0 || all->model_count < 2) {
		fputs("No two models ran beside each other: no map to draw.\n", file);
		return ferror(file) ? -EIO : 0;
	}
	for (unsigned m = 0; m < REGIMES_MEASURES && !err; m++) {
		fprintf(file, color ? "\033[1m%s\033[0m\n" : "%s\n", titles[m]);
		err = print_map(all, (enum regimes_measure)m, file, color);
		if (!err) {
			putc('\n', file);
			print_measure(all, (enum regimes_measure)m, file);
			putc('\n', file);
		}
	}
	if (err)
		return err;
	claim_method(file, any_pairs(all));
	if (rule->point_count == 0)
		return ferror(file) ? -EIO : 0;
	fputs("\nThe rule of thumb: fast I/O and few connections, threads; slow I/O and many, "
	      "asynchronous I/O\n(threads and asynchronous models that sleep while they wait, "
	      "among themselves)\n",
	      file);
	for (unsigned m = 0; m < REGIMES_MEASURES; m++)
		print_rule(rule, (enum regimes_measure)m, file);
	return ferror(file) ? -EIO : 0;
}
