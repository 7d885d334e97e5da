/* Reading a run's folder: see run_files.h. */
#include "results/run_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "results/record_csv.h"

static char *path_of(const struct run_files *files, const char *name)
{
	char *path;

	return asprintf(&path, "%s/%s", files->path, name) < 0 ? NULL : path;
}

/* A text file, NULL when it is not there or cannot be read. */
static char *read_text(const struct run_files *files, const char *name)
{
	char *path = path_of(files, name), *text = NULL;
	size_t length;
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;

	if (fd >= 0 && record_read_all(fd, &text, &length))
		text = NULL;
	if (fd >= 0)
		close(fd);
	free(path);
	return text;
}

static int complain(const char *path, const char *what, char *why, size_t why_size)
{
	snprintf(why, why_size, "%s/run.json: %s", path, what);
	return -EINVAL;
}

int run_files_read_run(const char *folder, json_t **run, char *why, size_t why_size)
{
	json_int_t version = RUN_FILES_SCHEMA_VERSION;
	json_error_t error;
	char *path;
	int err = 0;

	*run = NULL;
	if (asprintf(&path, "%s/run.json", folder) < 0) {
		snprintf(why, why_size, "%s: out of memory", folder);
		return -ENOMEM;
	}
	if (access(path, R_OK)) {
		err = errno == ENOTDIR ? -ENOENT : -errno;
		snprintf(why, why_size, "%s is not the folder of a run: %s: %m", folder, path);
	} else {
		*run = json_load_file(path, 0, &error);
		if (!*run || json_unpack_ex(*run, &error, 0, "{s?I}", "schema_version", &version))
			err = complain(folder, error.text, why, why_size);
	}
	free(path);
	if (!err && version != RUN_FILES_SCHEMA_VERSION) {
		snprintf(why, why_size,
			 "%s/run.json: schema_version %lld, and this lab reads %d: use the lab "
			 "that wrote it",
			 folder, (long long)version, RUN_FILES_SCHEMA_VERSION);
		err = -EINVAL;
	}
	if (err) {
		json_decref(*run);
		*run = NULL;
	}
	return err;
}

static int read_run(struct run_files *files, char *why, size_t why_size)
{
	json_int_t blocks, cells, seed, budget_ns = 0;
	double precision = 0;
	json_error_t error;
	int err = run_files_read_run(files->path, &files->run, why, why_size);

	if (err)
		return err;
	if (json_unpack_ex(files->run, &error, 0, "{s:s, s:s, s:I, s:I, s:I, s?F, s?I}", "run_id",
			   &files->id, "plan", &files->experiment, "blocks", &blocks, "cells",
			   &cells, "seed", &seed, "precision", &precision, "budget_ns", &budget_ns))
		return complain(files->path, error.text, why, why_size);
	if (blocks < 1 || cells < 1 || seed < 0)
		return complain(files->path, "its figures make no sense", why, why_size);
	files->blocks = (uint64_t)blocks;
	files->cells = (uint64_t)cells;
	files->seed = (uint64_t)seed;
	files->limited = precision > 0 || budget_ns > 0;
	return 0;
}

/* Appends the rows of one file, if it is there. */
static int read_rows(struct run_files *files, const char *name, char *why, size_t why_size)
{
	char *path = path_of(files, name);
	struct record *read = NULL, *grown;
	size_t count = 0;
	bool cut = false;
	int err = path ? 0 : -ENOMEM;

	if (!err && access(path, F_OK) == 0)
		err = record_read_csv(path, &read, &count, &cut, why, why_size);
	free(path);
	if (err || (!count && !cut))
		return err;
	if (cut)
		snprintf(files->note, sizeof(files->note),
			 "%s ends in the middle of a row, which is left out: the run was killed, "
			 "or goes on",
			 name);
	grown = reallocarray(files->records, files->count + count + 1, sizeof(*grown));
	if (!grown) {
		record_free_all(read, count);
		return -ENOMEM;
	}
	if (count)
		memcpy(&grown[files->count], read, count * sizeof(*read));
	free(read);
	files->records = grown;
	files->count += count;
	return 0;
}

void run_files_set_rows(struct run_files *files, struct record *records, size_t count)
{
	uint64_t blocks = 1;

	files->records = records;
	files->count = count;
	for (size_t i = 0; i < count; i++) {
		double block = record_number(&records[i], COLUMN_block);

		if (block > (double)blocks && block < 1e9)
			blocks = (uint64_t)block;
	}
	if (files->limited)
		files->blocks = blocks;
}

/* The cells that were entered twice are those that the plan compares the others with. */
static const char **find_baselines(const struct run_files *files)
{
	const char **names = calloc(files->count + 1, sizeof(*names));
	size_t count = 0;

	for (size_t i = 0; names && i < files->count; i++) {
		const char *cell = record_text(&files->records[i], COLUMN_cell);
		size_t before = 0;

		if (strcmp(record_text(&files->records[i], COLUMN_role), "control") != 0)
			continue;
		while (before < count && strcmp(names[before], cell) != 0)
			before++;
		if (before == count)
			names[count++] = cell;
	}
	return names;
}

static int summarise(struct run_files *files, char *why, size_t why_size)
{
	static const enum record_kind kinds[RUN_FILES_SUMMARIES] = {RECORD_FETCH, RECORD_SUMSQ,
								    RECORD_NAP};
	const char **baselines = find_baselines(files);
	const struct summary_options options = {.seed = files->seed, .baselines = baselines};
	int err = baselines ? 0 : -ENOMEM;

	for (size_t i = 0; i < RUN_FILES_SUMMARIES && !err; i++)
		err = summary_make(files->records, files->count, kinds[i], &options,
				   &files->summaries[i], why, why_size);
	free(baselines);
	return err;
}

int run_files_read_facts(const char *path, struct run_files *files, char *why, size_t why_size)
{
	char *host_path;
	int err;

	memset(files, 0, sizeof(*files));
	snprintf(why, why_size, "%s: out of memory", path);
	files->path = strdup(path);
	err = files->path ? read_run(files, why, why_size) : -ENOMEM;
	if (err) {
		run_files_release(files);
		return err;
	}
	host_path = path_of(files, "host.json");
	files->host = host_path ? json_load_file(host_path, 0, NULL) : NULL;
	free(host_path);
	files->plan = read_text(files, "plan.ini");
	files->report = read_text(files, "report.txt");
	return 0;
}

int run_files_read(const char *path, struct run_files *files, char *why, size_t why_size)
{
	static const char *const names[] = {"fetch.csv", "sumsq.csv", "nap.csv"};
	int err = run_files_read_facts(path, files, why, why_size);

	if (err)
		return err;
	snprintf(why, why_size, "%s: out of memory", path);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && !err; i++)
		err = read_rows(files, names[i], why, why_size);
	if (!err) {
		run_files_set_rows(files, files->records, files->count);
		err = summarise(files, why, why_size);
	}
	if (err)
		run_files_release(files);
	return err;
}

void run_files_release(struct run_files *files)
{
	for (size_t i = 0; i < RUN_FILES_SUMMARIES; i++)
		summary_free(files->summaries[i]);
	record_free_all(files->records, files->count);
	json_decref(files->run);
	json_decref(files->host);
	free(files->plan);
	free(files->report);
	free(files->path);
	memset(files, 0, sizeof(*files));
}
