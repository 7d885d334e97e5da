/*
 * The kept pool of processes, forked once. Unlike a thread a process can die alone, killed from
 * outside or by its own fault: then its items are still to be done, and somebody must notice.
 */
#include "kernels/pool/pool_inside.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* In the new process: dies with its parent, and leaves the parent's handlers behind. */
static void become_worker(pid_t parent, const sigset_t *mask)
{
	static const int handled[] = {SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGALRM, SIGCHLD};

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	/* Terminals and timeout(1) send these to the group: the parent deals with them. */
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	for (size_t i = 0; i < sizeof(handled) / sizeof(handled[0]); i++)
		signal(handled[i], SIG_DFL);
	pthread_sigmask(SIG_SETMASK, mask, NULL);
}

int pool_fork(struct pool_place *place, void (*child)(struct pool_place *place))
{
	pid_t parent = getpid(), process;
	sigset_t all, before;
	int err;

	/* No handler of the parent's runs in the child, or before the place knows its process. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	process = fork();
	if (process == 0) {
		become_worker(parent, &before);
		child(place);
		_exit(0);
	}
	err = process < 0 ? -errno : 0;
	place->process = process;
	atomic_store(&place->alive, !err);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return err;
}

static void begin(struct pool_place *place)
{
	uint32_t seen = atomic_load(&place->pool->shared->worker[place->worker].drained);
	char name[16];

	snprintf(name, sizeof(name), "worker-%u", place->worker);
	prctl(PR_SET_NAME, name);
	pool_work(place->pool, place->worker, seen);
}

static int spawn(struct pool *pool, unsigned worker, char *why, size_t why_size)
{
	struct pool_place *place = &pool->places[worker];
	int err;

	/* One that replaces a dead worker has no part in what went before. */
	atomic_store(&pool->shared->worker[worker].drained, atomic_load(&pool->shared->generation));
	err = pool_fork(place, begin);
	if (err)
		snprintf(why, why_size, "cannot fork process %u of %u: %s", worker + 1,
			 pool->settings.workers, strerror(-err));
	return err;
}

static void join(struct pool *pool, unsigned worker)
{
	while (waitpid(pool->places[worker].process, NULL, 0) < 0 && errno == EINTR)
		;
}

static void reap(struct pool *pool)
{
	for (unsigned worker = 1; worker < pool->settings.workers; worker++) {
		struct pool_place *place = &pool->places[worker];
		siginfo_t info = {0};

		if (!atomic_load(&place->alive) ||
		    (!waitid(P_PID, (id_t)place->process, &info, WEXITED | WNOHANG) &&
		     !info.si_pid))
			continue;
		atomic_store(&place->alive, false);
		/* One that refused to be bound ends too: that is no death. */
		if (atomic_load(&pool->shared->worker[worker].state) != POOL_REFUSED)
			pool_note_death(pool, place->process, &info);
	}
}

const struct pool_kind_calls pool_processes = {
	.forks = true,
	.spawn = spawn,
	.join = join,
	.reap = reap,
	.watch = pool_watch,
	.unwatch = pool_unwatch,
	.map = pool_tickets_map,
};
