/*
 * The sumsq programs and signals, as a user or a script sends them: workers killed while the pool
 * starts, and everything a run ends by. A child that does not end in time fails the test.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
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

/* Starts it with these arguments. */
static struct child started(const char *program, const char *arguments)
{
	static char command[512];
	const char *const argv[] = {"sh", "-c", command, NULL};
	struct child child;

	snprintf(command, sizeof(command), "exec %s %s", child_program(program), arguments);
	child_start(&child, argv);
	return child;
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(killed_while_it_starts),
	};

	if (needs_children(NULL))
		return 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
