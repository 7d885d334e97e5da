/*
 * Models under a driver of the test's own, over real sockets to the embedded origin: fetches that
 * fall due by a schedule, fetches that have had their time, and descriptors that run out. What
 * the executables show of a model is in test_run_fetch.c and test_readiness_models.c.
 */
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>
#include <cmocka.h>

#include "kernels/fetch/models.h"
#include "tests/peer.h"

#define LANES 4

/* A worker and its driver: `total` fetches, of which the first `slow` are never answered in time. */
struct rig {
	struct worker worker; /* first: the driver finds the rest by it */
	struct observer observer;
	struct connection *connections;
	struct endpoint endpoint;
	struct request fast, slow;
	const struct model *model;
	unsigned total, slow_ones;
	uint64_t from_ns, gap_ns; /* open loop: when the first is due, and between two */

	unsigned begun, done, failed, over;
	bool busy[LANES];
	char why[256];
};

static struct child origin;
static unsigned port;
static atomic_bool stop;
static struct rig *ticked;

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static struct rig *of_observer(struct observer *observer)
{
	return (struct rig *)((char *)observer - offsetof(struct rig, observer));
}

static void on_nothing(struct observer *observer, struct connection *c)
{
	(void)observer;
	(void)c;
}

static void on_done(struct observer *observer, struct connection *c)
{
	assert_int_equal(c->status, 200);
	assert_int_equal(c->body_bytes, 24);
	of_observer(observer)->done++;
}

static void on_failed(struct observer *observer, struct connection *c)
{
	assert_string_equal(c->failure, "it had its time");
	of_observer(observer)->failed++;
}

static unsigned busy_lanes(const struct rig *r)
{
	unsigned count = 0;

	for (unsigned lane = 0; lane < LANES; lane++)
		count += r->busy[lane];
	return count;
}

static struct connection *begin(struct rig *r, struct connection *c)
{
	connection_begin(c, r->begun < r->slow_ones ? &r->slow : &r->fast, NULL);
	r->begun++;
	r->busy[c->index] = true;
	return c;
}

static bool is_due(const struct rig *r)
{
	return r->begun < r->total &&
	       (!r->worker.open_loop || now_ns() >= r->from_ns + r->begun * r->gap_ns);
}

static struct connection *next(struct worker *w, struct connection *c)
{
	struct rig *r = (struct rig *)w;

	r->busy[c->index] = false;
	if (is_due(r))
		return begin(r, c);
	w->in_flight = w->open_loop && r->begun < r->total ? LANES : busy_lanes(r);
	return NULL;
}

static struct connection *due(struct worker *w)
{
	struct rig *r = (struct rig *)w;

	for (unsigned lane = 0; lane < LANES && is_due(r); lane++)
		if (!r->busy[lane])
			return begin(r, &r->connections[lane]);
	return NULL;
}

static int64_t until_due_ns(struct worker *w)
{
	struct rig *r = (struct rig *)w;
	uint64_t due_ns = r->from_ns + r->begun * r->gap_ns;
	uint64_t now = now_ns();

	if (r->begun == r->total || busy_lanes(r) == LANES)
		return -1;
	return due_ns > now ? (int64_t)(due_ns - now) : 0;
}

static bool overdue(struct worker *w, struct connection *c)
{
	struct rig *r = (struct rig *)w;

	if (c->request != &r->slow)
		return false;
	connection_give_up(c, "it had its time", NULL);
	r->over++;
	return true;
}

static void on_alarm(int signal)
{
	(void)signal;
	atomic_store(&ticked->worker.tick, true);
}

static void make_request(struct request *request, const char *path)
{
	struct url url;
	char text[64], why[256];

	snprintf(text, sizeof(text), "http://127.0.0.1:%u%s", port, path);
	assert_int_equal(url_parse(text, &url, why, sizeof(why)), 0);
	memset(request, 0, sizeof(*request));
	request->url = "http://127.0.0.1/";
	assert_int_equal(
		request_build(&url, &(struct request_options){.user_agent = "test"}, request), 0);
}

static void rig_make(struct rig *r, const char *model, enum wait_mode wait)
{
	static const struct driver driver = {
		.next = next, .due = due, .until_due_ns = until_due_ns, .overdue = overdue};
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_port = htons((uint16_t)port),
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	memset(r, 0, sizeof(*r));
	r->model = models_find(model);
	assert_non_null(r->model);
	r->observer = (struct observer){.connected = on_nothing,
					.first_byte = on_nothing,
					.done = on_done,
					.failed = on_failed};
	memcpy(&r->endpoint.address, &address, sizeof(address));
	r->endpoint.address_length = sizeof(address);
	make_request(&r->fast, "/");
	make_request(&r->slow, "/delay/10s");
	r->connections = aligned_alloc(64, LANES * sizeof(*r->connections));
	assert_non_null(r->connections);
	for (unsigned i = 0; i < LANES; i++)
		connection_init(&r->connections[i], i, &r->observer);
	r->worker.lanes = LANES;
	r->worker.in_flight = LANES;
	r->worker.endpoints = &r->endpoint;
	r->worker.endpoints_count = 1;
	r->worker.connections = r->connections;
	r->worker.wait = wait;
	r->worker.stop = &stop;
	r->worker.driver = &driver;
	r->worker.receive_buffer = malloc(RECEIVE_SIZE);
	assert_non_null(r->worker.receive_buffer);
}

static void rig_prepare(struct rig *r)
{
	if (r->model->prepare(&r->worker, r->why, sizeof(r->why)))
		fail_msg("%s: %s", r->model->name, r->why);
}

static void rig_release(struct rig *r)
{
	r->model->release(&r->worker);
	request_release(&r->fast);
	request_release(&r->slow);
	free(r->connections);
	free(r->worker.receive_buffer);
}

static unsigned open_descriptors(void)
{
	DIR *folder = opendir("/proc/self/fd");
	unsigned count = 0;

	assert_non_null(folder);
	while (readdir(folder))
		count++;
	closedir(folder);
	return count;
}

/* What readiness models there are, and how they may wait; NULL at the end. */
static const struct {
	const char *model, *variant;
	enum wait_mode wait;
} rows[] = {
	{"nonblocking", NULL, WAIT_SPIN}, {"select", NULL, WAIT_BLOCK},
	{"select", NULL, WAIT_SPIN},	  {"poll", NULL, WAIT_BLOCK},
	{"poll", NULL, WAIT_SPIN},	  {"epoll", NULL, WAIT_BLOCK},
	{"epoll", NULL, WAIT_SPIN},	  {"epoll", "level", WAIT_BLOCK},
	{"none", NULL, WAIT_BLOCK},
};

static struct model_choices choices;

/* Without the lab's parser: one choice by its name. */
static void choose(struct rig *r, const char *name)
{
	const struct model_option *o = r->model->options;

	choices.count = 0;
	while (name && strcmp(o->name, name) != 0)
		o++;
	if (name)
		choices.list[choices.count++].option = o;
	r->worker.choices = &choices;
}

/* Forty fetches, one due each millisecond, on four lanes that are mostly free. */
static void open_loop(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unsigned open = open_descriptors();
		struct rig r;

		rig_make(&r, rows[i].model, rows[i].wait);
		choose(&r, rows[i].variant);
		r.worker.open_loop = true;
		r.total = 40;
		r.gap_ns = 1000000;
		rig_prepare(&r);
		r.from_ns = now_ns();
		assert_int_equal(r.model->run(&r.worker), 0);
		assert_true(now_ns() >= r.from_ns + 39 * r.gap_ns);
		assert_int_equal(r.done, 40);
		assert_int_equal(r.worker.in_flight, 0);
		/* Who sleeps until the next is due makes a few calls a fetch, and no more. */
		if (rows[i].wait == WAIT_BLOCK &&
		    (r.worker.calls.total == 0 || r.worker.calls.total > 40 * 8))
			fail_msg("%s: %" PRIu64 " calls", rows[i].model, r.worker.calls.total);
		rig_release(&r);
		assert_int_equal(open_descriptors(), open);
	}
}

/* All lanes wait for an answer that does not come; a tick ends that, and they go on. */
static void ticks(void **state)
{
	const struct itimerval every = {.it_value = {.tv_usec = 20000},
					.it_interval = {.tv_usec = 20000}};
	const struct itimerval never = {.it_value = {.tv_sec = 0}};
	struct sigaction action = {.sa_handler = on_alarm};

	(void)state;
	sigaction(SIGALRM, &action, NULL);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unsigned open = open_descriptors();
		struct rig r;

		if (strcmp(rows[i].model, "none") == 0)
			continue; /* every answer is there at once */
		rig_make(&r, rows[i].model, rows[i].wait);
		choose(&r, rows[i].variant);
		r.slow_ones = LANES;
		r.total = 3 * LANES;
		rig_prepare(&r);
		ticked = &r;
		setitimer(ITIMER_REAL, &every, NULL);
		assert_int_equal(r.model->run(&r.worker), 0);
		setitimer(ITIMER_REAL, &never, NULL);
		assert_int_equal(r.over, LANES);
		assert_int_equal(r.failed, LANES);
		assert_int_equal(r.done, 2 * LANES);
		rig_release(&r);
		assert_int_equal(open_descriptors(), open);
	}
}

/* The stop flag ends a run with fetches under way. */
static void on_stop(int signal)
{
	(void)signal;
	atomic_store(&stop, true);
}

static void stopped(void **state)
{
	const struct itimerval every = {.it_value = {.tv_usec = 20000},
					.it_interval = {.tv_usec = 20000}};
	const struct itimerval never = {.it_value = {.tv_sec = 0}};
	struct sigaction action = {.sa_handler = on_stop};

	(void)state;
	sigaction(SIGALRM, &action, NULL);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rig r;

		if (strcmp(rows[i].model, "none") == 0)
			continue;
		rig_make(&r, rows[i].model, rows[i].wait);
		choose(&r, rows[i].variant);
		r.slow_ones = LANES;
		r.total = LANES;
		rig_prepare(&r);
		atomic_store(&stop, false);
		setitimer(ITIMER_REAL, &every, NULL);
		assert_int_equal(r.model->run(&r.worker), 0);
		setitimer(ITIMER_REAL, &never, NULL);
		assert_int_equal(r.done + r.failed, 0);
		rig_release(&r);
	}
	atomic_store(&stop, false);
}

/* Descriptors that were free when select looked and are gone when it connects. */
static void select_runs_out(void **state)
{
	struct rlimit limit;
	int taken[FD_SETSIZE];
	unsigned count = 0;
	struct rig r;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	if (limit.rlim_max < FD_SETSIZE + 64) {
		print_message("skipped: the limit of descriptors is below FD_SETSIZE\n");
		skip();
	}
	limit.rlim_cur = limit.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	rig_make(&r, "select", WAIT_BLOCK);
	r.total = 100;
	rig_prepare(&r);
	/* Two of the four lanes still find one. */
	while ((taken[count] = fcntl(0, F_DUPFD_CLOEXEC, 0)) < FD_SETSIZE - 3)
		count++;
	assert_true(r.model->run(&r.worker) < 0);
	assert_non_null(r.worker.unable);
	assert_non_null(strstr(r.worker.unable, "FD_SETSIZE, 1024,"));
	assert_int_equal(r.failed, 0);
	rig_release(&r);

	/* And when they are gone before: prepare() says so, with the figures. */
	rig_make(&r, "select", WAIT_BLOCK);
	assert_int_equal(r.model->prepare(&r.worker, r.why, sizeof(r.why)), -EMFILE);
	assert_non_null(strstr(r.why, "FD_SETSIZE, 1024, of which 2 are free"));
	assert_non_null(strstr(r.why, " 4 connections"));
	rig_release(&r);
	for (unsigned i = 0; i <= count; i++)
		close(taken[i]);

	/* What a refused worker had promised is given back. */
	rig_make(&r, "select", WAIT_BLOCK);
	r.total = 8;
	rig_prepare(&r);
	assert_int_equal(r.model->run(&r.worker), 0);
	assert_int_equal(r.done, 8);
	rig_release(&r);
}

/* A handshake needs somebody at the other end. */
static void none_has_no_tls(void **state)
{
	struct rig r;

	(void)state;
	rig_make(&r, "none", WAIT_BLOCK);
	r.slow_ones = r.total = 8;
	r.slow.url = "HTTPS://127.0.0.1/";
	rig_prepare(&r);
	assert_int_equal(r.model->run(&r.worker), -ENOTSUP);
	assert_string_equal(r.worker.unable, "none does no I/O, and so no TLS");
	assert_int_equal(r.done + r.failed, 0);
	rig_release(&r);
}

static int start(void **state)
{
	(void)state;
	port = peer_origin(&origin, NULL);
	return 0;
}

static int end(void **state)
{
	(void)state;
	peer_origin_end(&origin);
	child_free(&origin);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(open_loop),	   cmocka_unit_test(ticks),
		cmocka_unit_test(stopped),	   cmocka_unit_test(select_runs_out),
		cmocka_unit_test(none_has_no_tls),
	};

	return cmocka_run_group_tests(tests, start, end);
}
