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
#include "tests/placing.h"

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
	assert_int_equal(CALL("--place=cores", "--cpus=0"), STATUS_USAGE);
	assert_int_equal(CALL("--on", "/nowhere/at/all.xml"), STATUS_USAGE);
}

/* What would take hwloc minutes is refused before it begins; attributes and memory do not count. */
static void sizes(void **state)
{
	static const char *const large[] = {
		"core:300000 pu:2",
		"core:4097 pu:2",
		"pack:2 [numa(memory=1GB)] l3:64 core:64 pu:2",
		"65536",
		"pu:99999999999999999999",
		"core:65536 pu:65536 pu:65536 pu:65536",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(large) / sizeof(large[0]); i++) {
		alarm(10);
		assert_int_equal(CALL("--on", large[i]), STATUS_USAGE);
		assert_non_null(strstr(printed, "describes more than 8192 CPUs\n"));
		assert_ptr_equal(strchr(printed, '\n') + 1, strchr(printed, '\0'));
	}
	alarm(0);
	assert_int_equal(CALL("--on", "pack:2(memory=999999) [numa(memory=1073741824)] core:4 "
				      "pu:2(indexes=core:pack)"),
			 STATUS_DONE);
	assert_int_equal(CALL("--on", "core:16 pu:2"), STATUS_DONE);
	assert_int_equal(CALL("--on", "core:many pu:2"), STATUS_USAGE);
	assert_int_equal(CALL("--on", "core:2 pu:2(indexes=0,1"), STATUS_USAGE);
}

/* Every policy answers for a machine that is not here, or says in one line why it cannot. */
static void every_policy(void **state)
{
	static const struct {
		const char *place, *workers;
		int status;
		const char *says;
	} rows[] = {
		{"cores", "3", STATUS_DONE, "CPU 4  worker 2"},
		{"compact", "3", STATUS_DONE, "CPU 1  worker 1"},
		{"spread", "3", STATUS_DONE, "CPU 8  worker 2"},
		{"none", "3", STATUS_DONE, "nobody is pinned"},
		{"smt", "3", STATUS_DONE, "CPU 1  worker 1"},
		{"l3", "5", STATUS_DONE, "CPU 1  worker 4"},
		{"l3", "9", STATUS_UNABLE, "impossible: 9 workers and the origin want a CPU each"},
		{"numa", "2", STATUS_DONE, "Memory: worker 0 on node 0, worker 1 on node 0.\n"},
		{"numa", "33", STATUS_UNABLE, "impossible: "},
		{"smt", "33", STATUS_UNABLE, "impossible: "},
		{"nic:eth0", "1", STATUS_UNABLE, "no network device eth0 is near any CPU"},
		{"nic", "1", STATUS_USAGE, "nic:NAME"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(
			CALL(ON, "--ascii", "--place", rows[i].place, "--workers", rows[i].workers),
			rows[i].status);
		if (!strstr(printed, rows[i].says))
			fail_msg("'%s' is not in %s", rows[i].says, printed);
		if (rows[i].status != STATUS_DONE)
			assert_ptr_equal(strchr(printed, '\n') + 1, strchr(printed, '\0'));
	}
}

/* A machine with two kinds of cores and with devices, from a file as lstopo writes them. */
static void from_a_file(void **state)
{
	static const char *const machines[] = {HYBRID, DEVICES, FORTY};
	static const char *const places[] = {"cores", "nic:eth1", "none"};
	static const char *const says[] = {
		("Cores of several kinds: IntelCore: CPU 0-3, IntelAtom: "
		 "CPU 4,6,8,10.\n"),
		"CPU 4  worker 0", "cores 0-19 Little "};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		hwloc_topology_t topology = placing_machine(machines[i]);
		char path[] = "/tmp/iolab-test-XXXXXX.xml";
		int fd = mkstemps(path, 4);

		assert_true(fd >= 0);
		close(fd);
		assert_int_equal(hwloc_topology_export_xml(topology, path, 0), 0);
		hwloc_topology_destroy(topology);
		assert_int_equal(CALL("--on", path, "--place", places[i], "--ascii"), STATUS_DONE);
		unlink(path);
		if (!strstr(printed, says[i]))
			fail_msg("'%s' is not in %s", says[i], printed);
		/* Cells name the kind, and unlike cores are not folded into one. */
		assert_int_equal(strstr(printed, "core 0 IntelCore ") != NULL, i == 0);
	}
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
	wanted = json_pack(
		"{s:i, s:s, s:s, s:s, s:[{s:s, s:s}], s:[s,s,s], s:[], s:[s], s:[s], s:b, s:b, s:b, s:b, "
		"s:b, s:s}",
		"schema_version", 2, "kind", "topology", "placement", "cpus", "allowed", "0-31",
		"kinds", "name", "kind 0", "cpus", "0-31", "workers", "2", "3", "2", "nodes",
		"origin", "0", "pollers", "4", "workers_share", 1, "workers_unlike", 0,
		"origin_shares", 0, "origin_sibling", 0, "poller_shares", 0, "note",
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
		cmocka_unit_test(statuses),	cmocka_unit_test(sizes),
		cmocka_unit_test(a_drawing),	cmocka_unit_test(as_json),
		cmocka_unit_test(every_policy), cmocka_unit_test(from_a_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
