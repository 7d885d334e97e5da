/*
 * The figures of a summary: medians with their intervals, floors from the controls, effects
 * against the baseline, and last the verdicts, which need all of these.
 */
#include "results/summary_values.h"
#include "results/claim.h"
#include "results/record_csv.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Room for the values of two cells, reused from column to column. */
struct scratch {
	double *side;
	double *baseline;
};

/* Every bootstrap has its own stream, fixed by the seed, the cell and the column. */
static uint64_t stream(uint64_t seed, size_t cell, size_t place)
{
	uint64_t state = seed ^ (cell * SUMMARY_COLUMNS + place + 1) * UINT64_C(0xd1342543de82ef95);

	return statistics_random(&state);
}

static int fill_location(struct summary_value *value, const struct summary_rows *rows,
			 enum record_column column, struct scratch *scratch, uint64_t seed)
{
	struct statistics_interval interval = {NAN, NAN, NAN};
	int result = 0;

	value->blocks = 0;
	for (size_t i = 0; i < rows->count; i++) {
		double number = record_number(rows->rows[i], column);

		if (!isnan(number))
			scratch->side[value->blocks++] = number;
	}
	if (value->blocks > 0)
		result = statistics_bootstrap(scratch->side, value->blocks, STATISTICS_MEDIAN,
					      STATISTICS_RESAMPLES, seed, &interval);
	value->median = interval.estimate;
	value->low = interval.low;
	value->high = interval.high;
	return result;
}

/* Pairs the blocks that both have: both lists ascend, so one walk finds them. */
static int compare_rows(const struct summary_rows *side, const struct summary_rows *baseline,
			enum record_column column, struct scratch *scratch, uint64_t seed,
			struct statistics_effect *effect)
{
	size_t pairs = 0;
	size_t i = 0;
	size_t j = 0;

	while (i < side->count && j < baseline->count) {
		const struct record *a = side->rows[i];
		const struct record *b = baseline->rows[j];
		int order = summary_compare_runs(a, b);

		i += order <= 0;
		j += order >= 0;
		if (order != 0 || !a->values[COLUMN_block].present ||
		    isnan(record_number(a, column)) || isnan(record_number(b, column)))
			continue;
		scratch->side[pairs] = record_number(a, column);
		scratch->baseline[pairs++] = record_number(b, column);
	}
	return statistics_compare(scratch->side, scratch->baseline, pairs, seed, effect);
}

/* The floors that the controls show on one column; also finds each group's smallest control. */
static int fill_floor(struct summary *summary, const struct summary_draft *drafts, size_t place,
		      struct scratch *scratch, uint64_t seed)
{
	for (size_t i = 0; i < summary->cell_count; i++) {
		struct summary_group *group = &summary->groups[summary->cells[i].group];
		struct statistics_effect effect;
		double floor;
		int result;

		if (drafts[i].control.count == 0)
			continue;
		result = compare_rows(&drafts[i].control, &drafts[i].own,
				      summary_columns[place].column, scratch,
				      stream(seed, summary->cell_count + i, place), &effect);
		if (result != 0)
			return result;
		if (effect.pairs == 0)
			continue;
		if (!summary->control)
			summary->control = summary->cells[i].name;
		if (!group->control)
			group->control = summary->cells[i].name;
		if (group->control_blocks == 0 || effect.pairs < group->control_blocks)
			group->control_blocks = effect.pairs;
		floor = statistics_floor(&effect);
		group->floor[place] = fmax(floor, group->floor[place]);
		summary->floor[place] = fmax(floor, summary->floor[place]);
	}
	return 0;
}

static int fill_column(struct summary *summary, const struct summary_draft *drafts, size_t place,
		       struct scratch *scratch, uint64_t seed)
{
	enum record_column column = summary_columns[place].column;
	for (size_t i = 0; i < summary->cell_count; i++) {
		struct summary_value *value = &summary->cells[i].values[place];
		const struct summary_group *group = &summary->groups[summary->cells[i].group];
		struct summary_rows none = {NULL, 0};
		bool has_baseline = summary_sense(group, place) != SUMMARY_EVIDENCE &&
				    group->baseline != i &&
				    group->baseline < group->first + group->count;
		int result = fill_location(value, &drafts[i].own, column, scratch,
					   stream(seed, i, place));

		if (result == 0)
			result = compare_rows(has_baseline ? &drafts[i].own : &none,
					      has_baseline ? &drafts[group->baseline].own : &none,
					      column, scratch, stream(seed, i, place),
					      &value->effect);
		if (result != 0)
			return result;
	}
	return 0;
}

double summary_floor(const struct summary *summary, const struct summary_cell *cell, size_t place)
{
	const struct summary_group *group = &summary->groups[cell->group];

	return group->control ? group->floor[place] : summary->floor[place];
}

enum summary_sense summary_sense(const struct summary_group *group, size_t place)
{
	if (summary_columns[place].column == COLUMN_duration_s && group->timed)
		return SUMMARY_TIME;
	return summary_columns[place].sense;
}

/* The floor of the models is shown against the baseline but makes no claim: it is not tested. */
static int judge_column(struct summary *summary, size_t place)
{
	double *p = calloc(summary->cell_count ? summary->cell_count : 1, sizeof(*p));
	int result;

	if (!p)
		return -ENOMEM;
	for (size_t i = 0; i < summary->cell_count; i++) {
		const struct summary_cell *cell = &summary->cells[i];

		p[i] = cell->contender ? cell->values[place].effect.p : NAN;
		summary->comparisons[place] += !isnan(p[i]);
	}
	result = statistics_holm(p, summary->cell_count);
	for (size_t i = 0; i < summary->cell_count && result == 0; i++) {
		struct summary_value *value = &summary->cells[i].values[place];

		value->p_adjusted = p[i];
		value->verdict = STATISTICS_NOT_COMPARED;
		if (summary->cells[i].contender)
			value->verdict =
				statistics_judge(&value->effect, p[i],
						 summary_floor(summary, &summary->cells[i], place),
						 summary_columns[place].sense == SUMMARY_RATE);
	}
	free(p);
	return result;
}

int summary_fill(struct summary *summary, const struct summary_draft *drafts, uint64_t seed)
{
	struct scratch scratch;
	size_t most = 1;
	int result = -ENOMEM;

	for (size_t i = 0; i < summary->cell_count; i++) {
		most = drafts[i].own.count > most ? drafts[i].own.count : most;
		most = drafts[i].control.count > most ? drafts[i].control.count : most;
	}
	scratch.side = calloc(most, sizeof(double));
	scratch.baseline = calloc(most, sizeof(double));
	if (scratch.side && scratch.baseline)
		result = 0;
	for (size_t place = 0; place < SUMMARY_COLUMNS && result == 0; place++) {
		summary->floor[place] = NAN;
		for (size_t i = 0; i < summary->group_count; i++)
			summary->groups[i].floor[place] = NAN;
		if (!record_has_column(summary->kind, summary_columns[place].column))
			continue;
		result = fill_floor(summary, drafts, place, &scratch, seed);
		if (result == 0)
			result = fill_column(summary, drafts, place, &scratch, seed);
		if (result == 0)
			result = judge_column(summary, place);
	}
	free(scratch.side);
	free(scratch.baseline);
	return result;
}

const char *summary_words(size_t place, enum statistics_verdict verdict)
{
	if (summary_columns[place].sense == SUMMARY_COST && verdict == STATISTICS_FASTER)
		return "cheaper by";
	if (summary_columns[place].sense == SUMMARY_COST && verdict == STATISTICS_SLOWER)
		return "dearer by";
	return statistics_words(verdict);
}

const char *summary_verdict(const struct summary *summary, const struct summary_cell *cell,
			    size_t place)
{
	const struct summary_value *value = &cell->values[place];

	if (value->verdict == STATISTICS_NO_DIFFERENCE &&
	    value->effect.pairs < claim_blocks_needed((double)summary->comparisons[place]))
		return "undecided, too few blocks";
	if (value->verdict == STATISTICS_NO_DIFFERENCE &&
	    isnan(summary_floor(summary, cell, place)))
		return "undecided, no A/A control";
	return summary_words(place, value->verdict);
}

const char *summary_reason(const struct summary *summary, const struct summary_cell *cell,
			   size_t place, char text[static CLAIM_TEXT_SIZE])
{
	const struct summary_value *value = &cell->values[place];
	double floor = summary_floor(summary, cell, place);

	text[0] = '\0';
	if (value->verdict != STATISTICS_NO_DIFFERENCE || isnan(floor) ||
	    value->effect.pairs < claim_blocks_needed((double)summary->comparisons[place]))
		return text;
	return claim_reason(&value->effect, value->p_adjusted, floor, text);
}

static void write_number(FILE *file, double number)
{
	char text[RECORD_REAL_SIZE] = "";

	if (!isnan(number))
		record_format_real(number, text);
	fprintf(file, ",%s", text);
}

int summary_write_csv_header(FILE *file)
{
	fputs("schema_version,cell,column,unit,n,median,low,high,baseline,pairs,ratio,ratio_low,"
	      "ratio_high,p,p_method,p_holm,floor,verdict\n",
	      file);
	return ferror(file) ? -EIO : 0;
}

static void write_value(const struct summary *summary, const struct summary_cell *cell,
			size_t place, FILE *file)
{
	const struct record_column_info *info = &record_columns[summary_columns[place].column];
	const struct summary_value *value = &cell->values[place];
	const struct statistics_effect *effect = &value->effect;

	fprintf(file, "%d,", RECORD_SCHEMA_VERSION);
	record_write_csv_text(file, cell->name);
	fprintf(file, ",%s,%s,%zu", info->name, info->unit, value->blocks);
	write_number(file, value->median);
	write_number(file, value->low);
	write_number(file, value->high);
	putc(',', file);
	if (effect->pairs == 0) {
		fputs(",,,,,,,", file);
	} else {
		record_write_csv_text(file,
				      summary->cells[summary->groups[cell->group].baseline].name);
		fprintf(file, ",%zu", effect->pairs);
		write_number(file, effect->ratio);
		write_number(file, effect->low);
		write_number(file, effect->high);
		write_number(file, effect->p);
		fputs(effect->exact ? ",exact" : ",sampled", file);
		write_number(file, value->p_adjusted);
	}
	write_number(file, summary_floor(summary, cell, place));
	fprintf(file, ",%s\n", summary_words(place, value->verdict));
}

int summary_write_csv(const struct summary *summary, FILE *file)
{
	for (size_t i = 0; i < summary->cell_count; i++) {
		for (size_t place = 0; place < SUMMARY_COLUMNS; place++) {
			if (record_has_column(summary->kind, summary_columns[place].column) &&
			    summary->cells[i].values[place].blocks > 0)
				write_value(summary, &summary->cells[i], place, file);
		}
	}
	return ferror(file) ? -EIO : 0;
}
