/* The pages of a run, put together: see run_pages.h. */
#include "lab/run_pages.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lab/status.h"
#include "results/report.h"
#include "topology/doctor.h"

static int decide_pictures(const struct run_files *files, struct pictures *pictures)
{
	const struct summary *summaries[RUN_FILES_SUMMARIES];

	for (size_t i = 0; i < RUN_FILES_SUMMARIES; i++)
		summaries[i] = files->summaries[i];
	return pictures_make(summaries, RUN_FILES_SUMMARIES, pictures);
}

void run_pages_read(const char *folder, struct run_files *files, struct pictures *pictures)
{
	char why[1024];
	int err = run_files_read(folder, files, why, sizeof(why));

	if (err)
		status_exit(err == -ENOENT || err == -EINVAL ? STATUS_USAGE : STATUS_FAILED, "%s",
			    why);
	if (files->note[0])
		status_warn("%s", files->note);
	if (decide_pictures(files, pictures))
		status_exit(STATUS_UNABLE, "out of memory for %zu rows", files->count);
	if (pictures->left_out)
		status_warn("%zu more pictures than the %d that are made of a run",
			    pictures->left_out, PICTURES_MAX);
}

/* What doctor says of the run's host, as it was then. NULL without its facts. */
static json_t *judge_host(const json_t *host)
{
	struct doctor_report *report = host ? calloc(1, sizeof(*report)) : NULL;
	json_t *judged = NULL, *findings = NULL;

	if (!report)
		return NULL;
	doctor_judge(host, report);
	judged = doctor_json(report, host);
	findings = json_incref(json_object_get(judged, "findings"));
	json_decref(judged);
	free(report);
	return findings;
}

int run_pages_report(const struct run_files *files, const struct pictures *pictures,
		     const char *missing, char *why, size_t why_size)
{
	json_t *findings = judge_host(files->host);
	const struct report_input input = {
		.files = files, .pictures = pictures, .missing = missing, .findings = findings};
	char *path = NULL, *made = NULL;
	FILE *file = NULL;
	int err = 0;

	if (asprintf(&path, "%s/report.html", files->path) < 0 ||
	    asprintf(&made, "%s/.report.html.new", files->path) < 0) {
		snprintf(why, why_size, "out of memory");
		err = -ENOMEM;
		goto out;
	}
	/* Whole, or as it was: it may be open in a browser. */
	file = fopen(made, "we");
	if (!file || report_write(&input, file))
		err = errno ? -errno : -EIO;
	if (file && fclose(file))
		err = -errno;
	if (!err && rename(made, path))
		err = -errno;
	if (err) {
		snprintf(why, why_size, "cannot write %s: %s", path, strerror(-err));
		unlink(made);
	}
out:
	json_decref(findings);
	free(path);
	free(made);
	return err;
}

int run_pages_make(const char *folder, struct record *records, size_t count,
		   struct summary *const summaries[RUN_FILES_SUMMARIES])
{
	struct pictures pictures = {.count = 0};
	struct run_files files;
	char missing[1024], why[1024];
	int err = run_files_read_facts(folder, &files, why, sizeof(why));
	double cpu_s;
	int drawn;

	if (err) {
		status_warn("no report.html: %s", why);
		return err;
	}
	run_files_set_rows(&files, records, count);
	memcpy(files.summaries, summaries, sizeof(files.summaries));
	if (decide_pictures(&files, &pictures))
		status_exit(STATUS_UNABLE, "out of memory for %zu rows", count);
	drawn = run_pages_draw(folder, &pictures, &cpu_s, missing, sizeof(missing));
	if (drawn)
		status_warn("%s", missing);
	err = run_pages_report(&files, &pictures, drawn ? missing : NULL, why, sizeof(why));
	if (err)
		status_warn("%s", why);
	else if (!drawn && pictures.count)
		printf("  report.html with %zu picture%s, *.svg (gnuplot took %.2f s of CPU after "
		       "the run)\n",
		       pictures.count, pictures.count == 1 ? "" : "s", cpu_s);
	else
		printf("  report.html, without pictures: %s\n",
		       drawn ? missing : "it has no figures to compare");
	pictures_release(&pictures);
	/* Rows and summaries are the caller's. */
	files.records = NULL;
	files.count = 0;
	memset(files.summaries, 0, sizeof(files.summaries));
	run_files_release(&files);
	return err ? err : drawn == -ENOENT ? 0 : drawn;
}
