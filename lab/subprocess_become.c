/* A child between its fork and its program: bound, in its namespace, gone with its parent. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "lab/subprocess_inside.h"

/* Bound means read back. */
static bool bind_to(const cpu_set_t *set)
{
	cpu_set_t got;

	return sched_setaffinity(0, sizeof(*set), set) == 0 &&
	       sched_getaffinity(0, sizeof(got), &got) == 0 && CPU_EQUAL(&got, set);
}

void subprocess_become(const struct subprocess_launch *launch, pid_t parent)
{
	char *const *argv = launch->argv;
	int null = open("/dev/null", O_RDONLY);

	/* A runner that is killed takes its children along, hung ones too; it may be dead now. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(127);
	/* Ctrl-C is the runner's to answer: it tells the cell that runs, and the origin last. */
	setpgid(0, 0);
	/* What the runner, or whoever started it, ignores is not to be ignored by what it runs. */
	signal(SIGPIPE, SIG_DFL);
	signal(SIGCHLD, SIG_DFL);
	dup2(null, STDIN_FILENO);
	dup2(launch->out, STDOUT_FILENO);
	dup2(launch->err, STDERR_FILENO);
	if (launch->cpus && !bind_to(launch->cpus)) {
		dprintf(STDERR_FILENO, "cannot bind %s to its CPUs: %s\n", argv[0],
			strerror(errno));
		_exit(127);
	}
	if (launch->netns >= 0 && setns(launch->netns, CLONE_NEWNET)) {
		dprintf(STDERR_FILENO, "cannot enter the link's namespace with %s: %s\n", argv[0],
			strerror(errno));
		_exit(127);
	}
	execvp(argv[0], argv);
	dprintf(STDERR_FILENO, "cannot run %s: %s\n", argv[0], strerror(errno));
	_exit(127);
}
