/* lab/plan: an INI text becomes the right cells, and a wrong one is refused by line and key. */
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
#include "lab/plans.h"

/* Reads text as a plan file; the plan must be released. */
static int read_text(const char *text, struct plan *plan, char *why, size_t why_size)
{
	char path[] = "/tmp/iolab-plan-XXXXXX.ini";
	int fd = mkstemps(path, 4);
	int err;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	err = plan_read(path, plan, why, why_size);
	unlink(path);
	return err;
}

static const struct plan_cell *find(const struct plan *plan, const char *name, bool control)
{
	for (unsigned i = 0; i < plan->cell_count; i++)
		if (strcmp(plan->cells[i].name, name) == 0 && plan->cells[i].control == control)
			return &plan->cells[i];
	return NULL;
}

static void product_of_factors(void **state)
{
	struct plan plan;
	char why[512];

	(void)state;
	assert_int_equal(read_text("[experiment]\nblocks = 3\nseed = 7\n"
				   "[fetch a]\nmodel = blocking, epoll ,uring\nwait=block,spin\n"
				   "connections = 1, 64\nduration = 10ms\nbaseline = epoll/spin\n"
				   "[sumsq]\nmodel = serial\nduration = 1s\n",
				   &plan, why, sizeof(why)),
			 0);
	assert_int_equal(plan.blocks, 3);
	assert_int_equal(plan.seed, 7);
	/* blocking cannot spin: (1 + 2 + 2) x 2, the baseline's two twins, and one sum. */
	assert_int_equal(plan.cell_count, 5 * 2 + 2 + 1);
	assert_null(find(&plan, "a/blocking/spin/1", false));
	assert_non_null(find(&plan, "a/blocking/block/64", false));
	assert_non_null(find(&plan, "a/epoll/spin/1", true));
	assert_null(find(&plan, "a/epoll/block/1", true));
	assert_non_null(find(&plan, "sumsq", false));
	assert_string_equal(plan_value(find(&plan, "a/uring/spin/64", false), "connections"), "64");
	assert_null(plan_value(find(&plan, "sumsq", false), "wait"));
	assert_int_equal(plan_duration_ns(find(&plan, "sumsq", false), "duration", 0), 1000000000);
	assert_int_equal(plan_duration_ns(find(&plan, "sumsq", false), "warmup", 5), 5);
	plan_release(&plan);
}

static void wrong_plans(void **state)
{
	static const struct {
		const char *text, *says;
	} rows[] = {
		{"[experiment]\nblock = 3\n",
		 ":2: [experiment] has no key 'block'; did you mean blocks?"},
		{"[experiment]\nblocks = many\n",
		 ":2: [experiment] blocks: 'many' is not a whole number"},
		{"[experiment]\nblocks = 0\n", "blocks: 0 is not from 1"},
		{"[fetch]\nmodel = epol\nduration = 1s\n", "'epol' is not a fetch model"},
		{"[fetch]\nmodel = epoll,,uring\n", ":2: [fetch] model: a value is empty"},
		{"[fetch]\nmodel = epoll\n", "the key duration is missing"},
		{"[fetch]\nmodel = epoll\nduration = soon\n", "'soon' is not a duration"},
		{"[fetch]\nmodel = epoll\nduration = 1s, 2s\n", "duration: takes one value"},
		{"[fetch]\nmodel = epoll\nmodel = uring\n", ":3: [fetch] model: given twice"},
		{"[fetch]\nmodel = epoll\nduration = 1s\nwait = later\n", "neither block nor spin"},
		{"[fetch]\nmodel = epoll\nduration = 1s\nbaseline = uring\n", "no cell is 'uring'"},
		{"[sumsq]\nmodel = fibres\nduration = 1s\n", "'fibres' is none of serial"},
		{"[disk]\nmodel = x\n", ":2: section [disk]"},
		{"[fetch]\nmodel epoll\n", ":2: neither a section nor KEY = VALUE"},
		{"[fetch]\nmodel = epoll\nduration = 1s\nlatency = 1ms\nbody = 1k\n",
		 "latency and body do not go together"},
		{"[experiment]\nblocks = 1\n", "no workload"},
		{"", "no workload"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct plan plan;
		char why[512] = "";

		assert_int_equal(read_text(rows[i].text, &plan, why, sizeof(why)), -EINVAL);
		if (!strstr(why, rows[i].says))
			fail_msg("'%s' does not say '%s'", why, rows[i].says);
		plan_release(&plan);
	}
}

static void too_many_cells(void **state)
{
	static const char numbers[] =
		"1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24";
	char text[1024], why[512];
	struct plan plan;

	(void)state;
	snprintf(text, sizeof(text), "[fetch]\nmodel=epoll\nduration=1s\nconnections=%s\nbody=%s\n",
		 numbers, numbers);
	assert_int_equal(read_text(text, &plan, why, sizeof(why)), -EINVAL);
	assert_non_null(strstr(why, "more than 512 cells"));
	plan_release(&plan);
}

static void shipped_plans_read(void **state)
{
	struct plan plan;
	char why[512];

	(void)state;
	for (const struct plan_text *p = plan_texts; p->name; p++) {
		if (plan_read(p->name, &plan, why, sizeof(why)))
			fail_msg("%s: %s", p->name, why);
		assert_true(plan.cell_count > 0);
		assert_string_equal(plan.name, p->name);
		plan_release(&plan);
	}
	assert_int_equal(plan_read("matrx", &plan, why, sizeof(why)), -ENOENT);
	assert_non_null(strstr(why, "did you mean matrix?"));
	plan_release(&plan);
	assert_int_equal(plan_read("./no-such.ini", &plan, why, sizeof(why)), -ENOENT);
	plan_release(&plan);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(product_of_factors),
		cmocka_unit_test(wrong_plans),
		cmocka_unit_test(too_many_cells),
		cmocka_unit_test(shipped_plans_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
