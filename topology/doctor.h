/*
 * Whether figures taken on this host can be believed. What is judged are the facts of host.json:
 * the fingerprint, and with it what doctor_add_cores() and doctor_add_activity() read of the cores
 * that a run uses. Judging is a pure function of those facts, so that it can be done again for
 * the host.json of any run, and for hosts one does not have. A fact that is not there is
 * "unknown", never "good".
 */
#ifndef TOPOLOGY_DOCTOR_H
#define TOPOLOGY_DOCTOR_H

#include <hwloc.h>
#include <jansson.h>
#include <stddef.h>

/* Of doctor_json(); goes up when a meaning changes. */
#define DOCTOR_SCHEMA_VERSION 2

/* --- facts ---------------------------------------------------------------------------------- */

/*
 * Adds "cores" to *host: the CPUs of workers and origin as lists, which of them share a core with
 * each other ("sharing") or with others ("siblings"), how long the deepest enabled idle state
 * takes to leave ("deepest_idle_us", "deepest_idle"), and whether they are isolated and free of
 * ticks ("isolated", "nohz_full": all, some, none). `root` as for the fingerprint. Returns 0 or
 * -ENOMEM.
 */
int doctor_add_cores(json_t *host, hwloc_const_bitmap_t workers, hwloc_const_bitmap_t origin,
		     const char *root);

/*
 * What happened on those CPUs so far, as a JSON object; NULL when memory is out. Two of them make
 * an activity. Both ends read a handful of files.
 */
json_t *doctor_sample(hwloc_const_bitmap_t cpus, const char *root);

/*
 * Adds "activity" to *host, from two samples that lie `seconds` apart: shares of the CPUs' time
 * ("busy_share", "steal_share"; "steal_share_since_boot"), tasks that were ready to run at both
 * ends besides the one asking ("runnable"), and a second's interrupts of devices and softirqs
 * other than the kernel's housekeeping, with the busiest one's name. Returns 0 or -ENOMEM.
 */
int doctor_add_activity(json_t *host, const json_t *before, const json_t *after, double seconds);

/* --- verdicts ------------------------------------------------------------------------------- */

enum doctor_verdict {
	DOCTOR_UNKNOWN, /* the host does not show it */
	DOCTOR_GOOD,
	DOCTOR_WARN, /* adds noise, or makes figures hard to compare */
	DOCTOR_BAD,  /* figures would be wrong, or a part of the lab does not work */
	DOCTOR_VERDICTS
};

extern const char *const doctor_verdict_names[DOCTOR_VERDICTS];

struct doctor_finding {
	const char *group;
	char name[32];
	enum doctor_verdict verdict;
	char text[192]; /* what there is and what that means, one line */
	char mend[192]; /* a command, or what to do; "" when there is nothing to mend */
};

#define DOCTOR_FINDINGS_MAX 64

struct doctor_report {
	struct doctor_finding findings[DOCTOR_FINDINGS_MAX];
	unsigned count;
	unsigned verdicts[DOCTOR_VERDICTS]; /* how many of each */
};

/*
 * Judges the facts. Besides those above, "together" (see together.h: the CPUs "one" and "other",
 * "least", "median", "most"), "io_uring" ({"ring": "yes" or the reason against it, "features":
 * {name: likewise}}), "links" ({"veth", "netem", "af_xdp", "ktls": likewise, those that could be
 * tried}), "counters" ({"scope": "user" or "user+kernel"} or {"refused": reason}) and "energy"
 * ({"packages": n} or {"refused": reason}), which the lab adds.
 */
void doctor_judge(const json_t *host, struct doctor_report *report);

/* With the facts in "host"; NULL when memory is out. */
json_t *doctor_json(const struct doctor_report *report, const json_t *host);

#endif
