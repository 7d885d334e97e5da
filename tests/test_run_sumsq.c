/*
 * The sumsq programs as a user runs them: what they print, their statuses, one line for what is
 * wrong, Ctrl-C, and a worker process that is killed. BUILD names the folder they are in.
 */
#include <errno.h>
#include <jansson.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "kernels/sumsq/sumsq.h"

#define TOTAL "Sum: 270003780024375058870\n"

static const char *const programs[] = {"sumsq-serial", "sumsq-threads", "sumsq-processes"};

static char output[65536];

/* Runs a shell command, $S being the path of the program; returns its status. */
static int shell(const char *program, const char *command)
{
	const char *build = getenv("BUILD");
	size_t used;
	FILE *pipe;
	char path[256];
	int status;

	snprintf(path, sizeof(path), "%s/%s", build ? build : "build", program);
	setenv("S", path, 1);
	pipe = popen(command, "r");
	assert_non_null(pipe);
	used = fread(output, 1, sizeof(output) - 1, pipe);
	output[used] = '\0';
	status = pclose(pipe);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* With these arguments; `output` is its stdout, or with `errors` its stderr. */
static int run(const char *program, const char *arguments, int errors)
{
	char command[512];

	snprintf(command, sizeof(command), "exec \"$S\" %s %s", arguments,
		 errors ? "2>&1 >/dev/null" : "2>/dev/null");
	return shell(program, command);
}

static void contains(const char *text)
{
	if (!strstr(output, text))
		fail_msg("'%s' is not in:\n%s", text, output);
}

static size_t lines(void)
{
	size_t count = 0;

	for (const char *c = output; *c; c++)
		count += *c == '\n';
	return count;
}

static void the_thirty(void **state)
{
	(void)state;
	for (int p = 0; p < 3; p++) {
		size_t commas = 0;

		assert_int_equal(run(programs[p], "", 0), 0);
		assert_ptr_equal(strstr(output, "[8999995500000500000, 9000004500000500000, "),
				 output);
		contains(", 9000256502436507714]\n" TOTAL "Duration: 0.");
		contains(" seconds\nCore: ");
		for (const char *c = output; *c != '\n'; c++)
			commas += *c == ',';
		assert_int_equal(commas, 29);
		assert_int_equal(lines(), 4);
	}
}

static void operands(void **state)
{
	(void)state;
	for (int p = 0; p < 3; p++) {
		assert_int_equal(run(programs[p], "0 1 2 3 10", 0), 0);
		contains("[0, 0, 1, 5, 285]\nSum: 291\n");
		assert_int_equal(run(programs[p], "67108870", 0), 0);
		contains("Sum: 100743843071019072880695\n");
	}
}

static void every_core(void **state)
{
	(void)state;
	for (size_t i = 0; i < sumsq_cores_count; i++) {
		char arguments[80];

		snprintf(arguments, sizeof(arguments), "--core %s", sumsq_cores[i].name);
		if (sumsq_cores[i].runs()) {
			assert_int_equal(run("sumsq-serial", arguments, 0), 0);
			contains(TOTAL);
			contains(sumsq_cores[i].name);
		} else {
			assert_int_equal(run("sumsq-serial", arguments, 1), 3);
			contains(sumsq_cores[i].needs);
		}
	}
}

static void every_way(void **state)
{
	static const char *const ways[] = {
		"--workers 1",
		"--workers 5",
		"--workers 3 --cpus 0",
		"--place none",
		"--place numa",
		"--place cores --workers 1",
		"--cpus all",
		"--cpus 0x1",
		"--place compact --idle sleep",
		"--idle spin:1ms",
		"--grain 1000",
		"--grain 777777 --repeat 3",
		"--per-job",
		"--per-job --workers 7 --grain 1000000",
		"--warmup 5ms --duration 20ms",
	};

	(void)state;
	for (int p = 1; p < 3; p++)
		for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
			if (run(programs[p], ways[i], 0))
				fail_msg("%s %s failed", programs[p], ways[i]);
			contains(TOTAL);
		}
	assert_int_equal(run("sumsq-threads", "--global-lock", 0), 0);
	contains(TOTAL);
	assert_int_equal(run("sumsq-serial", "--grain 100000 --repeat 2", 0), 0);
	contains(TOTAL "Passes: 2, ");
}

static void a_process_for_each_job(void **state)
{
	int ids[30];
	const char *at = output;

	(void)state;
	assert_int_equal(run("sumsq-processes", "--per-job", 0), 0);
	for (int i = 0; i < 30; i++) {
		char expected[40];

		assert_int_equal(sscanf(at, "Process id: %d,", &ids[i]), 1);
		snprintf(expected, sizeof(expected), "name: job-%d, sum: %d", i + 1, i ? 9 : 8);
		assert_non_null(strstr(at, expected));
		for (int j = 0; j < i; j++)
			assert_int_not_equal(ids[i], ids[j]);
		at = strchr(at, '\n') + 1;
	}
}

static json_t *record(void)
{
	json_error_t error;
	json_t *object = json_loads(output, 0, &error);

	if (!object)
		fail_msg("not JSON: %s in\n%s", error.text, output);
	return object;
}

static const char *text(const json_t *object, const char *key)
{
	const char *value = json_string_value(json_object_get(object, key));

	return value ? value : "";
}

static double number(const json_t *object, const char *key)
{
	assert_true(json_is_number(json_object_get(object, key)));
	return json_number_value(json_object_get(object, key));
}

/* Jobs that are all alike, and as many workers as there is room for. */
static void alike(void **state)
{
	json_t *object;

	(void)state;
	for (int p = 0; p < 3; p++) {
		assert_int_equal(run(programs[p], "--size 4 --count 3 --workers all", 0), 0);
		contains("[14, 14, 14]\nSum: 42\n");
		assert_int_equal(run(programs[p], "-s 1000 --json", 0), 0);
		object = record();
		assert_true(number(object, "jobs") == 30);
		assert_true(number(object, "squares_per_job") == 1000);
		json_decref(object);
	}
	assert_int_equal(run("sumsq-serial", "--json 10 20", 0), 0);
	object = record();
	assert_true(number(object, "squares_per_job") == 15);
	json_decref(object);
	assert_int_equal(run("sumsq-threads", "--json --workers all --cpus 0", 0), 0);
	object = record();
	assert_true(number(object, "workers") == 1);
	json_decref(object);
}

/* What is not needed is not loaded: that is half of a short command's time. */
static void loads_little(void **state)
{
	(void)state;
	if (getenv("ASAN_OPTIONS") || getenv("TSAN_OPTIONS"))
		return;
	for (int p = 0; p < 3; p++) {
		assert_int_equal(shell(programs[p], "readelf -d \"$S\" | grep NEEDED"), 0);
		contains("[libc.so");
		assert_null(strstr(output, "ssl"));
		assert_null(strstr(output, "crypto"));
		assert_null(strstr(output, "uring"));
		assert_null(strstr(output, "brotli"));
		assert_null(strstr(output, "zstd"));
	}
}

static void the_record(void **state)
{
	(void)state;
	for (int p = 0; p < 3; p++) {
		json_t *object;

		assert_int_equal(run(programs[p], "--json --repeat 3 --cpus 0", 0), 0);
		object = record();
		assert_string_equal(text(object, "model"), programs[p] + strlen("sumsq-"));
		assert_string_equal(text(object, "sum"), "270003780024375058870");
		assert_string_equal(text(object, "placement"), "cpus");
		assert_string_equal(text(object, "cpus"), "0");
		assert_true(number(object, "workers") == 1);
		assert_true(number(object, "jobs") == 30);
		assert_true(number(object, "elements") == 3 * (30 * 3000000.0 + 435));
		assert_true(number(object, "partial") == 0);
		assert_true(number(object, "duration_s") > 0);
		assert_true(number(object, "setup_s") > 0);
		assert_true(number(object, "elements_per_s") > 0);
		assert_true(number(object, "dispatch_ns_per_job") > 0);
		assert_true(number(object, "cpu_user_s") + number(object, "cpu_system_s") > 0);
		assert_true(number(object, "involuntary_switches") >= 0);
		json_decref(object);
	}
}

static void csv(void **state)
{
	char template[] = "/tmp/iolab-test-XXXXXX";
	char command[256];

	(void)state;
	assert_non_null(mkdtemp(template));
	snprintf(command, sizeof(command),
		 "\"$S\" -q --csv %s/a.csv && \"$S\" --csv %s/a.csv -q && cat %s/a.csv; rm -r %s",
		 template, template, template, template);
	assert_int_equal(shell("sumsq-threads", command), 0);
	assert_int_equal(lines(), 3);
	assert_ptr_equal(strstr(output, "schema_version,"), output);
	assert_int_equal(run("sumsq-serial", "--csv -", 0), 0);
	assert_int_equal(lines(), 2);
	contains(",270003780024375058870,");
	assert_int_equal(run("sumsq-serial", "--quiet", 0), 0);
	assert_string_equal(output, "");
}

static void bad_input(void **state)
{
	static const struct {
		const char *program;
		const char *arguments;
		int status;
		const char *says;
	} rows[] = {
		{"sumsq-serial", "4398046511105", 2, "2^42"},
		{"sumsq-serial", "99999999999999999999999", 2, "2^42"},
		{"sumsq-threads", "-5", 2, "-5"},
		{"sumsq-threads", "-- -5", 2, "'-5' is not a whole number"},
		{"sumsq-threads", "--size 4398046511104 --count 13", 2, "2^128 or more"},
		{"sumsq-threads", "many", 2, "'many' is not a whole number"},
		{"sumsq-threads", "3 1.5", 2, "'1.5'"},
		{"sumsq-threads", "--workers 0", 2, "--workers"},
		{"sumsq-threads", "--workers most", 2, "such as 64, or all"},
		{"sumsq-threads", "--size 0", 2, "--size"},
		{"sumsq-threads", "--size 4398046511105", 2, "4398046511104"},
		{"sumsq-threads", "--size 5 6", 2, "'6': with --size"},
		{"sumsq-threads", "--count 5", 2, "--count goes with --size"},
		{"sumsq-threads", "--size 1 --count 16777217", 2, "16777216"},
		{"sumsq-threads", "--size 100 --count 16777216 --grain 10", 2, "--grain"},
		{"sumsq-serial", "--workers 2", 2, "--workers"},
		{"sumsq-serial", "--per-job", 2, "--per-job"},
		{"sumsq-processes", "--global-lock", 2, "--global-lock"},
		{"sumsq-threads", "--on-death rerun", 2, "--on-death"},
		{"sumsq-threads", "--idle spin", 2, "spin:50us"},
		{"sumsq-threads", "--idle spin:0s", 2, "spin:50us"},
		{"sumsq-threads", "--idle sleep --per-job", 2, "--per-job"},
		{"sumsq-threads", "--grain 0", 2, "--grain"},
		{"sumsq-threads", "--grain 1", 2, "16777216 pieces"},
		{"sumsq-threads", "--repeat 2 --duration 1s", 2, "--duration"},
		{"sumsq-threads", "--json --csv -", 2, "stdout"},
		{"sumsq-threads", "--core abacus", 2, "abacus"},
		{"sumsq-threads", "--core", 2, "--core"},
		{"sumsq-threads", "--frobnicate", 2, "--frobnicate"},
		{"sumsq-threads", "--cpus 0-", 2, "--cpus"},
		{"sumsq-threads", "--cpus 9999", 3, "9999"},
		{"sumsq-threads", "--place cores --workers 4000", 3, "impossible: "},
		{"sumsq-processes", "--place numa --workers 4000", 3, "impossible: "},
		{"sumsq-processes", "--place smt --workers 4000", 3, "impossible: "},
		{"sumsq-threads", "--place nic:lo", 3, "no network device lo is near any CPU"},
		{"sumsq-threads", "--place nic", 2, "--place: 'nic' is not one of its values"},
		{"sumsq-threads", "--place wide", 2, "nic:NAME"},
		{"sumsq-threads", "--place none --cpus 0", 2, "--cpus"},
		{"sumsq-threads", "--csv /nowhere/at/all.csv", 1, "/nowhere/at/all.csv"},
		{"sumsq-threads", ">/dev/full", 1, "stdout"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char command[256];
		int status;

		snprintf(command, sizeof(command), "exec \"$S\" 2>&1 >/dev/null %s",
			 rows[i].arguments);
		status = shell(rows[i].program, command);
		if (status != rows[i].status || lines() != 1)
			fail_msg("%s %s: status %d, said: %s", rows[i].program, rows[i].arguments,
				 status, output);
		contains(rows[i].says);
		contains(rows[i].program);
	}
}

/* In the middle of a job that takes a minute, and between passes. */
static void interrupted(void **state)
{
	static const char *const ways[] = {"4398046511104", "--duration 60s", "--warmup 60s"};

	(void)state;
	for (int p = 0; p < 3; p++)
		for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
			char command[256];
			json_t *object;

			snprintf(command, sizeof(command),
				 "exec timeout --preserve-status -s INT 0.8 \"$S\" --json %s",
				 ways[i]);
			assert_int_equal(shell(programs[p], command), 130);
			object = record();
			assert_true(number(object, "partial") == 1);
			if (i < 2)
				assert_true(number(object, "elements") > 0);
			json_decref(object);
		}
}

/* The program with its one child killed by SIGKILL half a second after the start. */
static int killed(const char *arguments, int errors)
{
	char command[512];

	snprintf(command, sizeof(command),
		 "\"$S\" --workers 2 --cpus 0 --duration 1.5s %s %s & "
		 "sleep 0.5; kill -9 $(cat /proc/$!/task/$!/children); wait $!",
		 arguments, errors ? "2>&1 >/dev/null" : "2>/dev/null");
	return shell("sumsq-processes", command);
}

static bool lists_children(void)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", getpid(), getpid());
	if (access(path, R_OK) == 0)
		return true;
	print_message("skipped: this kernel does not list a process's children\n");
	return false;
}

static void killed_worker(void **state)
{
	json_t *object;

	(void)state;
	if (!lists_children())
		return;
	assert_int_equal(killed("", 1), 1);
	assert_int_equal(lines(), 1);
	contains("was killed by signal 9");
	assert_int_equal(killed("--on-death rerun", 1), 0);
	contains("done again");
	assert_int_equal(killed("--on-death rerun --json", 0), 0);
	object = record();
	assert_non_null(strstr(text(object, "flags"), "worker_died"));
	assert_string_equal(text(object, "sum"), "270003780024375058870");
	json_decref(object);
}

/* The caller is at a job of minutes when its worker is killed: the run fails now, not then. */
static void killed_while_busy(void **state)
{
	(void)state;
	if (!lists_children())
		return;
	assert_int_equal(
		shell("sumsq-processes",
		      "timeout 20 \"$S\" --workers 2 4398046511104 4398046511104 2>&1 >/dev/null & "
		      "sleep 0.5; for p in $(cat /proc/$!/task/$!/children); do "
		      "kill -USR1 $(cat /proc/$p/task/$p/children); done; wait $!"),
		1);
	assert_int_equal(lines(), 1);
	contains("was killed by signal 10");
}

/* Somebody moves the run's threads while they work: the row says so, and only then. */
static void moved(void **state)
{
	static const char *const ways[] = {"", "--per-job --size 2000000000 --count 8"};
	json_t *object;

	(void)state;
	if (sysconf(_SC_NPROCESSORS_ONLN) < 2 || system("taskset -p $$ >/dev/null")) {
		print_message("skipped: needs two CPUs and taskset\n");
		return;
	}
	for (int p = 0; p < 3; p++)
		for (size_t i = 0; i < (p ? 2 : 1); i++) {
			char command[512];

			/* All of them, wherever it was that they were pinned. */
			snprintf(command, sizeof(command),
				 "\"$S\" --json --cpus 0 --workers %d --duration 1s %s & "
				 "sleep 0.4; for p in $! $(cat /proc/$!/task/*/children); do "
				 "taskset -ap 3 $p; done >/dev/null 2>&1; wait $!",
				 p ? 2 : 1, ways[i]);
			assert_int_equal(shell(programs[p], command), 0);
			object = record();
			if (!strstr(text(object, "flags"), "moved"))
				fail_msg("%s %s: flags '%s'", programs[p], ways[i],
					 text(object, "flags"));
			json_decref(object);
		}
	for (int p = 0; p < 3; p++) {
		assert_int_equal(run(programs[p], "--json", 0), 0);
		object = record();
		assert_null(strstr(text(object, "flags"), "moved"));
		json_decref(object);
	}
}

static unsigned occurrences(const char *text)
{
	unsigned count = 0;

	for (const char *at = output; (at = strstr(at, text)); at += strlen(text))
		count++;
	return count;
}

/* Under numa, and only then, each worker binds its memory, before it starts to work. */
static void memory_is_bound(void **state)
{
	long workers = sysconf(_SC_NPROCESSORS_ONLN) > 1 ? 2 : 1;
	char command[256];

	(void)state;
	for (int p = 1; p < 3; p++) {
		snprintf(command, sizeof(command),
			 "strace -f -e trace=set_mempolicy \"$S\" --place numa --workers %ld 2>&1",
			 workers);
		shell(programs[p], command);
		if (!strstr(output, "+++ exited with")) {
			print_message("skipped: strace cannot trace here\n");
			return;
		}
		assert_int_equal(occurrences("set_mempolicy(MPOL_BIND, ["), workers);
		shell(programs[p], "strace -f -e trace=set_mempolicy \"$S\" 2>&1");
		assert_int_equal(occurrences("set_mempolicy("), 0);
	}
}

/*
 * Runs the program under limits, as a user whom they bind (root they do not), in a process group
 * of its own: nobody may be left in that group afterwards.
 */
static int limited(const char *program, const char *limits, const char *arguments)
{
	char command[512];
	const char *user = getuid() ? "" : "setpriv --reuid=64999 --regid=64999 --clear-groups ";

	snprintf(command, sizeof(command),
		 "setsid -w sh -c 'echo $$; exec %sprlimit %s \"$S\" %s 2>&1 >/dev/null'", user,
		 limits, arguments);
	return shell(program, command);
}

static void check_limited(const char *program, const char *limits, const char *arguments,
			  const char *says)
{
	int status = limited(program, limits, arguments);
	int group = atoi(output);

	if (status != 3 || lines() != 2)
		fail_msg("%s %s under %s: status %d, said: %s", program, arguments, limits, status,
			 output);
	contains(says);
	contains(program);
	assert_true(group > 1);
	assert_int_equal(kill(-group, 0), -1);
	assert_int_equal(errno, ESRCH);
}

/* What cannot be had while the pool starts: what was started is ended, one line, status 3. */
static void at_a_limit(void **state)
{
	(void)state;
	if (getenv("ASAN_OPTIONS") || limited("sumsq-serial", "--as=400000000:400000000", "-q") ||
	    limited("sumsq-serial", "--nproc=3:3", "-q")) {
		print_message("skipped: limits end this build before it begins: %s\n", output);
		return;
	}
	/* Stacks of 8 MiB: a few hundred threads are there when it fails. */
	check_limited("sumsq-threads", "--as=4000000000 --stack=8388608", "--workers 4000",
		      "cannot make thread ");
	check_limited("sumsq-threads", "--as=400000000", "--workers 4000", "sumsq-threads: ");
	check_limited("sumsq-processes", "--as=100000000", "--workers 4000 --grain 1000",
		      "no memory for ");
	check_limited("sumsq-threads", "--nproc=3:3", "--workers 20", "cannot make thread ");
	check_limited("sumsq-processes", "--nproc=3:3", "--workers 20", "cannot fork process ");
	check_limited("sumsq-threads", "--nproc=3:3", "--workers 20 --per-job",
		      "cannot start a thread for job ");
	check_limited("sumsq-processes", "--nproc=3:3", "--workers 20 --per-job",
		      "cannot start a process for job ");
	/* Also those that are at work for an hour. */
	check_limited("sumsq-threads", "--nproc=3:3",
		      "--workers 4 --per-job --size 4398046511104 --count 4",
		      "cannot start a thread for job ");
	check_limited("sumsq-processes", "--nproc=3:3",
		      "--workers 4 --per-job --size 4398046511104 --count 4",
		      "cannot start a process for job ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_thirty),	   cmocka_unit_test(operands),
		cmocka_unit_test(alike),	   cmocka_unit_test(loads_little),
		cmocka_unit_test(moved),	   cmocka_unit_test(every_core),
		cmocka_unit_test(every_way),	   cmocka_unit_test(a_process_for_each_job),
		cmocka_unit_test(the_record),	   cmocka_unit_test(csv),
		cmocka_unit_test(bad_input),	   cmocka_unit_test(interrupted),
		cmocka_unit_test(killed_worker),   cmocka_unit_test(killed_while_busy),
		cmocka_unit_test(memory_is_bound), cmocka_unit_test(at_a_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
