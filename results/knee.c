/* Latency against load from rows: see knee.h. */
#include "results/knee.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "results/series.h"

static const struct record *sample_of(const struct series *series)
{
	return series->rows[0];
}

/* What two cells of one line have in common, all but their rate. */
static int compare_lines(const struct record *a, const struct record *b)
{
	static const enum record_column columns[] = {
		COLUMN_model,	     COLUMN_wait,    COLUMN_variant_requested,
		COLUMN_workers_kind, COLUMN_workers, COLUMN_placement,
	};
	int order = series_compare_workloads(a, b);

	return order ? order
		     : series_compare_columns(a, b, columns, sizeof(columns) / sizeof(columns[0]));
}

static int compare_series(const void *left, const void *right)
{
	const struct record *a = sample_of(*(const struct series *const *)left);
	const struct record *b = sample_of(*(const struct series *const *)right);
	int order = compare_lines(a, b);
	double x = record_number(a, COLUMN_rate_rps), y = record_number(b, COLUMN_rate_rps);

	return order ? order : (x > y) - (x < y);
}

/* A line being worked out: row p of the tables has a value a block, NAN where it has none. */
struct draft {
	const struct series *const *series;
	size_t points;
	const struct record **blocks;
	size_t block_count;
	double *rates, *latencies; /* what came a second, the 99th percentile */
	double *scratch;
	size_t *draws;
	double *found; /* the knee of each resample */
};

static void draft_release(struct draft *d)
{
	free(d->blocks);
	free(d->rates);
	free(d->latencies);
	free(d->scratch);
	free(d->draws);
	free(d->found);
}

static int draft_make(struct draft *d)
{
	int err = series_blocks(d->series, d->points, &d->blocks, &d->block_count);

	if (err)
		return err;
	d->rates = calloc(d->points * d->block_count, sizeof(*d->rates));
	d->latencies = calloc(d->points * d->block_count, sizeof(*d->latencies));
	d->scratch = calloc(d->block_count, sizeof(*d->scratch));
	d->draws = calloc(d->block_count, sizeof(*d->draws));
	d->found = calloc(STATISTICS_RESAMPLES, sizeof(*d->found));
	if (!d->rates || !d->latencies || !d->scratch || !d->draws || !d->found)
		return -ENOMEM;
	for (size_t p = 0; p < d->points; p++) {
		for (size_t b = 0; b < d->block_count; b++) {
			size_t at = p * d->block_count + b;

			d->rates[at] =
				series_value(d->series[p], d->blocks[b], COLUMN_throughput_rps);
			d->latencies[at] =
				series_value(d->series[p], d->blocks[b], COLUMN_latency_p99_us);
		}
	}
	return 0;
}

static double drawn_median(struct draft *d, const double *values)
{
	size_t count = 0;

	for (size_t i = 0; i < d->block_count; i++)
		if (!isnan(values[d->draws[i]]))
			d->scratch[count++] = values[d->draws[i]];
	statistics_sort(d->scratch, count);
	return statistics_quantile(d->scratch, count, 0.5);
}

/* The knee of the drawn blocks' medians. */
static size_t drawn_knee(struct draft *d)
{
	double rates[KNEE_LOADS_MAX], latencies[KNEE_LOADS_MAX];

	for (size_t p = 0; p < d->points; p++) {
		rates[p] = drawn_median(d, d->rates + p * d->block_count);
		latencies[p] = drawn_median(d, d->latencies + p * d->block_count);
	}
	return knee_find(rates, latencies, d->points);
}

static void find_knee(struct draft *d, uint64_t seed, struct knee_line *line)
{
	size_t used = 0;
	double tail;

	for (size_t b = 0; b < d->block_count; b++)
		d->draws[b] = b;
	line->knee = drawn_knee(d);
	line->low = 1;
	line->high = 0;
	if (d->block_count < 2 || line->knee == d->points)
		return;
	for (size_t i = 0; i < STATISTICS_RESAMPLES; i++) {
		size_t knee;

		for (size_t b = 0; b < d->block_count; b++)
			d->draws[b] = statistics_random_below(&seed, d->block_count);
		knee = drawn_knee(d);
		if (knee < d->points)
			d->found[used++] = (double)knee;
	}
	tail = statistics_tail_share(d->block_count);
	statistics_sort(d->found, used);
	line->low = (size_t)d->found[(size_t)floor(tail * (double)(used - 1))];
	line->high = (size_t)d->found[(size_t)ceil((1 - tail) * (double)(used - 1))];
}

/* Of what fell due in the run's time; what is never begun stands in no latency. */
static double came_of(const struct record *row)
{
	double came = record_number(row, COLUMN_requests);
	double unsent = record_number(row, COLUMN_unsent),
	       errors = record_number(row, COLUMN_errors);

	return came / (came + (isnan(unsent) ? 0 : unsent) + (isnan(errors) ? 0 : errors));
}

static int came_interval(const struct series *series, double *scratch, uint64_t seed,
			 struct statistics_interval *interval)
{
	size_t count = 0;
	int err;

	for (size_t i = 0; i < series->count; i++)
		if (!isnan(came_of(series->rows[i])))
			scratch[count++] = came_of(series->rows[i]);
	err = statistics_bootstrap(scratch, count, STATISTICS_MEDIAN, STATISTICS_RESAMPLES, seed,
				   interval);
	return err == -EINVAL ? 0 : err;
}

static int fill_point(struct draft *d, size_t p, uint64_t seed, struct knee_point *point)
{
	const struct series *series = d->series[p];
	double low, high;
	int err = came_interval(series, d->scratch, seed, &point->came);

	if (!err)
		err = series_interval(series, COLUMN_latency_p50_us, seed, &point->p50_us);
	if (!err)
		err = series_interval(series, COLUMN_latency_p99_us, seed, &point->p99_us);
	point->offered = record_number(sample_of(series), COLUMN_rate_rps);
	point->share = record_number(sample_of(series), COLUMN_rate_share);
	point->uncorrected_p99_us = series_median(series, COLUMN_latency_uncorrected_p99_us);
	low = isnan(point->came.low) ? point->came.estimate : point->came.low;
	high = isnan(point->came.high) ? point->came.estimate : point->came.high;
	point->held = low >= KNEE_HELD ? KNEE_YES : high < KNEE_HELD ? KNEE_NO : KNEE_UNDECIDED;
	return err;
}

static void find_saturation(struct knee_line *line)
{
	line->held = line->saturated = line->count;
	for (size_t p = 0; p < line->count && line->points[p].held == KNEE_YES; p++)
		line->held = p;
	for (size_t p = line->count; p-- > 0;)
		if (line->points[p].held == KNEE_NO)
			line->saturated = p;
}

/* The rate of the block's knee, NAN when a load is missing in it. */
static double knee_of_block(const struct draft *d, size_t block)
{
	double rates[KNEE_LOADS_MAX], latencies[KNEE_LOADS_MAX];
	size_t knee;

	for (size_t p = 0; p < d->points; p++) {
		rates[p] = d->rates[p * d->block_count + block];
		latencies[p] = d->latencies[p * d->block_count + block];
		if (isnan(rates[p]) || isnan(latencies[p]))
			return NAN;
	}
	knee = knee_find(rates, latencies, d->points);
	return knee < d->points ? record_number(sample_of(d->series[knee]), COLUMN_rate_rps) : NAN;
}

/* The ratio of two lines' knees over the blocks that have both whole. */
static int compare_knees(const struct draft *side, const struct draft *base, uint64_t seed,
			 struct statistics_effect *effect)
{
	double *values = calloc(2 * side->block_count + 1, sizeof(*values));
	double *bases;
	size_t pairs = 0;
	int err;

	if (!values)
		return -ENOMEM;
	bases = values + side->block_count;
	for (size_t i = 0; i < side->block_count; i++) {
		for (size_t k = 0; k < base->block_count; k++) {
			if (series_compare_blocks(side->blocks[i], base->blocks[k]) != 0)
				continue;
			values[pairs] = knee_of_block(side, i);
			bases[pairs] = knee_of_block(base, k);
			pairs += !isnan(values[pairs]) && !isnan(bases[pairs]);
			break;
		}
	}
	err = statistics_compare(values, bases, pairs, seed, effect);
	free(values);
	return err;
}

/* All lines of one set of series: own cells, or controls. */
struct lines {
	struct series_set set;
	const struct series **sorted;
	struct draft *drafts;
	size_t count;
	size_t mixed;
};

static void lines_release(struct lines *l)
{
	for (size_t i = 0; i < l->count; i++)
		draft_release(&l->drafts[i]);
	free(l->drafts);
	free(l->sorted);
	series_release(&l->set);
}

/* Cuts the set, which is made, into lines. */
static int lines_make(struct lines *l)
{
	size_t used = 0;
	int err = 0;

	l->count = 0;
	l->sorted = calloc(l->set.count + 1, sizeof(*l->sorted));
	l->drafts = calloc(l->set.count + 1, sizeof(*l->drafts));
	if (!l->sorted || !l->drafts)
		return -ENOMEM;
	for (size_t i = 0; i < l->set.count; i++)
		if (record_number(sample_of(&l->set.series[i]), COLUMN_rate_rps) > 0)
			l->sorted[used++] = &l->set.series[i];
	qsort(l->sorted, used, sizeof(*l->sorted), compare_series);
	for (size_t from = 0, end; from < used && !err; from = end) {
		struct draft *d = &l->drafts[l->count];

		for (end = from + 1; end < used; end++)
			if (compare_lines(sample_of(l->sorted[from]), sample_of(l->sorted[end])))
				break;
		if (end - from < KNEE_LOADS_LEAST)
			continue;
		if (series_have_twins(&l->sorted[from], end - from, COLUMN_rate_share) ||
		    series_have_twins(&l->sorted[from], end - from, COLUMN_rate_rps)) {
			l->mixed++;
			continue;
		}
		*d = (struct draft){.series = &l->sorted[from],
				    .points = end - from < KNEE_LOADS_MAX ? end - from
									  : KNEE_LOADS_MAX};
		l->count++;
		err = draft_make(d);
	}
	return err;
}

static int fill_line(struct draft *d, uint64_t seed, struct knee_line *line)
{
	int err = 0;

	*line = (struct knee_line){
		.sample = sample_of(d->series[0]), .blocks = d->block_count, .count = d->points};
	for (size_t p = 0; p < d->points && !err; p++) {
		line->spoiled |= series_spoiled(d->series[p]);
		err = fill_point(d, p, seed + p, &line->points[p]);
	}
	if (err)
		return err;
	find_knee(d, seed, line);
	find_saturation(line);
	return 0;
}

static void set_baseline(struct knee *knee, size_t baseline)
{
	for (size_t i = 0; i < knee->count; i++)
		if (series_compare_workloads(knee->lines[i].sample, knee->lines[baseline].sample) ==
		    0)
			knee->lines[i].baseline = baseline;
}

/* Which lines the others are compared with, and what these differ from their controls by. */
static int find_floor(struct knee *knee, const struct lines *own, const struct lines *controls,
		      uint64_t seed)
{
	struct statistics_effect effect;
	int err = 0;

	for (size_t i = own->count; i-- > 0;)
		set_baseline(knee, i);
	for (size_t c = 0; c < controls->count && !err; c++) {
		for (size_t i = 0; i < own->count && !err; i++) {
			const struct draft *d = &own->drafts[i];

			if (compare_lines(sample_of(controls->drafts[c].series[0]),
					  sample_of(d->series[0])) ||
			    controls->drafts[c].points != d->points)
				continue;
			set_baseline(knee, i);
			err = compare_knees(&controls->drafts[c], d, seed, &effect);
			if (!err && effect.pairs)
				knee->floor = fmax(knee->floor, statistics_floor(&effect));
		}
	}
	return err;
}

static int judge(struct knee *knee, const struct lines *own, uint64_t seed)
{
	double *p = calloc(own->count + 1, sizeof(*p));
	int err = p ? 0 : -ENOMEM;

	for (size_t i = 0; i < own->count && !err; i++) {
		struct statistics_effect *effect = &knee->lines[i].effect;
		size_t baseline = knee->lines[i].baseline;

		if (i != baseline)
			err = compare_knees(&own->drafts[i], &own->drafts[baseline], seed + i,
					    effect);
		if (!err && effect->pairs)
			knee_widen(effect, &knee->lines[i], &knee->lines[baseline]);
		p[i] = effect->pairs ? effect->p : NAN;
	}
	if (!err)
		err = statistics_holm(p, own->count);
	for (size_t i = 0; i < own->count && !err; i++) {
		knee->lines[i].p_adjusted = p[i];
		knee->lines[i].verdict =
			statistics_judge(&knee->lines[i].effect, p[i], knee->floor, true);
	}
	free(p);
	return err;
}

int knee_make(const struct record *records, size_t count, uint64_t seed, struct knee *knee)
{
	struct lines own = {.count = 0}, controls = {.count = 0};
	int err = series_make(records, count, RECORD_FETCH, &own.set);

	*knee = (struct knee){.floor = NAN};
	if (!err)
		err = series_make_controls(records, count, RECORD_FETCH, &controls.set);
	if (!err)
		err = lines_make(&own);
	if (!err)
		err = lines_make(&controls);
	if (!err && !(knee->lines = calloc(own.count + 1, sizeof(*knee->lines))))
		err = -ENOMEM;
	for (size_t i = 0; i < own.count && !err; i++)
		err = fill_line(&own.drafts[i], seed + i, &knee->lines[knee->count++]);
	if (!err)
		err = find_floor(knee, &own, &controls, seed);
	if (!err)
		err = judge(knee, &own, seed);
	knee->mixed = own.mixed;
	lines_release(&own);
	lines_release(&controls);
	if (err)
		knee_release(knee);
	return err;
}

void knee_release(struct knee *knee)
{
	free(knee->lines);
	*knee = (struct knee){.floor = NAN};
}
