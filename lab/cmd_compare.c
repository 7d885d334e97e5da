/*
 * iolab compare: what changed from one side to the other, a run each or several, and whether it can
 * be believed.
 */
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lab/cmd.h"
#include "lab/options.h"
#include "results/compare.h"
#include "results/table.h"
#include "results/trust.h"

/* So many differences of a kind are told; --json has them all. */
#define TOLD 8

struct compare_options {
	const char *threshold;
	uint64_t seed;
	bool json;
	bool cut;
	bool strict;
};

#define FIELD(name) offsetof(struct compare_options, name)

static const struct option_row rows[] = {
	{.name = "threshold",
	 .kind = OPTION_TEXT,
	 .offset = FIELD(threshold),
	 .argument = "5%",
	 .help = "status 5 when B's throughput is claimed to be lower by more than that, or its "
		 "time, latency or CPU higher; also when B fails or lacks a cell that A has"},
	{.name = "json",
	 .kind = OPTION_FLAG,
	 .offset = FIELD(json),
	 .help = "print JSON, and nothing else"},
	{.name = "cut",
	 .kind = OPTION_FLAG,
	 .offset = FIELD(cut),
	 .help = "use the whole rows of a CSV that ends in the middle of one"},
	{.name = "strict",
	 .kind = OPTION_FLAG,
	 .offset = FIELD(strict),
	 .help = "status 4 when a claim rests on flagged rows, or a cell on rows that failed, "
		 "whatever else there is"},
	{.name = "seed",
	 .kind = OPTION_COUNT,
	 .offset = FIELD(seed),
	 .argument = "N",
	 .help = "of bootstrap and Monte Carlo (default 1: the same answer each time)"},
};

/* "5%" or "5 %" as 0.05; NAN without the option. */
static double read_threshold(const char *text)
{
	char *end;
	double percent;

	if (!text)
		return NAN;
	percent = strtod(text, &end);
	while (*end == ' ')
		end++;
	if (end == text || strcmp(end, "%") != 0 || !(percent >= 0.0 && percent <= 1000.0))
		status_exit(STATUS_USAGE, "--threshold: '%s' is no percentage such as 5%%", text);
	return percent / 100.0;
}

/* The two are read at the same time: a million rows are a second of work. */
struct reading {
	const char *path;
	bool cut;
	struct compare_side *side;
	int err;
	char why[1024];
};

static void *read_side(void *context)
{
	struct reading *r = context;

	r->err = compare_read(r->path, r->cut, r->side, r->why, sizeof(r->why));
	return NULL;
}

static void read_sides(struct reading readings[2])
{
	pthread_t other;
	bool beside = pthread_create(&other, NULL, read_side, &readings[1]) == 0;

	read_side(&readings[0]);
	if (beside)
		pthread_join(other, NULL);
	else
		read_side(&readings[1]);
	for (size_t i = 0; i < 2; i++) {
		const struct reading *r = &readings[i];

		if (r->err)
			status_exit(r->err == -ENOENT || r->err == -ENOTDIR || r->err == -EINVAL
					    ? STATUS_USAGE
					    : STATUS_FAILED,
				    "%s", r->why);
		for (size_t k = 0; k < r->side->source_count; k++) {
			if (r->side->sources[k].note[0])
				status_warn("%s", r->side->sources[k].note);
		}
	}
}

static const char *shown(const json_t *difference, const char *side)
{
	const char *text = json_string_value(json_object_get(difference, side));

	return text && *text ? text : "(none)";
}

/* A line a difference on stderr. */
static void tell_differences(const char *of, const json_t *list)
{
	size_t index;
	const json_t *difference;

	json_array_foreach((json_t *)list, index, difference)
	{
		if (index == TOLD) {
			status_warn("%s differ in %zu more; --json has them all", of,
				    json_array_size(list) - TOLD);
			break;
		}
		status_warn("%s differ: %s: %.70s in A, %.70s in B", of, shown(difference, "what"),
			    shown(difference, "a"), shown(difference, "b"));
	}
}

/* One line for all that varies from run to run on one host: the groups that it is of. */
static void tell_now(const json_t *list)
{
	char groups[200] = "", last[64] = "";
	size_t used = 0, index;
	const json_t *difference;

	json_array_foreach((json_t *)list, index, difference)
	{
		const char *what = shown(difference, "what");
		char group[64];

		snprintf(group, sizeof(group), "%.*s", (int)strcspn(what, "."), what);
		if (strcmp(group, last) == 0 || used >= sizeof(groups))
			continue;
		used += (size_t)snprintf(groups + used, sizeof(groups) - used, "%s%s",
					 index > 0 ? ", " : "", group);
		memcpy(last, group, sizeof(last));
	}
	if (index > 0)
		status_warn("also differ now, as runs on one host do: %s; --json has them all",
			    groups);
}

static bool has_file(const struct compare_source *source, bool host)
{
	return host ? source->host != NULL : source->plan != NULL;
}

/* The first run without the file where another has it. */
static void tell_missing(const struct comparison *c, bool host)
{
	const struct compare_side *const sides[] = {c->a, c->b};
	const char *without = NULL;
	bool some = false;

	for (size_t i = 0; i < 2; i++) {
		for (size_t k = 0; k < sides[i]->source_count; k++) {
			const struct compare_source *source = &sides[i]->sources[k];

			some = some || has_file(source, host);
			if (!without && !has_file(source, host))
				without = source->path;
		}
	}
	if (some && without)
		status_warn("%s not compared with %s: there is no %s beside it",
			    host ? "hosts" : "plans", without, host ? "host.json" : "plan.ini");
}

static void tell_alone(const char *side, const struct compare_cell *const *cells, size_t count)
{
	if (count == 1)
		status_warn("only in %s: %s", side, compare_name(cells[0]));
	else if (count > 1)
		status_warn("only in %s: %s and %zu more", side, compare_name(cells[0]), count - 1);
}

static void tell_flags(const char *letter, const struct compare_side *side)
{
	char words[512] = "";
	size_t length = 0;

	if (side->flagged == 0)
		return;
	for (size_t i = 0; i < COMPARE_FLAGS && side->flags[i].count; i++)
		length +=
			(size_t)snprintf(words + length, sizeof(words) - length, "%s%s %zu",
					 i ? ", " : "", side->flags[i].word, side->flags[i].count);
	status_warn("%zu of %zu rows of %s are flagged: %s", side->flagged, side->rows, letter,
		    words);
}

/* A line a cell, so that no verdict on its survivors stands alone. */
static void tell_failures(const struct comparison *c)
{
	char text[400];

	for (size_t i = 0; i < c->failure_count; i++) {
		if (i == TOLD) {
			status_warn("%zu more cells have rows that failed or are missing; --json "
				    "has them all",
				    c->failure_count - TOLD);
			break;
		}
		status_warn("%s", compare_failure_text(&c->failures[i], text, sizeof(text)));
	}
}

static void tell(const struct comparison *c)
{
	tell_missing(c, true);
	tell_differences("hosts", c->hosts);
	tell_now(c->now);
	tell_missing(c, false);
	tell_differences("plans", c->plans);
	tell_differences("cells", c->cells);
	tell_alone("A", c->alone_a, c->alone_a_count);
	tell_alone("B", c->alone_b, c->alone_b_count);
	tell_failures(c);
	tell_flags("A", c->a);
	tell_flags("B", c->b);
}

/* How many figures are worse by more than the threshold; the first one's name. */
static size_t count_regressions(const struct comparison *c, double threshold, const char **first)
{
	size_t count = 0;

	for (size_t i = 0; i < c->pair_count; i++) {
		for (size_t f = 0; f < COMPARE_FIGURES; f++) {
			if (isnan(threshold) ||
			    !compare_regressed(f, &c->pairs[i].values[f], threshold))
				continue;
			if (count++ == 0)
				*first = c->pairs[i].name;
		}
	}
	return count;
}

/* A cell that fails, or is gone, is worse than one that is slow. */
static size_t count_worse_failures(const struct comparison *c)
{
	size_t count = 0;

	for (size_t i = 0; i < c->failure_count; i++)
		count += compare_failure_is_worse(&c->failures[i]);
	return count;
}

/* Says what is worse by more than the threshold, and the status for that. */
static enum status judge_threshold(const struct comparison *c, double threshold)
{
	const char *first = NULL;
	size_t figures = count_regressions(c, threshold, &first);
	size_t failures = isnan(threshold) ? 0 : count_worse_failures(c);

	if (figures > 0)
		status_warn("regression: %zu figure%s worse by more than %g %%, of %s%s", figures,
			    figures == 1 ? "" : "s", 100.0 * threshold, first,
			    figures == 1 ? "" : " and others");
	if (failures > 0)
		status_warn("regression: %zu cell%s failed more often in B than in A, or %s "
			    "missing there",
			    failures, failures == 1 ? "" : "s", failures == 1 ? "is" : "are");
	return figures + failures > 0 ? STATUS_REGRESSION : STATUS_DONE;
}

/* Says on what --strict cannot rely, and the status for that. */
static enum status judge_strictly(const struct comparison *c)
{
	struct trust trust = {0};
	char text[1024];

	trust_add_comparison(&trust, c);
	if (trust.doubtful > 0)
		status_warn("strict: %s", trust_line(&trust, text, sizeof(text)));
	if (c->failure_count > 0)
		status_warn("strict: %zu cell%s ha%s rows that failed or are missing",
			    c->failure_count, c->failure_count == 1 ? "" : "s",
			    c->failure_count == 1 ? "s" : "ve");
	return trust.doubtful + c->failure_count > 0 ? STATUS_UNTRUSTED : STATUS_DONE;
}

enum status cmd_compare(int argc, char **argv)
{
	const struct option_set set = {
		.usage = "compare [options] A B\n       iolab compare [options] A1,A2,A3 B1,B2,B3",
		.about = "Compares B against A: two runs, or several of each, which alone tell a "
			 "change from what any\ntwo runs differ by. A run is a folder of results/"
			 "runs, or a CSV; several are joined by commas,\nor stand in one folder "
			 "(iolab run --results FOLDER).",
		.rows = rows,
		.count = sizeof(rows) / sizeof(rows[0]),
	};
	struct compare_options options = {.seed = 1};
	int operands = options_parse(&set, &options, argc, argv);
	double threshold = read_threshold(options.threshold);
	struct compare_side a, b;
	int err;
	struct comparison comparison;
	enum status worse, doubtful;
	char why[1024];
	bool compared;

	if (operands != 2)
		status_exit(STATUS_USAGE,
			    "compare takes two sides, A and B, the runs of one joined by commas; "
			    "%d given",
			    operands);
	read_sides((struct reading[]){{.path = argv[1], .cut = options.cut, .side = &a},
				      {.path = argv[2], .cut = options.cut, .side = &b}});
	err = comparison_make(&a, &b, options.seed, &comparison, why, sizeof(why));
	if (err)
		status_exit(err == -EINVAL ? STATUS_USAGE : STATUS_FAILED, "%s", why);
	tell(&comparison);
	if (options.json)
		cmd_print_json_as(compare_json(&comparison, threshold), JSON_INDENT(2));
	else if (compare_print(&comparison, stdout, table_color(isatty(STDOUT_FILENO))))
		status_exit(STATUS_FAILED, "cannot print the comparison");
	if (fflush(stdout))
		status_exit(STATUS_FAILED, "cannot write to stdout: %m");
	worse = judge_threshold(&comparison, threshold);
	doubtful = options.strict ? judge_strictly(&comparison) : STATUS_DONE;
	compared = comparison.pair_count > 0;
	comparison_release(&comparison);
	compare_release(&a);
	compare_release(&b);
	if (doubtful != STATUS_DONE || worse != STATUS_DONE)
		return doubtful != STATUS_DONE ? doubtful : worse;
	return compared ? STATUS_DONE : STATUS_FAILED;
}
