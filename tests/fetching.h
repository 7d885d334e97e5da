/* Running the fetch-* executables in tests: against servers, reading their JSON rows. */
#ifndef TESTS_FETCHING_H
#define TESTS_FETCHING_H

#include <jansson.h>

#include "tests/child.h"

/* Every model that fetches whatever a server has to give. */
#define FETCHING_ALL 6
extern const char *const fetching_all[FETCHING_ALL];

/* The option for that many fetches in flight: a model's connections, or blocking's threads. */
const char *fetching_lanes(const char *model, unsigned count);

/* Starts fetch-MODEL with the arguments (NULL-terminated), see child_start(). */
void fetching_start(struct child *child, const char *model, const char *const *arguments);

/*
 * Runs fetch-MODEL with the arguments (NULL-terminated) to its end; the outputs stay in *child
 * until child_free(). Returns as child_wait().
 */
int fetching_run(struct child *child, const char *model, const char *const *arguments);

/* The JSON row that it printed on stdout; fails the test if there is none. Decref it. */
json_t *fetching_row(const struct child *child);

/* A number of the row; fails the test when it is missing. */
double fetching_number(const json_t *row, const char *key);

/* Of a table that strace -c wrote: the calls whose names are those that models make. */
double fetching_straced_calls(const char *path);

/* How many lines of the text hold both `a` and `b`. */
unsigned fetching_lines(const char *text, const char *a, const char *b);

/*
 * A server in a forked process that speaks by script: for the n-th connection it accepts, it
 * answers each request head with the next of the connection's texts and closes after the last.
 * A text "!..." is sent 20 ms later without having been asked for; a text "?..." when anything
 * has come, which is left unread, so that closing then resets; a text "/" stands for closing this
 * side only, and reading on until the client closes.
 * scripts: a NULL-terminated list of connections, each a NULL-terminated list of texts; the last
 * connection's is used for all later ones too. Returns the port; *pid is to be ended with
 * fetching_stop_server().
 */
unsigned fetching_serve(const char *const *const *scripts, pid_t *pid);
void fetching_stop_server(pid_t pid);

#endif
