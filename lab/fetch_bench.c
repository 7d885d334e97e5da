/* A worker's memory, and the interval that is measured: see fetch_bench.h. */
#include "lab/fetch_bench.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "kernels/protocol/decoder.h"
#include "kernels/protocol/headers.h"
#include "lab/shared.h"

/* Squares a slice of other work has: well below a microsecond where SIMD does it. */
#define OVERLAP_SLICE 4096

/* What unanswered fetches are waited for after the measured time is over. */
#define GRACE_NS UINT64_C(5000000000)

/* Bytes of a body that are compared with the first response's; beyond, only the length is. */
#define REFERENCE_SIZE ((size_t)1024 * 1024)
/* And that are kept, where the body is wanted. */
#define OUTPUT_SIZE ((size_t)256 * 1024 * 1024)

static void set_deadline(const struct bench *b, uint64_t from_now_ns)
{
	uint64_t us = (from_now_ns + GRACE_NS) / 1000;
	const struct itimerval timer = {.it_value = {.tv_sec = (time_t)(us / 1000000),
						     .tv_usec = (suseconds_t)(us % 1000000)},
					.it_interval = {.tv_usec = 10000}};

	/* One timer for the run; its signal sets the stop flag that all workers look at. */
	if (b->worker.index == 0 && b->options->duration_ns && !worker_stopped(&b->worker))
		setitimer(ITIMER_REAL, &timer, NULL);
}

static uint64_t overlap_elements(const struct bench *b)
{
	return b->soaked ? *b->soaked : b->overlap_elements;
}

void bench_allow_grace(const struct bench *b)
{
	set_deadline(b, 0);
}

void bench_measure_begin(struct bench *b, unsigned in_flight)
{
	b->phase = BENCH_MEASURING;
	b->calls_begin = b->worker.calls;
	set_deadline(b, b->options->duration_ns);
	energy_read(&b->energy, &b->energy_begin);
	if (b->watch)
		host_watch_begin(b->watch);
	usage_begin(&b->begin, b->scopes);
	/* Within the interval, so that reading the usage is in neither bill. */
	counters_read(&b->counters, &b->counted_begin);
	b->overlap_begin = overlap_elements(b);
	b->now_ns = b->begin.at_ns;
	if (b->options->duration_ns)
		b->measure_until_ns = b->now_ns + b->options->duration_ns;
	b->left = b->share > in_flight ? b->share - in_flight : 0;
	if (b->total)
		atomic_fetch_add(&b->shared->tickets, in_flight);
}

/* A fetch that was never answered took its lane's time to the end all the same. */
static void charge_lane(struct bench *b, unsigned lane_index)
{
	struct connection *first = worker_lane(&b->worker, lane_index);
	struct bench_lane *lane = &b->lanes[lane_index];

	lane->until_ns = b->end.at_ns;
	if (lane->from_ns == 0)
		lane->from_ns = b->begin.at_ns;
	for (unsigned i = 0; i < b->worker.endpoints_count; i++)
		if (first[i].request)
			bench_unanswered(b, lane, &first[i]);
}

static void charge_unanswered(struct bench *b)
{
	for (unsigned i = 0; i < b->worker.lanes; i++)
		if (b->lanes[i].busy)
			charge_lane(b, i);
}

static void measure_end(struct bench *b)
{
	uint64_t until_ns;

	b->phase = BENCH_OVER;
	counters_read(&b->counters, &b->counted_end);
	usage_end(&b->end, b->scopes);
	energy_read(&b->energy, &b->energy_end);
	if (b->watch)
		host_watch_end(b->watch);
	b->overlap_end = overlap_elements(b);
	b->calls_end = b->worker.calls;
	if (b->unanswered)
		charge_unanswered(b);
	if (!b->worker.open_loop)
		return;
	/* What fell due in the time and found no connection free is part of the answer. */
	until_ns = b->measure_until_ns < b->end.at_ns ? b->measure_until_ns : b->end.at_ns;
	while (b->left && b->schedule.next_ns < until_ns) {
		b->unsent++;
		b->left--;
		schedule_advance(&b->schedule);
	}
}

static void add_squares(void *context)
{
	struct bench *b = context;

	/* The sum goes through memory that the compiler must assume is read: it is computed. */
	volatile sumsq_total sum = b->overlap_core->sum(0, OVERLAP_SLICE);

	(void)sum;
	b->overlap_elements += OVERLAP_SLICE;
}

/* Worker `index` of `workers` gets an equal share of `total`, the first ones one more. */
static uint64_t share_of(uint64_t total, uint64_t workers, unsigned index)
{
	return total / workers + (index < total % workers);
}

/* How many fetches are in the shares of the workers before this one. */
static uint64_t begin_of(uint64_t total, uint64_t workers, unsigned index)
{
	return total / workers * index + (index < total % workers ? index : total % workers);
}

/* From the block of results: `size` bytes, on cache lines of their own. */
static void *carve(char **at, size_t size)
{
	void *piece = *at;

	*at += (size + 127) / 128 * 128;
	return piece;
}

static uint64_t samples_most(const struct fetch_options *o, uint64_t share)
{
	if (!o->samples)
		return 0;
	return share < SAMPLES_MAX ? share : SAMPLES_MAX;
}

/* Lays the results out in b->memory; called with memory NULL it only works the size out. */
static void lay_out(struct bench *b)
{
	unsigned requests = b->targets->request_count;
	size_t capacity = b->options->output ? OUTPUT_SIZE : REFERENCE_SIZE;
	bool references = b->options->bodies == BODIES_SAME || b->options->output;
	char *at = b->memory;

	for (unsigned i = 0; i < BENCH_HISTOGRAMS; i++)
		b->histograms[i] = carve(&at, sizeof(struct histogram));
	b->lanes = carve(&at, b->worker.lanes * sizeof(*b->lanes));
	b->samples.rows = carve(&at, b->samples.most * sizeof(*b->samples.rows));
	b->references = references ? carve(&at, requests * sizeof(*b->references)) : NULL;
	for (unsigned i = 0; references && i < requests; i++) {
		uint8_t *bytes = carve(&at, capacity);

		if (b->memory)
			b->references[i] =
				(struct body_reference){.bytes = bytes,
							.capacity = capacity,
							.varies = b->options->bodies == BODIES_ANY};
	}
	b->memory_size = (size_t)(at - (char *)b->memory);
}

int bench_reserve(struct bench *b, unsigned index, const struct fetch_options *o,
		  const struct fetch_targets *targets, struct bench_shared *shared)
{
	/* With both, whichever ends first. */
	uint64_t total = o->requests ? o->requests : o->repeat * targets->url_count;
	bool timed = o->duration_ns && !o->requests;

	memset(b, 0, sizeof(*b));
	b->observer = bench_observer;
	b->options = o;
	b->targets = targets;
	b->shared = shared;
	b->share = timed ? UINT64_MAX : share_of(total, o->workers, index);
	if (o->schedule == SCHEDULE_SHARED && !timed) {
		b->total = total;
		b->share = total;
	}
	/* Until the clock starts every fetch is warm-up: a model may make some in prepare(). */
	b->left = UINT64_MAX;
	b->measure_from_ns = UINT64_MAX;
	b->measure_until_ns = UINT64_MAX;
	/* Behind the shares of the workers before, so that together they go through the list. */
	b->cursor = (unsigned)((timed ? index : begin_of(total, o->workers, index)) %
			       targets->url_count);
	b->worker.index = index;
	b->worker.lanes = (unsigned)share_of(o->connections, o->workers, index);
	b->samples.most = samples_most(o, b->share);
	lay_out(b);
	b->memory = shared_new(b->memory_size, o->processes);
	if (b->memory)
		lay_out(b);
	return b->memory ? 0 : -ENOMEM;
}

void bench_release(struct bench *b)
{
	energy_close(&b->energy);
	shared_free(b->memory, b->memory_size);
	b->memory = NULL;
}

/* What a connection needs beside itself for TLS and for codings; NULL where it needs none. */
static int equip(struct bench *b, struct connection *c)
{
	unsigned endpoint = c->index % b->worker.endpoints_count;
	const struct endpoint *to = &b->targets->endpoints[endpoint];

	if (b->options->location || b->options->compressed) {
		c->headers = calloc(1, sizeof(*c->headers));
		if (!c->headers)
			return -ENOMEM;
	}
	if (b->options->compressed && !(c->decoder = decoder_new()))
		return -ENOMEM;
	if (to->tls && !(c->tls = tls_new(b->tls, to->host, endpoint)))
		return -ENOMEM;
	return 0;
}

static int make_connections(struct bench *b)
{
	struct worker *w = &b->worker;
	unsigned count = w->lanes * b->targets->endpoint_count;
	int err = 0;

	w->in_flight = w->lanes;
	w->endpoints = b->targets->endpoints;
	w->endpoints_count = b->targets->endpoint_count;
	w->connections = aligned_alloc(64, count * sizeof(struct connection));
	b->parked = calloc(w->lanes, sizeof(*b->parked));
	if (!w->connections || !b->parked)
		return -ENOMEM;
	for (unsigned i = 0; i < count; i++)
		connection_init(&w->connections[i], i, &b->observer);
	for (unsigned i = 0; i < count && !err; i++)
		err = equip(b, &w->connections[i]);
	return err;
}

static int make_tls(struct bench *b, char *why, size_t why_size)
{
	const struct fetch_options *o = b->options;
	const struct tls_options options = {
		.cacert = o->cacert,
		.insecure = o->insecure,
		.io = (enum tls_io)o->tls_io,
		.session = o->tls_session == TLS_FRESH ? TLS_FRESH : TLS_RESUMED,
		.endpoints = b->targets->endpoint_count,
		.longest_request = b->targets->longest_request,
	};

	return b->targets->tls ? tls_context_new(&options, &b->tls, why, why_size) : 0;
}

/* What of it the host does not have is empty in the row, and `iolab doctor` says why. */
static void open_counters(struct bench *b)
{
	const struct fetch_options *o = b->options;
	char why[128];

	if (o->counters == COUNTERS_OFF || !(o->json || o->csv))
		return;
	(void)counters_open(&b->counters, why, sizeof(why));
	if (b->worker.index == 0)
		(void)energy_open(&b->energy, "", why, sizeof(why));
}

/* Touches those that this run will fill; a page is a fault, and 64 workers have many. */
static void ready_histograms(struct bench *b)
{
	const bool filled[BENCH_HISTOGRAMS] = {
		[BENCH_CONNECT] = true,
		[BENCH_FIRST_BYTE] = true,
		[BENCH_LATENCY] = true,
		[BENCH_TLS] = b->targets->tls,
		[BENCH_UNCORRECTED] = b->worker.open_loop,
		[BENCH_SEND_DELAY] = b->worker.open_loop,
	};

	for (unsigned i = 0; i < BENCH_HISTOGRAMS; i++) {
		if (!filled[i])
			continue;
		shared_populate(b->histograms[i], sizeof(struct histogram));
		histogram_reset(b->histograms[i]);
	}
}

int bench_make(struct bench *b, char *why, size_t why_size)
{
	const struct fetch_options *o = b->options;
	struct worker *w = &b->worker;
	int err;

	w->wait = o->wait;
	w->stop = &b->shared->stop;
	w->choices = &o->choices;
	w->driver = &bench_driver;
	w->open_loop = o->rate != 0;
	if (w->open_loop)
		schedule_init(&b->schedule, (double)o->rate, o->arrivals == ARRIVALS_EXPONENTIAL,
			      o->seed ? o->seed : 1, w->index, o->workers);
	ready_histograms(b);
	err = make_tls(b, why, why_size);
	if (err)
		return err;
	open_counters(b);
	w->receive_buffer = aligned_alloc(4096, RECEIVE_SIZE);
	if (!w->receive_buffer || make_connections(b)) {
		snprintf(why, why_size,
			 "out of memory for a worker with its share of %" PRIu64 " connections",
			 o->connections);
		return -ENOMEM;
	}
	if (o->overlap == OVERLAP_THREAD) {
		w->idle = add_squares;
		w->idle_context = b;
		return sumsq_core_find("auto", &b->overlap_core, why, why_size);
	}
	return 0;
}

void bench_free(struct bench *b)
{
	struct worker *w = &b->worker;

	for (unsigned i = 0; w->connections && i < w->lanes * w->endpoints_count; i++) {
		tls_free(w->connections[i].tls);
		decoder_free(w->connections[i].decoder);
		free(w->connections[i].headers);
	}
	counters_close(&b->counters);
	tls_context_free(b->tls);
	free(w->connections);
	free(b->parked);
	free(w->receive_buffer);
}

void bench_run(struct bench *b, const struct model *model)
{
	bool first_here = b->worker.index == 0 || b->options->processes;

	if (first_here)
		b->scopes = model->kernel_helpers ? USAGE_HELPERS : USAGE_THREAD;
	if (b->worker.index == 0)
		b->scopes |= USAGE_HOST;
	b->now_ns = usage_now_ns();
	b->measure_from_ns = b->now_ns + b->options->warmup_ns;
	set_deadline(b, b->options->warmup_ns + b->options->duration_ns);
	if (b->options->warmup_ns == 0) {
		bench_measure_begin(b, 0);
		for (unsigned i = 0; i < b->worker.lanes; i++)
			b->lanes[i].from_ns = b->begin.at_ns;
	}
	if (b->worker.open_loop)
		schedule_start(&b->schedule, b->now_ns);
	b->model_error = model->run(&b->worker);
	if (b->phase == BENCH_WARMING)
		bench_measure_begin(b, 0); /* cut off before there was anything to measure */
	/* A model that broke off left its lanes where they were, as one that was stopped did. */
	if (worker_stopped(&b->worker) || bench_broke_off(b))
		b->unanswered = b->worker.in_flight - b->parked_count;
	measure_end(b);
}
