/* The rows of the fetch-* executables: parsing, help, --list-options and plans come from them. */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "lab/fetch_options.h"
#include "lab/model_choices.h"
#include "lab/pinning.h"

static const char *const wait_names[] = {"block", "spin", NULL};
static const char *const overlap_names[] = {"none", "thread", "core", NULL};
static const char *const schedule_names[] = {"shared", "fixed", NULL};
static const char *const arrivals_names[] = {"constant", "exponential", NULL};
static const char *const bodies_names[] = {"same", "any", NULL};
static const char *const tls_io_names[] = {"buffered", "conventional", "ktls", NULL};
static const char *const tls_session_names[] = {"resumed", "fresh", NULL};

/* Longer is a misprint. */
#define DAY_NS UINT64_C(86400000000000)

/* As in option_row, in its order; a row a line. */
#define ROW(name_, letter_, kind_, field_, argument_, help_, ...)                                  \
	{                                                                                          \
		.name = name_, .letter = letter_, .kind = OPTION_##kind_,                          \
		.offset = offsetof(struct fetch_options, field_), .argument = argument_,           \
		.help = help_, __VA_ARGS__                                                         \
	}

static const struct option_row rows[] = {
	ROW("requests", 'n', COUNT, requests, "N",
	    "benchmark: fetch N times in all, URLs in turn (default: each URL once, no benchmark)",
	    .least = 1),
	ROW("duration", 'd', DURATION, duration_ns, "T",
	    "benchmark: fetch for T; with --requests whichever ends first (default: no limit)",
	    .least = 1000000, .most = DAY_NS),
	ROW("warmup", 0, DURATION, warmup_ns, "T",
	    "benchmark: run for T before measuring (default 0)", .most = DAY_NS),
	ROW("repeat", 'r', COUNT, repeat, "N", "fetch the list of URLs N times (default 1)",
	    .least = 1, .most = 1000000),
	ROW("connections", 'c', COUNT, connections, "N",
	    "open connections in all, each with one request in flight (default: one a worker)",
	    .least = 1, .most = 1000000),
	ROW("threads", 't', COUNT, threads, "N",
	    "workers as threads of one process, each with its share of the connections and TLS "
	    "sessions of its own; fetch-blocking has one connection in each, fetch-xdp takes "
	    "--processes only (default 1)",
	    .least = 1, .most = 4096),
	ROW("processes", 'p', COUNT, processes, "N",
	    "the same workers, each a process of its own (default: threads); of fetch-xdp each has "
	    "a queue, of a link with as many (iolab link --queues N)",
	    .least = 1, .most = 4096),
	ROW("schedule", 0, CHOICE, schedule, "shared|fixed",
	    "shared: the worker that is free takes the next fetch; fixed: each has its share "
	    "(default shared, in a benchmark fixed)",
	    .choices = schedule_names),
	ROW("rate", 'R', COUNT, rate, "R",
	    "open loop: R fetches fall due a second, of all workers together, answered or not; "
	    "latency counts from then (default: closed loop, each connection asks when answered)",
	    .least = 1, .most = 100000000),
	ROW("arrivals", 0, CHOICE, arrivals, "constant|exponential",
	    "open loop: fetches fall due evenly, or at random as a Poisson process (default "
	    "constant)",
	    .choices = arrivals_names),
	ROW("seed", 0, COUNT, seed, "N", "of exponential arrivals (default 1)", .least = 1),
	ROW("wait", 0, CHOICE, wait, "block|spin",
	    "when nothing is ready: block sleeps in the kernel until something is; spin keeps the "
	    "core and looks again and again (default block, or the one way that the model has)",
	    .choices = wait_names),
	ROW("overlap", 0, CHOICE, overlap, "none|thread|core",
	    "other work meanwhile, squares to add: thread, on the worker's own thread when nothing "
	    "is ready; core, in a process that gets what is left of its CPU (default none)",
	    .choices = overlap_names),
	ROW("place", 0, TEXT, place, "POLICY", "pin the workers: " PLACE_POLICIES " (default none)",
	    .check = pinning_check_place),
	ROW("cpus", 0, TEXT, cpus, "LIST",
	    "pin worker i to the i-th of these CPUs, over and over: 0,2-3 or hwloc's words, as "
	    "core:1 (default: not pinned)",
	    .least = 0),
	ROW("interface", 0, TEXT, interface, "NAME",
	    "fetch-xdp: take all that arrives at this interface from the kernel (default: the "
	    "lab's own link that leads to the URLs)",
	    .least = 0),
	ROW("connection-per-request", 0, FLAG, connection_per_request, NULL,
	    "open a connection for each fetch", .least = 0),
	ROW("header", 'H', TEXTS, headers, "'NAME: VALUE'", "send this header too", .least = 0),
	ROW("resolve", 0, TEXTS, resolve, "HOST:PORT:ADDRESS",
	    "use this address for that host, without asking for it", .least = 0),
	ROW("location", 'L', FLAG, location, NULL,
	    "follow redirects, found out one URL after another before the run", .least = 0),
	ROW("max-redirs", 0, COUNT, redirects_max, "N", "follow so many (default 10)", .most = 50),
	ROW("compressed", 0, FLAG, compressed, NULL,
	    "ask for gzip, deflate, br, zstd; lengths are of what is decoded", .least = 0),
	ROW("bodies", 0, CHOICE, bodies, "same|any",
	    "same: all bodies of a URL must be equal, byte for byte (default any, in a benchmark "
	    "same)",
	    .choices = bodies_names),
	ROW("connect-timeout", 0, DURATION, connect_timeout_ns, "T",
	    "give a fetch up that has no connection (TLS included) by then (default: no limit)",
	    .least = 1000000, .most = DAY_NS),
	ROW("max-time", 'm', DURATION, max_time_ns, "T",
	    "give a fetch up that is not complete by then (default: no limit)", .least = 1000000,
	    .most = DAY_NS),
	ROW("cacert", 0, TEXT, cacert, "FILE",
	    "trust the CAs in this PEM file only (default: the system's)", .least = 0),
	ROW("insecure", 'k', FLAG, insecure, NULL, "do not verify certificates", .least = 0),
	ROW("tls-io", 0, CHOICE, tls_io, "buffered|conventional|ktls",
	    "who moves TLS's bytes: the model, OpenSSL, or OpenSSL and the kernel (default "
	    "buffered)",
	    .choices = tls_io_names),
	ROW("tls-session", 0, CHOICE, tls_session, "resumed|fresh",
	    "whether a new connection goes on with the last one's session (default resumed)",
	    .choices = tls_session_names),
	ROW("csv", 0, TEXT, csv, "FILE|-", "append the run's row to FILE, or print it", .least = 0),
	ROW("json", 0, FLAG, json, NULL, "print the run's row as JSON, and nothing else",
	    .least = 0),
	ROW("counters", 0, CHOICE, counters, "on|off", COUNTERS_HELP,
	    .choices = counters_wanted_names),
	ROW("samples", 0, TEXT, samples, "FILE", "write a row a fetch, as CSV", .least = 0),
	ROW("histogram", 0, TEXT, histogram, "FILE",
	    "write latencies as HdrHistogram's percentile text", .least = 0),
	ROW("output", 'o', TEXT, output, "FILE|-",
	    "write the first body of each URL, one behind the other", .least = 0),
	ROW("quiet", 'q', FLAG, quiet, NULL, "no line a fetch, no summary", .least = 0),
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

const struct option_row *fetch_options_rows(size_t *count)
{
	*count = ROWS;
	return rows;
}

/* The model's variants and the policies, a line each; stays until the next call. */
static const char *notes(const struct model *model)
{
	static char text[4096];
	FILE *file = fmemopen(text, sizeof(text), "w");

	if (!file)
		return PINNING_POLICIES_HELP;
	model_choices_print_help(model, file);
	fputs(model->options ? "\n" PINNING_POLICIES_HELP : PINNING_POLICIES_HELP, file);
	fclose(file);
	return text;
}

void fetch_option_set(const struct model *model, struct option_set *set)
{
	static struct option_row all[ROWS + 1];
	static char list[1024], help[1200];

	memcpy(all, rows, sizeof(rows));
	*set = (struct option_set){.usage = "[options] URL...",
				   .about = model->about,
				   .rows = all,
				   .count = ROWS,
				   .notes = notes(model)};
	if (!model->options)
		return;
	list[0] = 0;
	for (const struct model_option *o = model->options; o->name; o++) {
		size_t used = strlen(list);

		snprintf(list + used, sizeof(list) - used, "%s%s%s", used ? " " : "", o->name,
			 o->value == VALUE_NONE ? ""
			 : o->required		? ":V"
						: "[:V]");
	}
	snprintf(help, sizeof(help), "variants, with commas (below, and by --%s=help): %s",
		 model->name, list);
	all[ROWS] = (struct option_row){.name = model->name,
					.kind = OPTION_TEXT,
					.offset = offsetof(struct fetch_options, variant),
					.argument = "LIST",
					.help = help};
	set->count = ROWS + 1;
}

const char *fetch_overlap_name(enum overlap overlap)
{
	return overlap_names[overlap];
}

const char *fetch_wait_name(enum wait_mode wait)
{
	return wait_names[wait];
}
