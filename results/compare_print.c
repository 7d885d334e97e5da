/* The comparison for people: a table a figure, each line a sentence after hyperfine's manner. */
#include "results/claim.h"
#include "results/compare.h"
#include "results/statistics_rate.h"
#include "results/table.h"

#include <errno.h>
#include <math.h>
#include <string.h>

static void print_side(FILE *file, const char *letter, const struct compare_side *side)
{
	fprintf(file, "%s  %s: ", letter, side->path);
	if (side->source_count > 1)
		fprintf(file, "%zu runs, ", side->source_count);
	fprintf(file, "%zu cells, %zu rows", side->cell_count, side->rows);
	if (side->left_out > 0)
		fprintf(file, ", and %zu cut short or failed, left out", side->left_out);
	putc('\n', file);
}

/* How many rows or runs a side could have decided, 0: that cannot be told. */
static size_t enough(const struct compare_value *value, size_t compared)
{
	const struct statistics_effect *effect = &value->effect;
	size_t side = 1, runs;

	if (!value->by_run) {
		while (side < STATISTICS_MANY &&
		       statistics_rank_least_p(side, side) * (double)compared > STATISTICS_LEVEL)
			side++;
		return side;
	}
	if (isnan(effect->low))
		return COMPARE_RUNS_ENOUGH;
	/* As many as would show what was seen, or the floor. */
	runs = statistics_blocks_for(log(statistics_resolution(effect)), effect->pairs,
				     fmax(fabs(log(effect->ratio)), log(fmax(value->floor, 1.01))));
	return runs && runs < COMPARE_RUNS_ENOUGH ? COMPARE_RUNS_ENOUGH : runs;
}

/* What was not shown, and why not. */
static void describe_none(enum compare_figure figure, const struct compare_value *value,
			  size_t compared, char *text, size_t size)
{
	const struct statistics_effect *effect = &value->effect;
	char ratio[TABLE_TEXT_SIZE], why[CLAIM_TEXT_SIZE] = "";
	size_t needed = enough(value, compared);

	if (!value->decidable && needed > 0)
		snprintf(why, sizeof(why), "%s%zu a side could decide",
			 value->by_run ? "about " : "", needed);
	else if (value->decidable)
		claim_reason(effect, value->p_adjusted, value->floor, why);
	snprintf(text, size, "%s: %s%s%s%s", compare_words(figure, value),
		 table_ratio(effect->ratio, effect->low, effect->high, ratio), *why ? " (" : "",
		 why, *why ? ")" : "");
}

/*
 * "B ran 1.23 [1.19, 1.27] times faster than A": always the larger side of the ratio. Of one run a
 * side it is said that it is of these two.
 */
static void describe(enum compare_figure figure, const struct compare_value *value, size_t compared,
		     char *text, size_t size)
{
	const struct statistics_effect *effect = &value->effect;
	bool cost = compare_figures[figure].sense == SUMMARY_COST;
	bool better = value->verdict == STATISTICS_FASTER;
	const char *where = value->by_run ? "" : ", between these two runs";
	char ratio[TABLE_TEXT_SIZE];

	if (value->verdict == STATISTICS_NO_DIFFERENCE) {
		describe_none(figure, value, compared, text, size);
		return;
	}
	if (effect->ratio >= 1.0)
		table_ratio(effect->ratio, effect->low, effect->high, ratio);
	else
		table_ratio(1.0 / effect->ratio, 1.0 / effect->high, 1.0 / effect->low, ratio);
	if (cost)
		snprintf(text, size, "B needs %s times %s than A%s", ratio,
			 better ? "less" : "more", where);
	else
		snprintf(text, size, "B ran %s times %s than A%s", ratio,
			 better ? "faster" : "slower", where);
}

/* Survivors speak for themselves alone: ", of 6 of 10 rows of B that did not fail". */
static void add_survivors(const struct compare_pair *pair, char *text, size_t size)
{
	const struct compare_cell *sides[] = {pair->a, pair->b};
	size_t used = strlen(text);

	for (size_t i = 0; i < 2; i++) {
		size_t lasted = sides[i]->own.count;

		if (sides[i]->failed > 0 && used < size)
			used += (size_t)snprintf(text + used, size - used,
						 ", %s the %zu of %zu rows of %c that did not fail",
						 i && sides[0]->failed ? "and" : "of", lasted,
						 lasted + sides[i]->failed, i ? 'B' : 'A');
	}
}

static int print_figure(const struct comparison *c, enum compare_figure figure, FILE *file,
			bool color)
{
	const char *unit = record_columns[compare_figures[figure].column].unit;
	struct table *table = table_new(5);
	char text[8 * TABLE_TEXT_SIZE];
	int result;

	if (!table)
		return -ENOMEM;
	table_heading(table, "cell", TABLE_LEFT);
	table_heading(table, "A", TABLE_RIGHT);
	table_heading(table, "B", TABLE_RIGHT);
	table_heading(table, "floor", TABLE_RIGHT);
	table_heading(table, "B against A", TABLE_LEFT);
	for (size_t i = 0; i < c->pair_count; i++) {
		const struct compare_value *value = &c->pairs[i].values[figure];

		if (value->effect.pairs == 0)
			continue;
		table_cell(table, c->pairs[i].name);
		table_cell(table, table_number(value->a_median, unit, text));
		table_cell(table, table_number(value->b_median, unit, text));
		table_cell(table, table_percent(value->floor - 1.0, text));
		describe(figure, value, c->compared[figure], text, sizeof(text));
		add_survivors(&c->pairs[i], text, sizeof(text));
		table_cell(table, text);
	}
	fprintf(file, color ? "\n\033[1m%s\033[0m\n" : "\n%s\n", compare_figures[figure].title);
	result = table_write(table, file, 2, color);
	table_free(table);
	return result;
}

/* The methods of a figure's tests, as they stand beside each other: "exact, sampled". */
static void print_methods(const struct comparison *c, FILE *file)
{
	bool used[3] = {false};
	const char *comma = "";

	for (size_t i = 0; i < c->pair_count; i++) {
		for (size_t f = 0; f < COMPARE_FIGURES; f++) {
			if (c->pairs[i].values[f].effect.pairs > 0)
				used[c->pairs[i].values[f].method] = true;
		}
	}
	for (enum statistics_method m = STATISTICS_EXACT; m <= STATISTICS_NORMAL; m++) {
		if (!used[m])
			continue;
		fprintf(file, "%s%s%s", comma, statistics_method_name(m),
			m == STATISTICS_SAMPLED ? " by Monte Carlo" : "");
		comma = ", ";
	}
}

static bool has_floor(const struct comparison *c)
{
	for (size_t i = 0; i < c->pair_count; i++)
		for (size_t f = 0; f < COMPARE_FIGURES; f++)
			if (!isnan(c->pairs[i].values[f].floor))
				return true;
	return false;
}

static void print_counts(const struct comparison *c, FILE *file)
{
	size_t better = 0;
	size_t worse = 0;
	size_t same = 0;
	size_t open = 0;

	for (size_t i = 0; i < c->pair_count; i++) {
		for (size_t f = 0; f < COMPARE_FIGURES; f++) {
			const struct compare_value *value = &c->pairs[i].values[f];

			/* Without a control nothing could be claimed, whatever there was. */
			bool decided = value->decidable && !isnan(value->floor);

			better += value->verdict == STATISTICS_FASTER;
			worse += value->verdict == STATISTICS_SLOWER;
			same += value->verdict == STATISTICS_NO_DIFFERENCE && decided;
			open += value->verdict == STATISTICS_NO_DIFFERENCE && !decided;
		}
	}
	fprintf(file,
		"B is better in %zu, worse in %zu; no difference shown in %zu, undecided in %zu.\n",
		better, worse, same, open);
}

/* Whether a figure is from so few runs that whatever they show may be chance. */
static bool has_few_runs(const struct comparison *c)
{
	for (size_t i = 0; i < c->pair_count; i++)
		for (size_t f = 0; f < COMPARE_FIGURES; f++) {
			const struct compare_value *value = &c->pairs[i].values[f];

			if (value->effect.pairs > 0 && !isnan(value->effect.low) &&
			    statistics_rank_least_p(value->a_count, value->b_count) >
				    STATISTICS_LEVEL)
				return true;
		}
	return false;
}

static void print_footer(const struct comparison *c, FILE *file)
{
	if (c->by_run) {
		fputs("\nEach run counts as one, the median of its rows: Welch's t of their "
		      "logarithms, Holm over the cells of each figure.\n",
		      file);
	} else {
		if (has_few_runs(c))
			fputs("\nIntervals from 3 rows a side or fewer are what those span, not "
			      "95 %.",
			      file);
		fputs("\nRows of A and B are not paired: rank test (", file);
		print_methods(c, file);
		fprintf(file, "), Holm over the cells of each figure.\n%s\n", compare_caveat);
	}
	fputs(c->by_run ? "B against A is the ratio of the runs' geometric means, not of the "
			  "medians beside it.\n"
			: "B against A is the Hodges-Lehmann shift, the median of all ratios of a "
			  "row of B to one of A,\nnot B's median over A's: where rows scatter, "
			  "these differ.\n",
	      file);
	if (has_floor(c))
		fputs("Floor: what equal cells, the A/A controls within A and B, differed by, or "
		      "could have. Nothing smaller is claimed.\n",
		      file);
	else
		fputs("Noise floor: unknown, neither run has an A/A control of these cells.\n",
		      file);
	fputs("What changed between A and B besides what was meant to is in these figures too.\n",
	      file);
	print_counts(c, file);
}

int compare_print(const struct comparison *comparison, FILE *file, bool color)
{
	int result = 0;

	print_side(file, "A", comparison->a);
	print_side(file, "B", comparison->b);
	for (size_t f = 0; f < COMPARE_FIGURES && result == 0; f++) {
		if (comparison->compared[f] > 0)
			result = print_figure(comparison, f, file, color);
	}
	if (result == 0)
		print_footer(comparison, file);
	return result != 0 ? result : ferror(file) ? -EIO : 0;
}
