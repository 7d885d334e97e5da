/*
 * Everything that prints JSON prints what its schema in results/schema says: real outputs of every
 * executable, held against them by a validator that is not ours; and the row's schema is that of
 * record.def.
 */
#include <glob.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "tests/child.h"

static char folder[] = "/tmp/iolab-schema-XXXXXX";
static char run[512];
static char complaint[1024]; /* of the validator */

static const char plan[] = "[experiment]\nblocks = 2\n"
			   "[fetch quick]\nmodel = epoll, select\nconnections = 2\n"
			   "duration = 15ms\nwarmup = 5ms\nbaseline = epoll\n"
			   "[sumsq sums]\nmodel = serial, threads\nduration = 4ms\nwarmup = 1ms\n"
			   "baseline = serial\n"
			   "[nap naps]\nmodel = blocking\ntick = 1ms\n";

static void write_text(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

/* The validator's status for a text. */
static int validate_quietly(const char *schema, const char *text, bool last)
{
	struct child child;
	char path[128], file[64];
	int status;

	snprintf(path, sizeof(path), "results/schema/%s.json", schema);
	snprintf(file, sizeof(file), "%s/text", folder);
	write_text(file, text);
	status = child_run(&child, (const char *const[]){"/usr/bin/python3", "-W", "ignore",
							 "tests/validate.py", path, file,
							 last ? "last" : NULL, NULL});
	snprintf(complaint, sizeof(complaint), "%s", child.err.text);
	child_free(&child);
	return status;
}

/* The same for one that is to be right. */
static int validate(const char *schema, const char *text, bool last)
{
	int status = validate_quietly(schema, text, last);

	if (status)
		print_message("%s: %s", schema, complaint);
	return status;
}

/* Runs a command of iolab that must end with 0 and print what the schema says. */
static void assert_command(const char *schema, const char *const *argv)
{
	struct child child;
	int status;

	child_start(&child, argv);
	status = child_wait(&child, 60000);
	if (status)
		fail_msg("%s %s: status %d: %s", argv[0], argv[1], status, child.err.text);
	assert_int_equal(validate(schema, child.out.text, false), 0);
	child_free(&child);
}

#define IOLAB(schema, ...)                                                                         \
	assert_command(schema, (const char *const[]){child_program("iolab"), __VA_ARGS__, NULL})

static int start(void **state)
{
	struct child child;
	char path[64];
	const char *at;

	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/small.ini", folder);
	write_text(path, plan);
	child_start(&child, (const char *const[]){child_program("iolab"), "run", "--results",
						  folder, path, NULL});
	child_wait(&child, 60000);
	at = strstr(child.out.text, "Written to ");
	if (!at)
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

static void the_rows_schema_is_that_of_the_columns(void **state)
{
	struct child child;
	FILE *file = fopen("results/schema/row.json", "r");
	static char committed[200000];
	size_t length;

	(void)state;
	assert_non_null(file);
	length = fread(committed, 1, sizeof(committed) - 1, file);
	committed[length] = '\0';
	fclose(file);
	assert_int_equal(child_run(&child, (const char *const[]){child_program("iolab"), "columns",
								 "--json-schema", NULL}),
			 0);
	/* If not: build/iolab columns --json-schema > results/schema/row.json */
	assert_string_equal(child.out.text, committed);
	child_free(&child);
}

static void commands_that_look(void **state)
{
	(void)state;
	IOLAB("columns", "columns", "--json");
	IOLAB("list", "list", "--json");
	IOLAB("plan", "plan", "--json");
	IOLAB("plan", "plan", "--json", "--commands", "study");
	IOLAB("topology", "topology", "--json");
	IOLAB("topology", "topology", "--json", "--on", "pack:2 [numa] core:4 pu:2", "--workers",
	      "3", "--pollers", "1");
}

static void the_doctor(void **state)
{
	struct child child;
	int status;

	(void)state;
	status = child_run(&child,
			   (const char *const[]){child_program("iolab"), "doctor", "--json", NULL});
	assert_true(status == 0 || status == 4);
	assert_int_equal(validate("doctor", child.out.text, false), 0);
	child_free(&child);
}

/* A file of a run's folder, as its schema says. */
static void assert_file(const char *folder_of_run, const char *name)
{
	static char text[100000];
	char path[700];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s.json", folder_of_run, name);
	file = fopen(path, "r");
	assert_non_null(file);
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	assert_int_equal(validate(name, text, false), 0);
}

static void a_run(void **state)
{
	char copy[2048];

	(void)state;
	assert_file(run, "run");
	assert_file(run, "host");
	IOLAB("plot", "plot", "--json", run);
	IOLAB("report", "report", "--json", run);
	IOLAB("compare", "compare", "--json", run, run);
	IOLAB("compare", "compare", "--json", "--threshold", "50%", run, run);
	snprintf(copy, sizeof(copy), "cp -r %s %s/copy && sed -i 's/,%s,/,copy,/' %s/copy/*.csv",
		 run, folder, strrchr(run, '/') + 1, folder);
	assert_int_equal(system(copy), 0);
	snprintf(copy, sizeof(copy), "%s,%s/copy", run, folder);
	IOLAB("compare", "compare", "--json", copy, copy);
}

/* limits.json: of a run that a budget ended after its first block, and of one that goes on. */
static void a_run_with_a_limit(void **state)
{
	struct child child;
	char path[128], results[64];
	glob_t found;

	(void)state;
	snprintf(path, sizeof(path), "%s/limit.ini", folder);
	snprintf(results, sizeof(results), "%s/limited", folder);
	write_text(path, "[nap naps]\nmodel = blocking\ntick = 1ms\n");
	child_start(&child, (const char *const[]){child_program("iolab"), "run", "--results",
						  results, "--budget", "1ms", path, NULL});
	assert_int_equal(child_wait(&child, 60000), 0);
	assert_non_null(strstr(child.out.text, "ended by the budget"));
	child_free(&child);
	snprintf(path, sizeof(path), "%s/*", results);
	assert_int_equal(glob(path, 0, NULL, &found), 0);
	assert_file(found.gl_pathv[0], "limits");
	assert_file(found.gl_pathv[0], "run");
	globfree(&found);
}

static void calibrate(void **state)
{
	struct child child;
	int status;

	(void)state;
	child_start(&child, (const char *const[]){child_program("iolab"), "calibrate", "--quick",
						  "--blocks", "2", "--json", NULL});
	status = child_wait(&child, 120000);
	assert_true(status == 0 || status == 4);
	assert_int_equal(validate("calibrate", child.out.text, false), 0);
	child_free(&child);
}

/* Every executable that begins so, with these arguments behind --json. */
static void assert_all(const char *pattern, const char *const *arguments)
{
	size_t printed = 0;
	glob_t found;

	assert_int_equal(glob(child_program(pattern), 0, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		const char *argv[8] = {found.gl_pathv[i], "--json"};
		struct child child;
		int status;

		/* It fetches by an interface of its own: test_run_xdp runs it. */
		if (strstr(argv[0], "/fetch-xdp"))
			continue;
		for (size_t k = 0; arguments[k]; k++)
			argv[2 + k] = arguments[k];
		status = child_run(&child, argv);
		/* What this host cannot do has a reason and no row. */
		if (status != 3) {
			if (status)
				fail_msg("%s: %d: %s", argv[0], status, child.err.text);
			assert_int_equal(validate("row", child.out.text, false), 0);
			printed++;
		}
		child_free(&child);
	}
	globfree(&found);
	assert_true(printed >= 2);
}

static void rows_of_every_executable(void **state)
{
	(void)state;
	assert_all("sumsq-*[a-z]", (const char *const[]){"--duration", "5ms", NULL});
	assert_all("nap-*[a-z]", (const char *const[]){"--tick", "1ms", NULL});
}

static void fetches_and_the_origin(void **state)
{
	struct child origin;
	char url[128];
	const char *line;

	(void)state;
	for (unsigned tls = 0; tls < 2; tls++) {
		const char *option = tls ? "--tls" : "--busy";

		child_start(&origin,
			    (const char *const[]){child_program("origin"), "--json", option, NULL});
		line = child_line(&origin, CHILD_LIMIT_MS);
		assert_non_null(line);
		snprintf(url, sizeof(url), "%s", strstr(line, "http"));
		if (tls)
			assert_all("fetch-[es]*[lt]",
				   (const char *const[]){"--insecure", "-n", "20", url, NULL});
		else
			assert_all("fetch-*[a-z]", (const char *const[]){"-n", "20", url, NULL});
		assert_int_equal(child_end(&origin, SIGTERM, CHILD_LIMIT_MS), 0);
		assert_int_equal(validate("origin", origin.out.text, true), 0);
		child_free(&origin);
	}
}

/* A validator that finds nothing would pass all of the above. */
static void what_is_wrong_is_found(void **state)
{
	static const char *const wrong[][2] = {
		{"row", "{\"model\": \"epoll\"}"},
		{"row", "{\"schema_version\": 2, \"model\": \"epoll\"}"},
		{"row", "{\"schema_version\": 1, \"model\": \"epoll\", \"throughput\": 1}"},
		{"row", "{\"schema_version\": 1, \"model\": \"epoll\", \"errors\": -1}"},
		{"row", "{\"schema_version\": 1, \"model\": \"epoll\", \"errors\": \"none\"}"},
		{"row", "{\"schema_version\": 1, \"model\": \"x\", \"errors\": 1, \"jobs\": 1}"},
		{"list", "{\"schema_version\": 1, \"kind\": \"list\"}"},
		{"topology", "{}"},
		{"doctor",
		 "{\"schema_version\": 2, \"kind\": \"doctor\", \"counts\": {}, \"findings\": [], \"host\": {}}"},
		{"host", "{\"schema_version\": 2}"},
		{"limits",
		 "{\"schema_version\": 1, \"blocks\": 0, \"spent_ns\": 1, \"ended\": \"\"}"},
		{"limits", "{\"schema_version\": 1, \"blocks\": 1, \"spent_ns\": 1}"},
	};

	(void)state;
	assert_int_equal(validate("row", "{\"schema_version\": 1, \"model\": \"epoll\"}", false),
			 0);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(validate_quietly(wrong[i][0], wrong[i][1], false), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_rows_schema_is_that_of_the_columns),
		cmocka_unit_test(commands_that_look),
		cmocka_unit_test(the_doctor),
		cmocka_unit_test(a_run),
		cmocka_unit_test(a_run_with_a_limit),
		cmocka_unit_test(calibrate),
		cmocka_unit_test(rows_of_every_executable),
		cmocka_unit_test(fetches_and_the_origin),
		cmocka_unit_test(what_is_wrong_is_found),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
