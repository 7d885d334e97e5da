/*
 * Threads, barrier, signals. A run that must end early (Ctrl-C, or fetches that are never
 * answered) is ended by a flag that every model looks at when a call returns EINTR or between
 * rounds; a repeating timer makes blocked calls return, so that no wake-up can be missed.
 */
#include "lab/fetch_workers.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "lab/status.h"

/* What unanswered fetches are waited for after the measured time is over. */
#define GRACE_NS UINT64_C(5000000000)

struct crew {
	const struct model *model;
	const struct fetch_options *options;
	const struct fetch_targets *targets;
	const struct pinning *pinning;
	struct bench *benches;
	pthread_t *threads; /* threads[0] is the main thread */
	unsigned count;
	pthread_barrier_t ready;
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

/* A benchmark by duration must end even if its last fetches are never answered. */
static void arm_deadline(const struct fetch_options *o)
{
	uint64_t us = (o->warmup_ns + o->duration_ns + GRACE_NS) / 1000;
	const struct itimerval timer = {.it_value = {.tv_sec = (time_t)(us / 1000000),
						     .tv_usec = (suseconds_t)(us % 1000000)},
					.it_interval = {.tv_usec = 10000}};

	if (o->duration_ns)
		setitimer(ITIMER_REAL, &timer, NULL);
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
		arm_deadline(crew->options);
	}
	bench_run(b, crew->model);
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
			    .count = (unsigned)options->threads};

	crew.benches = aligned_alloc(128, crew.count * sizeof(struct bench));
	crew.threads = calloc(crew.count, sizeof(*crew.threads));
	if (!crew.benches || !crew.threads || pthread_barrier_init(&crew.ready, NULL, crew.count))
		status_exit(STATUS_UNABLE, "out of memory for %u workers", crew.count);
	start_threads(&crew);
	signalled = &crew;
	catch_signals();
	run_one(&crew, 0);
	for (unsigned i = 1; i < crew.count; i++)
		pthread_join(crew.threads[i], NULL);
	disarm();
	signalled = NULL;
	pthread_barrier_destroy(&crew.ready);
	free(crew.threads);
	*benches = crew.benches;
	*variant = crew.variant;
	*setup_s = (double)(crew.benches[0].begin.at_ns - options->warmup_ns - started_ns) / 1e9;
	*interrupted = was_interrupted;
}

void fetch_workers_release(struct bench *benches, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		bench_release(&benches[i]);
	free(benches);
}
