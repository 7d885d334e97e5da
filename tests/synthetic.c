/* The cells of the experiment that never ran: one line each. */
#include "tests/synthetic.h"

#include <math.h>
#include <stdlib.h>

#include "results/statistics.h"
#include "tests/noise.h"

struct fetch_cell {
	const char *cell, *model, *notification, *wait, *quadrant;
	double rate, cpu_us, calls, would_block, asleep, overlap;
};

struct sumsq_cell {
	const char *cell, *model, *cpus;
	uint64_t workers;
	double rate, dispatch_ns;
};

#define SYNC_BLOCK  "sync", "block", "sync-blocking"
#define SYNC_SPIN   "sync", "spin", "sync-nonblocking"
#define ASYNC_BLOCK "async", "block", "async-blocking"
#define ASYNC_SPIN  "async", "spin", "async-nonblocking"

static const struct fetch_cell quick[] = {
	{"blocking-c16", "blocking", SYNC_BLOCK, 91200, 10.9, 2, 0, 0.02, 0},
	{"nonblocking-c16", "nonblocking", SYNC_SPIN, 168000, 5.94, 5.31, 3.31, 0, 1.9e8},
	{"epoll-c16", "epoll", ASYNC_BLOCK, 205000, 4.71, 2.13, 0, 0.031, 0},
	{"epoll-spin-c16", "epoll", ASYNC_SPIN, 203500, 4.9, 2.2, 0, 0, 2.1e8},
	{"uring-c16", "uring", ASYNC_BLOCK, 213200, 4.62, 0.13, 0, 0.012, 0},
	{"uring-spin-c16", "uring", ASYNC_SPIN, 214000, 4.67, 0.1, 0, 0, 2.3e8},
	{"floor-c16", "floor", "", "", "", 231000, 4.31, 2, 0, 0.01, 0},
};

static const struct fetch_cell slow[] = {
	{"blocking-c16-5ms", "blocking", SYNC_BLOCK, 3140, 21.5, 2, 0, 0.93, 0},
	{"nonblocking-c16-5ms", "nonblocking", SYNC_SPIN, 3138, 318, 402, 400, 0, 2.9e9},
	{"epoll-c16-5ms", "epoll", ASYNC_BLOCK, 3141, 12.3, 2.9, 0, 0.962, 0},
	{"epoll-spin-c16-5ms", "epoll", ASYNC_SPIN, 3139, 318, 120, 0, 0, 3.4e9},
	{"uring-c16-5ms", "uring", ASYNC_BLOCK, 3141, 9.41, 0.92, 0, 0.969, 0},
	{"uring-spin-c16-5ms", "uring", ASYNC_SPIN, 3140, 318, 0.0421, 0, 0, 3.6e9},
	{"floor-c16-5ms", "floor", "", "", "", 3142, 9.01, 2, 0, 0.972, 0},
};

static const struct sumsq_cell sums[] = {
	{"serial", "serial", "1", 1, 4.12e9, 21},
	{"threads", "threads", "0,1", 2, 8.05e9, 1840},
	{"processes", "processes", "0,1", 2, 8.03e9, 2210},
};

static struct record *add_row(struct record **records, size_t *count, enum record_kind kind)
{
	struct record *grown = reallocarray(*records, *count + 1, sizeof(**records));

	if (!grown)
		abort();
	*records = grown;
	record_init(&grown[*count], kind);
	record_set_text(&grown[*count], COLUMN_run_id, "synthetic");
	record_set_text(&grown[*count], COLUMN_experiment, "matrix");
	record_set_count(&grown[*count], COLUMN_partial, 0);
	return &grown[(*count)++];
}

static void add_fetch(struct record **records, size_t *count, const struct fetch_cell *cell,
		      unsigned block, const char *role, double latency_us, double factor)
{
	struct record *row = add_row(records, count, RECORD_FETCH);
	double seconds = 0.8;

	record_set_count(row, COLUMN_block, block);
	record_set_text(row, COLUMN_cell, cell->cell);
	record_set_text(row, COLUMN_role, role);
	record_set_text(row, COLUMN_model, cell->model);
	record_set_text(row, COLUMN_notification, cell->notification);
	record_set_text(row, COLUMN_wait, cell->wait);
	record_set_text(row, COLUMN_quadrant, cell->quadrant);
	record_set_real(row, COLUMN_duration_s, seconds);
	record_set_count(row, COLUMN_connections, 16);
	record_set_real(row, COLUMN_origin_latency_us, latency_us);
	record_set_real(row, COLUMN_body_bytes, 24);
	record_set_count(row, COLUMN_requests, (uint64_t)(cell->rate * factor * seconds));
	record_set_count(row, COLUMN_errors, 0);
	record_set_real(row, COLUMN_throughput_rps, cell->rate * factor);
	record_set_real(row, COLUMN_latency_p50_us, 16e6 / (cell->rate * factor));
	record_set_real(row, COLUMN_latency_p99_us, 24e6 / (cell->rate * factor));
	record_set_real(row, COLUMN_cpu_us_per_request, cell->cpu_us / factor);
	record_set_real(row, COLUMN_syscalls_per_request, cell->calls);
	record_set_real(row, COLUMN_would_block_per_request, cell->would_block);
	record_set_real(row, COLUMN_blocked_share, cell->asleep);
	record_set_real(row, COLUMN_overlap_elements_per_s, cell->overlap * factor);
}

static void fetch_block(struct record **records, size_t *count, unsigned block, double latency_us,
			double noise, uint64_t *state)
{
	const struct fetch_cell *cells = latency_us > 0.0 ? slow : quick;
	double shared = 10.0 * noise * noise_normal(state);

	for (size_t i = 0; i < sizeof(quick) / sizeof(quick[0]); i++) {
		double factor = exp(shared + noise * noise_normal(state));

		add_fetch(records, count, &cells[i], block, "cell", latency_us, factor);
	}
	if (latency_us == 0.0)
		add_fetch(records, count, &cells[2], block, "control", latency_us,
			  exp(shared + noise * noise_normal(state)));
}

void synthetic_fetch(struct record **records, size_t *count, unsigned blocks, double noise)
{
	uint64_t state = 11;

	for (unsigned block = 1; block <= blocks; block++) {
		fetch_block(records, count, block, 0.0, noise, &state);
		fetch_block(records, count, block, 5000.0, noise, &state);
	}
}

void synthetic_sumsq(struct record **records, size_t *count, unsigned blocks, double noise)
{
	uint64_t state = 12;

	for (unsigned block = 1; block <= blocks; block++) {
		double shared = 10.0 * noise * noise_normal(&state);

		/* The last round is the control of the first cell. */
		for (size_t i = 0; i < sizeof(sums) / sizeof(sums[0]) + 1; i++) {
			const struct sumsq_cell *cell = &sums[i % 3];
			struct record *row = add_row(records, count, RECORD_SUMSQ);
			double rate = cell->rate * exp(shared + noise * noise_normal(&state));

			record_set_count(row, COLUMN_block, block);
			record_set_text(row, COLUMN_cell, cell->cell);
			record_set_text(row, COLUMN_role, i == 3 ? "control" : "cell");
			record_set_text(row, COLUMN_model, cell->model);
			record_set_count(row, COLUMN_workers, cell->workers);
			record_set_text(row, COLUMN_cpus, cell->cpus);
			record_set_real(row, COLUMN_duration_s, 0.8);
			record_set_count(row, COLUMN_jobs, 30);
			record_set_text(row, COLUMN_core, "avx512ifma");
			record_set_count(row, COLUMN_elements, (uint64_t)(0.8 * rate));
			record_set_text(row, COLUMN_sum, "270003780024375058870");
			record_set_real(row, COLUMN_elements_per_s, rate);
			record_set_real(row, COLUMN_dispatch_ns_per_job, cell->dispatch_ns);
		}
	}
}
