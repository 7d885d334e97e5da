/* What the doctor says of the processor: speed, siblings, sleep, isolation, mitigations, clock. */
#include <stdio.h>
#include <string.h>

#include "topology/cpulist.h"
#include "topology/doctor_inside.h"
#include "topology/together.h"

/* To leave an idle state: below the first it is lost in a wake-up, above the second it is one. */
#define IDLE_GOOD_US 10
#define IDLE_WARN_US 500

static void judge_governor(const json_t *host, struct doctor_finding *f)
{
	const char *governor = doctor_text(host, "cpu", "governor");
	const char *driver = doctor_text(host, "cpu", "frequency_driver");
	/* There, "powersave" follows the load; elsewhere it is the lowest frequency there is. */
	bool follows = driver && strstr(driver, "pstate");

	if (!governor)
		return;
	if (strcmp(governor, "performance") == 0) {
		doctor_say(f, DOCTOR_GOOD, "performance");
		return;
	}
	doctor_mend(f, "cpupower frequency-set -g performance");
	if (strchr(governor, ','))
		doctor_say(f, DOCTOR_BAD, "%.80s: cores are not clocked alike", governor);
	else if (strcmp(governor, "powersave") == 0 && !follows)
		doctor_say(f, DOCTOR_BAD, "powersave: held at the lowest frequency");
	else
		doctor_say(f, DOCTOR_WARN, "%.80s: the frequency follows the load", governor);
}

static void judge_turbo(const json_t *host, struct doctor_finding *f)
{
	const json_t *boost = json_object_get(json_object_get(host, "cpu"), "boost");
	const char *driver = doctor_text(host, "cpu", "frequency_driver");

	if (json_is_false(boost))
		doctor_say(f, DOCTOR_GOOD, "off");
	if (!json_is_true(boost))
		return;
	doctor_say(f, DOCTOR_WARN, "on: the frequency depends on heat and on what else runs");
	doctor_mend(f, driver && strncmp(driver, "intel_", 6) == 0
			       ? "echo 1 > /sys/devices/system/cpu/intel_pstate/no_turbo"
			       : "echo 0 > /sys/devices/system/cpu/cpufreq/boost");
}

static void judge_smt(const json_t *host, struct doctor_finding *f)
{
	const char *sharing = doctor_text(host, "cores", "sharing");
	const char *siblings = doctor_text(host, "cores", "siblings");

	if (!sharing || !siblings)
		return;
	if (*sharing) {
		doctor_say(f, DOCTOR_BAD, "CPU %.80s share a core: they take it from each other",
			   sharing);
		doctor_mend(f, "choose CPUs of different cores; iolab topology shows them");
	} else if (*siblings) {
		doctor_say(f, DOCTOR_WARN, "CPU %.80s: what runs there takes half a core away",
			   siblings);
		doctor_mend(f, "echo off > /sys/devices/system/cpu/smt/control");
	} else {
		doctor_say(f, DOCTOR_GOOD, "each chosen CPU has its core to itself");
	}
}

/* What the kernel's tables cannot know in a virtual machine. */
static void judge_together(const json_t *host, struct doctor_finding *f)
{
	double one, other, least, most;

	if (!doctor_number(host, "together", "one", &one) ||
	    !doctor_number(host, "together", "other", &other) ||
	    !doctor_number(host, "together", "least", &least) ||
	    !doctor_number(host, "together", "most", &most))
		return;
	if (least >= TOGETHER_TWO_CORES) {
		doctor_say(f, DOCTOR_GOOD, "CPUs %g and %g at once do %.2f times the work of one",
			   one, other, least);
		return;
	}
	doctor_say(f, most < TOGETHER_TWO_CORES ? DOCTOR_BAD : DOCTOR_WARN,
		   "CPUs %g and %g at once do %.2f to %.2f times the work of one: they share a "
		   "core%s",
		   one, other, least, most, most < TOGETHER_TWO_CORES ? "" : " at times");
	doctor_mend(f, "in a virtual machine, ask for cores of its own; run more blocks");
}

static void judge_idle(const json_t *host, struct doctor_finding *f)
{
	const char *state = doctor_text(host, "cores", "deepest_idle");
	double us;

	if (!doctor_number(host, "cores", "deepest_idle_us", &us))
		return;
	doctor_say(f, doctor_grade(us, IDLE_GOOD_US, IDLE_WARN_US),
		   "%.40s takes %.0f us to leave%s", state ? state : "the deepest state", us,
		   us > IDLE_GOOD_US ? ": the first answer after a sleep is late" : "");
	if (us > IDLE_GOOD_US)
		doctor_mend(f, "cpupower idle-set -D %d", IDLE_GOOD_US);
}

/* Whether this host has CPUs besides those: only then can it keep its other tasks off them. */
static bool leaves_others(const json_t *host, const char *workers, const char *origin)
{
	const char *online = doctor_text(host, "cpu", "online");
	const char *chosen[] = {workers, origin};
	hwloc_bitmap_t left = hwloc_bitmap_alloc(), cpus = hwloc_bitmap_alloc();
	bool others = true;
	char why[128];

	if (left && cpus && online && cpulist_parse(online, left, why, sizeof(why)) == 0) {
		for (unsigned i = 0; i < 2; i++)
			if (chosen[i] && *chosen[i] &&
			    cpulist_parse(chosen[i], cpus, why, sizeof(why)) == 0)
				hwloc_bitmap_andnot(left, left, cpus);
		others = !hwloc_bitmap_iszero(left);
	}
	hwloc_bitmap_free(left);
	hwloc_bitmap_free(cpus);
	return others;
}

/* all, some, none of the chosen CPUs */
static void judge_share(const json_t *host, const char *key, const char *means, const char *boot,
			struct doctor_finding *f)
{
	const char *share = doctor_text(host, "cores", key);
	const char *workers = doctor_text(host, "cores", "workers");
	const char *origin = doctor_text(host, "cores", "origin");

	if (!share)
		return;
	if (strcmp(share, "all") == 0) {
		doctor_say(f, DOCTOR_GOOD, "all chosen CPUs");
		return;
	}
	doctor_say(f, DOCTOR_WARN, "%s of the chosen CPUs: %s", share, means);
	if (leaves_others(host, workers, origin))
		doctor_mend(f, "boot with %s=%.60s%s%.60s", boot, workers ? workers : "LIST",
			    origin && *origin ? "," : "", origin ? origin : "");
	else
		doctor_mend(f, "a host with a CPU to spare: here the chosen ones are all");
}

static void judge_isolation(const json_t *host, struct doctor_finding *f)
{
	judge_share(host, "isolated", "the scheduler may put other tasks there", "isolcpus", f);
}

static void judge_ticks(const json_t *host, struct doctor_finding *f)
{
	judge_share(host, "nohz_full", "the timer interrupts a running task", "nohz_full", f);
}

static void judge_mitigations(const json_t *host, struct doctor_finding *f)
{
	const json_t *all = json_object_get(json_object_get(host, "cpu"), "mitigations");
	const char *command_line = doctor_text(host, "kernel", "command_line");
	unsigned mitigated = 0, vulnerable = 0;
	const char *name, *first = "";
	json_t *state;

	json_object_foreach((json_t *)all, name, state)
	{
		const char *text = json_string_value(state);

		mitigated += text && strncmp(text, "Mitigation", 10) == 0;
		if (text && strncmp(text, "Vulnerable", 10) == 0 && !vulnerable++)
			first = name;
	}
	if (json_object_size(all) == 0)
		return;
	if (!vulnerable) {
		doctor_say(f, DOCTOR_GOOD, "%u mitigated, %u not affected", mitigated,
			   (unsigned)json_object_size(all) - mitigated);
		return;
	}
	doctor_say(f, DOCTOR_WARN,
		   "%u vulnerable (%.40s%s): calls may cost less than on hosts that mitigate",
		   vulnerable, first, vulnerable > 1 ? ", ..." : "");
	if (command_line && strstr(command_line, "mitigations=off"))
		doctor_mend(f, "boot without mitigations=off");
	else if (doctor_text(host, "host", "hypervisor"))
		doctor_mend(f, "the host's to mend, by its microcode and what it passes on; "
			       "compare with figures of this machine only");
	else
		doctor_mend(f, "install current microcode (amd64-microcode or intel-microcode)");
}

static void judge_clock(const json_t *host, struct doctor_finding *f)
{
	static const char *const fast[] = {"tsc",
					   "kvm-clock",
					   "hyperv_clocksource_tsc_page",
					   "arch_sys_counter",
					   "riscv_clocksource",
					   NULL};
	const char *clock = doctor_text(host, "kernel", "clocksource");

	if (!clock)
		return;
	for (unsigned i = 0; fast[i]; i++) {
		if (strcmp(clock, fast[i]) == 0) {
			doctor_say(f, DOCTOR_GOOD, "%s", clock);
			return;
		}
	}
	doctor_say(f, DOCTOR_BAD, "%.80s: reading it is a system call, or worse", clock);
	doctor_mend(f, "echo tsc > "
		       "/sys/devices/system/clocksource/clocksource0/current_clocksource");
}

const struct doctor_rule doctor_processor_rules[] = {
	{"governor", judge_governor}, {"turbo", judge_turbo},
	{"smt_siblings", judge_smt},  {"two_cores", judge_together},
	{"idle_states", judge_idle},  {"isolcpus", judge_isolation},
	{"nohz_full", judge_ticks},   {"mitigations", judge_mitigations},
	{"clocksource", judge_clock}, {NULL, NULL},
};
