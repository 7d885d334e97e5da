/* Starting, listening to and ending child processes. */
#include "lab/subprocess.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <inttypes.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lab/subprocess_inside.h"
#include "lab/usage.h"
#include "topology/cpulist.h"

/* A guard kills what it guards, and ends, sooner than that. */
#define DYING_NS UINT64_C(4000000000)
/* What a pipe holds at most, where an administrator has not raised that. */
#define PIPE_MOST (1024 * 1024)

/* A CPU list as the kernel has it. */
static int read_cpus(const char *list, cpu_set_t *set, char *why, size_t why_size)
{
	hwloc_bitmap_t cpus = hwloc_bitmap_alloc();
	int err = cpus ? cpulist_parse(list, cpus, why, why_size) : -ENOMEM;
	int cpu;

	CPU_ZERO(set);
	if (!err)
		for (cpu = hwloc_bitmap_first(cpus); cpu >= 0; cpu = hwloc_bitmap_next(cpus, cpu))
			if (cpu < CPU_SETSIZE)
				CPU_SET(cpu, set);
	hwloc_bitmap_free(cpus);
	return err;
}

int subprocess_start(struct subprocess *child, char *const argv[], const char *cpus, char *why,
		     size_t why_size)
{
	return subprocess_start_in(-1, child, argv, cpus, why, why_size);
}

/* What a child is before it has said anything. */
static void clear(struct subprocess *child)
{
	memset(child, 0, offsetof(struct subprocess, out));
	child->pidfd = child->report = -1;
	child->out.fd = child->err.fd = -1;
	child->out.length = child->err.length = 0;
	child->out.dropped = child->err.dropped = 0;
	child->out.text[0] = child->err.text[0] = '\0';
}

static void close_pair(const int pair[2])
{
	if (pair[0] >= 0)
		close(pair[0]);
	if (pair[1] >= 0)
		close(pair[1]);
}

static int start(bool guarded, int netns, struct subprocess *child, char *const argv[],
		 const char *cpus, char *why, size_t why_size)
{
	pid_t parent = getpid();
	int out[2] = {-1, -1}, err[2] = {-1, -1}, report[2] = {-1, -1}, failed;
	cpu_set_t set = {.__bits = {0}};
	struct subprocess_launch launch = {
		.argv = argv, .cpus = cpus ? &set : NULL, .netns = netns};

	clear(child);
	if (cpus && read_cpus(cpus, &set, why, why_size))
		return -EINVAL;
	child->begun_ns = usage_now_ns();
	if (pipe2(out, O_CLOEXEC) || pipe2(err, O_CLOEXEC) || (guarded && pipe2(report, O_CLOEXEC)))
		goto failed;
	launch.out = out[1];
	launch.err = err[1];
	child->pid = fork();
	if (child->pid < 0)
		goto failed;
	if (child->pid == 0 && guarded)
		subprocess_guard(&launch, parent, report[1]);
	if (child->pid == 0)
		subprocess_become(&launch, parent);
	child->pidfd = pidfd_open(child->pid, 0);
	if (child->pidfd < 0)
		goto failed;
	close(out[1]);
	close(err[1]);
	if (guarded)
		close(report[1]);
	fcntl(out[0], F_SETFL, O_NONBLOCK);
	fcntl(err[0], F_SETFL, O_NONBLOCK);
	child->out.fd = out[0];
	child->err.fd = err[0];
	child->report = report[0];
	return 0;

failed:
	failed = errno;
	if (child->pid > 0 && kill(child->pid, SIGKILL) == 0)
		waitpid(child->pid, NULL, 0);
	child->pid = 0;
	close_pair(out);
	close_pair(err);
	close_pair(report);
	errno = failed;
	snprintf(why, why_size, "cannot start %s: %m", argv[0]);
	return -failed;
}

int subprocess_start_in(int netns, struct subprocess *child, char *const argv[], const char *cpus,
			char *why, size_t why_size)
{
	return start(false, netns, child, argv, cpus, why, why_size);
}

int subprocess_start_guarded(int netns, struct subprocess *child, char *const argv[],
			     const char *cpus, char *why, size_t why_size)
{
	return start(true, netns, child, argv, cpus, why, why_size);
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* Drops the older half of a text without room, and the line that this would cut. */
static void make_room(struct subprocess_text *t)
{
	char *from = t->text + t->length / 2;
	char *newline = memchr(from, '\n', t->length - t->length / 2);
	size_t dropped = (size_t)((newline ? newline + 1 : from) - t->text);

	t->length -= dropped;
	t->dropped += dropped;
	memmove(t->text, t->text + dropped, t->length + 1);
}

/* Takes what is there, once; whether there was something. */
static bool take(struct subprocess_text *t)
{
	ssize_t got;

	if (t->length == sizeof(t->text) - 1)
		make_room(t);
	got = read(t->fd, t->text + t->length, sizeof(t->text) - 1 - t->length);
	if (got > 0) {
		char *nul = t->text + t->length;

		t->length += (size_t)got;
		t->text[t->length] = '\0';
		while ((nul = memchr(nul, '\0', (size_t)(t->text + t->length - nul))))
			*nul = '?';
	} else if (got == 0 || (errno != EINTR && errno != EAGAIN)) {
		close_fd(&t->fd);
	}
	return got > 0;
}

/* Takes what the child left in the pipe, and no more than one can hold: others may hold it too. */
static void drain(struct subprocess_text *t)
{
	uint64_t until = t->dropped + t->length + (uint64_t)PIPE_MOST;

	while (t->fd >= 0 && t->dropped + t->length < until && take(t))
		;
	close_fd(&t->fd);
}

static uint64_t later(uint64_t ns)
{
	uint64_t sum;

	return __builtin_add_overflow(usage_now_ns(), ns, &sum) ? UINT64_MAX : sum;
}

/* Waits for output of either stream or the child's end until `until_ns`; 0, -EINTR, -ETIMEDOUT. */
static int listen_once(struct subprocess *child, uint64_t until_ns)
{
	struct pollfd fds[3] = {{.fd = child->out.fd, .events = POLLIN},
				{.fd = child->err.fd, .events = POLLIN},
				{.fd = child->pidfd, .events = POLLIN}};
	uint64_t now_ns = usage_now_ns();
	uint64_t left_ns = now_ns < until_ns ? until_ns - now_ns : 0;
	struct timespec left = {.tv_sec = (time_t)(left_ns / 1000000000),
				.tv_nsec = (long)(left_ns % 1000000000)};
	int ready = ppoll(fds, 3, &left, NULL);

	if (ready < 0)
		return -errno;
	if (ready == 0)
		return -ETIMEDOUT;
	if (fds[0].revents)
		take(&child->out);
	if (fds[1].revents)
		take(&child->err);
	child->ended = fds[2].revents != 0;
	return 0;
}

/* The first whole line with that text in it; NULL when there is none yet. */
static const char *find_line(const char *lines, const char *text, const char **end)
{
	for (; (*end = strchr(lines, '\n')); lines = *end + 1) {
		const char *found = memmem(lines, (size_t)(*end - lines), text, strlen(text));

		if (found)
			return found;
	}
	return NULL;
}

int subprocess_expect(struct subprocess *child, uint64_t timeout_ns, const char *text, char *line,
		      size_t size)
{
	uint64_t until_ns = later(timeout_ns);
	const char *found, *end;

	while (!(found = find_line(child->out.text, text, &end))) {
		if (child->out.fd < 0 || child->ended)
			return -EPIPE;
		if (listen_once(child, until_ns) == -ETIMEDOUT)
			return -ETIMEDOUT;
	}
	snprintf(line, size, "%.*s", (int)(end - found), found);
	return 0;
}

static double seconds(struct timeval time)
{
	return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

/* The bill of a program that had a guard: not the guard's own; false when it wrote none. */
static bool take_bill(struct subprocess *child, int *status)
{
	struct subprocess_bill bill;
	bool whole = child->report >= 0 &&
		     read(child->report, &bill, sizeof(bill)) == (ssize_t)sizeof(bill);

	close_fd(&child->report);
	if (!whole)
		return false;
	*status = bill.status;
	child->wall_s = (double)(bill.ended_ns - bill.begun_ns) / 1e9;
	child->user_s = bill.user_s;
	child->system_s = bill.system_s;
	child->max_rss_kib = bill.max_rss_kib;
	memcpy(child->left, bill.left, sizeof(child->left));
	return true;
}

/* Takes the bill of a child that has ended, and what it said last. */
static void reap(struct subprocess *child, int *status)
{
	struct rusage used;

	child->wall_s = (double)(usage_now_ns() - child->begun_ns) / 1e9;
	/* Before it is waited for: its group's number is its own until then. */
	kill(-child->pid, SIGKILL);
	while (wait4(child->pid, status, 0, &used) < 0 && errno == EINTR)
		;
	child->user_s = seconds(used.ru_utime);
	child->system_s = seconds(used.ru_stime);
	child->max_rss_kib = (uint64_t)used.ru_maxrss;
	child->guard_s = 0.0;
	if (take_bill(child, status) && !child->left[0])
		child->guard_s = fmax(0.0, seconds(used.ru_utime) + seconds(used.ru_stime) -
						   child->user_s - child->system_s);
	drain(&child->out);
	drain(&child->err);
	close_fd(&child->pidfd);
	child->pid = 0;
}

/* Once a guard is asked to end all that it guards; it has its time for that. */
static void end_by_force(const struct subprocess *child)
{
	if (child->report >= 0 && !child->overdue)
		kill(child->pid, SIGTERM);
	else
		kill(-child->pid, SIGKILL);
}

int subprocess_wait(struct subprocess *child, uint64_t timeout_ns, int *status)
{
	uint64_t until_ns = later(timeout_ns);

	if (child->pid <= 0)
		return -ECHILD;
	while (!child->ended) {
		int err = listen_once(child, until_ns);

		if (err == -EINTR)
			return -EINTR;
		if (err == -ETIMEDOUT) {
			end_by_force(child);
			child->overdue = true;
			until_ns = later(DYING_NS);
		}
	}
	reap(child, status);
	return child->overdue ? -ETIMEDOUT : 0;
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

const char *subprocess_last_line(struct subprocess_text *t)
{
	char *newline;

	while (t->length && t->text[t->length - 1] == '\n')
		t->text[--t->length] = '\0';
	newline = strrchr(t->text, '\n');
	return newline ? newline + 1 : t->text;
}

const char *subprocess_last_error(struct subprocess *child)
{
	return subprocess_last_line(&child->err);
}
