/*
 * iolab calibrate: what it concludes from figures made up for it, and the command as a user runs
 * it, briefly. What it measures here is the machine's own business and not asserted.
 */
#include <errno.h>
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

#include <jansson.h>
#include <math.h>

#include "lab/calibrate.h"
#include "results/statistics.h"
#include "results/statistics_rate.h"
#include "tests/child.h"

#define SUMS	4
#define FETCHES 2
#define BLOCKS	10

static double jolt(uint64_t *random)
{
	double sum = 0.0;

	for (int i = 0; i < 12; i++)
		sum += (double)(statistics_random(random) >> 11) * 0x1p-53;
	return sum - 6.0;
}

/* A host whose cells spread by `spread`; blocks drift together. Slowed cells are as slow as told. */
static void make_of(struct calibrate_data *d, size_t sums, size_t blocks, double spread,
		    uint64_t random)
{
	memset(d, 0, sizeof(*d));
	d->options.experiments[CALIBRATE_SUMS] = sums;
	d->options.experiments[CALIBRATE_FETCHES] = FETCHES;
	d->options.blocks = blocks + 2; /* of which two were not reached */
	d->blocks = blocks;
	d->latencies_us = calloc(CALIBRATE_WAITS * (CALIBRATE_DELAYS + 1) * d->options.blocks,
				 sizeof(double));
	assert_non_null(d->latencies_us);
	for (unsigned i = 0; i < CALIBRATE_SLOWDOWNS; i++)
		d->truth[i] = 1.0 + calibrate_slowdowns[i];
	for (unsigned kind = 0; kind < CALIBRATE_KINDS; kind++) {
		size_t cells = d->options.experiments[kind] * CALIBRATE_CELLS;

		d->values[kind] = calloc(cells * d->options.blocks, sizeof(double));
		assert_non_null(d->values[kind]);
		for (size_t i = 0; i < cells; i++) {
			unsigned cell = i % CALIBRATE_CELLS;
			double truth =
				cell >= CALIBRATE_SLOWED ? d->truth[cell - CALIBRATE_SLOWED] : 1.0;

			for (size_t block = 0; block < blocks; block++)
				d->values[kind][i * d->options.blocks + block] =
					truth * exp(0.3 * (double)block + spread * jolt(&random));
		}
	}
	/* A round trip asleep takes 60 us more, and 7 us more yet after a delay. */
	for (unsigned i = 0; i < CALIBRATE_WAITS * (CALIBRATE_DELAYS + 1); i++) {
		unsigned delay = i % (CALIBRATE_DELAYS + 1);
		bool asleep = i > CALIBRATE_DELAYS;

		for (size_t block = 0; block < blocks; block++)
			d->latencies_us[i * d->options.blocks + block] =
				(delay < CALIBRATE_DELAYS ? calibrate_delays_us[delay] + 7 * asleep
							  : 0.0) +
				40.0 + 60.0 * asleep + 10.0 * (double)block;
	}
}

static void make(struct calibrate_data *d, double spread)
{
	make_of(d, SUMS, BLOCKS, spread, 9);
}

static void release(struct calibrate_data *d)
{
	free(d->latencies_us);
	for (unsigned kind = 0; kind < CALIBRATE_KINDS; kind++)
		free(d->values[kind]);
}

static double *cell(struct calibrate_data *d, enum calibrate_kind kind, size_t experiment,
		    unsigned which)
{
	return d->values[kind] + (experiment * CALIBRATE_CELLS + which) * d->options.blocks;
}

/* The share of fresh experiments that claim a difference of that size. */
static double found_share(double factor, size_t blocks)
{
	struct calibrate_findings f;
	struct calibrate_data d;

	make_of(&d, 400, blocks, 0.01, 1234 + blocks);
	for (size_t i = 0; i < 400; i++)
		for (size_t block = 0; block < blocks; block++)
			cell(&d, CALIBRATE_SUMS, i, CALIBRATE_EQUAL)[block] *= factor;
	assert_int_equal(calibrate_find(&d, &f), 0);
	release(&d);
	return (double)f.alarms[CALIBRATE_SUMS].seen / 400.0;
}

/* What is said to be found in 8 of 10 experiments is; half an interval is in fewer than half. */
static void what_is_said_to_be_found_is(void **state)
{
	struct calibrate_findings f;
	struct calibrate_data d;
	double found, more;

	(void)state;
	make_of(&d, 200, BLOCKS, 0.01, 5);
	assert_int_equal(calibrate_find(&d, &f), 0);
	found = found_share(f.detectable[CALIBRATE_SUMS], BLOCKS);
	more = found_share(
		exp(statistics_half_width(log(f.detectable[CALIBRATE_SUMS]), BLOCKS, 14)), 14);
	if (!(found > 0.74 && found < 0.86 && more > 0.72 && more < 0.88))
		fail_msg("found in %g, with more blocks in %g", found, more);
	assert_true(found_share(f.half_width[CALIBRATE_SUMS], BLOCKS) < 0.5);
	release(&d);
	/* Five blocks can claim nothing, and nothing is promised of them. */
	make_of(&d, 20, 5, 0.01, 5);
	assert_int_equal(calibrate_find(&d, &f), 0);
	assert_true(isnan(f.detectable[CALIBRATE_SUMS]));
	assert_int_equal(f.blocks_for_1[CALIBRATE_SUMS], 0);
	release(&d);
}

static void a_quiet_host(void **state)
{
	struct calibrate_findings f;
	struct calibrate_data d;

	(void)state;
	make(&d, 0.002);
	assert_int_equal(calibrate_find(&d, &f), 0);
	assert_null(f.distrust);
	assert_int_equal(f.alarms[CALIBRATE_SUMS].tries, SUMS);
	assert_int_equal(f.alarms[CALIBRATE_FETCHES].tries, FETCHES);
	assert_int_equal(f.alarms[CALIBRATE_KINDS].tries, SUMS + FETCHES);
	assert_int_equal(f.alarms[CALIBRATE_KINDS].seen, 0);
	assert_true(f.alarms[CALIBRATE_KINDS].low == 0.0);
	/* 1 - 0.025^(1/6) */
	assert_true(fabs(f.alarms[CALIBRATE_KINDS].high - 0.4593) < 1e-3);
	for (unsigned i = 0; i < CALIBRATE_SLOWDOWNS; i++) {
		assert_int_equal(f.slowdowns[i].found.tries, SUMS);
		assert_int_equal(f.slowdowns[i].found.seen, SUMS);
		assert_int_equal(f.slowdowns[i].wrong, 0);
		assert_true(fabs(f.slowdowns[i].estimate - 1.0 - calibrate_slowdowns[i]) < 0.002);
	}
	for (unsigned i = 0; i < CALIBRATE_DELAYS; i++) {
		assert_true(f.delays[i].good);
		for (unsigned wait = 0; wait < CALIBRATE_WAITS; wait++) {
			double wakes_us = wait == CALIBRATE_ASLEEP ? 7.0 : 0.0;

			assert_true(fabs(f.delays[i].reported_us[wait] - calibrate_delays_us[i] -
					 wakes_us) < 1e-9);
		}
	}
	assert_true(fabs(f.round_trip_us[CALIBRATE_AWAKE] - 85.0) < 1e-9);
	assert_true(fabs(f.round_trip_us[CALIBRATE_ASLEEP] - 145.0) < 1e-9);
	/* sqrt(2) x 0.002 x t / sqrt(10), more or less. */
	assert_true(f.half_width[CALIBRATE_SUMS] > 1.001 && f.half_width[CALIBRATE_SUMS] < 1.004);
	/* Five blocks can claim nothing. */
	assert_in_range(f.blocks_for_1[CALIBRATE_SUMS], 6, 8);
	release(&d);
}

static void a_noisy_host(void **state)
{
	struct calibrate_findings f;
	struct calibrate_data d;

	(void)state;
	make(&d, 0.1);
	assert_int_equal(calibrate_find(&d, &f), 0);
	assert_int_equal(f.slowdowns[0].found.seen, 0);
	assert_true(f.half_width[CALIBRATE_SUMS] > 1.05);
	assert_true(f.blocks_for_1[CALIBRATE_SUMS] > 300);
	assert_true(f.detectable[CALIBRATE_SUMS] > f.half_width[CALIBRATE_SUMS]);
	release(&d);
}

/* Equal cells of which one is 5 % off, in every experiment: false alarms, and their direction. */
static void false_alarms_are_counted(void **state)
{
	struct calibrate_findings f;
	struct calibrate_data d;

	(void)state;
	make(&d, 0.002);
	for (size_t i = 0; i < SUMS; i++) {
		for (size_t block = 0; block < BLOCKS; block++)
			cell(&d, CALIBRATE_SUMS, i, CALIBRATE_EQUAL)[block] *= i % 2 ? 1.05 : 0.95;
	}
	assert_int_equal(calibrate_find(&d, &f), 0);
	assert_int_equal(f.alarms[CALIBRATE_SUMS].seen, SUMS);
	assert_int_equal(f.alarms[CALIBRATE_FETCHES].seen, 0);
	assert_int_equal(f.alarms[CALIBRATE_KINDS].seen, SUMS);
	assert_non_null(f.distrust);
	assert_non_null(strstr(f.distrust, "equal cells"));
	/* As much between base and control is a floor that forbids it, and hides 5 % too. */
	for (size_t i = 0; i < SUMS; i++) {
		for (size_t block = 0; block < BLOCKS; block++)
			cell(&d, CALIBRATE_SUMS, i, CALIBRATE_CONTROL)[block] *= 1.07;
	}
	assert_int_equal(calibrate_find(&d, &f), 0);
	assert_int_equal(f.alarms[CALIBRATE_SUMS].seen, 0);
	assert_null(f.distrust);
	assert_int_equal(f.slowdowns[2].found.seen, 0);
	assert_int_equal(f.slowdowns[3].found.seen, SUMS);
	release(&d);
}

static void wrong_directions_are_told(void **state)
{
	struct calibrate_findings f;
	struct calibrate_data d;

	(void)state;
	make(&d, 0.002);
	for (size_t i = 0; i < SUMS; i++) {
		for (size_t block = 0; block < BLOCKS; block++)
			cell(&d, CALIBRATE_SUMS, i, CALIBRATE_SLOWED + 1)[block] *= 0.9;
	}
	assert_int_equal(calibrate_find(&d, &f), 0);
	assert_int_equal(f.slowdowns[1].wrong, SUMS);
	assert_int_equal(f.slowdowns[1].found.seen, 0);
	assert_int_equal(f.slowdowns[1].held, 0);
	assert_non_null(strstr(f.distrust, "slowed sides"));
	release(&d);
}

/* The client whose latencies are judged; the other's may be off as they like. */
static void one_latency(bool shared, unsigned delay, double off_us, bool beyond)
{
	struct calibrate_findings f;
	struct calibrate_data d;
	enum calibrate_wait judged = shared ? CALIBRATE_ASLEEP : CALIBRATE_AWAKE;

	make(&d, 0.002);
	strcpy(d.note, shared ? "client and origin share CPU 0" : "");
	for (size_t block = 0; block < BLOCKS; block++) {
		size_t waits = (CALIBRATE_DELAYS + 1) * d.options.blocks;
		size_t at = delay * d.options.blocks + block;

		d.latencies_us[judged * waits + at] += off_us - (shared ? 7.0 : 0.0);
		d.latencies_us[(1 - judged) * waits + at] += 5000.0;
	}
	assert_int_equal(calibrate_find(&d, &f), 0);
	assert_int_equal(f.judged, judged);
	assert_int_equal(f.delays[delay].good, !beyond);
	assert_int_equal(f.distrust != NULL, beyond);
	release(&d);
}

static void latencies_have_limits(void **state)
{
	/* By delay: 30 us or 3 %, whichever is more. */
	static const double limits[CALIBRATE_DELAYS] = {30, 30, 150, 600};

	(void)state;
	for (unsigned i = 0; i < CALIBRATE_DELAYS; i++) {
		for (int sign = -1; sign <= 1; sign += 2) {
			for (int beyond = 0; beyond <= 1; beyond++) {
				double off_us = sign * (limits[i] + (beyond ? 0.5 : -0.5));

				one_latency(false, i, off_us, beyond);
				one_latency(true, i, off_us, beyond);
			}
		}
	}
}

/* The three figures that a lab has to show, at their limits. */
static void targets_and_their_limits(void **state)
{
	struct calibrate_target t[CALIBRATE_TARGETS];
	struct calibrate_findings f = {0};

	(void)state;
	for (unsigned i = 0; i < CALIBRATE_DELAYS; i++)
		f.delays[i].good = true;
	f.alarms[CALIBRATE_KINDS].tries = 40;
	f.alarms[CALIBRATE_KINDS].seen = 2;
	f.slowdowns[2].found.tries = 20;
	f.slowdowns[2].found.seen = 18;
	calibrate_targets(&f, t);
	for (unsigned i = 0; i < CALIBRATE_TARGETS; i++)
		assert_int_equal(t[i].verdict, CALIBRATE_MET);
	f.alarms[CALIBRATE_KINDS].seen = 3;
	f.slowdowns[2].found.seen = 17;
	f.delays[3].good = false;
	calibrate_targets(&f, t);
	for (unsigned i = 0; i < CALIBRATE_TARGETS; i++)
		assert_int_equal(t[i].verdict, CALIBRATE_MISSED);
	f.alarms[CALIBRATE_KINDS].tries = 39;
	f.alarms[CALIBRATE_KINDS].seen = 0;
	f.slowdowns[2].found.tries = f.slowdowns[2].found.seen = 9;
	calibrate_targets(&f, t);
	assert_int_equal(t[0].verdict, CALIBRATE_TOO_FEW);
	assert_int_equal(t[1].verdict, CALIBRATE_TOO_FEW);
	assert_string_equal(calibrate_verdict_text(t[0].verdict), "too few tries to tell");
}

static void too_few_blocks(void **state)
{
	struct calibrate_findings f;
	struct calibrate_data d;

	(void)state;
	make(&d, 0.002);
	d.blocks = 1;
	assert_int_equal(calibrate_find(&d, &f), -EINVAL);
	release(&d);
}

/* Runs iolab calibrate with these arguments (NULL ends them). */
static int calibrate(struct child *child, const char *const *arguments)
{
	const char *argv[12] = {child_program("iolab"), "calibrate"};

	for (int i = 0; arguments[i] && i < 9; i++)
		argv[i + 2] = arguments[i];
	return child_run(child, argv);
}

/* Done, or done and not trusted: what it is on this machine is not known. */
static void assert_done(const struct child *child, int status)
{
	if (status != 0 && status != 4)
		fail_msg("status %d: %s", status, child->err.text);
	assert_int_equal(status == 4, strstr(child->err.text, "not to be trusted") != NULL);
}

static void quick(void **state)
{
	const char *const arguments[] = {"--quick", "--blocks=3", "--seed=7", "--json", NULL};
	struct child child;
	json_error_t error;
	json_t *object, *list;
	int status = calibrate(&child, arguments);

	(void)state;
	assert_done(&child, status);
	object = json_loads(child.out.text, 0, &error);
	if (!object)
		fail_msg("%s: %s", error.text, child.out.text);
	assert_int_equal(json_integer_value(json_object_get(object, "schema_version")), 3);
	assert_int_equal(json_integer_value(json_object_get(object, "seed")), 7);
	assert_int_equal(json_integer_value(json_object_get(object, "blocks")), 3);
	assert_int_equal(json_array_size(json_object_get(object, "delays")), CALIBRATE_DELAYS);
	/* The work that was really put in: the ratio of squares, and within 0.1 % of its name. */
	list = json_object_get(object, "slowdowns");
	assert_int_equal(json_array_size(list), CALIBRATE_SLOWDOWNS);
	for (unsigned i = 0; i < CALIBRATE_SLOWDOWNS; i++) {
		double ratio =
			json_real_value(json_object_get(json_array_get(list, i), "true_ratio"));

		assert_true(fabs(ratio - 1.0 - calibrate_slowdowns[i]) < 1e-3);
	}
	/* Every cell has a figure in every block. */
	list = json_object_get(object, "sums_duration_s");
	assert_int_equal(json_array_size(list), 4 * CALIBRATE_CELLS);
	for (size_t i = 0; i < json_array_size(list); i++) {
		assert_int_equal(json_array_size(json_array_get(list, i)), 3);
		for (size_t block = 0; block < 3; block++)
			assert_true(json_real_value(
					    json_array_get(json_array_get(list, i), block)) > 0.0);
	}
	list = json_object_get(object, "fetches_throughput_rps");
	assert_int_equal(json_array_size(list), 2 * CALIBRATE_CELLS);
	assert_true(json_real_value(json_array_get(json_array_get(list, CALIBRATE_EQUAL), 2)) >
		    0.0);
	/* Nothing is faster than light, nor answers before the origin does. */
	list = json_object_get(object, "latency_p50_us");
	assert_int_equal(json_array_size(list), CALIBRATE_WAITS * (CALIBRATE_DELAYS + 1));
	for (unsigned i = 0; i < CALIBRATE_DELAYS; i++) {
		for (size_t block = 0; block < 3; block++)
			assert_true(
				json_real_value(json_array_get(json_array_get(list, i), block)) >
				0.95 * calibrate_delays_us[i]);
	}
	json_decref(object);
	child_free(&child);
}

static void as_text(void **state)
{
	const char *const arguments[] = {"--quick", "--blocks=2", "--budget=5s", NULL};
	struct child child;
	int status = calibrate(&child, arguments);

	(void)state;
	assert_done(&child, status);
	assert_non_null(strstr(child.out.text, "False alarms"));
	assert_non_null(strstr(child.out.text, "Known slowdowns"));
	assert_non_null(strstr(child.out.text, "Injected latency"));
	assert_non_null(
		strstr(child.out.text, "Smallest difference found here in 8 of 10 experiments"));
	child_free(&child);
}

/* A budget that is too small for one block ends it after the first, with one line. */
static void budgets_end_it(void **state)
{
	const char *const arguments[] = {"--quick", "--budget=1ms", NULL};
	struct child child;

	(void)state;
	assert_int_equal(calibrate(&child, arguments), 1);
	assert_non_null(strstr(child.err.text, "1 + 1 experiments"));
	assert_non_null(strstr(child.err.text, "out of budget after 1 whole blocks"));
	assert_string_equal(child.out.text, "");
	child_free(&child);
}

static void interrupted(void **state)
{
	const char *const argv[] = {child_program("iolab"), "calibrate", "--seed=1", NULL};
	struct child child;

	(void)state;
	child_start(&child, argv);
	usleep(400000);
	assert_int_equal(child_end(&child, SIGINT, CHILD_LIMIT_MS), 130);
	assert_non_null(strstr(child.err.text, "interrupted after 0 whole blocks"));
	assert_string_equal(child.out.text, "");
	child_free(&child);
}

static void bad_command_lines(void **state)
{
	static const char *const rows[][3] = {
		{"nonsense", NULL, "takes no operand"},
		{"--blocks=1", NULL, "blocks"},
		{"--seed=0", NULL, "seed"},
		{"--budget=0", NULL, "budget"},
	};
	struct child child;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(calibrate(&child, rows[i]), 2);
		assert_true(child_one_line(child.err.text));
		assert_non_null(strstr(child.err.text, rows[i][2]));
		child_free(&child);
	}
}

/* Without the other executables beside it. */
static void alone(void **state)
{
	char folder[] = "/tmp/iolab-alone-XXXXXX";
	char command[512], program[64];
	const char *const argv[] = {program, "calibrate", "--quick", NULL};
	struct child child;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(program, sizeof(program), "%s/iolab", folder);
	snprintf(command, sizeof(command), "cp %s %s", child_program("iolab"), program);
	assert_int_equal(system(command), 0);
	assert_int_equal(child_run(&child, argv), 3);
	assert_non_null(strstr(child.err.text, "the origin did not start"));
	child_free(&child);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	assert_int_equal(system(command), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_said_to_be_found_is),
		cmocka_unit_test(a_quiet_host),
		cmocka_unit_test(a_noisy_host),
		cmocka_unit_test(false_alarms_are_counted),
		cmocka_unit_test(wrong_directions_are_told),
		cmocka_unit_test(latencies_have_limits),
		cmocka_unit_test(targets_and_their_limits),
		cmocka_unit_test(too_few_blocks),
		cmocka_unit_test(quick),
		cmocka_unit_test(as_text),
		cmocka_unit_test(budgets_end_it),
		cmocka_unit_test(interrupted),
		cmocka_unit_test(bad_command_lines),
		cmocka_unit_test(alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
