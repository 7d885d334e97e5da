/*
 * fetch-xdp when frames are lost or come in another order, those that it sends as well as those that
 * it receives: every body is right all the same.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "tests/bypassing.h"
#include "tests/fetching.h"
#include "tests/mangling.h"
#include "tests/veth.h"

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

/* The nginx of the other tests, by way of a link that mangles. */
static char *make_mangled(struct bypassing_site *site, const char *scheme, unsigned port,
			  size_t *size)
{
	bypassing_make_site(site, scheme, port, "/");
	/* By the good link: it is the bytes that matter. */
	char *bytes = bypassing_by_curl(site, size);

	snprintf(site->resolve, sizeof(site->resolve), "localhost:%u:" MANGLING_SERVER, port);
	return bytes;
}

static void mangled(void **state)
{
	static const struct {
		unsigned lose[MANGLING_WAYS], hold[MANGLING_WAYS];
	} rows[] = {{{0, 20}, {0, 0}}, {{0, 0}, {50, 50}}, {{20, 20}, {30, 30}}};

	(void)state;
	bypassing_need();
	struct mangling *m = mangling_start(1);

	if (!m)
		skip();
	for (unsigned tls = 0; tls < 2; tls++) {
		struct bypassing_site site;
		size_t size;
		char *bytes =
			make_mangled(&site, tls ? "https" : "http", bypassing_nginx[tls], &size);

		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
			const char *const options[] = {"-c16", "-n176", NULL};
			uint64_t lost[MANGLING_WAYS], held[MANGLING_WAYS];

			for (unsigned way = 0; way < MANGLING_WAYS; way++) {
				m->lose[way] = rows[i].lose[way];
				m->hold[way] = rows[i].hold[way];
				lost[way] = m->lost[way];
				held[way] = m->held[way];
			}
			json_decref(bypassing_fetch_all(&site, options, bytes, size));
			for (unsigned way = 0; way < MANGLING_WAYS; way++) {
				assert_true(!rows[i].lose[way] || m->lost[way] > lost[way] + 20);
				assert_true(!rows[i].hold[way] || m->held[way] > held[way] + 20);
			}
		}
		free(bytes);
	}
	mangling_stop(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_lost),
		cmocka_unit_test(mangled),
	};

	return cmocka_run_group_tests(tests, bypassing_set_up, bypassing_tear_down);
}
