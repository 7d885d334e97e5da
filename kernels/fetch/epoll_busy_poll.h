/*
 * epoll's busy polling (Linux 6.9): before it sleeps, epoll_wait() looks into the network card's
 * receive queue itself for a while. Only packets that came through NAPI have such a queue, so
 * that on loopback there is nothing to look into.
 */
#ifndef FETCH_EPOLL_BUSY_POLL_H
#define FETCH_EPOLL_BUSY_POLL_H

#include "kernels/fetch/model.h"

/* model.check() for the choice busy-poll:T. */
int epoll_busy_poll_check(const struct model_choices *choices, enum wait_mode wait, char *why,
			  size_t why_size);

/*
 * Does what the choice asks for, if it was made, and writes what is in effect into `effective`:
 * "", ",busy-poll:20us", or that with "(not effective)". To find out, the first worker connects
 * once to each endpoint. Returns 0 or -errno with one line in why.
 */
int epoll_busy_poll_set(const struct worker *worker, int epoll, char *effective,
			size_t effective_size, char *why, size_t why_size);

#endif
