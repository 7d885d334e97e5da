/*
 * Child processes of the runner: the origin, and one fresh process a cell. What they print is
 * collected through pipes; they die with the runner.
 */
#ifndef LAB_CHILD_H
#define LAB_CHILD_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* What one output stream said so far; more than 64 KiB is read and dropped. */
struct child_text {
	int fd; /* -1 at its end */
	size_t length;
	char text[64 * 1024]; /* ends in NUL */
};

struct child {
	pid_t pid; /* 0: not running */
	struct child_text out;
	struct child_text err;
};

/*
 * Starts argv[0] with both outputs piped and stdin empty. Returns 0, or -errno with one line in
 * why.
 */
int child_start(struct child *child, char *const argv[], char *why, size_t why_size);

/*
 * Waits until the child has printed a whole line on stdout, which is put into line without its
 * newline. Returns 0, -ETIMEDOUT, or -EPIPE when it closed stdout first.
 */
int child_first_line(struct child *child, uint64_t timeout_ns, char *line, size_t size);

/*
 * Waits until the child has ended and leaves its wait status in *status. Returns 0; -ETIMEDOUT
 * when it had to be killed after timeout_ns; -EINTR when a signal was caught: the child runs on,
 * and this may be called again.
 */
int child_wait(struct child *child, uint64_t timeout_ns, int *status);

/* Sends a signal, if it runs. */
void child_signal(const struct child *child, int signal);

/* CPU time of all its threads so far, ns; 0 when it cannot be read. */
uint64_t child_cpu_ns(const struct child *child);

/* The last line that it printed on stderr, "" if none; points into *child. */
const char *child_last_error(struct child *child);

#endif
