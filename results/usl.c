/* The universal scalability law from rows: see usl.h. */
#include "results/usl.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "results/concurrency.h"
#include "results/series.h"

static const struct record *sample_of(const struct series *series)
{
	return series->rows[0];
}

static double workers_of(const struct series *series)
{
	return record_number(sample_of(series), COLUMN_workers);
}

static enum record_column rate_of(const struct record *row)
{
	return row->kind == RECORD_SUMSQ ? COLUMN_elements_per_s : COLUMN_throughput_rps;
}

/* Of a model that has one connection a worker, their number is no workload of its own. */
static double connections_of(const struct record *row)
{
	double connections = record_number(row, COLUMN_connections);

	return connections == record_number(row, COLUMN_workers) ? 0 : connections;
}

/* What two cells of one line have in common. */
static int compare_lines(const struct record *a, const struct record *b)
{
	static const enum record_column columns[] = {
		COLUMN_model,	  COLUMN_wait, COLUMN_workers_kind, COLUMN_variant_requested,
		COLUMN_placement,
	};
	static const enum record_column fetches[] = {COLUMN_rate_rps};
	static const enum record_column sums[] = {COLUMN_jobs, COLUMN_squares_per_job, COLUMN_core};
	int order = series_compare_columns(a, b, columns, 5);

	if (order)
		return order;
	if (a->kind == RECORD_SUMSQ)
		return series_compare_columns(a, b, sums, 3);
	order = series_compare_columns(a, b, fetches, 1);
	if (!order)
		order = series_compare_targets(a, b);
	if (order)
		return order;
	return (connections_of(a) > connections_of(b)) - (connections_of(a) < connections_of(b));
}

static int compare_series(const void *left, const void *right)
{
	const struct series *a = *(const struct series *const *)left;
	const struct series *b = *(const struct series *const *)right;
	int order = compare_lines(sample_of(a), sample_of(b));

	return order ? order : (workers_of(a) > workers_of(b)) - (workers_of(a) < workers_of(b));
}

/* A line being worked out: rates[p * blocks + b], NAN where the block has none. */
struct draft {
	const struct series *const *series;
	size_t points;
	const struct record **blocks;
	size_t block_count;
	double *rates;
	double *scratch;
	size_t *draws;
	double *found[4]; /* lambda, sigma, kappa, peak of each resample */
};

static void draft_release(struct draft *d)
{
	free(d->blocks);
	free(d->rates);
	free(d->scratch);
	free(d->draws);
	for (size_t k = 0; k < 4; k++)
		free(d->found[k]);
}

static int draft_make(struct draft *d)
{
	int err = series_blocks(d->series, d->points, &d->blocks, &d->block_count);
	bool made = !err;

	if (err)
		return err;
	d->rates = calloc(d->points * d->block_count, sizeof(*d->rates));
	d->scratch = calloc(d->block_count, sizeof(*d->scratch));
	d->draws = calloc(d->block_count, sizeof(*d->draws));
	for (size_t k = 0; k < 4; k++) {
		d->found[k] = calloc(STATISTICS_RESAMPLES, sizeof(*d->found[k]));
		made = made && d->found[k];
	}
	if (!made || !d->rates || !d->scratch || !d->draws)
		return -ENOMEM;
	for (size_t p = 0; p < d->points; p++)
		for (size_t b = 0; b < d->block_count; b++)
			d->rates[p * d->block_count + b] = series_value(
				d->series[p], d->blocks[b], rate_of(sample_of(d->series[p])));
	return 0;
}

/* The median of a point over the drawn blocks. */
static double drawn_rate(struct draft *d, size_t point)
{
	size_t count = 0;

	for (size_t i = 0; i < d->block_count; i++) {
		double rate = d->rates[point * d->block_count + d->draws[i]];

		if (!isnan(rate))
			d->scratch[count++] = rate;
	}
	statistics_sort(d->scratch, count);
	return statistics_quantile(d->scratch, count, 0.5);
}

/* The law through the drawn blocks' medians; points without any are left out. */
static int fit_drawn(struct draft *d, struct usl_fit *fit)
{
	double workers[USL_COUNTS_MAX], rates[USL_COUNTS_MAX];
	size_t count = 0;

	for (size_t p = 0; p < d->points; p++) {
		double rate = drawn_rate(d, p);

		if (isnan(rate))
			continue;
		workers[count] = workers_of(d->series[p]);
		rates[count++] = rate;
	}
	return usl_fit(workers, rates, count, fit);
}

static void cut(double *found, size_t count, double tail, struct statistics_interval *interval)
{
	/* A peak that is nowhere is infinite, and cannot be interpolated. */
	statistics_sort(found, count);
	interval->low = found[(size_t)floor(tail * (double)(count - 1))];
	interval->high = found[(size_t)ceil((1 - tail) * (double)(count - 1))];
}

static void fit_line(struct draft *d, uint64_t seed, struct usl_line *line)
{
	struct statistics_interval *intervals[] = {&line->lambda, &line->sigma, &line->kappa,
						   &line->peak};
	size_t count = 0;

	for (size_t b = 0; b < d->block_count; b++)
		d->draws[b] = b;
	line->fitted = fit_drawn(d, &line->fit) == 0;
	if (!line->fitted)
		return;
	line->lambda = (struct statistics_interval){line->fit.lambda, NAN, NAN};
	line->sigma = (struct statistics_interval){line->fit.sigma, NAN, NAN};
	line->kappa = (struct statistics_interval){line->fit.kappa, NAN, NAN};
	line->peak = (struct statistics_interval){usl_peak(&line->fit), NAN, NAN};
	for (size_t i = 0; d->block_count > 1 && i < STATISTICS_RESAMPLES; i++) {
		struct usl_fit fit;

		for (size_t b = 0; b < d->block_count; b++)
			d->draws[b] = statistics_random_below(&seed, d->block_count);
		if (fit_drawn(d, &fit))
			continue;
		d->found[0][count] = fit.lambda;
		d->found[1][count] = fit.sigma;
		d->found[2][count] = fit.kappa;
		d->found[3][count++] = usl_peak(&fit);
	}
	for (size_t k = 0; k < 4 && count > 0; k++)
		cut(d->found[k], count, statistics_tail_share(d->block_count), intervals[k]);
}

static int fill_point(const struct draft *d, size_t p, uint64_t seed, struct usl_line *line)
{
	const struct series *series = d->series[p];
	struct usl_point *point = &line->points[p];
	int err;

	point->workers = workers_of(series);
	point->spoiled = series_spoiled(series);
	point->cpus = concurrency_cpus(record_text(sample_of(series), COLUMN_cpus));
	line->oversubscribed =
		line->oversubscribed || (point->cpus && point->workers > point->cpus);
	err = series_interval(series, rate_of(sample_of(series)), seed, &point->rate);
	if (err)
		return err;
	return series_compare(p ? series : NULL, d->series[0], rate_of(sample_of(series)), seed,
			      &point->effect);
}

static int add_line(struct usl *usl, const struct series *const *series, size_t count,
		    uint64_t seed)
{
	struct usl_line *line = &usl->lines[usl->count];
	struct draft d = {.series = series,
			  .points = count < USL_COUNTS_MAX ? count : USL_COUNTS_MAX};
	int err = draft_make(&d);

	*line = (struct usl_line){
		.sample = sample_of(series[0]), .count = d.points, .blocks = d.block_count};
	for (size_t p = 0; p < d.points && !err; p++)
		err = fill_point(&d, p, seed + p, line);
	if (!err)
		fit_line(&d, seed, line);
	usl->count += !err;
	draft_release(&d);
	return err;
}

/* The largest floor that a control of the kind shows. */
static int find_floor(struct usl *usl, const struct record *records, size_t count,
		      const struct series_set *set, enum record_kind kind, uint64_t seed)
{
	struct series_set controls;
	int err = series_make_controls(records, count, kind, &controls);

	for (size_t i = 0; i < controls.count && !err; i++) {
		const struct record *row = sample_of(&controls.series[i]);
		struct statistics_effect effect;

		err = series_compare(&controls.series[i],
				     series_find(set, record_text(row, COLUMN_cell)), rate_of(row),
				     seed, &effect);
		if (!err && effect.pairs)
			usl->floor[kind] = fmax(usl->floor[kind], statistics_floor(&effect));
	}
	series_release(&controls);
	return err;
}

static int add_kind(struct usl *usl, const struct record *records, size_t count,
		    enum record_kind kind, uint64_t seed)
{
	const struct series **sorted = NULL;
	struct usl_line *grown = NULL;
	struct series_set set;
	size_t used = 0;
	int err = series_make(records, count, kind, &set);

	if (err)
		return err;
	sorted = calloc(set.count + 1, sizeof(*sorted));
	grown = realloc(usl->lines, (usl->count + set.count + 1) * sizeof(*grown));
	usl->lines = grown ? grown : usl->lines;
	if (!sorted || !grown)
		err = -ENOMEM;
	for (size_t i = 0; i < set.count && !err; i++)
		if (workers_of(&set.series[i]) >= 1)
			sorted[used++] = &set.series[i];
	if (!err)
		qsort(sorted, used, sizeof(*sorted), compare_series);
	for (size_t from = 0, end; from < used && !err; from = end) {
		for (end = from + 1; end < used; end++)
			if (compare_lines(sample_of(sorted[from]), sample_of(sorted[end])))
				break;
		if (series_have_twins(&sorted[from], end - from, COLUMN_workers))
			usl->mixed++;
		else if (end - from > 1)
			err = add_line(usl, &sorted[from], end - from, seed + from);
	}
	if (!err)
		err = find_floor(usl, records, count, &set, kind, seed);
	free(sorted);
	series_release(&set);
	return err;
}

/* Holm over all counts of all lines. */
static int judge(struct usl *usl)
{
	double *p = calloc(usl->count * USL_COUNTS_MAX + 1, sizeof(*p));
	size_t used = 0;
	int err;

	if (!p)
		return -ENOMEM;
	for (size_t i = 0; i < usl->count; i++)
		for (size_t k = 0; k < usl->lines[i].count; k++)
			p[used++] = usl->lines[i].points[k].effect.pairs
					    ? usl->lines[i].points[k].effect.p
					    : NAN;
	err = statistics_holm(p, used);
	used = 0;
	for (size_t i = 0; i < usl->count && !err; i++) {
		for (size_t k = 0; k < usl->lines[i].count; k++) {
			struct usl_point *point = &usl->lines[i].points[k];

			point->p_adjusted = p[used++];
			point->verdict =
				statistics_judge(&point->effect, point->p_adjusted,
						 usl->floor[usl->lines[i].sample->kind], true);
		}
	}
	free(p);
	return err;
}

int usl_make(const struct record *records, size_t count, uint64_t seed, struct usl *usl)
{
	int err;

	*usl = (struct usl){.count = 0};
	for (unsigned kind = 0; kind < RECORD_KINDS; kind++)
		usl->floor[kind] = NAN;
	err = add_kind(usl, records, count, RECORD_SUMSQ, seed);
	if (!err)
		err = add_kind(usl, records, count, RECORD_FETCH, seed);
	if (!err)
		err = judge(usl);
	if (err)
		usl_release(usl);
	return err;
}

void usl_release(struct usl *usl)
{
	free(usl->lines);
	*usl = (struct usl){0};
}
