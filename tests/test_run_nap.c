/*
 * The nap executables as a user runs them: the study's lines in the order that the model makes
 * them happen, the row, bad input, Ctrl-C. Order and counts are looked at, never times.
 */
#include <jansson.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "kernels/nap/nap.h"
#include "lab/nap_options.h"
#include "tests/child.h"

static int run(struct child *child, const struct nap_model *model, const char *const *arguments)
{
	char name[64];
	const char *argv[12];
	int i = 0;

	snprintf(name, sizeof(name), "nap-%s", model->name);
	argv[0] = child_program(name);
	while ((argv[i + 1] = arguments[i]))
		i++;
	return child_run(child, argv);
}

/* Where a line begins; fails when it is not there. */
static const char *at(const struct child *child, const char *line)
{
	const char *found = strstr(child->out.text, line);

	if (!found || (found != child->out.text && found[-1] != '\n'))
		fail_msg("no line '%s' in:\n%s", line, child->out.text);
	return found;
}

static unsigned lines(const char *text)
{
	unsigned count = 0;

	for (; *text; text++)
		count += *text == '\n';
	return count;
}

static void one_after_another(void **state)
{
	static const char *const arguments[] = {"--tick", "10ms", NULL};
	static const char expected[] = "One -> 1 of 3 is calculating...\n"
				       "One -> 2 of 3 is calculating...\n"
				       "One -> 3 of 3 is calculating...\n"
				       "One - 3 working done!\n"
				       "Two -> 1 of 2 is calculating...\n"
				       "Two -> 2 of 2 is calculating...\n"
				       "Two - 2 working done!\n"
				       "Three -> 1 of 1 is calculating...\n"
				       "Three - 1 working done!\n"
				       ">>> total seconds : 0.";
	struct child child;

	(void)state;
	assert_int_equal(run(&child, &nap_blocking, arguments), 0);
	child.out.text[strlen(expected)] = '\0';
	assert_string_equal(child.out.text, expected);
	child_free(&child);
}

/* All begin before any goes on, and the short ones are done before the long one. */
static void all_together(void **state)
{
	static const char *const arguments[] = {"--tick", "20ms", NULL};
	static const char first[] = "One -> 1 of 3 is calculating...\n"
				    "Two -> 1 of 2 is calculating...\n"
				    "Three -> 1 of 1 is calculating...\n";

	(void)state;
	for (const struct nap_model *const *m = nap_models; *m; m++) {
		struct child child;

		if (!(*m)->asynchronous)
			continue;
		assert_int_equal(run(&child, *m, arguments), 0);
		assert_int_equal(strncmp(child.out.text, first, strlen(first)), 0);
		assert_true(at(&child, "Three - 1 working") < at(&child, "One -> 3 of 3"));
		assert_true(at(&child, "Two -> 2 of 2") < at(&child, "One -> 3 of 3"));
		assert_true(at(&child, "Two - 2 working") < at(&child, "One - 3 working"));
		assert_true(at(&child, "One - 3 working") < at(&child, ">>> total seconds : 0."));
		assert_int_equal(lines(child.out.text), 10);
		child_free(&child);
	}
}

/* Into a pipe too a line is seen when it happens: the first, while a long nap goes on. */
static void as_it_happens(void **state)
{
	(void)state;
	for (const struct nap_model *const *m = nap_models; *m; m++) {
		const char *argv[] = {NULL, "--tick", "60s", NULL};
		struct child child;
		char name[64];

		snprintf(name, sizeof(name), "nap-%s", (*m)->name);
		argv[0] = child_program(name);
		child_start(&child, argv);
		assert_string_equal(child_line(&child, CHILD_LIMIT_MS),
				    "One -> 1 of 3 is calculating...");
		/* And Ctrl-C ends it, with what was done until then. */
		assert_int_equal(child_end(&child, SIGINT, CHILD_LIMIT_MS), 130);
		assert_non_null(strstr(child.out.text, ">>> total seconds : "));
		assert_null(strstr(child.out.text, "done!"));
		child_free(&child);
	}
}

static double number(const json_t *row, const char *key)
{
	if (!json_is_number(json_object_get(row, key)))
		fail_msg("no number %s", key);
	return json_number_value(json_object_get(row, key));
}

static void the_row(void **state)
{
	static const char *const arguments[] = {"--tick", "2ms",    "--tasks", "a:2,b:5",
						"--cpus", "core:0", "--json",  NULL};

	(void)state;
	for (const struct nap_model *const *m = nap_models; *m; m++) {
		struct child child;
		json_t *row;

		assert_int_equal(run(&child, *m, arguments), 0);
		assert_true(child_one_line(child.out.text));
		row = json_loads(child.out.text, 0, NULL);
		assert_non_null(row);
		assert_string_equal(json_string_value(json_object_get(row, "model")), (*m)->name);
		assert_string_equal(json_string_value(json_object_get(row, "quadrant")),
				    (*m)->asynchronous ? "async-blocking" : "sync-blocking");
		assert_string_equal(json_string_value(json_object_get(row, "placement")), "cpus");
		assert_true(number(row, "tasks") == 2);
		assert_true(number(row, "ticks") == 7);
		assert_true(number(row, "tick_s") == 0.002);
		/* A nap is never shorter than asked for: that much is certain. */
		assert_true(number(row, "total_s") >= ((*m)->asynchronous ? 0.010 : 0.014));
		assert_true(number(row, "overshoot_max_us") >= number(row, "overshoot_p50_us"));
		assert_true(number(row, "partial") == 0);
		json_decref(row);
		child_free(&child);
	}
}

static void many_tasks(void **state)
{
	char text[5 * 300 + 1];
	const char *const arguments[] = {"--tick", "1ms", "--tasks", text, NULL};
	size_t used = 0;

	(void)state;
	for (int i = 0; i < 300; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%sx:2", i ? "," : "");
	for (const struct nap_model *const *m = nap_models; *m; m++) {
		struct child child;

		if (!(*m)->asynchronous)
			continue;
		assert_int_equal(run(&child, *m, arguments), 0);
		assert_int_equal(lines(child.out.text), 300 * 3 + 1);
		child_free(&child);
	}
}

static void csv_and_quiet(void **state)
{
	static const char *const csv[] = {"--tick", "1ms", "--csv", "-", NULL};
	static const char *const quiet[] = {"--tick", "1ms", "--quiet", NULL};
	struct child child;

	(void)state;
	assert_int_equal(run(&child, &nap_epoll, csv), 0);
	assert_int_equal(lines(child.out.text), 2);
	assert_int_equal(strncmp(child.out.text, "schema_version,", 15), 0);
	child_free(&child);
	assert_int_equal(run(&child, &nap_blocking, quiet), 0);
	assert_string_equal(child.out.text, "");
	child_free(&child);
}

static void bad_input(void **state)
{
	static const struct {
		const char *arguments[5];
		int status;
		const char *says;
	} rows[] = {
		{{"--tick", "0"}, 2, "--tick: '0' is below the least"},
		{{"--tick", "soon"}, 2, "--tick: 'soon'"},
		{{"--tasks", "One"}, 2, "--tasks: 'One' is not NAME:TICKS"},
		{{"--tasks", "One:0"}, 2, "'One:0'"},
		{{"--tasks", "One:3,"}, 2, "'' is not"},
		{{"--tasks", ":3"}, 2, "':3'"},
		{{"--tasks", "One:3.5"}, 2, "'One:3.5'"},
		{{"--tasks", "One:99999999999999999999"}, 2, "'One:99999999999999999999'"},
		{{"--task", "One:3"}, 2, "did you mean --tasks?"},
		{{"--json", "--csv", "-"}, 2, "cannot share stdout"},
		{{"--cpus", "0", "--place", "cores"}, 2, "exclude each other"},
		{{"--cpus", "9999", "--tick", "1ms"}, 3, "9999"},
		{{"One"}, 2, "'One' is not an option"},
		{{"--tick", "1ms", "--csv", "/nowhere/at/all.csv"}, 1, "/nowhere/at/all.csv"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct child child;
		int status = run(&child, &nap_epoll, rows[i].arguments);

		if (status != rows[i].status || !child_one_line(child.err.text) ||
		    !strstr(child.err.text, rows[i].says))
			fail_msg("row %zu: status %d: %s", i, status, child.err.text);
		child_free(&child);
	}
}

/* What the plans reckon with. */
static void ticks_needed(void **state)
{
	struct nap_task *tasks;
	unsigned count;
	char why[256];

	(void)state;
	assert_int_equal(nap_tasks_parse(NAP_TASKS_DEFAULT, &tasks, &count, why, sizeof(why)), 0);
	assert_int_equal(count, 3);
	assert_string_equal(tasks[1].name, "Two");
	assert_int_equal(nap_tasks_ticks(tasks, count, false), 6);
	assert_int_equal(nap_tasks_ticks(tasks, count, true), 3);
	nap_tasks_release(tasks, count);
	assert_ptr_equal(nap_find("uring"), &nap_uring);
	assert_null(nap_find("bed"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_after_another), cmocka_unit_test(all_together),
		cmocka_unit_test(as_it_happens),     cmocka_unit_test(the_row),
		cmocka_unit_test(many_tasks),	     cmocka_unit_test(csv_and_quiet),
		cmocka_unit_test(bad_input),	     cmocka_unit_test(ticks_needed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
