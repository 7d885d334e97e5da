/*
 * fetch-xdp when memory runs out, in lwIP above all: the system's limit on its data is put where
 * the connections no longer fit. lwIP's pools are malloc()'s, so that is how they end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "tests/bypassing.h"
#include "tests/veth.h"

/* Bytes: more than it takes, and how exactly the least is found; a step, and how many. */
#define PLENTY	  (256L << 20)
#define EXACTLY	  (32L << 10)
#define STEP	  (200L << 10)
#define STEPS	  12
#define LWIP_SAYS "in lwIP: Cannot allocate memory"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif

/* A run of a thousand connections with at most so many bytes of data; its status. */
static int run_with(struct child *child, long limit)
{
	char data[32], url[96];
	const char *const argv[] = {"prlimit", data,	 "--",	    child_program("fetch-xdp"),
				    "-c1000",  "-n3000", "--quiet", url,
				    NULL};

	snprintf(data, sizeof(data), "--data=%ld", limit);
	bypassing_url(url, "/bytes/20000");
	veth_to_clients();
	child_start(child, argv);
	veth_to_servers();
	return child_wait(child, BYPASSING_HANG_MS);
}

/* The least with which it begins at all; below, it says so and ends with status 3. */
static long least_to_begin(void)
{
	long too_little = 0, enough = PLENTY;

	while (enough - too_little > EXACTLY) {
		long middle = too_little + (enough - too_little) / 2;
		struct child child;

		if (run_with(&child, middle) == 0 || child.status == 1)
			enough = middle;
		else
			too_little = middle;
		child_free(&child);
	}
	return enough;
}

static void out_of_memory(void **state)
{
	unsigned by_lwip = 0, unable = 0;

	(void)state;
	bypassing_need();
#ifdef SANITIZED
	print_message("skipped: a sanitizer's own memory is beyond any limit\n");
	skip();
#endif
	long least = least_to_begin();

	for (int step = -2; step < STEPS; step++) {
		struct child child;
		int status = run_with(&child, least + step * STEP);

		if ((status != 0 && status != 1 && status != 3) ||
		    (status && !child_one_line(child.err.text)))
			fail_msg("%ld bytes: status %d, '%s'", least + step * STEP, status,
				 child.err.text);
		by_lwip += status == 1 && strstr(child.err.text, LWIP_SAYS) != NULL;
		unable += status == 3 && strstr(child.err.text, "Cannot allocate memory") != NULL;
		child_free(&child);
	}
	assert_true(by_lwip > 0);
	assert_true(unable > 0);
	/* And with all that it takes there is nothing to say. */
	struct child child;

	if (run_with(&child, PLENTY) != 0)
		fail_msg("status %d, '%s'", child.status, child.err.text);
	child_free(&child);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(out_of_memory, bypassing_remember,
						bypassing_compare),
	};

	return cmocka_run_group_tests(tests, bypassing_set_up, bypassing_tear_down);
}
