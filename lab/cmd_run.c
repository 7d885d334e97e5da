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
#include "results/summary.h"
#include "results/table.h"

/* Holm's correction over ten comparisons asks for p below 0.005: so many blocks can give that. */
#define ENOUGH_BLOCKS 9

struct run_options {
	const char *results;
	uint64_t blocks;
	uint64_t seed;
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
	int err = plan_read(name, plan, why, sizeof(why));

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

static void write_summary(const struct run_folder *folder, const struct summary *fetch,
			  const struct summary *sumsq)
{
	const char *path = run_folder_file(folder, "summary.csv");
	FILE *file = fopen(path, "we");

	if (!file || summary_write_csv_header(file) || summary_write_csv(fetch, file) ||
	    summary_write_csv(sumsq, file) || fclose(file))
		status_exit(STATUS_FAILED, "cannot write %s: %m", path);
}

/* The same text for the terminal and, without colour, for report.txt. */
static void print_report(FILE *file, bool color, const struct plan *plan,
			 const struct runner_outcome *outcome, const struct summary *fetch,
			 const struct summary *sumsq)
{
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
	if (matrix_print(file, fetch, sumsq, color))
		status_exit(STATUS_FAILED, "cannot print the matrix: %m");
}

static void print_paths(const struct run_folder *folder)
{
	static const char *const names[] = {"plan.ini",	 "run.json",	"fetch.csv",
					    "sumsq.csv", "summary.csv", "report.txt",
					    "host.json", "topology.xml"};

	printf("\nWritten to %s:\n ", folder->path);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (access(run_folder_file(folder, names[i]), F_OK) == 0)
			printf(" %s", names[i]);
	putchar('\n');
}

static void conclude(const struct plan *plan, const struct run_folder *folder,
		     const struct runner_outcome *outcome)
{
	struct summary *fetch = summarise(outcome, RECORD_FETCH, plan->seed);
	struct summary *sumsq = summarise(outcome, RECORD_SUMSQ, plan->seed);
	const char *path;
	FILE *report;

	write_summary(folder, fetch, sumsq);
	path = run_folder_file(folder, "report.txt");
	report = fopen(path, "we");
	if (!report)
		status_exit(STATUS_FAILED, "cannot write %s: %m", path);
	print_report(report, false, plan, outcome, fetch, sumsq);
	if (fclose(report))
		status_exit(STATUS_FAILED, "cannot write %s: %m", path);
	print_report(stdout, table_color(isatty(STDOUT_FILENO)), plan, outcome, fetch, sumsq);
	print_paths(folder);
	summary_free(fetch);
	summary_free(sumsq);
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
		plan.cell_count, plan.blocks, runner_expected_s(&plan));
	if (plan.blocks < ENOUGH_BLOCKS)
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
