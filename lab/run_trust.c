/* Flags in words, and the price of the harness: see run_trust.h. */
#include "lab/run_trust.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "results/flags.h"
#include "results/matrix.h"

/* Of each flag; the CSV and report.html have them all. */
#define CELLS_NAMED 12

void run_trust_print_wrapped(FILE *file, const char *text)
{
	size_t used = 0;

	while (*(text += strspn(text, " \t"))) {
		size_t length = strcspn(text, " \t");

		if (used && used + 1 + length > MATRIX_WIDTH) {
			fputc('\n', file);
			used = 0;
		}
		fprintf(file, "%s%.*s", used ? " " : "", (int)length, text);
		used += length + (used > 0);
		text += length;
	}
	fputc('\n', file);
}

/* What it means, and whose rows have it. */
static void print_flag(FILE *file, const struct runner_outcome *outcome,
		       const struct flag_info *flag, size_t rows)
{
	char *cells = flags_cells(outcome->records, outcome->count, flag->word, CELLS_NAMED);
	char *line;

	if (asprintf(&line, "%s in %zu: %s%s. Cells (rows): %s.", flag->word, rows, flag->meaning,
		     flag->spoils ? "" : " (no harm to the figures)", cells ? cells : "?") >= 0) {
		run_trust_print_wrapped(file, line);
		free(line);
	}
	free(cells);
}

void run_trust_print_flags(FILE *file, const struct runner_outcome *outcome)
{
	size_t rows[FLAGS + 1] = {0};
	size_t flagged = 0;

	for (size_t i = 0; i < outcome->count; i++) {
		flag_set set = flags_read(record_text(&outcome->records[i], COLUMN_flags));

		flagged += set != 0;
		for (unsigned flag = 0; flag <= FLAGS; flag++)
			rows[flag] += (set >> flag) & 1;
	}
	if (flagged == 0)
		return;
	fprintf(file, "Flagged: %zu of %zu rows.\n", flagged, outcome->count);
	for (unsigned flag = 0; flag < FLAGS; flag++) {
		if (rows[flag] > 0)
			print_flag(file, outcome, &flags_all[flag], rows[flag]);
	}
}

void run_trust_print_cost(FILE *file, const struct runner_outcome *outcome)
{
	const struct runner_cost *cost = &outcome->cost;

	if (!(cost->cells_s > 0 && cost->wall_s > 0))
		return;
	fprintf(file,
		"iolab itself: %.2g %% CPU; wall time %.1f s, %.1f %% above the warm-ups and "
		"durations of its cells.\n",
		100 * cost->cpu_s / cost->wall_s, cost->wall_s,
		100 * (cost->wall_s / cost->cells_s - 1));
}
