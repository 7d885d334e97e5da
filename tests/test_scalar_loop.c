/*
 * kernels/sumsq/core_scalar.c, compiled anew by each compiler there is and at each level: its
 * machine code must hold a loop (a jump back) with a multiplication in it for each of the two
 * bands, narrow and wide products, and no vector multiplication. Compilers know how to make a
 * formula of the naive loop, and clang does.
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

#define INSTRUCTIONS_MAX 2000

struct instruction {
	unsigned long address;
	unsigned long target; /* of a jump, else 0 */
	bool multiplies;
	bool is_wide; /* with a product of 128 bits */
	bool is_vector;
};

static struct instruction code[INSTRUCTIONS_MAX];
static size_t code_count;

static bool is_there(const char *program)
{
	const char *const argv[] = {program, "--version", NULL};
	struct child child;
	bool answers = child_run(&child, argv) == 0;

	child_free(&child);
	return answers;
}

/* A line of objdump: "   1f:\t74 0a  \tje     2b <sumsq_scalar+0x2b>", without the bytes. */
static void read_line(const char *line)
{
	char name[24] = "", operands[200] = "";
	unsigned long address;
	struct instruction *it = &code[code_count];

	if (sscanf(line, " %lx: %23s %199[^\n]", &address, name, operands) < 2)
		return;
	assert_true(code_count < INSTRUCTIONS_MAX);
	*it = (struct instruction){
		.address = address,
		.multiplies = strstr(name, "mul") || strstr(name, "madd"),
		.is_wide = strncmp(name, "mul", 3) == 0
				   ? strchr(operands, ',') == NULL || strcmp(name, "mulx") == 0
				   : strcmp(name, "umulh") == 0,
		/* pmul, vpmul and their like; the registers tell, too. */
		.is_vector = strstr(operands, "%xmm") || strstr(operands, "%ymm") ||
			     strstr(operands, "%zmm") || strstr(operands, ".2d"),
	};
	if (*name == 'j' || (*name == 'b' && strncmp(name, "bl", 2) != 0) ||
	    strncmp(name, "cb", 2) == 0)
		sscanf(*operands == 'x' || *operands == 'w' ? strchr(operands, ',') + 1 : operands,
		       " %lx", &it->target);
	code_count++;
}

/* Whether there is a loop that multiplies, with wide products or with none but narrow ones. */
static bool has_loop(bool wide)
{
	for (size_t end = 0; end < code_count; end++) {
		bool multiplies = false, is_wide = false;

		if (!code[end].target || code[end].target > code[end].address)
			continue;
		for (size_t i = 0; i <= end; i++) {
			if (code[i].address < code[end].target)
				continue;
			multiplies |= code[i].multiplies;
			is_wide |= code[i].is_wide;
		}
		if (multiplies && is_wide == wide)
			return true;
	}
	return false;
}

static void check_code(const char *compiler, const char *level)
{
	static char object[512];
	const char *const build[] = {compiler, "-std=gnu17", "-D_GNU_SOURCE",
				     level,    "-I.",	     "-c",
				     "-o",     object,	     "kernels/sumsq/core_scalar.c",
				     NULL};
	const char *const dump[] = {"objdump", "-d", "--no-show-raw-insn", object, NULL};
	struct child child;

	snprintf(object, sizeof(object), "%s", child_program("tests/core_scalar.check.o"));
	if (child_run(&child, build) != 0)
		fail_msg("%s %s: %s", compiler, level, child.err.text);
	child_free(&child);
	assert_int_equal(child_run(&child, dump), 0);
	code_count = 0;
	for (const char *line = child.out.text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		read_line(line);
	}
	assert_true(code_count > 10);
	for (size_t i = 0; i < code_count; i++)
		if (code[i].is_vector && code[i].multiplies)
			fail_msg("%s %s: a vector multiplies at %lx", compiler, level,
				 code[i].address);
	if (!has_loop(false) || !has_loop(true))
		fail_msg("%s %s: no loop that multiplies in:\n%s", compiler, level, child.out.text);
	child_free(&child);
}

static void a_loop_and_no_formula(void **state)
{
	static const char *const compilers[] = {"gcc", "clang"};
	static const char *const levels[] = {"-O1", "-O2", "-O3", "-Ofast"};

	(void)state;
	if (!is_there("objdump")) {
		print_message("skipped: no objdump here (Debian: binutils)\n");
		return;
	}
	for (size_t c = 0; c < 2; c++) {
		if (!is_there(compilers[c])) {
			print_message("skipped: no %s here\n", compilers[c]);
			continue;
		}
		for (size_t l = 0; l < sizeof(levels) / sizeof(levels[0]); l++)
			check_code(compilers[c], levels[l]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(a_loop_and_no_formula)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
