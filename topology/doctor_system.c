/* What the doctor says of memory, limits and the network's settings. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "topology/doctor_inside.h"

/* Connections at once that the lab's plans ask for, and that one wants at least. */
#define FILES_GOOD 65536
#define FILES_WARN 2048

#define LOCKED_GOOD (8.0 * 1024 * 1024)
#define LOCKED_WARN (64.0 * 1024)

#define BACKLOG_GOOD 4096
#define BACKLOG_WARN 128

/* The kernel's own range has 28232. */
#define PORTS_GOOD 28000
#define PORTS_WARN 10000

static void judge_hugepages(const json_t *host, struct doctor_finding *f)
{
	const char *when = doctor_text(host, "kernel", "transparent_hugepage");

	if (!when)
		return;
	if (strcmp(when, "always") != 0) {
		doctor_say(f, DOCTOR_GOOD, "%.40s", when);
		return;
	}
	doctor_say(f, DOCTOR_WARN, "always: the kernel may move memory while it is measured");
	doctor_mend(f, "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled");
}

static void judge_swap(const json_t *host, struct doctor_finding *f)
{
	double all, free;

	if (!doctor_number(host, "memory", "swap_kib", &all))
		return;
	if (all == 0) {
		doctor_say(f, DOCTOR_GOOD, "none");
		return;
	}
	if (!doctor_number(host, "memory", "swap_free_kib", &free))
		return;
	doctor_say(f, free < all ? DOCTOR_WARN : DOCTOR_GOOD, "%.0f of %.0f MiB used",
		   (all - free) / 1024, all / 1024);
	if (free < all)
		doctor_mend(f, "swapoff -a");
}

/* A limit's "soft" or "hard" in its unit, infinite when unlimited. */
static bool limit(const json_t *host, const char *name, const char *which, double *value)
{
	const json_t *limits = json_object_get(json_object_get(host, "limits"), name);

	*value = INFINITY;
	if (json_is_string(json_object_get(limits, which)))
		return true;
	return doctor_number(json_object_get(host, "limits"), name, which, value);
}

static void judge_locked(const json_t *host, struct doctor_finding *f)
{
	double bytes;

	if (!limit(host, "locked_memory_bytes", "soft", &bytes))
		return;
	if (isinf(bytes))
		doctor_say(f, DOCTOR_GOOD, "unlimited");
	else
		doctor_say(f, doctor_grade(-bytes, -LOCKED_GOOD, -LOCKED_WARN), "%.0f KiB%s",
			   bytes / 1024,
			   bytes < LOCKED_GOOD ? ": io_uring may lack memory for its buffers" : "");
	if (bytes < LOCKED_GOOD)
		doctor_mend(f, "ulimit -l unlimited");
}

static void judge_files(const json_t *host, struct doctor_finding *f)
{
	double files;

	/* The programs raise the soft limit themselves. */
	if (!limit(host, "open_files", "hard", &files))
		return;
	if (isinf(files))
		doctor_say(f, DOCTOR_GOOD, "unlimited");
	else
		doctor_say(f, doctor_grade(-files, -FILES_GOOD, -FILES_WARN), "%.0f%s", files,
			   files < FILES_GOOD ? " at most, and as many connections" : "");
	if (files < FILES_GOOD)
		doctor_mend(f, "ulimit -n 1048576 as root, or nofile in /etc/security/limits.conf");
}

static void judge_backlog(const json_t *host, struct doctor_finding *f)
{
	double most;

	if (!doctor_number(host, "sysctl", "net.core.somaxconn", &most))
		return;
	doctor_say(f, doctor_grade(-most, -BACKLOG_GOOD, -BACKLOG_WARN), "%.0f%s", most,
		   most < BACKLOG_GOOD ? ": more connections opened at once wait a second" : "");
	if (most < BACKLOG_GOOD)
		doctor_mend(f, "sysctl -w net.core.somaxconn=%d", BACKLOG_GOOD);
}

static void judge_ports(const json_t *host, struct doctor_finding *f)
{
	const char *range = doctor_text(host, "sysctl", "net.ipv4.ip_local_port_range");
	double first, last, ports;

	if (!range || sscanf(range, "%lf %lf", &first, &last) != 2)
		return;
	ports = last - first + 1;
	doctor_say(
		f, doctor_grade(-ports, -PORTS_GOOD, -PORTS_WARN), "%.0f%s", ports,
		ports < PORTS_GOOD
			? " at most, and as many connections to one address, closed ones included"
			: "");
	if (ports < PORTS_GOOD)
		doctor_mend(f, "sysctl -w net.ipv4.ip_local_port_range=\"10000 65535\"");
}

static void judge_reuse(const json_t *host, struct doctor_finding *f)
{
	double reuse;

	if (!doctor_number(host, "sysctl", "net.ipv4.tcp_tw_reuse", &reuse))
		return;
	if (reuse > 0) {
		doctor_say(f, DOCTOR_GOOD, reuse > 1 ? "on loopback" : "on");
		return;
	}
	doctor_say(f, DOCTOR_WARN, "off: a port is gone for a minute after each connection");
	doctor_mend(f, "sysctl -w net.ipv4.tcp_tw_reuse=2");
}

static void judge_congestion(const json_t *host, struct doctor_finding *f)
{
	const char *control = doctor_text(host, "sysctl", "net.ipv4.tcp_congestion_control");

	if (!control)
		return;
	if (strcmp(control, "cubic") == 0 || strcmp(control, "reno") == 0) {
		doctor_say(f, DOCTOR_GOOD, "%s", control);
		return;
	}
	doctor_say(f, DOCTOR_WARN,
		   strncmp(control, "bbr", 3) == 0
			   ? "%.40s: paces by timers, on loopback too; large bodies wait for them"
			   : "%.40s: not what most hosts use",
		   control);
	doctor_mend(f, "sysctl -w net.ipv4.tcp_congestion_control=cubic");
}

static void judge_busy_poll(const json_t *host, struct doctor_finding *f)
{
	double poll, read;

	if (!doctor_number(host, "sysctl", "net.core.busy_poll", &poll) ||
	    !doctor_number(host, "sysctl", "net.core.busy_read", &read))
		return;
	if (poll == 0 && read == 0) {
		doctor_say(f, DOCTOR_GOOD, "off");
		return;
	}
	doctor_say(f, DOCTOR_WARN, "%.0f and %.0f us: what is to sleep spins first", poll, read);
	doctor_mend(f, "sysctl -w net.core.busy_poll=0 net.core.busy_read=0");
}

const struct doctor_rule doctor_memory_rules[] = {
	{"transparent_hugepages", judge_hugepages},
	{"swap", judge_swap},
	{"locked_memory", judge_locked},
	{"open_files", judge_files},
	{NULL, NULL},
};

const struct doctor_rule doctor_network_rules[] = {
	{"somaxconn", judge_backlog},	{"ephemeral_ports", judge_ports},
	{"tcp_tw_reuse", judge_reuse},	{"congestion_control", judge_congestion},
	{"busy_poll", judge_busy_poll}, {NULL, NULL},
};
