/* What the doctor says of what the lab found out by trying: counters, energy, io_uring. */
#include <stdio.h>
#include <string.h>

#include "topology/doctor_inside.h"

static void judge_perf(const json_t *host, struct doctor_finding *f)
{
	const char *refused = doctor_text(host, "counters", "refused");
	const char *scope = doctor_text(host, "counters", "scope");
	const char *paranoid = doctor_text(host, "sysctl", "kernel.perf_event_paranoid");

	if (refused) {
		doctor_say(f, DOCTOR_WARN, "%.150s", refused);
		if (strstr(refused, "forbidden"))
			doctor_mend(f, "sysctl -w kernel.perf_event_paranoid=1");
		else
			doctor_mend(f, "use a host, or a virtual machine with a virtual PMU");
	} else if (scope && strcmp(scope, "user+kernel") == 0) {
		doctor_say(f, DOCTOR_GOOD, "user and kernel are counted");
	} else if (scope) {
		doctor_say(f, DOCTOR_WARN,
			   "user only (perf_event_paranoid %.8s): most of a fetch is the kernel's",
			   paranoid ? paranoid : "?");
		doctor_mend(f, "sysctl -w kernel.perf_event_paranoid=1");
	}
}

static void judge_energy(const json_t *host, struct doctor_finding *f)
{
	const char *refused = doctor_text(host, "energy", "refused");
	double packages;

	if (refused) {
		doctor_say(f, DOCTOR_WARN, "%.150s", refused);
		if (strstr(refused, "root"))
			doctor_mend(f, "run as root, or chmod a+r "
				       "/sys/class/powercap/intel-rapl:*/energy_uj");
		else if (doctor_text(host, "host", "hypervisor"))
			doctor_mend(f, "use a host: virtual machines are shown none");
		else
			doctor_mend(f, "modprobe intel_rapl_msr, on Intel's and AMD's processors");
	} else if (doctor_number(host, "energy", "packages", &packages)) {
		doctor_say(f, DOCTOR_GOOD, "RAPL, %.0f package%s", packages,
			   packages > 1 ? "s" : "");
	}
}

const struct doctor_rule doctor_counter_rules[] = {
	{"hardware_counters", judge_perf},
	{"energy", judge_energy},
	{NULL, NULL},
};

static void judge_ring(const json_t *host, struct doctor_finding *f)
{
	const char *ring = doctor_text(host, "io_uring", "ring");
	const char *disabled = doctor_text(host, "sysctl", "kernel.io_uring_disabled");

	if (!ring)
		return;
	if (strcmp(ring, "yes") != 0) {
		doctor_say(f, DOCTOR_BAD, "%.150s", ring);
		if (disabled && strcmp(disabled, "0") != 0)
			doctor_mend(f, "sysctl -w kernel.io_uring_disabled=0");
		else
			doctor_mend(f, "containers forbid it by seccomp; kernels without it are "
				       "older than 6.0");
	} else if (disabled && strcmp(disabled, "0") != 0) {
		doctor_say(f, DOCTOR_WARN, "io_uring_disabled=%.8s: works for this user only",
			   disabled);
		doctor_mend(f, "sysctl -w kernel.io_uring_disabled=0");
	} else {
		doctor_say(f, DOCTOR_GOOD, "works%s", disabled ? "" : ", and cannot be disabled");
	}
}

void doctor_judge_uring(const json_t *host, struct doctor_report *report)
{
	json_t *features = json_object_get(json_object_get(host, "io_uring"), "features");
	const char *name;
	json_t *answer;

	judge_ring(host, doctor_next(report, "io_uring", "io_uring"));
	json_object_foreach(features, name, answer)
	{
		struct doctor_finding *f = doctor_next(report, "io_uring", name);
		const char *text = json_string_value(answer);

		if (text && strcmp(text, "yes") == 0) {
			doctor_say(f, DOCTOR_GOOD, "works");
		} else if (text) {
			doctor_say(f, DOCTOR_WARN, "%.150s", text);
			doctor_mend(f, "a newer kernel; until then --uring=%s ends with status 3",
				    f->name);
		}
	}
}
