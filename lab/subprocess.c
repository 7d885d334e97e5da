/* Starting, listening to and ending child processes. */
#include "lab/subprocess.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lab/usage.h"

static _Noreturn void become(char *const argv[], int out, int err, pid_t parent)
{
	int null = open("/dev/null", O_RDONLY);

	/* A runner that is killed takes its children along; it may have died already. */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(127);
	/* Ctrl-C is the runner's to answer: it tells the cell that runs, and the origin last. */
	setpgid(0, 0);
	dup2(null, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	dup2(err, STDERR_FILENO);
	execv(argv[0], argv);
	dprintf(STDERR_FILENO, "cannot run %s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

int subprocess_start(struct subprocess *child, char *const argv[], char *why, size_t why_size)
{
	pid_t parent = getpid();
	int out[2], err[2];

	memset(child, 0, sizeof(*child));
	if (pipe2(out, O_CLOEXEC))
		goto failed;
	if (pipe2(err, O_CLOEXEC))
		goto close_out;
	child->pid = fork();
	if (child->pid < 0)
		goto close_err;
	if (child->pid == 0)
		become(argv, out[1], err[1], parent);
	close(out[1]);
	close(err[1]);
	child->out.fd = out[0];
	child->err.fd = err[0];
	return 0;

close_err:
	close(err[0]);
	close(err[1]);
close_out:
	close(out[0]);
	close(out[1]);
failed:
	snprintf(why, why_size, "cannot start %s: %m", argv[0]);
	child->pid = 0;
	return -errno;
}

static void take(struct subprocess_text *t)
{
	char dropped[4096];
	size_t room = sizeof(t->text) - 1 - t->length;
	ssize_t got = room ? read(t->fd, t->text + t->length, room)
			   : read(t->fd, dropped, sizeof(dropped));

	if (got > 0 && room) {
		t->length += (size_t)got;
		t->text[t->length] = 0;
	} else if (got == 0 || (got < 0 && errno != EINTR)) {
		close(t->fd);
		t->fd = -1;
	}
}

/* Waits for output of either stream until `until_ns`; 0, -EINTR or -ETIMEDOUT. */
static int listen_once(struct subprocess *child, uint64_t until_ns)
{
	struct pollfd fds[2] = {{.fd = child->out.fd, .events = POLLIN},
				{.fd = child->err.fd, .events = POLLIN}};
	uint64_t now_ns = usage_now_ns();
	int left_ms = now_ns < until_ns ? (int)((until_ns - now_ns) / 1000000) + 1 : 0;
	int ready = poll(fds, 2, left_ms);

	if (ready < 0)
		return -errno;
	if (ready == 0)
		return -ETIMEDOUT;
	if (fds[0].revents)
		take(&child->out);
	if (fds[1].revents)
		take(&child->err);
	return 0;
}

int subprocess_first_line(struct subprocess *child, uint64_t timeout_ns, char *line, size_t size)
{
	uint64_t until_ns = usage_now_ns() + timeout_ns;
	const char *end;

	while (!(end = strchr(child->out.text, '\n'))) {
		if (child->out.fd < 0)
			return -EPIPE;
		if (listen_once(child, until_ns) == -ETIMEDOUT)
			return -ETIMEDOUT;
	}
	snprintf(line, size, "%.*s", (int)(end - child->out.text), child->out.text);
	return 0;
}

int subprocess_wait(struct subprocess *child, uint64_t timeout_ns, int *status)
{
	uint64_t until_ns = usage_now_ns() + timeout_ns;
	int result = 0;

	while (child->out.fd >= 0 || child->err.fd >= 0) {
		int err = listen_once(child, until_ns);

		if (err == -EINTR)
			return -EINTR;
		if (err == -ETIMEDOUT) {
			subprocess_signal(child, SIGKILL);
			result = -ETIMEDOUT;
			until_ns = UINT64_MAX / 2;
		}
	}
	while (waitpid(child->pid, status, 0) < 0 && errno == EINTR)
		;
	child->pid = 0;
	return result;
}

bool subprocess_running(const struct subprocess *child)
{
	siginfo_t ended = {.si_pid = 0};

	return child->pid > 0 &&
	       waitid(P_PID, (id_t)child->pid, &ended, WEXITED | WNOHANG | WNOWAIT) == 0 &&
	       ended.si_pid == 0;
}

void subprocess_signal(const struct subprocess *child, int signal)
{
	if (child->pid > 0)
		kill(child->pid, signal);
}

uint64_t subprocess_cpu_ns(const struct subprocess *child)
{
	uint64_t sum_ns = 0;
	char path[320];
	struct dirent *entry;
	DIR *tasks;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)child->pid);
	tasks = opendir(path);
	while (tasks && (entry = readdir(tasks))) {
		uint64_t ns;
		FILE *file;

		if (entry->d_name[0] == '.') /* ".." would be the whole process once more */
			continue;

		snprintf(path, sizeof(path), "/proc/%d/task/%s/schedstat", (int)child->pid,
			 entry->d_name);
		file = fopen(path, "re");
		if (!file)
			continue;
		if (fscanf(file, "%" SCNu64, &ns) == 1)
			sum_ns += ns;
		fclose(file);
	}
	if (tasks)
		closedir(tasks);
	return sum_ns;
}

const char *subprocess_last_error(struct subprocess *child)
{
	char *text = child->err.text;
	char *newline;

	while (child->err.length && text[child->err.length - 1] == '\n')
		text[--child->err.length] = 0;
	newline = strrchr(text, '\n');
	return newline ? newline + 1 : text;
}
