/* Rows of the nap options, and the list of tasks. */
#include "lab/nap_options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lab/pinning.h"
#include "lab/status.h"
#include "lab/units.h"

#define TICKS_MAX 1000000

#define FIELD(name) offsetof(struct nap_options, name)

static const struct option_row rows[] = {
	{.name = "tick",
	 .letter = 't',
	 .kind = OPTION_DURATION,
	 .offset = FIELD(tick_ns),
	 .argument = "T",
	 .help = "length of a nap (default 1s)",
	 .least = 1,
	 .most = UINT64_C(3600000000000)},
	{.name = "tasks",
	 .kind = OPTION_TEXT,
	 .offset = FIELD(tasks_text),
	 .argument = "NAME:TICKS,...",
	 .help = "who naps how often (default " NAP_TASKS_DEFAULT ")"},
	{.name = "place",
	 .kind = OPTION_TEXT,
	 .offset = FIELD(place),
	 .argument = "POLICY",
	 .help = "pin the thread: " PLACE_POLICIES " (default none)",
	 .check = pinning_check_place},
	{.name = "cpus",
	 .kind = OPTION_TEXT,
	 .offset = FIELD(cpus),
	 .argument = "LIST",
	 .help = "pin the thread to the first of these: 0,2-3 or hwloc's "
		 "words, as core:1 (default: not "
		 "pinned)"},
	{.name = "csv",
	 .kind = OPTION_TEXT,
	 .offset = FIELD(csv),
	 .argument = "FILE|-",
	 .help = "append the run's row to FILE, or print it"},
	{.name = "json",
	 .kind = OPTION_FLAG,
	 .offset = FIELD(json),
	 .help = "print the run's row as JSON, and nothing else"},
	{.name = "quiet",
	 .letter = 'q',
	 .kind = OPTION_FLAG,
	 .offset = FIELD(quiet),
	 .help = "print nothing"},
};

const struct option_row *nap_options_rows(size_t *count)
{
	*count = sizeof(rows) / sizeof(rows[0]);
	return rows;
}

/* One "NAME:TICKS" of `length` bytes. */
static int parse_task(const char *text, size_t length, struct nap_task *task, char *why,
		      size_t why_size)
{
	const char *colon = memchr(text, ':', length);
	char digits[16] = "";
	uint64_t ticks;

	if (colon && (size_t)(text + length - colon) <= sizeof(digits))
		snprintf(digits, sizeof(digits), "%.*s", (int)(text + length - colon - 1),
			 colon + 1);
	if (!colon || colon == text || units_count(digits, &ticks) || ticks == 0 ||
	    ticks > TICKS_MAX) {
		snprintf(why, why_size,
			 "'%.*s' is not NAME:TICKS with 1 to %d ticks, such as One:3", (int)length,
			 text, TICKS_MAX);
		return -EINVAL;
	}
	task->name = strndup(text, (size_t)(colon - text));
	task->ticks = (unsigned)ticks;
	return task->name ? 0 : -ENOMEM;
}

int nap_tasks_parse(const char *text, struct nap_task **tasks, unsigned *count, char *why,
		    size_t why_size)
{
	struct nap_task *made;
	unsigned most = 1, done = 0;
	int err = 0;

	for (const char *p = text; *p; p++)
		most += *p == ',';
	if (most > NAP_TASKS_MAX) {
		snprintf(why, why_size, "%u tasks are more than %d", most, NAP_TASKS_MAX);
		return -EINVAL;
	}
	made = calloc(most, sizeof(*made));
	snprintf(why, why_size, "out of memory for %u tasks", most);
	if (!made)
		return -ENOMEM;
	while (done < most && !err) {
		size_t length = strcspn(text, ",");

		err = parse_task(text, length, &made[done], why, why_size);
		done += !err;
		text += length + 1;
	}
	if (err) {
		nap_tasks_release(made, done);
		return err;
	}
	*tasks = made;
	*count = most;
	return 0;
}

void nap_tasks_release(struct nap_task *tasks, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		free((char *)tasks[i].name);
	free(tasks);
}

uint64_t nap_tasks_ticks(const struct nap_task *tasks, unsigned count, bool together)
{
	uint64_t ticks = 0;

	for (unsigned i = 0; i < count; i++) {
		if (!together)
			ticks += tasks[i].ticks;
		else if (tasks[i].ticks > ticks)
			ticks = tasks[i].ticks;
	}
	return ticks;
}

void nap_options_parse(struct nap_options *o, const struct nap_model *model, int argc, char **argv)
{
	const struct option_set set = {.usage = "[options]",
				       .about = model->about,
				       .rows = rows,
				       .count = sizeof(rows) / sizeof(rows[0]),
				       .notes = PINNING_POLICIES_HELP};
	char why[256];

	memset(o, 0, sizeof(*o));
	o->tick_ns = NAP_TICK_DEFAULT;
	o->tasks_text = NAP_TASKS_DEFAULT;
	if (options_parse(&set, o, argc, argv))
		status_exit(STATUS_USAGE, "'%s' is not an option; --help lists them", argv[1]);
	if (o->cpus && o->place)
		status_exit(STATUS_USAGE, "--cpus and --place exclude each other");
	if (o->json && o->csv && strcmp(o->csv, "-") == 0)
		status_exit(STATUS_USAGE, "--json and --csv - cannot share stdout");
	if (nap_tasks_parse(o->tasks_text, &o->tasks, &o->task_count, why, sizeof(why)))
		status_exit(STATUS_USAGE, "--tasks: %s", why);
	o->silent = o->quiet || o->json || (o->csv && strcmp(o->csv, "-") == 0);
}
