/*
 * fetch-xdp with a worker a queue, over links of the lab's with as many queues: the bodies are
 * those that curl gets, however many workers fetch them and also when frames are lost; a kill of
 * any of them leaves nothing; what is not steered, and workers without a queue, are told how to
 * mend it. Needs root.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <linux/bpf.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <cmocka.h>

#include "lab/link.h"
#include "tests/fetching.h"
#include "tests/linking.h"
#include "tests/serving.h"

/* A run of many bodies, with sanitizers, on a busy machine. */
#define LIMIT_MS   180000
#define SITE	   8
#define WORDS_MOST 40

static int home = -1;
static struct link net;
static struct child origin;
static unsigned ports[2]; /* the origin's, without TLS and with */

/* --- a link and its origin, for one test ---------------------------------------------------- */

static void stay_at(enum link_end end)
{
	assert_int_equal(link_enter(&net, end), 0);
}

/* The test is at the origin's end from here on. */
static void begin(unsigned queues)
{
	char why[512];

	linking_need();
	if (link_up(&net, LINK_VETH, queues, 0, why, sizeof(why)))
		fail_msg("%s", why);
	const char *const options[] = {"--listen",
				       "198.18.0.2:0",
				       "--listen-tls",
				       "198.18.0.2:0",
				       "--cert",
				       serving_path("chain.pem"),
				       "--key",
				       serving_path("chain.key"),
				       NULL};

	stay_at(LINK_ORIGIN);
	serving_origin(&origin, options, ports, 2);
}

static int end(void **state)
{
	(void)state;
	if (origin.pid) {
		child_end(&origin, SIGTERM, CHILD_LIMIT_MS);
		child_free(&origin);
		memset(&origin, 0, sizeof(origin));
	}
	if (setns(home, CLONE_NEWNET))
		return linking_allowed() ? -1 : 0;
	link_down(&net);
	return 0;
}

/* --- fetch-xdp at its other end ------------------------------------------------------------- */

struct words {
	const char *list[WORDS_MOST];
	unsigned count;
};

static void add(struct words *words, const char *word)
{
	assert_true(words->count < WORDS_MOST - 1);
	words->list[words->count++] = word;
}

static void start(struct child *child, const struct words *words)
{
	stay_at(LINK_CLIENT);
	fetching_start(child, "xdp", words->list);
	stay_at(LINK_ORIGIN);
}

static const char *text_of(const json_t *row, const char *key)
{
	return json_string_value(json_object_get(row, key));
}

static const char *url_of(const char *path)
{
	static char url[96];

	snprintf(url, sizeof(url), "http://198.18.0.2:%u%s", ports[0], path);
	return url;
}

/* Bodies around a segment's length and the window's. */
static const unsigned sizes[SITE] = {0, 1, 1459, 1460, 1461, 65535, 65536, 65537};

struct site {
	char urls[SITE][96];
	char resolve[64];
	char *bytes; /* as curl has them, one behind the other */
	size_t size;
};

static void add_site(struct words *words, const struct site *site)
{
	const char *const common[] = {"--cacert", serving_path("ca.pem"), "--resolve",
				      site->resolve, NULL};

	for (const char *const *word = common; *word; word++)
		add(words, *word);
	for (unsigned i = 0; i < SITE; i++)
		add(words, site->urls[i]);
}

static void make_site(struct site *site, bool tls)
{
	struct words words = {{"curl", "-sS", "--noproxy", "*"}, 4};
	struct child child;

	snprintf(site->resolve, sizeof(site->resolve), "localhost:%u:198.18.0.2", ports[tls]);
	for (unsigned i = 0; i < SITE; i++)
		snprintf(site->urls[i], sizeof(site->urls[i]), "http%s://localhost:%u/bytes/%u",
			 tls ? "s" : "", ports[tls], sizes[i]);
	add_site(&words, site);
	stay_at(LINK_CLIENT);
	int status = child_run(&child, words.list);

	stay_at(LINK_ORIGIN);
	if (status)
		fail_msg("curl: %s", child.err.text);
	site->size = child.out.size;
	site->bytes = malloc(site->size + 1);
	assert_non_null(site->bytes);
	memcpy(site->bytes, child.out.text, site->size + 1);
	child_free(&child);
}

/* Fetches all of it; every body is compared by the program with the first one of its URL. */
static json_t *fetch_all(const struct site *site, struct words *words)
{
	const char *output = serving_path("output");
	struct child child;
	size_t size;

	for (const char *const *word = (const char *const[]){"--json", "--output", output, NULL};
	     *word; word++)
		add(words, *word);
	add_site(words, site);
	start(&child, words);
	if (child_wait(&child, LIMIT_MS) != 0)
		fail_msg("fetch-xdp: status %d, %s", child.status, child.err.text);
	json_t *row = fetching_row(&child);
	char *got = serving_read(output, &size);

	assert_int_equal(size, site->size);
	assert_memory_equal(got, site->bytes, size);
	free(got);
	child_free(&child);
	assert_int_equal(fetching_number(row, "errors"), 0);
	return row;
}

/* --- bodies --------------------------------------------------------------------------------- */

static void compare(unsigned workers, bool tls)
{
	static const struct {
		const char *connections, *requests, *wait;
		unsigned count;
	} rows[] = {{"-c64", "-n640", "--wait=spin", 640},
		    {"-c1000", "-n2000", "--wait=block", 2000}};
	char processes[32], effective[64];
	struct site site;

	snprintf(processes, sizeof(processes), "--processes=%u", workers);
	snprintf(effective, sizeof(effective), "native,copy,queues:0-%u", workers - 1);
	make_site(&site, tls);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct words words = {
			{processes, rows[i].connections, rows[i].requests, rows[i].wait}, 4};
		json_t *row = fetch_all(&site, &words);

		assert_int_equal(fetching_number(row, "requests"), rows[i].count);
		assert_int_equal(fetching_number(row, "workers"), workers);
		assert_string_equal(text_of(row, "workers_kind"), "processes");
		assert_string_equal(text_of(row, "variant_effective"), effective);
		assert_true(fetching_number(row, "frames_sent_per_request") >= 1);
		assert_int_equal(fetching_number(row, "frames_lost"), 0);
		json_decref(row);
	}
	free(site.bytes);
}

static void two_workers(void **state)
{
	(void)state;
	begin(2);
	compare(2, false);
	compare(2, true);
}

static void four_workers(void **state)
{
	(void)state;
	begin(4);
	compare(4, false);
	compare(4, true);
}

/* Queues that nobody serves are the kernel's, and a worker may have one that is not the first. */
static void fewer_workers(void **state)
{
	static const struct {
		const char *processes, *option, *effective;
	} rows[] = {
		{"--processes=1", "--xdp=native", "native,copy,queues:3"},
		{"--processes=1", "--xdp=queue:2", "native,copy,queue:2"},
		{"--processes=2", "--xdp=queue:1", "native,copy,queues:1-2"},
		{"--processes=3", "--xdp=busy-poll:20us", "native,copy,queues:0-2,busy-poll:20us"}};
	struct site site;

	(void)state;
	begin(3);
	make_site(&site, false);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct words words = {{rows[i].processes, rows[i].option, "-c12", "-n96"}, 4};
		json_t *row = fetch_all(&site, &words);
		const char *effective = text_of(row, "variant_effective");

		if (strncmp(effective, rows[i].effective, strlen(rows[i].effective)) != 0)
			fail_msg("%s %s: %s is in effect", rows[i].processes, rows[i].option,
				 effective);
		json_decref(row);
	}
	free(site.bytes);
}

/* What one worker takes does not grow with its queues: all of the 64 share 256 MiB of data. */
static void many_queues(void **state)
{
	const char *argv[] = {"prlimit", "--data=268435456", "--", NULL,
			      "-c64",	 "-n2000",	     NULL, NULL};
	struct child child;

	(void)state;
#ifdef __SANITIZE_ADDRESS__
	print_message("skipped: a sanitizer's own memory is beyond any limit\n");
	skip();
#endif
	begin(64);
	argv[3] = child_program("fetch-xdp");
	argv[6] = url_of("/bytes/20000");
	stay_at(LINK_CLIENT);
	int status = child_run(&child, argv);

	stay_at(LINK_ORIGIN);
	if (status)
		fail_msg("status %d, '%s'", status, child.err.text);
	child_free(&child);
}

/* A port of each worker's own again and again: more connections than it has of them. */
static void many_connections(void **state)
{
	struct words words = {
		{"--processes=4", "-c16", "-n20000", "--connection-per-request", "--quiet"}, 5};
	struct child child;

	(void)state;
	begin(4);
	add(&words, url_of("/"));
	start(&child, &words);
	if (child_wait(&child, LIMIT_MS) != 0)
		fail_msg("status %d, '%s'", child.status, child.err.text);
	child_free(&child);
}

/* 2 % of the frames of each queue are lost: every body is right, and what is lost is counted once. */
static void frames_lost(void **state)
{
	static const char *const seeds[] = {"--xdp=drop:20,seed:1", "--xdp=drop:20,seed:2"};
	struct site site;

	(void)state;
	begin(2);
	make_site(&site, false);
	for (unsigned i = 0; i < 2; i++) {
		struct words words = {{"--processes=2", "-c64", "-n1280", seeds[i]}, 4};
		json_t *row = fetch_all(&site, &words);
		double lost = fetching_number(row, "frames_lost");
		double came = lost + 1280 * fetching_number(row, "frames_received_per_request");

		if (lost < 0.015 * came || lost > 0.025 * came)
			fail_msg("%.0f of %.0f frames were lost", lost, came);
		json_decref(row);
	}
	free(site.bytes);
}

/* --- killed --------------------------------------------------------------------------------- */

/* The kernel's objects that a process holds: programs, maps and links. */
struct objects {
	struct {
		int command;
		uint32_t id;
	} list[32];
	unsigned count;
};

static void look_into(struct objects *all, const char *path)
{
	static const struct {
		const char *key;
		int command;
	} kinds[] = {{"prog_id:", BPF_PROG_GET_FD_BY_ID},
		     {"map_id:", BPF_MAP_GET_FD_BY_ID},
		     {"link_id:", BPF_LINK_GET_FD_BY_ID}};
	FILE *file = fopen(path, "re");
	char line[256];

	while (file && fgets(line, sizeof(line), file))
		for (unsigned i = 0; i < 3; i++)
			if (strncmp(line, kinds[i].key, strlen(kinds[i].key)) == 0 &&
			    all->count < 32) {
				all->list[all->count].command = kinds[i].command;
				all->list[all->count++].id =
					(uint32_t)atoi(line + strlen(kinds[i].key));
			}
	if (file)
		fclose(file);
}

/* Waits until the run has its program attached: its first process then holds the link. */
static void wait_for_link(struct child *child, struct objects *all)
{
	char pattern[64];
	glob_t found;

	snprintf(pattern, sizeof(pattern), "/proc/%d/fdinfo/*", (int)child->pid);
	for (unsigned i = 0; i < 2000; i++) {
		bool linked = false;

		all->count = 0;
		if (glob(pattern, 0, NULL, &found) == 0)
			for (size_t f = 0; f < found.gl_pathc; f++)
				look_into(all, found.gl_pathv[f]);
		globfree(&found);
		for (unsigned o = 0; o < all->count; o++)
			linked = linked || all->list[o].command == BPF_LINK_GET_FD_BY_ID;
		if (linked)
			return;
		usleep(2000);
	}
	child_end(child, SIGKILL, CHILD_LIMIT_MS);
	fail_msg("no program was attached: %s", child->err.text);
}

/* The kernel frees what nobody holds a moment later. */
static void assert_gone(const struct objects *all)
{
	for (unsigned o = 0; o < all->count; o++) {
		union bpf_attr attribute = {.prog_id = all->list[o].id};
		bool gone = false;

		for (unsigned i = 0; !gone && i < 1000; i++) {
			long fd = syscall(SYS_bpf, all->list[o].command, &attribute,
					  sizeof(attribute));

			gone = fd < 0 && errno == ENOENT;
			if (fd >= 0)
				close((int)fd);
			if (!gone)
				usleep(10000);
		}
		if (!gone)
			fail_msg("object %u is still there", all->list[o].id);
	}
}

/* A worker's process that is not the first one. */
static pid_t second_worker(const struct child *child)
{
	char path[64], text[64] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)child->pid, (int)child->pid);
	file = fopen(path, "re");
	assert_non_null(file);
	if (!fgets(text, sizeof(text), file))
		text[0] = 0;
	fclose(file);
	return (pid_t)atoi(text);
}

static void assert_dead(pid_t pid)
{
	for (unsigned i = 0; i < 500; i++) {
		if (kill(pid, 0) && errno == ESRCH)
			return;
		usleep(10000);
	}
	fail_msg("process %d lives on", (int)pid);
}

static void killed(void **state)
{
	(void)state;
	begin(2);
	for (unsigned i = 0; i < 9; i++) {
		struct words words = {{"--processes=2", "-c64", "-d60s", "--xdp=drop:1"}, 4};
		struct objects all;
		struct child child;

		add(&words, url_of("/"));
		start(&child, &words);
		wait_for_link(&child, &all);
		/* A program; maps of sockets, losses and strays; a link. */
		assert_true(all.count >= 5);
		pid_t worker = second_worker(&child);

		assert_true(worker > 0);
		usleep(3000 * i);
		if (i % 3 == 0) {
			child_end(&child, SIGKILL, CHILD_LIMIT_MS);
		} else if (i % 3 == 1) {
			kill(worker, SIGKILL);
			assert_int_equal(child_wait(&child, CHILD_LIMIT_MS), 1);
			if (!child_one_line(child.err.text) ||
			    !strstr(child.err.text, "was killed by signal 9"))
				fail_msg("'%s'", child.err.text);
		} else {
			child_end(&child, SIGINT, CHILD_LIMIT_MS);
		}
		child_free(&child);
		assert_dead(worker);
		assert_gone(&all);
	}
	/* And the kernel has its interface back, and no namespace is held by what was killed. */
	struct site site;

	make_site(&site, false);
	free(site.bytes);
	assert_int_equal(link_enter(&net, LINK_CLIENT), 0);
	ino_t clients = linking_here();

	stay_at(LINK_ORIGIN);
	child_end(&origin, SIGTERM, CHILD_LIMIT_MS);
	assert_int_equal(linking_inside(clients), 0);
}

/* The interface is lost in the middle: what each worker had under way has failed. */
static void interface_down(void **state)
{
	struct words words = {{"-c64", "-n50000000", "--processes=2", "--json"}, 4};
	const char *const down[] = {"ip", "link", "set", "iolab0", "down", NULL};
	struct child child, ip;
	json_t *row;

	(void)state;
	begin(2);
	add(&words, url_of("/"));
	start(&child, &words);
	usleep(500000);
	stay_at(LINK_CLIENT);
	assert_int_equal(child_run(&ip, down), 0);
	child_free(&ip);
	stay_at(LINK_ORIGIN);
	if (child_wait(&child, CHILD_LIMIT_MS) != 1 || !child_one_line(child.err.text))
		fail_msg("status %d, '%s'", child.status, child.err.text);
	row = fetching_row(&child);
	assert_true(fetching_number(row, "requests") > 0);
	assert_int_equal(fetching_number(row, "errors"), 64);
	assert_int_equal(fetching_number(row, "partial"), 1);
	json_decref(row);
	child_free(&child);
}

/* --- detached ------------------------------------------------------------------------------- */

/* Of the run's own links, and of no other. */
static void detach(const struct objects *all)
{
	for (unsigned o = 0; o < all->count; o++) {
		union bpf_attr by_id = {.link_id = all->list[o].id};
		union bpf_attr link = {.link_detach = {.link_fd = 0}};

		if (all->list[o].command != BPF_LINK_GET_FD_BY_ID)
			continue;
		long fd = syscall(SYS_bpf, BPF_LINK_GET_FD_BY_ID, &by_id, sizeof(by_id));

		assert_true(fd >= 0);
		link.link_detach.link_fd = (uint32_t)fd;
		assert_int_equal(syscall(SYS_bpf, BPF_LINK_DETACH, &link, sizeof(link)), 0);
		close((int)fd);
	}
}

/* Somebody detaches the program: no answer ever comes any more, and that is said. */
static void detached(void **state)
{
	static const char *const rows[][2] = {{"--processes=1", "--wait=block"},
					      {"--processes=1", "--wait=spin"},
					      {"--processes=2", "--wait=block"}};

	(void)state;
	begin(2);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct words words = {{rows[i][0], rows[i][1], "-c4", "-d60s", "--quiet"}, 5};
		struct objects all;
		struct child child;

		add(&words, url_of("/delay/50s"));
		start(&child, &words);
		wait_for_link(&child, &all);
		usleep(200000);
		detach(&all);
		if (child_wait(&child, CHILD_LIMIT_MS) != 1 || !child_one_line(child.err.text) ||
		    !strstr(child.err.text, "the XDP program was detached from the interface"))
			fail_msg("%s: status %d, '%s'", rows[i][0], child.status, child.err.text);
		child_free(&child);
		assert_gone(&all);
	}
}

/* --- moved ---------------------------------------------------------------------------------- */

/* Runs `ip` with these words, at the end where the thread is. */
static void ip(const char *const *argv)
{
	struct child child;

	if (child_run(&child, argv) != 0)
		fail_msg("ip %s: %s", argv[2], child.err.text);
	child_free(&child);
}

/* The server has another MAC address from now on, and the client's kernel has heard of it. */
static void server_moved(void **state)
{
	const char *const move[] = {"ip", "link", "set", "iolab1", "address", "02:00:00:00:77:77",
				    NULL};
	const char *const hear[] = {"ip",  "neigh",  "replace", "198.18.0.2", "lladdr", move[5],
				    "dev", "iolab0", "nud",	"reachable",  NULL};
	struct words words = {{"--processes=2", "-c4", "-R40", "-d5s", "--json"}, 5};
	struct objects all;
	struct child child;

	(void)state;
	begin(2);
	add(&words, url_of("/"));
	start(&child, &words);
	wait_for_link(&child, &all);
	usleep(500000);
	ip(move);
	stay_at(LINK_CLIENT);
	ip(hear);
	stay_at(LINK_ORIGIN);
	if (child_wait(&child, LIMIT_MS) != 0)
		fail_msg("status %d, '%s'", child.status, child.err.text);
	json_t *row = fetching_row(&child);

	/* Of 200; some 20 of them before. */
	assert_true(fetching_number(row, "requests") > 60);
	json_decref(row);
	child_free(&child);
}

/* --- refused -------------------------------------------------------------------------------- */

/* A run that cannot begin ends where it is, and leaves its memory to the system to free. */
static void assert_says(struct words *words, int status, const char *const *says)
{
	struct child child;

	setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
	start(&child, words);
	int got = child_wait(&child, CHILD_LIMIT_MS);

	unsetenv("ASAN_OPTIONS");
	for (; *says; says++)
		if (got != status || !child_one_line(child.err.text) ||
		    !strstr(child.err.text, *says))
			fail_msg("status %d, expected %d and '%s'; stderr: '%s'", got, status,
				 *says, child.err.text);
	child_free(&child);
}

static void refused(void **state)
{
	static const struct {
		const char *option;
		int status;
		const char *says[3];
	} rows[] = {
		{"--threads=2", 2, {"ask for --processes 2"}},
		{"--processes=3", 3, {"iolab0 has 2 queues", "iolab link --queues 3"}},
		{"--xdp=queue:0,generic", 3, {"take native"}},
		{"--processes=2,queue:1", 3, {"too few for 2 workers from queue 1 on"}},
		{"--xdp=queue:2", 3, {"too few for 1 worker from queue 2 on"}},
		{"--xdp=queue:65536", 2, {"queue is the number of a queue"}},
		{"--processes=7", 2, {"--processes: 7 workers cannot share 6 connections"}},
		{"--connections=16386", 3, {"8192 local ports for each queue", "8193 connections"}},
	};

	(void)state;
	begin(2);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct words words = {{rows[i].option}, 1};

		if (strcmp(rows[i].option, "--processes=2,queue:1") == 0)
			words = (struct words){{"--processes=2", "--xdp=queue:1"}, 2};
		if (strncmp(rows[i].option, "--connections", 13) == 0)
			add(&words, "--processes=2");
		else
			add(&words, "-c6");
		add(&words, url_of("/"));
		assert_says(&words, rows[i].status, rows[i].says);
	}
}

/*
 * Nobody steers: the kernel sends each connection's answers by a queue of its own choice. Of 16
 * connections it would have to choose rightly each time for the run to go well.
 */
static void not_steered(void **state)
{
	static const char *const waits[] = {"--wait=block", "--wait=spin"};
	static const char *const says[] = {"went astray", "came by queue", "of iolab0",
					   "ethtool -N iolab0 flow-type tcp4 dst-port 0x", NULL};
	const char *const tc[] = {"tc", "qdisc", "del", "dev", "iolab1", "clsact", NULL};
	struct child child;

	(void)state;
	begin(2);
	assert_int_equal(child_run(&child, tc), 0);
	child_free(&child);
	for (unsigned i = 0; i < 2; i++) {
		struct words words = {{"--processes=2", "-c16", "-n1000", "--quiet", waits[i]}, 5};

		add(&words, url_of("/"));
		assert_says(&words, 3, says);
	}
	/* One worker alone serves all queues, whichever the answers come by. */
	struct words words = {{"-c16", "-n1000", "--quiet"}, 3};

	add(&words, url_of("/"));
	start(&child, &words);
	if (child_wait(&child, CHILD_LIMIT_MS) != 0)
		fail_msg("status %d, '%s'", child.status, child.err.text);
	child_free(&child);
}

static int set_up(void **state)
{
	home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	return home < 0 ? -1 : serving_make_folder(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(two_workers, end),
		cmocka_unit_test_teardown(four_workers, end),
		cmocka_unit_test_teardown(fewer_workers, end),
		cmocka_unit_test_teardown(many_connections, end),
		cmocka_unit_test_teardown(many_queues, end),
		cmocka_unit_test_teardown(frames_lost, end),
		cmocka_unit_test_teardown(killed, end),
		cmocka_unit_test_teardown(interface_down, end),
		cmocka_unit_test_teardown(detached, end),
		cmocka_unit_test_teardown(server_moved, end),
		cmocka_unit_test_teardown(refused, end),
		cmocka_unit_test_teardown(not_steered, end),
	};

	return cmocka_run_group_tests(tests, set_up, serving_remove_folder);
}
