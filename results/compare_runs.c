/*
 * Rows to runs, where the run is the unit: each run's median, and what the two entries of an A/A
 * pair differ by in each run.
 */
#include "results/compare_keys.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

/* Of each of the side's runs its median; NAN of one without. NULL when memory is out. */
static double *medians_of(const struct compare_side *side, const struct compare_rows *rows,
			  enum compare_figure figure)
{
	double *medians = calloc(side->source_count, sizeof(*medians));
	double *values = calloc(rows->count + 1, sizeof(*values));

	for (size_t i = 0; medians && i < side->source_count; i++)
		medians[i] = NAN;
	for (size_t first = 0, end; medians && values && first < rows->count; first = end) {
		size_t source = rows->rows[first].source;
		size_t count = 0;

		for (end = first; end < rows->count && rows->rows[end].source == source; end++) {
			values[count] = rows->rows[end].values[figure];
			count += !isnan(values[count]);
		}
		statistics_sort(values, count);
		medians[source] = statistics_quantile(values, count, 0.5);
	}
	if (!values) {
		free(medians);
		medians = NULL;
	}
	free(values);
	return medians;
}

double *compare_runs_values(const struct compare_side *side, const struct compare_rows *rows,
			    enum compare_figure figure, size_t *count)
{
	double *medians = medians_of(side, rows, figure);

	*count = 0;
	for (size_t i = 0; medians && i < side->source_count; i++) {
		if (!isnan(medians[i]))
			medians[(*count)++] = medians[i];
	}
	return medians;
}

/* Appends control / own of each run that has both. 0 or -ENOMEM. */
static int add_ratios(const struct compare_side *side, const struct compare_cell *cell,
		      enum compare_figure figure, double *ratios, size_t *count)
{
	double *own = medians_of(side, &cell->own, figure);
	double *control = medians_of(side, &cell->control, figure);
	int result = own && control ? 0 : -ENOMEM;

	for (size_t i = 0; i < side->source_count && result == 0; i++) {
		ratios[*count] = control[i] / own[i];
		*count += !isnan(ratios[*count]);
	}
	free(own);
	free(control);
	return result;
}

int compare_runs_floor(const struct comparison *c, const struct compare_cell *cell,
		       enum compare_figure figure, double *floor)
{
	const struct compare_side *const sides[] = {c->a, c->b};
	double *ratios = calloc(c->a->source_count + c->b->source_count, sizeof(*ratios));
	int result = ratios ? 0 : -ENOMEM;
	size_t count = 0;

	for (size_t i = 0; i < 2 && result == 0; i++) {
		const struct compare_cell *its =
			compare_find(sides[i], cell->key, cell->key_length);

		if (its)
			result = add_ratios(sides[i], its, figure, ratios, &count);
	}
	if (result == 0)
		*floor = statistics_runs_floor(ratios, count);
	free(ratios);
	return result;
}
