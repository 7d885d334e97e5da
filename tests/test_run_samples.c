/*
 * What fetch-MODEL writes and is told beside its row: a sample a fetch, the histogram, --resolve
 * and IPv6, --header, a connection a fetch, and bodies that have to be the same.
 */
#include <math.h>
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

#include "tests/fetching.h"
#include "tests/peer.h"
#include "tests/serving.h"

static struct child origin;
static unsigned ports[3]; /* IPv4, IPv6 (or not), TLS */
static const char *ca;
static bool ipv6;

static int start(void **state)
{
	const char *options[] = {
		"--listen", "127.0.0.1:0", "--listen-tls", "127.0.0.1:0", "--cert", NULL,
		"--key",    NULL,	   "--listen",	   "[::1]:0",	  NULL};

	if (serving_make_folder(state))
		return -1;
	options[5] = serving_path("good.pem");
	options[7] = serving_path("good.key");
	/* A machine without IPv6 is a machine without a loopback of it. */
	ipv6 = access("/proc/net/if_inet6", R_OK) == 0;
	if (!ipv6)
		options[8] = NULL;
	serving_origin(&origin, options, ports, ipv6 ? 3 : 2);
	if (!ipv6)
		ports[2] = ports[1];
	ca = serving_path("ca.pem");
	return 0;
}

static int stop(void **state)
{
	child_end(&origin, SIGTERM, CHILD_LIMIT_MS);
	child_free(&origin);
	return serving_remove_folder(state);
}

/* --- samples -------------------------------------------------------------------------------- */

enum column {
	WORKER,
	CONNECTION,
	DUE,
	BEGUN,
	CONNECT,
	TLS,
	FIRST_BYTE,
	LATENCY,
	UNCORRECTED,
	STATUS,
	BODY,
	COLUMNS
};

struct row {
	double number[COLUMNS]; /* NAN where it is empty */
	char url[128], failure[128];
};

/* Reads the CSV; returns how many rows there are. */
static unsigned read_samples(struct row *rows, unsigned most)
{
	size_t size;
	char *text = serving_read(serving_path("samples"), &size), *line = text;
	unsigned count = 0;

	assert_ptr_equal(
		strstr(text, "worker,connection,due_us,begun_us,connect_us,tls_us,first_byte_us,"
			     "latency_us,latency_uncorrected_us,status,body_bytes,url,failure\n"),
		text);
	for (line = strchr(text, '\n') + 1; *line; line = strchr(line, '\n') + 1) {
		struct row *row = &rows[count++];
		char *at = line;

		assert_true(count <= most);
		for (int i = 0; i < COLUMNS; i++) {
			row->number[i] = *at == ',' ? NAN : strtod(at, &at);
			assert_int_equal(*at++, ',');
		}
		row->failure[0] = 0;
		assert_true(sscanf(at, "\"%127[^\"]\",\"%127[^\"]\"", row->url, row->failure) >= 1);
	}
	free(text);
	return count;
}

static json_t *run_samples(const char *model, const char *const *more, int status)
{
	const char *arguments[24] = {"--json",	 "--samples", serving_path("samples"),
				     "--cacert", ca,	      NULL};
	struct child child;
	json_t *row;

	for (unsigned i = 0; more[i]; i++)
		arguments[5 + i] = more[i];
	if (fetching_run(&child, model, arguments) != status)
		fail_msg("fetch-%s: status %d, %s", model, child.status, child.err.text);
	row = fetching_row(&child);
	child_free(&child);
	return row;
}

/* What holds for every fetch that succeeded, of a closed loop. */
static void assert_sane(const struct row *row)
{
	const double *n = row->number;

	assert_true(n[DUE] >= 0);
	assert_true(n[BEGUN] >= n[DUE]);
	assert_true(n[LATENCY] > 0);
	assert_true(n[UNCORRECTED] <= n[LATENCY]);
	assert_true(n[FIRST_BYTE] > 0 && n[FIRST_BYTE] <= n[LATENCY]);
	assert_true(n[STATUS] == 200);
	if (!isnan(n[CONNECT]))
		assert_true(n[CONNECT] > 0 && n[CONNECT] <= n[FIRST_BYTE]);
	if (!isnan(n[TLS]))
		assert_true(n[TLS] > 0 && n[CONNECT] + n[TLS] <= n[FIRST_BYTE]);
	assert_string_equal(row->failure, "");
}

/* Kept connections: each was opened by its first fetch, and by no other. */
static void a_row_a_fetch(void **state)
{
	static struct row rows[100];
	char url[2][96];

	(void)state;
	snprintf(url[0], sizeof(url[0]), "http://127.0.0.1:%u/bytes/100000", ports[0]);
	snprintf(url[1], sizeof(url[1]), "https://127.0.0.1:%u/bytes/100000", ports[2]);
	for (unsigned run = 0; run < 2 * FETCHING_ALL; run++) {
		const char *model = fetching_all[run / 2];
		bool tls = run % 2;
		const char *const more[] = {"-n100", fetching_lanes(model, 4), url[tls], NULL};
		json_t *row = run_samples(model, more, 0);
		unsigned opened[4] = {0};
		double most = 0;

		assert_int_equal(read_samples(rows, 100), 100);
		for (unsigned i = 0; i < 100; i++) {
			const double *n = rows[i].number;
			/* blocking has a worker a connection. */
			unsigned lane = (unsigned)(n[WORKER] + n[CONNECTION]);

			assert_sane(&rows[i]);
			assert_string_equal(rows[i].url, url[tls]);
			assert_true(n[BODY] == 100000);
			assert_true(n[DUE] == n[BEGUN]);
			assert_int_equal(isnan(n[TLS]), !tls || isnan(n[CONNECT]));
			assert_in_range(lane, 0, 3);
			opened[lane] += !isnan(n[CONNECT]);
			most = n[LATENCY] > most ? n[LATENCY] : most;
		}
		for (unsigned i = 0; i < 4; i++)
			assert_int_equal(opened[i], 1);
		assert_true(fabs(fetching_number(row, "latency_max_us") - most) <=
			    0.002 + most / 500);
		json_decref(row);
	}
}

/* Opening the connections before it is no time of a connection's own, nor of its first fetch's. */
static void each_begins_when_it_does(void **state)
{
	static const char *const models[] = {"nonblocking", "select", "poll", "epoll", "uring"};
	static struct row rows[40];
	char url[96];

	(void)state;
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/delay/20ms", ports[0]);
	for (unsigned m = 0; m < sizeof(models) / sizeof(models[0]); m++) {
		const char *const more[] = {"-n40", "-c40", url, NULL};
		json_t *row = run_samples(models[m], more, 0);

		assert_int_equal(read_samples(rows, 40), 40);
		for (unsigned i = 0; i < 40; i++) {
			assert_true(rows[i].number[DUE] == rows[i].number[BEGUN]);
			for (unsigned k = 0; k < i; k++)
				assert_true(rows[i].number[BEGUN] != rows[k].number[BEGUN]);
		}
		json_decref(row);
	}
}

static void failures_have_rows(void **state)
{
	static struct row rows[10];
	char good[96], bad[96];

	(void)state;
	snprintf(good, sizeof(good), "http://127.0.0.1:%u/", ports[0]);
	snprintf(bad, sizeof(bad), "http://127.0.0.1:%u/fault/close-mid-body", ports[0]);
	for (unsigned m = 0; m < FETCHING_ALL; m++) {
		const char *const more[] = {"-r5", good, bad, NULL};
		json_t *row = run_samples(fetching_all[m], more, 1);
		unsigned failed = 0;

		assert_int_equal(read_samples(rows, 10), 10);
		for (unsigned i = 0; i < 10; i++) {
			if (strcmp(rows[i].url, good) == 0) {
				assert_sane(&rows[i]);
				continue;
			}
			assert_string_equal(rows[i].url, bad);
			assert_string_equal(rows[i].failure,
					    "the server closed in the middle of the body");
			failed++;
		}
		assert_int_equal(failed, 5);
		json_decref(row);
	}
}

/* The connection of the last hop is measured from its own beginning. */
static void redirected_elsewhere(void **state)
{
	static const char *const options[] = {"--listen", "127.0.0.1:0", "--latency", "50ms", NULL};
	static struct row rows[4];
	struct child own;
	unsigned first;
	char url[160];

	(void)state;
	serving_origin(&own, options, &first, 1);
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/redirect-to/http://localhost:%u/", first,
		 first);
	for (unsigned m = 0; m < FETCHING_ALL; m++) {
		const char *const more[] = {"-L", "-n4", fetching_lanes(fetching_all[m], 4), url,
					    NULL};
		json_t *row = run_samples(fetching_all[m], more, 0);

		assert_int_equal(read_samples(rows, 4), 4);
		for (unsigned i = 0; i < 4; i++) {
			assert_sane(&rows[i]);
			/* Both responses took 50 ms, and neither is in it. */
			assert_true(rows[i].number[CONNECT] + 100000 <= rows[i].number[FIRST_BYTE]);
		}
		json_decref(row);
	}
	child_end(&own, 15, CHILD_LIMIT_MS);
	child_free(&own);
}

static double bytes_of(const char *where, int status)
{
	char url[96];
	const char *const more[] = {"-L", "-n1", url, NULL};

	snprintf(url, sizeof(url), "http://127.0.0.1:%u%s", ports[0], where);
	json_t *row = run_samples("epoll", more, status);
	double bytes = fetching_number(row, "bytes_received");

	json_decref(row);
	return bytes;
}

/* Those of redirects and of fetches that failed, too. */
static void all_bytes_are_counted(void **state)
{
	(void)state;
	assert_true(bytes_of("/redirect/1", 0) > bytes_of("/", 0) + 20);
	assert_true(bytes_of("/fault/close-mid-body", 1) > 20);
}

/* What was never answered has a row, and a line with its URL and what it was at. */
static void the_unanswered_have_rows(void **state)
{
	static const char *const models[] = {"poll", "epoll", "uring"};
	static struct row rows[3];
	struct child children[3];
	char url[96];

	(void)state;
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/fault/stall-mid-body", ports[0]);
	for (unsigned m = 0; m < 3; m++) {
		const char *const arguments[] = {
			"-d50ms", "-c2", "-q", "--samples", serving_path(models[m]), url, NULL};

		fetching_start(&children[m], models[m], arguments);
	}
	for (unsigned m = 0; m < 3; m++) {
		assert_int_equal(child_wait(&children[m], CHILD_LIMIT_MS), 1);
		assert_true(child_one_line(children[m].err.text));
		assert_int_equal(fetching_lines(children[m].err.text, url,
						": body: not complete when the run's time"),
				 1);
		child_free(&children[m]);
		assert_int_equal(rename(serving_path(models[m]), serving_path("samples")), 0);
		assert_int_equal(read_samples(rows, 3), 2);
		for (unsigned i = 0; i < 2; i++)
			assert_non_null(strstr(rows[i].failure, "not complete when"));
	}
}

static void a_connection_a_fetch(void **state)
{
	static struct row rows[60];
	struct child own;
	char url[64];
	const char *line, *at;
	unsigned requests, connections, port;
	const unsigned expected = FETCHING_ALL * 60;

	(void)state;
	port = peer_origin(&own, NULL);
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/", port);
	for (unsigned m = 0; m < FETCHING_ALL; m++) {
		const char *const more[] = {"-n60", "--connection-per-request",
					    fetching_lanes(fetching_all[m], 4), url, NULL};
		json_t *row = run_samples(fetching_all[m], more, 0);

		assert_int_equal(read_samples(rows, 60), 60);
		for (unsigned i = 0; i < 60; i++) {
			assert_sane(&rows[i]);
			assert_false(isnan(rows[i].number[CONNECT]));
		}
		json_decref(row);
	}
	line = peer_origin_end(&own);
	at = strstr(line, "Served ");
	assert_non_null(at);
	assert_int_equal(
		sscanf(at, "Served %u requests on %u connections", &requests, &connections), 2);
	assert_int_equal(requests, expected);
	assert_int_equal(connections, expected);
	child_free(&own);
}

/* --- the histogram -------------------------------------------------------------------------- */

/* Its own text, read back: percentiles that rise to 1, all fetches counted, the row's maximum. */
static void histogram_read_back(void **state)
{
	char url[64];

	(void)state;
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/", ports[0]);
	for (unsigned m = 0; m < FETCHING_ALL; m++) {
		const char *const more[] = {"-n500", "--histogram", serving_path("hgrm"), url,
					    NULL};
		json_t *row = run_samples(fetching_all[m], more, 0);
		double value = 0, share = 0, last_value = 0, last_share = 0, most = 0;
		unsigned long count = 0, last_count = 0, total = 0;
		unsigned lines = 0;
		size_t size;
		char *text = serving_read(serving_path("hgrm"), &size), *line = text;

		for (; *line; line = strchr(line, '\n') + 1) {
			if (sscanf(line, "#[Max = %lf, Total count = %lu]", &most, &total) == 2)
				continue;
			if (sscanf(line, "%lf %lf %lu", &value, &share, &count) != 3)
				continue;
			assert_true(value >= last_value && share >= last_share);
			assert_true(count >= last_count && count <= 500);
			last_value = value;
			last_share = share;
			last_count = count;
			lines++;
		}
		assert_true(lines > 5);
		assert_true(last_share == 1);
		assert_int_equal(last_count, 500);
		assert_int_equal(total, 500);
		assert_true(most > 0 && last_value <= most * 1.002);
		free(text);
		json_decref(row);
	}
}

/* --- addresses, headers, bodies ------------------------------------------------------------- */

static void assert_fetched(const char *model, const char *const *arguments, unsigned count)
{
	struct child child;

	if (fetching_run(&child, model, arguments) != 0)
		fail_msg("fetch-%s %s: %s", model, arguments[0], child.err.text);
	assert_int_equal(fetching_lines(child.out.text, "Status Code: 200", ""), count);
	child_free(&child);
}

static void addresses(void **state)
{
	char four[64], six[64], resolve_four[64], resolve_six[64], literal[64], wrong[64];

	(void)state;
	snprintf(four, sizeof(four), "http://site.test:%u/", ports[0]);
	snprintf(resolve_four, sizeof(resolve_four), "site.test:%u:127.0.0.1", ports[0]);
	snprintf(six, sizeof(six), "http://Site.Test:%u/", ports[1]);
	snprintf(resolve_six, sizeof(resolve_six), "site.test:%u:[::1]", ports[1]);
	snprintf(literal, sizeof(literal), "http://[::1]:%u/", ports[1]);
	snprintf(wrong, sizeof(wrong), "site.test:%u:127.0.0.1", ports[0] + 1);
	for (unsigned m = 0; m < FETCHING_ALL; m++) {
		const char *const by_four[] = {"--resolve", resolve_four, four, NULL};
		const char *const by_both[] = {"--resolve", resolve_four, "--resolve", resolve_six,
					       four,	    six,	  literal,     NULL};
		const char *const by_none[] = {"--resolve", wrong, four, NULL};
		struct child child;

		assert_fetched(fetching_all[m], by_four, 1);
		if (ipv6)
			assert_fetched(fetching_all[m], by_both, 3);
		/* Another port's address is none of this one's. */
		assert_int_equal(fetching_run(&child, fetching_all[m], by_none), 1);
		assert_int_equal(fetching_lines(child.err.text, four, "resolve: "), 1);
		child_free(&child);
	}
}

static void headers_are_sent(void **state)
{
	const char *const output = serving_path("output");
	struct child echo, child;
	char url[64], host[64];
	unsigned port;

	(void)state;
	port = serving_echo(&echo);
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/a?b=c", port);
	snprintf(host, sizeof(host), "Host: 127.0.0.1:%u\n", port);
	for (unsigned m = 0; m < FETCHING_ALL; m++) {
		const char *const arguments[] = {"-H", "X-One: 1", "--header=X-Two: a b",
						 "-o", output,	   "--compressed",
						 url,  NULL};
		size_t size;
		char *text;

		if (fetching_run(&child, fetching_all[m], arguments) != 0)
			fail_msg("fetch-%s: %s", fetching_all[m], child.err.text);
		child_free(&child);
		text = serving_read(output, &size);
		assert_ptr_equal(strstr(text, "GET /a?b=c HTTP/1.1\n"), text);
		assert_non_null(strstr(text, host));
		assert_non_null(strstr(text, "X-One: 1\n"));
		assert_non_null(strstr(text, "X-Two: a b\n"));
		assert_non_null(strstr(text, "User-Agent: iolab/"));
		assert_non_null(strstr(text, "Accept-Encoding: gzip, deflate, br, zstd\n"));
		free(text);
	}
	child_free(&echo);
}

#define OK_3 "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n"

/* A page that changes: a benchmark fails by it unless it is told that it may. */
static void bodies_that_differ(void **state)
{
	static const char *const first[] = {OK_3 "abc", OK_3 "abd", NULL};
	static const char *const later[] = {OK_3 "abc", OK_3 "abc", OK_3 "abc", NULL};
	static const char *const changing[] = {
		OK_3 "abc", OK_3 "abd", "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabce", NULL};
	static const char *const *const once[] = {first, later, NULL};
	static const char *const *const always[] = {changing, NULL};

	(void)state;
	for (unsigned m = 0; m < FETCHING_ALL; m++) {
		char url[64];
		const char *const same[] = {"-n4", "--bodies=same", "--json", url, NULL};
		const char *const any[] = {"-n9", "--bodies=any", "--json", url, NULL};
		struct child child;
		json_t *row;
		pid_t pid;

		snprintf(url, sizeof(url), "http://127.0.0.1:%u/", fetching_serve(once, &pid));
		assert_int_equal(fetching_run(&child, fetching_all[m], same), 1);
		fetching_stop_server(pid);
		assert_true(child_one_line(child.err.text));
		assert_int_equal(fetching_lines(child.err.text, url, "the body differs"), 1);
		row = fetching_row(&child);
		assert_int_equal(fetching_number(row, "errors"), 1);
		assert_int_equal(fetching_number(row, "requests"), 3);
		json_decref(row);
		child_free(&child);
		snprintf(url, sizeof(url), "http://127.0.0.1:%u/", fetching_serve(always, &pid));
		assert_int_equal(fetching_run(&child, fetching_all[m], any), 0);
		fetching_stop_server(pid);
		child_free(&child);
	}
}

static void bad_command_lines(void **state)
{
	static const struct {
		const char *arguments[4], *says;
	} rows[] = {
		{{"--resolve=site.test", "http://site.test/"}, "HOST:PORT:ADDRESS"},
		{{"--resolve=site.test:80:nowhere", "http://site.test/"}, "HOST:PORT:ADDRESS"},
		{{"--resolve=:80:127.0.0.1", "http://site.test/"}, "HOST:PORT:ADDRESS"},
		{{"--resolve=site.test:http:127.0.0.1", "http://site.test/"}, "HOST:PORT:ADDRESS"},
		{{"-Hnone", "http://127.0.0.1/"}, "NAME: VALUE"},
		{{"-HA: b\r\nC: d", "http://127.0.0.1/"}, "NAME: VALUE"},
		{{"-H: b", "http://127.0.0.1/"}, "NAME: VALUE"},
		{{"http://[::1/", NULL}, "URL"},
		{{"--bodies=none", "http://127.0.0.1/"}, "--bodies"},
		{{"--max-redirs=51", "http://127.0.0.1/"}, "--max-redirs"},
		{{"--max-time=0", "http://127.0.0.1/"}, "--max-time"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct child child;

		if (fetching_run(&child, "epoll", rows[i].arguments) != 2 ||
		    !strstr(child.err.text, rows[i].says))
			fail_msg("row %zu: status %d, '%s'", i, child.status, child.err.text);
		child_free(&child);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_row_a_fetch),
		cmocka_unit_test(each_begins_when_it_does),
		cmocka_unit_test(failures_have_rows),
		cmocka_unit_test(redirected_elsewhere),
		cmocka_unit_test(all_bytes_are_counted),
		cmocka_unit_test(the_unanswered_have_rows),
		cmocka_unit_test(a_connection_a_fetch),
		cmocka_unit_test(histogram_read_back),
		cmocka_unit_test(addresses),
		cmocka_unit_test(headers_are_sent),
		cmocka_unit_test(bodies_that_differ),
		cmocka_unit_test(bad_command_lines),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
