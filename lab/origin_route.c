/* What targets name: one row a path. */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "lab/origin_body.h"
#include "lab/origin_http.h"
#include "lab/units.h"

/* What follows the path's fixed part. */
enum argument {
	ARGUMENT_NONE, /* nothing: the path is all */
	ARGUMENT_COUNT,
	ARGUMENT_SIZE,
	ARGUMENT_PREPARED, /* a size that may be prepared in memory */
	ARGUMENT_DURATION,
	ARGUMENT_STATUS,
	ARGUMENT_FAULT, /* KIND or KIND/T */
	ARGUMENT_URL	/* all of the rest, query included */
};

static const struct route {
	const char *path;
	enum argument argument;
	enum origin_resource resource;
} routes[] = {
	{"/", ARGUMENT_NONE, RESOURCE_ROOT},
	{"/bytes/", ARGUMENT_SIZE, RESOURCE_BYTES},
	{"/delay/", ARGUMENT_DURATION, RESOURCE_DELAY},
	{"/status/", ARGUMENT_STATUS, RESOURCE_STATUS},
	{"/chunked/", ARGUMENT_PREPARED, RESOURCE_CHUNKED},
	{"/gzip/", ARGUMENT_PREPARED, RESOURCE_GZIP},
	{"/deflate/", ARGUMENT_PREPARED, RESOURCE_DEFLATE},
	{"/br/", ARGUMENT_PREPARED, RESOURCE_BR},
	{"/zstd/", ARGUMENT_PREPARED, RESOURCE_ZSTD},
	{"/close/", ARGUMENT_SIZE, RESOURCE_CLOSE},
	{"/redirect/", ARGUMENT_COUNT, RESOURCE_REDIRECT},
	{"/redirect-to/", ARGUMENT_URL, RESOURCE_REDIRECT_TO},
	{"/loop", ARGUMENT_NONE, RESOURCE_LOOP},
	{"/loop/back", ARGUMENT_NONE, RESOURCE_LOOP_BACK},
	{"/continue", ARGUMENT_NONE, RESOURCE_CONTINUE},
	{"/fault/", ARGUMENT_FAULT, RESOURCE_FAULT},
};

/* Past "http://authority" of the absolute form that a proxy would be sent (RFC 9112, 3.2.2). */
static const char *skip_authority(const char *target)
{
	const char *slash;

	if (strncasecmp(target, "http://", 7) != 0)
		return target;
	slash = strchr(target + 7, '/');
	return slash ? slash : "/";
}

static int read_fault(const char *text, struct origin_request *request)
{
	size_t length = strcspn(text, "/");

	request->fault = origin_fault_find(text, length);
	if (!request->fault)
		return -EINVAL;
	request->number = request->fault->time_ns;
	if (!text[length])
		return 0;
	return request->fault->time_ns ? units_duration(text + length + 1, &request->number)
				       : -EINVAL;
}

/* Reads what follows the fixed part; not 0 when that is not what the path wants. */
static int read_argument(enum argument argument, const char *text, struct origin_request *request)
{
	switch (argument) {
	case ARGUMENT_NONE:
		return *text;
	case ARGUMENT_COUNT:
		return units_count(text, &request->number);
	case ARGUMENT_SIZE:
		return units_size(text, &request->number);
	case ARGUMENT_PREPARED:
		return units_size(text, &request->number) || request->number > ORIGIN_PREPARED_MAX;
	case ARGUMENT_DURATION:
		return units_duration(text, &request->number);
	case ARGUMENT_STATUS:
		return units_count(text, &request->number) || request->number < 100 ||
		       request->number > 599;
	case ARGUMENT_FAULT:
		return read_fault(text, request);
	case ARGUMENT_URL:
		break;
	}
	return !*text;
}

static bool take(const struct route *route, const char *path, struct origin_request *request)
{
	size_t fixed = strlen(route->path);

	return strncmp(path, route->path, fixed) == 0 &&
	       !read_argument(route->argument, path + fixed, request);
}

void origin_route(const char *target, struct origin_request *request)
{
	char path[ORIGIN_TARGET_MAX];
	const char *from = skip_authority(target);
	size_t length = strcspn(from, "?#");

	if (length >= sizeof(path))
		length = 0;
	memcpy(path, from, length);
	path[length] = '\0';
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		request->number = 0;
		request->fault = NULL;
		if (!take(&routes[i], path, request))
			continue;
		request->resource = routes[i].resource;
		if (routes[i].argument == ARGUMENT_URL)
			request->location = from + strlen(routes[i].path);
		return;
	}
	request->resource = RESOURCE_ERROR;
	request->number = 404;
	request->fault = NULL;
}
