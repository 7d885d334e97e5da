/* Starting, listening to and ending child processes. */
#include "lab/subprocess.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lab/usage.h"
#include "topology/cpulist.h"

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

/* Bound means read back. */
static bool bind_to(const cpu_set_t *set)
{
	cpu_set_t got;

	return sched_setaffinity(0, sizeof(*set), set) == 0 &&
	       sched_getaffinity(0, sizeof(got), &got) == 0 && CPU_EQUAL(&got, set);
}

static _Noreturn void become(int netns, char *const argv[], const cpu_set_t *cpus, int out, int err,
			     pid_t parent)
{
	int null = open("/dev/null", O_RDONLY);

	/* A runner that is killed takes its children along, hung ones too; it may be dead now. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(127);
	/* Ctrl-C is the runner's to answer: it tells the cell that runs, and the origin last. */
	setpgid(0, 0);
	dup2(null, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	dup2(err, STDERR_FILENO);
	if (cpus && !bind_to(cpus)) {
		dprintf(STDERR_FILENO, "cannot bind %s to its CPUs: %s\n", argv[0],
			strerror(errno));
		_exit(127);
	}
	if (netns >= 0 && setns(netns, CLONE_NEWNET)) {
		dprintf(STDERR_FILENO, "cannot enter the link's namespace with %s: %s\n", argv[0],
			strerror(errno));
		_exit(127);
	}
	execvp(argv[0], argv);
	dprintf(STDERR_FILENO, "cannot run %s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

int subprocess_start(struct subprocess *child, char *const argv[], const char *cpus, char *why,
		     size_t why_size)
{
	return subprocess_start_in(-1, child, argv, cpus, why, why_size);
}

int subprocess_start_in(int netns, struct subprocess *child, char *const argv[], const char *cpus,
			char *why, size_t why_size)
{
	pid_t parent = getpid();
	int out[2], err[2];
	cpu_set_t set;

	memset(child, 0, sizeof(*child));
	if (cpus && read_cpus(cpus, &set, why, why_size))
		return -EINVAL;
	child->begun_ns = usage_now_ns();
	if (pipe2(out, O_CLOEXEC))
		goto failed;
	if (pipe2(err, O_CLOEXEC))
		goto close_out;
	child->pid = fork();
	if (child->pid < 0)
		goto close_err;
	if (child->pid == 0)
		become(netns, argv, cpus ? &set : NULL, out[1], err[1], parent);
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

static void close_text(struct subprocess_text *t)
{
	if (t->fd >= 0)
		close(t->fd);
	t->fd = -1;
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
		close_text(t);
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
	uint64_t until_ns = usage_now_ns() + timeout_ns;
	const char *found, *end;

	while (!(found = find_line(child->out.text, text, &end))) {
		if (child->out.fd < 0)
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

/* Waits for its end and takes its bill. */
static void reap(struct subprocess *child, int *status)
{
	struct rusage used;

	while (wait4(child->pid, status, 0, &used) < 0 && errno == EINTR)
		;
	child->wall_s = (double)(usage_now_ns() - child->begun_ns) / 1e9;
	child->user_s = seconds(used.ru_utime);
	child->system_s = seconds(used.ru_stime);
	child->max_rss_kib = (uint64_t)used.ru_maxrss;
	child->pid = 0;
}

int subprocess_wait(struct subprocess *child, uint64_t timeout_ns, int *status)
{
	uint64_t until_ns = usage_now_ns() + timeout_ns;
	int result = 0;

	while (child->out.fd >= 0 || child->err.fd >= 0) {
		int err = listen_once(child, until_ns);

		if (err == -EINTR)
			return -EINTR;
		if (err == -ETIMEDOUT && result) {
			/* Something that got away from its group holds the pipes. */
			break;
		}
		if (err == -ETIMEDOUT) {
			kill(-child->pid, SIGKILL);
			result = -ETIMEDOUT;
			until_ns = usage_now_ns() + UINT64_C(1000000000);
		}
	}
	close_text(&child->out);
	close_text(&child->err);
	reap(child, status);
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
