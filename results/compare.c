/*
 * From two sides to a comparison: which cells belong together, what each figure shows, the floors
 * of the A/A controls, and last the verdicts, which need all of these.
 */
#include "results/compare_keys.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The noise floors of one cell that has a control, and what it is a floor for. */
struct floors {
	const struct compare_cell *cell;
	double floor[COMPARE_FIGURES];
};

/* Every bootstrap has its own stream, fixed by the seed, the cell and the figure. */
static uint64_t stream(uint64_t seed, size_t cell, size_t figure)
{
	uint64_t state =
		seed ^ (cell * COMPARE_FIGURES + figure + 1) * UINT64_C(0xd1342543de82ef95);

	return statistics_random(&state);
}

const char compare_caveat[] =
	"One run a side: what differs between any two runs of the same thing is not known and not "
	"in these intervals.";

double *compare_rows_values(const struct compare_rows *rows, enum compare_figure figure,
			    size_t *count)
{
	double *values = calloc(rows->count + 1, sizeof(*values));

	*count = 0;
	for (size_t i = 0; values && i < rows->count; i++) {
		if (!isnan(rows->rows[i].values[figure]))
			values[(*count)++] = rows->rows[i].values[figure];
	}
	if (values)
		statistics_sort(values, *count);
	return values;
}

/* One figure of two samples of rows; fills all but p_adjusted, floor and the verdict. */
static int fill_by_row(const struct compare_rows *a, const struct compare_rows *b,
		       enum compare_figure figure, uint64_t seed, struct compare_value *value)
{
	double *left = compare_rows_values(a, figure, &value->a_count);
	double *right = compare_rows_values(b, figure, &value->b_count);
	int result = -ENOMEM;

	if (left && right)
		result = statistics_compare_samples(right, value->b_count, left, value->a_count,
						    seed, &value->effect);
	if (result == 0) {
		value->a_median = statistics_quantile(left, value->a_count, 0.5);
		value->b_median = statistics_quantile(right, value->b_count, 0.5);
		value->method = statistics_rank_method(value->a_count, value->b_count);
	}
	free(left);
	free(right);
	return result;
}

/* The same of two samples of runs. */
static int fill_by_run(const struct comparison *c, const struct compare_pair *pair,
		       enum compare_figure figure, struct compare_value *value)
{
	double *left = compare_runs_values(c->a, &pair->a->own, figure, &value->a_count);
	double *right = compare_runs_values(c->b, &pair->b->own, figure, &value->b_count);
	int result = left && right ? 0 : -ENOMEM;

	value->by_run = true;
	if (result == 0) {
		statistics_compare_runs(right, value->b_count, left, value->a_count,
					&value->effect);
		statistics_sort(left, value->a_count);
		statistics_sort(right, value->b_count);
		value->a_median = statistics_quantile(left, value->a_count, 0.5);
		value->b_median = statistics_quantile(right, value->b_count, 0.5);
	}
	free(left);
	free(right);
	return result;
}

/* Whether all rows of both did the same work: a list of fetches or sums, and not for a time. */
static bool is_list(const struct compare_pair *pair)
{
	const struct compare_rows *both[] = {&pair->a->own, &pair->b->own};
	double work = NAN;

	for (size_t side = 0; side < 2; side++) {
		for (size_t i = 0; i < both[side]->count; i++) {
			double here = both[side]->rows[i].work;

			work = side == 0 && i == 0 ? here : work;
			if (!(here == work))
				return false;
		}
	}
	return !isnan(work);
}

static bool has_figure(const struct compare_rows *rows, enum compare_figure figure)
{
	for (size_t i = 0; i < rows->count; i++) {
		if (!isnan(rows->rows[i].values[figure]))
			return true;
	}
	return false;
}

static bool is_compared(const struct compare_pair *pair, enum compare_figure figure)
{
	bool paced = pair->a->sample.values[COLUMN_rate_rps].present;
	bool list = !paced && is_list(pair);
	bool has_rate = has_figure(&pair->a->own, COMPARE_THROUGHPUT) ||
			has_figure(&pair->a->own, COMPARE_SQUARES);

	switch (figure) {
	case COMPARE_SQUARES:
		return !list; /* it is the list's length over its duration */
	case COMPARE_LATENCY:
		return paced;
	case COMPARE_DURATION:
		return list || !has_rate;
	case COMPARE_THROUGHPUT:
	case COMPARE_CPU:
	case COMPARE_FIGURES:
		break;
	}
	return true;
}

static int fill_values(struct comparison *c, uint64_t seed)
{
	int result = 0;

	for (size_t i = 0; i < c->pair_count; i++) {
		struct compare_pair *pair = &c->pairs[i];

		for (size_t f = 0; f < COMPARE_FIGURES && result == 0; f++) {
			struct compare_value *value = &pair->values[f];

			value->p_adjusted = value->floor = NAN;
			if (is_compared(pair, f) && c->by_run)
				result = fill_by_run(c, pair, f, value);
			else if (is_compared(pair, f))
				result = fill_by_row(&pair->a->own, &pair->b->own, f,
						     stream(seed, i, f), value);
			c->compared[f] += value->effect.pairs > 0;
		}
	}
	return result;
}

/* What a cell and its control differ by in their rows. 0 or -ENOMEM. */
static int rows_floor(const struct compare_cell *cell, enum compare_figure figure, uint64_t seed,
		      double *floor)
{
	struct compare_value value = {0};
	int result = fill_by_row(&cell->own, &cell->control, figure, seed, &value);

	*floor = value.effect.pairs > 0 ? statistics_floor(&value.effect) : NAN;
	return result;
}

/* The floors of the cells of a side that have a control; appended to *floors. */
static int add_floors(const struct comparison *c, const struct compare_side *side, uint64_t seed,
		      struct floors *floors, size_t *count)
{
	int result = 0;

	for (size_t i = 0; i < side->cell_count; i++) {
		const struct compare_cell *cell = &side->cells[i];

		if (cell->control.count == 0 || cell->own.count == 0)
			continue;
		floors[*count].cell = cell;
		for (size_t f = 0; f < COMPARE_FIGURES && result == 0; f++)
			result = c->by_run
					 ? compare_runs_floor(c, cell, f, &floors[*count].floor[f])
					 : rows_floor(cell, f, stream(seed, i, f),
						      &floors[*count].floor[f]);
		++*count;
	}
	return result;
}

/*
 * The largest floor of the cell's workload in either run; of a workload without a control, the
 * largest of its kind.
 */
static double floor_of(const struct compare_cell *cell, enum compare_figure figure,
		       const struct floors *floors, size_t count)
{
	double own = NAN;
	double any = NAN;

	for (size_t i = 0; i < count; i++) {
		const struct record *sample = &floors[i].cell->sample;

		if (sample->kind != cell->sample.kind)
			continue;
		any = fmax(any, floors[i].floor[figure]);
		if (summary_compare_workloads(sample, &cell->sample) == 0)
			own = fmax(own, floors[i].floor[figure]);
	}
	return isnan(own) ? any : own;
}

/*
 * Whether so many rows, or runs, could have shown a difference. Of two runs a side, or of runs that
 * would not have shown one to be twice the other, that none was shown says nothing.
 */
static bool is_decidable(const struct compare_value *value, size_t compared)
{
	if (value->by_run)
		return value->effect.pairs >= COMPARE_RUNS_ENOUGH &&
		       statistics_resolution(&value->effect) <= 2.0;
	return statistics_rank_least_p(value->a_count, value->b_count) * (double)compared <=
	       STATISTICS_LEVEL;
}

static int judge(struct comparison *c, enum compare_figure figure, const struct floors *floors,
		 size_t floor_count)
{
	double *p = calloc(c->pair_count + 1, sizeof(*p));
	int result = p ? 0 : -ENOMEM;

	for (size_t i = 0; i < c->pair_count && p; i++) {
		const struct compare_value *value = &c->pairs[i].values[figure];

		p[i] = value->effect.pairs > 0 ? value->effect.p : NAN;
	}
	if (p)
		result = statistics_holm(p, c->pair_count);
	for (size_t i = 0; i < c->pair_count && result == 0; i++) {
		struct compare_value *value = &c->pairs[i].values[figure];

		if (value->effect.pairs == 0)
			continue;
		value->p_adjusted = p[i];
		value->floor = floor_of(c->pairs[i].a, figure, floors, floor_count);
		value->verdict = statistics_judge(&value->effect, p[i], value->floor,
						  compare_figures[figure].sense == SUMMARY_RATE);
		value->decidable = is_decidable(value, c->compared[figure]);
	}
	free(p);
	return result;
}

static int judge_all(struct comparison *c, uint64_t seed)
{
	struct floors *floors = calloc(c->a->cell_count + c->b->cell_count, sizeof(*floors));
	size_t count = 0;
	int result = -ENOMEM;

	if (floors)
		result = add_floors(c, c->a, stream(seed, c->pair_count, 0), floors, &count);
	if (result == 0)
		result = add_floors(c, c->b, stream(seed, c->pair_count, 1), floors, &count);
	for (size_t f = 0; f < COMPARE_FIGURES && result == 0; f++)
		result = judge(c, f, floors, count);
	free(floors);
	return result;
}

static int pair_figures(struct comparison *c, uint64_t seed)
{
	int result = fill_values(c, seed);

	return result == 0 ? judge_all(c, seed) : result;
}

/* One run against several is neither: the spread of the one is not known. */
static int check_counts(const struct comparison *c, char *why, size_t why_size)
{
	const struct compare_side *one = c->a->source_count == 1 ? c->a : c->b;
	const struct compare_side *other = one == c->a ? c->b : c->a;

	if (c->by_run || other->source_count == 1)
		return 0;
	snprintf(why, why_size,
		 "%s is one run and %s are %zu: compare one with one, or two or more (three are "
		 "better) with as many",
		 one->path, other->path, other->source_count);
	return -EINVAL;
}

/* A cell that failed on one side is shared too, though there is nothing to compare. */
static bool shares_cells(const struct comparison *c)
{
	bool shares = c->pair_count > 0;

	for (size_t i = 0; i < c->failure_count; i++)
		shares = shares || (c->failures[i].a_rows > 0 && c->failures[i].b_rows > 0);
	return shares;
}

int comparison_make(const struct compare_side *a, const struct compare_side *b, uint64_t seed,
		    struct comparison *comparison, char *why, size_t why_size)
{
	int result;

	memset(comparison, 0, sizeof(*comparison));
	comparison->a = a;
	comparison->b = b;
	comparison->by_run = a->source_count >= STATISTICS_RUNS_LEAST &&
			     b->source_count >= STATISTICS_RUNS_LEAST;
	result = check_counts(comparison, why, why_size);
	if (result != 0)
		return result;
	result = compare_match(comparison);
	if (result == 0)
		result = compare_find_failures(comparison);
	if (result == 0 && !shares_cells(comparison)) {
		snprintf(
			why, why_size,
			"%s and %s share no cell: one has %zu such as %.60s, the other %zu such as "
			"%.60s",
			a->path, b->path, a->cell_count, compare_name(&a->cells[0]), b->cell_count,
			compare_name(&b->cells[0]));
		comparison_release(comparison);
		return -ENODATA;
	}
	if (result == 0)
		result = pair_figures(comparison, seed);
	if (result == 0) {
		comparison->hosts = compare_differences(a, b, COMPARE_HOSTS);
		comparison->now = compare_differences(a, b, COMPARE_NOW);
		comparison->plans = compare_differences(a, b, COMPARE_PLANS);
		comparison->cells = compare_cells(comparison);
		if (!comparison->hosts || !comparison->now || !comparison->plans ||
		    !comparison->cells)
			result = -ENOMEM;
	}
	if (result != 0) {
		snprintf(why, why_size, "%s", strerror(-result));
		comparison_release(comparison);
	}
	return result;
}

void comparison_release(struct comparison *comparison)
{
	free(comparison->pairs);
	free(comparison->failures);
	free(comparison->alone_a);
	free(comparison->alone_b);
	json_decref(comparison->hosts);
	json_decref(comparison->now);
	json_decref(comparison->plans);
	json_decref(comparison->cells);
	memset(comparison, 0, sizeof(*comparison));
}

bool compare_regressed(enum compare_figure figure, const struct compare_value *value,
		       double threshold)
{
	double change = value->effect.ratio - 1.0;

	if (value->verdict != STATISTICS_SLOWER)
		return false;
	return (compare_figures[figure].sense == SUMMARY_RATE ? -change : change) > threshold;
}

const char *compare_words(enum compare_figure figure, const struct compare_value *value)
{
	bool cost = compare_figures[figure].sense == SUMMARY_COST;

	switch (value->verdict) {
	case STATISTICS_NO_DIFFERENCE:
		return !value->decidable     ? value->by_run ? "undecided, too few runs"
							     : "undecided, too few blocks"
		       : isnan(value->floor) ? "undecided, no A/A control"
					     : statistics_words(value->verdict);
	case STATISTICS_FASTER:
		return cost ? "cheaper by" : statistics_words(value->verdict);
	case STATISTICS_SLOWER:
		return cost ? "dearer by" : statistics_words(value->verdict);
	case STATISTICS_NOT_COMPARED:
		break;
	}
	return "";
}
