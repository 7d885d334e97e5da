/*
 * With what the cells of a workload are compared: commands with each other, models with the
 * baseline that was named or is usual.
 */
#include "results/summary_values.h"

#include <string.h>

void summary_find_commands(struct summary *summary)
{
	for (size_t i = 0; i < summary->group_count; i++) {
		struct summary_group *group = &summary->groups[i];
		struct summary_cell *cells = &summary->cells[group->first];
		size_t commands = 0, rated = 0;

		for (size_t j = 0; j < group->count; j++) {
			const struct record *sample = cells[j].sample;

			commands += strcmp(record_text(sample, COLUMN_role), "command") == 0;
			rated += sample->values[COLUMN_throughput_rps].present;
		}
		group->commands = commands == group->count;
		group->timed =
			summary->kind == RECORD_NAP || (group->commands && rated < group->count);
		for (size_t j = 0; j < group->count && group->commands; j++)
			cells[j].contender = true;
	}
}

/* How well a cell answers to a baseline's name; 0 not at all. */
static int answers(const struct summary_cell *cell, const char *name)
{
	if (strcmp(cell->name, name) == 0)
		return 3;
	if (strcmp(record_text(cell->sample, COLUMN_model), name) != 0)
		return cell->contender;
	/* Of a model that waits in both ways, waiting in the kernel is the usual one. */
	return strcmp(record_text(cell->sample, COLUMN_wait), "spin") == 0 ? 2 : 3;
}

/* How well a cell answers that was named, the better the earlier; 0 where it was not. */
static int named(const struct summary_cell *cell, const char *const *names)
{
	int after = 0, place = -1;

	for (size_t i = 0; names && names[i]; i++, after++)
		if (place < 0 && strcmp(names[i], cell->name) == 0)
			place = after;
	return place < 0 ? 0 : 4 + after - place;
}

void summary_choose_baselines(struct summary *summary, const struct summary_options *options)
{
	static const char *const usual[RECORD_KINDS] = {
		[RECORD_FETCH] = "epoll",
		[RECORD_SUMSQ] = "serial",
		[RECORD_NAP] = "blocking",
	};

	const char *name = options->baseline ? options->baseline : usual[summary->kind];

	for (size_t i = 0; i < summary->group_count; i++) {
		struct summary_group *group = &summary->groups[i];
		int best = 0;

		group->baseline = group->first + group->count;
		for (size_t j = group->first; j < group->first + group->count; j++) {
			const struct summary_cell *cell = &summary->cells[j];
			int answer = named(cell, options->baselines);

			answer = answer ? answer : answers(cell, name);

			if (summary->cells[j].rows > 0 && answer > best) {
				best = answer;
				group->baseline = j;
			}
		}
	}
}
