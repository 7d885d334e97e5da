/*
 * What may be said: names of cells and workloads, the pool table, the noise floor, and a line per
 * comparison after the manner of hyperfine's summary.
 */
#include "results/claim.h"
#include "results/matrix_parts.h"
#include "results/table.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#define REASON_INDENT 21 /* below the comparison that it is the reason of */
#define MOST_CPUS     16 /* bytes of a list of CPUs in the table; the whole list is in the CSV */

static void plain_label(const struct summary_cell *cell, char label[static MATRIX_LABEL_SIZE])
{
	const char *model = record_text(cell->sample, COLUMN_model);
	bool spins = strcmp(record_text(cell->sample, COLUMN_quadrant), "async-nonblocking") == 0;

	snprintf(label, MATRIX_LABEL_SIZE, "%s%s", *model ? model : cell->name,
		 spins ? " spin" : "");
}

/* With the variant that was asked for, if one was. */
static void variant_label(const struct summary_cell *cell, char label[static MATRIX_LABEL_SIZE])
{
	const char *variant = record_text(cell->sample, COLUMN_variant_requested);

	plain_label(cell, label);
	if (*variant)
		snprintf(label + strlen(label), MATRIX_LABEL_SIZE - strlen(label), " %s", variant);
}

/* Whether another cell of the workload is called so too, by names of that making. */
static bool is_shared(const struct summary *summary, const struct summary_cell *cell,
		      const char *label, void (*make)(const struct summary_cell *cell, char *label))
{
	const struct summary_group *group = &summary->groups[cell->group];
	char other[MATRIX_LABEL_SIZE];

	for (size_t i = group->first; i < group->first + group->count; i++) {
		if (&summary->cells[i] == cell)
			continue;
		make(&summary->cells[i], other);
		if (strcmp(label, other) == 0)
			return true;
	}
	return false;
}

const char *matrix_label(const struct summary *summary, const struct summary_cell *cell,
			 char label[static MATRIX_LABEL_SIZE])
{
	plain_label(cell, label);
	if (is_shared(summary, cell, label, plain_label))
		variant_label(cell, label);
	if (is_shared(summary, cell, label, variant_label))
		snprintf(label, MATRIX_LABEL_SIZE, "%s", cell->name);
	return label;
}

void matrix_title(FILE *file, const char *text, bool color)
{
	fprintf(file, color ? "\033[1m%s\033[0m" : "%s", text);
}

void matrix_workload(FILE *file, const struct summary *summary, const struct summary_group *group)
{
	const struct record *sample = summary->cells[group->first].sample;
	double latency = record_number(sample, COLUMN_origin_latency_us);
	double body = record_number(sample, COLUMN_body_bytes);
	double rate = record_number(sample, COLUMN_rate_rps);
	char text[TABLE_TEXT_SIZE];

	if (summary->kind == RECORD_NAP) {
		fputs("naps", file);
		return;
	}
	if (summary->kind == RECORD_SUMSQ) {
		double jobs = record_number(sample, COLUMN_jobs);
		double squares = record_number(sample, COLUMN_squares_per_job);

		fprintf(file, "%.0f job%s", jobs, jobs == 1.0 ? "" : "s");
		if (!isnan(squares))
			fprintf(file, " of %s squares", table_number(squares, "", text));
		fprintf(file, ", %s core", record_text(sample, COLUMN_core));
		return;
	}
	double connections = record_number(sample, COLUMN_connections);

	if (group->commands)
		fputs(isnan(connections) ? "commands" : "commands, ", file);
	if (group->commands && isnan(connections))
		return;
	fprintf(file, "%.0f connection%s", connections, connections == 1.0 ? "" : "s");
	if (record_number(sample, COLUMN_tls) > 0.0)
		fputs(", TLS", file);
	if (!isnan(latency) && latency > 0.0)
		fprintf(file, ", origin latency %s", table_number(latency, "us", text));
	else if (!isnan(latency))
		fputs(", no origin latency", file);
	if (!isnan(body))
		fprintf(file, body < 999.5 ? ", bodies of %.0f B" : ", bodies of %.3g kB",
			body < 999.5 ? body : body / 1000.0);
	if (!isnan(rate))
		fprintf(file, ", offered %s", table_number(rate, "1/s", text));
}

/* What the comparison's lines are about, in the words of the table above them. */
static const char *short_name(enum record_column column)
{
	switch ((int)column) {
	case COLUMN_throughput_rps:
		return "throughput";
	case COLUMN_latency_p50_us:
		return "latency p50";
	case COLUMN_latency_p99_us:
		return "latency p99";
	case COLUMN_cpu_us_per_request:
		return "CPU per fetch";
	case COLUMN_elements_per_s:
		return "squares/s";
	case COLUMN_dispatch_ns_per_job:
		return "dispatch per job";
	case COLUMN_duration_s:
		return "time";
	default:
		return record_columns[column].name;
	}
}

static void print_floors(FILE *file, const struct summary_group *group)
{
	const char *comma = "";
	char text[TABLE_TEXT_SIZE];

	for (size_t place = 0; place < SUMMARY_COLUMNS; place++) {
		if (summary_sense(group, place) == SUMMARY_EVIDENCE || isnan(group->floor[place]))
			continue;
		fprintf(file, "%s%s %s", comma, short_name(summary_columns[place].column),
			table_percent(group->floor[place] - 1.0, text));
		comma = ", ";
	}
	fputs(*comma ? "\n" : "unknown, since one block shows no spread\n", file);
}

void matrix_floor(FILE *file, const struct summary *fetch, const struct summary *sumsq, bool color)
{
	const struct summary *both[] = {fetch, sumsq};

	matrix_title(file, "Noise floor", color);
	fputs(": what equal cells differed by, or could have. Nothing smaller is claimed.\n", file);
	for (size_t i = 0; i < 2; i++) {
		const struct summary *summary = both[i];

		if (!summary)
			continue;
		if (!summary->control) {
			fprintf(file, "  %s: unknown, no A/A control was run\n",
				summary->kind == RECORD_SUMSQ ? "sums" : "fetches");
			continue;
		}
		for (size_t k = 0; k < summary->group_count; k++) {
			const struct summary_group *group = &summary->groups[k];

			if (!group->control)
				continue;
			fprintf(file, "  %s, run twice in %zu block%s:\n    ", group->control,
				group->control_blocks, group->control_blocks == 1 ? "" : "s");
			print_floors(file, group);
		}
	}
	putc('\n', file);
}

static void pool_row(struct table *table, const struct summary *sumsq,
		     const struct summary_cell *cell)
{
	const struct summary_value *rate = summary_get(cell, COLUMN_elements_per_s);
	const struct summary_value *dispatch = summary_get(cell, COLUMN_dispatch_ns_per_job);
	const struct statistics_effect *effect = &rate->effect;
	bool baseline = &sumsq->cells[sumsq->groups[cell->group].baseline] == cell;
	const char *cpus = record_text(cell->sample, COLUMN_cpus);
	char text[TABLE_TEXT_SIZE];

	table_cell(table, matrix_label(sumsq, cell, text));
	snprintf(text, sizeof(text), "%.0f", record_number(cell->sample, COLUMN_workers));
	table_cell(table, cell->sample->values[COLUMN_workers].present ? text : "");
	snprintf(text, sizeof(text), strlen(cpus) > MOST_CPUS ? "%.*s…" : "%.*s", MOST_CPUS, cpus);
	table_cell(table, text);
	table_cell(table, table_number(rate->median, "1/s", text));
	table_cell(table, table_interval(rate->median, rate->low, rate->high, "1/s", text));
	if (baseline)
		snprintf(text, sizeof(text), "1");
	else if (effect->pairs == 0)
		text[0] = '\0';
	else
		table_ratio(effect->ratio, effect->low, effect->high, text);
	table_cell(table, text);
	table_cell(table, dispatch->blocks ? table_number(dispatch->median, "ns", text) : "");
}

static int pool_table(FILE *file, const struct summary *sumsq, const struct summary_group *group,
		      bool color)
{
	struct table *table = table_new(7);
	size_t end = group->first + group->count;
	char speedup[MATRIX_LABEL_SIZE + 16] = "speedup";
	char label[MATRIX_LABEL_SIZE], interval[CLAIM_TEXT_SIZE];
	int result;

	if (!table)
		return -ENOMEM;
	if (group->baseline < end)
		snprintf(speedup, sizeof(speedup), "against %s",
			 matrix_label(sumsq, &sumsq->cells[group->baseline], label));
	table_heading(table, "pool", TABLE_LEFT);
	table_heading(table, "workers", TABLE_RIGHT);
	table_heading(table, "CPUs", TABLE_LEFT);
	table_heading(table, "squares", TABLE_RIGHT);
	table_heading(table, claim_interval(sumsq->cells[group->first].rows, interval),
		      TABLE_RIGHT);
	table_heading(table, speedup, TABLE_RIGHT);
	table_heading(table, "dispatch per job", TABLE_RIGHT);
	if (group->baseline < end)
		pool_row(table, sumsq, &sumsq->cells[group->baseline]);
	for (size_t i = group->first; i < end; i++) {
		if (sumsq->cells[i].rows > 0 && i != group->baseline)
			pool_row(table, sumsq, &sumsq->cells[i]);
	}
	result = table_write(table, file, 2, color);
	table_free(table);
	putc('\n', file);
	return result;
}

int matrix_pools(FILE *file, const struct summary *sumsq, bool color)
{
	int result = 0;

	for (size_t i = 0; i < sumsq->group_count && result == 0; i++) {
		matrix_title(file, "Sum of squares", color);
		fputs(": ", file);
		matrix_workload(file, sumsq, &sumsq->groups[i]);
		fputs("\n", file);
		result = pool_table(file, sumsq, &sumsq->groups[i], color);
	}
	return result;
}

/*
 * "uring ran 1.04 [1.02, 1.06] times faster than epoll": always the larger side of the ratio.
 * `words` stand where nothing is claimed, `why` behind them.
 */
static void print_claim(FILE *file, const struct statistics_effect *effect, bool cost,
			enum statistics_verdict verdict, const char *words, const char *why,
			const char *name, const char *baseline)
{
	const char *verb = cost ? "needs" : "ran";
	const char *word = cost ? (verdict == STATISTICS_FASTER ? "less" : "more")
				: (verdict == STATISTICS_FASTER ? "faster" : "slower");
	char text[TABLE_TEXT_SIZE];

	if (verdict == STATISTICS_NO_DIFFERENCE) {
		fprintf(file, "%s%s between %s and %s: %s", words, strchr(words, ',') ? "," : "",
			name, baseline,
			table_ratio(effect->ratio, effect->low, effect->high, text));
		if (*why)
			fprintf(file, "\n%*s(%s)", REASON_INDENT, "", why);
		return;
	}
	if (effect->ratio >= 1.0)
		table_ratio(effect->ratio, effect->low, effect->high, text);
	else
		table_ratio(1.0 / effect->ratio, 1.0 / effect->high, 1.0 / effect->low, text);
	fprintf(file, "%s %s %s times %s than %s", name, verb, text, word, baseline);
}

static void print_verdicts(FILE *file, const struct summary *summary,
			   const struct summary_group *group, enum record_column column)
{
	size_t place = summary_place(column);
	bool cost = summary_columns[place].sense == SUMMARY_COST;
	const char *head = short_name(column);
	char name[MATRIX_LABEL_SIZE], baseline[MATRIX_LABEL_SIZE];
	char why[CLAIM_TEXT_SIZE];

	for (size_t i = group->first; i < group->first + group->count; i++) {
		const struct summary_cell *cell = &summary->cells[i];
		const struct summary_value *value = &cell->values[place];

		if (value->verdict == STATISTICS_NOT_COMPARED)
			continue;
		fputs("    ", file);
		table_put(file, head, 15, TABLE_LEFT);
		print_claim(file, &value->effect, cost, value->verdict,
			    summary_verdict(summary, cell, place),
			    summary_reason(summary, cell, place, why),
			    matrix_label(summary, cell, name),
			    matrix_label(summary, &summary->cells[group->baseline], baseline));
		putc('\n', file);
		head = "";
	}
}

/* How the lines below were come by: a reader must be able to tell an exact p from a sampled one. */
static void print_method(FILE *file, const struct summary *summary, size_t place)
{
	size_t comparisons = summary->comparisons[place];
	size_t pairs = SIZE_MAX;
	char text[CLAIM_TEXT_SIZE];
	bool exact = true;

	if (comparisons == 0)
		return;
	for (size_t i = 0; i < summary->cell_count; i++) {
		const struct statistics_effect *effect = &summary->cells[i].values[place].effect;

		if (!summary->cells[i].contender || effect->pairs == 0)
			continue;
		exact = exact && effect->exact;
		pairs = effect->pairs < pairs ? effect->pairs : pairs;
	}
	fprintf(file, "  Paired by block, sign-flip test (%s), Holm over %zu comparison%s:\n",
		exact ? "exact" : "Monte Carlo", comparisons, comparisons == 1 ? "" : "s");
	if (*claim_too_few(pairs, comparisons, 1, text))
		fprintf(file, "  %s.\n", text);
}

void matrix_failed(FILE *file, const struct summary *summary, const struct summary_group *group)
{
	char name[MATRIX_LABEL_SIZE];

	for (size_t i = group->first; i < group->first + group->count; i++) {
		const struct summary_cell *cell = &summary->cells[i];

		if (cell->failed > 0 && cell->rows > 0)
			fprintf(file,
				"    %s: %zu of %zu runs failed; figures and verdicts are of those "
				"that did not, which\n      need not be like them.\n",
				matrix_label(summary, cell, name), cell->failed,
				cell->failed + cell->rows);
	}
}

void matrix_verdicts(FILE *file, const struct summary *summary)
{
	static const enum record_column fetch[] = {COLUMN_throughput_rps, COLUMN_cpu_us_per_request,
						   COLUMN_duration_s};
	static const enum record_column sums[] = {COLUMN_elements_per_s};
	bool sumsq = summary->kind == RECORD_SUMSQ;
	const enum record_column *columns = sumsq ? sums : fetch;
	size_t count = sumsq ? 1 : 3, first = 0;

	while (first + 1 < count && !summary->comparisons[summary_place(columns[first])])
		first++;
	print_method(file, summary, summary_place(columns[first]));

	for (size_t i = 0; i < summary->group_count; i++) {
		if (summary->groups[i].commands)
			continue; /* their verdicts stand in a table of their own */
		fputs("  ", file);
		matrix_workload(file, summary, &summary->groups[i]);
		putc('\n', file);
		for (size_t j = 0; j < count; j++)
			print_verdicts(file, summary, &summary->groups[i], columns[j]);
		matrix_failed(file, summary, &summary->groups[i]);
	}
	if (summary->left_out > 0)
		fprintf(file, "  %zu run%s cut short, failed or not to be done here, left out\n",
			summary->left_out, summary->left_out == 1 ? "" : "s");
}
