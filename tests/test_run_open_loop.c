/*
 * --rate: fetches fall due by a schedule, answered or not. A server that stalls shows in the
 * latencies counted from when fetches were due and hides from those counted from when they were
 * sent; a rate that cannot be held is said; arrivals are drawn as the seed says.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "tests/fetching.h"
#include "tests/peer.h"
#include "tests/serving.h"

static struct child origin;
static char url[64], slow_url[96], tls_url[64];
static const char *ca;

static int start(void **state)
{
	const char *options[] = {"--listen", "127.0.0.1:0", "--listen-tls", "127.0.0.1:0", "--cert",
				 NULL,	     "--key",	    NULL,	    NULL};
	unsigned ports[2];

	if (serving_make_folder(state))
		return -1;
	options[5] = serving_path("good.pem");
	options[7] = serving_path("good.key");
	serving_origin(&origin, options, ports, 2);
	ca = serving_path("ca.pem");
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/", ports[0]);
	snprintf(slow_url, sizeof(slow_url), "%sdelay/50ms", url);
	snprintf(tls_url, sizeof(tls_url), "https://127.0.0.1:%u/", ports[1]);
	return 0;
}

static int stop(void **state)
{
	child_end(&origin, SIGTERM, CHILD_LIMIT_MS);
	child_free(&origin);
	return serving_remove_folder(state);
}

static const char *flags_of(const json_t *row)
{
	const char *flags = json_string_value(json_object_get(row, "flags"));

	return flags ? flags : "";
}

/*
 * One run of 4 seconds at 1000 a second on two connections, the origin held up for 200 ms in the
 * middle of it: two fetches are in flight then, less than a thousandth; 200 fall due.
 */
static json_t *stalled_run(const char *model)
{
	const char *const arguments[] = {"-d4s",   "--rate=1000", fetching_lanes(model, 2),
					 "--json", url,		  NULL};
	const struct timespec stall = {.tv_nsec = 200000000};
	struct child child;
	json_t *row;

	fetching_start(&child, model, arguments);
	usleep(1500000);
	kill(origin.pid, SIGSTOP);
	nanosleep(&stall, NULL);
	kill(origin.pid, SIGCONT);
	if (child_wait(&child, CHILD_LIMIT_MS) != 0)
		fail_msg("fetch-%s: %s", model, child.err.text);
	row = fetching_row(&child);
	child_free(&child);
	return row;
}

/*
 * The stall is certain, so it shows in every run. What hides it must be below it: unless the
 * machine itself stalled for as long, which is why there is another try.
 */
static void assert_stall_shows(const char *model)
{
	double uncorrected = 0;

	for (int tries = 0; tries < 3; tries++) {
		json_t *row = stalled_run(model);
		double corrected = fetching_number(row, "latency_p999_us");

		uncorrected = fetching_number(row, "latency_uncorrected_p999_us");
		assert_true(fetching_number(row, "latency_max_us") > 150e3);
		if (corrected <= 100e3)
			fail_msg("fetch-%s: p99.9 is %.0f us", model, corrected);
		/* Some 200 fell due in the stall and were begun after it. */
		assert_true(fetching_number(row, "late_share") > 0.02);
		assert_int_equal(fetching_number(row, "rate_rps"), 1000);
		json_decref(row);
		if (uncorrected < 50e3)
			return;
	}
	fail_msg("fetch-%s: uncorrected p99.9 is %.0f us", model, uncorrected);
}

static void a_stall_shows(void **state)
{
	(void)state;
	assert_stall_shows("epoll");
	assert_stall_shows("uring");
}

/* One connection at 50 ms a fetch is asked for 100 a second: by time, and by number. */
static void a_rate_too_high(void **state)
{
	static const char *const limits[] = {"-d1s", "-n30"};
	struct child children[FETCHING_ALL];

	(void)state;
	for (int limit = 0; limit < 2; limit++) {
		for (unsigned m = 0; m < FETCHING_ALL; m++) {
			const char *const arguments[] = {limits[limit], "-c1",	  "--rate=100",
							 "--json",	slow_url, NULL};

			fetching_start(&children[m], fetching_all[m], arguments);
		}
		for (unsigned m = 0; m < FETCHING_ALL; m++) {
			struct child *child = &children[m];
			json_t *row;

			assert_int_equal(child_wait(child, CHILD_LIMIT_MS), 0);
			row = fetching_row(child);
			if (!strstr(flags_of(row), "rate-not-held"))
				fail_msg("fetch-%s %s: flags '%s'", fetching_all[m], limits[limit],
					 flags_of(row));
			assert_true(child_one_line(child->err.text));
			assert_int_equal(
				fetching_lines(child->err.text, "--rate: ",
					       "1 connections could not hold 100 a second"),
				1);
			if (limit == 0)
				assert_true(fetching_number(row, "unsent") > 40);
			else
				assert_int_equal(fetching_number(row, "requests"), 30);
			assert_true(fetching_number(row, "late_share") > 0.5);
			assert_true(fetching_number(row, "send_delay_p99_us") > 100e3);
			assert_true(fetching_number(row, "latency_p50_us") >
				    fetching_number(row, "latency_uncorrected_p999_us") / 2);
			json_decref(row);
			child_free(child);
		}
	}
}

/* Low rates, alone and on workers, plain and with TLS: all that is due is fetched, in its time. */
static void every_model_holds_a_rate(void **state)
{
	static const char *const workers[] = {"-t1", "-t2", "-p2"};

	(void)state;
	for (unsigned m = 0; m < FETCHING_ALL; m++) {
		for (int w = 0; w < 3; w++) {
			const char *const arguments[] = {"-n60",
							 "--rate=300",
							 w ? "--arrivals=exponential"
							   : "--arrivals=constant",
							 "--json",
							 workers[w],
							 "--cacert",
							 ca,
							 w == 1 ? tls_url : url,
							 NULL};
			struct child child;
			json_t *row;

			if (fetching_run(&child, fetching_all[m], arguments) != 0)
				fail_msg("fetch-%s: %s", fetching_all[m], child.err.text);
			row = fetching_row(&child);
			assert_int_equal(fetching_number(row, "requests"), 60);
			assert_int_equal(fetching_number(row, "errors"), 0);
			assert_int_equal(fetching_number(row, "unsent"), 0);
			assert_int_equal(fetching_number(row, "rate_rps"), 300);
			assert_true(fetching_number(row, "late_share") >= 0);
			assert_true(fetching_number(row, "late_share") <= 1);
			/* 60 at 300 a second are due over 197 ms, or never sooner than that. */
			if (w == 0)
				assert_true(fetching_number(row, "duration_s") >= 59 / 300.0);
			json_decref(row);
			child_free(&child);
		}
	}
}

static int compare_numbers(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

enum { DRAWN = 150 };

/* When fetches were due, in us since the start, in order; rows come as fetches end. */
static void due_times(const char *model, const char *arrivals, const char *seed, double due[DRAWN])
{
	const char *const samples = serving_path("samples");
	/* Constant ones have no seed. */
	const char *const arguments[] = {"-n150", "--rate=3000", arrivals, "-q", "--samples",
					 samples, url,		 seed,	   NULL};
	struct child child;
	unsigned count = 0;
	size_t size;
	char *text;

	if (fetching_run(&child, model, arguments) != 0)
		fail_msg("fetch-%s: %s", model, child.err.text);
	child_free(&child);
	text = serving_read(samples, &size);
	for (char *line = strchr(text, '\n') + 1; *line; line = strchr(line, '\n') + 1) {
		assert_true(count < DRAWN);
		/* worker,connection,due_us,... */
		assert_int_equal(sscanf(line, "%*u,%*u,%lf,", &due[count++]), 1);
	}
	assert_int_equal(count, DRAWN);
	free(text);
	qsort(due, DRAWN, sizeof(due[0]), compare_numbers);
}

static bool same_times(const double a[DRAWN], const double b[DRAWN])
{
	for (unsigned i = 0; i < DRAWN; i++)
		if (a[i] - b[i] > 0.002 || b[i] - a[i] > 0.002)
			return false;
	return true;
}

/* The same seed, the same moments, by any model; another seed, others; constant ones are even. */
/* So many fetches stand for so many intervals between two of them: no more than was offered. */
static void no_more_than_offered(void **state)
{
	static const char *const lanes[] = {"-c1", "-c4"};

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		const char *const arguments[] = {"-n5", "--rate=20", lanes[i], "--json", url, NULL};
		struct child child;
		json_t *row;

		assert_int_equal(fetching_run(&child, "epoll", arguments), 0);
		row = fetching_row(&child);
		assert_true(fetching_number(row, "throughput_rps") <= 20);
		json_decref(row);
		child_free(&child);
	}
}

static void arrivals_follow_the_seed(void **state)
{
	double first[DRAWN], even[DRAWN], times[DRAWN];

	(void)state;
	due_times("epoll", "--arrivals=exponential", "--seed=7", first);
	/* 150 gaps of 333 us on average: a seed does not stray far from that. */
	assert_true(first[DRAWN - 1] > 30e3 && first[DRAWN - 1] < 80e3);
	for (unsigned i = 0; i < DRAWN; i++)
		even[i] = i * 1e6 / 3000;
	assert_false(same_times(first, even));
	for (unsigned m = 0; m < FETCHING_ALL; m++) {
		due_times(fetching_all[m], "--arrivals=exponential", "--seed=7", times);
		assert_true(same_times(first, times));
		due_times(fetching_all[m], "--arrivals=exponential", "--seed=8", times);
		assert_false(same_times(first, times));
		due_times(fetching_all[m], "--arrivals=constant", NULL, times);
		assert_true(same_times(even, times));
	}
}

static void bad_command_lines(void **state)
{
	static const struct {
		const char *arguments[6], *says;
	} rows[] = {
		{{"--rate=0", "-n1", "http://127.0.0.1/"}, "--rate: '0' is below the least"},
		{{"--rate=-5", "-n1", "http://127.0.0.1/"}, "--rate"},
		{{"--rate=fast", "-d1s", "http://127.0.0.1/"}, "--rate"},
		{{"--rate=10", "http://127.0.0.1/"}, "--rate goes with --requests or --duration"},
		{{"--rate=10", "-r5", "http://127.0.0.1/"}, "--rate goes with"},
		{{"--arrivals=exponential", "-n1", "http://127.0.0.1/"}, "goes with --rate"},
		{{"--arrivals=daily", "--rate=1", "-n1", "http://127.0.0.1/"}, "--arrivals"},
		{{"--schedule=shared", "--rate=9", "-n1", "-t2", "http://127.0.0.1/"},
		 "--schedule shared does not go with it"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct child child;

		if (fetching_run(&child, "epoll", rows[i].arguments) != 2 ||
		    !child_one_line(child.err.text) || !strstr(child.err.text, rows[i].says))
			fail_msg("row %zu: status %d, '%s'", i, child.status, child.err.text);
		child_free(&child);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_stall_shows),
		cmocka_unit_test(a_rate_too_high),
		cmocka_unit_test(every_model_holds_a_rate),
		cmocka_unit_test(no_more_than_offered),
		cmocka_unit_test(arrivals_follow_the_seed),
		cmocka_unit_test(bad_command_lines),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
