/*
 * Child processes of the runner: the origin, and one fresh process a cell. What they print is
 * collected through pipes; they die with the runner.
 */
#ifndef LAB_SUBPROCESS_H
#define LAB_SUBPROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* What one output stream said so far; more than 64 KiB is read and dropped. */
struct subprocess_text {
	int fd; /* -1 at its end */
	size_t length;
	char text[64 * 1024]; /* ends in NUL */
};

struct subprocess {
	pid_t pid; /* 0: not running */
	uint64_t begun_ns;
	/* Its bill, once it was waited for: all its threads and the children it waited for. */
	double wall_s, user_s, system_s;
	uint64_t max_rss_kib;
	struct subprocess_text out;
	struct subprocess_text err;
};

/*
 * Starts argv[0] (looked up in PATH if it has no slash) with both outputs piped and stdin empty,
 * bound to the CPUs of the list, if it is not NULL. Returns 0, or -errno with one line in why. A
 * program that cannot be run or bound says so on its stderr and ends with 127.
 */
int subprocess_start(struct subprocess *child, char *const argv[], const char *cpus, char *why,
		     size_t why_size);

/* The same in a network namespace, unless netns is -1: link_netns() has such ones. */
int subprocess_start_in(int netns, struct subprocess *child, char *const argv[], const char *cpus,
			char *why, size_t why_size);

/*
 * Waits until the child has printed a whole line with that text in it on stdout; the line, from
 * the text on, is put into `line` without its newline. Returns 0, -ETIMEDOUT, or -EPIPE when it
 * closed stdout first.
 */
int subprocess_expect(struct subprocess *child, uint64_t timeout_ns, const char *text, char *line,
		      size_t size);

/*
 * Waits until the child has ended and leaves its wait status in *status. Returns 0; -ETIMEDOUT
 * when it and its process group had to be killed after timeout_ns; -EINTR when a signal was caught:
 * the child runs on, and this may be called again.
 */
int subprocess_wait(struct subprocess *child, uint64_t timeout_ns, int *status);

/* Whether it still runs; it is not waited for. */
bool subprocess_running(const struct subprocess *child);

/* Sends a signal, if it runs. */
void subprocess_signal(const struct subprocess *child, int signal);

/* CPU time of all its threads so far, ns; 0 when it cannot be read. */
uint64_t subprocess_cpu_ns(const struct subprocess *child);

/* The last line that it printed on stderr, "" if none; points into *child. */
const char *subprocess_last_error(struct subprocess *child);

#endif
