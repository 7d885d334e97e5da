/* Decides and carries out where workers run; the deciding itself is topology/'s. */
#include "lab/pinning.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lab/status.h"

static void parse(const struct pinning *p, hwloc_const_bitmap_t allowed, const char *text,
		  hwloc_bitmap_t cpus)
{
	char why[512];
	int err = place_parse_cpus(p->topology, allowed, text, cpus, why, sizeof(why));

	if (err == -EINVAL || err == -ERANGE)
		status_exit(STATUS_USAGE, "--cpus: %s", why);
	if (err)
		status_exit(STATUS_UNABLE, "--cpus: %s", why);
}

static char *describe(const struct place_answer *answer)
{
	hwloc_bitmap_t all = hwloc_bitmap_alloc();
	char *text = NULL;

	for (unsigned i = 0; all && i < answer->worker_count; i++)
		hwloc_bitmap_or(all, all, answer->workers[i]);
	if (!all || hwloc_bitmap_list_asprintf(&text, all) < 0)
		status_exit(STATUS_UNABLE, "out of memory for a CPU list");
	hwloc_bitmap_free(all);
	return text;
}

void pinning_decide(struct pinning *p, enum place_policy policy, const char *cpus, unsigned workers)
{
	struct place_request request = {.policy = policy, .workers = workers};
	hwloc_bitmap_t allowed, list = NULL;
	char why[512];

	memset(p, 0, sizeof(*p));
	p->placement = cpus ? "cpus" : place_policy_names[policy];
	if (!cpus && policy == PLACE_NONE) {
		p->cpus = strdup("");
		return;
	}
	if (bind_load(BIND_PLACES, &p->topology, why, sizeof(why)) ||
	    bind_allowed(&allowed, why, sizeof(why)))
		status_exit(STATUS_UNABLE, "%s", why);
	if (cpus) {
		list = hwloc_bitmap_alloc();
		parse(p, allowed, cpus, list);
		request.cpus = list;
	}
	if (place_decide(p->topology, allowed, &request, &p->answer, why, sizeof(why)))
		status_exit(STATUS_UNABLE, "%s", why);
	p->pinned = true;
	p->cpus = describe(&p->answer);
	hwloc_bitmap_free(list);
	hwloc_bitmap_free(allowed);
}

void pinning_release(struct pinning *p)
{
	free(p->cpus);
	if (!p->pinned)
		return;
	place_release(&p->answer);
	hwloc_topology_destroy(p->topology);
}

int pinning_bind(const struct pinning *p, unsigned worker, char *why, size_t why_size)
{
	if (!p->pinned)
		return 0;
	return bind_thread(p->topology, p->answer.workers[worker], why, why_size);
}
