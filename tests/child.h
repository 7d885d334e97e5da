/*
 * Programs under test as child processes: started with pipes on stdout and stderr, read without
 * ever blocking for good, and gone with the test. Every wait has a limit, after which the child is
 * killed and the call fails, so that a hanging program is a failed test and not a hanging one.
 */
#ifndef TESTS_CHILD_H
#define TESTS_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define CHILD_LIMIT_MS 20000 /* long, for sanitizers on a busy machine */

/* What came out of one pipe so far. */
struct child_text {
	int fd;	    /* -1 after its end */
	char *text; /* always ends in a zero byte, never NULL */
	size_t size;
};

struct child {
	pid_t pid;
	int pidfd; /* -1 once it was waited for */
	struct child_text out, err;
	size_t line_at; /* in out.text: where child_line() goes on */
	int status;	/* after child_wait(): its exit status, or 128 + the signal's number */
	char *line;	/* the last line that child_line() returned */
};

/* "BUILD/name", BUILD being the environment's, or "build". In a static buffer. */
const char *child_program(const char *name);

/*
 * Starts argv[0] (looked up in PATH if it has no slash) with a NULL-terminated argv and stdin
 * empty. Fails the running cmocka test if it cannot; a program that is not there exits with 127.
 */
void child_start(struct child *child, const char *const *argv);

/*
 * The next line of its stdout, without the newline, valid until the next call; NULL at the end of
 * the output or when limit_ms have passed.
 */
const char *child_line(struct child *child, int limit_ms);

/*
 * Reads stdout and stderr to their ends and waits for the exit. Returns the exit status, or
 * 128 + N when signal N ended it, -ETIMEDOUT when it had to be killed. Text stays until
 * child_free().
 */
int child_wait(struct child *child, int limit_ms);

/* Sends a signal, then child_wait(). */
int child_end(struct child *child, int signal, int limit_ms);

/* Kills it if it still runs, and frees. A second call does nothing. */
void child_free(struct child *child);

/* child_start() and child_wait() in one; returns as the latter. */
int child_run(struct child *child, const char *const *argv);

/* Whether `text` is exactly one line, newline at its end and nowhere else. */
bool child_one_line(const char *text);

#endif
