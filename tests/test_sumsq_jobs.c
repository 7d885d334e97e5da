/* lab/sumsq_jobs: pieces cover each job once, and a wrong sum does not pass for a right one. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "lab/sumsq_jobs.h"

static const uint64_t operands[] = {0, 1, 99, 100, 101, 1000, 12345};

#define COUNT (sizeof(operands) / sizeof(operands[0]))

static struct sumsq_jobs made(uint64_t grain)
{
	struct sumsq_jobs jobs;
	char why[200];

	assert_int_equal(sumsq_jobs_make(&jobs, operands, COUNT, grain, sumsq_cores[0].sum, why,
					 sizeof(why)),
			 0);
	/* The slowest core runs everywhere. */
	jobs.common->core = sumsq_cores[sumsq_cores_count - 1].sum;
	return jobs;
}

static void run(struct sumsq_jobs *jobs)
{
	struct pool_job job = sumsq_jobs_map(jobs);

	for (size_t i = 0; i < job.count; i++)
		job.function(job.context, (const char *)job.items + i * job.item_size,
			     &jobs->results[i]);
}

static void pieces_cover_each_job(void **state)
{
	static const uint64_t grains[] = {0, 1, 7, 100, 12345, 1000000};

	(void)state;
	for (size_t g = 0; g < sizeof(grains) / sizeof(grains[0]); g++) {
		struct sumsq_jobs jobs = made(grains[g]);
		uint64_t next[COUNT] = {0};
		char why[200];

		for (size_t i = 0; i < jobs.piece_count; i++) {
			const struct sumsq_piece *piece = &jobs.common->pieces[i];

			assert_int_equal(piece->first, next[piece->job]);
			if (grains[g])
				assert_in_range(piece->last - piece->first, 0, grains[g]);
			next[piece->job] = piece->last;
		}
		assert_memory_equal(next, operands, sizeof(next));
		run(&jobs);
		assert_int_equal(sumsq_jobs_check(&jobs, why, sizeof(why)), 0);
		assert_int_equal(sumsq_jobs_squares(&jobs), 13646);
		assert_int_equal(sumsq_jobs_squares_done(&jobs), 13646);
		assert_true(jobs.sums[3] == 328350);
		assert_true(sumsq_jobs_total(&jobs) == 627379609169ULL);
		sumsq_jobs_release(&jobs);
	}
}

static void a_wrong_sum_is_found(void **state)
{
	struct sumsq_jobs jobs = made(50);
	char why[200] = "";

	(void)state;
	run(&jobs);
	jobs.results[jobs.piece_count - 1].sum += (sumsq_total)1 << 100;
	assert_int_equal(sumsq_jobs_check(&jobs, why, sizeof(why)), -EBADMSG);
	assert_non_null(strstr(why, "below 12345"));
	run(&jobs);
	jobs.results[2].sum -= 1;
	assert_int_equal(sumsq_jobs_check(&jobs, why, sizeof(why)), -EBADMSG);
	assert_non_null(strstr(why, "below 99 "));
	sumsq_jobs_release(&jobs);
}

static void stopped_work_is_not_counted(void **state)
{
	struct sumsq_jobs jobs = made(0);

	(void)state;
	jobs.common->stop = true;
	run(&jobs);
	assert_int_equal(sumsq_jobs_squares_done(&jobs), 0);
	sumsq_jobs_release(&jobs);
}

/* A map that is cut short leaves what the last whole one found, and who did it. */
static void whole_results_are_kept(void **state)
{
	struct sumsq_jobs jobs = made(100);
	char why[200];

	(void)state;
	assert_int_equal(sumsq_jobs_keep(&jobs, why, sizeof(why)), 0);
	for (int round = 0; round < 3; round++) {
		jobs.common->stop = false;
		run(&jobs);
		assert_int_equal(sumsq_jobs_check(&jobs, why, sizeof(why)), 0);
		jobs.common->stop = true;
		run(&jobs);
		assert_int_equal(sumsq_jobs_squares_done(&jobs), 0);
		for (size_t i = 0; i < jobs.piece_count; i++) {
			const struct sumsq_piece *piece = &jobs.common->pieces[i];

			assert_true(jobs.checked[i].sum ==
				    jobs.common->core(piece->first, piece->last));
			assert_int_equal(jobs.checked[i].process, gettid());
		}
	}
	sumsq_jobs_release(&jobs);
}

/* Twelve of the largest jobs and a bit have a total below 2^128; one more has not. */
static void totals_are_exact(void **state)
{
	uint64_t largest[13];
	struct sumsq_jobs jobs;
	char why[200] = "";

	(void)state;
	for (size_t i = 0; i < 13; i++)
		largest[i] = SUMSQ_LIMIT;
	assert_int_equal(
		sumsq_jobs_make(&jobs, largest, 12, 0, sumsq_cores[0].sum, why, sizeof(why)), 0);
	sumsq_jobs_release(&jobs);
	assert_int_equal(
		sumsq_jobs_make(&jobs, largest, 13, 0, sumsq_cores[0].sum, why, sizeof(why)),
		-EOVERFLOW);
	assert_non_null(strstr(why, "total of these 13 jobs"));
}

/* Whoever takes the lock writes to no line that the others read. */
static void the_lock_is_alone(void **state)
{
	size_t lock = offsetof(struct sumsq_common, lock);

	(void)state;
	assert_true(lock / SUMSQ_LINE > offsetof(struct sumsq_common, has_lock) / SUMSQ_LINE);
	assert_true((lock + sizeof(pthread_mutex_t) - 1) / SUMSQ_LINE <
		    offsetof(struct sumsq_common, empty) / SUMSQ_LINE);
}

static void no_jobs(void **state)
{
	struct sumsq_jobs jobs;
	char why[200];

	(void)state;
	assert_int_equal(
		sumsq_jobs_make(&jobs, operands, 0, 0, sumsq_cores[0].sum, why, sizeof(why)),
		-EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_cover_each_job),
		cmocka_unit_test(a_wrong_sum_is_found),
		cmocka_unit_test(stopped_work_is_not_counted),
		cmocka_unit_test(whole_results_are_kept),
		cmocka_unit_test(totals_are_exact),
		cmocka_unit_test(the_lock_is_alone),
		cmocka_unit_test(no_jobs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
