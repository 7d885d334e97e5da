/* Which cells the flagged rows are of: see flags.h. */
#include "results/flags.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct tally {
	const char *cell;
	size_t rows;
};

static int compare_names(const void *left, const void *right)
{
	return strcmp(((const struct tally *)left)->cell, ((const struct tally *)right)->cell);
}

/* Most rows first, then by name. */
static int compare_tallies(const void *left, const void *right)
{
	const struct tally *a = left, *b = right;

	if (a->rows != b->rows)
		return a->rows < b->rows ? 1 : -1;
	return strcmp(a->cell, b->cell);
}

/* One a cell, out of one a row; how many are left. */
static size_t merge(struct tally *tallies, size_t count)
{
	size_t cells = 0;

	qsort(tallies, count, sizeof(*tallies), compare_names);
	for (size_t i = 0; i < count; i++) {
		if (cells && strcmp(tallies[cells - 1].cell, tallies[i].cell) == 0)
			tallies[cells - 1].rows++;
		else
			tallies[cells++] = tallies[i];
	}
	qsort(tallies, cells, sizeof(*tallies), compare_tallies);
	return cells;
}

char *flags_cells(const struct record *records, size_t count, const char *word, size_t most)
{
	struct tally *tallies = calloc(count + 1, sizeof(*tallies));
	char *text = NULL;
	size_t size, found = 0;
	FILE *file;

	for (size_t i = 0; tallies && i < count; i++) {
		const char *cell = record_text(&records[i], COLUMN_cell);

		if (!flags_has(record_text(&records[i], COLUMN_flags), word))
			continue;
		tallies[found++] =
			(struct tally){*cell ? cell : record_text(&records[i], COLUMN_model), 1};
	}
	file = tallies ? open_memstream(&text, &size) : NULL;
	if (!file) {
		free(tallies);
		return NULL;
	}
	found = merge(tallies, found);
	for (size_t i = 0; i < found && i < most; i++)
		fprintf(file, "%s%s (%zu)", i ? ", " : "", tallies[i].cell, tallies[i].rows);
	if (found > most)
		fprintf(file, " and %zu more", found - most);
	free(tallies);
	if (fclose(file)) {
		free(text);
		return NULL;
	}
	return text;
}
