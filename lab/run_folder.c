/* Makes a run's folder and writes into it what does not come from a cell. */
#include "lab/run_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lab/status.h"
#include "results/record_csv.h"
#include "results/run_files.h"
#include "results/utf8.h"

_Static_assert(PLAN_BLOCKS_MOST == RUN_FILES_BLOCKS_OPEN, "a run without a number has the most");

/* mkdir -p. */
static int make_path(const char *path)
{
	char part[512];

	snprintf(part, sizeof(part), "%s", path);
	for (char *slash = strchr(part + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = 0;
		if (mkdir(part, 0777) && errno != EEXIST)
			return -errno;
		*slash = '/';
	}
	return mkdir(part, 0777) && errno != EEXIST ? -errno : 0;
}

/* Two runs in one second get a number behind. */
static void make_folder(struct run_folder *f, const char *results, const char *plan)
{
	char stamp[32], host[64] = "host";
	time_t now = time(NULL);
	struct tm local;
	int err = make_path(results);

	strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%S", localtime_r(&now, &local));
	gethostname(host, sizeof(host) - 1);
	for (int i = 1; !err && i < 100; i++) {
		snprintf(f->id, sizeof(f->id), i == 1 ? "%s_%s_%.64s" : "%s_%s_%.64s_%d", stamp,
			 host, plan, i);
		snprintf(f->path, sizeof(f->path), "%.250s/%.250s", results, f->id);
		if (mkdir(f->path, 0777) == 0)
			return;
		if (errno != EEXIST)
			err = -errno;
	}
	status_exit(STATUS_FAILED,
		    "cannot make a folder for the results in %s: %s; name another "
		    "with --results",
		    results, strerror(-err));
}

const char *run_folder_file(const struct run_folder *f, const char *name)
{
	static char path[sizeof(f->path) + 64];

	snprintf(path, sizeof(path), "%s/%s", f->path, name);
	return path;
}

const char *run_folder_beside(const struct run_folder *f, const char *name)
{
	char beside[64];

	snprintf(beside, sizeof(beside), ".%.50s.new", name);
	return run_folder_file(f, beside);
}

void run_folder_put(const struct run_folder *f, const char *name)
{
	char made[sizeof(f->path) + 64];

	snprintf(made, sizeof(made), "%s", run_folder_beside(f, name));
	if (rename(made, run_folder_file(f, name)))
		status_exit(STATUS_FAILED, "cannot write %s: %m", run_folder_file(f, name));
}

static void write_text(const struct run_folder *f, const char *name, const char *text)
{
	FILE *file = fopen(run_folder_beside(f, name), "we");

	if (!file || fputs(text, file) < 0 || fclose(file))
		status_exit(STATUS_FAILED, "cannot write %s: %m", run_folder_file(f, name));
	run_folder_put(f, name);
}

void run_folder_write_json(const struct run_folder *f, const char *name, json_t *object)
{
	if (!object)
		status_exit(STATUS_FAILED, "cannot write %s: out of memory, or it is not UTF-8",
			    run_folder_file(f, name));
	if (json_dump_file(object, run_folder_beside(f, name),
			   JSON_INDENT(1) | JSON_PRESERVE_ORDER))
		status_exit(STATUS_FAILED, "cannot write %s: %m", run_folder_file(f, name));
	json_decref(object);
	run_folder_put(f, name);
}

/* One process at a time: two would run the same cells. */
static void lock(struct run_folder *f)
{
	const char *path = run_folder_file(f, "run.json");

	f->lock = open(path, O_RDONLY | O_CLOEXEC);
	if (f->lock < 0)
		status_exit(STATUS_USAGE, "%s is not the folder of a run: %s: %m", f->path, path);
	/*
	 * One that was killed while it started a cell leaves the lock to that process for the
	 * moment until it is another program, or gone.
	 */
	for (int tries = 0; tries < 20 && flock(f->lock, LOCK_EX | LOCK_NB); tries++)
		usleep(20000);
	if (flock(f->lock, LOCK_EX | LOCK_NB))
		status_exit(STATUS_UNABLE, "%s: another iolab is running it", f->path);
}

void run_folder_make(struct run_folder *f, const char *results, const struct plan *plan,
		     const struct link *link, const struct run_facts *facts)
{
	/* A path may be of any bytes; the folder has the plan itself. */
	const char *named = utf8_strange(facts->plan_named) ? NULL : facts->plan_named;

	make_folder(f, results, plan->name);
	write_text(f, "plan.ini", plan->text.flat);
	run_folder_write_json(
		f, "run.json",
		json_pack("{s:i, s:s, s:s, s:I, s:I, s:I, s:I, s:f, s:I, s:s, s:I, s:I, s:s*, s:s}",
			  "schema_version", RUN_FILES_SCHEMA_VERSION, "run_id", f->id, "plan",
			  plan->name, "blocks", (json_int_t)plan->blocks, "cells",
			  (json_int_t)plan->cell_count, "seed", (json_int_t)plan->seed, "place",
			  (json_int_t)facts->place, "precision", facts->precision, "budget_ns",
			  (json_int_t)facts->budget_ns, "link", link_kind_names[link->kind],
			  "link_latency_ns", (json_int_t)link->latency_ns, "started_unix_s",
			  (json_int_t)time(NULL), "plan_named", named, "plan_text",
			  plan->text.flat));
	lock(f);
}

/* A run is of one plan: the rows of what it was before do not go with those of another. */
static void check_plan(const struct run_folder *f, const char *begun_with)
{
	const char *path = run_folder_file(f, "plan.ini");
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *text = NULL;
	size_t length = 0, same = 0, line = 1;
	int err = fd < 0 ? -errno : record_read_all(fd, &text, &length);

	if (fd >= 0)
		close(fd);
	if (err || !text)
		status_exit(STATUS_USAGE, "%s: %s", path, strerror(err ? -err : ENOMEM));
	for (; text[same] && text[same] == begun_with[same]; same++)
		line += text[same] == '\n';
	if (text[same] != begun_with[same] || same != length)
		status_exit(STATUS_USAGE,
			    "%s:%zu: it was changed since the run was begun; put it back, or begin "
			    "a new run with it",
			    path, line);
	free(text);
}

void run_folder_open(struct run_folder *f, const char *path, struct run_facts *facts)
{
	const char *id, *plan,
		*text = NULL, *link = link_kind_names[LINK_LOOPBACK]; /* as before there were any */
	json_int_t blocks, cells, seed, place, budget_ns, latency_ns = 0;
	json_error_t error;
	json_t *run;
	char why[1024];

	snprintf(f->path, sizeof(f->path), "%s", path);
	for (size_t end = strlen(f->path); end > 1 && f->path[end - 1] == '/';)
		f->path[--end] = '\0';
	lock(f);
	if (run_files_read_run(f->path, &run, why, sizeof(why)))
		status_exit(STATUS_USAGE, "%s", why);
	if (json_unpack_ex(run, &error, 0,
			   "{s:s, s:s, s:I, s:I, s:I, s:I, s:F, s:I, s?s, s?I, s?s}", "run_id", &id,
			   "plan", &plan, "blocks", &blocks, "cells", &cells, "seed", &seed,
			   "place", &place, "precision", &facts->precision, "budget_ns", &budget_ns,
			   "link", &link, "link_latency_ns", &latency_ns, "plan_text", &text))
		status_exit(STATUS_USAGE, "%s: cannot be gone on with: %s",
			    run_folder_file(f, "run.json"), error.text);
	while (link_kind_names[facts->link] && strcmp(link_kind_names[facts->link], link) != 0)
		facts->link++;
	if (!link_kind_names[facts->link] || latency_ns < 0 || blocks < 1 ||
	    blocks > PLAN_BLOCKS_MOST || cells < 1 || cells > PLAN_CELLS_MOST || budget_ns < 0)
		status_exit(STATUS_USAGE, "%s: its figures make no sense",
			    run_folder_file(f, "run.json"));
	snprintf(f->id, sizeof(f->id), "%s", id);
	snprintf(facts->plan, sizeof(facts->plan), "%s", plan);
	facts->blocks = (uint64_t)blocks;
	facts->cells = (uint64_t)cells;
	facts->seed = (uint64_t)seed;
	facts->place = (uint64_t)place;
	facts->budget_ns = (uint64_t)budget_ns;
	facts->link_latency_ns = (uint64_t)latency_ns;
	/* Older labs did not keep it. */
	if (text)
		check_plan(f, text);
	json_decref(run);
}

/* Writes the file anew with these rows: whole, or not at all. */
static void rewrite(const struct run_folder *f, const char *name, const struct record *records,
		    size_t count)
{
	char old[sizeof(f->path) + 64], made[sizeof(f->path) + 64], why[512];

	snprintf(old, sizeof(old), "%s", run_folder_file(f, name));
	snprintf(made, sizeof(made), "%s", run_folder_beside(f, name));
	unlink(made);
	for (size_t i = 0; i < count; i++)
		if (record_append_csv(made, &records[i], why, sizeof(why)))
			status_exit(STATUS_FAILED, "%s", why);
	if (count ? rename(made, old) : unlink(old))
		status_exit(STATUS_FAILED, "cannot replace %s: %m", old);
}

#define LIMITS_JSON "limits.json"

void run_folder_read_spent(const struct run_folder *f, struct run_spent *spent)
{
	const char *path = run_folder_file(f, LIMITS_JSON), *ended;
	json_int_t version, blocks, spent_ns;
	json_error_t error;
	json_t *object;

	memset(spent, 0, sizeof(*spent));
	if (access(path, F_OK))
		return;
	object = json_load_file(path, 0, &error);
	if (!object ||
	    json_unpack_ex(object, &error, 0, "{s:I, s:I, s:I, s:s}", "schema_version", &version,
			   "blocks", &blocks, "spent_ns", &spent_ns, "ended", &ended))
		status_exit(STATUS_USAGE, "%s: %s", path, error.text);
	if (version != RUN_FILES_SCHEMA_VERSION || blocks < 0 || spent_ns < 0)
		status_exit(STATUS_USAGE, "%s: its figures make no sense", path);
	spent->blocks = (uint64_t)blocks;
	spent->spent_ns = (uint64_t)spent_ns;
	snprintf(spent->ended, sizeof(spent->ended), "%s", ended);
	json_decref(object);
}

void run_folder_write_spent(const struct run_folder *f, const struct run_spent *spent)
{
	run_folder_write_json(f, LIMITS_JSON,
			      json_pack("{s:i, s:I, s:I, s:s}", "schema_version",
					RUN_FILES_SCHEMA_VERSION, "blocks",
					(json_int_t)spent->blocks, "spent_ns",
					(json_int_t)spent->spent_ns, "ended", spent->ended));
}

/* Moves those of `read` that count to *records; what does not, a cut row too, goes off the disk. */
static void keep_whole(const struct run_folder *f, const char *name, struct record *read,
		       size_t read_count, bool cut, struct record **records, size_t *count)
{
	struct record *grown = realloc(*records, (*count + read_count + 1) * sizeof(*grown));
	size_t kept = 0;

	if (!grown)
		status_exit(STATUS_UNABLE, "out of memory for %zu rows", *count + read_count);
	*records = grown;
	for (size_t i = 0; i < read_count; i++) {
		if (record_number(&read[i], COLUMN_partial) > 0)
			record_release(&read[i]);
		else
			grown[*count + kept++] = read[i];
	}
	if (kept < read_count || cut)
		rewrite(f, name, grown + *count, kept);
	*count += kept;
	free(read);
}

static const char *const csv_names[RECORD_KINDS] = {
	[RECORD_FETCH] = "fetch.csv",
	[RECORD_SUMSQ] = "sumsq.csv",
	[RECORD_NAP] = "nap.csv",
};

/* Adds the rows of one file, which may be missing. */
static void read_rows(const struct run_folder *f, const char *name, struct record **records,
		      size_t *count)
{
	struct record *read;
	size_t read_count;
	bool cut;
	char why[512];
	int err;

	if (access(run_folder_file(f, name), F_OK))
		return;
	err = record_read_csv(run_folder_file(f, name), &read, &read_count, &cut, why, sizeof(why));
	if (err)
		status_exit(err == -EINVAL ? STATUS_USAGE : STATUS_FAILED, "%s", why);
	keep_whole(f, name, read, read_count, cut, records, count);
}

void run_folder_rows(const struct run_folder *f, struct record **records, size_t *count)
{
	*records = NULL;
	*count = 0;
	for (unsigned kind = 0; kind < RECORD_KINDS; kind++)
		if (csv_names[kind])
			read_rows(f, csv_names[kind], records, count);
}

#define CAPACITY_CSV "capacity.csv"

void run_folder_capacities(const struct run_folder *f, struct record **records, size_t *count)
{
	*records = NULL;
	*count = 0;
	read_rows(f, CAPACITY_CSV, records, count);
}

static void append(const struct run_folder *f, const char *name, const struct record *record)
{
	char why[512];

	if (record_append_csv(run_folder_file(f, name), record, why, sizeof(why)))
		status_exit(STATUS_FAILED, "%s", why);
}

void run_folder_append_capacity(const struct run_folder *f, const struct record *record)
{
	append(f, CAPACITY_CSV, record);
}

void run_folder_append(const struct run_folder *f, const struct record *record)
{
	append(f, csv_names[record->kind], record);
}
