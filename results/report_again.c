/* How a run can be done again, gone on with and held against another: the report's last part. */
#include "results/report_inside.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "results/html.h"
#include "topology/place.h"

/* Cells that a plan may have without being asked. */
#define CELLS_DEFAULT 512

/* A word as a shell takes it. */
static void write_word(FILE *file, const char *word)
{
	char *quoted = NULL;
	size_t size;
	FILE *out;

	if (*word && !word[strcspn(word, " \t\n'\"\\$&|;<>()*?[]#~`!{}")]) {
		html_text(file, word);
		return;
	}
	out = open_memstream(&quoted, &size);
	if (!out)
		return;
	putc('\'', out);
	for (; *word; word++) {
		if (*word == '\'')
			fputs("'\\''", out);
		else
			putc(*word, out);
	}
	putc('\'', out);
	if (fclose(out) == 0)
		html_text(file, quoted);
	free(quoted);
}

/* The options that decide what is measured, as run.json has them, and the plan. */
static void write_run(const struct run_files *files, const char *plan, FILE *file)
{
	json_int_t place = json_integer_value(json_object_get(files->run, "place")), policies = 0;
	const char *link = json_string_value(json_object_get(files->run, "link"));
	/* One that the plan has need not be the one that was asked for. */
	bool has_link = files->plan && strstr(files->plan, "\nlink");

	fprintf(file, "iolab run --seed %" PRIu64 " --blocks %" PRIu64, files->seed, files->blocks);
	if (files->cells > CELLS_DEFAULT)
		fprintf(file, " --cells-max %" PRIu64, files->cells);
	while (place_policy_names[policies])
		policies++;
	if (place > 0 && place < policies)
		fprintf(file, " --place %s", place_policy_names[place]);
	if (link && (has_link || strcmp(link, "loopback") != 0)) {
		fputs(" --link ", file);
		write_word(file, link);
	}
	putc(' ', file);
	write_word(file, plan);
	putc('\n', file);
}

/* Which files have rows. */
static void write_files(const struct run_files *files, FILE *file)
{
	static const struct {
		enum record_kind kind;
		const char *name;
	} all[] = {
		{RECORD_FETCH, "fetch.csv"}, {RECORD_SUMSQ, "sumsq.csv"}, {RECORD_NAP, "nap.csv"}};
	const char *names[3];
	size_t count = 0;

	for (size_t k = 0; k < sizeof(all) / sizeof(all[0]); k++) {
		size_t i = 0;

		while (i < files->count && files->records[i].kind != all[k].kind)
			i++;
		if (i < files->count)
			names[count++] = all[k].name;
	}
	if (count == 0)
		return;
	fputs("<p>A row a run is in ", file);
	for (size_t i = 0; i < count; i++)
		fprintf(file, "%s<code>%s</code>",
			i == 0		 ? ""
			: i + 1 == count ? " and "
					 : ", ",
			names[i]);
	fputs("; <code>iolab columns</code> explains the columns.</p>\n", file);
}

void report_again(const struct run_files *files, FILE *file)
{
	const char *named = json_string_value(json_object_get(files->run, "plan_named"));
	bool complete = files->count >= files->blocks * files->cells;

	fprintf(file,
		"<h2 id=\"again\">Doing it again</h2>\n"
		"<p>The same cells in the same order%s:</p>\n<pre>",
		named ? ", by the plan as it was named, or in the run’s folder as it was read then"
		      : ", in the run’s folder");
	if (named)
		write_run(files, named, file);
	write_run(files, "./plan.ini", file);
	fprintf(file,
		"</pre>\n<p>Beside the run’s folder, to %sdraw it again, or to hold another run "
		"against it:</p>\n<pre>",
		complete ? "" : "go on with what is left of this run, to ");
	if (!complete) {
		fputs("iolab run --resume ", file);
		write_word(file, files->id);
		putc('\n', file);
	}
	fputs("iolab report ", file);
	write_word(file, files->id);
	fputs("\niolab compare ", file);
	write_word(file, files->id);
	fputs(" OTHER</pre>\n", file);
	write_files(files, file);
}
