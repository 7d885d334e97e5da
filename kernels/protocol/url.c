/* A small strict reader of http and https URLs. Whatever it lets through can be put into a
 * request as it stands: no control characters and no spaces. */
#include "kernels/protocol/url.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static int refuse(const char *text, const char *reason, char *why, size_t why_size)
{
	snprintf(why, why_size, "URL '%.200s': %s", text, reason);
	/* One line, whatever was typed. */
	for (char *p = why; *p; p++)
		if (iscntrl((unsigned char)*p))
			*p = '?';
	return -EINVAL;
}

static const char *read_scheme(const char *text, struct url *url)
{
	url->tls = strncasecmp(text, "https://", 8) == 0;
	if (url->tls)
		return text + 8;
	return strncasecmp(text, "http://", 7) == 0 ? text + 7 : NULL;
}

/* Reads "[v6]" or "name"; returns what follows it, or NULL with the reason. */
static const char *read_host(const char *at, struct url *url, const char **reason)
{
	size_t length;

	url->literal_v6 = *at == '[';
	if (url->literal_v6) {
		at++;
		length = strspn(at, "0123456789abcdefABCDEF:.");
		if (at[length] != ']') {
			*reason = "the address in brackets does not end in ]";
			return NULL;
		}
	} else {
		length = strcspn(at, ":/?#");
	}
	if (length == 0 || length >= sizeof(url->host)) {
		*reason = length ? "its host is too long" : "it names no host";
		return NULL;
	}
	for (size_t i = 0; i < length; i++) {
		if (!isalnum((unsigned char)at[i]) && !strchr("-._:", at[i])) {
			*reason = "its host has a character that no host has";
			return NULL;
		}
		url->host[i] = (char)tolower((unsigned char)at[i]);
	}
	url->host[length] = 0;
	return at + length + (url->literal_v6 ? 1 : 0);
}

/* "user:password@" ahead of the host: a password on a command line is everybody's to see. */
static bool names_user(const char *at)
{
	return memchr(at, '@', strcspn(at, "/?#")) != NULL;
}

static const char *read_port(const char *at, struct url *url, const char **reason)
{
	const char *scheme_port = url->tls ? "443" : "80";
	size_t length;

	snprintf(url->port, sizeof(url->port), "%s", scheme_port);
	url->default_port = true;
	if (*at != ':')
		return at;
	at++;
	length = strspn(at, "0123456789");
	if (length == 0 || length > 5 || atoi(at) > 65535 || atoi(at) == 0) {
		*reason = "its port is not a number from 1 to 65535";
		return NULL;
	}
	snprintf(url->port, sizeof(url->port), "%d", atoi(at));
	url->default_port = strcmp(url->port, scheme_port) == 0;
	return at + length;
}

static int read_target(const char *at, struct url *url, const char **reason)
{
	size_t length = strcspn(at, "#");
	size_t used = 0;

	if (*at && *at != '/' && *at != '?' && *at != '#') {
		*reason = "something other than a path follows its host";
		return -EINVAL;
	}
	if (length >= URL_TARGET_MAX) {
		*reason = "it is too long";
		return -EINVAL;
	}
	for (size_t i = 0; i < length; i++) {
		if ((unsigned char)at[i] <= ' ' || (unsigned char)at[i] >= 127) {
			*reason = "it has a space or a character that must be percent-encoded";
			return -EINVAL;
		}
	}
	if (*at != '/')
		url->target[used++] = '/';
	memcpy(url->target + used, at, length);
	url->target[used + length] = 0;
	return 0;
}

int url_parse(const char *text, struct url *url, char *why, size_t why_size)
{
	const char *reason = "it does not begin with http:// or https://";
	const char *at = read_scheme(text, url);

	if (at && names_user(at)) {
		reason = "user names are not taken; send a header: -H 'Authorization: ...'";
		at = NULL;
	}
	if (at)
		at = read_host(at, url, &reason);
	if (at)
		at = read_port(at, url, &reason);
	if (!at || read_target(at, url, &reason))
		return refuse(text, reason, why, why_size);
	return 0;
}
