/* One cell: its command line, and what the runner adds to the row that comes back. */
#ifndef LAB_CELL_H
#define LAB_CELL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lab/plan.h"
#include "results/record.h"

/* Who sits where, as CPU lists. */
struct cell_seats {
	char client[64];
	char origin[64];
	bool origin_shares; /* both on one CPU: there is only one */
};

#define CELL_ARGUMENTS_MAX 32

struct cell_command {
	char *argv[CELL_ARGUMENTS_MAX]; /* owned; NULL at the end */
	unsigned count;
};

/* The path of one of the lab's executables, beside this one; the caller frees it. */
char *cell_program(const char *name);

/* The cell's command line. origin_url ends in '/'. Release it with cell_command_release(). */
void cell_command_make(struct cell_command *command, const struct plan_cell *cell,
		       const struct cell_seats *seats, const char *origin_url);
void cell_command_release(struct cell_command *command);

/*
 * Reads the JSON row that the cell printed. Returns 0, or -EINVAL with one line in why and no
 * record to release.
 */
int cell_read_row(const struct plan_cell *cell, const char *output, struct record *record,
		  char *why, size_t why_size);

/* Fills in which run, block and cell the row belongs to. */
void cell_label_row(const struct plan_cell *cell, struct record *record, const char *run_id,
		    const char *experiment, uint64_t block, uint64_t order);

/*
 * Adds the quality flags that only the runner can see: origin-shares-cpu, origin-saturated,
 * steal. origin_cpu_ns: what the origin used for the cell, which loaded it for loaded_ns.
 */
void cell_flag_row(struct record *record, bool origin_shares, uint64_t origin_cpu_ns,
		   uint64_t loaded_ns);

#endif
