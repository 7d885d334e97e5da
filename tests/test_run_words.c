/*
 * What the executables say to a person who is new to them: the summary of a run, help that does
 * without the README, and lines about what was asked for and cannot act.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/child.h"
#include "tests/fetching.h"
#include "tests/serving.h"

static struct child origin;
static char url[64];

static int start(void **state)
{
	static const char *const options[] = {"--listen", "127.0.0.1:0", NULL};
	unsigned port;

	if (serving_make_folder(state))
		return -1;
	serving_origin(&origin, options, &port, 1);
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/", port);
	return 0;
}

static int stop(void **state)
{
	child_free(&origin);
	return serving_remove_folder(state);
}

static void has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("'%s' is not in:\n%s", part, text);
}

static void lacks(const char *text, const char *part)
{
	if (strstr(text, part))
		fail_msg("'%s' is in:\n%s", part, text);
}

/* What was in force, and what is the matter with the figures. */
static void summary_of_a_run(void **state)
{
	const char *const level[] = {"-n", "5", "--epoll=level", url, NULL};
	const char *const late[] = {"-c", "1", "-R", "9000000", "-d", "100ms", url, NULL};
	const char *const blocking[] = {"-n", "5", url, NULL};
	struct child child;

	(void)state;
	assert_int_equal(fetching_run(&child, "epoll", level), 0);
	has(child.out.text, "\n  1 connection, 1 worker");
	has(child.out.text, "\n  in force         level\n");
	has(child.out.text, "too short to tell user from system)\n");
	lacks(child.out.text, "rate-not-held");
	child_free(&child);

	fetching_run(&child, "epoll", late);
	has(child.out.text, "\n  in force         edge\n");
	has(child.out.text, "\n  flagged          rate-not-held: open loop: less than 98 %");
	child_free(&child);

	/* It has no variants: nothing is said of them. */
	assert_int_equal(fetching_run(&child, "blocking", blocking), 0);
	lacks(child.out.text, "in force");
	child_free(&child);
}

/* Taken, and of no use here: one line each, and the run goes on. */
static void idle_options(void **state)
{
	const char *const asked[] = {"--resolve", "nobody.test:80:127.0.0.1",
				     "--cacert",  serving_path("ca.pem"),
				     "--tls-io",  "conventional",
				     url,	  NULL};
	char port[96];
	const char *const used[] = {"--resolve", port, url, NULL};
	const char *const ready[] = {"--location", "--cacert", serving_path("ca.pem"), url, NULL};
	struct child child;

	(void)state;
	assert_int_equal(fetching_run(&child, "epoll", asked), 0);
	has(child.err.text, "--resolve: no URL has the host and port of 'nobody.test:80:127");
	has(child.err.text, "--cacert: no URL begins with https://");
	has(child.err.text, "--tls-io: no URL begins with https://");
	assert_int_equal(fetching_lines(child.err.text, "not used", ""), 3);
	has(child.out.text, "Status Code: 200");
	child_free(&child);

	snprintf(port, sizeof(port), "127.0.0.1:%d:127.0.0.1", atoi(strrchr(url, ':') + 1));
	assert_int_equal(fetching_run(&child, "epoll", used), 0);
	assert_string_equal(child.err.text, "");
	child_free(&child);
	assert_int_equal(fetching_run(&child, "epoll", ready), 0);
	assert_string_equal(child.err.text, "");
	child_free(&child);
}

/* The executables, and iolab's commands, that have options. */
static const char *const programs[][2] = {
	{"fetch-blocking"},  {"fetch-nonblocking"}, {"fetch-select"},	   {"fetch-poll"},
	{"fetch-epoll"},     {"fetch-uring"},	    {"fetch-xdp"},	   {"fetch-floor"},
	{"fetch-none"},	     {"sumsq-serial"},	    {"sumsq-threads"},	   {"sumsq-processes"},
	{"nap-blocking"},    {"nap-epoll"},	    {"nap-uring"},	   {"origin"},
	{"iolab", "run"},    {"iolab", "plan"},	    {"iolab", "compare"},  {"iolab", "calibrate"},
	{"iolab", "plot"},   {"iolab", "report"},   {"iolab", "list"},	   {"iolab", "columns"},
	{"iolab", "doctor"}, {"iolab", "link"},	    {"iolab", "topology"},
};

static void ask(struct child *child, const char *const program[2], const char *option)
{
	const char *argv[4] = {child_program(program[0]), program[1] ? program[1] : option,
			       program[1] ? option : NULL, NULL};

	if (child_run(child, argv) != 0)
		fail_msg("%s %s: %s", argv[0], option, child->err.text);
}

/* The help has every option of the list, and of every one with a value that could be left out what
 * it is then. */
static void help_is_complete(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
		struct child list, help;
		char *rest, *line;

		ask(&list, programs[i], "--list-options");
		ask(&help, programs[i], "--help");
		rest = list.out.text;
		while ((line = strsep(&rest, "\n")) && *line) {
			char *name = strsep(&line, "\t"), *kind = strsep(&line, "\t");
			char *argument = strsep(&line, "\t"), shown[128];

			snprintf(shown, sizeof(shown), "%s%s%s", name, *argument ? " " : "",
				 argument);
			has(help.out.text, shown);
			if (strcmp(kind, "flag") && strncmp(kind, "text", 4) &&
			    !strstr(line, "default"))
				fail_msg("%s %s: no default: %s", programs[i][0], name, line);
		}
		child_free(&list);
		child_free(&help);
	}
}

/* Each word of a model's own option, with a line on what it does. */
static void help_on_variants(void **state)
{
	static const struct {
		const char *model, *option, *words[5];
	} rows[] = {
		{"uring", "--uring=help", {"\n  multishot ", "\n  sqpoll[:V] ", "\n  min-wait:V "}},
		{"epoll", "--epoll=help", {"\n  edge  ", "\n  busy-poll:V ", "V is a duration"}},
	};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		const char *const lists[] = {rows[i].option, NULL}, *const helps[] = {"--help",
										      NULL};
		struct child list, help;

		assert_int_equal(fetching_run(&list, rows[i].model, lists), 0);
		assert_int_equal(fetching_run(&help, rows[i].model, helps), 0);
		for (size_t w = 0; rows[i].words[w]; w++)
			has(list.out.text, rows[i].words[w]);
		has(help.out.text, list.out.text);
		has(help.out.text, rows[i].option);
		child_free(&list);
		child_free(&help);
	}
}

/* Of a policy or a core too. */
static void nearest_names(void **state)
{
	static const struct {
		const char *argv[5], *says;
	} rows[] = {
		{{"fetch-epoll", "--place", "coers", url}, "did you mean cores?"},
		{{"iolab", "topology", "--place", "spred"}, "did you mean spread?"},
		{{"sumsq-serial", "--core", "scalr"}, "did you mean scalar?"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *argv[5];
		struct child child;

		memcpy(argv, rows[i].argv, sizeof(argv));
		argv[0] = child_program(argv[0]);
		assert_int_equal(child_run(&child, argv), 2);
		assert_true(child_one_line(child.err.text));
		has(child.err.text, rows[i].says);
		child_free(&child);
	}
}

/* What is not there is said to be, and not what came of it. */
static void what_is_not_there(void **state)
{
	const char *const xdp[] = {"http://no-such-host.invalid/", NULL};
	const char *topology[] = {NULL, "topology", "--on", "/no/such/machine.xml", NULL};
	struct child child;

	(void)state;
	assert_int_equal(fetching_run(&child, "xdp", xdp), 1);
	assert_true(child_one_line(child.err.text));
	has(child.err.text, "http://no-such-host.invalid/: resolve: ");
	child_free(&child);
	topology[0] = child_program("iolab");
	assert_int_equal(child_run(&child, topology), 2);
	assert_true(child_one_line(child.err.text));
	has(child.err.text, "cannot read /no/such/machine.xml: No such file");
	child_free(&child);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(summary_of_a_run), cmocka_unit_test(idle_options),
		cmocka_unit_test(help_is_complete), cmocka_unit_test(help_on_variants),
		cmocka_unit_test(nearest_names),    cmocka_unit_test(what_is_not_there),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
