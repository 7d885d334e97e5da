/*
 * What is measured, and what is not, when something went wrong on the way: error pages between
 * good ones, fetches that are never answered, connections that the server closed meanwhile; and
 * what a server that redirects is not told about the one before.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/fetching.h"
#include "tests/peer.h"
#include "tests/serving.h"

#define OK_3	"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n"
#define SORRY_5 "HTTP/1.1 503 Sorry\r\nContent-Length: 5\r\n\r\n"

/* The page is what the good answers say, also when the first of all was an error's. */
static void error_pages_between(void **state)
{
	static const char *const texts[] = {SORRY_5 "later", OK_3 "abc", SORRY_5 "never",
					    OK_3 "abc",	     OK_3 "abc", NULL};
	static const char *const *const scripts[] = {texts, NULL};

	(void)state;
	for (unsigned m = 0; m < FETCHING_ALL; m++) {
		char url[64];
		const char *const arguments[] = {"-n5", "--json", url, NULL};
		struct child child;
		json_t *row;
		pid_t pid;

		snprintf(url, sizeof(url), "http://127.0.0.1:%u/", fetching_serve(scripts, &pid));
		assert_int_equal(fetching_run(&child, fetching_all[m], arguments), 1);
		fetching_stop_server(pid);
		if (strstr(child.err.text, "differ"))
			fail_msg("fetch-%s: %s", fetching_all[m], child.err.text);
		row = fetching_row(&child);
		assert_int_equal(fetching_number(row, "requests"), 3);
		assert_int_equal(fetching_number(row, "errors"), 2);
		json_decref(row);
		child_free(&child);
	}
}

/* Connections that hear nothing any more have their time counted to the end of the run. */
static void the_unanswered_count(void **state)
{
	struct child origin;
	unsigned port = peer_origin(&origin, NULL);

	(void)state;
	for (unsigned m = 0; m < FETCHING_ALL; m++) {
		char quick[64], never[64];
		const char *const arguments[] = {"-d400ms", fetching_lanes(fetching_all[m], 4),
						 "--json",  quick,
						 never,	    NULL};
		struct child child;
		json_t *row;
		double rate;

		snprintf(quick, sizeof(quick), "http://127.0.0.1:%u/", port);
		snprintf(never, sizeof(never), "http://127.0.0.1:%u/delay/30s", port);
		fetching_run(&child, fetching_all[m], arguments);
		row = fetching_row(&child);
		rate = fetching_number(row, "requests") / fetching_number(row, "duration_s");
		/* Without their time it is thousands a second. */
		if (fetching_number(row, "throughput_rps") > 1.5 * rate)
			fail_msg("fetch-%s: %g a second, but %g in the time", fetching_all[m],
				 fetching_number(row, "throughput_rps"), rate);
		json_decref(row);
		child_free(&child);
	}
	peer_origin_end(&origin);
	child_free(&origin);
}

static void the_floor_of_an_error_page(void **state)
{
	struct child origin, child;
	char url[64];
	const char *const arguments[] = {"-n10", "-q", url, NULL};

	(void)state;
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/status/404", peer_origin(&origin, NULL));
	assert_int_equal(fetching_run(&child, "floor", arguments), 1);
	assert_true(child_one_line(child.err.text));
	child_free(&child);
	peer_origin_end(&origin);
	child_free(&origin);
}

/* By OpenSSL's own calls, a connection that was closed while it was idle is no failure either. */
static void closed_while_idle(void **state)
{
	unsigned port = serving_free_port();
	struct child nginx, child;
	char servers[512], url[64];
	const char *ios[] = {"--tls-io=buffered", "--tls-io=conventional"};

	(void)state;
	snprintf(servers, sizeof(servers),
		 "ssl_certificate good.pem; ssl_certificate_key good.key;\n"
		 "keepalive_timeout 20ms;\n"
		 "server { listen 127.0.0.1:%u ssl; }\n",
		 port);
	serving_put("site/page", "twelve bytes", 12);
	serving_nginx(&nginx, servers, port);
	snprintf(url, sizeof(url), "https://127.0.0.1:%u/page", port);
	for (unsigned i = 0; i < 2; i++) {
		const char *const arguments[] = {"--cacert", serving_path("ca.pem"),
						 ios[i],     "-n5",
						 "-c1",	     "--rate=8",
						 "--json",   url,
						 NULL};
		json_t *row;

		if (fetching_run(&child, "epoll", arguments) != 0)
			fail_msg("%s: %s", ios[i], child.err.text);
		row = fetching_row(&child);
		assert_int_equal(fetching_number(row, "requests"), 5);
		assert_int_equal(fetching_number(row, "errors"), 0);
		json_decref(row);
		child_free(&child);
	}
	child_end(&nginx, 15, CHILD_LIMIT_MS);
	child_free(&nginx);
}

/* What the server at the end of a redirect was sent. */
static char *sent_through(const char *url)
{
	const char *const arguments[] = {"--location",
					 "-H",
					 "Authorization: secret",
					 "-H",
					 "cookie: secret",
					 "-H",
					 "X-Open: 1",
					 "-o",
					 serving_path("output"),
					 url,
					 NULL};
	struct child child;
	size_t size;

	if (fetching_run(&child, "epoll", arguments) != 0)
		fail_msg("%s: %s", url, child.err.text);
	child_free(&child);
	return serving_read(serving_path("output"), &size);
}

static void strangers_are_told_nothing(void **state)
{
	struct child echo;
	char location[128], url[64], host[64];
	const char *texts[] = {location, location, NULL};
	const char *const *const scripts[] = {texts, NULL};
	unsigned port;
	pid_t pid;
	char *sent;

	(void)state;
	port = serving_echo(&echo);
	snprintf(host, sizeof(host), "Host: 127.0.0.1:%u\n", port);

	snprintf(url, sizeof(url), "http://127.0.0.1:%u/here", port);
	sent = sent_through(url);
	assert_non_null(strstr(sent, "Authorization: secret\n"));
	assert_non_null(strstr(sent, "cookie: secret\n"));
	free(sent);

	snprintf(location, sizeof(location),
		 "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:%u/there\r\n"
		 "Content-Length: 0\r\n\r\n",
		 port);
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/", fetching_serve(scripts, &pid));
	sent = sent_through(url);
	fetching_stop_server(pid);
	assert_null(strstr(sent, "secret"));
	assert_non_null(strstr(sent, "X-Open: 1\n"));
	assert_non_null(strstr(sent, host));
	free(sent);
	child_free(&echo);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(error_pages_between),
		cmocka_unit_test(the_unanswered_count),
		cmocka_unit_test(the_floor_of_an_error_page),
		cmocka_unit_test(closed_while_idle),
		cmocka_unit_test(strangers_are_told_nothing),
	};

	return cmocka_run_group_tests(tests, serving_make_folder, serving_remove_folder);
}
