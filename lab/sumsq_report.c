/* Sums, total, duration and the record of a sumsq run: see sumsq_report.h. */
#include "lab/sumsq_report.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lab/status.h"
#include "results/flags.h"
#include "results/record.h"
#include "results/table.h"
#include "topology/cpulist.h"

#define WHY	256
#define VARIANT 128

/* A line a job: who did it. */
static void print_processes(const struct sumsq_run *run)
{
	bool is_process = run->options->where == sumsq_on_processes;
	char text[SUMSQ_TEXT];

	for (size_t i = 0; i < run->jobs.piece_count; i++)
		printf("%s id: %d, name: job-%zu, sum: %s\n", is_process ? "Process" : "Thread",
		       run->jobs.checked[i].process, i + 1,
		       sumsq_format(run->jobs.checked[i].sum, text));
}

static void print_place(const struct sumsq_run *run)
{
	const struct pinning *pinning = &run->pinning;
	char *allowed = pinning->pinned ? NULL : cpulist_text(pinning->allowed);
	const char *cpus = pinning->pinned ? pinning->cpus : allowed;
	unsigned workers = pinning->workers;

	printf("Core: %s, ", run->core->name);
	if (run->options->where == sumsq_on_serial)
		printf("serial");
	else
		printf("%u %s%s%s", workers,
		       run->options->where == sumsq_on_processes ? "process" : "thread",
		       workers == 1				   ? ""
		       : run->options->where == sumsq_on_processes ? "es"
								   : "s",
		       run->options->per_job ? " at a time, a new one for each job" : "");
	if (cpus)
		printf(", %s %s %s\n", pinning->pinned ? "pinned to" : "free to use",
		       strpbrk(cpus, ",-") ? "CPUs" : "CPU", cpus);
	if (pinning->answer.note[0])
		printf("Note: %s\n", pinning->answer.note);
	if (run->used.moved)
		printf("Note: at the end %" PRIu64
		       " of the %s were not where they had been pinned\n",
		       run->used.moved, run->options->per_job ? "jobs" : "workers");
	free(allowed);
}

static void print_sums(const struct sumsq_run *run)
{
	char text[SUMSQ_TEXT], rate[TABLE_TEXT_SIZE];

	if (run->has_sums) {
		if (run->options->per_job)
			print_processes(run);
		for (size_t job = 0; job < run->jobs.count; job++)
			printf("%s%s", job ? ", " : "[", sumsq_format(run->jobs.sums[job], text));
		printf("]\nSum: %s\n", sumsq_format(sumsq_jobs_total(&run->jobs), text));
	}
	if (run->passes > 1 || run->options->duration_ns)
		printf("Passes: %" PRIu64 ", squares added: %s\n", run->passes,
		       table_number((double)run->squares / run->duration_s, "1/s", rate));
	printf("Duration: %.4f seconds\n", run->duration_s);
	print_place(run);
}

/* The options of the model as words, and only those given unless `effective`. */
static void describe(const struct sumsq_run *run, bool effective, char text[VARIANT])
{
	const struct sumsq_options *options = run->options;
	bool is_kept = options->where != sumsq_on_serial && !options->per_job;
	size_t used = 0;

	text[0] = '\0';
	if (options->per_job)
		used += (size_t)snprintf(text + used, VARIANT - used, "per-job ");
	if (options->global_lock)
		used += (size_t)snprintf(text + used, VARIANT - used, "global-lock ");
	if (options->grain)
		used += (size_t)snprintf(text + used, VARIANT - used, "grain=%" PRIu64 " ",
					 options->grain);
	if (options->idle && !effective)
		used += (size_t)snprintf(text + used, VARIANT - used, "idle=%.40s ", options->idle);
	else if (effective && is_kept && run->spin_ns)
		used += (size_t)snprintf(text + used, VARIANT - used, "idle=spin:%" PRIu64 "ns ",
					 run->spin_ns);
	else if (effective && is_kept)
		used += (size_t)snprintf(text + used, VARIANT - used, "idle=sleep ");
	if (used)
		text[used - 1] = '\0';
}

static void flag(const struct sumsq_run *run, struct record *record)
{
	unsigned workers = run->pinning.workers;

	if (run->deaths)
		flags_add(record, FLAG_DIED);
	if (run->pinning.answer.workers_unlike)
		flags_add(record, FLAG_UNLIKE);
	if (run->used.moved)
		flags_add(record, FLAG_MOVED);
	/* Workers that share a CPU preempt each other; those of a job each are many, and short. */
	if (!run->pinning.shared && !run->options->per_job &&
	    flags_preempted(run->used.involuntary_switches, run->duration_s * workers))
		flags_add(record, FLAG_PREEMPTED);
	host_watch_flag(&run->watch, record);
}

static void fill_common(const struct sumsq_run *run, struct record *record)
{
	const struct sumsq_options *options = run->options;
	const char *where = sumsq_where_name(options->where);
	char variant[VARIANT];
	uint64_t steal, ticks;

	record_set_text(record, COLUMN_model, where);
	describe(run, false, variant);
	record_set_text(record, COLUMN_variant_requested, variant[0] ? variant : NULL);
	describe(run, true, variant);
	record_set_text(record, COLUMN_variant_effective, variant[0] ? variant : NULL);
	if (options->where != sumsq_on_serial)
		record_set_text(record, COLUMN_workers_kind, where);
	record_set_count(record, COLUMN_workers, run->pinning.workers);
	record_set_text(record, COLUMN_placement, run->pinning.placement);
	record_set_text(record, COLUMN_cpus, run->pinning.cpus[0] ? run->pinning.cpus : NULL);
	record_set_real(record, COLUMN_duration_s, run->duration_s);
	record_set_real(record, COLUMN_setup_s, run->setup_s);
	record_set_real(record, COLUMN_cpu_user_s, (double)run->used.user_ns / 1e9);
	record_set_real(record, COLUMN_cpu_system_s, (double)run->used.system_ns / 1e9);
	record_set_count(record, COLUMN_max_rss_kib, run->used.max_rss_kib);
	steal = run->host_end.steal_ticks - run->host_begin.steal_ticks;
	ticks = run->host_end.total_ticks - run->host_begin.total_ticks;
	if (ticks)
		record_set_real(record, COLUMN_steal_share, (double)steal / (double)ticks);
	flag(run, record);
	record_set_count(record, COLUMN_partial, run->partial);
}

static void fill_counters(const struct sumsq_run *run, struct record *record)
{
	static const enum record_column columns[COUNTERS_EVENTS] = {
		[COUNTERS_CYCLES] = COLUMN_cycles_per_element,
		[COUNTERS_INSTRUCTIONS] = COLUMN_instructions_per_element,
		[COUNTERS_CACHE_MISSES] = COLUMN_cache_misses_per_element,
		[COUNTERS_BRANCH_MISSES] = COLUMN_branch_misses_per_element,
	};

	for (unsigned event = 0; event < COUNTERS_EVENTS; event++)
		record_set_real(record, columns[event],
				counters_per(&run->counted, event, run->squares));
	record_set_text(record, COLUMN_counters_scope, counters_scope_text(&run->counted));
	record_set_real(record, COLUMN_energy_j, run->energy_j);
}

static void fill(const struct sumsq_run *run, struct record *record)
{
	char text[SUMSQ_TEXT];

	record_init(record, RECORD_SUMSQ);
	fill_common(run, record);
	record_set_count(record, COLUMN_jobs, run->jobs.count);
	record_set_real(record, COLUMN_squares_per_job,
			(double)sumsq_jobs_squares(&run->jobs) / (double)run->jobs.count);
	record_set_count(record, COLUMN_elements, run->squares);
	record_set_text(record, COLUMN_core, run->core->name);
	if (run->has_sums)
		record_set_text(record, COLUMN_sum,
				sumsq_format(sumsq_jobs_total(&run->jobs), text));
	record_set_real(record, COLUMN_elements_per_s, (double)run->squares / run->duration_s);
	record_set_real(record, COLUMN_dispatch_ns_per_job, run->dispatch_ns);
	record_set_count(record, COLUMN_involuntary_switches, run->used.involuntary_switches);
	fill_counters(run, record);
}

static int print_json(const struct record *record)
{
	json_t *object = record_to_json(record);
	int err = object ? json_dumpf(object, stdout, JSON_INDENT(2)) : -1;

	json_decref(object);
	if (!err)
		putchar('\n');
	return err;
}

int sumsq_report(struct sumsq_run *run)
{
	const struct sumsq_options *options = run->options;
	bool has_stdout = options->csv && strcmp(options->csv, "-") == 0;
	int status = run->partial ? STATUS_INTERRUPTED : STATUS_DONE;
	struct record record;
	char why[WHY] = "cannot write to stdout";
	int err = 0;

	fill(run, &record);
	if (options->json)
		err = print_json(&record);
	else if (!options->quiet && !has_stdout)
		print_sums(run);
	if (!err && options->csv)
		err = record_append_csv(options->csv, &record, why, sizeof(why));
	if (err || fflush(stdout)) {
		status_warn("%s", why);
		status = STATUS_FAILED;
	}
	record_release(&record);
	sumsq_run_release(run);
	free(options->operands);
	return status;
}
