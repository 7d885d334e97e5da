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
	json_t *object =
		json_pack("{s:s, s:s, s:s, s:I, s:I, s:s, s:s, s:b}", "cell", pair->name, "column",
			  column->name, "unit", column->unit, "a_runs", (json_int_t)value->a_count,
			  "b_runs", (json_int_t)value->b_count, "p_method",
			  value->by_run ? "welch" : statistics_method_name(value->method),
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

static json_t *failures_json(const struct comparison *c)
{
	json_t *list = json_array();

	for (size_t i = 0; i < c->failure_count && list; i++) {
		const struct compare_failure *f = &c->failures[i];

		json_array_append_new(list, json_pack("{s:s, s:I, s:I, s:I, s:I, s:b}", "cell",
						      f->name, "a_rows", (json_int_t)f->a_rows,
						      "a_failed", (json_int_t)f->a_failed, "b_rows",
						      (json_int_t)f->b_rows, "b_failed",
						      (json_int_t)f->b_failed, "worse",
						      compare_failure_is_worse(f)));
	}
	return list;
}

static json_t *paths_json(const struct compare_side *side)
{
	json_t *list = json_array();

	for (size_t i = 0; i < side->source_count && list; i++)
		json_array_append_new(list, json_string(side->sources[i].path));
	return list;
}

/* The notes of all runs, one after another. */
static json_t *notes_json(const struct compare_side *side)
{
	json_t *text = json_string("");

	for (size_t i = 0; i < side->source_count && text; i++) {
		const char *before = json_string_value(text);
		const char *note = side->sources[i].note;
		json_t *longer;

		if (!*note)
			continue;
		longer = json_sprintf("%s%s%s", before, *before ? "; " : "", note);
		json_decref(text);
		text = longer;
	}
	return text;
}

static json_t *side_json(const struct compare_side *side)
{
	json_t *flags = json_object();
	bool has_host = true, has_plan = true;

	for (size_t i = 0; i < side->source_count; i++) {
		has_host = has_host && side->sources[i].host;
		has_plan = has_plan && side->sources[i].plan;
	}
	for (size_t i = 0; i < COMPARE_FLAGS && flags && side->flags[i].count; i++)
		json_object_set_new(flags, side->flags[i].word,
				    json_integer((json_int_t)side->flags[i].count));
	return json_pack("{s:s, s:o, s:I, s:I, s:I, s:I, s:o, s:o, s:b, s:b}", "path", side->path,
			 "runs", paths_json(side), "cells", (json_int_t)side->cell_count, "rows",
			 (json_int_t)side->rows, "left_out", (json_int_t)side->left_out, "flagged",
			 (json_int_t)side->flagged, "flags", flags, "note", notes_json(side),
			 "has_host", has_host, "has_plan", has_plan);
}

json_t *compare_json(const struct comparison *c, double threshold)
{
	json_t *object = json_pack(
		"{s:i, s:s, s:s, s:o, s:o, s:o, s:O, s:O, s:O, s:O, s:o, s:o, s:o}",
		"schema_version", COMPARE_SCHEMA_VERSION, "kind", "compare", "unit",
		c->by_run ? "run" : "row", "a", side_json(c->a), "b", side_json(c->b),
		"comparisons", values_json(c, threshold), "hosts_differ", c->hosts,
		"hosts_differ_now", c->now, "plans_differ", c->plans, "cells_differ", c->cells,
		"only_in_a", names_json(c->alone_a, c->alone_a_count), "only_in_b",
		names_json(c->alone_b, c->alone_b_count), "failures", failures_json(c));

	if (object &&
	    (set_number(object, "threshold", threshold) ||
	     (!c->by_run && json_object_set_new(object, "caveat", json_string(compare_caveat))))) {
		json_decref(object);
		return NULL;
	}
	return object;
}
