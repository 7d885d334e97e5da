/* iolab calibrate: how far this lab can be believed on this host. */
#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include "lab/calibrate.h"
#include "lab/calibrate_report.h"
#include "lab/cmd.h"
#include "lab/options.h"
#include "results/table.h"

struct command_options {
	uint64_t blocks;
	uint64_t budget_ns;
	uint64_t seed;
	bool quick;
	bool json;
};

#define FIELD(name) offsetof(struct command_options, name)

static const struct option_row rows[] = {
	{.name = "blocks",
	 .kind = OPTION_COUNT,
	 .offset = FIELD(blocks),
	 .argument = "N",
	 .help = "blocks of each experiment (default 20)",
	 .least = 2,
	 .most = 1000},
	{.name = "budget",
	 .kind = OPTION_DURATION,
	 .offset = FIELD(budget_ns),
	 .argument = "T",
	 .help = "as many experiments, and then as many blocks, as fit (default 240s)",
	 .least = 1000000},
	{.name = "quick",
	 .kind = OPTION_FLAG,
	 .offset = FIELD(quick),
	 .help = "a few short experiments, in seconds: to see that it works"},
	{.name = "seed",
	 .kind = OPTION_COUNT,
	 .offset = FIELD(seed),
	 .argument = "N",
	 .help = "order the cells as the calibration with this seed did (default: any)",
	 .least = 1},
	{.name = "json",
	 .kind = OPTION_FLAG,
	 .offset = FIELD(json),
	 .help = "print JSON, with every measured value, and nothing else"},
};

static uint64_t drawn_seed(void)
{
	uint32_t random;

	if (getrandom(&random, sizeof(random), 0) != sizeof(random))
		status_exit(STATUS_UNABLE, "no random numbers to order the cells by: %m");
	return (uint64_t)random + 1;
}

static struct calibrate_options options_of(const struct command_options *command)
{
	struct calibrate_options o = {
		/*
		 * Rather blocks than experiments: 42 comparisons tell the rate of false alarms, and
		 * 20 blocks find 5 % also where one cell in twenty is disturbed, as 10 do not.
		 */
		.experiments = {[CALIBRATE_SUMS] = 24, [CALIBRATE_FETCHES] = 18},
		.blocks = 20,
		.budget_ns = UINT64_C(240000000000),
		.cell_ns = {[CALIBRATE_SUMS] = 20000000, [CALIBRATE_FETCHES] = 50000000},
		.delay_cell_ns = 100000000,
	};
	double share;

	if (command->quick)
		o = (struct calibrate_options){
			.experiments = {[CALIBRATE_SUMS] = 4, [CALIBRATE_FETCHES] = 2},
			.blocks = 6,
			.budget_ns = o.budget_ns,
			.cell_ns = {[CALIBRATE_SUMS] = 3000000, [CALIBRATE_FETCHES] = 10000000},
			.delay_cell_ns = 20000000,
		};
	o.seed = command->seed ? command->seed : drawn_seed();
	o.blocks = command->blocks ? command->blocks : o.blocks;
	o.budget_ns = command->budget_ns ? command->budget_ns : o.budget_ns;
	share = (double)o.budget_ns / 1e9 / calibrate_expected_s(&o);
	for (unsigned kind = 0; kind < CALIBRATE_KINDS && share < 1.0; kind++)
		o.experiments[kind] = (size_t)ceil(share * (double)o.experiments[kind]);
	return o;
}

enum status cmd_calibrate(int argc, char **argv)
{
	const struct option_set set = {
		.usage = "calibrate [options]",
		.about = "Measures the lab itself here: false alarms, known slowdowns, known "
			 "latencies.",
		.rows = rows,
		.count = sizeof(rows) / sizeof(rows[0]),
	};
	struct command_options command = {0};
	struct calibrate_options options;
	struct calibrate_findings findings;
	struct calibrate_data data;
	enum status status = STATUS_DONE;
	int err;

	if (options_parse(&set, &command, argc, argv))
		status_exit(STATUS_USAGE, "calibrate takes no operand; '%s' is one", argv[1]);
	options = options_of(&command);
	fprintf(stderr, "iolab: %zu + %zu experiments x %zu blocks, about %.0f s\n",
		options.experiments[CALIBRATE_SUMS], options.experiments[CALIBRATE_FETCHES],
		options.blocks, calibrate_expected_s(&options));
	calibrate_measure(&options, &data);
	err = calibrate_find(&data, &findings);
	if (err == -EINVAL)
		status_exit(data.interrupted ? STATUS_INTERRUPTED : STATUS_FAILED,
			    "%s after %zu whole blocks; two are the least that show anything",
			    data.interrupted ? "interrupted" : "out of budget", data.blocks);
	if (err)
		status_exit(STATUS_UNABLE, "out of memory");
	if (command.json)
		cmd_print_json_as(calibrate_json(&data, &findings),
				  JSON_INDENT(1) | JSON_REAL_PRECISION(10));
	else if (calibrate_print(&data, &findings, stdout, table_color(isatty(STDOUT_FILENO))))
		status_exit(STATUS_FAILED, "cannot print the findings");
	if (fflush(stdout))
		status_exit(STATUS_FAILED, "cannot write to stdout: %m");
	if (findings.distrust) {
		status_warn("not to be trusted here: %s", findings.distrust);
		status = STATUS_UNTRUSTED;
	}
	if (data.interrupted)
		status = STATUS_INTERRUPTED;
	calibrate_release(&data);
	return status;
}
