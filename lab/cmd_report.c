/* iolab report: report.html of a run, from its files. */
#include <stdio.h>

#include "lab/cmd.h"
#include "lab/options.h"
#include "lab/run_pages.h"

enum status cmd_report(int argc, char **argv)
{
	const struct option_set set = {
		.usage = "report RUN",
		.about = "Draws the pictures of a run, a folder of results/runs, and writes "
			 "report.html into it:\none file with everything, to read, print or mail. "
			 "Without gnuplot it has no pictures.",
	};
	struct run_files files;
	struct pictures pictures;
	double cpu_s;
	char none, missing[1024], why[1024];
	int operands = options_parse(&set, &none, argc, argv);
	int drawn;

	if (operands != 1)
		status_exit(STATUS_USAGE, "report takes one run's folder; %d given", operands);
	run_pages_read(argv[1], &files, &pictures);
	drawn = run_pages_draw(argv[1], &pictures, &cpu_s, missing, sizeof(missing));
	if (drawn)
		status_warn("%s", missing);
	if (run_pages_report(&files, &pictures, drawn ? missing : NULL, why, sizeof(why)))
		status_exit(STATUS_FAILED, "%s", why);
	printf("%s/report.html\n", files.path);
	pictures_release(&pictures);
	run_files_release(&files);
	return fflush(stdout) ? STATUS_FAILED : STATUS_DONE;
}
