/*
 * Whether this kernel does TLS: asked by trying it, on a connection to ourselves, because neither
 * its version nor its list of protocols tells (the module may be loaded by the asking).
 */
#include "kernels/protocol/tls_inside.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Only a connected socket takes the protocol. */
static int attach(int listener, int client)
{
	struct sockaddr_in self = {.sin_family = AF_INET};
	socklen_t size = sizeof(self);

	self.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(listener, (struct sockaddr *)&self, size) || listen(listener, 1) ||
	    getsockname(listener, (struct sockaddr *)&self, &size) ||
	    connect(client, (struct sockaddr *)&self, size) ||
	    setsockopt(client, IPPROTO_TCP, TCP_ULP, "tls", sizeof("tls")))
		return -errno;
	return 0;
}

int tls_kernel_probe(char *why, size_t why_size)
{
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int error = listener < 0 || client < 0 ? -errno : attach(listener, client);

	if (listener >= 0)
		close(listener);
	if (client >= 0)
		close(client);
	if (error == -ENOENT)
		snprintf(why, why_size, "the kernel has no TLS (modprobe tls)");
	else if (error)
		snprintf(why, why_size, "the kernel's TLS cannot be used: %s", strerror(-error));
	return error;
}
