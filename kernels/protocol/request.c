/* Builds the head of a GET request once, so that sending it is one call on constant bytes. */
#include "kernels/protocol/request.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Whether the user gave a header of that name. */
static bool given(const struct request_options *o, const char *name)
{
	size_t length = strlen(name);

	for (unsigned i = 0; i < o->header_count; i++)
		if (strncasecmp(o->headers[i], name, length) == 0 && o->headers[i][length] == ':')
			return true;
	return false;
}

static void write_host(const struct url *url, FILE *text)
{
	fprintf(text, "Host: %s%s%s", url->literal_v6 ? "[" : "", url->host,
		url->literal_v6 ? "]" : "");
	if (!url->default_port)
		fprintf(text, ":%s", url->port);
	fputs("\r\n", text);
}

static void write_head(const struct url *url, const struct request_options *o, FILE *text)
{
	fprintf(text, "GET %s HTTP/1.1\r\n", url->target);
	if (!given(o, "Host"))
		write_host(url, text);
	if (!given(o, "User-Agent"))
		fprintf(text, "User-Agent: %s\r\n", o->user_agent);
	if (!given(o, "Accept"))
		fputs("Accept: */*\r\n", text);
	if (o->accept_encoding && !given(o, "Accept-Encoding"))
		fprintf(text, "Accept-Encoding: %s\r\n", o->accept_encoding);
	if (o->close)
		fputs("Connection: close\r\n", text);
	for (unsigned i = 0; i < o->header_count; i++)
		fprintf(text, "%s\r\n", o->headers[i]);
	fputs("\r\n", text);
}

int request_build(const struct url *url, const struct request_options *options,
		  struct request *request)
{
	FILE *text;

	request->bytes = NULL;
	text = open_memstream(&request->bytes, &request->length);
	if (!text)
		return -ENOMEM;
	write_head(url, options, text);
	request->close = options->close;
	if (fclose(text) == 0)
		return 0;
	request_release(request);
	return -ENOMEM;
}

void request_release(struct request *request)
{
	free(request->bytes);
	request->bytes = NULL;
}
