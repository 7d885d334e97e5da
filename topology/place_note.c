/*
 * Says what a placement could not keep apart. The flags travel with the figures, the sentence
 * goes to the person: both come from the finished table, not from the steps that led there.
 */
#include "topology/place_note.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "topology/cpulist.h"
#include "topology/kinds.h"

/* One more clause, after "; " unless it is the first; what does not fit is cut. */
__attribute__((format(printf, 2, 3))) static void add(struct place_answer *answer,
						      const char *format, ...)
{
	size_t used = strlen(answer->note);
	va_list arguments;

	if (used) {
		snprintf(answer->note + used, sizeof(answer->note) - used, "; ");
		used = strlen(answer->note);
	}
	va_start(arguments, format);
	vsnprintf(answer->note + used, sizeof(answer->note) - used, format, arguments);
	va_end(arguments);
}

/* Which relation between a seat and its core a clause is about. */
typedef bool seat_test(const struct seat *seat, const struct seats_core *core);

/* The CPUs for which the test holds, as text; their number is returned. */
static unsigned list_where(const struct seats *seats, seat_test *test, char *text, size_t size)
{
	hwloc_bitmap_t cpus = hwloc_bitmap_alloc();
	unsigned count = 0;

	for (unsigned i = 0; i < seats->count; i++) {
		const struct seat *seat = &seats->seat[i];

		if (!test(seat, &seats->core[seat->core]))
			continue;
		count++;
		if (cpus)
			hwloc_bitmap_set(cpus, seat->cpu);
	}
	if (cpus)
		cpulist_brief(cpus, text, size);
	else
		snprintf(text, size, "?");
	hwloc_bitmap_free(cpus);
	return count;
}

static bool has_two_workers(const struct seat *seat, const struct seats_core *core)
{
	(void)core;
	return seat->load.workers > 1;
}

static bool has_worker(const struct seat *seat, const struct seats_core *core)
{
	(void)core;
	return seat->load.workers > 0;
}

static bool has_client_and_origin(const struct seat *seat, const struct seats_core *core)
{
	(void)core;
	return seat->load.workers && seat->load.origin;
}

static bool has_origin_beside_worker(const struct seat *seat, const struct seats_core *core)
{
	return seat->load.origin && core->load.workers > seat->load.workers;
}

static bool has_two_origins(const struct seat *seat, const struct seats_core *core)
{
	(void)core;
	return seat->load.origin > 1;
}

static bool has_poller_and_worker(const struct seat *seat, const struct seats_core *core)
{
	(void)core;
	return seat->load.pollers && seat->load.workers;
}

static bool has_poller_and_origin(const struct seat *seat, const struct seats_core *core)
{
	(void)core;
	return seat->load.pollers && seat->load.origin && !seat->load.workers;
}

static bool has_two_pollers(const struct seat *seat, const struct seats_core *core)
{
	(void)core;
	return seat->load.pollers > 1 && !seat->load.workers && !seat->load.origin;
}

static bool has_poller_on_sibling(const struct seat *seat, const struct seats_core *core)
{
	return seat->load.pollers && !seat->load.workers && !seat->load.origin &&
	       (core->load.workers || core->load.origin || core->load.pollers > seat->load.pollers);
}

static void note_client_and_origin(const struct seats *seats, struct place_answer *answer)
{
	char cpus[64];

	if (list_where(seats, has_two_workers, cpus, sizeof(cpus))) {
		unsigned on = list_where(seats, has_worker, cpus, sizeof(cpus));

		answer->workers_share = true;
		add(answer, "%u workers share CPU%s %s", answer->worker_count, on > 1 ? "s" : "",
		    cpus);
	}
	if (list_where(seats, has_client_and_origin, cpus, sizeof(cpus))) {
		answer->origin_shares = true;
		add(answer,
		    "client and origin share CPU %s, %s: what the origin costs is in every figure",
		    cpus,
		    seats->count == 1 ? "the only one allowed" : "as the workers have every CPU");
	}
	if (list_where(seats, has_origin_beside_worker, cpus, sizeof(cpus))) {
		answer->origin_sibling = true;
		add(answer, "the origin is on an SMT sibling of a worker (CPU %s): no core is left",
		    cpus);
	}
	if (list_where(seats, has_two_origins, cpus, sizeof(cpus)) && !answer->origin_shares)
		add(answer, "%u origin threads share CPU %s", answer->origin_count, cpus);
}

/* Workers on cores that are not alike: their figures are not to be compared one by one. */
static void note_kinds(hwloc_topology_t topology, const struct seats *seats,
		       struct place_answer *answer)
{
	unsigned kinds = kinds_count(topology), with_workers = 0;
	char text[160] = "";

	for (unsigned kind = 0; kind < kinds; kind++) {
		size_t used = strlen(text);
		char name[KINDS_NAME_SIZE];
		unsigned workers = 0;

		for (unsigned i = 0; i < seats->count; i++)
			if (seats->seat[i].kind == kind)
				workers += seats->seat[i].load.workers;
		if (!workers)
			continue;
		with_workers++;
		snprintf(text + used, sizeof(text) - used, "%s%u on %s", used ? ", " : "", workers,
			 kinds_name(topology, kind, name));
	}
	if (with_workers < 2)
		return;
	answer->workers_unlike = true;
	add(answer, "the workers' cores are not alike: %s", text);
}

static void note_pollers(const struct seats *seats, struct place_answer *answer)
{
	static const struct {
		seat_test *test;
		const char *with;
	} rows[] = {
		{has_poller_and_worker, "with a worker"},
		{has_poller_and_origin, "with the origin"},
		{has_two_pollers, "with each other"},
	};
	char cpus[64];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (!list_where(seats, rows[i].test, cpus, sizeof(cpus)))
			continue;
		answer->poller_shares = true;
		add(answer, "pollers share CPU %s %s: no CPU is left for them", cpus, rows[i].with);
	}
	if (list_where(seats, has_poller_on_sibling, cpus, sizeof(cpus))) {
		answer->poller_shares = true;
		add(answer, "pollers share a core by SMT (CPU %s): no core is left for them", cpus);
	}
}

void place_note_seats(hwloc_topology_t topology, const struct seats *seats,
		      struct place_answer *answer)
{
	note_client_and_origin(seats, answer);
	note_kinds(topology, seats, answer);
	note_pollers(seats, answer);
}

void place_note_none(hwloc_const_bitmap_t allowed, struct place_answer *answer)
{
	char cpus[64];

	answer->workers_share = answer->worker_count > 1;
	answer->origin_shares = answer->origin_count > 0;
	answer->poller_shares = answer->poller_count > 0;
	add(answer, "nobody is pinned: everyone may run anywhere on CPU %s",
	    cpulist_brief(allowed, cpus, sizeof(cpus)));
}
