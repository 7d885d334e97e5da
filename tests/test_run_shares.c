/*
 * Plans whose figures come from before or from elsewhere: rates as shares of a measured capacity,
 * also after a resume, and an origin that runs already; and the reports of the newer plans, run
 * for real but shortly.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "results/record.h"
#include "results/statistics.h"
#include "tests/child.h"
#include "tests/serving.h"

#define LIMIT_MS 120000

static char run[512]; /* the folder of the last run */

static void write_plan(const char *text)
{
	serving_put("small.ini", text, strlen(text));
}

/* Runs the plan; its status. */
static int iolab(struct child *child, const char *text)
{
	const char *const argv[] = {
		child_program("iolab"),	   "run", "--results", serving_path("runs"),
		serving_path("small.ini"), NULL};
	const char *at;
	int status;

	write_plan(text);
	child_start(child, argv);
	status = child_wait(child, LIMIT_MS);
	at = strstr(child->out.text, "Written to ");
	if (at)
		snprintf(run, sizeof(run), "%.*s", (int)strcspn(at + 11, ":"), at + 11);
	return status;
}

static void says(const struct child *child, const char *part)
{
	if (!strstr(child->out.text, part))
		fail_msg("'%s' is not in:\n%s\n%s", part, child->out.text, child->err.text);
}

static size_t read_rows(const char *name, struct record **rows)
{
	char path[600], why[512];
	size_t count;
	bool cut;

	snprintf(path, sizeof(path), "%s/%s", run, name);
	if (record_read_csv(path, rows, &count, &cut, why, sizeof(why)))
		fail_msg("%s", why);
	return count;
}

#define LATENCY                                                                                    \
	"[experiment]\nblocks = 2\nreport = latency\nread = Look here.\n"                          \
	"[fetch f]\nmodel = epoll, uring\nrate = 20%, 40%, 60%\narrivals = exponential\n"          \
	"connections = 4\nduration = 50ms\nbaseline = model=epoll\n"

/* The median of the capacities of a model: they are three. */
static double capacity_of(const struct record *rows, size_t count, const char *model)
{
	double values[3];
	size_t used = 0;

	for (size_t i = 0; i < count; i++) {
		if (strcmp(record_text(&rows[i], COLUMN_model), model) != 0)
			continue;
		assert_string_equal(record_text(&rows[i], COLUMN_role), "calibration");
		assert_false(rows[i].values[COLUMN_rate_rps].present);
		assert_true(used < 3);
		values[used++] = record_number(&rows[i], COLUMN_throughput_rps);
	}
	assert_int_equal(used, 3);
	statistics_sort(values, 3);
	return values[1];
}

/* All rows of the run have the rates that the capacities make them have. */
static void check_rates(size_t expected)
{
	struct record *capacities, *rows;
	size_t capacity_count = read_rows("capacity.csv", &capacities);
	size_t count = read_rows("fetch.csv", &rows);

	assert_int_equal(capacity_count, 6);
	assert_int_equal(count, expected);
	for (size_t i = 0; i < count; i++) {
		const char *model = record_text(&rows[i], COLUMN_model);
		double rate = record_number(&rows[i], COLUMN_rate_rps);
		double share = record_number(&rows[i], COLUMN_rate_share);
		double whole = share * capacity_of(capacities, capacity_count, model);

		assert_true(share == 0.2 || share == 0.4 || share == 0.6);
		assert_true(rate <= whole + 1e-6 && rate > whole - 1);
		assert_string_equal(record_text(&rows[i], COLUMN_origin), "lab");
	}
	record_free_all(capacities, capacity_count);
	record_free_all(rows, count);
}

static void rates_of_a_capacity(void **state)
{
	struct child child;

	(void)state;
	if (iolab(&child, LATENCY) != 0)
		fail_msg("%s", child.err.text);
	says(&child, "\nLook here.\n\nepoll: 4 connections, /");
	says(&child, "The knee is at ");
	says(&child, "Saturation: ");
	says(&child, ", against that of epoll\n  uring: ");
	says(&child, "2 blocks cannot decide");
	says(&child, " capacity.csv ");
	child_free(&child);
	check_rates(2 * 9);
}

/* Cut short anywhere, the run goes on with the capacities that it has, and measures no more. */
static void resumed(void **state)
{
	const char *const argv[] = {child_program("iolab"), "run", "--resume", run, NULL};
	char command[1400];
	struct child child;

	(void)state;
	if (iolab(&child, LATENCY) != 0)
		fail_msg("%s", child.err.text);
	child_free(&child);
	/* As if killed in the first block: its first rows are there, the capacities all. */
	snprintf(command, sizeof(command),
		 "cd %s && cp capacity.csv kept.csv && head -4 fetch.csv > f && mv f fetch.csv",
		 run);
	assert_int_equal(system(command), 0);
	assert_int_equal(child_run(&child, argv), 0);
	child_free(&child);
	check_rates(2 * 9);
	snprintf(command, sizeof(command), "cmp %s/capacity.csv %s/kept.csv", run, run);
	assert_int_equal(system(command), 0);
	/* As if killed while capacities were measured: the missing ones are, the others stay. */
	snprintf(command, sizeof(command),
		 "cd %s && rm fetch.csv && head -3 kept.csv > capacity.csv", run);
	assert_int_equal(system(command), 0);
	assert_int_equal(child_run(&child, argv), 0);
	child_free(&child);
	check_rates(2 * 9);
	snprintf(command, sizeof(command),
		 "cd %s && head -3 capacity.csv > a && head -3 kept.csv | cmp - a", run);
	assert_int_equal(system(command), 0);
}

/* Without a capacity there is no rate: the cells say so, and the others run. */
static void no_capacity(void **state)
{
	struct child child;
	struct record *rows;
	size_t count;

	(void)state;
	assert_int_equal(iolab(&child, "[experiment]\nblocks = 1\nreport = latency\n"
				       "[fetch f]\nmodel = epoll\nrate = 50%, 1000\n"
				       "connections = 2\nduration = 30ms\npath = /fault/reset\n"),
			 1);
	assert_non_null(strstr(child.err.text,
			       "f/50%: its rate is a share of a capacity that could "
			       "not be measured"));
	child_free(&child);
	count = read_rows("fetch.csv", &rows);
	assert_int_equal(count, 3);
	for (size_t i = 0; i < count; i++)
		if (strcmp(record_text(&rows[i], COLUMN_cell), "f/50%") == 0)
			assert_string_equal(record_text(&rows[i], COLUMN_flags),
					    "failed no-capacity");
	record_free_all(rows, count);
}

static void other_reports(void **state)
{
	static const struct {
		const char *plan, *says[4];
	} rows[] = {
		{"[experiment]\nblocks = 2\nreport = cells\n[fetch f]\nmodel = uring, epoll\n"
		 "uring = plain, \"defer,fixed\"\nduration = 20ms\nbaseline = uring=plain\n",
		 {"1 connection, no origin latency, bodies of 24 B\n", "uring/defer,fixed",
		  "(baseline)", "throughput: 2 comparisons"}},
		{"[experiment]\nblocks = 2\nreport = cells\n[fetch f]\nmodel = epoll\n"
		 "wait = block, spin\nrate = 500\noverlap = none, thread, core\nduration = 30ms\n"
		 "baseline = epoll/block\n[sumsq alone]\nmodel = serial\nduration = 20ms\n",
		 {"offered 500 /s, overlap core\n", "latency p99", "Left for other work\n",
		  "of a core"}},
		{"[experiment]\nblocks = 2\nreport = scaling\n[sumsq s]\nmodel = threads\n"
		 "workers = 1, 2, 3\nplace = spread\nduration = 20ms\n"
		 "baseline = workers=1\n[fetch f]\nmodel = epoll\nthreads = 1, 2\nconnections = 4\n"
		 "cpus = {clients}\nduration = 20ms\n",
		 {"threads, adding squares, spread: medians of 2 blocks", "three counts for three",
		  "it needs three worker counts at least, and there are 2",
		  "squares/s: 3 comparisons; noise floor "}},
		{"[experiment]\nblocks = 2\nreport = regimes\n[fetch f]\n"
		 "model = blocking, nonblocking, epoll\nlatency = 0, 1ms\nconnections = 1, 4\n"
		 "duration = 20ms\nbaseline = model=epoll\n",
		 {"Who fetches most a second\n  origin latency  1 connection         4 connections",
		  "Who needs least CPU per fetch", "fast and few (latency none, 1 connection), by",
		  "slow and many (latency 1.00 ms, 4 connections), by CPU per fetch: it "}},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct child child;

		if (iolab(&child, rows[i].plan) != 0)
			fail_msg("%s: %s\n%s", rows[i].plan, child.out.text, child.err.text);
		for (size_t k = 0; k < 4; k++)
			says(&child, rows[i].says[k]);
		child_free(&child);
	}
}

/* The line on stderr with which a run ended that ran nothing. */
static void refused(const char *plan, const char *line)
{
	struct child child;
	const char *at;

	assert_int_equal(iolab(&child, plan), 3);
	at = strstr(child.err.text, "iolab: [origin]");
	if (!at || !strstr(at, line) || !child_one_line(at))
		fail_msg("'%s' does not say '%s'", child.err.text, line);
	child_free(&child);
}

#define ELSEWHERE(port, more)                                                                      \
	snprintf(plan, sizeof(plan),                                                               \
		 "[experiment]\nblocks = 1\n[origin]\nurl = http://127.0.0.1:%u/\n[fetch f]\n"     \
		 "model = epoll, blocking\nconnections = 2\nduration = 20ms\n%s",                  \
		 port, more)

/* The lab's own origin, started by somebody else. */
static void an_origin_elsewhere(void **state)
{
	static const char *const options[] = {"--listen", "127.0.0.1:0", NULL};
	struct child origin, child;
	struct record *rows;
	unsigned port;
	char plan[512];
	size_t count;

	(void)state;
	serving_origin(&origin, options, &port, 1);
	ELSEWHERE(port, "latency = 2ms\n");
	if (iolab(&child, plan) != 0)
		fail_msg("%s", child.err.text);
	says(&child, "ran already: whether it was the limit cannot be told");
	child_free(&child);
	count = read_rows("fetch.csv", &rows);
	assert_int_equal(count, 3);
	for (size_t i = 0; i < count; i++) {
		assert_string_equal(record_text(&rows[i], COLUMN_origin), "external");
		assert_string_equal(record_text(&rows[i], COLUMN_link), "none");
		assert_null(strstr(record_text(&rows[i], COLUMN_flags), "origin"));
		assert_true(record_number(&rows[i], COLUMN_latency_p50_us) >= 2000);
		assert_true(record_number(&rows[i], COLUMN_requests) > 0);
	}
	record_free_all(rows, count);
	/* It outlives the run, and was the one that was asked. */
	child_end(&origin, SIGTERM, CHILD_LIMIT_MS);
	assert_int_equal(origin.status, 0);
	assert_non_null(strstr(origin.out.text, "Served "));
	assert_null(strstr(origin.out.text, "Served 0 "));
	child_free(&origin);
	refused(plan, "does not answer: fetch-blocking: ");
}

/* By TLS it is asked at its own address, and trusted by the plan's file only. */
static void elsewhere_by_tls(void **state)
{
	const char *const options[] = {"--listen",    "127.0.0.1:0", "--listen-tls",
				       "127.0.0.1:0", "--ca-out",    serving_path("their-ca.pem"),
				       NULL};
	struct child origin, child;
	struct record *rows;
	unsigned ports[2];
	char plan[512];
	size_t count;

	(void)state;
	serving_origin(&origin, options, ports, 2);
	snprintf(plan, sizeof(plan),
		 "[experiment]\nblocks = 1\n[origin]\nurl = http://127.0.0.1:%u\n"
		 "tls-url = https://127.0.0.1:%u\n[fetch f]\nmodel = epoll\ntls = yes\n"
		 "body = 100\nduration = 20ms\ncacert = %s\n",
		 ports[0], ports[1], serving_path("their-ca.pem"));
	if (iolab(&child, plan) != 0)
		fail_msg("%s", child.err.text);
	child_free(&child);
	count = read_rows("fetch.csv", &rows);
	assert_int_equal(count, 1);
	assert_true(record_number(&rows[0], COLUMN_tls) == 1 &&
		    record_number(&rows[0], COLUMN_body_bytes) == 100);
	record_free_all(rows, count);
	/* Without that file nobody vouches for it. */
	*strstr(plan, "cacert") = '\0';
	assert_int_equal(iolab(&child, plan), 1);
	child_free(&child);
	child_free(&origin);
}

/* Anybody's server: asked for what it has, and for nothing else. */
static void a_foreign_server(void **state)
{
	struct child server, child;
	unsigned port;
	char plan[512];

	(void)state;
	serving_put("site/page", "hello", 5);
	port = serving_http_server(&server);
	ELSEWHERE(port, "path = /page\n");
	if (iolab(&child, plan) != 0)
		fail_msg("%s", child.err.text);
	child_free(&child);
	ELSEWHERE(port, "latency = 0, 5ms\n");
	refused(plan, "answers, but is not the lab's origin, and f/epoll/5ms asks it for a latency "
		      "or body; ask it for a path");
	ELSEWHERE(port, "body = 100\n");
	refused(plan, "is not the lab's origin");
	child_free(&server);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rates_of_a_capacity), cmocka_unit_test(resumed),
		cmocka_unit_test(no_capacity),	       cmocka_unit_test(other_reports),
		cmocka_unit_test(an_origin_elsewhere), cmocka_unit_test(elsewhere_by_tls),
		cmocka_unit_test(a_foreign_server),
	};

	return cmocka_run_group_tests(tests, serving_make_folder, serving_remove_folder);
}
