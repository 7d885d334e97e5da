/*
 * The comparison for machines. What is not known is absent, never 0; ratios are B / A, floors
 * factors above 1.
 */
#include "results/compare.h"

#include <math.h>

/* Adds a number, if it is one. */
static int set_number(json_t *object, const char *key, double number)
{
	return isfinite(number) ? json_object_set_new(object, key, json_real(number)) : 0;
}

/* So few runs that whatever they show may be chance have no 95 % interval either. */
static bool is_undecidable(const struct compare_value *value)
{
	return statistics_rank_least_p(value->a_count, value->b_count) > STATISTICS_LEVEL;
}

static json_t *value_json(const struct compare_pair *pair, enum compare_figure figure,
			  double threshold)
{
	const struct compare_value *value = &pair->values[figure];
	const struct record_column_info *column = &record_columns[compare_figures[figure].column];
	json_t *object = json_pack(
		"{s:s, s:s, s:s, s:I, s:I, s:s, s:s, s:b}", "cell", pair->name, "column",
		column->name, "unit", column->unit, "a_runs", (json_int_t)value->a_count, "b_runs",
		(json_int_t)value->b_count, "p_method", statistics_method_name(value->method),
		"verdict", compare_words(figure, value), "regression",
		!isnan(threshold) && compare_regressed(figure, value, threshold));

	if (!object)
		return NULL;
	if (!isnan(value->effect.low))
		json_object_set_new(object, "ratio_interval",
				    json_string(is_undecidable(value) ? "too few runs" : "95 %"));
	if (set_number(object, "a_median", value->a_median) ||
	    set_number(object, "b_median", value->b_median) ||
	    set_number(object, "ratio", value->effect.ratio) ||
	    set_number(object, "ratio_low", value->effect.low) ||
	    set_number(object, "ratio_high", value->effect.high) ||
	    set_number(object, "p", value->effect.p) ||
	    set_number(object, "p_holm", value->p_adjusted) ||
	    set_number(object, "floor", value->floor)) {
		json_decref(object);
		return NULL;
	}
	return object;
}

static json_t *values_json(const struct comparison *c, double threshold)
{
	json_t *list = json_array();

	for (size_t f = 0; f < COMPARE_FIGURES && list; f++) {
		for (size_t i = 0; i < c->pair_count && list; i++) {
			if (c->pairs[i].values[f].effect.pairs == 0)
				continue;
			if (json_array_append_new(list, value_json(&c->pairs[i], f, threshold))) {
				json_decref(list);
				list = NULL;
			}
		}
	}
	return list;
}

static json_t *names_json(const struct compare_cell *const *cells, size_t count)
{
	json_t *list = json_array();

	for (size_t i = 0; i < count && list; i++)
		json_array_append_new(list, json_string(compare_name(cells[i])));
	return list;
}

static json_t *run_json(const struct compare_run *run)
{
	json_t *flags = json_object();

	for (size_t i = 0; i < COMPARE_FLAGS && flags && run->flags[i].count; i++)
		json_object_set_new(flags, run->flags[i].word,
				    json_integer((json_int_t)run->flags[i].count));
	return json_pack("{s:s, s:I, s:I, s:I, s:I, s:o, s:s, s:b, s:b}", "path", run->path,
			 "cells", (json_int_t)run->cell_count, "rows", (json_int_t)run->rows,
			 "left_out", (json_int_t)run->left_out, "flagged", (json_int_t)run->flagged,
			 "flags", flags, "note", run->note, "has_host", run->host != NULL,
			 "has_plan", run->plan != NULL);
}

json_t *compare_json(const struct comparison *c, double threshold)
{
	json_t *object =
		json_pack("{s:i, s:s, s:o, s:o, s:o, s:O, s:O, s:O, s:o, s:o}", "schema_version",
			  COMPARE_SCHEMA_VERSION, "kind", "compare", "a", run_json(c->a), "b",
			  run_json(c->b), "comparisons", values_json(c, threshold), "hosts_differ",
			  c->hosts, "plans_differ", c->plans, "cells_differ", c->cells, "only_in_a",
			  names_json(c->alone_a, c->alone_a_count), "only_in_b",
			  names_json(c->alone_b, c->alone_b_count));

	if (object && set_number(object, "threshold", threshold)) {
		json_decref(object);
		return NULL;
	}
	return object;
}
