/* Looks through verdicts for those whose cells have spoiled rows: see trust.h. */
#include "results/trust.h"

#include <stdio.h>
#include <string.h>

#include "results/flags.h"

static bool is_claim(enum statistics_verdict verdict)
{
	return verdict == STATISTICS_FASTER || verdict == STATISTICS_SLOWER;
}

/* A cell that claims rest on: named once, with its flags, whatever the number of its claims. */
static void add_cell(struct trust *trust, const char *name, flag_set flags)
{
	size_t used = strlen(trust->text);
	char words[200];
	char entry[400];

	if (!flags)
		return;
	snprintf(entry, sizeof(entry), "%.150s (%s)", name,
		 flags_words(flags, words, sizeof(words)));
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
