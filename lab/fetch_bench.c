/* The hooks of a worker: see fetch_bench.h. bench_done() is the lab's own hot path. */
#include "lab/fetch_bench.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "kernels/sumsq/sumsq.h"
#include "lab/status.h"

/* Squares a slice of other work has: well below a microsecond where SIMD does it. */
#define OVERLAP_SLICE 4096

/* What unanswered fetches are waited for after the measured time is over. */
#define GRACE_NS UINT64_C(5000000000)

/* Bytes of a body that are compared with the first response's; beyond, only the length is. */
#define REFERENCE_SIZE ((size_t)1024 * 1024)

static struct bench *of_observer(struct observer *observer)
{
	return (struct bench *)((char *)observer - offsetof(struct bench, observer));
}

static struct bench *of_worker(struct worker *worker)
{
	return (struct bench *)((char *)worker - offsetof(struct bench, worker));
}

static void set_deadline(const struct bench *b, uint64_t from_now_ns)
{
	uint64_t us = (from_now_ns + GRACE_NS) / 1000;
	const struct itimerval timer = {.it_value = {.tv_sec = (time_t)(us / 1000000),
						     .tv_usec = (suseconds_t)(us % 1000000)},
					.it_interval = {.tv_usec = 10000}};

	/* One timer for the process; its signal sets the stop flag that all workers look at. */
	if (b->worker.index == 0 && b->options->duration_ns && !worker_stopped(&b->worker))
		setitimer(ITIMER_REAL, &timer, NULL);
}

/* in_flight: fetches begun before that will end in the interval. */
static void measure_begin(struct bench *b, unsigned in_flight)
{
	b->phase = BENCH_MEASURING;
	b->calls_begin = b->worker.calls;
	b->overlap_begin = b->overlap_elements;
	set_deadline(b, b->options->duration_ns);
	usage_begin(&b->begin, b->scopes);
	b->now_ns = b->begin.at_ns;
	if (b->options->duration_ns)
		b->measure_until_ns = b->now_ns + b->options->duration_ns;
	b->left = b->share > in_flight ? b->share - in_flight : 0;
}

static void measure_end(struct bench *b)
{
	b->phase = BENCH_OVER;
	usage_end(&b->end, b->scopes);
	b->calls_end = b->worker.calls;
	b->overlap_end = b->overlap_elements;
}

static void on_connected(struct observer *observer, struct connection *c)
{
	struct bench *b = of_observer(observer);

	b->now_ns = usage_now_ns();
	histogram_record(b->connect, b->now_ns - c->due_ns);
}

static void on_first_byte(struct observer *observer, struct connection *c)
{
	struct bench *b = of_observer(observer);

	b->now_ns = usage_now_ns();
	c->first_byte_ns = b->now_ns;
}

/*
 * A lane's own interval: from its first completion in the measured interval (or from the start,
 * where there was no warm-up) to its last. Both ends are completions, so that no part of a fetch
 * is counted, and a worker of many lanes is measured as many workers of one are.
 */
static void lane_ended(struct bench *b, const struct connection *c, bool good)
{
	struct bench_lane *lane = &b->lanes[c->index / b->worker.endpoints_count];

	if (lane->from_ns == 0) {
		lane->from_ns = b->now_ns;
		return;
	}
	lane->until_ns = b->now_ns;
	b->lane_completed += good;
}

/*
 * After a fetch that ended at b->now_ns. When the time is over no lane begins another one; those
 * in flight are waited for and count.
 */
static void turn_phase(struct bench *b)
{
	if (b->phase == BENCH_MEASURING && b->now_ns >= b->measure_until_ns)
		b->left = 0;
	else if (b->phase == BENCH_WARMING && b->now_ns >= b->measure_from_ns)
		measure_begin(b, b->worker.in_flight - 1);
}

/* Whether a fetch that ended now belongs to the measured ones; counts it. */
static bool measured(struct bench *b, const struct connection *c, bool good)
{
	if (b->phase != BENCH_MEASURING || b->ended >= b->share)
		return false;
	b->ended++;
	lane_ended(b, c, good);
	return true;
}

static void print_fetch(const struct connection *c)
{
	printf("Read Contents: %" PRIu64 ", Status Code: %u from %s\n", c->body_bytes, c->status,
	       c->request->url);
}

static void keep_failure(struct bench *b, const struct connection *c)
{
	char reason[256];

	if (c->failure_errno)
		snprintf(reason, sizeof(reason), "%s: %s", c->failure, strerror(c->failure_errno));
	else if (c->failure)
		snprintf(reason, sizeof(reason), "%s", c->failure);
	else
		snprintf(reason, sizeof(reason), "status %u", c->status);
	if (!b->options->benchmark)
		status_warn("%s: %s", c->request->url, reason);
	if (!b->first_failure[0])
		snprintf(b->first_failure, sizeof(b->first_failure), "%.200s: %s", c->request->url,
			 reason);
}

static void on_done(struct observer *observer, struct connection *c)
{
	struct bench *b = of_observer(observer);

	/* A response that came in one piece was stamped when its first byte was seen, just now. */
	if (!c->one_piece)
		b->now_ns = usage_now_ns();
	b->answered = true;
	b->last_body_bytes = c->body_bytes;
	/* A benchmark of an error page is none; a person wants to see the page's status. */
	if (c->status >= 400 && b->options->benchmark) {
		if (measured(b, c, false))
			b->errors++;
		keep_failure(b, c);
	} else if (measured(b, c, true)) {
		histogram_record(b->latency, b->now_ns - c->due_ns);
		histogram_record(b->first_byte, c->first_byte_ns - c->due_ns);
		b->completed++;
		b->received_bytes += c->received_bytes;
		b->body_bytes += c->body_bytes;
		if (!b->options->benchmark && !b->options->silent)
			print_fetch(c);
	}
	turn_phase(b);
}

static void on_failed(struct observer *observer, struct connection *c)
{
	struct bench *b = of_observer(observer);

	b->now_ns = usage_now_ns();
	keep_failure(b, c);
	/* Nothing ever answered: failing on until the time is over would measure nothing. */
	if (b->options->benchmark && !b->answered && ++b->refused >= b->worker.lanes) {
		if (b->phase == BENCH_WARMING)
			measure_begin(b, 0);
		b->left = 0;
	}
	if (measured(b, c, false))
		b->errors++;
	turn_phase(b);
}

static struct connection *next(struct worker *w, struct connection *c)
{
	struct bench *b = of_worker(w);
	const struct request *request = &b->targets->requests[b->cursor];
	struct connection *carrier;

	if (b->left == 0) {
		w->in_flight--;
		return NULL;
	}
	b->left--;
	if (++b->cursor == b->targets->request_count)
		b->cursor = 0;
	carrier = c - c->index % w->endpoints_count + request->endpoint;
	connection_begin(carrier, request, &b->references[request->index]);
	carrier->due_ns = b->now_ns;
	return carrier;
}

static bool counted(struct worker *w, unsigned fetches, uint64_t bytes)
{
	struct bench *b = of_worker(w);

	b->now_ns = usage_now_ns();
	if (b->phase == BENCH_MEASURING) {
		uint64_t taken = b->share - b->ended < fetches ? b->share - b->ended : fetches;

		b->ended += taken;
		b->completed += taken;
		b->received_bytes += fetches ? bytes / fetches * taken : 0;
		return b->now_ns < b->measure_until_ns && b->ended < b->share;
	}
	if (b->now_ns >= b->measure_from_ns)
		measure_begin(b, 0);
	return true;
}

static void add_squares(void *context)
{
	struct bench *b = context;

	/* The sum goes through memory that the compiler must assume is read: it is computed. */
	volatile sumsq_total sum = b->overlap_core->sum(0, OVERLAP_SLICE);

	(void)sum;
	b->overlap_elements += OVERLAP_SLICE;
}

static int make_connections(struct bench *b, unsigned lanes)
{
	struct worker *w = &b->worker;
	unsigned count = lanes * b->targets->endpoint_count;

	w->lanes = lanes;
	w->in_flight = lanes;
	w->endpoints = b->targets->endpoints;
	w->endpoints_count = b->targets->endpoint_count;
	w->connections = aligned_alloc(64, count * sizeof(struct connection));
	b->lanes = calloc(lanes, sizeof(*b->lanes));
	if (!w->connections || !b->lanes)
		return -ENOMEM;
	for (unsigned i = 0; i < count; i++)
		connection_init(&w->connections[i], i, &b->observer);
	return 0;
}

static int make_references(struct bench *b)
{
	b->references = calloc(b->targets->request_count, sizeof(*b->references));
	if (!b->references)
		return -ENOMEM;
	for (unsigned i = 0; i < b->targets->request_count; i++) {
		/* Untouched pages cost nothing: most bodies are far smaller. */
		b->references[i].bytes = malloc(REFERENCE_SIZE);
		b->references[i].capacity = REFERENCE_SIZE;
		if (!b->references[i].bytes)
			return -ENOMEM;
	}
	return 0;
}

/* Worker `index` of `workers` gets an equal share of `total`, the first ones one more. */
static uint64_t share_of(uint64_t total, uint64_t workers, unsigned index)
{
	return total / workers + (index < total % workers);
}

int bench_make(struct bench *b, unsigned index, const struct fetch_options *o,
	       const struct fetch_targets *targets, const atomic_bool *stop, char *why,
	       size_t why_size)
{
	static const struct driver driver = {.next = next, .counted = counted};
	struct worker *w = &b->worker;
	/* With both, whichever ends first. */
	uint64_t total = o->requests ? o->requests : o->repeat * targets->request_count;

	memset(b, 0, sizeof(*b));
	b->observer = (struct observer){.connected = on_connected,
					.first_byte = on_first_byte,
					.done = on_done,
					.failed = on_failed};
	b->options = o;
	b->targets = targets;
	/* Until the clock starts every fetch is warm-up: a model may make some in prepare(). */
	b->left = UINT64_MAX;
	b->measure_from_ns = UINT64_MAX;
	b->measure_until_ns = UINT64_MAX;
	b->share = o->duration_ns && !o->requests ? UINT64_MAX : share_of(total, o->workers, index);
	b->cursor = index % targets->request_count;
	w->index = index;
	w->wait = o->wait;
	w->stop = stop;
	w->choices = &o->choices;
	w->driver = &driver;
	b->latency = histogram_new();
	b->first_byte = histogram_new();
	b->connect = histogram_new();
	w->receive_buffer = aligned_alloc(4096, RECEIVE_SIZE);
	if (!b->latency || !b->first_byte || !b->connect || !w->receive_buffer ||
	    make_references(b) ||
	    make_connections(b, (unsigned)share_of(o->connections, o->workers, index))) {
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

void bench_release(struct bench *b)
{
	for (unsigned i = 0; b->references && i < b->targets->request_count; i++)
		free(b->references[i].bytes);
	free(b->references);
	free(b->worker.connections);
	free(b->lanes);
	free(b->worker.receive_buffer);
	free(b->latency);
	free(b->first_byte);
	free(b->connect);
}

void bench_run(struct bench *b, const struct model *model)
{
	if (b->worker.index == 0)
		b->scopes = USAGE_HOST | (model->kernel_helpers ? USAGE_HELPERS : USAGE_THREAD);
	b->now_ns = usage_now_ns();
	b->measure_from_ns = b->now_ns + b->options->warmup_ns;
	set_deadline(b, b->options->warmup_ns + b->options->duration_ns);
	if (b->options->warmup_ns == 0) {
		measure_begin(b, 0);
		for (unsigned i = 0; i < b->worker.lanes; i++)
			b->lanes[i].from_ns = b->begin.at_ns;
	}
	b->model_error = model->run(&b->worker);
	if (b->phase == BENCH_WARMING)
		measure_begin(b, 0); /* cut off before there was anything to measure */
	b->unanswered = atomic_load(b->worker.stop) ? b->worker.in_flight : 0;
	measure_end(b);
}
