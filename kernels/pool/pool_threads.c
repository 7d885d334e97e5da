/* The kept pool of POSIX threads: making them and waiting for their end. */
#include "kernels/pool/pool_inside.h"

#include <stdio.h>
#include <string.h>

static void *begin(void *argument)
{
	const struct pool_place *place = argument;
	char name[16];

	snprintf(name, sizeof(name), "worker-%u", place->worker);
	pthread_setname_np(pthread_self(), name);
	pool_work(place->pool, place->worker, 0);
	return NULL;
}

static int spawn(struct pool *pool, unsigned worker, char *why, size_t why_size)
{
	struct pool_place *place = &pool->places[worker];
	int err = pthread_create(&place->thread, NULL, begin, place);

	if (err)
		snprintf(why, why_size, "cannot make thread %u of %u: %s", worker + 1,
			 pool->settings.workers, strerror(err));
	place->alive = !err;
	return -err;
}

static void join(struct pool *pool, unsigned worker)
{
	pthread_join(pool->places[worker].thread, NULL);
}

const struct pool_kind_calls pool_threads = {
	.spawn = spawn,
	.join = join,
	.map = pool_tickets_map,
};
