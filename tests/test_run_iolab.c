/*
 * iolab as a user runs it: a small plan from start to matrix, what is on disk afterwards, the
 * seed's promise, one CPU, Ctrl-C, and what bad input gets.
 */
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "lab/plans.h"
#include "results/flags.h"
#include "results/record.h"
#include "tests/child.h"

static char folder[] = "/tmp/iolab-run-XXXXXX";
static char plan_path[64];

static const char small_plan[] =
	"; A small plan. For tests.\n"
	"[experiment]\nblocks = 3\n"
	"[fetch waits]\nmodel = blocking, epoll, uring\nwait = block, spin\n"
	"connections = 4\nlatency = 1ms\noverlap = thread\n"
	"duration = 30ms\nwarmup = 5ms\nbaseline = epoll/block\n"
	"[sumsq pools]\nmodel = serial, threads\nduration = 20ms\n"
	"baseline = serial\n";

/* blocking; epoll and uring twice each; the control; serial with its control, threads. */
#define FETCH_CELLS 6
#define SUMSQ_CELLS 3

static void write_plan(const char *text)
{
	FILE *file = fopen(plan_path, "w");

	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

static int start(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(plan_path, sizeof(plan_path), "%s/small.ini", folder);
	write_plan(small_plan);
	return 0;
}

static int stop(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

/* Runs iolab with these arguments (NULL-terminated). */
static int iolab(struct child *child, const char *const *arguments)
{
	const char *argv[16] = {child_program("iolab")};

	for (int i = 0; arguments[i] && i < 14; i++)
		argv[i + 1] = arguments[i];
	return child_run(child, argv);
}

/* The folder that the run's last lines name. */
static void run_folder(const struct child *child, char *path, size_t size)
{
	const char *at = strstr(child->out.text, "Written to ");

	if (!at)
		fail_msg("no folder named: '%s' '%s'", child->out.text, child->err.text);
	at += strlen("Written to ");
	snprintf(path, size, "%.*s", (int)strcspn(at, ":"), at);
}

static size_t read_rows(const char *run, const char *name, struct record **rows)
{
	char path[512], why[512];
	size_t count;
	bool cut;

	snprintf(path, sizeof(path), "%s/%s", run, name);
	if (record_read_csv(path, rows, &count, &cut, why, sizeof(why)))
		fail_msg("%s", why);
	assert_false(cut);
	return count;
}

static void whole_run(void **state)
{
	static const char *const files[] = {"plan.ini",	    "run.json",	   "host.json",
					    "topology.xml", "summary.csv", "report.txt"};
	const char *const arguments[] = {"run", "--results", folder, plan_path, NULL};
	struct record *rows;
	struct child child;
	unsigned controls = 0;
	char run[512];

	(void)state;
	if (iolab(&child, arguments) != 0)
		fail_msg("%s", child.err.text);
	assert_non_null(strstr(child.out.text, "ASYNCHRONOUS"));
	assert_non_null(strstr(child.out.text, "Sum of squares"));
	assert_non_null(strstr(child.out.text, "Noise floor"));
	run_folder(&child, run, sizeof(run));
	assert_int_equal(read_rows(run, "fetch.csv", &rows), 3 * FETCH_CELLS);
	for (int i = 0; i < 3 * FETCH_CELLS; i++) {
		assert_int_equal(record_number(&rows[i], COLUMN_block), i / FETCH_CELLS + 1);
		assert_string_equal(record_text(&rows[i], COLUMN_experiment), "small");
		assert_string_equal(record_text(&rows[i], COLUMN_run_id), strrchr(run, '/') + 1);
		assert_true(record_number(&rows[i], COLUMN_origin_latency_us) == 1000);
		assert_true(record_number(&rows[i], COLUMN_requests) > 0);
		assert_true(record_number(&rows[i], COLUMN_errors) == 0);
		assert_true(record_number(&rows[i], COLUMN_connections) == 4);
		assert_string_not_equal(record_text(&rows[i], COLUMN_cpus), "");
		controls += strcmp(record_text(&rows[i], COLUMN_role), "control") == 0;
	}
	assert_int_equal(controls, 3);
	record_free_all(rows, 3 * FETCH_CELLS);
	assert_int_equal(read_rows(run, "sumsq.csv", &rows), 3 * SUMSQ_CELLS);
	record_free_all(rows, 3 * SUMSQ_CELLS);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		char path[600];
		struct stat status;

		snprintf(path, sizeof(path), "%s/%s", run, files[i]);
		assert_int_equal(stat(path, &status), 0);
		assert_true(status.st_size > 0);
	}
	child_free(&child);
}

/* The cells of a run in the order they were run, as one text. */
static void order_of(const char *seed, char *text, size_t size)
{
	const char *const arguments[] = {"run",	   "--results", folder,	   "--blocks", "2",
					 "--seed", seed,	plan_path, NULL};
	struct record *rows;
	struct child child;
	size_t count, used = 0;
	char run[512];

	assert_int_equal(iolab(&child, arguments), 0);
	run_folder(&child, run, sizeof(run));
	count = read_rows(run, "fetch.csv", &rows);
	for (size_t i = 0; i < count; i++)
		used += (size_t)snprintf(
			text + used, size - used, "%s %s %.0f;", record_text(&rows[i], COLUMN_cell),
			record_text(&rows[i], COLUMN_role), record_number(&rows[i], COLUMN_order));
	record_free_all(rows, count);
	child_free(&child);
}

static void seed_gives_the_order(void **state)
{
	char first[2048], again[2048], other[2048];

	(void)state;
	order_of("7", first, sizeof(first));
	order_of("7", again, sizeof(again));
	order_of("8", other, sizeof(other));
	assert_string_equal(first, again);
	assert_string_not_equal(first, other);
}

/* On one CPU it runs, says that client and origin share it, and flags the rows. */
static void one_cpu(void **state)
{
	const char *const arguments[] = {"run", "--results", folder, "--blocks",
					 "1",	plan_path,   NULL};
	struct record *rows;
	struct child child;
	cpu_set_t before, one;
	char run[512];
	size_t count;

	(void)state;
	assert_int_equal(sched_getaffinity(0, sizeof(before), &before), 0);
	CPU_ZERO(&one);
	for (int cpu = 0; CPU_COUNT(&one) == 0; cpu++)
		if (CPU_ISSET(cpu, &before))
			CPU_SET(cpu, &one);
	assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
	int status = iolab(&child, arguments);
	assert_int_equal(sched_setaffinity(0, sizeof(before), &before), 0);
	if (status != 0)
		fail_msg("%s", child.err.text);
	assert_non_null(strstr(child.out.text, "Note: "));
	assert_non_null(strstr(child.out.text, "share"));
	run_folder(&child, run, sizeof(run));
	count = read_rows(run, "fetch.csv", &rows);
	for (size_t i = 0; i < count; i++)
		assert_non_null(strstr(record_text(&rows[i], COLUMN_flags), "origin-shares-cpu"));
	record_free_all(rows, count);
	child_free(&child);
}

static void interrupted(void **state)
{
	const char *const argv[] = {child_program("iolab"),
				    "run",
				    "--results",
				    folder,
				    "--blocks",
				    "500",
				    plan_path,
				    NULL};
	struct record *rows;
	struct child child;
	char run[512];
	size_t count;

	(void)state;
	child_start(&child, argv);
	usleep(1500000);
	assert_int_equal(child_end(&child, SIGINT, CHILD_LIMIT_MS), 130);
	assert_non_null(strstr(child.out.text, "Interrupted"));
	run_folder(&child, run, sizeof(run));
	count = read_rows(run, "fetch.csv", &rows);
	assert_true(count > 0);
	record_free_all(rows, count);
	child_free(&child);
}

/* The process whose id the file holds has ended, or does so within a moment. */
static void assert_gone(const char *pid_path)
{
	char path[64], text[64] = "";
	FILE *file = fopen(pid_path, "r");
	int pid = 0;

	assert_non_null(file);
	assert_int_equal(fscanf(file, "%d", &pid), 1);
	fclose(file);
	snprintf(path, sizeof(path), "/proc/%d/cmdline", pid);
	for (int i = 0; i < 200; i++) {
		file = fopen(path, "r");
		/* One that nobody waited for yet has no command line any more. */
		if (!file || !fgets(text, sizeof(text), file)) {
			if (file)
				fclose(file);
			return;
		}
		fclose(file);
		usleep(10000);
	}
	fail_msg("process %d, %s, is still there", pid, text);
}

/* Commands, lists of URLs and naps stand in the same blocks; a cell that fails ends nothing. */
static void all_kinds(void **state)
{
	static const char plan[] =
		"[experiment]\nblocks = 2\n"
		"[defaults fetch]\nmodel = epoll\n"
		"[fetch list]\nrepeat = 2\nurls = {origin}/bytes/100 {origin}/delay/1ms\n"
		"[fetch refused]\nurls = {origin}/status/500 http://127.0.0.1:1/\n"
		"[command curl]\nrun = curl -s -w 'did %{size_download} at %{http_code}.5' {url}\n"
		"body = 1000\nrate = at ([0-9.]+)\ncount = did ([0-9]+)\n"
		"[command bound]\nrun = sh -c 'cat /proc/self/status; exit {code}'\ncode = 0, 3\n"
		"rate = Cpus_allowed_list:.([0-9]+)\n"
		"[command hangs]\nrun = sh -c 'sleep 60 & echo $! >${IOLAB_TEST_PID}; sleep 60'\n"
		"timeout = 1ms\n"
		"[command silent]\nrun = true\nrate = (.+)\n"
		"[command missing]\nrun = ${IOLAB_TEST_LOST}\n"
		"[nap naps]\nmodel = blocking, uring\ntick = 1ms\n";
	static const struct {
		const char *cell, *flags;
	} expected[] = {
		{"list", ""},
		{"refused", "failed status-1"},
		{"curl", ""},
		{"bound/0", ""},
		{"bound/3", "failed status-3"},
		{"hangs", "failed timeout"},
		{"silent", "failed no-row"},
		{"missing", "failed status-127"},
	};
	const char *const arguments[] = {"run", "--results", folder, plan_path, NULL};
	struct record *rows;
	struct child child;
	char run[512];
	size_t count;

	(void)state;
	char pid_path[80], lost[80];
	FILE *script;

	/* It is there and may be executed, and what is to read it is not there. */
	snprintf(lost, sizeof(lost), "%s/lost", folder);
	script = fopen(lost, "w");
	assert_non_null(script);
	fputs("#!/no/such/interpreter\n", script);
	assert_int_equal(fclose(script), 0);
	assert_int_equal(chmod(lost, 0700), 0);
	setenv("IOLAB_TEST_LOST", lost, 1);
	snprintf(pid_path, sizeof(pid_path), "%s/pid", folder);
	setenv("IOLAB_TEST_PID", pid_path, 1);
	write_plan(plan);
	assert_int_equal(iolab(&child, arguments), 1);
	assert_gone(pid_path);
	assert_non_null(strstr(child.err.text, "hangs: killed, it did not end in time"));
	assert_non_null(strstr(child.err.text, "silent: rate = (.+) finds no number"));
	assert_non_null(strstr(child.err.text, "missing: status 127: cannot run /tmp/"));
	assert_non_null(strstr(child.out.text, "naps/uring"));
	run_folder(&child, run, sizeof(run));
	count = read_rows(run, "fetch.csv", &rows);
	assert_int_equal(count, 2 * sizeof(expected) / sizeof(expected[0]));
	for (size_t i = 0; i < count; i++) {
		const struct record *r = &rows[i];
		const char *cell = record_text(r, COLUMN_cell);
		const char *flags = record_text(r, COLUMN_flags);
		size_t e = 0;

		while (strcmp(expected[e].cell, cell) != 0)
			assert_true(++e < sizeof(expected) / sizeof(expected[0]));
		/* Quality flags may come on top, the program's own or on one CPU. */
		if (!strstr(flags, expected[e].flags) ||
		    (!*expected[e].flags && strstr(flags, "failed")))
			fail_msg("%s: flags '%s'", cell, flags);
		assert_string_equal(record_text(r, COLUMN_role), e < 2 ? "cell" : "command");
		if (e == 0)
			assert_true(record_number(r, COLUMN_requests) == 4);
		if (e == 2) {
			assert_true(record_number(r, COLUMN_throughput_rps) == 200.5);
			assert_true(record_number(r, COLUMN_requests) == 1000);
			assert_true(record_number(r, COLUMN_body_bytes) == 1000);
			assert_true(record_number(r, COLUMN_cpu_us_per_request) > 0);
			assert_true(record_number(r, COLUMN_max_rss_kib) > 0);
		}
		if (e == 3)
			assert_int_equal(record_number(r, COLUMN_throughput_rps),
					 atoi(record_text(r, COLUMN_cpus)));
	}
	record_free_all(rows, count);
	count = read_rows(run, "nap.csv", &rows);
	assert_int_equal(count, 6);
	assert_true(record_number(&rows[0], COLUMN_ticks) == 6);
	record_free_all(rows, count);
	child_free(&child);
	write_plan(small_plan);
}

/* The study's plan is understood whole, and one like it, less far away, is run to its table. */
static void programs(void **state)
{
	static const char plan[] =
		"[experiment]\nblocks = 2\nreport = programs\n"
		"[origin]\nname[] = www.jython.org\nname[] = realpython.com\n"
		"[defaults fetch]\n"
		"urls = https://www.jython.org:{tls-port}/delay/2ms "
		"http://olympus.realpython.org:{port}/delay/5ms \\\n"
		"https://realpython.com:{tls-port}/delay/3ms\n"
		"resolve[] = www.jython.org:{tls-port}:127.0.0.1\n"
		"resolve[] = olympus.realpython.org:{port}:127.0.0.1\n"
		"resolve[] = realpython.com:{tls-port}:127.0.0.1\n"
		"cacert = {ca}\n"
		"[fetch 1 sequential]\nmodel = blocking\nrepeat = 3\n"
		"[fetch 2 threads]\nmodel = blocking\nthreads = 4\nrepeat = 5\n"
		"[fetch 3 processes]\nmodel = blocking\nprocesses = 4\nrepeat = 5\n"
		"[nap 4 naps]\nmodel = blocking, epoll\ntick = 2ms\n"
		"[fetch 5 one loop]\nmodel = epoll, uring\nconnections = 15\nrepeat = 5\n"
		"[sumsq 7 process a job]\nmodel = processes\nper-job = yes\njobs = 1000 2000\n";
	static const char *const names[] = {"\n1 sequential ",	   "\n2 threads ",
					    "\n3 processes ",	   "\n4 naps/blocking ",
					    "\n4 naps/epoll ",	   "\n5 one loop/epoll ",
					    "\n5 one loop/uring ", "\n7 process a job "};
	const char *const study[] = {"plan", "study", NULL};
	const char *const arguments[] = {"run", "--results", folder, plan_path, NULL};
	struct record *rows;
	struct child child;
	const char *at;
	char run[512];
	size_t count;

	(void)state;
	assert_int_equal(iolab(&child, study), 0);
	assert_non_null(strstr(child.out.text, "  5 one loop/uring "));
	assert_non_null(strstr(child.out.text, "[sumsq 7 process a job]"));
	child_free(&child);
	write_plan(plan);
	if (iolab(&child, arguments) != 0)
		fail_msg("%s", child.err.text);
	assert_null(strstr(child.out.text, "ASYNCHRONOUS"));
	/* In the plan's order. */
	at = child.out.text;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *found = strstr(at, names[i]);

		if (!found)
			fail_msg("no '%s' in %s", names[i] + 1, at);
		at = found;
	}
	run_folder(&child, run, sizeof(run));
	count = read_rows(run, "fetch.csv", &rows);
	assert_int_equal(count, 12);
	for (size_t i = 0; i < count; i++)
		assert_true(record_number(&rows[i], COLUMN_requests) ==
			    (strcmp(record_text(&rows[i], COLUMN_cell), "1 sequential") ? 15 : 9));
	record_free_all(rows, count);
	count = read_rows(run, "sumsq.csv", &rows);
	assert_true(count == 2 && record_number(&rows[0], COLUMN_jobs) == 2);
	assert_string_equal(record_text(&rows[0], COLUMN_variant_requested), "per-job");
	record_free_all(rows, count);
	strcat(run, "/programs.csv");
	assert_int_equal(access(run, R_OK), 0);
	child_free(&child);
	write_plan(small_plan);
}

/* By TLS too the plan's cells ask the origin that the runner started, and trust only that. */
static void tls_as_a_factor(void **state)
{
	static const char plan[] =
		"[experiment]\nblocks = 1\n[fetch f]\nmodel = epoll, blocking\ntls = no, yes\n"
		"body = 1k\nduration = 20ms\n"
		"[command curl]\ntls = yes\nrun = curl -sf -w '%{size_download}' -o /dev/null "
		"--cacert {ca} {url}\nbody = 1k\ncount = (1024)\n";
	const char *const arguments[] = {"run", "--results", folder, plan_path, NULL};
	struct record *rows;
	struct child child;
	char run[512];
	size_t count;

	(void)state;
	write_plan(plan);
	if (iolab(&child, arguments) != 0)
		fail_msg("%s", child.err.text);
	run_folder(&child, run, sizeof(run));
	count = read_rows(run, "fetch.csv", &rows);
	assert_int_equal(count, 6);
	for (size_t i = 0; i < count; i++) {
		bool tls = strstr(record_text(&rows[i], COLUMN_cell), "/no") == NULL;

		assert_true(record_number(&rows[i], COLUMN_tls) == tls);
		assert_true(record_number(&rows[i], COLUMN_body_bytes) == 1024);
		assert_true(record_number(&rows[i], COLUMN_requests) > 0);
	}
	record_free_all(rows, count);
	child_free(&child);
	write_plan(small_plan);
}

/* The second Ctrl-C does not wait for a cell that will not end. */
static void interrupted_twice(void **state)
{
	const char *const argv[] = {
		child_program("iolab"), "run", "--results", folder, plan_path, NULL};
	struct child child;

	(void)state;
	write_plan("[command deaf]\nrun = sh -c 'trap \"\" INT; sleep 600; sleep 600'\n");
	child_start(&child, argv);
	usleep(700000);
	kill(child.pid, SIGINT);
	usleep(300000);
	assert_int_equal(child_end(&child, SIGINT, 5000), 130);
	child_free(&child);
	write_plan(small_plan);
}

static void plan_is_shown(void **state)
{
	const char *const arguments[] = {"plan", "--commands", "--blocks", "4", plan_path, NULL};
	struct child child;

	(void)state;
	assert_int_equal(iolab(&child, arguments), 0);
	assert_non_null(strstr(child.out.text, "  waits/epoll/block"));
	assert_non_null(strstr(child.out.text, "s  control\n"));
	assert_non_null(strstr(child.out.text, "/fetch-blocking --json --wait=block --threads=4 "));
	assert_non_null(strstr(child.out.text, " http://127.0.0.1:{port}/delay/1ms\n"));
	assert_non_null(strstr(child.out.text, "small: 9 cells x 4 blocks, about "));
	child_free(&child);
}

/* Times that do not fit stay long; what a command takes is a guess, and called one. */
static void estimates(void **state)
{
	const char *const arguments[] = {"plan", plan_path, NULL};
	struct child child;

	(void)state;
	write_plan("[command c]\nrun = sleep {duration} {warmup}\nduration = 18000000000s\n"
		   "warmup = 18000000000s\n");
	assert_int_equal(iolab(&child, arguments), 0);
	/* 2^64 ns */
	assert_non_null(strstr(child.out.text, " 5124095 h 34 min"));
	assert_null(strstr(child.out.text, "reckoned"));
	child_free(&child);
	write_plan("[command c]\nrun = true\n");
	assert_int_equal(iolab(&child, arguments), 0);
	assert_non_null(strstr(child.out.text, " s, commands reckoned as 1 s each\n"));
	child_free(&child);
	write_plan(small_plan);
}

static void assert_refused(const char *const *arguments, int status, const char *says)
{
	struct child child;
	int got = iolab(&child, arguments);

	if (got != status || !child_one_line(child.err.text) || !strstr(child.err.text, says))
		fail_msg("status %d, expected %d and '%s'; stderr: '%s'", got, status, says,
			 child.err.text);
	child_free(&child);
}

static void bad_input(void **state)
{
	static const char *const unknown_plan[] = {"run", "matrx", NULL};
	static const char *const no_file[] = {"run", "./none.ini", NULL};
	static const char *const unwritable[] = {"run", "--results", "/proc/no/where", NULL};
	static const char *const unknown_option[] = {"run", "--block=3", NULL};
	static const char *const unknown_command[] = {"runn", NULL};
	static const char *const two_plans[] = {"run", "matrix", "matrix", NULL};
	const char *const broken[] = {"run", "--results", folder, plan_path, NULL};

	(void)state;
	assert_refused(unknown_plan, 2, "unknown plan 'matrx'; did you mean matrix?");
	assert_refused(no_file, 2, "./none.ini");
	assert_refused(unwritable, 1, "/proc/no/where");
	assert_refused(unknown_option, 2, "did you mean --blocks?");
	assert_refused(unknown_command, 2, "did you mean run?");
	assert_refused(two_plans, 2, "second one");
	write_plan("[fetch]\nmodel = epol\nduration = 1s\n");
	assert_refused(broken, 2, "'epol' is not a fetch model");
	write_plan("[fetch]\nmodel = epoll\nconnections = 1, 2 … 600\nduration = 1s\n");
	assert_refused(broken, 2, "more than 512 values");
	const char *const told[] = {"plan", "--cells-max", "601", plan_path, NULL};
	struct child child;

	assert_int_equal(iolab(&child, told), 0);
	assert_non_null(strstr(child.out.text, "small: 601 cells"));
	child_free(&child);
	write_plan(small_plan);
}

static void lists(void **state)
{
	static const char *const list[] = {"list", NULL};
	static const char *const columns[] = {"columns", NULL};
	struct child child;
	unsigned lines = 0;

	(void)state;
	assert_int_equal(iolab(&child, list), 0);
	for (const struct plan_text *p = plan_texts; p->name; p++) {
		char line[80];

		snprintf(line, sizeof(line), "%s%-10s ", p == plan_texts ? "" : "\n", p->name);
		assert_non_null(strstr(child.out.text, line));
	}
	for (const char *p = child.out.text; *p; p += strcspn(p, "\n") + 1)
		assert_true(strcspn(p, "\n") <= 100);
	child_free(&child);
	assert_int_equal(iolab(&child, columns), 0);
	for (const char *p = child.out.text; *p; p++)
		lines += *p == '\n';
	/* The flags stand below, behind an empty line and one that says so. */
	assert_int_equal(lines, 1 + RECORD_COLUMNS + 2 + FLAGS);
	child_free(&child);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_run),	   cmocka_unit_test(seed_gives_the_order),
		cmocka_unit_test(one_cpu),	   cmocka_unit_test(interrupted),
		cmocka_unit_test(all_kinds),	   cmocka_unit_test(interrupted_twice),
		cmocka_unit_test(plan_is_shown),   cmocka_unit_test(programs),
		cmocka_unit_test(tls_as_a_factor), cmocka_unit_test(bad_input),
		cmocka_unit_test(lists),	   cmocka_unit_test(estimates),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
