/* results/programs: rows become a line a program, medians and ratios by hand. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "results/programs.h"

static struct record rows[16];
static size_t count;

static struct record *add(enum record_kind kind, const char *cell, double duration_s)
{
	struct record *r = &rows[count++];

	record_init(r, kind);
	record_set_text(r, COLUMN_cell, cell);
	record_set_text(r, COLUMN_role, "cell");
	record_set_count(r, COLUMN_partial, 0);
	record_set_real(r, COLUMN_duration_s, duration_s);
	record_set_real(r, COLUMN_setup_s, 0.5);
	record_set_real(r, COLUMN_cpu_user_s, duration_s / 100);
	record_set_real(r, COLUMN_cpu_system_s, duration_s / 50);
	return r;
}

static void clear(void)
{
	for (size_t i = 0; i < count; i++)
		record_release(&rows[i]);
	count = 0;
}

static void figures(void **state)
{
	static const char *const names[] = {"1 sequential", "5 \"loop\"", "4 naps", "gone", "none"};
	struct program *programs;
	size_t made, size;
	char *text = NULL;
	FILE *file;

	(void)state;
	add(RECORD_FETCH, "1 sequential", 4);
	add(RECORD_FETCH, "5 \"loop\"", 0.5);
	add(RECORD_FETCH, "1 sequential", 2);
	add(RECORD_FETCH, "1 sequential", 3);
	add(RECORD_NAP, "4 naps", 6);
	record_set_text(add(RECORD_FETCH, "1 sequential", 100), COLUMN_role, "control");
	record_set_count(add(RECORD_FETCH, "5 \"loop\"", 100), COLUMN_partial, 1);
	record_set_text(add(RECORD_FETCH, "gone", 1), COLUMN_flags, "failed timeout");
	record_set_real(&rows[1], COLUMN_cpu_helper_s, 1);
	programs = programs_make(rows, count, names, 5, &made);
	assert_non_null(programs);
	assert_int_equal(made, 4);
	assert_true(programs[0].duration_s == 3 && programs[0].low_s == 2 &&
		    programs[0].high_s == 4);
	assert_int_equal(programs[0].runs, 3);
	assert_true(fabs(programs[0].cpu_s - 0.09) < 1e-12);
	assert_true(fabs(programs[1].cpu_s - 1.015) < 1e-12);
	assert_true(programs[1].ratio == 6);
	assert_int_equal(programs[1].left_out, 1);
	/* A nap is compared with the first nap, not with a fetch. */
	assert_true(programs[2].ratio == 1);
	assert_int_equal(programs[3].runs, 0);
	assert_true(isnan(programs[3].ratio));

	file = open_memstream(&text, &size);
	assert_int_equal(programs_print(programs, made, file, false), 0);
	assert_int_equal(fclose(file), 0);
	assert_non_null(strstr(text, "6.00 x"));
	assert_non_null(strstr(text, "\nAs fast as the first: the median time of the first"));
	assert_non_null(strstr(text, "failed"));
	free(text);
	file = open_memstream(&text, &size);
	assert_int_equal(programs_write_csv(programs, made, file), 0);
	assert_int_equal(fclose(file), 0);
	assert_non_null(strstr(text, "\n1 sequential,3,0,3,2,4,0.09,1,0.5\n"));
	assert_non_null(strstr(text, "\n\"5 \"\"loop\"\"\",1,1,0.5,0.5,0.5,1.015,6,0.5\n"));
	assert_non_null(strstr(text, "\ngone,0,1,,,,,,\n"));
	free(text);
	free(programs);
	clear();
}

/* The first of its kind failed: there is nothing to compare with, and nothing is made up. */
static void without_a_first(void **state)
{
	static const char *const names[] = {"a", "b"};
	struct program *programs;
	size_t made;

	(void)state;
	record_set_text(add(RECORD_FETCH, "a", 1), COLUMN_flags, "failed");
	add(RECORD_FETCH, "b", 1);
	programs = programs_make(rows, count, names, 2, &made);
	assert_int_equal(made, 2);
	assert_true(isnan(programs[1].ratio) && programs[1].duration_s == 1);
	free(programs);
	clear();
	programs = programs_make(NULL, 0, names, 2, &made);
	assert_int_equal(made, 0);
	free(programs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(figures),
		cmocka_unit_test(without_a_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
