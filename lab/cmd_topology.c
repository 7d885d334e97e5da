/*
 * `iolab topology`: shows a placement before anything is measured on it, for this host or for a
 * machine described in hwloc's synthetic words. The answer is the one that a run would bind.
 */
#include "lab/cmd_topology.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lab/options.h"
#include "lab/pinning.h"
#include "lab/status.h"
#include "topology/bind.h"
#include "topology/cpulist.h"
#include "topology/draw.h"
#include "topology/kinds.h"
#include "topology/place.h"

#define THREADS_MOST 4096
#define WHY_SIZE     512
/* Of a described machine: what Linux can be built for. hwloc takes seconds for so many. */
#define CPUS_MOST 8192
/* Of --json. */
#define TOPOLOGY_SCHEMA_VERSION 2

struct topology_options {
	uint64_t workers;
	uint64_t origin_threads;
	uint64_t pollers;
	const char *place; /* as typed, NULL: not given */
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
	 .help = "workers of the client (default 1)",
	 .least = 1,
	 .most = THREADS_MOST},
	{.name = "place",
	 .kind = OPTION_TEXT,
	 .offset = FIELD(place),
	 .argument = "POLICY",
	 .help = PLACE_POLICIES " (default cores)"},
	{.name = "cpus",
	 .kind = OPTION_TEXT,
	 .offset = FIELD(cpus),
	 .argument = "LIST",
	 .help = "CPUs of the workers: 0,2-3 or hwloc's words, as core:0-1"},
	{.name = "origin-threads",
	 .kind = OPTION_COUNT,
	 .offset = FIELD(origin_threads),
	 .argument = "N",
	 .help = "threads of the origin, 0 for none (default 1)",
	 .most = THREADS_MOST},
	{.name = "pollers",
	 .kind = OPTION_COUNT,
	 .offset = FIELD(pollers),
	 .argument = "N",
	 .help = "io_uring submission pollers (default 0)",
	 .most = THREADS_MOST},
	{.name = "on",
	 .kind = OPTION_TEXT,
	 .offset = FIELD(on),
	 .argument = "MACHINE",
	 .help = "another machine: \"pack:2 [numa] l3:2 core:4 pu:2\", or a FILE.xml of lstopo's "
		 "(default: this one)"},
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
	.notes = PINNING_POLICIES_HELP,
};

/* Everything that has to be released. */
struct question {
	hwloc_topology_t topology;
	hwloc_bitmap_t allowed;
	hwloc_bitmap_t cpus;   /* NULL without --cpus */
	const char *placement; /* as the record's column has it */
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

/* How many CPUs the words describe: the product of the levels' counts, cut at CPUS_MOST + 1. */
static uint64_t described_cpus(const char *words)
{
	uint64_t cpus = 1;

	while (words && *words && cpus <= CPUS_MOST) {
		size_t length = strcspn(words, " \t\n([");
		const char *colon = memchr(words, ':', length);
		uint64_t count = length ? strtoull(colon ? colon + 1 : words, NULL, 0) : 1;

		/* Without a count it is no level: let hwloc say so. */
		if (count)
			cpus *= count > CPUS_MOST ? CPUS_MOST + 1 : count;
		words += length;
		/* Attributes, and memory beside a level, hold no CPUs. */
		if (*words == '(' || *words == '[')
			words = strchr(words, *words == '(' ? ')' : ']');
		if (words && *words)
			words++;
	}
	return cpus;
}

static int load_described(const char *description, struct question *question, char *why,
			  size_t why_size)
{
	bool is_file = strlen(description) > 4 &&
		       strcmp(description + strlen(description) - 4, ".xml") == 0;
	hwloc_topology_t topology;

	if (is_file && access(description, R_OK)) {
		snprintf(why, why_size, "--on: cannot read %s: %s", description, strerror(errno));
		return -EINVAL;
	}
	if (!is_file && described_cpus(description) > CPUS_MOST) {
		snprintf(why, why_size, "--on: '%.200s' describes more than %d CPUs", description,
			 CPUS_MOST);
		return -ERANGE;
	}
	if (hwloc_topology_init(&topology)) {
		snprintf(why, why_size, "hwloc does not start: no memory");
		return -ENOMEM;
	}
	if (hwloc_topology_set_io_types_filter(topology, HWLOC_TYPE_FILTER_KEEP_IMPORTANT) ||
	    (is_file ? hwloc_topology_set_xml(topology, description)
		     : hwloc_topology_set_synthetic(topology, description)) ||
	    hwloc_topology_load(topology)) {
		hwloc_topology_destroy(topology);
		snprintf(why, why_size,
			 "--on: '%s' describes no machine to hwloc; give one such as "
			 "\"pack:1 [numa] l3:1 core:4 pu:2\", or a file that lstopo wrote",
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

static int load_this(const struct topology_options *options, const char *device,
		     struct question *question, char *why, size_t why_size)
{
	bool names_device = device || (options->cpus && strstr(options->cpus, "os="));
	int err = bind_allowed(&question->allowed, why, why_size);

	return err ? err
		   : bind_load(names_device ? BIND_DEVICES : BIND_PLACES, &question->topology, why,
			       why_size);
}

static int ask(const struct topology_options *options, struct question *question, char *why,
	       size_t why_size)
{
	enum place_policy policy = PLACE_CORES;
	const char *device = NULL;
	char reason[WHY_SIZE - 16];
	int err;

	if (options->place &&
	    (pinning_check_place(options->place, reason, sizeof(reason)) ||
	     place_policy_parse(options->place, &policy, &device, reason, sizeof(reason)))) {
		snprintf(why, why_size, "--place: %s", reason);
		return -EINVAL;
	}
	question->placement = options->cpus    ? "cpus"
			      : options->place ? options->place
					       : place_policy_names[policy];
	err = options->on ? load_described(options->on, question, why, why_size)
			  : load_this(options, device, question, why, why_size);
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
		.policy = policy,
		.device = device,
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

/* The most capable kind of cores first. */
static json_t *kinds_json(hwloc_topology_t topology)
{
	hwloc_bitmap_t cpus = hwloc_bitmap_alloc();
	json_t *array = cpus ? json_array() : NULL;

	for (unsigned kind = 0; array && kind < kinds_count(topology); kind++) {
		char name[KINDS_NAME_SIZE];

		if (kinds_cpus(topology, kind, cpus) ||
		    json_array_append_new(array, json_pack("{s:s, s:o}", "name",
							   kinds_name(topology, kind, name), "cpus",
							   list_json(cpus)))) {
			json_decref(array);
			array = NULL;
		}
	}
	hwloc_bitmap_free(cpus);
	return array;
}

/* A line on machines whose cores are not alike. */
static void print_kinds(hwloc_topology_t topology)
{
	unsigned count = kinds_count(topology);
	hwloc_bitmap_t cpus = count > 1 ? hwloc_bitmap_alloc() : NULL;

	for (unsigned kind = 0; cpus && kind < count; kind++) {
		char name[KINDS_NAME_SIZE], list[64];

		if (kinds_cpus(topology, kind, cpus))
			break;
		printf("%s%s: CPU %s%s",
		       kind ? ", " : "Cores of several kinds: ", kinds_name(topology, kind, name),
		       cpulist_brief(cpus, list, sizeof(list)), kind + 1 < count ? "" : ".\n");
	}
	hwloc_bitmap_free(cpus);
}

/* Under "numa": which node each worker's memory is bound to. */
static void print_nodes(const struct place_answer *answer)
{
	for (unsigned i = 0; answer->nodes && i < answer->worker_count; i++)
		printf("%sworker %u on node %d%s", i ? ", " : "Memory: ", i,
		       hwloc_bitmap_first(answer->nodes[i]),
		       i + 1 < answer->worker_count ? "" : ".\n");
}

static int print_json(const struct question *question)
{
	const struct place_answer *answer = &question->answer;
	json_t *object = json_pack(
		"{s:i, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:b, s:b, s:b, s:b, s:s}",
		"schema_version", TOPOLOGY_SCHEMA_VERSION, "kind", "topology", "placement",
		question->placement, "allowed", list_json(question->allowed), "kinds",
		kinds_json(question->topology), "workers",
		sets_json(answer->workers, answer->worker_count), "nodes",
		sets_json(answer->nodes, answer->nodes ? answer->worker_count : 0), "origin",
		sets_json(answer->origin, answer->origin_count), "pollers",
		sets_json(answer->pollers, answer->poller_count), "workers_share",
		answer->workers_share, "workers_unlike", answer->workers_unlike, "origin_shares",
		answer->origin_shares, "origin_sibling", answer->origin_sibling, "poller_shares",
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
	printf("; placement %s; allowed CPU%s %s\n", question->placement,
	       hwloc_bitmap_weight(question->allowed) == 1 ? "" : "s",
	       cpulist_brief(question->allowed, allowed, sizeof(allowed)));
	if (question->answer.note[0])
		printf("Note: %s.\n", question->answer.note);
	print_kinds(question->topology);
	print_nodes(&question->answer);
	return draw_machine(stdout, question->topology, question->allowed, &question->answer,
			    style);
}

int cmd_topology(int argc, char **argv)
{
	struct topology_options options = {.workers = 1, .origin_threads = 1, .place = NULL};
	struct question question = {0};
	char why[WHY_SIZE] = "";
	int err;

	if (options_parse(&options_of_topology, &options, argc, argv) > 0)
		status_exit(STATUS_USAGE, "topology: '%s' is not an option; --help lists them",
			    argv[1]);
	if (options.cpus && options.place)
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
