/*
 * What a plan's text may be, for the run's folder to hold it: two cells never of one name, all of
 * it UTF-8, a seed that JSON can hold, and the stored text read again to the very same plan.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "lab/plan.h"
#include "tests/child.h"

static void assert_refused(const char *text, int err, const char *says)
{
	struct plan plan;
	char why[512] = "";
	int got = plan_read_text("t.ini", text, 0, &plan, why, sizeof(why));

	if (got != err || !strstr(why, says))
		fail_msg("%d, '%s' is not in '%s'", got, says, why);
	plan_release(&plan);
}

static void names_are_taken_once(void **state)
{
	struct plan plan;
	char why[512];

	(void)state;
	assert_refused("[command a]\nrun = true {k}\nk = 1, 2\n[command a/1]\nrun = true\n",
		       -EINVAL,
		       "t.ini:4: [a/1]: its cell a/1 has the name of a cell of [a], t.ini:1;");
	assert_refused("[command a]\nrun = true {k} {m}\nk = 1, 1/2\nm = 2/3, 3\n", -EINVAL,
		       "t.ini:1: [a]: two of its cells have the name a/1/2/3, the one of k=1 m=2/3 "
		       "and the one of k=1/2 m=3;");
	/* The control has its twin's name, and may. */
	assert_int_equal(plan_read_text("t.ini", "[command a]\nrun = true {k}\nk = 1, 2\n", 0,
					&plan, why, sizeof(why)),
			 0);
	assert_int_equal(plan.cell_count, 3);
	plan_release(&plan);
}

static void text_is_utf8(void **state)
{
	struct plan plan;
	char why[512];

	(void)state;
	assert_refused("[nap n]\nmodel = epoll\n; caf\xe9\n", -EILSEQ,
		       "t.ini:3: byte 6, 0xe9, is not UTF-8");
	assert_refused("[nap \xff]\nmodel = epoll\n", -EILSEQ, "t.ini:1: byte 6, 0xff,");
	setenv("IOLAB_TEXT", "a\xc0", 1);
	assert_refused("[command c]\nrun = echo ${IOLAB_TEXT}\n", -EINVAL,
		       "t.ini:2: the environment's variable IOLAB_TEXT is not UTF-8");
	unsetenv("IOLAB_TEXT");
	assert_int_equal(plan_read_text("caf\xe9.ini", "[nap n]\nmodel = epoll\n", 0, &plan, why,
					sizeof(why)),
			 -EILSEQ);
	assert_non_null(strstr(why, "a plan's name is UTF-8"));
	plan_release(&plan);
	assert_int_equal(
		plan_read_text("café.ini", "[nap é]\nmodel = epoll\n", 0, &plan, why, sizeof(why)),
		0);
	plan_release(&plan);
}

/* Reads the text, and what it came to again; the run line of both. */
static void assert_read_again(const char *run, const char *means)
{
	struct plan plan, again;
	char text[256], why[512] = "";

	snprintf(text, sizeof(text), "[command c]\nrun = %s\n", run);
	if (plan_read_text("t.ini", text, 0, &plan, why, sizeof(why)) ||
	    plan_read_text("t.ini", plan.text.flat, 0, &again, why, sizeof(why)))
		fail_msg("%s: %s", run, why);
	assert_string_equal(plan_value(&plan.cells[0], "run"), means);
	assert_string_equal(plan_value(&again.cells[0], "run"), means);
	assert_string_equal(plan.text.flat, again.text.flat);
	plan_release(&plan);
	plan_release(&again);
}

static void variables_are_put_in_once(void **state)
{
	(void)state;
	setenv("IOLAB_TEXT", "${HOME} $${ $$ ${", 1);
	assert_read_again("echo ${IOLAB_TEXT}", "echo ${HOME} $${ $$ ${");
	assert_read_again("echo $${IOLAB_TEXT}", "echo ${IOLAB_TEXT}");
	assert_read_again("echo $$${IOLAB_TEXT} $$ $1", "echo $${IOLAB_TEXT} $$ $1");
	unsetenv("IOLAB_TEXT");
}

/* A plan that can be run can be gone on with: what includes come to has the limit of a file. */
static void includes_have_one_limit(void **state)
{
	char folder[] = "/tmp/iolab-text-XXXXXX", path[64], command[64], why[512] = "";
	struct plan plan;
	FILE *file;

	(void)state;
	assert_non_null(mkdtemp(folder));
	for (int i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/%d.ini", folder, i);
		file = fopen(path, "w");
		assert_non_null(file);
		for (size_t k = 0; k < PLAN_FILE_MAX * 6 / 10; k += 80)
			fprintf(file, ";%78s\n", "");
		fputs(i ? "include = 0.ini\n[nap n]\nmodel = epoll\n" : "", file);
		for (size_t k = 0; k < 100; k++)
			fputs(";\n", file);
		assert_int_equal(fclose(file), 0);
	}
	/* Blanks at a line's end are not kept: that alone is no reason. */
	assert_int_equal(plan_read(path, 0, &plan, why, sizeof(why)), 0);
	plan_release(&plan);
	for (int i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/%d.ini", folder, i);
		file = fopen(path, "w");
		assert_non_null(file);
		for (size_t k = 0; k < PLAN_FILE_MAX * 6 / 10; k += 80)
			fprintf(file, ";%78s\n", ".");
		fputs(i ? "include = 0.ini\n[nap n]\nmodel = epoll\n" : "", file);
		assert_int_equal(fclose(file), 0);
	}
	assert_int_equal(plan_read(path, 0, &plan, why, sizeof(why)), -EFBIG);
	assert_non_null(strstr(why, "with what it includes, is more than 1048576 bytes"));
	plan_release(&plan);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	assert_int_equal(system(command), 0);
}

/* run.json holds it as a number with a sign. */
static void seeds_have_a_sign(void **state)
{
	static const char *const largest = "9223372036854775807", *const more =
									  "9223372036854775808";
	const char *const argv[] = {child_program("iolab"), "run", "--seed", more, "study", NULL};
	char text[128];
	struct child child;
	struct plan plan;

	(void)state;
	assert_int_equal(child_run(&child, argv), 2);
	if (!child_one_line(child.err.text) || !strstr(child.err.text, "--seed: '922"))
		fail_msg("%s", child.err.text);
	child_free(&child);
	snprintf(text, sizeof(text), "[experiment]\nseed = %s\n[nap n]\nmodel = epoll\n", more);
	assert_refused(text, -EINVAL, "t.ini:2: [experiment] seed: '9223372036854775808' is above");
	snprintf(text, sizeof(text), "[experiment]\nseed = %s\n[nap n]\nmodel = epoll\n", largest);
	assert_int_equal(plan_read_text("t.ini", text, 0, &plan, text, sizeof(text)), 0);
	assert_true(plan.seed == INT64_MAX);
	plan_release(&plan);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_taken_once),
		cmocka_unit_test(text_is_utf8),
		cmocka_unit_test(variables_are_put_in_once),
		cmocka_unit_test(includes_have_one_limit),
		cmocka_unit_test(seeds_have_a_sign),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
