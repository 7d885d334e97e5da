/* Child processes for tests: pipes read by poll(), the end seen through a pidfd. */
#include "tests/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#define CHUNK 4096

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

const char *child_program(const char *name)
{
	static char path[512];
	const char *build = getenv("BUILD");

	snprintf(path, sizeof(path), "%s/%s", build && *build ? build : "build", name);
	return path;
}

_Noreturn static void become(const char *const *argv, pid_t parent, int out, int err)
{
	int in = open("/dev/null", O_RDONLY);

	/* Gone with the test, also when the test is killed; the parent may be gone already. */
	if (in < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent ||
	    dup2(in, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0 ||
	    dup2(err, STDERR_FILENO) < 0)
		_exit(126);
	execvp(argv[0], (char *const *)argv);
	fprintf(stderr, "%s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

static void open_text(struct child_text *text, int fd)
{
	text->fd = fd;
	text->size = 0;
	text->text = calloc(1, 1);
	assert_non_null(text->text);
}

void child_start(struct child *child, const char *const *argv)
{
	pid_t parent = getpid();
	int out[2], err[2];

	memset(child, 0, sizeof(*child));
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	assert_int_equal(pipe2(err, O_CLOEXEC), 0);
	fflush(NULL); /* or the child would inherit, and write again, what is buffered */
	child->pid = fork();
	assert_true(child->pid >= 0);
	if (child->pid == 0)
		become(argv, parent, out[1], err[1]);
	close(out[1]);
	close(err[1]);
	fcntl(out[0], F_SETFL, O_NONBLOCK);
	fcntl(err[0], F_SETFL, O_NONBLOCK);
	open_text(&child->out, out[0]);
	open_text(&child->err, err[0]);
	child->pidfd = pidfd_open(child->pid, 0);
	assert_true(child->pidfd >= 0);
}

/* Takes what the pipe holds now. */
static void drain(struct child_text *text)
{
	while (text->fd >= 0) {
		char *grown = realloc(text->text, text->size + CHUNK + 1);
		ssize_t got;

		assert_non_null(grown);
		text->text = grown;
		got = read(text->fd, grown + text->size, CHUNK);
		if (got > 0)
			text->size += (size_t)got;
		grown[text->size] = '\0';
		if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) {
			close(text->fd);
			text->fd = -1;
		} else if (got < 0 && errno == EAGAIN) {
			return;
		}
	}
}

/* Waits until there is something to read or the child has ended; false when time is up. */
static bool wait_some(struct child *child, int64_t until_ms, bool *ended)
{
	struct pollfd fds[] = {
		{.fd = child->out.fd, .events = POLLIN},
		{.fd = child->err.fd, .events = POLLIN},
		{.fd = child->pidfd, .events = POLLIN},
	};
	int64_t left = until_ms - now_ms();

	if (left <= 0)
		return false;
	poll(fds, 3, (int)left);
	*ended = fds[2].revents != 0;
	drain(&child->out);
	drain(&child->err);
	return true;
}

const char *child_line(struct child *child, int limit_ms)
{
	int64_t until = now_ms() + limit_ms;
	bool ended = false;

	for (;;) {
		const char *from = child->out.text + child->line_at;
		const char *newline = strchr(from, '\n');

		if (newline) {
			free(child->line);
			child->line = strndup(from, (size_t)(newline - from));
			child->line_at = (size_t)(newline + 1 - child->out.text);
			return child->line;
		}
		if (ended || child->out.fd < 0 || !wait_some(child, until, &ended))
			return NULL;
	}
}

static void reap(struct child *child)
{
	int status = 0;

	while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR)
		;
	child->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	close(child->pidfd);
	child->pidfd = -1;
}

int child_wait(struct child *child, int limit_ms)
{
	int64_t until = now_ms() + limit_ms;
	bool ended = false;

	/* Its end counts, not the pipes': a grandchild may hold those open for long. */
	while (child->pidfd >= 0 && !ended) {
		if (!wait_some(child, until, &ended)) {
			kill(child->pid, SIGKILL);
			reap(child);
			child->status = -ETIMEDOUT;
			return child->status;
		}
	}
	if (child->pidfd >= 0)
		reap(child);
	drain(&child->out);
	drain(&child->err);
	return child->status;
}

int child_end(struct child *child, int signal, int limit_ms)
{
	if (child->pidfd >= 0)
		kill(child->pid, signal);
	return child_wait(child, limit_ms);
}

void child_free(struct child *child)
{
	if (!child->out.text)
		return;
	if (child->pidfd >= 0) {
		kill(child->pid, SIGKILL);
		reap(child);
	}
	if (child->out.fd >= 0)
		close(child->out.fd);
	if (child->err.fd >= 0)
		close(child->err.fd);
	free(child->out.text);
	free(child->err.text);
	free(child->line);
	memset(child, 0, sizeof(*child));
	child->pidfd = -1;
}

int child_run(struct child *child, const char *const *argv)
{
	child_start(child, argv);
	return child_wait(child, CHILD_LIMIT_MS);
}

bool child_one_line(const char *text)
{
	const char *newline = strchr(text, '\n');

	return newline && newline != text && !newline[1];
}
