/* Makes and completes a cell's row: see cell.h. */
#include "lab/cell.h"

#include <errno.h>
#include <inttypes.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lab/status.h"
#include "lab/units.h"
#include "results/flags.h"

/* Above this share of its time on the CPU the origin, not the client, is taken for the limit. */
#define SATURATED 0.95
/* More than this taken by the hypervisor spoils a row; one tick of a short cell is less. */
#define STEAL_MOST 0.02

static enum record_kind kind_of(const struct plan_cell *cell)
{
	static const enum record_kind kinds[PLAN_WORKLOADS] = {
		[PLAN_FETCH] = RECORD_FETCH,
		[PLAN_SUMSQ] = RECORD_SUMSQ,
		[PLAN_NAP] = RECORD_NAP,
		[PLAN_COMMAND] = RECORD_FETCH,
	};

	return kinds[cell->section->kind];
}

/* The number that the pattern of that key finds in a text, its last match; false without one. */
static bool find_number(const char *pattern, const struct subprocess_text *output, double *number)
{
	const char *text = output->text, *end_of_all = text + output->length;
	regex_t compiled;
	regmatch_t match[2];
	bool found = false;

	if (regcomp(&compiled, pattern, REG_EXTENDED | REG_NEWLINE))
		return false; /* the plan's reader has tried it */
	for (int flags = REG_STARTEND;; flags = REG_STARTEND | REG_NOTBOL) {
		char *end;
		double value;

		/* Its length is known: it is not looked for anew at each match. */
		match[0] = (regmatch_t){.rm_so = 0, .rm_eo = (regoff_t)(end_of_all - text)};
		if (regexec(&compiled, text, 2, match, flags))
			break;
		value = match[1].rm_so < 0 ? 0 : strtod(text + match[1].rm_so, &end);
		if (match[1].rm_so >= 0 && end == text + match[1].rm_eo && value >= 0) {
			*number = value;
			found = true;
		}
		if (match[0].rm_eo == 0)
			break;
		text += match[0].rm_eo;
	}
	regfree(&compiled);
	return found;
}

/*
 * A figure of the command's own; a NAN without such a key. Its stdout comes first; where not all of
 * that was kept and the rest has no such number, the number may have been in what was not.
 */
static int read_figure(const struct plan_cell *cell, const char *key,
		       const struct subprocess *child, double *number, char *why, size_t why_size)
{
	const char *pattern = plan_value(cell, key);

	*number = __builtin_nan("");
	if (!pattern || find_number(pattern, &child->out, number) ||
	    (!child->out.dropped && find_number(pattern, &child->err, number)))
		return 0;
	if (child->out.dropped || child->err.dropped)
		snprintf(why, why_size,
			 "%s = %s finds no number in the end of its output, of which %" PRIu64
			 " bytes were too many to keep",
			 key, pattern, child->out.dropped + child->err.dropped);
	else
		snprintf(why, why_size, "%s = %s finds no number in its output", key, pattern);
	return -EINVAL;
}

/* The row of an external command: the bill of its process, and what it says it did. */
static int read_command(const struct plan_cell *cell, const struct subprocess *child,
			const struct cell_world *world, struct record *r, char *why,
			size_t why_size)
{
	const char *body = plan_value(cell, "body");
	const char *cpus = plan_value(cell, "cpus");
	uint64_t connections = plan_count(cell, "connections", 0), bytes;
	double cpu_s = child->user_s + child->system_s;
	double rate, count;
	int err = read_figure(cell, "rate", child, &rate, why, why_size);

	if (!err)
		err = read_figure(cell, "count", child, &count, why, why_size);
	if (err)
		return err;
	record_set_text(r, COLUMN_model, plan_model(cell));
	record_set_text(r, COLUMN_placement, cpus && strcmp(cpus, "all") == 0 ? "none" : "cpus");
	if (!cpus)
		record_set_text(r, COLUMN_cpus, world->client);
	else if (strcmp(cpus, "all") != 0)
		record_set_text(r, COLUMN_cpus, cpus);
	record_set_real(r, COLUMN_duration_s, child->wall_s);
	record_set_real(r, COLUMN_cpu_user_s, child->user_s);
	record_set_real(r, COLUMN_cpu_system_s, child->system_s);
	record_set_count(r, COLUMN_max_rss_kib, child->max_rss_kib);
	record_set_count(r, COLUMN_partial, 0);
	/* What it fetched, and whether by TLS, is known only where the plan's own keys say so. */
	if (strstr(plan_value(cell, "run"), "{tls-"))
		record_set_count(r, COLUMN_tls, 1);
	else if (plan_value(cell, "tls"))
		record_set_count(r, COLUMN_tls, cell_tls(cell));
	if (connections)
		record_set_count(r, COLUMN_connections, connections);
	if (body && units_size(body, &bytes) == 0)
		record_set_real(r, COLUMN_body_bytes, (double)bytes);
	record_set_real(r, COLUMN_throughput_rps, rate);
	if (count >= 0 && count < 9e18)
		record_set_count(r, COLUMN_requests, (uint64_t)count);
	if (count > 0)
		record_set_real(r, COLUMN_cpu_us_per_request, cpu_s * 1e6 / count);
	return 0;
}

static int read_json(const struct subprocess_text *output, struct record *record, char *why,
		     size_t why_size)
{
	json_error_t error;
	json_t *object;
	int err;

	if (output->dropped) {
		snprintf(why, why_size, "its output is no row: it is too long");
		return -EINVAL;
	}
	object = json_loadb(output->text, output->length, JSON_DISABLE_EOF_CHECK, &error);
	if (!object) {
		snprintf(why, why_size, "its output is not JSON: %s", error.text);
		return -EINVAL;
	}
	err = record_from_json(object, record, why, why_size);
	json_decref(object);
	return err;
}

int cell_read_row(const struct plan_cell *cell, const struct subprocess *child,
		  const struct cell_world *world, struct record *record, char *why, size_t why_size)
{
	int err;

	record_init(record, kind_of(cell));
	if (cell->section->kind == PLAN_COMMAND)
		err = read_command(cell, child, world, record, why, why_size);
	else
		err = read_json(&child->out, record, why, why_size);
	if (err)
		record_release(record);
	return err;
}

void cell_empty_row(const struct plan_cell *cell, struct record *record)
{
	record_init(record, kind_of(cell));
	record_set_text(record, COLUMN_model, plan_model(cell));
	record_set_count(record, COLUMN_partial, 0);
}

void cell_mark_failed(struct record *record, const char *word, const char *said)
{
	char flags[512];

	flags_add(record, FLAG_FAILED);
	snprintf(flags, sizeof(flags), "%.400s %s", record_text(record, COLUMN_flags), word);
	record_set_text(record, COLUMN_flags, flags);
	record_set_text(record, COLUMN_reason, said);
}

bool cell_is_unable(const struct record *record)
{
	return strstr(record_text(record, COLUMN_flags), "failed status-3") &&
	       strcmp(record_text(record, COLUMN_role), "command") != 0;
}

void cell_label_row(const struct plan_cell *cell, const struct cell_world *world,
		    struct record *record, const char *run_id, const char *experiment,
		    uint64_t block, uint64_t order)
{
	bool command = cell->section->kind == PLAN_COMMAND;
	/* A command that is not told of a latency need not ask the origin at all. */
	bool asked = command ? plan_value(cell, "latency") != NULL
			     : !plan_value(cell, "urls") && !plan_value(cell, "path");

	record_set_text(record, COLUMN_run_id, run_id);
	record_set_text(record, COLUMN_experiment, experiment);
	record_set_count(record, COLUMN_block, block);
	record_set_count(record, COLUMN_order, order);
	record_set_text(record, COLUMN_cell, cell->name);
	record_set_text(record, COLUMN_role,
			cell->control ? "control"
			: command     ? "command"
				      : "cell");
	if (record->kind == RECORD_FETCH) {
		record_set_text(record, COLUMN_link, world->link);
		record_set_text(record, COLUMN_overlap, plan_value(cell, "overlap"));
	}
	if (record->kind == RECORD_FETCH && asked)
		record_set_real(record, COLUMN_origin_latency_us,
				(double)plan_duration_ns(cell, "latency", 0) / 1e3);
}

void cell_flag_row(struct record *record, bool origin_shares, uint64_t origin_cpu_ns,
		   uint64_t loaded_ns)
{
	if (record_number(record, COLUMN_steal_share) > STEAL_MOST)
		flags_add(record, FLAG_STEAL);
	if (record->kind != RECORD_FETCH)
		return;
	if (origin_shares)
		flags_add(record, FLAG_SHARED);
	if (loaded_ns && (double)origin_cpu_ns / (double)loaded_ns > SATURATED)
		flags_add(record, FLAG_ORIGIN);
}
