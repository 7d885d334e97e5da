/* Break-even job sizes from rows: see grain.h. Printing is in grain_print.c. */
#include "results/grain.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "results/series.h"
#include "results/statistics.h"

/* A pool's cell and the serial one that it is compared with. */
struct pair {
	const struct series *pool, *serial;
	double squares;
};

/* One pool, being worked out. Row s of logs has the blocks' logarithms of pool / serial. */
struct curve {
	const struct pair *pairs;
	size_t sizes;
	const struct record **blocks;
	size_t block_count;
	double *logs;	 /* NAN: the block lacks one of the two */
	double *scratch; /* a block each */
	size_t *draws;	 /* which blocks to look at */
	double *found;	 /* a resample each */
};

static const struct record *sample_of(const struct series *series)
{
	return series->rows[0];
}

/* What pools differ in. */
static int compare_pools(const struct record *a, const struct record *b)
{
	static const enum record_column columns[] = {
		COLUMN_jobs,	     COLUMN_core,    COLUMN_model,     COLUMN_variant_requested,
		COLUMN_workers_kind, COLUMN_workers, COLUMN_placement, COLUMN_cpus,
	};

	return series_compare_columns(a, b, columns, sizeof(columns) / sizeof(columns[0]));
}

static int compare_pairs(const void *left, const void *right)
{
	const struct pair *a = left, *b = right;
	int order = compare_pools(sample_of(a->pool), sample_of(b->pool));

	return order ? order : (a->squares > b->squares) - (a->squares < b->squares);
}

static bool is_serial(const struct record *row)
{
	return strcmp(record_text(row, COLUMN_model), "serial") == 0;
}

/* The serial cell of the same work, NULL when there is none. */
static const struct series *find_serial(const struct series_set *set, const struct record *row)
{
	static const enum record_column columns[] = {COLUMN_jobs, COLUMN_core,
						     COLUMN_squares_per_job};

	for (size_t i = 0; i < set->count; i++)
		if (is_serial(sample_of(&set->series[i])) &&
		    series_compare_columns(sample_of(&set->series[i]), row, columns, 3) == 0)
			return &set->series[i];
	return NULL;
}

static size_t find_pairs(const struct series_set *set, struct pair *pairs)
{
	size_t count = 0;

	for (size_t i = 0; i < set->count; i++) {
		const struct record *row = sample_of(&set->series[i]);
		double squares = record_number(row, COLUMN_squares_per_job);
		const struct series *serial = find_serial(set, row);

		if (!is_serial(row) && squares > 0 && serial)
			pairs[count++] = (struct pair){&set->series[i], serial, squares};
	}
	qsort(pairs, count, sizeof(*pairs), compare_pairs);
	return count;
}

static void curve_release(struct curve *c)
{
	free(c->blocks);
	free(c->logs);
	free(c->scratch);
	free(c->draws);
	free(c->found);
}

/* All blocks in which the pool ran, at whatever size, each once. */
static int find_blocks(struct curve *c)
{
	const struct series **pools = calloc(c->sizes, sizeof(*pools));
	int err = -ENOMEM;

	for (size_t s = 0; pools && s < c->sizes; s++)
		pools[s] = c->pairs[s].pool;
	if (pools)
		err = series_blocks(pools, c->sizes, &c->blocks, &c->block_count);
	free(pools);
	return err;
}

static int curve_make(struct curve *c)
{
	int err = find_blocks(c);

	if (err)
		return err;
	c->logs = calloc(c->sizes * c->block_count, sizeof(*c->logs));
	c->scratch = calloc(c->block_count, sizeof(*c->scratch));
	c->draws = calloc(c->block_count, sizeof(*c->draws));
	c->found = calloc(STATISTICS_RESAMPLES, sizeof(*c->found));
	if (!c->logs || !c->scratch || !c->draws || !c->found)
		return -ENOMEM;
	for (size_t s = 0; s < c->sizes; s++)
		for (size_t b = 0; b < c->block_count; b++) {
			double pool =
				series_value(c->pairs[s].pool, c->blocks[b], COLUMN_elements_per_s);
			double serial = series_value(c->pairs[s].serial, c->blocks[b],
						     COLUMN_elements_per_s);
			bool both = pool > 0 && serial > 0;

			c->logs[s * c->block_count + b] = both ? log(pool / serial) : NAN;
		}
	return 0;
}

/* The logarithm of the ratio at size s over the drawn blocks, NAN when none has both. */
static double ratio_at(struct curve *c, size_t s)
{
	size_t count = 0;

	for (size_t i = 0; i < c->block_count; i++) {
		double value = c->logs[s * c->block_count + c->draws[i]];

		if (!isnan(value))
			c->scratch[count++] = value;
	}
	statistics_sort(c->scratch, count);
	return statistics_hodges_lehmann(c->scratch, count);
}

/*
 * The logarithm of the break-even over the drawn blocks: between the last size at which the pool
 * is not ahead and the next one. -INFINITY when it is ahead at all, INFINITY when not at the last.
 */
static double crossing(struct curve *c)
{
	double before = NAN, before_at = NAN, cross = -INFINITY;
	bool ahead = true;

	for (size_t s = 0; s < c->sizes; s++) {
		double ratio = ratio_at(c, s), at = log(c->pairs[s].squares);

		if (isnan(ratio))
			continue;
		if (ratio > 0 && !ahead)
			cross = before_at + (at - before_at) * (0 - before) / (ratio - before);
		ahead = ratio > 0;
		before = ratio;
		before_at = at;
	}
	return ahead ? cross : INFINITY;
}

/* Infinite ends cannot be interpolated: the nearest resample outwards. */
static void find_interval(struct curve *c, uint64_t seed, struct grain_pool *pool)
{
	double tail;

	pool->low = pool->high = NAN;
	if (c->block_count < 2)
		return;
	tail = statistics_tail_share(c->block_count);
	for (size_t i = 0; i < STATISTICS_RESAMPLES; i++) {
		for (size_t b = 0; b < c->block_count; b++)
			c->draws[b] = statistics_random_below(&seed, c->block_count);
		c->found[i] = crossing(c);
	}
	statistics_sort(c->found, STATISTICS_RESAMPLES);
	pool->low = exp(c->found[(size_t)floor(tail * (STATISTICS_RESAMPLES - 1))]);
	pool->high = exp(c->found[(size_t)ceil((1 - tail) * (STATISTICS_RESAMPLES - 1))]);
}

/* What a job of that size takes alone: on a straight line between the sizes round it. */
static double job_length(const struct grain_pool *pool, double squares)
{
	for (size_t i = 1; i < pool->count; i++) {
		const struct grain_point *a = &pool->points[i - 1], *b = &pool->points[i];

		if (squares >= a->squares && squares <= b->squares)
			return a->serial_s + (b->serial_s - a->serial_s) * (squares - a->squares) /
						     (b->squares - a->squares);
	}
	return NAN;
}

/* The median of what a serial job took. */
static double serial_length(struct curve *c, size_t s)
{
	size_t count = 0;

	for (size_t b = 0; b < c->block_count; b++) {
		double rate = series_value(c->pairs[s].serial, c->blocks[b], COLUMN_elements_per_s);

		if (rate > 0)
			c->scratch[count++] = c->pairs[s].squares / rate;
	}
	statistics_sort(c->scratch, count);
	return statistics_quantile(c->scratch, count, 0.5);
}

static int fill_pool(struct grain_pool *pool, const struct pair *pairs, size_t sizes, uint64_t seed)
{
	struct curve c = {.pairs = pairs, .sizes = sizes};
	int err = curve_make(&c);

	if (err)
		goto out;
	*pool = (struct grain_pool){.sample = sample_of(pairs[0].pool), .count = sizes};
	for (size_t b = 0; b < c.block_count; b++) {
		bool has_both = false;

		c.draws[b] = b;
		for (size_t s = 0; s < sizes; s++)
			has_both = has_both || !isnan(c.logs[s * c.block_count + b]);
		pool->blocks += has_both;
	}
	for (size_t s = 0; s < sizes; s++)
		pool->points[s] = (struct grain_point){pairs[s].squares, exp(ratio_at(&c, s)),
						       serial_length(&c, s)};
	pool->break_even = exp(crossing(&c));
	pool->job_s = job_length(pool, pool->break_even);
	find_interval(&c, seed, pool);
out:
	curve_release(&c);
	return err;
}

int grain_make(const struct record *records, size_t count, uint64_t seed, struct grain *grain)
{
	struct series_set set;
	struct pair *pairs = NULL;
	size_t pair_count;
	int err = series_make(records, count, RECORD_SUMSQ, &set);

	*grain = (struct grain){0};
	if (err)
		return err;
	pairs = calloc(set.count + 1, sizeof(*pairs));
	grain->pools = calloc(set.count + 1, sizeof(*grain->pools));
	if (!pairs || !grain->pools)
		err = -ENOMEM;
	pair_count = err ? 0 : find_pairs(&set, pairs);
	for (size_t from = 0, end; from < pair_count && !err; from = end) {
		size_t sizes;

		for (end = from + 1; end < pair_count; end++)
			if (compare_pools(sample_of(pairs[from].pool), sample_of(pairs[end].pool)))
				break;
		sizes = end - from < GRAIN_SIZES_MAX ? end - from : GRAIN_SIZES_MAX;
		if (sizes > 1)
			err = fill_pool(&grain->pools[grain->count++], &pairs[from], sizes,
					seed + from);
	}
	free(pairs);
	series_release(&set);
	if (err)
		grain_release(grain);
	return err;
}

void grain_release(struct grain *grain)
{
	free(grain->pools);
	*grain = (struct grain){0};
}
