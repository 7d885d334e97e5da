/*
 * topology/doctor*: every verdict from a made-up host, good where all is well, unknown where
 * nothing is shown; and `iolab doctor` on this host, and where the kernel forbids things.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "lab/host_facts.h"
#include "lab/status.h"
#include "tests/child.h"
#include "topology/doctor.h"
#include "topology/fingerprint.h"

#define CPUS "/sys/devices/system/cpu"

/* The network card sits on CPU 2 of a host of four, of which 0 and 1 are chosen; 3 is offline. */
#define STAT_BEFORE                                                                                \
	"cpu  9 9 9 9 9 9 9 9 0 0\ncpu0 1000 0 1000 98000 0 0 0 0 0 0\n"                           \
	"cpu1 0 0 0 100000 0 0 0 0 0 0\ncpu2 5000 0 0 95000 0 0 0 100 0 0\nprocs_running 1\n"
#define STAT_AFTER                                                                                 \
	"cpu  9 9 9 9 9 9 9 9 0 0\ncpu0 1001 0 1000 98019 0 0 0 0 0 0\n"                           \
	"cpu1 0 0 0 100020 0 0 0 0 0 0\ncpu2 5020 0 0 95000 0 0 0 120 0 0\nprocs_running 1\n"
#define IRQS_BEFORE                                                                                \
	"           CPU0       CPU1       CPU2\n"                                                  \
	"  24:         10         10        500  PCI-MSIX-0000:00:01.0   0-edge      eth0-rx\n"    \
	"  25:         10          0          0  PCI-MSIX-0000:00:02.0   0-edge      nvme0q1\n"    \
	" LOC:    1000000    1000000    1000000  Local timer interrupts\nERR:          0\n"
#define IRQS_AFTER                                                                                 \
	"           CPU0       CPU1       CPU2\n"                                                  \
	"  24:         15         15      99500  PCI-MSIX-0000:00:01.0   0-edge      eth0-rx\n"    \
	"  25:         40          0          0  PCI-MSIX-0000:00:02.0   0-edge      nvme0q1\n"    \
	" LOC:    1900000    1900000    1000000  Local timer interrupts\nERR:          0\n"
#define SOFT_BEFORE                                                                                \
	"                    CPU0       CPU1       CPU2\n"                                         \
	"      NET_RX:       1000       1000       1000\n       TIMER:          5          5     5\n"
#define SOFT_AFTER                                                                                 \
	"                    CPU0       CPU1       CPU2\n"                                         \
	"      NET_RX:       1010       1010      91000\n       TIMER:      90005      90005     5\n"

struct file {
	const char *path;
	const char *text;
};

/* A host as one would wish it. */
static const struct file wished[] = {
	{CPUS "/cpu0/cpufreq/scaling_governor", "performance\n"},
	{CPUS "/cpu1/cpufreq/scaling_governor", "performance\n"},
	{CPUS "/cpu0/cpufreq/scaling_driver", "acpi-cpufreq\n"},
	{CPUS "/cpufreq/boost", "0\n"},
	{CPUS "/cpu0/topology/thread_siblings_list", "0\n"},
	{CPUS "/cpu1/topology/thread_siblings_list", "1\n"},
	{CPUS "/cpu0/cpuidle/state0/name", "POLL\n"},
	{CPUS "/cpu0/cpuidle/state0/latency", "0\n"},
	{CPUS "/cpu0/cpuidle/state0/disable", "0\n"},
	{CPUS "/cpu1/cpuidle/state0/name", "POLL\n"},
	{CPUS "/cpu1/cpuidle/state0/latency", "0\n"},
	{CPUS "/cpu1/cpuidle/state0/disable", "0\n"},
	{CPUS "/cpu1/cpuidle/state1/name", "C1\n"},
	{CPUS "/cpu1/cpuidle/state1/latency", "2\n"},
	{CPUS "/cpu1/cpuidle/state1/disable", "0\n"},
	{CPUS "/cpu1/cpuidle/state2/name", "C6\n"},
	{CPUS "/cpu1/cpuidle/state2/latency", "133\n"},
	{CPUS "/cpu1/cpuidle/state2/disable", "1\n"},
	{CPUS "/isolated", "0-1\n"},
	{CPUS "/nohz_full", "0-2\n"},
	{CPUS "/vulnerabilities/meltdown", "Not affected\n"},
	{CPUS "/vulnerabilities/spectre_v1", "Mitigation: usercopy\n"},
	{"/sys/devices/system/clocksource/clocksource0/current_clocksource", "tsc\n"},
	{"/proc/stat", STAT_BEFORE},
	{"/proc/interrupts", IRQS_BEFORE},
	{"/proc/softirqs", SOFT_BEFORE},
	{"/proc/self/cgroup", "0::/box\n"},
	{"/sys/fs/cgroup/box/cpu.max", "max 100000\n"},
	{"/sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n"},
	{"/proc/meminfo", "MemTotal: 1000 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n"},
	{"/proc/sys/net/core/somaxconn", "4096\n"},
	{"/proc/sys/net/core/busy_poll", "0\n"},
	{"/proc/sys/net/core/busy_read", "0\n"},
	{"/proc/sys/net/ipv4/ip_local_port_range", "32768\t60999\n"},
	{"/proc/sys/net/ipv4/tcp_tw_reuse", "2\n"},
	{"/proc/sys/net/ipv4/tcp_congestion_control", "cubic\n"},
	{"/proc/sys/kernel/io_uring_disabled", "0\n"},
	{"/proc/sys/kernel/perf_event_paranoid", "1\n"},
};

/* What is different when the CPUs are looked at again. */
static const struct file later[] = {
	{"/proc/stat", STAT_AFTER},
	{"/proc/interrupts", IRQS_AFTER},
	{"/proc/softirqs", SOFT_AFTER},
};

#define WISHED (sizeof(wished) / sizeof(wished[0]))
#define LATER  (sizeof(later) / sizeof(later[0]))

static char root[64];

static void path_of(char whole[static 256], const char *path)
{
	snprintf(whole, 256, "%s%s", root, path);
}

/* text NULL: no such file */
static void put(const char *path, const char *text)
{
	char whole[256];
	FILE *file;

	path_of(whole, path);
	if (!text) {
		unlink(whole);
		return;
	}
	for (char *slash = whole + strlen(root) + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		mkdir(whole, 0700);
		*slash = '/';
	}
	file = fopen(whole, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static int make_host(void **state)
{
	(void)state;
	strcpy(root, "/tmp/test_doctor.XXXXXX");
	if (!mkdtemp(root))
		return -1;
	for (size_t i = 0; i < WISHED; i++)
		put(wished[i].path, wished[i].text);
	return 0;
}

static int remove_host(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -r %s", root);
	return system(command);
}

/* What differs from the wished host: files at first, files later, and a fact not from files. */
struct change {
	struct file files[2];
	struct file later;
	const char *fact; /* JSON, merged into the facts */
};

static void merge(json_t *into, json_t *from)
{
	const char *key;
	json_t *value;

	json_object_foreach(from, key, value)
	{
		json_t *there = json_object_get(into, key);

		if (json_is_object(there) && json_is_object(value) && json_object_size(value))
			merge(there, value);
		else
			json_object_set(into, key, value);
	}
}

static void merge_text(json_t *facts, const char *text)
{
	json_t *more = json_loads(text, 0, NULL);

	assert_non_null(more);
	merge(facts, more);
	json_decref(more);
}

static json_t *facts_with(const struct change *c)
{
	static const struct fingerprint_build build = {.version = "1"};
	hwloc_bitmap_t workers = hwloc_bitmap_alloc(), origin = hwloc_bitmap_alloc();
	hwloc_bitmap_t chosen = hwloc_bitmap_alloc(), allowed = hwloc_bitmap_alloc();
	json_t *facts, *before, *after;

	hwloc_bitmap_set(workers, 0);
	hwloc_bitmap_set(origin, 1);
	hwloc_bitmap_set_range(chosen, 0, 1);
	hwloc_bitmap_set_range(allowed, 0, 1);
	for (unsigned i = 0; i < 2; i++)
		if (c->files[i].path)
			put(c->files[i].path, c->files[i].text);
	facts = fingerprint_host(&build, NULL, allowed, root);
	before = doctor_sample(chosen, root);
	for (size_t i = 0; i < LATER; i++)
		put(later[i].path, later[i].text);
	/* What is not there at first is not there later. */
	for (unsigned i = 0; i < 2; i++)
		if (c->files[i].path && !c->files[i].text)
			put(c->files[i].path, NULL);
	if (c->later.path)
		put(c->later.path, c->later.text);
	after = doctor_sample(chosen, root);
	assert_int_equal(doctor_add_activity(facts, before, after, 0.25), 0);
	assert_int_equal(doctor_add_cores(facts, workers, origin, root), 0);
	merge_text(facts,
		   "{\"limits\": {\"open_files\": {\"soft\": 1024, \"hard\": 1048576},"
		   "\"locked_memory_bytes\": {\"soft\": 8388608, \"hard\": 8388608}},"
		   "\"counters\": {\"scope\": \"user+kernel\"}, \"energy\": {\"packages\": 1},"
		   "\"links\": {\"veth\": \"yes\", \"netem\": \"yes\", \"af_xdp\": \"yes\", "
		   "\"ktls\": \"yes\"},"
		   "\"together\": {\"one\": 0, \"other\": 1, \"least\": 1.97, \"most\": 2.0},"
		   "\"io_uring\": {\"ring\": \"yes\", \"features\": {\"defer\": \"yes\"}}}");
	if (c->fact)
		merge_text(facts, c->fact);
	for (size_t i = 0; i < WISHED; i++)
		put(wished[i].path, wished[i].text);
	for (unsigned i = 0; i < 2; i++) {
		bool is_wished = false;

		for (size_t k = 0; k < WISHED && c->files[i].path; k++)
			is_wished |= strcmp(c->files[i].path, wished[k].path) == 0;
		if (c->files[i].path && !is_wished)
			put(c->files[i].path, NULL);
	}
	json_decref(before);
	json_decref(after);
	hwloc_bitmap_free(allowed);
	hwloc_bitmap_free(chosen);
	hwloc_bitmap_free(origin);
	hwloc_bitmap_free(workers);
	return facts;
}

static const struct doctor_finding *find(const struct doctor_report *report, const char *name)
{
	for (unsigned i = 0; i < report->count; i++)
		if (strcmp(report->findings[i].name, name) == 0)
			return &report->findings[i];
	fail_msg("%s is not judged", name);
	return &report->findings[0];
}

static const struct {
	const char *name;
	enum doctor_verdict verdict;
	const char *says;
	struct change change;
} rows[] = {
	/* processor */
	{"governor",
	 DOCTOR_BAD,
	 "powersave: held at the lowest",
	 {.files = {{CPUS "/cpu0/cpufreq/scaling_governor", "powersave\n"},
		    {CPUS "/cpu1/cpufreq/scaling_governor", "powersave\n"}}}},
	{"governor",
	 DOCTOR_BAD,
	 "not clocked alike",
	 {.files = {{CPUS "/cpu1/cpufreq/scaling_governor", "schedutil\n"}}}},
	{"governor",
	 DOCTOR_WARN,
	 "schedutil: the frequency follows",
	 {.files = {{CPUS "/cpu0/cpufreq/scaling_governor", "schedutil\n"},
		    {CPUS "/cpu1/cpufreq/scaling_governor", "schedutil\n"}}}},
	{"governor",
	 DOCTOR_WARN,
	 "powersave: the frequency follows",
	 {.files = {{CPUS "/cpu0/cpufreq/scaling_driver", "intel_pstate\n"}},
	  .fact = "{\"cpu\": {\"governor\": \"powersave\"}}"}},
	{"governor",
	 DOCTOR_UNKNOWN,
	 "does not show",
	 {.files = {{CPUS "/cpu0/cpufreq/scaling_governor", NULL}}}},
	{"turbo", DOCTOR_WARN, "on: ", {.files = {{CPUS "/cpufreq/boost", "1\n"}}}},
	{"turbo",
	 DOCTOR_WARN,
	 "on: ",
	 {.files = {{CPUS "/cpufreq/boost", NULL}, {CPUS "/intel_pstate/no_turbo", "0\n"}}}},
	{"turbo", DOCTOR_UNKNOWN, "does not show", {.files = {{CPUS "/cpufreq/boost", NULL}}}},
	{"smt_siblings",
	 DOCTOR_BAD,
	 "CPU 0-1 share a core",
	 {.files = {{CPUS "/cpu0/topology/thread_siblings_list", "0-1\n"},
		    {CPUS "/cpu1/topology/thread_siblings_list", "0-1\n"}}}},
	{"smt_siblings",
	 DOCTOR_WARN,
	 "CPU 3: ",
	 {.files = {{CPUS "/cpu1/topology/thread_siblings_list", "1,3\n"}}}},
	{"smt_siblings",
	 DOCTOR_UNKNOWN,
	 "does not show",
	 {.files = {{CPUS "/cpu1/topology/thread_siblings_list", NULL}}}},
	{"two_cores",
	 DOCTOR_UNKNOWN,
	 "does not show",
	 {.fact = "{\"together\": {\"least\": \"\"}}"}},
	{"two_cores",
	 DOCTOR_GOOD,
	 "CPUs 0 and 2 at once do 1.96 times the work of one",
	 {.fact = "{\"together\": {\"one\": 0, \"other\": 2, \"least\": 1.96, \"most\": 2.01}}"}},
	{"two_cores",
	 DOCTOR_WARN,
	 "do 1.05 to 2.01 times",
	 {.fact = "{\"together\": {\"one\": 0, \"other\": 2, \"least\": 1.05, \"most\": 2.01}}"}},
	{"two_cores",
	 DOCTOR_BAD,
	 "do 1.05 to 1.11 times",
	 {.fact = "{\"together\": {\"one\": 0, \"other\": 2, \"least\": 1.05, \"most\": 1.11}}"}},
	{"idle_states", DOCTOR_GOOD, "C1 takes 2 us", {.fact = NULL}},
	{"idle_states",
	 DOCTOR_WARN,
	 "C6 takes 133 us",
	 {.files = {{CPUS "/cpu1/cpuidle/state2/disable", "0\n"}}}},
	{"idle_states",
	 DOCTOR_BAD,
	 "C6 takes 890 us",
	 {.files = {{CPUS "/cpu1/cpuidle/state2/disable", "0\n"},
		    {CPUS "/cpu1/cpuidle/state2/latency", "890\n"}}}},
	{"idle_states",
	 DOCTOR_UNKNOWN,
	 "does not show",
	 {.files = {{CPUS "/cpu0/cpuidle/state0/latency", NULL}}}},
	{"isolcpus", DOCTOR_WARN, "some of the chosen", {.files = {{CPUS "/isolated", "1\n"}}}},
	{"isolcpus", DOCTOR_WARN, "none of the chosen", {.files = {{CPUS "/isolated", "\n"}}}},
	{"isolcpus", DOCTOR_UNKNOWN, "does not show", {.files = {{CPUS "/isolated", NULL}}}},
	{"nohz_full", DOCTOR_WARN, "none of", {.files = {{CPUS "/nohz_full", "(null)\n"}}}},
	{"nohz_full", DOCTOR_UNKNOWN, "does not show", {.files = {{CPUS "/nohz_full", NULL}}}},
	{"mitigations", DOCTOR_GOOD, "1 mitigated, 1 not affected", {.fact = NULL}},
	{"mitigations",
	 DOCTOR_WARN,
	 "1 vulnerable (meltdown)",
	 {.files = {{CPUS "/vulnerabilities/meltdown", "Vulnerable\n"}}}},
	{"mitigations",
	 DOCTOR_UNKNOWN,
	 "does not show",
	 {.fact = "{\"cpu\": {\"mitigations\": {}}}"}},
	{"clocksource",
	 DOCTOR_BAD,
	 "hpet: ",
	 {.files = {{"/sys/devices/system/clocksource/clocksource0/current_clocksource",
		     "hpet\n"}}}},
	{"clocksource",
	 DOCTOR_UNKNOWN,
	 "does not show",
	 {.files = {{"/sys/devices/system/clocksource/clocksource0/current_clocksource", NULL}}}},
	/* quiet */
	{"load", DOCTOR_GOOD, "2 % busy", {.fact = NULL}},
	{"load",
	 DOCTOR_WARN,
	 "25 % busy",
	 {.later = {"/proc/stat", "cpu0 1005 0 1005 98010 0 0 0 0 0 0\ncpu1 0 0 0 100020 0 0 0 0\n"
				  "procs_running 1\n"}}},
	{"load",
	 DOCTOR_BAD,
	 "50 % busy",
	 {.later = {"/proc/stat", "cpu0 1000 5 1000 98000 0 7 8 0 0 0\ncpu1 0 0 0 100020 0 0 0 0\n"
				  "procs_running 1\n"}}},
	{"load",
	 DOCTOR_UNKNOWN,
	 "does not show",
	 {.files = {{"/proc/stat", NULL}}, .later = {"/proc/stat", NULL}}},
	{"load",
	 DOCTOR_UNKNOWN,
	 "does not show",
	 {.files = {{"/proc/stat", "cpu0 1 1 1 1 1 1 1 1\n"}}}},
	{"runnable",
	 DOCTOR_GOOD,
	 "nobody else",
	 {.later = {"/proc/stat", "cpu0 1001 0 1000 98019 0 0 0 0\nprocs_running 5\n"}}},
	{"runnable",
	 DOCTOR_WARN,
	 "1 other task ready",
	 {.files = {{"/proc/stat", "procs_running 4\n"}},
	  .later = {"/proc/stat", "procs_running 2\n"}}},
	{"runnable",
	 DOCTOR_BAD,
	 "2 other tasks ready",
	 {.files = {{"/proc/stat", "procs_running 3\n"}},
	  .later = {"/proc/stat", "procs_running 4\n"}}},
	{"runnable",
	 DOCTOR_UNKNOWN,
	 "does not show",
	 {.later = {"/proc/stat", "cpu0 1001 0 1000 98019 0 0 0 0\n"}}},
	{"interrupts", DOCTOR_GOOD, "160 a second, most of them 25 nvme0q1", {.fact = NULL}},
	{"interrupts",
	 DOCTOR_WARN,
	 "400 a second, most of them 24 eth0-rx",
	 {.later = {"/proc/interrupts", "  CPU0 CPU1 CPU2\n 24: 60 60 500 PCI 0-edge eth0-rx\n"
					" 25: 10 0 0 PCI 0-edge nvme0q1\n"}}},
	{"interrupts",
	 DOCTOR_BAD,
	 "40000 a second",
	 {.later = {"/proc/interrupts", "  CPU0 CPU1 CPU2\n 24: 10 10010 500 PCI 0-edge eth0-rx\n"
					" 25: 10 0 0 PCI 0-edge nvme0q1\n"}}},
	{"interrupts",
	 DOCTOR_UNKNOWN,
	 "does not show",
	 {.files = {{"/proc/interrupts", NULL}}, .later = {"/proc/interrupts", NULL}}},
	{"softirqs", DOCTOR_GOOD, "80 a second, most of them NET_RX", {.fact = NULL}},
	{"softirqs",
	 DOCTOR_WARN,
	 "4000 a second",
	 {.later = {"/proc/softirqs", " CPU0 CPU1 CPU2\n NET_RX: 2000 1000 0\n"}}},
	{"softirqs",
	 DOCTOR_BAD,
	 "12000 a second",
	 {.later = {"/proc/softirqs", " CPU0 CPU1 CPU2\n NET_RX: 3000 2000 0\n"}}},
	{"softirqs",
	 DOCTOR_UNKNOWN,
	 "does not show",
	 {.later = {"/proc/softirqs", "nothing of the sort\n"}}},
	{"steal",
	 DOCTOR_WARN,
	 "2 % to others now",
	 {.later = {"/proc/stat", "cpu0 1001 0 1000 98018 0 0 0 1\ncpu1 0 0 0 100020 0 0 0 0\n"}}},
	{"steal",
	 DOCTOR_WARN,
	 "nothing now, but since boot the hypervisor gave 0.25 % to others",
	 {.files = {{"/proc/stat", "cpu0 0 0 0 99500 0 0 0 500\ncpu1 0 0 0 99980 0 0 0 0\n"}},
	  .later = {"/proc/stat", "cpu0 0 0 0 99520 0 0 0 500\ncpu1 0 0 0 100000 0 0 0 0\n"}}},
	{"steal",
	 DOCTOR_BAD,
	 "25 % to others now",
	 {.later = {"/proc/stat", "cpu0 1001 0 1000 98009 0 0 0 10\ncpu1 0 0 0 100020 0 0 0 0\n"}}},
	{"steal",
	 DOCTOR_UNKNOWN,
	 "does not show",
	 {.files = {{"/proc/stat", "cpu0 0 0 0 99500\ncpu1 0 0 0 99980\n"}}}},
	{"cpu_quota",
	 DOCTOR_BAD,
	 "it has used 1.50 CPUs",
	 {.files = {{"/sys/fs/cgroup/box/cpu.max", "150000 100000\n"}}}},
	{"cpu_quota",
	 DOCTOR_WARN,
	 "it has used 2.00 CPUs",
	 {.files = {{"/sys/fs/cgroup/box/cpu.max", "200000 100000\n"}}}},
	{"cpu_quota",
	 DOCTOR_UNKNOWN,
	 "does not show",
	 {.files = {{"/sys/fs/cgroup/box/cpu.max", NULL}}}},
	/* memory and limits */
	{"transparent_hugepages",
	 DOCTOR_WARN,
	 "always: ",
	 {.files = {{"/sys/kernel/mm/transparent_hugepage/enabled", "[always] madvise never\n"}}}},
	{"transparent_hugepages",
	 DOCTOR_UNKNOWN,
	 "does not show",
	 {.files = {{"/sys/kernel/mm/transparent_hugepage/enabled", NULL}}}},
	{"swap",
	 DOCTOR_GOOD,
	 "0 of 2 MiB used",
	 {.files = {{"/proc/meminfo", "SwapTotal: 2048 kB\nSwapFree: 2048 kB\n"}}}},
	{"swap",
	 DOCTOR_WARN,
	 "1 of 2 MiB used",
	 {.files = {{"/proc/meminfo", "SwapTotal: 2048 kB\nSwapFree: 1024 kB\n"}}}},
	{"swap",
	 DOCTOR_UNKNOWN,
	 "does not show",
	 {.files = {{"/proc/meminfo", "SwapTotal: 2048 kB\n"}}}},
	{"swap", DOCTOR_UNKNOWN, "does not show", {.files = {{"/proc/meminfo", "A: 1\n"}}}},
	{"locked_memory",
	 DOCTOR_GOOD,
	 "unlimited",
	 {.fact = "{\"limits\": {\"locked_memory_bytes\": {\"soft\": \"unlimited\"}}}"}},
	{"locked_memory",
	 DOCTOR_WARN,
	 "64 KiB",
	 {.fact = "{\"limits\": {\"locked_memory_bytes\": {\"soft\": 65536}}}"}},
	{"locked_memory",
	 DOCTOR_BAD,
	 "16 KiB",
	 {.fact = "{\"limits\": {\"locked_memory_bytes\": {\"soft\": 16384}}}"}},
	{"locked_memory",
	 DOCTOR_UNKNOWN,
	 "does not show",
	 {.fact = "{\"limits\": {\"locked_memory_bytes\": {}}}"}},
	{"open_files",
	 DOCTOR_GOOD,
	 "unlimited",
	 {.fact = "{\"limits\": {\"open_files\": {\"hard\": \"unlimited\"}}}"}},
	{"open_files",
	 DOCTOR_WARN,
	 "4096 at most, and as many connections",
	 {.fact = "{\"limits\": {\"open_files\": {\"hard\": 4096}}}"}},
	{"open_files",
	 DOCTOR_BAD,
	 "1024",
	 {.fact = "{\"limits\": {\"open_files\": {\"hard\": 1024}}}"}},
	{"open_files", DOCTOR_UNKNOWN, "does not show", {.fact = "{\"limits\": {}}"}},
	/* network */
	{"somaxconn", DOCTOR_WARN, "128: ", {.files = {{"/proc/sys/net/core/somaxconn", "128\n"}}}},
	{"somaxconn", DOCTOR_BAD, "16: ", {.files = {{"/proc/sys/net/core/somaxconn", "16\n"}}}},
	{"somaxconn",
	 DOCTOR_UNKNOWN,
	 "does not show",
	 {.files = {{"/proc/sys/net/core/somaxconn", NULL}}}},
	{"somaxconn",
	 DOCTOR_UNKNOWN,
	 "does not show",
	 {.files = {{"/proc/sys/net/core/somaxconn", "4096 what\n"}}}},
	{"ephemeral_ports", DOCTOR_GOOD, "28232", {.fact = NULL}},
	{"ephemeral_ports",
	 DOCTOR_WARN,
	 "10001 at most",
	 {.files = {{"/proc/sys/net/ipv4/ip_local_port_range", "40000 50000\n"}}}},
	{"ephemeral_ports",
	 DOCTOR_BAD,
	 "1001 at most",
	 {.files = {{"/proc/sys/net/ipv4/ip_local_port_range", "40000 41000\n"}}}},
	{"ephemeral_ports",
	 DOCTOR_UNKNOWN,
	 "does not show",
	 {.files = {{"/proc/sys/net/ipv4/ip_local_port_range", NULL}}}},
	{"tcp_tw_reuse",
	 DOCTOR_WARN,
	 "off: ",
	 {.files = {{"/proc/sys/net/ipv4/tcp_tw_reuse", "0\n"}}}},
	{"tcp_tw_reuse",
	 DOCTOR_UNKNOWN,
	 "does not show",
	 {.files = {{"/proc/sys/net/ipv4/tcp_tw_reuse", NULL}}}},
	{"congestion_control",
	 DOCTOR_WARN,
	 "bbr: paces",
	 {.files = {{"/proc/sys/net/ipv4/tcp_congestion_control", "bbr\n"}}}},
	{"congestion_control",
	 DOCTOR_WARN,
	 "dctcp: not what",
	 {.files = {{"/proc/sys/net/ipv4/tcp_congestion_control", "dctcp\n"}}}},
	{"congestion_control",
	 DOCTOR_UNKNOWN,
	 "does not show",
	 {.files = {{"/proc/sys/net/ipv4/tcp_congestion_control", NULL}}}},
	{"busy_poll",
	 DOCTOR_WARN,
	 "0 and 50 us",
	 {.files = {{"/proc/sys/net/core/busy_read", "50\n"}}}},
	{"busy_poll",
	 DOCTOR_WARN,
	 "50 and 0 us",
	 {.files = {{"/proc/sys/net/core/busy_poll", "50\n"}}}},
	{"busy_poll",
	 DOCTOR_UNKNOWN,
	 "does not show",
	 {.files = {{"/proc/sys/net/core/busy_read", NULL}}}},
	/* counters */
	{"hardware_counters",
	 DOCTOR_WARN,
	 "user only (perf_event_paranoid 1)",
	 {.fact = "{\"counters\": {\"scope\": \"user\"}}"}},
	{"hardware_counters",
	 DOCTOR_WARN,
	 "none at all",
	 {.fact = "{\"counters\": {\"refused\": \"none at all\"}}"}},
	{"hardware_counters", DOCTOR_UNKNOWN, "does not show", {.fact = "{\"counters\": {}}"}},
	{"energy",
	 DOCTOR_WARN,
	 "only root",
	 {.fact = "{\"energy\": {\"refused\": \"only root\"}}"}},
	{"energy", DOCTOR_UNKNOWN, "does not show", {.fact = "{\"energy\": {}}"}},
	/* links */
	{"veth",
	 DOCTOR_WARN,
	 "not permitted: no --link veth",
	 {.fact = "{\"links\": {\"veth\": \"Operation not permitted\"}}"}},
	{"netem",
	 DOCTOR_WARN,
	 "the kernel has none: a link's latency is made by the origin",
	 {.fact = "{\"links\": {\"netem\": \"the kernel has none\"}}"}},
	{"af_xdp", DOCTOR_WARN, "no fetch-xdp", {.fact = "{\"links\": {\"af_xdp\": \"no\"}}"}},
	{"kernel_tls", DOCTOR_WARN, "--tls-io=ktls", {.fact = "{\"links\": {\"ktls\": \"no\"}}"}},
	{"veth", DOCTOR_UNKNOWN, "does not show", {.fact = "{\"links\": {}}"}},
	/* io_uring */
	{"io_uring", DOCTOR_BAD, "no ring", {.fact = "{\"io_uring\": {\"ring\": \"no ring\"}}"}},
	{"io_uring",
	 DOCTOR_WARN,
	 "io_uring_disabled=1",
	 {.files = {{"/proc/sys/kernel/io_uring_disabled", "1\n"}}}},
	{"io_uring",
	 DOCTOR_GOOD,
	 "works, and cannot",
	 {.files = {{"/proc/sys/kernel/io_uring_disabled", NULL}}}},
	{"io_uring", DOCTOR_UNKNOWN, "does not show", {.fact = "{\"io_uring\": {}}"}},
	{"defer",
	 DOCTOR_WARN,
	 "it will not",
	 {.fact = "{\"io_uring\": {\"features\": {\"defer\": \"it will not\"}}}"}},
};

/* And of all rows: what is not well names what mends it, in one line. */
static void each_verdict(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct doctor_report report;
		json_t *facts = facts_with(&rows[i].change);
		const struct doctor_finding *f;

		doctor_judge(facts, &report);
		f = find(&report, rows[i].name);
		if (f->verdict != rows[i].verdict || !strstr(f->text, rows[i].says))
			fail_msg("row %zu, %s: wanted %s, '%s'; got %s, '%s'", i, f->name,
				 doctor_verdict_names[rows[i].verdict], rows[i].says,
				 doctor_verdict_names[f->verdict], f->text);
		if ((f->mend[0] != '\0') != (f->verdict == DOCTOR_WARN || f->verdict == DOCTOR_BAD))
			fail_msg("row %zu, %s: %s, and mend is '%s'", i, f->name,
				 doctor_verdict_names[f->verdict], f->mend);
		assert_null(strchr(f->text, '\n'));
		json_decref(facts);
	}
}

static void all_is_well(void **state)
{
	static const struct change none = {.fact = NULL};
	struct doctor_report report;
	json_t *facts = facts_with(&none);

	(void)state;
	doctor_judge(facts, &report);
	for (unsigned i = 0; i < report.count; i++)
		if (report.findings[i].verdict != DOCTOR_GOOD || report.findings[i].mend[0])
			fail_msg("%s: %s, %s", report.findings[i].name,
				 doctor_verdict_names[report.findings[i].verdict],
				 report.findings[i].text);
	assert_int_equal(report.count, 32);
	assert_int_equal(report.verdicts[DOCTOR_GOOD], report.count);
	/* Each of them can be something else, too. */
	for (unsigned i = 0; i < report.count; i++) {
		bool other = false;

		for (size_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++)
			other |= strcmp(rows[k].name, report.findings[i].name) == 0 &&
				 rows[k].verdict != DOCTOR_GOOD;
		if (!other)
			fail_msg("%s was never seen but good", report.findings[i].name);
	}
	json_decref(facts);
}

static void nothing_shown_is_nothing_good(void **state)
{
	struct doctor_report report;
	hwloc_bitmap_t cpus = hwloc_bitmap_alloc();
	json_t *facts = json_object(), *before, *after;

	(void)state;
	doctor_judge(facts, &report);
	assert_int_equal(report.verdicts[DOCTOR_UNKNOWN], report.count);
	assert_true(report.count > 20);

	/* The same when there was a look at files that are not there. */
	hwloc_bitmap_set_range(cpus, 0, 1);
	before = doctor_sample(cpus, "/nowhere");
	after = doctor_sample(cpus, "/nowhere");
	assert_int_equal(doctor_add_activity(facts, before, after, 1), 0);
	assert_int_equal(doctor_add_cores(facts, cpus, cpus, "/nowhere"), 0);
	doctor_judge(facts, &report);
	assert_int_equal(report.verdicts[DOCTOR_UNKNOWN], report.count);
	json_decref(before);
	json_decref(after);
	json_decref(facts);
	hwloc_bitmap_free(cpus);
}

/* Kept in host.json, whatever the verdict needs of them. */
static void cores_as_facts(void **state)
{
	static const struct change shared = {
		.files = {{CPUS "/cpu0/topology/thread_siblings_list", "0-1,3\n"},
			  {CPUS "/cpu1/topology/thread_siblings_list", "0-1,3\n"}}};
	json_t *facts = facts_with(&shared);
	const char *workers, *origin, *sharing, *siblings;

	(void)state;
	assert_int_equal(json_unpack(facts, "{s:{s:s, s:s, s:s, s:s}}", "cores", "workers",
				     &workers, "origin", &origin, "sharing", &sharing, "siblings",
				     &siblings),
			 0);
	assert_string_equal(workers, "0");
	assert_string_equal(origin, "1");
	assert_string_equal(sharing, "0-1");
	assert_string_equal(siblings, "3");
	json_decref(facts);
}

static void mends_fit(void **state)
{
	static const struct {
		const char *name, *mend;
		struct change change;
	} mends[] = {
		{"turbo",
		 "intel_pstate/no_turbo",
		 {.files = {{CPUS "/cpufreq/boost", "1\n"},
			    {CPUS "/cpu0/cpufreq/scaling_driver", "intel_cpufreq\n"}}}},
		{"turbo", "cpufreq/boost", {.files = {{CPUS "/cpufreq/boost", "1\n"}}}},
		{"isolcpus", "isolcpus=0,1", {.files = {{CPUS "/isolated", "\n"}}}},
		{"isolcpus",
		 "a CPU to spare",
		 {.files = {{CPUS "/isolated", "\n"}}, .fact = "{\"cpu\": {\"online\": \"0-1\"}}"}},
		{"mitigations",
		 "boot without mitigations=off",
		 {.files = {{CPUS "/vulnerabilities/meltdown", "Vulnerable\n"}},
		  .fact = "{\"kernel\": {\"command_line\": \"quiet mitigations=off\"}}"}},
		{"mitigations",
		 "install current microcode",
		 {.files = {{CPUS "/vulnerabilities/meltdown", "Vulnerable\n"}}}},
		{"mitigations",
		 "the host's to mend",
		 {.files = {{CPUS "/vulnerabilities/meltdown", "Vulnerable\n"}},
		  .fact = "{\"host\": {\"hypervisor\": \"KVM\"}}"}},
		{"energy", "modprobe", {.fact = "{\"energy\": {\"refused\": \"none\"}}"}},
		{"energy",
		 "use a host",
		 {.fact = "{\"energy\": {\"refused\": \"none\"}, \"host\": {\"hypervisor\": \"KVM\"}}"}},
		{"hardware_counters",
		 "perf_event_paranoid=1",
		 {.fact = "{\"counters\": {\"refused\": \"forbidden, \"}}"}},
		{"hardware_counters",
		 "virtual PMU",
		 {.fact = "{\"counters\": {\"refused\": \"none\"}}"}},
		{"io_uring",
		 "io_uring_disabled=0",
		 {.files = {{"/proc/sys/kernel/io_uring_disabled", "2\n"}},
		  .fact = "{\"io_uring\": {\"ring\": \"no\"}}"}},
		{"veth",
		 "run as root",
		 {.fact = "{\"links\": {\"veth\": \"Operation not permitted\"}}"}},
		{"netem", "modprobe sch_netem", {.fact = "{\"links\": {\"netem\": \"none\"}}"}},
		{"io_uring", "seccomp", {.fact = "{\"io_uring\": {\"ring\": \"no\"}}"}},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(mends) / sizeof(mends[0]); i++) {
		struct doctor_report report;
		json_t *facts = facts_with(&mends[i].change);

		doctor_judge(facts, &report);
		if (!strstr(find(&report, mends[i].name)->mend, mends[i].mend))
			fail_msg("%s: '%s' is not in '%s'", mends[i].name, mends[i].mend,
				 find(&report, mends[i].name)->mend);
		json_decref(facts);
	}
}

/* --- this host ------------------------------------------------------------------------------- */

static void assert_sound(const json_t *object, int status)
{
	json_int_t version, bad, all[DOCTOR_VERDICTS] = {0};
	json_t *findings, *finding, *host;
	const char *kind;
	size_t i;

	assert_int_equal(json_unpack((json_t *)object, "{s:I, s:s, s:{s:I}, s:o, s:o}",
				     "schema_version", &version, "kind", &kind, "counts", "bad",
				     &bad, "findings", &findings, "host", &host),
			 0);
	assert_int_equal(version, DOCTOR_SCHEMA_VERSION);
	assert_string_equal(kind, "doctor");
	assert_int_equal(status, bad ? STATUS_UNTRUSTED : STATUS_DONE);
	json_array_foreach(findings, i, finding)
	{
		const char *group, *name, *verdict, *text;
		unsigned which = 0;

		assert_int_equal(json_unpack(finding, "{s:s, s:s, s:s, s:s}", "group", &group,
					     "name", &name, "verdict", &verdict, "text", &text),
				 0);
		while (which < DOCTOR_VERDICTS && strcmp(verdict, doctor_verdict_names[which]) != 0)
			which++;
		assert_true(which < DOCTOR_VERDICTS);
		all[which]++;
	}
	for (unsigned v = 0; v < DOCTOR_VERDICTS; v++)
		assert_int_equal(all[v], json_integer_value(
						 json_object_get(json_object_get(object, "counts"),
								 doctor_verdict_names[v])));
	/* The facts of host.json, and those that only the doctor needs. */
	static const char *const sections[] = {
		"iolab", "host",   "kernel",   "cpu",	   "memory",   "limits", "sysctl",
		"cores", "energy", "activity", "io_uring", "counters", "links"};

	for (i = 0; i < sizeof(sections) / sizeof(sections[0]); i++)
		assert_true(json_is_object(json_object_get(host, sections[i])));
}

static void as_a_user_runs_it(void **state)
{
	const char *iolab = strdup(child_program("iolab"));
	struct child child;
	json_t *object;
	int status;

	(void)state;
	status = child_run(&child, (const char *[]){iolab, "doctor", "--json", NULL});
	object = json_loads(child.out.text, 0, NULL);
	assert_non_null(object);
	assert_sound(object, status);
	assert_string_equal(child.err.text, "");
	json_decref(object);
	child_free(&child);

	/* One line a finding. */
	status = child_run(&child, (const char *[]){iolab, "doctor", "--cpus=0", NULL});
	assert_true(status == STATUS_DONE || status == STATUS_UNTRUSTED);
	assert_int_equal(strncmp(child.out.text, "Chosen CPUs: 0\n", 15), 0);
	assert_non_null(strstr(child.out.text, "\n  good     smt_siblings "));
	assert_non_null(strstr(child.out.text, "  io_uring "));
	assert_non_null(strstr(child.out.text, " unknown\n"));
	assert_int_equal(strstr(child.out.text, " 0 bad,") != NULL, status == STATUS_DONE);
	child_free(&child);
	free((char *)iolab);
}

static char *interfaces(void)
{
	char *text = calloc(1, 1 << 16);
	FILE *file = fopen("/proc/self/net/dev", "r");
	size_t used = 0;
	char line[512];

	assert_non_null(text);
	assert_non_null(file);
	while (fgets(line, sizeof(line), file) && used < 60000)
		used += (size_t)sprintf(text + used, "%.*s\n", (int)strcspn(line, ":"), line);
	fclose(file);
	return text;
}

/* Each is tried, or said not to be; of what was made nothing is left, no interface and no child. */
static void links_are_tried(void **state)
{
	char *before = interfaces(), *after;
	json_t *links = host_links();
	const char *veth, *name;
	json_t *answer;

	(void)state;
	assert_non_null(links);
	veth = json_string_value(json_object_get(links, "veth"));
	assert_non_null(veth);
	assert_non_null(json_string_value(json_object_get(links, "af_xdp")));
	assert_non_null(json_string_value(json_object_get(links, "ktls")));
	assert_int_equal(json_object_get(links, "netem") != NULL, strcmp(veth, "yes") == 0);
	if (geteuid() != 0)
		assert_string_not_equal(veth, "yes");
	json_object_foreach(links, name, answer) assert_true(json_string_length(answer) > 1);
	after = interfaces();
	assert_string_equal(before, after);
	assert_null(strstr(after, "iolab"));
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	json_decref(links);
	free(before);
	free(after);
}

static void wrong_command_lines(void **state)
{
	static const struct {
		const char *argument;
		int status;
	} lines[] = {{"--cpus=x", STATUS_USAGE},
		     {"--cpus=", STATUS_USAGE},
		     {"--cpus=60000", STATUS_UNABLE},
		     {"operand", STATUS_USAGE},
		     {"--ever", STATUS_USAGE}};
	struct child child;

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		assert_int_equal(
			child_run(&child, (const char *[]){child_program("iolab"), "doctor",
							   lines[i].argument, NULL}),
			lines[i].status);
		assert_true(child_one_line(child.err.text));
		assert_string_equal(child.out.text, "");
		child_free(&child);
	}
}

/* Where a container's filter forbids a system call: EPERM, as docker answers. */
static void forbid(unsigned call)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {.len = 4, .filter = filter};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		_exit(99);
}

/* Returns 0 when all is as it should be, and else what is not, to be an exit status. */
static int in_a_container(void)
{
	struct doctor_report report;
	const struct doctor_finding *ring, *counters;
	char why[512];
	json_t *facts;

	forbid(SYS_io_uring_setup);
	forbid(SYS_perf_event_open);
	if (host_facts(PLACE_CORES, NULL, &facts, why, sizeof(why)))
		return 1;
	doctor_judge(facts, &report);
	ring = find(&report, "io_uring");
	counters = find(&report, "hardware_counters");
	if (ring->verdict != DOCTOR_BAD || !strstr(ring->text, "Operation not permitted"))
		return 2;
	if (json_object_get(json_object_get(facts, "io_uring"), "features"))
		return 3;
	if (counters->verdict != DOCTOR_WARN || !strstr(counters->text, "forbidden"))
		return 4;
	json_decref(facts);
	return 0;
}

static void where_much_is_forbidden(void **state)
{
	pid_t child;
	int status;

	(void)state;
	fflush(NULL);
	child = fork();
	if (child == 0)
		_exit(in_a_container());
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 99) {
		print_message("skipped: no seccomp here\n");
		skip();
	}
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_is_well),
		cmocka_unit_test(each_verdict),
		cmocka_unit_test(cores_as_facts),
		cmocka_unit_test(mends_fit),
		cmocka_unit_test(nothing_shown_is_nothing_good),
		cmocka_unit_test(as_a_user_runs_it),
		cmocka_unit_test(links_are_tried),
		cmocka_unit_test(wrong_command_lines),
		cmocka_unit_test(where_much_is_forbidden),
	};

	return cmocka_run_group_tests(tests, make_host, remove_host);
}
