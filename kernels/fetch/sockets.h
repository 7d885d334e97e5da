/* Sockets as every model opens them: one place, so that the options are the same for all. */
#ifndef FETCH_SOCKETS_H
#define FETCH_SOCKETS_H

#include <stdbool.h>

#include "kernels/fetch/model.h"

/*
 * A TCP socket for the connection's endpoint with TCP_NODELAY set, not yet connected; also
 * stored in connection->fd. Returns the descriptor or -errno.
 */
int sockets_open(struct worker *worker, struct connection *connection, bool nonblocking);

/* The address that the connection's request goes to. */
const struct endpoint *sockets_endpoint(const struct worker *worker,
					const struct connection *connection);

/* Closes the socket if there is one and tells the connection. */
void sockets_close(struct worker *worker, struct connection *connection);

/* Closes whatever is still open, uncounted: the run is over. */
void sockets_close_all(struct worker *worker);

#endif
