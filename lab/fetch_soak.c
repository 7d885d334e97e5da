/* The process that soaks up what a worker leaves of its core: see fetch_soak.h. */
#include "lab/fetch_soak.h"

#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernels/sumsq/sumsq.h"
#include "lab/shared.h"
#include "lab/status.h"

/* Squares between two looks at nothing: the count is then that exact. */
#define SLICE 4096

static void soak(struct soaker *s, const struct pinning *pinning, unsigned index, pid_t parent)
{
	const struct sched_param lowest = {0};
	const struct sumsq_core *core;
	char why[512];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(0);
	if (pinning_bind(pinning, index, why, sizeof(why)) ||
	    sumsq_core_find("auto", &core, why, sizeof(why)))
		status_exit(STATUS_UNABLE, "--overlap core: %s", why);
	if (sched_setscheduler(0, SCHED_IDLE, &lowest))
		status_exit(STATUS_UNABLE, "--overlap core: cannot run at SCHED_IDLE: %m");
	for (;;) {
		volatile sumsq_total sum = core->sum(0, SLICE);

		(void)sum;
		*s->elements += SLICE;
	}
}

void soaker_start(struct soaker *s, const struct pinning *pinning, unsigned index)
{
	pid_t parent = getpid();

	s->elements = shared_new(sizeof(*s->elements), true);
	s->pid = s->elements ? fork() : -1;
	if (s->pid < 0)
		status_exit(STATUS_UNABLE, "--overlap core: cannot start another process: %m");
	if (s->pid == 0)
		soak(s, pinning, index, parent);
}

enum status soaker_end(struct soaker *s)
{
	enum status status = STATUS_DONE;
	int how;

	if (waitpid(s->pid, &how, WNOHANG) == 0) {
		kill(s->pid, SIGKILL);
		waitpid(s->pid, &how, 0);
	} else if (WIFEXITED(how)) {
		status = (enum status)WEXITSTATUS(how); /* it has said why */
	} else {
		status = STATUS_FAILED;
		status_warn("--overlap core: the process %d that was to use what is left of the "
			    "core was killed by signal %d, so that what is left is not known",
			    (int)s->pid, WTERMSIG(how));
	}
	shared_free((void *)(uintptr_t)s->elements, sizeof(*s->elements));
	return status;
}
