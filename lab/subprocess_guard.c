/*
 * The guard of one program: see subprocess_inside.h. It is a fork of the runner that only waits,
 * and the subreaper of all that the program starts: what ends with the program is then known for
 * sure, and a runner that dies by SIGKILL leaves nothing behind.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lab/subprocess_inside.h"
#include "lab/usage.h"

/* What ends by itself so soon after the program was not left behind: a filter it wrote to, say. */
#define GRACE_NS UINT64_C(100000000)
/* No process takes longer to die, unless it hangs in the kernel. */
#define DYING_NS UINT64_C(2000000000)
#define NAP_NS	 2000000

static double seconds(struct timeval time)
{
	return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

/* A process's parent and name, by /proc; false when it is gone, or a zombie. */
static bool look_up(const char *pid, pid_t *parent, char name[static 16])
{
	char path[64], line[256];
	const char *open, *close;
	FILE *file;
	bool got;

	snprintf(path, sizeof(path), "/proc/%.16s/stat", pid);
	file = fopen(path, "re");
	got = file && fgets(line, sizeof(line), file);
	if (file)
		fclose(file);
	open = got ? strchr(line, '(') : NULL;
	close = open ? strrchr(open, ')') : NULL;
	if (!close || close[1] == '\0' || close[2] == 'Z')
		return false;
	snprintf(name, 16, "%.*s", (int)(close - open - 1), open + 1);
	return sscanf(close + 3, "%d", parent) == 1;
}

/* Kills this process's children; the name of one is put into `name`, if that is empty. */
static void kill_children(char name[static 16])
{
	DIR *all = opendir("/proc");
	struct dirent *entry;

	while (all && (entry = readdir(all))) {
		char called[16];
		pid_t parent;

		if (!isdigit((unsigned char)entry->d_name[0]) ||
		    !look_up(entry->d_name, &parent, called) || parent != getpid())
			continue;
		if (!*name)
			memcpy(name, called, sizeof(called));
		kill((pid_t)atoi(entry->d_name), SIGKILL);
	}
	if (all)
		closedir(all);
}

/* Takes what has ended; whether any child is left. */
static bool reap(pid_t program, struct subprocess_bill *bill)
{
	struct rusage used;
	int status;
	pid_t ended;

	while ((ended = wait4(-1, &status, WNOHANG, &used)) > 0) {
		if (ended != program)
			continue;
		bill->ended_ns = usage_now_ns();
		bill->status = status;
		bill->user_s = seconds(used.ru_utime);
		bill->system_s = seconds(used.ru_stime);
		bill->max_rss_kib = (uint64_t)used.ru_maxrss;
	}
	return ended == 0;
}

/* Waits up to that long for all children to end. */
static bool reap_all(pid_t program, struct subprocess_bill *bill, uint64_t within_ns)
{
	uint64_t until_ns = usage_now_ns() + within_ns;

	while (reap(program, bill)) {
		if (usage_now_ns() >= until_ns)
			return false;
		nanosleep(&(struct timespec){.tv_nsec = NAP_NS}, NULL);
	}
	return true;
}

/* Kills all descendants: those of a process that is killed become this one's children. */
static void end_all(pid_t program, struct subprocess_bill *bill, char name[static 16])
{
	uint64_t until_ns = usage_now_ns() + DYING_NS;

	while (reap(program, bill) && usage_now_ns() < until_ns) {
		kill_children(name);
		reap_all(program, bill, NAP_NS);
	}
}

/* Waits for the program's end; SIGINT goes on to it and its group, SIGTERM ends it. */
static void attend(pid_t program, const sigset_t *heard, struct subprocess_bill *bill)
{
	char killed[16] = "";

	while (bill->ended_ns == 0) {
		int signal = sigwaitinfo(heard, NULL);

		if (signal == SIGINT)
			kill(-program, SIGINT);
		else if (signal == SIGTERM)
			end_all(program, bill, killed);
		else
			reap(program, bill);
	}
}

/* Nothing of the runner's is held open: not its lock, nor what its output is read by. */
static void close_all_but(int report)
{
	int null = open("/dev/null", O_RDWR);

	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		dup2(null, fd);
	dup2(report, STDERR_FILENO + 1);
	close_range(STDERR_FILENO + 2, ~0U, 0);
}

void subprocess_guard(const struct subprocess_launch *launch, pid_t parent, int report)
{
	struct subprocess_bill bill = {.ended_ns = 0};
	sigset_t heard, all, before;
	pid_t self = getpid(), program;

	/* Were it ignored there would be nothing to wait for. */
	signal(SIGCHLD, SIG_DFL);
	sigfillset(&all);
	sigemptyset(&heard);
	sigaddset(&heard, SIGCHLD);
	sigaddset(&heard, SIGINT);
	sigaddset(&heard, SIGTERM);
	sigprocmask(SIG_BLOCK, &all, &before);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (getppid() != parent)
		_exit(127);
	/* Ctrl-C is the runner's to answer. */
	setpgid(0, 0);
	bill.begun_ns = usage_now_ns();
	program = fork();
	if (program == 0) {
		sigprocmask(SIG_SETMASK, &before, NULL);
		subprocess_become(launch, self);
	}
	if (program < 0) {
		dprintf(launch->err, "cannot start %s: %s\n", launch->argv[0], strerror(errno));
		_exit(127);
	}
	setpgid(program, program); /* whoever of the two is first */
	close_all_but(report);
	attend(program, &heard, &bill);
	if (!reap_all(program, &bill, GRACE_NS))
		end_all(program, &bill, bill.left);
	if (write(STDERR_FILENO + 1, &bill, sizeof(bill)) != (ssize_t)sizeof(bill))
		_exit(127);
	_exit(0);
}
