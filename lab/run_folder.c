/* Makes a run's folder and writes into it what does not come from a cell. */
#include "lab/run_folder.h"

#include <errno.h>
#include <inttypes.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lab/status.h"
#include "lab/version.h"
#include "topology/bind.h"
#include "topology/fingerprint.h"

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

static void write_text(const struct run_folder *f, const char *name, const char *text)
{
	FILE *file = fopen(run_folder_file(f, name), "we");

	if (!file || fputs(text, file) < 0 || fclose(file))
		status_exit(STATUS_FAILED, "cannot write %s: %m", run_folder_file(f, name));
}

static void write_json(const struct run_folder *f, const char *name, json_t *object)
{
	if (!object ||
	    json_dump_file(object, run_folder_file(f, name), JSON_INDENT(1) | JSON_PRESERVE_ORDER))
		status_exit(STATUS_FAILED, "cannot write %s: %m", run_folder_file(f, name));
	json_decref(object);
}

static json_t *host_facts(void)
{
	const struct fingerprint_library libraries[] = {
		{"liburing", version_liburing()},
		{"openssl", OpenSSL_version(OPENSSL_VERSION_STRING)},
		{NULL, NULL},
	};
	const struct fingerprint_build build = {
		.version = version_text(),
		.commit = version_commit(),
		.compiler = version_compiler(),
		.flags = version_flags(),
		.libraries = libraries,
	};
	hwloc_topology_t topology;
	hwloc_bitmap_t allowed;
	char why[256];

	if (bind_load(BIND_PLACES, &topology, why, sizeof(why)) ||
	    bind_allowed(&allowed, why, sizeof(why)))
		status_exit(STATUS_UNABLE, "%s", why);
	json_t *facts = fingerprint_host(&build, topology, allowed, "");

	hwloc_bitmap_free(allowed);
	hwloc_topology_destroy(topology);
	return facts;
}

void run_folder_make(struct run_folder *f, const char *results, const struct plan *plan)
{
	char why[512];

	make_folder(f, results, plan->name);
	write_text(f, "plan.ini", plan->text.flat);
	write_json(f, "run.json",
		   json_pack("{s:s, s:s, s:I, s:I, s:I, s:I}", "run_id", f->id, "plan", plan->name,
			     "blocks", (json_int_t)plan->blocks, "cells",
			     (json_int_t)plan->cell_count, "seed", (json_int_t)plan->seed,
			     "started_unix_s", (json_int_t)time(NULL)));
	write_json(f, "host.json", host_facts());
	if (fingerprint_export_topology(run_folder_file(f, "topology.xml"), why, sizeof(why)))
		status_exit(STATUS_FAILED, "%s", why);
}

void run_folder_append(const struct run_folder *f, const struct record *record)
{
	static const char *const names[RECORD_KINDS] = {
		[RECORD_FETCH] = "fetch.csv",
		[RECORD_SUMSQ] = "sumsq.csv",
		[RECORD_NAP] = "nap.csv",
	};
	char why[512];

	if (record_append_csv(run_folder_file(f, names[record->kind]), record, why, sizeof(why)))
		status_exit(STATUS_FAILED, "%s", why);
}
