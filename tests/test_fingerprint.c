/*
 * topology/fingerprint: facts are read as they stand, from a made-up host whose files are known,
 * and what a host does not show is absent.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "topology/bind.h"
#include "topology/fingerprint.h"

static char root[64];

static const struct {
	const char *path;
	const char *text;
} files[] = {
	{"/proc/sys/kernel/hostname", "lab7\n"},
	{"/proc/sys/kernel/osrelease", "6.12.1-test\n"},
	{"/proc/sys/kernel/io_uring_disabled", "2\n"},
	{"/proc/sys/net/core/somaxconn", "4096\n"},
	{"/proc/sys/net/ipv4/tcp_rmem", "4096\t131072\t6291456\n"},
	{"/proc/cmdline", "quiet isolcpus=2-3 -- --token=secret\n"},
	{"/proc/cpuinfo", "processor\t: 0\nmodel name\t: Test CPU  9000\nmicrocode\t: 0x2b\n"
			  "flags\t\t: fpu sse2\n\nprocessor\t: 1\nmodel name\t: Other\n"},
	{"/proc/meminfo", "MemTotal:       16384000 kB\nMemFree: 1 kB\nSwapTotal:   0 kB\n"},
	{"/proc/self/cgroup", "0::/box\n"},
	{"/sys/fs/cgroup/box/cpu.max", "150000 100000\n"},
	{"/etc/os-release", "NAME=\"Debian\"\nPRETTY_NAME=\"Debian GNU/Linux 13 (trixie)\"\n"},
	{"/sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n"},
	{"/sys/devices/system/cpu/vulnerabilities/meltdown", "Mitigation: PTI\n"},
	{"/sys/devices/system/cpu/vulnerabilities/l1tf", "Not affected\n"},
	{"/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "performance\n"},
	{"/sys/devices/system/cpu/cpu1/cpufreq/scaling_governor", "powersave\n"},
	{"/sys/devices/system/cpu/cpu2/cpufreq/scaling_governor", "ondemand\n"},
	{"/sys/devices/system/cpu/intel_pstate/no_turbo", "1\n"},
	/* Not UTF-8: no fact at all rather than a mangled one. */
	{"/sys/class/dmi/id/product_name", "\xff\xfe\n"},
};

static void write_under(const char *path, const char *text)
{
	char whole[256];
	FILE *file;

	snprintf(whole, sizeof(whole), "%s%s", root, path);
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
	strcpy(root, "/tmp/test_fingerprint.XXXXXX");
	if (!mkdtemp(root))
		return -1;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		write_under(files[i].path, files[i].text);
	return 0;
}

static int remove_host(void **state)
{
	char whole[256];

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(whole, sizeof(whole), "%s%s", root, files[i].path);
		(void)unlink(whole);
		/* The directories above go as they become empty. */
		while (strlen(whole) > strlen(root)) {
			*strrchr(whole, '/') = '\0';
			if (rmdir(whole))
				break;
		}
	}
	return access(root, F_OK) == 0 ? -1 : 0;
}

static json_t *find(json_t *object, const char *section, const char *key)
{
	return json_object_get(json_object_get(object, section), key);
}

static void assert_text(json_t *object, const char *section, const char *key, const char *text)
{
	const char *found = json_string_value(find(object, section, key));

	if (!found)
		fail_msg("%s.%s is absent", section, key);
	assert_string_equal(found, text);
}

static void a_known_host(void **state)
{
	static const struct fingerprint_library libraries[] = {
		{"liburing", "2.9"}, {"openssl", NULL}, {NULL, NULL}};
	static const struct fingerprint_build build = {
		.version = "1.2", .compiler = "gcc 14", .commit = "", .libraries = libraries};
	hwloc_bitmap_t allowed = hwloc_bitmap_alloc();
	json_t *object;

	(void)state;
	hwloc_bitmap_set_range(allowed, 0, 1);
	object = fingerprint_host(&build, NULL, allowed, root);
	assert_non_null(object);
	assert_text(object, "iolab", "version", "1.2");
	assert_text(object, "iolab", "compiler", "gcc 14");
	assert_text(object, "host", "name", "lab7");
	assert_text(object, "host", "distribution", "Debian GNU/Linux 13 (trixie)");
	assert_text(object, "kernel", "release", "6.12.1-test");
	assert_text(object, "kernel", "command_line", "quiet isolcpus=2-3");
	assert_text(object, "kernel", "transparent_hugepage", "madvise");
	assert_text(object, "cpu", "model", "Test CPU 9000");
	assert_text(object, "cpu", "microcode", "0x2b");
	assert_text(object, "cpu", "allowed", "0-1");
	assert_text(object, "cpu", "governor", "performance,powersave");
	assert_text(object, "cpu", "quota_us", "150000 100000");
	assert_true(json_is_false(find(object, "cpu", "boost")));
	assert_text(json_object_get(object, "cpu"), "mitigations", "meltdown", "Mitigation: PTI");
	assert_int_equal(json_integer_value(find(object, "memory", "total_kib")), 16384000);
	assert_true(json_is_integer(find(object, "memory", "swap_kib")));
	assert_text(object, "sysctl", "kernel.io_uring_disabled", "2");
	assert_text(object, "sysctl", "net.core.somaxconn", "4096");
	assert_text(object, "sysctl", "net.ipv4.tcp_rmem", "4096 131072 6291456");
	assert_text(object, "libraries", "liburing", "2.9");
	json_decref(object);
	hwloc_bitmap_free(allowed);
}

static void what_is_not_shown_is_absent(void **state)
{
	static const struct fingerprint_build build = {.version = "1.2", .commit = ""};
	static const struct {
		const char *section, *key;
	} absent[] = {
		{"iolab", "commit"},	  {"iolab", "flags"},	  {"host", "vendor"},
		{"host", "product"},	  {"host", "hypervisor"}, {"kernel", "clocksource"},
		{"cpu", "smt"},		  {"cpu", "cores"},	  {"cpu", "isolated"},
		{"libraries", "openssl"}, {"libraries", "hwloc"}, {"sysctl", "net.core.busy_poll"},
	};
	hwloc_bitmap_t allowed = hwloc_bitmap_alloc();
	json_t *object = fingerprint_host(&build, NULL, allowed, root);

	(void)state;
	assert_non_null(object);
	for (size_t i = 0; i < sizeof(absent) / sizeof(absent[0]); i++)
		if (find(object, absent[i].section, absent[i].key))
			fail_msg("%s.%s is made up", absent[i].section, absent[i].key);
	json_decref(object);

	/* A host without files at all still has a fingerprint, with nothing invented. */
	object = fingerprint_host(&build, NULL, allowed, "/nowhere");
	assert_non_null(object);
	assert_null(find(object, "host", "name"));
	assert_null(find(object, "memory", "total_kib"));
	assert_int_equal(json_object_size(json_object_get(object, "sysctl")), 0);
	assert_text(object, "iolab", "version", "1.2");
	json_decref(object);
	hwloc_bitmap_free(allowed);
}

static void this_host(void **state)
{
	static const struct fingerprint_build build = {.version = "1.2"};
	hwloc_topology_t topology;
	hwloc_bitmap_t allowed;
	char why[300], name[256];
	json_t *object;
	char *text;

	(void)state;
	assert_int_equal(bind_load(BIND_PLACES, &topology, why, sizeof(why)), 0);
	assert_int_equal(bind_allowed(&allowed, why, sizeof(why)), 0);
	object = fingerprint_host(&build, topology, allowed, "");
	assert_non_null(object);
	assert_int_equal(gethostname(name, sizeof(name)), 0);
	assert_text(object, "host", "name", name);
	assert_int_equal(json_integer_value(find(object, "cpu", "cpus")),
			 hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_PU));
	assert_int_equal(json_integer_value(find(object, "cpu", "allowed_count")),
			 hwloc_bitmap_weight(allowed));
	assert_non_null(find(object, "libraries", "hwloc"));
	assert_non_null(json_object_get(find(object, "limits", "open_files"), "soft"));
	text = json_dumps(object, 0);
	assert_non_null(text);
	free(text);
	json_decref(object);
	hwloc_bitmap_free(allowed);
	hwloc_topology_destroy(topology);
}

static void topology_is_exported(void **state)
{
	hwloc_topology_t host, copy;
	struct rlimit limit, small;
	char path[128], why[300] = "";

	(void)state;
	snprintf(path, sizeof(path), "%s/topology.xml", root);
	assert_int_equal(fingerprint_export_topology(path, why, sizeof(why)), 0);
	assert_int_equal(bind_load(BIND_PLACES, &host, why, sizeof(why)), 0);
	assert_int_equal(hwloc_topology_init(&copy), 0);
	assert_int_equal(hwloc_topology_set_xml(copy, path), 0);
	assert_int_equal(hwloc_topology_load(copy), 0);
	assert_int_equal(hwloc_get_nbobjs_by_type(copy, HWLOC_OBJ_PU),
			 hwloc_get_nbobjs_by_type(host, HWLOC_OBJ_PU));
	hwloc_topology_destroy(copy);
	hwloc_topology_destroy(host);
	assert_int_equal(unlink(path), 0);

	assert_int_equal(fingerprint_export_topology("/nowhere/t.xml", why, sizeof(why)), -ENOENT);
	assert_non_null(strstr(why, "/nowhere/t.xml"));
	assert_int_equal(fingerprint_export_topology("/dev/full", why, sizeof(why)), -ENOSPC);
	assert_int_equal(access("/dev/full", F_OK), 0);

	/* Half a file is worse than none. */
	assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	small = (struct rlimit){.rlim_cur = 100, .rlim_max = limit.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_int_equal(fingerprint_export_topology(path, why, sizeof(why)), -EFBIG);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	assert_int_equal(access(path, F_OK), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_known_host),
		cmocka_unit_test(what_is_not_shown_is_absent),
		cmocka_unit_test(this_host),
		cmocka_unit_test(topology_is_exported),
	};

	return cmocka_run_group_tests(tests, make_host, remove_host);
}
