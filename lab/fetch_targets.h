/*
 * The URLs of a run, resolved and turned into requests before any clock starts; with --location
 * also what they redirect to (fetch_rehearse.c).
 */
#ifndef LAB_FETCH_TARGETS_H
#define LAB_FETCH_TARGETS_H

#include "kernels/protocol/request.h"
#include "kernels/protocol/url.h"
#include "lab/fetch_options.h"

struct fetch_targets {
	struct request *requests; /* first those of the command line, in order, then redirects' */
	struct url *urls;	  /* of the requests, read */
	unsigned request_count;
	unsigned url_count;	    /* of the command line */
	struct endpoint *endpoints; /* distinct schemes, hosts and ports */
	char **ports;		    /* of the endpoints, as text */
	unsigned endpoint_count;
	size_t longest_request; /* bytes */
	bool tls;		/* some endpoint has it */
	uint64_t resolve_ns;	/* spent on looking names up */
	char **texts;		/* owned: URLs of redirects, reasons */
	unsigned text_count;
	unsigned room; /* for so many requests there is memory */
	const struct fetch_options *options;
};

/*
 * Parses and resolves options->urls. A name that does not resolve makes fetches that fail, see
 * request->unresolved. Ends the program with one line and STATUS_USAGE on a URL or a --resolve
 * that does not parse. Options must outlive *targets; release with fetch_targets_release().
 */
void fetch_targets_make(struct fetch_targets *targets, const struct fetch_options *options);
void fetch_targets_release(struct fetch_targets *targets);

/*
 * One request more, for a URL already read and its text by url_print(), which is copied; NULL when
 * there is no room. A URL that is there already is not added again. from: who redirects to it;
 * another server does not get the user's Authorization, Cookie and Host.
 */
struct request *fetch_targets_add(struct fetch_targets *targets, const struct url *url,
				  const char *text, const struct url *from);

/* A text that lives as long as *targets. */
const char *fetch_targets_keep(struct fetch_targets *targets, const char *text);

/*
 * Fetches every URL once, before the clock, and follows where it leads: fills in each request's
 * location and redirect, or why it is not followed. A fetch that fails is left for the run.
 */
void fetch_rehearse(struct fetch_targets *targets);

#endif
