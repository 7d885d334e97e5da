/*
 * Takes a side row by row and keeps of each only what is compared, so that a million rows are no
 * matter. Cells are found by a hash of their identity.
 */
#include "results/compare_keys.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

const struct compare_figure_info compare_figures[COMPARE_FIGURES] = {
	[COMPARE_THROUGHPUT] = {COLUMN_throughput_rps, SUMMARY_RATE, "Throughput"},
	[COMPARE_SQUARES] = {COLUMN_elements_per_s, SUMMARY_RATE, "Squares"},
	[COMPARE_LATENCY] = {COLUMN_latency_p99_us, SUMMARY_TIME,
			     "Latency p99 at the offered rate"},
	[COMPARE_DURATION] = {COLUMN_duration_s, SUMMARY_TIME, "Duration"},
	[COMPARE_CPU] = {COLUMN_cpu_us_per_request, SUMMARY_COST, "CPU per fetch"},
};

static const enum record_column other_columns[] = {
	COLUMN_run_id, COLUMN_experiment,	 COLUMN_block,	 COLUMN_cell,	  COLUMN_role,
	COLUMN_flags,  COLUMN_variant_effective, COLUMN_partial, COLUMN_requests, COLUMN_elements,
	COLUMN_cpus,
};

void compare_choose_columns(bool wanted[RECORD_COLUMNS])
{
	for (size_t i = 0; i < COMPARE_FIGURES; i++)
		wanted[compare_figures[i].column] = true;
	for (size_t i = 0; i < sizeof(other_columns) / sizeof(other_columns[0]); i++)
		wanted[other_columns[i]] = true;
	for (enum record_kind kind = RECORD_COMMON; kind < RECORD_KINDS; kind++) {
		for (const enum record_column *column = compare_factors(kind);
		     *column != RECORD_COLUMNS; column++)
			wanted[*column] = true;
	}
}

static void take_slot(struct compare_side *side, size_t index)
{
	const struct compare_cell *cell = &side->cells[index];
	size_t at = compare_hash(cell->key, cell->key_length);

	while (side->slots[at & (side->slot_count - 1)])
		at++;
	side->slots[at & (side->slot_count - 1)] = index + 1;
}

/* Twice the room for cells, and slots four times as many: at most half of them are taken. */
static int grow(struct compare_side *side)
{
	size_t room = side->slot_count ? side->slot_count : 64;
	struct compare_cell *cells = reallocarray(side->cells, room, sizeof(*cells));
	size_t *slots = cells ? calloc(2 * room, sizeof(*slots)) : NULL;

	if (cells)
		side->cells = cells;
	if (!slots)
		return -ENOMEM;
	free(side->slots);
	side->slots = slots;
	side->slot_count = 2 * room;
	for (size_t i = 0; i < side->cell_count; i++)
		take_slot(side, i);
	return 0;
}

/* The row's cell, made if this is its first row; NULL when memory is out. */
static struct compare_cell *cell_of(struct compare_side *side, const struct record *row)
{
	char key[COMPARE_KEY_MOST];
	size_t length = compare_identity(row, key);
	const struct compare_cell *found = compare_find(side, key, length);
	struct compare_cell *cell;

	if (found)
		return &side->cells[found - side->cells];
	if (2 * side->cell_count >= side->slot_count && grow(side) != 0)
		return NULL;
	cell = &side->cells[side->cell_count];
	memset(cell, 0, sizeof(*cell));
	cell->key = malloc(length);
	if (!cell->key)
		return NULL;
	memcpy(cell->key, key, length);
	cell->key_length = length;
	cell->sorted = true;
	record_copy(&cell->sample, row);
	take_slot(side, side->cell_count++);
	return cell;
}

static void count_flags(struct compare_side *side, const char *flags)
{
	side->flagged += *flags != '\0';
	while (*flags) {
		size_t length = strcspn(flags, " ");
		char word[sizeof(side->flags[0].word)];
		size_t i = 0;

		snprintf(word, sizeof(word), "%.*s", (int)length, flags);
		while (i < COMPARE_FLAGS && side->flags[i].count &&
		       strcmp(side->flags[i].word, word) != 0)
			i++;
		if (i < COMPARE_FLAGS && side->flags[i].count++ == 0)
			memcpy(side->flags[i].word, word, sizeof(word));
		flags += length;
		flags += strspn(flags, " ");
	}
}

static double work_of(const struct record *row)
{
	if (row->kind == RECORD_FETCH)
		return record_number(row, COLUMN_requests);
	return row->kind == RECORD_SUMSQ ? record_number(row, COLUMN_elements) : NAN;
}

static int add_row(struct compare_cell *cell, size_t source, const struct record *row)
{
	bool control = strcmp(record_text(row, COLUMN_role), "control") == 0;
	struct compare_rows *rows = control ? &cell->control : &cell->own;
	const char *run_id = record_text(row, COLUMN_run_id);
	double block = record_number(row, COLUMN_block);
	struct compare_row *added;

	if (rows->count == rows->room) {
		size_t larger = rows->room ? 2 * rows->room : 16;
		struct compare_row *grown = reallocarray(rows->rows, larger, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		rows->rows = grown;
		rows->room = larger;
	}
	added = &rows->rows[rows->count++];
	for (size_t i = 0; i < COMPARE_FIGURES; i++)
		added->values[i] = record_has_column(row->kind, compare_figures[i].column)
					   ? record_number(row, compare_figures[i].column)
					   : NAN;
	added->work = work_of(row);
	added->source = source;
	/* Blocks of one run stay in order, and never meet another run's but by a miracle. */
	added->place = isnan(block)
			       ? 0
			       : (compare_hash(run_id, strlen(run_id)) << 24) + (uint64_t)block + 1;
	if (rows->count > 1 && added->place && added->place <= added[-1].place)
		cell->sorted = false;
	return 0;
}

/*
 * A row that failed has no figures, but its cell lost it: dropped without a word, it would leave
 * the survivors to speak for all.
 */
static int take_failed(struct compare_side *side, const struct record *row)
{
	flag_set flags = flags_read(record_text(row, COLUMN_flags));
	struct compare_cell *cell;

	side->left_out++;
	if (row->kind == RECORD_COMMON)
		return 0;
	cell = cell_of(side, row);
	if (!cell)
		return -ENOMEM;
	side->sources[side->source_count - 1].failed++;
	cell->spoiled |= flags_spoiling(flags);
	if (strcmp(record_text(row, COLUMN_role), "control") == 0)
		return 0;
	cell->failed++;
	/* A command's 3 is its own word. */
	cell->unable += flags_has(record_text(row, COLUMN_flags), "status-3") &&
			strcmp(record_text(row, COLUMN_role), "command") != 0;
	return 0;
}

int compare_take_row(void *context, const struct record *row)
{
	struct compare_side *side = context;
	const char *flags = record_text(row, COLUMN_flags);
	struct compare_cell *cell;

	/* Cut short: its figures are not what the cell does, and it did not fail by itself. */
	if (record_number(row, COLUMN_partial) > 0.0) {
		side->left_out++;
		return 0;
	}
	if (flags_has(flags, "failed"))
		return take_failed(side, row);
	if (row->kind == RECORD_COMMON)
		return 0;
	side->rows++;
	side->sources[side->source_count - 1].rows++;
	count_flags(side, flags);
	cell = cell_of(side, row);
	if (cell && cell->own.count + cell->control.count == 0 && cell->spoiled) {
		/* Until now it had failed rows only, which may lack its factors. */
		record_release(&cell->sample);
		record_copy(&cell->sample, row);
	}
	if (cell && *flags)
		cell->spoiled |= flags_spoiling(flags_read(flags));
	return cell ? add_row(cell, side->source_count - 1, row) : -ENOMEM;
}

static int ascending(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a;
	uint64_t right = *(const uint64_t *)b;

	return (left > right) - (left < right);
}

/* Whether some block of a run is there twice: a file put together wrongly. 1, 0 or -ENOMEM. */
static int has_doubles(const struct compare_rows *rows)
{
	uint64_t *places = calloc(rows->count + 1, sizeof(*places));
	int result = 0;

	if (!places)
		return -ENOMEM;
	for (size_t i = 0; i < rows->count; i++)
		places[i] = rows->rows[i].place;
	qsort(places, rows->count, sizeof(*places), ascending);
	for (size_t i = 1; i < rows->count; i++)
		result |= places[i] && places[i] == places[i - 1];
	free(places);
	return result;
}

int compare_check_doubles(const struct compare_side *side, char *why, size_t why_size)
{
	int result = 0;

	for (size_t i = 0; i < side->cell_count && result == 0; i++) {
		const struct compare_cell *cell = &side->cells[i];

		if (cell->sorted)
			continue;
		result = has_doubles(&cell->own);
		result = result == 0 ? has_doubles(&cell->control) : result;
		if (result != 1)
			continue;
		snprintf(why, why_size, "%s: cell %s has two rows for one block of one run",
			 side->path, compare_name(cell));
		result = -EINVAL;
	}
	return result;
}
