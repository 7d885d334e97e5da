/* Opening and closing, the slow path that all models share. */
#include "kernels/fetch/sockets.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

const struct endpoint *sockets_endpoint(const struct worker *worker,
					const struct connection *connection)
{
	return &worker->endpoints[connection->request->endpoint];
}

int sockets_open(struct worker *worker, struct connection *connection, bool nonblocking)
{
	const struct endpoint *endpoint = sockets_endpoint(worker, connection);
	int type = SOCK_STREAM | SOCK_CLOEXEC | (nonblocking ? SOCK_NONBLOCK : 0);
	int on = 1;
	int fd = socket(endpoint->address.ss_family, type, IPPROTO_TCP);

	worker->calls.total++;
	if (fd < 0)
		return -errno;
	worker->calls.total++;
	if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on))) {
		int err = -errno;

		close(fd);
		return err;
	}
	connection->fd = fd;
	return fd;
}

void sockets_close(struct worker *worker, struct connection *connection)
{
	if (connection->fd >= 0)
		calls_close(&worker->calls, connection->fd);
	connection_closed(connection);
}

void sockets_close_all(struct worker *worker)
{
	for (unsigned i = 0; i < worker->lanes * worker->endpoints_count; i++) {
		struct connection *c = &worker->connections[i];

		if (c->fd >= 0)
			close(c->fd);
		c->fd = -1;
	}
}
