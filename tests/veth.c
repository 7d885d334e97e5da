/* See veth.h. */
#include "tests/veth.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "tests/child.h"

#define SERVER_MAC "02:00:00:00:00:02"

static int clients = -1, servers = -1;
static pid_t holder;

void veth_ip(const char *words)
{
	char text[256], *rest = text;
	const char *argv[32] = {"ip"};
	struct child child;
	unsigned count = 1;

	snprintf(text, sizeof(text), "%s", words);
	while ((argv[count] = strsep(&rest, " ")))
		count++;
	if (child_run(&child, argv) != 0)
		fail_msg("ip %s: %s", words, child.err.text);
	child_free(&child);
}

void veth_mark(const char *name)
{
	const char *const argv[] = {"ip", "link", "set", name, "alias", "iolab client 1 1 1", NULL};
	struct child child;

	if (child_run(&child, argv) != 0)
		fail_msg("ip: %s", child.err.text);
	child_free(&child);
}

/* A process that does nothing in a network namespace of its own. */
static pid_t hold_namespace(void)
{
	pid_t parent = getpid(), pid;
	int ready[2];
	char byte;

	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent ||
		    unshare(CLONE_NEWNET) || write(ready[1], "", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return pid;
}

void veth_checksums_by_software(const char *name)
{
	struct ethtool_value off = {.cmd = ETHTOOL_STXCSUM, .data = 0};
	struct ifreq request = {.ifr_data = (char *)&off};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	assert_int_equal(ioctl(fd, SIOCETHTOOL, &request), 0);
	close(fd);
}

static void enter(int space)
{
	assert_int_equal(setns(space, CLONE_NEWNET), 0);
}

void veth_to_clients(void)
{
	enter(clients);
}

void veth_to_servers(void)
{
	enter(servers);
}

bool veth_make(void)
{
	char words[128];

	if (unshare(CLONE_NEWNET))
		return false;
	servers = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	holder = hold_namespace();
	snprintf(words, sizeof(words), "/proc/%d/ns/net", holder);
	clients = open(words, O_RDONLY | O_CLOEXEC);
	assert_true(servers >= 0 && clients >= 0);
	veth_ip("link set lo up");
	veth_to_clients();
	veth_ip("link set lo up");
	veth_to_servers();
	veth_join();
	return true;
}

/* The kernel takes its time to say so. */
void veth_wait_for_carrier(const char *name)
{
	const char *const argv[] = {"ip", "link", "show", name, NULL};
	bool up = false;

	for (unsigned i = 0; i < 300 && !up; i++) {
		struct child child;

		assert_int_equal(child_run(&child, argv), 0);
		up = strstr(child.out.text, "LOWER_UP") && !strstr(child.out.text, "NO-CARRIER");
		child_free(&child);
		if (!up)
			usleep(10000);
	}
	if (!up)
		fail_msg("%s has no carrier", name);
}

void veth_join(void)
{
	char words[160];

	snprintf(words, sizeof(words),
		 "link add wtxdp1 address " SERVER_MAC " type veth peer name " VETH_NAME
		 " address 02:00:00:00:00:01 netns %d",
		 holder);
	veth_ip(words);
	veth_ip("addr add " VETH_SERVER "/24 dev wtxdp1");
	veth_ip("link set wtxdp1 up");
	veth_checksums_by_software("wtxdp1");
	veth_to_clients();
	veth_mark(VETH_NAME);
	veth_ip("addr add " VETH_CLIENT "/24 dev " VETH_NAME);
	veth_checksums_by_software(VETH_NAME);
	veth_to_servers();
	veth_up();
}

void veth_up(void)
{
	veth_to_clients();
	veth_ip("link set " VETH_NAME " up");
	veth_ip("neigh replace " VETH_SERVER " lladdr " SERVER_MAC " nud permanent dev " VETH_NAME);
	veth_wait_for_carrier(VETH_NAME);
	veth_to_servers();
}

pid_t veth_holder(void)
{
	return holder;
}

unsigned veth_program(void)
{
	const char *const argv[] = {"ip", "-d", "link", "show", VETH_NAME, NULL};
	struct child child;
	unsigned id = 0;

	veth_to_clients();
	assert_int_equal(child_run(&child, argv), 0);
	veth_to_servers();
	const char *at = strstr(child.out.text, "prog/xdp id ");

	if (at)
		id = (unsigned)strtoul(at + strlen("prog/xdp id "), NULL, 10);
	child_free(&child);
	return id;
}

void veth_remove(void)
{
	if (holder <= 0)
		return;
	kill(holder, SIGKILL);
	waitpid(holder, NULL, 0);
	close(clients);
	close(servers);
}
