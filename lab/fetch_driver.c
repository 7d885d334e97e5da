/* Which fetch comes next: closed and open loop, fixed and shared work, redirects, time limits. */
#include "lab/fetch_bench.h"

/* Takes one fetch off what is left to be begun; false when there is none. */
static bool take(struct bench *b)
{
	if (b->left == 0)
		return false;
	b->left--;
	if (b->total == 0 || b->phase != BENCH_MEASURING)
		return true;

	uint64_t ticket = atomic_fetch_add_explicit(&b->shared->tickets, 1, memory_order_relaxed);

	if (ticket >= b->total) {
		b->left = 0;
		return false;
	}
	b->cursor = (unsigned)(ticket % b->targets->url_count);
	return true;
}

static const struct request *next_request(struct bench *b)
{
	const struct request *request = &b->targets->requests[b->cursor];

	if (++b->cursor == b->targets->url_count)
		b->cursor = 0;
	return request;
}

/*
 * The connection of c's lane that goes to the request's endpoint. One that is to be opened has the
 * clock read anew: the latest stamp may be from before all the lanes that were opened since, and
 * that is no time of this one's. On an open one the latest stamp is the completion just now.
 */
static struct connection *carrier_of(struct bench *b, struct connection *c,
				     const struct request *request)
{
	struct connection *carrier = c - c->index % b->worker.endpoints_count + request->endpoint;

	if (!carrier->open || carrier->peer_done) {
		b->now_ns = usage_now_ns();
		if (b->measure_from_ns == UINT64_MAX)
			bench_allow_grace(b); /* in prepare(): no other deadline is set yet */
	}
	return carrier;
}

static struct connection *carry(struct bench *b, struct connection *carrier,
				const struct request *request, uint64_t due_ns)
{
	connection_begin(carrier, request, b->references ? &b->references[request->index] : NULL);
	carrier->due_ns = due_ns;
	carrier->begun_ns = b->now_ns;
	carrier->connected_ns = 0;
	if (request->unresolved)
		connection_give_up(carrier, "resolve", request->unresolved);
	return carrier;
}

/* due_ns: 0 for now. */
static struct connection *begin(struct bench *b, struct connection *c, uint64_t due_ns)
{
	const struct request *request = next_request(b);
	struct bench_lane *lane = bench_lane(b, c);

	c = carrier_of(b, c, request);
	lane->begun_ns = b->now_ns;
	lane->asked = request;
	lane->hops = 0;
	lane->busy = true;
	return carry(b, c, request, due_ns ? due_ns : b->now_ns);
}

/* The fetch goes on elsewhere: it is due when it was. */
static struct connection *follow(struct bench *b, struct connection *c, struct bench_lane *lane)
{
	const struct request *request = lane->follow;
	uint64_t due_ns = c->due_ns;

	lane->follow = NULL;
	return carry(b, carrier_of(b, c, request), request, due_ns);
}

/* Open loop: no more fetches are to be begun. */
static bool schedule_over(const struct bench *b)
{
	return b->left == 0 || b->now_ns >= b->measure_until_ns;
}

static struct connection *begin_due(struct bench *b, struct connection *c)
{
	uint64_t due_ns = b->schedule.next_ns;

	take(b);
	schedule_advance(&b->schedule);
	b->due_ns = due_ns - b->schedule.start_ns;
	b->lag_ns = b->now_ns - due_ns;
	return begin(b, c, due_ns);
}

/* A lane is free: takes the fetch that has waited for one, or waits for the next to fall due. */
static struct connection *next_open(struct bench *b, struct connection *c)
{
	if (schedule_over(b)) {
		b->worker.in_flight--;
		return NULL;
	}
	if (b->schedule.next_ns <= b->now_ns)
		return begin_due(b, c);
	b->parked[b->parked_count++] = c->index / b->worker.endpoints_count;
	return NULL;
}

static struct connection *next(struct worker *w, struct connection *c)
{
	struct bench *b = bench_of_worker(w);
	struct bench_lane *lane = bench_lane(b, c);

	if (lane->follow)
		return follow(b, c, lane);
	if (w->open_loop)
		return next_open(b, c);
	if (!take(b)) {
		w->in_flight--;
		return NULL;
	}
	return begin(b, c, 0);
}

static struct connection *due(struct worker *w)
{
	struct bench *b = bench_of_worker(w);

	if (b->parked_count == 0)
		return NULL;
	b->now_ns = usage_now_ns();
	if (schedule_over(b)) {
		w->in_flight -= b->parked_count;
		b->parked_count = 0;
		return NULL;
	}
	if (b->schedule.next_ns > b->now_ns)
		return NULL;
	return begin_due(b, worker_lane(w, b->parked[--b->parked_count]));
}

static int64_t until_due_ns(struct worker *w)
{
	struct bench *b = bench_of_worker(w);
	uint64_t at_ns = b->schedule.next_ns;

	if (b->parked_count == 0)
		return -1;
	b->now_ns = usage_now_ns();
	if (at_ns > b->measure_until_ns)
		at_ns = b->measure_until_ns;
	return schedule_over(b) || at_ns <= b->now_ns ? 0 : (int64_t)(at_ns - b->now_ns);
}

static bool overdue(struct worker *w, struct connection *c)
{
	struct bench *b = bench_of_worker(w);
	const struct fetch_options *o = b->options;

	b->now_ns = usage_now_ns();
	if (o->max_time_ns && b->now_ns - bench_lane(b, c)->begun_ns > o->max_time_ns)
		connection_give_up(c, connection_phase(c), "not complete within --max-time");
	else if (o->connect_timeout_ns && !(c->open && c->ready) &&
		 b->now_ns - c->begun_ns > o->connect_timeout_ns)
		connection_give_up(c, connection_phase(c),
				   "no connection within --connect-timeout");
	else
		return false;
	return true;
}

static bool counted(struct worker *w, unsigned fetches, uint64_t bytes)
{
	struct bench *b = bench_of_worker(w);

	b->now_ns = usage_now_ns();
	if (b->phase == BENCH_MEASURING) {
		uint64_t taken = b->share - b->ended < fetches ? b->share - b->ended : fetches;

		b->ended += taken;
		b->completed += taken;
		b->received_bytes += fetches ? bytes / fetches * taken : 0;
		return b->now_ns < b->measure_until_ns && b->ended < b->share;
	}
	if (b->now_ns >= b->measure_from_ns)
		bench_measure_begin(b, 0);
	return true;
}

const struct driver bench_driver = {
	.next = next,
	.due = due,
	.until_due_ns = until_due_ns,
	.overdue = overdue,
	.counted = counted,
};
