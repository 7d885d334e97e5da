/*
 * The order of calibrate's cells: a block of every experiment in turn, drawn anew for each block,
 * and within it the experiment's cells, drawn too.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lab/calibrate_inside.h"
#include "lab/cell.h"
#include "lab/status.h"
#include "lab/usage.h"
#include "results/statistics.h"
#include "topology/bind.h"

#define START_S 0.006 /* a process, from fork to its first square */

/* Fisher and Yates's shuffle (as in Knuth, 3.4.2). */
static void shuffle(unsigned *order, unsigned count, uint64_t *state)
{
	for (unsigned i = 0; i < count; i++)
		order[i] = i;
	for (unsigned i = count; i > 1; i--) {
		unsigned j = (unsigned)statistics_random_below(state, i);
		unsigned kept = order[i - 1];

		order[i - 1] = order[j];
		order[j] = kept;
	}
}

/* One block of one experiment, its cells in random order. */
static void run_experiment(struct lab *lab, enum calibrate_kind kind, size_t experiment,
			   size_t block)
{
	const struct calibrate_options *o = lab->options;
	unsigned count = kind == CALIBRATE_SUMS ? CALIBRATE_CELLS : CALIBRATE_SLOWED;
	unsigned order[CALIBRATE_CELLS];

	shuffle(order, count, &lab->random);
	for (unsigned i = 0; i < count && !calibrate_interrupted; i++) {
		size_t at = (experiment * CALIBRATE_CELLS + order[i]) * o->blocks + block;

		lab->data->values[kind][at] = kind == CALIBRATE_SUMS
						      ? calibrate_run_sums(lab, order[i])
						      : calibrate_run_fetches(lab);
		progress_done(&lab->progress, (double)o->cell_ns[kind] / 1e9 + START_S);
	}
}

static void run_delays(struct lab *lab, size_t block)
{
	unsigned order[CALIBRATE_WAITS * (CALIBRATE_DELAYS + 1)];
	unsigned count = sizeof(order) / sizeof(order[0]);

	shuffle(order, count, &lab->random);
	for (unsigned i = 0; i < count && !calibrate_interrupted; i++) {
		enum calibrate_wait wait = order[i] / (CALIBRATE_DELAYS + 1);
		unsigned delay = order[i] % (CALIBRATE_DELAYS + 1);

		lab->data->latencies_us[order[i] * lab->options->blocks + block] =
			calibrate_run_delay(lab, wait, delay);
		progress_done(&lab->progress,
			      (double)calibrate_delay_cell_ns(lab->options, delay) / 1e9 + START_S);
	}
}

/* A block of every experiment and of the latencies, in random order. */
static void run_block(struct lab *lab, size_t block, unsigned *order)
{
	const struct calibrate_options *o = lab->options;
	unsigned sums = (unsigned)o->experiments[CALIBRATE_SUMS];
	unsigned both = sums + (unsigned)o->experiments[CALIBRATE_FETCHES];

	shuffle(order, both + 1, &lab->random);
	for (unsigned i = 0; i <= both && !calibrate_interrupted; i++) {
		const char *what = order[i] < sums   ? "sums"
				   : order[i] < both ? "fetches"
						     : "latencies";

		progress_show(&lab->progress, block + 1, what);
		if (order[i] < sums)
			run_experiment(lab, CALIBRATE_SUMS, order[i], block);
		else if (order[i] < both)
			run_experiment(lab, CALIBRATE_FETCHES, order[i] - sums, block);
		else
			run_delays(lab, block);
	}
}

static void run_blocks(struct lab *lab)
{
	const struct calibrate_options *o = lab->options;
	unsigned *order =
		calloc(o->experiments[CALIBRATE_SUMS] + o->experiments[CALIBRATE_FETCHES] + 1,
		       sizeof(*order));
	uint64_t begun_ns = usage_now_ns();

	if (!order)
		status_exit(STATUS_UNABLE, "out of memory");
	for (size_t block = 0; block < o->blocks; block++) {
		uint64_t spent_ns = usage_now_ns() - begun_ns;

		if (block > 0 && spent_ns + spent_ns / block > o->budget_ns)
			break;
		run_block(lab, block, order);
		if (calibrate_interrupted)
			break;
		lab->data->blocks = block + 1;
	}
	lab->data->elapsed_s = (double)(usage_now_ns() - begun_ns) / 1e9;
	free(order);
}

static void decide_seats(struct calibrate_data *d)
{
	struct place_request request = {.policy = PLACE_CORES, .workers = 1, .origin_threads = 1};
	struct place_answer answer;
	hwloc_topology_t topology;
	hwloc_bitmap_t allowed;
	char why[512];

	if (bind_load(BIND_PLACES, &topology, why, sizeof(why)) ||
	    bind_allowed(&allowed, why, sizeof(why)) ||
	    place_decide(topology, allowed, &request, &answer, why, sizeof(why)))
		status_exit(STATUS_UNABLE, "%s", why);
	hwloc_bitmap_list_snprintf(d->client, sizeof(d->client), answer.workers[0]);
	hwloc_bitmap_list_snprintf(d->origin, sizeof(d->origin), answer.origin[0]);
	snprintf(d->note, sizeof(d->note), "%s", answer.note);
	place_release(&answer);
	hwloc_bitmap_free(allowed);
	hwloc_topology_destroy(topology);
}

double calibrate_expected_s(const struct calibrate_options *o)
{
	double block_s = 0.0;

	for (unsigned kind = 0; kind < CALIBRATE_KINDS; kind++) {
		double cell_s = (double)o->cell_ns[kind] / 1e9;
		double cells = kind == CALIBRATE_SUMS ? CALIBRATE_CELLS : CALIBRATE_SLOWED;

		cell_s *= kind == CALIBRATE_SUMS ? 1.0 : 1.2;
		block_s += (double)o->experiments[kind] * cells * (cell_s + START_S);
	}
	for (unsigned i = 0; i <= CALIBRATE_DELAYS; i++)
		block_s += CALIBRATE_WAITS *
			   (1.2 * (double)calibrate_delay_cell_ns(o, i) / 1e9 + START_S);
	return block_s * (double)o->blocks;
}

static double *room_for(size_t count)
{
	double *values = calloc(count + 1, sizeof(*values));

	if (!values)
		status_exit(STATUS_UNABLE, "out of memory");
	return values;
}

void calibrate_measure(const struct calibrate_options *options, struct calibrate_data *data)
{
	struct lab *lab = calloc(1, sizeof(*lab));

	if (!lab)
		status_exit(STATUS_UNABLE, "out of memory");
	memset(data, 0, sizeof(*data));
	data->options = *options;
	for (unsigned kind = 0; kind < CALIBRATE_KINDS; kind++)
		data->values[kind] =
			room_for(options->experiments[kind] * CALIBRATE_CELLS * options->blocks);
	data->latencies_us = room_for(options->blocks * CALIBRATE_WAITS * (CALIBRATE_DELAYS + 1));
	lab->options = options;
	lab->data = data;
	lab->random = options->seed;
	lab->sumsq = cell_program("sumsq-serial");
	lab->fetch = cell_program("fetch-epoll");
	decide_seats(data);
	calibrate_start_origin(lab);
	calibrate_catch_signals();
	calibrate_choose_jobs(lab);
	progress_start(&lab->progress, options->blocks, calibrate_expected_s(options));
	if (!calibrate_interrupted)
		run_blocks(lab);
	progress_clear(&lab->progress);
	calibrate_stop_origin(lab);
	data->interrupted = calibrate_interrupted;
	free(lab->sumsq);
	free(lab->fetch);
	free(lab);
}

void calibrate_release(struct calibrate_data *data)
{
	for (unsigned kind = 0; kind < CALIBRATE_KINDS; kind++)
		free(data->values[kind]);
	free(data->latencies_us);
	memset(data, 0, sizeof(*data));
}
