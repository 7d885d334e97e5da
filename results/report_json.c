/* The report as JSON: see report_json.h. */
#include "results/report_json.h"

#include <math.h>
#include <string.h>

/* Adds a number, if it is one. */
static void set_number(json_t *object, const char *key, double number)
{
	if (isfinite(number))
		json_object_set_new(object, key, json_real(number));
}

static json_t *figure_json(const struct summary *summary, const struct summary_cell *cell,
			   size_t place)
{
	const struct record_column_info *column = &record_columns[summary_columns[place].column];
	const struct summary_value *value = &cell->values[place];
	const struct summary_group *group = &summary->groups[cell->group];
	json_t *object =
		json_pack("{s:s, s:s, s:s, s:I}", "cell", cell->name, "column", column->name,
			  "unit", column->unit, "runs", (json_int_t)value->blocks);

	if (!isnan(value->low))
		json_object_set_new(
			object, "interval",
			json_string(value->blocks < STATISTICS_INTERVAL_LEAST ? "range" : "95 %"));
	set_number(object, "median", value->median);
	set_number(object, "low", value->low);
	set_number(object, "high", value->high);
	if (value->effect.pairs == 0)
		return object;
	json_object_set_new(object, "baseline", json_string(summary->cells[group->baseline].name));
	if (!isnan(value->effect.low))
		json_object_set_new(object, "ratio_interval",
				    json_string(value->effect.pairs < STATISTICS_INTERVAL_LEAST
							? "range"
							: "95 %"));
	json_object_set_new(object, "pairs", json_integer((json_int_t)value->effect.pairs));
	set_number(object, "ratio", value->effect.ratio);
	set_number(object, "ratio_low", value->effect.low);
	set_number(object, "ratio_high", value->effect.high);
	set_number(object, "p", value->effect.p);
	set_number(object, "p_holm", value->p_adjusted);
	set_number(object, "floor", summary_floor(summary, cell, place));
	json_object_set_new(object, "p_method",
			    json_string(value->effect.exact ? "exact" : "sampled"));
	json_object_set_new(object, "verdict", json_string(summary_verdict(summary, cell, place)));
	return object;
}

static void add_figures(const struct summary *summary, json_t *list)
{
	for (size_t i = 0; i < summary->cell_count; i++)
		for (size_t place = 0; place < SUMMARY_COLUMNS; place++)
			if (record_has_column(summary->kind, summary_columns[place].column) &&
			    summary->cells[i].values[place].blocks > 0)
				json_array_append_new(
					list, figure_json(summary, &summary->cells[i], place));
}

/* Rows by flag. */
static json_t *flags_json(const struct run_files *files)
{
	json_t *flags = json_object();

	for (size_t i = 0; i < files->count && flags; i++) {
		const char *words = record_text(&files->records[i], COLUMN_flags);

		for (size_t length; *(words += strspn(words, " ")); words += length) {
			char word[64];

			length = strcspn(words, " ");
			snprintf(word, sizeof(word), "%.*s", (int)length, words);
			json_object_set_new(
				flags, word,
				json_integer(json_integer_value(json_object_get(flags, word)) + 1));
		}
	}
	return flags;
}

json_t *pictures_json(const struct pictures *pictures)
{
	json_t *list = json_array();

	for (size_t i = 0; i < pictures->count && list; i++) {
		const struct picture *picture = &pictures->pictures[i];
		char caption[320], svg[PICTURE_NAME_SIZE + 4], script[PICTURE_NAME_SIZE + 4];

		picture_caption(picture, caption, sizeof(caption));
		snprintf(svg, sizeof(svg), "%s.svg", picture->name);
		snprintf(script, sizeof(script), "%s.gp", picture->name);
		json_array_append_new(list, json_pack("{s:s, s:s, s:s}", "svg", svg, "script",
						      script, "caption", caption));
	}
	return list;
}

json_t *report_json(const struct run_files *files, const struct pictures *pictures, bool drawn)
{
	json_t *figures = json_array();
	size_t left_out = 0;

	for (size_t i = 0; i < RUN_FILES_SUMMARIES; i++) {
		add_figures(files->summaries[i], figures);
		left_out += files->summaries[i]->left_out;
	}
	return json_pack("{s:i, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:b, s:o, s:o, s:o}",
			 "schema_version", REPORT_SCHEMA_VERSION, "kind", "report", "run_id",
			 files->id, "plan", files->experiment, "blocks", (json_int_t)files->blocks,
			 "cells", (json_int_t)files->cells, "seed", (json_int_t)files->seed, "rows",
			 (json_int_t)files->count, "left_out", (json_int_t)left_out, "complete",
			 files->count >= files->blocks * files->cells, "flags", flags_json(files),
			 "figures", figures, "pictures",
			 drawn ? pictures_json(pictures) : json_array());
}
