/* The command line of the sumsq programs: the same options, and what each of the three allows. */
#ifndef LAB_SUMSQ_OPTIONS_H
#define LAB_SUMSQ_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels/pool/pool.h"
#include "lab/counters.h"
#include "lab/options.h"

/* The three programs; the Makefile names these. */
enum sumsq_where { sumsq_on_serial, sumsq_on_threads, sumsq_on_processes };

/* Idle workers look for work that long before they sleep, unless --idle says otherwise. */
#define SUMSQ_SPIN_NS 50000

/* Largest number of pieces that a pass may have. */
#define SUMSQ_PIECES_MAX (UINT64_C(1) << 24)

struct sumsq_options {
	uint64_t begun_ns; /* CLOCK_MONOTONIC when the reading of argv began */
	enum sumsq_where where;
	const char *core;
	uint64_t workers; /* 0: as many as there are CPUs for, by place or cpus */
	uint64_t size;	  /* of every job; 0: not given */
	uint64_t wanted;  /* such jobs; 0: not given */
	uint64_t repeat;  /* passes; 0: not given */
	uint64_t duration_ns;
	uint64_t warmup_ns;
	uint64_t grain; /* squares in a piece; 0: a job is one piece */
	bool per_job;
	bool global_lock;
	unsigned on_death; /* enum pool_on_death */
	const char *idle;  /* as typed, NULL when not given */
	uint64_t spin_ns;
	const char *place; /* a policy as typed, NULL when not given */
	const char *cpus;
	unsigned counters; /* enum counters_wanted */
	bool json;
	const char *csv;
	bool quiet;
	uint64_t *operands; /* job i is the sum below operands[i]; lives until the program ends */
	size_t count;
};

/*
 * Reads and checks argv. A wrong command line ends the program with one line and STATUS_USAGE,
 * --help and its like end it with STATUS_DONE.
 */
void sumsq_options_read(struct sumsq_options *options, enum sumsq_where where, int argc,
			char **argv);

/* CLOCK_MONOTONIC in nanoseconds. */
uint64_t sumsq_now_ns(void);

/* "serial", "threads", "processes" */
const char *sumsq_where_name(enum sumsq_where where);
/* The pool that these options call for. */
enum pool_kind sumsq_options_kind(const struct sumsq_options *options);

/* The rows of the options, for whoever writes such command lines. */
const struct option_row *sumsq_options_rows(size_t *count);

#endif
