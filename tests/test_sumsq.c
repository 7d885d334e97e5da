/*
 * kernels/sumsq: every core against the closed form, at the places where its arithmetic changes
 * or its lanes could overflow, and a count of the instructions it runs: a core that a compiler
 * turned into a formula would give the right sums for no work. A core that this CPU lacks is
 * skipped, and why is printed.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "kernels/sumsq/sumsq.h"

#define TWO(n) (UINT64_C(1) << (n))

static void check(const struct sumsq_core *core, uint64_t first, uint64_t last)
{
	sumsq_total expected = sumsq_closed_form(first, last);
	sumsq_total sum = core->sum(first, last);
	char text[2][SUMSQ_TEXT];

	if (sum != expected)
		fail_msg("%s: [%llu, %llu) is %s, not %s", core->name, (unsigned long long)first,
			 (unsigned long long)last, sumsq_format(sum, text[0]),
			 sumsq_format(expected, text[1]));
}

static void each_core(void (*test)(const struct sumsq_core *core))
{
	for (size_t i = 0; i < sumsq_cores_count; i++) {
		if (sumsq_cores[i].runs())
			test(&sumsq_cores[i]);
		else
			print_message("skipped: the core %s needs %s\n", sumsq_cores[i].name,
				      sumsq_cores[i].needs);
	}
}

/* The checker itself, against sums added up here. */
static void closed_form(void **state)
{
	sumsq_total sum = 0;
	char text[SUMSQ_TEXT];

	(void)state;
	for (uint64_t n = 0; n < 1000; n++) {
		assert_true(sumsq_closed_form(0, n) == sum);
		sum += (sumsq_total)n * n;
	}
	assert_true(sumsq_closed_form(10, 10) == 0);
	assert_true(sumsq_closed_form(SUMSQ_LIMIT - 1, SUMSQ_LIMIT) ==
		    (sumsq_total)(SUMSQ_LIMIT - 1) * (SUMSQ_LIMIT - 1));
	/* (2^42 - 1) 2^42 (2^43 - 1) / 6, worked out elsewhere. */
	assert_string_equal(sumsq_format(sumsq_closed_form(0, SUMSQ_LIMIT), text),
			    "28356863910068533882057634318924120064");
	assert_string_equal(sumsq_format(0, text), "0");
	assert_string_equal(sumsq_format(~(sumsq_total)0, text),
			    "340282366920938463463374607431768211455");
}

/* Every length up to some rounds of every core, from starts of every alignment. */
static void check_tails(const struct sumsq_core *core)
{
	static const uint64_t bases[] = {0, 4096, TWO(26) - 150, TWO(32) - 150, TWO(42) - 500};

	for (size_t b = 0; b < sizeof(bases) / sizeof(bases[0]); b++)
		for (uint64_t first = bases[b]; first < bases[b] + 17; first++)
			for (uint64_t length = 0; length < 300; length++)
				check(core, first, first + length);
}

static void tails(void **state)
{
	(void)state;
	each_core(check_tails);
}

/* Ranges that end just before, at and just after a change of arithmetic. */
static void check_switches(const struct sumsq_core *core)
{
	static const uint64_t switches[] = {TWO(21), TWO(22), TWO(26), TWO(31), TWO(32), TWO(33)};

	for (size_t s = 0; s < sizeof(switches) / sizeof(switches[0]); s++)
		for (uint64_t k = 0; k < 5; k++) {
			check(core, switches[s] - 1000 - k, switches[s] - 2 + k);
			check(core, switches[s] - 2 + k, switches[s] + 1000);
			check(core, switches[s] - 100000, switches[s] + 100000 + k);
		}
	check(core, SUMSQ_LIMIT - 1, SUMSQ_LIMIT);
	check(core, SUMSQ_LIMIT - 100001, SUMSQ_LIMIT);
}

static void switches(void **state)
{
	(void)state;
	each_core(check_switches);
}

/* Ranges so long that lanes which are not folded in time overflow. */
static void check_lanes(const struct sumsq_core *core)
{
	check(core, 0, TWO(24) + 5);
	check(core, TWO(25) + 3, TWO(26));
	check(core, TWO(26), TWO(26) + 4000037);
	check(core, TWO(32) - 4000037, TWO(32));
	check(core, SUMSQ_LIMIT - 110000003, SUMSQ_LIMIT);
}

static void lanes(void **state)
{
	(void)state;
	each_core(check_lanes);
}

/* The sum from 0 leaves 64 bits between one n and the next. */
static void check_carry(const struct sumsq_core *core)
{
	uint64_t n = 3000000;

	while (sumsq_closed_form(0, n) >> 64 == 0)
		n++;
	for (uint64_t last = n - 2; last < n + 2; last++)
		check(core, 0, last);
}

static void carry(void **state)
{
	(void)state;
	each_core(check_carry);
}

static void the_default_jobs(void **state)
{
	sumsq_total total = 0;
	const struct sumsq_core *core;
	char text[SUMSQ_TEXT];

	(void)state;
	assert_int_equal(sumsq_core_find("auto", &core, text, sizeof(text)), 0);
	for (uint64_t n = 3000000; n < 3000030; n++)
		total += core->sum(0, n);
	assert_string_equal(sumsq_format(total, text), "270003780024375058870");
}

static void choice(void **state)
{
	const struct sumsq_core *core = NULL;
	char why[120] = "";

	(void)state;
	assert_int_equal(sumsq_core_find("scalar", &core, why, sizeof(why)), 0);
	assert_string_equal(core->name, "scalar");
	assert_int_equal(sumsq_core_find("abacus", &core, why, sizeof(why)), -EINVAL);
	assert_non_null(strstr(why, "abacus"));
	for (size_t i = 0; i < sumsq_cores_count; i++) {
		int err = sumsq_core_find(sumsq_cores[i].name, &core, why, sizeof(why));

		assert_int_equal(err, sumsq_cores[i].runs() ? 0 : -ENOTSUP);
		if (err)
			assert_non_null(strstr(why, sumsq_cores[i].needs));
	}
}

/* How many instructions core->sum(0, last) takes, run one by one in a child; -1 when refused. */
static long instructions(const struct sumsq_core *core, uint64_t last)
{
	long steps = -1;
	int status;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL))
			_exit(1);
		raise(SIGSTOP);
		_exit(core->sum(0, last) == sumsq_closed_form(0, last) ? 0 : 2);
	}
	while (waitpid(child, &status, 0) == child && WIFSTOPPED(status)) {
		steps++;
		if (ptrace(PTRACE_SINGLESTEP, child, NULL, NULL)) {
			kill(child, SIGKILL);
			waitpid(child, &status, 0);
			return -1;
		}
	}
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? steps : -1;
}

/*
 * The vector cores handle at most 16 squares an instruction or two; the scalar core takes at least
 * a multiplication, an addition with carry and its part of the loop for each square.
 */
static void check_work(const struct sumsq_core *core)
{
	const long squares = 512;
	long few = instructions(core, 512);
	long more = instructions(core, 1024);
	long least = strcmp(core->name, "scalar") == 0 ? squares * 3 : squares / 8;

	if (few < 0 || more < 0) {
		print_message("skipped: counting the steps of %s: tracing is refused\n",
			      core->name);
		return;
	}
	if (more - few < least)
		fail_msg("%s: %ld more squares took %ld more instructions", core->name, squares,
			 more - few);
}

static void every_square_is_computed(void **state)
{
	(void)state;
	each_core(check_work);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(closed_form), cmocka_unit_test(tails),
		cmocka_unit_test(switches),    cmocka_unit_test(lanes),
		cmocka_unit_test(carry),       cmocka_unit_test(the_default_jobs),
		cmocka_unit_test(choice),      cmocka_unit_test(every_square_is_computed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
