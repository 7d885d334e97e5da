/*
 * What the tests of fetch-xdp share: a virtual link with the origin and nginx at one end, runs of
 * fetch-xdp and of curl at the other, and the comparison of what both got. Needs root; the tests
 * are skipped where the kernel grants no namespaces.
 */
#ifndef TESTS_BYPASSING_H
#define TESTS_BYPASSING_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "tests/child.h"

/* A run of many large bodies, with sanitizers, on a busy machine. */
#define BYPASSING_LIMIT_MS 180000
/* One that may hang, of few. */
#define BYPASSING_HANG_MS 60000
#define BYPASSING_URLS	  16
#define BYPASSING_WORDS	  64

/* The servers' ports, without and with TLS. */
extern unsigned bypassing_origin[2], bypassing_nginx[2];
/* Of an nginx that closes connections early. */
extern unsigned bypassing_hasty;

/* Group fixtures of cmocka: the link and its servers. */
int bypassing_set_up(void **state);
int bypassing_tear_down(void **state);
/* To be called first in each test. */
void bypassing_need(void);

/* Arguments of a program; the last one is NULL. */
struct bypassing_words {
	const char *list[BYPASSING_WORDS];
	unsigned count;
};

/* Starts fetch-xdp at the clients' end. */
void bypassing_start(struct child *child, const struct bypassing_words *words);
/* Likewise, and waits for its end; returns as child_wait(). */
int bypassing_run(struct child *child, const struct bypassing_words *words);

/* Where a test's bodies are: a server's URLs, by name, so that its certificate fits. */
struct bypassing_site {
	char urls[BYPASSING_URLS][96];
	char resolve[64];
	unsigned count;
};

/* Bodies of all lengths that matter, each at folder and its length. */
void bypassing_make_site(struct bypassing_site *site, const char *scheme, unsigned port,
			 const char *folder);

/* What curl gets of it, one body behind the other; to be freed. */
char *bypassing_by_curl(const struct bypassing_site *site, size_t *size);

/*
 * Fetches all of it with these options (NULL-terminated), and compares with the bytes; every
 * body is compared with the first one of its URL by the program. Returns the row.
 */
json_t *bypassing_fetch_all(const struct bypassing_site *site, const char *const *options,
			    const char *bytes, size_t size);

/* A URL of the origin. */
void bypassing_url(char url[96], const char *path);

/* Returns the id of the program that a run has attached; fails the test when there is none. */
unsigned bypassing_wait_for_program(struct child *child);

/*
 * Fixtures of cmocka for a single test: the clients' interfaces, addresses, routes, neighbours and
 * settings, and the kernel's BPF objects, are after it as they were before.
 */
int bypassing_remember(void **state);
int bypassing_compare(void **state);
/* The network alone, as one text: see linking_same(). */
char *bypassing_network(void);

/* A run that cannot begin ends where it is, and leaves its memory to the system to free. */
void bypassing_leaks_count(bool count);
/* The run ends with that status and one line that holds `says`, and nothing is attached. */
void bypassing_says(const struct bypassing_words *words, int status, const char *says);

#endif
