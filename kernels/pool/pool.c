/*
 * The life of a pool, whatever its kind: the memory where workers and caller meet, starting,
 * sorting the results into place, counting what it all used, ending.
 */
#include "kernels/pool/pool_inside.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "kernels/pool/futex.h"

static const struct pool_kind_calls *const kinds[] = {
	[POOL_CALLER] = &pool_caller,
	[POOL_THREADS] = &pool_threads,
	[POOL_PROCESSES] = &pool_processes,
	[POOL_THREAD_PER_JOB] = &pool_thread_per_job,
	[POOL_PROCESS_PER_JOB] = &pool_process_per_job,
};

static size_t round_up(size_t size, size_t to)
{
	return (size + to - 1) / to * to;
}

void *pool_memory(size_t size)
{
	/* Pages nobody touches are never made, so logs may be as long as the longest map. */
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

void pool_memory_free(void *memory, size_t size)
{
	if (memory)
		munmap(memory, size);
}

static void release(struct pool *pool)
{
	pool_memory_free(pool->shared, pool->shared_size);
	pool_memory_free(pool->logs, pool->log_size * pool->settings.workers);
	free(pool->places);
	free(pool);
}

static struct pool *allocate(const struct pool_settings *settings)
{
	struct pool *pool = calloc(1, sizeof(*pool));
	size_t workers;

	if (!pool)
		return NULL;
	pool->settings = *settings;
	pool->calls = kinds[settings->kind];
	if (settings->kind == POOL_CALLER)
		pool->settings.workers = 1;
	workers = pool->settings.workers;
	/* Per job, neighbouring entries belong to different workers. */
	pool->stride = round_up(sizeof(struct pool_entry) + settings->result_size,
				pool->calls->per_job ? POOL_LINE : alignof(struct pool_entry));
	pool->log_size = round_up(settings->items_max * pool->stride, 4096);
	pool->shared_size = sizeof(struct pool_shared) + workers * sizeof(struct pool_worker);
	pool->shared = pool_memory(pool->shared_size);
	pool->logs = pool_memory(pool->log_size * workers);
	pool->places = calloc(workers, sizeof(*pool->places));
	if (!pool->shared || !pool->logs || !pool->places) {
		release(pool);
		return NULL;
	}
	for (unsigned worker = 0; worker < workers; worker++)
		pool->places[worker] = (struct pool_place){.pool = pool, .worker = worker};
	return pool;
}

/*
 * Has the first page of the worker's log made, on the worker's own CPU and so in its memory. What
 * is there stays: it may be the work of the dead one whose place this worker takes.
 */
static void touch(struct pool *pool, unsigned worker)
{
	volatile uint32_t *item = &pool_entry(pool, worker, 0)->item;

	*item = *item; /* cppcheck-suppress selfAssignment */
}

int pool_bind(struct pool *pool, unsigned worker)
{
	struct pool_worker *me = &pool->shared->worker[worker];
	const struct pool_settings *settings = &pool->settings;

	if (settings->bind)
		me->refusal =
			settings->bind(settings->bind_context, worker, me->why, sizeof(me->why));
	if (!me->refusal && !pool->calls->per_job)
		touch(pool, worker);
	atomic_store(&me->state, me->refusal ? POOL_REFUSED : POOL_READY);
	futex_wake(&me->state, 1, pool->calls->forks);
	return me->refusal;
}

bool pool_is_moved(const struct pool *pool, unsigned worker)
{
	const struct pool_settings *settings = &pool->settings;

	return settings->is_bound && !settings->is_bound(settings->bind_context, worker);
}

void pool_sleep(struct pool *pool, _Atomic uint32_t *word, uint32_t value)
{
	bool mortal = pool->calls->reap != NULL;

	if (futex_wait(word, value, pool->calls->forks, mortal ? POOL_LOOK_NS : 0) && mortal)
		pool->calls->reap(pool);
	else
		pool_look(pool);
}

int pool_await_ready(struct pool *pool, unsigned worker, char *why, size_t why_size)
{
	struct pool_worker *it = &pool->shared->worker[worker];

	for (;;) {
		/* First this: the dead change their state no more. It may have died long ago. */
		bool is_alive = atomic_load(&pool->places[worker].alive);

		if (atomic_load(&it->state) != POOL_STARTING)
			break;
		if (!is_alive)
			return -ECHILD;
		pool_sleep(pool, &it->state, POOL_STARTING);
	}
	if (!it->refusal)
		return 0;
	snprintf(why, why_size, "%s", it->why);
	return it->refusal;
}

/* Makes the workers of a kept pool and waits until all are ready: the caller is worker 0. */
static int start_workers(struct pool *pool, char *why, size_t why_size)
{
	int err;

	pool_bind(pool, 0);
	err = pool_await_ready(pool, 0, why, why_size);
	for (unsigned worker = 1; !err && worker < pool->settings.workers; worker++)
		err = pool->calls->spawn(pool, worker, why, why_size);
	for (unsigned worker = 1; !err && worker < pool->settings.workers; worker++)
		err = pool_await_ready(pool, worker, why, why_size);
	/* One may have died when it was ready and others were awaited. */
	pool_look(pool);
	if (!err && pool_mourns(pool))
		err = -ECHILD;
	if (err == -ECHILD)
		pool_tell(pool, why, why_size);
	return err;
}

int pool_start(struct pool **out, const struct pool_settings *settings, char *why, size_t why_size)
{
	struct pool *pool;
	int err = 0;

	if (!settings->workers || settings->result_size % 16 ||
	    settings->result_size > POOL_RESULT_MAX || settings->items_max > INT32_MAX ||
	    !settings->items_max) {
		snprintf(why, why_size, "a pool needs workers and items, both within its limits");
		return -EINVAL;
	}
	pool = allocate(settings);
	if (!pool) {
		snprintf(why, why_size, "no memory for a pool of %u workers", settings->workers);
		return -ENOMEM;
	}
	if (pool->calls->watch)
		pool->calls->watch(pool);
	if (!pool->calls->per_job)
		err = start_workers(pool, why, why_size);
	if (err) {
		pool_stop(pool);
		return err;
	}
	*out = pool;
	return 0;
}

void pool_stop(struct pool *pool)
{
	if (pool->calls->unwatch)
		pool->calls->unwatch(pool);
	pool_tickets_end(pool);
	for (unsigned worker = 1; worker < pool->settings.workers; worker++)
		if (pool->places[worker].alive)
			pool->calls->join(pool, worker);
	release(pool);
}

/* How many entries of a log are valid after a map. */
static size_t log_entries(const struct pool *pool, const struct pool_job *job, unsigned worker)
{
	if (!pool->calls->per_job)
		return atomic_load(&pool->shared->worker[worker].done);
	return worker == 0 ? job->count : 0;
}

/* Results are small: a copy that the compiler knows the size of beats a call. */
static void copy_result(unsigned char *to, const struct pool_entry *from, size_t size)
{
	const unsigned char *bytes = (const unsigned char *)from;

	for (size_t at = 0; at < size; at += 16)
		memcpy(to + at, bytes + at, 16);
}

static void sort_results(struct pool *pool, const struct pool_job *job)
{
	const size_t size = pool->settings.result_size;

	for (unsigned worker = 0; worker < pool->settings.workers; worker++) {
		size_t entries = log_entries(pool, job, worker);

		for (size_t i = 0; i < entries; i++) {
			const struct pool_entry *entry = pool_entry(pool, worker, i);

			copy_result((unsigned char *)job->results + entry->item * size, entry + 1,
				    size);
		}
	}
}

int pool_rerun(struct pool *pool, const struct pool_job *job, char *why, size_t why_size)
{
	bool *is_done = calloc(job->count, sizeof(*is_done));
	struct pool_worker *me = &pool->shared->worker[0];
	uint32_t at = atomic_load(&me->done);

	if (!is_done) {
		snprintf(why, why_size, "no memory to see which items were lost");
		return -ENOMEM;
	}
	for (unsigned worker = 0; worker < pool->settings.workers; worker++)
		for (size_t i = 0; i < log_entries(pool, job, worker); i++)
			is_done[pool_entry(pool, worker, i)->item] = true;
	for (size_t item = 0; item < job->count; item++) {
		struct pool_entry *entry = pool_entry(pool, 0, at);

		if (is_done[item])
			continue;
		entry->item = (uint32_t)item;
		job->function(job->context, pool_item(job, item), entry + 1);
		at++;
	}
	atomic_store(&me->done, at);
	free(is_done);
	return 0;
}

int pool_map(struct pool *pool, const struct pool_job *job, char *why, size_t why_size)
{
	int err;

	if (job->count > pool->settings.items_max) {
		snprintf(why, why_size, "a map of %zu items on a pool made for %zu", job->count,
			 pool->settings.items_max);
		return -EINVAL;
	}
	err = pool->calls->map(pool, job, why, why_size);
	if (!err && pool->calls->spawn)
		sort_results(pool, job);
	return err;
}

/* The whole of POOL_CALLER: the zero that the pools are compared with. */
static int caller_map(struct pool *pool, const struct pool_job *job, char *why, size_t why_size)
{
	const size_t size = pool->settings.result_size;

	(void)why;
	(void)why_size;
	for (size_t item = 0; item < job->count; item++)
		job->function(job->context, pool_item(job, item),
			      (unsigned char *)job->results + item * size);
	return 0;
}

const struct pool_kind_calls pool_caller = {.map = caller_map};

void pool_note_death(struct pool *pool, pid_t process, const siginfo_t *info)
{
	char how[96];

	if (info->si_code == CLD_EXITED)
		snprintf(how, sizeof(how), "exited by itself with status %d", info->si_status);
	else if (info->si_pid)
		snprintf(how, sizeof(how), "was killed by signal %d (%s)", info->si_status,
			 strsignal(info->si_status));
	else
		snprintf(how, sizeof(how), "ended, and somebody else collected its status");
	if (!pool_mourns(pool))
		snprintf(pool->death, sizeof(pool->death), "worker process %d %s", process, how);
	pool->deaths++;
}

void pool_tell(struct pool *pool, char *why, size_t why_size)
{
	unsigned untold = pool->deaths - pool->told;

	if (untold > 1)
		snprintf(why, why_size, "%s, and %u more died", pool->death, untold - 1);
	else if (untold)
		snprintf(why, why_size, "%s", pool->death);
	pool->told = pool->deaths;
}

unsigned pool_deaths(const struct pool *pool)
{
	return pool->told;
}

int pool_process(const struct pool *pool, unsigned worker)
{
	if (pool->settings.kind != POOL_PROCESSES)
		return 0;
	return worker ? pool->places[worker].process : getpid();
}

static uint64_t timeval_ns(struct timeval time)
{
	return ((uint64_t)time.tv_sec * 1000000 + (uint64_t)time.tv_usec) * 1000;
}

void pool_usage_of(int who, struct pool_usage *usage)
{
	struct rusage used;

	getrusage(who, &used);
	usage->user_ns = timeval_ns(used.ru_utime);
	usage->system_ns = timeval_ns(used.ru_stime);
	usage->involuntary_switches = (uint64_t)used.ru_nivcsw;
	usage->max_rss_kib = (uint64_t)used.ru_maxrss;
}

static void add_usage(struct pool_usage *sum, const struct pool_usage *usage)
{
	sum->user_ns += usage->user_ns;
	sum->system_ns += usage->system_ns;
	sum->involuntary_switches += usage->involuntary_switches;
	if (usage->max_rss_kib > sum->max_rss_kib)
		sum->max_rss_kib = usage->max_rss_kib;
}

int pool_usage(struct pool *pool, struct pool_usage *usage, char *why, size_t why_size)
{
	struct pool_usage children;
	bool is_kept = pool->calls->spawn && !pool->calls->per_job;

	/* Threads are asked too: only who asks brings its own clock up to date. */
	if (is_kept) {
		int err = pool_tickets_usage(pool, why, why_size);

		if (err)
			return err;
	}
	if (!pool->calls->per_job)
		pool->shared->worker[0].usage.moved = pool_is_moved(pool, 0);
	pool_usage_of(RUSAGE_SELF, usage);
	pool_usage_of(RUSAGE_CHILDREN, &children);
	add_usage(usage, &children);
	for (unsigned worker = 1; is_kept && pool->calls->forks && worker < pool->settings.workers;
	     worker++)
		add_usage(usage, &pool->shared->worker[worker].usage);
	usage->moved = 0;
	for (unsigned worker = 0; worker < pool->settings.workers; worker++)
		usage->moved += pool->shared->worker[worker].usage.moved;
	return 0;
}
