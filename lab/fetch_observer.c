/* What is stamped, counted and printed as fetches go by. on_done() is the lab's own hot path. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kernels/protocol/headers.h"
#include "lab/fetch_bench.h"
#include "lab/status.h"

static void on_connected(struct observer *observer, struct connection *c)
{
	struct bench *b = bench_of_observer(observer);

	b->now_ns = usage_now_ns();
	c->connected_ns = b->now_ns;
	histogram_record(b->histograms[BENCH_CONNECT], b->now_ns - c->begun_ns);
}

static void on_secured(struct observer *observer, struct connection *c)
{
	struct bench *b = bench_of_observer(observer);

	b->now_ns = usage_now_ns();
	c->secured_ns = b->now_ns;
	histogram_record(b->histograms[BENCH_TLS], b->now_ns - c->connected_ns);
	b->handshakes++;
	b->resumed += tls_was_resumed(c->tls);
	if (!b->tls_version) {
		b->tls_version = tls_version(c->tls);
		b->tls_cipher = tls_cipher(c->tls);
	}
}

static void on_first_byte(struct observer *observer, struct connection *c)
{
	struct bench *b = bench_of_observer(observer);

	b->now_ns = usage_now_ns();
	c->first_byte_ns = b->now_ns;
}

/*
 * A lane's own interval: from its first completion in the measured interval (or from the start,
 * where there was no warm-up) to its last. Both ends are completions, so that no part of a fetch
 * is counted, and a worker of many lanes is measured as many workers of one are.
 */
static void lane_ended(struct bench *b, struct bench_lane *lane, bool good)
{
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
static void turn_phase(struct bench *b, struct bench_lane *lane)
{
	/* In an open loop what is left is still to be counted; its schedule ends by itself. */
	if (b->phase == BENCH_MEASURING && b->now_ns >= b->measure_until_ns && !b->worker.open_loop)
		b->left = 0;
	else if (b->phase == BENCH_WARMING && b->now_ns >= b->measure_from_ns) {
		bench_measure_begin(b, b->worker.in_flight - b->parked_count - 1);
		lane->from_ns = b->now_ns;
	}
}

/* Whether a fetch that ended now belongs to the measured ones; counts it. */
static bool measured(struct bench *b, struct bench_lane *lane, bool good)
{
	lane->busy = false;
	if (b->phase != BENCH_MEASURING || b->ended >= b->share)
		return false;
	b->ended++;
	lane_ended(b, lane, good);
	return true;
}

/* Which session served it is a person's question; a worker is one. */
static void print_fetch(const struct bench *b, const struct bench_lane *lane,
			const struct connection *c)
{
	char session[64] = "";

	if (b->options->processes)
		snprintf(session, sizeof(session), "Process-%u (%d): ", b->worker.index + 1,
			 (int)getpid());
	else if (b->options->workers > 1)
		snprintf(session, sizeof(session), "Session %u (thread %d): ", b->worker.index + 1,
			 (int)gettid());
	printf("%sRead Contents: %" PRIu64 ", Status Code: %u from %s\n", session, c->body_bytes,
	       c->status, lane->asked->url);
}

static void keep_failure(struct bench *b, const struct bench_lane *lane, const struct connection *c)
{
	char reason[300];

	if (c->failure_errno)
		snprintf(reason, sizeof(reason), "%s: %s", c->failure, strerror(c->failure_errno));
	else if (c->failure_detail)
		snprintf(reason, sizeof(reason), "%s: %s", c->failure, c->failure_detail);
	else if (c->failure)
		snprintf(reason, sizeof(reason), "%s", c->failure);
	else
		snprintf(reason, sizeof(reason), "status %u", c->status);
	if (!b->options->benchmark)
		status_warn("%s: %s", lane->asked->url, reason);
	if (!b->first_failure[0])
		snprintf(b->first_failure, sizeof(b->first_failure), "%.200s: %s", lane->asked->url,
			 reason);
}

static void keep_sample(struct bench *b, const struct bench_lane *lane, const struct connection *c,
			const char *failure)
{
	struct sample *s = samples_take(&b->samples);

	if (!s)
		return;
	*s = (struct sample){
		.due_ns = c->due_ns,
		.begun_ns = lane->begun_ns,
		.connect_ns = c->connected_ns ? c->connected_ns - c->begun_ns : 0,
		.tls_ns =
			c->connected_ns && c->ready && c->tls ? c->secured_ns - c->connected_ns : 0,
		.first_byte_ns = c->got_bytes ? c->first_byte_ns : 0,
		.ended_ns = b->now_ns,
		.body_bytes = c->body_bytes,
		.failure = failure,
		.request = lane->asked->index,
		.connection = c->index,
		.status = c->got_bytes ? c->status : 0,
		.worker = (uint16_t)b->worker.index,
	};
}

void bench_unanswered(struct bench *b, struct bench_lane *lane, struct connection *c)
{
	c->failure = connection_phase(c);
	c->failure_detail = bench_broke_off(b) ? "not complete when the run was cut off"
					       : "not complete when the run's time was over";
	c->failure_errno = 0;
	b->now_ns = b->end.at_ns;
	b->received_bytes += c->received_bytes;
	/* Where the model says what broke down, these failed of that. */
	if (b->options->benchmark && !b->worker.broken && !b->worker.unable)
		keep_failure(b, lane, c);
	if (b->options->samples)
		keep_sample(b, lane, c, c->failure_detail);
}

/* Open loop: how far the fetch was behind its schedule, and what hides that. */
static void record_delay(struct bench *b, const struct bench_lane *lane, const struct connection *c)
{
	uint64_t delay_ns = lane->begun_ns - c->due_ns;

	histogram_record(b->histograms[BENCH_UNCORRECTED], b->now_ns - lane->begun_ns);
	histogram_record(b->histograms[BENCH_SEND_DELAY], delay_ns);
	b->late += delay_ns > BENCH_LATE_NS;
}

static void record_good(struct bench *b, const struct bench_lane *lane, const struct connection *c)
{
	histogram_record(b->histograms[BENCH_LATENCY], b->now_ns - c->due_ns);
	histogram_record(b->histograms[BENCH_FIRST_BYTE], c->first_byte_ns - lane->begun_ns);
	if (b->worker.open_loop)
		record_delay(b, lane, c);
	if (b->options->samples)
		keep_sample(b, lane, c, NULL);
	b->completed++;
	b->received_bytes += c->received_bytes;
	b->body_bytes += c->body_bytes;
	if (!b->options->benchmark && !b->options->silent)
		print_fetch(b, lane, c);
}

static void record_bad(struct bench *b, struct bench_lane *lane, struct connection *c)
{
	keep_failure(b, lane, c);
	if (!measured(b, lane, false))
		return;
	b->errors++;
	b->received_bytes += c->received_bytes;
	if (b->options->samples)
		keep_sample(b, lane, c, c->failure ? c->failure : "status");
}

/*
 * Whether the fetch goes on at the place that the response names. Where that is was found out
 * before the clock started: a server that now names another place is a failure.
 */
static bool redirected(struct bench *b, struct bench_lane *lane, struct connection *c)
{
	const struct request *from = c->request;

	const struct headers *headers = c->headers;

	if (!b->options->location || !headers || !headers->locations)
		return false;
	c->failure = "redirect";
	if (!from->location || strlen(from->location) != headers->location_length ||
	    memcmp(headers->location, from->location, headers->location_length) != 0) {
		c->failure_detail = "to another place than before the run";
	} else if (!from->redirect) {
		c->failure_detail = from->redirect_failure;
	} else if (++lane->hops > b->options->redirects_max) {
		c->failure_detail = "more than --max-redirs";
	} else {
		c->failure = NULL;
		lane->follow = from->redirect;
		if (b->phase == BENCH_MEASURING)
			b->received_bytes += c->received_bytes;
		return true;
	}
	return false;
}

static void on_done(struct observer *observer, struct connection *c)
{
	struct bench *b = bench_of_observer(observer);
	struct bench_lane *lane = bench_lane(b, c);

	/* A response that came in one piece was stamped when its first byte was seen, just now. */
	if (!c->one_piece || c->coded)
		b->now_ns = usage_now_ns();
	b->answered = true;
	b->last_body_bytes = c->body_bytes;
	if (c->status / 100 == 3 && redirected(b, lane, c))
		return;
	/* A benchmark of an error page is none; a person wants to see the page's status. */
	if (c->failure || (c->status >= 400 && b->options->benchmark))
		record_bad(b, lane, c);
	else if (measured(b, lane, true))
		record_good(b, lane, c);
	turn_phase(b, lane);
}

static void on_failed(struct observer *observer, struct connection *c)
{
	struct bench *b = bench_of_observer(observer);

	b->now_ns = usage_now_ns();
	/*
	 * Nothing ever answered, of none of the URLs: failing on until the time is over would
	 * measure nothing.
	 */
	if (b->options->benchmark && !b->answered &&
	    ++b->refused >= (uint64_t)b->worker.lanes * b->targets->url_count) {
		if (b->phase == BENCH_WARMING)
			bench_measure_begin(b, 0);
		b->left = 0;
	}
	record_bad(b, bench_lane(b, c), c);
	turn_phase(b, bench_lane(b, c));
}

const struct observer bench_observer = {
	.connected = on_connected,
	.secured = on_secured,
	.first_byte = on_first_byte,
	.done = on_done,
	.failed = on_failed,
};
