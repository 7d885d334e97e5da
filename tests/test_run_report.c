/*
 * What a real run leaves to look at: pictures and a page at its end, both again from its files
 * alone, and a line and a status for each folder of which nothing can be made.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "tests/child.h"

static char folder[] = "/tmp/iolab-report-XXXXXX";
static char run[512];

static const char plan[] = "[experiment]\n"
			   "blocks = 2\n"
			   "[sumsq \"><b>&'x]\n"
			   "model = serial, threads\n"
			   "size = 100, 1000, 10000\n"
			   "duration = 4ms\n"
			   "warmup = 1ms\n"
			   "baseline = model=serial size=100\n"
			   "[fetch quick]\n"
			   "model = epoll, select\n"
			   "connections = 4\n"
			   "duration = 20ms\n"
			   "warmup = 5ms\n"
			   "baseline = select\n"; /* not the one that is usual */

/* A shell command with %s for the run's folder; its status. */
static int shell(const char *format)
{
	char command[2048];

	snprintf(command, sizeof(command), "R='%s'; %s", run, format);
	return system(command);
}

static int start(void **state)
{
	struct child child;
	char path[64];
	FILE *file;
	const char *at;

	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/odd.ini", folder);
	file = fopen(path, "w");
	if (!file || fputs(plan, file) < 0 || fclose(file))
		return -1;
	child_start(&child, (const char *const[]){child_program("iolab"), "run", "--results",
						  folder, path, NULL});
	if (child_wait(&child, 120000) != 0)
		fprintf(stderr, "%s", child.err.text);
	at = strstr(child.out.text, "Written to ");
	if (!at || !strstr(at, "report.html with ") || !strstr(at, "of CPU after the run"))
		return -1;
	snprintf(run, sizeof(run), "%.*s", (int)strcspn(at + 11, ":"), at + 11);
	child_free(&child);
	return 0;
}

static int stop(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

static int iolab(struct child *child, const char *command, const char *path)
{
	return child_run(child, (const char *const[]){child_program("iolab"), command, path, NULL});
}

/* Strict XML; the page has a picture for each file, every cell, and loads nothing. */
static void assert_whole(void)
{
	assert_int_equal(shell("ls $R/*.svg $R/*.gp >/dev/null"), 0);
	assert_int_equal(
		shell("python3 -c 'import sys, glob, csv, xml.etree.ElementTree as e\n"
		      "r = sys.argv[1]\n"
		      "svgs = glob.glob(r + \"/*.svg\")\n"
		      "for s in svgs: e.parse(s)\n"
		      "t = e.parse(r + \"/report.html\")\n"
		      "drawn = t.findall(\".//figure/{http://www.w3.org/2000/svg}svg\")\n"
		      "assert len(drawn) == len(svgs) == len(glob.glob(r + \"/*.gp\")) > 4, svgs\n"
		      "text = \"\".join(t.getroot().itertext())\n"
		      "for f in (\"fetch\", \"sumsq\"):\n"
		      "  for row in csv.DictReader(open(r + \"/\" + f + \".csv\")):\n"
		      "    assert row[\"cell\"] in text, row[\"cell\"]\n"
		      "for x in t.iter():\n"
		      "  for k, v in x.attrib.items():\n"
		      "    assert \"href\" not in k or v[0] == \"#\", v\n"
		      "    assert not v.startswith(\"http\"), v\n"
		      "ids = [x.get(\"id\") for x in t.iter() if x.get(\"id\")]\n"
		      "assert len(ids) == len(set(ids))\n"
		      "' $R"),
		0);
}

static void a_run_ends_with_its_page(void **state)
{
	(void)state;
	assert_whole();
	/* The numeric factor became an axis, the label a file name. */
	assert_int_equal(shell("test -s $R/b-x-squares-by-squares_per_job.svg"), 0);
	assert_int_equal(shell("grep -q 'x'\\''\\?' $R/b-x-squares-by-squares_per_job.gp"), 0);
	assert_int_equal(shell("test -s $R/quick-throughput.svg"), 0);
}

static void both_are_made_again_from_the_files(void **state)
{
	struct child child;

	(void)state;
	assert_int_equal(shell("cp $R/report.html $R/../before && rm $R/*.svg $R/*.gp "
			       "$R/report.html"),
			 0);
	assert_int_equal(iolab(&child, "report", run), 0);
	assert_non_null(strstr(child.out.text, "/report.html\n"));
	assert_string_equal(child.err.text, "");
	child_free(&child);
	assert_whole();
	/* The same rows, seed and baselines: the same figures, to the letter. */
	assert_int_equal(shell("cmp $R/report.html $R/../before"), 0);
	assert_int_equal(shell("rm $R/*.svg"), 0);
	assert_int_equal(iolab(&child, "plot", run), 0);
	assert_non_null(strstr(child.out.text, "quick-throughput.svg\n"));
	child_free(&child);
	assert_whole();
}

static void a_script_draws_its_picture_alone(void **state)
{
	(void)state;
	assert_int_equal(shell("cd $R && rm quick-cpu.svg && gnuplot -d quick-cpu.gp && "
			       "test -s quick-cpu.svg"),
			 0);
}

static void without_gnuplot_there_are_tables(void **state)
{
	struct child child;
	char path[128], program[512];

	(void)state;
	assert_int_equal(shell("mkdir $R/../bin && ln -s \"$(command -v env)\" $R/../bin/env"), 0);
	snprintf(path, sizeof(path), "PATH=%s/bin", folder);
	assert_non_null(realpath(child_program("iolab"), program));
	assert_int_equal(
		child_run(&child, (const char *const[]){"env", path, program, "plot", run, NULL}),
		3);
	assert_true(child_one_line(child.err.text));
	assert_non_null(strstr(child.err.text, "gnuplot is missing"));
	assert_non_null(strstr(child.err.text, "gnuplot-nox"));
	child_free(&child);
	assert_int_equal(
		child_run(&child, (const char *const[]){"env", path, program, "report", run, NULL}),
		0);
	assert_true(child_one_line(child.err.text));
	child_free(&child);
	assert_int_equal(shell("grep -q 'gnuplot is missing.*gnuplot-nox' $R/report.html"), 0);
	assert_int_equal(shell("grep -q '<svg' $R/report.html"), 256);
	assert_int_equal(shell("grep -q 'quick/select' $R/report.html"), 0);
	/* A picture of before must not stand in for one that could not be drawn. */
	assert_int_equal(shell("ls $R/*.svg >/dev/null 2>&1"), 2 * 256);
	assert_int_equal(iolab(&child, "report", run), 0);
	child_free(&child);
	assert_whole();
}

/* Runs one of iolab's commands with what lies in bin/ as all programs there are. */
static int iolab_with_bin(struct child *child, const char *command, const char *option,
			  const char *path)
{
	char bin[128], program[512];

	snprintf(bin, sizeof(bin), "PATH=%s/bin", folder);
	assert_non_null(realpath(child_program("iolab"), program));
	return child_run(child,
			 (const char *const[]){"env", bin, program, command, option, path, NULL});
}

/* Nothing that was cut stays, and nobody is told that all is well. */
static void what_cannot_be_written_is_a_failure(void **state)
{
	static const char *const commands[][2] = {
		{"plot", "--json"}, {"report", "--json"}, {"run", "--resume"}};
	struct child child;
	char copy[600];

	(void)state;
	snprintf(copy, sizeof(copy), "%s/full", folder);
	assert_int_equal(shell("cp -r $R $R/../full && ln -s /dev/full $R/../full/.report.html.new "
			       "&& rm $R/../full/report.html"),
			 0);
	assert_int_equal(iolab(&child, "report", copy), 1);
	assert_true(child_one_line(child.err.text));
	assert_non_null(strstr(child.err.text, "No space left"));
	child_free(&child);
	assert_int_equal(shell("test -e $R/../full/report.html"), 256);
	assert_int_equal(shell("ln -s /dev/full $R/../full/.report.html.new"), 0);
	assert_int_equal(child_run(&child, (const char *const[]){child_program("iolab"), "run",
								 "--resume", copy, NULL}),
			 1);
	assert_non_null(strstr(child.err.text, "report.html: No space left"));
	child_free(&child);
	/* A gnuplot that meets a full disk writes what fits, and says nothing. */
	assert_int_equal(shell("printf '#!/bin/sh\nfor f in *.gp; do echo \"<svg\" > "
			       "${f%%.gp}.svg; done\n' > $R/../bin/gnuplot && "
			       "chmod +x $R/../bin/gnuplot"),
			 0);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(iolab_with_bin(&child, commands[i][0], commands[i][1], copy), 1);
		assert_non_null(strstr(child.err.text, ".svg: gnuplot did not get to its end"));
		child_free(&child);
		assert_int_equal(shell("ls $R/../full/*.svg >/dev/null 2>&1"), 2 * 256);
	}
	assert_int_equal(shell("rm -r $R/../bin/gnuplot $R/../full"), 0);
}

/* Both commands refuse the folder: that status, one line with that text. */
static void assert_refused(const char *path, int status, const char *text)
{
	static const char *const commands[] = {"plot", "report"};

	for (size_t i = 0; i < 2; i++) {
		struct child child;

		assert_int_equal(iolab(&child, commands[i], path), status);
		if (!child_one_line(child.err.text) || !strstr(child.err.text, text))
			fail_msg("'%s' is not in: %s", text, child.err.text);
		assert_string_equal(child.out.text, "");
		child_free(&child);
	}
}

static void bad_folders_are_refused(void **state)
{
	char copy[600];

	(void)state;
	snprintf(copy, sizeof(copy), "%s/copy", folder);
	assert_refused(folder, 2, "is not the folder of a run");
	assert_refused("/nowhere", 2, "is not the folder of a run");
	assert_int_equal(shell("cp -r $R $R/../copy"), 0);
	assert_int_equal(
		shell("sed -i 's/\"schema_version\": 1/\"schema_version\": 2/' $R/../copy/run.json"),
		0);
	assert_refused(copy, 2, "schema_version 2");
	assert_int_equal(shell("cp $R/run.json $R/../copy && sed -i '2,$s/^1,/2,/' "
			       "$R/../copy/fetch.csv"),
			 0);
	assert_refused(copy, 2, "schema_version");
	assert_int_equal(shell("cp $R/fetch.csv $R/../copy && echo '{' > $R/../copy/run.json"), 0);
	assert_refused(copy, 2, "run.json");
	assert_int_equal(shell("rm -r $R/../copy"), 0);
}

/* Written before run.json had a version; and cut by a kill in the middle of a row. */
static void older_and_cut_runs_are_read(void **state)
{
	struct child child;
	char copy[600];

	(void)state;
	snprintf(copy, sizeof(copy), "%s/old", folder);
	assert_int_equal(shell("cp -r $R $R/../old && sed -i '/schema_version/d' "
			       "$R/../old/run.json && truncate -s -9 $R/../old/fetch.csv && "
			       "rm $R/../old/report.txt"),
			 0);
	assert_int_equal(iolab(&child, "report", copy), 0);
	assert_true(child_one_line(child.err.text));
	assert_non_null(strstr(child.err.text, "fetch.csv ends in the middle of a row"));
	child_free(&child);
	assert_int_equal(shell("grep -q 'The run is not complete' $R/../old/report.html && "
			       "grep -q 'middle of a row' $R/../old/report.html"),
			 0);
	/* Not a row: a page that says so, and nothing to draw. */
	assert_int_equal(shell("rm $R/../old/*.csv"), 0);
	assert_int_equal(iolab(&child, "plot", copy), 1);
	assert_true(child_one_line(child.err.text));
	child_free(&child);
	assert_int_equal(iolab(&child, "report", copy), 0);
	child_free(&child);
}

static void wrong_command_lines(void **state)
{
	struct child child;

	(void)state;
	assert_int_equal(
		child_run(&child, (const char *const[]){child_program("iolab"), "plot", NULL}), 2);
	assert_true(child_one_line(child.err.text));
	child_free(&child);
	assert_int_equal(child_run(&child, (const char *const[]){child_program("iolab"), "report",
								 run, run, NULL}),
			 2);
	assert_true(child_one_line(child.err.text));
	child_free(&child);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_run_ends_with_its_page),
		cmocka_unit_test(both_are_made_again_from_the_files),
		cmocka_unit_test(a_script_draws_its_picture_alone),
		cmocka_unit_test(without_gnuplot_there_are_tables),
		cmocka_unit_test(what_cannot_be_written_is_a_failure),
		cmocka_unit_test(bad_folders_are_refused),
		cmocka_unit_test(older_and_cut_runs_are_read),
		cmocka_unit_test(wrong_command_lines),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
