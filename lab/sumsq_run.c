/* A run of a sumsq program, from its core to its last pass: see sumsq_run.h. */
#include "lab/sumsq_run.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "lab/status.h"
#include "lab/sumsq_signals.h"

#define WHY 256

/* Empty jobs in a map that prices them, and such maps; the least of them counts. */
#define EMPTY_KEPT    2000
#define EMPTY_PER_JOB 50
#define EMPTY_MAPS    7

/* By an interruption, or by the death of a worker, of which the next map tells. */
static bool is_stopped(const struct sumsq_run *run)
{
	return atomic_load(&run->jobs.common->stop);
}

static bool has_record(const struct sumsq_options *options)
{
	return options->json || options->csv;
}

static size_t empty_jobs(const struct sumsq_options *options)
{
	return options->per_job ? EMPTY_PER_JOB : EMPTY_KEPT;
}

/* Before the pool is made: what the caller starts from then on is counted with it. */
static void open_counters(struct sumsq_run *run)
{
	char why[WHY];

	if (run->options->counters == COUNTERS_OFF || !has_record(run->options))
		return;
	(void)counters_open(&run->counters, why, sizeof(why));
	(void)energy_open(&run->energy, "", why, sizeof(why));
}

static int bind_worker(void *pinning, unsigned worker, char *why, size_t why_size)
{
	return pinning_bind(pinning, worker, why, why_size);
}

static bool is_worker_bound(void *pinning, unsigned worker)
{
	return pinning_holds(pinning, worker);
}

/* A worker that died has failed; what cannot be had, this host has not. */
static enum status status_of(int pool_err)
{
	return pool_err == -ECHILD ? STATUS_FAILED : STATUS_UNABLE;
}

static void start_pool(struct sumsq_run *run)
{
	const struct sumsq_options *options = run->options;
	size_t empty = empty_jobs(options);
	bool is_kept = options->where != sumsq_on_serial && !options->per_job;
	struct pool_settings settings = {
		.kind = sumsq_options_kind(options),
		.workers = run->pinning.workers,
		.on_death = (enum pool_on_death)options->on_death,
		.stop = &run->jobs.common->stop,
		.items_max = run->jobs.piece_count > empty ? run->jobs.piece_count : empty,
		.result_size = sizeof(struct sumsq_result),
		.bind = bind_worker,
		.bind_context = &run->pinning,
		.is_bound = is_worker_bound,
	};
	char why[WHY];
	int err;

	if (options->idle)
		run->spin_ns = options->spin_ns;
	else if (is_kept && !run->pinning.shared)
		run->spin_ns = SUMSQ_SPIN_NS;
	settings.spin_ns = run->spin_ns;
	err = pool_start(&run->pool, &settings, why, sizeof(why));
	if (err)
		status_exit(status_of(err), "%s", why);
}

static void make_jobs(struct sumsq_run *run)
{
	const struct sumsq_options *options = run->options;
	char why[WHY];
	int err = sumsq_jobs_make(&run->jobs, options->operands, options->count, options->grain,
				  run->core->sum, why, sizeof(why));

	if (!err && options->per_job)
		err = sumsq_jobs_keep(&run->jobs, why, sizeof(why));
	if (err)
		status_exit(err == -EOVERFLOW ? STATUS_USAGE : STATUS_UNABLE, "%s", why);
	run->jobs.common->has_lock = options->global_lock;
}

void sumsq_run_start(struct sumsq_run *run, const struct sumsq_options *options)
{
	const struct pinning_request request = {
		.place = options->place,
		.policy = PLACE_SPREAD,
		.cpus = options->cpus,
		.workers = options->where == sumsq_on_serial ? 1 : (unsigned)options->workers,
	};
	char why[WHY];
	int err;

	*run = (struct sumsq_run){.options = options, .dispatch_ns = NAN};
	err = sumsq_core_find(options->core, &run->core, why, sizeof(why));
	if (err)
		status_exit(err == -EINVAL ? STATUS_USAGE : STATUS_UNABLE, "--core: %s", why);
	pinning_decide(&run->pinning, &request);
	make_jobs(run);
	sumsq_signals_catch(&run->jobs.common->stop);
	open_counters(run);
	host_watch_open(&run->watch, run->pinning.cpus, "");
	start_pool(run);
}

/* Ends what was started, then the program. */
_Noreturn static void give_up(struct sumsq_run *run, enum status status, const char *why)
{
	pool_stop(run->pool);
	status_exit(status, "%s", why);
}

/* What the pool said of its last work: that it failed, or that it made good for a death. */
static void heed(struct sumsq_run *run, int err, const char *why)
{
	unsigned deaths = pool_deaths(run->pool);

	if (err)
		give_up(run, status_of(err), why);
	if (deaths > run->deaths)
		status_warn("%s; it was replaced, and what it left undone was done again", why);
	run->deaths = deaths;
}

static void map(struct sumsq_run *run, const struct pool_job *job)
{
	char why[WHY];

	heed(run, pool_map(run->pool, job, why, sizeof(why)), why);
}

/* One pass over the list, checked; false when it was interrupted. */
static bool pass(struct sumsq_run *run)
{
	struct pool_job job = sumsq_jobs_map(&run->jobs);
	char why[WHY];

	map(run, &job);
	if (is_stopped(run))
		return false;
	if (sumsq_jobs_check(&run->jobs, why, sizeof(why)))
		give_up(run, STATUS_FAILED, why);
	run->has_sums = true;
	return true;
}

static void read_usage(struct sumsq_run *run, struct pool_usage *usage)
{
	char why[WHY];

	heed(run, pool_usage(run->pool, usage, why, sizeof(why)), why);
}

/* Passes until so many are made and the time is over. */
static void interval(struct sumsq_run *run, uint64_t passes, uint64_t duration_ns)
{
	uint64_t whole = sumsq_jobs_squares(&run->jobs);
	uint64_t begun = sumsq_now_ns();
	uint64_t now;

	do {
		bool is_whole = pass(run);

		now = sumsq_now_ns();
		run->passes += is_whole;
		run->squares += is_whole ? whole : sumsq_jobs_squares_done(&run->jobs);
	} while (!is_stopped(run) && (run->passes < passes || now - begun < duration_ns));
	run->duration_s = (double)(now - begun) / 1e9;
}

static void price_empty_jobs(struct sumsq_run *run)
{
	size_t count = empty_jobs(run->options);
	struct sumsq_result *results = aligned_alloc(16, count * sizeof(*results));
	uint64_t least = UINT64_MAX;

	for (unsigned i = 0; results && i < EMPTY_MAPS && !sumsq_signals_interrupted(); i++) {
		struct pool_job job = sumsq_jobs_empty(&run->jobs, results, count);
		uint64_t begun = sumsq_now_ns();
		uint64_t taken;

		map(run, &job);
		taken = sumsq_now_ns() - begun;
		if (taken < least)
			least = taken;
	}
	if (least < UINT64_MAX)
		run->dispatch_ns = (double)least / (double)count;
	free(results);
}

static void subtract(struct pool_usage *used, const struct pool_usage *before)
{
	used->user_ns -= before->user_ns;
	used->system_ns -= before->system_ns;
	used->involuntary_switches -= before->involuntary_switches;
}

void sumsq_run_measure(struct sumsq_run *run)
{
	const struct sumsq_options *options = run->options;
	struct counters_reading counted[2];
	struct energy_reading energy[2];
	struct pool_usage before;
	uint64_t warming = sumsq_now_ns();
	uint64_t warmed = warming;

	while (!is_stopped(run) && warmed - warming < options->warmup_ns) {
		pass(run);
		warmed = sumsq_now_ns();
	}
	read_usage(run, &before);
	run->setup_s = (double)(sumsq_now_ns() - options->begun_ns - (warmed - warming)) / 1e9;
	energy_read(&run->energy, &energy[0]);
	host_watch_begin(&run->watch);
	usage_begin(&run->host_begin, USAGE_HOST);
	counters_read(&run->counters, &counted[0]);
	interval(run, options->repeat ? options->repeat : 1, options->duration_ns);
	counters_read(&run->counters, &counted[1]);
	usage_end(&run->host_end, USAGE_HOST);
	host_watch_end(&run->watch);
	energy_read(&run->energy, &energy[1]);
	read_usage(run, &run->used);
	subtract(&run->used, &before);
	counters_add(&run->counted, &counted[0], &counted[1]);
	run->energy_j = energy_joules(&run->energy, &energy[0], &energy[1], run->duration_s);
	/* Now: an empty job is to be priced without them. */
	counters_close(&run->counters);
	energy_close(&run->energy);
	if (has_record(options) && !sumsq_signals_interrupted())
		price_empty_jobs(run);
	/* Now: while they were priced too. */
	run->partial = sumsq_signals_interrupted();
	pool_stop(run->pool);
	run->pool = NULL;
}

void sumsq_run_release(struct sumsq_run *run)
{
	host_watch_close(&run->watch);
	sumsq_jobs_release(&run->jobs);
	pinning_release(&run->pinning);
}
