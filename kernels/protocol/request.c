/* Builds the head of a GET request once, so that sending it is one call on constant bytes. */
#include "kernels/protocol/request.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

int request_build(const struct url *url, const char *user_agent, struct request *request)
{
	int length = asprintf(&request->bytes,
			      "GET %s HTTP/1.1\r\n"
			      "Host: %s%s%s%s%s\r\n"
			      "User-Agent: %s\r\n"
			      "Accept: */*\r\n"
			      "\r\n",
			      url->target, url->literal_v6 ? "[" : "", url->host,
			      url->literal_v6 ? "]" : "", url->default_port ? "" : ":",
			      url->default_port ? "" : url->port, user_agent);

	if (length < 0) {
		request->bytes = NULL;
		return -ENOMEM;
	}
	request->length = (size_t)length;
	return 0;
}

void request_release(struct request *request)
{
	free(request->bytes);
	request->bytes = NULL;
}
