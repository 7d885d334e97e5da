/*
 * Every model against real servers, plain and over TLS: what it writes is byte for byte what curl
 * gets from the same URLs, once one after another and once 200 times on 16 connections.
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
#include "tests/serving.h"

#define PATHS_MOST 24

/* What curl gets of all URLs, one behind the other; to be freed. */
static char *curl_all(char urls[][128], unsigned count, size_t *size)
{
	const char *argv[8 + 3 * PATHS_MOST] = {"curl", "-sSL", "--compressed", "--cacert",
						serving_path("ca.pem")};
	char files[PATHS_MOST][128];
	struct child child;
	char *all = NULL;
	unsigned used = 5;

	for (unsigned i = 0; i < count; i++) {
		snprintf(files[i], sizeof(files[i]), "%s.%u", serving_path("curl"), i);
		serving_put(strrchr(files[i], '/') + 1, "", 0); /* curl makes no empty file */
		argv[used++] = "-o";
		argv[used++] = files[i];
		argv[used++] = urls[i];
	}
	argv[used] = NULL;
	if (child_run(&child, argv) != 0)
		fail_msg("curl: %s", child.err.text);
	child_free(&child);
	*size = 0;
	for (unsigned i = 0; i < count; i++) {
		size_t more;
		char *bytes = serving_read(files[i], &more);

		all = realloc(all, *size + more + 1);
		assert_non_null(all);
		memcpy(all + *size, bytes, more);
		*size += more;
		free(bytes);
	}
	return all;
}

static void assert_same(const char *model, const char *how, const char *path, const char *bytes,
			size_t size)
{
	size_t got_size, at = 0;
	char *got = serving_read(path, &got_size);

	while (at < size && at < got_size && got[at] == bytes[at])
		at++;
	if (at < size || got_size != size)
		fail_msg("fetch-%s, %s: %zu bytes and curl %zu, the first that differs is %zu",
			 model, how, got_size, size, at);
	free(got);
}

/* By this model with these options ahead of the URLs; `row`: as a benchmark of 200. */
static void fetch_all(const char *model, const char *const *options, char urls[][128],
		      unsigned count, const char *bytes, size_t size, bool many)
{
	const char *output = serving_path("output"), *arguments[PATHS_MOST + 16] = {NULL};
	unsigned used = 0;
	struct child child;

	for (unsigned i = 0; options[i]; i++)
		arguments[used++] = options[i];
	arguments[used++] = "--output";
	arguments[used++] = output;
	if (many) {
		arguments[used++] = "-n200";
		arguments[used++] = fetching_lanes(model, 16);
		arguments[used++] = "--json";
	}
	for (unsigned i = 0; i < count; i++)
		arguments[used++] = urls[i];
	if (fetching_run(&child, model, arguments) != 0 || child.err.text[0])
		fail_msg("fetch-%s: status %d, %s", model, child.status, child.err.text);
	if (many) {
		json_t *row = fetching_row(&child);

		assert_int_equal(fetching_number(row, "requests"), 200);
		assert_int_equal(fetching_number(row, "errors"), 0);
		json_decref(row);
	} else {
		assert_int_equal(fetching_lines(child.out.text, "Read Contents: ", ""), count);
	}
	child_free(&child);
	assert_same(model, many ? "16 connections" : "one connection", output, bytes, size);
}

/* All models, on all paths below the base. */
static void compare(const char *base, const char *const *paths)
{
	const char *const options[] = {"-L", "--compressed", "--cacert", serving_path("ca.pem"),
				       NULL};
	char urls[PATHS_MOST][128];
	unsigned count = 0;
	size_t size;
	char *bytes;

	for (; paths[count]; count++)
		snprintf(urls[count], sizeof(urls[0]), "%s%s", base, paths[count]);
	bytes = curl_all(urls, count, &size);
	for (unsigned m = 0; m < FETCHING_ALL; m++) {
		fetch_all(fetching_all[m], options, urls, count, bytes, size, false);
		fetch_all(fetching_all[m], options, urls, count, bytes, size, true);
	}
	free(bytes);
}

/* By number and by name, which asks for the name's certificate (SNI). */
static void compare_both(const unsigned ports[2], const char *const *paths)
{
	char base[64];

	snprintf(base, sizeof(base), "http://127.0.0.1:%u", ports[0]);
	compare(base, paths);
	snprintf(base, sizeof(base), "https://localhost:%u", ports[1]);
	compare(base, paths);
}

static void of_the_origin(void **state)
{
	static const char *const paths[] = {"/bytes/0",	      "/bytes/1",	"/bytes/1k",
					    "/bytes/65535",   "/bytes/65536",	"/bytes/65537",
					    "/bytes/1048577", "/chunked/0",	"/chunked/70000",
					    "/gzip/100000",   "/deflate/10000", "/br/100000",
					    "/zstd/300000",   "/close/100000",	"/close/0",
					    "/continue",      "/redirect/3",	"/status/204",
					    "/delay/1ms",     "/gzip/0",	NULL};
	const char *const options[] = {"--listen",
				       "127.0.0.1:0",
				       "--listen-tls",
				       "127.0.0.1:0",
				       "--cert",
				       serving_path("chain.pem"),
				       "--key",
				       serving_path("chain.key"),
				       NULL};
	struct child origin;
	unsigned ports[2];

	(void)state;
	serving_origin(&origin, options, ports, 2);
	compare_both(ports, paths);
	child_end(&origin, 15, CHILD_LIMIT_MS);
	child_free(&origin);
}

/* A text that gzip makes much of, and bytes that no one does. */
static void put_site(void)
{
	size_t size = 1048577;
	char *bytes = malloc(size);
	uint32_t state = 1;

	assert_non_null(bytes);
	for (size_t i = 0; i < size; i++)
		bytes[i] = (char)((state = state * 1664525 + 1013904223) >> 24);
	serving_put("site/large.bin", bytes, size);
	for (size_t i = 0; i < size; i++)
		bytes[i] = "to be or not to be, that is the question\n"[(i + i / 1000) % 41];
	serving_put("site/text.txt", bytes, 90000);
	serving_put("site/empty.txt", bytes, 0);
	serving_put("site/small.bin", bytes, 31);
	free(bytes);
}

static void of_nginx(void **state)
{
	static const char *const paths[] = {"/large.bin",	  "/text.txt", "/empty.txt",
					    "/small.bin",	  "/away",     "/closing/text.txt",
					    "/closing/large.bin", "/none",     NULL};
	static const char both[] = "location /away { return 302 /text.txt; }\n"
				   "location /none { return 204; }\n"
				   "location /closing/ { keepalive_timeout 0; alias site/; }\n";
	unsigned ports[2] = {serving_free_port(), serving_free_port()};
	char servers[1024];
	struct child nginx;

	(void)state;
	snprintf(servers, sizeof(servers),
		 "gzip on; gzip_types text/plain; types { application/octet-stream bin; }\n"
		 "server { listen 127.0.0.1:%u; %s }\n"
		 "server { listen 127.0.0.1:%u ssl; ssl_certificate good.pem;\n"
		 "ssl_certificate_key good.key; %s }\n",
		 ports[0], both, ports[1], both);
	put_site();
	serving_nginx(&nginx, servers, ports[1]);
	compare_both(ports, paths);
	child_end(&nginx, 15, CHILD_LIMIT_MS);
	child_free(&nginx);
}

static void of_aiohttp(void **state)
{
	static const char *const paths[] = {"/plain/0",
					    "/plain/1",
					    "/plain/65537",
					    "/plain/1048577",
					    "/chunked/0",
					    "/chunked/80000",
					    "/gzip/100000",
					    "/deflate/100000",
					    "/closing/70000",
					    "/hop",
					    NULL};
	struct child server;
	unsigned ports[2];

	(void)state;
	serving_aiohttp(&server, ports);
	compare_both(ports, paths);
	child_end(&server, 15, CHILD_LIMIT_MS);
	child_free(&server);
}

/* HTTP/1.0, a connection a fetch. */
static void of_python(void **state)
{
	static const char *const paths[] = {"/large.bin", "/text.txt", "/empty.txt", "/small.bin",
					    NULL};
	struct child server;
	char base[64];

	(void)state;
	put_site();
	snprintf(base, sizeof(base), "http://127.0.0.1:%u", serving_http_server(&server));
	compare(base, paths);
	child_end(&server, 15, CHILD_LIMIT_MS);
	child_free(&server);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(of_the_origin),
		cmocka_unit_test(of_nginx),
		cmocka_unit_test(of_aiohttp),
		cmocka_unit_test(of_python),
	};

	return cmocka_run_group_tests(tests, serving_make_folder, serving_remove_folder);
}
