/* The facts of the host put together: see host_facts.h. */
#include "lab/host_facts.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lab/counters.h"
#include "lab/energy.h"
#include "lab/version.h"
#include "topology/bind.h"
#include "topology/doctor.h"
#include "topology/fingerprint.h"
#include "topology/together.h"

#define WHY 256

#define LOOKS 4 /* at the chosen CPUs together */

struct host {
	hwloc_topology_t topology;
	hwloc_bitmap_t allowed, workers, origin, chosen;
};

static void release(struct host *h)
{
	hwloc_bitmap_free(h->chosen);
	hwloc_bitmap_free(h->origin);
	hwloc_bitmap_free(h->workers);
	hwloc_bitmap_free(h->allowed);
	if (h->topology)
		hwloc_topology_destroy(h->topology);
}

/* The CPUs of a run: as the runner seats one worker and the origin, or those given. */
static int choose(struct host *h, enum place_policy policy, const char *cpus, char *why,
		  size_t why_size)
{
	struct place_request request = {.policy = policy, .workers = 1, .origin_threads = 1};
	struct place_answer answer;
	int err;

	if (cpus) {
		char reason[WHY];

		err = place_parse_cpus(h->topology, h->allowed, cpus, h->workers, reason,
				       sizeof(reason));
		if (err)
			snprintf(why, why_size, "--cpus: %s", reason);
	} else {
		err = place_decide(h->topology, h->allowed, &request, &answer, why, why_size);
		if (err)
			return err;
		err = hwloc_bitmap_copy(h->workers, answer.workers[0]) ||
				      hwloc_bitmap_copy(h->origin, answer.origin[0])
			      ? -ENOMEM
			      : 0;
		place_release(&answer);
	}
	if (!err && hwloc_bitmap_or(h->chosen, h->workers, h->origin))
		err = -ENOMEM;
	return err;
}

static int look(struct host *h, enum place_policy policy, const char *cpus, char *why,
		size_t why_size)
{
	enum bind_detail detail = cpus && strstr(cpus, "os=") ? BIND_DEVICES : BIND_PLACES;
	int err = bind_load(detail, &h->topology, why, why_size);

	if (!err)
		err = bind_allowed(&h->allowed, why, why_size);
	if (err)
		return err;
	h->workers = hwloc_bitmap_alloc();
	h->origin = hwloc_bitmap_alloc();
	h->chosen = hwloc_bitmap_alloc();
	if (!h->workers || !h->origin || !h->chosen)
		return -ENOMEM;
	return choose(h, policy, cpus, why, why_size);
}

static json_t *fingerprint(const struct host *h)
{
	const struct fingerprint_library libraries[] = {
		{"liburing", version_liburing()},
		{"openssl", OpenSSL_version(OPENSSL_VERSION_STRING)},
		{NULL, NULL},
	};
	const struct fingerprint_build build = {
		.version = version_text(),
		.commit = version_commit(),
		.compiler = version_compiler(),
		.flags = version_flags(),
		.libraries = libraries,
	};

	return fingerprint_host(&build, h->topology, h->allowed, "");
}

static int add_activity(const struct host *h, json_t *facts)
{
	const struct timespec length = {.tv_nsec = HOST_FACTS_SAMPLE_MS * 1000000L};
	json_t *before = doctor_sample(h->chosen, ""), *after;
	struct timespec begun, ended;
	int err;

	clock_gettime(CLOCK_MONOTONIC, &begun);
	nanosleep(&length, NULL);
	after = doctor_sample(h->chosen, "");
	clock_gettime(CLOCK_MONOTONIC, &ended);
	err = doctor_add_activity(facts, before, after,
				  (double)(ended.tv_sec - begun.tv_sec) +
					  (double)(ended.tv_nsec - begun.tv_nsec) / 1e9);
	json_decref(before);
	json_decref(after);
	return err;
}

/* Of the first two CPUs that were chosen; nothing where there is only one, or it cannot be said. */
static int add_together(const struct host *h, json_t *facts)
{
	int one = hwloc_bitmap_first(h->chosen);
	int other = one < 0 ? -1 : hwloc_bitmap_next(h->chosen, one);
	struct together t;

	if (other < 0 || together_look((unsigned)one, (unsigned)other, LOOKS, &t))
		return 0;
	return json_object_set_new(facts, "together",
				   json_pack("{s:i, s:i, s:f, s:f, s:f}", "one", one, "other",
					     other, "least", t.least, "median", t.median, "most",
					     t.most))
		       ? -ENOMEM
		       : 0;
}

static json_t *describe_counters(void)
{
	struct counters counters;
	struct counters_sum sum;
	char why[WHY];

	if (counters_open(&counters, why, sizeof(why)))
		return json_pack("{s:s}", "refused", why);
	sum = (struct counters_sum){.scope = counters.scope};
	counters_close(&counters);
	return json_pack("{s:s}", "scope", counters_scope_text(&sum));
}

static json_t *describe_energy(void)
{
	struct energy energy;
	json_t *object;
	char why[WHY];

	if (energy_open(&energy, "", why, sizeof(why)))
		return json_pack("{s:s}", "refused", why);
	object = json_pack("{s:i}", "packages", (int)energy.count);
	energy_close(&energy);
	return object;
}

int host_facts(enum place_policy policy, const char *cpus, json_t **facts, char *why,
	       size_t why_size)
{
	struct host h = {0};
	json_t *object = NULL;
	int err;

	snprintf(why, why_size, "no memory for the facts of this host");
	err = look(&h, policy, cpus, why, why_size);
	if (err)
		goto out;
	object = fingerprint(&h);
	err = object && !json_object_set_new(object, "schema_version",
					     json_integer(HOST_FACTS_SCHEMA_VERSION))
		      ? add_activity(&h, object)
		      : -ENOMEM;
	if (!err)
		err = add_together(&h, object);
	if (!err)
		err = doctor_add_cores(object, h.workers, h.origin, "");
	if (!err && (json_object_set_new(object, "io_uring", host_uring()) ||
		     json_object_set_new(object, "links", host_links()) ||
		     json_object_set_new(object, "counters", describe_counters()) ||
		     json_object_set_new(object, "energy", describe_energy())))
		err = -ENOMEM;
out:
	if (err) {
		json_decref(object);
		object = NULL;
	}
	*facts = object;
	release(&h);
	return err;
}
