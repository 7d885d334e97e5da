/*
 * For tests of links: whether this user may make one, what the host's own network looks like, and
 * who is still there.
 */
#ifndef TESTS_LINKING_H
#define TESTS_LINKING_H

#include <stdbool.h>
#include <sys/types.h>

/* Whether a network namespace can be made here, found out by making one. */
bool linking_allowed(void);

/* Says so and skips the test where it cannot. */
void linking_need(void);

/*
 * The host's interfaces, routes, addresses and network settings as one text, to be compared with a
 * later one and freed.
 */
char *linking_host(void);

/* The two are equal, or the test fails with the first line that is not; frees both. */
void linking_same(char *before, char *after);

/* Processes, but for this one, that are in the network namespace or hold it open. */
unsigned linking_inside(ino_t netns);

/* Processes, but for this one, that were started with that text in their environment. */
unsigned linking_marked(const char *text);

/* Waits until there is none, for at most five seconds; how many there are then. */
unsigned linking_gone(const char *text);

/* The calling thread's network namespace. */
ino_t linking_here(void);

#endif
