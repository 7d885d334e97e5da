/* Rows of the sumsq options, and the checks across them. */
#include "lab/sumsq_options.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kernels/sumsq/sumsq.h"
#include "lab/options.h"
#include "lab/pinning.h"
#include "lab/status.h"
#include "lab/units.h"

/* The study's thirty jobs. */
#define DEFAULT_FIRST UINT64_C(3000000)
#define DEFAULT_COUNT 30

#define FIELD(name) offsetof(struct sumsq_options, name)

static const char *const on_death_names[] = {"fail", "rerun", NULL};

/* "sleep", or "spin:T" with T into *spin_ns. */
static int parse_idle(const char *text, uint64_t *spin_ns, char *why, size_t why_size)
{
	*spin_ns = 0;
	if (strcmp(text, "sleep") == 0 ||
	    (strncmp(text, "spin:", 5) == 0 && units_duration(text + 5, spin_ns) == 0 && *spin_ns))
		return 0;
	snprintf(why, why_size, "'%s' is neither sleep nor spin:T, such as spin:50us", text);
	return -EINVAL;
}

static int check_idle(const char *text, char *why, size_t why_size)
{
	uint64_t unused;

	return parse_idle(text, &unused, why, why_size);
}

/* Whether it is a core's name; whether this CPU runs it is told when it is asked to. */
static int check_core(const char *text, char *why, size_t why_size)
{
	const char *names[16] = {"auto"};
	const struct sumsq_core *unused;
	const char *nearest;
	size_t count = 1, used;

	if (sumsq_core_find(text, &unused, why, why_size) != -EINVAL)
		return 0;
	for (size_t i = 0; i < sumsq_cores_count && count < 16; i++)
		names[count++] = sumsq_cores[i].name;
	nearest = units_nearest(text, names, count);
	used = strlen(why);
	if (nearest && used < why_size)
		snprintf(why + used, why_size - used, "; did you mean %s?", nearest);
	return -EINVAL;
}

static const struct option_row rows[] = {
	{.name = "core",
	 .letter = 'c',
	 .kind = OPTION_TEXT,
	 .offset = FIELD(core),
	 .argument = "NAME",
	 .help = "auto, avx512ifma, avx512, avx2, neon or scalar (default auto, the best that this "
		 "CPU runs)",
	 .check = check_core},
	{.name = "workers",
	 .letter = 'w',
	 .kind = OPTION_COUNT,
	 .offset = FIELD(workers),
	 .argument = "N|all",
	 .help = "workers, the caller included; all: as many as --place or --cpus has CPUs for "
		 "(default all)",
	 .least = 1,
	 .most = 4096,
	 .zero = "all"},
	{.name = "size",
	 .letter = 's',
	 .kind = OPTION_COUNT,
	 .offset = FIELD(size),
	 .argument = "N",
	 .help = "instead of operands: every job is the sum of the squares below N (default: the "
		 "operands)",
	 .least = 1,
	 .most = SUMSQ_LIMIT},
	{.name = "count",
	 .kind = OPTION_COUNT,
	 .offset = FIELD(wanted),
	 .argument = "COUNT",
	 .help = "with --size: so many jobs (default 30)",
	 .least = 1,
	 .most = SUMSQ_PIECES_MAX},
	{.name = "repeat",
	 .letter = 'n',
	 .kind = OPTION_COUNT,
	 .offset = FIELD(repeat),
	 .argument = "N",
	 .help = "go through the list N times (default 1)",
	 .least = 1},
	{.name = "duration",
	 .letter = 'd',
	 .kind = OPTION_DURATION,
	 .offset = FIELD(duration_ns),
	 .argument = "T",
	 .help = "go through the list until T is over (default: once)",
	 .least = 1},
	{.name = "warmup",
	 .kind = OPTION_DURATION,
	 .offset = FIELD(warmup_ns),
	 .argument = "T",
	 .help = "and for T before that, unmeasured (default 0)"},
	{.name = "grain",
	 .letter = 'g',
	 .kind = OPTION_COUNT,
	 .offset = FIELD(grain),
	 .argument = "G",
	 .help = "cut each job into pieces of G squares (default: jobs stay whole)",
	 .least = 1},
	{.name = "per-job",
	 .kind = OPTION_FLAG,
	 .offset = FIELD(per_job),
	 .help = "a new thread or process for each job instead of a pool"},
	{.name = "global-lock",
	 .kind = OPTION_FLAG,
	 .offset = FIELD(global_lock),
	 .help = "threads: only the holder of one lock computes, as under Python's GIL"},
	{.name = "idle",
	 .kind = OPTION_TEXT,
	 .offset = FIELD(idle),
	 .argument = "sleep|spin:T",
	 .help = "what a worker without work does (default spin:50us, or sleep when workers share "
		 "CPUs)",
	 .check = check_idle},
	{.name = "on-death",
	 .kind = OPTION_CHOICE,
	 .offset = FIELD(on_death),
	 .argument = "fail|rerun",
	 .help = "processes: what becomes of the job of a worker that died (default fail)",
	 .choices = on_death_names},
	{.name = "place",
	 .kind = OPTION_TEXT,
	 .offset = FIELD(place),
	 .argument = "POLICY",
	 .help = "where the workers are pinned: " PLACE_POLICIES " (default spread)",
	 .check = pinning_check_place},
	{.name = "cpus",
	 .kind = OPTION_TEXT,
	 .offset = FIELD(cpus),
	 .argument = "LIST",
	 .help = "pin the workers to these, in turn: 0,2-3 or hwloc's words (core:0-1, l3:0)"},
	{.name = "counters",
	 .kind = OPTION_CHOICE,
	 .offset = FIELD(counters),
	 .argument = "on|off",
	 .help = COUNTERS_HELP,
	 .choices = counters_wanted_names},
	{.name = "json",
	 .kind = OPTION_FLAG,
	 .offset = FIELD(json),
	 .help = "print the record as JSON instead of the sums"},
	{.name = "csv",
	 .kind = OPTION_TEXT,
	 .offset = FIELD(csv),
	 .argument = "FILE|-",
	 .help = "append the record to FILE; -: to stdout instead of the sums"},
	{.name = "quiet",
	 .letter = 'q',
	 .kind = OPTION_FLAG,
	 .offset = FIELD(quiet),
	 .help = "do not print the sums"},
};

const struct option_row *sumsq_options_rows(size_t *count)
{
	*count = sizeof(rows) / sizeof(rows[0]);
	return rows;
}

static const struct option_set set = {
	.usage = "[options] [N...]",
	.about = "Adds up i * i for i below each N; without N, for the thirty from 3000000 on.\n"
		 "Every square is computed and added, and every sum is checked.",
	.rows = rows,
	.count = sizeof(rows) / sizeof(rows[0]),
	.notes = PINNING_POLICIES_HELP,
};

uint64_t sumsq_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

const char *sumsq_where_name(enum sumsq_where where)
{
	static const char *const names[] = {"serial", "threads", "processes"};

	return names[where];
}

enum pool_kind sumsq_options_kind(const struct sumsq_options *options)
{
	if (options->where == sumsq_on_serial)
		return POOL_CALLER;
	if (options->where == sumsq_on_threads)
		return options->per_job ? POOL_THREAD_PER_JOB : POOL_THREADS;
	return options->per_job ? POOL_PROCESS_PER_JOB : POOL_PROCESSES;
}

/* What the options say together, which no row can tell alone. */
static void check(const struct sumsq_options *options)
{
	bool serial = options->where == sumsq_on_serial;

	if (serial && options->workers > 1)
		status_exit(STATUS_USAGE, "--workers: serial has one; use sumsq-threads or "
					  "sumsq-processes for more");
	if (serial && (options->per_job || options->idle))
		status_exit(STATUS_USAGE, "--%s is for sumsq-threads and sumsq-processes",
			    options->idle ? "idle" : "per-job");
	if (options->global_lock && options->where != sumsq_on_threads)
		status_exit(STATUS_USAGE, "--global-lock is for sumsq-threads");
	if (options->on_death && options->where != sumsq_on_processes)
		status_exit(STATUS_USAGE, "--on-death is for sumsq-processes: nothing else dies "
					  "alone");
	if (options->per_job && options->idle)
		status_exit(STATUS_USAGE, "--idle: workers made for a job are never idle; leave "
					  "out --idle or --per-job");
	if (options->place && options->cpus)
		status_exit(STATUS_USAGE, "--place and --cpus: give one of them");
	if (options->repeat && options->duration_ns)
		status_exit(STATUS_USAGE, "--repeat and --duration: give one of them");
	if (options->json && options->csv && strcmp(options->csv, "-") == 0)
		status_exit(STATUS_USAGE, "--json and --csv -: only one of them can have stdout");
}

static uint64_t pieces_of(const struct sumsq_options *options, uint64_t n)
{
	return options->grain && n > options->grain ? (n - 1) / options->grain + 1 : 1;
}

static void read_operands(struct sumsq_options *options, char **words, size_t count)
{
	uint64_t pieces = 0;

	if (count && options->size)
		status_exit(STATUS_USAGE, "'%s': with --size all jobs are alike; leave out either",
			    words[0]);
	if (options->wanted && !options->size)
		status_exit(STATUS_USAGE, "--count goes with --size, which says what the jobs are");
	options->count = count ? count : options->wanted ? options->wanted : DEFAULT_COUNT;
	options->operands = calloc(options->count, sizeof(*options->operands));
	if (!options->operands)
		status_exit(STATUS_UNABLE, "no memory for %zu jobs", options->count);
	for (size_t i = 0; i < options->count; i++) {
		uint64_t *n = &options->operands[i];
		int err = 0;

		*n = options->size ? options->size : DEFAULT_FIRST + i;
		if (count)
			err = units_count(words[i], n);
		if (err == -EINVAL)
			status_exit(STATUS_USAGE, "'%s' is not a whole number", words[i]);
		if (err || *n > SUMSQ_LIMIT)
			status_exit(STATUS_USAGE,
				    "%s is too large: sums are exact up to 2^42, %" PRIu64,
				    words[i], SUMSQ_LIMIT);
		pieces += pieces_of(options, *n);
		if (pieces > SUMSQ_PIECES_MAX)
			status_exit(STATUS_USAGE,
				    "--grain %" PRIu64 " makes more than %" PRIu64
				    " pieces; give a larger grain",
				    options->grain, SUMSQ_PIECES_MAX);
	}
}

void sumsq_options_read(struct sumsq_options *options, enum sumsq_where where, int argc,
			char **argv)
{
	char unused[256];
	int count;

	*options = (struct sumsq_options){
		.begun_ns = sumsq_now_ns(),
		.where = where,
		.core = "auto",
	};
	count = options_parse(&set, options, argc, argv);
	check(options);
	if (options->idle)
		parse_idle(options->idle, &options->spin_ns, unused, sizeof(unused));
	read_operands(options, argv + 1, (size_t)count);
}
