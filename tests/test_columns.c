/* What iolab columns tells of the files that hold no rows has the names that their headers have. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lab/columns_files.h"
#include "lab/fetch_bench.h"
#include "results/programs.h"
#include "results/summary.h"

static void write_header(unsigned which, FILE *file)
{
	if (which == 0)
		assert_int_equal(summary_write_csv_header(file), 0);
	else if (which == 1)
		assert_int_equal(programs_write_csv(NULL, 0, file), 0);
	else
		samples_write_header(file);
}

static void names_are_those_of_the_headers(void **state)
{
	(void)state;
	for (unsigned which = 0; which < COLUMNS_FILES; which++) {
		const struct columns_file *told = &columns_files[which];
		char *header = NULL, *rest = NULL, *name;
		size_t size, i = 0;
		FILE *file = open_memstream(&header, &size);

		assert_non_null(file);
		write_header(which, file);
		fclose(file);
		for (name = strtok_r(header, ",\n", &rest); name;
		     name = strtok_r(NULL, ",\n", &rest), i++) {
			assert_true(i < told->count);
			assert_string_equal(name, told->columns[i].name);
		}
		assert_int_equal(i, told->count);
		assert_string_equal(told->name, columns_file_names[which + 1]);
		free(header);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(names_are_those_of_the_headers)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
