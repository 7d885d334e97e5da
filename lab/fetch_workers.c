/* Starting, ending and joining workers; see fetch_workers.h. */
#include "lab/fetch_workers.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lab/fetch_signals.h"
#include "lab/fetch_soak.h"
#include "lab/shared.h"
#include "lab/status.h"

/* What the workers share; it lies where processes can share it too. */
struct crew {
	struct bench_shared shared;
	pthread_barrier_t ready, over;
	atomic_flag failed; /* some worker cannot begin */
	const struct model *model;
	const struct fetch_options *options;
	const struct pinning *pinning;
	struct bench *benches;
	pthread_t *threads; /* threads[0] is the main thread; NULL for processes */
	pid_t *processes;   /* processes[0] is the main one; NULL for threads */
	struct soaker *soakers;
	unsigned count;
	uint64_t ready_ns; /* when all were made and pinned */
};

/* Time limits are kept to a twentieth: nothing when there are none. */
static uint64_t limits_tick_ns(const struct fetch_options *o)
{
	uint64_t least = o->max_time_ns;

	if (o->connect_timeout_ns && (!least || o->connect_timeout_ns < least))
		least = o->connect_timeout_ns;
	if (!least)
		return 0;
	least /= 20;
	return least < 1000000 ? 1000000 : least > 100000000 ? 100000000 : least;
}

/* A model that keeps time by its ticks gets them at its own pace. */
static uint64_t tick_ns(const struct crew *crew)
{
	return crew->model->tick_ns ? crew->model->tick_ns : limits_tick_ns(crew->options);
}

/* The first worker that cannot begin says why and ends the run; the others wait for that. */
_Noreturn static void give_up(struct crew *crew, unsigned index, const char *why)
{
	while (atomic_flag_test_and_set(&crew->failed))
		pause();
	status_exit(STATUS_UNABLE, "worker %u: %s", index, why);
}

static void end_one(const struct crew *crew, struct bench *b)
{
	crew->model->release(&b->worker);
	bench_free(b);
}

static void run_one(struct crew *crew, unsigned index)
{
	struct bench *b = &crew->benches[index];
	char why[512];

	/* Pin before anything is allocated or a ring is made: memory and rings stay local. */
	if (pinning_bind(crew->pinning, index, why, sizeof(why)) || bench_make(b, why, sizeof(why)))
		give_up(crew, index, why);
	if (crew->model->prepare(&b->worker, why, sizeof(why))) {
		end_one(crew, b);
		give_up(crew, index, why);
	}
	if (b->worker.open_loop)
		prctl(PR_SET_TIMERSLACK, 1UL); /* waits end when they should, not 50 us later */
	pthread_barrier_wait(&crew->ready);
	if (index == 0)
		crew->ready_ns = usage_now_ns();
	bench_run(b, crew->model);
	b->moved = !pinning_holds(crew->pinning, index);
	/* After the run, when all that could not be known before has shown; one speaks for all. */
	if (index == 0)
		snprintf(b->variant, sizeof(b->variant), "%s", crew->model->variant(&b->worker));
	/* A signal kicks every worker: none may be gone before all have ended. */
	pthread_barrier_wait(&crew->over);
	b->peak_kib = usage_peak_kib();
	end_one(crew, b);
}

static struct fetch_signalled signalled_by(const struct crew *crew, unsigned self)
{
	return (struct fetch_signalled){.benches = crew->benches,
					.count = crew->count,
					.threads = crew->threads,
					.processes = crew->processes,
					.self = self};
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

static void start_thread(struct crew *crew, unsigned index)
{
	struct start *start = malloc(sizeof(*start));
	int err = ENOMEM;

	if (start) {
		*start = (struct start){.crew = crew, .index = index};
		err = pthread_create(&crew->threads[index], NULL, thread_main, start);
	}
	if (err)
		status_exit(STATUS_UNABLE, "cannot start worker %u of %u: %s", index, crew->count,
			    strerror(err));
}

static void start_process(struct crew *crew, unsigned index)
{
	struct fetch_signalled signalled = signalled_by(crew, index);
	pid_t parent = getpid();

	crew->processes[index] = fork();
	if (crew->processes[index] < 0)
		status_exit(STATUS_UNABLE, "cannot start worker %u of %u: %m", index, crew->count);
	if (crew->processes[index])
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(STATUS_FAILED);
	/* Lines of several processes must not be torn apart. */
	setvbuf(stdout, NULL, _IOLBF, 0);
	fetch_signals_catch(&signalled, false, tick_ns(crew));
	run_one(crew, index);
	exit(fflush(stdout) ? STATUS_FAILED : 0);
}

static void start_soakers(struct crew *crew)
{
	if (crew->options->overlap != OVERLAP_CORE)
		return;
	crew->soakers = calloc(crew->count, sizeof(*crew->soakers));
	if (!crew->soakers)
		status_exit(STATUS_UNABLE, "out of memory for %u workers", crew->count);
	for (unsigned i = 0; i < crew->count; i++) {
		soaker_start(&crew->soakers[i], crew->pinning, i);
		crew->benches[i].soaked = crew->soakers[i].elements;
	}
}

/* Raises the limit of descriptors as far as it may be, and says so when that is not enough. */
static void make_room(const struct fetch_options *o, const struct fetch_targets *targets)
{
	/* Beside the connections: standard streams, epoll, rings, counters, files read for the
	 * bill. */
	rlim_t here =
		o->processes ? 1 : o->workers; /* workers that share a process and its limit */
	rlim_t connections =
		o->processes ? (o->connections + o->workers - 1) / o->workers : o->connections;
	rlim_t need = connections * targets->endpoint_count + 8 * here + 32;
	struct rlimit limit;

	if (o->offline || getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur >= need)
		return;
	if (limit.rlim_max < need)
		status_exit(STATUS_UNABLE,
			    "--connections: %" PRIu64 "%s need %" PRIu64
			    " descriptors and the limit is %" PRIu64 "; raise it with ulimit -n",
			    (uint64_t)connections, o->processes ? " of a process" : "",
			    (uint64_t)need, (uint64_t)limit.rlim_max);
	limit.rlim_cur = need;
	setrlimit(RLIMIT_NOFILE, &limit);
}

/* What a model that takes an interface over would do to it is said before anything is made. */
static void check_reach(const struct model *model, const struct fetch_options *o,
			const struct fetch_targets *targets)
{
	const struct reach reach = {.interface = o->interface,
				    .endpoints = targets->endpoints,
				    .count = targets->endpoint_count,
				    .workers = o->workers,
				    .choices = &o->choices};
	char why[512];
	int err;

	if (!model->reach)
		return;
	/* The way to a host is asked by its address. */
	for (unsigned i = 0; i < targets->request_count; i++)
		if (targets->requests[i].unresolved)
			status_exit(STATUS_FAILED, "%s: resolve: %s", targets->requests[i].url,
				    targets->requests[i].unresolved);
	err = model->reach(&reach, why, sizeof(why));
	if (err)
		status_exit(err == -EINVAL ? STATUS_USAGE : STATUS_UNABLE, "%s", why);
}

static void make_barriers(struct crew *crew)
{
	pthread_barrierattr_t shared;

	pthread_barrierattr_init(&shared);
	pthread_barrierattr_setpshared(&shared, PTHREAD_PROCESS_SHARED);
	if (pthread_barrier_init(&crew->ready, &shared, crew->count) ||
	    pthread_barrier_init(&crew->over, &shared, crew->count))
		status_exit(STATUS_UNABLE, "out of memory for %u workers", crew->count);
	pthread_barrierattr_destroy(&shared);
}

static struct crew *make_crew(const struct model *model, const struct fetch_options *options,
			      const struct fetch_targets *targets, const struct pinning *pinning)
{
	struct crew *crew = shared_new(sizeof(*crew), true);
	unsigned count = options->workers;
	bool room = crew != NULL;

	if (crew) {
		crew->model = model;
		crew->options = options;
		crew->pinning = pinning;
		crew->count = count;
		crew->benches = shared_new(count * sizeof(struct bench), true);
		if (options->processes)
			crew->processes = calloc(count, sizeof(*crew->processes));
		else
			crew->threads = calloc(count, sizeof(*crew->threads));
		room = crew->benches && (crew->processes || crew->threads);
	}
	for (unsigned i = 0; room && i < count; i++)
		room = bench_reserve(&crew->benches[i], i, options, targets, &crew->shared) == 0;
	if (!room)
		status_exit(STATUS_UNABLE, "out of memory for %u workers%s%s", count,
			    options->output ? "; --output keeps 256 MiB a URL and worker" : "",
			    options->samples ? "; --samples keeps a row a fetch in memory" : "");
	make_barriers(crew);
	return crew;
}

static void start(struct crew *crew)
{
	fetch_signals_block();
	/* OpenSSL's own writes to a socket that its peer closed would raise it. */
	if (crew->options->tls_io != TLS_BUFFERED)
		signal(SIGPIPE, SIG_IGN);
	start_soakers(crew);
	if (crew->threads)
		crew->threads[0] = pthread_self();
	else
		crew->processes[0] = getpid();
	for (unsigned i = 1; i < crew->count; i++) {
		if (crew->threads)
			start_thread(crew, i);
		else
			start_process(crew, i);
	}
	/* Only the main thread handles them, so that its data is no other thread's to lose. */
	struct fetch_signalled signalled = signalled_by(crew, 0);

	fetch_signals_catch(&signalled, true, tick_ns(crew));
}

/* Returns as soaker_end(), of the first that did not run to the end. */
static enum status join(struct crew *crew)
{
	enum status overlap = STATUS_DONE;

	for (unsigned i = 1; i < crew->count; i++) {
		int status = 0;

		if (crew->threads)
			pthread_join(crew->threads[i], NULL);
		else if (waitpid(crew->processes[i], &status, 0) > 0 && status)
			status_exit(STATUS_FAILED, "worker process %u did not end as it should", i);
	}
	for (unsigned i = 0; crew->soakers && i < crew->count; i++) {
		enum status ended = soaker_end(&crew->soakers[i]);

		overlap = overlap == STATUS_DONE ? ended : overlap;
	}
	return overlap;
}

void fetch_workers_run(const struct model *model, const struct fetch_options *options,
		       const struct fetch_targets *targets, const struct pinning *pinning,
		       uint64_t started_ns, struct fetch_run *run)
{
	struct crew *crew;

	check_reach(model, options, targets);
	if (!model->reach) /* which has no sockets of the kernel's */
		make_room(options, targets);
	crew = make_crew(model, options, targets, pinning);
	host_watch_open(&run->watch, pinning->cpus, "");
	crew->benches[0].watch = &run->watch;
	start(crew);
	run_one(crew, 0);
	fetch_signals_release();
	run->overlap = join(crew);
	run->benches = crew->benches;
	run->count = crew->count;
	run->setup_s = (double)(crew->ready_ns - started_ns) / 1e9;
	run->interrupted = fetch_signals_interrupted();
	pthread_barrier_destroy(&crew->over);
	pthread_barrier_destroy(&crew->ready);
	free(crew->threads);
	free(crew->processes);
	free(crew->soakers);
	shared_free(crew, sizeof(*crew));
}

void fetch_workers_release(struct fetch_run *run)
{
	for (unsigned i = 0; i < run->count; i++)
		bench_release(&run->benches[i]);
	host_watch_close(&run->watch);
	shared_free(run->benches, run->count * sizeof(struct bench));
}
