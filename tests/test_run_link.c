/*
 * Links as a user has them: a plan run over veth, a program run over one by hand, what is left
 * after Ctrl-C and kill -9, and what bad input gets. Needs root; for anybody else only the
 * refusals are looked at.
 */
#include <fcntl.h>
#include <jansson.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "lab/body_pattern.h"
#include "lab/link.h"
#include "lab/plans.h"
#include "results/record.h"
#include "tests/child.h"
#include "tests/linking.h"
#include "tests/serving.h"

static char mark[64]; /* in the environment of all that this program starts */
static char plan_path[256], results[256];

static const char veth_plan[] =
	"[experiment]\nblocks = 1\nlink = veth\n"
	"[fetch f]\nmodel = blocking, epoll, uring\ntls = no, yes\nconnections = 4\nbody = 10k\n"
	"duration = 50ms\nbaseline = epoll\n";

static int start(void **state)
{
	if (serving_make_folder(state))
		return -1;
	snprintf(mark, sizeof(mark), "test_run_link %d", (int)getpid());
	snprintf(plan_path, sizeof(plan_path), "%s", serving_path("plan.ini"));
	snprintf(results, sizeof(results), "%s", serving_path("results"));
	return setenv("IOLAB_TEST_MARK", mark, 1);
}

static void write_plan(const char *text)
{
	serving_put("plan.ini", text, strlen(text));
}

/* Runs iolab with these arguments (NULL-terminated). */
static int iolab(struct child *child, const char *const *arguments)
{
	const char *argv[24] = {child_program("iolab")};

	for (int i = 0; arguments[i] && i < 22; i++)
		argv[i + 1] = arguments[i];
	return child_run(child, argv);
}

static int run_plan(struct child *child, const char *option, const char *value)
{
	const char *const arguments[] = {"run",	 "--results", results, plan_path,
					 option, value,	      NULL};

	return iolab(child, arguments);
}

/* A file of the folder that the run's last lines name. */
static const char *file_of(const struct child *child, const char *name)
{
	static char path[512];
	const char *at = strstr(child->out.text, "Written to ");

	if (!at)
		fail_msg("no folder named: '%s' '%s'", child->out.text, child->err.text);
	at += strlen("Written to ");
	snprintf(path, sizeof(path), "%.*s/%s", (int)strcspn(at, ":"), at, name);
	return path;
}

static size_t rows_of(const struct child *child, struct record **rows)
{
	char why[512];
	size_t count;
	bool cut;

	if (record_read_csv(file_of(child, "fetch.csv"), rows, &count, &cut, why, sizeof(why)))
		fail_msg("%s", why);
	return count;
}

static json_t *json_of(const struct child *child, const char *name)
{
	json_t *object = json_load_file(file_of(child, name), 0, NULL);

	assert_non_null(object);
	return object;
}

static const char *text_in(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

static void a_plan_over_veth(void **state)
{
	char *before = linking_host();
	struct record *rows;
	struct child child;
	json_t *host, *run, *link, *end;
	size_t count;

	(void)state;
	linking_need();
	write_plan(veth_plan);
	if (run_plan(&child, NULL, NULL))
		fail_msg("%s", child.err.text);
	count = rows_of(&child, &rows);
	assert_int_equal(count, 8);
	for (size_t i = 0; i < count; i++) {
		assert_string_equal(record_text(&rows[i], COLUMN_link), "veth");
		assert_true(record_number(&rows[i], COLUMN_requests) > 0);
		assert_true(record_number(&rows[i], COLUMN_errors) == 0);
		assert_true(record_number(&rows[i], COLUMN_body_bytes) == 10240);
		assert_null(strstr(record_text(&rows[i], COLUMN_url), "127.0.0.1"));
		assert_non_null(strstr(record_text(&rows[i], COLUMN_url), "//198.18.0.2:"));
	}
	record_free_all(rows, count);
	host = json_of(&child, "host.json");
	link = json_object_get(host, "link");
	end = json_object_get(link, "origin");
	assert_string_equal(text_in(link, "kind"), "veth");
	assert_string_equal(text_in(end, "address"), "198.18.0.2");
	assert_true(json_is_false(json_object_get(end, "tx_checksum")));
	assert_true(json_is_false(json_object_get(json_object_get(link, "client"), "gro")));
	json_decref(host);
	run = json_of(&child, "run.json");
	assert_string_equal(text_in(run, "link"), "veth");
	json_decref(run);
	assert_non_null(strstr(child.out.text, "\nLink: veth, a pair of virtual interfaces"));
	assert_non_null(strstr(child.out.text, "of this host; no latency added.\n"));
	child_free(&child);
	assert_int_equal(linking_gone(mark), 0);
	linking_same(before, linking_host());
}

/* A shipped plan's text, its cells cut short; to be freed. */
static char *shortened(const char *name)
{
	static const char *const lengths[][2] = {{"300ms", " 20ms"}, {"100ms", "  5ms"}};
	const struct plan_text *p = plan_texts;
	char *text;

	while (p->name && strcmp(p->name, name) != 0)
		p++;
	assert_non_null(p->name);
	text = strdup(p->text);
	for (size_t i = 0; i < 2; i++) {
		char *at = strstr(text, lengths[i][0]);

		assert_non_null(at);
		memcpy(at, lengths[i][1], 5);
	}
	return text;
}

/* Every cell of the plan bypass runs, and the report says what its figures are not. */
static void the_plan_bypass(void **state)
{
	const char *const argv[] = {child_program("iolab"),
				    "run",
				    "--blocks",
				    "1",
				    "--results",
				    results,
				    plan_path,
				    NULL};
	char *plan = shortened("bypass");
	struct record *rows;
	struct child child;
	size_t count;

	(void)state;
	linking_need();
	write_plan(plan);
	free(plan);
	child_start(&child, argv);
	if (child_wait(&child, 5 * CHILD_LIMIT_MS))
		fail_msg("%s", child.err.text);
	count = rows_of(&child, &rows);
	assert_true(count >= 54);
	for (size_t i = 0; i < count; i++) {
		const char *variant = record_text(&rows[i], COLUMN_variant_requested);

		assert_string_equal(record_text(&rows[i], COLUMN_link), "veth");
		/* GRO is off: the row must own up to that. */
		if (strstr(variant, "busy-poll") &&
		    strcmp(record_text(&rows[i], COLUMN_model), "epoll") == 0)
			assert_non_null(strstr(record_text(&rows[i], COLUMN_variant_effective),
					       "(not effective)"));
	}
	assert_non_null(strstr(child.out.text, "these are not a network"));
	assert_non_null(strstr(child.out.text, "CPU per fetch is the figure to read"));
	record_free_all(rows, count);
	child_free(&child);
}

/* The command line has the last word, and a run that is gone on with keeps it. */
static void the_command_line_decides(void **state)
{
	struct record *rows;
	struct child child;
	char folder[512], csv[560];
	size_t count;

	(void)state;
	linking_need();
	write_plan("[experiment]\nblocks = 2\n[fetch f]\nmodel = epoll, uring\nduration = 20ms\n");
	if (run_plan(&child, "--link", "veth"))
		fail_msg("%s", child.err.text);
	count = rows_of(&child, &rows);
	assert_string_equal(record_text(&rows[0], COLUMN_link), "veth");
	record_free_all(rows, count);
	snprintf(folder, sizeof(folder), "%s", file_of(&child, ""));
	snprintf(csv, sizeof(csv), "%sfetch.csv", folder);
	child_free(&child);
	/* As if it had been killed before its first row. */
	assert_int_equal(unlink(csv), 0);
	const char *const resume[] = {"run", "--resume", folder, NULL};

	if (iolab(&child, resume))
		fail_msg("%s", child.err.text);
	assert_int_equal(rows_of(&child, &rows), count);
	assert_string_equal(record_text(&rows[0], COLUMN_link), "veth");
	record_free_all(rows, count);
	child_free(&child);
	/* Loopback is as it was. */
	if (run_plan(&child, NULL, NULL))
		fail_msg("%s", child.err.text);
	count = rows_of(&child, &rows);
	assert_string_equal(record_text(&rows[0], COLUMN_link), "loopback");
	assert_non_null(strstr(record_text(&rows[0], COLUMN_url), "127.0.0.1"));
	record_free_all(rows, count);
	child_free(&child);
}

/* All cells have the link of those that need the most queues, and the record says how many. */
static void queues(void **state)
{
	struct record *rows;
	struct child child;
	size_t count, several = 0;
	json_t *host;

	(void)state;
	linking_need();
	write_plan("[experiment]\nblocks = 1\nlink = veth\n"
		   "[fetch f]\nmodel = epoll, xdp\nprocesses = 1, 2\nconnections = 4\n"
		   "duration = 50ms\n[fetch g]\nmodel = epoll\nprocesses = 3\nconnections = 3\n"
		   "duration = 50ms\n");
	if (run_plan(&child, NULL, NULL))
		fail_msg("%s", child.err.text);
	count = rows_of(&child, &rows);
	assert_true(count >= 5);
	for (size_t i = 0; i < count; i++) {
		const char *variant = record_text(&rows[i], COLUMN_variant_effective);
		bool bypasses = strcmp(record_text(&rows[i], COLUMN_model), "xdp") == 0;

		assert_string_equal(record_text(&rows[i], COLUMN_link), "veth with 2 queues");
		assert_true(record_number(&rows[i], COLUMN_requests) > 0);
		assert_true(record_number(&rows[i], COLUMN_errors) == 0);
		if (!bypasses)
			continue;
		several += record_number(&rows[i], COLUMN_workers) == 2;
		assert_string_equal(variant, record_number(&rows[i], COLUMN_workers) == 2
						     ? "native,copy,queues:0-1"
						     : "native,copy,queues:2");
	}
	assert_true(several > 0);
	record_free_all(rows, count);
	host = json_of(&child, "host.json");
	assert_int_equal(
		json_integer_value(json_object_get(json_object_get(host, "link"), "queues")), 2);
	json_decref(host);
	child_free(&child);
	assert_int_equal(linking_gone(mark), 0);
}

/* The link's latency is there, in addition to what a cell asks of the origin, and is named. */
static void latency(void **state)
{
	struct record *rows;
	struct child child;
	size_t count;

	(void)state;
	linking_need();
	write_plan("[experiment]\nblocks = 1\nlink = veth\nlink-latency = 2ms\n"
		   "[fetch f]\nmodel = epoll\nlatency = 0, 3ms\nduration = 60ms\n");
	if (run_plan(&child, NULL, NULL))
		fail_msg("%s", child.err.text);
	count = rows_of(&child, &rows);
	assert_true(count >= 2);
	for (size_t i = 0; i < count; i++) {
		const char *link = record_text(&rows[i], COLUMN_link);
		double asked_us = record_number(&rows[i], COLUMN_origin_latency_us);

		if (strcmp(link, "veth 2ms by netem") && strcmp(link, "veth 2ms by origin"))
			fail_msg("link is '%s'", link);
		assert_true(asked_us == 0 || asked_us == 3000);
		assert_true(record_number(&rows[i], COLUMN_latency_p50_us) >= 2000 + asked_us);
	}
	record_free_all(rows, count);
	child_free(&child);
}

/* No link, no origin: what the plan names is fetched, and nothing else is started. */
static void targets_of_ones_own(void **state)
{
	static const char *const options[] = {NULL};
	struct child origin, child;
	struct record *rows;
	unsigned port;
	char text[256];
	size_t count;

	(void)state;
	serving_origin(&origin, options, &port, 1);
	snprintf(text, sizeof(text),
		 "[experiment]\nblocks = 1\nlink = none\n[fetch f]\nmodel = epoll\n"
		 "duration = 20ms\nurls = http://127.0.0.1:%u/bytes/99\n",
		 port);
	write_plan(text);
	if (run_plan(&child, NULL, NULL))
		fail_msg("%s", child.err.text);
	count = rows_of(&child, &rows);
	assert_true(count > 0);
	assert_string_equal(record_text(&rows[0], COLUMN_link), "none");
	assert_true(record_number(&rows[0], COLUMN_body_bytes) == 99);
	record_free_all(rows, count);
	child_free(&child);
	child_free(&origin);
}

/* Of iolab link: options, "--", then a shell's script. */
static int by_hand(struct child *child, const char *option, const char *value, const char *script)
{
	const char *const arguments[] = {"link", "--", "sh", "-c", script, NULL};
	const char *const with[] = {"link", option, value, "--", "sh", "-c", script, NULL};

	return iolab(child, option ? with : arguments);
}

static void curl_gets_what_the_origin_says(void **state)
{
	static const size_t sizes[] = {0, 1, 1459, 1460, 1461, 65535, 65536, 65537, 1048576};
	static const char *const urls[] = {"IOLAB_URL", "IOLAB_TLS_URL"};

	(void)state;
	linking_need();
	for (size_t i = 0; i < 2 * sizeof(sizes) / sizeof(sizes[0]); i++) {
		size_t size = sizes[i / 2], got;
		struct child child;
		char script[256], *bytes;

		snprintf(script, sizeof(script),
			 "curl -sS --cacert $IOLAB_CA -o '%s' \"${%s}bytes/%zu\"",
			 serving_path("body"), urls[i % 2], size);
		if (by_hand(&child, NULL, NULL, script))
			fail_msg("%zu bytes by %s: %s", size, urls[i % 2], child.err.text);
		child_free(&child);
		bytes = serving_read(serving_path("body"), &got);
		assert_int_equal(got, size);
		assert_int_equal(body_check(bytes, got, 0), size);
		free(bytes);
	}
}

static void by_hand_says(const char *option, const char *value, const char *script, int status,
			 const char *out)
{
	struct child child;
	int got = by_hand(&child, option, value, script);

	if (got != status || !strstr(child.out.text, out))
		fail_msg("'%s': status %d, out '%s', err '%s'", script, got, child.out.text,
			 child.err.text);
	child_free(&child);
	assert_int_equal(linking_gone(mark), 0);
}

static void programs_by_hand(void **state)
{
	char *before = linking_host();
	char fetch[600], serve[300];
	struct child child;

	(void)state;
	linking_need();
	snprintf(fetch, sizeof(fetch), "%s --cacert $IOLAB_CA $IOLAB_URL ${IOLAB_TLS_URL}bytes/9",
		 child_program("fetch-uring"));
	by_hand_says(NULL, NULL, fetch, 0, "Read Contents: 9, Status Code: 200 from https://");
	by_hand_says(NULL, NULL, "exit 7", 7, "");
	by_hand_says(NULL, NULL, "kill -9 $$", 137, "");
	by_hand_says("--latency", "50ms", "curl -s -o /dev/null -w %{time_total} $IOLAB_URL", 0,
		     "0.0");
	by_hand_says(NULL, NULL, "echo $IOLAB_INTERFACE $IOLAB_ADDRESS $IOLAB_ORIGIN_ADDRESS", 0,
		     "iolab0 198.18.0.1 198.18.0.2");
	/* What it leaves running is ended with the link. */
	by_hand_says(NULL, NULL, "setsid sleep 600 >/dev/null 2>&1 & echo done", 0, "done");
	/* Another server. */
	serving_put("site/hello", "good day\n", 9);
	snprintf(serve, sizeof(serve),
		 "/usr/bin/python3 -m http.server --bind 198.18.0.2 --directory '%s' 8123",
		 serving_path("site"));
	const char *const other[] = {"link",
				     "--origin-port=8123",
				     "--origin-command",
				     serve,
				     "--",
				     "sh",
				     "-c",
				     "curl -s ${IOLAB_URL}hello",
				     NULL};

	if (iolab(&child, other) || strcmp(child.out.text, "good day\n") != 0)
		fail_msg("'%s' '%s'", child.out.text, child.err.text);
	child_free(&child);
	assert_int_equal(linking_gone(mark), 0);
	linking_same(before, linking_host());
}

/* iolab clean, which must end well; whether it found something. */
static bool clean(void)
{
	static const char *const arguments[] = {"clean", NULL};
	struct child child;
	bool found;

	if (iolab(&child, arguments))
		fail_msg("iolab clean: '%s' '%s'", child.out.text, child.err.text);
	found = strstr(child.out.text, "nothing left") == NULL;
	child_free(&child);
	return found;
}

/*
 * A plan whose cells leave processes of their own behind, which do not die with the runner, and say
 * so by a file.
 */
static void write_leaving_plan(void)
{
	char plan[512];

	snprintf(
		plan, sizeof(plan),
		"[experiment]\nblocks = 1000\nlink = veth\n"
		"[fetch f]\nmodel = epoll\nduration = 5ms\n"
		"[command c]\nrun = sh -c 'setsid sleep 600 >/dev/null 2>&1 & touch %s; sleep 0.01'\n",
		serving_path("left"));
	write_plan(plan);
}

/* Starts a run of it and returns when the first process was left. */
static void start_leaving(struct child *child)
{
	const char *const argv[] = {
		child_program("iolab"), "run", "--results", results, plan_path, NULL};

	unlink(serving_path("left"));
	child_start(child, argv);
	for (int i = 0; i < CHILD_LIMIT_MS / 10 && access(serving_path("left"), F_OK); i++)
		usleep(10000);
	assert_int_equal(access(serving_path("left"), F_OK), 0);
}

/* Killed at any moment it leaves nothing that iolab clean does not find. */
static void killed(void **state)
{
	char *before = linking_host();

	(void)state;
	linking_need();
	write_leaving_plan();
	srandom((unsigned)getpid());
	for (int i = 0; i < 20; i++) {
		const char *const argv[] = {
			child_program("iolab"), "run", "--results", results, plan_path, NULL};
		struct child child;

		/* While cells run, or at any time before. */
		if (i % 2 == 0)
			start_leaving(&child);
		else
			child_start(&child, argv);
		usleep((useconds_t)(random() % 300000));
		child_end(&child, SIGKILL, CHILD_LIMIT_MS);
		child_free(&child);
		/* What the cells' guards are ending already may or may not be found. */
		(void)clean();
		assert_int_equal(linking_gone(mark), 0);
	}
	assert_false(clean());
	linking_same(before, linking_host());
}

/* Somebody makes a link, has a process in it, and dies without a word. */
static void leave_behind(void)
{
	char why[512];
	struct link link;
	bool left = false;
	pid_t pid = fork();

	if (pid == 0) {
		if (link_up(&link, LINK_VETH, 1, 0, why, sizeof(why)) ||
		    link_enter(&link, LINK_CLIENT))
			_exit(1);
		pid = fork();
		if (pid == 0) {
			int null = open("/dev/null", O_RDWR);

			dup2(null, STDOUT_FILENO);
			dup2(null, STDERR_FILENO);
			execlp("sleep", "sleep", "600", NULL);
			_exit(1);
		}
		raise(SIGKILL);
	}
	assert_true(pid > 0 && waitpid(pid, NULL, 0) == pid);
	/* Its environment is there to be seen once it is a program of its own. */
	for (int i = 0; i < CHILD_LIMIT_MS / 10 && !left; i++) {
		usleep(10000);
		left = linking_marked(mark) > 0;
	}
	assert_true(left);
}

/* Root who may not look at all, or not enter all, does not say that nothing is left. */
static void clean_without_capabilities(void **state)
{
	static const char *const lost[] = {"-sys_ptrace", "-sys_admin"};
	struct child child;

	(void)state;
	linking_need();
	leave_behind();
	for (int i = 0; i < 2; i++) {
		const char *const argv[] = {"setpriv", "--bounding-set",
					    lost[i],   child_program("iolab"),
					    "clean",   NULL};
		int status = child_run(&child, argv);

		if (status != 3 || strstr(child.out.text, "nothing left") ||
		    !child_one_line(child.err.text) ||
		    !strstr(child.err.text, "may not be looked at"))
			fail_msg("%s: status %d, '%s' '%s'", lost[i], status, child.out.text,
				 child.err.text);
		child_free(&child);
		assert_true(linking_marked(mark) > 0);
	}
	assert_true(clean());
	assert_int_equal(linking_gone(mark), 0);
}

/* On Ctrl-C nothing is left, without any cleaning. */
static void interrupted(void **state)
{
	struct child child;

	(void)state;
	linking_need();
	write_leaving_plan();
	start_leaving(&child);
	assert_int_equal(child_end(&child, SIGINT, CHILD_LIMIT_MS), 130);
	child_free(&child);
	assert_int_equal(linking_gone(mark), 0);
}

static void assert_refused(const char *const *argv, int status, const char *says)
{
	struct child child;
	int got = child_run(&child, argv);

	if (got != status || !child_one_line(child.err.text) || !strstr(child.err.text, says))
		fail_msg("status %d, expected %d and '%s'; stderr: '%s'", got, status, says,
			 child.err.text);
	child_free(&child);
}

/* A copy that anybody may run, wherever the lab was built. */
static void copy_iolab(const char *to)
{
	const char *const argv[] = {"cp", child_program("iolab"), to, NULL};
	struct child child;

	assert_int_equal(child_run(&child, argv), 0);
	child_free(&child);
	assert_int_equal(chmod(to, 0755), 0);
}

static void without_root(void **state)
{
	const char *copy = serving_path("iolab");
	const char *nowhere = "/proc/no/where";
	/* Already nobody: the words before the program are left out. */
	unsigned from = geteuid() == 0 ? 0 : 4;
	const char *const run[] = {
		"setpriv",   "--reuid=65534", "--regid=65534", "--clear-groups", copy, "run",
		"--results", nowhere,	      plan_path,       "--link=veth",	 NULL};
	const char *const link[] = {"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
				    copy,      "link",		"true",		 NULL};

	(void)state;
	copy_iolab(copy);
	write_plan(veth_plan);
	/* Before the folder, which could not be made either. */
	assert_refused(run + from, 3, "CAP_NET_ADMIN and CAP_SYS_ADMIN");
	assert_refused(link + from, 3, "CAP_NET_ADMIN and CAP_SYS_ADMIN");
}

static void refused(const char *const *arguments, int status, const char *says)
{
	const char *argv[24] = {child_program("iolab")};

	for (int i = 0; arguments[i] && i < 22; i++)
		argv[i + 1] = arguments[i];
	assert_refused(argv, status, says);
}

static void plan_refused(const char *plan, const char *option, const char *says)
{
	const char *const run[] = {"run", "--results", results, plan_path, option, NULL};
	const char *const shown[] = {"plan", plan_path, NULL};

	write_plan(plan);
	refused(run, 2, says);
	if (!option)
		refused(shown, 2, says);
}

/* Who may look and enter but not signal does not say that it ended what it did not. */
static void clean_that_may_not_signal(void **state)
{
	const char *copy = serving_path("iolab");
	const char *const argv[] = {"setpriv",
				    "--reuid=65534",
				    "--clear-groups",
				    "--inh-caps=+sys_ptrace,+sys_admin",
				    "--ambient-caps=+sys_ptrace,+sys_admin",
				    copy,
				    "clean",
				    NULL};
	struct child child;

	(void)state;
	linking_need();
	copy_iolab(copy);
	leave_behind();
	int status = child_run(&child, argv);

	if (status != 1 || strstr(child.out.text, "Ended process") ||
	    !strstr(child.out.text, "Could not end process") ||
	    !strstr(child.err.text, "could not be ended"))
		fail_msg("status %d, '%s' '%s'", status, child.out.text, child.err.text);
	child_free(&child);
	assert_true(clean());
	assert_int_equal(linking_gone(mark), 0);
}

static void bad_input(void **state)
{
	static const char fetch[] = "[fetch f]\nmodel = epoll\nduration = 20ms\n";
	static const char *const two[] = {"clean", "all", NULL};
	static const char *const port[] = {"link", "--origin-port=80", "true", NULL};
	static const char *const unknown[] = {"link", "--latncy=1ms", "true", NULL};
	static const char *const misspelt[] = {"cleen", NULL};
	char plan[256];

	(void)state;
	plan_refused(fetch, "--link=vet",
		     "--link: 'vet' is not one of its values; did you mean veth?");
	snprintf(plan, sizeof(plan), "[experiment]\nlink = lopback\n%s", fetch);
	plan_refused(plan, NULL, "plan.ini:2: [experiment] link: 'lopback'");
	snprintf(plan, sizeof(plan), "[experiment]\nlinc = veth\n%s", fetch);
	plan_refused(plan, NULL, "did you mean link?");
	snprintf(plan, sizeof(plan), "[experiment]\nlink-latency = 1ms\n%s", fetch);
	plan_refused(plan, NULL, "link-latency is that of a veth link");
	snprintf(plan, sizeof(plan), "[experiment]\nlink = veth\nlink-latency = soon\n%s", fetch);
	plan_refused(plan, NULL, "link-latency");
	snprintf(plan, sizeof(plan), "[experiment]\nlink = none\n%s", fetch);
	plan_refused(plan, NULL, "plan.ini:3: [f]: link = none starts no origin");
	static const char *const commands[] = {"plan", "--commands", "bypass", NULL};
	struct child child;

	/* What a plan would run can be seen by anybody. */
	assert_int_equal(iolab(&child, commands), 0);
	assert_non_null(strstr(child.out.text, " http://198.18.0.2:{port}/bytes/16384"));
	child_free(&child);
	plan_refused("[command c]\nrun = curl {url}\n", "--link=none", "no origin, for {url}");
	refused(two, 2, "'all' is one");
	refused(port, 2, "--origin-port is that of --origin-command");
	refused(unknown, 2, "did you mean --latency?");
	refused(misspelt, 2, "did you mean clean?");
}

static void bad_input_on_a_link(void **state)
{
	static const char *const missing[] = {"link", "/no/such/program", NULL};
	static const char *const server[] = {"link", "--origin-command=/no/such/server",
					     "--origin-port=80", "true", NULL};
	static const char *const silent[] = {"link", "--origin-command=sleep 0.1",
					     "--origin-port=81", "true", NULL};

	(void)state;
	linking_need();
	refused(missing, 127, "cannot run /no/such/program");
	refused(server, 3, "cannot run /no/such/server");
	refused(silent, 3, "nothing listens at 198.18.0.2:81, as --origin-port says");
	assert_int_equal(linking_gone(mark), 0);
}

/* Asked from within a link: that one is somebody's, and is let be. */
static void clean_leaves_what_is_held(void **state)
{
	const char *program = child_program("iolab");
	const char *const arguments[] = {"link", program, "clean", NULL};
	struct child child;

	(void)state;
	linking_need();
	assert_int_equal(iolab(&child, arguments), 0);
	const char *left = strstr(child.out.text, "Left alone: a link that process ");

	assert_non_null(left);
	/* One line a link, not one an end, by its owner. */
	size_t length = strcspn(left, "\n");
	char line[128];

	snprintf(line, sizeof(line), "%.*s", (int)length + 1, left);
	assert_null(strstr(left + length, line));
	assert_non_null(strstr(child.out.text, "\notherwise nothing left\n"));
	child_free(&child);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(clean_leaves_what_is_held),
		cmocka_unit_test(a_plan_over_veth),
		cmocka_unit_test(the_plan_bypass),
		cmocka_unit_test(the_command_line_decides),
		cmocka_unit_test(queues),
		cmocka_unit_test(latency),
		cmocka_unit_test(targets_of_ones_own),
		cmocka_unit_test(curl_gets_what_the_origin_says),
		cmocka_unit_test(programs_by_hand),
		cmocka_unit_test(killed),
		cmocka_unit_test(clean_without_capabilities),
		cmocka_unit_test(interrupted),
		cmocka_unit_test(without_root),
		cmocka_unit_test(clean_that_may_not_signal),
		cmocka_unit_test(bad_input),
		cmocka_unit_test(bad_input_on_a_link),
	};

	return cmocka_run_group_tests(tests, start, serving_remove_folder);
}
