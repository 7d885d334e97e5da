/*
 * kernels/sumsq for AArch64: built with the cross compiler and run by qemu's user mode, every core
 * against the closed form (tests/arm/neon.c). On AArch64 itself test_sumsq does that and more.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "tests/child.h"

#define COMPILER "aarch64-linux-gnu-gcc"

/* 126 and 127: it cannot be run, or is not there. */
static bool answers(const char *program)
{
	const char *const argv[] = {program, "--version", NULL};
	struct child child;
	bool is_there = child_run(&child, argv) == 0;

	child_free(&child);
	return is_there;
}

static const char *find_emulator(void)
{
	if (answers("qemu-aarch64"))
		return "qemu-aarch64";
	return answers("qemu-aarch64-static") ? "qemu-aarch64-static" : NULL;
}

static void run_at(const char *emulator, const char *level)
{
	static char program[512];
	const char *const build[] = {COMPILER,
				     "-std=gnu17",
				     "-D_GNU_SOURCE",
				     "-Wall",
				     "-Wextra",
				     "-Werror",
				     level,
				     "-I.",
				     "-static",
				     "-o",
				     program,
				     "tests/arm/neon.c",
				     "kernels/sumsq/cores.c",
				     "kernels/sumsq/core_neon.c",
				     "kernels/sumsq/core_scalar.c",
				     NULL};
	const char *const run[] = {emulator, program, NULL};
	struct child child;

	snprintf(program, sizeof(program), "%s", child_program("tests/neon.aarch64"));
	if (child_run(&child, build) != 0)
		fail_msg("%s %s: %s", COMPILER, level, child.err.text);
	child_free(&child);
	if (child_run(&child, run) != 0)
		fail_msg("%s: status %d: %s%s", level, child.status, child.out.text,
			 child.err.text);
	assert_string_equal(child.out.text, "neon ran\nscalar ran\n");
	child_free(&child);
}

static void exact_under_emulation(void **state)
{
	const char *emulator = find_emulator();

	(void)state;
#ifdef __aarch64__
	print_message("skipped: this is an AArch64; test_sumsq has run the core\n");
	return;
#endif
	if (!emulator || !answers(COMPILER)) {
		print_message("skipped: no %s here (Debian: gcc-aarch64-linux-gnu, qemu-user)\n",
			      emulator ? COMPILER : "qemu-aarch64");
		return;
	}
	run_at(emulator, "-O2");
	run_at(emulator, "-O3");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(exact_under_emulation)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
