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

#define SUBPROCESS_TEXT_SIZE (256 * 1024)

/*
 * What one output stream said so far: all of it or, of more than there is room for, its last lines,
 * half the room at least. For a NUL byte there is a '?'.
 */
struct subprocess_text {
	int fd; /* -1 at its end */
	size_t length;
	uint64_t dropped;		 /* bytes before what is kept */
	char text[SUBPROCESS_TEXT_SIZE]; /* ends in NUL */
};

struct subprocess {
	pid_t pid; /* 0: not running */
	int pidfd;
	int report;   /* of its guard, whose process it then is; -1: it has none */
	bool ended;   /* and is to be waited for */
	bool overdue; /* it was killed for that */
	uint64_t begun_ns;
	/* Its bill, once it was waited for: all its threads and the children it waited for. */
	double wall_s, user_s, system_s;
	double guard_s; /* CPU time of its guard; 0: it had none, or what it left is in it */
	uint64_t max_rss_kib;
	char left[16]; /* the name of a process that it left running and that was killed; or "" */
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
 * And with a guard between: what the program starts ends with it at the latest, and with the
 * runner, also when that is killed and wherever it went; SIGINT goes to its whole process group.
 */
int subprocess_start_guarded(int netns, struct subprocess *child, char *const argv[],
			     const char *cpus, char *why, size_t why_size);

/*
 * Waits until the child has printed a whole line with that text in it on stdout; the line, from
 * the text on, is put into `line` without its newline. Returns 0, -ETIMEDOUT, or -EPIPE when it
 * closed stdout first.
 */
int subprocess_expect(struct subprocess *child, uint64_t timeout_ns, const char *text, char *line,
		      size_t size);

/*
 * Waits until the child has ended, whoever may still hold its outputs, and leaves its wait status
 * in *status; what is left of its process group is killed. Returns 0; -ETIMEDOUT when it had to be
 * killed after timeout_ns; -EINTR when a signal was caught: the child runs on, and this may be
 * called again; -ECHILD when it does not run.
 */
int subprocess_wait(struct subprocess *child, uint64_t timeout_ns, int *status);

/* Whether it still runs; it is not waited for. */
bool subprocess_running(const struct subprocess *child);

/* Sends a signal, if it runs; of a guarded one only SIGINT, or SIGTERM to kill it all. */
void subprocess_signal(const struct subprocess *child, int signal);

/* CPU time of all its threads so far, ns; 0 when it cannot be read. */
uint64_t subprocess_cpu_ns(const struct subprocess *child);

/* The last line that it printed on stderr, or there, "" if none; points into *child. */
const char *subprocess_last_error(struct subprocess *child);
const char *subprocess_last_line(struct subprocess_text *text);

#endif
