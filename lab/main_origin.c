/*
 * build/origin: serves until SIGTERM or SIGINT, then says what it served. Its first lines on stdout
 * name the addresses, and scripts read them.
 */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stddef.h>
#include <string.h>
#include <sys/resource.h>

#include "lab/certificate.h"
#include "lab/latency.h"
#include "lab/options.h"
#include "lab/origin.h"
#include "lab/origin_fault.h"
#include "lab/status.h"
#include "topology/cpulist.h"

/* Of --json. */
#define ORIGIN_SCHEMA_VERSION 1

struct arguments {
	struct option_texts listen, listen_tls, name;
	const char *cert, *key, *ca_out;
	const char *latency;
	const char *cpus;
	uint64_t body;
	uint64_t threads; /* 0: as many as there are CPUs in the list, or one */
	bool tls, busy, json;
};

#define NAMED(field_name, field, type, word, text, from, to)                                       \
	{                                                                                          \
		.name = (field_name), .kind = (type), .offset = offsetof(struct arguments, field), \
		.argument = (word), .help = (text), .least = (from), .most = (to)                  \
	}
#define ROW(option, type, word, text, from, to) NAMED(#option, option, type, word, text, from, to)

static const struct option_row rows[] = {
	ROW(listen, OPTION_TEXTS, "ADDR:PORT",
	    "where to listen, [v6]:port too; port 0: any (default 127.0.0.1:0)", 0, 0),
	NAMED("listen-tls", listen_tls, OPTION_TEXTS, "ADDR:PORT", "the same, with TLS", 0, 0),
	ROW(tls, OPTION_FLAG, NULL, "TLS wherever it listens, by a throw-away CA or by --cert", 0,
	    0),
	NAMED("ca-out", ca_out, OPTION_TEXT, "FILE", "write the throw-away CA's certificate (PEM)",
	      0, 0),
	ROW(name, OPTION_TEXTS, "HOST",
	    "a name or address that the certificate is also good for, besides localhost", 0, 0),
	ROW(cert, OPTION_TEXT, "FILE", "certificate chain (PEM) instead of a throw-away one", 0, 0),
	ROW(key, OPTION_TEXT, "FILE", "its private key (PEM)", 0, 0),
	ROW(latency, OPTION_TEXT, "DIST",
	    "how long each answer waits: 5ms, uniform:1ms:5ms or lognormal:5ms:0.5 (default 0)", 0,
	    0),
	ROW(body, OPTION_SIZE, "SIZE", "bytes of the body of / (default 24)", 0, 0),
	ROW(threads, OPTION_COUNT, "N", "threads (default 1, or one a CPU of --cpus)", 1,
	    ORIGIN_THREADS_MAX),
	ROW(cpus, OPTION_TEXT, "LIST", "bind thread i to the i-th CPU of a list such as 0,2-3", 0,
	    0),
	ROW(busy, OPTION_FLAG, NULL, "look for events without ever sleeping", 0, 0),
	ROW(json, OPTION_FLAG, NULL, "print what it served as JSON, in the last line", 0, 0),
};

static const char about[] =
	"An HTTP/1.1 origin that costs little and waits as told. SIGTERM ends it and it prints\n"
	"what it served. Its paths (N: bytes with k m g, at most 16m where they are coded):\n\n"
	"  /  /bytes/N            a body of a stated length\n"
	"  /chunked/N  /close/N   in chunks with extensions and trailers; ended by closing\n"
	"  /gzip/N  /deflate/N  /br/N  /zstd/N   N bytes in that Content-Encoding\n"
	"  /delay/5ms  /status/N  /continue      answered late; that status; a 103 before it\n"
	"  /redirect/N  /redirect-to/URL  /loop  N redirects; to URL (may be %-escaped); no end\n"
	"  /fault/KIND            what servers do wrong:\n\n";

/* The options' help begins with the paths, and those end with the table of faults. */
static const char *describe(void)
{
	static char text[4096];
	size_t size = (size_t)snprintf(text, sizeof(text), "%s", about);

	for (const struct origin_fault *fault = origin_faults; fault->name; fault++)
		size += (size_t)snprintf(text + size, sizeof(text) - size, "    %-15s %s%s",
					 fault->name, fault->help, fault[1].name ? "\n" : "");
	return text;
}

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

static void add_listens(struct origin_config *config, const struct option_texts *texts, bool tls,
			const char *option)
{
	char why[256];

	for (unsigned i = 0; i < texts->count; i++) {
		struct origin_listen *one = &config->listens[config->listen_count];

		if (config->listen_count++ == ORIGIN_LISTENS_MAX)
			status_exit(STATUS_USAGE, "--%s: no more than %d addresses", option,
				    ORIGIN_LISTENS_MAX);
		if (origin_address(texts->items[i], &one->address, why, sizeof(why)))
			status_exit(STATUS_USAGE, "--%s: %s", option, why);
		one->tls = tls;
	}
}

static void check_tls(const struct arguments *arguments, struct origin_config *config)
{
	const char *names[OPTION_TEXTS_MAX + 1] = {NULL};
	struct origin_tls_config tls = {arguments->cert, arguments->key, names, arguments->ca_out};
	bool any = false;
	char why[512];

	for (unsigned i = 0; i < config->listen_count; i++)
		any |= config->listens[i].tls;
	if (!arguments->cert != !arguments->key)
		status_exit(STATUS_USAGE, "--cert and --key belong together; give both");
	if (arguments->cert && (arguments->ca_out || arguments->name.count))
		status_exit(STATUS_USAGE,
			    "--ca-out and --name are about the throw-away CA; leave out --cert");
	if (!any && (arguments->ca_out || arguments->name.count))
		status_exit(STATUS_USAGE,
			    "--ca-out and --name need TLS; add --tls or --listen-tls");
	for (unsigned i = 0; i < arguments->name.count; i++) {
		names[i] = arguments->name.items[i];
		if (!certificate_name_valid(names[i]))
			status_exit(STATUS_USAGE,
				    "--name: '%s' is neither a host name nor an address", names[i]);
	}
	if (any && origin_tls_context(&tls, &config->tls, why, sizeof(why)))
		status_exit(arguments->cert ? STATUS_USAGE : STATUS_FAILED, "%s", why);
}

static struct origin_config configure(int argc, char **argv, bool *json)
{
	const struct option_set set = {
		.usage = "[options]",
		.about = describe(),
		.rows = rows,
		.count = sizeof(rows) / sizeof(rows[0]),
		.notes = "Times, in DIST and in paths, are a number with ns, us, ms, s or m "
			 "behind it, as\n500us or 1.5s, and seconds without.\n",
	};
	struct arguments arguments = {.latency = "0", .body = 24};
	struct origin_config config = {.threads = 1};
	char why[256];
	bool all_tls;

	if (options_parse(&set, &arguments, argc, argv))
		status_exit(STATUS_USAGE, "'%s' is not an option; --help lists them", argv[1]);
	/* A certificate is given to be used: everywhere, unless some ports are named for it. */
	*json = arguments.json;
	all_tls = arguments.tls || (arguments.cert && !arguments.listen_tls.count);
	if (!arguments.listen.count && !arguments.listen_tls.count)
		arguments.listen.items[arguments.listen.count++] = "127.0.0.1:0";
	add_listens(&config, &arguments.listen, all_tls, "listen");
	add_listens(&config, &arguments.listen_tls, true, "listen-tls");
	check_tls(&arguments, &config);
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
static void print_totals(const struct origin *origin, unsigned threads, bool tls)
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
		printf(", %.3f µs CPU per request", seconds * 1e6 / (double)all.requests);
	if (tls)
		printf(", handshakes: %" PRIu64 " full, %" PRIu64 " resumed, %" PRIu64 " failed",
		       all.handshakes.full, all.handshakes.resumed, all.handshakes.failed);
	printf("\n");
}

/* The same for machines, on one line too. */
static void print_totals_json(const struct origin *origin, unsigned threads, bool tls)
{
	json_t *object, *by_thread = json_array();
	double seconds = cpu_seconds();
	struct origin_totals all, one;

	origin_count(origin, -1, &all);
	for (unsigned i = 0; i < threads; i++) {
		origin_count(origin, (int)i, &one);
		json_array_append_new(by_thread, json_integer((json_int_t)one.connections));
	}
	object = json_pack("{s:i, s:s, s:I, s:I, s:o, s:I, s:f}", "schema_version",
			   ORIGIN_SCHEMA_VERSION, "kind", "origin", "requests",
			   (json_int_t)all.requests, "connections", (json_int_t)all.connections,
			   "connections_by_thread", by_thread, "bytes_sent",
			   (json_int_t)all.bytes_sent, "cpu_s", seconds);
	if (all.requests)
		json_object_set_new(object, "cpu_us_per_request",
				    json_real(seconds * 1e6 / (double)all.requests));
	if (tls)
		json_object_set_new(object, "handshakes",
				    json_pack("{s:I, s:I, s:I}", "full",
					      (json_int_t)all.handshakes.full, "resumed",
					      (json_int_t)all.handshakes.resumed, "failed",
					      (json_int_t)all.handshakes.failed));
	if (!object || json_dumpf(object, stdout, JSON_COMPACT | JSON_REAL_PRECISION(10)))
		status_exit(STATUS_FAILED, "--json: cannot write");
	putchar('\n');
	json_decref(object);
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
	for (unsigned i = 0; i < config->listen_count; i++) {
		origin_url(serving, i, text, sizeof(text));
		printf("Listening on %s\n", text);
	}
	if (fflush(stdout))
		status_exit(STATUS_FAILED, "stdout: %s", strerror(errno));
	return serving;
}

int main(int argc, char **argv)
{
	bool json;
	struct origin_config config = configure(argc, argv, &json);
	struct origin *origin = start(&config);

	origin_run(origin);
	(json ? print_totals_json : print_totals)(origin, config.threads, config.tls);
	origin_free(origin);
	SSL_CTX_free(config.tls);
	return fflush(stdout) ? STATUS_FAILED : STATUS_DONE;
}
