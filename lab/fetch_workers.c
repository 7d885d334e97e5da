/*
 * Threads, barrier, signals. A run that must end early (Ctrl-C, or fetches that are never
 * answered) is ended by a flag that every model looks at when a call returns EINTR or between
 * rounds; a repeating timer makes blocked calls return, so that no wake-up can be missed.
 */
#include "lab/fetch_workers.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>

#include "lab/status.h"

struct crew {
	const struct model *model;
	const struct fetch_options *options;
	const struct fetch_targets *targets;
	const struct pinning *pinning;
	struct bench *benches;
	pthread_t *threads; /* threads[0] is the main thread */
	unsigned count;
	pthread_barrier_t ready, over;
	uint64_t ready_ns; /* when all were made and pinned */
	const char *variant;
};

/* Signal handlers take no argument: what they touch is here. */
static atomic_bool stop;
static volatile sig_atomic_t was_interrupted;
static struct crew *signalled;

static void repeat_alarm(void)
{
	const struct itimerval every = {.it_value = {.tv_usec = 10000},
					.it_interval = {.tv_usec = 10000}};

	setitimer(ITIMER_REAL, &every, NULL);
}

static void on_signal(int signal)
{
	int saved = errno;

	if (signal != SIGALRM) {
		was_interrupted = 1;
		repeat_alarm();
	}
	atomic_store(&stop, true);
	for (unsigned i = 0; signalled && i < signalled->count; i++)
		if (!pthread_equal(signalled->threads[i], pthread_self()))
			pthread_kill(signalled->threads[i], SIGUSR1);
	errno = saved;
}

static void on_kick(int signal)
{
	(void)signal; /* only there to make a blocked call return EINTR */
}

static void catch_signals(void)
{
	struct sigaction action = {.sa_handler = on_signal};
	struct sigaction kick = {.sa_handler = on_kick};

	sigaction(SIGALRM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGUSR1, &kick, NULL);
}

/* From here on a signal would only cut the report. */
static void disarm(void)
{
	const struct itimerval never = {.it_value = {.tv_sec = 0}};

	setitimer(ITIMER_REAL, &never, NULL);
}

static void run_one(struct crew *crew, unsigned index)
{
	struct bench *b = &crew->benches[index];
	char why[512];

	/* Pin before anything is allocated or a ring is made: memory and rings stay local. */
	if (pinning_bind(crew->pinning, index, why, sizeof(why)) ||
	    bench_make(b, index, crew->options, crew->targets, &stop, why, sizeof(why)) ||
	    crew->model->prepare(&b->worker, why, sizeof(why)))
		status_exit(STATUS_UNABLE, "worker %u: %s", index, why);
	pthread_barrier_wait(&crew->ready);
	if (index == 0) {
		crew->variant = crew->model->variant(&b->worker);
		crew->ready_ns = usage_now_ns();
	}
	bench_run(b, crew->model);
	/* A signal kicks every thread: none may be gone before all have ended. */
	pthread_barrier_wait(&crew->over);
	crew->model->release(&b->worker);
}

struct start {
	struct crew *crew;
	unsigned index;
};

static void *thread_main(void *argument)
{
	struct start start = *(struct start *)argument;

	free(argument);
	run_one(start.crew, start.index);
	return NULL;
}

static void start_threads(struct crew *crew)
{
	sigset_t handled;

	/* Only the main thread handles them, so that its data is no other thread's to lose. */
	sigemptyset(&handled);
	sigaddset(&handled, SIGINT);
	sigaddset(&handled, SIGTERM);
	sigaddset(&handled, SIGALRM);
	pthread_sigmask(SIG_BLOCK, &handled, NULL);
	crew->threads[0] = pthread_self();
	for (unsigned i = 1; i < crew->count; i++) {
		struct start *start = malloc(sizeof(*start));
		int err = ENOMEM;

		if (start) {
			*start = (struct start){.crew = crew, .index = i};
			err = pthread_create(&crew->threads[i], NULL, thread_main, start);
		}
		if (err)
			status_exit(STATUS_UNABLE, "cannot start worker %u of %u: %s", i,
				    crew->count, strerror(err));
	}
	signalled = crew;
	catch_signals();
	pthread_sigmask(SIG_UNBLOCK, &handled, NULL);
}

/* Raises the limit of descriptors as far as it may be, and says so when that is not enough. */
static void make_room(const struct fetch_options *o, const struct fetch_targets *targets)
{
	/* Beside the connections: standard streams, epoll and rings, files read for the bill. */
	rlim_t need = o->connections * targets->endpoint_count + 4 * o->workers + 16;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur >= need)
		return;
	if (limit.rlim_max < need)
		status_exit(STATUS_UNABLE,
			    "--connections: %" PRIu64 " need %" PRIu64
			    " descriptors and the limit is %" PRIu64 "; raise it with ulimit -n",
			    o->connections, (uint64_t)need, (uint64_t)limit.rlim_max);
	limit.rlim_cur = need;
	setrlimit(RLIMIT_NOFILE, &limit);
}

void fetch_workers_run(const struct model *model, const struct fetch_options *options,
		       const struct fetch_targets *targets, const struct pinning *pinning,
		       uint64_t started_ns, struct bench **benches, const char **variant,
		       double *setup_s, bool *interrupted)
{
	struct crew crew = {.model = model,
			    .options = options,
			    .targets = targets,
			    .pinning = pinning,
			    .count = options->workers};

	make_room(options, targets);
	crew.benches = aligned_alloc(128, crew.count * sizeof(struct bench));
	crew.threads = calloc(crew.count, sizeof(*crew.threads));
	if (!crew.benches || !crew.threads || pthread_barrier_init(&crew.ready, NULL, crew.count) ||
	    pthread_barrier_init(&crew.over, NULL, crew.count))
		status_exit(STATUS_UNABLE, "out of memory for %u workers", crew.count);
	start_threads(&crew);
	run_one(&crew, 0);
	disarm();
	signalled = NULL;
	for (unsigned i = 1; i < crew.count; i++)
		pthread_join(crew.threads[i], NULL);
	pthread_barrier_destroy(&crew.over);
	pthread_barrier_destroy(&crew.ready);
	free(crew.threads);
	*benches = crew.benches;
	*variant = crew.variant;
	*setup_s = (double)(crew.ready_ns - started_ns) / 1e9;
	*interrupted = was_interrupted;
}

void fetch_workers_release(struct bench *benches, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		bench_release(&benches[i]);
	free(benches);
}
