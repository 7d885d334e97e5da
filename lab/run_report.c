/* Summaries of a run's rows, on disk and on the terminal: see run_report.h. */
#include "lab/run_report.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lab/cell.h"
#include "lab/run_host.h"
#include "lab/run_pages.h"
#include "lab/run_trust.h"
#include "lab/status.h"
#include "results/cells.h"
#include "results/commands.h"
#include "results/concurrency.h"
#include "results/grain.h"
#include "results/knee.h"
#include "results/link_words.h"
#include "results/matrix.h"
#include "results/programs.h"
#include "results/regimes.h"
#include "results/summary.h"
#include "results/table.h"
#include "results/usl.h"

/* The cells that the plan compares the others with, NULL at the end. */
static const char **baselines_of(const struct plan *plan)
{
	const char **names = calloc(plan->cell_count + 1, sizeof(*names));
	size_t count = 0;

	if (!names)
		status_exit(STATUS_UNABLE, "out of memory for %u cells", plan->cell_count);
	for (unsigned i = 0; i < plan->cell_count; i++)
		if (plan->cells[i].baseline && !plan->cells[i].control)
			names[count++] = plan->cells[i].name;
	return names;
}

static struct summary *summarise(const struct plan *plan, const struct runner_outcome *outcome,
				 enum record_kind kind)
{
	const char **baselines = baselines_of(plan);
	const struct summary_options options = {.seed = plan->seed, .baselines = baselines};
	struct summary *summary;
	char why[512];

	if (summary_make(outcome->records, outcome->count, kind, &options, &summary, why,
			 sizeof(why)))
		status_exit(STATUS_FAILED, "cannot summarise the rows: %s", why);
	free(baselines);
	return summary;
}

/* What the rows show, by kind. */
struct findings {
	const struct plan *plan;
	const struct run_folder *folder;
	const struct runner_outcome *outcome;
	struct summary *fetch, *sumsq, *nap;
	struct grain grain;
	struct concurrency concurrency;
	struct knee knee;
	struct usl usl;
	struct regimes regimes, rule;
	struct program *programs; /* all cells of a plan that reports programs, else the naps */
	size_t program_count;
};

static FILE *open_file(const struct run_folder *folder, const char *name)
{
	FILE *file = fopen(run_folder_beside(folder, name), "we");

	if (!file)
		status_exit(STATUS_FAILED, "cannot write %s: %m", run_folder_file(folder, name));
	return file;
}

static void close_file(const struct run_folder *folder, const char *name, FILE *file)
{
	bool failed = ferror(file);

	if (fclose(file) || failed)
		status_exit(STATUS_FAILED, "cannot write %s: %m", run_folder_file(folder, name));
	run_folder_put(folder, name);
}

static void write_summary(const struct run_folder *folder, const struct findings *f)
{
	FILE *file = open_file(folder, "summary.csv");

	summary_write_csv_header(file);
	summary_write_csv(f->fetch, file);
	summary_write_csv(f->sumsq, file);
	summary_write_csv(f->nap, file);
	if (f->plan->report == PLAN_GRAIN)
		grain_write_csv(&f->grain, file);
	close_file(folder, "summary.csv", file);
	if (f->program_count == 0)
		return;
	file = open_file(folder, "programs.csv");
	programs_write_csv(f->programs, f->program_count, file);
	close_file(folder, "programs.csv", file);
}

static void find_programs(struct findings *f)
{
	const struct plan *plan = f->plan;
	const char **names = calloc(plan->cell_count + 1, sizeof(*names));
	size_t count = 0;

	for (unsigned i = 0; names && i < plan->cell_count; i++) {
		const struct plan_cell *cell = &plan->cells[i];

		if (!cell->control &&
		    (plan->report == PLAN_PROGRAMS || cell->section->kind == PLAN_NAP))
			names[count++] = cell->name;
	}
	if (names)
		f->programs = programs_make(f->outcome->records, f->outcome->count, names, count,
					    &f->program_count);
	if (!f->programs)
		status_exit(STATUS_UNABLE, "out of memory for %zu programs", count);
	free(names);
}

/* Each cell that this host cannot do, once, with the reason. */
static void print_unable(FILE *file, const struct findings *f)
{
	const struct runner_outcome *o = f->outcome;

	fputs("This host cannot do:\n", file);
	for (unsigned i = 0; i < f->plan->cell_count; i++) {
		const char *name = f->plan->cells[i].name;
		size_t row = 0;

		while (row < o->count &&
		       (strcmp(record_text(&o->records[row], COLUMN_cell), name) != 0 ||
			!cell_is_unable(&o->records[row])))
			row++;
		if (row < o->count && !f->plan->cells[i].control)
			fprintf(file, "  %s: %s\n", name,
				record_text(&o->records[row], COLUMN_reason));
	}
}

/* What the plan's report is about. 0 or -errno. */
static int print_findings(FILE *file, bool color, const struct findings *f)
{
	const struct plan *plan = f->plan;
	bool commands = commands_groups(f->fetch) > 0;
	/* Of commands alone there is no more to say than their own tables do. */
	bool models = commands_groups(f->fetch) < f->fetch->group_count || f->sumsq->cell_count;
	bool matrix = plan->report == PLAN_MATRIX && models;
	int err = 0;

	if (commands)
		err = commands_print(file, f->fetch, f->outcome->records, f->outcome->count, color);
	if (err || (commands && !models && f->program_count == 0))
		return err;
	if (commands)
		fputc('\n', file);
	switch (plan->report) {
	case PLAN_GRAIN:
		return grain_print(&f->grain, file, color);
	case PLAN_CONCURRENCY:
		return concurrency_print(&f->concurrency, file, color);
	case PLAN_CELLS:
		return cells_print(file, f->fetch, f->sumsq, color);
	case PLAN_LATENCY:
		return knee_print(&f->knee, file, color);
	case PLAN_SCALING:
		return usl_print(&f->usl, file, color);
	case PLAN_REGIMES:
		return regimes_print(&f->regimes, &f->rule, file, color);
	case PLAN_MATRIX:
	case PLAN_PROGRAMS:
		break;
	}
	if (matrix || f->program_count == 0)
		err = matrix_print(file, f->fetch, f->sumsq, color);
	if (!err && matrix && f->program_count)
		fputc('\n', file);
	if (!err && f->program_count)
		err = programs_print(f->programs, f->program_count, file, color);
	if (!err && f->program_count)
		matrix_print_naps(file, f->nap, color);
	return err;
}

/* What lay between the cells and the origin; who made its latency stands in the rows. */
static void print_link(FILE *file, const struct findings *f)
{
	const char *by = NULL;
	char words[256];

	for (size_t i = 0; i < f->outcome->count && !by; i++)
		by = strstr(record_text(&f->outcome->records[i], COLUMN_link), " by ");
	if (*link_words(link_kind_names[f->plan->link], (double)f->plan->link_latency_ns / 1e9,
			by ? by + 4 : "", words, sizeof(words)))
		fprintf(file, "Link: %s.\n", words);
}

static void print_size(FILE *file, const struct plan *plan, const struct runner_outcome *outcome)
{
	if (outcome->open)
		fprintf(file, "iolab %s: no fixed number of blocks", plan->name);
	else
		fprintf(file, "iolab %s: %" PRIu64 " block%s", plan->name, plan->blocks,
			plan->blocks == 1 ? "" : "s");
	fprintf(file, " of %u cell%s, seed %" PRIu64 "\n", plan->cell_count,
		plan->cell_count == 1 ? "" : "s", plan->seed);
}

/* The same text for the terminal and, without colour, for report.txt. */
static void print_report(FILE *file, bool color, const struct findings *f)
{
	const struct plan *plan = f->plan;
	const struct runner_outcome *outcome = f->outcome;
	uint64_t all = outcome->open ? outcome->count : plan->blocks * plan->cell_count;
	char text[1024];
	int err;

	print_size(file, plan, outcome);
	if (*run_host_note(f->folder, text, sizeof(text)))
		fprintf(file, "Note: the run was gone on with although %s.\n", text);
	if (outcome->note[0])
		fprintf(file, "Note: %s\n", outcome->note);
	if (plan_origin_url(plan))
		fprintf(file,
			"Note: the origin, %s, ran already: whether it was the limit cannot be "
			"told.\n",
			plan_origin_url(plan));
	print_link(file, f);
	if (outcome->ended[0])
		fprintf(file, "The run was %s.\n", outcome->ended);
	if (outcome->failed)
		fprintf(file, "Warning: %u of %" PRIu64 " runs failed and are left out.\n",
			outcome->failed, all);
	if ((outcome->interrupted || outcome->origin_lost) && outcome->open)
		fprintf(file, "Interrupted: %zu runs were done.\n", outcome->count);
	else if (outcome->interrupted || outcome->origin_lost)
		fprintf(file, "Interrupted: %zu of %" PRIu64 " runs were done.\n", outcome->count,
			all);
	if (outcome->unable)
		print_unable(file, f);
	if (plan->read)
		run_trust_print_wrapped(file, plan->read);
	fputc('\n', file);
	err = print_findings(file, color, f);
	if (err)
		status_exit(STATUS_FAILED, "cannot print the report: %s", strerror(-err));
	fputc('\n', file);
	run_trust_print_flags(file, outcome);
	run_trust_print_cost(file, outcome);
}

static void print_paths(const struct run_folder *folder)
{
	static const char *const names[] = {
		"plan.ini",  "run.json",     "limits.json",  "fetch.csv",    "sumsq.csv",
		"nap.csv",   "summary.csv",  "programs.csv", "capacity.csv", "report.txt",
		"host.json", "topology.xml", "resumed.json"};

	printf("\nWritten to %s:\n ", folder->path);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (access(run_folder_file(folder, names[i]), F_OK) == 0)
			printf(" %s", names[i]);
	putchar('\n');
}

/* What the plan's report is made from, beyond the summaries. */
static void analyse(struct findings *f)
{
	const struct record *records = f->outcome->records;
	size_t count = f->outcome->count;
	uint64_t seed = f->plan->seed;
	int err = 0;

	if (f->plan->report == PLAN_GRAIN)
		err = grain_make(records, count, seed, &f->grain);
	else if (f->plan->report == PLAN_CONCURRENCY)
		err = concurrency_make(records, count, seed, &f->concurrency);
	else if (f->plan->report == PLAN_LATENCY)
		err = knee_make(records, count, seed, &f->knee);
	else if (f->plan->report == PLAN_SCALING)
		err = usl_make(records, count, seed, &f->usl);
	else if (f->plan->report == PLAN_REGIMES)
		err = regimes_make(records, count, REGIMES_ALL, seed, &f->regimes);
	if (!err && f->plan->report == PLAN_REGIMES)
		err = regimes_make(records, count, REGIMES_RULE, seed, &f->rule);
	if (err)
		status_exit(STATUS_UNABLE, "out of memory for %zu rows", count);
}

int run_report(const struct plan *plan, const struct run_folder *folder,
	       const struct runner_outcome *outcome, struct trust *trust)
{
	struct findings f = {.plan = plan, .folder = folder, .outcome = outcome};
	FILE *report;
	int err;

	f.fetch = summarise(plan, outcome, RECORD_FETCH);
	f.sumsq = summarise(plan, outcome, RECORD_SUMSQ);
	f.nap = summarise(plan, outcome, RECORD_NAP);
	trust_add_summary(trust, f.fetch);
	trust_add_summary(trust, f.sumsq);
	trust_add_summary(trust, f.nap);
	find_programs(&f);
	analyse(&f);
	trust_add_knee(trust, &f.knee);
	trust_add_usl(trust, &f.usl);
	trust_add_regimes(trust, &f.regimes);
	write_summary(folder, &f);
	report = open_file(folder, "report.txt");
	print_report(report, false, &f);
	close_file(folder, "report.txt", report);
	print_report(stdout, table_color(isatty(STDOUT_FILENO)), &f);
	print_paths(folder);
	err = run_pages_make(folder->path, outcome->records, outcome->count,
			     (struct summary *[RUN_FILES_SUMMARIES]){f.fetch, f.sumsq, f.nap});
	summary_free(f.fetch);
	summary_free(f.sumsq);
	summary_free(f.nap);
	grain_release(&f.grain);
	concurrency_release(&f.concurrency);
	knee_release(&f.knee);
	usl_release(&f.usl);
	regimes_release(&f.regimes);
	regimes_release(&f.rule);
	free(f.programs);
	return err;
}
