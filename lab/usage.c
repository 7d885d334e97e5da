/* Reads getrusage, /proc/thread-self/schedstat, the process's helper tasks and /proc/stat. */
#include "lab/usage.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

uint64_t usage_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* The first bytes of a small file, as text; false when it is not there. */
static bool read_text(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length;

	if (fd < 0)
		return false;
	length = read(fd, text, size - 1);
	close(fd);
	if (length <= 0)
		return false;
	text[length] = 0;
	return true;
}

static void read_cpu(struct usage *u)
{
	struct timespec running;
	struct rusage r;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &running);
	getrusage(RUSAGE_THREAD, &r);
	u->running_ns = (uint64_t)running.tv_sec * 1000000000 + (uint64_t)running.tv_nsec;
	u->user_ns = (uint64_t)r.ru_utime.tv_sec * 1000000000 + (uint64_t)r.ru_utime.tv_usec * 1000;
	u->system_ns =
		(uint64_t)r.ru_stime.tv_sec * 1000000000 + (uint64_t)r.ru_stime.tv_usec * 1000;
	u->voluntary_switches = (uint64_t)r.ru_nvcsw;
	u->involuntary_switches = (uint64_t)r.ru_nivcsw;
}

/* schedstat's first figure, time on a CPU, is stale by up to a tick: only the second is taken. */
static void read_waiting(struct usage *u)
{
	char text[128];

	u->scheduler_known = read_text("/proc/thread-self/schedstat", text, sizeof(text)) &&
			     sscanf(text, "%*u %" SCNu64, &u->waiting_ns) == 1;
}

/* io_uring's kernel threads appear among the process's tasks as iou-sqp-PID and iou-wrk-PID. */
static void read_helpers(struct usage *u)
{
	DIR *tasks = opendir("/proc/self/task");
	struct dirent *entry;

	if (!tasks)
		return;
	while ((entry = readdir(tasks))) {
		char path[320], text[128];
		uint64_t ns;

		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "/proc/self/task/%s/comm", entry->d_name);
		if (!read_text(path, text, sizeof(text)) || strncmp(text, "iou-", 4) != 0)
			continue;
		snprintf(path, sizeof(path), "/proc/self/task/%s/schedstat", entry->d_name);
		if (read_text(path, text, sizeof(text)) && sscanf(text, "%" SCNu64, &ns) == 1)
			u->helper_ns += ns;
	}
	closedir(tasks);
}

static void read_steal(struct usage *u)
{
	char text[256];
	uint64_t t[8] = {0};

	if (!read_text("/proc/stat", text, sizeof(text)) ||
	    sscanf(text,
		   "cpu %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64
		   " %" SCNu64 " %" SCNu64,
		   &t[0], &t[1], &t[2], &t[3], &t[4], &t[5], &t[6], &t[7]) != 8)
		return;
	for (int i = 0; i < 8; i++)
		u->total_ticks += t[i];
	u->steal_ticks = t[7];
}

static void read_scopes(struct usage *u, unsigned scopes)
{
	u->helper_ns = u->steal_ticks = u->total_ticks = 0;
	if (scopes & USAGE_HOST)
		read_steal(u);
	if (scopes & USAGE_HELPERS)
		read_helpers(u);
}

void usage_begin(struct usage *u, unsigned scopes)
{
	read_scopes(u, scopes);
	read_waiting(u);
	read_cpu(u);
	u->at_ns = usage_now_ns();
}

void usage_end(struct usage *u, unsigned scopes)
{
	u->at_ns = usage_now_ns();
	read_cpu(u);
	read_waiting(u);
	read_scopes(u, scopes);
}

uint64_t usage_peak_kib(void)
{
	char text[4096];
	const char *line;
	uint64_t kib = 0;

	if (read_text("/proc/self/status", text, sizeof(text)) &&
	    (line = strstr(text, "\nVmHWM:")) != NULL)
		sscanf(line, "\nVmHWM: %" SCNu64, &kib);
	return kib;
}

void usage_add(struct usage *sum, const struct usage *begin, const struct usage *end)
{
	sum->at_ns += end->at_ns - begin->at_ns;
	sum->user_ns += end->user_ns - begin->user_ns;
	sum->system_ns += end->system_ns - begin->system_ns;
	sum->running_ns += end->running_ns - begin->running_ns;
	sum->waiting_ns += end->waiting_ns - begin->waiting_ns;
	sum->scheduler_known = begin->scheduler_known && end->scheduler_known;
	sum->voluntary_switches += end->voluntary_switches - begin->voluntary_switches;
	sum->involuntary_switches += end->involuntary_switches - begin->involuntary_switches;
	/* A helper that ended takes its time along. */
	sum->helper_ns += end->helper_ns > begin->helper_ns ? end->helper_ns - begin->helper_ns : 0;
	sum->steal_ticks += end->steal_ticks - begin->steal_ticks;
	sum->total_ticks += end->total_ticks - begin->total_ticks;
}
