/* The sums over the workers, and what is worked out from them. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lab/fetch_report.h"

/* An open loop that came to less than this share of its rate has missed it. */
#define RATE_HELD 0.98
/* And a backlog below this is none: a wake-up may take so long. */
#define BACKLOG_NS 10e6

static double seconds(uint64_t ns)
{
	return (double)ns / 1e9;
}

static void merge_lanes(struct fetch_merged *m, const struct bench *b)
{
	uint64_t lanes_ns = 0, lanes = 0;

	for (unsigned i = 0; i < b->worker.lanes; i++) {
		if (b->lanes[i].until_ns == 0)
			continue;
		lanes_ns += b->lanes[i].until_ns - b->lanes[i].from_ns;
		lanes++;
	}
	if (lanes_ns)
		m->lanes_rps += (double)b->lane_completed / seconds(lanes_ns) * (double)lanes;
}

static void merge_calls(struct calls *sum, const struct bench *b)
{
	sum->total += b->calls_end.total - b->calls_begin.total;
	sum->would_block += b->calls_end.would_block - b->calls_begin.would_block;
	sum->notifications += b->calls_end.notifications - b->calls_begin.notifications;
	sum->cq_overflows += b->worker.calls.cq_overflows;
	sum->kicks += b->calls_end.kicks - b->calls_begin.kicks;
	sum->frames_sent += b->calls_end.frames_sent - b->calls_begin.frames_sent;
	sum->frames_received += b->calls_end.frames_received - b->calls_begin.frames_received;
	sum->batches += b->calls_end.batches - b->calls_begin.batches;
	sum->frame_copies += b->calls_end.frame_copies - b->calls_begin.frame_copies;
	sum->frames_dropped += b->worker.calls.frames_dropped;
	sum->frames_lost += b->worker.calls.frames_lost;
}

static void merge_one(struct fetch_merged *m, const struct bench *b, bool interrupted)
{
	double length_s = seconds(b->end.at_ns - b->begin.at_ns);
	uint64_t elements = b->overlap_end - b->overlap_begin;

	m->from_ns = b->begin.at_ns < m->from_ns ? b->begin.at_ns : m->from_ns;
	m->until_ns = b->end.at_ns > m->until_ns ? b->end.at_ns : m->until_ns;
	for (unsigned i = 0; i < BENCH_HISTOGRAMS; i++)
		histogram_merge(m->histograms[i], b->histograms[i]);
	usage_add(&m->usage, &b->begin, &b->end);
	merge_calls(&m->calls, b);
	counters_add(&m->counted, &b->counted_begin, &b->counted_end);
	m->completed += b->completed;
	m->errors += b->errors + (interrupted ? 0 : b->unanswered);
	m->unanswered += b->unanswered;
	m->unsent += b->unsent;
	m->late += b->late;
	m->due_ns = b->due_ns > m->due_ns ? b->due_ns : m->due_ns;
	m->lag_ns = b->lag_ns > m->lag_ns ? b->lag_ns : m->lag_ns;
	m->received_bytes += b->received_bytes;
	m->body_bytes += b->body_bytes;
	m->handshakes += b->handshakes;
	m->resumed += b->resumed;
	m->moved = m->moved || b->moved;
	if (length_s > 0)
		m->overlap_per_s += (double)elements / length_s;
	merge_lanes(m, b);
	if (!m->first_failure && b->first_failure[0])
		m->first_failure = b->first_failure;
	if (!m->unable)
		m->unable = b->worker.unable;
	if (!m->broken)
		m->broken = b->worker.broken;
	if (!m->tls_version) {
		m->tls_version = b->tls_version;
		m->tls_cipher = b->tls_cipher;
	}
	if (!m->model_error)
		m->model_error = b->model_error;
}

void fetch_merge(struct fetch_merged *m, const struct fetch_outcome *o)
{
	const struct bench *first = &o->run.benches[0];

	memset(m, 0, sizeof(*m));
	m->from_ns = UINT64_MAX;
	for (unsigned i = 0; i < BENCH_HISTOGRAMS; i++) {
		m->histograms[i] = histogram_new_untouched();
		if (!m->histograms[i])
			status_exit(STATUS_UNABLE, "out of memory for merging the histograms");
	}
	for (unsigned i = 0; i < o->run.count; i++)
		merge_one(m, &o->run.benches[i], o->run.interrupted);
	m->cut_short = o->run.interrupted || m->model_error || m->unable;
	if (o->run.overlap != STATUS_DONE)
		m->overlap_per_s = NAN;
	m->energy_j = energy_joules(&first->energy, &first->energy_begin, &first->energy_end,
				    seconds(first->end.at_ns - first->begin.at_ns));
}

void fetch_merged_release(struct fetch_merged *m)
{
	for (unsigned i = 0; i < BENCH_HISTOGRAMS; i++)
		free(m->histograms[i]);
}

uint64_t fetch_ended(const struct fetch_merged *m)
{
	return m->completed ? m->completed + m->errors : 0;
}

double fetch_per_fetch(const struct fetch_merged *m, uint64_t count)
{
	return m->completed ? (double)count / (double)fetch_ended(m) : NAN;
}

double fetch_per_good(const struct fetch_merged *m, uint64_t count)
{
	return m->completed ? (double)count / (double)m->completed : NAN;
}

double fetch_percentile_us(const struct fetch_merged *m, enum bench_histogram which,
			   double percentile)
{
	const struct histogram *h = m->histograms[which];

	return h->total ? (double)histogram_percentile(h, percentile) / 1e3 : NAN;
}

/* So many fetches take until the last worker is done; so much time is each worker's own. */
double fetch_duration_s(const struct fetch_merged *m, const struct fetch_outcome *o)
{
	if (!o->options->duration_ns)
		return seconds(m->until_ns - m->from_ns);
	return seconds(m->usage.at_ns) / o->run.count;
}

/*
 * Fetches per second: a worker's is that of its lanes over their own time, times the lanes; the
 * workers' are added up. The floor keeps no lanes, and in an open loop a lane's idle time is no
 * time of a fetch: these go by their workers' intervals.
 */
double fetch_throughput_rps(const struct fetch_merged *m, const struct fetch_outcome *o)
{
	const struct fetch_options *options = o->options;

	/* n fetches at equal distances have n - 1 of them between the first and the last. */
	if (options->rate && options->requests && options->arrivals == ARRIVALS_CONSTANT &&
	    !options->warmup_ns && !m->cut_short)
		return (double)m->completed /
		       (fetch_duration_s(m, o) + 1.0 / (double)options->rate);
	if (o->model->yardstick || o->options->rate)
		return (double)m->completed / fetch_duration_s(m, o);
	return m->lanes_rps;
}

/* Share of the workers' time asleep: neither on a CPU nor waiting for one. */
double fetch_asleep_share(const struct fetch_merged *m)
{
	double awake = (double)(m->usage.running_ns + m->usage.waiting_ns);

	if (!m->usage.scheduler_known || m->usage.at_ns == 0)
		return NAN;
	return fmax(0, 1 - awake / (double)m->usage.at_ns);
}

double fetch_cpu_us(const struct fetch_merged *m)
{
	return fetch_per_fetch(m, m->usage.user_ns + m->usage.system_ns + m->usage.helper_ns) / 1e3;
}

bool fetch_above_window(const struct fetch_merged *m, const struct fetch_outcome *o)
{
	return o->model->window && m->completed && m->body_bytes / m->completed > o->model->window;
}

bool fetch_rate_missed(const struct fetch_merged *m, const struct fetch_outcome *o)
{
	double ended = (double)(m->completed + m->errors);
	double due_ns = (double)m->due_ns, lag_ns = (double)m->lag_ns;

	if (!o->options->rate || m->cut_short)
		return false;
	return ended < RATE_HELD * (ended + (double)m->unsent) ||
	       (lag_ns > BACKLOG_NS && due_ns < RATE_HELD * (due_ns + lag_ns));
}
