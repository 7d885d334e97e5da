/* See linking.h. */
#include "tests/linking.h"

#include <dirent.h>
#include <ftw.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

bool linking_allowed(void)
{
	pid_t pid = fork();
	int status = -1;

	if (pid == 0)
		_exit(unshare(CLONE_NEWNET) != 0);
	assert_true(pid > 0 && waitpid(pid, &status, 0) == pid);
	return status == 0;
}

void linking_need(void)
{
	if (linking_allowed())
		return;
	print_message("skipped: this user may not make a network namespace\n");
	skip();
}

static FILE *collected;

static void add_file(const char *path)
{
	FILE *file = fopen(path, "re");
	char line[4096];

	while (file && fgets(line, sizeof(line), file))
		fprintf(collected, "%s: %s", path, line);
	if (file)
		fclose(file);
}

/* Without the kernel's counters of who uses a route. */
static void add_routes(const char *path)
{
	char to[3][64], metric[16], flags[16], name[32];
	FILE *file = fopen(path, "re");

	while (file && fscanf(file, "%63s %63s %*s %*s %63s %15s %*s %*s %15s %31s", to[0], to[1],
			      to[2], metric, flags, name) == 6)
		fprintf(collected, "%s: %s/%s by %s, metric %s, flags %s, %s\n", path, to[0], to[1],
			to[2], metric, flags, name);
	if (file)
		fclose(file);
}

static int add_setting(const char *path, const struct stat *status, int type, struct FTW *where)
{
	(void)where;
	if (type == FTW_F && (status->st_mode & S_IRUSR))
		add_file(path);
	return 0;
}

char *linking_host(void)
{
	static const char *const settings[] = {"/proc/sys/net/core", "/proc/sys/net/ipv4",
					       "/proc/sys/net/ipv6"};
	char *text = NULL;
	size_t size;
	DIR *interfaces = opendir("/sys/class/net");
	struct dirent *entry;

	collected = open_memstream(&text, &size);
	assert_non_null(collected);
	while (interfaces && (entry = readdir(interfaces)))
		fprintf(collected, "interface %s\n", entry->d_name);
	if (interfaces)
		closedir(interfaces);
	add_file("/proc/net/route");
	add_routes("/proc/net/ipv6_route");
	add_file("/proc/net/if_inet6");
	add_file("/proc/net/fib_trie");
	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
		nftw(settings[i], add_setting, 16, FTW_PHYS);
	assert_int_equal(fclose(collected), 0);
	return text;
}

void linking_same(char *before, char *after)
{
	size_t at = 0, line = 0;

	while (before[at] && before[at] == after[at]) {
		if (before[at++] == '\n')
			line = at;
	}
	if (before[at] != after[at])
		fail_msg("the host's network is not as it was: '%.*s' became '%.*s'",
			 (int)strcspn(before + line, "\n"), before + line,
			 (int)strcspn(after + line, "\n"), after + line);
	free(before);
	free(after);
}

ino_t linking_here(void)
{
	struct stat status;

	assert_int_equal(stat("/proc/thread-self/ns/net", &status), 0);
	return status.st_ino;
}

/* Whether one of the process's descriptors is that namespace. */
static bool holds(const char *who, ino_t netns)
{
	char path[320], wanted[64], target[64];
	struct dirent *entry;
	bool found = false;
	DIR *all;

	snprintf(wanted, sizeof(wanted), "net:[%lu]", (unsigned long)netns);
	snprintf(path, sizeof(path), "/proc/%s/fd", who);
	all = opendir(path);
	while (all && !found && (entry = readdir(all))) {
		ssize_t length = readlinkat(dirfd(all), entry->d_name, target, sizeof(target) - 1);

		target[length > 0 ? length : 0] = '\0';
		found = strcmp(target, wanted) == 0;
	}
	if (all)
		closedir(all);
	return found;
}

static bool is_inside(const char *who, const void *netns)
{
	const ino_t *wanted = netns;
	char path[320];
	struct stat status;

	snprintf(path, sizeof(path), "/proc/%s/ns/net", who);
	return (stat(path, &status) == 0 && status.st_ino == *wanted) || holds(who, *wanted);
}

static bool is_marked(const char *who, const void *text)
{
	char path[320], environment[65536];
	FILE *file;
	size_t size;

	snprintf(path, sizeof(path), "/proc/%s/environ", who);
	file = fopen(path, "re");
	if (!file)
		return false;
	size = fread(environment, 1, sizeof(environment), file);
	fclose(file);
	return memmem(environment, size, text, strlen(text)) != NULL;
}

static unsigned count(bool (*fits)(const char *who, const void *what), const void *what)
{
	DIR *all = opendir("/proc");
	struct dirent *entry;
	unsigned found = 0;

	assert_non_null(all);
	while ((entry = readdir(all))) {
		int pid = atoi(entry->d_name);

		found += pid > 0 && pid != getpid() && fits(entry->d_name, what);
	}
	closedir(all);
	return found;
}

unsigned linking_inside(ino_t netns)
{
	return count(is_inside, &netns);
}

unsigned linking_marked(const char *text)
{
	return count(is_marked, text);
}

unsigned linking_gone(const char *text)
{
	unsigned left = linking_marked(text);

	for (int i = 0; left && i < 500; i++) {
		usleep(10000);
		left = linking_marked(text);
	}
	return left;
}
