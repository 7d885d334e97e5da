/* fetch-xdp when frames are lost on their way: every body is right all the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "tests/bypassing.h"
#include "tests/fetching.h"

/* 2 % of all frames that arrive are lost: every body is right all the same. */
static void frames_lost(void **state)
{
	static const char *const seeds[] = {"--xdp=drop:20,seed:1", "--xdp=drop:20,seed:2"};

	(void)state;
	bypassing_need();
	struct bypassing_site site;
	size_t size;

	bypassing_make_site(&site, "http", bypassing_origin[0], "/bytes/");
	char *bytes = bypassing_by_curl(&site, &size);

	for (unsigned i = 0; i < 2; i++) {
		const char *const options[] = {"-c64", "-n640", seeds[i], NULL};
		json_t *row = bypassing_fetch_all(&site, options, bytes, size);

		assert_true(fetching_number(row, "frames_lost") > 100);
		json_decref(row);
	}
	free(bytes);
	bypassing_make_site(&site, "https", bypassing_nginx[1], "/");
	bytes = bypassing_by_curl(&site, &size);
	const char *const options[] = {"-c16", "-n176", seeds[0], NULL};

	json_decref(bypassing_fetch_all(&site, options, bytes, size));
	free(bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_lost),
	};

	return cmocka_run_group_tests(tests, bypassing_set_up, bypassing_tear_down);
}
