/*
 * Links from inside: what the two ends are, who may be where, and that nothing is left of a link
 * that was taken down, whatever was still running in it. Where this user may not make one, that
 * it is refused in one line.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "kernels/fetch/netlink.h"
#include "lab/link.h"
#include "lab/link_leftovers.h"
#include "lab/link_netlink.h"
#include "tests/linking.h"

static void make(struct link *link)
{
	char why[512] = "";

	if (link_up(link, LINK_VETH, 1, 0, why, sizeof(why)))
		fail_msg("%s", why);
}

static ino_t inode_of(int fd)
{
	struct stat status;

	assert_int_equal(fstat(fd, &status), 0);
	return status.st_ino;
}

static void kinds_without_a_link(void **state)
{
	static const enum link_kind kinds[] = {LINK_LOOPBACK, LINK_NONE};
	char text[LINK_TEXT_SIZE], why[128];
	ino_t home = linking_here();
	struct link link;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(link_up(&link, kinds[i], 1, 0, why, sizeof(why)), 0);
		assert_int_equal(link_netns(&link, LINK_ORIGIN), -1);
		assert_int_equal(link_enter(&link, LINK_CLIENT), 0);
		assert_true(linking_here() == home);
		assert_string_equal(link.address[LINK_ORIGIN], "127.0.0.1");
		assert_string_equal(link_text(&link, text), link_kind_names[kinds[i]]);
		assert_int_equal(link_down(&link), 0);
	}
}

/* What does not fit into a message stays out of it, and it is not sent. */
static void a_message_too_long(void **state)
{
	const struct ifinfomsg any = {.ifi_index = 1};
	struct {
		struct netlink_message message;
		char behind[512];
	} m;
	char text[1100], untouched[sizeof(m.behind)];
	struct rtattr *nest;

	(void)state;
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	memset(&m, 'b', sizeof(m));
	memset(untouched, 'b', sizeof(untouched));
	netlink_begin(&m.message, RTM_GETLINK, 0, &any, sizeof(any));
	nest = netlink_nest(&m.message, IFLA_LINKINFO);
	netlink_text(&m.message, IFLA_IFNAME, text);
	netlink_end_nest(&m.message, nest);
	netlink_text(&m.message, IFLA_IFNAME, "lo");
	assert_memory_equal(m.behind, untouched, sizeof(untouched));
	assert_int_equal(netlink_do(-1, &m.message), -EMSGSIZE);
}

static void refused(void **state)
{
	ino_t home = linking_here();
	char why[512] = "";
	pid_t pid = fork();
	struct link link;
	int status = -1;

	(void)state;
	if (pid == 0) {
		/* Root without its rights; anybody else has none. */
		if (geteuid() == 0 && (setgid(65534) || setuid(65534)))
			_exit(1);
		if (link_up(&link, LINK_VETH, 1, 0, why, sizeof(why)) != -EPERM)
			_exit(2);
		if (!strstr(why, "cannot make a network namespace") ||
		    !strstr(why, "CAP_NET_ADMIN") || strchr(why, '\n'))
			_exit(3);
		if (linking_here() != home || link.netns[0] != -1 || link_down(&link) != 0)
			_exit(4);
		_exit(0);
	}
	assert_true(pid > 0 && waitpid(pid, &status, 0) == pid);
	assert_int_equal(status, 0);
}

/* What ethtool would show; -1 when it cannot be asked. */
static int offload(const char *name, unsigned command)
{
	struct ethtool_value value = {.cmd = command};
	struct ifreq request = {.ifr_data = (char *)&value};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	int err;

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	err = ioctl(fd, SIOCETHTOOL, &request);
	close(fd);
	return err ? -1 : (int)value.data;
}

/* In a child of its own, in the namespace: 0, or the number of the line that did not hold. */
#define HOLDS(condition)                                                                           \
	do {                                                                                       \
		if (!(condition))                                                                  \
			return __LINE__;                                                           \
	} while (0)

static int look_round(const struct link *link, enum link_end end)
{
	static const char *const names[] = {"client", "origin"};
	static const unsigned offloads[] = {ETHTOOL_GTXCSUM, ETHTOOL_GRXCSUM, ETHTOOL_GTSO,
					    ETHTOOL_GGSO, ETHTOOL_GGRO};
	struct if_nameindex *all = if_nameindex();
	char alias[128], begins[64];
	unsigned count = 0;
	int fd;

	HOLDS(all != NULL);
	for (; all[count].if_index; count++)
		HOLDS(strcmp(all[count].if_name, "lo") == 0 ||
		      strcmp(all[count].if_name, link->interface[end]) == 0);
	HOLDS(count == 2);
	for (size_t i = 0; i < sizeof(offloads) / sizeof(offloads[0]); i++)
		HOLDS(offload(link->interface[end], offloads[i]) == 0);
	fd = netlink_open();
	HOLDS(fd >= 0);
	/* By this fetch-xdp knows its interface, and it must be the only one. */
	HOLDS(link_netlink_alias(fd, "iolab", alias, sizeof(alias)) == 0);
	snprintf(begins, sizeof(begins), "iolab %s %d ", names[end], (int)getppid());
	HOLDS(strncmp(alias, begins, strlen(begins)) == 0);
	snprintf(begins, sizeof(begins), LINK_MARK "%s ", names[end]);
	HOLDS(link_netlink_alias(fd, LINK_MARK, alias, sizeof(alias)) == 0);
	HOLDS(strncmp(alias, begins, strlen(begins)) == 0);
	return 0;
}

/* Runs it in a child that has entered the end; fails the test unless it returns 0. */
static void within(const struct link *link, enum link_end end,
		   int (*look)(const struct link *link, enum link_end end))
{
	int report[2], line = -1;
	pid_t pid;

	assert_int_equal(pipe(report), 0);
	pid = fork();
	if (pid == 0) {
		line = link_enter(link, end) ? __LINE__ : look(link, end);
		_exit(write(report[1], &line, sizeof(line)) != sizeof(line));
	}
	close(report[1]);
	assert_int_equal(read(report[0], &line, sizeof(line)), sizeof(line));
	close(report[0]);
	waitpid(pid, NULL, 0);
	if (line)
		fail_msg("line %d does not hold at the %s's end", line, end ? "origin" : "client");
}

static void both_ends(void **state)
{
	ino_t home = linking_here();
	struct link link;

	(void)state;
	linking_need();
	make(&link);
	assert_true(linking_here() == home);
	assert_true(inode_of(link.netns[LINK_CLIENT]) != home);
	assert_true(inode_of(link.netns[LINK_CLIENT]) != inode_of(link.netns[LINK_ORIGIN]));
	assert_int_equal(link.mtu, 1500);
	within(&link, LINK_CLIENT, look_round);
	within(&link, LINK_ORIGIN, look_round);
	link_down(&link);
	assert_int_equal(link_down(&link), 0);
}

static int listen_there(const struct link *link, enum link_end end, struct sockaddr_in *at)
{
	socklen_t size = sizeof(*at);
	int fd;

	*at = (struct sockaddr_in){.sin_family = AF_INET};
	inet_pton(AF_INET, link->address[end], &at->sin_addr);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(fd, (struct sockaddr *)at, sizeof(*at)) || listen(fd, 8) ||
	    getsockname(fd, (struct sockaddr *)at, &size))
		return -1;
	return fd;
}

/* A byte goes over at once: the link carries when link_up() returns, and nowhere else. */
static void carries_at_once(void **state)
{
	(void)state;
	linking_need();
	for (int i = 0; i < 5; i++) {
		struct sockaddr_in at;
		struct link link;
		int report[2], server, status;
		pid_t pid;

		make(&link);
		assert_int_equal(pipe(report), 0);
		pid = fork();
		if (pid == 0) {
			link_enter(&link, LINK_ORIGIN);
			server = listen_there(&link, LINK_ORIGIN, &at);
			if (server < 0 || write(report[1], &at, sizeof(at)) != sizeof(at))
				_exit(1);
			_exit(accept(server, NULL, NULL) < 0);
		}
		assert_int_equal(read(report[0], &at, sizeof(at)), sizeof(at));
		if (fork() == 0) {
			struct timeval patience = {.tv_usec = 500000};
			int fd = socket(AF_INET, SOCK_STREAM, 0);

			link_enter(&link, LINK_CLIENT);
			close(fd);
			fd = socket(AF_INET, SOCK_STREAM, 0);
			setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
			_exit(connect(fd, (struct sockaddr *)&at, sizeof(at)) != 0);
		}
		for (int child = 0; child < 2; child++) {
			assert_true(wait(&status) > 0);
			assert_int_equal(status, 0);
		}
		close(report[0]);
		close(report[1]);
		link_down(&link);
	}
}

static void nothing_left_of_twenty(void **state)
{
	char *before = linking_host();

	(void)state;
	linking_need();
	for (int i = 0; i < 20; i++) {
		ino_t inodes[LINK_ENDS];
		struct link link;

		make(&link);
		for (int end = 0; end < LINK_ENDS; end++)
			inodes[end] = inode_of(link.netns[end]);
		link_down(&link);
		for (int end = 0; end < LINK_ENDS; end++)
			assert_int_equal(linking_inside(inodes[end]), 0);
	}
	linking_same(before, linking_host());
}

/* A process in one end of the link that nobody waits for, deaf to SIGTERM when told so. */
static void stray(const struct link *link, enum link_end end, bool deaf)
{
	int ready[2];
	char byte;

	assert_int_equal(pipe(ready), 0);
	if (fork() == 0) {
		if (deaf)
			signal(SIGTERM, SIG_IGN);
		if (fork() > 0)
			_exit(0);
		link_enter(link, end);
		if (write(ready[1], "x", 1) == 1)
			sleep(600);
		_exit(0);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	close(ready[1]);
	wait(NULL);
}

static void strays_are_ended(void **state)
{
	ino_t inodes[LINK_ENDS];
	struct link link;

	(void)state;
	linking_need();
	make(&link);
	for (int end = 0; end < LINK_ENDS; end++)
		inodes[end] = inode_of(link.netns[end]);
	stray(&link, LINK_CLIENT, false);
	stray(&link, LINK_ORIGIN, true);
	/* One that is there, and one that was forked with its descriptor. */
	assert_int_equal(linking_inside(inodes[LINK_CLIENT]), 2);
	assert_int_equal(link_down(&link), 2);
	assert_int_equal(linking_inside(inodes[LINK_CLIENT]), 0);
	assert_int_equal(linking_inside(inodes[LINK_ORIGIN]), 0);
}

/*
 * Somebody makes a link, leaves a process at each end and dies without a word: that is found and
 * ended, also where the pair is gone since the other end is; a link that is held is let be.
 */
static void leftovers_are_found(void **state)
{
	struct link_leftovers found;
	ino_t inodes[LINK_ENDS], mine;
	int report[2];
	struct link link, held;
	char why[512];
	FILE *quiet = fopen("/dev/null", "w");
	pid_t pid;

	(void)state;
	linking_need();
	make(&held);
	stray(&held, LINK_CLIENT, false);
	mine = inode_of(held.netns[LINK_CLIENT]);
	assert_int_equal(pipe(report), 0);
	pid = fork();
	if (pid == 0) {
		if (link_up(&link, LINK_VETH, 1, 0, why, sizeof(why)))
			_exit(1);
		for (int end = 0; end < LINK_ENDS; end++)
			inodes[end] = inode_of(link.netns[end]);
		stray(&link, LINK_CLIENT, false);
		stray(&link, LINK_ORIGIN, true);
		if (write(report[1], inodes, sizeof(inodes)) != sizeof(inodes))
			_exit(1);
		raise(SIGKILL);
	}
	assert_int_equal(read(report[0], inodes, sizeof(inodes)), sizeof(inodes));
	waitpid(pid, NULL, 0);
	assert_true(linking_inside(inodes[LINK_CLIENT]) > 0);
	assert_true(linking_inside(inodes[LINK_ORIGIN]) > 0);
	if (link_clean(&found, quiet, why, sizeof(why)))
		fail_msg("%s", why);
	assert_true(found.ended >= 2 && found.stayed == 0);
	assert_int_equal(linking_inside(inodes[LINK_CLIENT]), 0);
	assert_int_equal(linking_inside(inodes[LINK_ORIGIN]), 0);
	assert_true(found.owned >= 1);
	assert_int_equal(linking_inside(mine), 1);
	assert_int_equal(link_down(&held), 1);
	fclose(quiet);
}

/* By netem where the kernel has it; otherwise the caller is told that the origin must. */
static void latency(void **state)
{
	char text[LINK_TEXT_SIZE], why[512];
	struct link link;

	(void)state;
	linking_need();
	assert_int_equal(link_up(&link, LINK_VETH, 1, 1500000, why, sizeof(why)), 0);
	assert_true(link.delay == LINK_DELAY_NETEM || link.delay == LINK_DELAY_ORIGIN);
	assert_string_equal(link_text(&link, text), link.delay == LINK_DELAY_NETEM
							    ? "veth 1.5ms by netem"
							    : "veth 1.5ms by origin");
	link_down(&link);
}

/* The interface's queues, as the kernel has it. */
static unsigned channels(const char *name)
{
	struct ethtool_channels all = {.cmd = ETHTOOL_GCHANNELS};
	struct ifreq request = {.ifr_data = (char *)&all};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	int err;

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	err = ioctl(fd, SIOCETHTOOL, &request);
	close(fd);
	/* Each way, and the same number of them. */
	return err || all.rx_count != all.tx_count ? 0 : all.rx_count;
}

static void queues(void **state)
{
	static const unsigned counts[] = {1, 2, 3, LINK_QUEUES_MAX};

	(void)state;
	linking_need();
	for (size_t i = 0; i < 4; i++) {
		char text[LINK_TEXT_SIZE], expected[LINK_TEXT_SIZE], why[512];
		struct link link;
		json_t *facts;

		assert_int_equal(link_up(&link, LINK_VETH, counts[i], 0, why, sizeof(why)), 0);
		for (int end = 0; end < LINK_ENDS; end++) {
			pid_t pid = fork();
			int status = -1;

			if (pid == 0)
				_exit(link_enter(&link, (enum link_end)end) ||
				      channels(link.interface[end]) != counts[i]);
			assert_true(waitpid(pid, &status, 0) == pid);
			assert_int_equal(status, 0);
		}
		snprintf(expected, sizeof(expected), counts[i] > 1 ? "veth with %u queues" : "veth",
			 counts[i]);
		assert_string_equal(link_text(&link, text), expected);
		facts = link_facts(&link);
		assert_int_equal(json_integer_value(json_object_get(facts, "queues")), counts[i]);
		json_decref(facts);
		link_down(&link);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kinds_without_a_link),
		cmocka_unit_test(a_message_too_long),
		cmocka_unit_test(refused),
		cmocka_unit_test(both_ends),
		cmocka_unit_test(carries_at_once),
		cmocka_unit_test(nothing_left_of_twenty),
		cmocka_unit_test(strays_are_ended),
		cmocka_unit_test(leftovers_are_found),
		cmocka_unit_test(latency),
		cmocka_unit_test(queues),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
