/* The command line of the nap-* executables: one table of options, and the list of tasks. */
#ifndef LAB_NAP_OPTIONS_H
#define LAB_NAP_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels/nap/nap.h"
#include "lab/options.h"

/* The study's three. */
#define NAP_TASKS_DEFAULT "One:3,Two:2,Three:1"
#define NAP_TICK_DEFAULT  UINT64_C(1000000000)

struct nap_options {
	uint64_t tick_ns;
	const char *tasks_text; /* as typed */
	const char *cpus;
	const char *csv;
	const char *place; /* a policy as typed, NULL when not given */
	bool json;
	bool quiet;

	bool silent; /* stdout carries no text for people: --quiet, --json or --csv - */
	struct nap_task *tasks;
	unsigned task_count;
};

/*
 * Parses the command line of nap-MODEL; a wrong one ends the program with one line and
 * STATUS_USAGE. Release with nap_tasks_release().
 */
void nap_options_parse(struct nap_options *options, const struct nap_model *model, int argc,
		       char **argv);

/* The rows of the options, for whoever writes such command lines. */
const struct option_row *nap_options_rows(size_t *count);

/*
 * Reads "NAME:TICKS,NAME:TICKS" into *tasks and *count, to be released with nap_tasks_release().
 * Returns 0, or -EINVAL or -ENOMEM with one line in why and nothing to release.
 */
int nap_tasks_parse(const char *text, struct nap_task **tasks, unsigned *count, char *why,
		    size_t why_size);
void nap_tasks_release(struct nap_task *tasks, unsigned count);

/* How many ticks the model needs for them: their sum, or the longest when they nap together. */
uint64_t nap_tasks_ticks(const struct nap_task *tasks, unsigned count, bool together);

#endif
