/* See bypassing.h. */
#include "tests/bypassing.h"

#include <errno.h>
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

#include "tests/bpf_ids.h"
#include "tests/fetching.h"
#include "tests/linking.h"
#include "tests/serving.h"
#include "tests/veth.h"

unsigned bypassing_origin[2], bypassing_nginx[2], bypassing_hasty;

static bool refused; /* the kernel grants no namespaces */
static struct child origin, nginx;

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

	serving_origin(&origin, options, bypassing_origin, 2);
}

static void start_nginx(void)
{
	char servers[1024];

	for (unsigned i = 0; i < SIZES; i++)
		put_page(sizes[i]);
	put_page(3000000);
	bypassing_nginx[0] = serving_free_port();
	bypassing_nginx[1] = serving_free_port();
	bypassing_hasty = serving_free_port();
	snprintf(
		servers, sizeof(servers),
		"server { listen %u; }\n"
		"server { listen %u ssl; ssl_certificate good.pem; ssl_certificate_key good.key; }\n"
		"server { listen %u; keepalive_requests 7; keepalive_timeout 20ms; }\n",
		bypassing_nginx[0], bypassing_nginx[1], bypassing_hasty);
	serving_nginx(&nginx, servers, bypassing_nginx[1]);
}

int bypassing_set_up(void **state)
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

int bypassing_tear_down(void **state)
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

void bypassing_need(void)
{
	if (refused)
		skip();
}

/* --- the clients ---------------------------------------------------------------------------- */

static void add(struct bypassing_words *words, const char *word)
{
	assert_true(words->count < BYPASSING_WORDS - 1);
	words->list[words->count++] = word;
}

void bypassing_start(struct child *child, const struct bypassing_words *words)
{
	veth_to_clients();
	fetching_start(child, "xdp", words->list);
	veth_to_servers();
}

int bypassing_run(struct child *child, const struct bypassing_words *words)
{
	bypassing_start(child, words);
	return child_wait(child, BYPASSING_LIMIT_MS);
}

void bypassing_make_site(struct bypassing_site *site, const char *scheme, unsigned port,
			 const char *folder)
{
	site->count = SIZES;
	snprintf(site->resolve, sizeof(site->resolve), "localhost:%u:" VETH_SERVER, port);
	for (unsigned i = 0; i < SIZES; i++)
		snprintf(site->urls[i], sizeof(site->urls[i]), "%s://localhost:%u%s%zu", scheme,
			 port, folder, sizes[i]);
}

char *bypassing_by_curl(const struct bypassing_site *site, size_t *size)
{
	struct bypassing_words words = {.count = 0};
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
	if (child_wait(&child, BYPASSING_LIMIT_MS) != 0)
		fail_msg("curl: %s", child.err.text);
	*size = child.out.size;
	char *bytes = malloc(*size + 1);

	assert_non_null(bytes);
	memcpy(bytes, child.out.text, *size);
	child_free(&child);
	return bytes;
}

json_t *bypassing_fetch_all(const struct bypassing_site *site, const char *const *options,
			    const char *bytes, size_t size)
{
	struct bypassing_words words = {.count = 0};
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
	if (bypassing_run(&child, &words) != 0)
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

/* --- the network, before and after ---------------------------------------------------------- */

/* What `ip -json` says, in one line an object; a neighbour's state is the kernel's to change. */
static void add_answer(FILE *file, const char *const *argv)
{
	struct child child;
	json_t *all, *one;
	size_t i;

	assert_int_equal(child_run(&child, argv), 0);
	all = json_loads(child.out.size ? child.out.text : "[]", 0, NULL);
	assert_non_null(all);
	json_array_foreach(all, i, one)
	{
		char *line;

		if (strcmp(argv[3], "neigh") == 0)
			json_object_del(one, "state");
		line = json_dumps(one, JSON_SORT_KEYS);
		fprintf(file, "%s: %s\n", argv[3], line);
		free(line);
	}
	json_decref(all);
	child_free(&child);
}

/* An IPv6 address is tentative for a second or two after its interface has come up. */
static void wait_for_addresses(void)
{
	const char *const argv[] = {"ip", "-6", "addr", "show", "tentative", NULL};

	for (unsigned i = 0; i < 500; i++) {
		struct child child;

		assert_int_equal(child_run(&child, argv), 0);
		bool settled = child.out.size == 0;

		child_free(&child);
		if (settled)
			return;
		usleep(20000);
	}
	fail_msg("an address stays tentative");
}

char *bypassing_network(void)
{
	static const char *const questions[][7] = {
		{"ip", "-json", "-d", "link"},
		{"ip", "-json", "-d", "addr"},
		{"ip", "-json", "-d", "neigh"},
		{"ip", "-json", "-d", "rule"},
		{"ip", "-json", "-4", "route", "list", "table", "all"}};
	char *text = NULL, *settings;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	assert_non_null(file);
	veth_to_clients();
	wait_for_addresses();
	for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]); i++) {
		const char *argv[8] = {NULL};

		memcpy(argv, questions[i], sizeof(questions[i]));
		add_answer(file, argv);
	}
	settings = linking_host();
	veth_to_servers();
	fprintf(file, "%s", settings);
	free(settings);
	assert_int_equal(fclose(file), 0);
	return text;
}

static struct bpf_ids bpf_before;
static char *network_before;

int bypassing_remember(void **state)
{
	(void)state;
	if (refused)
		return 0;
	network_before = bypassing_network();
	bpf_ids_take(&bpf_before);
	return 0;
}

int bypassing_compare(void **state)
{
	(void)state;
	if (refused)
		return 0;
	linking_same(network_before, bypassing_network());
	bpf_ids_none_since(&bpf_before);
	return 0;
}

void bypassing_url(char url[96], const char *path)
{
	snprintf(url, 96, "http://" VETH_SERVER ":%u%s", bypassing_origin[0], path);
}

unsigned bypassing_wait_for_program(struct child *child)
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

void bypassing_leaks_count(bool count)
{
	if (count)
		unsetenv("ASAN_OPTIONS");
	else
		setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
}

void bypassing_says(const struct bypassing_words *words, int status, const char *says)
{
	struct child child;

	bypassing_leaks_count(false);
	int got = bypassing_run(&child, words);

	bypassing_leaks_count(true);
	if (got != status || !child_one_line(child.err.text) || !strstr(child.err.text, says))
		fail_msg("status %d, expected %d and '%s'; stderr: '%s'", got, status, says,
			 child.err.text);
	child_free(&child);
	assert_int_equal(veth_program(), 0);
}
