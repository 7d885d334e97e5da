/*
 * What befell the workers' CPUs between the two ends of a measured interval: their frequency and
 * whether they were throttled for heat. Its files are opened beforehand, and read outside of the
 * bill. A host that shows neither (most virtual machines) has nothing to open, and then nothing
 * is claimed; `iolab doctor` says why.
 */
#ifndef LAB_HOST_WATCH_H
#define LAB_HOST_WATCH_H

#include "results/record.h"

/* So many CPUs are watched at most. */
#define HOST_WATCH_CPUS 64

/* Another frequency than before: beyond what its reading jitters by. */
#define HOST_WATCH_FREQUENCY 0.05

/* Of one CPU; -1: this host does not show it. */
struct host_watch_reading {
	long long khz;
	long long throttled; /* times since boot, of its core and its package */
};

struct host_watch {
	unsigned count;
	struct host_watch_files {
		int frequency; /* descriptors, -1: none */
		int core;
		int package;
	} files[HOST_WATCH_CPUS];
	struct host_watch_reading begin[HOST_WATCH_CPUS];
	struct host_watch_reading end[HOST_WATCH_CPUS];
};

/*
 * Opens the files of the CPUs in that list ("0,2-3"; "" and NULL: of none) below `root`, "" for
 * this host's own. Close with host_watch_close().
 */
void host_watch_open(struct host_watch *watch, const char *cpus, const char *root);
void host_watch_close(struct host_watch *watch);

void host_watch_begin(struct host_watch *watch);
void host_watch_end(struct host_watch *watch);

/* Adds frequency-changed and throttled to the row, where that was so. */
void host_watch_flag(const struct host_watch *watch, struct record *record);

#endif
