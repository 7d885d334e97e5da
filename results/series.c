/* Sorting rows into series: see series.h. */
#include "results/series.h"
#include "results/table.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

int series_compare_blocks(const struct record *a, const struct record *b)
{
	int order = strcmp(record_text(a, COLUMN_run_id), record_text(b, COLUMN_run_id));
	double left = record_number(a, COLUMN_block), right = record_number(b, COLUMN_block);

	return order ? order : (left > right) - (left < right);
}

/* An empty number sorts before all others. */
static int compare_numbers(double a, double b)
{
	a = isnan(a) ? -INFINITY : a;
	b = isnan(b) ? -INFINITY : b;
	return (a > b) - (a < b);
}

int series_compare_columns(const struct record *a, const struct record *b,
			   const enum record_column *columns, size_t count)
{
	int order = 0;

	for (size_t i = 0; i < count && !order; i++)
		order = record_columns[columns[i]].type == RECORD_TEXT
				? strcmp(record_text(a, columns[i]), record_text(b, columns[i]))
				: compare_numbers(record_number(a, columns[i]),
						  record_number(b, columns[i]));
	return order;
}

/* How much of a URL is its scheme and host: the lab's origin listens on another port each time. */
static size_t host_length(const char *url)
{
	const char *host = strstr(url, "://");

	host = host ? host + 3 : url;
	if (*host == '[')
		host += strcspn(host, "]/");
	return (size_t)(host - url) + strcspn(host, ":/?#");
}

static int compare_urls(const char *a, const char *b)
{
	size_t left = host_length(a), right = host_length(b);
	int order = left == right ? strncmp(a, b, left) : left < right ? -1 : 1;

	return order ? order
		     : strcmp(a + left + strcspn(a + left, "/?#"),
			      b + right + strcspn(b + right, "/?#"));
}

int series_compare_targets(const struct record *a, const struct record *b)
{
	static const enum record_column columns[] = {
		COLUMN_origin_latency_us, COLUMN_tls, COLUMN_overlap, COLUMN_link, COLUMN_origin,
	};
	const char *left = record_text(a, COLUMN_url), *right = record_text(b, COLUMN_url);
	int order = series_compare_columns(a, b, columns, sizeof(columns) / sizeof(columns[0]));

	if (order || *left || *right)
		return order ? order : compare_urls(left, right);
	return compare_numbers(round(record_number(a, COLUMN_body_bytes)),
			       round(record_number(b, COLUMN_body_bytes)));
}

int series_compare_workloads(const struct record *a, const struct record *b)
{
	static const enum record_column columns[] = {COLUMN_connections};
	int order = series_compare_columns(a, b, columns, 1);

	return order ? order : series_compare_targets(a, b);
}

bool series_have_twins(const struct series *const *series, size_t count, enum record_column column)
{
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < i; k++)
			if (record_number(series[i]->rows[0], column) ==
			    record_number(series[k]->rows[0], column))
				return true;
	return false;
}

void series_print_target(const struct record *row, FILE *file)
{
	const char *url = record_text(row, COLUMN_url);
	const char *overlap = record_text(row, COLUMN_overlap);
	char text[TABLE_TEXT_SIZE];
	double latency = record_number(row, COLUMN_origin_latency_us);
	double body = record_number(row, COLUMN_body_bytes);

	url += host_length(url);
	url += strcspn(url, "/?#");
	if (record_number(row, COLUMN_tls) > 0)
		fputs(", TLS", file);
	if (latency > 0)
		fprintf(file, ", origin latency %s", table_number(latency, "us", text));
	if (*url)
		fprintf(file, ", %s", url);
	else if (!isnan(body))
		fprintf(file, ", bodies of %.0f B", body);
	if (*overlap && strcmp(overlap, "none") != 0)
		fprintf(file, ", overlap %s", overlap);
}

static int compare_rows(const void *left, const void *right)
{
	const struct record *a = *(const struct record *const *)left;
	const struct record *b = *(const struct record *const *)right;
	int order = strcmp(record_text(a, COLUMN_cell), record_text(b, COLUMN_cell));

	return order ? order : series_compare_blocks(a, b);
}

static bool counts(const struct record *row, enum record_kind kind, bool control)
{
	return row->kind == kind && *record_text(row, COLUMN_cell) &&
	       row->values[COLUMN_block].present &&
	       (strcmp(record_text(row, COLUMN_role), "control") == 0) == control &&
	       !(record_number(row, COLUMN_partial) > 0) &&
	       !strstr(record_text(row, COLUMN_flags), "failed");
}

static int make(const struct record *records, size_t count, enum record_kind kind, bool control,
		struct series_set *set)
{
	size_t used = 0;

	*set = (struct series_set){.rows = calloc(count + 1, sizeof(*set->rows)),
				   .series = calloc(count + 1, sizeof(*set->series))};
	if (!set->rows || !set->series) {
		series_release(set);
		return -ENOMEM;
	}
	for (size_t i = 0; i < count; i++)
		if (counts(&records[i], kind, control))
			set->rows[used++] = &records[i];
	qsort(set->rows, used, sizeof(*set->rows), compare_rows);
	for (size_t i = 0; i < used; i++) {
		if (i == 0 || strcmp(record_text(set->rows[i - 1], COLUMN_cell),
				     record_text(set->rows[i], COLUMN_cell)) != 0)
			set->series[set->count++].rows = &set->rows[i];
		set->series[set->count - 1].count++;
	}
	return 0;
}

int series_make(const struct record *records, size_t count, enum record_kind kind,
		struct series_set *set)
{
	return make(records, count, kind, false, set);
}

int series_make_controls(const struct record *records, size_t count, enum record_kind kind,
			 struct series_set *set)
{
	return make(records, count, kind, true, set);
}

const struct series *series_find(const struct series_set *set, const char *cell)
{
	for (size_t i = 0; i < set->count; i++)
		if (strcmp(record_text(set->series[i].rows[0], COLUMN_cell), cell) == 0)
			return &set->series[i];
	return NULL;
}

void series_release(struct series_set *set)
{
	free(set->rows);
	free(set->series);
	*set = (struct series_set){0};
}

double series_value(const struct series *series, const struct record *block,
		    enum record_column column)
{
	size_t low = 0, high = series->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (series_compare_blocks(series->rows[middle], block) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == series->count || series_compare_blocks(series->rows[low], block) != 0)
		return NAN;
	return record_number(series->rows[low], column);
}

flag_set series_spoiled(const struct series *series)
{
	flag_set set = 0;

	for (size_t i = 0; i < series->count; i++)
		set |= flags_read(record_text(series->rows[i], COLUMN_flags));
	return flags_spoiling(set);
}

/* The values of a column that are there, to be freed; NULL when memory is out. */
static double *values_of(const struct series *series, enum record_column column, size_t *count)
{
	double *values = calloc(series->count, sizeof(*values));

	*count = 0;
	for (size_t i = 0; values && i < series->count; i++) {
		double value = record_number(series->rows[i], column);

		if (!isnan(value))
			values[(*count)++] = value;
	}
	return values;
}

double series_median(const struct series *series, enum record_column column)
{
	size_t count;
	double *values = values_of(series, column, &count);
	double median = NAN;

	if (values) {
		statistics_sort(values, count);
		median = statistics_quantile(values, count, 0.5);
	}
	free(values);
	return median;
}

int series_interval(const struct series *series, enum record_column column, uint64_t seed,
		    struct statistics_interval *interval)
{
	size_t count;
	double *values = values_of(series, column, &count);
	int err = -ENOMEM;

	if (values)
		err = statistics_bootstrap(values, count, STATISTICS_MEDIAN, STATISTICS_RESAMPLES,
					   seed, interval);
	free(values);
	return err == -EINVAL ? 0 : err;
}

int series_compare(const struct series *side, const struct series *base, enum record_column column,
		   uint64_t seed, struct statistics_effect *effect)
{
	size_t most = side && base ? side->count : 0, pairs = 0;
	double *values = calloc(2 * most + 1, sizeof(*values));
	double *bases;
	int err;

	if (!values)
		return -ENOMEM;
	bases = values + most;
	for (size_t i = 0; i < most; i++) {
		double value = record_number(side->rows[i], column);
		double other = series_value(base, side->rows[i], column);

		if (isnan(value) || isnan(other))
			continue;
		values[pairs] = value;
		bases[pairs++] = other;
	}
	err = statistics_compare(values, bases, pairs, seed, effect);
	free(values);
	return err;
}

static int compare_blocks(const void *left, const void *right)
{
	return series_compare_blocks(*(const struct record *const *)left,
				     *(const struct record *const *)right);
}

int series_blocks(const struct series *const *series, size_t count, const struct record ***blocks,
		  size_t *block_count)
{
	const struct record **found;
	size_t rows = 0, kept = 0;

	for (size_t s = 0; s < count; s++)
		rows += series[s]->count;
	found = calloc(rows + 1, sizeof(*found));
	if (!found)
		return -ENOMEM;
	rows = 0;
	for (size_t s = 0; s < count; s++)
		for (size_t i = 0; i < series[s]->count; i++)
			found[rows++] = series[s]->rows[i];
	qsort(found, rows, sizeof(*found), compare_blocks);
	for (size_t i = 0; i < rows; i++)
		if (i == 0 || compare_blocks(&found[kept - 1], &found[i]) != 0)
			found[kept++] = found[i];
	*blocks = found;
	*block_count = kept;
	return 0;
}
