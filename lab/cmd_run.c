/* iolab run: a plan from reading it to the matrix at the end. */
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "lab/cmd.h"
#include "lab/options.h"
#include "lab/plan.h"
#include "lab/run_folder.h"
#include "lab/runner.h"
#include "results/matrix.h"
#include "results/programs.h"
#include "results/summary.h"
#include "results/table.h"

/* Holm's correction over ten comparisons asks for p below 0.005: so many blocks can give that. */
#define ENOUGH_BLOCKS 9

struct run_options {
	const char *results;
	uint64_t blocks;
	uint64_t seed;
	uint64_t cells_max;
	unsigned place;
};

#define FIELD(name) offsetof(struct run_options, name)

static const struct option_set *run_set(void)
{
	static const struct option_row rows[] = {
		{.name = "results",
		 .kind = OPTION_TEXT,
		 .offset = FIELD(results),
		 .argument = "DIR",
		 .help = "where the run's folder is made (default results/runs)"},
		{.name = "blocks",
		 .kind = OPTION_COUNT,
		 .offset = FIELD(blocks),
		 .argument = "N",
		 .help = "run every cell N times, whatever the plan says",
		 .least = 1,
		 .most = 10000},
		{.name = "seed",
		 .kind = OPTION_COUNT,
		 .offset = FIELD(seed),
		 .argument = "N",
		 .help = "order the cells as the run with this seed did",
		 .least = 1},
		{.name = "cells-max",
		 .kind = OPTION_COUNT,
		 .offset = FIELD(cells_max),
		 .argument = "N",
		 .help = "allow a plan of so many cells (default 512)",
		 .least = 1,
		 .most = PLAN_CELLS_MOST},
		{.name = "place",
		 .kind = OPTION_CHOICE,
		 .offset = FIELD(place),
		 .argument = "cores|compact|spread",
		 .choices = place_policy_names,
		 .help = "who sits where (default cores)"},
	};
	static const struct option_set set = {
		.usage = "run [options] [PLAN]",
		.about = "Runs a shipped plan or an .ini file; without PLAN the plan matrix.",
		.rows = rows,
		.count = sizeof(rows) / sizeof(rows[0]),
	};

	return &set;
}

static void read_plan(struct plan *plan, const struct run_options *options, const char *name)
{
	char why[512];
	int err = plan_read(name, (unsigned)options->cells_max, plan, why, sizeof(why));

	if (err)
		status_exit(STATUS_USAGE, "%s", why);
	if (options->blocks)
		plan->blocks = options->blocks;
	if (options->seed) {
		plan->seed = options->seed;
	} else if (!plan->seed_given) {
		uint32_t random;

		if (getrandom(&random, sizeof(random), 0) != sizeof(random))
			status_exit(STATUS_UNABLE, "no random numbers to order the cells by: %m");
		plan->seed = random;
	}
}

static struct summary *summarise(const struct runner_outcome *outcome, enum record_kind kind,
				 uint64_t seed)
{
	const struct summary_options options = {.seed = seed};
	struct summary *summary;
	char why[512];

	if (summary_make(outcome->records, outcome->count, kind, &options, &summary, why,
			 sizeof(why)))
		status_exit(STATUS_FAILED, "cannot summarise the rows: %s", why);
	return summary;
}

/* What the rows show, by kind. */
struct findings {
	const struct plan *plan;
	const struct runner_outcome *outcome;
	struct summary *fetch, *sumsq, *nap;
	struct program *programs; /* all cells of a plan that reports programs, else the naps */
	size_t program_count;
};

static FILE *open_file(const struct run_folder *folder, const char *name)
{
	FILE *file = fopen(run_folder_file(folder, name), "we");

	if (!file)
		status_exit(STATUS_FAILED, "cannot write %s: %m", run_folder_file(folder, name));
	return file;
}

static void close_file(const struct run_folder *folder, const char *name, FILE *file)
{
	bool failed = ferror(file);

	if (fclose(file) || failed)
		status_exit(STATUS_FAILED, "cannot write %s: %m", run_folder_file(folder, name));
}

static void write_summary(const struct run_folder *folder, const struct findings *f)
{
	FILE *file = open_file(folder, "summary.csv");

	summary_write_csv_header(file);
	summary_write_csv(f->fetch, file);
	summary_write_csv(f->sumsq, file);
	summary_write_csv(f->nap, file);
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

/* The same text for the terminal and, without colour, for report.txt. */
static void print_report(FILE *file, bool color, const struct findings *f)
{
	const struct plan *plan = f->plan;
	const struct runner_outcome *outcome = f->outcome;
	bool matrix = plan->report == PLAN_MATRIX && (f->fetch->cell_count || f->sumsq->cell_count);

	fprintf(file, "iolab %s: %" PRIu64 " blocks of %u cells, seed %" PRIu64 "\n", plan->name,
		plan->blocks, plan->cell_count, plan->seed);
	if (outcome->note[0])
		fprintf(file, "Note: %s\n", outcome->note);
	if (outcome->failed)
		fprintf(file, "Warning: %u of %" PRIu64 " runs failed and are left out.\n",
			outcome->failed, plan->blocks * plan->cell_count);
	if (outcome->interrupted)
		fprintf(file, "Interrupted: %zu of %" PRIu64 " runs were done.\n", outcome->count,
			plan->blocks * plan->cell_count);
	fputc('\n', file);
	if ((matrix || f->program_count == 0) && matrix_print(file, f->fetch, f->sumsq, color))
		status_exit(STATUS_FAILED, "cannot print the matrix: %m");
	if (matrix && f->program_count)
		fputc('\n', file);
	if (f->program_count && programs_print(f->programs, f->program_count, file, color))
		status_exit(STATUS_FAILED, "cannot print the programs: %m");
}

static void print_paths(const struct run_folder *folder)
{
	static const char *const names[] = {
		"plan.ini",    "run.json",     "fetch.csv",  "sumsq.csv", "nap.csv",
		"summary.csv", "programs.csv", "report.txt", "host.json", "topology.xml"};

	printf("\nWritten to %s:\n ", folder->path);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (access(run_folder_file(folder, names[i]), F_OK) == 0)
			printf(" %s", names[i]);
	putchar('\n');
}

static void conclude(const struct plan *plan, const struct run_folder *folder,
		     const struct runner_outcome *outcome)
{
	struct findings f = {.plan = plan, .outcome = outcome};
	FILE *report;

	f.fetch = summarise(outcome, RECORD_FETCH, plan->seed);
	f.sumsq = summarise(outcome, RECORD_SUMSQ, plan->seed);
	f.nap = summarise(outcome, RECORD_NAP, plan->seed);
	find_programs(&f);
	write_summary(folder, &f);
	report = open_file(folder, "report.txt");
	print_report(report, false, &f);
	close_file(folder, "report.txt", report);
	print_report(stdout, table_color(isatty(STDOUT_FILENO)), &f);
	print_paths(folder);
	summary_free(f.fetch);
	summary_free(f.sumsq);
	summary_free(f.nap);
	free(f.programs);
}

enum status cmd_run(int argc, char **argv)
{
	struct run_options options = {.results = "results/runs"};
	int operands = options_parse(run_set(), &options, argc, argv);
	struct runner_outcome outcome;
	struct run_folder folder;
	struct plan plan;
	enum status status;

	if (operands > 1)
		status_exit(STATUS_USAGE, "run takes one plan; '%s' is a second one", argv[2]);
	read_plan(&plan, &options, operands ? argv[1] : "matrix");
	run_folder_make(&folder, options.results, &plan);
	fprintf(stderr, "iolab: plan %s, %u cells x %" PRIu64 " blocks, about %.0f s\n", plan.name,
		plan.cell_count, plan.blocks, plan_expected_s(&plan));
	if (plan.report == PLAN_MATRIX && plan.blocks < ENOUGH_BLOCKS)
		status_warn("%" PRIu64 " blocks are too few for verdicts; %d or more decide",
			    plan.blocks, ENOUGH_BLOCKS);
	runner_run(&plan, options.place, &folder, &outcome);
	conclude(&plan, &folder, &outcome);
	status = outcome.interrupted ? STATUS_INTERRUPTED
		 : outcome.failed    ? STATUS_FAILED
				     : STATUS_DONE;
	runner_release(&outcome);
	plan_release(&plan);
	if (fflush(stdout))
		status_exit(STATUS_FAILED, "cannot write to stdout: %m");
	return status;
}
