/* The command line of the fetch-* executables. */
#include "lab/fetch_options.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lab/options.h"
#include "lab/status.h"
#include "topology/place.h"

static const char *const wait_names[] = {"block", "spin", NULL};
static const char *const overlap_names[] = {"none", "thread", NULL};

/* Longer is a misprint. */
#define DAY_NS UINT64_C(86400000000000)

#define FIELD(name) offsetof(struct fetch_options, name)

static const struct option_row rows[] = {
	{.name = "requests",
	 .letter = 'n',
	 .kind = OPTION_COUNT,
	 .offset = FIELD(requests),
	 .argument = "N",
	 .help = "benchmark: fetch N times in all",
	 .least = 1},
	{.name = "duration",
	 .letter = 'd',
	 .kind = OPTION_DURATION,
	 .offset = FIELD(duration_ns),
	 .argument = "T",
	 .help = "benchmark: fetch for so long",
	 .least = 1000000,
	 .most = DAY_NS},
	{.name = "warmup",
	 .kind = OPTION_DURATION,
	 .offset = FIELD(warmup_ns),
	 .argument = "T",
	 .help = "benchmark: run so long before measuring",
	 .most = DAY_NS},
	{.name = "repeat",
	 .letter = 'r',
	 .kind = OPTION_COUNT,
	 .offset = FIELD(repeat),
	 .argument = "N",
	 .help = "fetch the list of URLs N times",
	 .least = 1,
	 .most = 1000000},
	{.name = "connections",
	 .letter = 'c',
	 .kind = OPTION_COUNT,
	 .offset = FIELD(connections),
	 .argument = "N",
	 .help = "open connections in all, each with one request in flight",
	 .least = 1,
	 .most = 1000000},
	{.name = "threads",
	 .letter = 't',
	 .kind = OPTION_COUNT,
	 .offset = FIELD(threads),
	 .argument = "N",
	 .help = "workers, each with connections of its own",
	 .least = 1,
	 .most = 4096},
	{.name = "wait",
	 .kind = OPTION_CHOICE,
	 .offset = FIELD(wait),
	 .argument = "block|spin",
	 .choices = wait_names,
	 .help = "when nothing is ready: sleep in the kernel, or keep control"},
	{.name = "overlap",
	 .kind = OPTION_CHOICE,
	 .offset = FIELD(overlap),
	 .argument = "none|thread",
	 .choices = overlap_names,
	 .help = "thread: add squares whenever control is back and nothing is ready"},
	{.name = "place",
	 .kind = OPTION_CHOICE,
	 .offset = FIELD(place),
	 .argument = "cores|compact|spread|none",
	 .choices = place_policy_names,
	 .help = "pin the workers by a policy (default none)"},
	{.name = "cpus",
	 .kind = OPTION_TEXT,
	 .offset = FIELD(cpus),
	 .argument = "LIST",
	 .help = "pin worker i to the i-th of these CPUs, over and over: 0,2-3 or core:1"},
	{.name = "csv",
	 .kind = OPTION_TEXT,
	 .offset = FIELD(csv),
	 .argument = "FILE|-",
	 .help = "append the run's row to FILE, or print it"},
	{.name = "json",
	 .kind = OPTION_FLAG,
	 .offset = FIELD(json),
	 .help = "print the run's row as JSON, and nothing else"},
	{.name = "histogram",
	 .kind = OPTION_TEXT,
	 .offset = FIELD(histogram),
	 .argument = "FILE",
	 .help = "write latencies as HdrHistogram's percentile text"},
	{.name = "quiet",
	 .letter = 'q',
	 .kind = OPTION_FLAG,
	 .offset = FIELD(quiet),
	 .help = "no line a fetch, no summary"},
};

const struct option_row *fetch_options_rows(size_t *count)
{
	*count = sizeof(rows) / sizeof(rows[0]);
	return rows;
}

const char *fetch_wait_name(enum wait_mode wait)
{
	return wait_names[wait];
}

/* A mistyped path must not cost the whole run. An empty file is left, as good as none. */
static void check_writable(const char *option, const char *path)
{
	int fd;

	if (!path || strcmp(path, "-") == 0)
		return;
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
	if (fd < 0)
		status_exit(STATUS_FAILED, "%s: cannot write %s: %m", option, path);
	close(fd);
}

static void check(struct fetch_options *o, const struct model *model)
{
	if (o->url_count == 0)
		status_exit(STATUS_USAGE, "give at least one URL, such as http://127.0.0.1:8080/");
	if (!model->waits[o->wait])
		status_exit(STATUS_USAGE, "--wait: this model can only %s",
			    wait_names[model->waits[WAIT_BLOCK] ? WAIT_BLOCK : WAIT_SPIN]);
	if (model->one_lane && o->connections > o->threads)
		status_exit(STATUS_USAGE,
			    "--connections: this model has one connection a worker; ask for "
			    "--threads %" PRIu64,
			    o->connections);
	if (o->connections < o->threads)
		status_exit(STATUS_USAGE,
			    "--threads: %" PRIu64 " workers cannot share %" PRIu64
			    " connections; ask for --connections %" PRIu64,
			    o->threads, o->connections, o->threads);
	if (o->warmup_ns && !o->benchmark)
		status_exit(STATUS_USAGE, "--warmup goes with --requests or --duration");
	if (o->benchmark && o->repeat > 1)
		status_exit(STATUS_USAGE, "--repeat does not go with --requests or --duration");
	if (o->cpus && o->place != PLACE_NONE)
		status_exit(STATUS_USAGE, "--cpus and --place exclude each other");
	if (o->json && o->csv && strcmp(o->csv, "-") == 0)
		status_exit(STATUS_USAGE, "--json and --csv - cannot share stdout");
	check_writable("--csv", o->csv);
	check_writable("--histogram", o->histogram);
	if (model->notification == NOTIFY_NONE && (!o->benchmark || o->url_count > 1 || o->overlap))
		status_exit(STATUS_USAGE, "this yardstick takes one URL, --requests or --duration, "
					  "and no --overlap");
}

void fetch_options_parse(struct fetch_options *o, const struct model *model, int argc, char **argv)
{
	const struct option_set set = {.usage = "[options] URL...",
				       .about = model->about,
				       .rows = rows,
				       .count = sizeof(rows) / sizeof(rows[0])};

	memset(o, 0, sizeof(*o));
	o->repeat = 1;
	o->wait = model->waits[WAIT_BLOCK] ? WAIT_BLOCK : WAIT_SPIN;
	o->place = PLACE_NONE;
	o->url_count = (unsigned)options_parse(&set, o, argc, argv);
	o->urls = argv + 1;
	o->benchmark = o->requests || o->duration_ns;
	o->silent = o->quiet || o->json || (o->csv && strcmp(o->csv, "-") == 0);
	/* One worker a connection, or one connection a worker, unless both were given. */
	if (!o->threads)
		o->threads = 1;
	if (!o->connections)
		o->connections = o->threads;
	check(o, model);
}
