/*
 * `iolab doctor`: what of this host moves figures, whether that is good, and what mends it; for
 * the cores that a run would take, or for those named. The facts are those of a run's host.json.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lab/cmd.h"
#include "lab/host_facts.h"
#include "lab/options.h"
#include "topology/doctor.h"

struct doctor_options {
	const char *cpus;
	bool json;
};

#define FIELD(name) offsetof(struct doctor_options, name)

static const struct option_row rows[] = {
	{.name = "cpus",
	 .kind = OPTION_TEXT,
	 .offset = FIELD(cpus),
	 .argument = "LIST",
	 .help = "look at these: 0,2-3 or hwloc's words, as core:0-1 (default: where iolab run "
		 "seats a worker and the origin)"},
	{.name = "json", .kind = OPTION_FLAG, .offset = FIELD(json), .help = "print JSON"},
};

static const struct option_set options_of_doctor = {
	.usage = "doctor [options]",
	.about = "Says what of this host moves figures: good, warn, bad or unknown, and what mends "
		 "it.\nExit status 4 when something is bad, else 0.",
	.rows = rows,
	.count = sizeof(rows) / sizeof(rows[0]),
};

static void print_counts(const struct doctor_report *report)
{
	printf("\n%u good, %u warn, %u bad, %u unknown\n", report->verdicts[DOCTOR_GOOD],
	       report->verdicts[DOCTOR_WARN], report->verdicts[DOCTOR_BAD],
	       report->verdicts[DOCTOR_UNKNOWN]);
}

static void print_text(const struct doctor_report *report, const json_t *facts)
{
	const char *workers = NULL, *origin = NULL, *group = "";

	(void)json_unpack((json_t *)facts, "{s:{s:s, s:s}}", "cores", "workers", &workers, "origin",
			  &origin);
	printf("Chosen CPUs: %s%s%s\n", workers ? workers : "?",
	       origin && *origin ? ", origin on " : "", origin ? origin : "");
	for (unsigned i = 0; i < report->count; i++) {
		const struct doctor_finding *f = &report->findings[i];

		if (strcmp(f->group, group) != 0)
			printf("\n%s\n", f->group);
		group = f->group;
		printf("  %-7s  %-21s  %s%s%s\n", doctor_verdict_names[f->verdict], f->name,
		       f->text, f->mend[0] ? "; mend: " : "", f->mend);
	}
	print_counts(report);
}

/* What was typed, what this host cannot do, and what failed. */
static enum status status_of(int err)
{
	if (err == -EINVAL || err == -ERANGE)
		return STATUS_USAGE;
	return err == -ENODEV || err == -ENOSPC ? STATUS_UNABLE : STATUS_FAILED;
}

enum status cmd_doctor(int argc, char **argv)
{
	struct doctor_options options = {.cpus = NULL};
	struct doctor_report report;
	char why[512];
	json_t *facts;
	int err;

	if (options_parse(&options_of_doctor, &options, argc, argv) > 0)
		status_exit(STATUS_USAGE, "doctor: '%s' is not an option; --help lists them",
			    argv[1]);
	err = host_facts(PLACE_CORES, options.cpus, &facts, why, sizeof(why));
	if (err)
		status_exit(status_of(err), "doctor: %s", why);
	doctor_judge(facts, &report);
	if (options.json)
		cmd_print_json_as(doctor_json(&report, facts), JSON_INDENT(1));
	else
		print_text(&report, facts);
	json_decref(facts);
	if (fflush(stdout))
		status_exit(STATUS_FAILED, "doctor: cannot print the answer: %m");
	return report.verdicts[DOCTOR_BAD] ? STATUS_UNTRUSTED : STATUS_DONE;
}
