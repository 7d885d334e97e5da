/*
 * The host's fingerprint. A figure without the kernel, the mitigations and the governor it was
 * taken under cannot be compared with another; this puts them beside it. Facts are rows of a
 * table where a file holds the answer, and small functions where it needs reading.
 */
#include "topology/fingerprint.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "topology/bind.h"
#include "topology/cpulist.h"
#include "topology/facts.h"
#include "topology/hypervisor.h"

#define CPU_DIRECTORY "/sys/devices/system/cpu"

struct fact {
	const char *key;
	const char *path;
};

static void set_files(json_t *object, const char *root, const struct fact *facts)
{
	for (; facts->key; facts++)
		facts_set_file(object, facts->key, root, facts->path);
}

static json_t *describe_build(const struct fingerprint_build *build)
{
	json_t *object = json_object();

	facts_set_text(object, "version", build->version);
	facts_set_text(object, "commit", build->commit);
	facts_set_text(object, "compiler", build->compiler);
	facts_set_text(object, "flags", build->flags);
	return object;
}

static json_t *describe_host(const char *root)
{
	static const struct fact files[] = {
		{"name", "/proc/sys/kernel/hostname"},
		{"vendor", "/sys/class/dmi/id/sys_vendor"},
		{"product", "/sys/class/dmi/id/product_name"},
		{NULL, NULL},
	};
	json_t *object = json_object();
	char text[FACTS_TEXT_SIZE];

	set_files(object, root, files);
	if (facts_find(root, "/etc/os-release", "PRETTY_NAME", '=', text))
		facts_set_text(object, "distribution", text);
	if (hypervisor_name(root, text))
		facts_set_text(object, "hypervisor", text);
	return object;
}

/* The word in brackets of "always [madvise] never". */
static void set_chosen(json_t *object, const char *key, const char *root, const char *path)
{
	char text[FACTS_TEXT_SIZE];
	char *from, *to;

	if (!facts_read(root, path, text))
		return;
	from = strchr(text, '[');
	to = from ? strchr(from, ']') : NULL;
	if (!to)
		return;
	*to = '\0';
	facts_set_text(object, key, from + 1);
}

static json_t *describe_kernel(const char *root)
{
	static const struct fact files[] = {
		{"release", "/proc/sys/kernel/osrelease"},
		{"version", "/proc/sys/kernel/version"},
		{"clocksource", "/sys/devices/system/clocksource/clocksource0/current_clocksource"},
		{NULL, NULL},
	};
	json_t *object = json_object();
	char text[FACTS_TEXT_SIZE];
	struct utsname names;

	set_files(object, root, files);
	if (facts_read(root, "/proc/cmdline", text)) {
		char *for_init = strstr(text, " -- ");

		/* What follows is init's: it moves no figure, and may be nobody's business. */
		if (for_init)
			*for_init = '\0';
		facts_set_text(object, "command_line", text);
	}
	if (uname(&names) == 0)
		facts_set_text(object, "architecture", names.machine);
	set_chosen(object, "transparent_hugepage", root,
		   "/sys/kernel/mm/transparent_hugepage/enabled");
	return object;
}

static int by_visible_name(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static void set_mitigations(json_t *object, const char *root)
{
	static const char directory[] = CPU_DIRECTORY "/vulnerabilities";
	struct dirent **entries = NULL;
	json_t *mitigations;
	char path[FACTS_TEXT_SIZE];
	int count;

	snprintf(path, sizeof(path), "%s%s", root, directory);
	count = scandir(path, &entries, by_visible_name, alphasort);
	if (count < 0)
		return;
	mitigations = json_object();
	for (int i = 0; i < count; i++) {
		snprintf(path, sizeof(path), "%s/%s", directory, entries[i]->d_name);
		facts_set_file(mitigations, entries[i]->d_name, root, path);
		free(entries[i]);
	}
	free(entries);
	(void)json_object_set_new(object, "mitigations", mitigations);
}

/* The governors of the allowed CPUs: one name, or each that occurs, with commas between. */
static void set_governor(json_t *object, const char *root, hwloc_const_bitmap_t allowed)
{
	char all[256] = "", path[128], text[FACTS_TEXT_SIZE];

	for (int cpu = hwloc_bitmap_first(allowed); cpu >= 0;
	     cpu = hwloc_bitmap_next(allowed, cpu)) {
		size_t used = strlen(all);

		snprintf(path, sizeof(path), CPU_DIRECTORY "/cpu%d/cpufreq/scaling_governor", cpu);
		if (!facts_read(root, path, text))
			break; /* a host without frequencies has none on any CPU */
		if (!strstr(all, text))
			snprintf(all + used, sizeof(all) - used, "%s%.32s", used ? "," : "", text);
	}
	facts_set_text(object, "governor", all);
}

static void set_boost(json_t *object, const char *root)
{
	char text[FACTS_TEXT_SIZE];

	if (facts_read(root, CPU_DIRECTORY "/cpufreq/boost", text))
		(void)json_object_set_new(object, "boost", json_boolean(*text == '1'));
	else if (facts_read(root, CPU_DIRECTORY "/intel_pstate/no_turbo", text))
		(void)json_object_set_new(object, "boost", json_boolean(*text == '0'));
}

/* What this process' own cgroup may use: "max 100000" or "quota period", in microseconds. */
static void set_quota(json_t *object, const char *root)
{
	char group[FACTS_TEXT_SIZE], path[FACTS_TEXT_SIZE + 32];

	if (!facts_find(root, "/proc/self/cgroup", "0:", ':', group))
		return;
	snprintf(path, sizeof(path), "/sys/fs/cgroup%s/cpu.max",
		 strcmp(group, "/") == 0 ? "" : group);
	facts_set_file(object, "quota_us", root, path);
}

static void set_shape(json_t *object, hwloc_topology_t topology)
{
	static const struct {
		const char *key;
		hwloc_obj_type_t type;
	} rows[] = {
		{"packages", HWLOC_OBJ_PACKAGE},  {"numa_nodes", HWLOC_OBJ_NUMANODE},
		{"l3_caches", HWLOC_OBJ_L3CACHE}, {"cores", HWLOC_OBJ_CORE},
		{"cpus", HWLOC_OBJ_PU},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int count = hwloc_get_nbobjs_by_type(topology, rows[i].type);

		if (count > 0)
			(void)json_object_set_new(object, rows[i].key, json_integer(count));
	}
}

static json_t *describe_cpu(const char *root, hwloc_topology_t topology,
			    hwloc_const_bitmap_t allowed)
{
	static const struct fact files[] = {
		{"online", CPU_DIRECTORY "/online"},
		{"isolated", CPU_DIRECTORY "/isolated"},
		{"nohz_full", CPU_DIRECTORY "/nohz_full"},
		{"smt", CPU_DIRECTORY "/smt/control"},
		{"frequency_driver", CPU_DIRECTORY "/cpu0/cpufreq/scaling_driver"},
		{"idle_driver", CPU_DIRECTORY "/cpuidle/current_driver"},
		{NULL, NULL},
	};
	json_t *object = json_object();
	char text[FACTS_TEXT_SIZE];
	char *list = cpulist_text(allowed);

	/* The first processor speaks for all. */
	if (facts_find(root, "/proc/cpuinfo", "model name", ':', text))
		facts_set_text(object, "model", text);
	if (facts_find(root, "/proc/cpuinfo", "microcode", ':', text))
		facts_set_text(object, "microcode", text);
	facts_set_text(object, "allowed", list);
	free(list);
	(void)json_object_set_new(object, "allowed_count",
				  json_integer(hwloc_bitmap_weight(allowed)));
	if (topology)
		set_shape(object, topology);
	set_files(object, root, files);
	set_governor(object, root, allowed);
	set_boost(object, root);
	set_quota(object, root);
	set_mitigations(object, root);
	return object;
}

static json_t *describe_memory(const char *root)
{
	static const struct fact rows[] = {{"total_kib", "MemTotal"},
					   {"swap_kib", "SwapTotal"},
					   {"swap_free_kib", "SwapFree"},
					   {NULL, NULL}};
	json_t *object = json_object();
	char text[FACTS_TEXT_SIZE];

	for (const struct fact *row = rows; row->key; row++)
		if (facts_find(root, "/proc/meminfo", row->path, ':', text) &&
		    isdigit((unsigned char)*text))
			(void)json_object_set_new(object, row->key,
						  json_integer(strtoll(text, NULL, 10)));
	return object;
}

static json_t *describe_limit(rlim_t limit)
{
	return limit == RLIM_INFINITY ? json_string("unlimited") : json_integer((json_int_t)limit);
}

static json_t *describe_limits(void)
{
	static const struct {
		const char *key;
		int resource;
	} rows[] = {{"open_files", RLIMIT_NOFILE}, {"locked_memory_bytes", RLIMIT_MEMLOCK}};
	json_t *object = json_object();

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rlimit limit;

		if (getrlimit(rows[i].resource, &limit) == 0)
			(void)json_object_set_new(object, rows[i].key,
						  json_pack("{s:o, s:o}", "soft",
							    describe_limit(limit.rlim_cur), "hard",
							    describe_limit(limit.rlim_max)));
	}
	return object;
}

/* Named as sysctl names them; values as text, because some are lists. */
static json_t *describe_sysctl(const char *root)
{
	static const char *const names[] = {
		"kernel.io_uring_disabled",
		"kernel.io_uring_group",
		"kernel.numa_balancing",
		"kernel.sched_autogroup_enabled",
		"kernel.timer_migration",
		"kernel.perf_event_paranoid",
		"vm.swappiness",
		"net.core.somaxconn",
		"net.core.busy_poll",
		"net.core.busy_read",
		"net.core.rmem_max",
		"net.core.wmem_max",
		"net.core.default_qdisc",
		"net.ipv4.ip_local_port_range",
		"net.ipv4.tcp_rmem",
		"net.ipv4.tcp_wmem",
		"net.ipv4.tcp_congestion_control",
		"net.ipv4.tcp_max_syn_backlog",
		"net.ipv4.tcp_fin_timeout",
		"net.ipv4.tcp_tw_reuse",
		"net.ipv4.tcp_timestamps",
		"kernel.nmi_watchdog",
	};
	json_t *object = json_object();

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char path[128];

		snprintf(path, sizeof(path), "/proc/sys/%s", names[i]);
		for (char *dot = path; (dot = strchr(dot, '.'));)
			*dot = '/';
		facts_set_file(object, names[i], root, path);
	}
	return object;
}

static json_t *describe_libraries(const struct fingerprint_build *build, hwloc_topology_t topology)
{
	json_t *object = json_object();

	/* The library that is running says so in the topology; the header's is another matter. */
	if (topology)
		facts_set_text(
			object, "hwloc",
			hwloc_obj_get_info_by_name(hwloc_get_root_obj(topology), "hwlocVersion"));
	facts_set_text(object, "jansson", jansson_version_str());
	for (const struct fingerprint_library *l = build->libraries; l && l->name; l++)
		facts_set_text(object, l->name, l->version);
	return object;
}

json_t *fingerprint_host(const struct fingerprint_build *build, hwloc_topology_t topology,
			 hwloc_const_bitmap_t allowed, const char *root)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "iolab", describe_build(build),
			 "host", describe_host(root), "kernel", describe_kernel(root), "cpu",
			 describe_cpu(root, topology, allowed), "memory", describe_memory(root),
			 "limits", describe_limits(), "sysctl", describe_sysctl(root), "libraries",
			 describe_libraries(build, topology));
}

/* Written in one go from memory, so that a full disk is noticed. */
static int write_file(const char *path, const char *text, size_t length)
{
	FILE *file = fopen(path, "we");
	struct stat status;
	int err = 0;

	if (!file)
		return -errno;
	if (fwrite(text, 1, length, file) != length)
		err = errno ? -errno : -EIO;
	if (fclose(file) && !err)
		err = -errno;
	if (err && lstat(path, &status) == 0 && S_ISREG(status.st_mode))
		(void)unlink(path);
	return err;
}

int fingerprint_export_topology(const char *path, char *why, size_t why_size)
{
	hwloc_topology_t topology;
	char *text;
	int length;
	int err = bind_load(BIND_EVERYTHING, &topology, why, why_size);

	if (err)
		return err;
	if (hwloc_topology_export_xmlbuffer(topology, &text, &length, 0)) {
		err = errno ? -errno : -EIO;
		snprintf(why, why_size, "hwloc cannot put the topology into XML: %s",
			 strerror(-err));
	} else {
		/* hwloc counts the final NUL. */
		err = write_file(path, text, strlen(text));
		if (err)
			snprintf(why, why_size, "cannot write the topology to %s: %s", path,
				 strerror(-err));
		hwloc_free_xmlbuffer(topology, text);
	}
	hwloc_topology_destroy(topology);
	return err;
}
