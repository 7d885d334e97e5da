/* The tables behind a plan's sections. */
#include "lab/plan_kinds.h"

#include <errno.h>
#include <string.h>

#include "kernels/fetch/models.h"
#include "lab/fetch_options.h"
#include "lab/link.h"
#include "lab/model_choices.h"
#include "lab/nap_options.h"
#include "lab/plan.h"
#include "lab/sumsq_options.h"
#include "lab/units.h"

#define NAMES_MAX 128

const char *const plan_kind_names[PLAN_KINDS] = {
	[PLAN_FETCH] = "fetch",	    [PLAN_SUMSQ] = "sumsq",	      [PLAN_NAP] = "nap",
	[PLAN_COMMAND] = "command", [PLAN_EXPERIMENT] = "experiment", [PLAN_ORIGIN] = "origin",
};

/* What the runner itself gives to every cell, or a plan must not touch. */
static const char *const runners[] = {"json", "csv", "quiet", NULL};

static const char *const whole_keys[] = {"skip", "baseline", "timeout", NULL};
static const char *const whole_command_keys[] = {"run", "rate", "count", NULL};

#define KEY(key, type, form, text, ...)                                                            \
	{                                                                                          \
		.name = (key), .kind = (type), .argument = (form), .help = (text), __VA_ARGS__     \
	}
#define MODEL(names)                                                                               \
	KEY("model", OPTION_TEXT, "NAME", "which executable: " names "; needed", .least = 0)
#define COMMON_KEYS                                                                                \
	KEY("baseline", OPTION_TEXT, "CELL",                                                       \
	    "what the others are compared with, run twice as the A/A control: MODEL, MODEL/WAIT "  \
	    "or terms as in skip",                                                                 \
	    .least = 0),                                                                           \
		KEY("skip", OPTION_TEXT, "TERMS",                                                  \
		    "leaves out the cells for which all terms hold, as model=select "              \
		    "connections>1000; may be given again",                                        \
		    .least = 0),                                                                   \
		KEY("timeout", OPTION_DURATION, "T",                                               \
		    "how long a cell may take beyond its expected length", .least = 1000000)
#define ASKED_OF_ORIGIN                                                                            \
	KEY("latency", OPTION_DURATION, "T", "asks the origin for /delay/T", .least = 0),          \
		KEY("body", OPTION_SIZE, "SIZE", "asks it for /bytes/SIZE", .least = 0),           \
		KEY("path", OPTION_TEXT, "/PATH", "asks it for that path", .least = 0),            \
		KEY("tls", OPTION_FLAG, "yes|no", "asks it by https (default no)", .least = 0)

static const struct option_row fetch_keys[] = {
	MODEL("epoll for fetch-epoll"), COMMON_KEYS, ASKED_OF_ORIGIN,
	KEY("urls", OPTION_TEXT, "URLS", "instead of the origin: URLs, with blanks between",
	    .least = 0)};
static const struct option_row sumsq_keys[] = {
	MODEL("serial, threads or processes"), COMMON_KEYS,
	KEY("jobs", OPTION_TEXT, "N...", "the jobs, with blanks between (default: the thirty)",
	    .least = 0)};
static const struct option_row nap_keys[] = {MODEL("blocking, epoll or uring"), COMMON_KEYS};
static const struct option_row command_keys[] = {
	COMMON_KEYS,
	ASKED_OF_ORIGIN,
	KEY("run", OPTION_TEXT, "LINE",
	    "the command, split at blanks, '...' and \"...\" keep them; no shell is asked; needed",
	    .least = 0),
	KEY("rate", OPTION_TEXT, "REGEX",
	    "(POSIX, extended) its first group finds in the output what it did per second",
	    .least = 0),
	KEY("count", OPTION_TEXT, "REGEX",
	    "likewise how many it did in all, by which its CPU time is divided", .least = 0),
	KEY("cpus", OPTION_TEXT, "LIST|all",
	    "CPUs that it is bound to, all: to none (default: the client's)", .least = 0),
	KEY("connections", OPTION_COUNT, "N", "for {connections} in run, and the row", .least = 1),
	KEY("duration", OPTION_DURATION, "T",
	    "how long it takes, for the time to expect; for {duration} in run", .least = 0),
};
static const char *const reports[] = {"matrix",	 "programs", "grain",	"concurrency", "cells",
				      "latency", "scaling",  "regimes", NULL};
static const struct option_row experiment_keys[] = {
	KEY("blocks", OPTION_COUNT, "N", "how often each cell is run (default 9)", .least = 1,
	    .most = PLAN_BLOCKS_MOST),
	KEY("seed", OPTION_COUNT, "N", "of the order of the cells (default: any)", .least = 0,
	    .most = INT64_MAX),
	KEY("report", OPTION_CHOICE,
	    "matrix, programs, grain, concurrency, cells, latency, scaling or regimes",
	    "what the run ends with (default matrix, or latency where rate has several "
	    "shares); see the shipped plans of these names",
	    .choices = reports),
	KEY("read", OPTION_TEXT, "TEXT", "printed above the report: what to look at", .least = 0),
	KEY("link", OPTION_CHOICE, "loopback, veth or none",
	    "what lies between client and origin (default loopback)", .choices = link_kind_names),
	KEY("link-latency", OPTION_DURATION, "T",
	    "what a veth link adds to each round trip (default 0)", .least = 0),
};
static const struct option_row origin_keys[] = {
	KEY("url", OPTION_TEXT, "http://HOST:PORT",
	    "an origin that runs already; without it one is started", .least = 0),
	KEY("tls-url", OPTION_TEXT, "https://HOST:PORT", "where that one speaks TLS", .least = 0),
	KEY("busy", OPTION_FLAG, "yes|no", "it never sleeps (default no)", .least = 0),
	KEY("name", OPTION_TEXTS, "HOST", "a name its certificate is also good for", .least = 0),
	KEY("threads", OPTION_COUNT, "N", "its threads (default 1)", .least = 1, .most = 256),
};

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static const struct kind {
	const struct option_row *own;
	size_t own_count;
	const struct option_row *(*options)(size_t *count); /* of the executable */
} kinds[PLAN_KINDS] = {
	[PLAN_FETCH] = {fetch_keys, LENGTH(fetch_keys), fetch_options_rows},
	[PLAN_SUMSQ] = {sumsq_keys, LENGTH(sumsq_keys), sumsq_options_rows},
	[PLAN_NAP] = {nap_keys, LENGTH(nap_keys), nap_options_rows},
	[PLAN_COMMAND] = {command_keys, LENGTH(command_keys), NULL},
	[PLAN_EXPERIMENT] = {experiment_keys, LENGTH(experiment_keys), NULL},
	[PLAN_ORIGIN] = {origin_keys, LENGTH(origin_keys), NULL},
};

/* The options that one model alone has, named as it is. */
static struct option_row own_options[NAMES_MAX];
static size_t own_count;

static void collect_own(void)
{
	if (own_count > 0)
		return;
	for (const struct model *const *m = models; *m; m++) {
		struct option_set set;

		fetch_option_set(*m, &set);
		if ((*m)->options && own_count < NAMES_MAX)
			own_options[own_count++] = set.rows[set.count - 1];
	}
}

bool plan_kind_models_own(enum plan_kind kind, const char *key)
{
	return kind == PLAN_FETCH && models_find(key);
}

static bool among(const char *const *names, const char *name)
{
	while (*names && strcmp(*names, name) != 0)
		names++;
	return *names != NULL;
}

static const struct option_row *options_of(enum plan_kind kind, size_t *count)
{
	*count = 0;
	return kinds[kind].options ? kinds[kind].options(count) : NULL;
}

const struct option_row *plan_kind_own(enum plan_kind kind, size_t *count)
{
	*count = kinds[kind].own_count;
	return kinds[kind].own;
}

const struct option_row *plan_kind_row(enum plan_kind kind, const char *key, bool *passed)
{
	const struct kind *k = &kinds[kind];
	size_t count;
	const struct option_row *rows = options_of(kind, &count);

	for (size_t i = 0; i < k->own_count; i++) {
		if (strcmp(k->own[i].name, key) == 0) {
			*passed = kind == PLAN_ORIGIN;
			return &k->own[i];
		}
	}
	for (size_t i = 0; i < count; i++) {
		if (strcmp(rows[i].name, key) == 0 && !among(runners, key)) {
			*passed = true;
			return &rows[i];
		}
	}
	collect_own();
	for (size_t i = 0; kind == PLAN_FETCH && i < own_count; i++) {
		if (strcmp(own_options[i].name, key) == 0) {
			*passed = true;
			return &own_options[i];
		}
	}
	return NULL;
}

const char *plan_kind_nearest(enum plan_kind kind, const char *typed)
{
	const struct kind *k = &kinds[kind];
	const char *names[NAMES_MAX];
	size_t used = 0, count;
	const struct option_row *rows = options_of(kind, &count);

	for (size_t i = 0; i < k->own_count && used < NAMES_MAX; i++)
		names[used++] = k->own[i].name;
	for (size_t i = 0; i < count && used < NAMES_MAX; i++)
		if (!among(runners, rows[i].name))
			names[used++] = rows[i].name;
	collect_own();
	for (size_t i = 0; kind == PLAN_FETCH && i < own_count && used < NAMES_MAX; i++)
		names[used++] = own_options[i].name;
	return units_nearest(typed, names, used);
}

bool plan_kind_whole(enum plan_kind kind, const char *key)
{
	return among(whole_keys, key) || (kind == PLAN_COMMAND && among(whole_command_keys, key));
}

/* The models of a workload's executables. */
static size_t model_names(enum plan_kind kind, const char **names)
{
	size_t count = 0;

	if (kind == PLAN_FETCH)
		for (const struct model *const *m = models; *m && count < NAMES_MAX; m++)
			names[count++] = (*m)->name;
	else if (kind == PLAN_NAP)
		for (const struct nap_model *const *m = nap_models; *m && count < NAMES_MAX; m++)
			names[count++] = (*m)->name;
	else
		for (; count <= sumsq_on_processes; count++)
			names[count] = sumsq_where_name((enum sumsq_where)count);
	return count;
}

static int check_model(enum plan_kind kind, const char *text, char *why, size_t why_size)
{
	const char *names[NAMES_MAX] = {0};
	size_t count = model_names(kind, names);
	const char *nearest;
	size_t used;

	for (size_t i = 0; i < count; i++)
		if (strcmp(names[i], text) == 0)
			return 0;
	nearest = units_nearest(text, names, count);
	used = (size_t)snprintf(why, why_size, "'%s' is not a %s model; ", text,
				plan_kind_names[kind]);
	if (nearest)
		snprintf(why + used, why_size - used, "did you mean %s?", nearest);
	for (size_t i = 0; i < count && !nearest && used < why_size; i++)
		used += (size_t)snprintf(why + used, why_size - used, "%s%s", names[i],
					 i + 1 == count	  ? " are"
					 : i + 2 == count ? " and "
							  : ", ");
	return -EINVAL;
}

static int check_share(const char *text, char *why, size_t why_size)
{
	double share;

	if (plan_share(text, &share))
		return 0;
	snprintf(why, why_size,
		 "'%s' is no share of the capacity, such as 80%%: above 0 and up to 1000%%", text);
	return -EINVAL;
}

int plan_kind_value(enum plan_kind kind, const struct option_row *row, const char *text,
		    uint64_t *number, char *why, size_t why_size)
{
	if (strcmp(row->name, "model") == 0 && kind < PLAN_WORKLOADS)
		return check_model(kind, text, why, why_size);
	if (plan_kind_models_own(kind, row->name)) {
		struct model_choices choices;

		return model_choices_parse(models_find(row->name), text, &choices, why, why_size);
	}
	if (kind == PLAN_FETCH && strcmp(row->name, "rate") == 0 && strchr(text, '%'))
		return check_share(text, why, why_size);
	if (row->kind != OPTION_FLAG)
		return options_value(row, text, number, why, why_size);
	if (strcmp(text, "yes") != 0 && strcmp(text, "no") != 0) {
		snprintf(why, why_size, "'%s' is neither yes nor no", text);
		return -EINVAL;
	}
	*number = strcmp(text, "yes") == 0;
	return 0;
}
