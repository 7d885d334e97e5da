/* lab/cmd_topology: exit statuses and output, as a script sees them. Each call is a process. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include <jansson.h>

#include "lab/cmd_topology.h"
#include "lab/status.h"

#define WORDS_MOST 16
#define ON	   "--on", "pack:2 [numa] l3:2 core:4 pu:2"

static char printed[16384]; /* stdout and stderr of the last call */

static int call(const char *const *words)
{
	char *argv[WORDS_MOST + 1] = {NULL};
	int pipes[2], status, argc = 0;
	size_t used = 0;
	ssize_t got;
	pid_t child;

	for (; words[argc]; argc++)
		argv[argc] = (char *)words[argc];
	assert_int_equal(pipe(pipes), 0);
	fflush(NULL);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		dup2(pipes[1], STDOUT_FILENO);
		dup2(pipes[1], STDERR_FILENO);
		close(pipes[0]);
		close(pipes[1]);
		_exit(cmd_topology(argc, argv));
	}
	close(pipes[1]);
	while ((got = read(pipes[0], printed + used, sizeof(printed) - 1 - used)) > 0)
		used += (size_t)got;
	printed[used] = '\0';
	close(pipes[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

#define CALL(...) call((const char *const[]){"topology", __VA_ARGS__, NULL})

static void statuses(void **state)
{
	(void)state;
	assert_int_equal(CALL("--workers=1"), STATUS_DONE);
	assert_int_equal(CALL(ON, "--workers", "15"), STATUS_DONE);
	assert_int_equal(CALL(ON, "--workers", "16"), STATUS_UNABLE);
	assert_non_null(strstr(printed, "impossible: 16 workers and the origin"));
	assert_null(strchr(strchr(printed, '\n') + 1, '\n'));
	assert_int_equal(CALL(ON, "--cpus", "99"), STATUS_UNABLE);
	assert_non_null(strstr(printed, "CPU 99 is not there"));
	assert_int_equal(CALL(ON, "--cpus", "x"), STATUS_USAGE);
	assert_int_equal(CALL(ON, "--cpus=65536"), STATUS_USAGE);
	assert_int_equal(CALL("--on", "nonsense"), STATUS_USAGE);
	assert_int_equal(CALL("--place", "wide"), STATUS_USAGE);
	assert_int_equal(CALL("--workers", "0"), STATUS_USAGE);
	assert_int_equal(CALL("--place=none", "--cpus=0"), STATUS_USAGE);
	assert_int_equal(CALL("operand"), STATUS_USAGE);
}

static void a_drawing(void **state)
{
	(void)state;
	assert_int_equal(CALL("--on", "pack:1 core:1 pu:1", "--ascii"), STATUS_DONE);
	assert_non_null(strstr(printed, "Note: client and origin share CPU 0"));
	assert_non_null(strstr(printed, "| | CPU 0  worker 0, origin 0 | |\n"));
	for (const char *p = printed; *p; p++)
		assert_true((unsigned char)*p < 128);
}

static void as_json(void **state)
{
	json_t *object, *wanted;

	(void)state;
	assert_int_equal(CALL(ON, "--cpus", "core:1", "--workers=3", "--pollers=1", "--json"),
			 STATUS_DONE);
	object = json_loads(printed, 0, NULL);
	wanted = json_pack("{s:s, s:s, s:[s,s,s], s:[s], s:[s], s:b, s:b, s:b, s:b, s:s}",
			   "placement", "cpus", "allowed", "0-31", "workers", "2", "3", "2",
			   "origin", "0", "pollers", "4", "workers_share", 1, "origin_shares", 0,
			   "origin_sibling", 0, "poller_shares", 0, "note",
			   "3 workers share CPUs 2-3");
	assert_non_null(object);
	assert_non_null(wanted);
	if (!json_equal(object, wanted))
		fail_msg("%s", printed);
	json_decref(object);
	json_decref(wanted);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(statuses),
		cmocka_unit_test(a_drawing),
		cmocka_unit_test(as_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
