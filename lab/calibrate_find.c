/* From measurements to findings; nothing is run here. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lab/calibrate.h"
#include "results/statistics.h"
#include "results/statistics_rate.h"

const double calibrate_slowdowns[CALIBRATE_SLOWDOWNS] = {0.01, 0.02, 0.05, 0.10};
const double calibrate_delays_us[CALIBRATE_DELAYS] = {200, 1000, 5000, 20000};

/* More false alarms than this are asked about. */
#define ALARMS_MOST 0.05

static const double *cell_values(const struct calibrate_data *d, enum calibrate_kind kind,
				 size_t experiment, unsigned cell)
{
	return d->values[kind] + (experiment * CALIBRATE_CELLS + cell) * d->options.blocks;
}

static double median_of(double *values, size_t count)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++) {
		if (!isnan(values[i]))
			values[kept++] = values[i];
	}
	statistics_sort(values, kept);
	return statistics_quantile(values, kept, 0.5);
}

static void close_rate(struct calibrate_rate *rate)
{
	statistics_rate_interval(rate->seen, rate->tries, &rate->low, &rate->high);
}

/* One cell of an experiment against its base, as the lab would judge it. */
static int judge(const struct calibrate_data *d, enum calibrate_kind kind, size_t experiment,
		 unsigned cell, double floor, struct statistics_effect *effect,
		 enum statistics_verdict *verdict)
{
	uint64_t seed = d->options.seed + experiment * CALIBRATE_CELLS + cell;
	int err = statistics_compare(cell_values(d, kind, experiment, cell),
				     cell_values(d, kind, experiment, CALIBRATE_BASE), d->blocks,
				     seed, effect);

	*verdict = statistics_judge(effect, effect->p, floor, kind == CALIBRATE_FETCHES);
	return err;
}

/* The slowed sides of one experiment; estimates[] has room for one a slowdown. */
static int find_slowed(const struct calibrate_data *d, size_t experiment, double floor,
		       struct calibrate_findings *f, double *estimates)
{
	for (unsigned i = 0; i < CALIBRATE_SLOWDOWNS; i++) {
		struct statistics_effect effect;
		enum statistics_verdict verdict;
		int err = judge(d, CALIBRATE_SUMS, experiment, CALIBRATE_SLOWED + i, floor, &effect,
				&verdict);

		if (err)
			return err;
		f->slowdowns[i].found.tries++;
		f->slowdowns[i].found.seen += verdict == STATISTICS_SLOWER;
		f->slowdowns[i].wrong += verdict == STATISTICS_FASTER;
		f->slowdowns[i].held += effect.low <= d->truth[i] && effect.high >= d->truth[i];
		estimates[i * d->options.experiments[CALIBRATE_SUMS] + experiment] = effect.ratio;
	}
	return 0;
}

/*
 * The differences that equal cells would have had to have, upwards and downwards, to be claimed:
 * added to them, it moves estimate and interval by as much. needed[] has room for two.
 */
static void find_needed(const struct statistics_effect *effect, double floor, size_t blocks,
			double *needed)
{
	double estimate = log(effect->ratio);

	needed[0] = needed[1] = INFINITY;
	if (effect->pairs == 0 || isnan(floor) || statistics_least_p(blocks) > STATISTICS_LEVEL)
		return;
	needed[0] = fmax(-log(effect->low), log(floor) - estimate);
	needed[1] = fmax(log(effect->high), log(floor) + estimate);
}

/* What so many experiments needed at most, as a factor; NAN when nothing would have done. */
static double detectable_of(double *needed, size_t count)
{
	double found;

	if (count == 0)
		return NAN;
	statistics_sort(needed, count);
	found = needed[(size_t)ceil(CALIBRATE_POWER * (double)count) - 1];
	return isinf(found) ? NAN : exp(found);
}

/* A few blocks can claim nothing, however quiet the host. */
static size_t blocks_for(double detectable, size_t blocks, double wanted)
{
	size_t needed = statistics_blocks_for(log(detectable), blocks, log(wanted));

	while (needed > 0 && statistics_least_p(needed) > STATISTICS_LEVEL)
		needed++;
	return needed;
}

/* By experiment. */
struct room {
	double *widths;
	double *needed; /* NEEDED of each */
	double *estimates;
};

#define NEEDED 2

/* All experiments of a kind. */
static int find_kind(const struct calibrate_data *d, enum calibrate_kind kind,
		     struct calibrate_findings *f, const struct room *room)
{
	size_t count = d->options.experiments[kind];

	for (size_t i = 0; i < count; i++) {
		struct statistics_effect effect;
		enum statistics_verdict verdict;
		double floor;
		int err = judge(d, kind, i, CALIBRATE_CONTROL, NAN, &effect, &verdict);

		floor = effect.pairs ? statistics_floor(&effect) : NAN;
		if (!err)
			err = judge(d, kind, i, CALIBRATE_EQUAL, floor, &effect, &verdict);
		if (!err && kind == CALIBRATE_SUMS)
			err = find_slowed(d, i, floor, f, room->estimates);
		if (err)
			return err;
		f->alarms[kind].tries++;
		f->alarms[kind].seen +=
			verdict == STATISTICS_FASTER || verdict == STATISTICS_SLOWER;
		room->widths[i] = effect.pairs ? statistics_resolution(&effect) : NAN;
		find_needed(&effect, floor, d->blocks, room->needed + NEEDED * i);
	}
	f->half_width[kind] = median_of(room->widths, count);
	f->detectable[kind] = detectable_of(room->needed, NEEDED * count);
	f->blocks_for_1[kind] = blocks_for(f->detectable[kind], d->blocks, 1.01);
	f->alarms[CALIBRATE_KINDS].seen += f->alarms[kind].seen;
	f->alarms[CALIBRATE_KINDS].tries += f->alarms[kind].tries;
	close_rate(&f->alarms[kind]);
	return 0;
}

/* Latencies are compared within their block: both see the same host. values[]: room for them. */
static void find_waits_delays(const struct calibrate_data *d, enum calibrate_wait wait,
			      struct calibrate_findings *f, double *values)
{
	size_t room = d->options.blocks;
	const double *first = d->latencies_us + wait * room * (CALIBRATE_DELAYS + 1);
	const double *none = first + CALIBRATE_DELAYS * room;

	for (unsigned i = 0; i < CALIBRATE_DELAYS; i++) {
		for (size_t block = 0; block < d->blocks; block++)
			values[block] = first[i * room + block] - none[block];
		f->delays[i].reported_us[wait] = median_of(values, d->blocks);
	}
	memcpy(values, none, d->blocks * sizeof(*values));
	f->round_trip_us[wait] = median_of(values, d->blocks);
}

static int find_delays(const struct calibrate_data *d, struct calibrate_findings *f)
{
	double *values = calloc(d->blocks, sizeof(*values));

	if (!values)
		return -ENOMEM;
	for (unsigned wait = 0; wait < CALIBRATE_WAITS; wait++)
		find_waits_delays(d, wait, f, values);
	free(values);
	f->judged = d->note[0] ? CALIBRATE_ASLEEP : CALIBRATE_AWAKE;
	for (unsigned i = 0; i < CALIBRATE_DELAYS; i++) {
		double off_us = fabs(f->delays[i].reported_us[f->judged] - calibrate_delays_us[i]);

		f->delays[i].injected_us = calibrate_delays_us[i];
		f->delays[i].good = off_us <= CALIBRATE_DELAY_US ||
				    off_us <= CALIBRATE_DELAY_SHARE * calibrate_delays_us[i];
	}
	return 0;
}

static void find_distrust(struct calibrate_findings *f)
{
	for (unsigned i = 0; i < CALIBRATE_DELAYS; i++) {
		if (!f->delays[i].good)
			f->distrust = "a reported latency is off by more than 3 % and 30 us";
	}
	for (unsigned i = 0; i < CALIBRATE_SLOWDOWNS; i++) {
		struct calibrate_rate wrong = {f->slowdowns[i].wrong, f->slowdowns[i].found.tries,
					       0.0, 0.0};

		close_rate(&wrong);
		if (wrong.low > ALARMS_MOST)
			f->distrust = "slowed sides are claimed to be faster";
	}
	if (f->alarms[CALIBRATE_KINDS].low > ALARMS_MOST)
		f->distrust = "equal cells are claimed to differ in more than 5 % of the tries";
}

int calibrate_find(const struct calibrate_data *data, struct calibrate_findings *findings)
{
	size_t sums = data->options.experiments[CALIBRATE_SUMS];
	size_t most = sums + data->options.experiments[CALIBRATE_FETCHES];
	struct room room = {
		.widths = calloc(most + 1, sizeof(double)),
		.needed = calloc(NEEDED * most + 1, sizeof(double)),
		.estimates = calloc(sums * CALIBRATE_SLOWDOWNS + 1, sizeof(double)),
	};
	int err = room.widths && room.needed && room.estimates ? 0 : -ENOMEM;

	memset(findings, 0, sizeof(*findings));
	if (!err && data->blocks < 2)
		err = -EINVAL;
	for (unsigned kind = 0; kind < CALIBRATE_KINDS && !err; kind++)
		err = find_kind(data, kind, findings, &room);
	if (!err)
		err = find_delays(data, findings);
	for (unsigned i = 0; i < CALIBRATE_SLOWDOWNS && !err; i++) {
		findings->slowdowns[i].truth = data->truth[i];
		findings->slowdowns[i].estimate = median_of(room.estimates + i * sums, sums);
		close_rate(&findings->slowdowns[i].found);
	}
	if (!err) {
		close_rate(&findings->alarms[CALIBRATE_KINDS]);
		find_distrust(findings);
	}
	free(room.widths);
	free(room.needed);
	free(room.estimates);
	return err;
}
