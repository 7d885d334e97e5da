/* Builds a cell's command line and completes its row. */
#include "lab/cell.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kernels/fetch/models.h"
#include "lab/status.h"
#include "lab/units.h"

/* Above this share of its time on the CPU the origin, not the client, is taken for the limit. */
#define SATURATED 0.95
/* More than this taken by the hypervisor spoils a row; one tick of a short cell is less. */
#define STEAL_MOST 0.02

static char *print(const char *format, ...) __attribute__((format(printf, 1, 2)));

static char *print(const char *format, ...)
{
	va_list arguments;
	char *text;

	va_start(arguments, format);
	if (vasprintf(&text, format, arguments) < 0)
		status_exit(STATUS_UNABLE, "out of memory");
	va_end(arguments);
	return text;
}

char *cell_program(const char *name)
{
	char self[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (length < 0)
		status_exit(STATUS_UNABLE, "cannot tell where the lab's executables are: %m");
	self[length] = 0;
	*strrchr(self, '/') = 0;
	return print("%s/%s", self, name);
}

static void add(struct cell_command *command, char *argument)
{
	if (command->count + 1 == CELL_ARGUMENTS_MAX)
		status_exit(STATUS_UNABLE, "a cell's command line is too long");
	command->argv[command->count++] = argument;
	command->argv[command->count] = NULL;
}

/* Passes a key on as the option of the same name. */
static void add_option(struct cell_command *command, const struct plan_cell *cell, const char *key)
{
	const char *value = plan_value(cell, key);

	if (value)
		add(command, print("--%s=%s", key, value));
}

static char *fetch_url(const struct plan_cell *cell, const char *origin_url)
{
	const char *latency = plan_value(cell, "latency");
	const char *body = plan_value(cell, "body");
	uint64_t number;

	if (latency && units_duration(latency, &number) == 0 && number)
		return print("%sdelay/%s", origin_url, latency);
	if (body && units_size(body, &number) == 0)
		return print("%sbytes/%llu", origin_url, (unsigned long long)number);
	return print("%s", origin_url);
}

static void make_fetch(struct cell_command *command, const struct plan_cell *cell,
		       const struct cell_seats *seats, const char *origin_url)
{
	const char *connections = plan_value(cell, "connections");
	const char *model = plan_value(cell, "model");

	add_option(command, cell, "wait");
	add_option(command, cell, "overlap");
	/* A model with one connection a worker gets its concurrency from threads, on one core. */
	if (connections && models_find(model)->one_lane)
		add(command, print("--threads=%s", connections));
	else
		add_option(command, cell, "connections");
	add(command, print("--cpus=%s", seats->client));
	add(command, fetch_url(cell, origin_url));
}

void cell_command_make(struct cell_command *command, const struct plan_cell *cell,
		       const struct cell_seats *seats, const char *origin_url)
{
	bool fetch = cell->section->kind == PLAN_FETCH;
	char *name = print("%s-%s", fetch ? "fetch" : "sumsq", plan_value(cell, "model"));

	memset(command, 0, sizeof(*command));
	add(command, cell_program(name));
	free(name);
	add(command, print("--json"));
	add_option(command, cell, "duration");
	add_option(command, cell, "warmup");
	if (fetch) {
		make_fetch(command, cell, seats, origin_url);
		return;
	}
	add_option(command, cell, "core");
	/* The origin sleeps meanwhile: pools have all the cores. */
	if (strcmp(plan_value(cell, "model"), "serial") == 0)
		add(command, print("--cpus=%s", seats->client));
	else
		add(command, print("--place=cores"));
}

void cell_command_release(struct cell_command *command)
{
	for (unsigned i = 0; i < command->count; i++)
		free(command->argv[i]);
	memset(command, 0, sizeof(*command));
}

int cell_read_row(const struct plan_cell *cell, const char *output, struct record *record,
		  char *why, size_t why_size)
{
	json_error_t error;
	json_t *object = json_loads(output, JSON_DISABLE_EOF_CHECK, &error);
	int err;

	if (!object) {
		snprintf(why, why_size, "its output is not JSON: %s", error.text);
		return -EINVAL;
	}
	record_init(record, cell->section->kind == PLAN_FETCH ? RECORD_FETCH : RECORD_SUMSQ);
	err = record_from_json(object, record, why, why_size);
	json_decref(object);
	if (err)
		record_release(record);
	return err;
}

void cell_label_row(const struct plan_cell *cell, struct record *record, const char *run_id,
		    const char *experiment, uint64_t block, uint64_t order)
{
	const char *latency = plan_value(cell, "latency");
	uint64_t ns;

	record_set_text(record, COLUMN_run_id, run_id);
	record_set_text(record, COLUMN_experiment, experiment);
	record_set_count(record, COLUMN_block, block);
	record_set_count(record, COLUMN_order, order);
	record_set_text(record, COLUMN_cell, cell->name);
	record_set_text(record, COLUMN_role, cell->control ? "control" : "cell");
	if (record->kind == RECORD_FETCH && (!latency || units_duration(latency, &ns) == 0))
		record_set_real(record, COLUMN_origin_latency_us, latency ? (double)ns / 1e3 : 0);
}

static void add_flag(struct record *record, const char *flag)
{
	const char *before = record_text(record, COLUMN_flags);
	char *flags = before[0] ? print("%s %s", before, flag) : print("%s", flag);

	record_set_text(record, COLUMN_flags, flags);
	free(flags);
}

void cell_flag_row(struct record *record, bool origin_shares, uint64_t origin_cpu_ns,
		   uint64_t loaded_ns)
{
	double busy = (double)origin_cpu_ns / (double)loaded_ns;

	if (record_number(record, COLUMN_steal_share) > STEAL_MOST)
		add_flag(record, "steal");
	if (record->kind != RECORD_FETCH)
		return;
	if (origin_shares)
		add_flag(record, "origin-shares-cpu");
	if (busy > SATURATED)
		add_flag(record, "origin-saturated");
}
