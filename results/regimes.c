/* The map of regimes from rows: see regimes.h. */
#include "results/regimes.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "results/series.h"

static const enum record_column columns[REGIMES_MEASURES] = {
	[REGIMES_THROUGHPUT] = COLUMN_throughput_rps,
	[REGIMES_CPU] = COLUMN_cpu_us_per_request,
};

/* What is shared by the two measures while the maps are made. */
struct draft {
	const struct series_set *own, *controls;
	/* By point and model, NULL where it did not run. */
	const struct series *(*table)[REGIMES_MODELS_MAX];
	enum regimes_who who;
	uint64_t seed;
};

static const struct record *sample_of(const struct series *series)
{
	return series->rows[0];
}

static void name_of(const struct record *row, char name[48])
{
	bool spins = strcmp(record_text(row, COLUMN_quadrant), "async-nonblocking") == 0;
	bool processes = strcmp(record_text(row, COLUMN_workers_kind), "processes") == 0;
	const char *variant = record_text(row, COLUMN_variant_requested);

	snprintf(name, 48, "%.20s%s%s%s%.14s", record_text(row, COLUMN_model), spins ? " spin" : "",
		 processes ? " proc." : "", *variant ? " " : "", variant);
}

/* The model's place in names, added if there is room; REGIMES_MODELS_MAX when there is none. */
static size_t find_model(struct regimes *r, const struct record *row)
{
	char name[48];
	size_t i = 0;

	name_of(row, name);
	while (i < r->model_count && strcmp(r->names[i], name) != 0)
		i++;
	if (i == r->model_count && i < REGIMES_MODELS_MAX) {
		snprintf(r->names[i], sizeof(r->names[i]), "%s", name);
		r->synchronous[i] = strcmp(record_text(row, COLUMN_notification), "sync") == 0;
		r->model_count++;
	}
	return i;
}

/* A yardstick or a command is no contender. */
static bool is_contender(const struct record *row, enum regimes_who who)
{
	const char *quadrant = record_text(row, COLUMN_quadrant);

	if (who == REGIMES_RULE && strcmp(quadrant, "sync-blocking") != 0 &&
	    strcmp(quadrant, "async-blocking") != 0)
		return false;
	return *quadrant && !row->values[COLUMN_rate_rps].present &&
	       record_number(row, COLUMN_connections) >= 1;
}

static double latency_of(const struct record *row)
{
	double latency = record_number(row, COLUMN_origin_latency_us);

	return isnan(latency) ? 0 : latency;
}

static int compare_points(const void *left, const void *right)
{
	const struct regimes_point *a = left, *b = right;

	if (a->latency_us != b->latency_us)
		return (a->latency_us > b->latency_us) - (a->latency_us < b->latency_us);
	return (a->connections > b->connections) - (a->connections < b->connections);
}

static struct regimes_point point_of(const struct record *row)
{
	return (struct regimes_point){.latency_us = latency_of(row),
				      .connections = record_number(row, COLUMN_connections),
				      .best = REGIMES_MODELS_MAX,
				      .floor = NAN};
}

static size_t find_point(const struct regimes *r, const struct record *row)
{
	struct regimes_point wanted = point_of(row);
	size_t i = 0;

	while (i < r->point_count && compare_points(&r->points[0][i], &wanted) != 0)
		i++;
	return i;
}

static int find_points(struct regimes *r, const struct series_set *set, enum regimes_who who)
{
	size_t used = 0;

	for (unsigned m = 0; m < REGIMES_MEASURES; m++) {
		r->points[m] = calloc(set->count + 1, sizeof(*r->points[m]));
		if (!r->points[m])
			return -ENOMEM;
	}
	for (size_t i = 0; i < set->count; i++)
		if (is_contender(sample_of(&set->series[i]), who))
			r->points[0][used++] = point_of(sample_of(&set->series[i]));
	qsort(r->points[0], used, sizeof(*r->points[0]), compare_points);
	for (size_t i = 0; i < used; i++)
		if (i == 0 || compare_points(&r->points[0][r->point_count - 1], &r->points[0][i]))
			r->points[0][r->point_count++] = r->points[0][i];
	for (unsigned m = 1; m < REGIMES_MEASURES; m++)
		memcpy(r->points[m], r->points[0], r->point_count * sizeof(*r->points[m]));
	return 0;
}

static void fill_table(struct regimes *r, struct draft *d)
{
	for (size_t i = 0; i < d->own->count; i++) {
		const struct record *row = sample_of(&d->own->series[i]);
		size_t model = is_contender(row, d->who) ? find_model(r, row) : REGIMES_MODELS_MAX;

		size_t at;

		if (model == REGIMES_MODELS_MAX)
			continue;
		at = find_point(r, row);
		if (d->table[at][model]) {
			r->twins[0] = sample_of(d->table[at][model]);
			r->twins[1] = row;
		}
		d->table[at][model] = &d->own->series[i];
	}
}

/* The floors of the points that have a control; the others get the largest. */
static int find_floors(struct regimes *r, const struct draft *d, enum regimes_measure measure)
{
	double largest = NAN;

	for (size_t i = 0; i < d->controls->count; i++) {
		const struct series *control = &d->controls->series[i];
		const struct record *row = sample_of(control);
		struct statistics_effect effect;
		size_t at = is_contender(row, d->who) ? find_point(r, row) : r->point_count;
		int err;

		if (at == r->point_count)
			continue;
		err = series_compare(control, series_find(d->own, record_text(row, COLUMN_cell)),
				     columns[measure], d->seed, &effect);
		if (err)
			return err;
		if (effect.pairs)
			r->points[measure][at].floor =
				fmax(r->points[measure][at].floor, statistics_floor(&effect));
		largest = fmax(largest, r->points[measure][at].floor);
	}
	for (size_t i = 0; i < r->point_count; i++)
		if (isnan(r->points[measure][i].floor))
			r->points[measure][i].floor = largest;
	return 0;
}

static int fill_point(struct regimes *r, const struct draft *d, enum regimes_measure measure,
		      size_t at)
{
	struct regimes_point *point = &r->points[measure][at];
	bool more = measure == REGIMES_THROUGHPUT;
	int err = 0;

	for (size_t m = 0; m < r->model_count; m++) {
		const struct series *series = d->table[at][m];
		double median = series ? series_median(series, columns[measure]) : NAN;

		point->medians[m] = median;
		point->spoiled[m] = series ? series_spoiled(series) : 0;
		if (isnan(median))
			continue;
		point->models++;
		if (point->best == REGIMES_MODELS_MAX ||
		    (more ? median > point->medians[point->best]
			  : median < point->medians[point->best]))
			point->best = m;
	}
	for (size_t m = 0; m < r->model_count && !err; m++) {
		bool other = point->best < REGIMES_MODELS_MAX && m != point->best;

		point->p_adjusted[m] = NAN;
		err = series_compare(other ? d->table[at][point->best] : NULL,
				     other ? d->table[at][m] : NULL, columns[measure],
				     d->seed + at * REGIMES_MODELS_MAX + m, &point->effects[m]);
		if (!err && point->effects[m].pairs) {
			point->p_adjusted[m] =
				fmin(1, point->effects[m].p * fmax(1, (double)point->models / 2));
			r->comparisons[measure]++;
		}
	}
	return err;
}

static int judge(struct regimes *r, enum regimes_measure measure)
{
	double *p = calloc(r->point_count * REGIMES_MODELS_MAX + 1, sizeof(*p));
	bool more = measure == REGIMES_THROUGHPUT;
	size_t used = 0;
	int err;

	if (!p)
		return -ENOMEM;
	for (size_t i = 0; i < r->point_count; i++)
		for (size_t m = 0; m < r->model_count; m++)
			p[used++] = r->points[measure][i].p_adjusted[m];
	err = statistics_holm(p, used);
	used = 0;
	for (size_t i = 0; i < r->point_count && !err; i++) {
		struct regimes_point *point = &r->points[measure][i];

		for (size_t m = 0; m < r->model_count; m++) {
			point->p_adjusted[m] = p[used++];
			point->verdicts[m] = statistics_judge(
				&point->effects[m], point->p_adjusted[m], point->floor, more);
		}
	}
	free(p);
	return err;
}

int regimes_make(const struct record *records, size_t count, enum regimes_who who, uint64_t seed,
		 struct regimes *r)
{
	struct series_set own = {0}, controls = {0};
	struct draft d = {.own = &own, .controls = &controls, .who = who, .seed = seed};
	int err = series_make(records, count, RECORD_FETCH, &own);

	*r = (struct regimes){0};
	if (!err)
		err = series_make_controls(records, count, RECORD_FETCH, &controls);
	if (!err)
		err = find_points(r, &own, who);
	if (!err && !(d.table = calloc(r->point_count + 1, sizeof(*d.table))))
		err = -ENOMEM;
	if (!err)
		fill_table(r, &d);
	for (unsigned m = 0; m < REGIMES_MEASURES && !err; m++) {
		for (size_t i = 0; i < r->point_count && !err; i++)
			err = fill_point(r, &d, (enum regimes_measure)m, i);
		if (!err)
			err = find_floors(r, &d, (enum regimes_measure)m);
		if (!err)
			err = judge(r, (enum regimes_measure)m);
	}
	free(d.table);
	series_release(&own);
	series_release(&controls);
	if (err)
		regimes_release(r);
	return err;
}

void regimes_release(struct regimes *r)
{
	for (unsigned m = 0; m < REGIMES_MEASURES; m++)
		free(r->points[m]);
	*r = (struct regimes){0};
}

bool regimes_stands(const struct regimes_point *point, size_t model)
{
	if (isnan(point->medians[model]))
		return false;
	return model == point->best || (point->verdicts[model] != STATISTICS_FASTER);
}

enum regimes_rule regimes_test(const struct regimes *r, const struct regimes_point *point,
			       bool synchronous)
{
	size_t told = 0, others = 0, ran[2] = {0};

	for (size_t m = 0; m < r->model_count; m++) {
		ran[r->synchronous[m]] += !isnan(point->medians[m]);
		if (!regimes_stands(point, m))
			continue;
		told += r->synchronous[m] == synchronous;
		others += r->synchronous[m] != synchronous;
	}
	if (!ran[0] || !ran[1])
		return ran[0] ? REGIMES_NO_SYNCHRONOUS : REGIMES_NO_ASYNCHRONOUS;
	if (told && others)
		return REGIMES_OPEN;
	return told ? REGIMES_HOLDS : others ? REGIMES_BROKEN : REGIMES_OPEN;
}
