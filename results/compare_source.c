/*
 * Where a side's runs are: what was named on the command line, taken apart into runs, and what lies
 * in the folder of each besides its rows.
 */
#include "results/compare_keys.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "results/record_csv.h"
#include "results/run_files.h"

static const char *const csv_names[] = {"fetch.csv", "sumsq.csv", "nap.csv"};
#define CSV_NAMES (sizeof(csv_names) / sizeof(csv_names[0]))

static int read_csv(struct compare_side *side, const char *path, bool cut_allowed, char *why,
		    size_t why_size)
{
	struct compare_source *source = &side->sources[side->source_count - 1];
	bool wanted[RECORD_COLUMNS] = {false};
	const struct record_visitor visitor = {wanted, compare_take_row, side};
	size_t cut_line;
	int result;

	compare_choose_columns(wanted);
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
	snprintf(source->note, sizeof(source->note), "%.180s is cut: line %zu is left out", path,
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

static bool is_folder(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

static bool has_rows(const char *folder)
{
	char path[4096];

	for (size_t i = 0; i < CSV_NAMES; i++) {
		join(path, folder, true, csv_names[i]);
		if (access(path, F_OK) == 0)
			return true;
	}
	return false;
}

static int read_folder(struct compare_side *side, const char *folder, bool cut_allowed, char *why,
		       size_t why_size)
{
	char path[4096];
	int result = 0;

	for (size_t i = 0; i < CSV_NAMES && result == 0; i++) {
		join(path, folder, true, csv_names[i]);
		if (access(path, F_OK) == 0)
			result = read_csv(side, path, cut_allowed, why, why_size);
	}
	return result;
}

/*
 * What lies in the folder, or beside the file, besides rows. Without a run.json the rows may have
 * been put together by hand; with one of another version, nothing here need mean what it says.
 */
static int read_facts(struct compare_source *source, char *why, size_t why_size)
{
	bool folder = is_folder(source->path);
	char beside[4096];
	int result;

	join(beside, source->path, folder, "run.json");
	if (access(beside, F_OK) == 0) {
		*strrchr(beside, '/') = '\0';
		result = run_files_read_run(*beside ? beside : "/", &source->run, why, why_size);
		if (result != 0)
			return result;
	}
	join(beside, source->path, folder, "host.json");
	source->host = json_load_file(beside, 0, NULL);
	join(beside, source->path, folder, "plan.ini");
	source->plan = read_text(beside);
	return 0;
}

/* One run named twice would be taken for two that agree to the last digit. */
static int check_new(const struct compare_side *side, const char *path, char *why, size_t why_size)
{
	struct stat before, status;

	if (stat(path, &status) != 0) {
		int err = errno;

		snprintf(why, why_size, "%s: %s", path, strerror(err));
		return -err;
	}
	for (size_t i = 0; i < side->source_count; i++) {
		if (stat(side->sources[i].path, &before) != 0 || before.st_dev != status.st_dev ||
		    before.st_ino != status.st_ino)
			continue;
		snprintf(why, why_size, "%s is named twice on one side: it is one run", path);
		return -EINVAL;
	}
	return 0;
}

/* Reads one run. */
static int add_source(struct compare_side *side, const char *path, bool cut_allowed, char *why,
		      size_t why_size)
{
	int result = check_new(side, path, why, why_size);
	struct compare_source *grown;
	size_t before = side->rows;

	if (result != 0)
		return result;
	grown = reallocarray(side->sources, side->source_count + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	side->sources = grown;
	memset(&grown[side->source_count], 0, sizeof(*grown));
	grown[side->source_count].path = strdup(path);
	if (!grown[side->source_count].path)
		return -ENOMEM;
	result = read_facts(&grown[side->source_count++], why, why_size);
	if (result == 0)
		result = is_folder(path) ? read_folder(side, path, cut_allowed, why, why_size)
					 : read_csv(side, path, cut_allowed, why, why_size);
	if (result == 0 && side->rows == before &&
	    side->sources[side->source_count - 1].failed == 0) {
		snprintf(why, why_size, "%s: no complete row in it", path);
		result = -EINVAL;
	}
	return result;
}

/* The runs in a folder of runs, by name: by the time at which they were begun. */
static int add_folder_of_runs(struct compare_side *side, const char *path, bool cut_allowed,
			      char *why, size_t why_size)
{
	struct dirent **entries;
	int count = scandir(path, &entries, NULL, alphasort);
	size_t before = side->source_count;
	int result = 0;

	if (count < 0) {
		result = -errno;
		snprintf(why, why_size, "%s: %m", path);
		return result;
	}
	for (int i = 0; i < count; i++) {
		char run[4096];

		join(run, path, true, entries[i]->d_name);
		if (result == 0 && entries[i]->d_name[0] != '.' && has_rows(run))
			result = add_source(side, run, cut_allowed, why, why_size);
		free(entries[i]);
	}
	free(entries);
	if (result == 0 && side->source_count == before) {
		snprintf(why, why_size,
			 "%s is not the folder of a run: it has no fetch.csv, sumsq.csv or "
			 "nap.csv, nor has any folder in it",
			 path);
		result = -EINVAL;
	}
	return result;
}

static int add_path(struct compare_side *side, const char *path, bool cut_allowed, char *why,
		    size_t why_size)
{
	if (is_folder(path) && !has_rows(path))
		return add_folder_of_runs(side, path, cut_allowed, why, why_size);
	return add_source(side, path, cut_allowed, why, why_size);
}

/* What stands between commas, unless all of it is the name of something that is there. */
static int add_paths(struct compare_side *side, bool cut_allowed, char *why, size_t why_size)
{
	char *copy, *rest;
	int result = 0;

	if (access(side->path, F_OK) == 0 || !strchr(side->path, ','))
		return add_path(side, side->path, cut_allowed, why, why_size);
	copy = rest = strdup(side->path);
	if (!copy)
		return -ENOMEM;
	for (char *path; result == 0 && (path = strsep(&rest, ","));) {
		if (*path) {
			result = add_path(side, path, cut_allowed, why, why_size);
			continue;
		}
		snprintf(why, why_size, "%s: there is nothing before, between or behind a comma",
			 side->path);
		result = -EINVAL;
	}
	free(copy);
	return result;
}

int compare_read(const char *path, bool cut_allowed, struct compare_side *side, char *why,
		 size_t why_size)
{
	int result;

	memset(side, 0, sizeof(*side));
	side->path = path;
	why[0] = '\0';
	result = add_paths(side, cut_allowed, why, why_size);
	if (result == 0)
		result = compare_check_doubles(side, why, why_size);
	if (result == -ENOMEM && !why[0])
		snprintf(why, why_size, "%s: %s", path, strerror(ENOMEM));
	if (result != 0)
		compare_release(side);
	return result;
}

void compare_release(struct compare_side *side)
{
	for (size_t i = 0; i < side->cell_count; i++) {
		record_release(&side->cells[i].sample);
		free(side->cells[i].own.rows);
		free(side->cells[i].control.rows);
		free(side->cells[i].key);
	}
	for (size_t i = 0; i < side->source_count; i++) {
		free(side->sources[i].path);
		free(side->sources[i].plan);
		json_decref(side->sources[i].run);
		json_decref(side->sources[i].host);
	}
	free(side->cells);
	free(side->slots);
	free(side->sources);
	memset(side, 0, sizeof(*side));
}
