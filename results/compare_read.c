/*
 * Reads a run row by row and keeps of each only what is compared, so that a million rows are no
 * matter. Cells are found by a hash of their identity.
 */
#include "results/compare_keys.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "results/record_csv.h"
#include "results/run_files.h"

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
};

static void choose_columns(bool wanted[RECORD_COLUMNS])
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

static void take_slot(struct compare_run *run, size_t index)
{
	const struct compare_cell *cell = &run->cells[index];
	size_t at = compare_hash(cell->key, cell->key_length);

	while (run->slots[at & (run->slot_count - 1)])
		at++;
	run->slots[at & (run->slot_count - 1)] = index + 1;
}

/* Twice the room for cells, and slots four times as many: at most half of them are taken. */
static int grow(struct compare_run *run)
{
	size_t room = run->slot_count ? run->slot_count : 64;
	struct compare_cell *cells = reallocarray(run->cells, room, sizeof(*cells));
	size_t *slots = cells ? calloc(2 * room, sizeof(*slots)) : NULL;

	if (cells)
		run->cells = cells;
	if (!slots)
		return -ENOMEM;
	free(run->slots);
	run->slots = slots;
	run->slot_count = 2 * room;
	for (size_t i = 0; i < run->cell_count; i++)
		take_slot(run, i);
	return 0;
}

/* The row's cell, made if this is its first row; NULL when memory is out. */
static struct compare_cell *cell_of(struct compare_run *run, const struct record *row)
{
	char key[COMPARE_KEY_MOST];
	size_t length = compare_identity(row, key);
	const struct compare_cell *found = compare_find(run, key, length);
	struct compare_cell *cell;

	if (found)
		return &run->cells[found - run->cells];
	if (2 * run->cell_count >= run->slot_count && grow(run) != 0)
		return NULL;
	cell = &run->cells[run->cell_count];
	memset(cell, 0, sizeof(*cell));
	cell->key = malloc(length);
	if (!cell->key)
		return NULL;
	memcpy(cell->key, key, length);
	cell->key_length = length;
	cell->sorted = true;
	record_copy(&cell->sample, row);
	take_slot(run, run->cell_count++);
	return cell;
}

static void count_flags(struct compare_run *run, const char *flags)
{
	run->flagged += *flags != '\0';
	while (*flags) {
		size_t length = strcspn(flags, " ");
		char word[sizeof(run->flags[0].word)];
		size_t i = 0;

		snprintf(word, sizeof(word), "%.*s", (int)length, flags);
		while (i < COMPARE_FLAGS && run->flags[i].count &&
		       strcmp(run->flags[i].word, word) != 0)
			i++;
		if (i < COMPARE_FLAGS && run->flags[i].count++ == 0)
			memcpy(run->flags[i].word, word, sizeof(word));
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

static int add_row(struct compare_cell *cell, const struct record *row)
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
	/* Blocks of one run stay in order, and never meet another run's but by a miracle. */
	added->place = isnan(block)
			       ? 0
			       : (compare_hash(run_id, strlen(run_id)) << 24) + (uint64_t)block + 1;
	if (rows->count > 1 && added->place && added->place <= added[-1].place)
		cell->sorted = false;
	return 0;
}

static int take_row(void *context, const struct record *row)
{
	struct compare_run *run = context;
	const char *flags = record_text(row, COLUMN_flags);
	struct compare_cell *cell;

	/* Cut short, or ended in failure: its figures are not what the cell does. */
	if (record_number(row, COLUMN_partial) > 0.0 || strstr(flags, "failed")) {
		run->left_out++;
		return 0;
	}
	if (row->kind == RECORD_COMMON)
		return 0;
	run->rows++;
	count_flags(run, flags);
	cell = cell_of(run, row);
	if (cell && *flags)
		cell->spoiled |= flags_spoiling(flags_read(flags));
	return cell ? add_row(cell, row) : -ENOMEM;
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

static int check_doubles(const struct compare_run *run, char *why, size_t why_size)
{
	int result = 0;

	for (size_t i = 0; i < run->cell_count && result == 0; i++) {
		const struct compare_cell *cell = &run->cells[i];

		if (cell->sorted)
			continue;
		result = has_doubles(&cell->own);
		result = result == 0 ? has_doubles(&cell->control) : result;
		if (result != 1)
			continue;
		snprintf(why, why_size, "%s: cell %s has two rows for one block of one run",
			 run->path, compare_name(cell));
		result = -EINVAL;
	}
	return result;
}

static int read_csv(struct compare_run *run, const char *path, bool cut_allowed, char *why,
		    size_t why_size)
{
	bool wanted[RECORD_COLUMNS] = {false};
	const struct record_visitor visitor = {wanted, take_row, run};
	size_t cut_line;
	int result;

	choose_columns(wanted);
	result = record_visit_csv(path, &visitor, &cut_line, why, why_size);
	if (result != 0 || cut_line == 0)
		return result;
	if (!cut_allowed) {
		snprintf(
			why, why_size,
			"%s is cut in the middle of line %zu; --cut compares the whole rows before "
			"it",
			path, cut_line);
		return -EINVAL;
	}
	snprintf(run->note, sizeof(run->note), "%.180s is cut: line %zu is left out", path,
		 cut_line);
	return 0;
}

/* The text of a file, NULL when there is none. */
static char *read_text(const char *path)
{
	char *text = NULL;
	size_t length;
	FILE *file = fopen(path, "re");

	if (file && record_read_all(fileno(file), &text, &length) != 0)
		text = NULL;
	if (file)
		fclose(file);
	return text;
}

/* Joins a folder and a name; the folder of a file is what stands before its last slash. */
static void join(char path[static 4096], const char *where, bool is_folder, const char *name)
{
	const char *slash = strrchr(where, '/');
	int length = is_folder ? (int)strlen(where) : slash ? (int)(slash - where) : 1;

	snprintf(path, 4096, "%.*s/%s", length, is_folder || slash ? where : ".", name);
}

static int read_folder(struct compare_run *run, bool cut_allowed, char *why, size_t why_size)
{
	static const char *const names[] = {"fetch.csv", "sumsq.csv", "nap.csv"};
	unsigned found = 0;
	char path[4096];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct stat status;
		int result;

		join(path, run->path, true, names[i]);
		if (stat(path, &status) != 0)
			continue;
		found++;
		result = read_csv(run, path, cut_allowed, why, why_size);
		if (result != 0)
			return result;
	}
	if (found > 0)
		return 0;
	snprintf(why, why_size,
		 "%s is not the folder of a run: it has no fetch.csv, sumsq.csv or nap.csv",
		 run->path);
	return -EINVAL;
}

/*
 * What lies in the folder, or beside the file, besides rows. Without a run.json the rows may have
 * been put together by hand; with one of another version, nothing here need mean what it says.
 */
static int read_facts(struct compare_run *run, bool is_folder, char *why, size_t why_size)
{
	char beside[4096];
	int result;

	join(beside, run->path, is_folder, "run.json");
	if (access(beside, F_OK) == 0) {
		*strrchr(beside, '/') = '\0';
		result = run_files_read_run(*beside ? beside : "/", &run->run, why, why_size);
		if (result != 0)
			return result;
	}
	join(beside, run->path, is_folder, "host.json");
	run->host = json_load_file(beside, 0, NULL);
	join(beside, run->path, is_folder, "plan.ini");
	run->plan = read_text(beside);
	return 0;
}

int compare_read(const char *path, bool cut_allowed, struct compare_run *run, char *why,
		 size_t why_size)
{
	struct stat status;
	bool is_folder;
	int result;

	memset(run, 0, sizeof(*run));
	run->path = path;
	why[0] = '\0';
	if (stat(path, &status) != 0) {
		result = -errno;
		snprintf(why, why_size, "%s: %m", path);
		return result;
	}
	is_folder = S_ISDIR(status.st_mode);
	result = read_facts(run, is_folder, why, why_size);
	if (result != 0)
		return result;
	result = is_folder ? read_folder(run, cut_allowed, why, why_size)
			   : read_csv(run, path, cut_allowed, why, why_size);
	if (result == 0)
		result = check_doubles(run, why, why_size);
	if (result == 0 && run->cell_count == 0) {
		snprintf(why, why_size, "%s: no complete row in it", path);
		result = -EINVAL;
	}
	if (result == -ENOMEM && !why[0])
		snprintf(why, why_size, "%s: %s", path, strerror(ENOMEM));
	if (result != 0) {
		compare_release(run);
	}
	return result;
}

void compare_release(struct compare_run *run)
{
	for (size_t i = 0; i < run->cell_count; i++) {
		record_release(&run->cells[i].sample);
		free(run->cells[i].own.rows);
		free(run->cells[i].control.rows);
		free(run->cells[i].key);
	}
	free(run->cells);
	free(run->slots);
	free(run->plan);
	json_decref(run->run);
	json_decref(run->host);
	memset(run, 0, sizeof(*run));
}
