/* iolab plot: a run's pictures, from its files. */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>

#include "lab/cmd.h"
#include "lab/options.h"
#include "lab/run_pages.h"
#include "results/report_json.h"

/* Of --json. */
#define PLOT_SCHEMA_VERSION 1

struct plot_options {
	bool json;
};

static const struct option_row rows[] = {
	{.name = "json",
	 .kind = OPTION_FLAG,
	 .offset = offsetof(struct plot_options, json),
	 .help = "print what was drawn as JSON"},
};

static void print_pictures(const struct pictures *pictures, const char *folder, bool json)
{
	if (json)
		cmd_print_json(json_pack("{s:i, s:s, s:o}", "schema_version", PLOT_SCHEMA_VERSION,
					 "kind", "plot", "pictures", pictures_json(pictures)));
	for (size_t i = 0; i < pictures->count && !json; i++)
		printf("%s/%s.svg\n", folder, pictures->pictures[i].name);
}

enum status cmd_plot(int argc, char **argv)
{
	const struct option_set set = {
		.usage = "plot [options] RUN",
		.about = "Draws the pictures of a run, a folder of results/runs, into that folder: "
			 "NAME.svg\nby gnuplot, and NAME.gp, the script, to change its looks.",
		.rows = rows,
		.count = sizeof(rows) / sizeof(rows[0]),
	};
	struct plot_options options = {.json = false};
	struct run_files files;
	struct pictures pictures;
	double cpu_s;
	char why[1024];
	int operands = options_parse(&set, &options, argc, argv);
	int err;

	if (operands != 1)
		status_exit(STATUS_USAGE, "plot takes one run's folder; %d given", operands);
	run_pages_read(argv[1], &files, &pictures);
	if (pictures.count == 0)
		status_exit(STATUS_FAILED, "%s: no complete run in it: nothing to draw", argv[1]);
	err = run_pages_draw(argv[1], &pictures, &cpu_s, why, sizeof(why));
	if (err)
		status_exit(err == -ENOENT ? STATUS_UNABLE : STATUS_FAILED, "%s", why);
	print_pictures(&pictures, argv[1], options.json);
	pictures_release(&pictures);
	run_files_release(&files);
	return fflush(stdout) ? STATUS_FAILED : STATUS_DONE;
}
