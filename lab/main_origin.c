/*
 * build/origin: serves until SIGTERM or SIGINT, then says what it served. Its first line on stdout
 * names the address, and scripts read it.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stddef.h>
#include <string.h>
#include <sys/resource.h>

#include "lab/latency.h"
#include "lab/options.h"
#include "lab/origin.h"
#include "lab/status.h"
#include "topology/cpulist.h"

struct arguments {
	const char *listen;
	const char *latency;
	const char *cpus;
	uint64_t body;
	uint64_t threads; /* 0: as many as there are CPUs in the list, or one */
	bool busy;
};

#define ROW(option, type, word, text, from, to)                                                    \
	{                                                                                          \
		.name = #option, .kind = (type), .offset = offsetof(struct arguments, option),     \
		.argument = (word), .help = (text), .least = (from), .most = (to)                  \
	}

static const struct option_row rows[] = {
	ROW(listen, OPTION_TEXT, "ADDR:PORT", "where to listen, [v6]:port too; port 0: any", 0, 0),
	ROW(latency, OPTION_TEXT, "DIST", "5ms, uniform:1ms:5ms or lognormal:5ms:0.5", 0, 0),
	ROW(body, OPTION_SIZE, "SIZE", "bytes of the body of / (24)", 0, 0),
	ROW(threads, OPTION_COUNT, "N", "threads (one, or one a CPU of --cpus)", 1,
	    ORIGIN_THREADS_MAX),
	ROW(cpus, OPTION_TEXT, "LIST", "bind thread i to the i-th CPU of a list such as 0,2-3", 0,
	    0),
	ROW(busy, OPTION_FLAG, NULL, "look for events without ever sleeping", 0, 0),
};

static const struct option_set set = {
	.usage = "[options]",
	.about = "An HTTP/1.1 origin that costs little and waits as told. Paths: / /bytes/N\n"
		 "/delay/5ms /status/N. SIGTERM ends it and it prints what it served.",
	.rows = rows,
	.count = sizeof(rows) / sizeof(rows[0]),
};

static hwloc_bitmap_t cpus; /* as long as the program */

static void check_cpus(const struct arguments *arguments, struct origin_config *config)
{
	char why[256];
	int count;

	if (!arguments->cpus)
		return;
	cpus = hwloc_bitmap_alloc();
	if (cpulist_parse(arguments->cpus, cpus, why, sizeof(why)))
		status_exit(STATUS_USAGE, "--cpus: %s", why);
	count = hwloc_bitmap_weight(cpus);
	if (count > ORIGIN_THREADS_MAX)
		status_exit(STATUS_USAGE, "--cpus: no more than %d, for as many threads",
			    ORIGIN_THREADS_MAX);
	if (arguments->threads && arguments->threads != (uint64_t)count)
		status_exit(STATUS_USAGE, "--cpus names %d, --threads %" PRIu64, count,
			    arguments->threads);
	config->threads = (unsigned)count;
	config->cpus = cpus;
}

static struct origin_config configure(int argc, char **argv)
{
	struct arguments arguments = {.listen = "127.0.0.1:0", .latency = "0", .body = 24};
	struct origin_config config = {.threads = 1};
	char why[256];

	if (options_parse(&set, &arguments, argc, argv))
		status_exit(STATUS_USAGE, "'%s' is not an option; --help lists them", argv[1]);
	if (origin_address(arguments.listen, &config.address, why, sizeof(why)))
		status_exit(STATUS_USAGE, "--listen: %s", why);
	if (latency_parse(arguments.latency, &config.latency, why, sizeof(why)))
		status_exit(STATUS_USAGE, "--latency: %s", why);
	if (arguments.threads)
		config.threads = (unsigned)arguments.threads;
	check_cpus(&arguments, &config);
	config.body_size = arguments.body;
	config.busy = arguments.busy;
	return config;
}

static double cpu_seconds(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6;
}

/* One line. The CPU a request needs the requests; without any there is none to tell. */
static void print_totals(const struct origin *origin, unsigned threads)
{
	double seconds = cpu_seconds();
	struct origin_totals all, one;

	origin_count(origin, -1, &all);
	printf("Served %" PRIu64 " requests on %" PRIu64 " connections", all.requests,
	       all.connections);
	for (unsigned i = 0; threads > 1 && i < threads; i++) {
		origin_count(origin, (int)i, &one);
		printf("%s%" PRIu64 "%s", i ? " " : " (by thread: ", one.connections,
		       i + 1 == threads ? ")" : "");
	}
	printf(", %" PRIu64 " bytes, %.3f CPU seconds", all.bytes_sent, seconds);
	if (all.requests)
		printf(", %.3f us CPU per request", seconds * 1e6 / (double)all.requests);
	printf("\n");
}

static struct origin *serving;

static void on_signal(int signal)
{
	(void)signal;
	origin_stop(serving);
}

static struct origin *start(const struct origin_config *config)
{
	struct sigaction ending = {.sa_handler = on_signal};
	char text[256];

	if (origin_start(config, &serving, text, sizeof(text)))
		status_exit(STATUS_UNABLE, "%s", text);
	sigaction(SIGTERM, &ending, NULL);
	sigaction(SIGINT, &ending, NULL);
	origin_url(serving, text, sizeof(text));
	printf("Listening on %s\n", text);
	if (fflush(stdout))
		status_exit(STATUS_FAILED, "stdout: %s", strerror(errno));
	return serving;
}

int main(int argc, char **argv)
{
	struct origin_config config = configure(argc, argv);
	struct origin *origin = start(&config);

	origin_run(origin);
	print_totals(origin, config.threads);
	origin_free(origin);
	return fflush(stdout) ? STATUS_FAILED : STATUS_DONE;
}
