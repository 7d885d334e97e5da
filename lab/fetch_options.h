/*
 * The options that all fetch-* executables share: one table of rows (fetch_option_rows.c), and
 * the checks across options (fetch_options.c).
 */
#ifndef LAB_FETCH_OPTIONS_H
#define LAB_FETCH_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "kernels/fetch/model.h"
#include "kernels/protocol/tls.h"
#include "lab/counters.h"
#include "lab/options.h"

enum overlap { OVERLAP_NONE, OVERLAP_THREAD, OVERLAP_CORE };
/* Who does which fetch: the next worker that is free, or each its share. */
enum schedule { SCHEDULE_SHARED, SCHEDULE_FIXED, SCHEDULE_DEFAULT };
enum arrivals { ARRIVALS_CONSTANT, ARRIVALS_EXPONENTIAL };
/* Whether all bodies of a URL must be equal. */
enum bodies { BODIES_SAME, BODIES_ANY, BODIES_DEFAULT };

/* --tls-session was not given: enum tls_session from then on where TLS is spoken. */
#define TLS_SESSION_DEFAULT 2

struct fetch_options {
	/* What and how much. */
	uint64_t requests; /* 0: by duration, or every URL once */
	uint64_t duration_ns;
	uint64_t warmup_ns;
	uint64_t repeat;
	uint64_t connections;
	uint64_t threads;
	uint64_t processes; /* 0: threads */
	unsigned schedule;  /* enum schedule */
	uint64_t rate;	    /* fetches due a second, all workers together; 0: closed loop */
	unsigned arrivals;  /* enum arrivals */
	uint64_t seed;	    /* of the exponential arrivals; 0: not given */
	/* How. */
	unsigned wait;	       /* enum wait_mode */
	unsigned overlap;      /* enum overlap */
	const char *interface; /* that the model is to take over, NULL when not given */
	const char *variant;   /* the model's own options, as typed */
	const char *place;     /* a policy as typed, NULL when not given */
	const char *cpus;
	/* HTTP, as curl has it. */
	bool connection_per_request;
	bool location;
	uint64_t redirects_max;
	bool compressed;
	unsigned bodies; /* enum bodies */
	struct option_texts headers;
	struct option_texts resolve;
	uint64_t connect_timeout_ns; /* 0: none */
	uint64_t max_time_ns;	     /* of one fetch, 0: none */
	/* TLS. */
	const char *cacert;
	bool insecure;
	unsigned tls_io;      /* enum tls_io */
	unsigned tls_session; /* enum tls_session, or TLS_SESSION_DEFAULT: resumed */
	/* What comes out. */
	const char *csv;
	const char *histogram;
	const char *samples;
	const char *output;
	unsigned counters; /* enum counters_wanted */
	bool json;
	bool quiet;

	/* Worked out from the above. */
	bool silent;	  /* stdout carries no text for people: --quiet, --json or --csv - */
	bool benchmark;	  /* --requests or --duration was given */
	bool offline;	  /* the model opens no socket: names need no address */
	unsigned workers; /* threads or processes */
	struct model_choices choices;
	char **urls;
	unsigned url_count;
};

/* The rows that all models share. */
const struct option_row *fetch_options_rows(size_t *count);

/* The rows of fetch-MODEL; the model's own option, if it has one, is the last. */
void fetch_option_set(const struct model *model, struct option_set *set);

/*
 * Parses the command line of fetch-MODEL; a wrong one ends the program with one line and
 * STATUS_USAGE.
 */
void fetch_options_parse(struct fetch_options *options, const struct model *model, int argc,
			 char **argv);

/* "block" and "spin". */
const char *fetch_wait_name(enum wait_mode wait);

/* "none", "thread" and "core". */
const char *fetch_overlap_name(enum overlap overlap);

#endif
