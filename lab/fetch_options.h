/* The options that all fetch-* executables share: one table, and the checks across options. */
#ifndef LAB_FETCH_OPTIONS_H
#define LAB_FETCH_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "kernels/fetch/model.h"
#include "lab/options.h"

enum overlap { OVERLAP_NONE, OVERLAP_THREAD };

struct fetch_options {
	uint64_t requests; /* 0: by duration, or every URL once */
	uint64_t duration_ns;
	uint64_t warmup_ns;
	uint64_t repeat;
	uint64_t connections;
	uint64_t threads;
	unsigned wait; /* enum wait_mode */
	unsigned overlap;
	unsigned place; /* enum place_policy */
	const char *cpus;
	const char *csv;
	const char *histogram;
	bool json;
	bool quiet;

	bool silent;	/* stdout carries no text for people: --quiet, --json or --csv - */
	bool benchmark; /* --requests or --duration was given */
	char **urls;
	unsigned url_count;
};

/*
 * Parses the command line of fetch-MODEL; a wrong one ends the program with one line and
 * STATUS_USAGE.
 */
void fetch_options_parse(struct fetch_options *options, const struct model *model, int argc,
			 char **argv);

/* "block" and "spin". */
const char *fetch_wait_name(enum wait_mode wait);

/* The rows of the options, for whoever writes such command lines. */
const struct option_row *fetch_options_rows(size_t *count);

#endif
