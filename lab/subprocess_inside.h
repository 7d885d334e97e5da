/* What subprocess.c's files share: a child between its fork and its program, and its guard. */
#ifndef LAB_SUBPROCESS_INSIDE_H
#define LAB_SUBPROCESS_INSIDE_H

#include <sched.h>
#include <stdint.h>
#include <sys/types.h>

/* What the child is to become. */
struct subprocess_launch {
	char *const *argv;
	const cpu_set_t *cpus; /* NULL: bound to none */
	int netns;	       /* -1: the runner's own */
	int out, err;	       /* the pipes' ends that it writes to */
};

/* What a guard tells of its program, once that and all that it began have ended. */
struct subprocess_bill {
	int status; /* as waitpid() has it */
	uint64_t begun_ns, ended_ns;
	double user_s, system_s;
	uint64_t max_rss_kib;
	char left[16]; /* the name of a process that it left running; "" when it left none */
};

/* Becomes the program, in a process group of its own, as a child of `parent` and gone with it. */
_Noreturn void subprocess_become(const struct subprocess_launch *launch, pid_t parent);

/*
 * The process between the runner and one program, so that nothing of the program outlives it or the
 * runner, whatever session it went to: orphans among its descendants become the guard's children.
 * SIGINT is passed on to the program's process group; SIGTERM, which also comes when the runner
 * ends, kills all of it. What is still there a tenth of a second after the program's end is killed
 * and named. Ends when all has ended, with the bill written to `report`.
 */
_Noreturn void subprocess_guard(const struct subprocess_launch *launch, pid_t parent, int report);

#endif
