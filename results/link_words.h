/*
 * What lay between client and origin, in words: for the reports of runs over a link of the lab's,
 * whose figures are not those of loopback.
 */
#ifndef RESULTS_LINK_WORDS_H
#define RESULTS_LINK_WORDS_H

#include <stddef.h>

/*
 * "veth, a pair of virtual interfaces between two network namespaces of this host; each round trip
 * 1.00 ms longer, by netem". kind as in run.json; "" for loopback, which goes without saying.
 * latency_s: 0 for none; by: who makes it, "" when that is not known. Returns text.
 */
const char *link_words(const char *kind, double latency_s, const char *by, char *text, size_t size);

#endif
