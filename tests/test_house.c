/*
 * The rules of the house, kept by reading the source: who may include whom, no clock and no
 * printing in a model, files that a reader can hold in the head. Run from the top of the tree.
 */
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define LINES_MAX   400
#define COLUMNS_MAX 100

static const struct {
	const char *where, *never, *why;
} rules[] = {
	{"kernels/", "#include \"lab/", "kernels know nothing of how they are measured"},
	{"kernels/", "#include \"results/", "kernels know nothing of what comes out"},
	{"topology/", "#include \"kernels/", "where it runs does not depend on what runs"},
	{"topology/", "#include \"lab/", "the topology stands alone"},
	{"results/", "#include \"kernels/", "results do not depend on what was measured"},
	{"results/", "#include \"lab/", "results do not depend on how it was measured"},
	{"kernels/fetch/", "clock_gettime", "a model reads no clock"},
	{"kernels/fetch/", "gettimeofday", "a model reads no clock"},
	{"kernels/fetch/", "rdtsc", "a model reads no clock"},
	{"kernels/fetch/", "\tprintf(", "a model prints nothing"},
	{"kernels/fetch/", "fprintf(", "a model prints nothing"},
	{"kernels/nap/", "clock_gettime", "a model reads no clock"},
	{"kernels/nap/", "\tprintf(", "a model prints nothing"},
	{"kernels/nap/", "fprintf(", "a model prints nothing"},
	{"kernels/protocol/", "clock_gettime", "the protocol knows no clock"},
	{"kernels/protocol/", "recv(", "the protocol makes no call"},
	{"kernels/protocol/", "send(", "the protocol makes no call"},
	{"kernels/", "\texit(", "only mains end the program"},
	{"topology/", "\texit(", "only mains end the program"},
	{"results/", "\texit(", "only mains end the program"},
};

/* Tabs count to the next multiple of eight; a UTF-8 character counts as one. */
static size_t columns(const char *line)
{
	size_t count = 0;

	for (; *line && *line != '\n'; line++) {
		if (*line == '\t')
			count = (count / 8 + 1) * 8;
		else if ((*line & 0xc0) != 0x80)
			count++;
	}
	return count;
}

static unsigned files_seen, broken;

static void complain(const char *path, unsigned line, const char *why)
{
	print_error("%s:%u: %s\n", path, line, why);
	broken++;
}

static void check_line(const char *path, unsigned number, const char *line)
{
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (strncmp(path, rules[i].where, strlen(rules[i].where)) == 0 &&
		    strstr(line, rules[i].never))
			complain(path, number, rules[i].why);
	/* Tests quote what programs print, however long. */
	if (columns(line) > COLUMNS_MAX && strncmp(path, "tests/", 6) != 0)
		complain(path, number, "longer than 100 columns");
	if (number == 1 && strncmp(line, "/*", 2) != 0)
		complain(path, number, "a file opens by saying what it is");
}

static int check_file(const char *path, const struct stat *status, int type, struct FTW *where)
{
	const char *end = strrchr(path, '.');
	char line[1024];
	unsigned number = 0;
	FILE *file;

	(void)status;
	(void)where;
	if (type != FTW_F || !end || (strcmp(end, ".c") != 0 && strcmp(end, ".h") != 0))
		return 0;
	file = fopen(path, "r");
	assert_non_null(file);
	while (fgets(line, sizeof(line), file))
		check_line(path, ++number, line);
	fclose(file);
	files_seen++;
	/* A test is read case by case, not as a whole. */
	if (number > LINES_MAX && strncmp(path, "tests/", 6) != 0)
		complain(path, number, "longer than 400 lines");
	return 0;
}

static void rules_of_the_house(void **state)
{
	static const char *const rooms[] = {"kernels", "lab", "results", "topology", "tests"};

	(void)state;
	for (size_t i = 0; i < sizeof(rooms) / sizeof(rooms[0]); i++)
		assert_int_equal(nftw(rooms[i], check_file, 8, FTW_PHYS), 0);
	assert_true(files_seen > 50);
	assert_int_equal(broken, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_of_the_house),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
