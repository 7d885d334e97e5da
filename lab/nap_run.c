/* Watches the naps, prints them, makes their row: see nap_run.h. */
#include "lab/nap_run.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>

#include "lab/pinning.h"
#include "lab/usage.h"
#include "results/histogram.h"
#include "results/record.h"

struct watch {
	struct nap_watcher watcher; /* what the model knows of this struct */
	struct nap nap;
	const struct nap_options *options;
	struct histogram *overshoot;
	uint64_t *begun_ns; /* of each task's nap */
	struct usage begin, end;
};

/* A signal handler takes no argument. */
static atomic_bool stop;

static void on_signal(int signal)
{
	/* Again and again: the first may have come just before the call that it is to end. */
	const struct itimerval every = {.it_value = {.tv_usec = 10000},
					.it_interval = {.tv_usec = 10000}};

	if (signal != SIGALRM)
		setitimer(ITIMER_REAL, &every, NULL);
	atomic_store(&stop, true);
}

static void catch_signals(void)
{
	/* No SA_RESTART: a nap must return. */
	struct sigaction action = {.sa_handler = on_signal};

	sigaction(SIGALRM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

static void on_begin(struct nap_watcher *watcher, const struct nap_task *task)
{
	struct watch *w = (struct watch *)watcher;

	if (!w->options->silent)
		printf("%s -> %u of %u is calculating...\n", task->name, task->taken + 1,
		       task->ticks);
	w->begun_ns[task - w->nap.tasks] = usage_now_ns();
}

static void on_end(struct nap_watcher *watcher, const struct nap_task *task)
{
	struct watch *w = (struct watch *)watcher;
	uint64_t length_ns = usage_now_ns() - w->begun_ns[task - w->nap.tasks];

	histogram_record(w->overshoot,
			 length_ns > w->options->tick_ns ? length_ns - w->options->tick_ns : 0);
	if (task->taken == task->ticks && !w->options->silent)
		printf("%s - %u working done!\n", task->name, task->ticks);
}

static double seconds(uint64_t ns)
{
	return (double)ns / 1e9;
}

static void fill_common(struct record *r, const struct watch *w, const struct nap_model *model,
			const struct pinning *pinning, double setup_s)
{
	struct usage used = {0};
	struct rusage self;

	getrusage(RUSAGE_SELF, &self);
	usage_add(&used, &w->begin, &w->end);
	record_set_text(r, COLUMN_model, model->name);
	record_set_text(r, COLUMN_notification, model->asynchronous ? "async" : "sync");
	record_set_text(r, COLUMN_wait, "block");
	record_set_text(r, COLUMN_quadrant,
			model->asynchronous ? "async-blocking" : "sync-blocking");
	record_set_text(r, COLUMN_workers_kind, "threads");
	record_set_count(r, COLUMN_workers, 1);
	record_set_text(r, COLUMN_placement, pinning->placement);
	record_set_text(r, COLUMN_cpus, pinning->cpus);
	record_set_real(r, COLUMN_duration_s, seconds(used.at_ns));
	record_set_real(r, COLUMN_setup_s, setup_s);
	record_set_real(r, COLUMN_cpu_user_s, seconds(used.user_ns));
	record_set_real(r, COLUMN_cpu_system_s, seconds(used.system_ns));
	record_set_real(r, COLUMN_cpu_helper_s, seconds(used.helper_ns));
	record_set_count(r, COLUMN_max_rss_kib, usage_peak_kib());
	if (used.total_ticks)
		record_set_real(r, COLUMN_steal_share,
				(double)used.steal_ticks / (double)used.total_ticks);
	record_set_count(r, COLUMN_partial, nap_stopped(&w->nap));
}

static void fill_nap(struct record *r, const struct watch *w)
{
	const struct histogram *h = w->overshoot;

	record_set_count(r, COLUMN_tasks, w->nap.count);
	record_set_count(r, COLUMN_ticks, h->total);
	record_set_real(r, COLUMN_tick_s, seconds(w->nap.tick_ns));
	record_set_real(r, COLUMN_total_s, seconds(w->end.at_ns - w->begin.at_ns));
	if (h->total == 0)
		return;
	record_set_real(r, COLUMN_overshoot_p50_us, (double)histogram_percentile(h, 50) / 1e3);
	record_set_real(r, COLUMN_overshoot_max_us, (double)h->max_ns / 1e3);
}

static void write_row(const struct nap_options *o, const struct record *record)
{
	char why[512];

	if (o->csv && record_append_csv(o->csv, record, why, sizeof(why)))
		status_exit(STATUS_FAILED, "--csv: %s", why);
	if (o->json) {
		json_t *object = record_to_json(record);

		if (!object || json_dumpf(object, stdout, JSON_COMPACT))
			status_exit(STATUS_FAILED, "--json: cannot write");
		putchar('\n');
		json_decref(object);
	}
}

static void report(const struct watch *w, const struct nap_model *model,
		   const struct pinning *pinning, double setup_s)
{
	struct record record;

	if (!w->options->silent)
		printf(">>> total seconds : %.2f\n", seconds(w->end.at_ns - w->begin.at_ns));
	record_init(&record, RECORD_NAP);
	fill_common(&record, w, model, pinning, setup_s);
	fill_nap(&record, w);
	write_row(w->options, &record);
	record_release(&record);
	if (fflush(stdout))
		status_exit(STATUS_FAILED, "cannot write to stdout: %m");
}

static void make_watch(struct watch *w, struct nap_options *options)
{
	memset(w, 0, sizeof(*w));
	w->watcher.begins = on_begin;
	w->watcher.ends = on_end;
	w->options = options;
	w->overshoot = histogram_new();
	w->begun_ns = calloc(options->task_count, sizeof(*w->begun_ns));
	if (!w->overshoot || !w->begun_ns)
		status_exit(STATUS_UNABLE, "out of memory for %u tasks", options->task_count);
	w->nap = (struct nap){.tasks = options->tasks,
			      .count = options->task_count,
			      .tick_ns = options->tick_ns,
			      .watcher = &w->watcher,
			      .stop = &stop};
}

enum status nap_run(const struct nap_model *model, struct nap_options *options, uint64_t started_ns)
{
	unsigned scopes = USAGE_HOST | (model->kernel_helpers ? USAGE_HELPERS : 0);
	const struct pinning_request request = {
		.place = options->place, .policy = PLACE_NONE, .cpus = options->cpus, .workers = 1};
	struct pinning pinning;
	struct watch watch;
	char why[512];
	int err;

	/* Line by line even into a pipe: the lines are to be seen as they happen. */
	setvbuf(stdout, NULL, _IOLBF, 0);
	make_watch(&watch, options);
	pinning_decide(&pinning, &request);
	if (pinning_bind(&pinning, 0, why, sizeof(why)) ||
	    model->prepare(&watch.nap, why, sizeof(why)))
		status_exit(STATUS_UNABLE, "%s", why);
	catch_signals();
	usage_begin(&watch.begin, scopes);
	err = model->run(&watch.nap);
	usage_end(&watch.end, scopes);
	signal(SIGALRM, SIG_IGN);
	model->release(&watch.nap);
	report(&watch, model, &pinning, seconds(watch.begin.at_ns - started_ns));
	pinning_release(&pinning);
	free(watch.overshoot);
	free(watch.begun_ns);
	if (err) {
		status_warn("the model broke down: %s", strerror(-err));
		return STATUS_FAILED;
	}
	return nap_stopped(&watch.nap) ? STATUS_INTERRUPTED : STATUS_DONE;
}
