/* Decides and carries out where workers run; the deciding itself is topology/'s. */
#include "lab/pinning.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lab/status.h"
#include "lab/units.h"
#include "topology/cpulist.h"

/* The answer in which worker i has the (i mod n)-th of n CPUs, or (not pinned) all of them. */
static int by_numbers(struct pinning *p, hwloc_const_bitmap_t cpus)
{
	unsigned count = (unsigned)hwloc_bitmap_weight(cpus);
	int cpu = -1;

	p->workers = p->workers ? p->workers : count;
	p->shared = p->workers > count;
	p->answer.workers = calloc(p->workers, sizeof(hwloc_bitmap_t));
	if (!p->answer.workers)
		return -ENOMEM;
	p->answer.worker_count = p->workers;
	for (unsigned worker = 0; worker < p->workers; worker++) {
		hwloc_bitmap_t *set = &p->answer.workers[worker];

		*set = hwloc_bitmap_dup(cpus);
		if (!*set)
			return -ENOMEM;
		if (!p->pinned)
			continue;
		cpu = hwloc_bitmap_next(cpus, cpu);
		if (cpu < 0)
			cpu = hwloc_bitmap_first(cpus);
		hwloc_bitmap_only(*set, (unsigned)cpu);
	}
	return 0;
}

static int by_policy(struct pinning *p, struct place_request *request, char *why, size_t why_size)
{
	enum bind_detail detail = request->policy == PLACE_NIC ? BIND_DEVICES : BIND_PLACES;
	int err = bind_load(detail, &p->topology, why, why_size);

	if (!err && !p->workers)
		err = place_most(p->topology, p->allowed, request, &p->workers, why, why_size);
	request->workers = p->workers;
	if (!err)
		err = place_decide(p->topology, p->allowed, request, &p->answer, why, why_size);
	p->shared = !err && p->answer.workers_share;
	return err;
}

/* Words, or numbers that are not there, for which the machine has to be looked at. */
static int look_up(struct pinning *p, const char *text, hwloc_bitmap_t cpus, char *why,
		   size_t why_size)
{
	enum bind_detail detail = strstr(text, "os=") ? BIND_DEVICES : BIND_PLACES;
	char reason[256];
	int err = bind_load(detail, &p->topology, why, why_size);

	if (err)
		return err;
	err = place_parse_cpus(p->topology, p->allowed, text, cpus, reason, sizeof(reason));
	if (err)
		snprintf(why, why_size, "--cpus: %s", reason);
	return err;
}

static int by_list(struct pinning *p, const char *text, char *why, size_t why_size)
{
	hwloc_bitmap_t cpus = hwloc_bitmap_alloc();
	char unused[256];
	int err = 0;

	if (!cpus)
		return -ENOMEM;
	if (cpulist_parse(text, cpus, unused, sizeof(unused)) ||
	    !hwloc_bitmap_isincluded(cpus, p->allowed))
		err = look_up(p, text, cpus, why, why_size);
	if (!err)
		err = by_numbers(p, cpus);
	hwloc_bitmap_free(cpus);
	return err;
}

static char *describe(const struct pinning *p)
{
	hwloc_bitmap_t all = hwloc_bitmap_alloc();
	char *text = NULL;

	for (unsigned i = 0; all && i < p->workers; i++)
		if (hwloc_bitmap_or(all, all, p->answer.workers[i]))
			goto out;
	if (all)
		text = cpulist_text(all);
out:
	hwloc_bitmap_free(all);
	return text;
}

static int make(struct pinning *p, const struct pinning_request *request, char *why,
		size_t why_size)
{
	struct place_request wanted = {.policy = request->policy};
	char reason[256];
	int err;

	p->placement = request->cpus	? "cpus"
		       : request->place ? request->place
					: place_policy_names[request->policy];
	if (request->place && place_policy_parse(request->place, &wanted.policy, &wanted.device,
						 reason, sizeof(reason))) {
		snprintf(why, why_size, "--place: %s", reason);
		return -EINVAL;
	}
	err = bind_allowed(&p->allowed, why, why_size);
	if (err)
		return err;
	p->pinned = request->cpus || wanted.policy != PLACE_NONE;
	if (request->cpus)
		err = by_list(p, request->cpus, why, why_size);
	else if (p->pinned)
		err = by_policy(p, &wanted, why, why_size);
	else
		err = by_numbers(p, p->allowed);
	if (err)
		return err;
	p->cpus = p->pinned ? describe(p) : strdup("");
	return p->cpus ? 0 : -ENOMEM;
}

int pinning_make(struct pinning *p, const struct pinning_request *request, char *why,
		 size_t why_size)
{
	int err;

	*p = (struct pinning){.workers = request->workers};
	snprintf(why, why_size, "no memory to place the workers");
	err = make(p, request, why, why_size);
	if (err)
		pinning_release(p);
	return err;
}

int pinning_check_place(const char *text, char *why, size_t why_size)
{
	enum place_policy policy;
	const char *device;

	int err = place_policy_parse(text, &policy, &device, why, why_size);
	const char *nearest;
	size_t used;

	if (!err)
		return 0;
	nearest = units_nearest(text, place_policy_names, PLACE_NIC);
	used = strlen(why);
	if (nearest && used < why_size)
		snprintf(why + used, why_size - used, "; did you mean %s?", nearest);
	return err;
}

void pinning_decide(struct pinning *p, const struct pinning_request *request)
{
	char why[512];
	int err = pinning_make(p, request, why, sizeof(why));

	if (err)
		status_exit(err == -EINVAL || err == -ERANGE ? STATUS_USAGE : STATUS_UNABLE, "%s",
			    why);
}

void pinning_release(struct pinning *p)
{
	free(p->cpus);
	place_release(&p->answer);
	hwloc_bitmap_free(p->allowed);
	if (p->topology)
		hwloc_topology_destroy(p->topology);
	*p = (struct pinning){0};
}

int pinning_bind(const struct pinning *p, unsigned worker, char *why, size_t why_size)
{
	hwloc_const_bitmap_t cpus = p->pinned ? p->answer.workers[worker] : NULL;
	int err;

	if (!p->pinned)
		return 0;
	err = p->topology ? bind_thread(p->topology, cpus, why, why_size)
			  : bind_thread_to_numbers(p->allowed, cpus, why, why_size);
	if (!err && p->answer.nodes)
		err = bind_memory(p->answer.nodes[worker], why, why_size);
	return err;
}

bool pinning_holds(const struct pinning *p, unsigned worker)
{
	return !p->pinned || bind_holds(p->answer.workers[worker]);
}
