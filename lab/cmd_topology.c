/*
 * `iolab topology`: shows a placement before anything is measured on it, for this host or for a
 * machine described in hwloc's synthetic words. The answer is the one that a run would bind.
 */
#include "lab/cmd_topology.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "lab/options.h"
#include "lab/status.h"
#include "topology/bind.h"
#include "topology/cpulist.h"
#include "topology/draw.h"
#include "topology/place.h"

#define THREADS_MOST 4096
#define WHY_SIZE     512

struct topology_options {
	uint64_t workers;
	uint64_t origin_threads;
	uint64_t pollers;
	unsigned policy; /* UINT_MAX: not given */
	const char *cpus;
	const char *on;
	bool json;
	bool ascii;
};

#define FIELD(name) offsetof(struct topology_options, name)

static const struct option_row rows[] = {
	{.name = "workers",
	 .kind = OPTION_COUNT,
	 .offset = FIELD(workers),
	 .argument = "N",
	 .help = "workers of the client (1)",
	 .least = 1,
	 .most = THREADS_MOST},
	{.name = "place",
	 .kind = OPTION_CHOICE,
	 .offset = FIELD(policy),
	 .argument = "cores|compact|spread|none",
	 .help = "policy (cores)",
	 .choices = place_policy_names},
	{.name = "cpus",
	 .kind = OPTION_TEXT,
	 .offset = FIELD(cpus),
	 .argument = "LIST",
	 .help = "CPUs of the workers: 0,2-3 or hwloc's words, as core:0-1"},
	{.name = "origin-threads",
	 .kind = OPTION_COUNT,
	 .offset = FIELD(origin_threads),
	 .argument = "N",
	 .help = "threads of the origin, 0 for none (1)",
	 .most = THREADS_MOST},
	{.name = "pollers",
	 .kind = OPTION_COUNT,
	 .offset = FIELD(pollers),
	 .argument = "N",
	 .help = "io_uring submission pollers (0)",
	 .most = THREADS_MOST},
	{.name = "on",
	 .kind = OPTION_TEXT,
	 .offset = FIELD(on),
	 .argument = "MACHINE",
	 .help = "answer for another machine, as \"pack:2 [numa] l3:2 core:4 pu:2\""},
	{.name = "json", .kind = OPTION_FLAG, .offset = FIELD(json), .help = "print JSON"},
	{.name = "ascii",
	 .kind = OPTION_FLAG,
	 .offset = FIELD(ascii),
	 .help = "draw with + - | only"},
};

static const struct option_set options_of_topology = {
	.usage = "topology [options]",
	.about = "Shows the machine, and where workers, origin and pollers would run on it.",
	.rows = rows,
	.count = sizeof(rows) / sizeof(rows[0]),
};

/* Everything that has to be released. */
struct question {
	hwloc_topology_t topology;
	hwloc_bitmap_t allowed;
	hwloc_bitmap_t cpus; /* NULL without --cpus */
	struct place_request request;
	struct place_answer answer;
};

/* -EINVAL and -ERANGE are about what was typed, -ENODEV and -ENOSPC about the machine. */
static int status_of(int err)
{
	switch (err) {
	case 0:
		return STATUS_DONE;
	case -EINVAL:
	case -ERANGE:
		return STATUS_USAGE;
	case -ENODEV:
	case -ENOSPC:
		return STATUS_UNABLE;
	default:
		return STATUS_FAILED;
	}
}

static int load_described(const char *description, struct question *question, char *why,
			  size_t why_size)
{
	hwloc_topology_t topology;

	if (hwloc_topology_init(&topology)) {
		snprintf(why, why_size, "hwloc does not start: no memory");
		return -ENOMEM;
	}
	if (hwloc_topology_set_synthetic(topology, description) || hwloc_topology_load(topology)) {
		hwloc_topology_destroy(topology);
		snprintf(why, why_size,
			 "--on: '%s' describes no machine to hwloc; give one such as "
			 "\"pack:1 [numa] l3:1 core:4 pu:2\"",
			 description);
		return -EINVAL;
	}
	question->topology = topology;
	question->allowed = hwloc_bitmap_dup(hwloc_topology_get_topology_cpuset(topology));
	if (question->allowed)
		return 0;
	snprintf(why, why_size, "no memory for the machine");
	return -ENOMEM;
}

static int ask(const struct topology_options *options, struct question *question, char *why,
	       size_t why_size)
{
	int err;

	if (options->on) {
		err = load_described(options->on, question, why, why_size);
	} else {
		err = bind_allowed(&question->allowed, why, why_size);
		if (!err)
			err = bind_load(BIND_PLACES, &question->topology, why, why_size);
	}
	if (err)
		return err;
	if (options->cpus) {
		question->cpus = hwloc_bitmap_alloc();
		if (!question->cpus) {
			snprintf(why, why_size, "no memory for --cpus");
			return -ENOMEM;
		}
		err = place_parse_cpus(question->topology, question->allowed, options->cpus,
				       question->cpus, why, why_size);
		if (err)
			return err;
	}
	question->request = (struct place_request){
		.policy = options->policy == UINT_MAX ? PLACE_CORES : options->policy,
		.workers = (unsigned)options->workers,
		.origin_threads = (unsigned)options->origin_threads,
		.pollers = (unsigned)options->pollers,
		.cpus = question->cpus,
	};
	return place_decide(question->topology, question->allowed, &question->request,
			    &question->answer, why, why_size);
}

static void release(struct question *question)
{
	place_release(&question->answer);
	hwloc_bitmap_free(question->cpus);
	hwloc_bitmap_free(question->allowed);
	if (question->topology)
		hwloc_topology_destroy(question->topology);
}

/* As the record's column `placement` has it. */
static const char *placement_name(const struct question *question)
{
	return question->cpus ? "cpus" : place_policy_names[question->request.policy];
}

static json_t *list_json(hwloc_const_bitmap_t cpus)
{
	char *text = cpulist_text(cpus);
	json_t *string = text ? json_string(text) : NULL;

	free(text);
	return string;
}

static json_t *sets_json(const hwloc_bitmap_t *sets, unsigned count)
{
	json_t *array = json_array();

	for (unsigned i = 0; array && i < count; i++) {
		if (json_array_append_new(array, list_json(sets[i]))) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

static int print_json(const struct question *question)
{
	const struct place_answer *answer = &question->answer;
	json_t *object =
		json_pack("{s:s, s:o, s:o, s:o, s:o, s:b, s:b, s:b, s:b, s:s}", "placement",
			  placement_name(question), "allowed", list_json(question->allowed),
			  "workers", sets_json(answer->workers, answer->worker_count), "origin",
			  sets_json(answer->origin, answer->origin_count), "pollers",
			  sets_json(answer->pollers, answer->poller_count), "workers_share",
			  answer->workers_share, "origin_shares", answer->origin_shares,
			  "origin_sibling", answer->origin_sibling, "poller_shares",
			  answer->poller_shares, "note", answer->note);
	int err;

	if (!object)
		return -ENOMEM;
	err = json_dumpf(object, stdout, JSON_INDENT(2)) ? -EIO : 0;
	json_decref(object);
	putchar('\n');
	return err;
}

static int print_drawing(const struct question *question, enum draw_style style)
{
	const struct place_request *request = &question->request;
	char allowed[64];

	printf("%u worker%s", request->workers, request->workers > 1 ? "s" : "");
	if (request->origin_threads)
		printf(", %u origin thread%s", request->origin_threads,
		       request->origin_threads > 1 ? "s" : "");
	if (request->pollers)
		printf(", %u poller%s", request->pollers, request->pollers > 1 ? "s" : "");
	printf("; placement %s; allowed CPU %s\n", placement_name(question),
	       cpulist_brief(question->allowed, allowed, sizeof(allowed)));
	if (question->answer.note[0])
		printf("Note: %s.\n", question->answer.note);
	return draw_machine(stdout, question->topology, question->allowed, &question->answer,
			    style);
}

int cmd_topology(int argc, char **argv)
{
	struct topology_options options = {.workers = 1, .origin_threads = 1, .policy = UINT_MAX};
	struct question question = {0};
	char why[WHY_SIZE] = "";
	int err;

	if (options_parse(&options_of_topology, &options, argc, argv) > 0)
		status_exit(STATUS_USAGE, "topology: '%s' is not an option; --help lists them",
			    argv[1]);
	if (options.cpus && options.policy != UINT_MAX)
		status_exit(STATUS_USAGE, "topology: --place and --cpus exclude each other");
	err = ask(&options, &question, why, sizeof(why));
	if (err) {
		status_warn("topology: %s", why);
	} else {
		err = options.json
			      ? print_json(&question)
			      : print_drawing(&question, options.ascii ? DRAW_ASCII : DRAW_UNICODE);
		if (fflush(stdout) && !err)
			err = -EIO;
		if (err)
			status_warn("topology: cannot print the answer: %s", strerror(-err));
	}
	release(&question);
	return status_of(err);
}
