/*
 * Energy of the processor packages, as Intel's and AMD's counters give it (RAPL) and the kernel
 * shows it in /sys/class/powercap. Whatever runs on a package is in it, the origin too. Since
 * 2020 only root may read it.
 */
#ifndef LAB_ENERGY_H
#define LAB_ENERGY_H

#include <stddef.h>
#include <stdint.h>

#define ENERGY_PACKAGES_MAX 16

/* Zeroed: nothing open. */
struct energy {
	unsigned count;
	struct {
		int fd;
		uint64_t range_uj; /* the counter goes back to 0 beyond */
	} packages[ENERGY_PACKAGES_MAX];
};

struct energy_reading {
	unsigned count; /* 0: not every package could be read */
	uint64_t uj[ENERGY_PACKAGES_MAX];
};

/*
 * Opens the counters of all packages under `root` ("" for this host). Returns 0, or -errno with
 * one line in why and nothing open: -ENOENT when there are none, -EACCES when only root may.
 */
int energy_open(struct energy *energy, const char *root, char *why, size_t why_size);
/* Also takes a zeroed struct. */
void energy_close(struct energy *energy);

void energy_read(const struct energy *energy, struct energy_reading *reading);

/*
 * Joules from one reading to the other, which lie so many seconds apart. NAN when a reading
 * failed, and when a counter may have gone around more than once (at 1000 W).
 */
double energy_joules(const struct energy *energy, const struct energy_reading *begin,
		     const struct energy_reading *end, double seconds);

#endif
