/* RFC 3986, 5.2 in three steps: the reference is made clean (what must be encoded is, the fragment
 * goes), made whole (a URL as text that url_parse() reads), and its dot segments are removed. */
#include "kernels/protocol/url_reference.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* A line about the reference, whatever bytes are in it. */
static int refuse(const char *reference, size_t length, const char *reason, char *why,
		  size_t why_size)
{
	char quoted[201];
	size_t shown = length < sizeof(quoted) - 1 ? length : sizeof(quoted) - 1;

	for (size_t i = 0; i < shown; i++) {
		unsigned char c = (unsigned char)reference[i];

		quoted[i] = c < ' ' || c >= 127 ? '?' : (char)c;
	}
	quoted[shown] = 0;
	snprintf(why, why_size, "Location '%s': %s", quoted, reason);
	return -EINVAL;
}

/*
 * Copies the reference without its fragment and the spaces around it, with what no URL may contain
 * percent-encoded. Returns NULL, or the reason why it cannot be.
 */
static const char *clean(const char *from, size_t length, char *to, size_t size)
{
	static const char digits[] = "0123456789ABCDEF";
	size_t used = 0, end = 0;

	while (length > 0 && *from == ' ') {
		from++;
		length--;
	}
	while (length > 0 && from[length - 1] == ' ')
		length--;
	for (size_t i = 0; i < length; i++)
		if ((unsigned char)from[i] < ' ')
			return "it has a control character";
	while (end < length && from[end] != '#')
		end++;
	for (size_t i = 0; i < end; i++) {
		unsigned char c = (unsigned char)from[i];

		if (used + 4 > size)
			return "it is too long";
		if (c > ' ' && c < 127) {
			to[used++] = (char)c;
			continue;
		}
		to[used++] = '%';
		to[used++] = digits[c >> 4];
		to[used++] = digits[c & 15];
	}
	to[used] = 0;
	return NULL;
}

/* The length of "scheme:" in front, or 0 (RFC 3986, 3.1). */
static size_t scheme_length(const char *text)
{
	size_t i = 0;

	if (!isalpha((unsigned char)text[0]))
		return 0;
	while (text[i] && (isalnum((unsigned char)text[i]) || strchr("+-.", text[i])))
		i++;
	return text[i] == ':' ? i + 1 : 0;
}

static bool known_scheme(const char *text, size_t length)
{
	return (length == 5 && strncasecmp(text, "http:", 5) == 0) ||
	       (length == 6 && strncasecmp(text, "https:", 6) == 0);
}

/*
 * Removes "." and ".." from an absolute path, in place; returns its new length. As RFC 3986, 5.2.4,
 * a segment at a time: what is kept never outgrows what has been read.
 */
static size_t remove_dot_segments(char *path, size_t length)
{
	size_t kept = 0, at = 0;

	while (at < length) {
		size_t end = at + 1, segment;
		bool dots;

		while (end < length && path[end] != '/')
			end++;
		segment = end - at - 1;
		dots = (segment == 1 || segment == 2) && memcmp(path + at + 1, "..", segment) == 0;
		if (dots && segment == 2)
			while (kept > 0 && path[--kept] != '/')
				;
		if (!dots) {
			memmove(path + kept, path + at, end - at);
			kept += end - at;
		} else if (end == length) {
			path[kept++] = '/';
		}
		at = end;
	}
	return kept;
}

static void normalise(struct url *url)
{
	size_t path = strcspn(url->target, "?");
	size_t kept = remove_dot_segments(url->target, path);

	memmove(url->target + kept, url->target + path, strlen(url->target + path) + 1);
}

/* The reference's path and query on base's host: what stays of base's own depends on its form. */
static int join(const struct url *base, const char *reference, char *target, size_t size)
{
	size_t kept = strcspn(base->target, "?");

	if (*reference == 0)
		kept = strlen(base->target);
	else if (*reference == '/')
		kept = 0;
	else if (*reference != '?')
		while (base->target[kept - 1] != '/')
			kept--;
	return snprintf(target, size, "%.*s%s", (int)kept, base->target, reference);
}

static int print(char *text, size_t size, const struct url *url, const char *target)
{
	return snprintf(text, size, "http%s://%s%s%s%s%s%s", url->tls ? "s" : "",
			url->literal_v6 ? "[" : "", url->host, url->literal_v6 ? "]" : "",
			url->default_port ? "" : ":", url->default_port ? "" : url->port, target);
}

int url_resolve(const struct url *base, const char *reference, size_t length, struct url *target,
		char *why, size_t why_size)
{
	char text[2 * URL_TEXT_MAX], cleaned[URL_TEXT_MAX];
	const char *reason = clean(reference, length, cleaned, sizeof(cleaned));
	size_t scheme = reason ? 0 : scheme_length(cleaned);
	struct url result;

	if (reason)
		return refuse(reference, length, reason, why, why_size);
	if (scheme > 0 && !known_scheme(cleaned, scheme))
		return refuse(reference, length, "its scheme is not http or https", why, why_size);
	if (scheme > 0) {
		snprintf(text, sizeof(text), "%s", cleaned);
	} else if (strncmp(cleaned, "//", 2) == 0) {
		snprintf(text, sizeof(text), "http%s:%s", base->tls ? "s" : "", cleaned);
	} else {
		char joined[URL_TARGET_MAX + URL_TEXT_MAX];

		join(base, cleaned, joined, sizeof(joined));
		print(text, sizeof(text), base, joined);
	}
	if (url_parse(text, &result, why, why_size))
		return -EINVAL;
	/* The path of an empty reference and of a query alone is base's, as it stands. */
	if (*cleaned != 0 && *cleaned != '?')
		normalise(&result);
	*target = result;
	return 0;
}

bool url_same_origin(const struct url *a, const struct url *b)
{
	return a->tls == b->tls && a->literal_v6 == b->literal_v6 &&
	       strcmp(a->host, b->host) == 0 && strcmp(a->port, b->port) == 0;
}

int url_print(const struct url *url, char *text, size_t size)
{
	return print(text, size, url, url->target);
}
