/*
 * results/matrix: every model stands in its quadrant, every figure under its model, nothing is
 * wider than the terminal, and what is not known is not claimed.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "results/matrix.h"
#include "results/table.h"
#include "tests/synthetic.h"

static const struct summary_options by_default = {.seed = 1};

static char *print_rows(const struct record *rows, size_t count, bool color)
{
	struct summary *fetch;
	struct summary *sumsq;
	char why[200];
	char *text = NULL;
	size_t length;
	FILE *file = open_memstream(&text, &length);

	assert_non_null(file);
	assert_int_equal(
		summary_make(rows, count, RECORD_FETCH, &by_default, &fetch, why, sizeof(why)), 0);
	assert_int_equal(
		summary_make(rows, count, RECORD_SUMSQ, &by_default, &sumsq, why, sizeof(why)), 0);
	assert_int_equal(matrix_print(file, fetch, sumsq, color), 0);
	fclose(file);
	summary_free(fetch);
	summary_free(sumsq);
	return text;
}

static char *print_run(unsigned blocks, double noise, bool color)
{
	struct record *rows = NULL;
	size_t count = 0;
	char *text;

	synthetic_fetch(&rows, &count, blocks, noise);
	synthetic_sumsq(&rows, &count, blocks, noise);
	text = print_rows(rows, count, color);
	record_free_all(rows, count);
	return text;
}

static void assert_holds(const char *text, const char *part)
{
	if (!text || !strstr(text, part))
		fail_msg("'%s' is missing in:\n%s", part, text ? text : "nothing");
}

static void assert_lacks(const char *text, const char *part)
{
	if (!text || strstr(text, part))
		fail_msg("'%s' should not be in:\n%s", part, text ? text : "nothing");
}

/* The grid of the first workload, as a reader sees it. */
static void quadrants_hold_their_models(void **state)
{
	char *text = print_run(9, 0.0, false);

	(void)state;
	assert_holds(
		text,
		"16 connections, no origin latency, bodies of 24 B: medians of 9 runs of each\n"
		"\n"
		"                   │ BLOCKING                               │ NONBLOCKING\n"
		"nothing ready yet: │ the thread sleeps in the call          │ control comes back, the "
		"thread goes on\n"
		"───────────────────┼────────────────────────────────────────┼─────────────────────────"
		"──────────────\n"
		"SYNCHRONOUS        │                                        │\n"
		"the program asks   │     blocking                           │  nonblocking\n"
		"throughput         │     91.2 k/s                           │      168 k/s\n"
		"  95 % interval    │ [91.2, 91.2]                           │   [168, 168]\n"
		"CPU per fetch      │      10.9 µs                           │      5.94 µs\n"
		"calls per fetch    │         2.00                           │         5.31\n"
		"EAGAINs per fetch  │            0                           │         3.31\n"
		"time asleep        │       2.00 %                           │          0 %\n"
		"work while waiting │            0                           │      190 M/s\n");
	assert_holds(text,
		     "\n"
		     "the kernel tells   │        epoll        uring              │   epoll spin   "
		     "uring spin\n"
		     "throughput         │      205 k/s      213 k/s              │      204 k/s   "
		     "   214 k/s\n");
	assert_holds(text,
		     "floor (bare calls, outside the matrix): 231 k/s [231, 231], CPU 4.31 µs, "
		     "calls 2.00 per fetch\n");
	assert_holds(text, "16 connections, origin latency 5.00 ms, bodies of 24 B: medians");
	free(text);
}

static void pools_floors_and_verdicts(void **state)
{
	char *text = print_run(10, 0.0005, false);

	(void)state;
	assert_holds(text, "Sum of squares: 30 jobs, avx512ifma core\n"
			   "  pool       workers  CPUs");
	assert_holds(text, "against serial");
	assert_holds(text, "\n  threads          2  0,1 ");
	assert_holds(text, "  epoll-c16, run twice in 10 blocks:\n    throughput 0.");
	assert_holds(text, "  serial, run twice in 10 blocks:\n    squares/s 0.");
	assert_holds(text, "sign-flip test (exact), Holm over 10 comparisons:");
	assert_holds(text, "blocking ran 2.25 [2.25, 2.25] times slower than epoll\n");
	assert_holds(text, "uring ran 1.040 [1.040, 1.041] times faster than epoll\n");
	assert_holds(text, "uring needs 1.31 [1.31, 1.31] times less than epoll\n");
	assert_holds(text, "nonblocking needs 25.9 [25.8, 25.9] times more than epoll\n");
	assert_holds(text, "no difference shown between blocking and epoll: 1.000 [");
	assert_holds(text, "]\n                     (p = ");
	assert_holds(text, "within the noise floor of ");
	assert_holds(text, "threads ran 1.95 [1.95, 1.96] times faster than serial\n");
	assert_lacks(text, "cannot decide");
	assert_lacks(text, "floor ran");
	free(text);
	/* Turned round, the ends of an interval change places. */
	text = print_run(10, 0.01, false);
	assert_holds(text, "blocking ran 2.24 [2.22, 2.27] times slower than epoll\n");
	free(text);
}

/* Dropping a pair biases the rest: it is said of which cells, and how many. */
static void what_failed_is_told(void **state)
{
	struct record *rows = NULL;
	size_t count = 0;
	unsigned failed = 0;
	char *text;

	(void)state;
	synthetic_fetch(&rows, &count, 10, 0.0005);
	for (size_t i = 0; i < count && failed < 4; i++) {
		if (strcmp(record_text(&rows[i], COLUMN_cell), "uring-c16") != 0)
			continue;
		record_set_text(&rows[i], COLUMN_flags, "failed status-7");
		failed++;
	}
	text = print_rows(rows, count, false);
	assert_holds(text, "    uring: 4 of 10 runs failed; figures and verdicts are of those that "
			   "did not");
	assert_lacks(text, "    epoll: ");
	free(text);
	record_free_all(rows, count);
}

static void few_blocks_are_owned_up_to(void **state)
{
	char *text = print_run(5, 0.0005, false);

	(void)state;
	assert_holds(text, "5 blocks cannot decide 10 comparisons, whatever they show; 9 could.");
	/* What they span, and not called an interval of 95 %. */
	assert_holds(text, "  range of 5 runs  │ [");
	assert_holds(text, "  range of 5 blocks  ");
	assert_lacks(text, "95 %");
	assert_lacks(text, "times faster");
	assert_lacks(text, "times more");
	assert_lacks(text, "no difference shown");
	assert_holds(text, "undecided, too few blocks, between");
	free(text);
	text = print_run(1, 0.0005, false);
	assert_holds(text, "medians of 1 run of each");
	assert_holds(text, "  95 % interval    │            –  ");
	assert_holds(text, "unknown, since one block shows no spread");
	assert_lacks(text, "nan");
	free(text);
	text = print_run(17, 0.0005, false);
	assert_holds(text, "sign-flip test (Monte Carlo)");
	free(text);
}

static void lines_fit_the_terminal(void **state)
{
	char *text = print_run(12, 0.02, false);
	char *rest = text;

	(void)state;
	for (char *line = strsep(&rest, "\n"); line; line = strsep(&rest, "\n")) {
		size_t length = strlen(line);

		if (table_width(line) > MATRIX_WIDTH)
			fail_msg("too wide: '%s'", line);
		if (length > 0 && line[length - 1] == ' ')
			fail_msg("blanks at the end: '%s'", line);
	}
	free(text);
}

static void color_changes_nothing_else(void **state)
{
	char *plain = print_run(3, 0.01, false);
	char *color = print_run(3, 0.01, true);
	char *to = color;

	(void)state;
	assert_null(strchr(plain, '\033'));
	assert_non_null(strchr(color, '\033'));
	for (const char *from = color; *from;) {
		if (*from == '\033')
			from = strchr(from, 'm') + 1;
		else
			*to++ = *from++;
	}
	*to = '\0';
	assert_string_equal(color, plain);
	free(plain);
	free(color);
}

/* Four in a quadrant go below each other; two of one model are told apart by their cells. */
static void crowded_quadrants_wrap(void **state)
{
	static const char *const cells[] = {"select", "poll", "epoll-edge", "epoll-level"};
	static const char *const models[] = {"select", "poll", "epoll", "epoll"};
	struct record rows[4];
	char *text;

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		record_init(&rows[i], RECORD_FETCH);
		record_set_text(&rows[i], COLUMN_cell, cells[i]);
		record_set_text(&rows[i], COLUMN_model, models[i]);
		record_set_text(&rows[i], COLUMN_quadrant, "async-blocking");
		record_set_count(&rows[i], COLUMN_connections, 1);
		record_set_count(&rows[i], COLUMN_block, 1);
		record_set_real(&rows[i], COLUMN_throughput_rps, 1000.0 * (double)(i + 1));
	}
	text = print_rows(rows, 4, false);
	assert_holds(text, "1 connection: medians of 1 run of each\n");
	assert_holds(text, "the kernel tells   │   epoll-edge  epoll-level         poll\n"
			   "throughput         │     3.00 k/s     4.00 k/s     2.00 k/s\n");
	assert_holds(text, "                   │       select\n"
			   "throughput         │     1.00 k/s\n");
	assert_holds(text, "CPU per fetch      │            –            –            –\n");
	/* What is empty is left out, and so is the note on what nobody did. */
	assert_lacks(text, "the program asks");
	assert_lacks(text, "NONBLOCKING");
	assert_lacks(text, "Work while waiting: squares");
	assert_holds(text, "fetches: unknown, no A/A control was run");
	assert_holds(text, "undecided, too few blocks, between poll and epoll-edge: 0.667\n");
	free(text);
	/* By what was asked of them, where that tells them apart. */
	record_set_text(&rows[3], COLUMN_variant_requested, "level");
	text = print_rows(rows, 4, false);
	assert_holds(text, "the kernel tells   │        epoll  epoll level         poll\n");
	free(text);
	for (size_t i = 0; i < 4; i++)
		record_release(&rows[i]);
}

/* Whose throughput is the origin's is said where it stands, and what to read instead. */
static void the_origins_limit_is_named(void **state)
{
	struct record *rows = NULL;
	size_t count = 0, marked = 0;
	char *text;

	(void)state;
	synthetic_fetch(&rows, &count, 4, 0.0);
	/* All runs of uring, one of four of blocking, and the control, which is no cell. */
	for (size_t i = 0; i < count; i++) {
		const char *cell = record_text(&rows[i], COLUMN_cell);
		const char *role = record_text(&rows[i], COLUMN_role);

		if (record_number(&rows[i], COLUMN_origin_latency_us) > 0)
			continue;
		if (strcmp(cell, "uring-c16") == 0 || strcmp(role, "control") == 0 ||
		    (strncmp(cell, "blocking", 8) == 0 && marked++ == 0))
			record_set_text(&rows[i], COLUMN_flags, "steal origin-saturated");
	}
	text = print_rows(rows, count, false);
	assert_holds(text, "the kernel tells   │        epoll        uring              │");
	assert_holds(text, "throughput         │      205 k/s     213 k/s*              │");
	assert_holds(text, "throughput         │     91.2 k/s                           │");
	assert_holds(text,
		     "* origin-saturated: the origin was the limit, and the throughput is its "
		     "own. CPU per fetch\n  (cpu_us_per_request) is the figure to read of "
		     "uring (4 of 4 runs).\n");
	assert_null(strstr(strstr(text, "* origin-saturated") + 3, "origin-saturated"));
	free(text);
	record_free_all(rows, count);
}

static void nothing_is_said_of_nothing(void **state)
{
	char *text = print_rows(NULL, 0, false);

	(void)state;
	assert_string_equal(text, "No complete run: nothing to show.\n");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quadrants_hold_their_models),
		cmocka_unit_test(pools_floors_and_verdicts),
		cmocka_unit_test(what_failed_is_told),
		cmocka_unit_test(few_blocks_are_owned_up_to),
		cmocka_unit_test(lines_fit_the_terminal),
		cmocka_unit_test(color_changes_nothing_else),
		cmocka_unit_test(crowded_quadrants_wrap),
		cmocka_unit_test(the_origins_limit_is_named),
		cmocka_unit_test(nothing_is_said_of_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
