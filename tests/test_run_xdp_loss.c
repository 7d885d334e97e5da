/*
 * fetch-xdp when frames are lost or come in another order, those that it sends as well as those that
 * it receives: every body is right all the same.
 */
#include <arpa/inet.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "tests/bypassing.h"
#include "tests/fetching.h"
#include "tests/mangling.h"
#include "tests/veth.h"

/* 2 % of all frames that arrive are lost: every body is right all the same. */
static void frames_lost(void **state)
{
	static const char *const seeds[] = {"--xdp=drop:20,seed:1", "--xdp=drop:20,seed:2"};

	(void)state;
	bypassing_need();
	struct bypassing_site site;
	size_t size;

	bypassing_make_site(&site, "http", bypassing_origin[0], "/bytes/");
	char *bytes = bypassing_by_curl(&site, &size);

	for (unsigned i = 0; i < 2; i++) {
		const char *const options[] = {"-c64", "-n640", seeds[i], NULL};
		json_t *row = bypassing_fetch_all(&site, options, bytes, size);

		assert_true(fetching_number(row, "frames_lost") > 100);
		json_decref(row);
	}
	free(bytes);
	bypassing_make_site(&site, "https", bypassing_nginx[1], "/");
	bytes = bypassing_by_curl(&site, &size);
	const char *const options[] = {"-c16", "-n176", seeds[0], NULL};

	json_decref(bypassing_fetch_all(&site, options, bytes, size));
	free(bytes);
}

/* The nginx of the other tests, by way of a link that mangles. */
static char *make_mangled(struct bypassing_site *site, const char *scheme, unsigned port,
			  size_t *size)
{
	bypassing_make_site(site, scheme, port, "/");
	/* By the good link: it is the bytes that matter. */
	char *bytes = bypassing_by_curl(site, size);

	snprintf(site->resolve, sizeof(site->resolve), "localhost:%u:" MANGLING_SERVER, port);
	return bytes;
}

static void mangled(void **state)
{
	static const struct {
		unsigned lose[MANGLING_WAYS], hold[MANGLING_WAYS];
	} rows[] = {{{0, 20}, {0, 0}}, {{0, 0}, {50, 50}}, {{20, 20}, {30, 30}}};

	(void)state;
	bypassing_need();
	struct mangling *m = mangling_start(1);

	if (!m)
		skip();
	for (unsigned tls = 0; tls < 2; tls++) {
		struct bypassing_site site;
		size_t size;
		char *bytes =
			make_mangled(&site, tls ? "https" : "http", bypassing_nginx[tls], &size);

		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
			const char *const options[] = {"-c16", "-n176", NULL};
			uint64_t lost[MANGLING_WAYS], held[MANGLING_WAYS];

			for (unsigned way = 0; way < MANGLING_WAYS; way++) {
				m->lose[way] = rows[i].lose[way];
				m->hold[way] = rows[i].hold[way];
				lost[way] = m->lost[way];
				held[way] = m->held[way];
			}
			json_decref(bypassing_fetch_all(&site, options, bytes, size));
			for (unsigned way = 0; way < MANGLING_WAYS; way++) {
				assert_true(!rows[i].lose[way] || m->lost[way] > lost[way] + 20);
				assert_true(!rows[i].hold[way] || m->held[way] > held[way] + 20);
			}
		}
		free(bytes);
	}
	mangling_stop(m);
}

/* --- frames that nobody lost on purpose ----------------------------------------------------- */

static double dropped(struct child *child)
{
	json_t *row = fetching_row(child);
	double count = fetching_number(row, "frames_dropped");

	json_decref(row);
	child_free(child);
	return count;
}

/* The peer's end takes no frame as long as its request: the interface drops what it is sent. */
static void dropped_by_the_interface(void **state)
{
	(void)state;
	bypassing_need();
	char url[96], header[600];
	const struct bypassing_words words = {
		{"--json", "-c1", "-n4", "-R2", "--max-time=1500ms", "-H", header, url}, 8};
	struct child child;

	snprintf(header, sizeof(header), "X: %0500d", 7);
	bypassing_url(url, "/");
	bypassing_start(&child, &words);
	bypassing_wait_for_program(&child);
	usleep(700000); /* on a connection that is kept, its segments' size agreed upon */
	veth_ip("link set wtxdp1 mtu 300");
	assert_int_equal(child_wait(&child, BYPASSING_HANG_MS), 1);
	veth_ip("link set wtxdp1 mtu 1500");
	assert_true(dropped(&child) >= 2);
	/* And no more than in its own time. */
	assert_int_equal(bypassing_run(&child, &words), 0);
	assert_int_equal(dropped(&child), 0);
}

/* It is stopped for a moment, and more arrives than there is room for. */
static void dropped_for_want_of_room(void **state)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9)};

	(void)state;
	bypassing_need();
	char url[96];
	const struct bypassing_words words = {
		{"--json", "-c1", "-n20", "-R10", "--wait=block", url}, 6};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct child child;

	bypassing_url(url, "/");
	bypassing_start(&child, &words);
	bypassing_wait_for_program(&child);
	usleep(300000);
	kill(child.pid, SIGSTOP);
	inet_pton(AF_INET, VETH_CLIENT, &to.sin_addr);
	for (unsigned i = 0; i < 20000; i++)
		sendto(fd, "flood", 5, 0, (struct sockaddr *)&to, sizeof(to));
	kill(child.pid, SIGCONT);
	close(fd);
	if (child_wait(&child, BYPASSING_HANG_MS) != 0)
		fail_msg("status %d, '%s'", child.status, child.err.text);
	/* RX has room for 4096, and each is counted once, though socket and interface count both. */
	double count = dropped(&child);

	assert_true(count > 10000 && count < 20000);
}

/* --- a server that vanishes ----------------------------------------------------------------- */

/* Whether a process has a handler for the signal. */
static bool catches(pid_t pid, int signal)
{
	char path[64], line[256];
	unsigned long long mask = 0;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	FILE *file = fopen(path, "re");

	while (file && fgets(line, sizeof(line), file))
		if (strncmp(line, "SigCgt:", 7) == 0)
			mask = strtoull(line + 7, NULL, 16);
	if (file)
		fclose(file);
	return mask >> (signal - 1) & 1;
}

static bool is_over(const struct child *child)
{
	struct pollfd ended = {.fd = child->pidfd, .events = POLLIN};

	return poll(&ended, 1, 0) == 1;
}

/* Its ticks come by SIGUSR2: with many of them, minutes go by in seconds. Returns its status. */
static int hurry(struct child *child)
{
	for (unsigned i = 0; i < 10000 && !is_over(child) && !catches(child->pid, SIGUSR2); i++)
		usleep(1000);
	for (unsigned i = 0; i < 200000 && !is_over(child); i++) {
		kill(child->pid, SIGUSR2);
		usleep(100);
	}
	return child_wait(child, 1000);
}

/*
 * Nobody is there any more, and nobody says so. What is sent again and again without an answer is
 * given up in the end, also without --max-time, as by the kernel's TCP.
 */
static void vanished(void **state)
{
	(void)state;
	bypassing_need();
	struct mangling *m = mangling_start(1);

	if (!m)
		skip();
	for (unsigned i = 0; i < 2; i++) {
		static const char *const says[] = {"receive: Connection timed out",
						   "connect: Connection timed out"};
		char url[96];
		const struct bypassing_words words = {{"--quiet", "-c1", "-n4", "-R2", url}, 5};
		struct child child;

		snprintf(url, sizeof(url), "http://" MANGLING_SERVER ":%u/1", bypassing_nginx[0]);
		m->lose[MANGLING_TO_CLIENTS] = m->lose[MANGLING_TO_SERVERS] = i ? 1000 : 0;
		bypassing_start(&child, &words);
		/* Between two fetches on a connection that is kept. */
		if (!i)
			usleep(800000);
		m->lose[MANGLING_TO_CLIENTS] = m->lose[MANGLING_TO_SERVERS] = 1000;
		int status = hurry(&child);

		if (status != 1 || !strstr(child.err.text, says[i]))
			fail_msg("status %d, '%s'", status, child.err.text);
		child_free(&child);
	}
	mangling_stop(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_lost),
		cmocka_unit_test(mangled),
		cmocka_unit_test(dropped_by_the_interface),
		cmocka_unit_test(dropped_for_want_of_room),
		cmocka_unit_test(vanished),
	};

	return cmocka_run_group_tests(tests, bypassing_set_up, bypassing_tear_down);
}
