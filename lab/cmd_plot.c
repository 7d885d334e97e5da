/* iolab plot: a run's pictures, from its files. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lab/cmd.h"
#include "lab/options.h"
#include "lab/run_pages.h"

enum status cmd_plot(int argc, char **argv)
{
	const struct option_set set = {
		.usage = "plot RUN",
		.about = "Draws the pictures of a run, a folder of results/runs, into that folder: "
			 "NAME.svg\nby gnuplot, and NAME.gp, the script, to change its looks.",
	};
	struct run_files files;
	struct pictures pictures;
	double cpu_s;
	char none, why[1024];
	int operands = options_parse(&set, &none, argc, argv);
	int err;

	if (operands != 1)
		status_exit(STATUS_USAGE, "plot takes one run's folder; %d given", operands);
	run_pages_read(argv[1], &files, &pictures);
	if (pictures.count == 0)
		status_exit(STATUS_FAILED, "%s: no complete run in it: nothing to draw", argv[1]);
	err = run_pages_draw(argv[1], &pictures, &cpu_s, why, sizeof(why));
	if (err)
		status_exit(err == -ENOENT ? STATUS_UNABLE : STATUS_FAILED, "%s", why);
	for (size_t i = 0; i < pictures.count; i++)
		printf("%s/%s.svg\n", argv[1], pictures.pictures[i].name);
	pictures_release(&pictures);
	run_files_release(&files);
	return fflush(stdout) ? STATUS_FAILED : STATUS_DONE;
}
