/*
 * results/summary: rows find their cell, cells their workload and baseline, blocks their pair;
 * the control sets the floor; and nothing is claimed that the blocks cannot carry.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "results/summary.h"
#include "tests/synthetic.h"

static char why[300];
static const struct summary_options by_default = {.seed = 1};

static struct summary *make(const struct record *records, size_t count, enum record_kind kind,
			    const struct summary_options *options)
{
	struct summary *summary;

	assert_int_equal(summary_make(records, count, kind, options, &summary, why, sizeof(why)),
			 0);
	assert_non_null(summary);
	return summary;
}

static const struct summary_cell *find(const struct summary *summary, const char *name)
{
	for (size_t i = 0; i < summary->cell_count; i++) {
		if (strcmp(summary->cells[i].name, name) == 0)
			return &summary->cells[i];
	}
	fail_msg("no cell %s", name);
	return NULL;
}

static const char *baseline_of(const struct summary *summary, size_t group)
{
	return summary->cells[summary->groups[group].baseline].name;
}

/* Every order of the same rows gives the same summary: rows come in random order from blocks. */
static void shuffle(struct record *records, size_t count)
{
	uint64_t state = 77;

	for (size_t i = count; i > 1; i--) {
		size_t j = (size_t)(statistics_random(&state) % i);
		struct record swap = records[i - 1];

		records[i - 1] = records[j];
		records[j] = swap;
	}
}

static void cells_and_workloads(void **state)
{
	struct record *rows = NULL;
	size_t count = 0;
	struct summary *summary;

	(void)state;
	synthetic_fetch(&rows, &count, 9, 0.0);
	synthetic_sumsq(&rows, &count, 9, 0.0);
	shuffle(rows, count);
	summary = make(rows, count, RECORD_FETCH, &by_default);
	assert_int_equal(summary->cell_count, 14);
	assert_int_equal(summary->group_count, 2);
	assert_int_equal(summary->groups[0].count, 7);
	assert_int_equal(summary->groups[1].first, 7);
	assert_string_equal(summary->cells[0].name, "blocking-c16");
	assert_string_equal(baseline_of(summary, 0), "epoll-c16");
	assert_string_equal(baseline_of(summary, 1), "epoll-c16-5ms");
	assert_int_equal(find(summary, "epoll-c16")->rows, 9); /* the control is not among them */
	assert_true(find(summary, "uring-c16")->contender);
	assert_false(find(summary, "floor-c16")->contender);
	assert_string_equal(summary->control, "epoll-c16");
	assert_int_equal(summary->groups[0].control_blocks, 9);
	summary_free(summary);
	summary = make(rows, count, RECORD_SUMSQ, &by_default);
	assert_int_equal(summary->cell_count, 3);
	assert_string_equal(baseline_of(summary, 0), "serial");
	summary_free(summary);
	record_free_all(rows, count);
}

static void effects_are_ratios_by_block(void **state)
{
	struct record *rows = NULL;
	size_t count = 0;
	struct summary *summary;
	const struct summary_value *value;

	(void)state;
	synthetic_fetch(&rows, &count, 10, 0.001);
	shuffle(rows, count);
	summary = make(rows, count, RECORD_FETCH, &by_default);
	value = summary_get(find(summary, "uring-c16"), COLUMN_throughput_rps);
	assert_int_equal(value->blocks, 10);
	assert_int_equal(value->effect.pairs, 10);
	/* Blocks differ by 1 %, pairs by 0.1 %: only pairing gets the ratio this close. */
	assert_true(fabs(value->effect.ratio - 213.2 / 205.0) < 0.001);
	assert_true(value->effect.high - value->effect.low < 0.004);
	assert_true(value->high - value->low > 0.004 * value->median);
	assert_true(fabs(value->median / 213200.0 - 1.0) < 0.01);
	assert_true(value->low < value->median && value->median < value->high);
	assert_true(fabs(value->effect.p - 2.0 / 1024.0) < 1e-12);
	assert_int_equal(summary->comparisons[summary_place(COLUMN_throughput_rps)], 10);
	/* Five of ten cells differ at the smallest p there is: Holm multiplies it by ten. */
	assert_true(fabs(value->p_adjusted - 20.0 / 1024.0) < 1e-12);
	assert_int_equal(value->verdict, STATISTICS_FASTER);
	value = summary_get(find(summary, "blocking-c16"), COLUMN_throughput_rps);
	assert_int_equal(value->verdict, STATISTICS_SLOWER);
	value = summary_get(find(summary, "blocking-c16"), COLUMN_latency_p50_us);
	assert_true(value->effect.ratio > 2.0);
	assert_int_equal(value->verdict, STATISTICS_SLOWER);
	value = summary_get(find(summary, "blocking-c16"), COLUMN_cpu_us_per_request);
	assert_string_equal(summary_words(summary_place(COLUMN_cpu_us_per_request), value->verdict),
			    "dearer by");
	value = summary_get(find(summary, "nonblocking-c16-5ms"), COLUMN_throughput_rps);
	assert_int_equal(value->verdict, STATISTICS_NO_DIFFERENCE);
	/* Neither the baseline nor the floor is judged; the floor's distance is known. */
	value = summary_get(find(summary, "epoll-c16"), COLUMN_throughput_rps);
	assert_int_equal(value->verdict, STATISTICS_NOT_COMPARED);
	value = summary_get(find(summary, "floor-c16"), COLUMN_throughput_rps);
	assert_int_equal(value->verdict, STATISTICS_NOT_COMPARED);
	assert_true(fabs(value->effect.ratio - 231.0 / 205.0) < 0.002);
	assert_true(isnan(value->p_adjusted));
	/* Evidence is summarised and never compared. */
	value = summary_get(find(summary, "uring-c16"), COLUMN_syscalls_per_request);
	assert_int_equal(value->effect.pairs, 0);
	assert_true(fabs(value->median - 0.13) < 1e-12);
	assert_null(summary_get(find(summary, "uring-c16"), COLUMN_url));
	summary_free(summary);
	record_free_all(rows, count);
}

static void floors_forbid_claims(void **state)
{
	struct record *rows = NULL;
	size_t count = 0;
	size_t place = summary_place(COLUMN_throughput_rps);
	struct summary *summary;

	(void)state;
	synthetic_fetch(&rows, &count, 12, 0.0005);
	summary = make(rows, count, RECORD_FETCH, &by_default);
	assert_true(summary->floor[place] > 1.0 && summary->floor[place] < 1.002);
	assert_int_equal(summary_get(find(summary, "uring-c16"), COLUMN_throughput_rps)->verdict,
			 STATISTICS_FASTER);
	summary_free(summary);
	/* Let the second entry of the A/A pair be 6 % faster: now 4 % mean nothing. */
	for (size_t i = 0; i < count; i++) {
		if (strcmp(record_text(&rows[i], COLUMN_role), "control") == 0)
			record_set_real(&rows[i], COLUMN_throughput_rps,
					1.06 * record_number(&rows[i], COLUMN_throughput_rps));
	}
	summary = make(rows, count, RECORD_FETCH, &by_default);
	assert_true(fabs(summary->floor[place] - 1.06) < 0.002);
	assert_true(fabs(summary->groups[0].floor[place] - 1.06) < 0.002);
	assert_true(fabs(summary_floor(summary, &summary->cells[0], place) - 1.06) < 0.002);
	assert_int_equal(summary_get(find(summary, "uring-c16"), COLUMN_throughput_rps)->verdict,
			 STATISTICS_NO_DIFFERENCE);
	assert_int_equal(summary_get(find(summary, "blocking-c16"), COLUMN_throughput_rps)->verdict,
			 STATISTICS_SLOWER);
	summary_free(summary);
	/* Without a control there is no floor, and nothing is claimed. */
	for (size_t i = 0; i < count; i++) {
		if (strcmp(record_text(&rows[i], COLUMN_role), "control") == 0)
			record_set_count(&rows[i], COLUMN_partial, 1);
	}
	summary = make(rows, count, RECORD_FETCH, &by_default);
	assert_null(summary->control);
	assert_true(isnan(summary->floor[place]));
	assert_int_equal(summary->left_out, 12);
	assert_int_equal(summary_get(find(summary, "uring-c16"), COLUMN_throughput_rps)->verdict,
			 STATISTICS_NO_DIFFERENCE);
	assert_string_equal(summary_verdict(summary, find(summary, "uring-c16"), place),
			    "undecided, no A/A control");
	summary_free(summary);
	record_free_all(rows, count);
}

static void few_blocks_claim_nothing(void **state)
{
	struct record *rows = NULL;
	size_t count = 0;
	struct summary *summary;

	(void)state;
	synthetic_fetch(&rows, &count, 4, 0.0001);
	summary = make(rows, count, RECORD_FETCH, &by_default);
	for (size_t i = 0; i < summary->cell_count; i++) {
		const struct summary_value *value =
			summary_get(&summary->cells[i], COLUMN_throughput_rps);

		assert_true(value->verdict == STATISTICS_NOT_COMPARED ||
			    value->verdict == STATISTICS_NO_DIFFERENCE);
	}
	summary_free(summary);
	record_free_all(rows, count);
}

/* A run that failed or was cut short costs its own block, not the cell. */
static void holes_cost_their_block(void **state)
{
	struct record *rows = NULL;
	size_t count = 0;
	struct summary *summary;
	const struct summary_value *value;

	(void)state;
	synthetic_fetch(&rows, &count, 10, 0.001);
	for (size_t i = 0; i < count; i++) {
		const char *cell = record_text(&rows[i], COLUMN_cell);
		double block = record_number(&rows[i], COLUMN_block);

		if (strcmp(cell, "uring-c16") == 0 && block == 1.0) {
			record_set_real(&rows[i], COLUMN_throughput_rps, NAN);
			record_set_real(&rows[i], COLUMN_body_bytes, NAN);
		}
		if (strcmp(cell, "uring-c16") == 0 && block == 5.0)
			record_set_count(&rows[i], COLUMN_partial, 1);
		if (strcmp(cell, "epoll-c16") == 0 && block == 7.0 &&
		    strcmp(record_text(&rows[i], COLUMN_role), "cell") == 0)
			record_set_count(&rows[i], COLUMN_partial, 1);
	}
	summary = make(rows, count, RECORD_FETCH, &by_default);
	assert_int_equal(summary->group_count, 2);
	assert_int_equal(summary->left_out, 2);
	value = summary_get(find(summary, "uring-c16"), COLUMN_throughput_rps);
	assert_int_equal(value->blocks, 8);
	assert_int_equal(value->effect.pairs, 7);
	assert_true(fabs(value->effect.ratio - 213.2 / 205.0) < 0.002);
	summary_free(summary);
	record_free_all(rows, count);
}

static void baselines_can_be_named(void **state)
{
	static const struct {
		const char *name;
		const char *baseline;
	} rows[] = {
		{"uring", "uring-c16"},
		{"epoll-spin-c16", "epoll-spin-c16"},
		{"floor", "floor-c16"},
		{"unheard of", "blocking-c16"}, /* the first contender */
	};
	struct record *records = NULL;
	size_t count = 0;

	(void)state;
	synthetic_fetch(&records, &count, 2, 0.001);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct summary_options options = {.baseline = rows[i].name, .seed = 1};
		struct summary *summary = make(records, count, RECORD_FETCH, &options);

		assert_string_equal(baseline_of(summary, 0), rows[i].baseline);
		summary_free(summary);
	}
	record_free_all(records, count);
}

/* A plan names a cell for each of its workloads; what it does not name is as without it. */
static void baselines_of_a_plan(void **state)
{
	static const char *const named[] = {"no-such", "threads", "uring-c16", NULL};
	const struct summary_options options = {.seed = 1, .baselines = named};
	struct record *records = NULL;
	struct summary *summary;
	size_t count = 0;

	(void)state;
	synthetic_fetch(&records, &count, 2, 0.001);
	synthetic_sumsq(&records, &count, 2, 0.001);
	summary = make(records, count, RECORD_FETCH, &options);
	assert_string_equal(baseline_of(summary, 0), "uring-c16");
	assert_string_equal(baseline_of(summary, 1), "epoll-c16-5ms");
	summary_free(summary);
	summary = make(records, count, RECORD_SUMSQ, &options);
	assert_string_equal(baseline_of(summary, 0), "threads");
	summary_free(summary);
	record_free_all(records, count);
}

/* Sums of jobs of another size are another workload, in order of size. */
static void sizes_are_workloads(void **state)
{
	struct record *records = NULL;
	struct summary *summary;
	size_t count = 0;

	(void)state;
	synthetic_sumsq(&records, &count, 2, 0.001);
	for (size_t i = 0; i < count; i++) {
		bool serial = strcmp(record_text(&records[i], COLUMN_model), "serial") == 0;

		record_set_real(&records[i], COLUMN_squares_per_job, serial ? 1e6 : 1e3);
	}
	summary = make(records, count, RECORD_SUMSQ, &by_default);
	assert_int_equal(summary->group_count, 2);
	assert_int_equal(summary->groups[0].count, 2);
	assert_string_equal(summary->cells[summary->groups[1].first].name, "serial");
	summary_free(summary);
	record_free_all(records, count);
}

/* Two runs in one file pair within themselves; the same run twice is refused. */
static void doubled_blocks_are_refused(void **state)
{
	struct record *rows = NULL;
	size_t count = 0;
	struct summary *summary;

	(void)state;
	synthetic_sumsq(&rows, &count, 3, 0.001);
	synthetic_sumsq(&rows, &count, 3, 0.001);
	assert_int_equal(
		summary_make(rows, count, RECORD_SUMSQ, &by_default, &summary, why, sizeof(why)),
		-EINVAL);
	assert_null(summary);
	assert_string_equal(why, "cell processes has two rows for block 1 of run synthetic");
	for (size_t i = count / 2; i < count; i++)
		record_set_text(&rows[i], COLUMN_run_id, "again");
	summary = make(rows, count, RECORD_SUMSQ, &by_default);
	assert_int_equal(summary_get(find(summary, "threads"), COLUMN_elements_per_s)->effect.pairs,
			 6);
	summary_free(summary);
	record_free_all(rows, count);
}

/* Rows of fetch-MODEL --csv, run by hand: no cell, no block, no role. */
static void runs_by_hand_are_summarised(void **state)
{
	struct record *rows = NULL;
	size_t count = 0;
	struct summary *summary;

	(void)state;
	synthetic_fetch(&rows, &count, 5, 0.001);
	for (size_t i = 0; i < count; i++) {
		record_set_text(&rows[i], COLUMN_cell, NULL);
		record_set_text(&rows[i], COLUMN_role, NULL);
		rows[i].values[COLUMN_block].present = false;
	}
	summary = make(rows, count, RECORD_FETCH, &by_default);
	assert_int_equal(summary->cell_count, 14);
	assert_int_equal(summary->group_count, 2);
	assert_int_equal(find(summary, "blocking")->rows, 5);
	assert_int_equal(
		summary_get(find(summary, "blocking"), COLUMN_throughput_rps)->effect.pairs, 0);
	summary_free(summary);
	record_free_all(rows, count);
}

static void nothing_is_summarised(void **state)
{
	struct summary *summary = make(NULL, 0, RECORD_FETCH, &by_default);

	(void)state;
	assert_int_equal(summary->cell_count, 0);
	assert_int_equal(summary->group_count, 0);
	summary_free(summary);
	summary_free(NULL);
}

static char *csv_of(uint64_t seed)
{
	const struct summary_options options = {.seed = seed};
	struct record *rows = NULL;
	size_t count = 0;
	char *text = NULL;
	size_t length;
	FILE *file = open_memstream(&text, &length);
	struct summary *summary;

	assert_non_null(file);
	synthetic_sumsq(&rows, &count, 20, 0.01);
	shuffle(rows, count);
	summary = make(rows, count, RECORD_SUMSQ, &options);
	assert_int_equal(summary_write_csv_header(file), 0);
	assert_int_equal(summary_write_csv(summary, file), 0);
	fclose(file);
	summary_free(summary);
	record_free_all(rows, count);
	return text;
}

static size_t commas(const char *line)
{
	size_t sum = 0;

	for (; *line && *line != '\n'; line++)
		sum += *line == ',';
	return sum;
}

static void csv_is_even_and_reproducible(void **state)
{
	char *text = csv_of(1);
	char *again = csv_of(1);
	char *other = csv_of(2);
	size_t lines = 0;

	(void)state;
	assert_string_equal(text, again);
	assert_string_not_equal(text, other);
	assert_non_null(strstr(text, "\n1,threads,elements_per_s,1/s,20,"));
	assert_non_null(strstr(text, ",serial,20,1.9"));
	assert_non_null(strstr(text, ",faster by\n"));
	assert_non_null(strstr(text, "\n1,serial,elements_per_s,1/s,20,"));
	for (const char *line = text; *line; line = strchr(line, '\n') + 1, lines++)
		assert_int_equal(commas(line), commas(text));
	assert_int_equal(lines, 1 + 3 * 3); /* elements_per_s, dispatch, duration of three cells */
	free(text);
	free(again);
	free(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cells_and_workloads),
		cmocka_unit_test(effects_are_ratios_by_block),
		cmocka_unit_test(floors_forbid_claims),
		cmocka_unit_test(few_blocks_claim_nothing),
		cmocka_unit_test(holes_cost_their_block),
		cmocka_unit_test(baselines_can_be_named),
		cmocka_unit_test(baselines_of_a_plan),
		cmocka_unit_test(sizes_are_workloads),
		cmocka_unit_test(doubled_blocks_are_refused),
		cmocka_unit_test(runs_by_hand_are_summarised),
		cmocka_unit_test(nothing_is_summarised),
		cmocka_unit_test(csv_is_even_and_reproducible),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
