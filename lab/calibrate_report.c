/* Calibrate's findings as tables and as JSON. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "lab/calibrate_report.h"
#include "results/statistics_rate.h"
#include "results/table.h"

static const char *const kind_names[CALIBRATE_KINDS + 1] = {"sums", "fetches", "both"};

/* "2 of 60" */
static void put_rate(struct table *table, const struct calibrate_rate *rate)
{
	char text[TABLE_TEXT_SIZE];

	snprintf(text, sizeof(text), "%zu of %zu", rate->seen, rate->tries);
	table_cell(table, text);
}

/* "3.3 % [0.4, 11.5]" */
static void put_share(struct table *table, const struct calibrate_rate *rate)
{
	char text[TABLE_TEXT_SIZE];

	snprintf(text, sizeof(text), "%.1f %% [%.1f, %.1f]",
		 100.0 * (double)rate->seen / (double)rate->tries, 100.0 * rate->low,
		 100.0 * rate->high);
	table_cell(table, rate->tries ? text : "");
}

static void title(FILE *file, bool color, const char *text, const char *about)
{
	fprintf(file, color ? "\n\033[1m%s\033[0m: %s\n" : "\n%s: %s\n", text, about);
}

static int finish(struct table *table, FILE *file, bool color)
{
	int err = table_write(table, file, 2, color);

	table_free(table);
	return err;
}

static int print_alarms(const struct calibrate_findings *f, FILE *file, bool color)
{
	struct table *table = table_new(3);

	if (!table)
		return -ENOMEM;
	title(file, color, "False alarms",
	      "equal cells that were claimed to differ (5 % are allowed for)");
	table_heading(table, "cells", TABLE_LEFT);
	table_heading(table, "claimed", TABLE_RIGHT);
	table_heading(table, "rate, exact 95 % interval", TABLE_RIGHT);
	for (unsigned kind = 0; kind <= CALIBRATE_KINDS; kind++) {
		table_cell(table, kind_names[kind]);
		put_rate(table, &f->alarms[kind]);
		put_share(table, &f->alarms[kind]);
	}
	return finish(table, file, color);
}

static int print_slowdowns(const struct calibrate_findings *f, FILE *file, bool color)
{
	struct table *table = table_new(5);
	char text[TABLE_TEXT_SIZE];

	if (!table)
		return -ENOMEM;
	title(file, color, "Known slowdowns", "the slowed side adds so many more squares");
	table_heading(table, "slowed by", TABLE_RIGHT);
	table_heading(table, "found", TABLE_RIGHT);
	table_heading(table, "rate, exact 95 % interval", TABLE_RIGHT);
	table_heading(table, "ratio found, median", TABLE_RIGHT);
	table_heading(table, "interval held it", TABLE_RIGHT);
	for (unsigned i = 0; i < CALIBRATE_SLOWDOWNS; i++) {
		snprintf(text, sizeof(text), "%.0f %%", 100.0 * calibrate_slowdowns[i]);
		table_cell(table, text);
		put_rate(table, &f->slowdowns[i].found);
		put_share(table, &f->slowdowns[i].found);
		snprintf(text, sizeof(text), "%.4f", f->slowdowns[i].estimate);
		table_cell(table, text);
		snprintf(text, sizeof(text), "%zu of %zu", f->slowdowns[i].held,
			 f->slowdowns[i].found.tries);
		table_cell(table, text);
	}
	return finish(table, file, color);
}

/* "+12.0 µs, +6.0 %" */
static void put_off(struct table *table, double reported_us, double injected_us)
{
	char text[TABLE_TEXT_SIZE];
	double off_us = reported_us - injected_us;

	snprintf(text, sizeof(text), "%+.1f µs, %+.1f %%", off_us, 100.0 * off_us / injected_us);
	table_cell(table, text);
}

static int print_delays(const struct calibrate_findings *f, FILE *file, bool color)
{
	struct table *table = table_new(5);
	char text[TABLE_TEXT_SIZE];
	int err;

	if (!table)
		return -ENOMEM;
	title(file, color, "Injected latency",
	      "median reported by fetch-epoll, less its round trip without any");
	table_heading(table, "injected", TABLE_RIGHT);
	table_heading(table, "client awake", TABLE_RIGHT);
	table_heading(table, "off by", TABLE_RIGHT);
	table_heading(table, "client asleep, off by", TABLE_RIGHT);
	table_heading(table, "within 3 % or 30 µs", TABLE_LEFT);
	for (unsigned i = 0; i < CALIBRATE_DELAYS; i++) {
		const double *reported_us = f->delays[i].reported_us;
		double injected_us = f->delays[i].injected_us;

		table_cell(table, table_number(injected_us, "us", text));
		table_cell(table, table_number(reported_us[CALIBRATE_AWAKE], "us", text));
		put_off(table, reported_us[CALIBRATE_AWAKE], injected_us);
		put_off(table, reported_us[CALIBRATE_ASLEEP], injected_us);
		table_cell(table, f->delays[i].good ? "yes" : "no");
	}
	err = finish(table, file, color);
	fprintf(file, "  Round trips without any: awake (--wait=spin) %s,",
		table_number(f->round_trip_us[CALIBRATE_AWAKE], "us", text));
	fprintf(file, " asleep (--wait=block) %s.\n",
		table_number(f->round_trip_us[CALIBRATE_ASLEEP], "us", text));
	fputs(f->judged == CALIBRATE_AWAKE
		      ? "  Judged is the client that is awake: to wake late from a long sleep is "
			"this host's\n  latency, not a wrong report.\n"
		      : "  Judged is the client that is asleep: awake it would keep the CPU from "
			"the origin.\n",
	      file);
	return err;
}

/* What so many blocks would find, as "1.2 %"; it goes as half an interval does. */
static void put_found(struct table *table, double factor, size_t blocks, size_t wanted)
{
	char text[TABLE_TEXT_SIZE];

	table_cell(
		table,
		isnan(factor)
			? ""
			: table_percent(exp(statistics_half_width(log(factor), blocks, wanted)) - 1,
					text));
}

static int print_detectable(const struct calibrate_data *d, const struct calibrate_findings *f,
			    FILE *file, bool color)
{
	struct table *table = table_new(5);
	char text[TABLE_TEXT_SIZE];

	if (!table)
		return -ENOMEM;
	title(file, color, "Smallest difference found here in 8 of 10 experiments",
	      "one such as they compare two cells; a smaller one is missed more often");
	table_heading(table, "cells", TABLE_LEFT);
	snprintf(text, sizeof(text), "%zu blocks", d->blocks);
	table_heading(table, text, TABLE_RIGHT);
	table_heading(table, "20 blocks", TABLE_RIGHT);
	table_heading(table, "40 blocks", TABLE_RIGHT);
	table_heading(table, "1 % takes", TABLE_RIGHT);
	for (unsigned kind = 0; kind < CALIBRATE_KINDS; kind++) {
		table_cell(table, kind_names[kind]);
		put_found(table, f->detectable[kind], d->blocks, d->blocks);
		put_found(table, f->detectable[kind], d->blocks, 20);
		put_found(table, f->detectable[kind], d->blocks, 40);
		snprintf(text, sizeof(text), "%zu blocks", f->blocks_for_1[kind]);
		table_cell(table, f->blocks_for_1[kind] ? text : "");
	}
	return finish(table, file, color);
}

static int print_targets(const struct calibrate_findings *f, FILE *file, bool color)
{
	struct calibrate_target targets[CALIBRATE_TARGETS];
	struct table *table = table_new(4);

	if (!table)
		return -ENOMEM;
	calibrate_targets(f, targets);
	title(file, color, "Targets", "what a lab has to show to be believed");
	table_heading(table, "of", TABLE_LEFT);
	table_heading(table, "wanted", TABLE_LEFT);
	table_heading(table, "shown", TABLE_LEFT);
	table_heading(table, "verdict", TABLE_LEFT);
	for (unsigned i = 0; i < CALIBRATE_TARGETS; i++) {
		table_cell(table, targets[i].name);
		table_cell(table, targets[i].wanted);
		table_cell(table, targets[i].shown);
		table_cell(table, calibrate_verdict_text(targets[i].verdict));
	}
	return finish(table, file, color);
}

int calibrate_print(const struct calibrate_data *d, const struct calibrate_findings *f, FILE *file,
		    bool color)
{
	int err;

	fprintf(file,
		"iolab calibrate: %zu experiments on sums and %zu on fetches, %zu blocks, seed "
		"%" PRIu64 ", %.0f s\n",
		d->options.experiments[CALIBRATE_SUMS], d->options.experiments[CALIBRATE_FETCHES],
		d->blocks, d->options.seed, d->elapsed_s);
	fprintf(file, "Clients on CPU %s, the origin on CPU %s.%s%s\n", d->client, d->origin,
		d->note[0] ? " Note: " : "", d->note);
	if (d->interrupted)
		fputs("Interrupted: this is what the whole blocks show.\n", file);
	err = print_alarms(f, file, color);
	if (!err)
		err = print_slowdowns(f, file, color);
	if (!err)
		err = print_delays(f, file, color);
	if (!err)
		err = print_detectable(d, f, file, color);
	if (!err)
		err = print_targets(f, file, color);
	return err ? err : ferror(file) ? -EIO : 0;
}

static json_t *rate_json(const char *of, const struct calibrate_rate *rate)
{
	return json_pack("{s:s, s:I, s:I, s:f, s:f}", "of", of, "seen", (json_int_t)rate->seen,
			 "tries", (json_int_t)rate->tries, "low", rate->low, "high", rate->high);
}

static json_t *alarms_json(const struct calibrate_findings *f)
{
	json_t *list = json_array();

	for (unsigned kind = 0; kind <= CALIBRATE_KINDS && list; kind++)
		json_array_append_new(list, rate_json(kind_names[kind], &f->alarms[kind]));
	return list;
}

static json_t *slowdowns_json(const struct calibrate_findings *f)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < CALIBRATE_SLOWDOWNS && list; i++)
		json_array_append_new(list, json_pack("{s:f, s:f, s:o, s:I, s:I, s:f}", "slowdown",
						      calibrate_slowdowns[i], "true_ratio",
						      f->slowdowns[i].truth, "found",
						      rate_json("sums", &f->slowdowns[i].found),
						      "wrong", (json_int_t)f->slowdowns[i].wrong,
						      "held", (json_int_t)f->slowdowns[i].held,
						      "ratio_median", f->slowdowns[i].estimate));
	return list;
}

static json_t *delays_json(const struct calibrate_findings *f)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < CALIBRATE_DELAYS && list; i++)
		json_array_append_new(list, json_pack("{s:f, s:f, s:f, s:b}", "injected_us",
						      f->delays[i].injected_us, "awake_us",
						      f->delays[i].reported_us[CALIBRATE_AWAKE],
						      "asleep_us",
						      f->delays[i].reported_us[CALIBRATE_ASLEEP],
						      "good", f->delays[i].good));
	return list;
}

static json_t *resolutions_json(const struct calibrate_findings *f)
{
	json_t *list = json_array();

	for (unsigned kind = 0; kind < CALIBRATE_KINDS && list; kind++) {
		json_t *one =
			json_pack("{s:s, s:f, s:f, s:I}", "of", kind_names[kind], "half_width",
				  f->half_width[kind] - 1.0, "power", CALIBRATE_POWER,
				  "blocks_for_1_percent", (json_int_t)f->blocks_for_1[kind]);

		if (!isnan(f->detectable[kind]))
			json_object_set_new(one, "detectable",
					    json_real(f->detectable[kind] - 1.0));
		json_array_append_new(list, one);
	}
	return list;
}

static json_t *targets_json(const struct calibrate_findings *f)
{
	struct calibrate_target targets[CALIBRATE_TARGETS];
	json_t *list = json_array();

	calibrate_targets(f, targets);
	for (unsigned i = 0; i < CALIBRATE_TARGETS && list; i++)
		json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s}", "of", targets[i].name,
						      "wanted", targets[i].wanted, "shown",
						      targets[i].shown, "verdict",
						      calibrate_verdict_text(targets[i].verdict)));
	return list;
}

/* The whole blocks of `count` cells, an array each. */
static json_t *values_json(const double *values, size_t count, size_t room, size_t blocks)
{
	json_t *list = json_array();

	for (size_t i = 0; i < count && list; i++) {
		json_t *cell = json_array();

		for (size_t block = 0; block < blocks; block++)
			json_array_append_new(cell, json_real(values[i * room + block]));
		json_array_append_new(list, cell);
	}
	return list;
}

json_t *calibrate_json(const struct calibrate_data *d, const struct calibrate_findings *f)
{
	const struct calibrate_options *o = &d->options;
	json_t *object = json_pack(
		"{s:i, s:s, s:I, s:I, s:f, s:b, s:s, s:s, s:o, s:o, s:o, s:s, s:f, s:f, s:o, s:b}",
		"schema_version", CALIBRATE_SCHEMA_VERSION, "kind", "calibrate", "seed",
		(json_int_t)o->seed, "blocks", (json_int_t)d->blocks, "elapsed_s", d->elapsed_s,
		"partial", d->interrupted, "client_cpus", d->client, "origin_cpus", d->origin,
		"false_alarms", alarms_json(f), "slowdowns", slowdowns_json(f), "delays",
		delays_json(f), "judged", f->judged == CALIBRATE_AWAKE ? "awake" : "asleep",
		"round_trip_awake_us", f->round_trip_us[CALIBRATE_AWAKE], "round_trip_asleep_us",
		f->round_trip_us[CALIBRATE_ASLEEP], "resolution", resolutions_json(f), "trusted",
		f->distrust == NULL);

	if (!object)
		return NULL;
	json_object_set_new(object, "targets", targets_json(f));
	/* By experiment and cell: base, control, equal, then the slowed ones. */
	json_object_set_new(object, "sums_duration_s",
			    values_json(d->values[CALIBRATE_SUMS],
					o->experiments[CALIBRATE_SUMS] * CALIBRATE_CELLS, o->blocks,
					d->blocks));
	json_object_set_new(object, "fetches_throughput_rps",
			    values_json(d->values[CALIBRATE_FETCHES],
					o->experiments[CALIBRATE_FETCHES] * CALIBRATE_CELLS,
					o->blocks, d->blocks));
	json_object_set_new(object, "latency_p50_us",
			    values_json(d->latencies_us,
					(size_t)CALIBRATE_WAITS * (CALIBRATE_DELAYS + 1), o->blocks,
					d->blocks));
	return object;
}
