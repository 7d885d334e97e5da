/* Starts, resumes and looks into runs: see resuming.h. */
#include "tests/resuming.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "results/record.h"

#define ROWS_MOST 4096

static char folder[] = "/tmp/iolab-resume-XXXXXX";
static char plan_path[64], results[64];

void resuming_write_plan(const char *text)
{
	FILE *file = fopen(plan_path, "w");

	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

int resuming_start(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(plan_path, sizeof(plan_path), "%s/small.ini", folder);
	return 0;
}

int resuming_stop(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

const char *resuming_fresh_results(void)
{
	static int number;

	snprintf(results, sizeof(results), "%s/r%d", folder, number++);
	return results;
}

const char *resuming_plan(void)
{
	return plan_path;
}

bool resuming_folder(char *path, size_t size)
{
	DIR *all = opendir(results);
	struct dirent *entry;
	bool found = false;

	while (all && (entry = readdir(all)))
		if (entry->d_name[0] != '.') {
			snprintf(path, size, "%.60s/%.200s", results, entry->d_name);
			found = true;
		}
	if (all)
		closedir(all);
	return found;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static char *line_of(const struct record *row)
{
	char *line;

	assert_true(asprintf(&line, "%.0f %02.0f %s %s%s", record_number(row, COLUMN_block),
			     record_number(row, COLUMN_order), record_text(row, COLUMN_cell),
			     record_text(row, COLUMN_role),
			     record_number(row, COLUMN_partial) > 0 ? " partial" : "") > 0);
	return line;
}

size_t resuming_rows(const char *run, char text[RESUMING_TEXT])
{
	static const char *const names[] = {"fetch.csv", "sumsq.csv", "nap.csv"};
	static char *lines[ROWS_MOST];
	size_t count = 0, used = 0;

	for (int i = 0; i < 3; i++) {
		struct record *rows;
		char path[512], why[512];
		size_t read;
		bool cut;

		snprintf(path, sizeof(path), "%s/%s", run, names[i]);
		if (access(path, F_OK))
			continue;
		if (record_read_csv(path, &rows, &read, &cut, why, sizeof(why)))
			fail_msg("%s", why);
		assert_false(cut);
		assert_true(count + read < ROWS_MOST);
		for (size_t r = 0; r < read; r++)
			lines[count++] = line_of(&rows[r]);
		record_free_all(rows, read);
	}
	qsort(lines, count, sizeof(*lines), by_text);
	text[0] = '\0';
	for (size_t i = 0; i < count; i++) {
		used += (size_t)snprintf(text + used, RESUMING_TEXT - used, "%s\n", lines[i]);
		assert_true(used < RESUMING_TEXT);
		free(lines[i]);
	}
	return count;
}

void resuming_begin(struct child *child)
{
	const char *const argv[] = {child_program("iolab"),   "run",	 "--results",
				    resuming_fresh_results(), plan_path, NULL};

	child_start(child, argv);
}

int resuming_resume(struct child *child, const char *run)
{
	const char *const argv[] = {child_program("iolab"), "run", "--resume", run, NULL};

	return child_run(child, argv);
}

size_t resuming_undisturbed(char text[RESUMING_TEXT])
{
	struct child child;
	char run[512];

	resuming_begin(&child);
	if (child_wait(&child, CHILD_LIMIT_MS))
		fail_msg("%s", child.err.text);
	assert_true(resuming_folder(run, sizeof(run)));
	child_free(&child);
	return resuming_rows(run, text);
}

void resuming_change(const char *path, const char *after, const char *from, const char *to)
{
	static char text[1 << 20], changed[1 << 20];
	FILE *file = fopen(path, "r");
	char *place;

	assert_non_null(file);
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	place = strstr(text, after);
	place = place ? strstr(place, from) : NULL;
	assert_non_null(place);
	snprintf(changed, sizeof(changed), "%.*s%s%s", (int)(place - text), text, to,
		 place + strlen(from));
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(changed, file);
	assert_int_equal(fclose(file), 0);
}
