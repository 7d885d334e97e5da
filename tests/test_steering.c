/*
 * Queues and local ports as they are dealt out to workers: no port is two workers', each range is
 * what a mask can name, and a port tells the queue, on the lab's links and on cards.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "kernels/fetch/xdp_interface.h"
#include "kernels/fetch/xdp_steering.h"

static struct xdp_interface card(unsigned queues, bool by_lab)
{
	return (struct xdp_interface){.name = "eth1", .queues = queues, .by_lab = by_lab};
}

static void one_worker_has_all(void **state)
{
	struct xdp_steering s;
	char why[512];

	(void)state;
	for (unsigned queues = 1; queues <= XDP_QUEUES_MAX; queues++) {
		struct xdp_interface i = card(queues, queues % 2);

		assert_int_equal(xdp_steering_deal(&s, &i, 1, NULL, why, sizeof(why)), 0);
		struct xdp_share share = xdp_steering_share(&s, 0);

		assert_false(s.by_port);
		assert_int_equal(share.queue, 0);
		assert_int_equal(share.queues, queues);
		assert_int_equal(share.port, 0xc000);
		assert_int_equal(share.port + share.ports, 0x10000);
	}
}

/* What the program in the kernel and whoever steers work out from a port. */
static unsigned queue_of(const struct xdp_steering *s, unsigned port)
{
	return s->origin + ((port - XDP_PORT_FIRST) >> s->shift);
}

static void check(const struct xdp_steering *s, unsigned first)
{
	unsigned behind = 0;

	for (unsigned worker = 0; worker < s->workers; worker++) {
		struct xdp_share share = xdp_steering_share(s, worker);

		assert_int_equal(share.queue, first + worker);
		assert_int_equal(share.queues, 1);
		assert_true(share.port >= XDP_PORT_FIRST);
		assert_true(share.port + share.ports <= 0x10000);
		/* A power of two, and aligned. */
		assert_true(share.ports && (share.ports & (share.ports - 1)) == 0);
		assert_int_equal(share.port & (share.ports - 1), 0);
		assert_true(worker == 0 || share.port == behind);
		behind = share.port + share.ports;
		assert_int_equal(queue_of(s, share.port), share.queue);
		assert_int_equal(queue_of(s, behind - 1), share.queue);
	}
}

static void a_queue_each(void **state)
{
	struct xdp_steering s;
	char why[512];

	(void)state;
	for (unsigned queues = 1; queues <= 64; queues++)
		for (unsigned workers = 1; workers <= queues; workers++)
			for (unsigned first = 0; first + workers <= queues; first++)
				for (unsigned lab = 0; lab < 2; lab++) {
					struct xdp_interface i = card(queues, lab);

					assert_int_equal(xdp_steering_deal(&s, &i, workers, &first,
									   why, sizeof(why)),
							 0);
					assert_true(s.by_port);
					check(&s, first);
				}
}

/* On a card nobody but the workers needs a range; the lab's link has one for each queue. */
static void ranges_are_as_large_as_can_be(void **state)
{
	static const struct {
		unsigned queues, workers;
		bool lab;
		unsigned ports;
	} rows[] = {{64, 2, false, 8192}, {64, 3, false, 4096}, {64, 4, false, 4096},
		    {4, 2, true, 4096},	  {3, 2, true, 4096},	{2, 2, true, 8192}};
	struct xdp_steering s;
	char why[512];

	(void)state;
	for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
		struct xdp_interface i = card(rows[r].queues, rows[r].lab);

		assert_int_equal(xdp_steering_deal(&s, &i, rows[r].workers, NULL, why, sizeof(why)),
				 0);
		assert_int_equal(xdp_steering_share(&s, 0).ports, rows[r].ports);
	}
}

/* However few the ports and many the connections: one is free before those over are looked at. */
static void a_port_is_left(void **state)
{
	(void)state;
	for (unsigned bits = 2; bits <= XDP_PORT_BITS; bits++) {
		const struct xdp_share share = {.ports = 1U << bits};

		for (unsigned connections = 1; connections <= share.ports; connections++) {
			struct xdp_over over = xdp_steering_over(&share, connections);

			assert_true(over.most >= 1 && over.most <= 256);
			assert_true(over.slice >= 1 && over.slice <= 64);
			assert_true(share.ports - connections < 4 ||
				    connections + over.most + over.slice <= share.ports);
		}
	}
}

static void refused(void **state)
{
	static const struct {
		unsigned queues, workers, first;
		const char *says;
	} rows[] = {{2, 3, 0, "eth1 has 2 queues, too few for 3 workers"},
		    {1, 2, 0, "ethtool -L eth1 combined 2"},
		    {4, 2, 3, "from queue 3 on"},
		    {4, 1, 4, "too few for 1 worker from queue 4 on"},
		    {4, UINT32_MAX, 1, "too few"},
		    {4, 1, UINT32_MAX, "too few"}};
	struct xdp_interface many = card(XDP_QUEUES_MAX + 1, false);
	struct xdp_steering s;
	char why[512];

	(void)state;
	for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
		struct xdp_interface i = card(rows[r].queues, false);

		assert_true(xdp_steering_deal(&s, &i, rows[r].workers, &rows[r].first, why,
					      sizeof(why)) < 0);
		if (!strstr(why, rows[r].says))
			fail_msg("'%s'", why);
	}
	assert_true(xdp_steering_deal(&s, &many, 1, NULL, why, sizeof(why)) < 0);
	assert_non_null(strstr(why, "65 queues"));
	assert_int_equal(xdp_steering_deal(&s, &many, 2, NULL, why, sizeof(why)), 0);
}

static void the_line_names_the_rule(void **state)
{
	static const unsigned first = 5;
	struct xdp_interface i = card(8, false);
	struct xdp_steering s;
	char line[512];

	(void)state;
	assert_int_equal(xdp_steering_deal(&s, &i, 4, &first, line, sizeof(line)), -EOPNOTSUPP);
	assert_int_equal(xdp_steering_deal(&s, &i, 3, &first, line, sizeof(line)), 0);
	xdp_steering_astray(&s, &i, 7, 2, 0xdabc, line, sizeof(line));
	assert_non_null(strstr(line, "7 frames went astray: one for port 55996 came by queue 2 of "
				     "eth1, and belongs to queue 6"));
	assert_non_null(strstr(line, "`ethtool -N eth1 flow-type tcp4 dst-port 0xd000 m 0xfff "
				     "action 6`"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_worker_has_all),
		cmocka_unit_test(a_queue_each),
		cmocka_unit_test(ranges_are_as_large_as_can_be),
		cmocka_unit_test(a_port_is_left),
		cmocka_unit_test(refused),
		cmocka_unit_test(the_line_names_the_rule),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
