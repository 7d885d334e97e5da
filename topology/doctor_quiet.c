/* What the doctor says of what else is going on: load, interrupts, steal, a quota. */
#include <stdio.h>
#include <string.h>

#include "topology/doctor_inside.h"

/* A tick in a short sample of one CPU is a few percent: no finer verdicts than that. */
#define BUSY_GOOD 0.05
#define BUSY_WARN 0.25

#define STEAL_WARN	0.05
#define STEAL_BOOT_GOOD 0.001

/* An interrupt is some microseconds: so many are below a thousandth, or above some percent. */
#define IRQS_GOOD 200
#define IRQS_WARN 10000

static void judge_load(const json_t *host, struct doctor_finding *f)
{
	double share;

	if (!doctor_number(host, "activity", "busy_share", &share))
		return;
	doctor_say(f, doctor_grade(share, BUSY_GOOD, BUSY_WARN),
		   "the chosen CPUs are %.0f %% busy before anything is measured", 100 * share);
	if (share > BUSY_GOOD)
		doctor_mend(f, "end it, or move it: ps -eo psr,pcpu,pid,comm --sort=-pcpu | head");
}

static void judge_runnable(const json_t *host, struct doctor_finding *f)
{
	double tasks, cpus;

	if (!doctor_number(host, "activity", "runnable", &tasks))
		return;
	if (tasks == 0) {
		doctor_say(f, DOCTOR_GOOD, "nobody else wants to run");
		return;
	}
	/* Where there are CPUs to spare they may run beside; where not, they run instead. */
	doctor_say(f,
		   doctor_number(host, "cpu", "allowed_count", &cpus) && tasks >= cpus
			   ? DOCTOR_BAD
			   : DOCTOR_WARN,
		   "%.0f other task%s ready to run", tasks, tasks > 1 ? "s" : "");
	doctor_mend(f, "end them, or move them: ps -eo stat,psr,pid,comm | grep ^R");
}

static void judge_rate(const json_t *host, const char *key, const char *busiest_key,
		       const char *mend, struct doctor_finding *f)
{
	const char *busiest = doctor_text(host, "activity", busiest_key);
	double rate;

	if (!doctor_number(host, "activity", key, &rate))
		return;
	doctor_say(f, doctor_grade(rate, IRQS_GOOD, IRQS_WARN), "%.0f a second%s%.60s", rate,
		   busiest ? ", most of them " : "", busiest ? busiest : "");
	if (rate > IRQS_GOOD)
		doctor_mend(f, "%s", mend);
}

static void judge_interrupts(const json_t *host, struct doctor_finding *f)
{
	judge_rate(host, "interrupts_per_s", "busiest_interrupt",
		   "systemctl stop irqbalance; echo OTHER-CPUS > /proc/irq/N/smp_affinity_list", f);
}

static void judge_softirqs(const json_t *host, struct doctor_finding *f)
{
	judge_rate(host, "softirqs_per_s", "busiest_softirq",
		   "end or move what causes them: network and disk traffic on these CPUs", f);
}

static void judge_steal(const json_t *host, struct doctor_finding *f)
{
	double now, since_boot;
	enum doctor_verdict verdict;

	if (!doctor_number(host, "activity", "steal_share", &now) ||
	    !doctor_number(host, "activity", "steal_share_since_boot", &since_boot))
		return;
	verdict = doctor_grade(now, 0, STEAL_WARN);
	if (verdict == DOCTOR_GOOD && since_boot > STEAL_BOOT_GOOD)
		verdict = DOCTOR_WARN;
	if (verdict == DOCTOR_WARN && now == 0)
		doctor_say(f, verdict,
			   "nothing now, but since boot the hypervisor gave %.2f %% to others",
			   100 * since_boot);
	else
		doctor_say(f, verdict,
			   "the hypervisor gives %.0f %% to others now, %.2f %% since boot",
			   100 * now, 100 * since_boot);
	if (verdict != DOCTOR_GOOD)
		doctor_mend(f, "use a host, or a virtual machine with CPUs of its own");
}

static void judge_quota(const json_t *host, struct doctor_finding *f)
{
	const char *quota = doctor_text(host, "cpu", "quota_us");
	double cpus, most_us, period_us;

	if (!quota)
		return;
	if (strncmp(quota, "max", 3) == 0) {
		doctor_say(f, DOCTOR_GOOD, "none");
		return;
	}
	if (sscanf(quota, "%lf %lf", &most_us, &period_us) != 2 || period_us <= 0 ||
	    !doctor_number(host, "cpu", "allowed_count", &cpus))
		return;
	doctor_say(f, most_us < cpus * period_us ? DOCTOR_BAD : DOCTOR_WARN,
		   "this cgroup is stopped when it has used %.2f CPUs", most_us / period_us);
	doctor_mend(f, "raise cpu.max of the cgroup (docker: --cpus, kubernetes: limits.cpu)");
}

const struct doctor_rule doctor_quiet_rules[] = {
	{"load", judge_load},
	{"runnable", judge_runnable},
	{"interrupts", judge_interrupts},
	{"softirqs", judge_softirqs},
	{"steal", judge_steal},
	{"cpu_quota", judge_quota},
	{NULL, NULL},
};
