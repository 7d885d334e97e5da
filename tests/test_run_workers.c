/*
 * Threads and processes of fetch-MODEL: who does which fetch, that together they do all of them and
 * none twice, that their rows, samples and bodies come together; and what is left when one of them,
 * or the first, is killed.
 */
#include <dirent.h>
#include <sched.h>
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

#include "tests/fetching.h"
#include "tests/peer.h"
#include "tests/serving.h"

#define WORKERS 4

static struct child origin;
static char urls[3][64], slow_url[64];

static int start(void **state)
{
	unsigned port;

	if (serving_make_folder(state))
		return -1;
	port = peer_origin(&origin, NULL);
	for (unsigned i = 0; i < 3; i++)
		snprintf(urls[i], sizeof(urls[0]), "http://127.0.0.1:%u/bytes/%u", port, i + 10);
	snprintf(slow_url, sizeof(slow_url), "http://127.0.0.1:%u/delay/5ms", port);
	return 0;
}

static int stop(void **state)
{
	peer_origin_end(&origin);
	child_free(&origin);
	return serving_remove_folder(state);
}

/* Reads the lines of a list's fetches: how many each worker did, and that each is one worker. */
static void read_lines(const char *text, bool processes, unsigned counts[WORKERS])
{
	int ids[WORKERS] = {0};

	memset(counts, 0, WORKERS * sizeof(counts[0]));
	for (; strncmp(text, "Downloaded", 10) != 0; text = strchr(text, '\n') + 1) {
		unsigned worker = 0, size;
		int id, end = 0;

		if (sscanf(text,
			   processes
				   ? "Process-%u (%d): Read Contents: %u, Status Code: 200 from %n"
				   : "Session %u (thread %d): Read Contents: %u, Status Code: 200 "
				     "from %n",
			   &worker, &id, &size, &end) != 3 ||
		    !end)
			fail_msg("'%s' names no session", text);
		assert_in_range(worker, 1, WORKERS);
		if (counts[worker - 1]++)
			assert_int_equal(ids[worker - 1], id);
		ids[worker - 1] = id;
		for (unsigned i = 0; i + 1 < worker; i++)
			assert_int_not_equal(ids[i], id);
		assert_int_equal(strncmp(text + end, urls[size - 10], strlen(urls[0])), 0);
	}
}

/* Every URL exactly as often as asked for, whoever does it. */
static void lists(void **state)
{
	static const char *const kinds[] = {"-t4", "-p4"};
	static const char *const schedules[] = {"--schedule=shared", "--schedule=fixed"};

	(void)state;
	for (unsigned run = 0; run < FETCHING_ALL * 4; run++) {
		const char *model = fetching_all[run / 4];
		bool processes = run & 1, fixed = run & 2;
		const char *const arguments[] = {kinds[processes], schedules[fixed], "-r5", urls[0],
						 urls[1],	   urls[2],	     NULL};
		unsigned counts[WORKERS];
		struct child child;

		if (fetching_run(&child, model, arguments) != 0)
			fail_msg("fetch-%s: %s", model, child.err.text);
		for (unsigned i = 0; i < 3; i++)
			assert_int_equal(
				fetching_lines(child.out.text, urls[i], "Status Code: 200"), 5);
		read_lines(child.out.text, processes, counts);
		for (unsigned i = 0; fixed && i < WORKERS; i++)
			assert_int_equal(counts[i], i < 3 ? 4 : 3);
		assert_int_equal(counts[0] + counts[1] + counts[2] + counts[3], 15);
		assert_non_null(strstr(child.out.text, "Downloaded 15 sites in "));
		child_free(&child);
	}
}

/* Shares that no worker's number of URLs divides: the list is gone through once all the same. */
static void uneven_shares(void **state)
{
	static const char *const kinds[] = {"-t2", "-p2", "-t3"};

	(void)state;
	for (unsigned k = 0; k < 3; k++) {
		for (unsigned repeat = 1; repeat <= 3; repeat++) {
			char option[8];
			const char *const arguments[] = {kinds[k], option,  "--schedule=fixed",
							 urls[0],  urls[1], urls[2],
							 NULL};
			struct child child;

			snprintf(option, sizeof(option), "-r%u", repeat);
			assert_int_equal(fetching_run(&child, "epoll", arguments), 0);
			for (unsigned i = 0; i < 3; i++)
				assert_int_equal(fetching_lines(child.out.text, urls[i], ""),
						 repeat);
			child_free(&child);
		}
	}
}

static json_t *row_of(const char *model, const char *workers, const char *schedule)
{
	const char *const arguments[] = {"-n60",  workers, schedule, "--json",
					 urls[0], urls[1], urls[2],  NULL};
	struct child child;
	json_t *row;

	if (fetching_run(&child, model, arguments) != 0)
		fail_msg("fetch-%s %s %s: %s", model, workers, schedule, child.err.text);
	row = fetching_row(&child);
	child_free(&child);
	return row;
}

/* The row of four workers adds up to the row of one. */
static void rows_are_merged(void **state)
{
	static const char *const kinds[] = {"-t4", "-p4"}, *const names[] = {"threads",
									     "processes"};
	static const char *const schedules[] = {"--schedule=shared", "--schedule=fixed"};

	(void)state;
	for (unsigned m = 0; m < FETCHING_ALL; m++) {
		json_t *one = row_of(fetching_all[m], "-t1", "--schedule=fixed");

		assert_int_equal(fetching_number(one, "requests"), 60);
		for (unsigned i = 0; i < 4; i++) {
			json_t *row = row_of(fetching_all[m], kinds[i / 2], schedules[i % 2]);

			assert_int_equal(fetching_number(row, "requests"), 60);
			assert_int_equal(fetching_number(row, "errors"), 0);
			assert_int_equal(fetching_number(row, "workers"), 4);
			assert_int_equal(fetching_number(row, "connections"), 4);
			assert_string_equal(json_string_value(json_object_get(row, "workers_kind")),
					    names[i / 2]);
			assert_int_equal(fetching_number(row, "bytes_received"),
					 fetching_number(one, "bytes_received"));
			assert_true(fetching_number(row, "body_bytes") == 11);
			assert_true(fetching_number(row, "syscalls_per_request") > 0);
			assert_true(fetching_number(row, "cpu_us_per_request") > 0);
			json_decref(row);
		}
		json_decref(one);
	}
}

/* What processes measured and received is written by the one that a person started. */
static void files_of_processes(void **state)
{
	const char *const csv = serving_path("rows.csv"), *const samples = serving_path("samples");
	const char *const output = serving_path("output"), *const histogram = serving_path("hgrm");
	size_t size;

	(void)state;
	for (unsigned m = 0; m < FETCHING_ALL; m++) {
		const char *const arguments[] = {
			"-p4",	 "-n40",  "-q",		 "--schedule=fixed",
			"--csv", csv,	  "--samples",	 samples,
			"-o",	 output,  "--histogram", histogram,
			urls[0], urls[1], NULL};
		unsigned workers[WORKERS] = {0}, rows = 0, counted = 0;
		struct child child;
		char *text, *line;

		unlink(csv);
		if (fetching_run(&child, fetching_all[m], arguments) != 0)
			fail_msg("fetch-%s: %s", fetching_all[m], child.err.text);
		assert_string_equal(child.out.text, "");
		child_free(&child);
		text = serving_read(csv, &size);
		assert_int_equal(fetching_lines(text, ",", ""), 2);
		assert_int_equal(fetching_lines(text, ",processes,4,", ""), 1);
		free(text);
		text = serving_read(samples, &size);
		for (line = strchr(text, '\n') + 1; *line; line = strchr(line, '\n') + 1) {
			unsigned worker = (unsigned)strtoul(line, NULL, 10);

			assert_in_range(worker, 0, WORKERS - 1);
			workers[worker]++;
			rows++;
		}
		free(text);
		assert_int_equal(rows, 40);
		for (unsigned i = 0; i < WORKERS; i++)
			assert_int_equal(workers[i], 10);
		text = serving_read(output, &size);
		assert_string_equal(text, "0123456789"
					  "0123456789A");
		free(text);
		text = serving_read(histogram, &size);
		line = strstr(text, "Total count    =");
		assert_non_null(line);
		assert_int_equal(sscanf(line, "Total count    = %u", &counted), 1);
		assert_int_equal(counted, 40);
		free(text);
	}
}

/* --- what is left --------------------------------------------------------------------------- */

/* State and parent of a process; false when there is none. A zombie is none: it has ended. */
static bool process(pid_t pid, pid_t *parent)
{
	char path[64], text[512], state;
	FILE *file;
	size_t length;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	file = fopen(path, "r");
	if (!file)
		return false;
	length = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[length] = 0;
	/* "pid (name) S parent", and the name may hold anything. */
	return strrchr(text, ')') &&
	       sscanf(strrchr(text, ')') + 1, " %c %d", &state, parent) == 2 && state != 'Z';
}

/* The processes that a run started, once all are there. */
static void find_processes(pid_t main_pid, pid_t *found, unsigned most)
{
	for (int tries = 0; tries < CHILD_LIMIT_MS / 20; tries++) {
		DIR *all = opendir("/proc");
		const struct dirent *entry;
		unsigned count = 0;
		pid_t parent;

		assert_non_null(all);
		while ((entry = readdir(all))) {
			pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);

			if (pid > 0 && process(pid, &parent) && parent == main_pid && count < most)
				found[count++] = pid;
		}
		closedir(all);
		if (count == most)
			return;
		usleep(20000);
	}
	fail_msg("its processes did not come");
}

static void assert_gone(const pid_t workers[WORKERS - 1])
{
	for (unsigned i = 0; i < WORKERS - 1; i++) {
		pid_t parent;
		int tries = 0;

		while (process(workers[i], &parent) && tries++ < CHILD_LIMIT_MS / 20)
			usleep(20000);
		assert_false(process(workers[i], &parent));
	}
}

static void start_long(struct child *child, const char *model, pid_t workers[WORKERS - 1])
{
	const char *const arguments[] = {"-p4", "-d60s", "--json", slow_url, NULL};

	fetching_start(child, model, arguments);
	find_processes(child->pid, workers, WORKERS - 1);
	usleep(100000); /* into the run, as a rule; it must not matter */
}

/* One line, nothing hangs, nobody is left. */
static void a_worker_is_killed(void **state)
{
	(void)state;
	for (unsigned m = 0; m < FETCHING_ALL; m++) {
		pid_t workers[WORKERS - 1];
		struct child child;
		char killed[64];

		start_long(&child, fetching_all[m], workers);
		snprintf(killed, sizeof(killed), ", process %d, was ",
			 (int)workers[m % (WORKERS - 1)]);
		kill(workers[m % (WORKERS - 1)], SIGKILL);
		if (child_wait(&child, CHILD_LIMIT_MS) != 1)
			fail_msg("fetch-%s: status %d, %s", fetching_all[m], child.status,
				 child.err.text);
		assert_true(child_one_line(child.err.text));
		assert_int_equal(fetching_lines(child.err.text, killed, "killed by signal 9"), 1);
		assert_gone(workers);
		child_free(&child);
	}
}

static void interrupted(void **state)
{
	(void)state;
	for (unsigned m = 0; m < FETCHING_ALL; m++) {
		pid_t workers[WORKERS - 1];
		struct child child;
		json_t *row;

		start_long(&child, fetching_all[m], workers);
		usleep(300000);
		assert_int_equal(child_end(&child, SIGINT, CHILD_LIMIT_MS), 130);
		assert_string_equal(child.err.text, "");
		row = fetching_row(&child);
		assert_int_equal(fetching_number(row, "partial"), 1);
		assert_int_equal(fetching_number(row, "errors"), 0);
		assert_int_equal(fetching_number(row, "workers"), 4);
		json_decref(row);
		assert_gone(workers);
		child_free(&child);
	}
}

/* What is left of the core is not known then: no figure, and no success. */
static void a_soaker_is_killed(void **state)
{
	char cpus[32];
	const char *const arguments[] = {"-d1s", "--json", "--overlap=core", cpus, slow_url, NULL};
	struct child child;
	cpu_set_t allowed;
	pid_t soaker;
	json_t *row;
	int cpu = 0;

	(void)state;
	assert_int_equal(sched_getaffinity(0, sizeof(allowed), &allowed), 0);
	while (!CPU_ISSET(cpu, &allowed))
		cpu++;
	snprintf(cpus, sizeof(cpus), "--cpus=%d", cpu);
	assert_int_equal(fetching_run(&child, "epoll", arguments), 0);
	row = fetching_row(&child);
	assert_true(fetching_number(row, "overlap_elements_per_s") >= 0);
	json_decref(row);
	child_free(&child);
	fetching_start(&child, "epoll", arguments);
	find_processes(child.pid, &soaker, 1);
	kill(soaker, SIGKILL);
	assert_int_equal(child_wait(&child, CHILD_LIMIT_MS), 1);
	assert_true(child_one_line(child.err.text));
	assert_non_null(strstr(child.err.text, "killed by signal 9"));
	row = fetching_row(&child);
	assert_null(json_object_get(row, "overlap_elements_per_s"));
	json_decref(row);
	child_free(&child);
}

/* A SIGALRM that is not the run's own timer's does not end it. */
static void a_stranger_alarms(void **state)
{
	const char *const arguments[] = {"-n300", "--json", slow_url, NULL};

	(void)state;
	for (unsigned m = 0; m < FETCHING_ALL; m++) {
		struct child child;
		json_t *row;

		fetching_start(&child, fetching_all[m], arguments);
		usleep(300000);
		assert_int_equal(child_end(&child, SIGALRM, CHILD_LIMIT_MS), 0);
		row = fetching_row(&child);
		assert_int_equal(fetching_number(row, "requests"), 300);
		json_decref(row);
		child_free(&child);
	}
}

/* Nobody is left to report, and nobody goes on for nothing. */
static void the_first_is_killed(void **state)
{
	(void)state;
	for (unsigned m = 0; m < FETCHING_ALL; m++) {
		pid_t workers[WORKERS - 1];
		struct child child;

		start_long(&child, fetching_all[m], workers);
		assert_int_equal(child_end(&child, SIGKILL, CHILD_LIMIT_MS), 128 + SIGKILL);
		assert_gone(workers);
		child_free(&child);
	}
}

static void bad_command_lines(void **state)
{
	static const struct {
		const char *model, *arguments[6], *says;
	} rows[] = {
		{"epoll", {"-t2", "-p2", "http://127.0.0.1/"}, "exclude each other"},
		{"epoll", {"-t4", "-c2", "http://127.0.0.1/"}, "ask for --connections 4"},
		{"uring", {"-p4", "-c2", "http://127.0.0.1/"}, "ask for --connections 4"},
		{"blocking", {"-p2", "-c4", "http://127.0.0.1/"}, "one connection a worker"},
		{"epoll", {"-p0", "http://127.0.0.1/"}, "--processes"},
		{"epoll", {"-t9999", "http://127.0.0.1/"}, "--threads"},
		{"epoll", {"-t2", "--schedule=any", "http://127.0.0.1/"}, "--schedule"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct child child;

		if (fetching_run(&child, rows[i].model, rows[i].arguments) != 2 ||
		    !child_one_line(child.err.text) || !strstr(child.err.text, rows[i].says))
			fail_msg("row %zu: status %d, '%s'", i, child.status, child.err.text);
		child_free(&child);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists),
		cmocka_unit_test(uneven_shares),
		cmocka_unit_test(rows_are_merged),
		cmocka_unit_test(files_of_processes),
		cmocka_unit_test(a_worker_is_killed),
		cmocka_unit_test(a_soaker_is_killed),
		cmocka_unit_test(a_stranger_alarms),
		cmocka_unit_test(interrupted),
		cmocka_unit_test(the_first_is_killed),
		cmocka_unit_test(bad_command_lines),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
