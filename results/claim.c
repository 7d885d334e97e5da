/* Comparisons in words: see claim.h. */
#include "results/claim.h"

#include <math.h>
#include <string.h>

#include "results/table.h"

const char *claim_text(const struct statistics_effect *effect, enum statistics_verdict verdict,
		       const char *words, char text[static CLAIM_TEXT_SIZE])
{
	bool less = effect->ratio < 1;
	double size = fabs(effect->ratio - 1);
	double low = less ? 1 - effect->high : effect->low - 1;
	double high = less ? 1 - effect->low : effect->high - 1;
	int digits = size < 0.1 ? 1 : 0;

	if (verdict == STATISTICS_NOT_COMPARED)
		text[0] = '\0';
	else if (verdict == STATISTICS_NO_DIFFERENCE)
		snprintf(text, CLAIM_TEXT_SIZE, "%s", words);
	else if (effect->ratio < 2)
		snprintf(text, CLAIM_TEXT_SIZE, "%s %.*f %% [%.*f, %.*f]", words, digits,
			 100 * size, digits, 100 * low, digits, 100 * high);
	else
		snprintf(text, CLAIM_TEXT_SIZE, "%s %.3g times [%.3g, %.3g]", words, effect->ratio,
			 effect->low, effect->high);
	return text;
}

const char *claim_reason(const struct statistics_effect *effect, double p_adjusted, double floor,
			 char text[static CLAIM_TEXT_SIZE])
{
	double size = fmax(effect->ratio, 1 / effect->ratio);
	char percent[TABLE_TEXT_SIZE];
	int used = 0;

	text[0] = '\0';
	if (p_adjusted > STATISTICS_LEVEL) {
		used = snprintf(text, CLAIM_TEXT_SIZE, "p = %.2g", effect->p);
		if (p_adjusted > effect->p)
			used += snprintf(text + used, CLAIM_TEXT_SIZE - (size_t)used,
					 ", after Holm %.2g", p_adjusted);
	}
	if (size <= floor)
		used += snprintf(text + used, CLAIM_TEXT_SIZE - (size_t)used,
				 "%swithin the noise floor of %s", used ? ", " : "",
				 table_percent(floor - 1, percent));
	if (used == 0 && effect->low <= 1 && effect->high >= 1)
		snprintf(text, CLAIM_TEXT_SIZE, "1 is in its interval");
	return text;
}

const char *claim_interval(size_t blocks, char text[static CLAIM_TEXT_SIZE])
{
	/* Of a single block there is none to be named. */
	if (blocks < 2 || blocks >= STATISTICS_INTERVAL_LEAST)
		snprintf(text, CLAIM_TEXT_SIZE, "95 %% interval");
	else
		snprintf(text, CLAIM_TEXT_SIZE, "range of %zu blocks", blocks);
	return text;
}

size_t claim_blocks_needed(double comparisons)
{
	size_t blocks = 1;

	while (blocks <= STATISTICS_EXACT_PAIRS &&
	       statistics_least_p(blocks) * comparisons > STATISTICS_LEVEL)
		blocks++;
	return blocks;
}

const char *claim_too_few(size_t blocks, size_t comparisons, double looks,
			  char text[static CLAIM_TEXT_SIZE])
{
	size_t needed = claim_blocks_needed((double)comparisons * looks);

	text[0] = '\0';
	if (blocks < needed)
		snprintf(
			text, CLAIM_TEXT_SIZE,
			"%zu block%s cannot decide %zu comparison%s, whatever they show; %zu could",
			blocks, blocks == 1 ? "" : "s", comparisons, comparisons == 1 ? "" : "s",
			needed);
	return text;
}

void claim_method(FILE *file, size_t pairs)
{
	char text[CLAIM_TEXT_SIZE];

	fprintf(file,
		"Intervals: %s. Verdicts: paired by block, sign-flip test (%s), "
		"Holm's correction.\n",
		pairs < STATISTICS_INTERVAL_LEAST ? claim_interval(pairs, text)
						  : "95 %, over blocks",
		pairs <= STATISTICS_EXACT_PAIRS ? "exact" : "Monte Carlo");
}

void claim_floor(FILE *file, const char *what, size_t pairs, size_t comparisons, double looks,
		 double floor)
{
	char text[CLAIM_TEXT_SIZE];

	if (comparisons == 0)
		return;
	fprintf(file, "  %s: %zu comparison%s; ", what, comparisons, comparisons == 1 ? "" : "s");
	if (isnan(floor))
		fputs("noise floor unknown, no A/A control with two blocks ran: nothing is claimed",
		      file);
	else
		fprintf(file,
			"noise floor %.1f %% by the A/A control, nothing below its own is claimed",
			100 * (floor - 1));
	if (*claim_too_few(pairs, comparisons, looks, text))
		fprintf(file, ";\n    %s", text);
	fputs(".\n", file);
}
