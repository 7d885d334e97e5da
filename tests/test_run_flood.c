/*
 * A server that sends without end, faster than it is read: its own fetch ends by its time limit,
 * and the fetches beside it, on the same worker, do not notice.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "tests/fetching.h"
#include "tests/peer.h"

/* Chunks of a byte: reading them takes longer than sending them. */
#define CHUNK "1\r\na\r\n"

static struct child origin;
static char slow_url[64], flood_url[64];
static pid_t flood;

static void pour(int fd)
{
	static const char head[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
	static char chunks[(sizeof(CHUNK) - 1) * 20000];
	char request[4096];

	for (size_t at = 0; at < sizeof(chunks); at += sizeof(CHUNK) - 1)
		memcpy(chunks + at, CHUNK, sizeof(CHUNK) - 1);
	if (recv(fd, request, sizeof(request), 0) <= 0 ||
	    send(fd, head, sizeof(head) - 1, MSG_NOSIGNAL) < 0)
		return;
	for (;;) {
		for (size_t at = 0; at < sizeof(chunks);) {
			ssize_t sent = send(fd, chunks + at, sizeof(chunks) - at, MSG_NOSIGNAL);

			if (sent <= 0)
				return;
			at += (size_t)sent;
		}
	}
}

static unsigned start_flood(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(listener, 16), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &length), 0);
	flood = fork();
	assert_true(flood >= 0);
	if (flood == 0) {
		alarm(60); /* never left behind */
		for (;;) {
			int fd = accept(listener, NULL, NULL);

			if (fd >= 0) {
				pour(fd);
				close(fd);
			}
		}
	}
	close(listener);
	return ntohs(address.sin_port);
}

static int start(void **state)
{
	(void)state;
	snprintf(slow_url, sizeof(slow_url), "http://127.0.0.1:%u/delay/20ms",
		 peer_origin(&origin, NULL));
	snprintf(flood_url, sizeof(flood_url), "http://127.0.0.1:%u/", start_flood());
	return 0;
}

static int stop(void **state)
{
	(void)state;
	fetching_stop_server(flood);
	peer_origin_end(&origin);
	child_free(&origin);
	return 0;
}

/* The flood comes first; the other's answer arrives in the midst of it. */
static void others_have_their_turn(void **state)
{
	static const struct {
		const char *model, *option;
	} rows[] = {
		{"nonblocking", "-q"},	   {"select", "-q"},	       {"poll", "-q"},
		{"epoll", "--epoll=edge"}, {"epoll", "--epoll=level"}, {"uring", "-q"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *const arguments[] = {"-c2",	    "-m2s",   "--json", rows[i].option,
						 flood_url, slow_url, NULL};
		struct child child;

		if (fetching_run(&child, rows[i].model, arguments) != 1)
			fail_msg("fetch-%s %s: status %d, %s", rows[i].model, rows[i].option,
				 child.status, child.err.text);
		assert_true(child_one_line(child.err.text));
		if (!strstr(child.err.text, flood_url) ||
		    !strstr(child.err.text, "body: not complete within --max-time"))
			fail_msg("fetch-%s %s: %s", rows[i].model, rows[i].option, child.err.text);
		json_t *row = fetching_row(&child);

		assert_int_equal(fetching_number(row, "requests"), 1);
		json_decref(row);
		child_free(&child);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(others_have_their_turn),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
