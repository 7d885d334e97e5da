/*
 * One cell: its command line, and what the runner adds to the row that comes back.
 *
 * A [command] is any program, timed as a whole process beside the lab's own: `run` is its command
 * line, split at blanks ('...' and "..." keep them, no shell is asked), `rate` a regular
 * expression (POSIX, extended) whose first group finds in its output what it did per second, and
 * `count` one for how many it did in all, by which its CPU time is divided. It is bound to the
 * client's CPUs, to those of `cpus`, or with `cpus = all` to none.
 *
 * In any value, these are filled in when the cell is run (cell_filled[] is the list):
 *
 *	{url}		what the cell is to fetch, by tls, latency, body or path
 *	{origin} {port}	http://127.0.0.1:PORT, and that port
 *	{tls-origin} {tls-port}	the same for https; {ca} is the file with the certificate to trust
 *	{cpus}		the client's CPUs, as a list
 *	{clients}	a CPU of every core but the origin's, as a list
 *	{KEY}		the cell's value of that key
 *
 * "%{" is left alone: curl has a use for it.
 */
#ifndef LAB_CELL_H
#define LAB_CELL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lab/plan.h"
#include "lab/subprocess.h"
#include "results/record.h"

/* Who sits where, as CPU lists, and how the origin is reached. */
struct cell_world {
	char client[64];
	char clients[256]; /* all that workers could have: every core but the origin's */
	char origin[64];
	bool external;		    /* the origin is the plan's own, and ran before */
	bool origin_shares;	    /* both on one CPU: there is only one */
	char url[256];		    /* "http://127.0.0.1:4711", without a '/' at its end */
	char tls_url[256];	    /* "" where the origin speaks no TLS */
	char ca[600];		    /* "" where it is not the lab's to know */
	char link[64];		    /* as the record has it */
	uint64_t origin_latency_ns; /* that the origin adds for the link, for want of netem */
};

/* What can be filled in besides the section's keys, by name; NULL at the end. */
extern const char *const cell_filled[];

#define CELL_ARGUMENTS_MAX 256

struct cell_command {
	char *argv[CELL_ARGUMENTS_MAX]; /* owned; NULL at the end */
	unsigned count;
	const char *cpus; /* that it is to be bound to before it begins, NULL: it does so itself */
};

/* Whether the cell asks the origin by TLS. */
bool cell_tls(const struct plan_cell *cell);

/* The path of one of the lab's executables, beside this one; the caller frees it. */
char *cell_program(const char *name);

/* The cell's command line. Release it with cell_command_release(). */
void cell_command_make(struct cell_command *command, const struct plan_cell *cell,
		       const struct cell_world *world);
void cell_command_release(struct cell_command *command);

/*
 * Splits a command line at blanks: 0 with *words (NULL at its end, each word and the array to be
 * freed), or -EINVAL when a quote is not closed or there is no word, or -ENOMEM.
 */
int cell_words(const char *line, char ***words);

/*
 * Makes the row of a cell that has ended: read from the JSON that one of the lab's executables
 * printed, or of what an external command used and said. Returns 0, or -EINVAL with one line in
 * why and no record to release.
 */
int cell_read_row(const struct plan_cell *cell, const struct subprocess *child,
		  const struct cell_world *world, struct record *record, char *why,
		  size_t why_size);

/* A row of a cell that gave none: empty but for the model. */
void cell_empty_row(const struct plan_cell *cell, struct record *record);

/* Marks a row as a failed one, with the reason in one word, a flag, and as it was said. */
void cell_mark_failed(struct record *record, const char *word, const char *said);

/* Whether the row is of one of the lab's executables that said that this host cannot do it. */
bool cell_is_unable(const struct record *record);

/* Fills in which run, block and cell the row belongs to, and by which link it was measured. */
void cell_label_row(const struct plan_cell *cell, const struct cell_world *world,
		    struct record *record, const char *run_id, const char *experiment,
		    uint64_t block, uint64_t order);

/* Whether the cell asks /delay/T or /bytes/N, which only the lab's own origin has. */
bool cell_asks_lab(const struct plan_cell *cell);

/* Whether the cell asks anything of the plan's origin. */
bool cell_asks_origin(const struct plan_cell *cell);

/*
 * Adds the quality flags that only the runner can see: origin-shares-cpu, origin-saturated,
 * steal. origin_cpu_ns: what the origin used for the cell, which loaded it for loaded_ns (0: that
 * cannot be told).
 */
void cell_flag_row(struct record *record, bool origin_shares, uint64_t origin_cpu_ns,
		   uint64_t loaded_ns);

#endif
