/*
 * How long a plan will take, as well as that can be told before it has run: what its cells are
 * told to take, and for those that go through a list, the waiting that the list is known to need.
 */
#include "lab/plan.h"

#include <string.h>

#include "lab/nap_options.h"
#include "lab/units.h"

/* Starting a process, pinning it, making its connections, writing its row: per cell. */
#define CELL_OVERHEAD_NS UINT64_C(45000000)
/* A fetch from an origin that answers at once, and a sum of the study's thirty. */
#define FETCH_NS   UINT64_C(500000)
#define SUMMING_NS UINT64_C(30000000)
/* A command that says nothing of its length. */
#define COMMAND_NS UINT64_C(1000000000)

/* Beyond what fits in 64 bits, 584 years, the estimate is just that. */
static uint64_t sum(uint64_t a, uint64_t b)
{
	uint64_t both;

	return __builtin_add_overflow(a, b, &both) ? UINT64_MAX : both;
}

static uint64_t product(uint64_t a, uint64_t b)
{
	uint64_t both;

	return __builtin_mul_overflow(a, b, &both) ? UINT64_MAX : both;
}

/* What the URLs' own delays add up to, and how many URLs there are. */
static uint64_t url_delays_ns(const char *urls, uint64_t *count)
{
	uint64_t sum_ns = 0;

	*count = 0;
	for (const char *at = urls + strspn(urls, " "); *at; at += strspn(at, " ")) {
		size_t length = strcspn(at, " ");
		const char *delay = memmem(at, length, "/delay/", 7);
		char text[32] = "";
		uint64_t ns;

		if (delay) {
			size_t rest = (size_t)(at + length - delay - 7);

			if (rest < sizeof(text))
				memcpy(text, delay + 7, rest);
		}
		sum_ns = sum(sum_ns, units_duration(text, &ns) == 0 ? ns : FETCH_NS);
		++*count;
		at += length;
	}
	return sum_ns;
}

static uint64_t list_ns(const struct plan_cell *cell)
{
	const char *urls = plan_value(cell, "urls");
	uint64_t count = 1;
	uint64_t once_ns =
		urls ? url_delays_ns(urls, &count) : plan_duration_ns(cell, "latency", FETCH_NS);
	uint64_t lanes = plan_count(cell, "threads", 1);
	uint64_t processes = plan_count(cell, "processes", 1);
	uint64_t connections = plan_count(cell, "connections", 1);
	uint64_t fetches =
		plan_count(cell, "requests", product(plan_count(cell, "repeat", 1), count));
	uint64_t each_ns = count ? once_ns / count : 0;

	lanes = processes > lanes ? processes : lanes;
	lanes = connections > lanes ? connections : lanes;
	return product(sum(fetches, lanes - 1) / lanes, each_ns);
}

static uint64_t naps_ns(const struct plan_cell *cell)
{
	const char *text = plan_value(cell, "tasks");
	uint64_t tick_ns = plan_duration_ns(cell, "tick", NAP_TICK_DEFAULT);
	struct nap_task *tasks;
	unsigned count;
	uint64_t ticks;
	char why[256];

	if (nap_tasks_parse(text ? text : NAP_TASKS_DEFAULT, &tasks, &count, why, sizeof(why)))
		return 0; /* the cell will say what is wrong */
	ticks = nap_tasks_ticks(tasks, count, nap_find(plan_model(cell))->asynchronous);
	nap_tasks_release(tasks, count);
	return product(ticks, tick_ns);
}

uint64_t plan_expected_ns(const struct plan_cell *cell)
{
	uint64_t ns = plan_duration_ns(cell, "duration", 0);

	if (ns == 0 && cell->section->kind == PLAN_FETCH)
		ns = list_ns(cell);
	else if (ns == 0 && cell->section->kind == PLAN_SUMSQ)
		ns = product(plan_count(cell, "repeat", 1), SUMMING_NS);
	else if (ns == 0 && cell->section->kind == PLAN_NAP)
		ns = naps_ns(cell);
	else if (ns == 0)
		ns = COMMAND_NS;
	return sum(sum(ns, plan_duration_ns(cell, "warmup", 0)), CELL_OVERHEAD_NS);
}

const char *plan_reckoned(const struct plan *plan)
{
	for (unsigned i = 0; i < plan->cell_count; i++)
		if (plan->cells[i].section->kind == PLAN_COMMAND &&
		    plan_duration_ns(&plan->cells[i], "duration", 0) == 0)
			return ", commands reckoned as 1 s each";
	return "";
}

double plan_expected_s(const struct plan *plan)
{
	double block_ns = 0, before_ns = 0;

	for (unsigned i = 0; i < plan->cell_count; i++) {
		const struct plan_cell *cell = &plan->cells[i];

		block_ns += (double)plan_expected_ns(cell);
		if (plan_capacity_cell(plan, cell) == cell)
			before_ns += (double)plan_expected_ns(cell) * PLAN_CAPACITY_RUNS;
	}
	return (before_ns + block_ns * (double)plan->blocks) / 1e9;
}
