/* The URLs of a run, resolved and turned into requests before any clock starts. */
#ifndef LAB_FETCH_TARGETS_H
#define LAB_FETCH_TARGETS_H

#include "kernels/protocol/request.h"

struct fetch_targets {
	struct request *requests; /* one a URL of the command line, in its order */
	unsigned request_count;
	struct endpoint *endpoints; /* distinct host and port pairs */
	unsigned endpoint_count;
};

/*
 * Parses and resolves. The URLs must outlive *targets; release with fetch_targets_release().
 * Ends the program with one line and the status on a URL that does not parse (STATUS_USAGE), a
 * name that does not resolve (STATUS_FAILED), or https (STATUS_UNABLE).
 */
void fetch_targets_make(struct fetch_targets *targets, char **urls, unsigned count);
void fetch_targets_release(struct fetch_targets *targets);

#endif
