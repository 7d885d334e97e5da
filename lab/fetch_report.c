/* Merges what the workers measured and prints it: the study's lines, a summary, a row. */
#include "lab/fetch_report.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

/* The workers' sums. */
struct merged {
	struct histogram *latency, *first_byte, *connect;
	struct usage usage; /* at_ns: the intervals' lengths added up */
	struct calls calls;
	uint64_t completed, errors, received_bytes, body_bytes;
	uint64_t lane_completed, lane_ns, lanes; /* over all lanes' own intervals */
	uint64_t unanswered;
	double overlap_per_s;
	const char *first_failure;
	const char *unable; /* what the host could not do, of a model that gave up */
	int model_error;
};

static double seconds(uint64_t ns)
{
	return (double)ns / 1e9;
}

static void merge_lanes(struct merged *m, const struct bench *b)
{
	m->lane_completed += b->lane_completed;
	for (unsigned i = 0; i < b->worker.lanes; i++) {
		if (b->lanes[i].until_ns == 0)
			continue;
		m->lane_ns += b->lanes[i].until_ns - b->lanes[i].from_ns;
		m->lanes++;
	}
}

static void merge_one(struct merged *m, const struct bench *b, bool interrupted)
{
	double length_s = seconds(b->end.at_ns - b->begin.at_ns);
	uint64_t elements = b->overlap_end - b->overlap_begin;

	histogram_merge(m->latency, b->latency);
	histogram_merge(m->first_byte, b->first_byte);
	histogram_merge(m->connect, b->connect);
	usage_add(&m->usage, &b->begin, &b->end);
	m->calls.total += b->calls_end.total - b->calls_begin.total;
	m->calls.would_block += b->calls_end.would_block - b->calls_begin.would_block;
	m->calls.notifications += b->calls_end.notifications - b->calls_begin.notifications;
	m->calls.cq_overflows += b->worker.calls.cq_overflows;
	m->completed += b->completed;
	m->errors += b->errors + (interrupted ? 0 : b->unanswered);
	m->unanswered += b->unanswered;
	m->received_bytes += b->received_bytes;
	m->body_bytes += b->body_bytes;
	if (length_s > 0)
		m->overlap_per_s += (double)elements / length_s;
	merge_lanes(m, b);
	if (!m->first_failure && b->first_failure[0])
		m->first_failure = b->first_failure;
	if (!m->unable)
		m->unable = b->worker.unable;
	if (!m->model_error)
		m->model_error = b->model_error;
}

/* Each worker compared its bodies with the first one it got: were those the same? */
static bool workers_agree(const struct fetch_outcome *o)
{
	for (unsigned i = 0; i < o->targets->request_count; i++) {
		const struct body_reference *first = NULL;

		for (unsigned k = 0; k < o->workers; k++) {
			const struct body_reference *r = &o->benches[k].references[i];
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

static void merge(struct merged *m, const struct fetch_outcome *o)
{
	memset(m, 0, sizeof(*m));
	m->latency = histogram_new();
	m->first_byte = histogram_new();
	m->connect = histogram_new();
	if (!m->latency || !m->first_byte || !m->connect)
		status_exit(STATUS_UNABLE, "out of memory for merging the histograms");
	for (unsigned i = 0; i < o->workers; i++)
		merge_one(m, &o->benches[i], o->interrupted);
}

static const char *quadrant(const struct fetch_outcome *o)
{
	static const char *const names[2][2] = {
		[NOTIFY_SYNC] = {"sync-blocking", "sync-nonblocking"},
		[NOTIFY_ASYNC] = {"async-blocking", "async-nonblocking"},
	};

	if (o->model->notification == NOTIFY_NONE)
		return NULL;
	return names[o->model->notification][o->options->wait];
}

static double per_fetch(const struct merged *m, uint64_t count)
{
	return m->completed ? (double)count / (double)m->completed : NAN;
}

static double percentile_us(const struct histogram *h, double percentile)
{
	return h->total ? (double)histogram_percentile(h, percentile) / 1e3 : NAN;
}

static double mean_duration_s(const struct merged *m, const struct fetch_outcome *o)
{
	return seconds(m->usage.at_ns) / o->workers;
}

/*
 * Fetches per second: those of all lanes over their lanes' own time, times the lanes. The floor
 * keeps no lanes and goes by its worker's interval.
 */
static double throughput_rps(const struct merged *m, const struct fetch_outcome *o)
{
	if (o->model->yardstick)
		return (double)m->completed / mean_duration_s(m, o);
	if (m->lane_ns == 0)
		return 0;
	return (double)m->lane_completed / seconds(m->lane_ns) * (double)m->lanes;
}

/* Share of the workers' time asleep: neither on a CPU nor waiting for one. */
static double asleep_share(const struct merged *m)
{
	double awake = (double)(m->usage.running_ns + m->usage.waiting_ns);

	if (!m->usage.scheduler_known || m->usage.at_ns == 0)
		return NAN;
	return fmax(0, 1 - awake / (double)m->usage.at_ns);
}

static double cpu_us_per_request(const struct merged *m)
{
	return per_fetch(m, m->usage.user_ns + m->usage.system_ns + m->usage.helper_ns) / 1e3;
}

static void fill_common(struct record *r, const struct merged *m, const struct fetch_outcome *o)
{
	static const char *const notifications[] = {"sync", "async"};
	struct rusage self;

	getrusage(RUSAGE_SELF, &self);
	record_set_text(r, COLUMN_model, o->model->name);
	if (o->model->notification != NOTIFY_NONE)
		record_set_text(r, COLUMN_notification, notifications[o->model->notification]);
	record_set_text(r, COLUMN_wait, fetch_wait_name(o->options->wait));
	record_set_text(r, COLUMN_quadrant, quadrant(o));
	record_set_text(r, COLUMN_variant_requested, o->options->variant);
	record_set_text(r, COLUMN_variant_effective, o->variant);
	record_set_text(r, COLUMN_workers_kind, "threads");
	record_set_count(r, COLUMN_workers, o->workers);
	record_set_text(r, COLUMN_placement, o->placement);
	record_set_text(r, COLUMN_cpus, o->cpus);
	record_set_real(r, COLUMN_duration_s, mean_duration_s(m, o));
	record_set_real(r, COLUMN_setup_s, o->setup_s);
	record_set_real(r, COLUMN_cpu_user_s, seconds(m->usage.user_ns));
	record_set_real(r, COLUMN_cpu_system_s, seconds(m->usage.system_ns));
	record_set_real(r, COLUMN_cpu_helper_s, seconds(m->usage.helper_ns));
	record_set_count(r, COLUMN_max_rss_kib, (uint64_t)self.ru_maxrss);
	if (m->usage.total_ticks)
		record_set_real(r, COLUMN_steal_share,
				(double)m->usage.steal_ticks / (double)m->usage.total_ticks);
	record_set_text(r, COLUMN_flags,
			m->calls.cq_overflows		       ? "cq-overflow"
			: m->unanswered > 0 && !o->interrupted ? "unanswered"
							       : NULL);
	record_set_count(r, COLUMN_partial, o->interrupted);
}

static void fill_fetch(struct record *r, const struct merged *m, const struct fetch_outcome *o)
{
	record_set_text(r, COLUMN_url, o->options->urls[0]);
	record_set_count(r, COLUMN_tls, 0);
	record_set_count(r, COLUMN_connections, o->options->connections);
	record_set_count(r, COLUMN_requests, m->completed);
	record_set_count(r, COLUMN_errors, m->errors);
	record_set_count(r, COLUMN_bytes_received, m->received_bytes);
	record_set_real(r, COLUMN_throughput_rps, throughput_rps(m, o));
	record_set_real(r, COLUMN_cpu_us_per_request, cpu_us_per_request(m));
	record_set_real(r, COLUMN_syscalls_per_request, per_fetch(m, m->calls.total));
	record_set_real(r, COLUMN_would_block_per_request, per_fetch(m, m->calls.would_block));
	if (o->model->notification == NOTIFY_ASYNC || m->calls.notifications)
		record_set_real(r, COLUMN_notifications_per_request,
				per_fetch(m, m->calls.notifications));
	record_set_real(r, COLUMN_blocked_share, asleep_share(m));
	record_set_real(r, COLUMN_voluntary_switches_per_request,
			per_fetch(m, m->usage.voluntary_switches));
	record_set_real(r, COLUMN_involuntary_switches_per_request,
			per_fetch(m, m->usage.involuntary_switches));
	if (o->options->overlap == OVERLAP_THREAD)
		record_set_real(r, COLUMN_overlap_elements_per_s, m->overlap_per_s);
	if (o->model->yardstick) {
		/* The floor takes no stamps, and looks at a body only to learn its length. */
		record_set_real(r, COLUMN_body_bytes, (double)o->benches[0].last_body_bytes);
		return;
	}
	record_set_real(r, COLUMN_body_bytes, per_fetch(m, m->body_bytes));
	record_set_real(r, COLUMN_latency_p50_us, percentile_us(m->latency, 50));
	record_set_real(r, COLUMN_latency_p90_us, percentile_us(m->latency, 90));
	record_set_real(r, COLUMN_latency_p99_us, percentile_us(m->latency, 99));
	record_set_real(r, COLUMN_latency_p999_us, percentile_us(m->latency, 99.9));
	record_set_real(r, COLUMN_latency_max_us,
			m->latency->total ? (double)m->latency->max_ns / 1e3 : NAN);
	record_set_real(r, COLUMN_first_byte_p50_us, percentile_us(m->first_byte, 50));
	record_set_real(r, COLUMN_connect_p50_us, percentile_us(m->connect, 50));
}

static void print_summary(const struct merged *m, const struct fetch_outcome *o)
{
	double length_s = mean_duration_s(m, o);
	double cpu = cpu_us_per_request(m);

	printf("%s: %s\n", program_invocation_short_name, o->options->urls[0]);
	printf("  %" PRIu64 " connections, %u worker%s %s%s, wait %s\n", o->options->connections,
	       o->workers, o->workers == 1 ? "" : "s", o->cpus[0] ? "on CPU " : "not pinned",
	       o->cpus, fetch_wait_name(o->options->wait));
	printf("  %" PRIu64 " fetches in %.2f s, %" PRIu64 " errors%s\n", m->completed, length_s,
	       m->errors, o->interrupted ? " (interrupted)" : "");
	printf("  throughput       %.*f fetches/s\n", throughput_rps(m, o) < 100 ? 2 : 0,
	       throughput_rps(m, o));
	if (m->completed == 0)
		return;
	printf("  CPU per fetch    %.2f us (user %.2f, system %.2f, helpers %.2f)\n", cpu,
	       per_fetch(m, m->usage.user_ns) / 1e3, per_fetch(m, m->usage.system_ns) / 1e3,
	       per_fetch(m, m->usage.helper_ns) / 1e3);
	if (m->latency->total)
		printf("  latency          p50 %.1f  p90 %.1f  p99 %.1f  p99.9 %.1f  max %.1f us\n",
		       percentile_us(m->latency, 50), percentile_us(m->latency, 90),
		       percentile_us(m->latency, 99), percentile_us(m->latency, 99.9),
		       (double)m->latency->max_ns / 1e3);
	printf("  per fetch        %.3f calls, %.3f EAGAINs, %.3f notifications\n",
	       per_fetch(m, m->calls.total), per_fetch(m, m->calls.would_block),
	       per_fetch(m, m->calls.notifications));
	if (m->usage.scheduler_known)
		printf("  asleep           %.1f %% of the time\n", 100 * asleep_share(m));
	if (o->options->overlap == OVERLAP_THREAD)
		printf("  meanwhile        %.3g squares/s\n", m->overlap_per_s);
}

/* As the study's programs end. */
static void print_closing(const struct merged *m, const struct fetch_outcome *o)
{
	uint64_t from_ns = UINT64_MAX, to_ns = 0;

	for (unsigned i = 0; i < o->workers; i++) {
		from_ns = o->benches[i].begin.at_ns < from_ns ? o->benches[i].begin.at_ns : from_ns;
		to_ns = o->benches[i].end.at_ns > to_ns ? o->benches[i].end.at_ns : to_ns;
	}
	printf("Downloaded %" PRIu64 " sites in %.3f seconds\n", m->completed,
	       seconds(to_ns - from_ns));
}

static void write_histogram(const char *path, const struct histogram *latency)
{
	FILE *file = fopen(path, "we");

	if (!file)
		status_exit(STATUS_FAILED, "--histogram: cannot write %s: %m", path);
	if (histogram_write(latency, file) || fclose(file))
		status_exit(STATUS_FAILED, "--histogram: %s was not written whole: %m", path);
}

static void write_row(const struct merged *m, const struct fetch_outcome *o)
{
	struct record record;
	char why[512];

	record_init(&record, RECORD_FETCH);
	fill_common(&record, m, o);
	fill_fetch(&record, m, o);
	if (o->options->csv && record_append_csv(o->options->csv, &record, why, sizeof(why)))
		status_exit(STATUS_FAILED, "--csv: %s", why);
	if (o->options->json) {
		json_t *object = record_to_json(&record);

		if (!object || json_dumpf(object, stdout, JSON_COMPACT))
			status_exit(STATUS_FAILED, "--json: cannot write");
		putchar('\n');
		json_decref(object);
	}
	record_release(&record);
}

static enum status verdict(const struct merged *m, const struct fetch_outcome *o)
{
	if (o->interrupted)
		return STATUS_INTERRUPTED;
	if (m->unable) {
		status_warn("%s: %s", o->options->urls[0], m->unable);
		return STATUS_UNABLE;
	}
	if (m->model_error) {
		status_warn("%s: the model broke down: %s", o->options->urls[0],
			    strerror(-m->model_error));
		return STATUS_FAILED;
	}
	if (o->options->benchmark && !workers_agree(o)) {
		status_warn("%s: the workers were given different bodies", o->options->urls[0]);
		return STATUS_FAILED;
	}
	if (m->errors == 0 && (m->completed > 0 || !o->options->benchmark))
		return STATUS_DONE;
	if (o->options->benchmark)
		status_warn("%" PRIu64 " of %" PRIu64 " fetches failed, the first: %s", m->errors,
			    m->errors + m->completed,
			    m->first_failure ? m->first_failure
					     : "no answer when the time was over");
	return STATUS_FAILED;
}

enum status fetch_report(const struct fetch_outcome *o)
{
	struct merged m;
	enum status status;

	merge(&m, o);
	if (!o->options->silent && o->options->benchmark)
		print_summary(&m, o);
	else if (!o->options->silent)
		print_closing(&m, o);
	if (o->options->histogram)
		write_histogram(o->options->histogram, m.latency);
	if (o->options->json || o->options->csv)
		write_row(&m, o);
	status = verdict(&m, o);
	free(m.latency);
	free(m.first_byte);
	free(m.connect);
	if (fflush(stdout))
		status_exit(STATUS_FAILED, "cannot write to stdout: %m");
	return status;
}
