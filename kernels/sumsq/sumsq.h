/*
 * The sum of squares: the lab's CPU-bound work. Every core computes each square and adds it; none
 * uses a formula, skips a term or reuses a sum. Cores differ only in how many squares a cycle they
 * manage. The closed form is here too, but only to check the answers.
 */
#ifndef KERNELS_SUMSQ_SUMSQ_H
#define KERNELS_SUMSQ_SUMSQ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Enough for every sum below SUMSQ_LIMIT: 2^126 / 3. */
typedef unsigned __int128 sumsq_total;

/* Largest `last` that a core takes. */
#define SUMSQ_LIMIT (UINT64_C(1) << 42)

/* A total in decimal with its final NUL: at most 39 digits. */
#define SUMSQ_TEXT 40

/*
 * The sum of i * i for i in [first, last): exact for first <= last <= SUMSQ_LIMIT, 0 for an empty
 * range. Touches no memory but its stack.
 */
typedef sumsq_total sumsq_function(uint64_t first, uint64_t last);

/* One row of cores.def. */
struct sumsq_core {
	const char *name;
	sumsq_function *sum;
	bool (*runs)(void); /* whether this CPU and kernel can run it */
	const char *needs;  /* what it takes to run it, for people */
};

/* Best first. */
extern const struct sumsq_core sumsq_cores[];
extern const size_t sumsq_cores_count;

/*
 * The core of that name, or for "auto" the best one this CPU runs, in *core. -ENOTSUP when this
 * CPU lacks what it needs, -EINVAL when this build has no such core, with one line in why.
 */
int sumsq_core_find(const char *name, const struct sumsq_core **core, char *why, size_t why_size);

/* The same sum by formula, (n - 1) n (2n - 1) / 6 at last minus at first: for checking only. */
sumsq_total sumsq_closed_form(uint64_t first, uint64_t last);

/* Writes the total in decimal into text and returns where its first digit is, within text. */
const char *sumsq_format(sumsq_total total, char text[SUMSQ_TEXT]);

#endif
