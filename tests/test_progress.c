/* How long a run still takes, as it is shown: by the pace so far, the budget, and what was spent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>

#include "lab/progress.h"

static void assert_near(double value, double wanted)
{
	if (!(fabs(value - wanted) < 1e-9))
		fail_msg("%g is not %g", value, wanted);
}

static void by_the_pace_of_this_process(void **state)
{
	struct progress p;

	(void)state;
	progress_start(&p, 10, 100);
	assert_near(progress_left_s(&p, 0), 100);
	progress_done(&p, 20);
	/* Half as quick as was thought. */
	assert_near(progress_left_s(&p, 40), 160);
	assert_near(progress_share(&p, 40), 0.2);
	/* What an earlier process did took this one no time, and says nothing of the pace. */
	progress_start(&p, 10, 100);
	progress_skip(&p, 60);
	assert_near(progress_left_s(&p, 0), 40);
	progress_done(&p, 20);
	assert_near(progress_left_s(&p, 40), 40);
	assert_near(progress_share(&p, 40), 0.8);
}

static void within_a_budget(void **state)
{
	struct progress p;

	(void)state;
	progress_start(&p, 10000, 100000);
	p.budget_s = 600;
	assert_near(progress_left_s(&p, 0), 600);
	assert_near(progress_share(&p, 0), 0);
	progress_done(&p, 100);
	assert_near(progress_left_s(&p, 120), 480);
	assert_near(progress_share(&p, 120), 0.2);
	/* Gone on with, when 450 s were spent: those are not left. */
	progress_start(&p, 10000, 100000);
	p.budget_s = 600;
	p.spent_s = 450;
	progress_skip(&p, 400);
	assert_near(progress_left_s(&p, 0), 150);
	assert_near(progress_left_s(&p, 50), 100);
	assert_near(progress_share(&p, 50), 5.0 / 6.0);
	/* Its last block takes longer than was thought. */
	assert_near(progress_left_s(&p, 170), 0);
	assert_near(progress_share(&p, 170), 1);
	/* Fewer blocks than the budget has room for. */
	progress_start(&p, 10, 100);
	p.budget_s = 600;
	assert_near(progress_left_s(&p, 0), 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_the_pace_of_this_process),
		cmocka_unit_test(within_a_budget),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
