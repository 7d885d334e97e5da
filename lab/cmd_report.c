/* iolab report: report.html of a run, from its files. */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>

#include "lab/cmd.h"
#include "lab/options.h"
#include "lab/run_pages.h"
#include "results/report_json.h"

struct report_options {
	bool json;
};

static const struct option_row rows[] = {
	{.name = "json",
	 .kind = OPTION_FLAG,
	 .offset = offsetof(struct report_options, json),
	 .help = "print what it shows as JSON"},
};

enum status cmd_report(int argc, char **argv)
{
	const struct option_set set = {
		.usage = "report [options] RUN",
		.about = "Draws the pictures of a run, a folder of results/runs, and writes "
			 "report.html into it:\none file with everything, to read, print or mail. "
			 "Without gnuplot it has no pictures.",
		.rows = rows,
		.count = sizeof(rows) / sizeof(rows[0]),
	};
	struct report_options options = {.json = false};
	struct run_files files;
	struct pictures pictures;
	double cpu_s;
	char missing[1024], why[1024];
	int operands = options_parse(&set, &options, argc, argv);
	int err;

	if (operands != 1)
		status_exit(STATUS_USAGE, "report takes one run's folder; %d given", operands);
	run_pages_read(argv[1], &files, &pictures);
	err = run_pages_draw(argv[1], &pictures, &cpu_s, missing, sizeof(missing));
	if (err)
		status_warn("%s", missing);
	if (run_pages_report(&files, &pictures, err ? missing : NULL, why, sizeof(why)))
		status_exit(STATUS_FAILED, "%s", why);
	if (options.json)
		cmd_print_json(report_json(&files, &pictures, !err));
	else
		printf("%s/report.html\n", files.path);
	pictures_release(&pictures);
	run_files_release(&files);
	return fflush(stdout) || (err && err != -ENOENT) ? STATUS_FAILED : STATUS_DONE;
}
