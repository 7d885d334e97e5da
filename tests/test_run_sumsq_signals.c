/*
 * The sumsq programs and signals, as a user or a script sends them: workers killed while the pool
 * starts, and everything a run ends by. A child that does not end in time fails the test.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "tests/child.h"

/* Starts; at random moments of them a worker is killed. */
#define STARTS 60
#define SEED   20240917

#define CHILDREN_MAX 16

/* The processes of its main thread; how many. */
static size_t children_of(pid_t pid, pid_t children[CHILDREN_MAX])
{
	char path[64];
	size_t count = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, pid);
	file = fopen(path, "r");
	while (file && count < CHILDREN_MAX && fscanf(file, "%d", &children[count]) == 1)
		count++;
	if (file)
		fclose(file);
	return count;
}

static int needs_children(void **state)
{
	char path[64];

	(void)state;
	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", getpid(), getpid());
	if (access(path, R_OK) == 0)
		return 0;
	print_message("skipped: this kernel does not list a process's children\n");
	return -1;
}

/* Waits until it has so many. */
static void await_children(pid_t pid, size_t wanted, pid_t children[CHILDREN_MAX])
{
	for (unsigned tries = 0; children_of(pid, children) < wanted; tries++) {
		assert_true(tries < 100000);
		usleep(100);
	}
}

/* Starts it with these arguments, by another command such as env. */
static struct child started_by(const char *by, const char *program, const char *arguments)
{
	static char command[512];
	const char *const argv[] = {"sh", "-c", command, NULL};
	struct child child;

	snprintf(command, sizeof(command), "exec %s %s %s", by, child_program(program), arguments);
	child_start(&child, argv);
	return child;
}

static struct child started(const char *program, const char *arguments)
{
	return started_by("", program, arguments);
}

/*
 * Whenever it is that a worker dies, the run ends: whole when it was over by then, or failed with
 * one line that names the death.
 */
static void killed_while_it_starts(void **state)
{
	unsigned short seed[3] = {SEED & 0xffff, SEED >> 16, 0};
	unsigned failed = 0;

	(void)state;
	for (unsigned i = 0; i < STARTS; i++) {
		struct child child =
			started("sumsq-processes", "-w 4 --cpus 0 --duration 500ms --size 1000 -q");
		size_t wanted = 1 + (size_t)nrand48(seed) % 3;
		pid_t children[CHILDREN_MAX];
		int status;

		await_children(child.pid, wanted, children);
		usleep((unsigned)nrand48(seed) % 1000);
		kill(children[(size_t)nrand48(seed) % wanted], SIGKILL);
		status = child_wait(&child, CHILD_LIMIT_MS);
		if (status != 0 && (status != 1 || !child_one_line(child.err.text) ||
				    !strstr(child.err.text, "was killed by signal 9")))
			fail_msg("start %u: status %d, said: %s", i, status, child.err.text);
		if (status == 0)
			assert_string_equal(child.err.text, "");
		failed += status == 1;
		child_free(&child);
	}
	print_message("%u of %u starts lost a worker\n", failed, STARTS);
}

static void sleep_ms(unsigned ms)
{
	usleep(ms * 1000);
}

/* A record of a run that was cut short, and nothing on stderr. */
static void assert_partial(const struct child *child)
{
	assert_string_equal(child->err.text, "");
	assert_non_null(strstr(child->out.text, "\"partial\": 1"));
	assert_null(strstr(child->out.text, "\"elements\": 0,"));
}

/* Dead, whether or not whoever inherited it has collected it. */
static bool is_gone(pid_t pid)
{
	char path[64], state = 'X';
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = fopen(path, "r");
	if (!file)
		return true;
	if (fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
		state = 'X';
	fclose(file);
	return state == 'Z' || state == 'X';
}

/* One that waits for a worker which does not run hears the second interruption. */
static void a_stopped_worker(void **state)
{
	static const int seconds[] = {SIGINT, SIGTERM};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct child child = started("sumsq-processes", "-w 2 --duration 500ms");
		pid_t children[CHILDREN_MAX];

		await_children(child.pid, 1, children);
		sleep_ms(200);
		kill(children[0], SIGSTOP);
		kill(child.pid, SIGINT);
		sleep_ms(400);
		assert_int_equal(kill(child.pid, 0), 0);
		assert_int_equal(child_end(&child, seconds[i], CHILD_LIMIT_MS), 128 + seconds[i]);
		assert_true(child_one_line(child.err.text));
		assert_non_null(strstr(child.err.text, "interrupted again"));
		/* The worker went with it, stopped as it was. */
		for (unsigned tries = 0; !is_gone(children[0]); tries++) {
			assert_true(tries < 10000);
			sleep_ms(1);
		}
		child_free(&child);
	}
}

/* timeout(1) sends two signals at once, which are one interruption. */
static void twice_at_once(void **state)
{
	struct child child = started("sumsq-processes", "-w 2 --duration 60s --json");
	pid_t children[CHILDREN_MAX];

	(void)state;
	await_children(child.pid, 1, children);
	sleep_ms(300);
	kill(child.pid, SIGTERM);
	assert_int_equal(child_end(&child, SIGINT, CHILD_LIMIT_MS), 130);
	assert_partial(&child);
	child_free(&child);
}

/* Whoever ends a job ends its whole group: the workers leave it to the program. */
static void a_signal_to_the_group(void **state)
{
	static const char *const ways[] = {"--duration 60s",
					   "--per-job 4398046511104 4398046511104"};
	static const int ends[] = {SIGINT, SIGTERM};

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		char arguments[128];
		pid_t children[CHILDREN_MAX];
		struct child child;

		snprintf(arguments, sizeof(arguments), "-w 2 --json %s", ways[i % 2]);
		child = started("sumsq-processes", arguments);
		await_children(child.pid, 1, children);
		sleep_ms(300);
		assert_true(children_of(child.pid, children) > 0);
		kill(children[0], ends[i / 2]);
		sleep_ms(20);
		assert_int_equal(child_end(&child, ends[i / 2], CHILD_LIMIT_MS), 130);
		assert_partial(&child);
		child_free(&child);
	}
}

/*
 * Kills its worker of that number while all of them are at jobs of an hour: it ends now. Not when
 * built with ThreadSanitizer, whose runtime hands a signal to its handler only once the thread
 * calls into it again: never, for one that spins or sits in a call that the kernel restarts.
 */
static void ends_when_killed(const char *by, const char *arguments, size_t victim)
{
#ifdef __SANITIZE_THREAD__
	(void)by, (void)arguments, (void)victim;
#else
	struct child child = started_by(by, "sumsq-processes", arguments);
	pid_t children[CHILDREN_MAX];

	await_children(child.pid, victim + 1, children);
	sleep_ms(200);
	kill(children[victim], SIGKILL);
	assert_int_equal(child_wait(&child, CHILD_LIMIT_MS), 1);
	assert_true(child_one_line(child.err.text));
	assert_non_null(strstr(child.err.text, "was killed by signal 9"));
	child_free(&child);
#endif
}

/* Whichever job it had, and whether or not there are jobs before it. */
static void a_process_of_a_job(void **state)
{
	(void)state;
	ends_when_killed("", "--per-job -w 3 --size 4398046511104 --count 3", 0);
	ends_when_killed("", "--per-job -w 3 --size 4398046511104 --count 3", 1);
	ends_when_killed("", "--per-job -w 3 --size 4398046511104 --count 3", 2);
}

/* The number of the job that a process was made for; 0 when it is gone, or none. */
static unsigned job_of(pid_t pid)
{
	char path[64];
	unsigned job = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	file = fopen(path, "r");
	if (!file)
		return 0;
	if (fscanf(file, "job-%u", &job) != 1)
		job = 0;
	fclose(file);
	return job;
}

/* Waits until it prices empty jobs, of which there are more than of the run's; false: missed it. */
static bool await_pricing(pid_t pid, unsigned jobs)
{
	pid_t children[CHILDREN_MAX];

	while (!is_gone(pid))
		for (size_t count = children_of(pid, children); count; count--)
			if (job_of(children[count - 1]) > jobs)
				return true;
	return false;
}

/* After the last pass, while an empty job is priced: the run is partial all the same. */
static void interrupted_last(void **state)
{
	unsigned seen = 0, caught = 0;

	(void)state;
	for (unsigned i = 0; i < 100 && caught < 5; i++) {
		struct child child = started("sumsq-processes", "--per-job -w 2 --json 1 2 3");
		int status;

		seen += await_pricing(child.pid, 3);
		status = child_end(&child, SIGINT, CHILD_LIMIT_MS);
		/* On a busy machine it may have ended by then. */
		assert_true(status == 130 || status == 0);
		assert_non_null(
			strstr(child.out.text, status ? "\"partial\": 1" : "\"partial\": 0"));
		caught += status == 130;
		child_free(&child);
	}
	assert_true(caught || !seen);
	print_message("interrupted %u times\n", caught);
}

/* Whoever starts the program may have blocked SIGCHLD. */
static void blocked_sigchld(void **state)
{
	(void)state;
	ends_when_killed("env --block-signal=CHLD",
			 "-w 2 --idle spin:60s --size 4398046511104 --count 2 -q", 0);
	ends_when_killed("env --block-signal=CHLD",
			 "-w 2 --per-job --size 4398046511104 --count 2 -q", 1);
}

/* Or have it ignored: the CPU of processes that ended is in the bill all the same. */
static void ignored_sigchld(void **state)
{
	static const char *const ways[] = {"", "--per-job"};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		char arguments[80];
		struct child child;
		const char *cpu;

		snprintf(arguments, sizeof(arguments), "-w 2 --json --duration 100ms %s", ways[i]);
		child = started_by("env --ignore-signal=CHLD", "sumsq-processes", arguments);
		assert_int_equal(child_wait(&child, CHILD_LIMIT_MS), 0);
		cpu = strstr(child.out.text, "\"cpu_user_s\": ");
		assert_non_null(cpu);
		assert_true(strtod(strchr(cpu, ':') + 1, NULL) > 0.01);
		child_free(&child);
	}
	ends_when_killed("env --ignore-signal=CHLD",
			 "-w 2 --per-job --size 4398046511104 --count 2 -q", 1);
}

/* Cut short in a later pass, each line of a job has its sum of a whole one. */
static void interrupted_later(void **state)
{
	struct child child = started("sumsq-processes", "--per-job -w 2 --duration 60s --size "
							"4000000000 --count 4");

	(void)state;
	sleep_ms(2000);
	assert_int_equal(child_end(&child, SIGINT, CHILD_LIMIT_MS), 130);
	for (int job = 1; strstr(child.out.text, "Sum: ") && job <= 4; job++) {
		char expected[80];

		snprintf(expected, sizeof(expected), "name: job-%d, sum: %s\n", job,
			 "21333333325333333334000000000");
		assert_non_null(strstr(child.out.text, expected));
	}
	child_free(&child);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(killed_while_it_starts), cmocka_unit_test(a_stopped_worker),
		cmocka_unit_test(twice_at_once),	  cmocka_unit_test(a_signal_to_the_group),
		cmocka_unit_test(a_process_of_a_job),	  cmocka_unit_test(blocked_sigchld),
		cmocka_unit_test(interrupted_later),	  cmocka_unit_test(interrupted_last),
		cmocka_unit_test(ignored_sigchld),
	};

	if (needs_children(NULL))
		return 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
