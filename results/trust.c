/* Looks through verdicts for those whose cells have spoiled rows: see trust.h. */
#include "results/trust.h"

#include <stdio.h>
#include <string.h>

#include "results/flags.h"

static bool is_claim(enum statistics_verdict verdict)
{
	return verdict == STATISTICS_FASTER || verdict == STATISTICS_SLOWER;
}

/* A cell that claims rest on, with its flags: named once, whatever the number of its claims. */
static void add_cell(struct trust *trust, const char *name, flag_set flags)
{
	size_t used = strlen(trust->text);
	char words[200];
	char entry[400];

	if (!flags)
		return;
	snprintf(entry, sizeof(entry), "%.150s (%s)", name,
		 flags_words(flags, words, sizeof(words)));
	if (strstr(trust->text, entry))
		return;
	trust->cells++;
	if (used + strlen(entry) + 3 > sizeof(trust->text))
		trust->left_out++;
	else
		stpcpy(stpcpy(trust->text + used, used ? ", " : ""), entry);
}

static size_t claims_of(const struct summary_cell *cell)
{
	size_t claims = 0;

	for (size_t place = 0; place < SUMMARY_COLUMNS; place++)
		claims += is_claim(cell->values[place].verdict);
	return claims;
}

/* The claims of one workload: each rests on its cell and on the baseline. */
static void add_group(struct trust *trust, const struct summary *summary,
		      const struct summary_group *group)
{
	const struct summary_cell *baseline = &summary->cells[group->baseline];
	size_t before = trust->claims;

	for (size_t i = group->first; i < group->first + group->count; i++) {
		const struct summary_cell *cell = &summary->cells[i];
		size_t claims = claims_of(cell);

		trust->claims += claims;
		trust->doubtful += cell->spoiled | baseline->spoiled ? claims : 0;
		if (claims > 0)
			add_cell(trust, cell->name, cell->spoiled);
	}
	if (trust->claims > before)
		add_cell(trust, baseline->name, baseline->spoiled);
}

void trust_add_summary(struct trust *trust, const struct summary *summary)
{
	for (size_t i = 0; i < summary->group_count; i++) {
		const struct summary_group *group = &summary->groups[i];

		/* Nothing is claimed where there is nothing to compare with. */
		if (group->baseline < group->first + group->count)
			add_group(trust, summary, group);
	}
}

/* A claim that sets two things side by side. */
static void add_claim(struct trust *trust, const char *name, flag_set flags, const char *against,
		      flag_set against_flags)
{
	trust->claims++;
	trust->doubtful += (flags | against_flags) != 0;
	add_cell(trust, name, flags);
	add_cell(trust, against, against_flags);
}

void trust_add_knee(struct trust *trust, const struct knee *knee)
{
	for (size_t i = 0; i < knee->count; i++) {
		const struct knee_line *line = &knee->lines[i];
		const struct knee_line *base = &knee->lines[line->baseline];
		char name[96], against[96];

		if (!is_claim(line->verdict))
			continue;
		snprintf(name, sizeof(name), "knee of %.60s",
			 record_text(line->sample, COLUMN_model));
		snprintf(against, sizeof(against), "knee of %.60s",
			 record_text(base->sample, COLUMN_model));
		add_claim(trust, name, line->spoiled, against, base->spoiled);
	}
}

void trust_add_usl(struct trust *trust, const struct usl *usl)
{
	for (size_t i = 0; i < usl->count; i++) {
		const struct usl_line *line = &usl->lines[i];
		const char *model = record_text(line->sample, COLUMN_model);

		for (size_t k = 0; k < line->count; k++) {
			char name[96], against[96];

			if (!is_claim(line->points[k].verdict))
				continue;
			snprintf(name, sizeof(name), "%.60s, %.0f worker%s", model,
				 line->points[k].workers, line->points[k].workers == 1 ? "" : "s");
			snprintf(against, sizeof(against), "%.60s, %.0f worker%s", model,
				 line->points[0].workers, line->points[0].workers == 1 ? "" : "s");
			add_claim(trust, name, line->points[k].spoiled, against,
				  line->points[0].spoiled);
		}
	}
}

void trust_add_regimes(struct trust *trust, const struct regimes *r)
{
	for (unsigned measure = 0; measure < REGIMES_MEASURES; measure++) {
		for (size_t i = 0; i < r->point_count; i++) {
			const struct regimes_point *point = &r->points[measure][i];

			for (size_t m = 0; m < r->model_count; m++)
				if (is_claim(point->verdicts[m]))
					add_claim(trust, r->names[m], point->spoiled[m],
						  r->names[point->best],
						  point->spoiled[point->best]);
		}
	}
}

void trust_add_comparison(struct trust *trust, const struct comparison *comparison)
{
	for (size_t i = 0; i < comparison->pair_count; i++) {
		const struct compare_pair *pair = &comparison->pairs[i];
		flag_set both = pair->a->spoiled | pair->b->spoiled;
		size_t claims = 0;

		for (size_t f = 0; f < COMPARE_FIGURES; f++)
			claims += is_claim(pair->values[f].verdict);
		trust->claims += claims;
		trust->doubtful += both ? claims : 0;
		if (claims > 0)
			add_cell(trust, pair->name, both);
	}
}

const char *trust_line(const struct trust *trust, char *text, size_t size)
{
	char more[64] = "";

	if (trust->left_out > 0)
		snprintf(more, sizeof(more), " and %zu more", trust->left_out);
	snprintf(text, size, "%zu of %zu claim%s rest%s on flagged rows: %s%s", trust->doubtful,
		 trust->claims, trust->claims == 1 ? "" : "s", trust->doubtful == 1 ? "s" : "",
		 trust->text, more);
	return text;
}
