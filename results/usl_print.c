/* The universal scalability law as tables and in words: see usl.h. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "results/claim.h"
#include "results/series.h"
#include "results/table.h"
#include "results/usl.h"

/* A law that misses a rate by more than this share of it does not describe it. */
#define POOR_FIT 0.2

/* "epoll, threads, fetching, 64 connections, /x", "processes, adding squares" */
static void print_name(const struct record *row, FILE *file)
{
	const char *variant = record_text(row, COLUMN_variant_requested);
	const char *placement = record_text(row, COLUMN_placement);
	bool sumsq = row->kind == RECORD_SUMSQ;

	fprintf(file, "%s%s%s%s%s%s%s", record_text(row, COLUMN_model),
		strcmp(record_text(row, COLUMN_quadrant), "async-nonblocking") == 0 ? " spin" : "",
		*variant ? " " : "", variant, sumsq ? "" : ", ",
		sumsq ? "" : record_text(row, COLUMN_workers_kind),
		sumsq ? ", adding squares" : ", fetching");
	if (*placement && strcmp(placement, "none") != 0 && strcmp(placement, "cpus") != 0)
		fprintf(file, ", %s", placement);
	if (sumsq)
		return;
	if (record_number(row, COLUMN_connections) != record_number(row, COLUMN_workers))
		fprintf(file, ", %.0f connections", record_number(row, COLUMN_connections));
	series_print_target(row, file);
}

static int print_points(const struct usl_line *line, FILE *file, bool color)
{
	struct table *table = table_new(6);
	const struct record_column_info *info =
		&record_columns[line->sample->kind == RECORD_SUMSQ ? COLUMN_elements_per_s
								   : COLUMN_throughput_rps];
	char text[CLAIM_TEXT_SIZE];
	int err;

	if (!table)
		return -ENOMEM;
	table_heading(table, "workers", TABLE_RIGHT);
	table_heading(table, "CPUs", TABLE_RIGHT);
	table_heading(table, "rate", TABLE_RIGHT);
	table_heading(table, claim_interval(line->blocks, text), TABLE_RIGHT);
	table_heading(table, "the law says", TABLE_RIGHT);
	table_heading(table, "against the fewest", TABLE_LEFT);
	for (size_t i = 0; i < line->count; i++) {
		const struct usl_point *p = &line->points[i];

		snprintf(text, sizeof(text), "%.0f", p->workers);
		table_cell(table, text);
		snprintf(text, sizeof(text), "%u%s", p->cpus, p->workers > p->cpus ? " !" : "");
		table_cell(table, p->cpus ? text : "");
		table_cell(table, table_number(p->rate.estimate, info->unit, text));
		table_cell(table, table_interval(p->rate.estimate, p->rate.low, p->rate.high,
						 info->unit, text));
		table_cell(table, line->fitted ? table_number(usl_rate(&line->fit, p->workers),
							      info->unit, text)
					       : "");
		table_cell(table,
			   claim_text(&p->effect, p->verdict, statistics_words(p->verdict), text));
	}
	err = table_write(table, file, 4, color);
	table_free(table);
	return err;
}

static const char *coefficient(const struct statistics_interval *value,
			       char text[static TABLE_TEXT_SIZE])
{
	if (isnan(value->low))
		snprintf(text, TABLE_TEXT_SIZE, "%.3g", value->estimate);
	else
		snprintf(text, TABLE_TEXT_SIZE, "%.3g [%.3g, %.3g]", value->estimate, value->low,
			 value->high);
	return text;
}

/* Whether the interval has 0 in it, all but. */
static bool may_be_none(const struct statistics_interval *value)
{
	return isnan(value->low) || value->low < 1e-9;
}

static void print_peak(const struct usl_line *line, FILE *file)
{
	double peak = line->peak.estimate;
	double most = line->points[line->count - 1].workers;
	char text[TABLE_TEXT_SIZE];

	if (isinf(peak)) {
		fputs("          No number of workers is too many by this fit.\n", file);
		return;
	}
	snprintf(text, sizeof(text), isinf(line->peak.high) ? "[%.3g, no end]" : "[%.3g, %.3g]",
		 line->peak.low, line->peak.high);
	fprintf(file, "          The rate is highest with %.3g workers%s%s%s.\n", peak,
		isnan(line->peak.low) ? "" : " ", isnan(line->peak.low) ? "" : text,
		peak > most ? ", more than were tried: a guess beyond the data" : "");
}

static void print_coefficients(const struct usl_line *line, FILE *file)
{
	const char *unit =
		record_columns[line->sample->kind == RECORD_SUMSQ ? COLUMN_elements_per_s
								  : COLUMN_throughput_rps]
			.unit;
	char text[TABLE_TEXT_SIZE], limit[TABLE_TEXT_SIZE];

	fprintf(file, "    lambda %s: what one worker does",
		table_number(line->fit.lambda, unit, text));
	fprintf(file, " %s\n",
		table_interval(line->fit.lambda, line->lambda.low, line->lambda.high, unit, text));
	fprintf(file, "    sigma  %s: contention. ", coefficient(&line->sigma, text));
	if (may_be_none(&line->sigma))
		fputs("None is shown.\n", file);
	else
		fprintf(file,
			"%.0f %% of the work is one worker's at a time:\n"
			"          however many there are, they stay below %s.\n",
			100 * fmin(1, line->fit.sigma),
			table_number(line->fit.lambda / line->fit.sigma, unit, limit));
	fprintf(file, "    kappa  %s: coherency. ", coefficient(&line->kappa, text));
	if (may_be_none(&line->kappa))
		fputs("None is shown.\n", file);
	else
		fputs("Each worker has to wait for what the others did.\n", file);
	print_peak(line, file);
}

static void print_fit(const struct usl_line *line, FILE *file)
{
	if (!line->fitted) {
		fprintf(file,
			"    No law is fitted: it needs three worker counts at least, and there "
			"are %zu.\n",
			line->count);
		return;
	}
	print_coefficients(line, file);
	fprintf(file, "    The law is off by %.1f %% at most", 100 * line->fit.worst);
	fputs(line->count == USL_COUNTS_LEAST
		      ? "; three counts for three coefficients always fit: four or more would test "
			"it.\n"
		      : ".\n",
	      file);
	if (line->fit.worst > POOR_FIT)
		fputs("    That is too much: these workers do not follow the law, "
		      "and its coefficients tell little.\n",
		      file);
	if (line->oversubscribed)
		fputs("    ! more workers than CPUs: they take turns, and the coefficients are of "
		      "that, not of\n    more cores.\n",
		      file);
}

int usl_print(const struct usl *usl, FILE *file, bool color)
{
	size_t comparisons[RECORD_KINDS] = {0}, all = 0, pairs = SIZE_MAX;
	int err = 0;

	if (usl->mixed)
		fprintf(file,
			"%zu line%s left out: cells with as many workers differ in a factor that "
			"the rows do not show.\nLet the plan have one value of it.\n",
			usl->mixed, usl->mixed == 1 ? "" : "s");
	if (usl->count == 0) {
		fputs("No cell ran with several worker counts: no scaling to show.\n", file);
		return ferror(file) ? -EIO : 0;
	}
	for (size_t i = 0; i < usl->count && !err; i++) {
		const struct usl_line *line = &usl->lines[i];

		fputs(color ? "\033[1m" : "", file);
		print_name(line->sample, file);
		fprintf(file,
			color ? "\033[0m: medians of %zu block%s\n" : ": medians of %zu block%s\n",
			line->blocks, line->blocks == 1 ? "" : "s");
		err = print_points(line, file, color);
		if (!err)
			print_fit(line, file);
		putc('\n', file);
		for (size_t k = 1; k < line->count; k++) {
			size_t seen = line->points[k].effect.pairs;

			comparisons[line->sample->kind] += seen > 0;
			all += seen > 0;
			pairs = seen && seen < pairs ? seen : pairs;
		}
	}
	if (err)
		return err;
	if (all)
		claim_method(file, pairs);
	for (unsigned kind = 0; kind < RECORD_KINDS; kind++)
		if (comparisons[kind])
			claim_floor(file, kind == RECORD_SUMSQ ? "squares/s" : "throughput", pairs,
				    all, 1, usl->floor[kind]);
	return ferror(file) ? -EIO : 0;
}
