/*
 * fetch-xdp over a virtual link: what it fetches is byte for byte what curl gets through the same
 * link, also when frames are lost; what it leaves behind when it is killed is nothing; and what it
 * says when it cannot. Needs root.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/bpf.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <cmocka.h>

#include "tests/fetching.h"
#include "tests/serving.h"
#include "tests/veth.h"

/* A run of many large bodies, with sanitizers, on a busy machine. */
#define LIMIT_MS 180000
/* One that may hang, of few. */
#define HANG_MS	   60000
#define URLS_MOST  16
#define WORDS_MOST 64

static bool refused; /* the kernel grants no namespaces */
static struct child origin, nginx;
static unsigned origin_ports[2], nginx_ports[2], hasty_port;

/* --- the servers ---------------------------------------------------------------------------- */

/* A page of pseudo-random bytes. */
static void put_page(size_t size)
{
	char *bytes = malloc(size + 1), name[64];
	uint32_t state = (uint32_t)size;

	assert_non_null(bytes);
	for (size_t i = 0; i < size; i++)
		bytes[i] = (char)((state = state * 1664525 + 1013904223) >> 24);
	snprintf(name, sizeof(name), "site/%zu", size);
	serving_put(name, bytes, size);
	free(bytes);
}

/* What an answer's body and its head together take of a segment decides, so bodies of all lengths
 * around one are fetched; 1460 bytes are a segment's. */
static const size_t sizes[] = {0, 1, 1200, 1300, 1459, 1460, 1461, 65535, 65536, 65537, 1048576};
#define SIZES (sizeof(sizes) / sizeof(sizes[0]))

static void start_origin(void)
{
	const char *const options[] = {
		"--listen", VETH_SERVER ":0",	       "--listen-tls", VETH_SERVER ":0",
		"--cert",   serving_path("chain.pem"), "--key",	       serving_path("chain.key"),
		NULL};

	serving_origin(&origin, options, origin_ports, 2);
}

static void start_nginx(void)
{
	char servers[1024];

	for (unsigned i = 0; i < SIZES; i++)
		put_page(sizes[i]);
	put_page(3000000);
	nginx_ports[0] = serving_free_port();
	nginx_ports[1] = serving_free_port();
	hasty_port = serving_free_port();
	snprintf(
		servers, sizeof(servers),
		"server { listen %u; }\n"
		"server { listen %u ssl; ssl_certificate good.pem; ssl_certificate_key good.key; }\n"
		"server { listen %u; keepalive_requests 7; keepalive_timeout 20ms; }\n",
		nginx_ports[0], nginx_ports[1], hasty_port);
	serving_nginx(&nginx, servers, nginx_ports[1]);
}

static int set_up(void **state)
{
	if (!veth_make()) {
		print_message("no network namespaces here: %s; to be run as root\n",
			      strerror(errno));
		refused = true;
		return 0;
	}
	if (serving_make_folder(state))
		return -1;
	start_origin();
	start_nginx();
	return 0;
}

static int tear_down(void **state)
{
	if (refused)
		return 0;
	child_end(&origin, SIGTERM, CHILD_LIMIT_MS);
	child_free(&origin);
	child_end(&nginx, SIGTERM, CHILD_LIMIT_MS);
	child_free(&nginx);
	veth_remove();
	return serving_remove_folder(state);
}

static void skip_if_refused(void)
{
	if (refused)
		skip();
}

/* --- the clients ---------------------------------------------------------------------------- */

struct words {
	const char *list[WORDS_MOST];
	unsigned count;
};

static void add(struct words *words, const char *word)
{
	assert_true(words->count < WORDS_MOST - 1);
	words->list[words->count++] = word;
}

/* Starts fetch-xdp at the clients' end. */
static void start_xdp(struct child *child, const struct words *words)
{
	veth_to_clients();
	fetching_start(child, "xdp", words->list);
	veth_to_servers();
}

static int run_xdp(struct child *child, const struct words *words)
{
	start_xdp(child, words);
	return child_wait(child, LIMIT_MS);
}

/* Where a test's bodies are: a server's URLs, by name, so that its certificate fits. */
struct site {
	char urls[URLS_MOST][96];
	char resolve[64];
	unsigned count;
};

static void make_site(struct site *site, const char *scheme, unsigned port, const char *folder)
{
	site->count = SIZES;
	snprintf(site->resolve, sizeof(site->resolve), "localhost:%u:" VETH_SERVER, port);
	for (unsigned i = 0; i < SIZES; i++)
		snprintf(site->urls[i], sizeof(site->urls[i]), "%s://localhost:%u%s%zu", scheme,
			 port, folder, sizes[i]);
}

/* What curl gets of it, one body behind the other; to be freed. */
static char *by_curl(const struct site *site, size_t *size)
{
	struct words words = {.count = 0};
	struct child child;

	serving_put("curl", "", 0);
	for (const char *const *word = (const char *const[]){"curl", "-sS", "--noproxy", "*",
							     "--cacert", serving_path("ca.pem"),
							     "--resolve", site->resolve, NULL};
	     *word; word++)
		add(&words, *word);
	for (unsigned i = 0; i < site->count; i++)
		add(&words, site->urls[i]);
	veth_to_clients();
	child_start(&child, words.list);
	veth_to_servers();
	if (child_wait(&child, LIMIT_MS) != 0)
		fail_msg("curl: %s", child.err.text);
	*size = child.out.size;
	char *bytes = malloc(*size + 1);

	assert_non_null(bytes);
	memcpy(bytes, child.out.text, *size);
	child_free(&child);
	return bytes;
}

/*
 * Fetches all of it with these options (NULL-terminated), and compares with the bytes; every
 * body is compared with the first one of its URL by the program. Returns the row.
 */
static json_t *fetch_all(const struct site *site, const char *const *options, const char *bytes,
			 size_t size)
{
	struct words words = {.count = 0};
	const char *output = serving_path("output");
	struct child child;
	size_t got_size;

	for (; *options; options++)
		add(&words, *options);
	for (const char *const *word = (const char *const[]){"--json", "--output", output,
							     "--cacert", serving_path("ca.pem"),
							     "--resolve", site->resolve, NULL};
	     *word; word++)
		add(&words, *word);
	for (unsigned i = 0; i < site->count; i++)
		add(&words, site->urls[i]);
	if (run_xdp(&child, &words) != 0)
		fail_msg("fetch-xdp: status %d, %s", child.status, child.err.text);
	json_t *row = fetching_row(&child);

	child_free(&child);
	char *got = serving_read(output, &got_size);

	assert_int_equal(got_size, size);
	assert_memory_equal(got, bytes, size);
	free(got);
	assert_int_equal(fetching_number(row, "errors"), 0);
	return row;
}

/* One server, on 1, 64 and 1,000 connections. */
static void compare(const char *scheme, unsigned port, const char *folder)
{
	static const struct {
		const char *connections, *requests, *wait;
	} rows[] = {{"-c1", "-n44", "--wait=block"},
		    {"-c64", "-n640", "--wait=spin"},
		    {"-c1000", "-n2200", "--wait=block"}};
	struct site site;
	size_t size;

	make_site(&site, scheme, port, folder);
	char *bytes = by_curl(&site, &size);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *const options[] = {rows[i].connections, rows[i].requests, rows[i].wait,
					       NULL};
		json_t *row = fetch_all(&site, options, bytes, size);

		assert_int_equal(fetching_number(row, "requests"), atoi(rows[i].requests + 2));
		json_decref(row);
	}
	free(bytes);
}

static void of_the_origin(void **state)
{
	(void)state;
	skip_if_refused();
	compare("http", origin_ports[0], "/bytes/");
}

static void of_the_origin_over_tls(void **state)
{
	(void)state;
	skip_if_refused();
	compare("https", origin_ports[1], "/bytes/");
}

static void of_nginx(void **state)
{
	(void)state;
	skip_if_refused();
	compare("http", nginx_ports[0], "/");
}

static void of_nginx_over_tls(void **state)
{
	(void)state;
	skip_if_refused();
	compare("https", nginx_ports[1], "/");
}

/* A connection a fetch: whoever closes first, ports and memory are there for the next. */
static void closed_connections(void **state)
{
	(void)state;
	skip_if_refused();
	const char *const options[] = {"-c32", "-n1100", "--connection-per-request", NULL};
	struct site site;
	size_t size;

	make_site(&site, "http", origin_ports[0], "/close/");
	char *bytes = by_curl(&site, &size);

	json_decref(fetch_all(&site, options, bytes, size));
	free(bytes);
}

/* More connections, one after the other, than there are ports, at an even cost. */
static void many_connections(void **state)
{
	(void)state;
	skip_if_refused();
	char url[96];
	const struct words words = {{"-c16", "-n40000", "--connection-per-request", "--quiet", url},
				    5};
	struct child child;

	snprintf(url, sizeof(url), "http://" VETH_SERVER ":%u/", origin_ports[0]);
	start_xdp(&child, &words);
	if (child_wait(&child, HANG_MS) != 0)
		fail_msg("status %d, '%s'", child.status, child.err.text);
	child_free(&child);
}

/* No two runs begin at the same port: the server may still know the first one's connection. */
static void ports_differ(void **state)
{
	(void)state;
	skip_if_refused();
	struct sockaddr_in address = {.sin_family = AF_INET};
	socklen_t size = sizeof(address);
	int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	unsigned ports[3];
	char url[96];
	const struct words words = {{"--max-time=200ms", url}, 2};

	assert_int_equal(bind(server, (struct sockaddr *)&address, size), 0);
	assert_int_equal(listen(server, 8), 0);
	assert_int_equal(getsockname(server, (struct sockaddr *)&address, &size), 0);
	snprintf(url, sizeof(url), "http://" VETH_SERVER ":%u/", ntohs(address.sin_port));
	for (unsigned i = 0; i < 3; i++) {
		struct child child;

		/* The kernel takes the connection, and nobody answers. */
		assert_int_equal(run_xdp(&child, &words), 1);
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
	skip_if_refused();
	for (unsigned i = 0; i < 10; i++) {
		char big[96], one[96];
		const struct words words = {{waits[i % 2], "--quiet", "-c16", "-n64", big, one}, 6};
		struct child child;

		snprintf(big, sizeof(big), "http://" VETH_SERVER ":%u/3000000", hasty_port);
		snprintf(one, sizeof(one), "http://" VETH_SERVER ":%u/1", hasty_port);
		start_xdp(&child, &words);
		if (child_wait(&child, HANG_MS) != 0)
			fail_msg("run %u: status %d, '%s'", i, child.status, child.err.text);
		child_free(&child);
	}
}

/* 2 % of all frames that arrive are lost: every body is right all the same. */
static void frames_lost(void **state)
{
	static const char *const seeds[] = {"--xdp=drop:20,seed:1", "--xdp=drop:20,seed:2"};

	(void)state;
	skip_if_refused();
	struct site site;
	size_t size;

	make_site(&site, "http", origin_ports[0], "/bytes/");
	char *bytes = by_curl(&site, &size);

	for (unsigned i = 0; i < 2; i++) {
		const char *const options[] = {"-c64", "-n640", seeds[i], NULL};
		json_t *row = fetch_all(&site, options, bytes, size);

		assert_true(fetching_number(row, "frames_lost") > 100);
		json_decref(row);
	}
	free(bytes);
	make_site(&site, "https", nginx_ports[1], "/");
	bytes = by_curl(&site, &size);
	const char *const options[] = {"-c16", "-n176", seeds[0], NULL};

	json_decref(fetch_all(&site, options, bytes, size));
	free(bytes);
}

/* --- evidence ------------------------------------------------------------------------------- */

static void url_of(char url[96], const char *path)
{
	snprintf(url, 96, "http://" VETH_SERVER ":%u%s", origin_ports[0], path);
}

/* One frame each way a fetch, and what was asked for is what is in effect. */
static void evidence(void **state)
{
	(void)state;
	skip_if_refused();
	char url[96];
	struct words words = {{"-c64", "-n6400", "--json", "--xdp=copy,native", url}, 5};
	struct child child;

	url_of(url, "/");
	if (run_xdp(&child, &words) != 0)
		fail_msg("%s", child.err.text);
	json_t *row = fetching_row(&child);

	assert_string_equal(json_string_value(json_object_get(row, "variant_effective")),
			    "native,copy");
	assert_string_equal(json_string_value(json_object_get(row, "variant_requested")),
			    "copy,native");
	assert_true(fetching_number(row, "frames_sent_per_request") < 1.1);
	assert_true(fetching_number(row, "frames_received_per_request") < 1.2);
	assert_true(fetching_number(row, "frames_sent_per_request") >= 1);
	assert_true(fetching_number(row, "frames_received_per_request") >= 1);
	assert_true(fetching_number(row, "kicks_per_request") > 0);
	assert_true(fetching_number(row, "kicks_per_request") <=
		    fetching_number(row, "syscalls_per_request"));
	assert_true(fetching_number(row, "frames_per_batch") >= 1);
	assert_int_equal(fetching_number(row, "frames_dropped"), 0);
	assert_int_equal(fetching_number(row, "frames_lost"), 0);
	json_decref(row);
	child_free(&child);
}

/* What it says it called is what strace saw it call; a thread that spins never waits. */
static void counts_agree_with_strace(void **state)
{
	static const char *const waits[] = {"--wait=block", "--wait=spin"};

	(void)state;
	skip_if_refused();
	char url[96];

	url_of(url, "/delay/1ms");
	for (unsigned i = 0; i < 2; i++) {
		const char *trace = serving_path("trace");
		const struct words words = {{"strace", "-E", "ASAN_OPTIONS=detect_leaks=0", "-f",
					     "-qq", "-e", "trace=sendto,recvfrom,poll,ppoll", "-o",
					     trace, child_program("fetch-xdp"), "-n1000", "-c4",
					     "--json", waits[i], url},
					    15};
		struct child child;
		size_t size;

		veth_to_clients();
		child_start(&child, words.list);
		veth_to_servers();
		if (child_wait(&child, LIMIT_MS) != 0)
			fail_msg("strace: %s", child.err.text);
		json_t *row = fetching_row(&child);
		char *text = serving_read(trace, &size);
		double counted = fetching_number(row, "syscalls_per_request") * 1000;
		double seen = fetching_lines(text, "(", " = ");

		/* Before the run it asks about the interface and for the server's address. */
		if (seen < counted || seen > counted + 60)
			fail_msg("%s: counted %.0f calls, strace %.0f", waits[i], counted, seen);
		assert_true(counted > 100);
		/* Spinning, it waits for the server's address alone, before the run. */
		assert_true(i ? fetching_lines(text, "poll(", "") <= 20
			      : fetching_lines(text, "poll(", "") > 100);
		free(text);
		json_decref(row);
		child_free(&child);
	}
}

/* In the kernel's network code instead of the driver's, and looking into the queue at each call. */
static void variants(void **state)
{
	static const struct {
		const char *option, *effective;
	} rows[] = {{"--xdp=generic", "generic,copy"},
		    {"--xdp=native", "native,copy"},
		    {"--xdp=busy-poll:20us", "native,copy,busy-poll:20us"},
		    {"--xdp=drop:1,seed:7", "native,copy,drop:1,seed:7"}};

	(void)state;
	skip_if_refused();
	struct site site;
	size_t size;

	make_site(&site, "http", origin_ports[0], "/bytes/");
	char *bytes = by_curl(&site, &size);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *const options[] = {"-c16", "-n176", rows[i].option, NULL};
		json_t *row = fetch_all(&site, options, bytes, size);
		const char *effective =
			json_string_value(json_object_get(row, "variant_effective"));

		if (strncmp(effective, rows[i].effective, strlen(rows[i].effective)) != 0)
			fail_msg("%s: %s is in effect", rows[i].option, effective);
		json_decref(row);
	}
	free(bytes);
}

/* --- killed --------------------------------------------------------------------------------- */

static int by_id(int command, uint32_t id)
{
	union bpf_attr attribute = {.prog_id = id};

	return (int)syscall(SYS_bpf, command, &attribute, sizeof(attribute));
}

/* The ids of a program's maps; how many. */
static unsigned maps_of(uint32_t program, uint32_t maps[8])
{
	struct bpf_prog_info info = {.nr_map_ids = 8, .map_ids = (uintptr_t)maps};
	int fd = by_id(BPF_PROG_GET_FD_BY_ID, program);
	union bpf_attr attribute = {.info = {.bpf_fd = (uint32_t)fd,
					     .info_len = sizeof(info),
					     .info = (uintptr_t)&info}};

	assert_true(fd >= 0);
	assert_int_equal(syscall(SYS_bpf, BPF_OBJ_GET_INFO_BY_FD, &attribute, sizeof(attribute)),
			 0);
	close(fd);
	return info.nr_map_ids;
}

/* The kernel frees what nobody holds a moment later. */
static void assert_gone(int command, uint32_t id)
{
	for (unsigned i = 0; i < 500; i++) {
		int fd = by_id(command, id);

		if (fd < 0 && errno == ENOENT)
			return;
		if (fd >= 0)
			close(fd);
		usleep(10000);
	}
	fail_msg("object %u is still there", id);
}

static unsigned wait_for_program(struct child *child)
{
	for (unsigned i = 0; i < 1000; i++) {
		unsigned id = veth_program();

		if (id)
			return id;
		usleep(2000);
	}
	child_end(child, SIGKILL, CHILD_LIMIT_MS);
	fail_msg("no program was attached: %s", child->err.text);
	return 0;
}

static void killed(void **state)
{
	(void)state;
	skip_if_refused();
	char url[96];
	const struct words words = {{"-c64", "-d60s", "--xdp=drop:1", url}, 4};

	url_of(url, "/");
	for (unsigned i = 0; i < 12; i++) {
		uint32_t maps[8];
		struct child child;

		start_xdp(&child, &words);
		unsigned program = wait_for_program(&child);
		unsigned count = maps_of(program, maps);

		assert_int_equal(count, 2);
		usleep(1000 * i);
		/* A kill, Ctrl-C, and the polite way. */
		child_end(&child,
			  i % 3 == 0   ? SIGKILL
			  : i % 3 == 1 ? SIGINT
				       : SIGTERM,
			  CHILD_LIMIT_MS);
		child_free(&child);
		assert_gone(BPF_PROG_GET_FD_BY_ID, program);
		for (unsigned m = 0; m < count; m++)
			assert_gone(BPF_MAP_GET_FD_BY_ID, maps[m]);
		assert_int_equal(veth_program(), 0);
	}
	/* And the kernel has its interface back. */
	struct site site;
	size_t size;

	make_site(&site, "http", origin_ports[0], "/bytes/");
	free(by_curl(&site, &size));
}

/* --- bad input ------------------------------------------------------------------------------ */

/* A run that cannot begin ends where it is, and leaves its memory to the system to free. */
static void leaks_count(bool count)
{
	if (count)
		unsetenv("ASAN_OPTIONS");
	else
		setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
}

static void assert_says(const struct words *words, int status, const char *says)
{
	struct child child;

	leaks_count(false);
	int got = run_xdp(&child, words);

	leaks_count(true);
	if (got != status || !child_one_line(child.err.text) || !strstr(child.err.text, says))
		fail_msg("status %d, expected %d and '%s'; stderr: '%s'", got, status, says,
			 child.err.text);
	child_free(&child);
	assert_int_equal(veth_program(), 0);
}

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
	skip_if_refused();
	char url[96];

	url_of(url, "/");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct words words = {{rows[i].option, "-c2", url}, 3};
		const struct words alone = {{rows[i].option, url}, 2};

		assert_says(strncmp(rows[i].option, "--connections", 13) == 0 ? &alone : &words,
			    rows[i].status, rows[i].says);
	}
}

/* It takes nothing that the lab did not make, unless it is told to. */
static void interfaces_of_others(void **state)
{
	(void)state;
	skip_if_refused();
	char url[96];
	const struct words plain = {{url}, 1};
	const struct words named = {{"--interface=" VETH_NAME, url}, 2};
	const struct words loopback = {{"http://127.0.0.1:1/"}, 1};
	const struct words nowhere = {{"http://192.0.2.1/"}, 1};
	const struct words six = {{"http://[::1]:1/"}, 1};
	struct child child;

	url_of(url, "/");
	veth_to_clients();
	veth_ip("link set " VETH_NAME " alias mine");
	veth_to_servers();
	assert_says(&plain, 2, "--interface " VETH_NAME);
	if (run_xdp(&child, &named) != 0)
		fail_msg("%s", child.err.text);
	child_free(&child);
	veth_to_clients();
	veth_ip("link set " VETH_NAME " alias iolab-test");
	veth_to_servers();
	assert_says(&loopback, 2, "iolab link");
	assert_says(&nowhere, 3, "no way there");
	assert_says(&six, 3, "IPv4 only");
}

static void busy(void **state)
{
	(void)state;
	skip_if_refused();
	char url[96];
	const struct words words = {{"-c1", "-R10", "-d60s", "--quiet", url}, 5};
	const struct words second = {{url}, 1};
	struct child first, child;

	url_of(url, "/");
	start_xdp(&first, &words);
	wait_for_program(&first);
	leaks_count(false);
	int status = run_xdp(&child, &second);

	leaks_count(true);

	if (status != 3 || !child_one_line(child.err.text) || !strstr(child.err.text, "busy"))
		fail_msg("status %d, '%s'", status, child.err.text);
	child_free(&child);
	assert_int_equal(child_end(&first, SIGINT, CHILD_LIMIT_MS), 130);
	child_free(&first);
	assert_int_equal(veth_program(), 0);
}

/* The interface, where the test is, has a carrier; the kernel takes its time to say so. */
static void wait_for_carrier(const char *name)
{
	const char *const argv[] = {"ip", "link", "show", name, NULL};

	for (unsigned i = 0; i < 300; i++) {
		struct child child;

		assert_int_equal(child_run(&child, argv), 0);
		bool up = strstr(child.out.text, "LOWER_UP") != NULL;

		child_free(&child);
		if (up)
			return;
		usleep(10000);
	}
	fail_msg("%s has no carrier", name);
}

/* A bridge's driver cannot run the program, and nobody answers there. */
static void no_native_mode(void **state)
{
	(void)state;
	skip_if_refused();
	const struct words native = {{"--interface=wtxdp7", "--xdp=native", "http://10.98.0.2/"},
				     3};
	const struct words silent = {
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
	wait_for_carrier("wtxdp7");
	veth_to_servers();
	assert_says(&native, 3, "the driver has no native mode");
	if (run_xdp(&child, &silent) != 1 || !strstr(child.err.text, "connect"))
		fail_msg("status %d, '%s'", child.status, child.err.text);
	child_free(&child);
	veth_to_clients();
	veth_ip("link del wtxdp8");
	veth_ip("link del wtxdp7");
	veth_to_servers();
}

/* Taken down in the middle of a run: said, and not waited for. */
static void interface_lost(void **state)
{
	static const char *const waits[] = {"--wait=block", "--wait=spin"};

	(void)state;
	skip_if_refused();
	char url[96];

	url_of(url, "/");
	for (unsigned i = 0; i < 2; i++) {
		const struct words words = {{"-c16", "-d60s", "--quiet", waits[i], url}, 5};
		struct child child;

		start_xdp(&child, &words);
		wait_for_program(&child);
		usleep(200000);
		veth_to_clients();
		veth_ip("link set " VETH_NAME " down");
		veth_to_servers();
		int status = child_wait(&child, HANG_MS);

		veth_to_clients();
		veth_ip("link set " VETH_NAME " up");
		wait_for_carrier(VETH_NAME);
		veth_to_servers();
		if (status != 1 || !child_one_line(child.err.text) ||
		    !strstr(child.err.text, "Network is down"))
			fail_msg("status %d, '%s'", status, child.err.text);
		child_free(&child);
		assert_int_equal(veth_program(), 0);
	}
}

/* Root without the capabilities is nobody. */
static void not_root(void **state)
{
	(void)state;
	skip_if_refused();
	char url[96];
	const char *const argv[] = {"setpriv",
				    "--bounding-set",
				    "-sys_admin,-net_admin,-net_raw,-bpf",
				    child_program("fetch-xdp"),
				    url,
				    NULL};
	struct child child;

	url_of(url, "/");
	leaks_count(false);
	veth_to_clients();
	int status = child_run(&child, argv);

	veth_to_servers();
	leaks_count(true);
	if (status != 3 || !child_one_line(child.err.text) || !strstr(child.err.text, "CAP_NET_"))
		fail_msg("status %d, '%s'", status, child.err.text);
	child_free(&child);
}

/* A server that refuses, and a body above the window, which is said once. */
static void of_the_servers(void **state)
{
	(void)state;
	skip_if_refused();
	char url[96];
	const struct words closed = {{"http://" VETH_SERVER ":1/"}, 1};
	const struct words large = {{"-n4", "--quiet", url}, 3};
	struct child child;

	assert_int_equal(run_xdp(&child, &closed), 1);
	if (!strstr(child.err.text, "Connection refused"))
		fail_msg("'%s'", child.err.text);
	child_free(&child);
	url_of(url, "/bytes/200000");
	assert_int_equal(run_xdp(&child, &large), 0);
	if (!child_one_line(child.err.text) || !strstr(child.err.text, "65535 bytes"))
		fail_msg("'%s'", child.err.text);
	child_free(&child);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(of_the_origin),
		cmocka_unit_test(of_the_origin_over_tls),
		cmocka_unit_test(of_nginx),
		cmocka_unit_test(of_nginx_over_tls),
		cmocka_unit_test(closed_connections),
		cmocka_unit_test(many_connections),
		cmocka_unit_test(ports_differ),
		cmocka_unit_test(hasty_server),
		cmocka_unit_test(frames_lost),
		cmocka_unit_test(evidence),
		cmocka_unit_test(counts_agree_with_strace),
		cmocka_unit_test(variants),
		cmocka_unit_test(killed),
		cmocka_unit_test(bad_options),
		cmocka_unit_test(interfaces_of_others),
		cmocka_unit_test(busy),
		cmocka_unit_test(no_native_mode),
		cmocka_unit_test(interface_lost),
		cmocka_unit_test(not_root),
		cmocka_unit_test(of_the_servers),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
