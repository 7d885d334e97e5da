/* What a person reads after a fetch run, and the files that were asked for. */
#include "lab/fetch_report.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "results/flags.h"
#include "results/table.h"

/*
 * The kernel knows a thread's CPU time exactly, and its parts by what clock ticks, of up to 10 ms,
 * happened to hit: a hundred of them tell user from system to within a few percent.
 */
#define SPLIT_LEAST_NS 1000000000

/* Each worker compared its bodies with the first one it got: were those the same? */
static bool workers_agree(const struct fetch_outcome *o)
{
	for (unsigned i = 0; i < o->targets->request_count; i++) {
		const struct body_reference *first = NULL;

		for (unsigned k = 0; k < o->run.count; k++) {
			const struct body_reference *r = &o->run.benches[k].references[i];
			size_t kept = r->length < r->capacity ? r->length : r->capacity;

			if (!r->known)
				continue;
			if (first && (first->length != r->length ||
				      memcmp(first->bytes, r->bytes, kept) != 0))
				return false;
			first = r;
		}
	}
	return true;
}

static const char *plural(uint64_t count)
{
	return count == 1 ? "" : "s";
}

/* A percentile that fewer than ten values lie above says little: the row has it, people do not. */
static void print_times(const struct fetch_merged *m, const char *name, enum bench_histogram which)
{
	static const double percentiles[] = {50, 90, 99, 99.9};
	uint64_t count = m->histograms[which]->total;
	bool all = true;

	if (isnan(fetch_percentile_us(m, which, 50)))
		return;
	printf("  %-16s ", name);
	for (size_t i = 0; i < sizeof(percentiles) / sizeof(percentiles[0]); i++) {
		/* The tiny part is for 99.9, which a double has a little less of. */
		bool enough = (double)count * (100 - percentiles[i]) / 100 >= 10 - 1e-6;

		if (enough)
			printf("p%g %.1f  ", percentiles[i],
			       fetch_percentile_us(m, which, percentiles[i]));
		else
			printf("p%g " TABLE_EMPTY "  ", percentiles[i]);
		all = all && enough;
	}
	printf("max %.1f µs", fetch_percentile_us(m, which, 100));
	if (!all)
		printf("; " TABLE_EMPTY ": %" PRIu64 " value%s too few", count,
		       count == 1 ? " is" : "s are");
	putchar('\n');
}

static void print_phases(const struct fetch_merged *m, const struct fetch_outcome *o)
{
	print_times(m, "latency", BENCH_LATENCY);
	if (o->options->rate) {
		print_times(m, "  uncorrected", BENCH_UNCORRECTED);
		print_times(m, "  sent late by", BENCH_SEND_DELAY);
	}
	print_times(m, "first byte", BENCH_FIRST_BYTE);
	print_times(m, "connect", BENCH_CONNECT);
	print_times(m, "TLS handshake", BENCH_TLS);
	if (o->targets->resolve_ns > 1000000)
		printf("  names            looked up in %.1f ms, before the run\n",
		       (double)o->targets->resolve_ns / 1e6);
	if (m->tls_version)
		printf("  TLS              %s, %s; %" PRIu64 " handshake%s, %" PRIu64 " resumed\n",
		       m->tls_version, m->tls_cipher, m->handshakes, plural(m->handshakes),
		       m->resumed);
}

static void print_cost(const struct fetch_merged *m, const struct fetch_outcome *o)
{
	uint64_t own_ns = m->usage.user_ns + m->usage.system_ns;
	char text[TABLE_TEXT_SIZE];
	double helpers_us = fetch_per_fetch(m, m->usage.helper_ns) / 1e3;

	printf("  CPU per fetch    %.2f µs (", fetch_cpu_us(m));
	if (own_ns >= SPLIT_LEAST_NS)
		printf("user %.2f, system %.2f, helpers %.2f)\n",
		       fetch_per_fetch(m, m->usage.user_ns) / 1e3,
		       fetch_per_fetch(m, m->usage.system_ns) / 1e3, helpers_us);
	else
		printf("helpers %.2f; %.2f s are too short to tell user from system)\n", helpers_us,
		       (double)own_ns / 1e9);
	printf("  per fetch        %.3f calls, %.3f EAGAINs, %.3f notifications\n",
	       fetch_per_fetch(m, m->calls.total), fetch_per_fetch(m, m->calls.would_block),
	       fetch_per_fetch(m, m->calls.notifications));
	if (m->usage.scheduler_known)
		printf("  asleep           %.1f %% of the time\n", 100 * fetch_asleep_share(m));
	if (o->options->overlap && !isnan(m->overlap_per_s))
		printf("  %s        %s, squares added\n",
		       o->options->overlap == OVERLAP_CORE ? "left over" : "meanwhile",
		       table_number(m->overlap_per_s, "1/s", text));
}

/* What was in force, and what is the matter with the figures: as the row has it. */
static void print_row(const struct record *row)
{
	const char *asked = record_text(row, COLUMN_variant_requested);
	const char *effective = record_text(row, COLUMN_variant_effective);
	flag_set flags = flags_read(record_text(row, COLUMN_flags));

	if (*effective && *asked && strcmp(asked, effective) != 0)
		printf("  in force         %s (asked for: %s)\n", effective, asked);
	else if (*effective)
		printf("  in force         %s\n", effective);
	for (unsigned flag = 0; flag < FLAGS; flag++)
		if (flags & (flag_set)1 << flag)
			printf("  flagged          %s: %s%s\n", flags_all[flag].word,
			       flags_all[flag].meaning,
			       flags_all[flag].spoils ? "" : " (no harm to the figures)");
}

static void print_summary(const struct fetch_merged *m, const struct fetch_outcome *o,
			  const struct record *row)
{
	double rate = fetch_throughput_rps(m, o);

	printf("%s: %s\n", program_invocation_short_name, o->options->urls[0]);
	printf("  %" PRIu64 " connection%s, %u worker%s %s%s, wait %s\n", o->options->connections,
	       plural(o->options->connections), o->run.count, plural(o->run.count),
	       !o->cpus[0]		? "not pinned"
	       : strpbrk(o->cpus, ",-") ? "on CPUs "
					: "on CPU ",
	       o->cpus, fetch_wait_name(o->options->wait));
	printf("  %" PRIu64 " fetch%s in %.2f s, %" PRIu64 " error%s%s\n", m->completed,
	       m->completed == 1 ? "" : "es", fetch_duration_s(m, o), m->errors, plural(m->errors),
	       o->run.interrupted ? " (interrupted)"
	       : m->cut_short	  ? " (cut short)"
				  : "");
	printf("  throughput       %.*f fetches/s", rate < 100 ? 2 : 0, rate);
	if (o->options->rate)
		printf(" of %" PRIu64 " offered; %" PRIu64 " late, %" PRIu64 " never sent",
		       o->options->rate, m->late, m->unsent);
	putchar('\n');
	if (m->completed > 0) {
		print_cost(m, o);
		print_phases(m, o);
	}
	print_row(row);
}

/* As the study's programs end, letter by letter: of one, too, these are "sites". */
static void print_closing(const struct fetch_merged *m, const struct fetch_outcome *o)
{
	printf("Downloaded %" PRIu64 " sites in %.3f seconds\n", m->completed,
	       fetch_duration_s(m, o));
}

static FILE *open_output(const char *option, const char *path)
{
	FILE *file = fopen(path, "we");

	if (!file)
		status_exit(STATUS_FAILED, "%s: cannot write %s: %m", option, path);
	return file;
}

static void close_output(const char *option, const char *path, FILE *file)
{
	bool failed = ferror(file);

	if (fclose(file) || failed)
		status_exit(STATUS_FAILED, "%s: %s was not written whole: %m", option, path);
}

static void write_histogram(const char *path, const struct histogram *latency)
{
	FILE *file = open_output("--histogram", path);

	histogram_write(latency, file);
	close_output("--histogram", path, file);
}

static void write_samples(const char *path, const struct fetch_merged *m,
			  const struct fetch_outcome *o)
{
	FILE *file = open_output("--samples", path);
	const char **urls = calloc(o->targets->request_count, sizeof(*urls));
	uint64_t dropped = 0;

	if (!urls)
		status_exit(STATUS_UNABLE, "--samples: out of memory");
	for (unsigned i = 0; i < o->targets->request_count; i++)
		urls[i] = o->targets->requests[i].url;
	samples_write_header(file);
	for (unsigned i = 0; i < o->run.count; i++) {
		samples_write(&o->run.benches[i].samples, m->from_ns, urls, file);
		dropped += o->run.benches[i].samples.dropped;
	}
	free(urls);
	close_output("--samples", path, file);
	if (dropped)
		status_warn("--samples: %" PRIu64 " rows had no room and are missing at the end",
			    dropped);
}

/* One body a URL, of the first worker that had it whole. */
static void write_bodies(const char *path, const struct fetch_outcome *o)
{
	FILE *file = strcmp(path, "-") == 0 ? stdout : open_output("--output", path);

	for (unsigned i = 0; i < o->targets->url_count; i++) {
		const struct request *request = &o->targets->requests[i];
		unsigned k = 0;

		while (request->redirect)
			request = request->redirect;
		while (k < o->run.count && !o->run.benches[k].references[request->index].known)
			k++;
		if (k == o->run.count)
			continue;
		const struct body_reference *r = &o->run.benches[k].references[request->index];

		if (r->length > r->capacity)
			status_exit(STATUS_FAILED, "--output: the body of %s is too long to keep",
				    request->url);
		fwrite(r->bytes, 1, r->length, file);
	}
	if (file != stdout)
		close_output("--output", path, file);
}

static void write_row(const struct record *record, const struct fetch_outcome *o)
{
	char why[512];

	if (o->options->csv && record_append_csv(o->options->csv, record, why, sizeof(why)))
		status_exit(STATUS_FAILED, "--csv: %s", why);
	if (o->options->json) {
		json_t *object = record_to_json(record);

		if (!object || json_dumpf(object, stdout, JSON_COMPACT))
			status_exit(STATUS_FAILED, "--json: cannot write");
		putchar('\n');
		json_decref(object);
	}
}

static void write_files(const struct fetch_merged *m, const struct fetch_outcome *o,
			const struct record *row)
{
	if (o->options->histogram)
		write_histogram(o->options->histogram, m->histograms[BENCH_LATENCY]);
	if (o->options->samples)
		write_samples(o->options->samples, m, o);
	if (o->options->output)
		write_bodies(o->options->output, o);
	if (o->options->json || o->options->csv)
		write_row(row, o);
}

static enum status verdict(const struct fetch_merged *m, const struct fetch_outcome *o)
{
	const struct fetch_options *options = o->options;

	if (o->run.interrupted)
		return STATUS_INTERRUPTED;
	if (m->unable) {
		status_warn("%s: %s", options->urls[0], m->unable);
		return STATUS_UNABLE;
	}
	if (m->model_error) {
		if (m->first_failure && !m->broken)
			status_warn("%s", m->first_failure);
		else
			status_warn("%s: %s: %s", options->urls[0],
				    m->broken ? m->broken : "the model broke down",
				    strerror(-m->model_error));
		return STATUS_FAILED;
	}
	if (options->bodies == BODIES_SAME && !workers_agree(o)) {
		status_warn("%s: the workers were given different bodies", options->urls[0]);
		return STATUS_FAILED;
	}
	if (fetch_rate_missed(m, o))
		status_warn(
			"--rate: %" PRIu64 " connections could not hold %" PRIu64
			" a second: %" PRIu64 " fetches fell due and were never begun, the last "
			"was begun %.3f s late",
			options->connections, options->rate, m->unsent, (double)m->lag_ns / 1e9);
	if (fetch_above_window(m, o))
		status_warn("%s: its bodies are larger than the %" PRIu32 " bytes that may be "
			    "under way to this model at a time: that costs CPU, and time where "
			    "there is delay",
			    options->urls[0], o->model->window);
	if (m->errors == 0 && (m->completed > 0 || !options->benchmark))
		return o->run.overlap;
	if (options->benchmark && options->rate && m->errors + m->completed == 0)
		status_warn("%s: no fetch fell due in the time; take a longer --duration or a "
			    "higher --rate",
			    options->urls[0]);
	else if (options->benchmark)
		status_warn("%" PRIu64 " of %" PRIu64 " fetches failed, the first: %s", m->errors,
			    m->errors + m->completed,
			    m->first_failure ? m->first_failure
					     : "no answer when the time was over");
	return STATUS_FAILED;
}

enum status fetch_report(const struct fetch_outcome *o)
{
	struct fetch_merged m;
	struct record row;
	enum status status;

	fetch_merge(&m, o);
	fetch_fill_row(&row, &m, o);
	if (!o->options->silent && o->options->benchmark)
		print_summary(&m, o, &row);
	else if (!o->options->silent)
		print_closing(&m, o);
	write_files(&m, o, &row);
	record_release(&row);
	status = verdict(&m, o);
	fetch_merged_release(&m);
	if (fflush(stdout))
		status_exit(STATUS_FAILED, "cannot write to stdout: %m");
	return status;
}
