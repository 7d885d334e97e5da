/*
 * What fetch-xdp gets over a virtual link is byte for byte what curl gets through the same link:
 * plain and TLS, of two servers, on one connection to a thousand, kept and closed.
 */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "tests/bypassing.h"
#include "tests/fetching.h"
#include "tests/veth.h"

/* One server, on 1, 64 and 1,000 connections. */
static void compare(const char *scheme, unsigned port, const char *folder)
{
	static const struct {
		const char *connections, *requests, *wait;
	} rows[] = {{"-c1", "-n44", "--wait=block"},
		    {"-c64", "-n640", "--wait=spin"},
		    {"-c1000", "-n2200", "--wait=block"}};
	struct bypassing_site site;
	size_t size;

	bypassing_make_site(&site, scheme, port, folder);
	char *bytes = bypassing_by_curl(&site, &size);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *const options[] = {rows[i].connections, rows[i].requests, rows[i].wait,
					       NULL};
		json_t *row = bypassing_fetch_all(&site, options, bytes, size);

		assert_int_equal(fetching_number(row, "requests"), atoi(rows[i].requests + 2));
		json_decref(row);
	}
	free(bytes);
}

static void of_the_origin(void **state)
{
	(void)state;
	bypassing_need();
	compare("http", bypassing_origin[0], "/bytes/");
}

static void of_the_origin_over_tls(void **state)
{
	(void)state;
	bypassing_need();
	compare("https", bypassing_origin[1], "/bytes/");
}

static void of_nginx(void **state)
{
	(void)state;
	bypassing_need();
	compare("http", bypassing_nginx[0], "/");
}

static void of_nginx_over_tls(void **state)
{
	(void)state;
	bypassing_need();
	compare("https", bypassing_nginx[1], "/");
}

/* A connection a fetch: whoever closes first, ports and memory are there for the next. */
static void closed_connections(void **state)
{
	(void)state;
	bypassing_need();
	const char *const options[] = {"-c32", "-n1100", "--connection-per-request", NULL};
	struct bypassing_site site;
	size_t size;

	bypassing_make_site(&site, "http", bypassing_origin[0], "/close/");
	char *bytes = bypassing_by_curl(&site, &size);

	json_decref(bypassing_fetch_all(&site, options, bytes, size));
	free(bytes);
}

/* More connections, one after the other, than there are ports, at an even cost. */
static void many_connections(void **state)
{
	(void)state;
	bypassing_need();
	char url[96];
	const struct bypassing_words words = {
		{"-c16", "-n40000", "--connection-per-request", "--quiet", url}, 5};
	struct child child;

	snprintf(url, sizeof(url), "http://" VETH_SERVER ":%u/", bypassing_origin[0]);
	bypassing_start(&child, &words);
	if (child_wait(&child, BYPASSING_HANG_MS) != 0)
		fail_msg("status %d, '%s'", child.status, child.err.text);
	child_free(&child);
}

/* No two runs begin at the same port: the server may still know the first one's connection. */
static void ports_differ(void **state)
{
	(void)state;
	bypassing_need();
	struct sockaddr_in address = {.sin_family = AF_INET};
	socklen_t size = sizeof(address);
	int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	unsigned ports[3];
	char url[96];
	const struct bypassing_words words = {{"--max-time=200ms", url}, 2};

	assert_int_equal(bind(server, (struct sockaddr *)&address, size), 0);
	assert_int_equal(listen(server, 8), 0);
	assert_int_equal(getsockname(server, (struct sockaddr *)&address, &size), 0);
	snprintf(url, sizeof(url), "http://" VETH_SERVER ":%u/", ntohs(address.sin_port));
	for (unsigned i = 0; i < 3; i++) {
		struct child child;

		/* The kernel takes the connection, and nobody answers. */
		assert_int_equal(bypassing_run(&child, &words), 1);
		child_free(&child);
		int fd = accept(server, (struct sockaddr *)&address, &size);

		assert_true(fd >= 0);
		ports[i] = ntohs(address.sin_port);
		close(fd);
	}
	close(server);
	assert_false(ports[0] == ports[1] && ports[1] == ports[2]);
}

/* A server that ends connections early, by resets too, while others receive: none is forgotten. */
static void hasty_server(void **state)
{
	static const char *const waits[] = {"--wait=block", "--wait=spin"};

	(void)state;
	bypassing_need();
	for (unsigned i = 0; i < 10; i++) {
		char big[96], one[96];
		const struct bypassing_words words = {
			{waits[i % 2], "--quiet", "-c16", "-n64", big, one}, 6};
		struct child child;

		snprintf(big, sizeof(big), "http://" VETH_SERVER ":%u/3000000", bypassing_hasty);
		snprintf(one, sizeof(one), "http://" VETH_SERVER ":%u/1", bypassing_hasty);
		bypassing_start(&child, &words);
		if (child_wait(&child, BYPASSING_HANG_MS) != 0)
			fail_msg("run %u: status %d, '%s'", i, child.status, child.err.text);
		child_free(&child);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(of_the_origin),      cmocka_unit_test(of_the_origin_over_tls),
		cmocka_unit_test(of_nginx),	      cmocka_unit_test(of_nginx_over_tls),
		cmocka_unit_test(closed_connections), cmocka_unit_test(many_connections),
		cmocka_unit_test(ports_differ),	      cmocka_unit_test(hasty_server),
	};

	return cmocka_run_group_tests(tests, bypassing_set_up, bypassing_tear_down);
}
