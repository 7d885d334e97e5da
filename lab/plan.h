/*
 * Plans: which cells an experiment has. An INI file (see plan_lines.h for its lines): [experiment]
 * says how it is run, [origin] what its origin is started with, and every other section is a
 * workload, "[fetch LABEL]", "[sumsq LABEL]", "[nap LABEL]" or "[command LABEL]". "[defaults
 * KIND]" holds keys for all workloads of a kind that do not have them.
 *
 * The keys of a workload are the long options of its executable; a flag's value is yes or no. A
 * value with commas is a factor (see plan_values.h), and the cells are the product of the
 * workload's factors, less those that a `skip` line fits and those with a wait that their model
 * does not have. "KEY[] = VALUE" is no factor: the value counts as it stands, and several such
 * lines give the option several times to every cell. Keys that are no options:
 *
 *	model		which executable (all but [command])
 *	rate		of a [fetch] it may be a share, "80%": of what that cell reaches without a
 *			rate, in a closed loop. The runner measures that before the first block
 *			(PLAN_CAPACITY_RUNS times, the median counts), keeps the rows in the run's
 *			capacity.csv, and a resumed run takes its rates from there
 *	latency, body, path	what is asked of the origin: /delay/T, /bytes/N or that path
 *	tls		yes: by https
 *	urls		URLs, with blanks between, instead
 *	jobs		the operands of a [sumsq], with blanks between
 *	run, rate, count	of a [command]: see cell.h
 *	skip		terms (see plan_terms.h): a cell for which all hold is left out
 *	baseline	terms, or MODEL or MODEL/WAIT: the cell that the others are compared with;
 *			it is also the one that is entered twice, as the A/A control. Where no
 *			workload of the kind names one it is the first cell of each with two or
 *			more, and the first of several [command]s if nothing is fetched
 *	timeout		how long a cell may take beyond its expected length
 *
 * [origin] url = http://HOST:PORT names an origin that runs already, here or elsewhere: none is
 * started then, no core is kept for it, and that address is loaded because the plan says so.
 * tls-url = https://HOST:PORT is where it speaks TLS. It must be the lab's own origin for cells
 * that ask /delay/T or /bytes/N of it; any other server is asked by `path`.
 *
 * A value may hold {url}, {port} and the like, which the runner fills in: see cell.h.
 */
#ifndef LAB_PLAN_H
#define LAB_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lab/link.h"
#include "lab/plan_kinds.h"
#include "lab/plan_lines.h"
#include "lab/plan_values.h"

#define PLAN_KEYS_MAX	   64	  /* keys of one section */
#define PLAN_CELLS_DEFAULT 512	  /* cells of a plan, controls included, unless told otherwise */
#define PLAN_CELLS_MOST	   999999 /* and whatever one is told */
#define PLAN_BLOCKS_MOST   10000

enum plan_report {
	PLAN_MATRIX,
	PLAN_PROGRAMS,
	PLAN_GRAIN,
	PLAN_CONCURRENCY,
	PLAN_CELLS,
	PLAN_LATENCY,
	PLAN_SCALING,
	PLAN_REGIMES
};

struct plan_key {
	char *name;
	struct plan_values values;    /* one at least */
	const struct option_row *row; /* NULL: a command's own */
	bool passed;		      /* an option of the executable */
	bool repeated;		      /* "KEY[] =": other keys may have the same name */
	const struct plan_line *line; /* where it stands */
};

struct plan_section {
	enum plan_kind kind;
	char *label;
	struct plan_key keys[PLAN_KEYS_MAX];
	unsigned key_count;
	const struct plan_line *line;
};

/* One combination of a section's factors. */
struct plan_cell {
	const struct plan_section *section;
	char *name;	     /* "LABEL/value/value": the factors' values */
	const char **values; /* of each of the section's keys */
	bool control;	     /* the second entry of the A/A pair */
	bool baseline;
};

struct plan {
	char *name;
	struct plan_lines text; /* text.flat, for the run's folder, needs no other file */
	uint64_t blocks;
	uint64_t seed;
	bool seed_given;
	enum plan_report report; /* not given: latency where loads are all it fetches at */
	bool report_given;
	enum link_kind link;	  /* what lies between the cells and the origin */
	uint64_t link_latency_ns; /* that it adds */
	char *read;		  /* what its report says first: what to look at; NULL: nothing */
	struct plan_section *sections; /* the workloads */
	unsigned section_count;
	struct plan_section origin;
	struct plan_section defaults[PLAN_WORKLOADS];
	struct plan_cell *cells;
	unsigned cell_count;
	unsigned cells_max;
};

/*
 * Reads the embedded plan of that name, or the file at that path if it has a '/' or ends in
 * ".ini". cells_max: how many cells it may have, 0 for PLAN_CELLS_DEFAULT. Returns 0, or -errno
 * with one line in why: -ENOENT (no such plan, the nearest name), -EINVAL and others (file, line
 * and key of what is wrong). Release with plan_release() in either case.
 */
int plan_read(const char *name, unsigned cells_max, struct plan *plan, char *why, size_t why_size);
void plan_release(struct plan *plan);

/* The same for a text; `name` stands in the messages for the file. */
int plan_read_text(const char *name, const char *text, unsigned cells_max, struct plan *plan,
		   char *why, size_t why_size);

/* The section's first key of that name, or NULL. */
const struct plan_key *plan_section_key(const struct plan_section *section, const char *name);

/* The cell's value of a key, or NULL when its section has no such key. */
const char *plan_value(const struct plan_cell *cell, const char *key);

/* What the cell runs: its model, or a command's label. */
const char *plan_model(const struct plan_cell *cell);

/* A duration of the cell in ns, a count; `otherwise` when the key is not there. */
uint64_t plan_duration_ns(const struct plan_cell *cell, const char *key, uint64_t otherwise);
uint64_t plan_count(const struct plan_cell *cell, const char *key, uint64_t otherwise);

#define PLAN_CAPACITY_RUNS 3

/* "80%" as 0.8; false when the text is no such share, above 0 and up to 1000 %. */
bool plan_share(const char *text, double *share);

/*
 * The cell that stands for all that differ from this one in their rate only, itself perhaps, for
 * their capacity to be measured once; NULL when this one's rate is no share.
 */
const struct plan_cell *plan_capacity_cell(const struct plan *plan, const struct plan_cell *cell);

/* Whether it fetches at several shares of what its cells reach, and does nothing else. */
bool plan_has_loads(const struct plan *plan);

/* Where the plan's own origin is, without a '/' at its end; NULL: the runner starts one. */
const char *plan_origin_url(const struct plan *plan);

/* How long a cell takes, and the whole plan. An estimate. */
uint64_t plan_expected_ns(const struct plan_cell *cell);
double plan_expected_s(const struct plan *plan);

/* What such an estimate takes for granted, to be put behind it: ", ...", or "". */
const char *plan_reckoned(const struct plan *plan);

/* Queues that a link has to have for all its cells: one a worker of a model that takes it over. */
unsigned plan_queues(const struct plan *plan);

/* Whether a cell of the plan needs an origin that speaks TLS. */
bool plan_needs_tls(const struct plan *plan);

/*
 * Whether the link fits the rest, which may have been changed since the plan was read: without one
 * there is no origin, and only a veth link has a latency. Returns 0, or -EINVAL with one line in
 * why.
 */
int plan_check_link(const struct plan *plan, char *why, size_t why_size);

/* For plan.c: makes the cells from the sections. Returns as plan_read(). */
int plan_expand(struct plan *plan, char *why, size_t why_size);

/*
 * For plan_cells.c and plan_control.c: that cell is what others are compared with, and is entered a
 * second time behind it, the A/A control. Returns as plan_read().
 */
int plan_make_baseline(struct plan *plan, unsigned at, char *why, size_t why_size);

/*
 * For plan.c: of a plan of commands alone that names no baseline the first cell becomes it, and is
 * entered twice. Returns as plan_read().
 */
int plan_add_control(struct plan *plan, char *why, size_t why_size);

/*
 * For plan.c: that no two cells have one name. Returns 0, -ENOMEM, or -EINVAL with where both come
 * from in why.
 */
int plan_check_names(const struct plan *plan, char *why, size_t why_size);

/* For the plan's own files: "FILE:LINE: " and what follows into why. Returns -EINVAL. */
int plan_complain(const struct plan_line *line, char *why, size_t why_size, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

#endif
