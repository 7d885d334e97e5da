/* The command line of the fetch-* executables: defaults, and the checks across options. */
#include "lab/fetch_options.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lab/model_choices.h"
#include "lab/status.h"

/* Redirects followed unless --max-redirs says otherwise. */
#define REDIRECTS_MAX 10

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

/* These are for files: what goes to stdout is one thing at a time. */
static void check_file(const char *option, const char *path)
{
	if (path && strcmp(path, "-") == 0)
		status_exit(STATUS_USAGE, "%s: - is no file; name one, such as /dev/stderr",
			    option);
}

/* What looks at no answer, or has none to wait for, does not do what these ask for. */
static void check_yardstick(const struct fetch_options *o, bool floor)
{
	const struct {
		const char *name;
		bool given;
	} rows[] = {
		{"--location", o->location},
		{"--overlap", o->overlap},
		{"--max-time", o->max_time_ns},
		{"--connect-timeout", o->connect_timeout_ns},
		{"--connection-per-request", floor && o->connection_per_request},
		{"--compressed", floor && o->compressed},
		{"--samples", floor && o->samples},
		{"--histogram", floor && o->histogram},
		{"--output", floor && o->output},
		{"--schedule shared", floor && o->schedule == SCHEDULE_SHARED},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].given)
			status_exit(STATUS_USAGE, "%s: this yardstick cannot do that",
				    rows[i].name);
}

static void check_model(const struct fetch_options *o, const struct model *model)
{
	char why[512];

	if (!model->waits[o->wait])
		status_exit(STATUS_USAGE, "--wait: this model can only %s",
			    fetch_wait_name(model->waits[WAIT_BLOCK] ? WAIT_BLOCK : WAIT_SPIN));
	if (model->one_lane && o->connections > o->workers)
		status_exit(STATUS_USAGE,
			    "--connections: this model has one connection a worker; ask for "
			    "--threads %" PRIu64,
			    o->connections);
	if (model->processes_only && o->workers > 1 && !o->processes)
		status_exit(STATUS_USAGE, "--threads: %s; ask for --processes %u",
			    model->processes_only, o->workers);
	if (o->interface && !model->reach)
		status_exit(STATUS_USAGE, "--interface: only fetch-xdp takes an interface over");
	if (o->connections < o->workers)
		status_exit(STATUS_USAGE,
			    "--%s: %u workers cannot share %" PRIu64
			    " connections; ask for --connections %u",
			    o->processes ? "processes" : "threads", o->workers, o->connections,
			    o->workers);
	if (o->tls_io != TLS_BUFFERED && !model->openssl_calls)
		status_exit(STATUS_USAGE,
			    "--tls-io: this model moves the bytes itself, and OpenSSL "
			    "cannot; leave it at buffered");
	if (model->check && model->check(&o->choices, o->wait, why, sizeof(why)))
		status_exit(STATUS_USAGE, "--%s: %s", model->name, why);
	if (model->notification == NOTIFY_NONE && model->yardstick &&
	    (!o->benchmark || o->url_count > 1 || o->rate))
		status_exit(STATUS_USAGE, "this yardstick takes one URL, --requests or --duration, "
					  "and no --rate");
	if (model->yardstick || o->offline)
		check_yardstick(o, model->yardstick);
}

static void check_pairs(const struct fetch_options *o)
{
	if (o->threads && o->processes)
		status_exit(STATUS_USAGE, "--threads and --processes exclude each other");
	if (o->warmup_ns && !o->benchmark)
		status_exit(STATUS_USAGE, "--warmup goes with --requests or --duration");
	if (o->benchmark && o->repeat > 1)
		status_exit(STATUS_USAGE, "--repeat does not go with --requests or --duration");
	if (o->rate && !o->benchmark)
		status_exit(STATUS_USAGE, "--rate goes with --requests or --duration");
	if (o->arrivals != ARRIVALS_CONSTANT && !o->rate)
		status_exit(STATUS_USAGE, "--arrivals goes with --rate");
	if (o->seed && o->arrivals != ARRIVALS_EXPONENTIAL)
		status_exit(STATUS_USAGE,
			    "--seed goes with --arrivals exponential: nothing else is "
			    "drawn");
	if (o->rate && o->schedule == SCHEDULE_SHARED)
		status_exit(STATUS_USAGE, "--rate: each worker has a schedule of its own; "
					  "--schedule shared does not go with it");
	if (o->redirects_max != REDIRECTS_MAX && !o->location)
		status_exit(STATUS_USAGE, "--max-redirs goes with --location");
	if (o->cpus && o->place)
		status_exit(STATUS_USAGE, "--cpus and --place exclude each other");
	if (o->json && o->csv && strcmp(o->csv, "-") == 0)
		status_exit(STATUS_USAGE, "--json and --csv - cannot share stdout");
	if (o->output && strcmp(o->output, "-") == 0 &&
	    (o->json || (o->csv && strcmp(o->csv, "-") == 0)))
		status_exit(STATUS_USAGE, "--output - shares stdout with nothing else");
	if (o->schedule == SCHEDULE_SHARED && o->benchmark && (!o->requests || o->warmup_ns))
		status_exit(STATUS_USAGE, "--schedule shared hands out --requests, and without "
					  "--warmup: else none would be counted exactly");
	if (o->warmup_ns && o->requests && o->requests < o->connections)
		status_exit(STATUS_USAGE,
			    "--requests: after a warm-up more than %" PRIu64
			    " fetches are under way; ask for at least --connections",
			    o->requests);
	if (o->cacert && o->insecure)
		status_exit(STATUS_USAGE, "--cacert and --insecure exclude each other");
	if (o->overlap == OVERLAP_CORE && !o->cpus && (!o->place || strcmp(o->place, "none") == 0))
		status_exit(STATUS_USAGE, "--overlap core needs to know the core: pin the workers "
					  "with --cpus or --place");
}

static void check_headers(const struct option_texts *headers)
{
	for (unsigned i = 0; i < headers->count; i++) {
		const char *text = headers->items[i];
		size_t name = strcspn(text, ":");

		if (!name || !text[name] || strcspn(text, " \t\r\n") < name ||
		    strpbrk(text, "\r\n"))
			status_exit(STATUS_USAGE, "--header: '%s' is not of the form 'NAME: VALUE'",
				    text);
	}
}

/* Each worker reads the file for itself; what is wrong with it is said once, and before. */
static void check_cacert(const struct fetch_options *o)
{
	const struct tls_options options = {.cacert = o->cacert, .endpoints = 1};
	struct tls_context *context;
	char why[512];

	if (!o->cacert)
		return;
	if (tls_context_new(&options, &context, why, sizeof(why)))
		status_exit(STATUS_USAGE, "--cacert: %s", why);
	tls_context_free(context);
}

static void check(const struct fetch_options *o, const struct model *model)
{
	if (o->url_count == 0)
		status_exit(STATUS_USAGE, "give at least one URL, such as http://127.0.0.1:8080/");
	check_pairs(o);
	check_headers(&o->headers);
	check_file("--histogram", o->histogram);
	check_file("--samples", o->samples);
	check_model(o, model);
	check_cacert(o);
	check_writable("--csv", o->csv);
	check_writable("--histogram", o->histogram);
	check_writable("--samples", o->samples);
	check_writable("--output", o->output);
}

/* What follows from what was given. */
static void complete(struct fetch_options *o)
{
	o->benchmark = o->requests || o->duration_ns;
	o->silent = o->quiet || o->json || (o->csv && strcmp(o->csv, "-") == 0) ||
		    (o->output && strcmp(o->output, "-") == 0);
	/* One worker a connection, or one connection a worker, unless both were given. */
	o->workers = (unsigned)(o->processes ? o->processes : o->threads ? o->threads : 1);
	if (!o->connections)
		o->connections = o->workers;
	/* A list is handed out as workers become free; a benchmark shares nothing it need not. */
	if (o->schedule == SCHEDULE_DEFAULT)
		o->schedule = o->benchmark ? SCHEDULE_FIXED : SCHEDULE_SHARED;
	/* Pages that change are a person's everyday; a benchmark of them would hide faults. */
	if (o->bodies == BODIES_DEFAULT)
		o->bodies = o->benchmark ? BODIES_SAME : BODIES_ANY;
}

void fetch_options_parse(struct fetch_options *o, const struct model *model, int argc, char **argv)
{
	struct option_set set;
	char why[512];

	fetch_option_set(model, &set);
	memset(o, 0, sizeof(*o));
	o->repeat = 1;
	o->redirects_max = REDIRECTS_MAX;
	o->wait = model->waits[WAIT_BLOCK] ? WAIT_BLOCK : WAIT_SPIN;
	o->schedule = SCHEDULE_DEFAULT;
	o->bodies = BODIES_DEFAULT;
	o->tls_session = TLS_SESSION_DEFAULT;
	o->url_count = (unsigned)options_parse(&set, o, argc, argv);
	o->urls = argv + 1;
	complete(o);
	o->offline = strcmp(model->name, "none") == 0;
	if (o->variant && strcmp(o->variant, "help") == 0) {
		model_choices_print_help(model, stdout);
		exit(fflush(stdout) ? STATUS_FAILED : STATUS_DONE);
	}
	if (o->variant && model_choices_parse(model, o->variant, &o->choices, why, sizeof(why)))
		status_exit(STATUS_USAGE, "%s", why);
	check(o, model);
}
