/*
 * SIGCHLD, while pools of processes live: the caller is told of a worker's death whatever it is
 * at. A handler takes no argument, so the pools it looks at are listed here.
 */
#include "kernels/pool/pool_inside.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <sys/wait.h>

/* The pools that are looked at; kept ones too many look themselves, every POOL_LOOK_NS. */
#define WATCHED_MAX 8

static struct pool *_Atomic watched[WATCHED_MAX];
static struct sigaction handled_before;
static unsigned watches;

/* Whether the worker in that place ended before its time; leaves it to be collected. */
static bool has_fallen(const struct pool *pool, const struct pool_place *place)
{
	siginfo_t info = {0};

	return atomic_load(&place->alive) &&
	       !waitid(P_PID, (id_t)place->process, &info, WEXITED | WNOHANG | WNOWAIT) &&
	       info.si_pid &&
	       !(pool->calls->per_job && atomic_load(&pool_entry(pool, 0, place->item)->is_done));
}

/* Whether the map is going to fail on it. */
static bool is_fatal(const struct pool *pool, unsigned worker)
{
	return pool->settings.on_death == POOL_DEATH_FAILS || pool->shared->worker[worker].refusal;
}

static void look_at(struct pool *pool)
{
	for (unsigned worker = 0; worker < pool->settings.workers; worker++) {
		if (!has_fallen(pool, &pool->places[worker]))
			continue;
		atomic_store(&pool->is_bereaved, true);
		/* So that a caller about to sleep does not. */
		atomic_store(&pool->shared->caller_waits, POOL_WAITS_NOT);
		if (is_fatal(pool, worker))
			pool_stop_items(pool);
	}
}

static void on_child(int number, siginfo_t *info, void *context)
{
	int saved = errno;

	for (size_t i = 0; i < WATCHED_MAX; i++) {
		struct pool *pool = atomic_load(&watched[i]);

		if (pool)
			look_at(pool);
	}
	if (handled_before.sa_flags & SA_SIGINFO)
		handled_before.sa_sigaction(number, info, context);
	else if (handled_before.sa_handler != SIG_DFL && handled_before.sa_handler != SIG_IGN)
		handled_before.sa_handler(number);
	errno = saved;
}

static const sigset_t *sigchld(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGCHLD);
	return set;
}

void pool_watch(struct pool *pool)
{
	sigset_t set, before;
	/* The futex waits return at a signal all the same, as they have time limits. */
	struct sigaction action = {.sa_sigaction = on_child, .sa_flags = SA_SIGINFO | SA_RESTART};

	for (size_t i = 0; i < WATCHED_MAX; i++) {
		struct pool *nobody = NULL;

		if (atomic_compare_exchange_strong(&watched[i], &nobody, pool))
			break;
	}
	if (watches++ == 0)
		sigaction(SIGCHLD, &action, &handled_before);
	/* Whoever started the program may have blocked it. */
	pthread_sigmask(SIG_UNBLOCK, sigchld(&set), &before);
	pool->was_blocked = sigismember(&before, SIGCHLD);
}

void pool_unwatch(struct pool *pool)
{
	sigset_t set;

	if (pool->was_blocked)
		pthread_sigmask(SIG_BLOCK, sigchld(&set), NULL);
	for (size_t i = 0; i < WATCHED_MAX; i++) {
		struct pool *it = pool;

		atomic_compare_exchange_strong(&watched[i], &it, NULL);
	}
	if (--watches == 0)
		sigaction(SIGCHLD, &handled_before, NULL);
}
