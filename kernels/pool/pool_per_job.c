/*
 * A new thread or process for each item, as a program without a pool does it: what a pool saves
 * can only be told by having the alternative too. Item i takes the place (and so the CPU) of item
 * i - workers, once that has ended: a window of fixed width over the items, in their order.
 */
#include "kernels/pool/pool_inside.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

static void do_item(struct pool_place *place)
{
	const struct pool_job *job = place->job;
	struct pool_entry *entry = pool_entry(place->pool, 0, place->item);
	char name[16];

	snprintf(name, sizeof(name), "job-%u", place->item + 1);
	prctl(PR_SET_NAME, name);
	if (pool_bind(place->pool, place->worker)) {
		pool_stop_items(place->pool);
		return;
	}
	job->function(job->context, pool_item(job, place->item), entry + 1);
	if (pool_is_moved(place->pool, place->worker))
		place->pool->shared->worker[place->worker].usage.moved++;
	atomic_store(&entry->is_done, 1);
}

static void *begin_thread(void *argument)
{
	do_item(argument);
	return NULL;
}

static int spawn(struct pool *pool, unsigned worker, char *why, size_t why_size)
{
	struct pool_place *place = &pool->places[worker];
	int err = pool->calls->forks ? pool_fork(place, do_item)
				     : -pthread_create(&place->thread, NULL, begin_thread, place);

	if (err)
		snprintf(why, why_size, "cannot start a %s for job %u: %s",
			 pool->calls->forks ? "process" : "thread", place->item + 1,
			 strerror(-err));
	return err;
}

/* Waits for the end of the one in that place. */
static void collect(struct pool *pool, struct pool_place *place, siginfo_t *info)
{
	*info = (siginfo_t){0};
	if (pool->calls->forks)
		while (waitid(P_PID, (id_t)place->process, info, WEXITED) && errno == EINTR)
			;
	else
		pthread_join(place->thread, NULL);
	atomic_store(&place->alive, false);
}

/* Waits likewise. Returns 0, or -errno when its item is not done. */
static int finish(struct pool *pool, struct pool_place *place, char *why, size_t why_size)
{
	const struct pool_worker *it = &pool->shared->worker[place->worker];
	struct pool_entry *entry = pool_entry(pool, 0, place->item);
	siginfo_t info;

	collect(pool, place, &info);
	if (atomic_load(&entry->is_done))
		return 0;
	if (it->refusal) {
		snprintf(why, why_size, "%s", it->why);
		return it->refusal;
	}
	pool_note_death(pool, place->process, &info);
	if (pool->settings.on_death == POOL_DEATH_FAILS)
		return -ECHILD;
	place->job->function(place->job->context, pool_item(place->job, place->item), entry + 1);
	return 0;
}

static int begin(struct pool *pool, struct pool_place *place, const struct pool_job *job,
		 size_t item, char *why, size_t why_size)
{
	struct pool_entry *entry = pool_entry(pool, 0, item);

	place->job = job;
	place->item = (uint32_t)item;
	entry->item = place->item;
	atomic_store(&entry->is_done, 0);
	pool->shared->worker[place->worker].refusal = 0;
	return spawn(pool, place->worker, why, why_size);
}

/* Ends what was started, as the map has failed: threads when they look, processes at once. */
static void cut_short(struct pool *pool)
{
	pool_stop_items(pool);
	for (unsigned worker = 0; worker < pool->settings.workers; worker++)
		if (atomic_load(&pool->places[worker].alive))
			kill(pool->places[worker].process, SIGKILL);
}

static int map(struct pool *pool, const struct pool_job *job, char *why, size_t why_size)
{
	const unsigned workers = pool->settings.workers ? pool->settings.workers : 1;
	size_t started = 0;
	size_t ended = 0;
	int err = 0;

	while (!err && ended < job->count)
		if (started < job->count && started - ended < workers) {
			err = begin(pool, &pool->places[started % workers], job, started, why,
				    why_size);
			started += !err;
		} else {
			err = finish(pool, &pool->places[ended++ % workers], why, why_size);
		}
	if (err)
		cut_short(pool);
	while (ended < started) {
		siginfo_t unused;

		collect(pool, &pool->places[ended++ % workers], &unused);
	}
	if (!err || err == -ECHILD)
		pool_tell(pool, why, why_size);
	return err;
}

const struct pool_kind_calls pool_thread_per_job = {.per_job = true, .spawn = spawn, .map = map};

const struct pool_kind_calls pool_process_per_job = {
	.forks = true,
	.per_job = true,
	.spawn = spawn,
	.watch = pool_watch,
	.unwatch = pool_unwatch,
	.map = map,
};
