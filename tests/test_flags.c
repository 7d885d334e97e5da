/*
 * Quality flags: words to sets and back, what spoils a row, what is watched of a host's CPUs (on
 * made-up ones), and which claims rest on spoiled rows.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "lab/fetch_report.h"
#include "lab/host_watch.h"
#include "results/flags.h"
#include "results/trust.h"

#define BIT(flag) ((flag_set)1 << (flag))

static void words_and_sets(void **state)
{
	char text[200];

	(void)state;
	assert_int_equal(flags_read(""), 0);
	assert_int_equal(flags_read("steal"), BIT(FLAG_STEAL));
	assert_int_equal(flags_read("  steal  errors "), BIT(FLAG_STEAL) | BIT(FLAG_ERRORS));
	assert_int_equal(flags_read("steals"), BIT(FLAGS));
	assert_int_equal(flags_read("stea"), BIT(FLAGS));
	assert_int_equal(flags_read("failed status-3"), BIT(FLAG_FAILED) | BIT(FLAG_STATUS));
	assert_int_equal(flags_read("signal-11"), BIT(FLAG_SIGNAL));
	assert_int_equal(flags_read("signal-"), BIT(FLAGS));
	assert_int_equal(flags_read("signal-1x"), BIT(FLAGS));
	assert_string_equal(flags_words(BIT(FLAG_ERRORS) | BIT(FLAG_STEAL), text, sizeof(text)),
			    "steal errors");
	assert_string_equal(flags_words(BIT(FLAGS), text, sizeof(text)), "unknown");
	/* Words are whole words, each once, and none is another's. */
	for (unsigned i = 0; i < FLAGS; i++) {
		assert_null(strchr(flags_all[i].word, ' '));
		assert_true(strlen(flags_all[i].meaning) > 10);
		if (!strstr(flags_all[i].word, "-N"))
			assert_int_equal(flags_read(flags_all[i].word), BIT(i));
	}
}

static void some_spoil_and_some_tell(void **state)
{
	(void)state;
	assert_int_equal(flags_spoiling(flags_read("unlike_cores")), 0);
	assert_int_equal(flags_spoiling(flags_read("unlike_cores preempted")), BIT(FLAG_PREEMPTED));
	/* A word of a newer lab's may. */
	assert_int_equal(flags_spoiling(flags_read("haunted")), BIT(FLAGS));
}

static void added_once(void **state)
{
	struct record record;

	(void)state;
	record_init(&record, RECORD_NAP);
	flags_add(&record, FLAG_STEAL);
	flags_add(&record, FLAG_MOVED);
	flags_add(&record, FLAG_STEAL);
	assert_string_equal(record_text(&record, COLUMN_flags), "steal moved");
	record_release(&record);
}

/* Whose rows they are, most of them first; a number stands for any where the word says so. */
static void cells_by_name(void **state)
{
	static const char *const rows[][2] = {
		{"b", "steal"},	   {"a", "errors steal"}, {"b", "preempted steal"},
		{"c", "status-3"}, {"c", "status-1"},	  {"a", "steals"},
	};
	static const struct {
		const char *word;
		size_t most;
		const char *cells;
	} asked[] = {
		{"steal", 9, "b (2), a (1)"}, {"steal", 1, "b (2) and 1 more"},
		{"errors", 9, "a (1)"},	      {"status-N", 9, "c (2)"},
		{"status-3", 9, "c (1)"},     {"moved", 9, ""},
	};
	struct record records[6];

	(void)state;
	for (size_t i = 0; i < 6; i++) {
		record_init(&records[i], RECORD_FETCH);
		record_set_text(&records[i], COLUMN_cell, rows[i][0]);
		record_set_text(&records[i], COLUMN_flags, rows[i][1]);
	}
	for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
		char *cells = flags_cells(records, 6, asked[i].word, asked[i].most);

		assert_string_equal(cells, asked[i].cells);
		free(cells);
	}
	for (size_t i = 0; i < 6; i++)
		record_release(&records[i]);
}

static void so_many_preemptions(void **state)
{
	(void)state;
	assert_false(flags_preempted(0, 1));
	assert_false(flags_preempted(110, 1));
	assert_true(flags_preempted(111, 1));
	assert_false(flags_preempted(9, 0.001));
	assert_false(flags_preempted(999, 10));
}

/* --- a host made of files --------------------------------------------------------------------- */

static char root[] = "/tmp/iolab-flags-XXXXXX";

static void put(unsigned cpu, const char *name, const char *text)
{
	char path[256], command[512];
	FILE *file;

	snprintf(path, sizeof(path), "%s/sys/devices/system/cpu/cpu%u/%s", root, cpu, name);
	snprintf(command, sizeof(command), "mkdir -p $(dirname %s)", path);
	assert_int_equal(system(command), 0);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

static const char *flagged(struct host_watch *watch)
{
	static char flags[200];
	struct record record;

	record_init(&record, RECORD_FETCH);
	host_watch_flag(watch, &record);
	snprintf(flags, sizeof(flags), "%s", record_text(&record, COLUMN_flags));
	record_release(&record);
	return flags;
}

#define FREQUENCY "cpufreq/scaling_cur_freq"
#define CORE	  "thermal_throttle/core_throttle_count"
#define PACKAGE	  "thermal_throttle/package_throttle_count"

static void a_host_is_watched(void **state)
{
	struct host_watch watch;

	(void)state;
	put(1, FREQUENCY, "3000000\n");
	put(2, FREQUENCY, "3000000\n");
	put(2, CORE, "5\n");
	put(2, PACKAGE, "9\n");
	host_watch_open(&watch, "1-2", root);
	host_watch_begin(&watch);
	host_watch_end(&watch);
	assert_string_equal(flagged(&watch), "");
	/* A reading jitters. */
	put(1, FREQUENCY, "3100000\n");
	host_watch_end(&watch);
	assert_string_equal(flagged(&watch), "");
	put(2, FREQUENCY, "2800000\n");
	host_watch_end(&watch);
	assert_string_equal(flagged(&watch), "frequency-changed");
	put(2, FREQUENCY, "3000000\n");
	put(2, PACKAGE, "10\n");
	host_watch_end(&watch);
	assert_string_equal(flagged(&watch), "throttled");
	host_watch_close(&watch);
	/* What became of other CPUs is nothing to these. */
	put(2, FREQUENCY, "3000000\n");
	host_watch_open(&watch, "1", root);
	host_watch_begin(&watch);
	put(2, FREQUENCY, "1000000\n");
	host_watch_end(&watch);
	assert_string_equal(flagged(&watch), "");
	host_watch_close(&watch);
}

/* No such files, or nothing in them: no flag. */
static void what_is_not_there_is_not_claimed(void **state)
{
	struct host_watch watch;

	(void)state;
	put(3, FREQUENCY, "");
	put(3, CORE, "unknown\n");
	for (int i = 0; i < 3; i++) {
		const char *const lists[] = {"3", "7-9", ""};

		host_watch_open(&watch, lists[i], root);
		host_watch_begin(&watch);
		put(3, FREQUENCY, "1\n");
		host_watch_end(&watch);
		assert_string_equal(flagged(&watch), "");
		host_watch_close(&watch);
		put(3, FREQUENCY, "");
	}
}

/* --- a fetch run's own figures ----------------------------------------------------------------- */

/* One worker on CPU 0: 10 connections for a second, 1000 fetches of 10 ms each. */
struct made {
	struct model model;
	struct fetch_options options;
	struct fetch_merged merged;
	struct fetch_outcome outcome;
};

static void make(struct made *made)
{
	memset(made, 0, sizeof(*made));
	made->options.connections = 10;
	made->options.benchmark = true;
	made->options.duration_ns = 1000000000;
	made->outcome.model = &made->model;
	made->outcome.options = &made->options;
	made->outcome.run.count = 1;
	made->outcome.cpus = "0";
	made->merged.completed = 1000;
	made->merged.lanes_rps = 1000;
	made->merged.usage.at_ns = 1000000000;
	made->merged.usage.scheduler_known = true;
	made->merged.histograms[BENCH_LATENCY] = histogram_new();
	assert_non_null(made->merged.histograms[BENCH_LATENCY]);
	for (int i = 0; i < 1000; i++)
		histogram_record(made->merged.histograms[BENCH_LATENCY], 10000000);
}

/* The flags of what was made, which is made anew. */
static void assert_flags(struct made *made, const char *expected)
{
	struct record record;

	record_init(&record, RECORD_FETCH);
	fetch_flag_row(&record, &made->merged, &made->outcome);
	assert_string_equal(record_text(&record, COLUMN_flags), expected);
	record_release(&record);
	free(made->merged.histograms[BENCH_LATENCY]);
	make(made);
}

static void connections_throughput_and_latency_agree(void **state)
{
	struct made made;

	(void)state;
	make(&made);
	assert_flags(&made, "");
	made.merged.lanes_rps = 960;
	assert_flags(&made, "");
	/* 5 %, and 1 % for a fetch of 10 ms at the end of a second. */
	made.merged.lanes_rps = 945;
	assert_flags(&made, "");
	made.merged.lanes_rps = 940;
	assert_flags(&made, "littles-law");
	made.merged.lanes_rps = 900;
	assert_flags(&made, "littles-law");
	made.merged.lanes_rps = 1100;
	assert_flags(&made, "littles-law");
	/* Too few to tell; and an open loop's connections may be idle. */
	made.merged.lanes_rps = 1100;
	made.merged.completed = 499;
	assert_flags(&made, "");
	made.merged.completed = 1000;
	made.options.rate = 1000;
	assert_flags(&made, "");
	free(made.merged.histograms[BENCH_LATENCY]);
}

static void a_client_that_cannot_keep_up(void **state)
{
	struct made made;

	(void)state;
	make(&made);
	for (int i = 0; i < 4; i++) {
		made.options.rate = i == 3 ? 0 : 1000;
		made.merged.usage.user_ns = 500000000;
		made.merged.usage.system_ns = i == 1 ? 400000000 : 480000000;
		made.merged.late = i == 2 ? 9 : 11;
		assert_flags(&made, i == 0 ? "generator-saturated" : "");
	}
	free(made.merged.histograms[BENCH_LATENCY]);
}

static void others_on_the_workers_cpus(void **state)
{
	struct made made;

	(void)state;
	make(&made);
	made.merged.usage.involuntary_switches = 111;
	assert_flags(&made, "preempted");
	made.merged.usage.waiting_ns = 53000000;
	assert_flags(&made, "preempted");
	/* Waking up takes its time too, and a kernel helper is the model's own. */
	made.merged.usage.waiting_ns = 53000000;
	made.merged.usage.voluntary_switches = 1000;
	assert_flags(&made, "");
	made.merged.usage.waiting_ns = 53000000;
	made.merged.usage.helper_ns = 2000000;
	assert_flags(&made, "");
	/* Two workers on one CPU preempt each other. */
	made.merged.usage.involuntary_switches = 1000;
	made.outcome.run.count = 2;
	assert_flags(&made, "");
	made.merged.calls.cq_overflows = 1;
	made.merged.errors = 1;
	assert_flags(&made, "cq-overflow errors");
	free(made.merged.histograms[BENCH_LATENCY]);
}

/* What failed fetches cost is in the bill, and they are among those it is spread over. */
static void failures_cost_too(void **state)
{
	struct made made;

	(void)state;
	make(&made);
	made.merged.completed = 750;
	made.merged.errors = 250;
	made.merged.usage.user_ns = 8000000;
	made.merged.body_bytes = 75000;
	assert_true(fetch_cpu_us(&made.merged) == 8.0);
	assert_true(fetch_per_fetch(&made.merged, 3000) == 3.0);
	/* But what only good ones have is theirs. */
	assert_true(fetch_per_good(&made.merged, made.merged.body_bytes) == 100.0);
	made.merged.completed = 0;
	assert_true(isnan(fetch_cpu_us(&made.merged)));
	free(made.merged.histograms[BENCH_LATENCY]);
}

/* --- claims ----------------------------------------------------------------------------------- */

#define BLOCKS 10

/*
 * Ten blocks of a baseline, its control, one as fast and one half as fast; one row of `spoiled` is.
 */
static void trust_of(const char *spoiled, const char *flag, struct trust *trust)
{
	static const char *const cells[] = {"epoll", "equal", "slow", "again"};
	struct summary_options options = {.baseline = "epoll"};
	struct record rows[4 * BLOCKS];
	struct summary *summary;
	char why[200];

	for (unsigned i = 0; i < 4 * BLOCKS; i++) {
		unsigned cell = i % 4, block = i / 4;

		record_init(&rows[i], RECORD_FETCH);
		record_set_text(&rows[i], COLUMN_cell, cells[cell % 3]);
		record_set_text(&rows[i], COLUMN_model, cells[cell % 3]);
		record_set_text(&rows[i], COLUMN_role, cell == 3 ? "control" : "cell");
		record_set_text(&rows[i], COLUMN_quadrant, "async-blocking");
		record_set_count(&rows[i], COLUMN_block, block + 1);
		/* Equal: now above, now below. */
		record_set_real(&rows[i], COLUMN_throughput_rps,
				(cell == 2 ? 500.0 : 1000.0) + block +
					(cell % 2 ? (block % 2 ? 9 : -9) : 0));
		if (block == 4 && strcmp(cells[cell], spoiled) == 0)
			record_set_text(&rows[i], COLUMN_flags, flag);
	}
	assert_int_equal(
		summary_make(rows, 4 * BLOCKS, RECORD_FETCH, &options, &summary, why, sizeof(why)),
		0);
	memset(trust, 0, sizeof(*trust));
	trust_add_summary(trust, summary);
	summary_free(summary);
	for (unsigned i = 0; i < 4 * BLOCKS; i++)
		record_release(&rows[i]);
}

static void claims_and_what_they_rest_on(void **state)
{
	struct trust trust;
	char line[300];

	(void)state;
	trust_of("slow", "", &trust);
	assert_int_equal(trust.claims, 1);
	assert_int_equal(trust.doubtful, 0);
	trust_of("slow", "unlike_cores", &trust);
	assert_int_equal(trust.doubtful, 0);
	trust_of("slow", "steal preempted", &trust);
	assert_int_equal(trust.doubtful, 1);
	assert_string_equal(trust_line(&trust, line, sizeof(line)),
			    "1 of 1 claim rests on flagged rows: slow (preempted steal)");
	/* Nor may one that failed be dropped, and the others speak for all. */
	trust_of("slow", "failed status-7", &trust);
	assert_int_equal(trust.claims, 1);
	assert_int_equal(trust.doubtful, 1);
	/* The baseline is the other side of every claim. */
	trust_of("epoll", "steal", &trust);
	assert_int_equal(trust.doubtful, 1);
	assert_string_equal(trust.text, "epoll (steal)");
	/* Of this one nothing is claimed. */
	trust_of("equal", "steal", &trust);
	assert_int_equal(trust.doubtful, 0);
}

static int start(void **state)
{
	(void)state;
	return mkdtemp(root) ? 0 : -1;
}

static int stop(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", root);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_and_sets),
		cmocka_unit_test(some_spoil_and_some_tell),
		cmocka_unit_test(added_once),
		cmocka_unit_test(cells_by_name),
		cmocka_unit_test(so_many_preemptions),
		cmocka_unit_test(a_host_is_watched),
		cmocka_unit_test(what_is_not_there_is_not_claimed),
		cmocka_unit_test(connections_throughput_and_latency_agree),
		cmocka_unit_test(a_client_that_cannot_keep_up),
		cmocka_unit_test(others_on_the_workers_cpus),
		cmocka_unit_test(failures_cost_too),
		cmocka_unit_test(claims_and_what_they_rest_on),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
