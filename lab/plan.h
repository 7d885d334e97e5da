/*
 * Plans: which cells an experiment has. An INI file: [experiment] says how it is run, and every
 * other section is a workload, "[fetch LABEL]" or "[sumsq LABEL]". A value with commas is a
 * factor; the workload's cells are the product of its factors. A wait that a model does not have
 * makes no cell.
 *
 *	[experiment]   blocks, seed
 *	[fetch ...]    model, wait, connections, latency, body, overlap, duration, warmup, baseline
 *	[sumsq ...]    model, core, duration, warmup, baseline
 *
 * `baseline` names the cell that the others are compared with, as MODEL or MODEL/WAIT; it is
 * also the one that is entered twice, as the A/A control.
 */
#ifndef LAB_PLAN_H
#define LAB_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PLAN_VALUES_MAX 32  /* values of one factor */
#define PLAN_KEYS_MAX	16  /* keys of one section */
#define PLAN_CELLS_MAX	512 /* cells of a plan, controls included */

enum plan_kind { PLAN_FETCH, PLAN_SUMSQ };

struct plan_key {
	char *name;
	char *values[PLAN_VALUES_MAX];
	unsigned count;
};

struct plan_section {
	enum plan_kind kind;
	char *label;
	struct plan_key keys[PLAN_KEYS_MAX];
	unsigned key_count;
};

/* One combination of a section's factors; its value of each key. */
struct plan_cell {
	const struct plan_section *section;
	char *name;			   /* "LABEL/value/value": the factors' values */
	const char *values[PLAN_KEYS_MAX]; /* in the order of the section's keys */
	bool control;			   /* the second entry of the A/A pair */
	bool baseline;
};

struct plan {
	char *name;
	char *text; /* the file, whole, for the run's folder */
	uint64_t blocks;
	uint64_t seed;
	bool seed_given;
	struct plan_section *sections;
	unsigned section_count;
	struct plan_cell *cells;
	unsigned cell_count;
};

/*
 * Reads the embedded plan of that name, or the file at that path if it has a '/' or ends in
 * ".ini". Returns 0, or -errno with one line in why: -ENOENT (no such plan, the nearest name),
 * -EINVAL (file, line and key of what is wrong). Release with plan_release() in either case.
 */
int plan_read(const char *name, struct plan *plan, char *why, size_t why_size);
void plan_release(struct plan *plan);

/* The cell's value of a key, or NULL when its section has no such key. */
const char *plan_value(const struct plan_cell *cell, const char *key);

/* A duration of the cell in ns, `otherwise` when the key is not there. */
uint64_t plan_duration_ns(const struct plan_cell *cell, const char *key, uint64_t otherwise);

/* For plan.c: makes the cells from the sections. Returns as plan_read(). */
int plan_expand(struct plan *plan, char *why, size_t why_size);

#endif
