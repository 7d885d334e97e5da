/* iolab run: a plan from reading it to the matrix at the end. */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "lab/cell.h"
#include "lab/cmd.h"
#include "lab/link.h"
#include "lab/options.h"
#include "lab/pinning.h"
#include "lab/plan.h"
#include "lab/run_folder.h"
#include "lab/run_host.h"
#include "lab/run_report.h"
#include "lab/runner.h"
#include "results/claim.h"

#define DEFAULT_BUDGET_NS UINT64_C(600000000000)
/* No --link was given. */
#define PLANS_LINK UINT_MAX

struct run_options {
	const char *results;
	uint64_t blocks;
	uint64_t seed;
	uint64_t cells_max;
	uint64_t budget_ns;
	const char *precision;
	const char *resume;
	unsigned place;
	unsigned link; /* enum link_kind, or PLANS_LINK */
	bool strict;
	bool resume_anyway;
};

#define FIELD(name) offsetof(struct run_options, name)

static const struct option_row run_rows[] = {
	{.name = "results",
	 .kind = OPTION_TEXT,
	 .offset = FIELD(results),
	 .argument = "DIR",
	 .help = "where the run's folder is made (default results/runs)"},
	{.name = "blocks",
	 .kind = OPTION_COUNT,
	 .offset = FIELD(blocks),
	 .argument = "N",
	 .help = "run every cell N times, whatever the plan says (default: "
		 "the plan's, or 9); at most N with --precision or --budget, whichever "
		 "ends it first",
	 .least = 1,
	 .most = PLAN_BLOCKS_MOST},
	{.name = "seed",
	 .kind = OPTION_COUNT,
	 .offset = FIELD(seed),
	 .argument = "N",
	 .help = "order the cells as the run with this seed did (default: the "
		 "plan's, or any)",
	 .least = 1,
	 .most = INT64_MAX}, /* as run.json can hold it */
	{.name = "cells-max",
	 .kind = OPTION_COUNT,
	 .offset = FIELD(cells_max),
	 .argument = "N",
	 .help = "allow a plan of so many cells (default 512)",
	 .least = 1,
	 .most = PLAN_CELLS_MOST},
	{.name = "precision",
	 .kind = OPTION_TEXT,
	 .offset = FIELD(precision),
	 .argument = "2%",
	 .help = "run blocks until every cell's median is known that well by its 95 % "
		 "interval, of fetches or squares a second or, where the work is fixed, "
		 "of the time; it takes 10 at least (default: as many blocks as "
		 "the plan says)"},
	{.name = "budget",
	 .kind = OPTION_DURATION,
	 .offset = FIELD(budget_ns),
	 .argument = "T",
	 .help = "and no longer than this (default no limit, with --precision 10m)",
	 .least = 1000000},
	{.name = "resume",
	 .kind = OPTION_TEXT,
	 .offset = FIELD(resume),
	 .argument = "RUN",
	 .help = "go on with the run of that folder: its plan, seed and order"},
	{.name = "resume-anyway",
	 .kind = OPTION_FLAG,
	 .offset = FIELD(resume_anyway),
	 .help = "with --resume: on another host, kernel or lab too; the "
		 "report says so"},
	{.name = "strict",
	 .kind = OPTION_FLAG,
	 .offset = FIELD(strict),
	 .help = "status 4 when a claim rests on flagged rows"},
	{.name = "place",
	 .kind = OPTION_CHOICE,
	 .offset = FIELD(place),
	 .argument = "POLICY",
	 .choices = place_policy_names,
	 .help = "who sits where, see below (default cores)"},
	{.name = "link",
	 .kind = OPTION_CHOICE,
	 .offset = FIELD(link),
	 .argument = "loopback|veth|none",
	 .choices = link_kind_names,
	 .help = "what lies between client and origin: loopback; veth, a "
		 "virtual link between two "
		 "network namespaces (root); none, no origin is started "
		 "(default: what the plan "
		 "says, or loopback)"},
};

static const struct option_set run_set = {
	.usage = "run [options] [PLAN]\n       iolab run --resume RUN",
	.about = "Runs a shipped plan or an .ini file; without PLAN the plan matrix.",
	.rows = run_rows,
	.count = sizeof(run_rows) / sizeof(run_rows[0]),
	.notes = PINNING_POLICIES_HELP
	"Client and origin sit on different cores where there are two, under one L3 cache "
	"where\nthat can be.\n",
};

static void read_plan(struct plan *plan, const struct run_options *options, const char *name)
{
	char why[512];
	int err = plan_read(name, (unsigned)options->cells_max, plan, why, sizeof(why));

	if (!err && options->link != PLANS_LINK)
		plan->link = (enum link_kind)options->link;
	if (!err)
		err = plan_check_link(plan, why, sizeof(why));
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

/* "2%" or "2 %" as 0.02. */
static double read_precision(const char *text)
{
	char *end;
	double percent = strtod(text, &end);

	while (*end == ' ')
		end++;
	if (end == text || strcmp(end, "%") != 0 || !(percent > 0 && percent < 100))
		status_exit(STATUS_USAGE, "--precision: '%s' is no percentage such as 2%%", text);
	return percent / 100;
}

/* What may end the run early; with such a limit the plan's number of blocks is none. */
static struct runner_limits read_limits(const struct run_options *options, struct plan *plan)
{
	struct runner_limits limits = {.budget_ns = options->budget_ns};

	if (options->precision)
		limits.precision = read_precision(options->precision);
	if (limits.precision > 0 && limits.budget_ns == 0)
		limits.budget_ns = DEFAULT_BUDGET_NS;
	if (limits.budget_ns && !options->blocks)
		plan->blocks = PLAN_BLOCKS_MOST;
	return limits;
}

/* As it can be typed: by the name that this program was started by. */
static void say_how_to_go_on(const struct run_folder *folder)
{
	fflush(stdout);
	fprintf(stderr, "iolab: go on with: %s run --resume ", program_invocation_name);
	cmd_print_word(stderr, folder->path);
	fputc('\n', stderr);
}

static enum status run(struct plan *plan, enum place_policy place,
		       const struct runner_limits *limits, struct link *net,
		       const struct run_folder *folder, struct runner_outcome *outcome, bool strict)
{
	struct trust trust = {0};
	char line[512];
	enum status status;
	int err;

	runner_run(plan, place, limits, net, folder, outcome);
	link_down(net);
	if (outcome->ended[0])
		plan->blocks = outcome->blocks;
	outcome->open = runner_is_open(plan, limits);
	err = run_report(plan, folder, outcome, &trust);
	status = outcome->interrupted				       ? STATUS_INTERRUPTED
		 : outcome->failed || outcome->origin_lost || err      ? STATUS_FAILED
		 : outcome->count && outcome->unable == outcome->count ? STATUS_UNABLE
		 : strict && trust.doubtful			       ? STATUS_UNTRUSTED
								       : STATUS_DONE;
	if (outcome->interrupted || outcome->origin_lost)
		say_how_to_go_on(folder);
	if (strict && trust.doubtful)
		status_warn("strict: %s", trust_line(&trust, line, sizeof(line)));
	runner_release(outcome);
	plan_release(plan);
	if (fflush(stdout))
		status_exit(STATUS_FAILED, "cannot write to stdout: %m");
	return status;
}

static void announce(const struct plan *plan, const struct runner_limits *limits)
{
	double expected_s = plan_expected_s(plan);
	double budget_s = (double)limits->budget_ns / 1e9;
	char text[CLAIM_TEXT_SIZE];

	if (runner_is_open(plan, limits) || (limits->budget_ns && budget_s < expected_s))
		fprintf(stderr, "iolab: plan %s, %u cells, blocks for at most %.0f s\n", plan->name,
			plan->cell_count, budget_s);
	else
		fprintf(stderr, "iolab: plan %s, %u cells x %" PRIu64 " block%s, about %.0f s%s\n",
			plan->name, plan->cell_count, plan->blocks, plan->blocks == 1 ? "" : "s",
			expected_s, plan_reckoned(plan));
	if (plan->report != PLAN_PROGRAMS && *claim_too_few(plan->blocks, 1, 1, text))
		status_warn("%s; more comparisons take more", text);
}

/* Before anything is written: without the right to it nothing is run. */
static void make_link(struct link *net, const struct plan *plan)
{
	/* What lies between here and an origin of the plan's own is not the lab's. */
	enum link_kind kind = plan_origin_url(plan) ? LINK_NONE : plan->link;
	char why[512];

	if (link_up(net, kind, plan_queues(plan), plan->link_latency_ns, why, sizeof(why)))
		status_exit(STATUS_UNABLE, "%s", why);
}

static enum status begin(const struct run_options *options, const char *name)
{
	struct runner_outcome outcome = {0};
	struct runner_limits limits;
	struct run_folder folder;
	struct run_facts facts;
	struct plan plan;
	struct link net;

	read_plan(&plan, options, name);
	limits = read_limits(options, &plan);
	facts = (struct run_facts){.plan_named = name,
				   .place = options->place,
				   .precision = limits.precision,
				   .budget_ns = limits.budget_ns};
	make_link(&net, &plan);
	run_folder_make(&folder, options->results, &plan, &net, &facts);
	run_host_write(&folder, options->place, &net);
	announce(&plan, &limits);
	return run(&plan, options->place, &limits, &net, &folder, &outcome, options->strict);
}

/* Rows that a cell's failure left count as before. */
static void count_failed(struct runner_outcome *outcome)
{
	for (size_t i = 0; i < outcome->count; i++) {
		const struct record *record = &outcome->records[i];
		bool unable = cell_is_unable(record);

		outcome->unable += unable;
		outcome->failed +=
			!unable && strstr(record_text(record, COLUMN_flags), "failed") != NULL;
	}
}

/* Whether the rows are all that the run is to have. */
static bool is_complete(const struct plan *plan, const struct run_folder *folder,
			const struct runner_outcome *outcome)
{
	struct run_spent spent;

	run_folder_read_spent(folder, &spent);
	return outcome->count >= (spent.ended[0] ? spent.blocks : plan->blocks) * plan->cell_count;
}

static void announce_rest(const struct plan *plan, const struct runner_limits *limits,
			  const struct run_folder *folder, const struct runner_outcome *outcome)
{
	if (is_complete(plan, folder, outcome))
		fprintf(stderr,
			"iolab: %s: all %zu rows are there already, nothing is left to do; its "
			"report is made again\n",
			folder->id, outcome->count);
	else if (runner_is_open(plan, limits))
		fprintf(stderr, "iolab: %s: %zu rows are there already\n", folder->id,
			outcome->count);
	else
		fprintf(stderr, "iolab: %s: %zu rows of %" PRIu64 " are there already\n",
			folder->id, outcome->count, plan->blocks * plan->cell_count);
}

static enum status resume(const struct run_options *options)
{
	struct runner_outcome outcome = {0};
	struct runner_limits limits;
	struct run_folder folder = {.lock = -1};
	struct run_facts facts = {.blocks = 0};
	struct plan plan;
	struct link net;
	char why[512];

	if (options->blocks || options->seed || options->cells_max || options->precision ||
	    options->budget_ns || options->place || options->link != PLANS_LINK)
		status_exit(STATUS_USAGE, "--resume goes on with the run as it was begun: no other "
					  "option goes with it");
	run_folder_open(&folder, options->resume, &facts);
	/* How many cells are too many was decided when it was begun. */
	if (plan_read(run_folder_file(&folder, "plan.ini"), PLAN_CELLS_MOST, &plan, why,
		      sizeof(why)))
		status_exit(STATUS_USAGE, "%s", why);
	if (plan.cell_count != facts.cells)
		status_exit(STATUS_USAGE,
			    "%s: plan.ini makes %u cells and the run had %" PRIu64
			    ": it was changed",
			    folder.path, plan.cell_count, facts.cells);
	free(plan.name);
	plan.name = strdup(facts.plan);
	plan.blocks = facts.blocks;
	plan.seed = facts.seed;
	plan.link = (enum link_kind)facts.link;
	plan.link_latency_ns = facts.link_latency_ns;
	run_folder_rows(&folder, &outcome.records, &outcome.count);
	runner_check_rows(&plan, &folder, &outcome);
	limits = (struct runner_limits){facts.precision, facts.budget_ns};
	if (!is_complete(&plan, &folder, &outcome))
		run_host_check(&folder, facts.place, options->resume_anyway);
	make_link(&net, &plan);
	run_host_write(&folder, facts.place, &net);
	count_failed(&outcome);
	announce_rest(&plan, &limits, &folder, &outcome);
	return run(&plan, (enum place_policy)facts.place, &limits, &net, &folder, &outcome,
		   options->strict);
}

enum status cmd_run(int argc, char **argv)
{
	struct run_options options = {.results = "results/runs", .link = PLANS_LINK};
	int operands = options_parse(&run_set, &options, argc, argv);

	/* A reader that goes away takes no run along: what was measured is in the folder. */
	signal(SIGPIPE, SIG_IGN);
	if (operands > 1)
		status_exit(STATUS_USAGE, "run takes one plan; '%s' is a second one", argv[2]);
	if (options.resume_anyway && !options.resume)
		status_exit(STATUS_USAGE, "--resume-anyway goes with --resume RUN");
	if (options.resume && operands)
		status_exit(STATUS_USAGE, "--resume has its plan; '%s' is a second one", argv[1]);
	return options.resume ? resume(&options) : begin(&options, operands ? argv[1] : "matrix");
}
