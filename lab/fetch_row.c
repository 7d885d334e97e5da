/* The row of a fetch run: which column gets what. */

#include "lab/fetch_report.h"

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

static void fill_model(struct record *r, const struct fetch_outcome *o)
{
	static const char *const notifications[] = {"sync", "async"};

	record_set_text(r, COLUMN_model, o->model->name);
	if (o->model->notification != NOTIFY_NONE)
		record_set_text(r, COLUMN_notification, notifications[o->model->notification]);
	record_set_text(r, COLUMN_wait, fetch_wait_name(o->options->wait));
	record_set_text(r, COLUMN_quadrant, quadrant(o));
	record_set_text(r, COLUMN_variant_requested, o->options->variant);
	record_set_text(r, COLUMN_variant_effective, o->run.benches[0].variant);
	record_set_text(r, COLUMN_workers_kind, o->options->processes ? "processes" : "threads");
	record_set_count(r, COLUMN_workers, o->run.count);
	record_set_text(r, COLUMN_placement, o->placement);
	record_set_text(r, COLUMN_cpus, o->cpus);
}

static void fill_usage(struct record *r, const struct fetch_merged *m,
		       const struct fetch_outcome *o)
{
	uint64_t peak_kib = 0;

	/* Threads have one memory, processes each their own. */
	for (unsigned i = 0; i < (o->options->processes ? o->run.count : 1); i++)
		peak_kib += o->run.benches[i].peak_kib;
	record_set_real(r, COLUMN_duration_s, fetch_duration_s(m, o));
	record_set_real(r, COLUMN_setup_s, o->run.setup_s);
	record_set_real(r, COLUMN_cpu_user_s, (double)m->usage.user_ns / 1e9);
	record_set_real(r, COLUMN_cpu_system_s, (double)m->usage.system_ns / 1e9);
	record_set_real(r, COLUMN_cpu_helper_s, (double)m->usage.helper_ns / 1e9);
	if (peak_kib)
		record_set_count(r, COLUMN_max_rss_kib, peak_kib);
	if (m->usage.total_ticks)
		record_set_real(r, COLUMN_steal_share,
				(double)m->usage.steal_ticks / (double)m->usage.total_ticks);
	fetch_flag_row(r, m, o);
	record_set_count(r, COLUMN_partial, m->cut_short);
}

static void fill_counters(struct record *r, const struct fetch_merged *m)
{
	static const enum record_column columns[COUNTERS_EVENTS] = {
		[COUNTERS_CYCLES] = COLUMN_cycles_per_request,
		[COUNTERS_INSTRUCTIONS] = COLUMN_instructions_per_request,
		[COUNTERS_CACHE_MISSES] = COLUMN_cache_misses_per_request,
		[COUNTERS_BRANCH_MISSES] = COLUMN_branch_misses_per_request,
	};

	for (unsigned event = 0; event < COUNTERS_EVENTS; event++)
		record_set_real(r, columns[event],
				counters_per(&m->counted, event, fetch_ended(m)));
	record_set_text(r, COLUMN_counters_scope, counters_scope_text(&m->counted));
	record_set_real(r, COLUMN_energy_j, m->energy_j);
}

static void fill_evidence(struct record *r, const struct fetch_merged *m,
			  const struct fetch_outcome *o)
{
	record_set_real(r, COLUMN_cpu_us_per_request, fetch_cpu_us(m));
	record_set_real(r, COLUMN_syscalls_per_request, fetch_per_fetch(m, m->calls.total));
	record_set_real(r, COLUMN_would_block_per_request,
			fetch_per_fetch(m, m->calls.would_block));
	if (o->model->notification == NOTIFY_ASYNC || m->calls.notifications)
		record_set_real(r, COLUMN_notifications_per_request,
				fetch_per_fetch(m, m->calls.notifications));
	record_set_real(r, COLUMN_blocked_share, fetch_asleep_share(m));
	record_set_real(r, COLUMN_voluntary_switches_per_request,
			fetch_per_fetch(m, m->usage.voluntary_switches));
	record_set_real(r, COLUMN_involuntary_switches_per_request,
			fetch_per_fetch(m, m->usage.involuntary_switches));
	if (!o->options->overlap)
		return;
	record_set_text(r, COLUMN_overlap, fetch_overlap_name(o->options->overlap));
	record_set_real(r, COLUMN_overlap_elements_per_s, m->overlap_per_s);
}

/* Of a model that has frames instead of sockets. */
static void fill_frames(struct record *r, const struct fetch_merged *m,
			const struct fetch_outcome *o)
{
	const struct calls *calls = &m->calls;

	if (!o->model->reach)
		return;
	record_set_real(r, COLUMN_kicks_per_request, fetch_per_fetch(m, calls->kicks));
	record_set_real(r, COLUMN_frames_sent_per_request, fetch_per_fetch(m, calls->frames_sent));
	record_set_real(r, COLUMN_frames_received_per_request,
			fetch_per_fetch(m, calls->frames_received));
	if (calls->batches)
		record_set_real(r, COLUMN_frames_per_batch,
				(double)calls->frames_received / (double)calls->batches);
	record_set_real(r, COLUMN_frame_copies_per_request,
			fetch_per_fetch(m, calls->frame_copies));
	record_set_count(r, COLUMN_frames_dropped, calls->frames_dropped);
	record_set_count(r, COLUMN_frames_lost, calls->frames_lost);
}

static void fill_times(struct record *r, const struct fetch_merged *m)
{
	static const struct {
		enum record_column column;
		enum bench_histogram histogram;
		double percentile;
	} rows[] = {
		{COLUMN_latency_p50_us, BENCH_LATENCY, 50},
		{COLUMN_latency_p90_us, BENCH_LATENCY, 90},
		{COLUMN_latency_p99_us, BENCH_LATENCY, 99},
		{COLUMN_latency_p999_us, BENCH_LATENCY, 99.9},
		{COLUMN_latency_max_us, BENCH_LATENCY, 100},
		{COLUMN_latency_uncorrected_p99_us, BENCH_UNCORRECTED, 99},
		{COLUMN_latency_uncorrected_p999_us, BENCH_UNCORRECTED, 99.9},
		{COLUMN_send_delay_p99_us, BENCH_SEND_DELAY, 99},
		{COLUMN_first_byte_p50_us, BENCH_FIRST_BYTE, 50},
		{COLUMN_first_byte_p99_us, BENCH_FIRST_BYTE, 99},
		{COLUMN_connect_p50_us, BENCH_CONNECT, 50},
		{COLUMN_connect_p99_us, BENCH_CONNECT, 99},
		{COLUMN_tls_p50_us, BENCH_TLS, 50},
		{COLUMN_tls_p99_us, BENCH_TLS, 99},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		record_set_real(r, rows[i].column,
				fetch_percentile_us(m, rows[i].histogram, rows[i].percentile));
}

static void fill_tls(struct record *r, const struct fetch_merged *m, const struct fetch_outcome *o)
{
	static const char *const ios[] = {"buffered", "conventional", "ktls"};

	record_set_count(r, COLUMN_tls, o->targets->tls);
	if (!o->targets->tls)
		return;
	record_set_text(r, COLUMN_tls_io, ios[o->options->tls_io]);
	record_set_text(r, COLUMN_tls_version, m->tls_version);
	record_set_text(r, COLUMN_tls_cipher, m->tls_cipher);
	if (m->handshakes)
		record_set_real(r, COLUMN_tls_resumed_share,
				(double)m->resumed / (double)m->handshakes);
}

static void fill_open_loop(struct record *r, const struct fetch_merged *m,
			   const struct fetch_outcome *o)
{
	if (!o->options->rate)
		return;
	record_set_real(r, COLUMN_rate_rps, (double)o->options->rate);
	record_set_real(r, COLUMN_late_share, fetch_per_good(m, m->late));
	record_set_count(r, COLUMN_unsent, m->unsent);
}

void fetch_fill_row(struct record *r, const struct fetch_merged *m, const struct fetch_outcome *o)
{
	record_init(r, RECORD_FETCH);
	fill_model(r, o);
	fill_usage(r, m, o);
	record_set_text(r, COLUMN_url, o->options->urls[0]);
	fill_tls(r, m, o);
	record_set_count(r, COLUMN_connections, o->options->connections);
	fill_open_loop(r, m, o);
	record_set_count(r, COLUMN_requests, m->completed);
	record_set_count(r, COLUMN_errors, m->errors);
	record_set_count(r, COLUMN_bytes_received, m->received_bytes);
	record_set_real(r, COLUMN_throughput_rps, fetch_throughput_rps(m, o));
	record_set_real(r, COLUMN_resolve_us, (double)o->targets->resolve_ns / 1e3);
	fill_evidence(r, m, o);
	fill_frames(r, m, o);
	fill_counters(r, m);
	if (o->model->yardstick) {
		/* It takes no stamps, and looks at a body only to learn its length. */
		record_set_real(r, COLUMN_body_bytes, (double)o->run.benches[0].last_body_bytes);
		return;
	}
	record_set_real(r, COLUMN_body_bytes, fetch_per_good(m, m->body_bytes));
	fill_times(r, m);
}
