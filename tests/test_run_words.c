/*
 * What the executables say to a person who is new to them: the summary of a run, help that does
 * without the README, and lines about what was asked for and cannot act.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/child.h"
#include "tests/fetching.h"
#include "tests/serving.h"

static struct child origin;
static char url[64];

static int start(void **state)
{
	static const char *const options[] = {"--listen", "127.0.0.1:0", NULL};
	unsigned port;

	(void)state;
	serving_origin(&origin, options, &port, 1);
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/", port);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	child_free(&origin);
	return 0;
}

static void has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("'%s' is not in:\n%s", part, text);
}

static void lacks(const char *text, const char *part)
{
	if (strstr(text, part))
		fail_msg("'%s' is in:\n%s", part, text);
}

/* What was in force, and what is the matter with the figures. */
static void summary_of_a_run(void **state)
{
	const char *const level[] = {"-n", "5", "--epoll=level", url, NULL};
	const char *const late[] = {"-c", "1", "-R", "9000000", "-d", "100ms", url, NULL};
	const char *const blocking[] = {"-n", "5", url, NULL};
	struct child child;

	(void)state;
	assert_int_equal(fetching_run(&child, "epoll", level), 0);
	has(child.out.text, "\n  1 connection, 1 worker");
	has(child.out.text, "\n  in force         level\n");
	has(child.out.text, "too short to tell user from system)\n");
	lacks(child.out.text, "rate-not-held");
	child_free(&child);

	fetching_run(&child, "epoll", late);
	has(child.out.text, "\n  in force         edge\n");
	has(child.out.text, "\n  flagged          rate-not-held: open loop: less than 98 %");
	child_free(&child);

	/* It has no variants: nothing is said of them. */
	assert_int_equal(fetching_run(&child, "blocking", blocking), 0);
	lacks(child.out.text, "in force");
	child_free(&child);
}

/* Taken, and of no use here: one line each, and the run goes on. */
static void idle_options(void **state)
{
	const char *const asked[] = {"--resolve", "nobody.test:80:127.0.0.1",
				     "--cacert",  "/etc/ssl/certs/ca-certificates.crt",
				     "--tls-io",  "conventional",
				     url,	  NULL};
	char port[96];
	const char *const used[] = {"--resolve", port, url, NULL};
	struct child child;

	(void)state;
	assert_int_equal(fetching_run(&child, "epoll", asked), 0);
	has(child.err.text, "--resolve: no URL has the host and port of 'nobody.test:80:127");
	has(child.err.text, "--cacert: no URL begins with https://");
	has(child.err.text, "--tls-io: no URL begins with https://");
	assert_int_equal(fetching_lines(child.err.text, "not used", ""), 3);
	has(child.out.text, "Status Code: 200");
	child_free(&child);

	snprintf(port, sizeof(port), "127.0.0.1:%d:127.0.0.1", atoi(strrchr(url, ':') + 1));
	assert_int_equal(fetching_run(&child, "epoll", used), 0);
	assert_string_equal(child.err.text, "");
	child_free(&child);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(summary_of_a_run),
		cmocka_unit_test(idle_options),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
