/*
 * lab/counters, lab/energy: the whole path, with software events where the host has no hardware's;
 * what was not counted all the time is refused; energy from a made-up /sys.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>
#include <jansson.h>

#include "kernels/fetch/model.h"
#include "lab/counters.h"
#include "lab/energy.h"
#include "lab/fetch_report.h"
#include "lab/fetch_targets.h"
#include "lab/fetch_workers.h"
#include "lab/sumsq_report.h"
#include "tests/fetching.h"

#define MS UINT64_C(1000000)

/* Of the hardware's four: on-CPU time, page faults, and two that no kernel has. */
static const struct counters_kind software[COUNTERS_EVENTS] = {
	{PERF_TYPE_SOFTWARE, PERF_COUNT_SW_TASK_CLOCK},
	{PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS},
	{PERF_TYPE_SOFTWARE, 999},
	{PERF_TYPE_SOFTWARE, 999},
};

static const struct counters_kind *hardware;

static int count_software(void **state)
{
	struct counters c;
	char why[256];

	(void)state;
	hardware = counters_kinds;
	counters_kinds = software;
	/* A container may forbid all of it, and then there is nothing to show. */
	if (counters_open(&c, why, sizeof(why)) == 0) {
		counters_close(&c);
		return 0;
	}
	print_message("%s\n", why);
	return -1;
}

static int count_hardware(void **state)
{
	(void)state;
	counters_kinds = hardware;
	return 0;
}

static void touch_pages(unsigned count)
{
	size_t size = (size_t)sysconf(_SC_PAGESIZE);
	char *pages = mmap(NULL, count * size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			   -1, 0);

	assert_true(pages != MAP_FAILED);
	madvise(pages, count * size, MADV_NOHUGEPAGE);
	for (unsigned i = 0; i < count; i++)
		((volatile char *)pages)[i * size] = 1;
	munmap(pages, count * size);
}

static void burn(uint64_t ns)
{
	struct timespec now;
	uint64_t from = 0, at;

	do {
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
		at = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
		from = from ? from : at;
	} while (at - from < ns);
}

static void *work(void *unused)
{
	(void)unused;
	burn(20 * MS);
	touch_pages(500);
	return NULL;
}

static void this_thread_and_what_it_starts(void **state)
{
	struct counters_reading begin, end, later;
	struct counters_sum sum = {0};
	struct counters c;
	pthread_t thread;
	char why[256];
	pid_t child;

	(void)state;
	assert_int_equal(counters_open(&c, why, sizeof(why)), 0);
	assert_int_equal(c.open, 1 << COUNTERS_CYCLES | 1 << COUNTERS_INSTRUCTIONS);
	counters_read(&c, &begin);
	work(NULL);
	assert_int_equal(pthread_create(&thread, NULL, work, NULL), 0);
	pthread_join(thread, NULL);
	child = fork();
	if (child == 0) {
		work(NULL);
		_exit(0);
	}
	assert_int_equal(waitpid(child, NULL, 0), child);
	counters_read(&c, &end);
	counters_close(&c);
	counters_read(&c, &later);
	assert_int_equal(later.read, 0);

	counters_add(&sum, &begin, &end);
	assert_string_equal(counters_scope_text(&sum),
			    end.scope == COUNTERS_USER ? "user" : "user+kernel");
	/* Three times the work, and not four; what else there is in it is less than another. */
	assert_true(sum.counts[COUNTERS_CYCLES] >= 60 * MS);
	assert_true(sum.counts[COUNTERS_INSTRUCTIONS] >= 1500);
#ifndef __SANITIZE_THREAD__ /* whose runtime touches pages of its own */
	assert_true(sum.counts[COUNTERS_INSTRUCTIONS] < 2400);
#endif
	assert_true(counters_per(&sum, COUNTERS_INSTRUCTIONS, 1500) >= 1);
	assert_true(isnan(counters_per(&sum, COUNTERS_INSTRUCTIONS, 0)));
	assert_true(isnan(counters_per(&sum, COUNTERS_CACHE_MISSES, 1)));
}

static void what_was_there_before_is_not_counted(void **state)
{
	struct counters_reading begin, end;
	struct counters_sum sum = {0};
	struct counters c;
	char why[256];

	(void)state;
	touch_pages(3000);
	assert_int_equal(counters_open(&c, why, sizeof(why)), 0);
	touch_pages(3000);
	counters_read(&c, &begin);
	touch_pages(100);
	counters_read(&c, &end);
	touch_pages(3000);
	counters_close(&c);
	counters_add(&sum, &begin, &end);
	assert_in_range(sum.counts[COUNTERS_INSTRUCTIONS], 100, 1000);
}

static void none_is_said_why(void **state)
{
	static const struct counters_kind nothing[COUNTERS_EVENTS] = {{PERF_TYPE_SOFTWARE, 999}};
	struct counters_reading begin, end;
	struct counters_sum sum = {0};
	struct counters c;
	char why[256] = "";

	(void)state;
	counters_kinds = nothing;
	assert_int_equal(counters_open(&c, why, sizeof(why)), -ENOENT);
	counters_kinds = software;
	assert_non_null(strstr(why, "no hardware counters: this host has none"));
	assert_int_equal(c.open, 0);
	counters_read(&c, &begin);
	counters_read(&c, &end);
	counters_add(&sum, &begin, &end);
	assert_string_equal(counters_scope_text(&sum), "");
	assert_true(isnan(counters_per(&sum, COUNTERS_CYCLES, 1)));
	counters_close(&c);
	/* Not stdin, which a zeroed struct might be taken to mean. */
	assert_true(fcntl(0, F_GETFD) >= 0);
}

static struct counters_reading reading(uint64_t count, uint64_t enabled, uint64_t running,
				       unsigned read)
{
	struct counters_reading r = {.scope = COUNTERS_USER_AND_KERNEL, .read = read};

	for (unsigned e = 0; e < COUNTERS_EVENTS; e++) {
		r.events[e].count = count * (e + 1);
		r.events[e].enabled_ns = enabled;
		r.events[e].running_ns = running;
	}
	return r;
}

static void adding_up(void **state)
{
	struct counters_reading begin = reading(100, 50, 50, 15), end = reading(400, 950, 950, 15);
	struct counters_sum sum = {0};

	(void)state;
	counters_add(&sum, &begin, &end);
	counters_add(&sum, &begin, &end);
	assert_int_equal(sum.known, 15);
	assert_true(counters_per(&sum, COUNTERS_CYCLES, 6) == 100);
	assert_true(counters_per(&sum, COUNTERS_BRANCH_MISSES, 2) == 1200);
	assert_string_equal(counters_scope_text(&sum), "user+kernel");

	/* One worker without branch misses: the run has none. */
	end.read = 7;
	counters_add(&sum, &begin, &end);
	assert_int_equal(sum.known, 7);
	assert_true(isnan(counters_per(&sum, COUNTERS_BRANCH_MISSES, 2)));
	assert_true(counters_per(&sum, COUNTERS_CYCLES, 9) == 100);

	end.read = 15;
	counters_add(&sum, &begin, &end);
	assert_int_equal(sum.known, 7);
	assert_true(counters_per(&sum, COUNTERS_CYCLES, 12) == 100);

	/* And one that may not count the kernel: nor does the sum say so. */
	end.scope = COUNTERS_USER;
	counters_add(&sum, &begin, &end);
	end.scope = COUNTERS_USER_AND_KERNEL;
	counters_add(&sum, &begin, &end);
	assert_string_equal(counters_scope_text(&sum), "user");
}

static void half_counted_is_refused(void **state)
{
	struct counters_reading begin = reading(100, 50, 20, 15), end = reading(400, 950, 920, 15);
	struct counters_sum sum = {0};

	(void)state;
	/* Before the interval it had been multiplexed; in it, not. */
	counters_add(&sum, &begin, &end);
	assert_int_equal(sum.known, 15);
	assert_false(sum.multiplexed);

	end.events[COUNTERS_CACHE_MISSES].running_ns--;
	counters_add(&sum, &begin, &end);
	assert_int_equal(sum.known, 15 & ~(1 << COUNTERS_CACHE_MISSES));
	assert_true(isnan(counters_per(&sum, COUNTERS_CACHE_MISSES, 1)));
	assert_string_equal(counters_scope_text(&sum), "user+kernel multiplexed");

	/* Never enabled: nothing was counted, which is not a count of 0. */
	sum = (struct counters_sum){0};
	end = begin;
	counters_add(&sum, &begin, &end);
	assert_int_equal(sum.known, 0);
	assert_string_equal(counters_scope_text(&sum), "user+kernel");
}

/* --- whole programs, in a process of their own, for they may end it -------------------------- */

static char printed[65536];

static json_t *row_of(int (*program)(int argc, char **argv), const char *const *words)
{
	char *argv[16] = {NULL};
	int pipes[2], status, argc = 0;
	size_t used = 0;
	ssize_t got;
	json_t *row;
	pid_t child;

	for (; words[argc]; argc++)
		argv[argc] = (char *)words[argc];
	assert_int_equal(pipe(pipes), 0);
	fflush(NULL);
	child = fork();
	if (child == 0) {
		dup2(pipes[1], STDOUT_FILENO);
		close(pipes[0]);
		close(pipes[1]);
		status = program(argc, argv);
		/* Not exit(): what the test has open is not this process's to account for. */
		fflush(stdout);
		_exit(status);
	}
	close(pipes[1]);
	while ((got = read(pipes[0], printed + used, sizeof(printed) - 1 - used)) > 0)
		used += (size_t)got;
	printed[used] = '\0';
	close(pipes[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	row = json_loads(printed, 0, NULL);
	assert_non_null(row);
	return row;
}

static enum sumsq_where where;

static int sumsq(int argc, char **argv)
{
	struct sumsq_options options;
	struct sumsq_run run;

	sumsq_options_read(&options, where, argc, argv);
	sumsq_run_start(&run, &options);
	sumsq_run_measure(&run);
	return sumsq_report(&run);
}

static void every_square_is_billed(void **state)
{
	static const enum sumsq_where places[] = {sumsq_on_serial, sumsq_on_threads,
						  sumsq_on_processes};
	static const char *const kinds[] = {"--quiet", "--per-job"};

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		for (unsigned k = 0; k < (i ? 2 : 1); k++) {
			const char *argv[] = {"sumsq",
					      "--json",
					      "--core=scalar",
					      "--repeat=8",
					      "--cpus=0",
					      kinds[k],
					      i ? "--workers=2" : "--quiet",
					      "--warmup=300ms",
					      NULL};
			json_t *row;

			where = places[i];
			row = row_of(sumsq, argv);
			/* Software's task clock instead of cycles: the CPU time of all workers. */
			double billed = fetching_number(row, "cycles_per_element") *
					fetching_number(row, "elements") / 1e9;
			double used = fetching_number(row, "cpu_user_s") +
				      fetching_number(row, "cpu_system_s");

			/* A process that ends is not counted to the very end of its end. */
			if (!(billed > (k && i == 2 ? 0.6 : 0.9) * used &&
			      billed < 1.1 * used + 0.03))
				fail_msg("place %u, %s: counted %f s, used %f s", i, kinds[k],
					 billed, used);
			assert_null(json_object_get(row, "cache_misses_per_element"));
			assert_non_null(json_object_get(row, "counters_scope"));
			json_decref(row);
		}
	}
}

static const struct model *model;

static int fetch(int argc, char **argv)
{
	struct fetch_outcome outcome = {.model = model};
	uint64_t started_ns = usage_now_ns();
	struct fetch_options options;
	struct fetch_targets targets;
	struct pinning pinning;

	fetch_options_parse(&options, model, argc, argv);
	fetch_targets_make(&targets, &options);
	pinning_decide(&pinning, &(struct pinning_request){.place = options.place,
							   .policy = PLACE_NONE,
							   .cpus = options.cpus,
							   .workers = options.workers});
	fetch_workers_run(model, &options, &targets, &pinning, started_ns, &outcome.run);
	outcome.options = &options;
	outcome.targets = &targets;
	outcome.placement = pinning.placement;
	outcome.cpus = pinning.cpus;
	enum status status = fetch_report(&outcome);

	fetch_workers_release(&outcome.run);
	pinning_release(&pinning);
	fetch_targets_release(&targets);
	return (int)status;
}

static void every_fetch_is_billed(void **state)
{
	static const char *const extra[][2] = {
		{"--threads=1", "--connections=8"},    {"--threads=2", "--connections=8"},
		{"--processes=2", "--connections=8"},  {"--threads=1", "--wait=spin"},
		{"--counters=off", "--connections=8"}, {"--uring=sqpoll", "--connections=8"}};
	const char *words[] = {child_program("origin"), "--listen=127.0.0.1:0", NULL};
	struct child origin;
	char url[128] = "";

	(void)state;
	child_start(&origin, words);
	for (const char *line; !*url && (line = child_line(&origin, CHILD_LIMIT_MS));)
		if (strstr(line, "http://"))
			sscanf(strstr(line, "http://"), "%127[^ \n]", url);
	assert_true(*url);
	for (unsigned i = 0; i < 6; i++) {
		const char *argv[] = {"fetch",
				      "--json",
				      "--requests=20000",
				      "--warmup=50ms",
				      extra[i][0],
				      extra[i][1],
				      url,
				      NULL};
		json_t *row;

		/* The last one's kernel thread is in either bill. */
		model = i == 5 ? &model_uring : &model_epoll;
		row = row_of(fetch, argv);

		if (i == 4) {
			assert_null(json_object_get(row, "cycles_per_request"));
			assert_null(json_object_get(row, "counters_scope"));
			json_decref(row);
			continue;
		}
		double billed = fetching_number(row, "cycles_per_request") / 1e3;
		double used = fetching_number(row, "cpu_us_per_request");

		/* A kernel thread's schedstat, in `used`, may be behind. */
		if (!(billed > 0.8 * used && billed < (i == 5 ? 2 : 1.2) * used))
			fail_msg("%s: counted %f us a fetch, used %f us", extra[i][0], billed,
				 used);
		assert_null(json_object_get(row, "branch_misses_per_request"));
		assert_non_null(json_object_get(row, "counters_scope"));
		json_decref(row);
	}
	child_end(&origin, SIGTERM, CHILD_LIMIT_MS);
	child_free(&origin);
}

/* --- energy ---------------------------------------------------------------------------------- */

static char root[64];

static void put(const char *zone, const char *name, const char *text)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/sys", root);
	mkdir(path, 0700);
	strcat(path, "/class");
	mkdir(path, 0700);
	strcat(path, "/powercap");
	mkdir(path, 0700);
	snprintf(path + strlen(path), 64, "/%s", zone);
	mkdir(path, 0700);
	snprintf(path + strlen(path), 64, "/%s", name);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void put_zone(const char *zone, const char *name, const char *range, const char *uj)
{
	put(zone, "name", name);
	put(zone, "max_energy_range_uj", range);
	put(zone, "energy_uj", uj);
}

static int make_root(void **state)
{
	(void)state;
	strcpy(root, "/tmp/test_counters.XXXXXX");
	return mkdtemp(root) ? 0 : -1;
}

static int remove_root(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -r %s", root);
	return system(command);
}

static void joules(void **state)
{
	struct energy_reading begin, end;
	struct energy e;
	char why[256] = "";

	(void)state;
	assert_int_equal(energy_open(&e, root, why, sizeof(why)), -ENOENT);
	assert_non_null(strstr(why, "shows none"));
	energy_read(&e, &begin);
	assert_true(isnan(energy_joules(&e, &begin, &begin, 1)));

	put_zone("intel-rapl:0", "package-0\n", "262143328850\n", "1000000\n");
	put_zone("intel-rapl:0:0", "core\n", "262143328850\n", "7\n");
	put_zone("intel-rapl:1", "package-1\n", "262143328850\n", "262143328849\n");
	put_zone("intel-rapl:2", "psys\n", "262143328850\n", "5\n");
	assert_int_equal(energy_open(&e, root, why, sizeof(why)), 0);
	assert_int_equal(e.count, 2);
	energy_read(&e, &begin);
	put("intel-rapl:0", "energy_uj", "3500000\n");
	put("intel-rapl:0:0", "energy_uj", "900000000\n");
	put("intel-rapl:1", "energy_uj", "999999\n"); /* went around */
	energy_read(&e, &end);
	assert_true(fabs(energy_joules(&e, &begin, &end, 10) - 3.5) < 1e-9);
	/* In so long it may have gone around twice. */
	assert_true(isnan(energy_joules(&e, &begin, &end, 263)));
	put("intel-rapl:1", "energy_uj", "");
	energy_read(&e, &end);
	assert_true(isnan(energy_joules(&e, &begin, &end, 10)));
	energy_close(&e);
	assert_int_equal(e.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(this_thread_and_what_it_starts, count_software,
						count_hardware),
		cmocka_unit_test_setup_teardown(what_was_there_before_is_not_counted,
						count_software, count_hardware),
		cmocka_unit_test_setup_teardown(none_is_said_why, count_software, count_hardware),
		cmocka_unit_test(adding_up),
		cmocka_unit_test(half_counted_is_refused),
		cmocka_unit_test_setup_teardown(every_square_is_billed, count_software,
						count_hardware),
		cmocka_unit_test_setup_teardown(every_fetch_is_billed, count_software,
						count_hardware),
		cmocka_unit_test_setup_teardown(joules, make_root, remove_root),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
