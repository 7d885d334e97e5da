/*
 * fetch-xdp where it cannot, or can no longer: one line that says why, the documented status, and
 * nothing left on the interface.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "tests/bpf_ids.h"
#include "tests/bypassing.h"
#include "tests/fetching.h"
#include "tests/linking.h"
#include "tests/veth.h"

static void bad_options(void **state)
{
	static const struct {
		const char *option;
		int status;
		const char *says;
	} rows[] = {
		{"--interface=nosuch0", 2, "there is no 'nosuch0'"},
		{"--xdp=copy,zerocopy", 2, "exclude each other"},
		{"--xdp=native,generic", 2, "exclude each other"},
		{"--xdp=generic,zerocopy", 2, "do not go together"},
		{"--xdp=seed:3", 2, "seed goes with drop"},
		{"--xdp=drop:1001", 2, "from 1 to 1000"},
		{"--xdp=drop", 2, "needs a value"},
		{"--xdp=copper", 2, "did you mean copy?"},
		{"--threads=2", 2, "ask for --processes 2"},
		{"--processes=2", 3, VETH_NAME " has 1 queue, too few for 2 workers"},
		{"--tls-io=conventional", 2, "--tls-io"},
		{"--xdp=zerocopy", 3, "refuses zero-copy AF_XDP on queue 0 of " VETH_NAME},
		{"--connections=20000", 3, "16384 local ports"},
	};

	(void)state;
	bypassing_need();
	char url[96], overlong[16 + 1100] = "--interface=";
	const struct bypassing_words endless = {{overlong, url}, 2};

	bypassing_url(url, "/");
	memset(overlong + strlen(overlong), 'x', 1100);
	bypassing_says(&endless, 2, "there is no 'xxxxxxxxxxxxxxx...' here");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct bypassing_words words = {{rows[i].option, "-c2", url}, 3};
		const struct bypassing_words alone = {{rows[i].option, url}, 2};

		bypassing_says(strncmp(rows[i].option, "--connections", 13) == 0 ? &alone : &words,
			       rows[i].status, rows[i].says);
	}
}

/* It takes nothing that the lab did not make, unless it is told to. */
static void interfaces_of_others(void **state)
{
	(void)state;
	bypassing_need();
	char url[96];
	const struct bypassing_words plain = {{url}, 1};
	const struct bypassing_words named = {{"--interface=" VETH_NAME, url}, 2};
	const struct bypassing_words loopback = {{"http://127.0.0.1:1/"}, 1};
	const struct bypassing_words nowhere = {{"http://192.0.2.1/"}, 1};
	const struct bypassing_words six = {{"http://[::1]:1/"}, 1};
	struct child child;

	bypassing_url(url, "/");
	veth_to_clients();
	veth_ip("link set " VETH_NAME " alias iolab-uplink");
	veth_to_servers();
	bypassing_says(&plain, 2, "--interface " VETH_NAME);
	if (bypassing_run(&child, &named) != 0)
		fail_msg("%s", child.err.text);
	child_free(&child);
	veth_to_clients();
	veth_mark(VETH_NAME);
	veth_to_servers();
	bypassing_says(&loopback, 2, "iolab link");
	bypassing_says(&nowhere, 3, "no way there");
	bypassing_says(&six, 3, "IPv4 only");
}

static void busy(void **state)
{
	(void)state;
	bypassing_need();
	char url[96];
	const struct bypassing_words words = {{"-c1", "-R10", "-d60s", "--quiet", url}, 5};
	const struct bypassing_words second = {{url}, 1};
	struct child first, child;

	bypassing_url(url, "/");
	bypassing_start(&first, &words);
	bypassing_wait_for_program(&first);
	bypassing_leaks_count(false);
	int status = bypassing_run(&child, &second);

	bypassing_leaks_count(true);

	if (status != 3 || !child_one_line(child.err.text) || !strstr(child.err.text, "busy"))
		fail_msg("status %d, '%s'", status, child.err.text);
	child_free(&child);
	assert_int_equal(child_end(&first, SIGINT, CHILD_LIMIT_MS), 130);
	child_free(&first);
	assert_int_equal(veth_program(), 0);
}

/* A bridge's driver cannot run the program, and nobody answers there. */
static void no_native_mode(void **state)
{
	(void)state;
	bypassing_need();
	const struct bypassing_words native = {
		{"--interface=wtxdp7", "--xdp=native", "http://10.98.0.2/"}, 3};
	const struct bypassing_words silent = {
		{"--interface=wtxdp7", "--connect-timeout=300ms", "http://10.98.0.2/"}, 3};
	struct child child;

	veth_to_clients();
	veth_ip("link add wtxdp7 type bridge");
	veth_ip("link add wtxdp8 type veth peer name wtxdp9");
	veth_ip("link set wtxdp8 master wtxdp7");
	veth_ip("addr add 10.98.0.1/24 dev wtxdp7");
	for (unsigned i = 7; i < 10; i++) {
		char words[32];

		snprintf(words, sizeof(words), "link set wtxdp%u up", i);
		veth_ip(words);
	}
	veth_wait_for_carrier("wtxdp7");
	veth_to_servers();
	bypassing_says(&native, 3, "the driver has no native mode");
	if (bypassing_run(&child, &silent) != 1 || !strstr(child.err.text, "connect"))
		fail_msg("status %d, '%s'", child.status, child.err.text);
	child_free(&child);
	veth_to_clients();
	veth_ip("link del wtxdp8");
	veth_ip("link del wtxdp7");
	veth_to_servers();
}

/*
 * The interface is lost so in the middle of a run, busy or waiting, and that is said, and not
 * waited for; mend() then makes it what it was. What the network is in between is returned.
 */
static char *lose_interface(const char *way, const char *wait, const char *path, void (*mend)(void))
{
	char url[96];
	const struct bypassing_words words = {{"-c16", "-d60s", "--quiet", wait, url}, 5};
	struct child child;

	bypassing_url(url, path);
	bypassing_start(&child, &words);
	bypassing_wait_for_program(&child);
	usleep(200000);
	veth_to_clients();
	veth_ip(way);
	veth_to_servers();
	/* Much less than the answers, or the run, would take. */
	int status = child_wait(&child, CHILD_LIMIT_MS);
	char *network = bypassing_network();

	mend();
	if (status != 1 || !child_one_line(child.err.text) ||
	    !strstr(child.err.text, "the interface was taken down or deleted"))
		fail_msg("%s, %s, %s: status %d, '%s'", way, wait, path, status, child.err.text);
	child_free(&child);
	assert_int_equal(veth_program(), 0);
	return network;
}

/* Takes it down in a run that is to end by that alone, and makes it what it was. */
static void lose_while_it_runs(struct child *child, const struct bypassing_words *words)
{
	bypassing_start(child, words);
	bypassing_wait_for_program(child);
	usleep(300000);
	veth_to_clients();
	veth_ip("link set " VETH_NAME " down");
	veth_to_servers();
	int status = child_wait(child, CHILD_LIMIT_MS);

	veth_up();
	if (status != 1 || !child_one_line(child->err.text) ||
	    !strstr(child->err.text, "the interface was taken down or deleted"))
		fail_msg("status %d, '%s'", status, child->err.text);
}

static void interface_down(void **state)
{
	(void)state;
	bypassing_need();
	free(lose_interface("link set " VETH_NAME " down", "--wait=block", "/", veth_up));
	free(lose_interface("link set " VETH_NAME " down", "--wait=spin", "/delay/50s", veth_up));
	free(lose_interface("link set " VETH_NAME " down", "--wait=block", "/delay/50s", veth_up));
}

/* What was under way has failed then, and the figures own up to being of a part. */
static void interface_down_recorded(void **state)
{
	(void)state;
	bypassing_need();
	char url[96];
	const struct bypassing_words answered = {{"-c64", "-n50000000", "--json", url}, 4};
	const struct bypassing_words summary = {{"-c64", "-n50000000", url}, 3};
	struct child child;
	json_t *row;

	bypassing_url(url, "/");
	lose_while_it_runs(&child, &answered);
	row = fetching_row(&child);
	assert_true(fetching_number(row, "requests") > 0);
	assert_int_equal(fetching_number(row, "errors"), 64);
	assert_int_equal(fetching_number(row, "partial"), 1);
	assert_non_null(strstr(json_string_value(json_object_get(row, "flags")), "unanswered"));
	json_decref(row);
	child_free(&child);
	lose_while_it_runs(&child, &summary);
	assert_non_null(strstr(child.out.text, " 64 errors (cut short)\n"));
	child_free(&child);
}

/* A deleted interface is gone as one is that nobody used. */
static void interface_deleted(void **state)
{
	static const char *const waits[] = {"--wait=block", "--wait=spin"};
	static const char *const paths[] = {"/", "/delay/50s"};
	struct bpf_ids before;

	(void)state;
	bypassing_need();
	bpf_ids_take(&before);
	for (unsigned i = 0; i < 4; i++) {
		veth_to_clients();
		veth_ip("link del " VETH_NAME);
		char *deleted = bypassing_network();

		veth_join();
		linking_same(deleted, lose_interface("link del " VETH_NAME, waits[i / 2],
						     paths[i % 2], veth_join));
	}
	bpf_ids_none_since(&before);
}

/* Root without the capabilities is nobody. */
static void not_root(void **state)
{
	(void)state;
	bypassing_need();
	char url[96];
	const char *const argv[] = {"setpriv",
				    "--bounding-set",
				    "-sys_admin,-net_admin,-net_raw,-bpf",
				    child_program("fetch-xdp"),
				    url,
				    NULL};
	struct child child;

	bypassing_url(url, "/");
	bypassing_leaks_count(false);
	veth_to_clients();
	int status = child_run(&child, argv);

	veth_to_servers();
	bypassing_leaks_count(true);
	if (status != 3 || !child_one_line(child.err.text) || !strstr(child.err.text, "CAP_NET_"))
		fail_msg("status %d, '%s'", status, child.err.text);
	child_free(&child);
}

/* Without one capability that is only missed late, and with little memory that may be locked. */
static void of_the_rights(void **state)
{
	static const char *const rows[][2] = {
		{"--bounding-set=-net_raw", "CAP_NET_RAW"},
		{"--bounding-set=-ipc_lock", "ulimit -l"},
	};

	(void)state;
	bypassing_need();
	char url[96];

	bypassing_url(url, "/");
	bypassing_leaks_count(false);
	for (unsigned i = 0; i < 2; i++) {
		const char *const argv[] = {"prlimit",	"--memlock=65536",	    "setpriv",
					    rows[i][0], child_program("fetch-xdp"), url,
					    NULL};
		struct child child;

		veth_to_clients();
		int status = child_run(&child, argv);

		veth_to_servers();
		if (status != 3 || !child_one_line(child.err.text) ||
		    !strstr(child.err.text, rows[i][1]))
			fail_msg("%s: status %d, '%s'", rows[i][0], status, child.err.text);
		child_free(&child);
	}
	bypassing_leaks_count(true);
}

static void set_mtu(const char *mtu)
{
	char words[64];

	snprintf(words, sizeof(words), "link set wtxdp1 mtu %s", mtu);
	veth_ip(words);
	veth_to_clients();
	snprintf(words, sizeof(words), "link set " VETH_NAME " mtu %s", mtu);
	veth_ip(words);
	veth_to_servers();
}

/* Frames that no page holds. */
static void mtu_too_large(void **state)
{
	(void)state;
	bypassing_need();
	char url[96];
	const struct bypassing_words best = {{url}, 1};
	const struct bypassing_words generic = {{"--xdp=generic", url}, 2};
	struct child child;

	bypassing_url(url, "/");
	set_mtu("9000");
	bypassing_says(&best, 3, "the MTU of " VETH_NAME);
	if (bypassing_run(&child, &generic) != 0)
		fail_msg("%s", child.err.text);
	child_free(&child);
	set_mtu("1500");
}

/* A server that refuses, and a body above the window, which is said once. */
static void of_the_servers(void **state)
{
	(void)state;
	bypassing_need();
	char url[96];
	const struct bypassing_words closed = {{"http://" VETH_SERVER ":1/"}, 1};
	const struct bypassing_words large = {{"-n4", "--quiet", url}, 3};
	struct child child;

	assert_int_equal(bypassing_run(&child, &closed), 1);
	if (!strstr(child.err.text, "Connection refused"))
		fail_msg("'%s'", child.err.text);
	child_free(&child);
	bypassing_url(url, "/bytes/200000");
	assert_int_equal(bypassing_run(&child, &large), 0);
	if (!child_one_line(child.err.text) || !strstr(child.err.text, "65535 bytes"))
		fail_msg("'%s'", child.err.text);
	child_free(&child);
}

/* Whatever the failure, the network is as it was. */
#define UNIT(test) cmocka_unit_test_setup_teardown(test, bypassing_remember, bypassing_compare)

int main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT(bad_options),
		UNIT(interfaces_of_others),
		UNIT(busy),
		UNIT(no_native_mode),
		UNIT(interface_down),
		UNIT(not_root),
		UNIT(of_the_rights),
		UNIT(mtu_too_large),
		UNIT(of_the_servers),
		UNIT(interface_down_recorded),
		cmocka_unit_test(interface_deleted),
	};

	return cmocka_run_group_tests(tests, bypassing_set_up, bypassing_tear_down);
}
