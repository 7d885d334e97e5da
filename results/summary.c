/*
 * Sorting rows into cells and cells into workloads: rows ordered by cell, role, run and block lie
 * beside the rows they belong with. The figures are worked out in summary_values.c.
 */
#include "results/summary.h"
#include "results/summary_values.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

const struct summary_column summary_columns[SUMMARY_COLUMNS] = {
	{COLUMN_throughput_rps, SUMMARY_RATE},
	{COLUMN_elements_per_s, SUMMARY_RATE},
	{COLUMN_latency_p50_us, SUMMARY_TIME},
	{COLUMN_latency_p90_us, SUMMARY_EVIDENCE},
	{COLUMN_latency_p99_us, SUMMARY_TIME},
	{COLUMN_latency_p999_us, SUMMARY_EVIDENCE},
	{COLUMN_latency_max_us, SUMMARY_EVIDENCE},
	{COLUMN_latency_uncorrected_p99_us, SUMMARY_EVIDENCE},
	{COLUMN_first_byte_p50_us, SUMMARY_EVIDENCE},
	{COLUMN_connect_p50_us, SUMMARY_EVIDENCE},
	{COLUMN_cpu_us_per_request, SUMMARY_COST},
	{COLUMN_syscalls_per_request, SUMMARY_EVIDENCE},
	{COLUMN_would_block_per_request, SUMMARY_EVIDENCE},
	{COLUMN_notifications_per_request, SUMMARY_EVIDENCE},
	{COLUMN_blocked_share, SUMMARY_EVIDENCE},
	{COLUMN_voluntary_switches_per_request, SUMMARY_EVIDENCE},
	{COLUMN_involuntary_switches_per_request, SUMMARY_EVIDENCE},
	{COLUMN_overlap_elements_per_s, SUMMARY_RATE},
	{COLUMN_dispatch_ns_per_job, SUMMARY_COST},
	{COLUMN_duration_s, SUMMARY_EVIDENCE},
	{COLUMN_setup_s, SUMMARY_EVIDENCE},
	{COLUMN_max_rss_kib, SUMMARY_EVIDENCE},
	{COLUMN_steal_share, SUMMARY_EVIDENCE},
	{COLUMN_errors, SUMMARY_EVIDENCE},
};

static bool is_control(const struct record *record)
{
	return strcmp(record_text(record, COLUMN_role), "control") == 0;
}

/* An empty number sorts before all others, and equals itself. */
static int compare_numbers(double a, double b)
{
	a = isnan(a) ? -INFINITY : a;
	b = isnan(b) ? -INFINITY : b;
	return (a > b) - (a < b);
}

static int compare_columns(const struct record *a, const struct record *b,
			   const enum record_column *columns, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		int order;

		if (record_columns[columns[i]].type == RECORD_TEXT)
			order = strcmp(record_text(a, columns[i]), record_text(b, columns[i]));
		else
			order = compare_numbers(record_number(a, columns[i]),
						record_number(b, columns[i]));
		if (order)
			return order;
	}
	return 0;
}

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

int summary_compare_workloads(const struct record *a, const struct record *b)
{
	static const enum record_column fetch[] = {COLUMN_connections, COLUMN_origin_latency_us,
						   COLUMN_tls, COLUMN_rate_rps, COLUMN_overlap};
	static const enum record_column sums[] = {COLUMN_jobs, COLUMN_squares_per_job, COLUMN_core};
	static const enum record_column naps[] = {COLUMN_tasks, COLUMN_ticks, COLUMN_tick_s};
	int order;

	if (a->kind == RECORD_NAP)
		return compare_columns(a, b, naps, LENGTH(naps));
	if (a->kind == RECORD_SUMSQ)
		return compare_columns(a, b, sums, LENGTH(sums));
	order = compare_columns(a, b, fetch, LENGTH(fetch));
	if (order)
		return order;
	return compare_numbers(round(record_number(a, COLUMN_body_bytes)),
			       round(record_number(b, COLUMN_body_bytes)));
}

/*
 * A cell is its name, whatever a failed run of it lacks. Runs made by hand have none and are told
 * apart by what they ran.
 */
static int compare_cells(const struct record *a, const struct record *b)
{
	static const enum record_column name[] = {COLUMN_cell};
	static const enum record_column factors[] = {
		COLUMN_model,	     COLUMN_wait,    COLUMN_variant_requested,
		COLUMN_workers_kind, COLUMN_workers, COLUMN_placement,
	};
	int order = compare_columns(a, b, name, 1);

	if (order || *record_text(a, COLUMN_cell))
		return order;
	order = summary_compare_workloads(a, b);
	return order ? order : compare_columns(a, b, factors, LENGTH(factors));
}

int summary_compare_runs(const struct record *a, const struct record *b)
{
	static const enum record_column columns[] = {COLUMN_run_id, COLUMN_block};

	return compare_columns(a, b, columns, LENGTH(columns));
}

static int compare_rows(const void *left, const void *right)
{
	const struct record *a = *(const struct record *const *)left;
	const struct record *b = *(const struct record *const *)right;
	int order = compare_cells(a, b);

	if (!order)
		order = (int)is_control(a) - (int)is_control(b);
	return order ? order : summary_compare_runs(a, b);
}

static const struct record *doubled(const struct summary_rows *rows)
{
	for (size_t i = 1; i < rows->count; i++) {
		if (rows->rows[i]->values[COLUMN_block].present &&
		    summary_compare_runs(rows->rows[i - 1], rows->rows[i]) == 0)
			return rows->rows[i];
	}
	return NULL;
}

/* A block run twice is a file put together wrongly; rows without a block are runs by hand. */
static int check_blocks(const struct summary_draft *drafts, size_t count, char *why,
			size_t why_size)
{
	for (size_t i = 0; i < count; i++) {
		const struct record *row = doubled(&drafts[i].own);

		row = row ? row : doubled(&drafts[i].control);
		if (!row)
			continue;
		snprintf(why, why_size, "cell %s has two rows for block %.0f%s%s",
			 record_text(row, COLUMN_cell), record_number(row, COLUMN_block),
			 *record_text(row, COLUMN_run_id) ? " of run " : "",
			 record_text(row, COLUMN_run_id));
		return -EINVAL;
	}
	return 0;
}

/* Complete rows of the kind, sorted. NULL when memory is out. */
static const struct record **sorted_rows(const struct record *records, size_t count,
					 enum record_kind kind, size_t *used, size_t *left_out)
{
	const struct record **rows = calloc(count ? count : 1, sizeof(const struct record *));

	*used = 0;
	for (size_t i = 0; rows && i < count; i++) {
		if (records[i].kind != kind)
			continue;
		/* Cut short, or ended in failure: its figures are not what the cell does. */
		if (record_number(&records[i], COLUMN_partial) > 0.0 ||
		    strstr(record_text(&records[i], COLUMN_flags), "failed"))
			++*left_out;
		else
			rows[(*used)++] = &records[i];
	}
	if (rows)
		qsort(rows, *used, sizeof(const struct record *), compare_rows);
	return rows;
}

static const char *name_of(const struct record *record)
{
	const char *cell = record_text(record, COLUMN_cell);

	return *cell ? cell : record_text(record, COLUMN_model);
}

/* Cuts the sorted rows into cells, each with its control. */
static size_t cut_cells(struct summary_draft *drafts, const struct record **rows, size_t count)
{
	size_t cells = 0;

	for (size_t i = 0; i < count; i++) {
		struct summary_draft *draft;
		struct summary_rows *run;

		cells += i == 0 || compare_cells(rows[i - 1], rows[i]) != 0;
		draft = &drafts[cells - 1];
		run = is_control(rows[i]) ? &draft->control : &draft->own;
		if (run->count++ == 0)
			run->rows = &rows[i];
		draft->flags |= flags_read(record_text(rows[i], COLUMN_flags));
		/* A run that fetched nothing knows no body: it must not stand for its cell. */
		if (!draft->sample || (!draft->sample->values[COLUMN_body_bytes].present &&
				       rows[i]->values[COLUMN_body_bytes].present))
			draft->sample = rows[i];
	}
	return cells;
}

static bool has_failed(const struct record *record)
{
	return !(record_number(record, COLUMN_partial) > 0.0) &&
	       flags_has(record_text(record, COLUMN_flags), "failed");
}

/*
 * What failed is in no pair, and pairs without it may be the easy ones: the cells that lost runs
 * must be known by them.
 */
static void count_failed(struct summary_draft *drafts, size_t cells, const struct record *records,
			 size_t count, enum record_kind kind)
{
	for (size_t i = 0; i < count; i++) {
		if (records[i].kind != kind || !has_failed(&records[i]))
			continue;
		for (size_t j = 0; j < cells; j++) {
			if (compare_cells(drafts[j].sample, &records[i]) != 0)
				continue;
			drafts[j].failed += !is_control(&records[i]);
			drafts[j].flags |= flags_read(record_text(&records[i], COLUMN_flags));
		}
	}
}

static int compare_drafts(const void *left, const void *right)
{
	const struct record *a = ((const struct summary_draft *)left)->sample;
	const struct record *b = ((const struct summary_draft *)right)->sample;
	int order = summary_compare_workloads(a, b);

	return order ? order : compare_cells(a, b);
}

/* Cells that stand in order of workload and name become groups. */
static void make_groups(struct summary *summary, const struct summary_draft *drafts)
{
	for (size_t i = 0; i < summary->cell_count; i++) {
		const struct record *sample = drafts[i].sample;
		struct summary_cell *cell = &summary->cells[i];

		if (i == 0 || summary_compare_workloads(drafts[i - 1].sample, sample) != 0)
			summary->groups[summary->group_count++].first = i;
		cell->name = name_of(sample);
		cell->sample = sample;
		cell->rows = drafts[i].own.count;
		cell->failed = drafts[i].failed;
		for (size_t row = 0; row < cell->rows; row++)
			cell->origin_limited +=
				strstr(record_text(drafts[i].own.rows[row], COLUMN_flags),
				       "origin-saturated") != NULL;
		cell->spoiled = flags_spoiling(drafts[i].flags);
		cell->group = summary->group_count - 1;
		cell->contender =
			sample->kind != RECORD_FETCH || *record_text(sample, COLUMN_quadrant);
		summary->groups[cell->group].count++;
	}
}

int summary_make(const struct record *records, size_t count, enum record_kind kind,
		 const struct summary_options *options, struct summary **summary, char *why,
		 size_t why_size)
{
	struct summary *made = calloc(1, sizeof(*made));
	struct summary_draft *drafts = NULL;
	const struct record **rows = NULL;
	size_t used = 0;
	int result = -ENOMEM;

	*summary = NULL;
	if (!made)
		goto out;
	made->kind = kind;
	rows = sorted_rows(records, count, kind, &used, &made->left_out);
	/* Never more cells than rows. */
	drafts = calloc(used + 1, sizeof(*drafts));
	if (!rows || !drafts)
		goto out;
	made->cell_count = cut_cells(drafts, rows, used);
	count_failed(drafts, made->cell_count, records, count, kind);
	made->cells = calloc(made->cell_count + 1, sizeof(*made->cells));
	made->groups = calloc(made->cell_count + 1, sizeof(*made->groups));
	if (!made->cells || !made->groups)
		goto out;
	qsort(drafts, made->cell_count, sizeof(*drafts), compare_drafts);
	result = check_blocks(drafts, made->cell_count, why, why_size);
	if (result != 0)
		goto out;
	make_groups(made, drafts);
	summary_find_commands(made);
	summary_choose_baselines(made, options);
	result = summary_fill(made, drafts, options->seed);
out:
	if (result == -ENOMEM)
		snprintf(why, why_size, "%s", strerror(ENOMEM));
	free(drafts);
	free(rows);
	if (result == 0)
		*summary = made;
	else
		summary_free(made);
	return result;
}

void summary_free(struct summary *summary)
{
	if (!summary)
		return;
	free(summary->cells);
	free(summary->groups);
	free(summary);
}

size_t summary_place(enum record_column column)
{
	size_t place = 0;

	while (place < SUMMARY_COLUMNS && summary_columns[place].column != column)
		place++;
	return place;
}

const struct summary_value *summary_get(const struct summary_cell *cell, enum record_column column)
{
	size_t place = summary_place(column);

	return place < SUMMARY_COLUMNS ? &cell->values[place] : NULL;
}
